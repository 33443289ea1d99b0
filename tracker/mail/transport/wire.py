"""The two ends of a mail conversation's wire: bytes out, the server's answers in, and a limit on silence.

An ``asyncio.Protocol`` of its own rather than streams: answers that arrive together, as they do with
PIPELINING, are taken apart in one go, and one timer watches over a whole conversation.
"""

from __future__ import annotations

import asyncio
from collections import deque

from tracker.mail.transport.replies import Reply

#: More than this in one answer is no answer to a mail.
LARGEST_ANSWER = 64 * 1024


class LostError(Exception):
    """The conversation broke off: closed, silent for too long, or no longer understood."""


class Wire(asyncio.Protocol):
    """Made over an open transport, which it takes over.

    ``patience`` is how many seconds it bears in which nothing goes on: no byte of ours is taken, no answer comes.
    """

    def __init__(self, transport: asyncio.Transport, patience: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        self._patience = patience
        self._rest = b""
        self._texts: list[str] = []
        self._size = 0
        self._replies: deque[Reply] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._lost: str | None = None
        self._closed = asyncio.Event()
        self._unsent = 0
        self._bears = patience
        self._deadline = self._loop.time() + patience
        self._watch = self._loop.call_at(self._deadline, self._look_at_clock)
        transport.set_protocol(self)

    @property
    def is_open(self) -> bool:
        """As far as is known without asking; an answer that nobody has asked for is no good sign."""
        return self._lost is None and not self._replies and not self._transport.is_closing()

    def write(self, data: bytes) -> None:
        """Send ``data``, in the background: more is never written before it has been answered."""
        self._transport.write(data)
        self._unsent = self._transport.get_write_buffer_size()

    async def reply(self, patience: float | None = None) -> Reply:
        """The next answer of the server, borne ``patience`` for this once.  Raises LostError."""
        if not self._replies:
            self._bears = self._patience if patience is None else patience
            self._deadline = self._loop.time() + (self._patience if self._unsent else self._bears)
            if self._watch.when() > self._deadline:
                self._watch.cancel()
                self._watch = self._loop.call_at(self._deadline, self._look_at_clock)
            await self._wait()
        return self._replies.popleft()

    async def close(self) -> None:
        """Hang up, and see it through: TLS has a goodbye of its own."""
        self._watch.cancel()
        self._transport.close()
        await self._closed.wait()

    def abort(self) -> None:
        """Hang up without a word, in the background."""
        self._watch.cancel()
        self._transport.abort()

    async def _wait(self) -> None:
        if self._lost is not None:
            raise LostError(self._lost)
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
        if not self._replies:
            raise LostError(self._lost or "the connection was lost")

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _look_at_clock(self) -> None:
        now, unsent = self._loop.time(), self._transport.get_write_buffer_size()
        if unsent < self._unsent:
            # It takes what we say, if slowly.
            self._deadline = now + (self._patience if unsent else self._bears)
        self._unsent = unsent
        if now < self._deadline or self._waiter is None:
            # Nobody waits, or not for long yet.
            self._watch = self._loop.call_at(
                max(self._deadline, now + self._patience / 4), self._look_at_clock
            )
        else:
            self._break_off("no answer in time")

    def _break_off(self, why: str) -> None:
        self._lost = self._lost or why
        self._watch.cancel()
        self._transport.abort()
        self._wake()

    # --- what asyncio calls ----------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Take whole lines apart; an answer's last line has no ``-`` after its code."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._size += len(data)
        for line in lines:
            code, more = line[:3], line[3:4]
            if not code.isdigit() or more not in (b" ", b"-", b"\r", b""):
                self._break_off("the server’s answer is not SMTP")
                return
            self._texts.append(line[4:].decode("utf-8", "replace").strip())
            if more != b"-":
                self._replies.append(Reply(int(code), " ".join(self._texts)))
                self._texts = []
                self._size = 0
        if self._size > LARGEST_ANSWER:
            self._break_off("the server’s answer does not end")
        elif self._replies:
            self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """The other side has hung up, or we have."""
        self._lost = self._lost or (str(exc) if exc else "the connection was closed")
        self._closed.set()
        self._watch.cancel()
        self._wake()
