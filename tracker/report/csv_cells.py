"""Texts in the cells of CSV: none is a formula to a spreadsheet, and none begins a row."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from typing import TextIO

#: With these a spreadsheet begins a formula, or skips what stands before one (security, point 11).  Chinese and
#: Japanese ones take the full-width signs for the same.
FORMULA_STARTS = (*"=+-@", *"＝＋－＠", "\t", "\r", "\n", "\0")


def write_csv(stream: TextIO, rows: Iterable[Sequence[object]], end: str = "\n") -> None:
    """``rows``, the heading first; None is an empty cell."""
    writer = csv.writer(stream, lineterminator=end)
    writer.writerows([harmless(each) if isinstance(each, str) else each for each in row] for row in rows)


def harmless(text: str) -> str:
    """``text`` for a cell; what looks like a formula has an apostrophe before it."""
    # The writer puts a line feed in quotes, and not a carriage return, after which a spreadsheet begins a row.
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
