"""How a mail stands in its row of the outbox."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import Row

from tracker.core.model import Item, Mail, MailKind, Reason

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


def mail_of(row: Row[Any], items: tuple[Item, ...]) -> Mail:
    """The mail of a row, with ``items`` (all of them, or those that are still open)."""
    return Mail(
        key=row.key,
        at=row.at,
        to=row.recipient,
        name=row.name,
        unit=row.unit,
        kind=MailKind(row.kind),
        language=row.language,
        items=items,
        details=json.loads(row.details),
    )


def items_from_json(text: str) -> tuple[Item, ...]:
    """The items of a mail as planning wrote them."""
    return tuple(
        [
            Item(ref, unit, _REASONS[reason], _date(due) if due else None, days_left)
            for ref, unit, reason, due, days_left in json.loads(text)
        ]
    )


def items_to_json(items: Iterable[Item]) -> str:
    """The other way round."""
    rows = [
        (item.ref, item.unit, item.reason.value, item.due.isoformat() if item.due else None, item.days_left)
        for item in items
    ]
    return json.dumps(rows, separators=(",", ":"), ensure_ascii=False)
