"""What is in force: the definitions, settings and calendar that a pass works with, as one value."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from difflib import get_close_matches
from functools import cached_property
from zoneinfo import ZoneInfo

from tracker.campaign.recipients import Recipients, ever_asked, people_on, zones_of
from tracker.core.admission import awaits
from tracker.core.form import Form, comparable
from tracker.core.model import Campaign, Contact, Definition, Event, EventKind, Reason
from tracker.core.moments import first_moment
from tracker.core.policy import Policy, Quiet, Settings
from tracker.core.ref_reading import resolve
from tracker.core.reminders import Rules, effective_due
from tracker.core.status import Dates, Progress, Standing, fold, standing
from tracker.core.workdays import Workdays
from tracker.errors import UnknownNameError
from tracker.i18n.catalogue import Language
from tracker.i18n.message import Near


@dataclass
class Beginning:
    """The first day on which the campaign was in force in a ledger; None while nobody has looked.

    It changes only where a wrong clock had told it, and what is in force before and after an edit shares it.
    """

    day: date | None = None


@dataclass(frozen=True)
class CampaignSnapshot:
    """Definitions, settings and working calendar of one moment.

    ``fingerprint`` changes whenever the files that they came from do; ``texts`` are those files, by name.
    ``is_kept``: they came from the ledger, which keeps the last ones that were in force, and stand in no files here.
    ``is_undecided``: the files here may be of another campaign, and a person has to say whether they are.
    ``beginning`` is when the campaign began in the ledger, once that is known.
    """

    campaign: Campaign
    settings: Settings
    workdays: Workdays
    fingerprint: str
    texts: Mapping[str, str] = field(default_factory=dict)
    is_kept: bool = False
    is_undecided: bool = False
    beginning: Beginning = field(default_factory=Beginning, compare=False)

    @property
    def chase_from(self) -> date:
        """What was due before this day, and not before the issue, was there before this ledger: it is not chased."""
        return self.campaign.chase_from or self.beginning.day or self.campaign.issued

    @property
    def sets_aside_from(self) -> date:
        """A look at this day, or a later one, shows what was due before ``chase_from`` as ``before``."""
        # The ledger goes by a day that lies ahead from the first, and so does what it shows.
        return min(self.chase_from, self.beginning.day or self.chase_from)

    def is_chased(self, dates: Dates, answered: str | None = None) -> bool:
        """Whether silence is told of; what was sent back is asked for anew, however long ago it was due."""
        return answered == "returned" or not dates.lie_before(self.chase_from)

    @cached_property
    def zone(self) -> tzinfo:
        """The campaign's time zone: deadlines end at its midnight."""
        return ZoneInfo(self.campaign.timezone)

    def day(self, now: datetime) -> date:
        """The campaign's date at ``now``."""
        return now.astimezone(self.zone).date()

    def sends_at(self, day: date, timezone: str) -> datetime:
        """When the digests of ``day`` go out in ``timezone``, where it is a workday."""
        return first_moment(day, self.settings.send_at, ZoneInfo(timezone))

    def policy(self, definition: Definition) -> Policy:
        """When reminders of ``definition`` go out."""
        return self.settings.policies.for_definition(definition)

    @cached_property
    def longest_lead(self) -> int:
        """The longest lead time of any definition, in days."""
        return max((lead for each in self.campaign for lead in self.policy(each).lead), default=0)

    def quiet_on(self, day: date) -> frozenset[str]:
        """The definitions whose policy says nothing on ``day``; mostly there are none."""
        return frozenset(each.key for each in self.campaign if day in self.policy(each).quiet)

    def rules(self, definition: Definition) -> Rules:
        """By what the reminders of ``definition`` are counted."""
        # The day from which is chased is not known before the ledger has begun.
        taken_over = self.chase_from > self.campaign.issued
        found = self._rules.get((definition.key, taken_over))
        if found is None:
            policy = self.policy(definition)
            calendar = self._calendars.get(policy.quiet)
            if calendar is None:
                calendar = self._calendars[policy.quiet] = self.workdays.without(policy.quiet)
            has_quota = definition.target is not None
            found = Rules(policy, calendar, has_quota=has_quota, by_beat=True, lapsed_once=taken_over)
            self._rules[definition.key, taken_over] = found
        return found

    @cached_property
    def _rules(self) -> dict[tuple[str, bool], Rules]:
        return {}

    @cached_property
    def _calendars(self) -> dict[Quiet, Workdays]:
        return {}

    def superior(self, unit: str) -> str | None:
        """The id of the unit that hears of what ``unit`` leaves undone (docs/contract.md §6.4); None if that is itself."""
        known = self.campaign.units.get(unit)
        above = (known.reports_to if known is not None else None) or self.campaign.supervisor
        return None if above == unit else above

    @cached_property
    def superiors(self) -> frozenset[str]:
        """Every unit that may hear of what others leave undone."""
        above = {unit.reports_to for unit in self.campaign.units.values()} | {self.campaign.supervisor}
        return frozenset(unit for unit in above if unit is not None)

    def people(self, day: date) -> Recipients:
        """Who gets mail on ``day``."""
        number = bisect_right(self.campaign.changing_days, day)
        found = self._people.get(number)
        if found is None:
            found = self._people[number] = people_on(self.campaign, self.zones, day)
        return found

    def caretaker(self, day: date) -> Contact | None:
        """Who sees to what is amiss: the operator, or where there is none the supervisor's first person."""
        if self.settings.operator is not None:
            return self.settings.operator
        persons = self.people(day).asked(self.campaign.supervisor or "")
        return Contact(persons[0].name, persons[0].email, persons[0].language) if persons else None

    def responsible(self, unit: str, reason: Reason) -> str | None:
        """The unit whose people are told of an item of ``unit``; None where nobody is above it."""
        return self.superior(unit) if reason is Reason.ESCALATION else unit

    def addresses_ever(self, units: Iterable[str]) -> list[str]:
        """Everybody in the files who gets mail for one of ``units`` on some day, as written."""
        return list({each.email: None for unit in units for each in self.campaign.people_of(unit)})

    def zone_of(self, unit: str) -> str:
        """The time zone of the first of the unit's people."""
        first = next(iter(self.addresses_ever([unit])), None)
        return self.campaign.timezone if first is None else self.zones[first.casefold()]

    @cached_property
    def _people(self) -> dict[int, Recipients]:
        return {}

    @cached_property
    def zones(self) -> dict[str, str]:
        """The time zone of everybody who ever gets mail, by address in lower case."""
        return zones_of(self.campaign)

    @cached_property
    def ever_asked(self) -> dict[str, tuple[str, ...]]:
        """The units for which an address, in lower case, ever gets mail."""
        return ever_asked(self.campaign)

    @cached_property
    def timezones(self) -> tuple[str, ...]:
        """Every time zone in which somebody gets mail."""
        return tuple(sorted({*self.zones.values(), self.campaign.timezone}))

    def dates(
        self, definition: Definition, opens: date, due: date | None, extended_due: date | None = None
    ) -> Dates:
        """The dates of what opens and is due by the rule then: the later of holiday rule and extension is in force."""
        effective = None if due is None else self.date_by_rule(definition, due)
        if effective is not None and extended_due is not None:
            effective = max(effective, extended_due)
        return Dates.of(opens, due, effective, definition.grace_days, self.campaign.issued)

    def date_by_rule(self, definition: Definition, due: date) -> date:
        """The date in force of what is due on ``due``, where nobody has extended it."""
        return effective_due(due, definition.on_holiday, self.workdays)

    def standing(self, definition: Definition, dates: Dates, answer: Progress, day: date) -> Standing:
        """State and light of one assignment of ``definition`` on ``day``."""
        return standing(
            dates,
            answer,
            day,
            first_lead=max(self.policy(definition).lead, default=0),
            ongoing=definition.rule.ongoing,
            acceptance=definition.acceptance,
            zone=self.zone,
            chase_from=self.chase_from if day >= self.sets_aside_from else date.min,
        )

    def target(self, definition: Definition, unit: str) -> int | None:
        """The quota that ``unit`` has in ``definition``, if any."""
        quota = definition.target
        return quota.count if quota is not None and unit in quota.units else None

    def language(self, contact: Contact) -> Language:
        """The contact's own language, or the campaign's."""
        return contact.language or self.campaign.language

    def unit_id(self, name: str) -> str:
        """The id of the unit called ``name``: by id, name or alias.  Raises UnknownNameError."""
        found = self._unit_names.get(name.strip().casefold())
        if found is None:
            near = Near(_near(name, self._unit_names))
            raise UnknownNameError("no_unit", name=name, near=near)
        return found

    @cached_property
    def units_by_plain_name(self) -> dict[str, str]:
        """The ids of the units by names and aliases in the shape in which they are compared."""
        return {
            comparable(name): unit.id
            for unit in self.campaign.units.values()
            for name in (unit.name, *unit.aliases)
        }

    @cached_property
    def _unit_names(self) -> dict[str, str]:
        return {
            name.casefold(): unit.id
            for unit in self.campaign.units.values()
            for name in (*unit.aliases, unit.name, unit.id)
        }

    def definition(self, key: str) -> Definition:
        """The definition with this key.  Raises UnknownNameError."""
        found = self.campaign.definitions.get(key)
        if found is None:
            short = {name for each in self.campaign.reports if (name := self.campaign.short_of(each))}
            near = Near(_near(key, (*self.campaign.definitions, *sorted(short))))
            raise UnknownNameError("no_definition", name=key, near=near)
        return found

    def ref(self, text: str, day: date, *, one: bool = False) -> str:
        """The reference that a person means by ``text`` on ``day`` (``core/ref_reading.resolve``)."""
        return resolve(self.campaign, text, day, one=one)

    def ref_of_event(
        self, text: str, day: date, unit: str, kind: EventKind, known: Callable[[str], Sequence[Event]]
    ) -> str:
        """The same for what happens to an assignment of ``unit``; ``known`` are the events of a reference up to then."""

        def fits(ref: str) -> bool:
            definition = self.campaign.definitions[ref.partition("@")[0]]
            is_asked = unit in definition.units
            return is_asked and awaits(fold(known(ref), target=self.target(definition, unit)), kind)

        return resolve(self.campaign, text, day, one=True, fits=fits)

    def form(self, definition: Definition) -> Form | None:
        """The form that ``definition`` asks for, if any that is known."""
        return None if definition.form is None else self.campaign.forms.get(definition.form)

    @cached_property
    def on_form(self) -> frozenset[str]:
        """The keys of all that ask for a form that is known."""
        return frozenset(each.key for each in self.campaign if self.form(each) is not None)

    def position(self, key: str) -> int:
        """Where the definition stands in the order of the document; one that is gone stands last."""
        return self._positions.get(key, len(self._positions))

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {key: position for position, key in enumerate(self.campaign.definitions)}

    def unit_position(self, unit: str) -> int:
        """Where the unit stands in the order of the files; one that is gone stands last."""
        return self._unit_positions.get(unit, len(self._unit_positions))

    @cached_property
    def _unit_positions(self) -> dict[str, int]:
        return {unit: position for position, unit in enumerate(self.campaign.units)}

    def definition_fingerprint(self, definition: Definition) -> str:
        """Changes whenever the assignments or the reminder dates of ``definition`` may change."""
        facts = (
            *_asked(definition),
            definition.status,
            definition.acceptance,
            self.campaign.timezone,
            self.policy(definition),
            self.campaign.issued,
            self._calendar_facts,
            # A ledger that began with the campaign has nothing from before it.
            *((self.chase_from,) if self.chase_from > self.campaign.issued else ()),
        )
        return hashlib.sha256(repr(facts).encode()).hexdigest()[:32]

    def reminders_fingerprint(self, definition: Definition) -> str:
        """Changes whenever what is said of ``definition``, to whom or when, may change; the calendar apart."""
        facts = (
            *_asked(definition),
            self.campaign.timezone,
            self.policy(definition),
            self.campaign.issued,
            self.chase_from,
        )
        return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]

    @cached_property
    def _calendar_facts(self) -> str:
        return self.workdays.fingerprint


def _near(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """What an unknown name may be a slip of."""
    name = name.strip().casefold()
    # Of two characters, as most short names of districts have, one may be wrong.
    return tuple(get_close_matches(name, known, 3, 0.6 if len(name) > 2 else 0.5))


def _asked(definition: Definition) -> tuple[object, ...]:
    """What is asked of whom, and by when."""
    return (
        definition.rule,
        definition.units,
        definition.target,
        definition.on_holiday,
        definition.grace_days,
    )
