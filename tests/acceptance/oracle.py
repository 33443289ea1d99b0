"""What a clerk with the document, a calendar and docs/contract.md would put into whose mail on which day.

Nothing of the product takes part but the reader of its files: workdays come from ``chinese_calendar``, and
every rule is written out here a second time, as slowly as a person would apply it.  The clerk walks through
the days; on each day, for each thing that is asked of each unit, the question is: must it be in the mail,
with what reason, what date, and how many days left?

What the clerk goes by, and where it is written (§ is docs/contract.md):

- a digest on workdays at ``send_at``, in the unit's own time zone (§6.1);
- lead reminders some days before, moved to the workday before where that is a day off (§6.2); none for a
  date before the thing was asked, and one that days off would move to before that comes on the first workday
  from then on (docs/design/engine.md, core/reminders.py);
- the last one on the due day, or the last workday before it, and then it is still a ``lead`` (§6.2); only
  what was over before the document was issued has none;
- overdue from the first workday after; from then on all that is overdue for a unit keeps one beat (§6.3): the
  shortest interval of any of them, counted from the first of them, so many days (a day off moves that one to the
  next workday) or workdays.  What is newly late is told on its first workday and joins.  The beat goes on as long
  as anything is late; where an answer makes its interval longer, it is counted from the last day of it on;
- what is open and late again (sent back, taken back, resumed) is newly late: it is told with the next digest, and
  where it would have gone upward before, it goes so many workdays later, that day counted in (§6.4);
- ``opened`` once, for what is asked once, on the first workday from the date of issue on;
- ``review`` of what has no date on the first workday of each quarter (§3);
- ``returned`` in the first digest after something was sent back;
- nothing for what is submitted, accepted, waived or paused at the moment of sending (§6.5).

And what goes upward and sideways (docs/design/ledger.md where § is silent):

- ``escalation`` (§6.4) on the n-th workday of being overdue, the first one counted, once: to the people of the
  unit that it reports to, else of the supervisor; to nobody where that is the unit itself.  Whoever would
  read of the same thing twice reads the escalation only;
- ``pace`` (§6.7) on the first workday of a month that begins after the opening, up to the due day, to those
  units of a quota that lag, where nothing else is said of it that day;
- a roll-up (§6.4) to the people of the supervisor on the first workday after the date of what comes back
  monthly, with who is missing, and on the first workday of each ISO week from the date of issue on;
- quiet days of a policy are days off for it;
- a person's mail goes out by the clock of the first unit that names the address; while somebody stands in for
  them, it goes to that one instead.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tests.acceptance.cells import DAY, Asked, Cell, History, MisfitError, Wall, all_asked

__all__ = ("DAY", "Asked", "Cell", "Clerk", "History", "Line", "MisfitError", "all_asked", "read_events")


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


def line_of(one, reason, due, day):
    """One thing as it stands in the mail of ``day``."""
    return Line(one.ref, one.unit, reason, due and due.isoformat(), (due - day).days if due else None)


class Timetable(NamedTuple):
    """What is said of something that nobody answers: to the unit by day, upward, and when a quota is looked at."""

    says: Mapping[date, str]
    goes_upward: date | None
    looks_at_quota: frozenset[date]


class Said(NamedTuple):
    """What is said of the things of one unit on one day: to itself, upward, and to the supervisor in a roll-up."""

    own: dict[tuple[str, str], Line]
    upward: dict[tuple[str, str], Line]
    missing: set[Line]


# --- the one beat of a unit ---


class Beat:
    """Since when each thing of a unit is late, and on which days all of that is told together."""

    def __init__(self, clerk, unit, cells, histories):
        self.clerk, self.histories = clerk, histories
        self.cells = {one.ref: one for one in cells}
        addresses = clerk._ever[unit]
        self.zone = clerk._zone_of[addresses[0]] if addresses else clerk.zone
        self.anchor: date | None = None
        #: The first day of digests on which something was open and late that had been answered when its time was up.
        self.again: dict[str, date] = {}
        #: Of these the readers of one time zone have not been told yet: theirs may be the digests of the day after.
        self._untold: set[str] = set()

    def since(self, one, cell):
        """The first workday on which it is late; None for what has no date."""
        due = self.clerk.date_in_force(one, cell)
        if due is None:
            return None
        begins = max(due + (one.definition.grace_days + 1) * DAY, one.opens)
        return self.clerk.wall_of(one.definition).this_or_next(begins)

    def newly(self, one, cell):
        """The workday on which it is told that it is open and late again; None where it was open all the time."""
        if one.ref not in self.again:
            return None
        wall = self.clerk.wall_of(one.definition)
        return wall.this_or_next(max(self.again[one.ref], self.since(one, cell)))

    def told_anew(self, day):
        """The refs of what has come to be open and late since the last digests, told in those of ``day``."""
        found = set()
        for ref in self._untold:
            one = self.cells[ref]
            since = self.since(one, self.histories[ref].now)
            if since <= day and self.clerk.wall_of(one.definition).is_workday(day):
                found.add(ref)
        self._untold -= found
        return found

    def take(self, event):
        """Something happens to one thing: the beat may end, or its interval become longer."""
        local = event["at"].astimezone(self.zone)
        told = local.date() - DAY if local.time() <= self.clerk.send_at else local.date()
        one, history = self.cells[event["ref"]], self.histories[event["ref"]]
        before, was_late = self.repeated(told), self._is_late(one, told + DAY)
        if before and self.anchor is None:
            self.anchor = min(since for since, _ in before.values())
        history.take(event)
        is_late = self._is_late(one, told + DAY)
        if not is_late:
            self.again.pop(one.ref, None)
            self._untold.discard(one.ref)
        elif not was_late:
            self.again[one.ref] = told + DAY
            self._untold.add(one.ref)
        after = self.repeated(told)
        if not after:
            self.anchor = None
            return
        kept = {ref: each for ref, each in before.items() if each[0] < told}
        if kept and self._length(after) > self._length(kept):
            days = self._days(kept)
            self.anchor = max((day for day in days if day <= told), default=self.anchor)

    def _is_late(self, one, day):
        cell = self.histories[one.ref].now
        due = self.clerk.date_in_force(one, cell)
        if due is None or cell.wants_nothing or one.definition.status is not None:
            return False
        return due + one.definition.grace_days * DAY < day

    def repeated(self, day):
        """{ref: (since, definition)} of what is late on ``day`` and told again and again."""
        found = {}
        for one in self.cells.values():
            if self._is_late(one, day):
                since = self.since(one, self.histories[one.ref].now)
                policy = self.clerk.policy_of(one.definition)
                if since <= day and policy.overdue is not None and day <= self._last(one, since, policy):
                    found[one.ref] = (since, one.definition)
        return found

    def _last(self, one, since, policy):
        if policy.max_repeats is None:
            return date.max
        days = self.clerk.repeats(one.definition, since, policy.overdue)
        return sorted(days)[policy.max_repeats - 1]

    def on(self, day):
        """The refs of all that is told again on ``day``."""
        late = self.repeated(day)
        if not late:
            self.anchor = None
            return set()
        if self.anchor is None:
            self.anchor = min(since for since, _ in late.values())
        # What is newly late today is told by itself, and joins from tomorrow on.
        late = {ref: each for ref, each in late.items() if each[0] < day}
        if not late or day not in self._days(late):
            return set()
        return {
            ref for ref, (_, definition) in late.items() if self.clerk.wall_of(definition).is_workday(day)
        }

    def _first(self, late):
        """What has the shortest interval: five workdays are as long as seven days."""
        length = {"d": 5, "wd": 7}
        every = {ref: self.clerk.policy_of(definition).overdue for ref, (_, definition) in late.items()}
        long = {ref: each.count * length[each.unit] for ref, each in every.items()}
        ref = min(late, key=lambda each: (long[each], late[each][0]))
        return long[ref], every[ref], late[ref][1]

    def _length(self, late):
        return self._first(late)[0]

    def _days(self, late):
        _, every, definition = self._first(late)
        return self.clerk.repeats(definition, self.anchor, every)


# --- the clerk ---


class Clerk:
    """Knows the files and the calendar; ``mails`` walks through the days."""

    def __init__(self, campaign, policies, send_at, own_holidays=None):
        self.campaign = campaign
        self.policies = policies
        self.send_at = send_at
        self.wall = Wall(own_holidays)
        self.zone = ZoneInfo(campaign.timezone)
        self._timetables: dict[tuple[object, ...], Timetable] = {}
        self._walls: dict[str, Wall] = {}
        self._repeats: dict[tuple[object, ...], set[date]] = {}
        self._own_holidays = own_holidays

    @classmethod
    def of(cls, loaded):
        """The clerk for what ``tracker.config.loader.load`` has read."""
        settings = loaded.settings
        return cls(loaded.campaign, settings.policies.named, settings.send_at, loaded.holidays)

    def mails(self, first, last, events=()):
        """{(day, address, kind): {line, …}} of every mail from ``first`` to ``last``, both included."""
        missing: defaultdict[tuple[date, ZoneInfo], set[Line]] = defaultdict(set)
        digests: defaultdict[tuple[date, str], dict[tuple[str, str], Line]] = defaultdict(dict)
        rolled_up = self.rolled_up(last)
        for day, unit, zone, said in self.days(first, last, events, rolled_up):
            missing[day, zone] |= said.missing
            for address in self.people(unit, day, zone):
                for cell, line in said.own.items():
                    digests[day, address].setdefault(cell, line)
            for address in self.people(self.superior(unit), day, zone):
                digests[day, address].update(said.upward)
        found = {(*key, "digest"): set(lines.values()) for key, lines in digests.items() if lines}
        for day in self._days_of_rollups(first, last, rolled_up):
            for zone in self.zones:
                for address in self.people(self.campaign.supervisor, day, zone):
                    found[day, address, "rollup"] = missing[day, zone]
        return found

    def _days_of_rollups(self, first, last, rolled_up):
        day = max(first, self.campaign.issued)
        while day <= last:
            if day in rolled_up or day == self._first_workday_of_week(day):
                yield day
            day += DAY

    def days(self, first, last, events=(), rolled_up=()) -> Iterator[tuple[date, str, ZoneInfo, Said]]:
        """What is said of each unit's things on each workday, at the hour of each zone in which it is read."""
        asked = self._asked_of_units(last)
        for zone in self.zones:
            for unit, cells in asked.items():
                if self._is_read_in(unit, zone):
                    yield from self._days_of(unit, cells, zone, first, last, events, rolled_up)

    def _is_read_in(self, unit, zone):
        readers = {unit, self.superior(unit), self.campaign.supervisor} - {None}
        return any(self._zone_of[address] == zone for each in readers for address in self._ever[each])

    def _days_of(self, unit, cells, zone, first, last, events, rolled_up):
        waiting = self._events_of(unit, events)
        histories = {one.ref: History(self._quota(one)) for one in cells}
        beat = Beat(self, unit, cells, histories)
        told_until = datetime.combine(self.campaign.issued, time.min, self.zone) - 1000 * DAY
        day = min(first, self.campaign.issued)
        while day <= last:
            if self.wall.is_workday(day):
                moment = datetime.combine(day, self.send_at, zone)
                while waiting and waiting[0]["at"] <= moment:
                    beat.take(waiting.pop(0))
                anew = beat.told_anew(day)
                if day >= first:
                    refs = rolled_up.get(day, ()) if rolled_up else ()
                    yield day, unit, zone, self._said(cells, histories, day, told_until, refs, beat, anew)
                told_until = moment
            day += DAY

    def _said(self, cells, histories, day, told_until, rolled_up, beat, anew) -> Said:
        said = Said({}, {}, set())
        repeated = beat.on(day)
        for one in cells:
            cell = histories[one.ref].now
            if cell.wants_nothing or one.definition.status is not None:
                continue
            due = self.date_in_force(one, cell)
            timetable = self.timetable(one, due)
            reason = timetable.says.get(day)
            upward = timetable.goes_upward
            newly, is_behind = beat.newly(one, cell), False
            if newly is not None and upward is not None and beat.again[one.ref] > upward:
                wall = self.wall_of(one.definition)
                upward = self._goes_upward(wall, newly, self.policy_of(one.definition))
                is_behind = one.ref in anew and upward is not None and upward < day
            if one.ref in anew or (reason is None and one.ref in repeated):
                reason = "overdue"
            if cell.answer == "returned" and cell.returned_at > told_until:
                reason = "returned"
            if reason is None and day in timetable.looks_at_quota and self._lags(one, cell, due, day):
                reason = "pace"
            if reason is not None:
                said.own[one.ref, one.unit] = line_of(one, reason, due, day)
            if upward == day or is_behind:
                said.upward[one.ref, one.unit] = line_of(one, "escalation", due, day)
            if one.ref in rolled_up:
                is_late = day > due + one.definition.grace_days * DAY
                said.missing.add(line_of(one, "overdue" if is_late else "lead", due, day))
        return said

    def _lags(self, one, cell, due, day):
        quota = self._quota(one)
        if quota is None:
            return False
        return cell.progress < quota * (day - one.opens).days // ((due - one.opens).days + 1)

    # Roll-ups.

    def rolled_up(self, last):
        """{day: {ref, …}} of the deadlines that the supervisor hears about, by the day of the roll-up."""
        found: defaultdict[date, set[str]] = defaultdict(set)
        for definition in self.campaign:
            wanted = self.policy_of(definition).rollup
            if not (definition.rule.every == "month" if wanted is None else wanted):
                continue
            for ref, due, _ in all_asked(definition, self.campaign.issued, last + DAY):
                # What was over before the document was issued was over before anybody was asked.
                if due is not None and due >= self.campaign.issued:
                    by_rule = self._by_rule(definition, due)
                    found[self.wall_of(definition).this_or_next(by_rule + DAY)].add(ref)
        return dict(found)

    def _first_workday_of_week(self, day):
        return self.wall.this_or_next(day - (day.isoweekday() - 1) * DAY)

    # People.

    def superior(self, unit):
        """Who hears of what ``unit`` leaves undone."""
        above = self.campaign.units[unit].reports_to or self.campaign.supervisor
        return None if above == unit else above

    def people(self, unit, day, zone):
        """The addresses that get the unit's mail on ``day`` and live by the clock of ``zone``."""
        if unit is None:
            return set()
        found = set()
        for contact in self.campaign.units[unit].contacts:
            who = contact
            for stand_in in reversed(contact.stand_ins):
                if stand_in.since <= day < stand_in.until:
                    who = stand_in
            found.add(who.email.lower())
        return {address for address in found if self._zone_of[address] == zone}

    @cached_property
    def _ever(self):
        return {
            unit.id: [who.email.lower() for contact in unit.contacts for who in (contact, *contact.stand_ins)]
            for unit in self.campaign.units.values()
        }

    @cached_property
    def _zone_of(self):
        found: dict[str, ZoneInfo] = {}
        for unit in self.campaign.units.values():
            for address in self._ever[unit.id]:
                found.setdefault(address, ZoneInfo(unit.timezone or self.campaign.timezone))
        return found

    @cached_property
    def zones(self):
        """Every zone in which somebody gets mail."""
        return sorted(set(self._zone_of.values()), key=str)

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

    def _events_of(self, unit, events):
        return sorted((event for event in events if event["unit"] == unit), key=lambda event: event["at"])

    # Dates.

    def date_in_force(self, asked, cell):
        if cell.extended is not None:
            return cell.extended
        return asked.due and self._by_rule(asked.definition, asked.due)

    def _by_rule(self, definition, due):
        if definition.on_holiday == "keep":
            return due
        if definition.on_holiday == "before":
            return self.wall.this_or_last(due)
        return self.wall.this_or_next(due)

    def wall_of(self, definition):
        """The calendar of the definition's policy: its quiet days are days off."""
        policy = self.policy_of(definition)
        if policy.name not in self._walls:
            self._walls[policy.name] = Wall(self._own_holidays, policy.quiet)
        return self._walls[policy.name]

    def policy_of(self, definition):
        return self.policies[
            definition.policy or ("monthly" if definition.rule.every == "month" else "default")
        ]

    def timetable(self, asked, due) -> Timetable:
        """What is said of something that nobody answers, for years ahead."""
        definition = asked.definition
        key = (definition.key, asked.opens, due)
        if key not in self._timetables:
            policy, wall = self.policy_of(definition), self.wall_of(definition)
            announced = policy.announce and not definition.rule.every
            if due is None:
                says = dict(self._dateless(wall, asked.opens, policy, announced=announced))
                self._timetables[key] = Timetable(says, None, frozenset())
            else:
                late_from = wall.this_or_next(max(due + (definition.grace_days + 1) * DAY, asked.opens))
                says = dict(self._dated(wall, asked.opens, due, policy, announced=announced))
                says[late_from] = "overdue"
                quota_days = frozenset(self._quota_days(wall, asked.opens, due, policy))
                upward = self._goes_upward(wall, late_from, policy)
                self._timetables[key] = Timetable(says, upward, quota_days)
        return self._timetables[key]

    def repeats(self, definition, first, every):
        """The days on which something is told again, every so often after ``first``, for years ahead."""
        wall = self.wall_of(definition)
        key = (self.policy_of(definition).name, first, every)
        if key not in self._repeats:
            found, day = set(), first
            for step in range(1, 800):
                if every.unit == "wd":
                    for _ in range(every.count):
                        day = wall.this_or_next(day + DAY)
                    found.add(day)
                else:
                    found.add(wall.this_or_next(first + timedelta(days=every.count * step)))
                if max(found) > first + 900 * DAY:
                    break
            self._repeats[key] = found
        return self._repeats[key]

    @staticmethod
    def _goes_upward(wall, late_from, policy):
        after = policy.escalate
        if after is None:
            return None
        if after.unit == "d":
            return wall.this_or_next(late_from + (after.count - 1) * DAY)
        day = late_from
        for _ in range(after.count - 1):
            day = wall.this_or_next(day + DAY)
        return day

    @staticmethod
    def _quota_days(wall, opens, due, policy):
        begins = opens + DAY
        while policy.pace is not None and begins <= due:
            if begins.day == 1 if policy.pace == "month" else begins.isoweekday() == 1:
                day = wall.this_or_next(begins)
                if day <= due:
                    yield day
            begins += DAY

    @staticmethod
    def _dateless(wall, opens, policy, *, announced):
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
                    yield wall.this_or_next(begins), "review"
        if announced:
            yield wall.this_or_next(opens), "opened"

    def _dated(self, wall, opens, due, policy, *, announced):
        first_day = wall.this_or_next(opens)
        if announced and first_day <= due:
            yield first_day, "opened"
        for days in policy.lead:
            nominal = due - timedelta(days=days)
            if nominal < opens:
                continue  # it was not asked yet
            day = max(wall.this_or_last(nominal), first_day)
            if day < due:
                yield day, "lead"
        # The last one, come what may: even for what opens and ends within the same holiday.
        last = wall.this_or_last(due)
        if last >= self.campaign.issued:
            yield last, "due_today" if last == due else "lead"

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
