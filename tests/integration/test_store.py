"""The database: times with a zone, writers that wait for each other, and sentences for the operator."""

import sqlite3
import threading
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError, StatementError

from tests import postgres
from tests.tools import quick_folder, wait_until
from tracker.errors import DatabaseError
from tracker.store.database import SCHEMA, open_database, read_meta, write_meta
from tracker.store.tables import EVENT, MAIL

CHONGQING = timezone(timedelta(hours=8))


@pytest.fixture
def folder():
    with quick_folder() as empty:
        yield empty


@pytest.fixture
def database(folder):
    opened = open_database(f"sqlite:///{folder}/tracker.db")
    yield opened
    opened.close()


@pytest.fixture(params=["sqlite", "postgres"])
def either(request, folder):
    """A database of each kind."""
    url = f"sqlite:///{folder}/tracker.db" if request.param == "sqlite" else postgres.fresh()
    opened = open_database(url)
    yield opened
    opened.close()
    if request.param == "postgres":
        postgres.drop(url)


def event(moment, **more):
    return {
        "assignment_id": 1,
        "ref": "5",
        "unit": "wanzhou",
        "at": moment,
        "recorded_at": moment,
        "event": "submit",
        **more,
    }


def mail(key):
    moment = datetime(2022, 5, 5, 1, tzinfo=UTC)
    return {
        "key": key,
        "message_id": key,
        "kind": "alert",
        "recipient": "a@unit.example",
        "name": "a",
        "language": "zh",
        "timezone": "Asia/Shanghai",
        "lost": 0,
        "at": moment,
        "not_before": moment,
        "day": date(2022, 5, 5),
        "content": "[]",
        "details": "{}",
        "seen_event": 0,
        "state": "queued",
        "attempts": 0,
        "fence": 0,
    }


def at_once(count, work):
    """``work`` in so many threads that start together; what went wrong in them."""
    barrier = threading.Barrier(count)
    troubles: list[BaseException] = []

    def one():
        barrier.wait()
        work()

    threads = [threading.Thread(target=one) for _ in range(count)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading, "excepthook", lambda told: troubles.append(told.exc_value))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return troubles


# Times.


@pytest.mark.parametrize("column", ["at", "recorded_at"])
def test_a_time_without_a_zone_is_refused(either, column):
    values = event(datetime(2022, 5, 5, 9, tzinfo=CHONGQING))
    values[column] = datetime(2022, 5, 5, 9)
    with (
        pytest.raises(StatementError, match="a time without a zone was to be stored"),
        either.writing() as session,
    ):
        session.execute(insert(EVENT).values(**values))
    with either.reading() as session:
        assert session.execute(select(EVENT)).all() == []


def test_a_time_comes_back_as_the_same_instant_in_utc(either):
    moment = datetime(2022, 5, 5, 9, 30, 15, 250000, tzinfo=CHONGQING)
    with either.writing() as session:
        session.execute(insert(EVENT).values(**event(moment)))
    with either.reading() as session:
        found = session.execute(select(EVENT.c.at)).scalar_one()
        assert found == moment
        assert found.tzinfo is UTC
        # Instants compare in the database too, whatever zone they were given in.
        later = datetime(2022, 5, 5, 2, 0, tzinfo=UTC)
        assert session.execute(select(EVENT.c.id).where(EVENT.c.at < later)).all() == [(1,)]
        assert session.execute(select(EVENT.c.id).where(EVENT.c.at > later)).all() == []


def test_a_time_that_is_not_known_is_none(either):
    with either.writing() as session:
        session.execute(insert(MAIL).values(**mail("one")))
    with either.reading() as session:
        assert session.execute(select(MAIL.c.sent_at, MAIL.c.lease_until)).one() == (None, None)


# Writers and readers.


def test_six_hundred_updates_at_once_are_all_counted(either):
    with either.writing() as session:
        write_meta(session, "count", "0")

    def work():
        for _ in range(100):
            with either.writing() as session:
                write_meta(session, "count", str(int(read_meta(session, "count") or 0) + 1))

    assert at_once(6, work) == []
    with either.reading() as session:
        assert read_meta(session, "count") == "600"


def test_a_reader_neither_waits_for_a_writer_nor_sees_half_of_what_it_does(either):
    with either.writing() as session:
        write_meta(session, "what", "old")
    with either.writing() as writer:
        write_meta(writer, "what", "new")
        writer.flush()
        with either.reading() as reader:
            assert read_meta(reader, "what") == "old"
    with either.reading() as reader:
        assert read_meta(reader, "what") == "new"


def test_a_reader_does_not_wait_for_those_who_wait_to_write(either):
    """More of them than there are connections to write with."""

    def write():
        with either.writing() as session:
            write_meta(session, "what", "later")

    writers = [threading.Thread(target=write, daemon=True) for _ in range(20)]
    found = []

    def read():
        with either.reading() as session:
            found.append(read_meta(session, "what"))

    reader = threading.Thread(target=read, daemon=True)
    with either.writing() as first:
        write_meta(first, "what", "now")
        for each in writers:
            each.start()
        pool = either.engine.pool
        wait_until(lambda: pool.checkedout() == pool.size() + 10, 30)
        reader.start()
        # Of those who write, the sixteenth is told after half a minute that there is no connection.
        reader.join(20)
        assert found == [None]
    for each in writers:
        each.join()


