"""What a clerk with the document, a calendar and CONTRACT.md would put into whose mail on which day.

Nothing of the product takes part but the reader of its files: workdays come from ``chinese_calendar``, and
every rule is written out here a second time, as slowly as a person would apply it.  The clerk walks through
the days; on each day, for each thing that is asked of each unit, the question is: must it be in the mail,
with what reason, what date, and how many days left?

What the clerk goes by, and where it is written (§ is CONTRACT.md):

- a digest on workdays at ``send_at``, in the unit's own time zone (§6.1);
- lead reminders some days before, moved to the workday before where that is a day off (§6.2); none for a
  date before the thing was asked, and one that days off would move to before that comes on the first workday
  from then on (docs/design/engine.md, core/reminders.py);
- the last one on the due day, or the last workday before it, and then it is still a ``lead`` (§6.2); only
  what was over before the document was issued has none;
- overdue from the first workday after, then every so many days (a day off moves that one to the next
  workday) or workdays (§6.3), counted from the first one;
- ``opened`` once, for what is asked once, on the first workday from the date of issue on;
- ``review`` of what has no date on the first workday of each quarter (§3);
- ``returned`` in the first digest after something was sent back;
- nothing for what is submitted, accepted, waived or paused at the moment of sending (§6.5).

Escalations, roll-ups and pace (§6.4, §6.7) are no business of this clerk.
"""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import chinese_calendar

DAY = timedelta(days=1)

#: What this clerk writes; other reasons are other people's business.
REASONS = frozenset({"opened", "lead", "due_today", "overdue", "review", "returned"})


class MisfitError(Exception):
    """An event that cannot have happened: accepted before it was submitted, and the like."""


@dataclass(frozen=True, order=True)
class Line:
    """One item of a mail, in the words of the JSON (§5)."""

    ref: str
    unit: str
    reason: str
    due: str | None
    days_left: int | None

    def __str__(self):
        return f"{self.ref} of {self.unit}: {self.reason}, due {self.due}, {self.days_left} days left"


# --- the calendar on the wall ---


class Wall:
    """Which days are worked: the operator's own file for a year, else the State Council's, else Mon-Fri (§6.8)."""

    def __init__(self, own=None):
        self._own = own or {}
        self._known: dict[date, bool] = {}

    def is_workday(self, day):
        if day not in self._known:
            self._known[day] = self._look_up(day)
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
            return replace(self, answer="submitted", progress=self.progress + (count or 0))
        progress = max(quota, self.progress) if count is None else self.progress + count
        # Part of a quota is no answer yet.
        return replace(self, progress=progress, answer="submitted" if progress >= quota else self.answer)

    def _nil(self, _event, _quota):
        self._refuse(self.answer == "waived")
        return replace(self, answer="nil")

    def _accept(self, _event, _quota):
        self._refuse(self.answer not in ("submitted", "nil"))
        return self

    def _return(self, event, _quota):
        self._refuse(self.answer not in ("submitted", "nil"))
        return replace(self, answer="returned", progress=0, returned_at=event["at"])

    def _extend(self, event, _quota):
        self._refuse(self.wants_nothing and not self.paused)
        return replace(self, extended=event["until"])

    def _waive(self, _event, _quota):
        return replace(self, answer="waived")

    def _pause(self, _event, _quota):
        self._refuse(self.paused)
        return replace(self, paused=True)

    def _resume(self, _event, _quota):
        self._refuse(not self.paused)
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


# --- the clerk ---


