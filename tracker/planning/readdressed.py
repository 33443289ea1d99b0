"""What a mail in the outbox becomes when it is for somebody else, or for more than was decided."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from sqlalchemy import Row

from tracker.campaign.recipients import PERSON_FACTS, Recipient, Recipients
from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.model import Item, Mail, MailKind, owned
from tracker.outbox.rows import PRESSING, items_from_json


@dataclass(slots=True)
class Moved:
    """What one reader gets that was in digests of others, ``first`` and more, with what stood beside the items."""

    person: Recipient
    first: Row[Any]
    items: list[Item] = field(default_factory=list)
    beside: dict[str, Any] = field(default_factory=dict)


class Moves:
    """By the key of their reader's digest of the day."""

    def __init__(self) -> None:
        self.by_key: dict[str, Moved] = {}

    def add(self, person: Recipient, row: Row[Any], items: Sequence[Item]) -> None:
        """``person`` gets ``items`` of the digest in ``row``."""
        moved = self.by_key.setdefault(key_of_day(row.day, person.email.casefold()), Moved(person, row))
        moved.items += items
        moved.beside = together(moved.beside, json.loads(row.details))


def together(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """What two digests say beside their items, which is by reference and unit; the first one's counts more."""
    found = {**other, **one}
    for name in ("progress", "said"):
        if name in one and name in other:
            found[name] = {**other[name], **one[name]}
    if "last" in one and "last" in other:
        found["last"] = list(dict.fromkeys([*one["last"], *other["last"]]))
    return found


def with_facts(details: Mapping[str, Any], facts: Mapping[str, object]) -> str:
    """``details`` as JSON, with other facts of the reader (``person_facts``)."""
    kept = {name: value for name, value in details.items() if name not in PERSON_FACTS}
    return json.dumps({**kept, **facts}, ensure_ascii=False)


def changed_mail(mail: Mail, values: Mapping[str, Any]) -> Mail:
    """``mail`` with other columns."""
    names = {"recipient": "to", "name": "name", "language": "language", "unit": "unit"}
    changed = {names[name]: value for name, value in values.items() if name in names}
    if "details" in values:
        changed["details"] = json.loads(values["details"])
    if "content" in values:
        changed["items"] = items_from_json(values["content"])
    return replace(mail, **changed)


def columns_of(row: Row[Any]) -> dict[str, object]:
    """What a mail that takes the place of ``row`` has in common with it."""
    names = ("kind", "day", "recipient", "name", "unit", "language", "timezone", "content", "details")
    found = {name: getattr(row, name) for name in (*names, "seen_event")}
    # A receipt says when it was that something came in.
    return found | ({"at": row.at} if row.kind == MailKind.RECEIPT.value else {})


def bare_key(row: Row[Any]) -> str:
    """The key without the campaign's name before it."""
    return str(row.key).removeprefix(owned(row.campaign, ""))


def key_of_day(day: date, address: str) -> str:
    """The digest of a day; as ``mail_row`` makes it."""
    return f"{MailKind.DIGEST.value}/{day}/{address}"


def is_of_day(row: Row[Any]) -> bool:
    """Whether it is the one digest that its reader gets on its day."""
    return bare_key(row) == key_of_day(row.day, row.recipient.casefold())


def goes_to(addresses: Iterable[str]) -> str:
    """What became of a mail that is for others now."""
    return f"its reader is asked no more; told to {', '.join(addresses)} instead"


def unit_told(snapshot: CampaignSnapshot, row: Row[Any]) -> str | None:
    """The unit whose people a roll-up or a receipt is for, by the files in force."""
    if row.kind == MailKind.ROLLUP.value:
        return snapshot.campaign.supervisor
    request = _request_in(row)
    if request.get("phase") == "asked":
        return snapshot.superior(str(request.get("unit")))
    return str(row.unit)


def readers_of(row: Row[Any], people: Recipients, unit: str | None) -> dict[str, Recipient]:
    """Who gets such a mail at ``unit``, by address."""
    if unit is None:
        return {}
    if row.kind == MailKind.ROLLUP.value:
        return {address: people.persons[address] for address in people.of_unit.get(unit, ())}
    return {each.email.casefold(): each for each in people.asked(unit)}


def is_for_all(row: Row[Any]) -> bool:
    """Whether it says to everybody of a unit what has to be known there, each by a key of their own."""
    is_rollup = row.kind == MailKind.ROLLUP.value
    return bool(is_rollup) or str(_request_in(row).get("phase", "link")) != "link"


def is_another(person: Recipient, row: Row[Any]) -> bool:
    """Whether ``person`` is not the reader of ``row`` and has the same day; in another zone it is planned by itself."""
    return person.timezone == row.timezone and bool(person.email.casefold() != row.recipient.casefold())


def in_order(snapshot: CampaignSnapshot, items: Iterable[Item]) -> list[Item]:
    """As planning orders them, each once: the most pressing first."""

    def rank(item: Item) -> tuple[int, int, int, str, int]:
        key, _, period = item.ref.partition("@")
        place = snapshot.position(key), period, snapshot.unit_position(item.unit)
        return PRESSING[item.reason], item.days_left or 0, *place

    return sorted({(item.ref, item.unit): item for item in items}.values(), key=rank)


def _request_in(row: Row[Any]) -> Mapping[str, Any]:
    found = json.loads(row.details).get("request")
    return found if isinstance(found, dict) else {}
