"""The files in a zip archive or a mail, and in those inside it: each one is there, with its bytes or the reason why not.

Opened in the process apart, three deep and within one budget of bytes for all of it.  Nothing is written anywhere, so
that a name does no harm; it is cleaned to be shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from email.message import EmailMessage
from typing import cast
from zipfile import ZipInfo

from tracker.errors import FileRefusedError
from tracker.forms import limits
from tracker.forms.book import ParcelKind
from tracker.forms.read import refusals
from tracker.forms.read.archive import Archive
from tracker.forms.read.attached_files import Parcel, Piece, is_noise
from tracker.forms.read.message import opened

#: The flag that says that a name is UTF-8 (APPNOTE.TXT, appendix D); without it Windows writes that of its country.
_IS_UTF8 = 0x800
_LONGEST_PATH = 300
_RAW_NAME = re.compile(r'name="?([^";\n]+)"?', re.IGNORECASE)
_CHARSET = re.compile("charset", re.IGNORECASE)


def unpack(name: str, data: bytes, kind: ParcelKind, kind_of: Callable[[bytes], ParcelKind | None]) -> Parcel:
    """The files in ``data``; ``kind_of`` tells which of them are parcels themselves.

    Raises FileRefusedError where ``data`` itself cannot be opened.
    """
    unpacking = _Unpacking(kind_of)
    pieces: list[Piece] = []
    for piece in unpacking.opened(name, data, kind, 1):
        if len(pieces) == limits.MAX_PIECES:
            pieces.append(Piece(name, refused=refusals.TOO_MANY_FILES))
            break
        pieces.append(piece)
    return Parcel(tuple(pieces) or (Piece(name, refused=refusals.NOTHING_INSIDE),))


class _Unpacking:
    """One parcel being opened; ``left`` is what may still come out of it and of those inside."""

    def __init__(self, kind_of: Callable[[bytes], ParcelKind | None]) -> None:
        self._kind_of = kind_of
        self._left = limits.MAX_UNPACKED

    def opened(self, path: str, data: bytes, kind: ParcelKind, depth: int) -> Iterator[Piece]:
        if kind == "zip":
            yield from self._of_archive(path, data, depth)
        else:
            yield from self._of_mail(path, opened(data), depth)

    def _of_archive(self, path: str, data: bytes, depth: int) -> Iterator[Piece]:
        archive = Archive(data)
        # As in a folder, what was written last counts after what it corrects.
        for entry in sorted(archive.entries, key=lambda each: each.date_time):
            inner = _within(path, _name(entry))
            try:
                content = self._content(archive, entry)
            except FileRefusedError as refusal:
                yield Piece(inner, refused=refusal.message)
            else:
                yield from self._piece(inner, content, depth)

    def _content(self, archive: Archive, entry: ZipInfo) -> bytes:
        content = bytearray()
        for chunk in archive.unpacked(entry):
            content += chunk
            self._left -= len(chunk)
            if self._left < 0:
                refusals.refuse(refusals.BOMB)
            if len(content) > limits.MAX_FILE:
                refusals.refuse(refusals.TOO_LARGE)
        return bytes(content)

    def _of_mail(self, path: str, message: EmailMessage, depth: int) -> Iterator[Piece]:
        texts: list[EmailMessage] = []
        for number, part in enumerate(_leaves(message), start=1):
            if part.get_content_type() == "message/rfc822":
                inside = part.get_content()
                name = _file_name(part) or f"{str(inside['subject'] or '').strip() or f'邮件{number}'}.eml"
                content = inside.as_bytes()
            elif part.get_content_maintype() == "text" and not _is_attached(part):
                texts.append(part)
                continue
            elif part.get_content_maintype() == "image" and not part.is_attachment() and "content-id" in part:
                continue  # a picture within the text
            else:
                name = _file_name(part) or f"附件{number}"
                decoded = part.get_payload(decode=True)
                content = decoded if isinstance(decoded, bytes) else b""
            self._left -= len(content)
            inner = _within(path, name)
            if self._left < 0:
                yield Piece(inner, refused=refusals.BOMB)
            else:
                yield from self._piece(inner, content, depth)
        # A page has what the plain text beside it says as well, and more of a table.
        pages = [each for each in texts if each.get_content_subtype() == "html"]
        for number, text in enumerate(pages or texts):
            # The characters are known here, and what the page says of them is not true any more.
            content = _CHARSET.sub("", _text_of(text)).encode("utf-8-sig", "replace")
            yield Piece(_within(path, f"正文{number + 1 if number else ''}"), content, is_text=True)

    def _piece(self, path: str, content: bytes, depth: int) -> Iterator[Piece]:
        kind = None if is_noise(path) else self._kind_of(content)
        if kind is None:
            yield Piece(path, content)
        elif depth == limits.MAX_NESTED:
            yield Piece(path, refused=refusals.NESTED)
        else:
            try:
                pieces = list(self.opened(path, content, kind, depth + 1))
            except FileRefusedError as refusal:
                pieces = [Piece(path, refused=refusal.message)]
            yield from pieces or (Piece(path, refused=refusals.NOTHING_INSIDE),)


def _leaves(message: EmailMessage) -> Iterator[EmailMessage]:
    """The parts of a mail that hold something; a mail inside it is one of them."""
    if message.get_content_maintype() == "multipart" and message.is_multipart():
        for part in cast("list[EmailMessage]", message.get_payload()):
            yield from _leaves(part)
    else:
        yield message


def _is_attached(part: EmailMessage) -> bool:
    return part.is_attachment() or part.get_filename() is not None


def _text_of(part: EmailMessage) -> str:
    try:
        return str(part.get_content())
    except LookupError:  # a character set of which nobody knows
        decoded = part.get_payload(decode=True)
        return decoded.decode("gb18030", "replace") if isinstance(decoded, bytes) else ""


def _name(entry: ZipInfo) -> str:
    """The path of a file in an archive, in the characters in which it was written."""
    if entry.flag_bits & _IS_UTF8:
        return entry.filename
    try:
        raw = entry.orig_filename.encode("cp437")
    except UnicodeEncodeError:
        return entry.filename
    return _decoded(raw) or entry.filename


def _file_name(part: EmailMessage) -> str:
    """What an attachment is called; some programs write a name as it is, in the characters of their machine."""
    name = part.get_filename() or ""
    if "\ufffd" in name:
        raw = "\n".join(text for header, text in part.raw_items() if header.lower().startswith("content-"))
        match = _RAW_NAME.search(raw)
        name = name if match is None else _decoded(match[1].encode("utf-8", "surrogateescape")) or name
    return name.replace("/", "／").strip()


def _decoded(raw: bytes) -> str | None:
    """Text of nobody knows which machine: UTF-8, else as Chinese Windows writes it."""
    for encoding in ("utf-8", "gb18030"):
        with suppress(UnicodeDecodeError):
            return raw.decode(encoding)
    return None


def _within(path: str, name: str) -> str:
    clean = "".join(each for each in name.replace("\\", "/") if each.isprintable())
    parts = [each for each in clean.split("/") if each not in {"", ".", ".."}]
    return f"{path}/{'/'.join(parts) or '？'}"[-_LONGEST_PATH:] if len(path) < _LONGEST_PATH else path
