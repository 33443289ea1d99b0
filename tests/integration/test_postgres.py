"""What PostgreSQL does that SQLite does not: many at once, connections that go, plans that use the indexes."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from sqlalchemy import event, insert, select, text, update
from sqlalchemy.engine import make_url

from tests import postgres
from tests.integration.test_store import at_once, mail
from tests.world import at, definition, running, world
from tracker.core.model import Contact, Mail, MailKind
from tracker.core.policy import Settings
from tracker.errors import DatabaseError
from tracker.mail.transport.replies import RefusalScope
from tracker.outbox import queue
from tracker.outbox.queries import retry
from tracker.outbox.queue import LEASE, Claimed
from tracker.outbox.results import Result, record_results
from tracker.planning import daily_digests as day_
from tracker.planning import single_reminders
from tracker.planning.claim import claim
from tracker.planning.plan import plan
from tracker.planning.superseded import supersede
from tracker.service.engine import Engine
from tracker.store.database import SCHEMA, open_database, read_meta
from tracker.store.tables import AGENDA, ASSIGNMENT, MAIL, MailState

BOTH = ("wanzhou", "fuling")
TABLE = definition("table-2", "2022年5月起，每月5日前", BOTH)
OPERATOR = Settings(operator=Contact("管理员", "operator@unit.example"))
#: The operator is whom the mails of ``mail`` are for.
FORCE = world(TABLE, settings=Settings(operator=Contact("a", "a@unit.example")))


@pytest.fixture
def url():
    made = postgres.fresh()
    yield made
    postgres.drop(made)


@pytest.fixture
def database(url):
    opened = open_database(url)
    yield opened
    opened.close()


# Opening.


def test_many_may_open_an_empty_database_at_the_same_time():
    empty = postgres.empty()
    try:
        assert at_once(8, lambda: open_database(empty).close()) == []
        assert postgres.run(empty, "SELECT value FROM meta WHERE name = 'schema'") == [(SCHEMA,)]
    finally:
        postgres.drop(empty)


def test_a_server_that_is_away_is_told_in_a_sentence_without_the_password():
    with pytest.raises(DatabaseError, match=r"cannot be opened: .*refused") as told:
        open_database("postgresql+psycopg://tracker:hush@127.0.0.1:1/tracker")
    assert "hush" not in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_of_other_texts_is_refused_in_a_sentence(url, encoding):
    other = make_url(url).set(database=f"{make_url(url).database}_texts")
    made = f"ENCODING '{encoding}' LOCALE_PROVIDER libc LOCALE 'C'"
    postgres.run(url, f'CREATE DATABASE "{other.database}" TEMPLATE template0 {made}')
    try:
        address = other.render_as_string(hide_password=False)
        with pytest.raises(
            DatabaseError, match=rf"keeps its texts in {encoding}, and needs UTF8: .*createdb"
        ):
            open_database(address)
    finally:
        postgres.run(url, f'DROP DATABASE "{other.database}"')


def test_a_connection_that_goes_is_told_in_a_sentence_and_the_next_one_works(database, url):
    def cut():
        with database.writing() as session:
            session.execute(insert(MAIL).values(**mail("one")))
            pid = session.execute(text("SELECT pg_backend_pid()")).scalar_one()
            postgres.run(url, f"SELECT pg_terminate_backend({pid})")
            session.execute(text("SELECT 1"))

    with pytest.raises(DatabaseError, match=r"cannot be used now: .*terminating connection"):
        cut()
    with database.reading() as session:
        assert session.execute(select(MAIL.c.id)).all() == []


def test_whoever_starts_does_not_wait_for_whoever_plans(database, url):
    # Whoever waited would wait for itself, and be told after a minute that it cannot be opened.
    with database.writing():
        open_database(url).close()


# Many at once.


def test_the_outbox_goes_on_while_somebody_plans(database):
    with database.writing(alone=False) as session:
        session.execute(insert(MAIL).values(**mail("one")))
    with database.writing() as planner:
        assert read_meta(planner, "schema") == SCHEMA
        with database.writing(alone=False) as session:
            assert len(claim(session, FORCE, at("2022-05-06"), "a", most=5, timezones=["Asia/Shanghai"])) == 1


def test_claims_at_once_never_get_the_same_mail_and_never_more_than_asked(database):
    with database.writing() as session:
        session.execute(insert(MAIL), [mail(f"m{number}") for number in range(200)])
    taken: list[list[int]] = []
    barrier = threading.Barrier(5)

    def take(who):
        barrier.wait()
        while True:
            with database.writing(alone=False) as session:
                found = claim(session, FORCE, at("2022-05-06"), who, most=7, timezones=["Asia/Shanghai"])
            if not found:
                return
            taken.append([each.id for each in found])

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(take, "abcde"))
    assert max(map(len, taken)) == 7
    assert sorted(id_ for lot in taken for id_ in lot) == sorted({id_ for lot in taken for id_ in lot})
    assert sum(map(len, taken)) == 200


def test_engines_that_plan_at_once_write_every_digest_once(database):
    snapshot = world(TABLE)
    moment = at("2022-05-05")
    engines = [Engine(database, snapshot, None, read_clock=lambda: moment, who=str(n)) for n in range(4)]  # type: ignore[arg-type]
    remaining = iter(engines)
    written = []

    def one():
        engine = next(remaining)
        engine.bring_up_to_date(moment)
        with database.writing() as session:
            written.append(plan(session, snapshot, moment))

    assert at_once(4, one) == []
    assert sorted(written) == [0, 0, 0, 2]
    with database.reading() as session:
        assert len(session.execute(select(MAIL.c.id)).all()) == 2


def test_events_that_come_at_once_are_all_counted(url):
    quota = definition("7", "2022年底前", BOTH, quota=100)
    with running(world(quota), url=url) as engine:
        engine.engine.bring_up_to_date(engine.clock.now())
        assert at_once(8, lambda: engine.record("submit", "7", count=1)) == []
        with engine.database.reading() as session:
            done = session.execute(select(ASSIGNMENT.c.progress).where(ASSIGNMENT.c.unit == "wanzhou"))
            assert done.scalar_one() == 8


def test_yesterdays_digest_that_is_being_claimed_is_not_superseded(url):
    snapshot = world(TABLE)
    with running(snapshot, "2022-05-05 08:00", url=url) as engine:
        engine.engine.bring_up_to_date(engine.clock.now())
        with engine.database.writing() as session:
            plan(session, snapshot, at("2022-05-05"))
        today = at("2022-05-06 00:01")

        def next_day():
            with engine.database.writing() as session:
                supersede(
                    session,
                    snapshot,
                    snapshot.people(date(2022, 5, 6)),
                    "Asia/Shanghai",
                    date(2022, 5, 6),
                    today,
                )

        with ThreadPoolExecutor(1) as pool:
            with engine.database.writing(alone=False) as session:
                # It is still yesterday by this machine's clock.
                taken = claim(
                    session, snapshot, at("2022-05-05 23:59"), "a", most=1, timezones=["Asia/Shanghai"]
                )
                planning = pool.submit(next_day)
                time.sleep(0.3)
                assert not planning.done(), "it waits to see what becomes of the claim"
            planning.result(10)
        with engine.database.reading() as session:
            found = {row.id: row.state for row in session.execute(select(MAIL.c.id, MAIL.c.state))}
    assert found.pop(taken[0].id) == MailState.CLAIMED
    assert list(found.values()) == [MailState.SUPERSEDED]


def test_what_is_being_claimed_is_not_queued_again_by_hand(database):
    with database.writing() as session:
        session.execute(insert(MAIL).values(**mail("one") | {"state": "deferred"}))
    again = []

    def by_hand():
        with database.writing() as session:
            again.append(retry(session, "main", 1, at("2022-05-06")))

    with ThreadPoolExecutor(1) as pool:
        with database.writing(alone=False) as session:
            claim(session, FORCE, at("2022-05-06"), "a", most=1, timezones=["Asia/Shanghai"])
            asking = pool.submit(by_hand)
            time.sleep(0.3)
        asking.result(10)
    assert again == [0]
    with database.reading() as session:
        assert session.execute(select(MAIL.c.state)).scalar_one() == MailState.CLAIMED


def test_a_late_result_is_fenced_off_once_another_has_taken_over(database):
    with database.writing() as session:
        session.execute(insert(MAIL).values(**mail("one")))
    zones = ["Asia/Shanghai"]
    with database.writing(alone=False) as session:
        [first] = claim(session, FORCE, at("2022-05-06"), "a", most=1, timezones=zones)
    with database.writing(alone=False) as session:
        [second] = claim(session, FORCE, at("2022-05-06") + LEASE, "b", most=1, timezones=zones)
    results = [Result(each, MailState.SENT, "250") for each in (first, second)]
    counted = []
    for result in results:
        with database.writing(alone=False) as session:
            counted.append(record_results(session, [result], at("2022-05-06") + LEASE))
    assert counted == [0, 1]


def test_two_that_hear_too_fast_for_the_first_time_at_once_are_both_heard(database):
    def hears(session, domain):
        claimed = Claimed(0, 0, 0, "<x@y.example>", mail_to(f"a@{domain}"))
        record_results(
            session,
            [Result(claimed, MailState.DEFERRED, "", verdict=RefusalScope.TOO_FAST)],
            at("2022-05-06"),
        )

    def second():
        with database.writing(alone=False) as session:
            hears(session, "two.example")

    with ThreadPoolExecutor(1) as pool:
        with database.writing(alone=False) as session:
            hears(session, "one.example")
            other = pool.submit(second)
            time.sleep(0.3)
        other.result(10)
    with database.reading() as session:
        known = json.loads(read_meta(session, "pace") or "{}")
    assert set(known) == {"one.example", "two.example"}


def mail_to(address):
    return Mail(
        key="x", at=at("2022-05-06"), to=address, name="", unit=None, kind=MailKind.ALERT, language="zh"
    )


# Plans.


def explained(database, statement, values):
    """The plan of a statement with the very text and values that the driver gets."""
    seen = []

    def listen(_connection, _cursor, sql, parameters, *_):
        seen.append((sql, parameters))

    with database.engine.connect() as connection:
        event.listen(connection, "before_cursor_execute", listen)
        connection.execute(statement.execution_options(yield_per=None), values)
        connection.rollback()
        sql, parameters = seen[0]
        plan_ = connection.exec_driver_sql(f"EXPLAIN {sql}", parameters)
        return "\n".join(row[0] for row in plan_)


@pytest.fixture(scope="module")
def large():
    """A database in which a look at every row is dear: 20,000 mails that were sent and 50 that wait."""
    url = postgres.fresh()
    opened = open_database(url)
    with opened.writing() as session:
        sent = [{**mail(f"s{number}"), "state": "sent"} for number in range(20_000)]
        session.execute(
            insert(MAIL), sent + [{**mail(f"w{number}"), "state": "queued"} for number in range(50)]
        )
        day = date(2022, 5, 5)
        agenda = [
            {
                "key": f"t{number}",
                "slot": str(number),
                "period": "",
                "opens": day,
                "due": day,
                "effective_due": day,
                "next_on": day + timedelta(days=number % 900),
                "told": "",
            }
            for number in range(10_000)
        ]
        session.execute(insert(AGENDA), agenda)
        row = {"period": "", "opens": day, "due": day, "effective_due": day, "grace_until": day}
        session.execute(
            insert(ASSIGNMENT),
            [{**row, "key": f"t{n}", "unit": f"u{n % 40}", "agenda_id": n + 1} for n in range(10_000)],
        )
    with opened.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    yield opened
    opened.close()
    postgres.drop(url)


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (queue._claiming(1, 0, is_narrow=False), "ix_mail_not_before"),
        (queue._claiming(1, 0, is_narrow=True), "ix_mail_not_before"),
        (day_._AGENDA_UP, "ix_agenda_campaign_next_on"),
        (day_._OPEN_ROWS, "ix_agenda_campaign_next_on"),
        (day_._OPEN_ROWS, "ix_assignment_agenda_id_quiet_mark"),
        (single_reminders._NUDGED, "ix_assignment_campaign_nudge_on"),
        (update(MAIL).where(MAIL.c.key == "w1").values(state="sent"), "uq_mail_key"),
    ],
    ids=["claim", "claim for a domain", "agenda", "open rows", "open rows of an agenda", "nudges", "key"],
)
def test_the_hot_statements_find_their_rows_through_an_index(large, statement, index):
    moment = at("2022-05-06")
    values = {
        "now": moment,
        "lease": moment,
        "who": "a",
        "most": 200,
        **queue.moments(moment),
        "zone_0": "Asia/Shanghai",
        "day_0": date(2022, 5, 5),
        "domain": "@x.example",
        "timezones": ["Asia/Shanghai"],
        "day": date(2022, 5, 5),
        "campaign": "main",
        "whose": "main",
        "zones": ["Asia/Shanghai"],
        "today": date(2022, 5, 5),
    }
    wanted = {name: value for name, value in values.items() if name in statement.compile().params}
    found = explained(large, statement, wanted)
    assert index in found, found
    assert "Seq Scan" not in found, found
