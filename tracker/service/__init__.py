"""The running service: the wiring, a pass, sending, and what follows an edit of the files."""