class Clerk:
    """Knows the files and the calendar; ``mails`` walks through the days."""

    def __init__(self, campaign, policies, send_at, own_holidays=None):
        self.campaign = campaign
        self.policies = policies
        self.send_at = send_at
        self.wall = Wall(own_holidays)
        self.zone = ZoneInfo(campaign.timezone)
        self._timetables: dict[tuple[object, ...], dict[date, str]] = {}

    @classmethod
    def of(cls, loaded):
        """The clerk for what ``tracker.config.loader.load`` has read."""
        settings = loaded.settings
        return cls(loaded.campaign, settings.policies.named, settings.send_at, loaded.holidays)

    def mails(self, first, last, events=()):
        """{(day, address): {line, …}} of every mail from ``first`` to ``last``, both included."""
        found: defaultdict[tuple[date, str], set[Line]] = defaultdict(set)
        for day, unit, lines in self.days(first, last, events):
            for address in {contact.email.lower() for contact in self.campaign.units[unit].contacts}:
                found[day, address] |= lines
        return dict(found)

    def days(self, first, last, events=()) -> Iterator[tuple[date, str, set[Line]]]:
        """(day, unit, lines) wherever there is a line."""
        asked = self._asked_of_units(last)
        for unit, cells in asked.items():
            waiting = self._events_of(unit, events)
            histories = {one.ref: History(self._quota(one)) for one in cells}
            told_until = datetime.combine(self.campaign.issued, time.min, self.zone) - 1000 * DAY
            day = min(first, self.campaign.issued)
            while day <= last:
                if self.wall.is_workday(day):
                    moment = datetime.combine(day, self.send_at, self._zone_of(unit))
                    while waiting and waiting[0]["at"] <= moment:
                        event = waiting.pop(0)
                        histories[event["ref"]].take(event)
                    lines = {line for one in cells for line in self._line(one, histories, day, told_until)}
                    told_until = moment
                    if lines and day >= first:
                        yield day, unit, lines
                day += DAY

    def _line(self, asked, histories, day, told_until) -> Iterator[Line]:
        cell = histories[asked.ref].now
        if cell.wants_nothing or asked.definition.status is not None:
            return
        due = self.date_in_force(asked, cell)
        reason = self.timetable(asked, due).get(day)
        if cell.answer == "returned" and cell.returned_at > told_until:
            reason = "returned"
        if reason is not None:
            yield Line(
                asked.ref,
                asked.unit,
                reason,
                due and due.isoformat(),
                (due - day).days if due else None,
            )

    # What is asked, and of whom.

    def _asked_of_units(self, last):
        """Everything with a date up to a year after ``last``: leads may be long."""
        found: defaultdict[str, list[Asked]] = defaultdict(list)
        for definition in self.campaign:
            periods = list(all_asked(definition, self.campaign.issued, last + 400 * DAY))
            for unit in definition.units:
                found[unit] += [Asked(ref, unit, definition, opens, due) for ref, due, opens in periods]
        return found

    def _quota(self, asked):
        target = asked.definition.target
        return target.count if target is not None and asked.unit in target.units else None

    def _zone_of(self, unit):
        return ZoneInfo(self.campaign.units[unit].timezone or self.campaign.timezone)

    def _events_of(self, unit, events):
        return sorted((event for event in events if event["unit"] == unit), key=lambda event: event["at"])

    # Dates.

    def date_in_force(self, asked, cell):
        if cell.extended is not None:
            return cell.extended
        if asked.due is None or asked.definition.on_holiday == "keep":
            return asked.due
        if asked.definition.on_holiday == "before":
            return self.wall.this_or_last(asked.due)
        return self.wall.this_or_next(asked.due)

    def policy_of(self, definition):
        return self.policies[
            definition.policy or ("monthly" if definition.rule.every == "month" else "default")
        ]

    def timetable(self, asked, due) -> Mapping[date, str]:
        """{day: reason} of something that nobody answers, for years ahead."""
        definition = asked.definition
        key = (definition.key, asked.opens, due)
        if key not in self._timetables:
            policy = self.policy_of(definition)
            announced = policy.announce and not definition.rule.every
            self._timetables[key] = dict(
                self._dateless(asked.opens, policy, announced=announced)
                if due is None
                else self._dated(asked.opens, due, definition.grace_days, policy, announced=announced)
            )
        return self._timetables[key]

    def _dateless(self, opens, policy, *, announced):
        months = {
            None: (),
            "month": range(1, 13),
            "quarter": (1, 4, 7, 10),
            "half-year": (1, 7),
            "year": (1,),
        }
        for year in range(opens.year, opens.year + 8):
            for month in months[policy.review]:
                begins = date(year, month, 1)
                if begins > opens:
                    yield self.wall.this_or_next(begins), "review"
        if announced:
            yield self.wall.this_or_next(opens), "opened"

    def _dated(self, opens, due, grace, policy, *, announced):
        first_day = self.wall.this_or_next(opens)
        if announced and first_day <= due:
            yield first_day, "opened"
        for days in policy.lead:
            nominal = due - timedelta(days=days)
            if nominal < opens:
                continue  # it was not asked yet
            day = max(self.wall.this_or_last(nominal), first_day)
            if day < due:
                yield day, "lead"
        # The last one, come what may: even for what opens and ends within the same holiday.
        last = self.wall.this_or_last(due)
        if last >= self.campaign.issued:
            yield last, "due_today" if last == due else "lead"
        yield from self._late(max(due + timedelta(days=grace) + DAY, opens), policy)

    def _late(self, from_, policy):
        first = self.wall.this_or_next(from_)
        yield first, "overdue"
        every = policy.overdue
        if every is None:
            return
        repeats = 0
        if every.unit == "wd":
            day, workdays = first, 0
            while day < first + 2000 * DAY and (policy.max_repeats is None or repeats < policy.max_repeats):
                day = self.wall.this_or_next(day + DAY)
                workdays += 1
                if workdays % every.count == 0:
                    repeats += 1
                    yield day, "overdue"
            return
        nominal = first + timedelta(days=every.count)
        while nominal < first + 2000 * DAY and (policy.max_repeats is None or repeats < policy.max_repeats):
            repeats += 1
            yield self.wall.this_or_next(nominal), "overdue"
            nominal += timedelta(days=every.count)

    @cached_property
    def addresses(self):
        """{address: {unit, …}} of everybody who gets mail."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for unit in self.campaign.units.values():
            for contact in unit.contacts:
                found[contact.email.lower()].add(unit.id)
        return dict(found)


def read_events(rows: Iterable[Mapping[str, object]], zone) -> list[dict[str, object]]:
    """Events as the file has them, with dates and times made of their texts."""
    found = []
    for row in rows:
        event = dict(row)
        text = str(row["at"])
        if len(text) == len("2022-05-05"):
            event["at"] = datetime.combine(date.fromisoformat(text), time.min, zone)
        else:
            at = datetime.fromisoformat(text)
            event["at"] = at if at.tzinfo else at.replace(tzinfo=zone)
        if row.get("until"):
            event["until"] = date.fromisoformat(str(row["until"]))
        found.append(event)
    return found
