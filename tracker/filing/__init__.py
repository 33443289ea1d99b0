"""Tables that units file: which are due, which assignment a file answers, what was filed."""
