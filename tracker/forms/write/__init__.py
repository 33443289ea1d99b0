"""Workbooks out: the blank, the checked copy, the city's summary."""
