"""Calendars by a secret address: made, looked up and taken back."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select, update
from sqlmodel import Session

from tracker.errors import UnknownNameError
from tracker.store.numbers import numbered
from tracker.store.tables import FEED


@dataclass(frozen=True, slots=True)
class Feed:
    """One address; ``unit`` None means all units."""

    id: int
    unit: str | None
    created_at: datetime
    created_by: str
    revoked_at: datetime | None


def add_feed(session: Session, campaign: str, unit: str | None, who: str, now: datetime) -> str:
    """Make an address; the secret part of it, which nobody can look up later."""
    secret = secrets.token_urlsafe(24)
    values = {
        "campaign": campaign,
        "unit": unit,
        "digest": _digest(secret),
        "created_at": now,
        "created_by": who,
    }
    session.execute(insert(FEED).values(**values))
    return secret


def feeds(session: Session, campaign: str) -> list[Feed]:
    """All of a campaign, the oldest first."""
    return [
        Feed(row.id, row.unit, row.created_at, row.created_by, row.revoked_at)
        for row in session.execute(select(FEED).where(FEED.c.campaign == campaign).order_by(FEED.c.id))
    ]


def find_feed(session: Session, campaign: str, secret: str) -> Feed | None:
    """The one with this address, unless it was taken back."""
    row = session.execute(
        select(FEED).where(
            FEED.c.campaign == campaign, FEED.c.digest == _digest(secret), FEED.c.revoked_at.is_(None)
        )
    ).first()
    return None if row is None else Feed(row.id, row.unit, row.created_at, row.created_by, None)


def revoke_feed(session: Session, campaign: str, number: int, now: datetime) -> None:
    """Take an address back.  Raises UnknownNameError where there is none that still works."""
    done = session.connection().execute(
        update(FEED)
        .where(FEED.c.campaign == campaign, numbered(FEED.c.id, number), FEED.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    if not done.rowcount:
        raise UnknownNameError("no_feed", number=number)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
