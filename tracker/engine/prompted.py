"""Mails that somebody outside makes us send, by a link that may be in anybody's hands: one rule for all of them.

So many go at once within an hour (``mail.prompted``), for each that prompts them and each that reads them.  What comes
beyond that is gathered in one mail, which goes when an hour is over: nothing is lost, and nobody's letter box filled.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select, update
from sqlmodel import Session

from tracker.core.model import MailKind, owned
from tracker.engine.inforce import InForce
from tracker.engine.outbox import enqueue
from tracker.engine.written import why_unreadable
from tracker.store.tables import MAIL, MailState

#: What a gathered mail names one by one; of more it says how many.
MOST = 30

#: The parts of such a mail that are lists, and grow.
_LISTS = ("files", "enclosed", "requests")


def prompt(
    session: Session, force: InForce, rows: Iterable[dict[str, object]], now: datetime, prompter: str
) -> int:
    """Put ``rows`` into the outbox, or what they say into what is gathered already; how many are new there.

    ``prompter`` is who makes us send them: the address whose link it is, or the unit.  Call it alone in the ledger.
    """
    prefix = f"{MailKind.RECEIPT}/{hashlib.sha256(prompter.encode()).hexdigest()[:16]}/"
    return sum(_prompt(session, force, row, now, prefix) for row in rows)


def _prompt(session: Session, force: InForce, row: dict[str, object], now: datetime, prefix: str) -> int:
    rate = force.settings.prompted
    row = {**row, "key": f"{prefix}{row['key']}"}
    whose, gathering = force.campaign.id, f"{prefix}gathered/"
    same_reader = (
        MAIL.c.campaign == whose,
        MAIL.c.recipient == row["recipient"],
        MAIL.c.at > now - rate.per,
    )
    sent = session.execute(
        select(func.count()).where(
            *same_reader,
            MAIL.c.key.startswith(owned(whose, prefix), autoescape=True),
            ~MAIL.c.key.startswith(owned(whose, gathering), autoescape=True),
        )
    ).scalar_one()
    if sent < rate.count:
        return enqueue(session, force, [row], now, 0)
    there = session.execute(
        select(MAIL).where(
            *same_reader,
            MAIL.c.key.startswith(owned(whose, gathering), autoescape=True),
            MAIL.c.state == MailState.QUEUED.value,
            MAIL.c.not_before > now,
        )
    ).first()
    if there is not None and _add(session, there, json.loads(str(row["details"]))):
        return 0
    first = {**row, "key": f"{gathering}{now.isoformat()}/{row['recipient']}"}
    first["details"] = json.dumps(_gathered({}, json.loads(str(row["details"]))), ensure_ascii=False)
    return enqueue(session, force, [first], now, 0, not_before=now + rate.per)


def _add(session: Session, there: Row[Any], details: Mapping[str, Any]) -> bool:
    """Whether ``details`` went into the mail that still waits; what was taken meanwhile takes no more."""
    if why_unreadable(there) is not None:
        return False
    gathered = json.dumps(_gathered(json.loads(there.details), details), ensure_ascii=False)
    waits = update(MAIL).where(MAIL.c.id == there.id, MAIL.c.state == MailState.QUEUED.value)
    return session.connection().execute(waits.values(details=gathered)).rowcount == 1


def _gathered(before: Mapping[str, Any], details: Mapping[str, Any]) -> dict[str, Any]:
    """The details of both; of long lists what came first, with how many there were."""
    added = dict(details)
    if "request" in added:
        added["requests"] = [added.pop("request")]
    lists = {name: [*before.get(name, ()), *added[name]][:MOST] for name in _LISTS if name in added}
    return {**before, **added, **lists, "gathered": before.get("gathered", 0) + 1}
