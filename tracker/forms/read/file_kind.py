"""What kind of file it is, by what it holds and not by its name; what can neither be read nor opened is refused in a word."""

from __future__ import annotations

import re

from tracker.errors import FileRefusedError
from tracker.forms import limits
from tracker.forms.book import Book, FileKind, ParcelKind
from tracker.forms.read import refusals
from tracker.forms.read.archive import Archive
from tracker.forms.read.attached_files import Parcel
from tracker.forms.read.refusals import refuse
from tracker.i18n.message import Message

_ZIP = b"PK\x03\x04"
_EMPTY_ZIP = b"PK\x05\x06"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
#: Excel 2 to 4 wrote the stream bare, beginning with a BOF record.
_BARE_BIFF = tuple(bytes((0x09, version)) for version in (0x00, 0x02, 0x04, 0x08))

_BY_BEGINNING: tuple[tuple[bytes, Message], ...] = (
    (b"\x89PNG", refusals.PICTURE),
    (b"\xff\xd8\xff", refusals.PICTURE),
    (b"GIF8", refusals.PICTURE),
    (b"II*\0", refusals.PICTURE),
    (b"MM\0*", refusals.PICTURE),
    (b"%PDF-", refusals.PDF),
    (b"{\\rtf", refusals.WORD),
    (b"Rar!", refusals.ARCHIVE),
    (b"7z\xbc\xaf\x27\x1c", refusals.ARCHIVE),
    (b"\x1f\x8b", refusals.ARCHIVE),
    (b"BZh", refusals.ARCHIVE),
    (b"\xfd7zXZ", refusals.ARCHIVE),
    (b"MSCF", refusals.ARCHIVE),
    (b"\x78\x9f\x3e\x22", refusals.OUTLOOK),
)
#: Where a tar archive says what it is.
_TAR, _TAR_AT = b"ustar", 257
#: Streams of an OLE container; the first that is there decides.
_BY_STREAM: tuple[tuple[str, Message], ...] = (("EncryptedPackage", refusals.ENCRYPTED),)
_BY_OTHER_STREAM: tuple[tuple[str, Message], ...] = (
    ("__properties_version1.0", refusals.OUTLOOK),
    ("WordDocument", refusals.WORD),
    ("PowerPoint Document", refusals.SLIDES),
)
_HTML = re.compile(rb"<!doctype\s+html|<html|<head|<meta|<body|<table|<style|<div", re.IGNORECASE)
_XML_2003 = b"urn:schemas-microsoft-com:office:spreadsheet"
_FLAT = b"<office:document "
#: What a mail begins with, and a page in an archive: a line of a header, or the line that mailboxes put before it.
_HEADER = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:From [^\n]*\n)?[!-9;-~]+:")
#: A flat OpenDocument begins with some 2 kB of names.
_HEAD = 4096
#: A directory entry of an OLE container: 128 bytes, at such a multiple; the name's length stands at byte 64.
_ENTRY = 128
_NAME_LENGTH = 64


def check_size(data: bytes) -> None:
    """Refuse what is empty or too large."""
    if not data:
        refuse(refusals.EMPTY)
    if len(data) > limits.MAX_FILE:
        refuse(refusals.TOO_LARGE)


def kind_of(name: str, data: bytes) -> FileKind | ParcelKind:
    """Which reader it is for.  ``name`` decides nothing: what is called .xls is as often a web page."""
    del name
    check_size(data)
    if data.startswith((_ZIP, _EMPTY_ZIP)):
        return _kind_of_archive(Archive(data))
    if data.startswith(_OLE):
        return _kind_of_container(data)
    for beginning, sentence in _BY_BEGINNING:
        if data.startswith(beginning):
            refuse(sentence)
    if (data[:4] == b"RIFF" and data[8:12] == b"WEBP") or _is_bitmap(data):
        refuse(refusals.PICTURE)
    if data.startswith(_TAR, _TAR_AT):
        refuse(refusals.ARCHIVE)
    if data.startswith(_BARE_BIFF):
        return "xls"
    return _kind_of_text(data)


