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

SINK = shutil.which("smtp-sink", path=os.environ.get("PATH", "") + ":/usr/sbin")
SOURCE = shutil.which("smtp-source", path=os.environ.get("PATH", "") + ":/usr/sbin")


class Sink:
    """A running smtp-sink; ``count`` is how many mails it has taken."""

    def __init__(self) -> None:
        assert SINK is not None, "smtp-sink is missing: install Debian's postfix"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.count = 0
        self.first_at = self.last_at = 0.0
        as_nobody = ["-u", "nobody"] if os.geteuid() == 0 else []
        self._process = subprocess.Popen(
            [SINK, *as_nobody, "-c", f"127.0.0.1:{self.port}", "200"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        threading.Thread(target=self._read, daemon=True).start()
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            time.sleep(0.05)
        raise RuntimeError("smtp-sink did not start")

    def _read(self) -> None:
        assert self._process.stdout is not None
        while chunk := os.read(self._process.stdout.fileno(), 4096):
            numbers = re.findall(rb"mesg=(\d+)", chunk)
            if numbers:
                count = max(int(number) for number in numbers)
                if count > self.count:
                    self.last_at = time.perf_counter()
                    self.first_at = self.first_at or self.last_at
                    self.count = count

    def wait_for(self, count: int, timeout: float) -> bool:
        """Until so many mails have come, or ``timeout`` seconds."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if self.count >= count:
                return True
            time.sleep(0.05)
        return False

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(5)


@contextlib.contextmanager
def sink() -> Iterator[Sink]:
    """A sink for as long as the block lasts."""
    running = Sink()
    try:
        yield running
    finally:
        running.close()


def limit(port: int, mails: int, sessions: int, size: int) -> float:
    """Mails a second that smtp-source delivers over reused connections."""
    assert SOURCE is not None
    command = [SOURCE, "-d", "-s", str(sessions), "-m", str(mails), "-l", str(size)]
    command += ["-f", "bench@bench.internal", "-t", "u@bench.internal", f"127.0.0.1:{port}"]
    start = time.perf_counter()
    subprocess.run(command, check=True, timeout=300)
    return mails / (time.perf_counter() - start)
