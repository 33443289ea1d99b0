"""Looking after the database: backups of a running service, restoring one, upgrading to this version's tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlmodel import Session

from tracker.app import App
from tracker.engine.forgetting import Forgotten, Person, forget_before, forget_person
from tracker.engine.pulse import remembered
from tracker.engine.restored import go_on_from
from tracker.errors import DatabaseError, UsageError
from tracker.store.backups import back_up, refuse_itself, restore_rows
from tracker.store.database import wipe
from tracker.store.tables import ACCOUNT

#: A service that made a pass so lately is at work.
AT_WORK = timedelta(minutes=2)


def backup(app: App, target: Path) -> int:
    """Write the whole database to ``target``; its size in bytes."""
    return back_up(app.database, target)


def restore(app: App, source: Path, *, forced: bool = False) -> tuple[int, int]:
    """Put a backup in the place of the database; how many rows, and how many waiting mails were let go.

    Nothing that went out after the backup was made is sent again: everything up to today counts as said.  Raises
    DatabaseError where it is the database itself, or, unless ``forced``, a service is at work on it.
    """
    refuse_itself(app.database, source)
    now = app.clock.now()
    with app.database.reading() as session:
        beat = remembered(session)
    if beat is not None and timedelta(0) <= now - beat.at < AT_WORK and not forced:
        raise DatabaseError(
            "a service was at work on this database at {time} UTC: stop it first, or add --force",
            "at_work",
            time=f"{beat.at:%H:%M:%S}",
        )
    # A lost ledger is what most backups are put back for.
    app.begins = True
    with app.database.writing() as session:
        rows = restore_rows(source, session)
        let_go = go_on_from(session, app.force, now)
    app.sign.write()
    return rows, let_go


class _OnlyShownError(Exception):
    """Ends a transaction that was to show what it would do."""


def prune_before(app: App, day: date, *, dry_run: bool = False) -> Forgotten:
    """Forget what mails before ``day`` said, uploads that are not in force, and sign-ins; never events."""
    now = app.clock.now()
    return _forget(app, lambda session: forget_before(session, app.force, day, now), dry_run=dry_run)


def prune_person(app: App, texts: Sequence[str], *, dry_run: bool = False) -> Forgotten:
    """Put a pseudonym in the place of whom ``texts`` name.

    Raises UsageError for a text that is too short to be told from others, or that stands in the files in force.
    """
    for text in texts:
        _refuse_short(text)
        _refuse_in_files(app.config, text)

    def forget(session: Session) -> Forgotten:
        person = Person(texts)
        enabled = select(ACCOUNT.c.name).where(ACCOUNT.c.disabled_at.is_(None))
        for name in session.execute(enabled).scalars():
            if person.stands_in(name):
                raise UsageError(
                    "the account {name} may still sign in: take it away first (tracker user remove {name})",
                    "person_signs_in",
                    name=name,
                )
        return forget_person(session, app.force, person)

    return _forget(app, forget, dry_run=dry_run)


def _forget(app: App, work: Callable[[Session], Forgotten], *, dry_run: bool) -> Forgotten:
    found = Forgotten()
    with suppress(_OnlyShownError), app.database.writing() as session:
        found = work(session)
        if dry_run:
            raise _OnlyShownError
    if not dry_run:
        wipe(app.database)
    return found


def _refuse_short(text: str) -> None:
    signs = [sign for sign in text if sign.isalnum()]
    if len(signs) < (5 if all(sign.isdecimal() for sign in signs) else 2):
        raise UsageError(
            "--person {text}: expected two letters at least, of a phone number five digits",
            "person_too_short",
            text=text,
        )


def _refuse_in_files(config: Path, text: str) -> None:
    person = Person([text])
    for file in sorted(config.rglob("*.yaml")):
        for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if person.stands_in(line):
                raise UsageError(
                    "{file}:{line}: “{text}” still stands in the files: take it out first",
                    "person_in_files",
                    file=file,
                    line=number,
                    text=text,
                )
