"""Files of any kind into cells, in a process with limits."""
