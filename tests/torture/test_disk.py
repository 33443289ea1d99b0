"""The disk fills up, fails, goes read-only or is locked: nothing goes out unclaimed, health is red, and it heals.

A service looks for work every second, its database on a small file system of its own or behind a tracer that makes
its system calls fail.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sqlite3
import statistics
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.tools import missing, required, wait_until
from tests.torture.bureau import MOMENT, Bureau, bureau, each_alone, total
from tests.torture.failing import failing
from tests.torture.scripted import Server
from tests.torture.service import Running, is_whole, running

pytestmark = [pytest.mark.torture, pytest.mark.fault("disk")]

#: Mails of a run.
MAILS = 12
#: Before the first, and after so many of them.
POINTS = (0, 1, 4, 8, 12)
#: The size of the small file system; the database needs less than half of it.
SIZE = 4 << 20
#: A log of this size holds a few pages, and not so many mails.
LOG = 16 << 10


@contextlib.contextmanager
def small_disk(folder: Path, size: int = SIZE) -> Iterator[Path]:
    """A file system in memory on ``folder``."""
    required("mount")
    folder.mkdir(parents=True, exist_ok=True)
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if made.returncode:
        missing(f"no file system can be mounted here: {made.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)


def wait_for_the_hour(place: Bureau, seconds: float) -> None:
    """Whoever starts now starts so many seconds before the digests of the day are due."""
    place.ahead += (datetime(2022, 6, 8, 1, 0, tzinfo=UTC) - MOMENT).total_seconds() - seconds


def fill(folder: Path, left: int) -> Path:
    """A file that leaves so many bytes free."""
    balloon = folder / "balloon"
    with balloon.open("wb", buffering=0) as out, contextlib.suppress(OSError):
        while True:
            out.write(b"\0" * 4096)
    os.truncate(balloon, max(0, balloon.stat().st_size - left))
    return balloon


@pytest.mark.parametrize("left", [0, 16 << 10, 64 << 10, 256 << 10])
def test_a_disk_that_is_full_when_the_day_is_planned(left, figures):
    """Full before the hour of the digests, with so many bytes left; then room is made."""
    with (
        Server() as server,
        bureau(each_alone(MAILS), server) as place,
        small_disk(place.folder / "var") as disk,
    ):
        wait_for_the_hour(place, 8)
        with running(place) as service:
            service.wait_until_there()
            balloon = fill(disk, left)
            if left < 64 << 10:
                figures["red after, s"] = service.wait_until_red()
                assert not server.ids, "nothing goes out that is not written down"
            else:
                time.sleep(10)
            balloon.unlink()
            figures["healed after, s"] = service.wait_until_healed()
        found = place.score()
        assert is_whole(place)
    figures["score"] = found
    assert found.holds
    assert found.duplicates == 0


def test_a_disk_that_is_full_from_the_start(figures):
    """The service says so in one sentence and leaves with 1; started again once there is room it goes on."""
    with (
        Server() as server,
        bureau(each_alone(MAILS), server) as place,
        small_disk(place.folder / "var") as disk,
    ):
        place.plan()
        balloon = fill(disk, 0)
        process = place.start("run", "--once", "--send-now")
        code = process.wait(60)
        balloon.unlink()
        said = process.said().strip().splitlines()
        assert (code, len(said)) == (1, 1), said
        assert not server.ids
        place.come_to_rest()
        found = place.score()
    figures |= {"exit code": code, "said": said[0], "score": found}
    assert found.holds
    assert found.duplicates == 0


@pytest.mark.parametrize("after", [1, 5, 9])
def test_a_disk_that_fills_up_while_mails_go_out(after, figures):
    """Full just before the n-th mail is taken, so that it cannot be written down; then room is made."""
    with (
        Server() as server,
        bureau(each_alone(MAILS), server) as place,
        small_disk(place.folder / "var") as disk,
    ):
        place.plan()
        balloons: list[Path] = []

        def filled(_: object) -> None:
            if len(server.taken) >= after and not balloons:
                balloons.append(fill(disk, 0))

        server.before_yes = filled
        with running(place, "--send-now") as service:
            wait_until(lambda: balloons, 30)
            time.sleep(4)
            balloons[0].unlink()
            figures["healed after, s"] = service.wait_until_healed()
        found = place.score()
        assert is_whole(place)
    figures["score"] = found
    assert found.holds
    assert found.duplicates == 0, "what was sent is remembered until it can be written down"


def test_a_file_that_may_not_grow(figures):
    """`ulimit -f` below what the log of the database needs for the mails of a day; then it is lifted."""
    with Server() as server, bureau(each_alone(MAILS), server) as place:
        wait_for_the_hour(place, 8)
        with running(place) as service:
            service.wait_until_there()
            resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (LOG, -1))
            figures["red after, s"] = service.wait_until_red()
            assert not server.ids
            resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (-1, -1))
            figures["healed after, s"] = service.wait_until_healed()
        found = place.score()
        assert is_whole(place)
    figures["score"] = found
    assert found.holds
    assert found.duplicates == 0


@pytest.mark.parametrize(
    ("call", "error"),
    [(call, error) for call in ("pwrite64", "fdatasync") for error in ("ENOSPC", "EIO", "EROFS")],
)
def test_system_calls_that_fail(call, error, figures):
    """`strace` lets all of them fail for some seconds, from before the hour of the digests or from the n-th mail on."""
    scores, times = [], []
    with Server() as server, bureau(each_alone(MAILS), server) as original:
        for after in POINTS:
            server.forget()
            place = original.copy(original.folder.parent / f"{call}-{error}-{after}")
            if after:
                place.plan()
            else:
                wait_for_the_hour(place, 6)
            with running(place, *(["--send-now"] if after else []), is_held=True) as service:
                times.append(_heal(service, server, call, error, after))
            assert is_whole(place)
            scores.append(place.score())
    figures |= {
        "points": len(POINTS),
        "score": total(scores),
        "healed after, s, median": statistics.median(times),
        "at most": max(times),
    }
    assert all(each.holds for each in scores), scores


def _heal(service: Running, server: Server, call: str, error: str, after: int) -> float:
    """Seconds from the repair to where everything is out and well."""
    reached, attached = threading.Event(), threading.Event()

    def wait(_: object) -> None:
        if len(server.taken) >= after:
            reached.set()
            attached.wait(20)

    if after:
        server.before_yes = wait
    service.process.let_go()
    if after:
        assert reached.wait(30), service.process.said()
    else:
        service.wait_until_there()
    with failing(service.process, call, error, "1+"):
        attached.set()
        time.sleep(3 if after else 9)
    repaired = time.monotonic()
    service.wait_until_healed()
    server.before_yes = lambda _: None
    return time.monotonic() - repaired


def test_a_file_system_that_is_read_only_from_the_start(figures):
    """The service says so in one sentence and leaves with 1; started again after the repair it goes on."""
    with (
        Server() as server,
        bureau(each_alone(MAILS), server) as place,
        small_disk(place.folder / "var") as disk,
    ):
        place.plan()
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        process = place.start("run", "--once", "--send-now")
        code = process.wait(60)
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
        said = process.said().strip().splitlines()
        assert (code, len(said)) == (1, 1), said
        assert not server.ids
        place.come_to_rest()
        found = place.score()
    figures |= {"exit code": code, "said": said[0], "score": found}
    assert found.holds
    assert found.duplicates == 0


@pytest.mark.parametrize("seconds", [5, 70])
def test_a_database_that_somebody_else_holds_locked(seconds, figures):
    """`BEGIN IMMEDIATE` is held for so many seconds from the second mail on."""
    with Server() as server, bureau(each_alone(MAILS), server) as place:
        place.plan()
        held: list[sqlite3.Connection] = []
        once = threading.Lock()

        def hold(_: object) -> None:
            with once:
                if len(server.taken) < 2 or held:
                    return
                other = sqlite3.connect(
                    place.folder / "var" / "tracker.db", check_same_thread=False, timeout=30
                )
                other.execute("BEGIN IMMEDIATE")
                held.append(other)

        server.before_yes = hold
        with running(place, "--send-now") as service:
            wait_until(lambda: held, 30)
            time.sleep(seconds)
            held[0].rollback()
            held[0].close()
            figures["healed after, s"] = service.wait_until_healed()
        found = place.score()
        assert is_whole(place)
    figures["score"] = found
    assert found.holds
    assert found.duplicates == 0


def test_a_service_beside_a_full_disk_still_stops_when_told_to(figures):
    """SIGTERM while nothing can be written."""
    with (
        Server() as server,
        bureau(each_alone(MAILS), server) as place,
        small_disk(place.folder / "var") as disk,
    ):
        wait_for_the_hour(place, 5)
        with running(place) as service:
            service.wait_until_there()
            fill(disk, 0)
            service.wait_until_red()
            start = time.monotonic()
            service.process.kill(signal.SIGTERM)
            code = service.process.wait(20)
            figures["stopped after, s"] = time.monotonic() - start
        assert "Traceback" not in service.process.said()
    figures["exit code"] = code
    assert code == 0
