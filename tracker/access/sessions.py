"""Who is signed in.  A session lives in the database, so that signing out is final.

The cookie's token is kept as its hash: whoever reads the database cannot sign in with what stands there.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, insert, or_, select, update
from sqlmodel import Session

from tracker.core.roles import Role
from tracker.store.tables import SESSION

#: A session ends so long after it was last used, …
IDLE = timedelta(hours=12)

#: … and so long after it began at the latest.
LONGEST = timedelta(days=7)

#: Its last use is written down no more often than this.
NOTED = timedelta(minutes=5)

_FOUND = select(SESSION).where(SESSION.c.token == bindparam("hashed"))


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody who is: ``name`` as the history has it, ``via`` password, key or oidc, ``csrf`` for their forms."""

    name: str
    role: Role
    via: str
    csrf: str
    seen_at: datetime


def hashed(token: str) -> str:
    """A token as it is kept; it is random and long, so a quick hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


def begin_session(session: Session, name: str, role: Role, via: str, now: datetime) -> str:
    """Sign somebody in; the token for their cookie, which is kept nowhere else.  Ended sessions are forgotten."""
    session.execute(delete(SESSION).where(or_(SESSION.c.expires_at <= now, SESSION.c.seen_at <= now - IDLE)))
    token = secrets.token_urlsafe(32)
    session.execute(
        insert(SESSION).values(
            token=hashed(token),
            account=name,
            role=role.word,
            via=via,
            created_at=now,
            seen_at=now,
            expires_at=now + LONGEST,
            csrf=secrets.token_urlsafe(32),
        )
    )
    return token


def find_session(session: Session, token: str, now: datetime) -> SignedIn | None:
    """Whose token this is; None where it is nobody's, or was left alone for too long."""
    row = session.execute(_FOUND, {"hashed": hashed(token)}).first()
    if row is None or now >= row.expires_at or now >= row.seen_at + IDLE:
        return None
    return SignedIn(row.account, Role.named(row.role), row.via, row.csrf, row.seen_at)


def is_to_be_noted(found: SignedIn, now: datetime) -> bool:
    """Whether its use should be written down."""
    return now - found.seen_at >= NOTED


def note_use(session: Session, token: str, now: datetime) -> None:
    """It was used just now."""
    session.execute(update(SESSION).where(SESSION.c.token == hashed(token)).values(seen_at=now))


def end_session(session: Session, token: str) -> None:
    """Sign out."""
    session.execute(delete(SESSION).where(SESSION.c.token == hashed(token)))


def end_sessions_of(session: Session, name: str) -> None:
    """Sign ``name`` out everywhere."""
    session.execute(delete(SESSION).where(SESSION.c.account == name))
