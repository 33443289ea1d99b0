"""What is to be said when, and for which reason (docs/contract.md §6.2 to §6.4).

Everything here follows from dates, policy and the working calendar.  The engine asks ``next_on`` to know
when to look again and ``reminder_due_on`` to know what to say; ``explain`` asks for the same ``milestones``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from heapq import merge
from typing import NamedTuple

from tracker.core.model import OnHoliday, Reason
from tracker.core.policy import Interval, Policy
from tracker.core.quota_pace import checkpoints
from tracker.core.status import Dates
from tracker.core.workdays import Workdays


@dataclass(frozen=True, eq=False, slots=True)
class Rules:
    """By what the reminders of one definition are counted.

    ``workdays`` is the calendar of the policy, its quiet days taken out.  ``has_quota``: whether it is looked
    at how far the work has come.  ``by_beat``: what is overdue is said once here, and repeated with all else that
    is (``core/beat.py``).  ``lapsed_once``: what was over before it was asked for is told once and then left alone,
    as of a campaign that was under way when this ledger began.
    """

    policy: Policy
    workdays: Workdays
    has_quota: bool = False
    by_beat: bool = False
    lapsed_once: bool = False

    def leave_alone(self, dates: Dates) -> bool:
        """Whether silence about it is neither repeated nor goes upward."""
        return self.lapsed_once and dates.is_lapsed and dates.again is None


class DueReminder(NamedTuple):
    """What is to be said of an unanswered assignment on one day.

    ``to_unit`` is the reason for the unit itself, of which PACE is meant for those who lag only; ``upward``
    whether it goes to whom the unit reports to as well.
    """

    to_unit: Reason | None
    upward: bool

    def __bool__(self) -> bool:
        return self.to_unit is not None or self.upward


@dataclass(frozen=True, slots=True)
class Milestone:
    """A workday on which something is to be said.

    ``nominal`` is the date by the rule alone; where it differs from ``on``, days off have moved it.
    """

    on: date
    reason: Reason
    nominal: date

    @property
    def moved(self) -> bool:
        """Whether a day off moved it."""
        return self.on != self.nominal


def effective_due(due: date, on_holiday: OnHoliday, workdays: Workdays) -> date:
    """The date in force where a deadline falls on a day off, by the definition's ``on_holiday``."""
    if on_holiday == "before":
        return workdays.on_or_before(due)
    if on_holiday == "after":
        return workdays.on_or_after(due)
    return due


def notice_day(due: date, workdays: Workdays) -> date:
    """The day of the last reminder: the due day, or the last workday before it (docs/contract.md §6.2)."""
    return workdays.on_or_before(due)


def before_due_by_rule(dates: Dates, rules: Rules) -> list[Milestone]:
    """The announcement and each lead reminder, in the order of the rule, some perhaps on the same day.

    A lead time that had passed before the assignment opened is none: nobody is reminded of what they
    have not been asked yet.  One that days off would move to before the opening comes on the first
    workday after the opening instead.
    """
    policy, workdays = rules.policy, rules.workdays
    first_day = workdays.on_or_after(dates.opens)
    due = dates.effective_due
    found: list[Milestone] = []
    # What was over before anybody could be told is not announced: it is overdue.
    if policy.announce and (due is None or due >= first_day):
        found.append(Milestone(first_day, Reason.OPENED, dates.opens))
    if due is None:
        return found
    for days in sorted({*policy.lead, 0}, reverse=True):
        nominal = due - timedelta(days=days)
        if days and nominal < dates.opens:
            continue
        on = max(workdays.on_or_before(nominal), first_day)
        if on > due:
            # It opens and ends within a run of days off: the workday before them is the last that there is.
            on = workdays.on_or_before(due)
            if on < (dates.asked or dates.opens):
                continue
        found.append(Milestone(on, Reason.DUE_TODAY if on == due else Reason.LEAD, nominal))
    return found


