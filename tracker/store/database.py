"""Opens the database and its transactions, for SQLite and PostgreSQL alike.

Whoever writes to the ledger is alone in it, so that what it reads stands until it commits.  On SQLite such a
transaction begins with ``BEGIN IMMEDIATE``, where the driver's default loses updates without a word; on PostgreSQL
it begins with a lock that everybody takes.  Sending is beside that: on PostgreSQL several processes take mails from
the outbox at once, each other ones.  Reading transactions see one moment, and neither wait nor make wait: they have
connections of their own, however many writers wait for their turn.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path
from time import monotonic
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Table,
    bindparam,
    create_engine,
    delete,
    event,
    func,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DisconnectionError,
    InterfaceError,
    InternalError,
    NoSuchModuleError,
    OperationalError,
    ProgrammingError,
    SQLAlchemyError,
)
from sqlalchemy.exc import DatabaseError as GeneralError
from sqlalchemy.exc import TimeoutError as NoConnectionError
from sqlalchemy.pool import ConnectionPoolEntry, StaticPool
from sqlalchemy.schema import CreateIndex, CreateTable, ExecutableDDLElement
from sqlmodel import Session

from tracker.errors import DatabaseError
from tracker.i18n.message import Message
from tracker.store import questions as _questions  # noqa: F401
from tracker.store import short_lived as _passing  # noqa: F401 - its tables belong to the metadata
from tracker.store.beats import BEAT
from tracker.store.tables import (
    AGENDA,
    ASSIGNMENT,
    CAMPAIGN,
    DEFINITION,
    EVENT,
    META,
    REQUEST,
    REVISION,
    Base,
)

log = logging.getLogger("tracker")

#: Raised with every change of the tables.
SCHEMA = "12"

#: How long a writer waits for another one before it gives up, in seconds.
LOCK_TIMEOUT = 60

#: The locks of whoever writes to the ledger, and of whoever makes the tables (who need not wait for the others);
#: any two numbers that are always the same.
LEDGER, TABLES = 0x7472_6163, 0x7472_6164
_ALONE = select(func.pg_advisory_xact_lock(LEDGER))
#: What a session remembers of having it.
_IN_TURN = "in turn"
_ALONE_WITH_TABLES = select(func.pg_advisory_xact_lock(TABLES))

#: How a connection to PostgreSQL notices that nobody is there any more.  A process that freezes in the middle of a
#: transaction is cut off, so that the others need not wait for it.
_POSTGRES = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
    "application_name": "tracker",
    "options": (
        f"-c lock_timeout={LOCK_TIMEOUT}s -c idle_in_transaction_session_timeout={LOCK_TIMEOUT}s -c timezone=UTC"
    ),
}

#: What a database says that is away, full, locked or being restarted: the same may do well a little later.
_PASSING = (OperationalError, InterfaceError, InternalError, NoConnectionError)

#: Readers are never many for long, but may come as fast as pages have threads.
_READERS = {"pool_size": 5, "max_overflow": 40}

#: How a transaction on SQLite begins that would rather not than wait.
_AT_ONCE = "BEGIN IMMEDIATE at once"
_WAIT, _DO_NOT_WAIT = f"PRAGMA busy_timeout = {LOCK_TIMEOUT * 1000}", "PRAGMA busy_timeout = 0"


#: How often the log says that nothing can be written, in seconds.
TOLD_EVERY = 60.0

#: The code of what is said then.
AWAY = "database_away"


class Database:
    """One database; ``writing`` and ``reading`` give sessions that commit, or roll back, by themselves."""

    def __init__(self, engine: Engine, beside: Engine | None = None) -> None:
        self.engine = engine
        #: For readers, whose connections no waiting writer has; a database in memory has one only.
        self.beside = beside or engine
        is_shared = engine.dialect.name == "postgresql"
        one_moment = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        self._reader = self.beside.execution_options(
            tracker_begins="BEGIN", **one_moment if is_shared else {}
        )
        self._passer_by = self.beside.execution_options(tracker_begins=_AT_ONCE)
        #: Asked before anything is written; it raises where nothing may be.
        self.before_writing: Callable[[], None] | None = None
        #: Why the database last took nothing that was to be written; None where it did.
        self.refusal: str | None = None
        self._told_at, self._untold = 0.0, 0

    @property
    def in_memory(self) -> bool:
        """Whether it lives in this process only, and never makes anybody wait for a disk."""
        return isinstance(self.engine.pool, StaticPool)

    @contextmanager
    def writing(self, *, alone: bool = True) -> Iterator[Session]:
        """A transaction that may write: all of it, or nothing.

        Without ``alone``, PostgreSQL lets others write at the same time: for the outbox, where every row is locked
        by whoever takes it.  Raises DatabaseError where the database is away or does not do it now; if that comes
        at the very end, it may have been done all the same.
        """
        if self.before_writing is not None:
            self.before_writing()
        with (
            self._watched(),
            self._in_a_sentence(),
            Session(self.engine, expire_on_commit=False) as session,
            session.begin(),
        ):
            if alone:
                in_turn(session)
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A consistent look.  Raises DatabaseError where the database is away."""
        with self._in_a_sentence(), Session(self._reader, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def writing_if_free(self) -> Iterator[Session]:
        """A transaction for what may be left undone.  Raises DatabaseError at once where SQLite is being written to."""
        with self._in_a_sentence(), Session(self._passer_by) as session, session.begin():
            yield session

    def has_tables(self) -> bool:
        """Whether there are tables of ours.  Raises DatabaseError where the database is away."""
        with self._in_a_sentence(), self.beside.connect() as connection:
            return inspect(connection).has_table(META.name)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Remember why nothing can be written, for whoever looks after the service; say so once a minute."""
        try:
            yield
        except DatabaseError as error:
            if error.code == AWAY:
                self._tell(str(error.facts["cause"]))
            raise
        self.refusal = None

    def _tell(self, cause: str) -> None:
        is_new, now = cause != self.refusal, monotonic()
        self.refusal = cause
        self._untold += 1
        if is_new or now - self._told_at >= TOLD_EVERY:
            log.warning("%s", Message("service.takes_nothing", cause=cause, n=self._untold))
            self._told_at, self._untold = now, 0

    @contextmanager
    def _in_a_sentence(self) -> Iterator[None]:
        try:
            yield
        except (OperationalError, ProgrammingError) as error:
            if _is_there_no_table(error):
                raise DatabaseError("no_ledger", address=shown(self.engine.url)) from error
            if not _is_away(error):
                raise
            raise _refused(self.engine.url, error) from error
        except SQLAlchemyError as error:
            if not _is_away(error):
                raise
            raise _refused(self.engine.url, error) from error

    def close(self) -> None:
        """Let go of every connection."""
        self.engine.dispose()
        self.beside.dispose()


def wipe(database: Database) -> None:
    """Let nothing that was deleted or changed stay in the file of SQLite; while others use it, as far as they let us."""
    if database.engine.dialect.name != "sqlite":
        return
    raw = database.engine.raw_connection()
    try:
        for statement in ("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
            with suppress(sqlite3.OperationalError), closing(raw.cursor()) as cursor:
                cursor.execute(statement)
    finally:
        raw.close()


def is_there(url: str | URL) -> bool:
    """Whether there may be a database at ``url``: a file that nobody has made yet, or an empty one, is none."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        return False
    if parsed.get_backend_name() != "sqlite":
        return True
    if parsed.database in {None, "", ":memory:"}:
        return False
    try:
        return Path(str(parsed.database)).stat().st_size > 0
    except OSError:
        return False


def shown(url: str | URL) -> str:
    """``url`` as people may see it: no password, and nothing after the name, where one may stand as well."""
    try:
        return make_url(url).set(query={}).render_as_string(hide_password=True)
    except ArgumentError:
        return "…"


def open_without_check(url: str) -> Database:
    """Open ``url`` whatever tables there are, and make nothing.  Raises DatabaseError for an address that is none."""
    with _looking_at_address():
        parsed = make_url(url)
        make = _sqlite if parsed.get_backend_name() == "sqlite" else _postgres
        engine = make(parsed)
        beside = None if isinstance(engine.pool, StaticPool) else make(parsed, **_READERS)
    return Database(engine, beside)


def refuse_no_driver(url: str) -> None:
    """Raises DatabaseError for an address that is none, or of a database whose library is missing; opens nothing."""
    with _looking_at_address():
        make_url(url).get_dialect().import_dbapi()


@contextmanager
def _looking_at_address() -> Iterator[None]:
    try:
        yield
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError, ValueError) as error:
        raise DatabaseError("no_database_address", error=error) from None


