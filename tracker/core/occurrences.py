"""The dates of a rule: plain arithmetic on the number of the period, never on the date before.

A period of one, three, six or twelve months has a number counted from the year 0, a week one counted from
1 January of the year 1 (a Monday).  The date of any period follows from the rule and that number alone, so
that the 31st is the 31st again after a shorter month (docs/contract.md §3), and looking far ahead costs nothing.
"""

from __future__ import annotations

import re
from calendar import isleap
from collections.abc import Iterator
from datetime import MAXYEAR, date
from functools import lru_cache

from tracker.core.model import Every, Occurrence, Rule
from tracker.core.moments import A_DAY
from tracker.errors import UnknownNameError

_LAST_ORDINAL = date.max.toordinal()
#: Days in the months of a common year, from 1.
_DAYS = (0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
# Looking a member up in its class, or hashing it, costs more than the arithmetic; `is` costs nothing.
_WEEK, _MONTH, _QUARTER, _HALF_YEAR = Every.WEEK, Every.MONTH, Every.QUARTER, Every.HALF_YEAR


def occurrences(rule: Rule, key: str, issued: date, since: date, until: date) -> Iterator[Occurrence]:
    """The occurrences of ``rule`` that are due in [since, until), by date.

    ``key`` is the reference without a period; ``issued`` is when the document was issued: a rule without a
    beginning of its own begins then.  A rule without any date has one occurrence, which is due never and
    therefore in every range.
    """
    if rule.every is None:
        if rule.due is None or since <= rule.due < until:
            yield Occurrence(key, None, rule.due, issued)
        return
    length = _months(rule.every)
    number, due = _first(rule, length, max(since, rule.since or issued))
    previous = _due(rule, length, number - 1)
    while due is not None and due < until and (rule.until is None or due <= rule.until):
        opens = issued if previous is None else max(issued, previous + A_DAY)
        yield Occurrence(key, period_of(rule.every, due), due, opens)
        number += 1
        previous, due = due, _due(rule, length, number)


def first_after(rule: Rule, issued: date, day: date) -> date | None:
    """The first due date later than ``day``; None where there is none."""
    if rule.every is None:
        return rule.due if rule.due is not None and rule.due > day else None
    if day == date.max:
        return None
    _, due = _first(rule, _months(rule.every), max(day + A_DAY, rule.since or issued))
    return due if due is not None and (rule.until is None or due <= rule.until) else None


def period_of(every: Every, due: date) -> str:
    """The name of the period in which ``due`` falls: 2022-05, 2022-Q2, 2022-H1, 2022, 2022-W18 (ISO 8601)."""
    if every is _WEEK:
        year, week, _ = due.isocalendar()
        return f"{year:04}-W{week:02}"
    if every is _MONTH:
        return f"{due.year:04}-{due.month:02}"
    if every is _QUARTER:
        return f"{due.year:04}-Q{(due.month + 2) // 3}"
    if every is _HALF_YEAR:
        return f"{due.year:04}-H{(due.month + 5) // 6}"
    return f"{due.year:04}"


_PERIOD = re.compile(r"(\d{4})(?:-(?:0[1-9]|1[0-2]|Q[1-4]|H[12]|W(\d\d)))?", re.ASCII)
_KEY = re.compile(r"[^\s@/]+(?:/[^\s@/]+)?")


@lru_cache(maxsize=1 << 14)
def parse_ref(text: str) -> tuple[str, str | None]:
    """``26/experience@2022-05`` → (``26/experience``, ``2022-05``); without a period the second is None.

    Only the form is looked at.  Raises UnknownNameError where the text cannot be a reference at all.
    """
    key, at, period = text.strip().partition("@")
    if not _KEY.fullmatch(key):
        raise UnknownNameError("no_reference", text=text)
    if at and not _is_period(period):
        raise UnknownNameError("no_period", text=text, period=period)
    return key, period or None


def _is_period(text: str) -> bool:
    match = _PERIOD.fullmatch(text)
    if match is None or match[1] == "0000":
        return False
    if match[2] is None:
        return True
    try:
        date.fromisocalendar(int(match[1]), int(match[2]), 1)
    except ValueError:  # not every year has a week 53
        return False
    return True


def _months(every: Every) -> int:
    """The length of a period in months; 0 for a week, which has none."""
    if every is _WEEK:
        return 0
    return 1 if every is _MONTH else 3 if every is _QUARTER else 6 if every is _HALF_YEAR else 12


def _first(rule: Rule, length: int, day: date) -> tuple[int, date | None]:
    """The number of the first period whose due date is on or after ``day``, and that date."""
    number = (day.year * 12 + day.month - 1) // length if length else (day.toordinal() - 1) // 7
    due = _due(rule, length, number)
    if due is None or due >= day:
        return number, due
    return number + 1, _due(rule, length, number + 1)


def _due(rule: Rule, length: int, number: int) -> date | None:
    """The due date in the period of that number; None outside the calendar (years 1 to 9999)."""
    day = rule.day
    if not length:
        ordinal = number * 7 + (day or 7)
        return date.fromordinal(ordinal) if 1 <= ordinal <= _LAST_ORDINAL else None
    year, month = divmod(number * length + (rule.month or length) - 1, 12)
    month += 1
    if not 1 <= year <= MAXYEAR:
        return None
    if day is None or day > 28:
        last = 29 if month == 2 and isleap(year) else _DAYS[month]
        day = last if day is None or day > last else day
    return date(year, month, day)
