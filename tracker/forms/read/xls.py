""".xls into a book, through xlrd.

It gives the values stored with formulas, and not which cells have one.  That is found in a walk over the records of
the sheet; what the formula says is compiled there, and stays unknown (“=…”).
"""

from __future__ import annotations

import contextlib
import struct
from typing import Any

import xlrd
import xlrd.book
import xlrd.sheet

from tracker.errors import FileRefusedError
from tracker.forms.book import Book, Content, Place
from tracker.forms.check.number_formats import NumberFormat, look_of
from tracker.forms.check.raised import raised
from tracker.forms.read import refusals
from tracker.forms.read.excel_dates import from_serial, whole
from tracker.forms.read.ole_container import workbook_stream
from tracker.forms.read.refusals import refuse
from tracker.forms.read.sheet_builder import BookGatherer, SheetGatherer

UNKNOWN_FORMULA = "=…"
_ENCRYPTED = "encrypted"
#: Kind and length before each record; row and column first in one of a formula.
_RECORD = struct.Struct("<HH")
_PLACE = struct.Struct("<HH")
_FORMULAS = frozenset({0x0006, 0x0206, 0x0406})
#: An object on the sheet: lengths and kinds come before its own kind, 8 for a picture.
_OBJECT, _PICTURE = 0x005D, 8
_KIND = struct.Struct("<4xH")
_BEGIN, _END = 0x0809, 0x000A


_unpack = xlrd.book.unpack_SST_table


def _unpacked(table: list[bytes], count: int) -> Any:
    """The shared strings, also where there are fewer than the file says: as many as there are."""
    try:
        return _unpack(table, count)
    except (AssertionError, IndexError, struct.error):
        fewest, most = 0, min(count, sum(map(len, table)))
        while most - fewest > 1:
            middle = (fewest + most) // 2
            with contextlib.suppress(AssertionError, IndexError, struct.error):
                _unpack(table, middle)
                fewest = middle
                continue
            most = middle
        return _unpack(table, fewest)


# xlrd has no other way to be told so; names and comments, over which it stumbles, are nothing to us.
xlrd.book.unpack_SST_table = _unpacked
xlrd.book.Book.names_epilogue = lambda _book: None
xlrd.sheet.Sheet.handle_note = lambda _sheet, _data, _texts: None


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
    for number in range(workbook.nsheets):
        found = workbook.sheet_by_index(number)
        formulas, has_picture = _records(workbook, number)
        sheet = gatherer.sheet(found.name, is_hidden=found.visibility != 0)
        if has_picture:
            sheet.picture()
        looks = _looks(workbook)
        for row in range(found.nrows):
            for column, cell in enumerate(found.row(row)):
                if cell.ctype not in {xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK}:
                    formula = UNKNOWN_FORMULA if (row, column) in formulas else None
                    if runs := found.rich_text_runlist_map.get((row, column)):
                        cell.value = _with_raised(workbook, cell.value, runs)
                    look = looks.get(cell.xf_index)
                    _put(sheet, row, column, cell, formula, look, is_1904=bool(workbook.datemode))
        _unseen(workbook, found, sheet)
        for first_row, past_row, first_column, past_column in found.merged_cells:
            sheet.merge(first_row, first_column, past_row - 1, past_column - 1)
    return gatherer.finish()


def _looks(workbook: Any) -> dict[int, NumberFormat]:
    """The number formats that show other numbers than they are given, as cells name them."""
    found = {}
    for number, each in enumerate(workbook.xf_list if workbook.formatting_info else ()):
        known = workbook.format_map.get(each.format_key)
        if known is not None and (look := look_of(known.format_str)):
            found[number] = look
    return found


