"""``strace`` at the side of a process, which kills it at the N-th system call of a kind."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.tools import missing, required
from tests.torture.ready import Process


@cache
def _refusal() -> str | None:
    """Why no process can be traced here; None where it can."""
    program = required("strace")
    done = subprocess.run(
        [program, "-qq", "-e", "trace=none", sys.executable, "-c", ""],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr.strip().splitlines()[-1] if done.returncode else None


def required_tracer() -> str:
    """The program; without it, or where the system forbids tracing, the test is skipped if that is allowed."""
    program = required("strace")
    if refusal := _refusal():
        missing(f"strace is not allowed to trace: {refusal}")
    return program


@contextlib.contextmanager
def killing(process: Process, call: str, number: int, *, path: Path | None = None) -> Iterator[None]:
    """While the block lasts: SIGKILL instead of the ``number``-th ``call`` of one of its threads (on ``path``)."""
    program = required_tracer()
    which = [] if path is None else ["-P", str(path)]
    inject = f"inject={call}:signal=SIGKILL:when={number}"
    command = [
        program,
        "-f",
        *which,
        "-e",
        f"trace={call}",
        "-e",
        inject,
        "-o",
        "/dev/null",
        "-p",
        str(process.pid),
    ]
    tracer = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
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
