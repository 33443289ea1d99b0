"""The outbox, page by page: what was sent, to whom, when and why, and what failed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlmodel import Session

from tracker.outbox.queries import StoredMail, stored
from tracker.store.tables import MAIL, UNDERWAY, MailState


@dataclass(frozen=True, slots=True)
class MailFilter:
    """Which mails; None means whichever."""

    state: str | None = None
    kind: str | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class MailPage:
    """One page of mails, the newest first; ``states`` counts the whole outbox."""

    mails: tuple[StoredMail, ...]
    states: dict[str, int]
    number: int
    page: int
    pages: int


def mail_page(session: Session, campaign: str, sought: MailFilter, *, page: int, size: int) -> MailPage:
    """The mails that are sought."""
    conditions = [MAIL.c.campaign == campaign] + [
        column == value
        for column, value in (
            (MAIL.c.state, sought.state),
            (MAIL.c.kind, sought.kind),
            (MAIL.c.unit, sought.unit),
        )
        if value is not None
    ]
    number = session.execute(select(func.count()).select_from(MAIL).where(*conditions)).scalar_one()
    pages = max(1, -(-number // size))
    page = min(max(page, 1), pages)
    query = select(MAIL).where(*conditions).order_by(MAIL.c.id.desc()).limit(size).offset((page - 1) * size)
    mails = tuple(stored(row) for row in session.execute(query))
    return MailPage(mails, states(session, campaign), number, page, pages)


def states(session: Session, campaign: str) -> dict[str, int]:
    """How many mails there are of each state."""
    rows = session.execute(
        select(MAIL.c.state, func.count()).where(MAIL.c.campaign == campaign).group_by(MAIL.c.state)
    )
    counted = {str(state): int(number) for state, number in rows}
    return {state.value: counted[state.value] for state in MailState if state.value in counted}


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits: since when the oldest, and what happened last."""

    waiting: int
    oldest: datetime | None
    last_sent: datetime | None
    last_failure: StoredMail | None


def queue(session: Session, campaign: str) -> Queue:
    """How the outbox stands."""
    ours = MAIL.c.campaign == campaign
    waiting, oldest = session.execute(select(func.count(), func.min(MAIL.c.at)).where(UNDERWAY, ours)).one()
    last_sent = session.execute(select(func.max(MAIL.c.sent_at)).where(ours)).scalar()
    failed = session.execute(
        select(MAIL).where(ours, MAIL.c.state == MailState.FAILED.value).order_by(MAIL.c.id.desc()).limit(1)
    ).first()
    return Queue(waiting, oldest, last_sent, None if failed is None else stored(failed))


#: A mail that was put off so often has been waiting for minutes.
PUT_OFF = 2


class Stuck(NamedTuple):
    """Since when nothing goes out, and what was said to the newest of those that were put off."""

    since: datetime
    said: str


def stuck_since(session: Session, campaign: str) -> Stuck | None:
    """Whether mails are put off and none goes out at all; None where the post works, or has nothing to do.

    One address that is hard to reach is no reason, while others are reached.
    """
    newest = session.execute(
        select(MAIL.c.at, MAIL.c.outcome)
        .where(
            UNDERWAY,
            MAIL.c.campaign == campaign,
            MAIL.c.state.in_([MailState.DEFERRED.value, MailState.UNCERTAIN.value]),
            MAIL.c.attempts >= PUT_OFF,
        )
        .order_by(MAIL.c.at.desc(), MAIL.c.id.desc())
        .limit(1)
    ).first()
    if newest is None:
        return None
    sent = select(MAIL.c.id).where(MAIL.c.campaign == campaign, MAIL.c.sent_at >= newest.at)
    has_sent = session.execute(sent.limit(1)).first() is not None
    return None if has_sent else Stuck(newest.at, newest.outcome or "")
