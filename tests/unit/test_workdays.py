"""The working calendar."""

import json
from datetime import date, timedelta

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.core.policy import Quiet
from tracker.core.workdays import HolidayYear, Workdays

days = st.dates(date(2004, 1, 1), date(2026, 12, 31))


@pytest.mark.parametrize(
    ("day", "works", "why"),
    [
        (date(2022, 6, 3), False, "Dragon Boat festival, a Friday"),
        (date(2022, 6, 5), False, "the Sunday in it"),
        (date(2022, 6, 2), True, "the Thursday before"),
        (date(2022, 10, 5), False, "National Day week"),
        (date(2022, 10, 8), True, "a Saturday worked in exchange"),
        (date(2022, 4, 2), True, "a Saturday worked for Tomb-Sweeping Day"),
        (date(2022, 4, 24), True, "a Sunday worked for Labour Day"),
        (date(2022, 4, 9), False, "an ordinary Saturday"),
    ],
)
def test_days_of_2022_are_those_of_the_state_councils_notice(day, works, why):
    assert Workdays().is_workday(day) is works, why


def test_the_last_workday_before_the_two_holidays_of_the_document():
    workdays = Workdays()
    assert workdays.on_or_before(date(2022, 6, 5)) == date(2022, 6, 2)
    assert workdays.on_or_before(date(2022, 10, 5)) == date(2022, 9, 30)
    assert workdays.after(date(2022, 10, 5)) == date(2022, 10, 8)


@given(days)
def test_every_day_agrees_with_the_published_calendar(day):
    assert Workdays().is_workday(day) == chinese_calendar.is_workday(day)


@given(days, st.integers(1, 300))
def test_the_nth_workday_after_is_found_by_walking_too(day, count):
    workdays = Workdays()
    walked, left = day, count
    while left:
        walked += timedelta(days=1)
        left -= workdays.is_workday(walked)
    assert workdays.after(day, count) == walked
    assert workdays.between(day + timedelta(days=1), walked + timedelta(days=1)) == count


@given(st.lists(days, min_size=2, max_size=2))
def test_counting_does_not_depend_on_which_year_was_asked_for_first(pair):
    since, until = sorted(pair)
    fresh, warmed = Workdays(), Workdays()
    warmed.is_workday(until)
    warmed.is_workday(date(2004, 1, 1))
    assert fresh.between(since, until) == warmed.between(since, until)
    assert fresh.between(until, since) == 0


def test_an_unpublished_year_is_monday_to_friday_and_says_so():
    workdays = Workdays()
    assert workdays.is_provisional(2035)
    assert not workdays.is_provisional(2022)
    assert workdays.is_workday(date(2035, 10, 1)), "a Monday; nobody has said yet that it is a holiday"
    assert not workdays.is_workday(date(2035, 10, 6)), "a Saturday"


def test_the_operators_own_calendar_comes_before_the_published_one():
    own = HolidayYear(2022, off=frozenset({date(2022, 6, 2)}), work=frozenset({date(2022, 6, 5)}))
    workdays = Workdays({2022: own})
    assert not workdays.is_workday(date(2022, 6, 2))
    assert workdays.is_workday(date(2022, 6, 5))
    assert workdays.is_workday(date(2022, 6, 3)), "the file is the whole truth about its year"


def test_the_operators_calendar_settles_a_provisional_year():
    own = HolidayYear(2035, off=frozenset({date(2035, 10, 1)}), work=frozenset())
    workdays = Workdays({2035: own})
    assert not workdays.is_provisional(2035)
    assert workdays.on_or_before(date(2035, 10, 1)) == date(2035, 9, 28)


def test_neighbouring_years_are_taken_in_as_needed():
    workdays = Workdays()
    assert workdays.on_or_before(date(2023, 1, 1)) == date(2022, 12, 30)
    assert workdays.on_or_after(date(2022, 12, 31)) == date(2023, 1, 3)


@given(days, st.booleans())
def test_another_machine_counts_by_what_is_handed_over_as_published(day, has_own):
    own = {2022: HolidayYear(2022, frozenset({date(2022, 5, 24)}), frozenset())} if has_own else {}
    facts = json.loads(json.dumps(Workdays(own).published_facts(2004)))
    handed = Workdays().by(facts)
    assert handed.is_workday(day) == Workdays().is_workday(day)
    assert handed.without(Quiet(frozenset({day.isoweekday()}))).is_workday(day) is False
    assert (handed.published, handed.is_provisional(day.year)) == (Workdays().published, False)
    assert handed.published_facts(2004) == facts
