"""Footnote marks: what stands raised behind a figure or a name belongs to neither."""

from __future__ import annotations

import re

#: No mark is longer; a text that is made to cost time may be.
_LONGEST = 12
_DIGITS = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_RAISED = str.maketrans("0123456789０１２３４５６７８９()（）", f"{_DIGITS}{_DIGITS}⁽⁾⁽⁾")
#: ², ①, *, [¹], (注²) at the end.
_MARK = re.compile(rf"\s*[\[(（〔【⁽]?注?[{_DIGITS}①-⑳*＊※†‡]+[\])）〕】⁾]?$")
_ONLY_RAISED = re.compile(rf"\s*⁽?[{_DIGITS}]+⁾?$")


def raised(text: str) -> str:
    """A text that a file raises above the line, in letters that say so themselves: 2 becomes ²."""
    return text.translate(_RAISED)


def without_mark(text: str) -> tuple[str, str]:
    """A text and the footnote mark behind it, each “” where there is none."""
    return _parted(_MARK, text)


def without_raised(text: str) -> tuple[str, str]:
    """The same for raised digits alone: ① may be a part of a name."""
    return _parted(_ONLY_RAISED, text)


def _parted(mark: re.Pattern[str], text: str) -> tuple[str, str]:
    start = max(0, len(text) - _LONGEST)
    found = mark.search(text, start)
    return (text, "") if found is None else (text[: found.start()], found.group().strip())
