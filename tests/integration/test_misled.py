"""A clock that ran years ahead for a moment, and was set right: everybody is told as if it had not."""

import random
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from tests.world import at, definition, running, world
from tracker.core.model import Contact
from tracker.core.policy import Settings
from tracker.ledger.beginning import known_beginning, left_before
from tracker.ledger.reconcile import chased_from
from tracker.mail.transport.replies import RefusalScope
from tracker.outbox.results import Result
from tracker.planning.plan import plan
from tracker.service.simulation import CollectingSender
from tracker.store.tables import MAIL, MailState

BOTH = ("wanzhou", "fuling")
TABLE = definition("table-2", "2022年5月起，每月5日前", BOTH)
TASK = definition("5", "2022年6月底前", BOTH)
DAYS = [date(2022, 5, 6) + timedelta(days=number) for number in range(70)]


def told_on(engine, days):
    return {day: told for day in days if (told := engine.pass_at(f"{day} 10:00"))}


@pytest.mark.parametrize("wrong", ["2099-01-05 10:00", "2022-09-07 10:00"])
def test_after_a_clock_that_was_far_ahead_everybody_is_told_as_if_it_had_not_been(wrong):
    with running(world(TABLE, TASK), "2022-05-05 08:00") as engine:
        engine.pass_at("2022-05-05 10:00")
        meant = told_on(engine, DAYS)
    with running(world(TABLE, TASK), "2022-05-05 08:00") as engine:
        engine.pass_at("2022-05-05 10:00")
        assert engine.pass_at(wrong)
        assert told_on(engine, DAYS) == meant


def test_what_it_wrote_and_could_not_send_is_let_go():
    with running(world(TABLE, TASK), "2022-05-05 08:00") as engine:
        engine.pass_at("2022-05-05 10:00")
        engine.clock.set(at("2099-01-05 10:00"))
        engine.engine.bring_up_to_date(engine.clock.now())
        with engine.database.writing() as session:
            assert plan(session, engine.engine.snapshot, engine.clock.now()) == 2
        told = engine.pass_at("2022-05-09 10:00")
        assert all(reason != "overdue" or days > -60 for items in told.values() for _, reason, days in items)
        with engine.database.reading() as session:
            states = session.execute(select(MAIL.c.state).where(MAIL.c.day > date(2098, 1, 1))).scalars()
            assert set(states) == {"dropped"}


def test_milestones_of_days_that_a_clock_skipped_are_told_on_their_days():
    days = [date(2022, 5, 9) + timedelta(days=number) for number in range(60)]
    with running(world(TABLE, TASK), "2022-05-05 08:00") as engine:
        engine.pass_at("2022-05-06 10:00")
        meant = told_on(engine, days)
    far = min(day for day in meant if day >= date(2022, 6, 14))
    with running(world(TABLE, TASK), "2022-05-05 08:00") as engine:
        engine.pass_at("2022-05-06 10:00")
        ahead = engine.pass_at(f"{far} 10:00")
        assert engine.pass_at("2022-05-06 10:05") == {}
        assert told_on(engine, [day for day in days if day < far]) == {
            day: told for day, told in meant.items() if day < far
        }
        # What was said for that day has been said; what it left out is added.
        again = engine.pass_at(f"{far} 10:00")
        for to, items in meant[far].items():
            assert set(items) <= {*again.get(to, []), *ahead[to]}
            assert not {*again.get(to, [])} & {*ahead[to]}
        later = [day for day in days if day > far]
        assert told_on(engine, later) == {day: told for day, told in meant.items() if day in later}


def test_days_that_went_by_while_a_clock_ran_ahead_are_caught_up_with():
    found = []
    for wrong in ((), ("2099-01-05 10:00",)):
        with running(world(TABLE, TASK), "2022-05-05 08:00") as engine:
            for moment in ("2022-05-06 10:00", *wrong):
                assert engine.pass_at(moment)
            # A day on which nothing is said to those who were told on the days before it.
            found.append(engine.pass_at("2022-05-12 10:00"))
    assert found[0] == found[1] != {}


def test_what_was_said_too_early_is_said_again_once_its_date_has_moved():
    with running(world(TASK, units=("wanzhou",)), "2022-05-05 08:00") as engine:
        engine.pass_at("2022-05-06 10:00")
        assert engine.pass_at("2022-06-30 10:00") == {"wanzhou@unit.example": [("5", "due_today", 0)]}
        engine.pass_at("2022-05-06 10:05")
        engine.record("extend", "5", until=date(2022, 7, 30), when="2022-05-06 11:00")
        # Thirty days before the new date is the very day for which the other reminder went out.
        assert engine.pass_at("2022-06-30 10:00") == {"wanzhou@unit.example": [("5", "lead", 30)]}


def test_what_was_sent_back_and_written_by_the_wrong_clock_only_is_told():
    with running(world(TABLE, units=("wanzhou",)), "2022-05-05 08:00") as engine:
        engine.record("submit", "table-2@2022-05")
        engine.pass_at("2022-05-06 10:00")
        engine.record("return", "table-2@2022-05", when="2022-05-06 11:00")
        engine.clock.set(at("2022-06-14 10:00"))
        engine.engine.bring_up_to_date(engine.clock.now())
        with engine.database.writing() as session:
            assert plan(session, engine.engine.snapshot, engine.clock.now()) == 1
        told = engine.pass_at("2022-05-06 11:05")
        assert told == {"wanzhou@unit.example": [("table-2@2022-05", "returned", -1)]}
        assert engine.pass_at("2022-05-07 10:00") == {}


