"""The bytes of a file into text that a YAML parser can be given, and places in that text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tracker.i18n.message import Message

#: The largest file that is read at all: 10,000 tasks with long texts have 10 MB.
LARGEST = 32_000_000

#: So many control characters are shown one by one.
MOST_CONTROLS = 10

#: Everything that must not stand in a name, subject or address, and that YAML itself refuses or takes for
#: an end of line; also what nobody sees in a name that then matches nothing, and the marks that turn the
#: direction of writing around.
CONTROL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u200b\u200e\u200f\u2060\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]"
)
_CONTROLS = re.compile(f"(?:{CONTROL.pattern})+")
_BREAK = re.compile(r"\r\n|\r|\n")

Place = tuple[int, int]


class NotTextError(Exception):
    """The bytes are no text; ``place`` is where that shows."""

    def __init__(self, place: Place, message: Message) -> None:
        super().__init__(message)
        self.place = place


def decode(data: bytes) -> str:
    """The text, without a byte order mark.  Raises NotTextError."""
    if len(data) > LARGEST:
        raise NotTextError((0, 0), Message("config.text.too_large", limit=LARGEST // 1_000_000))
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise NotTextError((1, 1), Message("config.text.utf_16"))
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        place = place_at(data[: error.start].decode("utf-8"), error.start)
        if error.end == len(data) and error.reason == "unexpected end of data":
            message = Message("config.text.cut_off")
        elif _is_chinese_of_windows(data):
            message = Message("config.text.gbk")
        else:
            message = Message("config.text.no_utf_8", byte=f"0x{data[error.start]:02x}")
        raise NotTextError(place, message) from None


def _is_chinese_of_windows(data: bytes) -> bool:
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        return False
    return any("一" <= character <= "龥" for character in text)


def place_at(text: str, index: int) -> Place:
    """Line and column, from 1, of the character at ``index``."""
    line, start = 1, 0
    for found in _BREAK.finditer(text, 0, index):
        line, start = line + 1, found.end()
    return line, min(index, len(text)) - start + 1


def without_controls(text: str) -> tuple[str, list[tuple[Place, Message]]]:
    """The text with a space for every control character, so that the rest can be read; and where they are."""
    found = list(_controls(text))
    return (CONTROL.sub(" ", text), found) if found else (text, found)


def _controls(text: str) -> Iterator[tuple[Place, Message]]:
    for number, found in enumerate(_CONTROLS.finditer(text)):
        place = place_at(text, found.start())
        if number == MOST_CONTROLS:
            yield place, Message("config.text.more_controls")
            return
        yield place, control_message(found[0])


def control_message(characters: str) -> Message:
    """What is wrong with a run of control characters."""
    if set(characters) == {"\0"}:
        return Message("config.text.nul", count=len(characters))
    return Message("config.text.control", code=f"U+{ord(characters[0]):04X}")
