"""Dates and times as spreadsheets keep them: numbers of days, known by their number format, or ISO texts."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta

#: Numbers of formats that are dates without having a text; 27 to 36 and 50 to 58 are those of Chinese Excel.
_BUILT_IN = frozenset({*range(14, 23), *range(27, 37), 45, 47, *range(50, 59)})
#: Literal text, padding, colours, locales, and the word that means no format.
_LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]|general', re.IGNORECASE)
_ELAPSED = re.compile(r"\[(h+|m+|s+)\]", re.IGNORECASE)
_DATE_LETTER = re.compile(r"[ymdhs]|aaa", re.IGNORECASE)
_LONGEST_FORMAT = 1000

_EPOCH_1900 = datetime(1899, 12, 30)  # noqa: DTZ001 -- a cell has no zone
_EPOCH_1904 = datetime(1904, 1, 1)  # noqa: DTZ001
_MILLISECONDS = 86_400_000
_LAST_DAY = 2_958_465
#: The first day after the 29 February 1900 that Excel believes in.
_MARCH_1900 = 60

_DURATION = re.compile(r"PT(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,6})(?:[.,](\d+))?S)?")


def is_date_format(number: int, code: str | None = None) -> bool:
    """Does this number format show a date or a time of day?  (A span of hours, ``[h]:mm``, is a number.)"""
    if code is None:
        return number in _BUILT_IN
    code = code[:_LONGEST_FORMAT]
    return not _ELAPSED.search(code) and bool(_DATE_LETTER.search(_LITERAL.sub("", code).split(";")[0]))


def from_serial(days: float, *, is_1904: bool) -> datetime | time | None:
    """The moment ``days`` after the epoch; None where there is none.  Below 1 it is a time of day."""
    if not 0 <= days < _LAST_DAY + 1:
        return None
    whole_days = int(days)
    rest = timedelta(milliseconds=round((days - whole_days) * _MILLISECONDS))
    if whole_days == 0 and not rest.days:
        return (_EPOCH_1904 + rest).time()
    if not is_1904 and 0 < days < _MARCH_1900:
        whole_days += 1
    try:
        return (_EPOCH_1904 if is_1904 else _EPOCH_1900) + timedelta(days=whole_days) + rest
    except OverflowError:
        return None


def from_iso(text: str) -> datetime | time | None:
    """``2022-05-01``, ``2022-05-01T09:00:00`` or ``09:00:00``, with or without a zone that is then dropped."""
    try:
        if ":" in text[:3]:
            return time.fromisoformat(text).replace(tzinfo=None)
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=None)


def from_duration(text: str) -> time | float | None:
    """``PT09H30M00S``: a time of day, or days where it is longer than one."""
    found = _DURATION.fullmatch(text)
    if found is None:
        return None
    hours, minutes, seconds, fraction = found.groups(default="0")
    span = timedelta(
        hours=int(hours),
        minutes=int(minutes),
        seconds=int(seconds),
        milliseconds=round(float(f"0.{fraction[:9]}") * 1000),
    )
    if span.days:
        return span / timedelta(days=1)
    return (_EPOCH_1904 + span).time()


def number_of(text: str) -> int | float | None:
    """A number as XML has it: whole where it is written so; None for what is none, or is not finite."""
    if len(text) < 16 and text.isdecimal():
        return int(text)
    text = text.strip()
    try:
        if len(text) < 16 and "." not in text and "e" not in text and "E" not in text and "_" not in text:
            return int(text)
        value = float(text) if "_" not in text else None
    except ValueError:
        return None
    if value is None or value != value or value in {float("inf"), float("-inf")}:  # noqa: PLR0124 -- that is how NaN is known
        return None
    return value


def whole(value: float) -> int | float:
    """``3`` for 3.0: .xls and .ods keep every number with a fraction."""
    return int(value) if value.is_integer() and abs(value) < 1e15 else value
