"""A mail server that does what a script says, in a thread of its own, and remembers what it took."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Self

Stage = Literal["connect", "ehlo", "auth", "mail", "rcpt", "data", "dot"]

#: Seconds between two signs of an answer that drips.
DRIP = 1.0

_ID = re.compile(rb"^Message-ID:\s*(<[^>]+>)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Said:
    """What the server is to answer now: the ``times``-th time that it is at this stage of a mail to ``to``.

    ``to`` is known from the recipient's command on, ``id_`` once the content has come.
    """

    stage: Stage
    to: str
    times: int
    id_: str = ""


@dataclass(frozen=True, slots=True)
class Lost:
    """No answer comes: the server hangs up, falls silent, or lets a sign go a second; it took the mail, or not."""

    how: Literal["close", "silence", "drip"]
    took: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """A mail that the server accepted, whether it managed to say so or not."""

    id_: str
    to: str
    content: bytes
    at: float


Answer = str | Lost | None
Script = Callable[[Said], Answer]


def takes_everything(_: Said) -> Answer:
    """None is the usual answer."""
    return None


class Server:
    """Plays ``script``; a 421 closes the connection.

    ``before_yes(taken)`` is called when a mail has been taken and the server has not said so yet,
    ``after_yes(taken)`` when it has; both in the server's thread.
    """

    def __init__(
        self, script: Script = takes_everything, *, pipelining: bool = True, knows_users: bool = False
    ) -> None:
        self.script = script
        self.extensions = ["PIPELINING"] * pipelining + ["AUTH PLAIN"] * knows_users
        self.taken: list[Taken] = []
        self.lost: list[str] = []
        self.asked: Counter[tuple[Stage, str]] = Counter()
        self.before_yes: Callable[[Taken], None] = lambda _: None
        self.after_yes: Callable[[Taken], None] = lambda _: None
        self.open = 0
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        made = asyncio.run_coroutine_threadsafe(asyncio.start_server(self._talk, "127.0.0.1", 0), self._loop)
        self._server = made.result(10)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *error: object) -> None:
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    @property
    def ids(self) -> list[str]:
        """Message-IDs as they were taken, copies included."""
        return [each.id_ for each in self.taken]

    def forget(self) -> None:
        """As if nothing had come yet."""
        self.taken, self.lost = [], []
        self.asked.clear()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            await self._converse(_Talk(reader, writer))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open -= 1
            writer.close()

    async def _converse(self, talk: _Talk) -> None:
        is_open = await self._answer(talk, "connect", "220 scripted")
        is_open &= talk.said.startswith("2")
        while is_open and (line := await talk.reader.readline()):
            word = line[:4].upper()
            if word in {b"EHLO", b"HELO"}:
                *first, last = ["scripted", *self.extensions]
                hello = "\r\n".join([*(f"250-{name}" for name in first), f"250 {last}"])
                is_open = await self._answer(talk, "ehlo", hello)
            elif word == b"AUTH":
                is_open = await self._answer(talk, "auth", "235 welcome")
            elif word in {b"MAIL", b"RCPT", b"DATA"}:
                is_open = await self._begin(talk, word, line)
            elif word == b"QUIT":
                await talk.say("221 bye")
                return
            else:
                await talk.say("250 ok")

    async def _begin(self, talk: _Talk, word: bytes, line: bytes) -> bool:
        if word == b"MAIL":
            talk.to = ""
            is_open = await self._answer(talk, "mail", "250 ok")
            talk.has_sender = talk.said.startswith("2")
            return is_open
        if not (talk.has_sender if word == b"RCPT" else talk.to):
            return await talk.say("503 something is missing")
        if word == b"RCPT":
            asked = line[line.index(b"<") + 1 : line.index(b">")].decode()
            is_open = await self._answer(talk, "rcpt", "250 ok", asked)
            talk.to = asked if talk.said.startswith("2") else talk.to
            return is_open
        is_open = await self._answer(talk, "data", "354 go on", talk.to)
        return await self._finish(talk, talk.to) if talk.said.startswith("354") else is_open

    async def _finish(self, talk: _Talk, to: str) -> bool:
        content = b""
        while (line := await talk.reader.readuntil(b"\r\n")) != b".\r\n":
            content += line
        found = _ID.search(content)
        assert found is not None
        taken = Taken(found[1].decode(), to, content, time.monotonic())
        answer = self._asked("dot", to, taken.id_)
        if isinstance(answer, Lost):
            self.lost.append(taken.id_)
            if answer.took:
                self.taken.append(taken)
            return await talk.lose(answer)
        said = answer or "250 taken"
        if not said.startswith("2"):
            return await talk.say(said)
        self.taken.append(taken)
        await asyncio.to_thread(self.before_yes, taken)
        is_open = await talk.say(said)
        await asyncio.to_thread(self.after_yes, taken)
        return is_open

    def _asked(self, stage: Stage, to: str, id_: str = "") -> Answer:
        self.asked[stage, to] += 1
        return self.script(Said(stage, to, self.asked[stage, to], id_))

    async def _answer(self, talk: _Talk, stage: Stage, usual: str, to: str = "") -> bool:
        """Whether the connection is still there afterwards."""
        answer = self._asked(stage, to)
        return await (talk.lose(answer) if isinstance(answer, Lost) else talk.say(answer or usual))


@dataclass(slots=True)
class _Talk:
    """One connection; ``said`` is the last answer; ``has_sender`` and ``to`` are what it knows of a mail."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    said: str = ""
    has_sender: bool = False
    to: str = ""

    async def say(self, answer: str) -> bool:
        self.said = answer
        self.writer.write(answer.encode() + b"\r\n")
        await self.writer.drain()
        return not answer.startswith("421")

    async def lose(self, answer: Lost) -> bool:
        self.said = ""
        if answer.how == "silence":
            await self.reader.read()
        elif answer.how == "drip":
            for sign in "250-so" + "-o" * 500:
                self.writer.write(sign.encode())
                await self.writer.drain()
                await asyncio.sleep(DRIP)
        return False
