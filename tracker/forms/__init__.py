"""Spreadsheets: forms out, tables in.  Knows the core only; no database, no clock, no mail."""
