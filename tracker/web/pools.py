"""Threads for what takes long, apart from those that make pages: whoever waits there keeps nobody else waiting."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from starlette.exceptions import HTTPException

from tracker.web.throttle import place_of

#: Seconds after which whoever was refused may ask again.
AGAIN = 2

R = TypeVar("R")


class BusyError(HTTPException):
    """There is no room; nothing was done."""

    def __init__(self) -> None:
        super().__init__(503, headers={"Retry-After": str(AGAIN)})


class Pool:
    """``threads`` that work, with room for ``most`` who have them or wait, and for ``of_address`` from one address."""

    def __init__(self, name: str, threads: int, most: int, of_address: int | None = None) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._most = most
        self._of_address = of_address or most
        self._lock = threading.Lock()
        self._there: Counter[str] = Counter()

    async def run(self, address: str, work: Callable[[], R]) -> R:
        """What ``work`` makes, for somebody at ``address``.  Raises BusyError at once where there is no room."""
        place = place_of(address)
        with self._lock:
            if self._there.total() >= self._most or self._there[place] >= self._of_address:
                raise BusyError
            self._there[place] += 1
        future = self._executor.submit(work)
        # Whoever goes away leaves the work behind, and the room is taken until it is done.
        future.add_done_callback(lambda _: self._leave(place))
        return await asyncio.wrap_future(future)

    def _leave(self, place: str) -> None:
        with self._lock:
            self._there[place] -= 1
            if not self._there[place]:
                del self._there[place]


def _signing_in() -> Pool:
    # Each check takes 64 MiB of memory, and most of a processor, for a moment.
    return Pool("sign-in", 2, 32, 4)


def _provider() -> Pool:
    # A provider that is slow to answer takes ten seconds for each question.
    return Pool("provider", 4, 16, 4)


def _writing() -> Pool:
    # The database takes one writer at a time and has 15 connections for them, of which mails need some.
    return Pool("writing", 8, 256)


def _filing() -> Pool:
    # Files are read one after another.
    return Pool("filing", 2, 64)


@dataclass(frozen=True)
class Pools:
    """Those of a process; everything else is done by the threads that make pages."""

    signing_in: Pool = field(default_factory=_signing_in)
    provider: Pool = field(default_factory=_provider)
    writing: Pool = field(default_factory=_writing)
    filing: Pool = field(default_factory=_filing)
