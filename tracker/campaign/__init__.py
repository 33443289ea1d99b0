"""The definitions in force as one immutable snapshot, and who gets mail by them."""
