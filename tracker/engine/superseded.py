"""Digests of earlier days that could not be sent: what stood in them is told today, as it stands today (§6.6)."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import bindparam, or_, select, update
from sqlmodel import Session

from tracker.core.model import MailKind, Reason
from tracker.engine.asked import Cell, cell_of, still_asked
from tracker.engine.digests import Line, line_of
from tracker.engine.inforce import InForce
from tracker.engine.outbox import IS_FREE, moments
from tracker.engine.people import People
from tracker.store.tables import MAIL, UNDERWAY, MailState

_STALE = (
    select(MAIL.c.id, MAIL.c.recipient, MAIL.c.content)
    .where(
        UNDERWAY,
        MAIL.c.campaign == bindparam("campaign"),
        MAIL.c.kind == MailKind.DIGEST.value,
        # What a process that died had in hand may have gone out; its items are told once more, the mail is not.
        or_(MAIL.c.state != MailState.CLAIMED.value, IS_FREE),
        MAIL.c.timezone == bindparam("timezone"),
        MAIL.c.day < bindparam("day"),
    )
    .order_by(MAIL.c.id)
    # Others may claim beside us: one that is being claimed is waited for, looked at again, and left to them.
    .with_for_update()
)


@dataclass(slots=True)
class ToldAgain:
    """Lines for the people who missed them, and, where such a person has left, for whoever is there now."""

    by_address: defaultdict[str, list[Line]] = field(default_factory=lambda: defaultdict(list))
    by_unit: defaultdict[str, list[Line]] = field(default_factory=lambda: defaultdict(list))
    upward: list[tuple[str, Line]] = field(default_factory=list)


def supersede(
    session: Session, force: InForce, people: People, timezone: str, day: date, now: datetime
) -> ToldAgain:
    """Take such digests of ``timezone`` out of the queue, and give back what stood in them."""
    stale = {"campaign": force.campaign.id, "day": day, "timezone": timezone, **moments(now)}
    unsent = session.execute(_STALE, stale).all()
    told = ToldAgain()
    if not unsent:
        return told
    session.execute(
        update(MAIL)
        .where(MAIL.c.id.in_([mail.id for mail in unsent]))
        .values(
            state=MailState.SUPERSEDED.value,
            outcome=f"told in the digest of {day} instead",
            fence=MAIL.c.fence + 1,
            lease_until=None,
        )
    )
    missed: list[tuple[str, Cell, Reason]] = []
    for mail in unsent:
        for ref, unit, reason, *_ in json.loads(mail.content):
            missed.append((mail.recipient.casefold(), cell_of(ref, unit), Reason(reason)))
    rows = still_asked(session, force.campaign.id, list(dict.fromkeys(cell for _, cell, _ in missed)))
    for address, cell, reason in missed:
        row = rows.get(cell)
        if row is not None and row.key in force.campaign.definitions:
            stands = _as_of(reason, row.effective_due, row.grace_until, day)
            _tell(told, force, people, address, line_of(force, row, stands, day), reason)
    return told


def _tell(told: ToldAgain, force: InForce, people: People, address: str, line: Line, reason: Reason) -> None:
    if address in people.persons:
        told.by_address[address].append(line)
    elif reason is not Reason.ESCALATION:
        told.by_unit[line.unit].append(line)
    elif (superior := force.superior(line.unit)) is not None:
        told.upward.append((superior, line))


def _as_of(reason: Reason, due: date | None, grace_until: date | None, day: date) -> Reason:
    """What a reason that was about the date has become by ``day``."""
    if due is None or grace_until is None:
        return reason
    if reason in (Reason.RETURNED, Reason.PACE, Reason.REVIEW):
        return reason
    if day > grace_until:
        return Reason.ESCALATION if reason is Reason.ESCALATION else Reason.OVERDUE
    if day == due:
        return Reason.DUE_TODAY
    return Reason.LEAD if reason in (Reason.DUE_TODAY, Reason.OVERDUE) else reason
