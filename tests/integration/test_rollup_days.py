"""One roll-up for a deadline, and one for a week, whatever edits move in between."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta

import pytest

from tests.integration.test_outbox import Post
from tests.world import at, definition, running, unit, world
from tracker.core.model import MailKind
from tracker.core.policy import Policies, Quiet, Settings, built_in
from tracker.core.workdays import HolidayYear

CITY = unit("city")
FRIDAYS = Quiet(frozenset({5}))
APRIL = ("2022-04-11", "2022-04")
#: Of files in which the 6th of May, a Friday, and the days up to the 12th are quiet.
A_WEEK = Quiet(spans=((date(2022, 5, 6), date(2022, 5, 12)),))


def files(deadline="每月5日前", *, quiet=None, mark="before", holidays=None, **policy):
    policies = {name: replace(each, quiet=quiet or Quiet(), **policy) for name, each in built_in().items()}
    settings = Settings(policies=Policies(policies))
    table = definition("table-2", deadline, ["wanzhou"])
    given = {"settings": settings, "fingerprint": mark, "holidays": holidays}
    return world(table, units=(CITY, "wanzhou"), supervisor="city", **given)


def told(engine, first, last):
    """(day, month) of each deadline that a roll-up told of, with passes at nine of each day."""
    found, day = [], date.fromisoformat(first)
    while day <= date.fromisoformat(last):
        found += told_at(engine, str(day))
        day += timedelta(days=1)
    return found


def told_at(engine, text):
    engine.clock.set(at(text))
    engine.engine.run_pass()
    mails = [claimed.mail for claimed, _ in engine.sender.take()]
    deadlines = [each for mail in mails for each in mail.details.get("deadlines", ())]
    return [(text[:10], each["ref"].partition("@")[2]) for each in deadlines]


@pytest.mark.parametrize(
    ("before", "after", "edited", "expected"),
    [
        pytest.param({}, {}, "2022-05-07 10:00", [("2022-05-06", "2022-05")], id="nothing edited"),
        pytest.param(
            {"quiet": FRIDAYS}, {}, "2022-05-06 10:00", [("2022-05-07", "2022-05")], id="quiet lifted on its day"
        ),
        pytest.param(
            {}, {"quiet": FRIDAYS}, "2022-05-06 10:00", [("2022-05-06", "2022-05")], id="quiet laid on its day"
        ),
        pytest.param(
            {"deadline": "每月10日前"},
            {},
            "2022-05-08 10:00",
            [APRIL, ("2022-05-09", "2022-05")],
            id="an earlier date, over by now",
        ),
        pytest.param(
            {"deadline": "每月10日前"}, {}, "2022-05-12 10:00", [APRIL, ("2022-05-11", "2022-05")], id="earlier, and told of"
        ),
        pytest.param(
            {}, {"deadline": "每月10日前"}, "2022-05-20 10:00", [("2022-05-06", "2022-05")], id="later, and over"
        ),
        pytest.param(
            {},
            {"deadline": "每月10日前"},
            "2022-05-09 10:00",
            [("2022-05-06", "2022-05"), ("2022-05-11", "2022-05")],
            id="more time for everybody",
        ),
        pytest.param(
            {"rollup": False}, {}, "2022-05-20 10:00", [], id="asked for once it was over"
        ),
    ],
)  # fmt: skip
def test_a_deadline_is_told_of_once_whatever_an_edit_moves(before, after, edited, expected):
    with running(files(**before), "2022-04-08 08:00") as engine:
        day = edited[:10]
        found = told(engine, "2022-04-08", day)
        engine.clock.set(at(edited))
        engine.engine.adopt(files(**after, mark="after"))
        found += told_at(engine, edited)
        found += told(engine, str(date.fromisoformat(day) + timedelta(days=1)), "2022-06-05")
        june = told(engine, "2022-06-06", "2022-06-15")
    assert found == expected
    assert [month for _, month in june] == ["2022-06"]


def test_a_roll_up_that_waits_while_quiet_is_laid_on_is_told_once():
    post = Post("deferred")
    with running(files(), "2022-04-29 08:00", sender=post) as engine:
        told(engine, "2022-04-29", "2022-05-06")
        engine.clock.set(at("2022-05-06 10:00"))
        engine.engine.adopt(files(quiet=A_WEEK, mark="after"))
        assert told_at(engine, "2022-05-06 10:00") == []
        post.deeds = ["sent"]
        found = told(engine, "2022-05-07", "2022-05-31")
    assert [month for _, month in found] == ["2022-05"]


def test_a_week_is_told_of_once_though_its_first_workday_moves():
    days_off = {2022: HolidayYear(2022, frozenset({date(2022, 5, 16)}), frozenset())}
    with running(files(), "2022-05-12 08:00") as engine:
        weeks = []
        for day in range(12, 21):
            if day == 17:
                engine.clock.set(at("2022-05-17 08:00"))
                engine.engine.adopt(files(mark="after", holidays=days_off))
            engine.clock.set(at(f"2022-05-{day}"))
            engine.engine.run_pass()
            mails = [claimed.mail for claimed, _ in engine.sender.take()]
            weeks += [day for mail in mails if mail.kind is MailKind.ROLLUP and "week" in mail.details]
    assert weeks == [16]


WEDNESDAYS = Quiet(frozenset({3}))


@pytest.mark.parametrize("rhythm", ["每周五前", "每季度首月5日前", "每年4月20日前"])
@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [(None, WEDNESDAYS, "2022-07-06"), (WEDNESDAYS, None, "2022-07-07")],
    ids=["quiet laid on its day", "quiet lifted on its day"],
)
def test_what_comes_back_in_another_rhythm_from_now_on_is_told_of_once(rhythm, before, after, expected):
    """The 6th of July, a Wednesday, is the day after the second deadline of the new rhythm."""
    with running(files(rhythm, quiet=before, mark="one", rollup=True), "2022-04-08 08:00") as engine:
        told(engine, "2022-04-08", "2022-05-26")
        engine.clock.set(at("2022-05-26 10:00"))
        engine.engine.accept_removals = True
        engine.engine.adopt(files(quiet=before, mark="two", rollup=True))
        found = told(engine, "2022-05-27", "2022-07-06")
        engine.clock.set(at("2022-07-06 10:00"))
        engine.engine.adopt(files(quiet=after, mark="three", rollup=True))
        found += told_at(engine, "2022-07-06 10:00")
        found += told(engine, "2022-07-07", "2022-08-31")
    assert [each for each in found if each[1] > "2022-06"] == [
        (expected, "2022-07"),
        ("2022-08-08", "2022-08"),
    ]


@contextmanager
def slipped(chase_from):
    """A service that has told of its days, and whose ``chase_from`` has slipped on the morning of the first roll-up."""
    slip = files(mark="slip")
    slip = replace(slip, campaign=replace(slip.campaign, chase_from=chase_from))
    with running(files(), "2022-04-08 08:00") as engine:
        told(engine, "2022-04-08", "2022-05-05")
        engine.clock.set(at("2022-05-05 10:00"))
        engine.engine.adopt(slip)
        yield engine


def test_a_deadline_that_a_slip_set_aside_is_told_of_though_a_later_one_has_been():
    """``chase_from`` is the 20th of May until June's deadline has been rolled up."""
    with slipped(date(2022, 5, 20)) as engine:
        found = told(engine, "2022-05-06", "2022-06-09")
        assert [month for _, month in found] == ["2022-06"]
        engine.clock.set(at("2022-06-09 10:00"))
        engine.engine.adopt(files(mark="right"))
        found = told(engine, "2022-06-10", "2022-07-31")
    assert [month for _, month in found] == ["2022-05", "2022-07"]


@pytest.mark.parametrize("righted", ["2022-05-06 18:00", "2022-05-07 08:00", "2022-05-12 10:00"])
def test_a_deadline_that_a_slip_set_aside_is_told_of_once_that_is_put_right(righted):
    """``chase_from`` is a year ahead on the day of the roll-up, when nothing can be told of April's table."""
    with slipped(date(2023, 4, 8)) as engine:
        first = date.fromisoformat(righted[:10])
        assert told(engine, "2022-05-06", str(first - timedelta(days=righted < f"{first} 09:00"))) == []
        engine.clock.set(at(righted))
        engine.engine.adopt(files(mark="right"))
        found = told(engine, str(first + timedelta(days=righted > f"{first} 09:00")), "2022-06-30")
    assert [month for _, month in found] == ["2022-05", "2022-06"]
