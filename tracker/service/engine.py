"""One pass of the service: reconcile, plan, claim, look again, send, record.

A pass may be run by several processes at once, killed anywhere and run again: what it does is decided by
the tables, each step is one transaction, and every mail has a unique key.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import chain, repeat
from typing import NamedTuple, TypeVar

from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.model import Event
from tracker.core.status import Progress
from tracker.errors import DatabaseError, LedgerError, OvertakenError, UnknownNameError
from tracker.ledger.editions import is_overtaken
from tracker.ledger.reconcile import Changes
from tracker.ledger.record import find_assignment, record
from tracker.ledger.status import LedgerRow, answer_of, ledger_row
from tracker.outbox.alerts import alert_details, alert_row
from tracker.outbox.failed_mails import tell_of_failures
from tracker.outbox.mail_server import Backlog, ServerState, queue_at, read_state
from tracker.outbox.queue import LEASE, Claimed, enqueue
from tracker.outbox.refusals import PassResults
from tracker.outbox.results import Result, give_back, hold, record_results, set_aside
from tracker.planning.claim import claim
from tracker.planning.plan import may_send, next_planning, plan
from tracker.service.transactions import LedgerFollower, Sender, SnapshotUse
from tracker.store.database import Database
from tracker.store.tables import MailState

#: How many mails a process holds at once, and how many results it writes down together.
CLAIM = 200
RECORD = 50

#: It holds few first, and so many times more after each lot: whoever dies of a mail has few others in hand.
FEW, MORE = 10, 4
#: No result waits longer for others, in seconds: with a slow server, fifty of them are a long time to die in.
RECORD_WITHIN = 0.25

#: Waits, in seconds, before results are written down again that the database did not take; the last one repeats.
AGAIN = (0.2, 0.5, 1.0, 2.0, 5.0)

log = logging.getLogger("tracker")

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class PutOff:
    """Why mails were put off in a pass, in the words of the last; when one goes next, and how many were not tried.

    ``is_all``: nothing was taken at all.
    """

    why: str
    next_try: datetime | None
    untried: int
    is_all: bool


@dataclass(slots=True)
class PassReport:
    """What a pass did.  ``next_at`` is when the next digests may be due; ``is_refused``: mails wait, and go to nobody."""

    at: datetime
    changes: Changes = field(default_factory=Changes)
    planned: int = 0
    delivered: Counter[MailState] = field(default_factory=Counter)
    next_at: datetime | None = None
    put_off: PutOff | None = None
    is_refused: bool = False


class _Seen(NamedTuple):
    """What a pass finds where the ledger is up to date: when digests are next to be written, and what waits to go.

    ``state`` is that of the mail server, where anything waits for it.
    """

    next_at: datetime
    left: Backlog
    state: ServerState

    def has_to_try(self, snapshot: CampaignSnapshot) -> bool:
        """Whether anything may go, or a pass that cannot try anything has to be told of."""
        return self.left.untried > 0 or self.state.is_in_doubt(snapshot)


class Engine(LedgerFollower):
    """The service without its clockwork; see ``LedgerFollower`` for what it is given."""

    def __init__(
        self,
        database: Database,
        snapshot: CampaignSnapshot,
        sender: Sender,
        *,
        read_clock: Callable[[], datetime],
        who: str,
        place: str | None = None,
    ) -> None:
        super().__init__(database, snapshot, sender, read_clock=read_clock, who=who, place=place)
        #: Told how many mails have just been written, and how many of the pass are gone.
        self.on_progress: Callable[[int, int], None] | None = None
        #: What the last delivery made of what the server said.
        self._sifting = PassResults()
        #: What became of mails and could not be written down, for the database was not there to take it.
        self._untold: list[Result] = []
        self._is_untaken = False
        self._most = min(FEW, CLAIM)
        #: What the pass under way goes by.
        self._pass = self.use

    @property
    def untaken(self) -> int:
        """How many results wait to be written down that the database did not take; 0 where it takes them."""
        return len(self._untold) if self._is_untaken else 0

    def run_pass(self, *, at_once: bool = False) -> PassReport:
        """Everything that is to be done now.  ``at_once`` as in ``plan``.

        Where others are in force before it is over, here or elsewhere, it goes on by those.
        """
        report = PassReport(self.read_clock())
        self._sifting, tried = PassResults(), None
        while True:
            now, use = self.read_clock(), self.use
            with self.database.reading() as session:
                seen = self._look_about(session, use.snapshot, now, at_once=at_once)
            if seen is None:
                report.changes = self.bring_up_to_date(now) or report.changes
            elif use is not self.use:
                continue
            elif seen.next_at <= now:
                with self.acting(now) as (session, snapshot):
                    report.planned += plan(session, snapshot, now, at_once=at_once)
                self._say(report.planned, 0)
            elif use.post.look():
                # What waited for another server may go by now.
                continue
            elif tried is not use and (self._untold or seen.has_to_try(use.snapshot)):
                tried = use
                report.delivered += self.deliver(now, at_once=at_once)
            else:
                break
        self._tell_of_waiting(report, seen, use)
        return report

    def _look_about(
        self, session: Session, snapshot: CampaignSnapshot, now: datetime, *, at_once: bool
    ) -> _Seen | None:
        """What is to be done by ``snapshot``; None where the ledger does not follow that."""
        if not self._is_in_step(session, snapshot, now):
            return None
        left = queue_at(session, snapshot.campaign.id, now)
        state = read_state(session, snapshot.campaign.id) if left.waiting else ServerState()
        return _Seen(next_planning(session, snapshot, now, at_once=at_once), left, state)

    def _tell_of_waiting(self, report: PassReport, seen: _Seen, use: SnapshotUse) -> None:
        sifting, left = self._sifting, seen.left
        report.next_at = seen.next_at
        is_nothing_taken = sifting.put_off is not None and not sifting.has_sent
        report.is_refused = bool(left.waiting) and (is_nothing_taken or seen.state.is_failing(use.snapshot))
        if sifting.put_off is not None:
            shut = use.post.shut_until()
            next_try = max((each for each in (left.next_try, shut) if each is not None), default=None)
            report.put_off = PutOff(sifting.put_off, next_try, left.untried, is_nothing_taken)

    def deliver(self, now: datetime, *, at_once: bool = False) -> Counter[MailState]:
        """Send what waits in the outbox and whose time has come.

        Digests that could not be sent on their day wait for the next workday; alerts do not wait.
        """
        use = self.use
        with self.database.reading() as session:
            state = read_state(session, use.snapshot.campaign.id)
        self._sifting = PassResults(state.said if state.is_failing(use.snapshot) else None)
        zones = [zone for zone in use.snapshot.timezones if at_once or may_send(use.snapshot, zone, now)]
        return asyncio.run(self._deliver(use, zones))

    def _say(self, written: int, gone: int) -> None:
        if self.on_progress is not None:
            self.on_progress(written, gone)

    async def _deliver(self, use: SnapshotUse, timezones: Sequence[str]) -> Counter[MailState]:
        self._pass, sender = use, use.sender
        try:
            return await self._drain(use.snapshot, sender, timezones)
        finally:
            await sender.close()

    async def _drain(
        self, snapshot: CampaignSnapshot, sender: Sender, timezones: Sequence[str]
    ) -> Counter[MailState]:
        told, sifting = await self._write_down(()), self._sifting
        try:
            while claimed := await self._beside(self._claim, timezones):
                if spent := [each for each in claimed if each.is_spent]:
                    told += await self._write_down([set_aside(each) for each in spent])
                if not (claimed := [each for each in claimed if not each.is_spent]):
                    continue
                is_reached = await self._send(claimed, sender.send(claimed, snapshot), sifting, told)
                self._most = min(CLAIM, self._most * MORE)
                # Nobody is there to send to: the others need not find that out one lot after the other.
                if not is_reached or sifting.is_everybody:
                    break
        finally:
            self._untold += sifting.end()
        told += await self._write_down(())
        if sifting.counts:
            await self._beside(partial(self._pass.post.passed, snapshot), sifting)
        else:
            await self._beside(self._pass.post.still_fails, snapshot)
        return told

    async def _send(
        self,
        claimed: Sequence[Claimed],
        sending: AsyncGenerator[Result, None],
        sifting: PassResults,
        told: Counter[MailState],
    ) -> bool:
        """Send a lot and write down what came of it; whether anybody was there."""
        loop = asyncio.get_running_loop()
        began, is_reached = loop.time(), False
        results: list[Result] = []
        open_ = {each.id: each for each in claimed}
        holding = asyncio.create_task(self._hold(open_, sifting))
        try:
            async with aclosing(sending):
                async for result in sending:
                    is_reached |= result.is_tried
                    open_.pop(result.claimed.id, None)
                    results += sifting.take(result)
                    began = began if len(results) > 1 else loop.time()
                    if self._is_untaken:
                        # The server goes on answering for what it has; all of that is kept.
                        lot, results = results, []
                        self._untold += lot
                    elif len(results) >= RECORD or loop.time() - began >= RECORD_WITHIN:
                        lot, results = results, []
                        told += await self._write_down_or_stop(lot, open_)
                    self._say(0, told.total())
            lot, results = results, []
            told += await self._write_down(lot)
        except Exception:
            # What is known of mails is worth more than an orderly end: the next pass writes it down.
            self._untold += results
            with suppress(Exception):
                await self._let_go(open_)
            raise
        finally:
            holding.cancel()
        await self._let_go(open_)
        return is_reached

    async def _let_go(self, open_: Mapping[int, Claimed]) -> None:
        """What was not begun is anybody's; what was, and has no result, may have gone."""
        unbegun = [each for each in open_.values() if not each.hand.is_begun]
        if not unbegun:
            return
        try:
            await self._beside(partial(self._in_hand, give_back), unbegun)
        except Exception as error:
            # Once the lease has run out they would count as lost with us.
            why = f"not begun: {error}"
            self._untold += [Result(each, MailState.DEFERRED, why, is_tried=False) for each in unbegun]
            raise

    async def _hold(self, open_: Mapping[int, Claimed], sifting: PassResults) -> None:
        """As long as it is on its way, a mail stays in hand; so does one of which nobody knows yet what to make."""
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 3)
            held = [each for each in open_.values() if each.hand.is_begun] + sifting.kept
            try:
                await self._beside(partial(self._in_hand, hold), held)
            except Exception as error:  # noqa: BLE001 - nobody waits for this task: its end would let go of all of them
                log.warning("%d mails under way could not be held on to: %s", len(held), error)

    async def _write_down(
        self, results: Sequence[Result], *, patience: float | None = None
    ) -> Counter[MailState]:
        """Record results, and where the database is away wait for it: what went out and is not recorded goes again.

        No longer than a lease (or ``patience``, in seconds), for then others may have taken over what was claimed; the
        results are kept, the next pass tries once more, and the fence decides.  Twice does no harm: where it had been
        done and only the answer got lost, nothing is in this process's hands any more.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + (LEASE.total_seconds() if patience is None else patience)
        self._untold += results
        lot = self._untold.copy()
        for wait in chain(AGAIN, repeat(AGAIN[-1])):
            try:
                told = await self._beside(self._record, lot)
            except DatabaseError as error:
                self._is_untaken = True
                log.warning("%d results wait to be written down: %s", len(lot), error)
                if self.database.in_memory or loop.time() + wait > until:
                    raise
                await asyncio.sleep(wait)
            except Exception:
                # Whatever it is, waiting does not help.
                self._is_untaken = True
                raise
            else:
                self._is_untaken, self._untold = False, self._untold[len(lot) :]
                return told
        raise AssertionError

    async def _write_down_or_stop(
        self, results: Sequence[Result], open_: Mapping[int, Claimed]
    ) -> Counter[MailState]:
        """Record results; where that cannot be done, begin no other mail and hear out what the server says of these.

        What stands in the way is raised when they are written down at last, or cannot be.
        """
        try:
            return await self._write_down(results, patience=0)
        except Exception:  # noqa: BLE001 - a delivery given up here would lose the answers to what is on its way
            for each in open_.values():
                each.hand.is_over = lambda: True
            return Counter()

    async def _beside(self, work: Callable[[T], R], given: T) -> R:
        """Database work in a thread, so that the connections go on meanwhile; in memory there is no wait to use."""
        if self.database.in_memory:
            return work(given)
        return await asyncio.to_thread(work, given)

    def _claim(self, timezones: Sequence[str]) -> list[Claimed]:
        """None, too, where others are in force by now: the pass goes on by those."""
        use = self._pass
        if use.is_over:
            return []
        now = self.read_clock()
        try:
            with self.database.writing(alone=False) as session:
                found = claim(session, use.snapshot, now, self.who, most=self._most, timezones=timezones)
        except OvertakenError:
            use.is_over = True
            return []
        for each in found:
            each.hand.is_over = lambda: use.is_over
        return found

    def _in_hand(self, work: Callable[..., None], mails: Sequence[Claimed]) -> None:
        with self.database.writing(alone=False) as session:
            work(session, mails, self.read_clock())

    def _record(self, results: Sequence[Result]) -> Counter[MailState]:
        if results:
            now = self.read_clock()
            with self.database.writing(alone=False) as session:
                record_results(session, results, now)
                tell_of_failures(session, self._pass.snapshot, results, now)
                # An edit made elsewhere does not wait until all that is in hand has gone.
                self._pass.is_over |= is_overtaken(session, self._pass.snapshot)
        return Counter(result.state for result in results)

    def record(self, event: Event, *, forced: bool = False, replayed: bool = False) -> Progress:
        """Take an event into the ledger (see ``ledger.record``)."""
        now = self.read_clock()
        with self.acting(now) as turn:
            return record(turn.session, turn.snapshot, event, now, forced=forced, replayed=replayed)

    def record_each(
        self, events: Sequence[Event], *, forced: bool = False
    ) -> list[LedgerRow | LedgerError | UnknownNameError]:
        """Take several into the ledger in one transaction; for each how its assignment stands, or why it was refused."""
        now = self.read_clock()
        found: list[LedgerRow | LedgerError | UnknownNameError] = []
        with self.acting(now) as (session, snapshot):
            for event in events:
                # A refusal comes before anything is written: it takes nothing of the others with it.
                try:
                    record(session, snapshot, event, now, forced=forced)
                    row = find_assignment(session, snapshot, event.ref, event.unit)
                except (LedgerError, UnknownNameError) as error:
                    found.append(error)
                else:
                    definition = snapshot.campaign.definitions[row.key]
                    found.append(ledger_row(snapshot, definition, row, answer_of(row), snapshot.day(now)))
        return found

    def alert(self, key: str, title: str, problems: Sequence[str]) -> bool:
        """Tell the operator that something is wrong with the service itself, once for each ``key``."""
        now = self.read_clock()
        row = alert_row(self.snapshot, key, alert_details(title, problems), now)
        if row is None:
            return False
        with self.database.writing() as session:
            return enqueue(session, self.snapshot, [row], now, 0) > 0
