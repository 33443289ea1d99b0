"""Copies of a whole database: out of a running service into one file, and back into a database of either kind.

A backup is always an SQLite database, whatever it was made from.  Both ways are all or nothing: a file takes its
name when it is whole, and a restore is one transaction.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from errno import EISDIR
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Integer, Table, create_engine, delete, func, insert, select, text
from sqlalchemy.engine import URL, make_url
from sqlmodel import Session

from tracker.errors import DatabaseError
from tracker.store.database import Database, check_schema, is_there, make_private, open_database, read_meta
from tracker.store.short_lived import PASSING
from tracker.store.tables import ASSIGNMENT, EVENT, META, Base

#: So many rows are copied together.
LOT = 2_000

_MAGIC = b"SQLite format 3\0"


#: The fact that tells one ledger from all others (``tracker.service.ledger_sign``).
LEDGER = "ledger"

#: The fact in a backup that says what it is; a database that is at work has none.
FACTS = "backup"


def back_up(database: Database, target: Path, facts: str = "{}") -> int:
    """Write the whole of ``database`` to ``target`` while others go on using it, with ``facts``; its size in bytes.

    Raises DatabaseError where ``target`` is the database itself or a file that is no backup, cannot be written, or is
    not whole when it is read back.
    """
    if not target.name or target.is_dir():
        raise DatabaseError("cannot_write", path=target, error=IsADirectoryError(EISDIR, os.strerror(EISDIR)))
    part = target.with_name(f"{target.name}.part")
    for each in (target, part):
        refuse_itself(database.engine.url, each)
    _refuse_another(target, is_ours=_is_backup)
    _refuse_another(part, is_ours=_may_be_part)
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        if database.engine.dialect.name == "sqlite":
            _copy_file(database, part)
        else:
            _copy_rows_out(database, part)
        with closing(sqlite3.connect(part)) as copy, copy:
            copy.execute("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", (FACTS, facts))
        _verify(part)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(target)
    except (OSError, sqlite3.Error) as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise DatabaseError("cannot_write", path=target, error=error) from None
    return target.stat().st_size


@dataclass(frozen=True)
class Holdings:
    """What tells one state of a ledger from another: its id, how many events it has, and whether anything is asked."""

    ledger: str | None
    events: int
    is_empty: bool

    def is_less_than(self, other: Holdings) -> bool:
        """Whether ``other`` is another ledger's, or has what this has not; events are never forgotten."""
        is_other = None not in (self.ledger, other.ledger) and self.ledger != other.ledger
        return is_other or self.events < other.events or (self.is_empty and not other.is_empty)


def holdings(session: Session) -> Holdings:
    """Those of a database."""
    events = session.execute(select(func.count()).select_from(EVENT)).scalar_one()
    is_empty = session.execute(select(ASSIGNMENT.c.id).limit(1)).first() is None
    return Holdings(read_meta(session, LEDGER), int(events), is_empty)


def holdings_of(path: Path) -> Holdings | None:
    """Those of a backup; None for what is none, or is one of an earlier schema in which they cannot be read."""
    if not path.is_file() or not path.stat().st_size:
        return None
    try:
        with closing(_looked_into(path)) as file:
            found = file.execute("SELECT value FROM meta WHERE name = ?", (LEDGER,)).fetchone()
            (events,) = file.execute("SELECT count(*) FROM event").fetchone()
            is_empty = file.execute("SELECT 1 FROM assignment LIMIT 1").fetchone() is None
    except sqlite3.Error:
        return None
    return Holdings(found and found[0], events, is_empty)


def refuse_itself(address: str | URL, path: Path) -> None:
    """Raises DatabaseError where ``path``, under whatever name, is a file that the database at ``address`` lives in."""
    if not is_there(address):
        return
    own = make_url(address).database
    for ending in ("", "-wal", "-shm", "-journal"):
        living = Path(f"{own}{ending}")
        try:
            is_itself = path.resolve() == living.resolve() or path.samefile(living)
        except (OSError, RuntimeError):
            continue
        if is_itself:
            raise DatabaseError("database_itself", path=path)


def _refuse_another(path: Path, *, is_ours: Callable[[Path], bool]) -> None:
    """Nobody's file is written over: a slip of the finger would cost it for good."""
    try:
        is_free = not path.exists() or path.is_dir() or (path.is_file() and is_ours(path))
    except OSError as error:
        raise DatabaseError("cannot_read", path=path, error=error) from None
    if not is_free:
        raise DatabaseError("not_our_file", path=path)


def _may_be_part(path: Path) -> bool:
    """Whether it is, or was on its way to be, a database; of one that is not whole the head may be missing."""
    with path.open("rb") as file:
        head = file.read(len(_MAGIC))
    return head == _MAGIC or not any(head)


