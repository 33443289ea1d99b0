"""Who gets mail on a day: contacts, and those who stand in for them, each person once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from tracker.core.model import Campaign, Contact, Language, StandIn, Unit


@dataclass(frozen=True, slots=True)
class Person:
    """One address with what it gets mail for.

    ``units`` are ids in the order of the files, ``timezone`` is the one by whose clock and calendar this person
    gets mail: that of the first unit which names the address.  ``cc``: all of it is for information only.
    """

    email: str
    name: str
    language: Language
    units: tuple[str, ...]
    timezone: str
    cc: bool = False
    stands_in_for: str | None = None


@dataclass(frozen=True)
class People:
    """Everybody who gets mail on one day; addresses are in lower case."""

    persons: Mapping[str, Person]
    of_unit: Mapping[str, tuple[str, ...]]

    def within(self, timezone: str) -> People:
        """Those who live by the clock of ``timezone``."""
        persons = {address: each for address, each in self.persons.items() if each.timezone == timezone}
        if len(persons) == len(self.persons):
            return self
        of_unit = {
            unit: tuple(address for address in addresses if address in persons)
            for unit, addresses in self.of_unit.items()
        }
        return People(persons, of_unit)


@dataclass(slots=True)
class _Found:
    who: Contact | StandIn
    units: list[str] = field(default_factory=list)
    cc: bool = True
    stands_in_for: str | None = None


def people_on(campaign: Campaign, zones: Mapping[str, str], day: date) -> People:
    """Who gets mail on ``day``; ``zones`` are those of ``zones_of``."""
    found: dict[str, _Found] = {}
    of_unit: dict[str, tuple[str, ...]] = {}
    for unit in campaign.units.values():
        addresses = []
        for contact in unit.contacts:
            who = contact.stand_in(day) or contact
            address = who.email.casefold()
            person = found.setdefault(address, _Found(who))
            if unit.id not in person.units:
                person.units.append(unit.id)
                addresses.append(address)
            person.cc = person.cc and contact.role == "cc"
            if who is not contact and person.stands_in_for is None:
                person.stands_in_for = contact.name
        of_unit[unit.id] = tuple(addresses)
    persons = {address: _person(each, campaign, zones[address]) for address, each in found.items()}
    return People(persons, of_unit)


def _person(found: _Found, campaign: Campaign, timezone: str) -> Person:
    who = found.who
    return Person(
        email=who.email,
        name=who.name,
        language=who.language or campaign.language,
        units=tuple(found.units),
        timezone=timezone,
        cc=found.cc,
        stands_in_for=found.stands_in_for,
    )


def zones_of(campaign: Campaign) -> dict[str, str]:
    """The time zone of everybody who ever gets mail, by address in lower case."""
    found: dict[str, str] = {}
    for unit in campaign.units.values():
        for address in _addresses(unit):
            found.setdefault(address, unit.timezone or campaign.timezone)
    return found


def _addresses(unit: Unit) -> Iterable[str]:
    for contact in unit.contacts:
        yield contact.email.casefold()
        for each in contact.stand_ins:
            yield each.email.casefold()


def changing_days(campaign: Campaign) -> list[date]:
    """The days on which somebody begins or ends to stand in, sorted: between two of them the people are the same."""
    spans = [
        each for unit in campaign.units.values() for contact in unit.contacts for each in contact.stand_ins
    ]
    return sorted({day for each in spans for day in (each.since, each.until)})
