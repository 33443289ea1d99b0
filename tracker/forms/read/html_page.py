"""A web page into a book of one sheet: what a web system calls .xls, and what Excel saves as a page or as an archive.

Every cell is a text.  Tables follow each other, and what stands between them is in the first column.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import PurePosixPath

from tracker.forms import limits
from tracker.forms.book import Book
from tracker.forms.check.raised import raised
from tracker.forms.read import refusals
from tracker.forms.read.csv_text import decoded
from tracker.forms.read.grid import Grid
from tracker.forms.read.message import kind_of_message, opened
from tracker.forms.read.page_styles import Around, Styles, TextStyle
from tracker.forms.read.refusals import refuse
from tracker.forms.read.sheet_builder import BookGatherer, SheetGatherer, file_name

_ENCODING = re.compile(rb"charset\s*=\s*[\"']?\s*(?:gb2312|gbk|gb18030)", re.IGNORECASE)
_ASIDE = frozenset({"script", "style", "title", "xml", "head"})
_BLOCKS = frozenset({"p", "div", "h1", "h2", "h3", "h4", "li", "caption", "center"})
_STRUCK = frozenset({"s", "strike", "del"})
_RAISED = frozenset({"sup", "sub"})


def read_html(name: str, data: bytes) -> Book:
    """The book in ``data``, which is refused where there is no table in it."""
    gatherer = BookGatherer(name, "html")
    sheet = gatherer.sheet(PurePosixPath(file_name(name)).stem)
    page = _Page(sheet)
    for part in _parts(data):
        page.feed(part)
        page.close()
    if not page.tables:
        refuse(refusals.HTML)
    return gatherer.finish()


def _parts(data: bytes) -> list[str]:
    """The pages in it: an archive has several."""
    if kind_of_message(data) is None:
        return [_decoded(data)]
    pages = (part for part in opened(data).walk() if part.get_content_type() == "text/html")
    found = [part.get_payload(decode=True) for part in pages]
    return [_decoded(part) for part in found if isinstance(part, bytes)]


def _decoded(data: bytes) -> str:
    if _ENCODING.search(data[:2000]):
        return data.decode("gb18030", "replace")
    return decoded(data)


class _Page(HTMLParser):
    """Puts tables into a sheet as they come by."""

    def __init__(self, sheet: SheetGatherer) -> None:
        super().__init__(convert_charrefs=True)
        self.tables = 0
        self._grid = Grid(sheet)
        self._text = ""
        self._dropped = ""
        self._depth = self._aside = self._struck = self._raised = 0
        self._styles, self._around, self._sheet = Styles(), Around(), ""
        self._is_style = False
        self._is_in_cell = False
        self._span = (1, 1)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        given = dict(attrs)
        looks = self._styles.of(tag, given)
        if tag in {"td", "th", "tr"}:
            self._cell()
        # A row that nobody sees is kept, and asked about.
        self._around.begins(tag, looks - {TextStyle.UNSEEN} if tag == "tr" else looks)
        self._is_style |= tag == "style"
        if tag in _ASIDE:
            self._aside += 1
        elif tag in _STRUCK:
            self._struck += 1
        elif tag in _RAISED:
            self._raised += 1
        elif tag == "br" or (tag in _BLOCKS and self._is_in_cell and self._text):
            self._text += "\n"
        elif tag in _BLOCKS:
            self._line()
        elif tag == "table":
            self._line()
            self.tables += 1
            self._depth += 1
        elif tag == "tr":
            self._grid.row(is_hidden=TextStyle.UNSEEN in looks)
        elif tag in {"td", "th"}:
            self._is_in_cell = TextStyle.UNSEEN not in looks
            self._span = _count(given.get("rowspan")), _count(given.get("colspan"))

    def handle_endtag(self, tag: str) -> None:
        """An element ends."""
        if tag in {"td", "th", "tr", "table"}:
            self._cell()
        self._around.ends(tag)
        if tag == "style":
            self._styles.read(self._sheet)
            self._is_style, self._sheet = False, ""
        if tag in _ASIDE:
            self._aside = max(0, self._aside - 1)
        elif tag in _STRUCK:
            self._struck = max(0, self._struck - 1)
        elif tag in _RAISED:
            self._raised = max(0, self._raised - 1)
        elif tag == "table":
            self._depth = max(0, self._depth - 1)
            self._grid.end()
        elif tag in _BLOCKS:
            self._line()

    def handle_data(self, data: str) -> None:
        """A text comes by; between rows and cells there is none."""
        if self._is_style:
            self._sheet += data
        if self._aside or (self._depth and not self._is_in_cell) or self._around.has(TextStyle.UNSEEN):
            return
        if self._struck or self._around.has(TextStyle.STRUCK):
            self._dropped += data
        else:
            self._text += raised(data) if self._raised else data
        if len(self._text) + len(self._dropped) > 4 * limits.MAX_CELL_TEXT:
            refuse(refusals.TOO_LONG_TEXT)

    def close(self) -> None:
        """The page ends, perhaps in the middle."""
        super().close()
        self._cell()
        self._line()
        self._grid.end()

    def _cell(self) -> None:
        if self._is_in_cell:
            text, is_struck = self._taken()
            self._grid.cell(text, *self._span, is_struck=is_struck)
        self._is_in_cell = False

    def _line(self) -> None:
        """Text outside of the tables is a row by itself."""
        if not self._is_in_cell and not self._depth:
            text, _ = self._taken()
            if text:
                self._grid.row()
                self._grid.cell(text)

    def _taken(self) -> tuple[str, bool]:
        text, dropped = (
            "\n".join(" ".join(line.split()) for line in each.split("\n")).strip()
            for each in (self._text, self._dropped)
        )
        self._text = self._dropped = ""
        return (dropped, True) if dropped and not text else (text, False)


def _count(text: str | None) -> int:
    return (
        min(int(text), limits.MAX_ROWS)
        if text is not None and re.fullmatch("0*[1-9][0-9]{0,5}", text.strip())
        else 1
    )
