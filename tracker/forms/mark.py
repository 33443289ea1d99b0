"""The hidden mark of a form that the service has written: which assignment it was made for.

It stands in a hidden sheet, as that survives Excel, WPS and LibreOffice, .xls and .ods alike.  It says what the
file is for and proves nothing: whoever sends a file is asked no more than whoever fills in its header.
"""

from __future__ import annotations

from dataclasses import dataclass

from tracker.forms.book import Book, Sheet

#: The name of the hidden sheet.
SHEET = "_tracker"
#: The first column names, the second tells; the first row says what this is.
TITLE = "tracker form"
_KEYS = ("form", "ref", "unit")


@dataclass(frozen=True, slots=True)
class Mark:
    """``ref`` is of the assignment (``table-2@2022-05``), ``unit`` an id, ``form`` the id of the form."""

    form: str
    ref: str
    unit: str

    def rows(self) -> list[tuple[str, str]]:
        """What the hidden sheet holds, from A1 on."""
        return [(TITLE, "1"), ("form", self.form), ("ref", self.ref), ("unit", self.unit)]


def read_mark(book: Book) -> Mark | None:
    """The mark of ``book``; None if it has none that is whole."""
    for sheet in book.sheets:
        if sheet.name == SHEET and _text(sheet, 0, 0) == TITLE:
            found = {_text(sheet, row, 0): _text(sheet, row, 1) for row in range(1, 10)}
            if all(found.get(key) for key in _KEYS):
                return Mark(*(found[key] for key in _KEYS))
    return None


def _text(sheet: Sheet, row: int, column: int) -> str:
    cell = sheet.cells.get((row, column))
    return "" if cell is None or cell.value is None else str(cell.value).strip()
