"""``strace`` at the side of a process, which lets some of its system calls fail."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator

from tests.torture.ready import Process
from tests.torture.tracer import required_tracer


@contextlib.contextmanager
def failing(process: Process, call: str, error: str, when: str) -> Iterator[None]:
    """While the block lasts: those of its ``call`` that ``when`` names (``3..12``) do nothing but fail."""
    what = ["-e", f"trace={call}", "-e", f"inject={call}:error={error}:when={when}"]
    tracer = subprocess.Popen(
        [required_tracer(), "-f", *what, "-o", "/dev/null", "-p", str(process.pid)],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert tracer.stderr is not None
    try:
        line = ""
        while "attached" not in line:
            line = tracer.stderr.readline()
            assert line, "strace did not attach"
        yield
    finally:
        tracer.terminate()
        tracer.communicate(timeout=20)