def test_the_operator_hears_of_it_once_and_midnight_is_no_wrong_clock():
    settings = Settings(operator=Contact("管理员", "operator@unit.example"))
    with running(world(TABLE, TASK, settings=settings), "2022-05-05 08:00") as engine:
        engine.pass_at("2022-05-06 10:00")
        engine.pass_at("2022-05-13 10:00")
        assert "operator@unit.example" in engine.pass_at("2022-05-06 10:05")
        assert engine.pass_at("2022-05-06 10:10") == {}
        engine.pass_at("2022-05-09 00:10", at_once=True)
        assert "operator@unit.example" not in engine.pass_at("2022-05-08 23:50")


def told_in_words(told):
    """{(day, to, item)} without what a person is told twice at most for a wrong clock."""
    return {(day, to, item) for day, mails in told.items() for to, items in mails.items() for item in items}


SUMMER = [date(2022, 5, 6) + timedelta(days=number) for number in range(118)]


@pytest.fixture(scope="module")
def meant_in_summer():
    with running(world(TABLE, TASK), "2022-05-05 08:00") as engine:
        return told_in_words(told_on(engine, SUMMER))


@pytest.mark.parametrize("seed", range(6))
def test_however_a_clock_jumps_each_milestone_is_told_on_its_day_and_once(seed, meant_in_summer):
    chance = random.Random(seed)
    found = []
    with running(world(TABLE, TASK), "2022-05-05 08:00") as engine:
        for day in SUMMER:
            if chance.random() < 0.2:
                ahead = day + timedelta(days=chance.choice([1, 3, 10, 40, 70]))
                for to, items in engine.pass_at(f"{ahead} 10:00").items():
                    found += [(ahead, to, item) for item in items]
            for to, items in engine.pass_at(f"{day} 10:00").items():
                found += [(day, to, item) for item in items]
    assert set(found) >= meant_in_summer
    assert len(found) == len(set(found))


class Delayed(CollectingSender):
    """The server says later for as long as it ``is_down``."""

    is_down = False

    async def send(self, mails, snapshot):
        if not self.is_down:
            async for result in super().send(mails, snapshot):
                yield result
            return
        for claimed in mails:
            yield Result(claimed, MailState.DEFERRED, "451 later", None, RefusalScope.LATER)


@pytest.mark.parametrize(
    ("waits", "ahead", "is_down_ahead"),
    [("2022-05-23", "+1 10:00", True), ("2022-05-25", "+1 10:00", True), ("2022-05-16", "+40 10:00", False)],
)
def test_what_waits_while_a_clock_runs_ahead_is_told_once_it_is_set_right(waits, ahead, is_down_ahead):
    snapshot = world(definition("5", "2022-05-20", BOTH), units=(*BOTH, "city"), supervisor="city")
    days = [date(2022, 5, 16) + timedelta(days=number) for number in range(18)]

    def heard(wrong):
        found = set()
        with running(snapshot, "2022-05-16 08:00", sender=Delayed(lambda mail: mail.key)) as engine:
            for day in days:
                if wrong and str(day) == waits:
                    number, hour = ahead.split()
                    engine.sender.is_down = True
                    assert engine.pass_at(f"{day} 09:00") == {}
                    engine.sender.is_down = is_down_ahead
                    told = engine.pass_at(f"{day + timedelta(days=int(number))} {hour}")
                    engine.sender.is_down = False
                    found |= told_in_words({day: told})
                    found |= told_in_words({day: engine.pass_at(f"{day} 11:00")})
                else:
                    found |= told_in_words({day: engine.pass_at(f"{day} 09:00")})
            with engine.database.reading() as session:
                states = set(session.execute(select(MAIL.c.state)).scalars())
                assert states <= {"sent", "dropped", "superseded"}
        return {(to, ref, reason) for _, to, (ref, reason, _) in found}

    assert heard(wrong=True) >= heard(wrong=False)


def test_what_waits_is_told_on_the_same_day_and_none_of_it_twice():
    snapshot = world(TASK, definition("6", "2022年9月底前", BOTH))
    for later in ("2022-04-11 09:30", "2022-05-18 10:00"):
        with running(snapshot, "2022-04-08 08:00", sender=Delayed(lambda mail: mail.key)) as engine:
            engine.sender.is_down = True
            assert engine.pass_at("2022-04-08 09:30") == {}
            assert engine.pass_at(later) == {}
            engine.sender.is_down = False
            assert engine.pass_at("2022-04-08 11:00") == {
                f"{name}@unit.example": [("5", "opened", 83), ("6", "opened", 175)] for name in BOTH
            }
            assert engine.pass_at("2022-04-08 11:10") == {}
            assert engine.pass_at("2022-04-11 09:30") == {}


@pytest.mark.parametrize("wrong", ["2023-05-18 10:00", "2023-05-18 07:00", "2022-05-23 10:00"])
@pytest.mark.parametrize("right", ["2022-05-17", "2022-04-11"])
def test_a_ledger_that_a_wrong_clock_began_begins_once_the_clock_is_right(wrong, right):
    operator = Settings(operator=Contact("管理员", "operator@unit.example"))
    days = [date.fromisoformat(right) + timedelta(days=number) for number in range(60)]

    def heard(wrong):
        # As a campaign of which the files do not say from when on it is chased.
        snapshot = world(TABLE, TASK, definition("6", "2022-05-20", BOTH), settings=operator)
        snapshot = replace(snapshot, campaign=replace(snapshot.campaign, chase_from=None))
        with running(snapshot, wrong or f"{right} 09:00") as engine:
            if wrong:
                engine.pass_at(wrong)
            told = told_on(engine, days)
            with engine.database.reading() as session:
                assert known_beginning(session, snapshot) == days[0]
                assert chased_from(session, snapshot) == days[0]
                before = [row["ref"] for row in left_before(session, snapshot, engine.clock.now())]
        return told_in_words(told), before

    assert heard(wrong) == heard(None)