def open_database(url: str) -> Database:
    """Open ``url``, making the tables if it is new.

    ``sqlite:///var/tracker.db``, ``postgresql+psycopg://…``, or ``sqlite://`` for one in memory.
    Raises DatabaseError with a sentence for the operator; never with a password in it.
    """
    database = open_without_check(url)
    make_tables(database)
    return database


def make_tables(database: Database) -> None:
    """Let ``database`` be ready for use, which is new, or has this version's tables; it is closed where it is neither.

    Raises DatabaseError as ``open_database``.
    """
    engine, address = database.engine, shown(database.engine.url)
    try:
        _make_file(database)
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                # Several processes may start on an empty database at once.
                connection.execute(_ALONE_WITH_TABLES)
            if not inspect(connection).has_table(META.name):
                for statement in _that_make_tables(engine.dialect.name):
                    connection.exec_driver_sql(statement)
            _note_schema(connection)
            check_schema(connection, address)
        _watch_file(database)
    except SQLAlchemyError as error:
        database.close()
        raise DatabaseError("cannot_open_database", address=address, cause=_cause(error)) from None


@cache
def _that_make_tables(dialect: str) -> tuple[str, ...]:
    """The statements; to word them takes ten times as long as to execute them."""
    spoken = {"sqlite": sqlite, "postgresql": postgresql}[dialect].dialect()
    elements: list[ExecutableDDLElement] = []
    for table in Base.metadata.sorted_tables:
        indexes = sorted(table.indexes, key=lambda index: str(index.name))
        elements += (CreateTable(table), *map(CreateIndex, indexes))
    return tuple(str(element.compile(dialect=spoken)) for element in elements)


