"""What is done with tables as a whole: forms written out, files taken in, who is missing, the city's summary."""
