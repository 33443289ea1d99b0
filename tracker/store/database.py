"""Opens the database and its transactions, for SQLite and PostgreSQL alike.

On SQLite every writing transaction begins with ``BEGIN IMMEDIATE``: two writers then wait for each other,
where the driver's default loses updates without a word.  Reading transactions begin plainly and, with the
write-ahead log, neither wait nor make wait.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, create_engine, delete, event, insert, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import StaticPool
from sqlmodel import Session

from tracker.errors import DatabaseError
from tracker.store.tables import AGENDA, ASSIGNMENT, DEFINITION, EVENT, META, Base, MetaRow

#: Raised with every change of the tables.
SCHEMA = "3"

#: How long a writer waits for another one before it gives up, in seconds.
LOCK_TIMEOUT = 60


class Database:
    """One database; ``writing`` and ``reading`` give sessions that commit, or roll back, by themselves."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._reader = engine.execution_options(tracker_read_only=True)

    @property
    def in_memory(self) -> bool:
        """Whether it lives in this process only, and never makes anybody wait for a disk."""
        return isinstance(self.engine.pool, StaticPool)

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction that may write: all of it, or nothing."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A consistent look."""
        with Session(self._reader, expire_on_commit=False) as session:
            yield session

    def close(self) -> None:
        """Let go of every connection."""
        self.engine.dispose()


def is_there(url: str) -> bool:
    """Whether there may be a database at ``url``: a file that nobody has made yet is none."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        return False
    if parsed.get_backend_name() != "sqlite":
        return True
    return parsed.database not in {None, "", ":memory:"} and Path(str(parsed.database)).exists()


def open_database(url: str) -> Database:
    """Open ``url``, making the tables if it is new.

    ``sqlite:///var/tracker.db``, ``postgresql+psycopg://…``, or ``sqlite://`` for one in memory.
    Raises DatabaseError with a sentence for the operator; never with a password in it.
    """
    try:
        parsed = make_url(url)
        engine = (
            _sqlite(url) if parsed.get_backend_name() == "sqlite" else create_engine(url, pool_pre_ping=True)
        )
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError, ValueError) as error:
        raise DatabaseError(
            f"the database address cannot be used ({error}); expected sqlite:///FILE or postgresql+psycopg://…"
        ) from None
    shown = parsed.render_as_string(hide_password=True)
    try:
        Base.metadata.create_all(engine)
        _check_schema(engine, shown)
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        raise DatabaseError(f"the database {shown} cannot be opened: {str(cause).splitlines()[0]}") from None
    return Database(engine)


#: So many rows are copied together.
LOT = 5_000


def copy_ledger(source: Database, target: Database) -> None:
    """Everything but the outbox from one database into an empty one, of whichever kind."""
    with source.reading() as reading, target.writing() as writing:
        for table in (META, DEFINITION, AGENDA, ASSIGNMENT, EVENT):
            if table is META:
                writing.execute(delete(META))
            rows = reading.execute(select(table).execution_options(yield_per=LOT))
            for part in rows.mappings().partitions():
                writing.execute(insert(table), [dict(row) for row in part])


def _check_schema(engine: Engine, shown: str) -> None:
    with Session(engine) as session, session.begin():
        found = session.get(MetaRow, "schema")
        if found is None:
            session.add(MetaRow(name="schema", value=SCHEMA))
        elif found.value != SCHEMA:
            raise DatabaseError(
                f"the database {shown} has schema {found.value}, this version of the service needs {SCHEMA}: "
                "run tracker upgrade, or the version of the service that made it"
            )


def _sqlite(url: str) -> Engine:
    parsed = make_url(url)
    in_memory = parsed.database in (None, "", ":memory:")
    if not in_memory:
        path = Path(str(parsed.database))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DatabaseError(f"the folder {path.parent} cannot be made: {error.strerror}") from None
    engine = create_engine(
        url,
        connect_args={"check_same_thread": False, "timeout": LOCK_TIMEOUT},
        **({"poolclass": StaticPool} if in_memory else {}),
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        # The driver's own transactions begin too late; ours begin in _begin.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute(f"PRAGMA busy_timeout = {LOCK_TIMEOUT * 1000}")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA temp_store = MEMORY")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        read_only = connection.get_execution_options().get("tracker_read_only")
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


_READ_META = select(META.c.value).where(META.c.name == bindparam("name"))


def read_meta(session: Session, name: str) -> str | None:
    """A single fact, or None."""
    return session.execute(_READ_META, {"name": name}).scalar()


def write_meta(session: Session, name: str, value: str) -> None:
    """Set a single fact."""
    session.merge(MetaRow(name=name, value=value))