@lru_cache(maxsize=8192)
def before_due(dates: Dates, rules: Rules) -> tuple[Milestone, ...]:
    """The same by date; of several that meet on one day the last counts (docs/contract.md §6.2)."""
    by_day = {milestone.on: milestone for milestone in before_due_by_rule(dates, rules)}
    return tuple(by_day[on] for on in sorted(by_day))


def first_overdue(dates: Dates, workdays: Workdays) -> date | None:
    """The first workday on which it is late, and not before it was asked for."""
    if dates.grace_until is None:
        return None
    return workdays.on_or_after(max(dates.grace_until + timedelta(days=1), dates.opens))


def newly_overdue(dates: Dates, workdays: Workdays) -> date | None:
    """The workday on which it is told by itself that it is late: the first of being open and late without a break."""
    start = first_overdue(dates, workdays)
    return start if start is None or dates.again is None else max(start, workdays.on_or_after(dates.again))


def escalation_day(dates: Dates, rules: Rules) -> date | None:
    """The workday on which silence goes upward: the first day of being late is the first that counts (§6.4).

    What is first told on a later day counts from there.
    """
    workdays, after = rules.workdays, rules.policy.escalate
    start = first_overdue(dates, workdays)
    if start is None or after is None or rules.leave_alone(dates):
        return None
    if dates.told is not None:
        start = max(start, workdays.on_or_after(dates.told))
    return _counted(start, after, workdays)


def _counted(start: date, after: Interval, workdays: Workdays) -> date:
    """The day that is the ``after``-th from ``start`` on, itself counted."""
    if after.unit == "wd":
        return workdays.after(start, after.count - 1) if after.count > 1 else start
    return workdays.on_or_after(start + timedelta(days=after.count - 1))


def reminders(dates: Dates, rules: Rules, after: date) -> Iterator[Milestone]:
    """What is said to the unit itself later than ``after``, in order, for ever where it repeats; without pace."""
    for milestone in before_due(dates, rules):
        if milestone.on > after:
            yield milestone
    if dates.effective_due is None:
        yield from _reviews(dates, rules, after)
    else:
        yield from _overdue(dates, rules, after)


def milestones(dates: Dates, rules: Rules, after: date) -> Iterator[Milestone]:
    """Everything that is said of an unanswered assignment later than ``after``, in order, upward and pace too."""
    return merge(
        reminders(dates, rules, after),
        _upward(dates, rules, after),
        _looks_at_pace(dates, rules, after),
        key=_on,
    )


def next_on(dates: Dates, rules: Rules, after: date) -> date | None:
    """The first day later than ``after`` on which something is to be said; None if there is none."""
    milestone = next(milestones(dates, rules, after), None)
    return None if milestone is None else milestone.on


def reminder_due_on(dates: Dates, rules: Rules, since: date, day: date) -> DueReminder:
    """What is said on ``day``, when nothing has been said from ``since`` on.

    Milestones missed in between are not replayed: what counts is how things stand on ``day``.
    """
    to_unit = _to_unit(dates, rules, since, day)
    before = since - timedelta(days=1)
    if to_unit is None and _comes_by(_looks_at_pace(dates, rules, before), day):
        to_unit = Reason.PACE
    return DueReminder(to_unit, _comes_by(_upward(dates, rules, before), day))


def _to_unit(dates: Dates, rules: Rules, since: date, day: date) -> Reason | None:
    first = next(reminders(dates, rules, since - timedelta(days=1)), None)
    if first is None or first.on > day:
        return None
    due, grace_until = dates.effective_due, dates.grace_until
    if due is None or grace_until is None:
        second = next(reminders(dates, rules, first.on), None)
        return first.reason if second is None or second.on > day else second.reason
    if day > grace_until:
        return Reason.OVERDUE
    if day == due:
        return Reason.DUE_TODAY
    missed = [m.reason for m in before_due(dates, rules) if since <= m.on <= day]
    return Reason.OPENED if missed == [Reason.OPENED] else Reason.LEAD


