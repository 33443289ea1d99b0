"""Characters of fonts that hold signs in the place of letters: a √ put in from such a font is kept as a letter of it."""

from __future__ import annotations

#: By font and code, without the F000 that Word adds: what is seen.
_SEEN = {
    "wingdings": {0x6F: "□", 0xA8: "□", 0x71: "□", 0xFB: "×", 0xFC: "√", 0xFD: "☒", 0xFE: "☑"},
    "wingdings 2": {
        0x4F: "×", 0x50: "√", 0x51: "☒", 0x52: "☑", 0x53: "☒", 0x54: "☒", 0x56: "☒", 0xA3: "□", 0x2A: "□", 0x30: "□",
    },
    "webdings": {0x61: "√", 0x63: "□", 0x72: "×"},
    "symbol": {0xD6: "√", 0xB4: "×"},
    "marlett": {0x61: "√", 0x62: "√"},
}  # fmt: skip
_PRIVATE = range(0xF000, 0xF100)


def seen(font: str, code: str) -> str:
    """What is seen of the character ``code`` (hexadecimal) of ``font``; one that is not known stays as it is."""
    try:
        number = int(code[:8], 16)
    except ValueError:
        return "�"
    plain = number - 0xF000 if number in _PRIVATE else number
    sign = _SEEN.get(font.strip().casefold(), {}).get(plain)
    return sign or (chr(number) if 0x20 < number < 0xFFFE and not 0xD800 <= number < 0xE000 else "�")
