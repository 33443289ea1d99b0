"""The month's end: everything of 3,000 units is due today, and the mail server is slow, unreliable, or not there."""

from __future__ import annotations

import asyncio
import json
import random
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.tools import CAMPAIGN, ROOT, Place, clean_environ, many_units, quick_folder
from tests.trust.score import score

pytestmark = [pytest.mark.torture, pytest.mark.fault("load")]

UNITS = 3000
#: The server's memory is not ours; what the product may need beyond what it has when nothing is to be sent.
MEMORY_MB = 150
SETTINGS = "mail:\n  from: {name: 督办, email: tracker@kaoshi.internal}\n  connections: 20\n# 全文完\n"
ID = re.compile(rb"^Message-ID:\s*(<[^>]+>)", re.IGNORECASE | re.MULTILINE)


class BurstServer:
    """Speaks just enough SMTP.  ``delay`` seconds before each answer; shares of mails refused, of answers lost."""

    def __init__(self, *, delay: float = 0, refused: float = 0, lost: float = 0, dead_for: float = 0) -> None:
        self.delay, self.refused, self.lost, self.dead_for = delay, refused, lost, dead_for
        self.chance = random.Random(7)
        self.accepted: list[str] = []
        self.unanswered: list[str] = []
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    async def serve(self, stop: asyncio.Event) -> None:
        await asyncio.sleep(self.dead_for)
        async with await asyncio.start_server(self._converse, "127.0.0.1", self.port, limit=1 << 22):
            await stop.wait()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 burst\r\n")
        while line := await reader.readline():
            await asyncio.sleep(self.delay)
            verb = line[:4].upper()
            if verb == b"DATA":
                writer.write(b"354 go on\r\n")
                data = await reader.readuntil(b"\r\n.\r\n")
                await asyncio.sleep(self.delay)
                if not self._take(data, writer):
                    break
            elif verb == b"QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"250 ok\r\n")
        writer.close()

    def _take(self, data: bytes, writer: asyncio.StreamWriter) -> bool:
        """Whether the conversation goes on."""
        fate = self.chance.random()
        if fate < self.refused:
            writer.write(b"451 4.7.1 try again later\r\n")
            return True
        found = ID.search(data)
        assert found is not None
        self.accepted.append(found[1].decode())
        if fate < self.refused + self.lost:
            self.unanswered.append(found[1].decode())
            return False
        writer.write(b"250 taken\r\n")
        return True


@contextmanager
def running(server: BurstServer) -> Iterator[None]:
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(server.serve(stop)))
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


@pytest.mark.parametrize(
    ("name", "conditions"),
    [
        ("slow", {"delay": 0.05}),
        ("unreliable", {"refused": 0.10, "lost": 0.02}),
        ("dead, then back", {"dead_for": 8.0}),
    ],
)
def test_the_burst_of_the_months_end(name, conditions, figures):
    """Everything of 3,000 units is due the same day."""
    server = BurstServer(**conditions)
    with quick_folder() as folder:
        Place(folder, tasks=CAMPAIGN, units=many_units(UNITS, "unit.internal"), settings=SETTINGS)
        with running(server):
            done = subprocess.run(
                [sys.executable, "-m", "tests.torture.burst", str(folder), str(server.port)],
                cwd=ROOT, env=clean_environ({}), capture_output=True, text=True, timeout=400, check=False,
            )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    counted = json.loads(done.stdout)
    states = counted.pop("states")
    found = score(states, server.accepted, server.unanswered)
    failures = counted.pop("page failures")
    figures |= {"server": name, "mails": len(states), "score": found, **counted}
    assert len(states) >= UNITS
    assert set(states.values()) == {"sent"}
    assert found.holds
    assert found.lost == 0
    assert found.duplicates <= len(server.unanswered)
    assert counted["MB at most"] - counted["MB before"] < MEMORY_MB
    assert failures == []
    assert counted["pages' 99th percentile, s"] < 2