def test_what_may_be_left_undone_waits_for_nobody(database):
    with database.writing() as session:
        write_meta(session, "what", "now")
        with pytest.raises(DatabaseError, match="locked"), database.writing_if_free() as passer_by:
            write_meta(passer_by, "what", "at once")
    with database.writing_if_free() as session:
        write_meta(session, "what", "then")
    with database.reading() as session:
        assert read_meta(session, "what") == "then"
        assert session.execute(text("PRAGMA busy_timeout")).scalar() == 60_000


def test_a_reader_sees_one_moment_however_long_it_looks(either):
    with either.writing() as session:
        write_meta(session, "what", "old")
    with either.reading() as reader:
        assert read_meta(reader, "what") == "old"
        with either.writing() as writer:
            write_meta(writer, "what", "new")
        assert read_meta(reader, "what") == "old"


def test_a_transaction_is_all_or_nothing(either):
    def write_twice():
        with either.writing() as session:
            write_meta(session, "what", "half")
            session.execute(insert(MAIL).values(**mail("one")))
            session.execute(insert(MAIL).values(**mail("one")))

    with pytest.raises(IntegrityError):
        write_twice()
    with either.reading() as session:
        assert read_meta(session, "what") is None
        assert session.execute(select(MAIL.c.id)).all() == []


def test_the_database_is_durable_and_ready_for_readers_beside_a_writer(database):
    with database.reading() as session:
        assert session.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert session.execute(text("PRAGMA synchronous")).scalar() == 2
        assert session.execute(text("PRAGMA foreign_keys")).scalar() == 1
        assert int(session.execute(text("PRAGMA busy_timeout")).scalar() or 0) >= 30000


def test_what_waits_in_the_outbox_is_found_through_its_index(database):
    query = (
        "SELECT id FROM mail WHERE state IN ('queued', 'deferred', 'uncertain', 'claimed') "
        "AND not_before <= '2022-05-05' ORDER BY not_before, id LIMIT 200"
    )
    with database.reading() as session:
        (plan,) = session.execute(text(f"EXPLAIN QUERY PLAN {query}")).all()
    assert "ix_mail_not_before" in plan[-1]
    assert "SCAN mail" not in plan[-1] or "USING" in plan[-1]


# Opening.


def test_a_new_database_is_made_with_its_folder_and_knows_its_schema(folder):
    path = folder / "some" / "where" / "tracker.db"
    open_database(f"sqlite:///{path}").close()
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT value FROM meta WHERE name = 'schema'").fetchall() == [(SCHEMA,)]
    again = open_database(f"sqlite:///{path}")
    with again.reading() as session:
        assert read_meta(session, "schema") == SCHEMA
    again.close()


def test_many_may_open_a_new_database_at_the_same_time(folder):
    assert at_once(8, lambda: open_database(f"sqlite:///{folder}/tracker.db").close()) == []


def test_a_database_of_another_schema_is_refused_with_what_to_do(folder, database):
    with database.writing() as session:
        write_meta(session, "schema", "0")
    with pytest.raises(DatabaseError) as refused:
        open_database(f"sqlite:///{folder}/tracker.db")
    assert f"has schema 0, this version of the service needs {SCHEMA}: run tracker upgrade" in str(
        refused.value
    )
    with database.reading() as session:
        assert read_meta(session, "schema") == "0"


def test_a_database_in_memory_is_one_for_all_threads_of_the_process():
    database = open_database("sqlite://")
    assert database.in_memory
    with database.writing() as session:
        write_meta(session, "what", "here")
    found = []

    def look():
        with database.reading() as session:
            found.append(read_meta(session, "what"))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert found == ["here"]
    other = open_database("sqlite://")
    with other.reading() as session:
        assert read_meta(session, "what") is None, "each is its own"
    other.close()
    database.close()


def test_a_database_in_a_file_is_none_in_memory(database):
    assert not database.in_memory


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("nonsense", "the database address cannot be used"),
        ("mysql://me:hush@localhost/x", "expected sqlite:///FILE or postgresql"),
        ("sqlite:////proc/tracker.db", "unable to open database file"),
        ("sqlite:////dev/null/x/tracker.db", "the folder /dev/null/x cannot be made"),
    ],
)
def test_a_database_that_cannot_be_opened_is_told_in_a_sentence_without_a_password(url, sentence):
    with pytest.raises(DatabaseError) as refused:
        open_database(url)
    assert sentence in str(refused.value)
    assert "hush" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_no_database_is_left_as_it_is(folder):
    path = folder / "letter.txt"
    path.write_bytes("尊敬的各位同事：".encode() * 400)
    with pytest.raises(DatabaseError, match="file is not a database"):
        open_database(f"sqlite:///{path}")
    assert path.read_bytes() == "尊敬的各位同事：".encode() * 400
