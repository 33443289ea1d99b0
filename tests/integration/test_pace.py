"""How fast mails go to a domain: by the settings, by what its server says, across passes and processes."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.integration.test_outbox import (
    OPERATOR,
    alerting,
    deliver,
    go_on,
    receipts,
    rows,
    states,
    take,
    tell,
)
from tests.world import running, world
from tracker.core.policy import Rate
from tracker.mail.transport.replies import RefusalScope
from tracker.outbox.queue import LEASE
from tracker.outbox.rate_limit import HOLDS
from tracker.outbox.results import UNTRIED, Result
from tracker.planning.claim import claim
from tracker.service.engine import FEW
from tracker.store.tables import MailState

MINUTE = timedelta(minutes=1)
SLOWLY = replace(OPERATOR, pace={"slow.example": Rate(3, MINUTE)})


class Server:
    """Takes every mail, but for the domains in ``strict``: of those it takes so many in a pass, if any at all."""

    def __init__(self, **strict):
        self.strict = {name.replace("_", "."): count for name, count in strict.items()}
        self.taken: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()

    async def send(self, mails, snapshot):
        left, held = dict(self.strict), set()
        for claimed in mails:
            domain = claimed.mail.to.rpartition("@")[2].lower()
            if domain in held:
                yield Result(claimed, MailState.DEFERRED, "held back", is_tried=False)
                continue
            self.asked[domain] += 1
            if left.get(domain, 1) <= 0:
                held.add(domain)
                yield Result(
                    claimed, MailState.DEFERRED, "550 frequency limited", verdict=RefusalScope.TOO_FAST
                )
                continue
            left[domain] = left.get(domain, 1000) - 1
            self.taken[domain] += 1
            yield Result(claimed, MailState.SENT, "250")

    async def close(self):
        pass


def fill(engine, **counts):
    """So many receipts for people of each domain; ``unit_example`` is ``unit.example``."""
    domains = {name: name.replace("_", ".").capitalize() for name in counts}
    receipts(engine, [f"U{n}@{domains[name]}" for name, count in counts.items() for n in range(count)])


@pytest.fixture
def engine():
    with running(world(settings=SLOWLY), "2022-05-05 22:00", sender=Server()) as opened:
        yield opened


def test_a_domain_gets_no_more_than_its_rate_in_any_minute_and_the_others_do_not_wait(engine):
    fill(engine, slow_example=8, unit_example=5)
    taken = engine.sender.taken
    deliver(engine)
    assert taken == {"slow.example": 3, "unit.example": 5}
    deliver(engine)
    go_on(engine, MINUTE - timedelta(seconds=1))
    deliver(engine)
    assert taken["slow.example"] == 3
    go_on(engine, timedelta(seconds=1))
    deliver(engine)
    assert taken["slow.example"] == 6
    go_on(engine, timedelta(hours=5))
    deliver(engine)
    assert taken["slow.example"] == 8
    assert states(engine) == {"sent": 13}


def test_the_rate_is_shared_by_all_that_claim(engine):
    fill(engine, slow_example=8)
    with engine.database.writing() as session:
        first = claim(session, engine.engine.snapshot, engine.clock.now(), "one", most=2, timezones=())
        second = claim(session, engine.engine.snapshot, engine.clock.now(), "two", most=9, timezones=())
    assert (len(first), len(second)) == (2, 1)


def test_a_clock_that_is_set_back_does_not_stop_what_is_paced(engine):
    fill(engine, slow_example=6)
    deliver(engine)
    engine.clock.set(engine.clock.now() - timedelta(days=30))
    deliver(engine)
    assert engine.sender.taken["slow.example"] == 6


def test_a_domain_that_says_too_fast_is_left_alone_by_the_passes_after_and_for_longer_each_time():
    server = Server(strict_example=0)
    with running(world(settings=OPERATOR), "2022-05-05 22:00", sender=server) as engine:
        fill(engine, strict_example=5, unit_example=2)
        for hold in (*HOLDS, HOLDS[-1]):
            asked = server.asked["strict.example"]
            deliver(engine)
            assert server.asked["strict.example"] == asked + 1, "one mail finds out for all"
            go_on(engine, hold - timedelta(seconds=1))
            deliver(engine)
            assert take(engine) == []
            assert server.asked["strict.example"] == asked + 1
            go_on(engine, timedelta(seconds=1))
        server.strict.clear()
        for _ in range(5):
            deliver(engine)
            go_on(engine, timedelta(hours=3))
        assert states(engine) == {"sent": 7}
        server.strict["strict.example"] = 0
        fill(engine, strict_example=6)
        deliver(engine)
        server.strict.clear()
        go_on(engine, HOLDS[0])
        deliver(engine)
        assert states(engine) == {"sent": 8}, "it began with the shortest hold again"


def test_what_was_held_back_or_found_no_server_loses_no_attempt():
    server = Server(strict_example=0)
    with running(world(settings=OPERATOR), "2022-05-05 22:00", sender=server) as engine:
        fill(engine, strict_example=3)
        deliver(engine)
        assert sorted(rows(engine, "state", "attempts")) == [
            ("deferred", 0),
            ("deferred", 0),
            ("deferred", 1),
        ]


def test_a_server_that_cannot_be_reached_for_days_fails_no_mail():
    with alerting(count=3) as engine:
        for _ in range(200):
            claimed = take(engine)
            tell(engine, [Result(each, MailState.DEFERRED, "no route", is_tried=False) for each in claimed])
            go_on(engine, UNTRIED * 1.2)
        assert states(engine) == {"deferred": 3}
        assert len(take(engine)) == 3


def test_a_pass_that_reaches_nobody_leaves_the_other_lots_alone():
    class Nobody(Server):
        async def send(self, mails, snapshot):
            self.asked["lots"] += 1
            for claimed in mails:
                yield Result(claimed, MailState.DEFERRED, "no route", is_tried=False)

    with alerting(Nobody(), count=450) as engine:
        deliver(engine)
        assert engine.sender.asked == {"lots": 1}
        assert states(engine) == {"deferred": FEW, "queued": 450 - FEW}


def test_a_lease_or_a_wait_that_a_wrong_clock_wrote_does_not_outlive_that_clock():
    with alerting(count=2) as engine:
        first, _ = take(engine)
        tell(engine, [Result(first, MailState.DEFERRED, "later")])
        engine.clock.set(engine.clock.now() - timedelta(days=30))
        assert [claimed.id for _ in range(2) for claimed in take(engine)] == [1, 2]
        assert take(engine) == []
        go_on(engine, -LEASE)
        assert take(engine) == [], "clocks may differ by a little"