def in_turn(session: Session) -> None:
    """Nobody else writes to the ledger until this transaction ends.

    On PostgreSQL that takes a lock, once for each transaction; on SQLite one that writes began so.
    """
    if session.get_bind().dialect.name == "postgresql" and not session.info.get(_IN_TURN):
        session.execute(_ALONE)
        session.info[_IN_TURN] = True


def stop_others(connection: Connection) -> None:
    """Let nobody else change anything, tables or ledger, until this transaction ends; on SQLite it began so."""
    if connection.dialect.name == "postgresql":
        connection.execute(_ALONE_WITH_TABLES)
        connection.execute(_ALONE)


def read_schema(connection: Connection) -> str | None:
    """The number of the tables; None where there are none of ours."""
    if not inspect(connection).has_table(META.name):
        return None
    found: str | None = connection.execute(_READ_META, {"name": "schema"}).scalar()
    return found


def write_schema(connection: Connection, schema: str) -> None:
    """Say which tables there are."""
    connection.execute(update(META).where(META.c.name == "schema").values(value=schema))


def _is_there_no_table(error: SQLAlchemyError) -> bool:
    """Whether a table of ours is missing, in the words of SQLite or by the code of PostgreSQL."""
    said: Any = getattr(error, "orig", None)
    return str(said).startswith("no such table: ") or getattr(said, "sqlstate", None) == "42P01"


def _is_away(error: SQLAlchemyError) -> bool:
    """Whether it is the database's own trouble; of SQLite's the gravest, a file that is none, has no class of its own."""
    return isinstance(error, _PASSING) or type(error) is GeneralError


def _refused(url: URL, error: SQLAlchemyError) -> DatabaseError:
    return DatabaseError("database_away", address=shown(url), cause=_cause(error))


def _cause(error: SQLAlchemyError) -> str:
    """What the database said, on one line."""
    lines = str(getattr(error, "orig", None) or error).split("\n")
    return "; ".join(line.strip() for line in lines[:2] if line.strip())


#: So many rows are copied together.
LOT = 5_000


_LEDGER = (META, CAMPAIGN, DEFINITION, AGENDA, ASSIGNMENT, BEAT, EVENT, REQUEST, REVISION)


def copy_ledger(source: Database, target: Database) -> None:
    """Everything but the outbox from one database into an empty one, of whichever kind."""
    with source.reading() as reading:
        copy_rows(reading, target, {})


def copy_rows(reading: Session, target: Database, only: Mapping[Table, ColumnElement[bool]]) -> None:
    """The same as ``reading`` sees it; of a table in ``only`` those of its rows, of the outbox too."""
    with target.writing() as writing:
        for table in dict.fromkeys((*_LEDGER, *only)):
            if table is META:
                writing.execute(delete(META))
            wanted = select(table).where(only[table]) if table in only else select(table)
            rows = reading.execute(wanted.execution_options(yield_per=LOT))
            for part in rows.mappings().partitions():
                writing.execute(insert(table), [dict(row) for row in part])


def _note_schema(connection: Connection) -> None:
    if connection.execute(_READ_META, {"name": "schema"}).scalar() is None:
        connection.execute(insert(META).values(name="schema", value=SCHEMA))


def check_schema(connection: Connection, address: str) -> None:
    """Raises DatabaseError where the tables are another version's."""
    found = connection.execute(_READ_META, {"name": "schema"}).scalar()
    if found != SCHEMA:
        raise DatabaseError("other_schema", address=address, found=found, needed=SCHEMA)


