"""Runs a piece of work, or any command, in a process of its own, and tells what it cost.

A process of its own has a peak memory of its own.  The parent must stay small, for Linux counts the parent's
memory at the moment of the start towards the child's peak: so nothing under ``bench`` imports the product,
except what runs in a child.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

ROOT = Path(__file__).resolve().parent.parent
#: Nothing here takes as long as this, unless it hangs.
PATIENCE = 300.0

Figures = dict[str, float]


class FailedError(Exception):
    """Something that was to be measured did not work; the text says what it said last."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a process said, and what it took: seconds on the clock and of CPU, and MB at its peak."""

    figures: Figures
    seconds: float
    cpu: float
    peak: float


def work(name: str, **given: object) -> Ran:
    """Run ``bench.work.MODULE:FUNCTION`` with the arguments ``given``; its figures are what it returns."""
    ran, output = _run([sys.executable, "-m", "bench.child", name, json.dumps(given)], ROOT, {}, keep=True)
    return Ran(json.loads(output.splitlines()[-1]), ran.seconds, ran.cpu, ran.peak)


def command(
    arguments: Sequence[str],
    folder: Path,
    environment: Mapping[str, str] | None = None,
    *,
    watch: Callable[[], bool] | None = None,
) -> Ran:
    """Run a command with its output thrown away.

    With ``watch``, the figure ``watched`` is how many seconds passed before it first returned True.
    """
    ran, _ = _run(list(arguments), folder, environment or {}, keep=False, watch=watch)
    return ran


def tracker(*arguments: str) -> list[str]:
    """The command that the installed script ``tracker`` runs."""
    return [sys.executable, "-c", "from tracker.cli.main import main; main()", *arguments]


def _run(
    arguments: list[str],
    folder: Path,
    environment: Mapping[str, str],
    *,
    keep: bool,
    watch: Callable[[], bool] | None = None,
) -> tuple[Ran, str]:
    outside = {name: value for name, value in os.environ.items() if not name.startswith("TRACKER_")}
    start = time.perf_counter()
    process = subprocess.Popen(
        arguments,
        cwd=folder,
        env={**outside, "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE if keep else subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    said: list[bytes] = []
    listener = threading.Thread(target=lambda: said.append(cast("Any", process.stderr).read()), daemon=True)
    listener.start()
    guard = threading.Timer(PATIENCE, process.kill)
    guard.start()
    try:
        watched = _watch(start, watch) if watch else 0.0
        output = process.stdout.read().decode() if process.stdout is not None else ""
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
    finally:
        guard.cancel()
        if process.returncode is None:
            process.kill()
            process.wait()
    listener.join(5)
    if process.returncode != 0:
        raise FailedError(f"{arguments} failed ({process.returncode}):\n{b''.join(said).decode()[-4000:]}")
    cpu = usage.ru_utime + usage.ru_stime
    return Ran({"watched": watched}, seconds, cpu, megabytes(usage.ru_maxrss)), output


def _watch(start: float, happened: Callable[[], bool]) -> float:
    while not happened():
        if time.perf_counter() - start > PATIENCE:
            raise FailedError("what was waited for did not happen")
        time.sleep(0.001)
    return time.perf_counter() - start


def megabytes(maxrss: int) -> float:
    """The kernel's unit is KiB, on a Mac bytes."""
    return maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)


def _main() -> None:
    name, given = sys.argv[1:]
    module, _, function = name.partition(":")
    figures = getattr(importlib.import_module(f"bench.work.{module}"), function)(**json.loads(given))
    sys.stdout.write(f"{json.dumps(figures)}\n")


if __name__ == "__main__":
    _main()
