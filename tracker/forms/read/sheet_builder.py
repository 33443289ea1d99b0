"""A workbook while it is read: every cell is counted, so that no reader need know the limits."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from tracker.forms import limits
from tracker.forms.book import Book, Cell, Content, FileKind, Merge, Place, Sheet
from tracker.forms.read import refusals
from tracker.forms.read.refusals import refuse
from tracker.i18n.message import Message

#: Neither XML nor a database takes these.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_LONGEST_NAME = 200


def clean(text: str) -> str:
    """``text`` without what cannot be stored."""
    return _UNPRINTABLE.sub("", text)


def file_name(name: str) -> str:
    """The last part of a path of either kind, cut at its front where it is endless."""
    return clean(PurePosixPath(name.replace("\\", "/")).name)[-_LONGEST_NAME:]


class SheetGatherer:
    """One sheet; ``put`` takes its cells in any order."""

    def __init__(self, book: BookGatherer, name: str, *, is_hidden: bool) -> None:
        self._book = book
        self._name = clean(name)
        self._is_hidden = is_hidden
        self._cells: dict[Place, Cell] = {}
        self._rows: set[int] = set()
        self._merges: list[Merge] = []
        self._hidden_rows: set[int] = set()
        self._hidden_columns: set[int] = set()
        self._struck: set[Place] = set()
        self._faded: set[Place] = set()
        self._has_picture = False

    def hide(self) -> None:
        """The sheet is one that nobody sees."""
        self._is_hidden = True

    def hide_rows(self, first: int, count: int = 1) -> None:
        """Rows that nobody sees."""
        self._hidden_rows.update(range(first, min(first + count, limits.LAST_ROW)))

    def hide_columns(self, first: int, count: int = 1) -> None:
        """Columns that nobody sees."""
        self._hidden_columns.update(range(first, min(first + count, limits.MAX_COLUMNS)))

    def strike(self, row: int, column: int) -> None:
        """A cell that is struck out."""
        self._struck.add((row, column))

    def fade(self, row: int, column: int) -> None:
        """A cell whose content is not seen."""
        self._faded.add((row, column))

    def picture(self) -> None:
        """A picture lies on the sheet."""
        self._has_picture = True

    def put(
        self,
        row: int,
        column: int,
        value: Content,
        formula: str | None = None,
        *,
        is_error: bool = False,
        shown: str | None = None,
    ) -> None:
        """A cell; one without a value and a formula is none.  A formula may have come to nothing, which is “”."""
        length = 0
        if isinstance(value, str):
            value = clean(value)
            length = len(value)
            if length > limits.MAX_CELL_TEXT:
                refuse(refusals.TOO_LONG_TEXT)
            if not value and formula is None:
                value = None
        if value is None and formula is None:
            return
        if column >= limits.MAX_COLUMNS or row >= limits.LAST_ROW:
            if formula is None and isinstance(value, str) and not value.strip():
                return  # a stray blank far away is nobody's data
            refuse(refusals.TOO_WIDE if column >= limits.MAX_COLUMNS else refusals.TOO_LONG)
        if formula is not None:
            formula = clean(formula)
            length += len(formula)
        if row not in self._rows:
            self._rows.add(row)
            self._book.count_row()
        self._book.count_cell(length)
        self._cells[row, column] = Cell(value, formula, is_error, shown)

    def merge(self, first_row: int, first_column: int, last_row: int, last_column: int) -> None:
        """A merged block, cut where nothing may stand any more."""
        last_row = min(last_row, limits.LAST_ROW - 1)
        last_column = min(last_column, limits.MAX_COLUMNS - 1)
        height, width = last_row - first_row + 1, last_column - first_column + 1
        if min(first_row, first_column) >= 0 and min(height, width) >= 1 and height * width > 1:
            self._book.count_merged(height * width)
            self._merges.append(Merge(first_row, first_column, last_row, last_column))

    def mark_formulas(self, blocks: list[tuple[int, int, int, int]], formula: str) -> None:
        """Cells in ``blocks`` are results of a formula that stands in another cell."""
        for place, cell in self._cells.items() if blocks else ():
            if cell.formula is None and any(
                first_row <= place[0] <= last_row and first_column <= place[1] <= last_column
                for first_row, first_column, last_row, last_column in blocks
            ):
                self._cells[place] = cell._replace(formula=formula)

    def finish(self) -> Sheet:
        """The sheet.  What is covered by a merged block is not seen by anybody, and not read either."""
        for merge in self._merges:
            first = merge.first_row, merge.first_column
            for place in merge.places():
                if place != first:
                    self._cells.pop(place, None)
        return Sheet(
            self._name,
            self._cells,
            tuple(self._merges),
            self._is_hidden,
            frozenset(self._hidden_rows & self._rows),
            frozenset(self._hidden_columns),
            frozenset(self._struck & self._cells.keys()),
            self._has_picture,
            frozenset(self._faded & self._cells.keys()),
        )


class BookGatherer:
    """A book; counts over all its sheets."""

    def __init__(self, name: str, kind: FileKind) -> None:
        self.name = file_name(name)
        self._kind = kind
        self._sheets: list[SheetGatherer] = []
        self._rows = self._cells = self._text = self._merged = 0

    def sheet(self, name: str, *, is_hidden: bool = False) -> SheetGatherer:
        """The next sheet."""
        if len(self._sheets) >= limits.MAX_SHEETS:
            refuse(refusals.TOO_MANY_SHEETS)
        self._sheets.append(SheetGatherer(self, name, is_hidden=is_hidden))
        return self._sheets[-1]

    def finish(self, without_sheets: Message = refusals.BROKEN) -> Book:
        """The book; one without a sheet is refused as that, and one of pictures alone."""
        sheets = tuple(sheet.finish() for sheet in self._sheets)
        if not sheets:
            refuse(without_sheets)
        if any(sheet.has_picture for sheet in sheets) and not any(sheet.cells for sheet in sheets):
            refuse(refusals.ONLY_PICTURE)
        return Book(self.name, self._kind, sheets)

    def count_row(self) -> None:
        """One more row in which something stands."""
        self._rows += 1
        if self._rows > limits.MAX_ROWS:
            refuse(refusals.TOO_LONG)

    def count_cell(self, length: int) -> None:
        """One more filled cell, of so many characters."""
        self._cells += 1
        self._text += length
        if self._cells > limits.MAX_CELLS or self._text > limits.MAX_TEXT:
            refuse(refusals.TOO_MUCH)

    def count_merged(self, area: int) -> None:
        """One more merged block."""
        self._merged += area
        if self._merged > limits.MAX_MERGED:
            refuse(refusals.TOO_MERGED)
