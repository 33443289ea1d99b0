"""How much of a quota should be done by now, and when that is looked at (docs/contract.md §6.7)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from tracker.core.policy import Pace
from tracker.core.status import Dates
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


def checkpoints(dates: Dates, every: Pace, workdays: Workdays, after: date) -> Iterator[tuple[date, date]]:
    """The first workday of each month (or ISO week) between opening and due date, later than ``after``.

    Each with the day on which the month begins.
    """
    due = dates.effective_due
    if due is None:
        return
    start = max(dates.opens, after)
    first = start.replace(day=1) if every == "month" else start - timedelta(days=start.weekday())
    last = after
    while first <= due:
        on = workdays.on_or_after(first)
        if first > dates.opens and last < on <= due:
            yield first, on
            last = on
        first = _following(first, every)


def _following(first: date, every: Pace) -> date:
    if every == "week":
        return first + timedelta(days=7)
    return date(first.year + first.month // 12, first.month % 12 + 1, 1)
