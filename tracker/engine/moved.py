"""What a mail in the outbox becomes when it is for somebody else, or for more than was decided."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from sqlalchemy import Row

from tracker.core.model import Item, Mail, MailKind, owned
from tracker.engine.people import PERSON_FACTS, Person
from tracker.engine.written import items_from_json


@dataclass(slots=True)
class Moved:
    """What one reader gets that was in digests of others, ``first`` and more, with what stood beside the items."""

    person: Person
    first: Row[Any]
    items: list[Item] = field(default_factory=list)
    beside: dict[str, Any] = field(default_factory=dict)


class Moves:
    """By the key of their reader's digest of the day."""

    def __init__(self) -> None:
        self.by_key: dict[str, Moved] = {}

    def add(self, person: Person, row: Row[Any], items: Sequence[Item]) -> None:
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
