"""``tracker`` processes that are there at once: forks of one that has everything imported, and waits.

Hundreds of processes are killed here, and their imports would take most of the time.  A fork runs the command line
as it is, in a folder, an environment and a session of its own.  FACTS is what would make a test long otherwise:
``clock``, seconds that its clock is ahead; ``timeout``, how long a mail server may be silent; ``claim``, how
many mails are taken at once; ``lease``, the lease in seconds; ``threads``, how many threads work beside an event loop;
``is_restless``, whether it looks for work every second.

``python -m tests.torture.ready`` is the one that waits: a line of JSON for each thing that it is asked.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import logging
import os
import pkgutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping
from concurrent import futures
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from tests.tools import clean_environ

#: What the product imports at its first need, beside its own modules.
LATER = (
    "aiosmtplib",
    "concurrent.futures.thread",
    "sqlalchemy.dialects.sqlite",
    "sqlalchemy.dialects.postgresql.psycopg",
)


@dataclass(slots=True)
class Process:
    """One of the forks; ``go`` is the file that it waits for."""

    pid: int
    log: Path
    go: Path

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def let_go(self) -> None:
        self.go.touch()

    def kill(self, number: int = signal.SIGKILL) -> None:
        os.kill(self.pid, number)

    def wait(self, seconds: float = 60) -> int:
        """Its exit code; that of a signal is negative."""
        code = _asked({"wait": self.pid, "seconds": seconds})["code"]
        assert code is not None, f"it does not end:\n{self.said()}"
        return int(code)

    def end(self) -> None:
        """However it stands with it, it is gone afterwards."""
        if _asked({"wait": self.pid, "seconds": 0})["code"] is None:
            self.kill()
            self.wait()


def start(
    folder: Path,
    *arguments: str,
    facts: Mapping[str, float] | None = None,
    waits: bool = False,
    **environ: str,
) -> Process:
    """``tracker ARGUMENTS`` in ``folder``; one that ``waits`` does nothing until it is let go."""
    number = len(list(folder.glob("tracker-*.log")))
    log, go = folder / f"tracker-{number}.log", folder / f"go-{number}"
    log.touch()
    if not waits:
        go.touch()
    told = _asked(
        {
            "folder": str(folder),
            "arguments": arguments,
            "environ": clean_environ(environ),
            "facts": dict(facts or {}),
            "log": str(log),
            "go": str(go),
        }
    )
    return Process(int(told["pid"]), log, go)


@cache
def _keeper() -> subprocess.Popen[str]:
    keeper = subprocess.Popen(
        [sys.executable, "-m", "tests.torture.ready"],
        env=clean_environ({}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(keeper.terminate)
    return keeper


def _asked(request: Mapping[str, object]) -> dict[str, Any]:
    keeper = _keeper()
    assert keeper.stdin is not None
    assert keeper.stdout is not None
    keeper.stdin.write(json.dumps(request) + "\n")
    keeper.stdin.flush()
    answer = keeper.stdout.readline()
    assert answer, "the process that keeps the others ready is gone"
    return dict(json.loads(answer))


# In the process that waits, and in its forks.


def _import_everything() -> None:
    import tracker

    for module in pkgutil.walk_packages(tracker.__path__, "tracker."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in LATER:
        importlib.import_module(name)


def _prepare(facts: Mapping[str, float]) -> None:
    """Put the short times in place."""
    from tracker import clock
    from tracker.daemon import scheduler
    from tracker.mail.transport import opening
    from tracker.outbox import queue, results
    from tracker.service import engine

    if "timeout" in facts:
        assert opening.open_transport.__kwdefaults__ is not None
        opening.open_transport.__kwdefaults__ |= dict.fromkeys(("timeout", "last_answer"), facts["timeout"])
    if "claim" in facts:
        engine.CLAIM = engine.FEW = int(facts["claim"])
    if "lease" in facts:
        lease = timedelta(seconds=facts["lease"])
        for module in (queue, engine, results):
            module.LEASE = lease  # type: ignore[attr-defined]
        queue.LAST_MINUTE = lease / 4
    if facts.get("is_restless"):
        scheduler.TICK = "*"
    if facts.get("is_at_terminal"):
        sys.stdout.isatty = lambda: True  # type: ignore[method-assign]
    if "threads" in facts:
        futures.ThreadPoolExecutor.__init__.__defaults__ = (
            int(facts["threads"]),
            *futures.ThreadPoolExecutor.__init__.__defaults__[1:],  # type: ignore[index]
        )
    if "clock" in facts:
        ahead, real = timedelta(seconds=facts["clock"]), clock.SystemClock.now
        clock.SystemClock.now = lambda self: real(self) + ahead  # type: ignore[method-assign]


def _serve() -> dict[str, Any] | None:
    """Until nobody asks any more; in a fork, what it is to do."""
    for line in sys.stdin:
        request = json.loads(line)
        if "wait" in request:
            answer: dict[str, object] = {"code": _awaited(request["wait"], request["seconds"])}
        else:
            pid = os.fork()
            if pid == 0:
                return dict(request)
            answer = {"pid": pid}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    return None


_ended: dict[int, int] = {}


def _awaited(pid: int, seconds: float) -> int | None:
    end = time.monotonic() + seconds
    while pid not in _ended:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            _ended[pid] = os.waitstatus_to_exitcode(status)
        elif time.monotonic() > end:
            return None
        else:
            time.sleep(0.002)
    return _ended[pid]


def _become(request: Mapping[str, Any]) -> None:
    os.setsid()
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environ"])
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(request["log"], os.O_WRONLY | os.O_APPEND)
    for number, new in ((0, nothing), (1, log), (2, log)):
        os.dup2(new, number)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _prepare(request["facts"])
    sys.argv = ["tracker", *request["arguments"]]
    while not Path(request["go"]).exists():
        time.sleep(0.001)

    from tracker.cli.main import main

    code = 1
    try:
        main(request["arguments"])
    except SystemExit as left:
        code = int(left.code or 0)
    finally:
        # Without the interpreter's own end, which has all those imports to clear away.
        if sys.exc_info()[0] is not None:
            traceback.print_exc()
        logging.shutdown()
        sys.stdout.flush()
        os._exit(code)


if __name__ == "__main__":
    _import_everything()
    gc.freeze()
    wanted = _serve()
    if wanted is not None:
        _become(wanted)
