"""What a clerk goes by: the calendar on the wall, what is due when, and what has happened to it.

Written from docs/contract.md a second time; nothing of the product takes part.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

import chinese_calendar

DAY = timedelta(days=1)


class MisfitError(Exception):
    """An event that cannot have happened: accepted before it was submitted, and the like."""


# --- the calendar on the wall ---


class Wall:
    """Which days are worked: the operator's own file for a year, else the State Council's, else Mon-Fri (§6.8)."""

    def __init__(self, own=None, quiet=()):
        self._own = own or {}
        self._quiet = quiet
        self._known: dict[date, bool] = {}

    def is_workday(self, day):
        if day not in self._known:
            self._known[day] = day not in self._quiet and self._look_up(day)
        return self._known[day]

    def _look_up(self, day):
        own = self._own.get(day.year)
        if own is not None:
            return day in own.work or (day.isoweekday() <= 5 and day not in own.off)
        try:
            return bool(chinese_calendar.is_workday(day))
        except NotImplementedError:
            return day.isoweekday() <= 5

    def this_or_next(self, day):
        while not self.is_workday(day):
            day += DAY
        return day

    def this_or_last(self, day):
        while not self.is_workday(day):
            day -= DAY
        return day


# --- what is due when (§3) ---


def is_due_date(rule, day):
    """Whether a deadline that comes back falls on this very day."""
    if rule.every == "week":
        return day.isoweekday() == (rule.day or 7)
    months = {"month": 1, "quarter": 3, "half-year": 6, "year": 12}[rule.every]
    month_in_period = (day.month - 1) % months + 1
    if month_in_period != (rule.month or months):
        return False
    last_of_month = monthrange(day.year, day.month)[1]
    return day.day == min(rule.day or 31, last_of_month)


def period_of(every, day):
    if every == "week":
        year, week, _ = day.isocalendar()
        return f"{year}-W{week:02}"
    return {
        "month": f"{day.year}-{day.month:02}",
        "quarter": f"{day.year}-Q{(day.month - 1) // 3 + 1}",
        "half-year": f"{day.year}-H{1 if day.month <= 6 else 2}",
        "year": f"{day.year}",
    }[every]


@dataclass(frozen=True)
class Asked:
    """One thing asked of one unit: a cell of the ledger."""

    ref: str
    unit: str
    definition: object
    opens: date
    due: date | None


def all_asked(definition, issued, until):
    """(ref, due, opens) of every period of a definition that falls due before ``until``."""
    rule = definition.rule
    if not rule.every:
        yield definition.key, rule.due, issued
        return
    day = rule.since or issued
    opens = issued
    while day < until and (rule.until is None or day <= rule.until):
        if is_due_date(rule, day):
            yield f"{definition.key}@{period_of(rule.every, day)}", day, opens
            opens = max(issued, day + DAY)
        day += DAY


# --- what has happened to it (§1, §5) ---


@dataclass(frozen=True)
class Cell:
    """How one thing stands after what has happened to it."""

    answer: str | None = None  # submitted, nil, returned, waived
    paused: bool = False
    progress: int = 0
    extended: date | None = None
    returned_at: datetime | None = None
    answered_at: datetime | None = None  # the first whole answer since it was last sent back
    accepted: bool = False  # an acceptance is of what was accepted, not of what comes after it

    @property
    def wants_nothing(self):
        """§6.5: nothing goes out for it."""
        return self.paused or self.answer in ("submitted", "nil", "waived")

    def after(self, event, quota):
        kind = event["event"]
        handler = getattr(self, f"_{kind}", None)
        if handler is None:
            raise MisfitError(f"{kind} is no event")
        return handler(event, quota)

    def _submit(self, event, quota):
        self._refuse(self.answer == "waived")
        count = event.get("count")
        if quota is None:
            return self._answered("submitted", event, self.progress + (count or 0))
        progress = max(quota, self.progress) if count is None else self.progress + count
        # Part of a quota is no answer yet.
        if progress < quota:
            answer = "returned" if self.answer == "returned" else None
            return replace(self, answer=answer, progress=progress, answered_at=None, accepted=False)
        return self._answered("submitted", event, progress)

    def _nil(self, event, _quota):
        self._refuse(self.answer == "waived")
        return self._answered("nil", event, self.progress)

    def _answered(self, answer, event, progress):
        # A correction of what is in already does not make it late.
        is_in = self.answer in ("submitted", "nil")
        at = self.answered_at if is_in else event["at"]
        return replace(self, answer=answer, progress=progress, answered_at=at, accepted=False)

    def _accept(self, _event, _quota):
        self._refuse(self.answer not in ("submitted", "nil") or self.accepted)
        return replace(self, accepted=True)

    def _return(self, event, _quota):
        self._refuse(self.answer not in ("submitted", "nil"))
        back = {"returned_at": event["at"], "answered_at": None, "accepted": False}
        return replace(self, answer="returned", progress=0, **back)

    def _extend(self, event, _quota):
        self._refuse(self.answer in ("submitted", "nil", "waived"))
        return replace(self, extended=event["until"])

    def _waive(self, _event, _quota):
        self._refuse(self.answer == "waived")
        return replace(self, answer="waived")

    def _pause(self, _event, _quota):
        self._refuse(self.paused or self.answer == "waived")
        return replace(self, paused=True)

    def _resume(self, _event, _quota):
        self._refuse(not self.paused or self.answer == "waived")
        return replace(self, paused=False)

    @staticmethod
    def _refuse(misfit):
        if misfit:
            raise MisfitError


@dataclass
class History:
    """The states of one cell, one for each event that has not been taken back."""

    quota: int | None
    states: list[Cell] = field(default_factory=lambda: [Cell()])

    def take(self, event):
        if event["event"] == "undo":
            if len(self.states) == 1:
                raise MisfitError("nothing to undo")
            self.states.pop()
        else:
            self.states.append(self.states[-1].after(event, self.quota))

    @property
    def now(self):
        return self.states[-1]
