"""How a mail stands in its row of the outbox."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import Row

from tracker.core.model import Item, Mail, MailKind, Reason
from tracker.core.occurrences import parse_ref
from tracker.errors import UnknownNameError
from tracker.i18n.message import Message

#: Most pressing first: late, sent back, due today, due soon, behind quota, new, to be reviewed.
PRESSING = {
    Reason.ESCALATION: 0,
    Reason.OVERDUE: 1,
    Reason.RETURNED: 2,
    Reason.DUE_TODAY: 3,
    Reason.LEAD: 4,
    Reason.PACE: 5,
    Reason.OPENED: 6,
    Reason.REVIEW: 7,
}

_REASONS = {reason.value: reason for reason in Reason}
_date = lru_cache(maxsize=4096)(date.fromisoformat)


class UnreadableMailError(ValueError):
    """What is kept of a mail cannot be read: a hand, a disk or another program has been at its row."""


def mail_of(row: Row[Any], items: tuple[Item, ...]) -> Mail:
    """The mail of a row, with ``items`` (all of them, or those that are still open).  Raises UnreadableMailError."""
    return Mail(
        key=row.key,
        at=row.at,
        to=row.recipient,
        name=row.name,
        unit=row.unit,
        kind=MailKind(row.kind),
        language=row.language,
        items=items,
        details=details_from_json(row.details),
    )


def details_from_json(text: str) -> dict[str, Any]:
    """What a mail says beside its items.  Raises UnreadableMailError."""
    try:
        found = json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise UnreadableMailError(f"its details: {error}") from None
    if not isinstance(found, dict):
        raise UnreadableMailError("its details: not a mapping")
    return found


@lru_cache(maxsize=512)
def items_from_json(text: str) -> tuple[Item, ...]:
    """The items of a mail as planning wrote them.  Raises UnreadableMailError."""
    try:
        return tuple([_item(*each) for each in json.loads(text)])
    except (ValueError, TypeError, KeyError, RecursionError, UnknownNameError) as error:
        raise UnreadableMailError(f"its items: {type(error).__name__}: {error}") from None


def _item(ref: str, unit: str, reason: str, due: str | None, days_left: int | None) -> Item:
    if not (isinstance(ref, str) and isinstance(unit, str) and isinstance(days_left, int | None)):
        raise TypeError("not an item")
    parse_ref(ref)
    return Item(ref, unit, _REASONS[reason], _date(due) if due else None, days_left)


def mail_unread(row: Row[Any]) -> Mail:
    """What is left of a mail that cannot be read: whose it is."""
    return Mail(row.key, row.at, row.recipient, row.name, row.unit, MailKind(row.kind), row.language)


def unreadable(why: str) -> str:
    """What became of such a mail."""
    return str(Message("outcomes.damaged", why=str(why)))


def why_unreadable(row: Row[Any]) -> str | None:
    """Why the mail of a row cannot be read; None of nearly all."""
    try:
        items_from_json(row.content)
        if row.details != "{}":
            details_from_json(row.details)
    except UnreadableMailError as error:
        return str(error)
    return None


def items_to_json(items: Iterable[Item]) -> str:
    """The other way round."""
    rows = [
        (item.ref, item.unit, item.reason.value, item.due.isoformat() if item.due else None, item.days_left)
        for item in items
    ]
    return json.dumps(rows, separators=(",", ":"), ensure_ascii=False)
