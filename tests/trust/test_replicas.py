"""Several ``tracker run`` on one PostgreSQL: they share the work, and nothing is lost or repeated whatever befalls them."""

import contextlib
import signal
import sqlite3
import subprocess
import time

import psycopg
import pytest

from tests import postgres
from tests.tools import clean_environ, command, wait_until
from tests.trust.replicas import SQLITE, race, tell
from tracker.store.database import open_database

torture = pytest.mark.torture
replicas = pytest.mark.fault("replicas")
postgres_away = pytest.mark.fault("postgres")

TERMINATE_ALL = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE application_name = 'tracker' AND datname = current_database()"
)

#: Somebody waits for another one to let go of the outbox.
WAITS = (
    "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'mail'::regclass "
    "AND pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted)"
)


def assert_every_mail_once(running, units):
    result = running.score()
    assert result.holds, f"{result}\n{running.said()}"
    assert result.duplicates <= result.uncertain
    for id_ in set(running.post.ids):
        copies = [content for taken, content in running.post.accepted if taken == id_]
        assert len(set(copies)) == 1, "a copy is the same mail to the byte"
    assert len(running.rows("SELECT DISTINCT recipient, day FROM mail WHERE kind = 'digest'")) == units


def assert_ledger_once(running):
    """The ledger is as one service alone would have made it, and nobody stumbled over another."""
    assert running.rows("SELECT count(*) FROM agenda WHERE id NOT IN (SELECT agenda_id FROM assignment)") == [
        (0,)
    ]
    [(assignments, units, asked)] = running.rows(
        "SELECT count(*), count(DISTINCT unit), count(DISTINCT (key, period)) FROM assignment"
    )
    # One deliverable is asked of the city's unit only, all the others of every district.
    assert assignments == (asked - 1) * (units - 1) + 1
    assert "pass failed" not in running.said(), running.said()


def begin(count, units, figures):
    """So many services start together on an empty database; every digest of the day goes out once."""
    with race(units=units, lease=300) as running:
        with running.post.holds():
            running.start(count)
            # Whoever was first has a lot in hand and cannot get rid of it; the others take what is left.
            wait_until(lambda: running.are_at_work(2), 60, running.said)
        taken = running.wait_until_all_is_sent(units)
        assert_every_mail_once(running, units)
        assert_ledger_once(running)
        running.assert_no_trouble()
        assert running.score().duplicates == 0
        assert running.are_at_work(2), "they share the work"
        tell(figures, running, taken)


@replicas
def test_three_that_start_together_on_an_empty_database_send_every_mail_once(figures):
    """Three start together on an empty database."""
    begin(3, 100, figures)


@torture
@replicas
@pytest.mark.parametrize("count", [2, 4, 5])
def test_so_many_that_start_together_send_every_mail_once(count, figures):
    """So many start together on an empty database."""
    begin(count, 300, figures)


