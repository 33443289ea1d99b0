"""Threads for what takes long, apart from those that make pages: whoever waits there keeps nobody else waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from tracker.web.room import Room

R = TypeVar("R")


class Pool:
    """``threads`` that work, with ``room`` for those who have them or wait."""

    def __init__(self, name: str, threads: int, room: Room) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self.room = room

    async def run(self, whose: Sequence[str], work: Callable[[], R]) -> R:
        """What ``work`` makes, in these names.  Raises BusyError at once where there is no room."""
        self.room.take(whose)
        future = self._executor.submit(work)
        # Whoever goes away leaves the work behind, and the room is taken until it is done.
        future.add_done_callback(lambda _: self.room.give_back(whose))
        return await asyncio.wrap_future(future)


def _signing_in() -> Pool:
    # Each check takes 64 MiB of memory, and most of a processor, for a moment.
    return Pool("sign-in", 2, Room(32, 4))


def _provider() -> Pool:
    # A provider that is slow to answer takes ten seconds for each question.
    return Pool("provider", 4, Room(16, 4))


def _writing() -> Pool:
    # The database takes one writer at a time and has 15 connections for them, of which mails need some.
    return Pool("writing", 8, Room(256))


def _filing() -> Pool:
    # Files are read one after another.
    return Pool("filing", 2, Room(64))


@dataclass(frozen=True)
class Pools:
    """Those of a process; everything else is done by the threads that make pages."""

    signing_in: Pool = field(default_factory=_signing_in)
    provider: Pool = field(default_factory=_provider)
    writing: Pool = field(default_factory=_writing)
    filing: Pool = field(default_factory=_filing)
