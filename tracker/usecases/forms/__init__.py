"""Blanks out, filled tables in, and who is missing."""
