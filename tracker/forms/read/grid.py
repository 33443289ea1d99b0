"""Rows of cells that span rows and columns, as web pages and Word have them, into a sheet."""

from __future__ import annotations

from tracker.forms.read.sheet_builder import SheetGatherer


class Grid:
    """Puts one row after another; a cell goes where none reaches down from above."""

    def __init__(self, sheet: SheetGatherer) -> None:
        self._sheet = sheet
        self._row = -1
        self._column = 0
        #: By column the last row to which a cell above reaches.
        self._reach: dict[int, int] = {}

    @property
    def place(self) -> tuple[int, int]:
        """Row and column at which the next cell goes."""
        while self._reach.get(self._column, -1) >= self._row:
            self._column += 1
        return self._row, self._column

    def row(self, *, is_hidden: bool = False) -> None:
        """The next row begins."""
        self._row += 1
        self._column = 0
        if is_hidden:
            self._sheet.hide_rows(self._row)

    def cell(self, text: str, rows: int = 1, columns: int = 1, *, is_struck: bool = False) -> None:
        """The next cell of the row."""
        if self._row < 0:
            self.row()
        row, column = self.place
        self._column = column + columns
        self._sheet.put(row, column, text)
        if is_struck:
            self._sheet.strike(row, column)
        self._sheet.merge(row, column, row + rows - 1, column + columns - 1)
        if rows > 1:
            self._reach |= dict.fromkeys(range(column, column + columns), row + rows - 1)

    def end(self) -> None:
        """A table ends: nothing reaches beyond."""
        self._reach.clear()
