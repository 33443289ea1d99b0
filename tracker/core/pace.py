"""How much of a quota should be done by now (CONTRACT.md §6.7)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from tracker.core.standing import Dates
from tracker.core.workdays import Workdays


def share(target: int, dates: Dates, day: date) -> int:
    """How many of ``target`` should be done by ``day``, if they were spread evenly from opening to due date.

    Whole pieces only, rounded down: nobody lags behind half a case.
    """
    due = dates.effective_due
    if due is None or day <= dates.opens:
        return 0
    length = (due - dates.opens).days + 1
    elapsed = min((day - dates.opens).days, length)
    return target * elapsed // length


def checkpoints(dates: Dates, workdays: Workdays, after: date) -> Iterator[date]:
    """The first workday of each month between the opening and the due date, later than ``after``."""
    due = dates.effective_due
    if due is None:
        return
    start = max(dates.opens, after)
    month = start.year * 12 + start.month - 1
    while (first := date(month // 12, month % 12 + 1, 1)) <= due:
        on = workdays.on_or_after(first)
        if first > dates.opens and after < on <= due:
            yield on
        month += 1
