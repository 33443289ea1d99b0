"""The next date of a rule: ours, and dateutil's."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from statistics import median

from dateutil.rrule import MONTHLY, WEEKLY, rrule

from bench.child import Figures
from tracker.core.model import Every, Rule
from tracker.core.occurrences import first_after

ISSUED = date(2022, 4, 8)
START = datetime(2022, 4, 8)  # noqa: DTZ001 - rrule counts in naive times

RULES: tuple[tuple[Rule, rrule], ...] = (
    (Rule(every=Every.MONTH, day=5), rrule(MONTHLY, START, bymonthday=5)),
    (Rule(every=Every.MONTH), rrule(MONTHLY, START, bymonthday=-1)),
    (Rule(every=Every.MONTH, day=31), rrule(MONTHLY, START, bymonthday=(28, 29, 30, 31), bysetpos=-1)),
    (Rule(every=Every.WEEK, day=5), rrule(WEEKLY, START, byweekday=4)),
    (
        Rule(every=Every.QUARTER, day=15),
        rrule(MONTHLY, START, bymonth=(3, 6, 9, 12), bymonthday=15),
    ),
)
#: Days of two years from which the next date is asked for.
DAYS = [ISSUED + timedelta(days=n * 7) for n in range(104)]


def next_dates(rounds: int) -> Figures:
    """Microseconds for one answer, taking turns; both must agree on every one of them."""
    moments = [datetime(day.year, day.month, day.day) for day in DAYS]  # noqa: DTZ001
    for rule, other in RULES:
        for day, moment in zip(DAYS, moments, strict=True):
            found = other.after(moment)
            assert found is not None
            assert first_after(rule, ISSUED, day) == found.date(), (rule, day)

    def ours() -> None:
        for rule, _ in RULES:
            for day in DAYS:
                first_after(rule, ISSUED, day)

    def theirs() -> None:
        for _, other in RULES:
            for moment in moments:
                other.after(moment)

    mine, dateutils = [], []
    for _ in range(rounds):
        mine.append(_timed(ours))
        dateutils.append(_timed(theirs))
    return {"ours": median(mine), "theirs": median(dateutils)}


def _timed(answer: Callable[[], None]) -> float:
    start = time.perf_counter()
    answer()
    return (time.perf_counter() - start) / (len(RULES) * len(DAYS)) * 1e6
