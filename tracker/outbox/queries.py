"""Looks into the outbox, and puts mails back into the queue at a person's word."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, or_, select, update
from sqlmodel import Session

from tracker.core.model import Mail
from tracker.errors import UnknownNameError, UsageError, not_among
from tracker.i18n.message import Message
from tracker.outbox.mail_server import forget_refused_logins
from tracker.outbox.rows import items_from_json, mail_of, mail_unread, unreadable, why_unreadable
from tracker.store.numbers import numbered
from tracker.store.tables import MAIL, MailState

#: States from which a person may ask for another attempt.
RETRIABLE = (MailState.FAILED, MailState.DEFERRED, MailState.UNCERTAIN)

#: What failed longer ago than this is queued again only where somebody says so: it is news no more.
RETRY_WITHIN = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class StoredMail:
    """A mail as the outbox has it."""

    id: int
    message_id: str
    mail: Mail
    day: date
    state: MailState
    attempts: int
    not_before: datetime
    sent_at: datetime | None
    subject: str | None
    outcome: str | None


def stored_mails(
    session: Session,
    campaign: str,
    *,
    state: str | None = None,
    unit: str | None = None,
    limit: int | None = None,
) -> list[StoredMail]:
    """The newest ``limit`` mails of a campaign, oldest of them first.  Raises UsageError for a state that is none."""
    query = select(MAIL).where(MAIL.c.campaign == campaign).order_by(MAIL.c.id.desc())
    if state is not None:
        if state not in set(MailState):
            raise not_among("--state", state, MailState)
        query = query.where(MAIL.c.state == state)
    if unit is not None:
        query = query.where(MAIL.c.unit == unit)
    if limit is not None:
        query = query.limit(limit)
    return [stored(row) for row in reversed(session.execute(query).all())]


def stored_mail(session: Session, campaign: str, number: int) -> StoredMail:
    """One mail by its number.  Raises UnknownNameError."""
    row = session.execute(
        select(MAIL).where(MAIL.c.campaign == campaign, numbered(MAIL.c.id, number))
    ).first()
    if row is None:
        raise UnknownNameError("no_mail", number=number)
    return stored(row)


def mail_called(session: Session, campaign: str, key: str) -> StoredMail | None:
    """One mail by what it is; None where there is none."""
    row = session.execute(select(MAIL).where(MAIL.c.campaign == campaign, MAIL.c.key == key)).first()
    return None if row is None else stored(row)


def about(ref: str, unit: str) -> ColumnElement[bool]:
    """Which mails the assignment of ``unit`` stands in."""
    found: ColumnElement[bool] = MAIL.c.content.contains(
        f"[{json.dumps(ref)},{json.dumps(unit)},", autoescape=True
    )
    return found


def mails_about(
    session: Session, campaign: str, ref: str, unit: str, addresses: Sequence[str], units: Sequence[str]
) -> list[StoredMail]:
    """Every mail to one of ``units`` or ``addresses`` in which the assignment of ``unit`` stands, oldest first."""
    ours = MAIL.c.campaign == campaign
    theirs = or_(MAIL.c.unit.in_(units), MAIL.c.recipient.in_(addresses))
    query = select(MAIL).where(ours, theirs, about(ref, unit))
    return [stored(row) for row in session.execute(query.order_by(MAIL.c.id))]


def retry(
    session: Session, campaign: str, number: int | None, now: datetime, *, since: date | None = None
) -> int:
    """Queue one mail again, or every failed one of ``since`` or later; how many.

    ``since`` is by default a week ago.  A digest of an earlier day does not go as it was: what stood in it is
    told in the next one.  Raises UsageError for a mail that is on its way or sent.
    """
    query = update(MAIL).values(
        state=MailState.QUEUED.value,
        attempts=0,
        lost=0,
        cause=None,
        ours_since=None,
        not_before=now,
        lease_until=None,
        outcome=str(Message("outcomes.queued_again")),
    )
    if number is None:
        first = since or (now - RETRY_WITHIN).date()
        query = query.where(
            MAIL.c.campaign == campaign, MAIL.c.state == MailState.FAILED.value, MAIL.c.day >= first
        )
    else:
        found = stored_mail(session, campaign, number)
        if found.state not in RETRIABLE:
            raise UsageError("mail_on_its_way", number=number, state=found.state)
        # Somebody may take it at this moment: then it is on its way.
        query = query.where(
            numbered(MAIL.c.id, number), MAIL.c.state.in_([state.value for state in RETRIABLE])
        )
    forget_refused_logins(session, campaign, now)
    return int(session.connection().execute(query).rowcount)


def stored(row: Row[Any]) -> StoredMail:
    """The mail of a row; of one that cannot be read, which has no items, the outcome says so."""
    why = why_unreadable(row)
    mail, outcome = mail_unread(row), row.outcome or unreadable(why or "")
    if why is None:
        mail, outcome = mail_of(row, items_from_json(row.content)), row.outcome
    return StoredMail(
        id=row.id,
        message_id=row.message_id,
        mail=mail,
        day=row.day,
        state=MailState(row.state),
        attempts=row.attempts,
        not_before=row.not_before,
        sent_at=row.sent_at,
        subject=row.subject,
        outcome=outcome,
    )