def kill_one(units, figures):
    with race(units=units, seconds=0.02, lease=3) as running:
        running.start(2)
        running.wait_for_mails(units // 4)
        victim = max(running.replicas, key=lambda each: len(running.in_hand(each)))
        victim.send(signal.SIGKILL)
        victim.process.wait()
        killed = time.monotonic()
        time.sleep(0.2)  # what was on its way to the server arrives
        left = running.in_hand(victim)
        running.unanswered += left
        taken = running.wait_until_all_is_sent(units)
        assert_every_mail_once(running, units)
        running.assert_no_trouble()
        tell(figures, running, taken, seconds_after_the_kill=time.monotonic() - killed, lease=running.lease)


@replicas
def test_what_one_that_was_killed_had_in_hand_is_taken_over(figures):
    """One of two is killed while it sends."""
    kill_one(100, figures)


@torture
@replicas
@pytest.mark.parametrize("time_", range(3))
def test_what_one_that_was_killed_had_in_hand_is_taken_over_every_time(time_, figures):
    """One of two is killed while it sends."""
    kill_one(300, figures)


@torture
@pytest.mark.fault("frozen")
@pytest.mark.parametrize("store", ["postgres", "sqlite"])
def test_one_that_freezes_past_its_lease_sends_nothing_more_of_what_others_took_over(store, figures):
    """SIGSTOP in the middle of sending, past its lease of three seconds; SIGCONT once the others are done."""
    with race(units=300, seconds=0.02, lease=3, url=SQLITE if store == "sqlite" else None) as running:
        running.start(2 if store == "sqlite" else 3)
        running.wait_for_mails(60)
        victim = running.replicas[0]
        freeze_while_it_sends(running, victim)
        frozen = time.monotonic()
        time.sleep(0.2)
        held = running.in_hand(victim)
        running.unanswered += held
        wait_until(lambda: not running.rows(claims_of(victim)), 40, running.said)
        took_over = time.monotonic() - frozen
        taken = running.wait_until_all_is_sent(300)
        before, written = len(running.post.ids), running.rows(WRITTEN)
        victim.send(signal.SIGCONT)
        time.sleep(3)
        assert len(running.post.ids) == before, "it sends nothing any more"
        assert running.rows(WRITTEN) == written, "what it writes down late counts for nothing"
        assert_every_mail_once(running, 300)
        running.assert_no_trouble()
        tell(figures, running, taken, took_over_after=took_over, lease=running.lease, late_results=len(held))


#: What a result that comes too late must not touch.
WRITTEN = "SELECT id, state, fence, claimed_by, sent_at, attempts FROM mail ORDER BY id"


def claims_of(replica):
    return f"SELECT 1 FROM mail WHERE state = 'claimed' AND claimed_by LIKE '%/{replica.pid}'"


def freeze_while_it_sends(running, victim):
    """Between the server's answer and its own writing it down; not in a transaction of SQLite, which nobody can end."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        wait_until(lambda: running.in_hand(victim), 20, running.said)
        victim.send(signal.SIGSTOP)
        if running.in_hand(victim) and not (running.url == SQLITE and is_locked(running)):
            return
        victim.send(signal.SIGCONT)
        time.sleep(0.02)
    pytest.fail("it never stood between an answer and its writing it down")


def is_locked(running):
    """Whether somebody holds SQLite's only pen for longer than a moment."""
    path = running.place.folder / "var" / "tracker.db"
    with contextlib.closing(sqlite3.connect(path, timeout=1, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        connection.execute("ROLLBACK")
        return False


@contextlib.contextmanager
def stuck_in_planning(running):
    """One service that has the lock of the ledger and does not get on, for here somebody else has the outbox."""
    open_database(running.url).close()
    plain = running.url.replace("+psycopg", "")
    with contextlib.suppress(psycopg.OperationalError), psycopg.connect(plain) as connection:
        # However long the services take to start on a busy machine, this one is not cut off.
        connection.execute("SET idle_in_transaction_session_timeout = 0")
        connection.execute("LOCK TABLE mail IN EXCLUSIVE MODE")
        [first] = running.start(1)
        wait_until(lambda: running.rows(WAITS), 30, running.said)
        yield first


@torture
@pytest.mark.fault("frozen")
def test_one_that_freezes_while_it_plans_keeps_nobody_from_planning(figures):
    """One freezes with the lock of the ledger: PostgreSQL lets go of it, here after two seconds instead of a minute."""
    with race(units=50) as running:
        running.url += "?" if "?" not in running.url else "&"
        running.url += "options=-cidle_in_transaction_session_timeout%3D2s"
        with stuck_in_planning(running) as first:
            first.send(signal.SIGSTOP)
        running.start(1)
        taken = running.wait_until_all_is_sent(50)
        first.send(signal.SIGCONT)
        wait_until(lambda: "pass failed, will be tried again" in first.said(), 10, running.said)
        assert_every_mail_once(running, 50)
        running.assert_no_trouble()
        assert running.score().duplicates == 0
        tell(figures, running, taken)


@torture
@postgres_away
def test_connections_that_are_cut_again_and_again_cost_nothing(figures):
    """pg_terminate_backend of every connection four times a second for twelve seconds."""
    with race(units=300, seconds=0.01) as running:
        running.start(3)
        wait_until(lambda: all("in force" in each.said() for each in running.replicas), 30, running.said)
        cut = 0
        end = time.monotonic() + 12
        while time.monotonic() < end:
            cut += len(running.rows(TERMINATE_ALL))
            time.sleep(0.25)
        taken = running.wait_until_all_is_sent(300)
        assert cut > 10
        assert_every_mail_once(running, 300)
        running.assert_no_trouble()
        assert running.score().duplicates == 0
        tell(figures, running, taken, connections_cut=cut)


@torture
@postgres_away
def test_a_server_that_crashes_in_the_middle_of_a_pass_costs_nothing(figures):
    """-m immediate while mails go out."""
    with postgres.server() as server, race(units=300, seconds=0.02, url=server.make("crash")) as running:
        running.start(3)
        running.wait_for_mails(60)
        begin_ = time.monotonic()
        server.stop(signal.SIGQUIT)
        time.sleep(2)
        server.start()
        outage = time.monotonic() - begin_
        taken = running.wait_until_all_is_sent(300)
        assert_every_mail_once(running, 300)
        running.assert_no_trouble()
        assert running.score().duplicates == 0
        tell(figures, running, taken, outage=outage)


@torture
@postgres_away
def test_a_server_that_crashes_while_they_plan_costs_nothing(figures):
    """-m immediate while the day is planned."""
    with postgres.server() as server, race(units=300, url=server.make("crash")) as running:
        with stuck_in_planning(running):
            running.start(2)
            wait_until(lambda: all("in force" in each.said() for each in running.replicas), 30, running.said)
            server.stop(signal.SIGQUIT)
        server.start()
        assert running.rows("SELECT 1 FROM mail") == []
        taken = running.wait_until_all_is_sent(300)
        assert_every_mail_once(running, 300)
        running.assert_no_trouble()
        assert running.score().duplicates == 0
        tell(figures, running, taken)


@torture
@postgres_away
def test_a_server_that_freezes_is_waited_for(figures):
    """SIGSTOP of the whole server for five seconds."""
    with postgres.server() as server, race(units=300, seconds=0.02, url=server.make("freeze")) as running:
        running.start(3)
        running.wait_for_mails(60)
        server.signal_all(signal.SIGSTOP)
        time.sleep(5)
        server.signal_all(signal.SIGCONT)
        taken = running.wait_until_all_is_sent(300)
        assert_every_mail_once(running, 300)
        running.assert_no_trouble()
        assert running.score().duplicates == 0
        tell(figures, running, taken, outage=5)


@torture
@postgres_away
def test_a_service_without_its_database_says_so_and_heals_by_itself(figures):
    """The server is away for longer than a pass."""
    with postgres.server() as server, race(units=50, seconds=0.05, url=server.make("away")) as running:
        server.stop()
        done = subprocess.run(
            command("run", "--no-web"),
            cwd=running.place.folder,
            env=clean_environ({"TRACKER_DATABASE": running.url}),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 1
        assert "cannot be opened" in done.stderr
        assert "Traceback" not in done.stderr
        server.start()
        running.start(2)
        running.wait_for_mails(10)
        begin_ = time.monotonic()
        server.stop()
        wait_until(
            lambda: all("cannot be used now" in each.said() for each in running.replicas), 30, running.said
        )
        time.sleep(6)
        server.start()
        outage = time.monotonic() - begin_
        taken = running.wait_until_all_is_sent(50)
        assert_every_mail_once(running, 50)
        running.assert_no_trouble()
        assert running.score().duplicates == 0
        tell(figures, running, taken, outage=outage)
