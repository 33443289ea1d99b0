"""Why a file is not read: what it is, and what to send instead."""

from __future__ import annotations

from typing import NoReturn

from tracker.errors import FileRefusedError
from tracker.forms import limits
from tracker.i18n.message import Message

_FORM = Message("findings.refused.send_form")
_RESEND = Message("findings.refused.resend")

EMPTY = Message("findings.refused.empty", do=_FORM)
TOO_LARGE = Message("findings.refused.too_large", megabytes=limits.MAX_FILE // limits.MEGABYTE)
BOMB = Message("findings.refused.bomb")
TOO_COMPLEX = Message("findings.refused.too_complex")
ENCRYPTED = Message("findings.refused.encrypted")
BROKEN = Message("findings.refused.broken", do=_RESEND)
PICTURE = Message("findings.refused.picture", do=_FORM)
ONLY_PICTURE = Message("findings.refused.only_picture")
PDF = Message("findings.refused.pdf", do=_FORM)
WORD = Message("findings.refused.word", do=_FORM)
SLIDES = Message("findings.refused.slides", do=_FORM)
ARCHIVE = Message("findings.refused.archive")
NESTED = Message("findings.refused.nested", most=limits.MAX_NESTED)
TOO_MANY_FILES = Message("findings.refused.too_many_files", most=limits.MAX_PIECES)
TOO_MANY_AT_ONCE = Message("findings.refused.too_many_at_once")
NOTHING_INSIDE = Message("findings.refused.nothing_inside", do=_FORM)
OUTLOOK = Message("findings.refused.outlook")
FIXED_LAYOUT = Message("findings.refused.fixed_layout", do=_FORM)
NUMBERS = Message("findings.refused.numbers")
OTHER_OFFICE = Message("findings.refused.other_office", do=_FORM)
HTML = Message("findings.refused.html", do=_RESEND)
XML_2003 = Message("findings.refused.xml_2003", do=_RESEND)
BINARY_WORKBOOK = Message("findings.refused.binary_workbook", do=_RESEND)
HOSTILE_XML = Message("findings.refused.hostile_xml", do=_RESEND)
NOT_TEXT = Message("findings.refused.not_text", do=_FORM)
TOO_MANY_SHEETS = Message("findings.refused.too_many_sheets", most=limits.MAX_SHEETS)
TOO_LONG = Message("findings.refused.too_long", most=limits.MAX_ROWS, last=limits.LAST_ROW)
TOO_WIDE = Message("findings.refused.too_wide", most=limits.MAX_COLUMNS)
TOO_MUCH = Message("findings.refused.too_much", most=limits.MAX_CELLS)
TOO_LONG_TEXT = Message("findings.refused.too_long_text", most=limits.MAX_CELL_TEXT)
TOO_MERGED = Message("findings.refused.too_merged")
#: By their keys, as the reading process names them.
BY_KEY = {each.key: each for each in tuple(vars().values()) if isinstance(each, Message)}


def refuse(message: Message) -> NoReturn:
    """Refuse the file with ``message``."""
    raise FileRefusedError(message)
