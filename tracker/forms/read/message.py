"""What begins with the lines of a header: a mail as programs save it (.eml), or a web page in an archive (.mht)."""

from __future__ import annotations

import re
from email.message import EmailMessage
from email.parser import BytesHeaderParser, BytesParser
from email.policy import default as modern
from typing import Literal

_BOM = b"\xef\xbb\xbf"
_HEAD = 64 * 1024
#: Of these a mail has two; so may a page, but not what a mail has that was sent.
_HEADERS = ("from", "to", "cc", "subject", "date", "received", "return-path", "message-id", "mime-version")
_CARRIED = ("received", "return-path", "message-id", "to", "delivered-to")
#: Whom a page is from, by the browsers, and what Chromium, Word and Excel say of it.
_SAVED = re.compile(r"\s*[<\"]?Saved by ", re.IGNORECASE)
_OF_PAGES = ("snapshot-content-location", "content-location", "x-document-type")


def kind_of_message(data: bytes) -> Literal["eml", "html"] | None:
    """Which of both ``data`` is, by its header; None where it is neither."""
    head = BytesHeaderParser(policy=modern).parsebytes(_plain(data[:_HEAD]))
    is_page = (
        head.get_content_type() == "multipart/related"
        or any(name in head for name in _OF_PAGES)
        or any(name.lower() == "from" and _SAVED.match(text) for name, text in head.raw_items())
    )
    if not is_page or any(name in head for name in _CARRIED):
        if sum(name in head for name in _HEADERS) >= 2:
            return "eml"
        is_page = "mime-version" in head
    return "html" if is_page else None


def opened(data: bytes) -> EmailMessage:
    """All of it."""
    return BytesParser(policy=modern).parsebytes(_plain(data))


def _plain(data: bytes) -> bytes:
    return data.removeprefix(_BOM).lstrip()
