"""Looking after the database: backups of a running service, restoring one, upgrading to this version's tables."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tracker.app import App
from tracker.engine.pulse import remembered
from tracker.engine.restored import go_on_from
from tracker.errors import DatabaseError
from tracker.store.backups import back_up, refuse_itself, restore_rows

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
