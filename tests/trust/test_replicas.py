"""Several ``tracker run`` on one PostgreSQL: they share the work, and nothing is lost or repeated whatever befalls them."""

import contextlib
import signal
import subprocess
import time

import psycopg
import pytest

from tests import postgres
from tests.tools import clean_environ, command, wait_until
from tests.trust.replicas import race, tell
from tracker.store.database import open_database

torture = pytest.mark.torture

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


def begin(count, units):
    """So many services start together on an empty database; every digest of the day goes out once."""
    with race(units=units) as running:
        running.start(count)
        taken = running.wait_until_all_is_sent(units)
        assert_every_mail_once(running, units)
        assert_ledger_once(running)
        running.assert_no_trouble()
        assert running.score().duplicates == 0
        assert sum(1 for each in running.claims() if each) > 1, "they share the work"
        tell("start together", running, taken)


def test_three_that_start_together_on_an_empty_database_send_every_mail_once():
    begin(3, 100)


@torture
@pytest.mark.parametrize("count", [2, 4, 5])
def test_so_many_that_start_together_send_every_mail_once(count):
    begin(count, 300)


def kill_one(units):
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
        tell("SIGKILL", running, taken, took_over=f"{time.monotonic() - killed:.1f}")


def test_what_one_that_was_killed_had_in_hand_is_taken_over():
    kill_one(100)


@torture
@pytest.mark.parametrize("time_", range(3))
def test_what_one_that_was_killed_had_in_hand_is_taken_over_every_time(time_):
    kill_one(300)


@torture
def test_one_that_freezes_past_its_lease_sends_nothing_more_of_what_others_took_over():
    with race(units=300, seconds=0.02, lease=3) as running:
        running.start(3)
        running.wait_for_mails(60)
        victim = running.replicas[0]
        wait_until(
            lambda: running.rows(
                f"SELECT 1 FROM mail WHERE state = 'claimed' AND claimed_by LIKE '%/{victim.pid}'"
            ),
            20,
        )
        victim.send(signal.SIGSTOP)
        frozen = time.monotonic()
        time.sleep(0.2)
        running.unanswered += running.in_hand(victim)
        taken = running.wait_until_all_is_sent(300)
        took_over = time.monotonic() - frozen
        before = len(running.post.ids)
        victim.send(signal.SIGCONT)
        time.sleep(3)
        assert len(running.post.ids) == before, "it sends nothing any more"
        assert_every_mail_once(running, 300)
        running.assert_no_trouble()
        tell("SIGSTOP past the lease", running, taken, took_over=f"{took_over:.1f}")


@contextlib.contextmanager
def stuck_in_planning(running):
    """One service that has the lock of the ledger and does not get on, for here somebody else has the outbox."""
    open_database(running.url).close()
    plain = running.url.replace("+psycopg", "")
    with contextlib.suppress(psycopg.OperationalError), psycopg.connect(plain) as connection:
        # The URL may cut idle connections off soon; this one waits for as long as a service takes to start.
        connection.execute("SET idle_in_transaction_session_timeout = 0")
        connection.execute("LOCK TABLE mail IN EXCLUSIVE MODE")
        [first] = running.start(1)
        wait_until(lambda: running.rows(WAITS), 30, running.said)
        yield first


@torture
def test_one_that_freezes_while_it_plans_keeps_nobody_from_planning():
    """It holds the lock of the ledger: PostgreSQL lets go of it, here after two seconds instead of a minute."""
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
        tell("SIGSTOP while planning", running, taken)


@torture
def test_connections_that_are_cut_again_and_again_cost_nothing():
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
        tell("pg_terminate_backend", running, taken, cut=cut)


@torture
def test_a_server_that_crashes_in_the_middle_of_a_pass_costs_nothing():
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
        tell("-m immediate", running, taken, outage=f"{outage:.1f}")


@torture
def test_a_server_that_crashes_while_they_plan_costs_nothing():
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
        tell("-m immediate while planning", running, taken)


@torture
def test_a_server_that_freezes_is_waited_for():
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
        tell("PostgreSQL SIGSTOP", running, taken, outage=5)


@torture
def test_a_service_without_its_database_says_so_and_heals_by_itself():
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
        tell("PostgreSQL away", running, taken, outage=f"{outage:.1f}")
