"""The one beat of what is overdue for a unit (docs/contract.md §6.3, docs/design/ledger.md).

However many of a unit's assignments are late, they are told together: the shortest interval of any of them, counted
from the first of them.  What is newly late is told on its first workday and joins.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from tracker.core.model import Rhythm
from tracker.core.moments import A_DAY
from tracker.core.policy import Interval
from tracker.core.reminders import Rules, first_overdue, is_within, nth_repeat, repeats
from tracker.core.status import Dates

#: Five workdays are as long as seven days.
_LENGTH = {"d": 5, "wd": 7}


@dataclass(frozen=True, slots=True)
class Late:
    """Something that is late: ``since`` is its first workday of that, ``rules`` are those by which it is repeated."""

    since: date
    rules: Rules

    @property
    def every(self) -> Interval | None:
        """How often its policy repeats it."""
        return self.rules.policy.overdue

    def is_repeated(self, day: date) -> bool:
        """Whether its policy repeats it on or after ``day`` still: not for ever, where it says how often at most."""
        every, most = self.every, self.rules.policy.max_repeats
        if every is None or day < self.since:
            return False
        return most is None or is_within(self.since, every, most, self.rules.workdays, day)

    def may_be_said(self, day: date) -> bool:
        """Whether it is among what is repeated on ``day``; on its first workday it is told by itself."""
        return self.since < day and self.is_repeated(day) and self.rules.workdays.is_workday(day)


def late(dates: Dates, rules: Rules) -> Late | None:
    """What something with these dates is once its time is up; None for what has no date, or is told once."""
    return None if rules.leave_alone(dates) else late_or_lapsed(dates, rules)


def late_or_lapsed(dates: Dates, rules: Rules) -> Late | None:
    """The same, of what is told once too: one of those that share these dates may have been sent back."""
    since = first_overdue(dates, rules.workdays)
    return None if since is None else Late(since, rules)


def leader(lates: Iterable[Late], day: date) -> Late | None:
    """The one by whose policy all of them are repeated on ``day``: the shortest interval, of several the first."""
    repeated = [each for each in lates if each.is_repeated(day)]
    return min(repeated, key=_interval_and_since, default=None)


def leader_on(lates: Iterable[Late], day: date) -> Late | None:
    """The one whose beat is kept on ``day`` itself: what is newly late that day joins after it."""
    return leader([each for each in lates if each.since < day], day)


def is_slower(one: Late, other: Late) -> bool:
    """Whether the interval of ``one`` is longer than that of ``other``."""
    return _length(one) > _length(other)


def beats(anchor: date, by: Late, after: date) -> Iterator[date]:
    """The days of the beat later than ``after``, counted from ``anchor``, by the policy of ``by``."""
    every = by.every
    if every is None:
        return
    for _, on in repeats(anchor, every, by.rules.workdays, max(after, anchor)):
        yield on


def next_beat(anchor: date, by: Late, after: date) -> date:
    """The first of them."""
    return next(beats(anchor, by, after))


def rhythms_on(anchor: date, by: Late, told: date, day: date) -> frozenset[Rhythm]:
    """Who is told on ``day`` of what has come up by the beat in (told, day].

    Weekly is the first day of the beat in an ISO week; twice a week also the first one from its Thursday on.
    """
    found: set[Rhythm] = set()
    on = next_beat(anchor, by, told)
    if on <= day:
        found.add("daily")
        monday = on - timedelta(days=on.weekday())
        thursday, week = monday + timedelta(days=3), monday + timedelta(days=7)
        half, following = (thursday, week) if on >= thursday else (monday, thursday)
        parts: tuple[tuple[Rhythm, date, date], ...] = (
            ("twice-weekly", half, following),
            ("weekly", monday, week),
        )
        for rhythm, since, until in parts:
            if next_beat(anchor, by, since - A_DAY) == on or next_beat(anchor, by, until - A_DAY) <= day:
                found.add(rhythm)
    return frozenset(found)


def last_beat(anchor: date, by: Late, day: date) -> date:
    """The last one up to ``day``; the anchor itself where there has been none."""
    every, workdays = by.every, by.rules.workdays
    assert every is not None
    if every.unit == "wd":
        step = workdays.between(anchor + A_DAY, day + A_DAY) // every.count
    else:
        step = (workdays.on_or_before(day) - anchor).days // every.count
    return nth_repeat(anchor, every, step, workdays)[1] if step > 0 else anchor


def _length(each: Late) -> int:
    every = each.every
    return 0 if every is None else every.count * _LENGTH[every.unit]


def _interval_and_since(each: Late) -> tuple[int, date]:
    return _length(each), each.since