def _is_backup(path: Path) -> bool:
    """Whether it is a backup, or empty; a database at work says in its head (bytes 18 and 19) that a log lies beside it."""
    with path.open("rb") as file:
        head = file.read(20)
    if not head:
        return True
    if not head.startswith(_MAGIC) or head[18:] != b"\x01\x01":
        return False
    try:
        with closing(_looked_into(path)) as found:
            return found.execute("SELECT value FROM meta WHERE name = 'schema'").fetchone() is not None
    except sqlite3.Error:
        return False


def _copy_file(database: Database, part: Path) -> None:
    """SQLite's own online backup: a page at a time, of one moment."""
    raw = database.beside.raw_connection()
    make_private(part)
    try:
        with closing(sqlite3.connect(part)) as copy:
            assert isinstance(raw.driver_connection, sqlite3.Connection)
            raw.driver_connection.backup(copy)
            # One file, without a log beside it.
            copy.execute("PRAGMA journal_mode = DELETE")
    finally:
        raw.close()


def _copy_rows_out(database: Database, part: Path) -> None:
    copy = open_database(f"sqlite:///{part}")
    try:
        with database.reading() as reading, copy.writing() as writing:
            _copy_rows(reading, writing)
    finally:
        copy.close()
    with closing(sqlite3.connect(part)) as file:
        file.execute("PRAGMA journal_mode = DELETE")


def _verify(path: Path) -> None:
    with closing(_looked_into(path)) as file:
        (said,) = file.execute("PRAGMA integrity_check").fetchone()
        found = file.execute("SELECT value FROM meta WHERE name = 'schema'").fetchone()
    if said != "ok" or found is None:
        raise sqlite3.DatabaseError(f"the copy is not whole: {said}")


@contextmanager
def opened(source: Path) -> Iterator[Session]:
    """The backup ``source``, to be read.  Raises DatabaseError where it is none, or of another schema."""
    if not source.is_file():
        raise DatabaseError("no_file", path=source)
    with _left_alone(source) as file, _reading(source, file) as reading:
        yield reading


def put_back(reading: Session, writing: Session) -> str | None:
    """Put all that a backup holds in the place of all that ``writing``'s database holds; what it says of itself.

    Who was signed in then is not signed in again.
    """
    _copy_rows(reading, writing)
    for table in PASSING:
        writing.execute(delete(table))
    facts = read_meta(writing, FACTS)
    writing.execute(delete(META).where(META.c.name == FACTS))
    if writing.get_bind().dialect.name == "postgresql":
        _go_on_counting(writing)
    return facts


def _looked_into(path: Path) -> sqlite3.Connection:
    """``path`` as it lies there: nothing is written to it or beside it, and it may be read-only, with its folder."""
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
    )


@contextmanager
def _left_alone(source: Path) -> Iterator[Path]:
    """A file that says all that ``source`` does: that itself, or, where a log lies beside it, a copy with the log in it."""
    log = Path(f"{source}-wal")
    if not log.is_file() or not log.stat().st_size:
        yield source
        return
    with TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.db"
        shutil.copyfile(source, copy)
        shutil.copyfile(log, f"{copy}-wal")
        with suppress(sqlite3.Error), closing(sqlite3.connect(copy)) as file:
            file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        yield copy


@contextmanager
def _reading(source: Path, file: Path) -> Iterator[Session]:
    """The rows of a backup.  Raises DatabaseError where it is none, or of another schema."""
    try:
        _verify(file)
    except sqlite3.Error as error:
        raise DatabaseError("no_backup", path=source, error=error) from None
    engine = create_engine("sqlite://", creator=lambda: _looked_into(file))
    try:
        with engine.connect() as connection:
            check_schema(connection, str(source))
            with Session(connection) as session:
                yield session
    finally:
        engine.dispose()


def _copy_rows(reading: Session, writing: Session) -> None:
    for table in _tables():
        writing.execute(delete(table))
        rows = reading.execute(select(table).execution_options(yield_per=LOT))
        for part in rows.mappings().partitions():
            writing.execute(insert(table), [dict(row) for row in part])


def _tables() -> Iterator[Table]:
    yield from Base.metadata.sorted_tables


def _go_on_counting(writing: Session) -> None:
    """The next numbers of PostgreSQL's own counters come after those that were copied."""
    for table in _tables():
        column: Any = table.primary_key.columns[0]
        if column.name != "id" or not isinstance(column.type, Integer):
            continue
        last = writing.execute(select(func.max(column))).scalar()
        if last is not None:
            counter = text("SELECT setval(pg_get_serial_sequence(:table, 'id'), :last)")
            writing.execute(counter, {"table": table.name, "last": last})
