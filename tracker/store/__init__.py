"""Rows in a database, and nothing that decides."""
