"""A clock that ran years ahead for a moment, and was set right: everybody is told as if it had not."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from tests.world import at, definition, running, world
from tracker.engine.misled import FAR
from tracker.engine.plan import plan
from tracker.store.tables import MAIL

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
            assert plan(session, engine.engine.force, engine.clock.now()) == 2
        told = engine.pass_at("2022-05-09 10:00")
        assert all(reason != "overdue" or days > -60 for items in told.values() for _, reason, days in items)
        with engine.database.reading() as session:
            states = session.execute(select(MAIL.c.state).where(MAIL.c.day > date(2098, 1, 1))).scalars()
            assert set(states) == {"dropped"}


def test_a_clock_that_was_some_weeks_ahead_is_waited_for_and_nothing_is_told_twice():
    ahead = date(2022, 5, 6) + FAR - timedelta(days=1)
    with running(world(TABLE, TASK), "2022-05-05 08:00") as engine:
        engine.pass_at("2022-05-05 10:00")
        engine.pass_at(f"{ahead} 10:00")
        assert told_on(engine, [date(2022, 5, 6) + timedelta(days=number) for number in range(50)]) == {}
        following = told_on(engine, [ahead + timedelta(days=number) for number in range(1, 9)])
        assert following
