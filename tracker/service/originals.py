"""The files that units sent, without a person: written anew where that can be done, and looked through afterwards.

What is written anew are texts and the parts of workbooks.  What is looked through is all that a reader of the file
might see, however it is written down there: a name in two formats, as references, in another encoding, in a mail.
"""

from __future__ import annotations

import html
import io
import re
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from email.message import EmailMessage

from tracker.errors import FileRefusedError
from tracker.forms.book import Book
from tracker.forms.read.archive import BROKEN
from tracker.forms.read.message import kind_of_message, opened
from tracker.forms.read.sandboxed_reader import Reader
from tracker.service.person import PersonTerms

#: Archives within archives, so deep.
_DEEPEST = 3

_ARCHIVE, _OLD = b"PK", b"\xd0\xcf\x11\xe0"

#: Byte order marks and the encoding that each is for.
_MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))

#: A sign by its number, but for those of markup.
_REFERENCE = re.compile(r"&#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}));")

#: A number in a cell of a workbook, which may hold nothing but one; and as some programs write long ones.
_IN_CELL = re.compile(r"(<(?:\w+:)?v>)([^<]*)(</)")
_IN_POWERS = re.compile(r"(?<![\w.])\d(?:\.\d+)?[eE]\+?\d{1,2}(?![\w.])")

#: Where one cell, paragraph or note ends and the next begins; within it tags are of formats only.
_BETWEEN = re.compile(
    r"</?(?:\w+:)?(?:si|is|c|v|f|row|p|td|th|tr|li|div|br|text|author|comment|[A-Z]?[Dd]ata)\b[^<>]*>"
)
_TAG = re.compile(r"<[^<>]*>")


class Originals:
    """Cleans files of one ``person``; ``reader`` opens those that are no text."""

    def __init__(self, person: PersonTerms, reader: Reader) -> None:
        self._person = person
        self._reader = reader

    def cleaned(self, data: bytes) -> tuple[bytes, bool]:
        """The file with the pseudonym, and whether they may still be found in it."""
        new = self._written(data, 0)
        return new, any(map(self._person.stands_in, self._texts(new, 0)))

    def _written(self, data: bytes, depth: int) -> bytes:
        if data.startswith(_ARCHIVE) and depth < _DEEPEST:
            return self._archive(data, depth)
        found = _decoded(data)
        if found is None:
            return data
        text, encoding = found
        new = self._text(text)
        return data if new == text else new.encode(encoding, "xmlcharrefreplace")

    def _archive(self, data: bytes, depth: int) -> bytes:
        new, is_changed = io.BytesIO(), False
        try:
            with (
                zipfile.ZipFile(io.BytesIO(data)) as old,
                zipfile.ZipFile(new, "w", zipfile.ZIP_DEFLATED) as out,
            ):
                for each in old.infolist():
                    part = old.read(each)
                    written = self._written(part, depth + 1)
                    is_changed |= written != part
                    out.writestr(each, written)
        except BROKEN:
            return data
        return new.getvalue() if is_changed else data

    def _text(self, text: str) -> str:
        plain = _REFERENCE.sub(_referred, text)
        if not self._person.stands_in(plain):
            plain = text
        plain = _IN_CELL.sub(self._in_cell, plain)
        return self._person.replaced(plain)

    def _in_cell(self, match: re.Match[str]) -> str:
        is_theirs = self._person.stands_in(_in_full(match[2]))
        return f"{match[1]}0{match[3]}" if is_theirs else match[0]

    def _texts(self, data: bytes, depth: int) -> Iterator[str]:
        """All that somebody might read in it."""
        if data.startswith(_ARCHIVE) and depth < _DEEPEST:
            try:
                with zipfile.ZipFile(io.BytesIO(data)) as file:
                    members = [(each.filename, file.read(each)) for each in file.infolist()]
            except BROKEN:
                members = []
            for name, member in members:
                yield name
                yield from self._texts(member, depth + 1)
            if members:
                return
        if data.startswith(_OLD):
            yield from self._cells(data)
        text = _decoded(data)
        if text is None:
            for some, encoding in ((data, "utf-16-le"), (data[1:], "utf-16-le"), (data, "gb18030")):
                yield some.decode(encoding, "ignore")
            return
        if depth < _DEEPEST and kind_of_message(data) is not None:
            for part in opened(data).walk():
                yield from self._parts(part, depth)
        yield from _readings(text[0])

    def _parts(self, part: EmailMessage, depth: int) -> Iterator[str]:
        yield "\n".join(str(value) for value in part.values())
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes):
            yield from self._texts(payload, depth + 1)

    def _cells(self, data: bytes) -> Iterator[str]:
        try:
            book = self._reader.read("original.xls", data)
        except FileRefusedError:
            return
        if isinstance(book, Book):
            for sheet in book.sheets:
                for cell in sheet.cells.values():
                    yield f"{cell.value:.0f}" if isinstance(cell.value, float) else str(cell.value)


def _decoded(data: bytes) -> tuple[str, str] | None:
    """A text and its encoding; None for what is none."""
    marked = [encoding for mark, encoding in _MARKS if data.startswith(mark)]
    for encoding in marked or ([] if b"\0" in data else ["utf-8", "gb18030"]):
        with suppress(UnicodeDecodeError):
            return data.decode(encoding), encoding
    return None


def _referred(match: re.Match[str]) -> str:
    number = int(match[1], 16) if match[1] else int(match[2])
    sign = chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else ""
    return match[0] if not sign.isprintable() or sign in "<>&\"'" or not sign else sign


def _in_full(text: str) -> str:
    return _IN_POWERS.sub(lambda match: f"{float(match[0]):.0f}", text)


def _readings(text: str) -> Iterator[str]:
    yield _in_full(text)
    if "<" in text or "&" in text:
        yield html.unescape(text)
        yield html.unescape(_TAG.sub("", _BETWEEN.sub("\0", text)))
