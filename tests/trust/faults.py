"""A post and a store that fail by a plan: the same seed, the same failures."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta

from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from tracker.clock import VirtualClock
from tracker.mail.transport.replies import RefusalScope
from tracker.outbox.queue import Claimed
from tracker.outbox.results import Result
from tracker.store.database import Database
from tracker.store.tables import MailState


class Killed(BaseException):
    """The process is gone: nothing after this runs, whatever it catches."""


@dataclass(frozen=True)
class Odds:
    """How often what goes wrong, in thousandths."""

    # of mails
    refused: int = 40
    for_good: int = 5
    too_fast: int = 3
    answer_lost: int = 15
    mail_lost: int = 5
    killed_before: int = 4
    killed_after: int = 4
    asleep: int = 8
    slow: int = 30
    # of statements, and of commits
    statement: int = 2
    statement_killed: int = 1
    commit: int = 4
    commit_unheard: int = 4
    commit_killed: int = 2
    commit_done_and_killed: int = 2
    #: of days: those on which an outage of up to three days begins
    outage: int = 20


NONE = Odds(**dict.fromkeys((each.name for each in fields(Odds)), 0))


#: What the server does not take, and what it lets us know.
REFUSALS = {
    "refused": MailState.DEFERRED,
    "too fast": MailState.DEFERRED,
    "for good": MailState.FAILED,
    "mail lost": MailState.UNCERTAIN,
}


class FaultyStore:
    """Makes the statements and commits of one database fail while ``is_armed``."""

    def __init__(self, database: Database, chance: random.Random, odds: Odds) -> None:
        self.is_armed = False
        self.counts: Counter[str] = Counter()
        self._chance = chance
        self._odds = odds
        event.listen(database.engine, "before_cursor_execute", self._statement)
        event.listen(database.engine, "commit", self._commit)

    def _statement(self, _connection, _cursor, statement, *_) -> None:
        if not self.is_armed or statement.startswith("PRAGMA"):
            return
        fate = self._chance.randrange(1000)
        if fate < self._odds.statement:
            self.counts["statement failed"] += 1
            raise OperationalError(statement, {}, Exception("disk I/O error"))
        if fate < self._odds.statement + self._odds.statement_killed:
            self.counts["killed in a statement"] += 1
            raise Killed

    def _commit(self, connection) -> None:
        if not self.is_armed:
            return
        fate, odds = self._chance.randrange(1000), self._odds
        if (fate := fate - odds.commit) < 0:
            self.counts["commit failed"] += 1
            raise OperationalError("COMMIT", {}, Exception("database is locked"))
        if (fate := fate - odds.commit_killed) < 0:
            self.counts["killed before a commit"] += 1
            raise Killed
        if fate < odds.commit_unheard + odds.commit_done_and_killed:
            connection.connection.dbapi_connection.commit()
            if fate < odds.commit_unheard:
                self.counts["commit done, answer lost"] += 1
                raise OperationalError("COMMIT", {}, Exception("the connection was lost"))
            self.counts["killed after a commit"] += 1
            raise Killed


@dataclass
class Server:
    """What the mail server knows: everything that it took, and which of its answers were lost."""

    chance: random.Random
    odds: Odds
    clock: VirtualClock
    #: Dead in [since, until).
    outages: list[tuple[datetime, datetime]] = field(default_factory=list)
    accepted: list[tuple[datetime, Claimed]] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def is_dead(self) -> bool:
        return any(since <= self.clock.now() < until for since, until in self.outages)

    def accept(self, claimed: Claimed) -> None:
        self.accepted.append((self.clock.now(), claimed))


class FaultyPost:
    """A sender of one process to ``server``.  ``sleep`` lets somebody else work while this process is frozen."""

    def __init__(
        self, server: Server, sleep: Callable[[], None], look: Callable[[Sequence[Claimed]], None]
    ) -> None:
        self.server = server
        self._sleep = sleep
        self._look = look
        #: Taken by the server, told to the engine: it has to be written down.
        self.told: list[Claimed] = []

    async def send(self, mails, snapshot):
        self._look(mails)
        held = False
        for claimed in mails:
            deed = self._deed()
            self.server.counts[deed] += 1
            if deed == "slow":
                self.server.clock.set(
                    self.server.clock.now() + timedelta(seconds=self.server.chance.randrange(90))
                )
            # It may be frozen anywhere; between the last look at the clock and the first byte there is no cure.
            is_at_the_worst = deed == "asleep" and self.server.chance.randrange(2) == 0
            if deed == "asleep" and not is_at_the_worst:
                self._sleep()
            if not claimed.may_go(self.server.clock.now()):
                self.server.counts["let go of"] += 1
                continue
            if is_at_the_worst:
                self._sleep()
            if deed == "killed before":
                raise Killed
            if held or self.server.is_dead():
                yield Result(claimed, MailState.DEFERRED, "not tried", is_tried=False)
            elif deed in REFUSALS:
                held = deed == "too fast"
                yield Result(claimed, REFUSALS[deed], deed, verdict=RefusalScope.TOO_FAST if held else None)
            else:
                yield self._taken(claimed, deed)

    def _taken(self, claimed: Claimed, deed: str) -> Result:
        self.server.accept(claimed)
        if deed == "answer lost":
            self.server.unanswered.append(claimed.message_id)
            return Result(claimed, MailState.UNCERTAIN, "no answer")
        self.told.append(claimed)
        if deed == "killed after":
            raise Killed
        return Result(claimed, MailState.SENT, "250 taken")

    def _deed(self) -> str:
        odds, fate = self.server.odds, self.server.chance.randrange(1000)
        for name in (
            "refused",
            "for_good",
            "too_fast",
            "answer_lost",
            "mail_lost",
            "killed_before",
            "killed_after",
            "asleep",
            "slow",
        ):
            fate -= getattr(odds, name)
            if fate < 0:
                return name.replace("_", " ")
        return "taken"

    async def close(self):
        pass
