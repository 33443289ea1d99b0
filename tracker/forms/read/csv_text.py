"""CSV and its relations into a book of one sheet; every cell is a text, as nothing says what else it could be."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import re
from collections import Counter
from pathlib import PurePosixPath

from tracker.forms import limits
from tracker.forms.book import Book
from tracker.forms.read import refusals
from tracker.forms.read.refusals import refuse
from tracker.forms.read.sheet_builder import BookGatherer, file_name

_DELIMITERS = "\t,;"
#: Excel's own way of saying which: a first line ``sep=;``.
_SAID = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
_NO_TEXT = re.compile("[\x00-\x08\x0e-\x19\x1b-\x1f]")
_SAMPLE = 50


def read_csv(name: str, data: bytes) -> Book:
    """The book in ``data``, which is refused where it is no text."""
    text = decoded(data)
    delimiter = None
    if said := _SAID.match(text):
        delimiter, text = said[1], text[said.end() :]
    gatherer = BookGatherer(name, "csv")
    sheet = gatherer.sheet(PurePosixPath(file_name(name)).stem)
    try:
        csv.field_size_limit(limits.MAX_CELL_TEXT)
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter or _delimiter(text))
        for row, values in enumerate(rows):
            for column, value in enumerate(values):
                if value:
                    sheet.put(row, column, value)
    except csv.Error:
        refuse(refusals.TOO_LONG_TEXT)
    return gatherer.finish()


def decoded(data: bytes) -> str:
    """UTF-8 and UTF-16, or what Chinese Windows writes; anything else is refused."""
    text = None
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings: tuple[str, ...] = ("utf-16",)
    elif b"\0" in data[:200]:
        encodings = ("utf-16-le" if data[1:2] == b"\0" else "utf-16-be",)
    else:
        encodings = ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            text = data.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    if text is None or _NO_TEXT.search(text):
        refuse(refusals.NOT_TEXT)
    return text


def _delimiter(text: str) -> str:
    """The one that cuts most rows into the same number of columns, more than one."""

    def score(delimiter: str) -> int:
        rows = csv.reader(io.StringIO(text[: _SAMPLE * 1000], newline=""), delimiter=delimiter)
        try:
            widths = Counter(len(row) for row in itertools.islice(rows, _SAMPLE))
        except csv.Error:  # a field without end, if cut this way
            return 0
        return max((count for width, count in widths.items() if width > 1), default=0)

    return max(_DELIMITERS, key=score) if any(score(each) for each in _DELIMITERS) else ","
