""".ods into a book: one pass over content.xml, in which rows and cells that repeat are counted and not written out."""

from __future__ import annotations

from tracker.forms import limits
from tracker.forms.book import Book, Content
from tracker.forms.check.number_formats import differing
from tracker.forms.check.raised import raised
from tracker.forms.read import refusals
from tracker.forms.read.archive import Archive
from tracker.forms.read.excel_dates import from_duration, from_iso, number_of, whole
from tracker.forms.read.refusals import refuse
from tracker.forms.read.sheet_builder import BookGatherer, SheetGatherer
from tracker.forms.read.xml_parts import Chain, TextCollector, locals_of, parse

_ZIP = b"PK"
_CONTENT = "content.xml"
_MANIFEST = "META-INF/manifest.xml"
_NUMBERS = frozenset({"float", "percentage", "currency"})
_FORMULA_LANGUAGES = ("of:", "oooc:", "msoxl:")
#: What stands in a cell without being its text: comments, drawings, tables within.
_ASIDE = frozenset(
    {"annotation", "frame", "table", "custom-shape", "line", "control", "g", "ruby-text", "rect"}
)
_IN_FRAME = frozenset({"frame", "image", "object", "object-ole"})
_MOST_SPACES = 1_000
#: Hidden by hand, and by a filter.
_UNSEEN = frozenset({"collapse", "filter"})

#: Value, formula, is it an error, what is seen of it, rows and columns it spans.
_Filled = tuple[Content, str | None, bool, str | None, int, int]


def read_ods(name: str, data: bytes) -> Book:
    """The book in ``data``, which is refused where it cannot be read."""
    gatherer = BookGatherer(name, "ods")
    content = _Content(gatherer)
    if data.startswith(_ZIP):
        archive = _archive(data)
        parse(archive.chunks(_CONTENT), content, content.text)
    else:
        # .fods: the same in one file.
        parse((data,), content, content.text)
    return gatherer.finish()


def _archive(data: bytes) -> Archive:
    archive = Archive(data)
    if _CONTENT not in archive:
        refuse(refusals.ENCRYPTED if "encrypted-package" in archive else refusals.BROKEN)
    if _MANIFEST in archive and b"encryption-data" in archive.read(_MANIFEST):
        refuse(refusals.ENCRYPTED)
    return archive


