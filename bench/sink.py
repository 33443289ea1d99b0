"""Postfix's smtp-sink as the mail server, and smtp-source as the limit of what can be sent to it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from functools import cache

from bench.child import FailedError

#: Connections that smtp-sink lets wait at its door, and serves at once.  Alertmanager opens one for each mail, all
#: at the same time; with a shorter queue (or a lower net.core.somaxconn) it would wait for lost packets, and not
#: for its own work, and be four times as slow.
BACKLOG = SESSIONS = 4096


@cache
def executable(name: str) -> str | None:
    """Where the program lies; servers' are often not on a user's path."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin:/usr/local/sbin")


class MissingError(Exception):
    """A program that is not of Python is not installed; the text is a sentence."""


def needed(name: str, package: str) -> str:
    """Where the program lies.  Raises MissingError."""
    found = executable(name)
    if found is None:
        raise MissingError(f"{name} is missing: install Debian's {package}")
    return found


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_open(port: int, what: str) -> None:
    """Until somebody listens there.  Raises FailedError after ten seconds."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise FailedError(f"{what} did not start")


class Sink:
    """A running smtp-sink; ``count`` is how many mails it has taken."""

    def __init__(self) -> None:
        program = needed("smtp-sink", "postfix")
        self.port = free_port()
        self.count = 0
        self._marks: list[tuple[float, int]] = []
        as_nobody = ["-u", "nobody"] if os.geteuid() == 0 else []
        self._process = subprocess.Popen(
            [program, *as_nobody, "-c", "-m", str(SESSIONS), f"127.0.0.1:{self.port}", str(BACKLOG)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        threading.Thread(target=self._read, daemon=True).start()
        try:
            wait_until_open(self.port, program)
        except FailedError:
            self.close()
            raise

    def _read(self) -> None:
        assert self._process.stdout is not None
        with contextlib.suppress(ValueError, OSError):
            while chunk := os.read(self._process.stdout.fileno(), 65536):
                numbers = re.findall(rb"mesg=(\d+)", chunk)
                count = max(map(int, numbers), default=0)
                if count > self.count:
                    self.count = count
                    self._marks.append((time.perf_counter(), count))

    def wait_for(self, count: int, timeout: float) -> None:
        """Until so many mails have come.  Raises FailedError after ``timeout`` seconds."""
        end = time.monotonic() + timeout
        while self.count < count:
            if time.monotonic() > end:
                raise FailedError(f"the sink got {self.count} mails of {count} in {timeout} s")
            time.sleep(0.02)

    def rate_since(self, count: int) -> float:
        """Mails a second from the first after mail number ``count`` to the last."""
        marks = [mark for mark in self._marks if mark[1] > count]
        (first, begun), (last, ended) = marks[0], marks[-1]
        return (ended - begun) / (last - first) if last > first else 0.0

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextlib.contextmanager
def sink() -> Iterator[Sink]:
    """A sink for as long as the block lasts."""
    running = Sink()
    try:
        yield running
    finally:
        running.close()


def limit(port: int, mails: int, sessions: int, size: int) -> float:
    """Mails a second that smtp-source delivers over ``sessions`` reused connections."""
    program = needed("smtp-source", "postfix")
    command = [program, "-d", "-s", str(sessions), "-m", str(mails), "-l", str(size)]
    command += ["-f", "bench@bench.internal", "-t", "u@bench.internal", f"127.0.0.1:{port}"]
    start = time.perf_counter()
    subprocess.run(command, check=True, timeout=300)
    return mails / (time.perf_counter() - start)
