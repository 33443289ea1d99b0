"""The values that the whole product speaks of, in the words of the contract; frozen, and without a clock.

Dates are local calendar dates of the campaign's time zone.  Instants are aware datetimes.
Ranges of dates are half-open: ``since`` is in, ``until`` is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property
from typing import Literal, NamedTuple

from tracker.core.form import Form
from tracker.i18n.catalogue import Language

OnHoliday = Literal["keep", "before", "after"]

#: The campaign of a file that names none, and of every ledger from before there were several.
MAIN = "main"


def owned(campaign: str, name: str) -> str:
    """``name`` of a fact, a mail or a key as the campaign with this id has it.

    What is the main one's has no prefix, so that a ledger from before goes on with the names that it has.
    """
    return name if campaign == MAIN else f"{campaign}:{name}"


class Every(StrEnum):
    """How often a deadline comes back."""

    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    HALF_YEAR = "half-year"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Rule:
    """What a deadline text means (docs/contract.md §3).

    One-off: ``due`` is set and ``every`` is None.  Recurring: ``every`` is set and ``due`` is None.
    Neither: ``ongoing`` is True and there is no date at all.

    ``day`` is the day of the month (1–31, cut to the month's last day), or for ``week`` the ISO weekday
    (1–7); None means the period's last day.  ``month`` counts months within the period from 1 and only
    goes with quarter, half-year and year; None means the period's last month.
    ``since`` and ``until`` bound the due dates, both **included**, as the text names them
    ("from April to October 2022" → 2022-04-01 and 2022-10-31).
    """

    due: date | None = None
    ongoing: bool = False
    every: Every | None = None
    day: int | None = None
    month: int | None = None
    since: date | None = None
    until: date | None = None


#: How often somebody is told again of what is overdue: on each day of the beat, or on fewer.
Rhythm = Literal["daily", "twice-weekly", "weekly"]


@dataclass(frozen=True, slots=True)
class StandIn:
    """Who gets a contact's mail in [since, until), while that person is away."""

    name: str
    email: str
    since: date
    until: date
    language: Language | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """A person at a unit.  ``language`` None means the campaign's.

    Whoever is ``cc`` gets the same mail for information; what is asked is asked of ``to``.  ``rhythm`` is how often
    what is overdue is repeated to this contact, and to who stands in.
    """

    name: str
    email: str
    language: Language | None = None
    role: Literal["to", "cc"] = "to"
    stand_ins: tuple[StandIn, ...] = ()
    rhythm: Rhythm = "daily"

    def stand_in(self, day: date) -> StandIn | None:
        """Who gets this contact's mail on ``day`` instead; None if nobody does."""
        return next((each for each in self.stand_ins if each.since <= day < each.until), None)


@dataclass(frozen=True, slots=True)
class Unit:
    """Who answers.  ``timezone`` None means the campaign's; ``reports_to`` is a unit id."""

    id: str
    name: str
    aliases: tuple[str, ...] = ()
    contacts: tuple[Contact, ...] = ()
    reports_to: str | None = None
    timezone: str | None = None

    @property
    def short_name(self) -> str:
        """The shortest name that the files know: 万州 for 万州区应急管理局."""
        return min((self.name, *self.aliases), key=len)

    @property
    def to_call(self) -> list[Contact]:
        """The contacts; those who get copies only come last."""
        return sorted(self.contacts, key=lambda contact: contact.role == "cc")


@dataclass(frozen=True, slots=True)
class Group:
    """A named list of units (ids, in the order of the file); each unit answers for itself."""

    id: str
    name: str
    aliases: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """A quota: ``count`` pieces ``of`` something from each of ``units`` (ids)."""

    count: int
    of: str
    units: tuple[str, ...]


class Kind(StrEnum):
    """What a definition is."""

    TASK = "task"
    DELIVERABLE = "deliverable"
    REPORT = "report"


@dataclass(frozen=True, slots=True)
class Definition:
    """A task, a deliverable of a task, or a report: whatever has owners and a deadline.

    ``key`` is the reference without a period: ``5``, ``5/first-list``, ``table-2``.
    ``title`` is what a person calls it in one line; for a task it is the ``text`` itself.
    ``short`` is what people call a report by: 表二.
    ``owners`` is verbatim, ``units`` are the ids that it resolves to, in the order of the text and then of
    the groups.  ``deadline`` is verbatim, ``rule`` what is in force (``due`` in the file already applied).
    """

    key: str
    kind: Kind
    title: str
    owners: str
    units: tuple[str, ...]
    deadline: str
    rule: Rule
    section: str | None = None
    text: str | None = None
    requirement: str | None = None
    target: Target | None = None
    submit_to: str | None = None
    form: str | None = None
    round: str | None = None
    on_holiday: OnHoliday = "keep"
    grace_days: int = 0
    policy: str | None = None
    status: Literal["done", "paused", "waived"] | None = None
    acceptance: bool = False
    note: str | None = None
    short: str | None = None
    deliverables: tuple[Definition, ...] = ()

    @property
    def id(self) -> str:
        """The last part of the key, as the file has it."""
        return self.key.rpartition("/")[2]

    @property
    def block(self) -> str | None:
        """The section under which it is shown and counted; None where it has none, "" for reports, which are no tasks."""
        return "" if self.kind is Kind.REPORT else self.section

    @property
    def task_id(self) -> str | None:
        """The number of the task that this is or belongs to; None for a report."""
        return None if self.kind is Kind.REPORT else self.key.partition("/")[0]


@dataclass(frozen=True)
class Campaign:
    """One issued document, with everything that the files say about what and who.

    ``id`` is what the ledger knows it by.  ``year`` is the one that deadlines without a year mean; None is that of the
    issue, or the next.  Through ``accept_removals`` an edit may take away what has a history, through
    ``accept_correction`` it may change ``document`` or ``issued``.  What was due before ``chase_from`` is not chased;
    None means the day on which the campaign began in the ledger.
    """

    title: str
    document: str
    issued: date
    timezone: str
    language: Language
    supervisor: str | None
    tasks: tuple[Definition, ...]
    reports: tuple[Definition, ...]
    units: dict[str, Unit]
    groups: dict[str, Group]
    accept_removals: date | None = None
    accept_correction: date | None = None
    year: int | None = None
    chase_from: date | None = None
    forms: Mapping[str, Form] = field(default_factory=dict)
    id: str = MAIN

    def __iter__(self) -> Iterator[Definition]:
        """Every definition in the order of the document: a task, its deliverables, …, the reports."""
        for task in self.tasks:
            yield task
            yield from task.deliverables
        yield from self.reports

    def numbers(self) -> dict[str, int]:
        """How many there are of each kind of thing."""
        return {
            "tasks": len(self.tasks),
            "deliverables": sum(len(task.deliverables) for task in self.tasks),
            "reports": len(self.reports),
            "units": len(self.units),
            "groups": len(self.groups),
        }

    def unit_name(self, unit: str) -> str:
        """How the files call a unit; its id where they do not know it any more."""
        known = self.units.get(unit)
        return known.name if known else unit

    def short_unit_name(self, unit: str) -> str:
        """The same in the shortest words that there are."""
        known = self.units.get(unit)
        return known.short_name if known else unit

    def short_of(self, report: Definition) -> str | None:
        """What a report is called in a word: as its files say, else as its form is numbered; None for what has no such name."""
        form = None if report.form is None else self.forms.get(report.form)
        return report.short or (form.annex if form is not None else None)

    @cached_property
    def definitions(self) -> dict[str, Definition]:
        """By key."""
        return {definition.key: definition for definition in self}

    def on_duty(self, contact: Contact, day: date) -> Contact | StandIn:
        """Who gets the mail of ``contact`` on ``day``: that contact, or who stands in, or who stands in for them.

        Where that leads in a circle nobody in it is there, and it stays with the contact.
        """
        who: Contact | StandIn = contact
        instead = contact.stand_in(day)
        seen = {contact.email.casefold()}
        while instead is not None:
            address = instead.email.casefold()
            if address in seen:
                return contact
            seen.add(address)
            who = instead
            away = (each.stand_in(day) for each in self._may_be_away.get(address, ()))
            instead = next((each for each in away if each is not None), None)
        return who

    @cached_property
    def changing_days(self) -> list[date]:
        """The days on which somebody begins or ends to stand in, sorted: between two the people are the same."""
        away = (contact for contacts in self._may_be_away.values() for contact in contacts)
        spans = [each for contact in away for each in contact.stand_ins]
        return sorted({day for each in spans for day in (each.since, each.until)})

    def people_of(self, unit: str) -> tuple[Contact | StandIn, ...]:
        """Everybody who gets mail for ``unit`` on some day: its contacts, who stands in for them, and so on."""
        known = self.units.get(unit)
        found: dict[str, Contact | StandIn] = {}
        left: list[Contact | StandIn] = list(known.contacts) if known is not None else []
        for who in left:
            if isinstance(who, Contact):
                left.extend(who.stand_ins)
            if found.setdefault(who.email.casefold(), who) is who:
                # Whoever stands in may be away as well.
                for each in self._may_be_away.get(who.email.casefold(), ()):
                    left.extend(each.stand_ins)
        return tuple(found.values())

    @cached_property
    def _may_be_away(self) -> dict[str, list[Contact]]:
        """The contacts for whom somebody stands in on some day, by address in lower case."""
        found: dict[str, list[Contact]] = {}
        for unit in self.units.values():
            for contact in unit.contacts:
                if contact.stand_ins:
                    found.setdefault(contact.email.casefold(), []).append(contact)
        return found


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A deadline in one period.

    ``due`` is the nominal date by the rule; None for a task that is ongoing and has no date.
    ``opens`` is the first day on which it can be answered: the day after the previous occurrence was due,
    and never before the document was issued.
    """

    key: str
    period: str | None
    due: date | None
    opens: date

    @property
    def ref(self) -> str:
        """``26/experience@2022-05``; without a period just the key."""
        return f"{self.key}@{self.period}" if self.period else self.key


class EventKind(StrEnum):
    """What can happen to an assignment (docs/contract.md §5)."""

    SUBMIT = "submit"
    NIL = "nil"
    ACCEPT = "accept"
    RETURN = "return"
    EXTEND = "extend"
    WAIVE = "waive"
    PAUSE = "pause"
    RESUME = "resume"
    UNDO = "undo"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to an assignment; never changed, only added to.

    ``at`` is when it counts from (aware); ``until`` is the new date of an extension.
    """

    at: datetime
    ref: str
    unit: str
    event: EventKind
    count: int | None = None
    until: date | None = None
    who: str | None = None
    via: str | None = None
    reason: str | None = None
    note: str | None = None


class State(StrEnum):
    """Where an assignment stands; ``before`` is what was due before the campaign began in this ledger."""

    BEFORE = "before"
    UPCOMING = "upcoming"
    OPEN = "open"
    DUE_SOON = "due_soon"
    DUE_TODAY = "due_today"
    OVERDUE = "overdue"
    SUBMITTED = "submitted"
    DONE = "done"
    DONE_LATE = "done_late"
    NIL = "nil"
    RETURNED = "returned"
    WAIVED = "waived"
    PAUSED = "paused"
    ONGOING = "ongoing"


class Light(StrEnum):
    """The same in a colour, in the order in which lights are listed.

    Red overdue, amber due soon or late, green in time, blue ongoing, none not due yet, grey waived or paused.
    """

    RED = "red"
    AMBER = "amber"
    GREEN = "green"
    BLUE = "blue"
    NONE = "none"
    GREY = "grey"


class Reason(StrEnum):
    """Why an item stands in a mail."""

    OPENED = "opened"
    LEAD = "lead"
    DUE_TODAY = "due_today"
    OVERDUE = "overdue"
    ESCALATION = "escalation"
    REVIEW = "review"
    PACE = "pace"
    RETURNED = "returned"


class MailKind(StrEnum):
    """What a mail is."""

    DIGEST = "digest"
    ROLLUP = "rollup"
    ALERT = "alert"
    RECEIPT = "receipt"


class Item(NamedTuple):
    """One line of a mail: an assignment, why it is there, and how it stood on the mail's day.

    ``due`` is the date in force (after holiday rule and extension), ``days_left`` counts calendar days from
    the mail's date and is negative when late.  A tuple, as a day may have a million of them.
    """

    ref: str
    unit: str
    reason: Reason
    due: date | None
    days_left: int | None


#: Stands in the details of a mail whose body is kept no longer.
FORGOTTEN = "forgotten"


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to one recipient.

    ``key`` is what it is ("digest/2022-05-05/zhang@…"): unique in the outbox; the Message-ID is made from it.
    ``details`` carries what an alert, roll-up or receipt says beside its items (plain JSON values).
    """

    key: str
    at: datetime
    to: str
    name: str
    unit: str | None
    kind: MailKind
    language: Language
    items: tuple[Item, ...] = ()
    details: dict[str, object] = field(default_factory=dict)
