"""Sends mails to a server over a few connections that stay open, and tells what became of each."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing

from tracker.i18n.message import Message
from tracker.mail.transport.mailbox import LOT, MailboxTransport
from tracker.mail.transport.replies import FINAL, RefusalRules, RefusalScope, Reply, Stage
from tracker.mail.transport.session import (
    CannotConnectError,
    ServerAddress,
    Session,
    StepProgress,
    connect,
    is_sendable,
)
from tracker.mail.transport.transport import Delivery, DeliveryOutcome, Envelope, LoginBackoff, is_reserved
from tracker.mail.transport.wire import LostError

_log = logging.getLogger(__name__)

#: Many servers take only so many mails in one conversation.
MAILS_PER_CONNECTION = 100
#: An envelope whose conversation broke off before its content went out is tried so often in one delivery.
TRIES = 2
#: Where it was us whom a server refused so often, and nobody got anything, it is not asked for the others.
OURS = 3
#: Nothing is begun while so many results wait to be taken: what went out and is not written down may go twice.
UNTAKEN = 20


class SmtpTransport:
    """Sends over up to ``connections`` conversations, kept open between deliveries until ``close``.

    Mail for reserved domains goes to ``local`` instead, whatever the server would say.  ``backoff`` is asked before the
    first connection, and told of every one that the server refused.
    """

    def __init__(
        self,
        server: ServerAddress,
        local: MailboxTransport,
        judge: RefusalRules,
        *,
        connections: int,
        backoff: LoginBackoff | None = None,
    ) -> None:
        self.server = server
        self.backoff = backoff
        self.local = local
        self.connections = max(1, connections)
        self.judge = judge
        self._idle: list[Session] = []
        #: Whether the server has let us in since the last ``close``.
        self._is_in = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_plain_unsaid = server.security == "plain"

    async def deliver(self, envelopes: Iterable[Envelope]) -> AsyncGenerator[Delivery, None]:
        """Results as they come; see ``Transport.deliver``."""
        self._forget_other_loop()
        async with aclosing(_Run(self, iter(envelopes)).deliveries()) as deliveries:
            async for delivery in deliveries:
                yield delivery

    def _say_if_plain(self) -> None:
        """Once, with the first mail: a transport may also be made only to see whether it can be."""
        if self._is_plain_unsaid:
            self._is_plain_unsaid = False
            _log.warning("%s", Message("service.plain_text", server=self.server))

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
        self._is_in = False
        idle, self._idle = self._idle, []
        await asyncio.gather(*(session.quit() for session in idle))

    async def take(self) -> Session:
        """An open conversation, an idle one if there is one.  Raises CannotConnectError."""
        while self._idle:
            session = self._idle.pop()
            if session.is_open:
                return session
            session.abandon()
        if self.backoff is not None and not self._is_in:
            why = await self.backoff.knock(needs_login=self.server.user is not None)
            if why is not None:
                raise CannotConnectError(why)
        self._say_if_plain()
        try:
            session = await connect(self.server)
        except CannotConnectError as error:
            if self.backoff is not None and (error.is_refusal or not self._is_in):
                await self.backoff.is_shut(str(error), is_refusal=error.is_refusal)
            raise
        if self.backoff is not None and not self._is_in:
            await self.backoff.is_open()
        self._is_in = True
        return session

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
            self._is_in = False
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
        #: Until one is in, the others wait; where it is not let in, nobody else tries.
        self._turn = asyncio.Lock()
        self._is_in = False
        self._why_not: str | None = None
        self._ours: list[str] = []
        self._has_sent = False
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

    def _tell(
        self,
        envelope: Envelope,
        outcome: DeliveryOutcome,
        detail: str,
        verdict: RefusalScope | None = None,
        *,
        is_tried: bool = True,
    ) -> None:
        self._tries.pop(envelope.id, None)
        self._done.put_nowait(Delivery(envelope.id, outcome, detail, verdict=verdict, is_tried=is_tried))
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
                for envelope in envelopes:
                    envelope.begins()
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
            if not (envelope.may_begin() and envelope.may_go()):
                continue
            if is_reserved(envelope.to):
                await self._local.put(envelope)
            elif not (is_sendable(envelope.to) and is_sendable(envelope.sender)):
                detail = str(Message("outcomes.no_command", text=envelope.to))
                self._tell(envelope, DeliveryOutcome.FAILED, detail, RefusalScope.RECIPIENT)
            elif self._why_not is not None:
                self._tell(envelope, DeliveryOutcome.DEFERRED, self._why_not, RefusalScope.US, is_tried=False)
            elif (held := self._held.get(_domain(envelope))) is not None:
                why = str(Message("outcomes.held_back", why=str(held)))
                self._tell(envelope, DeliveryOutcome.DEFERRED, why, RefusalScope.TOO_FAST, is_tried=False)
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
                    session = await self._session()
                except CannotConnectError as error:
                    self._given_back.appendleft(envelope)
                    if self._working == 1 or not self._is_in:
                        self._why_not = self._why_not or str(error)
                        continue
                    # Others may still have a connection: the server need not like as many as we.
                    return
                await self._converse(session, envelope)
                await self.transport.give_back(session)
                session = None
        finally:
            self._working -= 1
            if session is not None:
                session.abandon()

    async def _session(self) -> Session:
        """A conversation; until there has been one, one worker alone asks for it.  Raises CannotConnectError."""
        if self._is_in:
            return await self.transport.take()
        async with self._turn:
            if self._why_not is not None:
                raise CannotConnectError(self._why_not)
            if not self._is_in:
                session = await self.transport.take()
                self._is_in = True
                return session
        return await self.transport.take()

    async def _converse(self, session: Session, envelope: Envelope | None) -> None:
        """Send mails, the first of them ``envelope``, until there are no more or the session has had enough."""
        ready: Envelope | None = None
        while envelope is not None or ready is not None:
            progress = StepProgress()
            if ready is not None and not ready.may_go():
                # The server waits for its content and gets none: such a mail is not taken.
                session.abandon()
                if envelope is not None:
                    self._given_back.append(envelope)
                return
            if ready is not None:
                ready.begins()
            try:
                await session.step(ready, envelope, progress)
            except LostError as error:
                self._lost(session, ready, envelope, progress, str(error))
                return
            is_enough, ready = self._heard(session, ready, envelope, progress)
            if is_enough:
                await self._part(session, ready)
                return
            enough = session.sent + (ready is not None) >= MAILS_PER_CONNECTION
            envelope = None if enough else await self._next()

    def _heard(
        self, session: Session, ready: Envelope | None, envelope: Envelope | None, progress: StepProgress
    ) -> tuple[bool, Envelope | None]:
        """Whether the conversation is over, and the mail whose content the server waits for."""
        is_enough = False
        if ready is not None and progress.finished is not None:
            is_enough = self._answered(session, ready, progress.finished, "dot")
        if envelope is None or progress.begun is None:
            return is_enough, None
        if progress.begun.code == 354:
            return is_enough, envelope
        return self._answered(session, envelope, progress.begun, progress.stage or "mail") or is_enough, None

    async def _part(self, session: Session, ready: Envelope | None) -> None:
        """End a conversation; a mail that is waited for goes in another."""
        if ready is None:
            await session.quit()
        else:
            self._given_back.appendleft(ready)
            session.abandon()

    def _lost(
        self,
        session: Session,
        ready: Envelope | None,
        envelope: Envelope | None,
        progress: StepProgress,
        why: str,
    ) -> None:
        broke_off = str(Message("outcomes.broke_off", server=self.server, why=str(why)))
        if ready is not None:
            if progress.finished is not None:
                self._answered(session, ready, progress.finished, "dot")
            elif not progress.content_sent:
                self._again(session, ready, broke_off)
            else:
                detail = str(Message("outcomes.had_all", server=self.server, why=str(why)))
                self._tell(ready, DeliveryOutcome.UNCERTAIN, detail)
        if envelope is not None:
            if progress.begun is not None and progress.begun.code >= 400:
                self._answered(session, envelope, progress.begun, progress.stage or "mail")
            else:
                self._again(session, envelope, broke_off)

    def _again(self, session: Session, envelope: Envelope, why: str) -> None:
        """It has not been taken, so another try cannot double it; one costs none in which others were taken before."""
        tries = self._tries[envelope.id] = self._tries.get(envelope.id, 0) + (session.sent == 0)
        if tries >= TRIES:
            # Nobody who is to get it is to blame.
            self._tell(envelope, DeliveryOutcome.DEFERRED, why, RefusalScope.US)
        else:
            self._given_back.appendleft(envelope)

    def _answered(self, session: Session, envelope: Envelope, reply: Reply, stage: Stage) -> bool:
        """Tell what an answer means; whether the conversation is over, and the mail goes on in another."""
        if stage == "dot" and reply.code < 300:
            self._has_sent = True
            self._tell(envelope, DeliveryOutcome.SENT, str(reply))
            return False
        if self.judge.has_had_enough(reply, session.sent):
            self._again(
                session, envelope, str(Message("outcomes.said", server=self.server, reply=str(reply)))
            )
            return True
        verdict = self.judge.verdict(reply, stage)
        if verdict is RefusalScope.TOO_FAST:
            self._held[_domain(envelope)] = str(reply)
        if verdict in {RefusalScope.US, RefusalScope.EITHER} and not self._has_sent:
            self._ours.append(_domain(envelope))
            # Whatever a server has against us in one domain alone may be that domain's own.
            if len(self._ours) >= OURS and (stage == "mail" or len(set(self._ours)) > 1):
                self._why_not = str(Message("outcomes.not_tried", n=len(self._ours), why=str(reply)))
        outcome = DeliveryOutcome.FAILED if verdict in FINAL else DeliveryOutcome.DEFERRED
        self._tell(envelope, outcome, str(reply), verdict)
        return reply.code == 421


def _domain(envelope: Envelope) -> str:
    return envelope.to.rpartition("@")[2].casefold()
