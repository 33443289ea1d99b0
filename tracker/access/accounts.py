"""People who sign in with a password: who they are, what they may do, whether the password is theirs.

A password is kept as argon2 hashes it, and checked in the same time whether or not there is such an account.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Row, insert, select, update
from sqlmodel import Session

from tracker.access.sessions import begin_session, end_sessions_of
from tracker.core.roles import Role
from tracker.errors import UnknownNameError, UsageError
from tracker.store.database import Database
from tracker.store.tables import ACCOUNT

#: How somebody with an account is known.
VIA = "password"

SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 1000
LONGEST_NAME = 64

#: Runs of keys and of the alphabet, which a guess would try first.
_RUNS = (
    "0123456789" * 2,
    "9876543210" * 2,
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiop",
    "qwertyuiopasdfghjklzxcvbnm",
)

_THERE = select(ACCOUNT).where(ACCOUNT.c.disabled_at.is_(None))


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may sign in."""

    name: str
    role: Role
    created_at: datetime


def has_accounts(session: Session) -> bool:
    """Whether anybody may sign in with a password."""
    return session.execute(_THERE.limit(1)).first() is not None


def accounts(session: Session) -> list[Account]:
    """Everybody who may, by name."""
    return [_account(row) for row in session.execute(_THERE.order_by(ACCOUNT.c.name))]


def add_account(session: Session, name: str, role: Role, password: str, now: datetime) -> Account:
    """Let ``name`` sign in.  Raises UsageError for a name that is taken or none, or a password that is too weak."""
    name = check_name(name)
    check_password(name, password)
    row = session.execute(select(ACCOUNT).where(ACCOUNT.c.name == name)).first()
    if row is not None and row.disabled_at is None:
        raise UsageError("account_taken", name=name)
    values = {"role": role.word, "hash": _hasher().hash(password), "created_at": now, "disabled_at": None}
    if row is None:
        session.execute(insert(ACCOUNT).values(name=name, **values))
    else:
        session.execute(update(ACCOUNT).where(ACCOUNT.c.name == name).values(**values))
    return Account(name, role, now)


def remove_account(session: Session, name: str, now: datetime) -> None:
    """``name`` may not sign in any more, and is signed out.  Raises UnknownNameError."""
    _change(session, name, disabled_at=now)


def set_password(session: Session, name: str, password: str) -> None:
    """Give ``name`` another password; whoever is signed in with the old one no longer is.

    Raises UnknownNameError, or UsageError for a password that is too weak.
    """
    check_password(name.strip(), password)
    _change(session, name, hash=_hasher().hash(password))


def set_role(session: Session, name: str, role: Role) -> None:
    """Give ``name`` another role, from the next time they sign in; they are signed out.  Raises UnknownNameError."""
    _change(session, name, role=role.word)


def verify(database: Database, name: str, password: str) -> Account | None:
    """The account whose name and password these are, else None; either takes the same time."""
    row = _checked(database, name, password)
    return None if row is None else _account(row)


def sign_in_with(database: Database, name: str, password: str, now: datetime) -> str | None:
    """The token of a new session for whoever has this name and password, else None."""
    checked = _checked(database, name, password)
    if checked is None:
        return None
    renewed = _hasher().hash(password) if _hasher().check_needs_rehash(checked.hash) else None
    with database.writing() as session:
        # Checking takes a moment, in which they may have been removed, or given another role or password.
        still = (ACCOUNT.c.name == checked.name, ACCOUNT.c.hash == checked.hash)
        row = session.execute(_THERE.where(*still)).first()
        if row is None:
            return None
        if renewed is not None:
            session.execute(update(ACCOUNT).where(*still).values(hash=renewed))
        return begin_session(session, row.name, Role.named(row.role), VIA, now)


def _checked(database: Database, name: str, password: str) -> Row[Any] | None:
    """The row of an account as it was when the password was held against it."""
    with database.reading() as session:
        row = session.execute(_THERE.where(ACCOUNT.c.name == name.strip())).first()
    hash_ = _hash_of_nobody() if row is None else row.hash
    is_theirs = _is_of(hash_, password[: LONGEST_PASSWORD + 1])
    return row if is_theirs else None


def check_name(name: str) -> str:
    """``name`` as the history will have it.  Raises UsageError."""
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise UsageError("no_account_name", most=LONGEST_NAME)
    return name


def check_password(name: str, password: str) -> None:
    """Raises UsageError, never with the password in it, for one that would be guessed."""
    if len(password) < SHORTEST_PASSWORD:
        raise UsageError("password_too_short", least=SHORTEST_PASSWORD)
    if len(password) > LONGEST_PASSWORD:
        raise UsageError("password_too_long", most=LONGEST_PASSWORD)
    if _is_trivial(name.casefold(), password.casefold()):
        raise UsageError("password_guessed")


def _is_trivial(name: str, password: str) -> bool:
    without_digits = password.strip("0123456789!@#.")
    return (
        (bool(name) and without_digits in {name, name * 2, ""})
        or (bool(name) and password.replace(name, "") == "")
        or len(set(password)) < 4
        or any(password in run for run in _RUNS)
        or without_digits in {"password", "passwort", "tracker", "admin", "administrator", "qwerty", "mima"}
    )


def _is_of(hash_: str, password: str) -> bool:
    try:
        return _hasher().verify(hash_, password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _hash_of_nobody() -> str:
    """What a password is held against where there is no such account."""
    return _hasher().hash("nobody has this password")


def _change(session: Session, name: str, **values: Any) -> None:
    name = name.strip()
    where = (ACCOUNT.c.name == name, ACCOUNT.c.disabled_at.is_(None))
    if session.connection().execute(update(ACCOUNT).where(*where).values(**values)).rowcount == 0:
        raise UnknownNameError("no_account", name=name)
    end_sessions_of(session, name)


def _account(row: Row[Any]) -> Account:
    return Account(row.name, Role.named(row.role), row.created_at)
