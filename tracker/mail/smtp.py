"""Sends mails to a server over a few connections that stay open, and tells what became of each."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing

from tracker.mail.mailbox import LOT, MailboxTransport
from tracker.mail.replies import Judge, Reply
from tracker.mail.session import CannotConnectError, Progress, Server, Session, Stage, connect, is_sendable
from tracker.mail.transport import Delivery, Envelope, Outcome, is_reserved
from tracker.mail.wire import LostError

_log = logging.getLogger(__name__)

#: Many servers take only so many mails in one conversation.
MAILS_PER_CONNECTION = 100
#: An envelope whose conversation broke off before its content went out is tried so often in one delivery.
TRIES = 2
#: Nothing is begun while so many results wait to be taken: what went out and is not written down may go twice.
UNTAKEN = 20


class SmtpTransport:
    """Sends over up to ``connections`` conversations, kept open between deliveries until ``close``.

    Mail for reserved domains goes to ``local`` instead, whatever the server would say.
    """

    def __init__(self, server: Server, local: MailboxTransport, judge: Judge, *, connections: int) -> None:
        self.server = server
        self.local = local
        self.connections = max(1, connections)
        self.judge = judge
        self._idle: list[Session] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        if server.security == "plain":
            _log.warning("mail to %s goes in plain text: anybody on the way can read it", server)

    async def deliver(self, envelopes: Iterable[Envelope]) -> AsyncGenerator[Delivery, None]:
        """Results as they come; see ``Transport.deliver``."""
        self._forget_other_loop()
        async with aclosing(_Run(self, iter(envelopes)).deliveries()) as deliveries:
            async for delivery in deliveries:
                yield delivery

    async def check(self) -> str | None:
        """Connect, encrypt, log in and leave."""
        try:
            session = await connect(self.server)
        except CannotConnectError as error:
            return str(error)
        await session.quit()
        return None

    async def close(self) -> None:
        """Say goodbye on every open conversation."""
        self._forget_other_loop()
        idle, self._idle = self._idle, []
        await asyncio.gather(*(session.quit() for session in idle))

    async def take(self) -> Session:
        """An open conversation, an idle one if there is one.  Raises CannotConnectError."""
        while self._idle:
            session = self._idle.pop()
            if session.is_open:
                return session
            session.abandon()
        return await connect(self.server)

    async def give_back(self, session: Session) -> None:
        """Keep it for the next mail, unless it has carried enough."""
        if session.sent >= MAILS_PER_CONNECTION:
            await session.quit()
        elif session.is_open:
            self._idle.append(session)
        else:
            session.abandon()

    def _forget_other_loop(self) -> None:
        """Conversations belong to the event loop that they were opened in."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._idle.clear()
            self._loop = loop


