"""PostgreSQL's own processes frozen and restarted while several services send."""

import os
import signal
import time

import pytest

from tests import postgres
from tests.trust.replicas import race, tell
from tests.trust.test_replicas import WRITTEN, assert_every_mail_once

pytestmark = [pytest.mark.fault("postgres"), pytest.mark.torture]

BACKENDS = """SELECT pid FROM pg_stat_activity
WHERE application_name = 'tracker' AND datname = current_database() ORDER BY backend_start"""


def stuck(running):
    """What the server took and nobody gets to write down: in hand now, and still a while later."""
    first = {id_ for each in running.replicas for id_ in running.in_hand(each)}
    time.sleep(1.5)
    return [id_ for each in running.replicas for id_ in running.in_hand(each) if id_ in first]


def test_frozen_connections(figures):
    """SIGSTOP of half of the server's processes that serve us, past the lease; SIGCONT; then the other half."""
    with (
        postgres.server() as server,
        race(units=300, seconds=0.02, lease=3, url=server.make("half")) as running,
    ):
        running.start(3)
        running.wait_for_mails(60)
        frozen = 0
        for half in (0, 1):
            pids = [int(str(pid)) for (pid,) in running.rows(BACKENDS)][half::2]
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            frozen += len(pids)
            time.sleep(0.3)
            running.unanswered += stuck(running)
            time.sleep(4)
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
            time.sleep(0.5)
        taken = running.wait_until_all_is_sent(300)
        before, written = len(running.post.ids), running.rows(WRITTEN)
        time.sleep(2)
        assert len(running.post.ids) == before
        assert running.rows(WRITTEN) == written
        assert frozen
        assert_every_mail_once(running, 300)
        running.assert_no_trouble()
        tell(figures, running, taken, connections_frozen=frozen, outage=8)


@pytest.mark.parametrize(("way", "number"), [("fast", signal.SIGINT), ("immediate", signal.SIGQUIT)])
def test_restarts(way, number, figures):
    """Restarted (-m fast, -m immediate) five times while mails go out."""
    with postgres.server() as server, race(units=300, seconds=0.03, url=server.make("restart")) as running:
        running.start(3)
        outages = []
        for mails in (20, 60, 100, 140, 180):
            running.wait_for_mails(mails)
            begin = time.monotonic()
            server.stop(number)
            server.start()
            outages.append(time.monotonic() - begin)
        taken = running.wait_until_all_is_sent(300)
        assert_every_mail_once(running, 300)
        running.assert_no_trouble()
        assert running.score().duplicates == 0
        tell(figures, running, taken, restarts=len(outages), outage=max(outages))
