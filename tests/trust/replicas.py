"""Several services on one database before one mail server that remembers what it took; and their score."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import psycopg

from tests import postgres
from tests.tools import CAMPAIGN, Place, clean_environ, many_units, quick_folder, wait_until
from tests.trust.score import Score, score
from tracker.clock import SystemClock
from tracker.store.tables import MailState

#: What every clock shows when the services start: a Wednesday, on which both the table and the list are late.
MOMENT = datetime(2022, 6, 8, 2, 0, tzinfo=UTC)

SETTINGS = """\
mail:
  from: {{name: 督办提醒, email: tracker@kaoshi.internal}}
  transport: smtp+plain://127.0.0.1:{port}
operator: {{name: 管理员, email: operator@kaoshi.internal}}
"""

#: A file in the place itself, where there is no PostgreSQL.
SQLITE = "sqlite:///var/tracker.db"

_ID = re.compile(rb"^Message-ID:\s*(<[^>]+>)", re.IGNORECASE | re.MULTILINE)


class Post:
    """A mail server that takes everything, each mail after ``seconds``; ``accepted`` has (Message-ID, bytes) in order.

    While it ``holds``, it greets nobody: who comes has mails in hand, and waits.
    """

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.accepted: list[tuple[str, bytes]] = []
        self.port = 0
        self._greets = asyncio.Event()
        self._greets.set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        made = asyncio.run_coroutine_threadsafe(asyncio.start_server(self._talk, "127.0.0.1", 0), self._loop)
        self._server = made.result(5)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *error: object) -> None:
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    @property
    def ids(self) -> list[str]:
        """Message-IDs as they were taken, copies included."""
        return [id_ for id_, _ in self.accepted]

    @contextlib.contextmanager
    def holds(self) -> Iterator[None]:
        """Nobody gets further than to the door."""
        self._greets.clear()
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(self._greets.set)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._greets.wait()
            writer.write(b"220 post\r\n")
            while line := await reader.readline():
                word = line[:4].upper()
                if word == b"EHLO":
                    writer.write(b"250-post\r\n250 PIPELINING\r\n")
                elif word == b"DATA":
                    writer.write(b"354 go on\r\n")
                    await writer.drain()
                    content = await reader.readuntil(b"\r\n.\r\n")
                    await asyncio.sleep(self.seconds)
                    found = _ID.search(content)
                    assert found is not None
                    self.accepted.append((found[1].decode(), content))
                    writer.write(b"250 taken\r\n")
                elif word == b"QUIT":
                    writer.write(b"221 bye\r\n")
                    break
                else:
                    writer.write(b"250 ok\r\n")
                await writer.drain()
        writer.close()


@dataclass
class Replica:
    """One of the services; ``name`` is how it signs its claims."""

    process: subprocess.Popen[bytes]
    log: Path
    ready: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def send(self, number: int) -> None:
        self.process.send_signal(number)


def _seconds_ahead() -> float:
    return (MOMENT - SystemClock().now()).total_seconds()


@dataclass
class Race:
    """Services on one database, a mail server, and what is known of them."""

    place: Place
    post: Post
    url: str
    lease: float
    claim: int
    replicas: list[Replica] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    started: float = 0.0
    ahead: float = field(default_factory=_seconds_ahead)

    def start(self, count: int, *arguments: str, wait: bool = True) -> list[Replica]:
        """So many more services, all at the same moment; with ``wait`` once all of them stand at the line."""
        go = self.place.folder / f"go-{len(self.replicas)}"
        new = [self._start(go, arguments) for _ in range(count)]
        if wait:
            wait_until(lambda: all(each.ready.exists() for each in new), 60)
        go.touch()
        if not self.started:
            self.started = time.monotonic()
        return new

    def _start(self, go: Path, arguments: tuple[str, ...]) -> Replica:
        number = len(self.replicas)
        folder = self.place.folder
        ready, log = folder / f"ready-{number}", folder / f"replica-{number}.log"
        facts = {
            "lease": self.lease,
            "claim": self.claim,
            "clock": self.ahead,
            "ready": str(ready),
            "go": str(go),
        }
        with log.open("w") as file:
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "tests.trust.replica",
                    json.dumps(facts),
                    "run",
                    "--no-web",
                    *arguments,
                ],
                cwd=folder,
                env=clean_environ({"TRACKER_DATABASE": self.url}),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )
        self.replicas.append(Replica(process, log, ready))
        return self.replicas[-1]

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        if self.url == SQLITE:
            return list(self.place.query(statement))
        return postgres.run(self.url, statement)

    def states(self) -> Counter[str]:
        return Counter(str(state) for (state,) in self.rows("SELECT state FROM mail"))

    def in_hand(self, replica: Replica) -> list[str]:
        """What a service that does nothing any more had sent, and had not written down."""
        taken = set(self.post.ids)
        rows = self.rows(
            f"SELECT message_id FROM mail WHERE state = 'claimed' AND claimed_by LIKE '%/{replica.pid}'"
        )
        return [str(id_) for (id_,) in rows if id_ in taken]

    def wait_for_mails(self, count: int, seconds: float = 60) -> None:
        """Until the server has so many."""
        wait_until(lambda: len(self.post.accepted) >= count, seconds, self.said)

    def wait_until_all_is_sent(self, count: int, seconds: float = 90) -> float:
        """Until the outbox has so many digests and all mails are sent; how long that took since the start."""
        wait_until(self._is_sent(count), seconds, lambda: f"{self._states_or_none()}\n{self.said()}")
        return time.monotonic() - self.started

    def _is_sent(self, count: int) -> Callable[[], bool]:
        def holds() -> bool:
            # The operator may hear of something beside them.
            digests = "SELECT count(*) FROM mail WHERE kind = 'digest'"
            with contextlib.suppress(psycopg.Error, sqlite3.OperationalError):
                return set(self.states()) == {MailState.SENT.value} and self.rows(digests) == [(count,)]
            return False

        return holds

    def _states_or_none(self) -> Counter[str] | None:
        with contextlib.suppress(psycopg.Error, sqlite3.OperationalError):
            return self.states()
        return None

    def score(self) -> Score:
        enqueued = {str(id_): str(state) for id_, state in self.rows("SELECT message_id, state FROM mail")}
        return score(enqueued, self.post.ids, self.unanswered)

    def claims(self) -> list[int]:
        """How many mails each service claimed last, in the order in which they were started."""
        rows = self.rows(
            "SELECT claimed_by, count(*) FROM mail WHERE claimed_by IS NOT NULL GROUP BY claimed_by"
        )
        by_pid = {int(str(who).rpartition("/")[2]): int(str(count)) for who, count in rows}
        return [by_pid.get(each.pid, 0) for each in self.replicas]

    def are_at_work(self, count: int) -> bool:
        """Whether so many services have claimed mails."""
        with contextlib.suppress(psycopg.Error, sqlite3.OperationalError):
            return sum(1 for each in self.claims() if each) >= count
        return False

    def said(self) -> str:
        return "\n".join(f"--- {number}\n{each.said()}" for number, each in enumerate(self.replicas))

    def assert_no_trouble(self) -> None:
        """Nobody met a bug on the way, whatever the faults were."""
        assert "Traceback" not in self.said(), self.said()

    def end(self) -> None:
        for each in self.replicas:
            with contextlib.suppress(ProcessLookupError):
                os.kill(each.pid, signal.SIGCONT)
                each.process.kill()
            each.process.wait()


@contextlib.contextmanager
def race(
    *, units: int = 100, seconds: float = 0.0, lease: float = 30.0, claim: int = 20, url: str | None = None
) -> Iterator[Race]:
    """A place with so many units, whose mails the server takes ``seconds`` for each; nobody has started yet."""
    own = url or postgres.empty()
    with quick_folder() as folder, Post(seconds) as post:
        place = Place(
            folder,
            tasks=CAMPAIGN,
            units=many_units(units, "unit.internal"),
            settings=SETTINGS.format(port=post.port),
        )
        running = Race(place, post, own, lease, claim)
        try:
            yield running
        finally:
            running.end()
    if url is None:
        postgres.drop(own)


def tell(figures: dict[str, object], running: Race, taken: float, **more: object) -> None:
    """The figures of a run, for the page of faults."""
    figures["processes"] = len(running.replicas)
    figures["mails"] = len(running.rows("SELECT 1 FROM mail"))
    figures["claims"] = " + ".join(str(count) for count in running.claims())
    figures["score"] = running.score()
    figures["seconds"] = taken
    figures.update({name.replace("_", " "): value for name, value in more.items()})
