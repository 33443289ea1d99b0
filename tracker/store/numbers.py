"""Rows by a number that somebody typed, which may be larger than any that a database can hold."""

from __future__ import annotations

from sqlalchemy import Column, ColumnElement, false

#: What the columns hold.
LARGEST = 2**63 - 1


def numbered(column: Column[int], number: int) -> ColumnElement[bool]:
    """Whether ``column`` is ``number``: never, for one that no row can have."""
    return column == number if 0 < number <= LARGEST else false()