def _comes_by(found: Iterator[Milestone], day: date) -> bool:
    first = next(found, None)
    return first is not None and first.on <= day


def _on(milestone: Milestone) -> date:
    return milestone.on


def _upward(dates: Dates, rules: Rules, after: date) -> Iterator[Milestone]:
    on = escalation_day(dates, rules)
    if on is not None and on > after:
        yield Milestone(on, Reason.ESCALATION, on)


def _looks_at_pace(dates: Dates, rules: Rules, after: date) -> Iterator[Milestone]:
    every = rules.policy.pace
    if rules.has_quota and every is not None:
        for nominal, on in checkpoints(dates, every, rules.workdays, after):
            yield Milestone(on, Reason.PACE, nominal)


def _overdue(dates: Dates, rules: Rules, after: date) -> Iterator[Milestone]:
    policy, workdays = rules.policy, rules.workdays
    start = newly_overdue(dates, workdays)
    if start is None or dates.grace_until is None:
        return
    if start > after:
        # What was over before it was asked for, or while nobody was asked, is late from the day on which somebody is.
        since = max(dates.grace_until + timedelta(days=1), dates.opens, dates.again or date.min)
        yield Milestone(start, Reason.OVERDUE, since)
    every = None if rules.by_beat or rules.leave_alone(dates) else policy.overdue
    if every is None:
        return
    most = policy.max_repeats
    for nominal, on in repeats(start, every, workdays, max(after, start)):
        if most is not None and not is_within(start, every, most, workdays, on):
            return
        yield Milestone(on, Reason.OVERDUE, nominal)


def repeats(start: date, every: Interval, workdays: Workdays, after: date) -> Iterator[tuple[date, date]]:
    """What comes ``every`` so long after ``start``, later than ``after``: (nominal day, workday).

    Found without counting, however long ago ``start`` was and however long a run of days off is.
    """
    if every.unit == "wd":
        step = workdays.between(start + timedelta(days=1), after + timedelta(days=1)) // every.count + 1
    else:
        # Only what is due later than the last workday up to ``after`` comes later than ``after``.
        step = max(1, (workdays.on_or_before(max(after, start)) - start).days // every.count + 1)
    while True:
        nominal, on = nth_repeat(start, every, step, workdays)
        if on > after:
            yield nominal, on
            after = on
        step += 1


def nth_repeat(start: date, every: Interval, step: int, workdays: Workdays) -> tuple[date, date]:
    """What comes ``step`` times ``every`` after ``start``: (nominal day, workday)."""
    if every.unit == "wd":
        on = workdays.after(start, every.count * step)
        return on, on
    nominal = start + timedelta(days=every.count * step)
    return nominal, workdays.on_or_after(nominal)


def is_within(start: date, every: Interval, most: int, workdays: Workdays, day: date) -> bool:
    """Whether ``day`` is no later than the ``most``-th repeat, without counting to that, which may be ages ahead."""
    length = every.count * most
    if every.unit == "wd":
        return workdays.between(start + timedelta(days=1), day) < length
    return (day - start).days <= length or not workdays.between(start + timedelta(days=length), day)


def _reviews(dates: Dates, rules: Rules, after: date) -> Iterator[Milestone]:
    """The first workday of each quarter (or month, half-year, year) after the opening."""
    policy, workdays = rules.policy, rules.workdays
    if policy.review is None:
        return
    length = {"month": 1, "quarter": 3, "half-year": 6, "year": 12}[policy.review]
    start = max(dates.opens, after)
    index = (start.year * 12 + start.month - 1) // length * length
    while True:
        first = date(index // 12, index % 12 + 1, 1)
        index += length
        on = workdays.on_or_after(first)
        if first > dates.opens and on > after:
            yield Milestone(on, Reason.REVIEW, first)
            after = on
