"""The “XML spreadsheet” of Excel 2003 into a book: one pass, as it is one part."""

from __future__ import annotations

from tracker.forms import limits
from tracker.forms.book import Book, Content
from tracker.forms.check.number_formats import NumberFormat, look_of
from tracker.forms.check.raised import raised
from tracker.forms.read import refusals
from tracker.forms.read.excel_dates import from_iso, number_of, whole
from tracker.forms.read.sheet_builder import BookGatherer, SheetGatherer
from tracker.forms.read.xml_parts import Chain, TextCollector, locals_of, parse

_RAISED = frozenset({"Sup", "Sub"})


def read_xml(name: str, data: bytes) -> Book:
    """The book in ``data``, which is refused where it cannot be read."""
    gatherer = BookGatherer(name, "xml")
    workbook = _Workbook(gatherer)
    parse((data,), workbook, workbook.text)
    return gatherer.finish(refusals.XML_2003)


class _Workbook(Chain):
    def __init__(self, book: BookGatherer) -> None:
        self.text = TextCollector()
        self._book = book
        self._sheet: SheetGatherer | None = None
        self._row = self._column = self._next_column = 0
        self._cell: dict[str, str] = {}
        self._type = ""
        self._style = ""
        self._struck: set[str] = set()
        self._looks: dict[str, NumberFormat] = {}
        self._mark = 0
        self._is_comment = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        found = locals_of(attributes)
        if name == "Worksheet":
            self._sheet = self._book.sheet(found.get("Name", ""))
            self._row, self._next_column = -1, 0
        elif name == "Row":
            self._row_starts(found)
        elif name == "Cell":
            self._column = _number(found.get("Index"), self._column + 2) - 1
            self._cell, self._type = found, ""
            self.text.take()
        elif name == "Data" and not self._is_comment:
            self._type = found.get("Type", "String")
            self.text.listen()
        elif name == "Visible":
            self.text.take()
            self.text.listen()
        else:
            self._in_looks(name, found)

    def _in_looks(self, name: str, found: dict[str, str]) -> None:
        if name == "Comment":
            self._is_comment = True
        elif name == "Column":
            first = _number(found.get("Index"), self._next_column + 1) - 1
            count = _number(found.get("Span"), 0) + 1
            self._next_column = first + count
            if self._sheet is not None and found.get("Hidden") == "1":
                self._sheet.hide_columns(first, count)
        elif name == "Style":
            self._style = found.get("ID", "")
        elif name == "Font" and found.get("StrikeThrough") == "1":
            self._struck.add(self._style)
        elif name == "NumberFormat":
            code = found.get("Format", "")
            if look := look_of("0%" if code == "Percent" else code):
                self._looks[self._style] = look
        elif name in _RAISED:
            self._mark = self.text.mark()

    def _row_starts(self, found: dict[str, str]) -> None:
        self._row = _number(found.get("Index"), self._row + 2) - 1
        self._column = -1
        if self._sheet is not None and found.get("Hidden") == "1":
            self._sheet.hide_rows(self._row)

    def end(self, name: str) -> None:
        if name == "Data":
            self.text.deaf()
        elif name in _RAISED:
            self.text.add(raised(self.text.cut(self._mark)))
        elif name == "Comment":
            self._is_comment = False
        elif name == "Cell":
            self._cell_ends()
        elif name == "Visible" and self.text.take() != "SheetVisible" and self._sheet is not None:
            self._sheet.hide()

    def _cell_ends(self) -> None:
        text, sheet, found = self.text.take(), self._sheet, self._cell
        if sheet is None:
            return
        value = _value(self._type, text)
        look = self._looks.get(found.get("StyleID", ""))
        shown = None
        if look is not None and isinstance(value, (int, float)) and self._type == "Number":
            shown = look.of(value)
        sheet.put(
            max(self._row, 0),
            self._column,
            value,
            found.get("Formula"),
            is_error=self._type == "Error",
            shown=shown,
        )
        if found.get("StyleID") in self._struck:
            sheet.strike(max(self._row, 0), self._column)
        down, across = _number(found.get("MergeDown"), 0), _number(found.get("MergeAcross"), 0)
        sheet.merge(max(self._row, 0), self._column, max(self._row, 0) + down, self._column + across)
        self._column += across


def _value(kind: str, text: str) -> Content:
    if kind == "Number":
        number = number_of(text)
        return text if number is None else whole(float(number))
    if kind == "DateTime":
        return from_iso(text) or text
    if kind == "Boolean":
        return text == "1"
    # A formula may have come to a text of nothing.
    return text or ("" if kind == "String" else None)


def _number(text: str | None, otherwise: int) -> int:
    return (
        min(int(text), limits.MAX_ELEMENTS)
        if text is not None and text.isdecimal() and len(text) < 9
        else otherwise
    )
