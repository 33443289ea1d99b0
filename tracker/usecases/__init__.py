"""What people ask for, by command, page or program: the door to the rooms below."""
