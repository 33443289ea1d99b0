"""Threads for what takes long, apart from those that make pages: whoever waits there keeps nobody else waiting."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tracker.web.base.capacity import BusyError, Capacity

R = TypeVar("R")


@dataclass(frozen=True, eq=False)
class _Job:
    """Work that waits for a thread, or has one."""

    whose: Sequence[str]
    work: Callable[[], Any]
    future: Future[Any] = field(default_factory=Future)


class Pool:
    """``threads`` that work, with ``room`` for those who have them or wait.

    ``at_once`` is how many of the threads each name may have, as the bounds of a room are: whoever has theirs waits, and
    the next in the queue goes first.
    """

    def __init__(self, name: str, threads: int, room: Capacity, at_once: Sequence[int] = ()) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._lock = threading.Lock()
        self._waiting: list[_Job] = []
        self._at_work = Capacity(threads, *at_once)
        self.room = room

    async def run(self, whose: Sequence[str], work: Callable[[], R]) -> R:
        """What ``work`` makes, in these names.  Raises BusyError at once where there is no room."""
        self.room.take(whose)
        job = _Job(whose, work)
        with self._lock:
            self._waiting.append(job)
            self._begin()
        result: R = await asyncio.wrap_future(job.future)
        return result

    def _begin(self) -> None:
        for job in self._waiting.copy():
            try:
                self._at_work.take(job.whose)
            except BusyError:
                continue
            self._waiting.remove(job)
            self._executor.submit(self._do, job)

    def _do(self, job: _Job) -> None:
        # Whoever goes away leaves what was begun behind, and the room is taken until it is done.
        is_wanted = job.future.set_running_or_notify_cancel()
        try:
            result = job.work() if is_wanted else None
        except BaseException as error:  # noqa: BLE001 - it is theirs who wait for it
            self._end(job)
            job.future.set_exception(error)
        else:
            self._end(job)
            if is_wanted:
                job.future.set_result(result)

    def _end(self, job: _Job) -> None:
        self.room.give_back(job.whose)
        with self._lock:
            self._at_work.give_back(job.whose)
            self._begin()


def _signing_in() -> Pool:
    # Each check takes 64 MiB of memory, and most of a processor, for a moment.
    return Pool("sign-in", 2, Capacity(32, 4))


def _provider() -> Pool:
    # A provider that is slow to answer takes ten seconds for each question.
    return Pool("provider", 4, Capacity(16, 4))


def _writing() -> Pool:
    # The database takes one writer at a time and has 15 connections for them, of which mails need some.
    return Pool("writing", 8, Capacity(256))


def _filing() -> Pool:
    # Files are read one after another, and an archive may hold hundreds: of three threads a unit has one, and an address
    # two, so that whatever they send in, others find one.  All districts may have one address.
    return Pool("filing", 3, Capacity(64, 4, 48), (1, 2))


@dataclass(frozen=True)
class Pools:
    """Those of a process; everything else is done by the threads that make pages."""

    signing_in: Pool = field(default_factory=_signing_in)
    provider: Pool = field(default_factory=_provider)
    writing: Pool = field(default_factory=_writing)
    filing: Pool = field(default_factory=_filing)
