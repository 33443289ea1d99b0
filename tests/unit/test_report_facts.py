"""The facts of a monthly report, against a count made here from the events alone."""

from collections import Counter
from datetime import date

import pytest

from tests.world import at, definition, running, unit, world
from tracker.core.model import Light, State
from tracker.ledger.status import ledger_rows
from tracker.report.facts import CalendarMonth, month_facts

UNITS = ("wanzhou", "fuling", "yuzhong", "dadukou", "jiangbei", "shapingba", "nanan", "beibei")
MAY = CalendarMonth(date(2022, 5, 1))
TABLE = "table-2@2022-05"


def report_of(engine, snapshot, month=MAY, when="2022-05-31 23:59", latest="2022-12-01"):
    with engine.database.reading() as session:
        rows = ledger_rows(session, snapshot, at(when), latest=at(latest))
    return month_facts(snapshot, month, at(when), rows)


@pytest.fixture
def may():
    """One table over eight units, each of which does something else with it, and an older task."""
    snapshot = world(
        definition("table-2", "每月5日前", UNITS),
        definition("1", "持续推进", UNITS[:2]),
        definition("2", "2022年4月20日前", UNITS[:3], section="二、检查"),
        definition("3", "2022年底前", UNITS[:1], section="三、其他"),
        units=UNITS,
    )
    with running(snapshot, "2022-04-08 08:00") as engine:
        engine.pass_at("2022-04-08 09:00")
        engine.record("submit", "2", "fuling", when="2022-04-18")
        engine.record("waive", TABLE, "beibei", when="2022-05-01")
        engine.record("extend", TABLE, "nanan", when="2022-05-02", until=date(2022, 6, 10))
        engine.record("submit", TABLE, "wanzhou", when="2022-05-05 23:59")
        engine.record("nil", TABLE, "fuling", when="2022-05-04")
        engine.record("submit", TABLE, "yuzhong", when="2022-05-09")
        engine.record("submit", TABLE, "dadukou", when="2022-05-05")
        engine.record("return", TABLE, "dadukou", when="2022-05-10")
        engine.record("pause", TABLE, "jiangbei", when="2022-05-10")
        engine.record("submit", "2", "yuzhong", when="2022-05-12")
        # What comes after the month changes nothing in its report.
        engine.record("submit", TABLE, "shapingba", when="2022-06-02")
        engine.record("submit", TABLE, "nanan", when="2022-06-09")
        yield report_of(engine, snapshot), engine, snapshot


def named(lines):
    return [line.unit for line in lines]


def test_each_unit_of_a_deadline_is_counted_where_it_belongs(may):
    (each,) = may[0].occurrences
    assert named(each.missing) == ["dadukou", "shapingba", "nanan"]
    assert [(line.unit, line.late_days, line.done_on) for line in each.late] == [
        ("yuzhong", 4, date(2022, 5, 9))
    ]
    assert (named(each.nil), named(each.returned), named(each.waived), named(each.paused)) == (
        ["fuling"],
        ["dadukou"],
        ["beibei"],
        ["jiangbei"],
    )
    (extended,) = each.extended
    assert (extended.unit, extended.due, extended.effective_due) == (
        "nanan",
        date(2022, 5, 5),
        date(2022, 6, 10),
    )


def test_the_counts_are_those_of_the_events(may):
    tally = may[0].due
    assert (tally.asked, tally.done, tally.on_time, tally.late, tally.nil) == (6, 3, 2, 1, 1)
    assert (tally.missing, tally.overdue, tally.returned) == (3, 2, 1)
    assert (tally.extended, tally.waived, tally.paused) == (1, 1, 1)
    assert tally.asked == tally.done + tally.missing
    assert tally.done == tally.on_time + tally.late


def test_what_is_overdue_from_before_is_carried_over_until_it_comes_in(may):
    report = may[0]
    # A task of April: one in time (no business of May's), one in May, one never.
    assert [(line.ref, line.unit) for line in report.arrears] == [("2", "wanzhou")]
    (caught_up,) = report.caught_up
    assert (caught_up.unit, caught_up.late_days) == ("yuzhong", 22)


