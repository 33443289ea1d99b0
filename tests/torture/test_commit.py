"""Killed when the server has said 250 and the database does not know it yet: the copy that SMTP cannot rule out."""

import sqlite3
import threading
import time
from signal import SIGKILL

import pytest

from tests.torture.bureau import bureau, each_alone, total
from tests.torture.scripted import Server

pytestmark = [pytest.mark.fault("commit"), pytest.mark.torture]

MAILS = 8

#: Minutes after which nobody holds a mail any more.
LEASE = 6


class Holder:
    """Keeps the results of a mail from being written down, and kills once the server has said 250 to it."""

    def __init__(self, here, server):
        self.here = here
        self.killed: set[str] = set()
        self.victim = None
        self.lock = None
        self.guard = threading.Lock()
        server.before_yes = self.hold
        server.after_yes = self.kill

    def hold(self, taken):
        """Each mail is the last one of its process once."""
        with self.guard:
            if self.lock is None and taken.id_ not in self.killed:
                self.killed.add(taken.id_)
                path = self.here.folder / "var" / "tracker.db"
                self.lock = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
                self.lock.execute("BEGIN IMMEDIATE")

    def kill(self, taken):
        if taken.id_ in self.killed and self.lock is not None:
            # The answer arrives, and whoever got it waits for the database.
            time.sleep(0.2)
            with self.guard:
                if self.victim is not None:
                    self.victim.kill()
                    self.victim = None

    def run(self):
        """One process with its end; whether it was killed, and what it had sent and not written down."""
        before = len(self.here.server.ids)
        process = self.here.start("run", "--once", "--send-now", waits=True)
        self.victim = process
        process.let_go()
        code = process.wait()
        self.here.wait_for_silence()
        assert code in {0, -SIGKILL}, process.said()
        if self.lock is not None:
            self.lock.execute("ROLLBACK")
            self.lock.close()
            self.lock = None
        left = self.here.found()
        assert left.is_whole
        self.here.later(minutes=LEASE)
        return code != 0, left.untold(self.here.server.ids[before:])


@pytest.mark.parametrize(
    ("connections", "facts", "databases"),
    [(1, {"claim": 1}, 5), (4, {}, 3)],
    ids=["one mail under way", "database held while 8 mails go out on 4 connections"],
)
def test_commit_that_never_came(connections, facts, databases, figures):
    """The database is held while the server says 250; then SIGKILL."""
    scores, costs = [], []
    for _ in range(databases):
        with Server() as server, bureau(each_alone(MAILS), server, connections=connections, **facts) as here:
            here.plan()
            holder, unanswered = Holder(here, server), []
            for _ in range(MAILS + 1):
                cost = here.score().duplicates
                is_killed, untold = holder.run()
                if not is_killed:
                    break
                unanswered += untold
                assert untold
                costs.append(here.score().duplicates - cost)
            assert not is_killed
            copies = [each.content for each in server.taken]
            assert len(set(copies)) == MAILS, "a copy is the same mail to the byte"
            assert here.states() == {"sent": MAILS}
            result = here.score(unanswered)
            assert result.holds, result
            scores.append(result)
            if facts:
                assert result.uncertain == MAILS, "each kill leaves one mail of which nobody knows"
    result = total(scores)
    if facts:
        assert result.duplicates <= result.uncertain == len(costs)
        assert max(costs) <= 1
    figures["kills"] = len(costs)
    figures["score"] = result
    figures["copies a kill"] = result.duplicates / len(costs)
