"""Deadline tracker and reminder service for work that is handed out by document."""

__version__ = "0.1.0"
