"""Who gets mail on a day: contacts, and those who stand in for them, each person once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from tracker.core.model import Campaign, Contact, MailKind, Rhythm, StandIn, Unit
from tracker.i18n.catalogue import Language


@dataclass(frozen=True, slots=True)
class Recipient:
    """One address with what it gets mail for.

    ``units`` are ids in the order of the files, ``timezone`` is the one by whose clock and calendar this person
    gets mail: that of the first unit which names the address.  What concerns the units ``copied`` is for information
    only; ``stands_in`` has the name of the contact who is away, by unit, ``rhythms`` how often what is overdue is
    repeated, where that is less than daily.
    """

    email: str
    name: str
    language: Language
    units: tuple[str, ...]
    timezone: str
    copied: frozenset[str] = frozenset()
    stands_in: Mapping[str, str] = field(default_factory=dict)
    rhythms: Mapping[str, Rhythm] = field(default_factory=dict)


@dataclass(frozen=True)
class Recipients:
    """Everybody who gets mail on one day; addresses are in lower case."""

    persons: Mapping[str, Recipient]
    of_unit: Mapping[str, tuple[str, ...]]

    def within(self, timezone: str) -> Recipients:
        """Those who live by the clock of ``timezone``."""
        persons = {address: each for address, each in self.persons.items() if each.timezone == timezone}
        if len(persons) == len(self.persons):
            return self
        of_unit = {
            unit: tuple(address for address in addresses if address in persons)
            for unit, addresses in self.of_unit.items()
        }
        return Recipients(persons, of_unit)

    def asked(self, unit: str) -> list[Recipient]:
        """Those at ``unit`` of whom something is asked; where it has none but copied ones, these."""
        everybody = [self.persons[address] for address in self.of_unit.get(unit, ())]
        return [each for each in everybody if unit not in each.copied] or everybody


@dataclass(slots=True)
class _Found:
    who: Contact | StandIn
    #: By unit, whether all of it is for information only.
    units: dict[str, bool] = field(default_factory=dict)
    stands_in: dict[str, str] = field(default_factory=dict)
    rhythms: dict[str, Rhythm] = field(default_factory=dict)


#: From the most mails to the fewest.
_RHYTHMS: tuple[Rhythm, ...] = ("daily", "twice-weekly", "weekly")


def people_on(campaign: Campaign, zones: Mapping[str, str], day: date) -> Recipients:
    """Who gets mail on ``day``; ``zones`` are those of ``zones_of``."""
    found: dict[str, _Found] = {}
    of_unit: dict[str, tuple[str, ...]] = {}
    for unit in campaign.units.values():
        addresses: dict[str, None] = {}
        for contact in unit.contacts:
            who = campaign.on_duty(contact, day)
            address = who.email.casefold()
            addresses[address] = None
            person = found.setdefault(address, _Found(who))
            person.units[unit.id] = person.units.get(unit.id, True) and contact.role == "cc"
            others = person.rhythms.get(unit.id, contact.rhythm)
            person.rhythms[unit.id] = min(others, contact.rhythm, key=_RHYTHMS.index)
            if who is not contact:
                person.stands_in.setdefault(unit.id, contact.name)
        of_unit[unit.id] = tuple(addresses)
    persons = {address: _person(each, campaign, zones[address]) for address, each in found.items()}
    return Recipients(persons, of_unit)


def _person(found: _Found, campaign: Campaign, timezone: str) -> Recipient:
    who = found.who
    return Recipient(
        email=who.email,
        name=who.name,
        language=who.language or campaign.language,
        units=tuple(found.units),
        timezone=timezone,
        copied=frozenset(unit for unit, is_copied in found.units.items() if is_copied),
        stands_in=found.stands_in,
        rhythms={unit: rhythm for unit, rhythm in found.rhythms.items() if rhythm != "daily"},
    )


def person_facts(person: Recipient, units: Iterable[str]) -> dict[str, object]:
    """What a mail about ``units`` is to this person, where it is not simply addressed to them.

    ``cc`` and ``stands_in_for`` (a name) where that holds for all of it; else ``cc_of`` are the units of which it is a
    copy, and ``stands_in_of`` has the name for each unit.
    """
    if not person.copied and not person.stands_in:
        return {}
    own = [unit for unit in dict.fromkeys(units) if unit in person.units] or person.units
    facts: dict[str, object] = {}
    copied = [unit for unit in own if unit in person.copied]
    if copied:
        facts |= {"cc": True} if len(copied) == len(own) else {"cc_of": copied}
    away = {unit: person.stands_in[unit] for unit in own if unit in person.stands_in}
    if away:
        names = set(away.values())
        is_all = len(away) == len(own) and len(names) == 1
        facts |= {"stands_in_for": names.pop()} if is_all else {"stands_in_of": away}
    return facts


def addressed_to(person: Recipient) -> dict[str, object]:
    """The columns of a mail that say whom it is for."""
    return {
        "recipient": person.email,
        "name": person.name,
        "language": person.language,
        "timezone": person.timezone,
    }


def receipt_row(
    person: Recipient, unit: str, key: str, details: Mapping[str, object], day: date
) -> dict[str, object]:
    """A mail to ``person`` about what ``unit`` sent, asked or was asked, as a row of the outbox."""
    facts = {**details, **person_facts(person, [unit])}
    return {
        **addressed_to(person),
        "key": key,
        "kind": MailKind.RECEIPT.value,
        "unit": unit,
        "day": day,
        "content": "[]",
        "details": json.dumps(facts, ensure_ascii=False),
    }


#: The facts of ``person_facts``.
PERSON_FACTS = frozenset({"cc", "cc_of", "stands_in_for", "stands_in_of"})


def zones_of(campaign: Campaign) -> dict[str, str]:
    """The time zone of everybody who ever gets mail, by address in lower case."""
    found: dict[str, str] = {}
    for unit in campaign.units.values():
        for address in _addresses(unit):
            found.setdefault(address, unit.timezone or campaign.timezone)
    return found


def ever_asked(campaign: Campaign) -> dict[str, tuple[str, ...]]:
    """The units for which an address ever gets mail, in the order of the files; by address in lower case."""
    found: dict[str, dict[str, None]] = {}
    for unit in campaign.units:
        for person in campaign.people_of(unit):
            found.setdefault(person.email.casefold(), {})[unit] = None
    return {address: tuple(units) for address, units in found.items()}


def _addresses(unit: Unit) -> Iterable[str]:
    for contact in unit.contacts:
        yield contact.email.casefold()
        for each in contact.stand_ins:
            yield each.email.casefold()
