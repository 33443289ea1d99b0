"""People who were sent to a provider to sign in, and the secret that signs what pages give out and take back.

Both stand in the database, as sessions do: whoever comes back may come to another machine, or after a restart.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, insert, select
from sqlmodel import Session

from tracker.access.sessions import hashed
from tracker.store.database import Database, read_meta, write_meta
from tracker.store.short_lived import JOURNEY

#: So long somebody may take at the provider's.
LASTS = timedelta(minutes=10)

#: Anybody may set out: no more than these are under way, and the oldest give way.
MOST = 1000

_KEPT = "door"


@dataclass(frozen=True, slots=True)
class Journey:
    """What somebody is to bring back, and where they then go on."""

    state: str
    nonce: str
    verifier: str
    following: str


def set_out(session: Session, journey: Journey, now: datetime) -> str:
    """Remember a journey; the ticket for their cookie, which is kept nowhere else.  Those that are over are forgotten."""
    session.execute(delete(JOURNEY).where(JOURNEY.c.expires_at <= now))
    too_many = session.execute(select(func.count()).select_from(JOURNEY)).scalar_one() - MOST + 1
    if too_many > 0:
        oldest = select(JOURNEY.c.ticket).order_by(JOURNEY.c.expires_at).limit(too_many)
        session.execute(delete(JOURNEY).where(JOURNEY.c.ticket.in_(oldest)))
    ticket = secrets.token_urlsafe(32)
    session.execute(
        insert(JOURNEY).values(
            ticket=hashed(ticket),
            state=journey.state,
            nonce=journey.nonce,
            verifier=journey.verifier,
            following=journey.following,
            expires_at=now + LASTS,
        )
    )
    return ticket


def come_back(session: Session, ticket: str, now: datetime) -> Journey | None:
    """The journey of this ticket, which is good once and for a while."""
    mine = JOURNEY.c.ticket == hashed(ticket)
    row = session.execute(select(JOURNEY).where(mine)).first()
    if row is None:
        return None
    session.execute(delete(JOURNEY).where(mine))
    return Journey(row.state, row.nonce, row.verifier, row.following) if now < row.expires_at else None


def door_secret(database: Database) -> bytes:
    """What signs forms of those who have no session, and sentences for the next page: one for all machines."""
    with database.reading() as session:
        found = read_meta(session, _KEPT)
    if found is None:
        with database.writing() as session:
            found = read_meta(session, _KEPT)
            if found is None:
                found = secrets.token_urlsafe(32)
                write_meta(session, _KEPT, found)
    return found.encode()
