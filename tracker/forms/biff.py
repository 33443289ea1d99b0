""".xls into a book, through xlrd.  It gives the values stored with formulas, and not which cells have one."""

from __future__ import annotations

from typing import Any

import xlrd

from tracker.forms import refusals
from tracker.forms.book import Book, Content
from tracker.forms.gather import BookGatherer, SheetGatherer
from tracker.forms.moments import from_serial, whole
from tracker.forms.refusals import refuse

_ENCRYPTED = "encrypted"


class _Nowhere:
    """Where xlrd may write its remarks; it would take standard output."""

    def write(self, text: str) -> None:
        """Forget ``text``."""

    def flush(self) -> None:
        """Nothing to do."""


def read_xls(name: str, data: bytes) -> Book:
    """The book in ``data``, which is refused where it cannot be read."""
    workbook = _opened(data)
    gatherer = BookGatherer(name, "xls")
    for found in workbook.sheets():
        sheet = gatherer.sheet(found.name, is_hidden=found.visibility != 0)
        for row in range(found.nrows):
            for column, cell in enumerate(found.row(row)):
                if cell.ctype not in {xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK}:
                    _put(sheet, row, column, cell, is_1904=bool(workbook.datemode))
        for first_row, past_row, first_column, past_column in found.merged_cells:
            sheet.merge(first_row, first_column, past_row - 1, past_column - 1)
    book = gatherer.finish()
    if not book.sheets:
        refuse(refusals.BROKEN)
    return book


def _opened(data: bytes) -> Any:
    # Merged blocks come with the formatting only, at which xlrd fails where other programs do not.
    for with_looks in (True, False):
        try:
            return xlrd.open_workbook(
                file_contents=data, logfile=_Nowhere(), formatting_info=with_looks, ragged_rows=True
            )
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 -- xlrd raises whatever its assumptions break with
            if _ENCRYPTED in str(error):
                refuse(refusals.ENCRYPTED)
    refuse(refusals.BROKEN)


def _put(sheet: SheetGatherer, row: int, column: int, cell: Any, *, is_1904: bool) -> None:
    value: Content = cell.value
    is_error = cell.ctype == xlrd.XL_CELL_ERROR
    if is_error:
        value = xlrd.error_text_from_code.get(cell.value, "#VALUE!")
    elif cell.ctype == xlrd.XL_CELL_BOOLEAN:
        value = bool(cell.value)
    elif cell.ctype == xlrd.XL_CELL_NUMBER:
        value = whole(cell.value)
    elif cell.ctype == xlrd.XL_CELL_DATE:
        moment = from_serial(cell.value, is_1904=is_1904)
        value = whole(cell.value) if moment is None else moment
    sheet.put(row, column, value, is_error=is_error)
