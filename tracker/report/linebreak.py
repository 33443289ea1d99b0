"""Breaks text into lines: between any two Chinese characters, Latin words whole, no line beginning with a comma."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

#: May not begin a line; stays with what is before it.
_CLOSING = "，。、；：！？）》〉”’」』】〕％…—·,.;:!?)]}%"
#: May not end a line; stays with what is after it.
_OPENING = "（《〈“‘「『【〔([{"
_PIECE = re.compile(
    rf"[{re.escape(_OPENING)}]*"
    r"(?:[\u2e80-\u9fff\uf900-\uffef]|[^\s/@\u2e80-\u9fff\uf900-\uffef"
    + re.escape(_OPENING + _CLOSING)
    + r"]*[/@]?)"
    rf"[{re.escape(_CLOSING)}]*\s*"
)


def break_lines(text: str, width: float, measure: Callable[[str], float]) -> list[str]:
    """``text`` in lines no wider than ``width``; a word that is wider by itself is broken."""
    lines: list[str] = []
    line = ""
    for piece in _pieces(text):
        if measure((line + piece).rstrip()) <= width:
            line += piece
            continue
        if line:
            lines.append(line.rstrip())
        *whole, line = _fit(piece, width, measure)
        lines.extend(whole)
    lines.append(line.rstrip())
    return lines


def _pieces(text: str) -> Iterator[str]:
    for found in _PIECE.finditer(text):
        if found[0]:
            yield found[0]


def _fit(piece: str, width: float, measure: Callable[[str], float]) -> list[str]:
    """A piece that does not fit behind others: as it is, or broken where it must be."""
    found = [""]
    for character in piece:
        if found[-1] and measure((found[-1] + character).rstrip()) > width:
            found.append("")
        found[-1] += character
    return found