def read_file(name: str, data: bytes) -> Book | Parcel:
    """The book in ``data``, or the files in it.  To be called in a process with limits: ``apart.Reader`` does."""
    kind = kind_of(name, data)
    if kind in ("zip", "eml"):
        from tracker.forms.read.unpacked import unpack

        return unpack(name, data, kind, _parcel_kind)
    # Each reader is imported when it is needed: the process should be there at once.
    if kind == "xlsx":
        from tracker.forms.read.xlsx import read_xlsx as read
    elif kind == "ods":
        from tracker.forms.read.ods import read_ods as read
    elif kind == "xls":
        from tracker.forms.read.xls import read_xls as read
    elif kind == "xml":
        from tracker.forms.read.xml_spreadsheet import read_xml as read
    elif kind == "html":
        from tracker.forms.read.html_page import read_html as read
    elif kind == "docx":
        from tracker.forms.read.docx import read_docx as read
    else:
        from tracker.forms.read.csv_text import read_csv as read
    return read(name, data)


def _parcel_kind(data: bytes) -> ParcelKind | None:
    """Whether there are files in it; what is refused is so where it is read."""
    try:
        kind = kind_of("", data)
    except FileRefusedError:
        return None
    return kind if kind in ("zip", "eml") else None


def _kind_of_archive(archive: Archive) -> FileKind | ParcelKind:
    names = archive.names
    mime = archive.read("mimetype", 200) if "mimetype" in archive else b""
    if b"opendocument.spreadsheet" in mime:
        return "ods"
    if any(name.endswith("workbook.bin") for name in names):
        refuse(refusals.BINARY_WORKBOOK)
    if any(name.startswith("xl/") for name in names):
        return "xlsx"
    if any(name.startswith("word/") for name in names):
        return "docx"
    if b"opendocument.text" in mime:
        refuse(refusals.WORD)
    if b"opendocument.presentation" in mime or any(name.startswith("ppt/") for name in names):
        refuse(refusals.SLIDES)
    # Excel's folder is called xl; whoever calls it otherwise still has its list of types.
    if "[content_types].xml" in names and any(name.endswith("workbook.xml") for name in names):
        return "xlsx"
    for is_other, sentence in (
        ("ofd.xml" in names, refusals.FIXED_LAYOUT),
        (any(name.endswith(".iwa") or name == "index.zip" for name in names), refusals.NUMBERS),
        (bool(mime) or "[content_types].xml" in names, refusals.OTHER_OFFICE),
    ):
        if is_other:
            refuse(sentence)
    return "zip"


def _kind_of_container(data: bytes) -> FileKind:
    # Names of streams are compared without case, as Windows does.
    data = data.lower()
    for stream, sentence in _BY_STREAM:
        if _has_stream(data, stream):
            refuse(sentence)
    if _has_stream(data, "Workbook") or _has_stream(data, "Book"):
        return "xls"
    for stream, sentence in _BY_OTHER_STREAM:
        if _has_stream(data, stream):
            refuse(sentence)
    # Its directory may be cut off, and then there is no telling what it was.
    raise FileRefusedError(refusals.BROKEN)


def _has_stream(data: bytes, name: str) -> bool:
    """Is there a directory entry of this name in ``data`` in lower case?  Cells may hold the word, but not as an entry."""
    entry = name.lower().encode("utf-16-le") + b"\0\0"
    at = data.find(entry)
    while at >= 0:
        length = data[at + _NAME_LENGTH : at + _NAME_LENGTH + 2]
        if at % _ENTRY == 0 and int.from_bytes(length, "little") == len(entry):
            return True
        at = data.find(entry, at + 1)
    return False


def _is_bitmap(data: bytes) -> bool:
    return data[:2] == b"BM" and int.from_bytes(data[2:6], "little") in {len(data), 0} and b"\0" in data[6:14]


def _kind_of_text(data: bytes) -> FileKind | ParcelKind:
    if _HEADER.match(data):
        from tracker.forms.read.message import kind_of_message

        if kind := kind_of_message(data):
            return kind
    head = data[:_HEAD].removeprefix(b"\xef\xbb\xbf")
    if b"\0" in head:
        head = head.replace(b"\0", b"").lstrip(b"\xff\xfe")
    head = head.lstrip()
    if head.startswith(b"<") and _FLAT in head:
        return "ods"
    if head.startswith(b"<") and _XML_2003 in head:
        return "xml"
    if _HTML.match(head) or (head.startswith(b"<") and _HTML.search(head)):
        return "html"
    if head.startswith(b"<?xml"):
        refuse(refusals.XML_2003)
    return "csv"
