"""Lets go of the post when the service is told to stop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.outbox.queue import Claimed
from tracker.outbox.results import Result
from tracker.service.transactions import Sender

#: Told to stop, mails that are on their way get so many seconds to arrive.
LAST_MAILS = 2.5


class StoppingError(Exception):
    """There is no time left to send anything."""


class StoppableSender:
    """Another sender that lets go of the post soon after ``stop`` is set.

    Mails that are on their way then get ``LAST_MAILS`` seconds; the others stay claimed, and whoever starts
    next takes them over when the lease has run out.
    """

    def __init__(self, sender: Sender, stop: threading.Event) -> None:
        self._sender = sender
        self._stop = stop

    async def send(
        self, mails: Sequence[Claimed], snapshot: CampaignSnapshot
    ) -> AsyncGenerator[Result, None]:
        """Results as they come, until ``stop``."""
        if self._stop.is_set():
            raise StoppingError
        source = self._sender.send(mails, snapshot)
        results: asyncio.Queue[Result | None] = asyncio.Queue()
        pump = asyncio.create_task(_pump(source, results))
        waited = 0.0
        try:
            while True:
                try:
                    result = await asyncio.wait_for(results.get(), 0.25)
                except TimeoutError:
                    waited += 0.25 if self._stop.is_set() else 0
                    if waited >= LAST_MAILS:
                        return
                    continue
                if result is None:
                    break
                yield result
                results.task_done()
            await pump
        finally:
            pump.cancel()
            await asyncio.gather(pump, return_exceptions=True)

    async def close(self) -> None:
        """Let go of connections."""
        await self._sender.close()


async def _pump(source: AsyncGenerator[Result, None], results: asyncio.Queue[Result | None]) -> None:
    try:
        async with aclosing(source):
            async for result in source:
                results.put_nowait(result)
                # Nothing goes out behind the back of whoever has yet to write down what did.
                await results.join()
    finally:
        results.put_nowait(None)