def test_the_sums_over_units_sections_and_definitions_agree(may):
    report = may[0]
    for groups in (report.by_unit, report.by_section, report.by_definition):
        for light in Light:
            assert sum(group.lights[light] for group in groups) == report.lights[light]
        assert sum(group.due.asked for group in groups) == report.due.asked
        assert sum(group.arrears for group in groups) == len(report.arrears)
    assert sum(report.lights.values()) == sum(report.states.values()) == report.in_hand
    assert [group.key for group in report.by_section] == [None, "二、检查", "三、其他", ""]


def test_lights_and_states_are_those_of_the_rows(may):
    report, engine, snapshot = may
    with engine.database.reading() as session:
        rows = ledger_rows(session, snapshot, at("2022-05-31 23:59"), latest=at("2022-12-01"))
    # In hand: this deadline, the one that opened after it, what was overdue or has no date or a later one.
    refs = {TABLE, "table-2@2022-06", "1", "2", "3"}
    in_hand = [row for row in rows if row.ref in refs and (row.ref, row.unit) != ("2", "fuling")]
    assert report.lights == {light: sum(row.light is light for row in in_hand) for light in Light}
    assert report.states == Counter(row.state for row in in_hand)
    assert report.states[State.PAUSED] == 1


def test_an_extension_into_the_next_month_is_asked_for_in_both(may):
    _, engine, snapshot = may
    june = report_of(engine, snapshot, CalendarMonth(date(2022, 6, 1)), "2022-06-30 23:59")
    found = {each.thing.ref: each for each in june.occurrences}
    assert found[TABLE].tally.asked == 1
    assert found[TABLE].tally.on_time == 1
    assert found["table-2@2022-06"].tally.asked == len(UNITS)


def test_the_month_after_is_announced(may):
    assert [(thing.ref, thing.units) for thing in may[0].following] == [("table-2@2022-06", len(UNITS))]


def test_a_month_to_come_has_nobody_in_and_nobody_late():
    snapshot = world(definition("table-2", "每月5日前", UNITS), units=UNITS)
    with running(snapshot, "2022-04-08 08:00") as engine:
        engine.pass_at("2022-04-08 09:00")
        report = report_of(
            engine, snapshot, CalendarMonth(date(2024, 2, 1)), "2022-04-08 10:00", "2022-04-08 10:00"
        )
        assert report.phase == "to_come"
        assert report.due.done == report.due.overdue == 0


def test_a_month_in_which_nothing_is_due_is_empty():
    snapshot = world(definition("2", "2022年12月20日前", UNITS), units=UNITS)
    with running(snapshot, "2022-04-08 08:00") as engine:
        engine.pass_at("2022-04-08 09:00")
        report = report_of(engine, snapshot)
    assert report.occurrences == ()
    assert report.due.asked == 0
    assert report.in_hand == len(UNITS)


def test_a_deadline_that_a_holiday_moves_belongs_to_the_month_it_moves_into():
    # 1 May 2022 is a holiday: "before" means 30 April, a day of the month before.
    snapshot = world(
        definition("2", "2022年5月1日前", ("wanzhou",), on_holiday="before"), units=(unit("wanzhou"),)
    )
    with running(snapshot, "2022-04-08 08:00") as engine:
        engine.pass_at("2022-04-08 09:00")
        may = report_of(engine, snapshot)
        april = report_of(engine, snapshot, CalendarMonth(date(2022, 4, 1)), "2022-04-30 23:59")
    assert [each.thing.ref for each in april.occurrences] == ["2"]
    assert may.occurrences == ()
    assert named(may.arrears) == ["wanzhou"]


@pytest.mark.parametrize(
    ("first", "last", "after"),
    [
        (date(2022, 5, 1), date(2022, 5, 31), date(2022, 6, 1)),
        (date(2022, 12, 1), date(2022, 12, 31), date(2023, 1, 1)),
        (date(2024, 2, 1), date(2024, 2, 29), date(2024, 3, 1)),
    ],
)
def test_a_month_knows_its_ends(first, last, after):
    month = CalendarMonth(first)
    assert (month.last, month.until) == (last, after)
    assert first in month
    assert after not in month
    assert [month.phase(day) for day in (last, first)] == ["over", "running"]