class _Run:
    """One delivery: some workers draw envelopes from one source and put what became of them into one queue."""

    def __init__(self, transport: SmtpTransport, source: Iterator[Envelope]) -> None:
        self.transport = transport
        self.server = transport.server
        self.judge = transport.judge
        self._source = source
        self._given_back: deque[Envelope] = deque()
        self._tries: dict[int, int] = {}
        self._held: dict[str, str] = {}
        self._done: asyncio.Queue[Delivery | None] = asyncio.Queue()
        self._local: asyncio.Queue[Envelope | None] = asyncio.Queue(maxsize=4 * LOT)
        self._working = 0
        self._failure: Exception | None = None
        self._has_room = asyncio.Event()
        self._has_room.set()

    async def deliveries(self) -> AsyncGenerator[Delivery, None]:
        running = asyncio.create_task(self._run())
        try:
            while (delivery := await self._done.get()) is not None:
                if self._done.qsize() < UNTAKEN:
                    self._has_room.set()
                yield delivery
            await running
            if self._failure is not None:
                raise self._failure
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async def _run(self) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                local = tasks.create_task(self._keep_local())
                workers = [tasks.create_task(self._work()) for _ in range(self.transport.connections)]
                await asyncio.wait(workers)
                await self._local.put(None)
                await local
        finally:
            self._done.put_nowait(None)

    def _tell(self, envelope: Envelope, outcome: Outcome, detail: str, **more: bool) -> None:
        self._tries.pop(envelope.id, None)
        self._done.put_nowait(Delivery(envelope.id, outcome, detail, **more))
        if self._done.qsize() >= UNTAKEN:
            self._has_room.clear()

    # --- what never leaves the machine -----------------------------------------------------------------

    async def _keep_local(self) -> None:
        is_last = False
        while not is_last:
            lot = [await self._local.get()]
            while not self._local.empty() and len(lot) < LOT:
                lot.append(self._local.get_nowait())
            is_last = lot[-1] is None
            envelopes = [envelope for envelope in lot if envelope is not None]
            if envelopes:
                for delivery in await asyncio.to_thread(self.transport.local.store, envelopes):
                    self._done.put_nowait(delivery)

    # --- what goes to the server -----------------------------------------------------------------------

    async def _next(self) -> Envelope | None:
        """The next envelope that is to be tried on the server."""
        while True:
            await self._has_room.wait()
            envelope = self._given_back.popleft() if self._given_back else self._draw()
            if envelope is None:
                return None
            if not envelope.may_go():
                continue
            if is_reserved(envelope.to):
                await self._local.put(envelope)
            elif not (is_sendable(envelope.to) and is_sendable(envelope.sender)):
                self._tell(
                    envelope, Outcome.FAILED, f"“{envelope.to}” cannot stand in a command to the server"
                )
            elif (held := self._held.get(_domain(envelope))) is not None:
                why = f"held back after another mail for the same domain: {held}"
                self._tell(envelope, Outcome.DEFERRED, why, is_tried=False)
            else:
                return envelope

    def _draw(self) -> Envelope | None:
        """From the caller's iterable; if that fails, what is under way is finished first."""
        try:
            return next(self._source, None)
        except Exception as error:  # noqa: BLE001 - raised again when the last mail is told
            self._failure = error
            self._source = iter(())
            return None

    async def _work(self) -> None:
        self._working += 1
        session: Session | None = None
        try:
            while (envelope := await self._next()) is not None:
                try:
                    session = await self.transport.take()
                except CannotConnectError as error:
                    self._given_back.appendleft(envelope)
                    if self._working == 1:
                        await self._defer_the_rest(str(error))
                    # Others may still have a connection: the server need not like as many as we.
                    return
                await self._converse(session, envelope)
                await self.transport.give_back(session)
                session = None
        finally:
            self._working -= 1
            if session is not None:
                session.abandon()

    async def _defer_the_rest(self, why: str) -> None:
        while (envelope := await self._next()) is not None:
            self._tell(envelope, Outcome.DEFERRED, why, is_tried=False)

    async def _converse(self, session: Session, envelope: Envelope | None) -> None:
        """Send mails, the first of them ``envelope``, until there are no more or the session has had enough."""
        ready: Envelope | None = None
        while envelope is not None or ready is not None:
            progress = Progress()
            if ready is not None and not ready.may_go():
                # The server waits for its content and gets none: such a mail is not taken.
                session.abandon()
                if envelope is not None:
                    self._given_back.append(envelope)
                return
            try:
                await session.step(ready, envelope, progress)
            except LostError as error:
                self._lost(ready, envelope, progress, str(error))
                return
            if ready is not None and progress.finished is not None:
                self._answered(ready, progress.finished, None)
            ready = None
            if envelope is not None and progress.begun is not None:
                if progress.begun.code == 354:
                    ready = envelope
                elif self._is_closing(progress.begun):
                    self._again(envelope, f"{self.server} said {progress.begun}")
                    session.abandon()
                    return
                else:
                    self._answered(envelope, progress.begun, progress.stage)
            enough = session.sent + (ready is not None) >= MAILS_PER_CONNECTION
            envelope = None if enough else await self._next()

    def _is_closing(self, reply: Reply) -> bool:
        return reply.code == 421 and self.judge.verdict(reply) != "too_fast"

    def _lost(self, ready: Envelope | None, envelope: Envelope | None, progress: Progress, why: str) -> None:
        if ready is not None:
            if progress.finished is not None:
                self._answered(ready, progress.finished, None)
            elif not progress.content_sent:
                self._again(ready, f"{self.server} broke off: {why}")
            else:
                detail = f"{self.server} had the whole mail and did not say whether it took it: {why}"
                self._tell(ready, Outcome.UNCERTAIN, detail)
        if envelope is not None:
            if (
                progress.begun is not None
                and progress.begun.code >= 400
                and not self._is_closing(progress.begun)
            ):
                self._answered(envelope, progress.begun, progress.stage)
            else:
                self._again(envelope, f"{self.server} broke off: {progress.begun or why}")

    def _again(self, envelope: Envelope, why: str) -> None:
        """Its content has not gone out, so another try cannot double it."""
        tries = self._tries[envelope.id] = self._tries.get(envelope.id, 0) + 1
        if tries >= TRIES:
            self._tell(envelope, Outcome.DEFERRED, why)
        else:
            self._given_back.append(envelope)

    def _answered(self, envelope: Envelope, reply: Reply, stage: Stage | None) -> None:
        if stage is None and reply.code < 300:
            self._tell(envelope, Outcome.SENT, str(reply))
            return
        verdict = self.judge.verdict(reply)
        if verdict == "too_fast":
            self._held[_domain(envelope)] = str(reply)
        # A refused sender is our fault and not the recipient's: the mail waits until that is put right.
        final = verdict == "failed" and stage != "mail"
        outcome = Outcome.FAILED if final else Outcome.DEFERRED
        self._tell(envelope, outcome, str(reply), is_too_fast=verdict == "too_fast")


def _domain(envelope: Envelope) -> str:
    return envelope.to.rpartition("@")[2].casefold()