def make_private(path: Path) -> None:
    """An empty file at ``path``, where none is, that nobody but its owner may read: people's names go into it.

    SQLite gives what it writes beside it the same mode.  One that is there keeps the mode that it has; where none can
    be made, SQLite says so.
    """
    with suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _postgres(url: URL, **pool: Any) -> Engine:
    given = {name for name in _POSTGRES if name in url.query}
    arguments = {name: value for name, value in _POSTGRES.items() if name not in given}
    engine = create_engine(url, pool_pre_ping=True, connect_args=arguments, **pool)

    def refuse_other_texts(connection: Any, _record: ConnectionPoolEntry) -> None:
        encoding = connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise DatabaseError("not_in_utf8", address=shown(url), encoding=encoding)

    # Before SQLAlchemy asks for the version, which would come as bytes.
    event.listen(engine, "connect", refuse_other_texts, insert=True)
    return engine


def _sqlite(url: URL, **pool: Any) -> Engine:
    in_memory = url.database in (None, "", ":memory:")
    engine = create_engine(
        url,
        connect_args={"check_same_thread": False, "timeout": LOCK_TIMEOUT},
        **({"poolclass": StaticPool} if in_memory else pool),
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        # The driver's own transactions begin too late; ours begin in _begin.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute(_WAIT)
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA temp_store = MEMORY")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        begins = connection.get_execution_options().get("tracker_begins", "BEGIN IMMEDIATE")
        if begins != _AT_ONCE:
            connection.exec_driver_sql(begins)
            return
        connection.exec_driver_sql(_DO_NOT_WAIT)
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        finally:
            connection.exec_driver_sql(_WAIT)

    return engine


def _make_file(database: Database) -> None:
    if database.in_memory or database.engine.dialect.name != "sqlite":
        return
    path = Path(str(database.engine.url.database))
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        make_private(path)
    except OSError as error:
        raise DatabaseError("cannot_make_folder", path=path.parent, error=error) from None


def _watch_file(database: Database) -> None:
    """From now on no connection works on in a file of SQLite that has been moved, deleted or mounted over.

    Such a connection would go on without a word, and what it writes would be gone with it.  One to what is at the
    address now takes its place; where nothing is there, none is made.
    """
    path = Path(database.engine.url.database or "")
    if database.engine.dialect.name != "sqlite" or database.in_memory:
        return

    # Of the connections so far nobody has noted which file they are to.
    database.close()

    def stamp() -> tuple[int, int]:
        try:
            state = path.stat()
        except OSError as error:
            raise DatabaseError("database_gone", path=path) from error
        return state.st_dev, state.st_ino

    def connecting(*_: object) -> None:
        stamp()

    def connected(_connection: object, record: ConnectionPoolEntry) -> None:
        record.info["file"] = stamp()

    def taken(_connection: object, record: ConnectionPoolEntry, _proxy: object) -> None:
        if record.info.setdefault("file", now := stamp()) != now:
            raise DisconnectionError

    for engine in {database.engine, database.beside}:
        event.listen(engine, "do_connect", connecting)
        event.listen(engine, "connect", connected)
        event.listen(engine, "checkout", taken)


_READ_META = select(META.c.value).where(META.c.name == bindparam("name"))

_LOCK_META = _READ_META.with_for_update()
_HOLD_META = _READ_META.with_for_update(read=True)

# A fact a day is set by every pass: by the session's own way it would be read first and compared.
_CHANGE_META = update(META).where(META.c.name == bindparam("of")).values(value=bindparam("new"))
_ADD_META = insert(META).values(name=bindparam("of"), value=bindparam("new"))


def read_meta(session: Session, name: str, *, hold: bool = False) -> str | None:
    """A single fact, or None; with ``hold`` nobody changes it until this transaction ends, and others may hold it too."""
    return session.execute(_HOLD_META if hold else _READ_META, {"name": name}).scalar()


def locked_meta(session: Session, name: str, *, make: str | None = None) -> str | None:
    """A single fact that nobody else changes until this transaction ends; None where there is none.

    With ``make`` there is one, whatever others do at the same moment: this is its value where it was not there.
    """
    found: str | None = session.execute(_LOCK_META, {"name": name}).scalar()
    if found is None and make is not None:
        dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
        session.execute(dialect.insert(META).values(name=name, value=make).on_conflict_do_nothing())
        return session.execute(_LOCK_META, {"name": name}).scalar()
    return found


def write_meta(session: Session, name: str, value: str) -> None:
    """Set a single fact."""
    given = {"of": name, "new": value}
    if session.connection().execute(_CHANGE_META, given).rowcount == 0:
        session.connection().execute(_ADD_META, given)
