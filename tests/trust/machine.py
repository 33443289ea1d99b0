"""Outbox and engine on a real database, driven by hypothesis beside a plain reference.

Three workers claim, send and record, each step by itself, so that every order of them occurs: a worker may die
after any step, sleep past its lease and come back, be told that a commit failed that did not.  The clock jumps,
units answer, the operator retries.  At the end everything heals, and the score is taken.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import select

from tests.trust.reference import FINAL, Letter, Reference
from tests.trust.score import score
from tests.world import Running, at, definition, world
from tracker.core.model import Contact
from tracker.core.policy import Rate, Settings
from tracker.errors import LedgerError, UnknownNameError
from tracker.ledger.agenda import planned_day
from tracker.mail.transport.replies import RefusalScope
from tracker.outbox import failed_mails
from tracker.outbox.queries import RETRIABLE, retry
from tracker.outbox.queue import Claimed
from tracker.outbox.rate_limit import HOLDS, domain_of
from tracker.outbox.results import Result, record_results
from tracker.outbox.rows import items_from_json
from tracker.planning import claim
from tracker.planning import plan as planning
from tracker.store.tables import ASSIGNMENT, MAIL, UNDERWAY, MailState

UNITS = ("wanzhou", "fuling")
FORCE = world(
    definition("5", "2022年6月底前", UNITS),
    definition("table-2", "2022年5月起，每月5日前", UNITS),
    settings=Settings(
        operator=Contact("管理员", "operator@slow.example"),
        pace={"slow.example": Rate(4, timedelta(minutes=1))},
    ),
)
REFS = ("5", "table-2@2022-05", "table-2@2022-06")
WORKERS = st.sampled_from(("one", "two", "three"))

#: What the server does: (does it take the mail?, what does the worker learn?, more of the result)
DEEDS: dict[str, tuple[bool, MailState, dict[str, Any]]] = {
    "250": (True, MailState.SENT, {}),
    "451": (False, MailState.DEFERRED, {}),
    "550": (False, MailState.FAILED, {}),
    "too fast": (False, MailState.DEFERRED, {"verdict": RefusalScope.TOO_FAST}),
    "no route": (False, MailState.DEFERRED, {"is_tried": False}),
    "answer lost": (True, MailState.UNCERTAIN, {}),
    "mail lost": (False, MailState.UNCERTAIN, {}),
}


#: Where a worker dies when it writes down results; mostly nowhere.
CRASHES = st.sampled_from((None, None, None, "before", "after", "answer lost"))


class Crashed(Exception):  # noqa: N818 - it is what happened
    """The process is gone before its commit."""


@dataclass
class Worker:
    """What one process has in hand, and what it knows and has not written down."""

    claimed: list[Claimed] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)


class TakesAll:
    """The server when everything is well."""

    def __init__(self, machine):
        self.machine = machine

    async def send(self, mails, snapshot):
        for claimed in mails:
            self.machine.accept(claimed)
            yield Result(claimed, MailState.SENT, "250")

    async def close(self):
        pass


class OutboxMachine(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.world = Running(FORCE, "2022-05-04 09:30", sender=TakesAll(self))
        self.reference = Reference()
        self.workers = {name: Worker() for name in ("one", "two", "three")}
        self.accepted: list[str] = []
        self.unanswered: Counter[str] = Counter()
        #: (key, recipient, Message-ID) of each row as it was first seen.
        self.identity: dict[int, tuple[str, str, str]] = {}
        self.asked_to_wait = {}
        self.claims: list[datetime] = []
        self.alerts = 0
        #: What was answered when a digest was superseded need not be told in its place, whatever became of the answer.
        self.answered_then: dict[int, set[tuple[str, str]]] = {}
        self.world.engine.bring_up_to_date(self.now)

    @property
    def now(self):
        return self.world.clock.now()

    def rows(self):
        with self.world.database.reading() as session:
            return session.execute(select(MAIL).order_by(MAIL.c.id)).all()

    def quiet(self):
        with self.world.database.reading() as session:
            query = select(ASSIGNMENT.c.key, ASSIGNMENT.c.period, ASSIGNMENT.c.unit).where(
                ASSIGNMENT.c.quiet | ASSIGNMENT.c.removed_on.is_not(None)
            )
            return {
                (f"{key}@{period}" if period else key, unit) for key, period, unit in session.execute(query)
            }

    def accept(self, claimed):
        self.accepted.append(claimed.message_id)
        self.unanswered[claimed.message_id] += 1

    # --- into the outbox ---

    @rule(repeated=st.booleans())
    def an_alert(self, *, repeated):
        self.alerts += not (repeated and self.alerts)
        self.world.engine.alert(f"model/{self.alerts}", "title", ["problem"])

    @rule(days=st.integers(0, 3), crash=st.booleans())
    def a_morning_is_planned(self, days, crash):
        day = self.world.engine.snapshot.day(self.now) + timedelta(days=days)
        self.world.clock.set(max(self.now, at(f"{day} 09:00")))
        self.plan(crash=crash)

    def plan(self, *, crash=False):
        def both():
            with self.world.database.writing() as session:
                planning.plan(session, FORCE, self.now)
                if crash:
                    raise Crashed

        before, quiet = {row.id: row.state for row in self.rows()}, self.quiet()
        self.world.engine.bring_up_to_date(self.now)
        today = FORCE.day(self.now)
        try:
            both()
        except Crashed:
            assert {row.id: row.state for row in self.rows()} == before, "half a planning"
            return
        for row in self.rows():
            if row.state == "superseded" and before[row.id] != "superseded":
                assert row.kind == "digest"
                assert row.day < today
                # What failed is told by the next digest, too, and nobody has it in hand.
                is_free = before[row.id] == "failed" or self.reference.may_claim(row.id, self.now)
                assert is_free, "taken out of somebody's hands"
                self.reference.supersede(row.id)
                self.answered_then[row.id] = quiet
            elif row.state == "dropped" and before.get(row.id) != "dropped":
                assert row.day > today, "only what a wrong clock wrote is taken back"
                assert self.reference.may_claim(row.id, self.now), "taken out of somebody's hands"
                self.reference.drop(row.id)

    # --- out of it ---

    @rule(who=WORKERS, most=st.integers(1, 6), crash=st.sampled_from((None, None, None, "before", "after")))
    def a_worker_claims(self, who, most, crash):
        self.sync()
        taken: list[Claimed] = []

        def in_one():
            nonlocal taken
            with self.world.database.writing() as session:
                taken = claim.claim(session, FORCE, self.now, who, most=most, timezones=FORCE.timezones)
                if crash == "before":
                    raise Crashed

        before = {row.id: row.state for row in self.rows()}
        quiet = self.quiet()
        try:
            in_one()
        except Crashed:
            assert {row.id: row.state for row in self.rows()} == before
            return
        for claimed in taken:
            assert self.reference.may_claim(claimed.id, self.now), (
                f"{claimed.id} is {before[claimed.id]}, not free"
            )
            assert claimed.fence == self.reference.claim(claimed.id, self.now)
            assert not {(item.ref, item.unit) for item in claimed.mail.items} & quiet, (
                "answered before its claim"
            )
            self.assert_may_go(claimed)
        for row in self.rows():
            if row.state == "dropped" and before[row.id] != "dropped":
                assert {(item.ref, item.unit) for item in items_from_json(row.content)} <= quiet
                self.reference.claim(row.id, self.now)
                self.reference.letters[row.id].state = "dropped"
        if crash is None:
            self.workers[who].claimed += taken

    def assert_may_go(self, claimed):
        domain = domain_of(claimed.mail.to)
        if domain in self.asked_to_wait:
            assert not timedelta() <= self.now - self.asked_to_wait[domain] < HOLDS[0], "asked to wait"
        if claimed.mail.kind == "digest":
            assert f"digest/{FORCE.day(self.now)}" <= claimed.mail.key, "a digest of an earlier day"
        if domain == "slow.example":
            self.claims.append(self.now)
            minute = [each for each in self.claims if timedelta() <= self.now - each < timedelta(minutes=1)]
            assert len(minute) <= 4, "faster than its rate"

    @rule(who=WORKERS, deed=st.sampled_from(sorted(DEEDS)), count=st.integers(1, 3))
    def a_worker_sends(self, who, deed, count):
        worker = self.workers[who]
        takes, says, more = DEEDS[deed]
        for claimed in worker.claimed[:count]:
            if not claimed.may_go(self.now):
                continue
            if claimed.is_spent:
                worker.results.append(Result(claimed, MailState.FAILED, "set aside"))
                continue
            (row,) = [row for row in self.rows() if row.id == claimed.id]
            # Where a clock was set back, somebody may have had it since, and a person asked for another attempt.
            is_ours = row.fence == claimed.fence
            assert not is_ours or row.state != "queued", "the claim must stand before a byte is sent"
            if takes:
                self.accept(claimed)
            worker.results.append(Result(claimed, says, deed, **more))
        del worker.claimed[:count]

    @precondition(lambda self: any(worker.results for worker in self.workers.values()))
    @rule(who=WORKERS, crash=CRASHES)
    def a_worker_records(self, who, crash):
        worker = self.workers[who]
        self.sync()

        def in_one():
            with self.world.database.writing() as session:
                record_results(session, worker.results, self.now)
                failed_mails.tell_of_failures(session, FORCE, worker.results, self.now)
                if crash == "before":
                    raise Crashed

        try:
            in_one()
        except Crashed:
            worker.results, worker.claimed = [], []
            return
        for result in worker.results:
            if result.verdict is RefusalScope.TOO_FAST:
                domain = domain_of(result.claimed.mail.to)
                if (
                    not timedelta()
                    <= self.now - self.asked_to_wait.get(domain, self.now + HOLDS[-1])
                    < HOLDS[0]
                ):
                    self.asked_to_wait[domain] = self.now
            claimed = result.claimed
            counts = self.reference.record(
                claimed.id, claimed.fence, result.state.value, is_tried=result.is_tried
            )
            if counts and result.state is MailState.SENT:
                self.unanswered[claimed.message_id] -= 1
        if crash == "after":
            worker.claimed = []
        if crash != "answer lost":
            worker.results = []

    @rule(who=WORKERS, deeds=st.lists(st.sampled_from(sorted(DEEDS)), min_size=1, max_size=4), crash=CRASHES)
    def a_worker_does_a_round(self, who, deeds, crash):
        """The usual way, so that histories come far."""
        self.a_worker_claims(who, 6, None)
        for deed in deeds:
            self.a_worker_sends(who, deed, 2)
        if self.workers[who].results:
            self.a_worker_records(who, crash)

    @rule(who=WORKERS)
    def a_worker_dies(self, who):
        self.workers[who] = Worker()

    # --- the world goes on ---

    @rule(minutes=st.sampled_from((1, 4, 6, 30, 180, 1500)))
    def time_passes(self, minutes):
        self.world.clock.set(self.now + timedelta(minutes=minutes))

    @rule(hours=st.sampled_from((-720, -1, 2, 960)))
    def the_clock_jumps(self, hours):
        if hours < 0:
            # Minutes that come again are others.
            self.claims.clear()
        self.world.clock.set(max(at("2022-04-08"), self.now + timedelta(hours=hours)))

    @rule(
        ref=st.sampled_from(REFS),
        unit=st.sampled_from(UNITS),
        kind=st.sampled_from(("submit", "return", "undo")),
    )
    def a_unit_answers(self, ref, unit, kind):
        with suppress(LedgerError, UnknownNameError):
            self.world.record(kind, ref, unit, **({"reason": "x"} if kind == "return" else {}))

    @rule(number=st.none() | st.integers(1, 12))
    def the_operator_retries(self, number):
        self.sync()
        found = {row.id: row for row in self.rows()}
        if number is not None and (number not in found or MailState(found[number].state) not in RETRIABLE):
            return
        with self.world.database.writing() as session:
            retry(session, "main", number, self.now, since=at("2022-01-01").date())
        self.reference.retry(number)

    # --- what must hold ---

    def sync(self):
        for row in self.rows():
            if row.id not in self.reference.letters:
                assert row.state == "queued"
                self.reference.letters[row.id] = Letter()

    @invariant()
    def the_outbox_is_as_the_reference_says(self):
        self.sync()
        rows = self.rows()
        for row in rows:
            letter = self.reference.letters[row.id]
            assert (row.state, row.fence) == (letter.state, letter.fence), row
            assert row.state in FINAL or (row.attempts, row.lost) == (letter.attempts, letter.lost), row
            who = (row.key, row.recipient, row.message_id)
            assert self.identity.setdefault(row.id, who) == who
        assert len({row.key for row in rows}) == len({row.message_id for row in rows}) == len(rows)

    @invariant()
    def nothing_is_unexpected_and_copies_are_answers_that_never_came(self):
        copies = Counter(self.accepted)
        known = {row.message_id for row in self.rows()}
        assert set(copies) <= known
        for id_, count in copies.items():
            assert count <= 1 + self.unanswered[id_], "a copy that nobody can explain"

    # --- the end ---

    def teardown(self):
        try:
            self.heal()
        finally:
            self.world.database.close()

    def heal(self):
        """Every process has died, the server is well: passes at 09:00 until nothing waits.

        Where a clock ran some weeks ahead, nothing is planned until the calendar has caught up.
        """
        self.sync()
        with self.world.database.reading() as session:
            planned = planned_day(session, "main", FORCE.campaign.timezone)
        if planned is not None:
            self.world.clock.set(max(self.now, at(str(planned))))
        before = len(self.accepted)
        for _ in range(12):
            day = FORCE.workdays.after(FORCE.day(self.now))
            for minutes in range(0, 60, 5):
                self.world.clock.set(at(f"{day} 09:00") + timedelta(minutes=minutes))
                self.world.engine.run_pass()
            with self.world.database.reading() as session:
                if session.execute(select(MAIL.c.id).where(UNDERWAY)).first() is None:
                    break
        for id_ in self.accepted[before:]:
            self.unanswered[id_] -= 1
        rows = self.rows()
        states = {row.message_id: row.state for row in rows}
        assert not {*states.values()} & {"queued", "claimed", "deferred", "uncertain"}, (
            "it never came to rest"
        )
        found = score(states, self.accepted, list(self.unanswered.elements()))
        assert found.holds, found
        FIGURES.update(histories=1, mails=len(rows), duplicates=found.duplicates, recovered=found.recovered)
        FIGURES.update(lost=found.lost, unexpected=found.unexpected, uncertain=found.uncertain)
        self.nothing_is_forgotten(rows)

    def nothing_is_forgotten(self, rows):
        quiet = self.quiet()
        for row in rows:
            if row.state == "superseded":
                later = [each for each in rows if each.id > row.id and each.recipient == row.recipient]
                told = {(item.ref, item.unit) for each in later for item in items_from_json(each.content)}
                missed = {(item.ref, item.unit) for item in items_from_json(row.content)}
                missed -= quiet | self.answered_then.get(row.id, set())
                assert missed <= told, f"{row.key} stood for {missed - told}"


#: What all histories of this process add up to.
FIGURES: Counter[str] = Counter()
