"""A Word document into a book: its tables below each other, and the paragraphs between them as rows, on one sheet.

What stands in text boxes is a sheet of its own, as nobody knows where on the page they are.

Every cell is a text.  What was deleted or hidden in the document is no part of it; rows and cells that were deleted
with tracked changes are still seen, and are struck out.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from tracker.forms import limits
from tracker.forms.book import Book
from tracker.forms.check.raised import raised
from tracker.forms.read import refusals
from tracker.forms.read.archive import Archive
from tracker.forms.read.refusals import refuse
from tracker.forms.read.sheet_builder import BookGatherer, SheetGatherer
from tracker.forms.read.symbol_fonts import seen
from tracker.forms.read.xml_parts import Chain, TextCollector, locals_of, parse

_DOCUMENT = "word/document.xml"
_ON = frozenset({"1", "true", "on"})
#: What is passed over with all that is in it: text that tracked changes took away.
_ASIDE = frozenset({"del", "moveFrom"})
_BOX = "txbxContent"
_BOXES = "文本框"
#: What says of a row, or of a cell, that it was deleted.
_DELETED = {"trPr": "del", "tcPr": "cellDel"}


def read_docx(name: str, data: bytes) -> Book:
    """The book in ``data``, which is refused where there is no table in it."""
    archive = Archive(data)
    if _DOCUMENT not in archive:
        refuse(refusals.WORD)
    gatherer = BookGatherer(name, "docx")
    document = _Document(gatherer)
    parse(archive.chunks(_DOCUMENT), document, document.text)
    document.finish()
    if not document.tables:
        refuse(refusals.WORD)
    return gatherer.finish()


class _Document(Chain):
    """Told of document.xml.  Of tables within a cell only the text counts."""

    def __init__(self, gatherer: BookGatherer) -> None:
        self.text = TextCollector()
        self._body = _Part(gatherer.sheet(PurePosixPath(gatherer.name).stem), self.text)
        self._gatherer = gatherer
        self._boxes: _Part | None = None
        #: How deep in text boxes, what was written before, and how deep in what is passed over.
        self._depth = self._aside = 0
        self._before = ""

    @property
    def tables(self) -> int:
        """How many there are."""
        return self._body.tables + (0 if self._boxes is None else self._boxes.tables)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "Fallback" or self._aside:
            self._aside += 1
        elif name == _BOX:
            self._depth += 1
            if self._depth == 1:
                self._before = self.text.take()
                self._boxes = self._boxes or _Part(self._gatherer.sheet(_BOXES), self.text)
        else:
            self._part.start(name, attributes)

    def end(self, name: str) -> None:
        if self._aside:
            self._aside -= 1
        elif name == _BOX:
            self._depth -= 1
            if not self._depth:
                self.text.take()
                self.text.add(self._before)
        else:
            self._part.end(name)

    @property
    def _part(self) -> _Part:
        return self._boxes if self._depth and self._boxes is not None else self._body

    def finish(self) -> None:
        """The document ends."""
        for part in (self._body, self._boxes):
            if part is not None:
                part.finish()


class _Part:
    """The body of a document, or its text boxes."""

    def __init__(self, sheet: SheetGatherer, text: TextCollector) -> None:
        self.text = text
        self.tables = 0
        self._sheet = sheet
        self._depth = self._aside = 0
        self._row, self._column = -1, 0
        self._columns = 1
        self._goes_on = False
        self._is_in_run = self._is_kept = self._is_struck = self._is_raised = False
        #: Of which looks something is told, and what of row and cell was deleted.
        self._looks_of = ""
        self._deleted: set[str] = set()
        self._mark = 0
        self._dropped = ""
        #: Where a cell that goes on below begins, and how wide it is, by column; and down to which row it reaches.
        self._open: dict[int, tuple[int, int, int]] = {}

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name in _DELETED.values() and _DELETED.get(self._looks_of) == name:
            self._deleted.add(self._looks_of)
        is_struck_row = name == "del" and "trPr" in self._deleted
        if self._aside or (name in _ASIDE and not is_struck_row):
            self._aside += name in _ASIDE
        elif name in {"t", "delText"}:
            self.text.listen()
        elif name == "tbl":
            self._depth += 1
            self.tables += 1
        elif name == "r":
            self._is_in_run, self._is_kept, self._is_struck, self._is_raised = True, True, False, False
            self._mark = self.text.mark()
        elif self._depth <= 1 and name in {"tr", "tc"}:
            self._begins(name)
        elif name in _DELETED:
            self._looks_of = name if self._depth <= 1 else ""
        elif name == "sym":
            given = locals_of(attributes)
            self.text.add(seen(given.get("font", ""), given.get("char", "")))
        else:
            self._in_looks(name, locals_of(attributes).get("val"))

    def _begins(self, name: str) -> None:
        if name == "tr":
            self._row, self._column = self._row + 1, 0
            self._deleted.clear()
        else:
            self.text.take()
            self._dropped = ""
            self._deleted.discard("tcPr")
            self._columns, self._goes_on = 1, False

    def _in_looks(self, name: str, value: str | None) -> None:
        is_on = value is None or value in _ON
        if name == "gridSpan" and value is not None and value.isdecimal():
            self._columns = max(1, min(int(value[:4]), limits.MAX_COLUMNS))
        elif name == "gridBefore" and value is not None and value.isdecimal():
            self._column += min(int(value[:4]), limits.MAX_COLUMNS)
        elif name == "vMerge":
            self._goes_on = value != "restart"
            if value == "restart":
                self._open[self._column] = self._row, self._row, self._columns
        elif name == "vanish" and is_on:
            self._is_kept = False
        elif name in {"strike", "dstrike"} and is_on:
            self._is_struck = True
        elif name == "vertAlign" and self._is_in_run:
            self._is_raised = value in {"superscript", "subscript"}
        elif name == "hidden" and is_on and self._looks_of == "trPr":
            self._sheet.hide_rows(self._row)
        elif self._is_in_run and name in {"br", "cr", "tab"}:
            self.text.add("\t" if name == "tab" else "\n")

    def end(self, name: str) -> None:
        if self._aside:
            self._aside -= name in _ASIDE
        elif name in {"t", "delText"}:
            self.text.deaf()
        elif name == "r":
            self._run_ends()
        elif name in _DELETED:
            self._looks_of = ""
        elif name == "p":
            self._paragraph_ends()
        elif name == "tbl":
            self._depth -= 1
            if not self._depth:
                self.finish()
        elif self._depth == 1 and name == "tc":
            self._cell_ends()

    def _run_ends(self) -> None:
        if self._is_struck or not self._is_kept:
            dropped = self.text.cut(self._mark)
            self._dropped += dropped if self._is_kept else ""
        elif self._is_raised:
            self.text.add(raised(self.text.cut(self._mark)))
        self._is_in_run = False

    def _paragraph_ends(self) -> None:
        if self._depth:
            self.text.add("\n")
            return
        text = self.text.take().strip()
        self._dropped = ""
        if text:
            self._row += 1
            self._sheet.put(self._row, 0, text)

    def _cell_ends(self) -> None:
        text = self.text.take().strip()
        if self._goes_on and self._column in self._open:
            first, _, columns = self._open[self._column]
            self._open[self._column] = first, self._row, columns
        else:
            if self._column in self._open and self._open[self._column][0] != self._row:
                self._merge(self._column)
            self._sheet.put(self._row, self._column, text or self._dropped.strip())
            if self._deleted or (not text and self._dropped):
                self._sheet.strike(self._row, self._column)
            if self._column not in self._open:
                self._sheet.merge(self._row, self._column, self._row, self._column + self._columns - 1)
        self._column += self._columns

    def _merge(self, column: int) -> None:
        first, last, columns = self._open.pop(column)
        self._sheet.merge(first, column, last, column + columns - 1)

    def finish(self) -> None:
        """A table, or all of it, ends: so do the cells that go on below."""
        for column in list(self._open):
            self._merge(column)
