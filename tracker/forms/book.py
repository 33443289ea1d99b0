"""A workbook as it was read, whatever kind of file it was: cells and where they stand, and nothing else.

Plain values only, as it comes out of a process of its own (``apart``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Literal, NamedTuple

#: What a cell can hold.  A formula has the value that was stored with it, if any.
Content = str | int | float | bool | datetime | time | None

FileKind = Literal["xlsx", "xls", "ods", "xml", "csv", "html", "docx"]
#: What holds files: a zip archive, a mail.
ParcelKind = Literal["zip", "eml"]
#: The kinds in which a number is a text like any other.
ALL_TEXT: frozenset[FileKind] = frozenset({"csv", "html", "docx"})

#: Row and column, both from 0.
Place = tuple[int, int]


class Cell(NamedTuple):
    """One cell that is not empty.

    ``formula`` is its text from “=” on, where it is one.  ``is_error`` says that ``value`` is the name of an
    error (#REF!).  A number that the file marks as a date is a datetime without a zone, a pure time a time.
    ``shown`` is what is seen of a number where its format makes another one of it: 1.5万元 of 15000.
    """

    value: Content
    formula: str | None = None
    is_error: bool = False
    shown: str | None = None


class Merge(NamedTuple):
    """A block of cells made into one; first and last row and column, all included.  The first one has the value."""

    first_row: int
    first_column: int
    last_row: int
    last_column: int

    def places(self) -> Iterator[Place]:
        """Every cell in it, the first one first."""
        for row in range(self.first_row, self.last_row + 1):
            for column in range(self.first_column, self.last_column + 1):
                yield row, column


@dataclass(frozen=True)
class Sheet:
    """One sheet; ``cells`` has those that are not empty.

    ``hidden_rows`` are hidden by hand or by a filter, ``struck`` the cells that are struck out.  ``faded`` are
    those whose content is not seen: white on white, or in a format that shows nothing.  ``has_picture`` where one lies
    on it.
    """

    name: str
    cells: Mapping[Place, Cell]
    merges: tuple[Merge, ...] = ()
    is_hidden: bool = False
    hidden_rows: frozenset[int] = frozenset()
    hidden_columns: frozenset[int] = frozenset()
    struck: frozenset[Place] = frozenset()
    has_picture: bool = False
    faded: frozenset[Place] = frozenset()


@dataclass(frozen=True)
class Book:
    """A workbook.  ``name`` is the file's name without folders."""

    name: str
    kind: FileKind
    sheets: tuple[Sheet, ...] = field(default_factory=tuple)


def column_letters(column: int) -> str:
    """``A`` for 0, ``AA`` for 26."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def address(place: Place) -> str:
    """``C7`` for (6, 2)."""
    row, column = place
    return f"{column_letters(column)}{row + 1}"
