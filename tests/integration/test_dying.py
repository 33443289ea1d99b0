"""Processes that die in the middle of a pass, again and again: nobody gets many copies, and everybody theirs."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy.exc import OperationalError

from tests.integration.test_outbox import Killed, Post, alerting, deliver, go_on, rows, states
from tracker.errors import LostLedgerError
from tracker.outbox.queue import LEASE, UNCERTAIN_ATTEMPTS
from tracker.outbox.results import Result, hold
from tracker.planning.claim import claim
from tracker.service import engine as engine_
from tracker.service.engine import FEW, Engine
from tracker.store.tables import MailState


def live(engine):
    """Another process on the same database, until it dies or has done all; it waits for the leases of the one before."""
    go_on(engine, LEASE)
    engine.engine = Engine(
        engine.database, engine.engine.snapshot, engine.sender, read_clock=engine.clock.now, who="another"
    )
    deliver(engine)


class Deadly:
    """A server that takes ``count`` mails of each life, and kills whoever sends it the last of them."""

    def __init__(self, count):
        self.count = count
        self.copies: Counter[int] = Counter()

    async def send(self, mails, snapshot):
        for claimed in mails:
            claimed.hand.begins()
            self.copies[claimed.id] += 1
            if self.copies.total() % self.count == 0:
                raise Killed
            yield Result(claimed, MailState.SENT, "250")

    async def close(self):
        pass


@pytest.mark.parametrize("lasts", [1, 2, 7, 10, 60])
def test_twelve_lives_that_end_after_some_mails_cost_three_copies_at_most_and_everybody_gets_theirs(lasts):
    with alerting(Deadly(lasts), count=300) as engine:
        for _ in range(12):
            live(engine)
        assert max(engine.sender.copies.values()) <= UNCERTAIN_ATTEMPTS
        engine.sender.count = 10_000
        live(engine)
        assert states(engine) == {"sent": 300}
        assert len(engine.sender.copies) == 300
        assert max(engine.sender.copies.values()) <= UNCERTAIN_ATTEMPTS


def test_a_mail_of_which_processes_die_is_set_aside_and_the_others_go():
    with alerting(Post(), count=40) as engine:
        poison = 5

        async def send(mails, snapshot):
            for claimed in mails:
                if claimed.id == poison:
                    raise Killed
                engine.sender.taken.append(claimed)
                yield Result(claimed, MailState.SENT, "250")

        engine.sender.send = send
        live(engine)
        assert states(engine) == {"claimed": FEW, "queued": 40 - FEW}
        live(engine)
        assert states(engine) == {"claimed": FEW - poison + 1, "sent": 40 - FEW + poison - 1}, (
            "what nobody had in hand goes before what somebody died with"
        )
        for _ in range(UNCERTAIN_ATTEMPTS - 1):
            live(engine)
        assert dict(rows(engine, "id", "state")) == {
            number: "failed" if number == poison else "sent" for number in range(1, 41)
        }
        ((outcome,),) = [row[1:] for row in rows(engine, "id", "outcome") if row[0] == poison]
        assert "set aside" in outcome
        assert max(Counter(claimed.id for claimed in engine.sender.taken).values()) == 1 + 1, (
            "those that were in the same hands once"
        )


def test_what_is_let_go_of_unbegun_is_no_death_and_goes_at_once():
    with alerting(count=3) as engine:

        async def nobody_comes_to_it(mails, snapshot):
            for claimed in mails[:1]:
                yield Result(claimed, MailState.SENT, "250")

        engine.sender.send = nobody_comes_to_it
        deliver(engine)
        assert states(engine) == {"sent": 3}, "each lot came to one of them, and gave the others back"
        assert rows(engine, "lost") == [0, 0, 0]


def test_a_courier_that_breaks_off_gives_back_what_it_had_not_begun_and_keeps_what_it_had():
    with alerting(count=3) as engine:

        async def breaks_off(mails, snapshot):
            mails[0].hand.begins()
            yield Result(mails[1], MailState.SENT, "250")
            raise RuntimeError("a bug")

        engine.sender.send = breaks_off
        with pytest.raises(RuntimeError):
            deliver(engine)
        assert rows(engine, "state", "lost") == [("claimed", 0), ("claimed", 0), ("queued", 0)]
        engine.sender = engine.engine.sender = Post()
        deliver(engine)
        assert rows(engine, "state") == ["claimed", "sent", "sent"], "what was known is written down"
        go_on(engine, LEASE)
        deliver(engine)
        assert rows(engine, "state", "lost") == [("sent", 1), ("sent", 0), ("sent", 0)]


def nothing(mails):
    """All is well."""


def refusing(times):
    """Say once each that what is in hand cannot be held on to."""

    def refuse(mails):
        if times:
            raise times.pop()

    return refuse


LOST = LostLedgerError("lost_ledger", place="here", before="there", sign="the sign")


@pytest.mark.parametrize(
    "amiss",
    [
        nothing,
        refusing(
            [LostLedgerError("no_ledger", address="here"), OperationalError("", {}, Exception("deadlock"))]
        ),
    ],
)
def test_a_conversation_that_takes_longer_than_a_lease_keeps_its_mail_and_no_other(monkeypatch, amiss):
    """Two processes and minutes of silence after the dot: one copy."""
    monkeypatch.setattr(engine_, "LEASE", timedelta(seconds=0.15))

    def hold_if_all_is_well(session, mails, now):
        amiss(mails)
        hold(session, mails, now)

    monkeypatch.setattr(engine_, "hold", hold_if_all_is_well)
    with alerting(count=2) as engine:
        others: list[int] = []

        async def slow(mails, snapshot):
            begun, _ = mails
            begun.hand.begins()
            for _ in range(9):
                go_on(engine, timedelta(minutes=1))
                await asyncio.sleep(0.12)
                with engine.database.writing() as session:
                    others.extend(
                        each.id
                        for each in claim(
                            session, engine.engine.snapshot, engine.clock.now(), "other", most=9, timezones=[]
                        )
                    )
            yield Result(begun, MailState.SENT, "250")

        engine.sender.send = slow
        engine.engine._most = 2
        deliver(engine)
        assert set(others) == {2}, "what was not begun is left to others in time"
        assert rows(engine, "state") == ["sent", "claimed"]
