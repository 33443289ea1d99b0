"""Deadline texts, Chinese and English, into rules and back (CONTRACT.md §3)."""
