"""kill -9 at every write, every sync and everything that is said to the mail server, one after the other."""

import random
import statistics
import time
from functools import partial
from signal import SIGKILL

import pytest

from tests.tools import quick_folder
from tests.torture.bureau import bureau, each_alone, total
from tests.torture.scripted import Server
from tests.torture.tracer import killing, required_tracer

pytestmark = [pytest.mark.fault("kill"), pytest.mark.torture]

MAILS = 6

#: Minutes after which nobody holds a mail any more.
LEASE = 6

#: One thread beside the event loop, for strace counts the calls of each thread by themselves.
ALONE = {"threads": 1}


def begun(here, *, planned):
    """So far it is before each kill: nothing is there yet, or the mails are written and wait."""
    if planned:
        here.plan()
        assert here.states() == {"queued": MAILS}


def killed_run(here, call, number, file=None):
    """A pass that dies instead of that call; whether it did, and what it had sent and not written down."""
    before = len(here.server.ids)
    path = None if file is None else here.folder / "var" / file
    process = here.start("run", "--once", "--send-now", waits=True)
    with killing(process, call, number, path=path):
        process.let_go()
        code = process.wait()
    here.wait_for_silence()
    assert code in {0, -SIGKILL}, process.said()
    assert "Traceback" not in process.said(), process.said()
    left = here.found()
    assert left.is_whole
    return code != 0, left.untold(here.server.ids[before:])


def recovered(here, server):
    """The next pass, after the leases; the seconds from its start until the last mail was with the server."""
    begin = time.monotonic()
    before = len(server.ids)
    here.later(minutes=LEASE)
    here.run_once()
    assert here.found().is_whole
    assert here.states() == {"sent": MAILS}
    return server.taken[-1].at - begin if len(server.ids) > before else None


@pytest.mark.parametrize("call", ["pwrite64", "fdatasync"])
def test_kill_from_nothing(call, figures):
    """From an empty folder, killed at the N-th call, N = 1, 2, … until a pass ends by itself."""
    sweep(figures, call, planned=False)


@pytest.mark.parametrize(
    ("call", "file"),
    [
        ("pwrite64", "tracker.db-wal"),
        ("pwrite64", "tracker.db-shm"),
        ("pwrite64", "tracker.db"),
        ("fdatasync", None),
        ("sendto", None),
    ],
    ids=["pwrite64 to the log", "pwrite64 to its index", "pwrite64 to the file", "fdatasync", "sendto"],
)
def test_kill_while_sending(call, file, figures):
    """The mails are written and wait; killed at the N-th call, N = 1, 2, … until a pass ends by itself."""
    sweep(figures, call, file, planned=True)


def sweep(figures, call, file=None, *, planned):
    """Kill at each call, see what is left, and go on from there."""
    required_tracer()
    scores, times = [], []
    with Server() as server, bureau(each_alone(MAILS), server, **ALONE) as template:
        begun(template, planned=planned)
        for number in range(1, 1000):
            server.forget()
            with quick_folder() as folder:
                here = template.copy(folder)
                is_killed, untold = killed_run(here, call, number, file)
                if not is_killed:
                    assert here.states() == {"sent": MAILS}
                    break
                seconds = recovered(here, server)
                times += [] if seconds is None else [seconds]
                result = here.score(untold)
                assert result.holds, (number, result)
                scores.append(result)
        else:
            pytest.fail("no pass ended by itself")
    assert scores, "it was never killed"
    tell(figures, scores, times)


def kill_at(mails, process, server, _):
    """Once the server has so many."""
    if len(server.taken) == mails:
        process.kill()


def test_kill_and_start_from_cold(figures):
    """Killed when the server had a fifth of the mails; a new process, its imports and all, and the leases over."""
    scores, times = [], []
    for _ in range(5):
        with Server() as server, bureau(each_alone(MAILS * 5), server, connections=1) as here:
            here.ahead = 0  # the cold process knows no other clock
            process = here.start("run", "--once", "--send-now", waits=True)
            server.after_yes = partial(kill_at, MAILS, process, server)
            process.let_go()
            assert process.wait() == -SIGKILL
            here.wait_for_silence()
            left = here.found()
            assert left.is_whole
            untold = left.untold(server.ids)
            here.time_passes()
            begin = time.monotonic()
            done = here.place.process("run", "--once", "--send-now")
            assert done.code == 0, done.err
            times.append(server.taken[-1].at - begin)
            scores.append(here.score(untold))
            assert scores[-1].holds, scores[-1]
    tell(figures, scores, times)


def test_kill_again_and_again(figures):
    """Killed again and again on one database, at calls drawn by lot, before it is left alone."""
    required_tracer()
    scores, times, kills, most = [], [], 0, 0
    for seed in range(8):
        lot = random.Random(seed)
        unanswered, before = [], kills
        with Server() as server, bureau(each_alone(MAILS), server, **ALONE) as here:
            for _ in range(12):
                call, last = lot.choice([("pwrite64", 70), ("fdatasync", 7), ("sendto", 15)])
                is_killed, untold = killed_run(here, call, lot.randint(1, last))
                kills += is_killed
                unanswered += untold
                here.later(minutes=LEASE)
            seconds = recovered(here, server)
            times += [] if seconds is None else [seconds]
            result = here.score(unanswered)
            assert result.holds, (seed, result)
            scores.append(result)
        most = max(most, kills - before)
    assert kills > len(scores)
    figures["databases"] = len(scores)
    tell(figures, scores, times, kills)
    figures["most kills of one"] = most


def tell(figures, scores, times, kills=None):
    figures["kills"] = kills or len(scores)
    figures["score"] = total(scores)
    if times:
        figures["recovery"] = f"{statistics.median(times):.2f} s, at worst {max(times):.2f} s"