class _Content(Chain):
    """Told of content.xml, from its styles to its last table."""

    def __init__(self, gatherer: BookGatherer) -> None:
        self.text = TextCollector()
        self._book = gatherer
        self._style = ""
        self._hidden: set[str] = set()
        self._struck: set[str] = set()
        self._raised: set[str] = set()
        self._gone: set[str] = set()
        #: Of each span around its style and where its text begins; and what was struck out in the cell.
        self._spans: list[tuple[str, int]] = []
        self._dropped = ""
        self._is_hidden_row = self._is_object = False
        #: The next column of which something is said before the rows.
        self._next_column = 0
        self._is_in_spreadsheet = False
        self._sheet: SheetGatherer | None = None
        self._row = self._column = 0
        self._row_repeats = 1
        #: The filled cells of the current row: column, how many, what, and whether it is struck out.
        self._filled: list[tuple[int, int, _Filled, bool]] = []
        self._cell: dict[str, str] | None = None
        self._paragraphs = 0
        #: How deep in something that is not the cell's own.
        self._aside = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name in _IN_FRAME:
            self._in_frame(name)
        if self._aside:
            self._aside += name in _ASIDE
        elif self._cell is not None:
            self._in_cell(name, attributes)
        elif name in {"table-cell", "covered-table-cell"}:
            self._cell = locals_of(attributes)
            self._paragraphs = 0
            self._spans.clear()
        elif name == "table-row":
            self._row_starts(locals_of(attributes))
        elif name == "table-column":
            self._column_starts(locals_of(attributes))
        elif name == "table" and self._is_in_spreadsheet:
            self._table_starts(locals_of(attributes))
        elif name in {"dde-links", "tracked-changes", "shapes"}:
            self._is_in_spreadsheet = False
        elif name == "spreadsheet":
            self._is_in_spreadsheet = True
        else:
            self._in_styles(name, attributes)

    def _in_frame(self, name: str) -> None:
        """The picture in the frame of a chart or another object is but what is seen of that."""
        self._is_object = name.startswith("object") or (self._is_object and name == "image")
        if name == "image" and not self._is_object and self._sheet is not None:
            self._sheet.picture()

    def _in_styles(self, name: str, attributes: dict[str, str]) -> None:
        if name == "style":
            self._style = locals_of(attributes).get("name", "")
        elif name == "table-properties" and locals_of(attributes).get("display") == "false":
            self._hidden.add(self._style)
        elif (
            name == "text-properties"
            and locals_of(attributes).get("text-line-through-style", "none") != "none"
        ):
            self._struck.add(self._style)
        elif name == "text-properties" and locals_of(attributes).get("display") == "none":
            self._gone.add(self._style)
        elif name == "text-properties" and _is_raised(locals_of(attributes).get("text-position", "")):
            self._raised.add(self._style)

    def end(self, name: str) -> None:
        if self._aside:
            self._aside -= name in _ASIDE
        elif self._cell is not None:
            if name in {"table-cell", "covered-table-cell"}:
                self._cell_ends(self._cell, is_covered=name[0] == "c")
                self._cell = None
            elif name == "p":
                self.text.deaf()
            elif name == "span" and self._spans:
                self._span_ends(*self._spans.pop())
        elif name == "table-row":
            self._row_ends()
        elif name == "table":
            self._sheet = None
        elif name in {"dde-links", "tracked-changes", "shapes"}:
            self._is_in_spreadsheet = True

    def _span_ends(self, style: str, mark: int) -> None:
        if style in self._struck:
            self._dropped += self.text.cut(mark)
        elif style in self._gone:
            self.text.cut(mark)
        elif style in self._raised:
            self.text.add(raised(self.text.cut(mark)))

    def _table_starts(self, attributes: dict[str, str]) -> None:
        is_hidden = attributes.get("style-name", "") in self._hidden
        self._sheet = self._book.sheet(attributes.get("name", ""), is_hidden=is_hidden)
        self._row = self._column = self._next_column = 0
        self._filled = []

    def _row_starts(self, attributes: dict[str, str]) -> None:
        self._row_repeats = _count(attributes.get("number-rows-repeated"))
        self._is_hidden_row = attributes.get("visibility") in _UNSEEN
        self._column = 0

    def _column_starts(self, attributes: dict[str, str]) -> None:
        count = _count(attributes.get("number-columns-repeated"))
        if self._sheet is not None and attributes.get("visibility") in _UNSEEN:
            self._sheet.hide_columns(self._next_column, count)
        self._next_column += count

    def _in_cell(self, name: str, attributes: dict[str, str]) -> None:
        if name in _ASIDE:
            self.text.deaf()
            self._aside = 1
        elif name == "p":
            if self._paragraphs:
                self.text.add("\n")
            self._paragraphs += 1
            self.text.listen()
        elif name == "span":
            self._spans.append((locals_of(attributes).get("style-name", ""), self.text.mark()))
        elif name == "s":
            self.text.add(" " * min(_count(locals_of(attributes).get("c")), _MOST_SPACES))
        elif name == "tab":
            self.text.add("\t")
        elif name == "line-break":
            self.text.add("\n")

    def _cell_ends(self, attributes: dict[str, str], *, is_covered: bool) -> None:
        text, dropped = self.text.take(), self._dropped
        self._dropped = ""
        is_dropped = bool(dropped.strip()) and not text.strip()
        text = dropped if is_dropped else text
        repeats = _count(attributes.get("number-columns-repeated"))
        column = self._column
        self._column += repeats
        if is_covered or self._sheet is None:
            return
        kind = attributes.get("value-type", "")
        is_error = kind == "error" or (
            "formula" in attributes and text.startswith(("#", "Err:")) and kind == "string"
        )
        formula = _formula(attributes.get("formula"))
        value = text if is_error else _value(kind, attributes, text)
        rows, columns = (
            _count(attributes.get("number-rows-spanned")),
            _count(attributes.get("number-columns-spanned")),
        )
        if value not in {None, ""} or formula is not None or rows * columns > 1:
            is_struck = is_dropped or attributes.get("style-name") in self._struck
            shown = differing(value, text) if kind in _NUMBERS and isinstance(value, (int, float)) else None
            self._filled.append(
                (column, repeats, (value, formula, is_error, shown, rows, columns), is_struck)
            )

    def _row_ends(self) -> None:
        sheet = self._sheet
        first, self._row = self._row, self._row + self._row_repeats
        filled, self._filled = self._filled, []
        if sheet is None or not filled:
            return
        if self._is_hidden_row:
            sheet.hide_rows(first, self._row_repeats)
        # Not beyond the first place at which the gatherer refuses whatever stands there.
        for row in range(first, min(self._row, max(first, limits.LAST_ROW) + 1)):
            for column, repeats, (value, formula, is_error, shown, rows, columns), is_struck in filled:
                for place in range(column, min(column + repeats, max(column, limits.MAX_COLUMNS) + 1)):
                    sheet.put(row, place, value, formula, is_error=is_error, shown=shown)
                    if is_struck:
                        sheet.strike(row, place)
                    sheet.merge(row, place, row + rows - 1, place + columns - 1)


def _value(kind: str, attributes: dict[str, str], text: str) -> Content:
    if kind in _NUMBERS:
        number = number_of(attributes.get("value", ""))
        return text if number is None else whole(float(number))
    if kind == "date":
        return from_iso(attributes.get("date-value", "")) or text
    if kind == "time":
        span = from_duration(attributes.get("time-value", ""))
        return text if span is None else span
    if kind == "boolean":
        return attributes.get("boolean-value") == "true"
    # A formula may have come to a text of nothing.
    return text or attributes.get("string-value") or ("" if kind == "string" else None)


def _is_raised(position: str) -> bool:
    """Whether a position is above or below the line: “super 58%”, “-33% 58%”."""
    return bool(position) and not position.startswith("0")


def _formula(text: str | None) -> str | None:
    if text is None:
        return None
    for language in _FORMULA_LANGUAGES:
        text = text.removeprefix(language)
    return text if text.startswith("=") else f"={text}"


def _count(text: str | None) -> int:
    """How often; at least once, and never more than a sheet is long."""
    if text is None:
        return 1
    try:
        return max(1, min(int(text[:9]), limits.MAX_ELEMENTS))
    except ValueError:
        return 1
