"""One pass: reconcile the definitions, plan what is to be said, claim, look again, send, record."""