def _with_raised(workbook: Any, text: object, runs: list[tuple[int, int]]) -> object:
    """A text in runs of several fonts, (where it begins, number of the font): what is raised stays told apart."""
    if not isinstance(text, str):
        return text
    ends = [start for start, _ in runs[1:]] + [len(text)]
    pieces = [text[: runs[0][0]]]
    for (start, font), end in zip(runs, ends, strict=True):
        is_raised = font < len(workbook.font_list) and workbook.font_list[font].escapement in {1, 2}
        pieces.append(raised(text[start:end]) if is_raised else text[start:end])
    return "".join(pieces)


def _unseen(workbook: Any, found: Any, sheet: SheetGatherer) -> None:
    """What is hidden or struck out; known only where the looks could be read."""
    for row, info in found.rowinfo_map.items():
        if info.hidden:
            sheet.hide_rows(row)
    for column, info in found.colinfo_map.items():
        if info.hidden:
            sheet.hide_columns(column)
    struck = {number for number, font in enumerate(workbook.font_list) if font.struck_out}
    looks = {number for number, look in enumerate(workbook.xf_list) if look.font_index in struck}
    if not looks or not workbook.formatting_info:
        return
    for row in range(found.nrows):
        for column, look in enumerate(found.row(row)):
            if look.xf_index in looks:
                sheet.strike(row, column)


def _opened(data: bytes) -> Any:
    # Merged blocks come with the formatting only, at which xlrd fails where other programs do not, as at sectors that
    # are chained askew where the stream itself is whole.
    bare = None
    for with_looks, is_bare in ((True, False), (False, False), (True, True)):
        if is_bare and (bare := workbook_stream(data)) is None:
            break
        try:
            workbook = xlrd.open_workbook(
                file_contents=bare if is_bare else data,
                logfile=_Nowhere(),
                formatting_info=with_looks,
                ragged_rows=True,
                on_demand=True,  # so that the records stay at hand
            )
            workbook.sheets()
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 -- xlrd raises whatever its assumptions break with
            if _ENCRYPTED in str(error):
                refuse(refusals.ENCRYPTED)
        else:
            return workbook
    raise FileRefusedError(refusals.BROKEN)


def _records(workbook: Any, number: int) -> tuple[set[Place], bool]:
    """Where sheet ``number`` has formulas, and whether a picture lies on it; nothing of sheets before Excel 5."""
    starts = getattr(workbook, "_sh_abs_posn", ())
    stream = getattr(workbook, "mem", None)
    places: set[Place] = set()
    has_picture = False
    if not stream or number >= len(starts):
        return places, has_picture
    at, depth = starts[number], 0
    while 0 <= at <= len(stream) - _RECORD.size:
        kind, length = _RECORD.unpack_from(stream, at)
        at += _RECORD.size
        if kind == _BEGIN:
            depth += 1
        elif kind == _END:
            depth -= 1
        elif kind in _FORMULAS and length >= _PLACE.size and at + _PLACE.size <= len(stream):
            places.add(_PLACE.unpack_from(stream, at))
        elif kind == _OBJECT and length >= _KIND.size and at + _KIND.size <= len(stream):
            has_picture |= _KIND.unpack_from(stream, at)[0] == _PICTURE
        if depth <= 0:
            break
        at += length
    return places, has_picture


def _put(
    sheet: SheetGatherer,
    row: int,
    column: int,
    cell: Any,
    formula: str | None,
    look: NumberFormat | None,
    *,
    is_1904: bool,
) -> None:
    shown = None
    value: Content = cell.value
    is_error = cell.ctype == xlrd.XL_CELL_ERROR
    if is_error:
        value = xlrd.error_text_from_code.get(cell.value, "#VALUE!")
    elif cell.ctype == xlrd.XL_CELL_BOOLEAN:
        value = bool(cell.value)
    elif cell.ctype == xlrd.XL_CELL_NUMBER:
        value = whole(cell.value)
        shown = None if look is None else look.of(value)
    elif cell.ctype == xlrd.XL_CELL_DATE:
        moment = from_serial(cell.value, is_1904=is_1904)
        value = whole(cell.value) if moment is None else moment
    sheet.put(row, column, value, formula, is_error=is_error, shown=shown)
