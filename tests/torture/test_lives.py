"""A service that dies at every lease, and lives at last: few copies, and everybody gets theirs."""

from __future__ import annotations

from collections import Counter
from functools import partial

import pytest

from tests.torture.bureau import bureau, each_alone
from tests.torture.ready import Process
from tests.torture.scripted import Server
from tracker.outbox.queue import UNCERTAIN_ATTEMPTS

pytestmark = [pytest.mark.fault("kill"), pytest.mark.torture]

MAILS, LIVES = 300, 12


def end(server: Server, process: Process, count: int, _: object) -> None:
    if len(server.taken) == count:
        process.kill()


@pytest.mark.parametrize("lasts", [1, 10, 35])
def test_lives(lasts, figures):
    """Twelve lives, each killed when the server had taken so many of 300 mails, and then one that goes on."""
    with Server() as server, bureau(each_alone(MAILS), server) as here:
        here.plan()
        for _ in range(LIVES):
            before = len(server.taken)
            process = here.start("run", "--once", "--send-now", waits=True)
            server.after_yes = partial(end, server, process, before + lasts)
            process.let_go()
            process.wait()
            here.wait_for_silence()
            here.later(minutes=6)
        server.after_yes = lambda _: None
        here.come_to_rest()
        copies = Counter(server.ids)
        assert here.states() == {"sent": MAILS}
        assert len(copies) == MAILS
        assert max(copies.values()) <= UNCERTAIN_ATTEMPTS
    figures["most copies of one"] = max(copies.values())
