"""What is in force: the definitions, settings and calendar that a pass works with, as one value."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from difflib import get_close_matches
from functools import cached_property
from zoneinfo import ZoneInfo

from tracker.core.model import Campaign, Contact, Definition, Language, Occurrence
from tracker.core.policy import Policy, Settings
from tracker.core.reminders import effective_due
from tracker.core.standing import Answer, Dates, Standing, standing
from tracker.core.workdays import Workdays
from tracker.errors import UnknownNameError


@dataclass(frozen=True)
class InForce:
    """Definitions, settings and working calendar of one moment.

    ``fingerprint`` changes whenever the files that they came from do.
    """

    campaign: Campaign
    settings: Settings
    workdays: Workdays
    fingerprint: str

    @cached_property
    def zone(self) -> tzinfo:
        """The campaign's time zone: deadlines end at its midnight."""
        return ZoneInfo(self.campaign.timezone)

    def day(self, now: datetime) -> date:
        """The campaign's date at ``now``."""
        return now.astimezone(self.zone).date()

    def policy(self, definition: Definition) -> Policy:
        """When reminders of ``definition`` go out."""
        return self.settings.policies.for_definition(definition)

    @cached_property
    def longest_lead(self) -> int:
        """The longest lead time of any definition, in days."""
        return max((lead for each in self.campaign for lead in self.policy(each).lead), default=0)

    def timezone(self, unit: str) -> str:
        """The name of the time zone in which ``unit`` gets its mail."""
        return self._timezones.get(unit, self.campaign.timezone)

    @cached_property
    def _timezones(self) -> dict[str, str]:
        """By unit; units that share a contact have the zone of the first of them.

        One person gets one digest a day, whichever units it is about.
        """
        found: dict[str, str] = {}
        by_address: dict[str, str] = {}
        for unit in self.campaign.units.values():
            addresses = [contact.email.casefold() for contact in unit.contacts]
            shared = next((by_address[each] for each in addresses if each in by_address), None)
            found[unit.id] = shared or unit.timezone or self.campaign.timezone
            for each in addresses:
                by_address.setdefault(each, found[unit.id])
        return found

    def dates(self, definition: Definition, occurrence: Occurrence) -> Dates:
        """The dates of an occurrence by rule and holiday rule, before any extension."""
        due = occurrence.due
        effective = None if due is None else effective_due(due, definition.on_holiday, self.workdays)
        return Dates.of(occurrence.opens, due, effective, definition.grace_days, self.campaign.issued)

    def standing(self, definition: Definition, dates: Dates, answer: Answer, day: date) -> Standing:
        """State and light of one assignment of ``definition`` on ``day``."""
        return standing(
            dates,
            answer,
            day,
            first_lead=max(self.policy(definition).lead, default=0),
            ongoing=definition.rule.ongoing,
            acceptance=definition.acceptance,
            zone=self.zone,
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
            near = _near(name, self._unit_names)
            raise UnknownNameError(f"there is no unit “{name}”{near}; tracker units lists them")
        return found

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
            near = _near(key, self.campaign.definitions)
            raise UnknownNameError(
                f"there is no task, deliverable or report “{key}”{near}; "
                "tracker tasks and tracker tasks --reports list them"
            )
        return found

    def position(self, key: str) -> int:
        """Where the definition stands in the order of the document; one that is gone stands last."""
        return self._positions.get(key, len(self._positions))

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {key: position for position, key in enumerate(self.campaign.definitions)}

    def definition_fingerprint(self, definition: Definition) -> str:
        """Changes whenever the assignments or the reminder dates of ``definition`` may change."""
        own_zone = self.campaign.timezone
        zones = [(unit, zone) for unit in definition.units if (zone := self.timezone(unit)) != own_zone]
        facts = (
            definition.rule,
            definition.units,
            definition.target,
            definition.on_holiday,
            definition.grace_days,
            definition.status,
            self.policy(definition),
            self.campaign.issued,
            self.campaign.timezone,
            zones,
            self._calendar_facts,
        )
        return hashlib.sha256(repr(facts).encode()).hexdigest()[:32]

    @cached_property
    def _calendar_facts(self) -> str:
        return self.workdays.own_fingerprint

    @cached_property
    def timezones(self) -> tuple[str, ...]:
        """Every time zone in which somebody gets mail."""
        return tuple(sorted({self.timezone(unit) for unit in self.campaign.units} | {self.campaign.timezone}))

    @cached_property
    def recipients(self) -> dict[str, tuple[Contact, tuple[str, ...]]]:
        """By address (lower case): the contact, and the units that this person answers for."""
        found: dict[str, tuple[Contact, list[str]]] = {}
        for unit in self.campaign.units.values():
            for contact in unit.contacts:
                _, units = found.setdefault(contact.email.casefold(), (contact, []))
                if unit.id not in units:
                    units.append(unit.id)
        return {address: (contact, tuple(units)) for address, (contact, units) in found.items()}

    @cached_property
    def addresses(self) -> dict[str, tuple[str, ...]]:
        """By unit id: the addresses of those who get its digest."""
        found: dict[str, list[str]] = {unit: [] for unit in self.campaign.units}
        for address, (_, units) in self.recipients.items():
            for unit in units:
                found[unit].append(address)
        return {unit: tuple(addresses) for unit, addresses in found.items()}


def _near(name: str, known: Iterable[str]) -> str:
    """The end of a sentence on an unknown name: what it may be a slip of."""
    name = name.strip().casefold()
    # Of two characters, as most short names of districts have, one may be wrong.
    found = get_close_matches(name, known, 3, 0.6 if len(name) > 2 else 0.5)
    return f" (did you mean {' or '.join(f'“{each}”' for each in found)}?)" if found else ""
