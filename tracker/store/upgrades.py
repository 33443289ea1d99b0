"""Brings a database of an earlier version up to this one's tables, in one transaction: all of it, or nothing.

Both databases take changes of tables back with their transaction, so that an upgrade may be killed anywhere.  New
tables and columns only are added, so that a process of the version before goes on beside it.
"""

from __future__ import annotations

from pathlib import Path

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from tracker.errors import DatabaseError
from tracker.store.database import (
    SCHEMA,
    is_there,
    open_without_check,
    read_schema,
    stop_others,
    write_schema,
)

#: The first schema that an upgrade begins with.
FIRST = "2"


def upgrade(url: str) -> tuple[str, str]:
    """Upgrade the database at ``url``; the schema that it had and the one that it has.

    Raises DatabaseError where it is no database of ours, too old, or newer than this version.
    """
    if not is_there(url):
        raise DatabaseError("nothing_to_upgrade")
    database = open_without_check(url)
    try:
        with database.engine.begin() as connection:
            stop_others(connection)
            found = read_schema(connection)
            if found is None:
                raise DatabaseError("nothing_to_upgrade")
            if not found.isdecimal() or not int(FIRST) <= int(found) <= int(SCHEMA):
                raise DatabaseError("cannot_upgrade", found=found, first=FIRST, needed=SCHEMA)
            if found != SCHEMA:
                _run(connection, found)
                write_schema(connection, SCHEMA)
            return found, SCHEMA
    except SQLAlchemyError as error:
        raise DatabaseError("upgrade_failed", error=error) from None
    finally:
        database.close()


def _run(connection: Connection, found: str) -> None:
    """Every revision after the one that the schema ``found`` has.

    Which one a database has stands in our own table, written in the same transaction; Alembic's is not needed.
    """
    scripts = ScriptDirectory(str(Path(__file__).parent / "migrations"))
    after = scripts.walk_revisions(_revision_of(found), "head")
    steps = [script for script in after if script.revision != _revision_of(found)]
    with Operations.context(MigrationContext.configure(connection)):
        for script in reversed(steps):
            script.module.upgrade()


def _revision_of(schema: str) -> str:
    return f"{int(schema):04}"
