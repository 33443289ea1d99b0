"""What is to be said when (docs/contract.md §6.2 and §6.3), against the real calendar of 2022."""

from datetime import date, timedelta
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.core.beat import Late
from tracker.core.model import Reason
from tracker.core.policy import Interval, Policy, Quiet
from tracker.core.quota_pace import share
from tracker.core.reminders import (
    Rules,
    before_due,
    effective_due,
    escalation_day,
    first_overdue,
    is_within,
    milestones,
    next_on,
    notice_day,
    nth_repeat,
    reminder_due_on,
    reminders,
)
from tracker.core.status import Dates
from tracker.core.workdays import Workdays

WORKDAYS = Workdays()
DEFAULT = Policy(
    "default", lead=(30, 7, 3, 1), overdue=Interval(7, "d"), escalate=Interval(3, "wd"), announce=True
)
MONTHLY = Policy(
    "monthly", lead=(5, 1), overdue=Interval(2, "wd"), escalate=Interval(3, "wd"), announce=False
)
ISSUED = date(2022, 4, 8)


def rules(policy, *, has_quota=False):
    return Rules(policy, WORKDAYS, has_quota)


def dates(due, opens=ISSUED, grace=0):
    return Dates.of(opens, due, due, grace)


def told(due, policy, *, opens=ISSUED, until=date(2022, 12, 31)):
    """What is said to the unit itself."""
    found = reminders(dates(due, opens), rules(policy), date.min)
    return [(m.on, m.reason.value) for m in islice(found, 60) if m.on <= until]


def test_the_end_of_june_is_announced_and_led_up_to_by_30_7_3_and_1_days():
    assert told(date(2022, 6, 30), DEFAULT, until=date(2022, 6, 30)) == [
        (date(2022, 4, 8), "opened"),
        (date(2022, 5, 31), "lead"),
        (date(2022, 6, 23), "lead"),
        (date(2022, 6, 27), "lead"),
        (date(2022, 6, 29), "lead"),
        (date(2022, 6, 30), "due_today"),
    ]


def test_the_table_of_june_is_reminded_of_before_the_dragon_boat_holiday():
    # 5 June 2022 is the Sunday of it: the eve (4 June) and the day itself fall together on Thursday, 2 June.
    assert told(date(2022, 6, 5), MONTHLY, until=date(2022, 6, 14)) == [
        (date(2022, 5, 31), "lead"),
        (date(2022, 6, 2), "lead"),
        (date(2022, 6, 6), "overdue"),
        (date(2022, 6, 8), "overdue"),
        (date(2022, 6, 10), "overdue"),
        (date(2022, 6, 14), "overdue"),
    ]


def test_the_table_of_october_is_reminded_of_before_national_day_week():
    assert told(date(2022, 10, 5), MONTHLY, until=date(2022, 10, 12)) == [
        (date(2022, 9, 30), "lead"),
        (date(2022, 10, 8), "overdue"),
        (date(2022, 10, 10), "overdue"),
        (date(2022, 10, 12), "overdue"),
    ]


def test_overdue_is_repeated_weekly_and_a_day_off_moves_it_to_the_next_workday():
    overdue = [
        on for on, reason in told(date(2022, 9, 21), DEFAULT, until=date(2022, 10, 20)) if reason == "overdue"
    ]
    # 6 October lies in National Day week; the week after counts from the 22nd again, not from the 8th.
    assert overdue == [
        date(2022, 9, 22),
        date(2022, 9, 29),
        date(2022, 10, 8),
        date(2022, 10, 13),
        date(2022, 10, 20),
    ]


def test_what_was_over_before_the_document_came_is_overdue_from_the_day_of_issue():
    assert told(date(2022, 3, 31), DEFAULT, until=date(2022, 4, 22)) == [
        (date(2022, 4, 8), "overdue"),
        (date(2022, 4, 15), "overdue"),
        (date(2022, 4, 22), "overdue"),
    ]


def test_a_lead_time_that_had_passed_before_the_document_came_is_none():
    assert told(date(2022, 4, 15), DEFAULT, until=date(2022, 4, 15)) == [
        (date(2022, 4, 8), "lead"),
        (date(2022, 4, 12), "lead"),
        (date(2022, 4, 14), "lead"),
        (date(2022, 4, 15), "due_today"),
    ]


def test_a_lead_that_days_off_would_move_before_the_opening_comes_on_its_first_workday():
    # Opened on Saturday, 9 April; a week before 16 April is that very day.
    found = told(date(2022, 4, 16), MONTHLY, opens=date(2022, 4, 10), until=date(2022, 4, 17))
    assert found == [(date(2022, 4, 11), "lead"), (date(2022, 4, 15), "lead")]


def test_ongoing_work_without_a_date_is_announced_and_reviewed_by_the_quarter():
    reviewed = Policy("default", lead=(30,), overdue=None, escalate=None, announce=True, review="quarter")
    assert told(None, reviewed) == [
        (date(2022, 4, 8), "opened"),
        (date(2022, 7, 1), "review"),
        (date(2022, 10, 8), "review"),
    ]


@pytest.mark.parametrize(
    ("rule", "on"),
    [("keep", date(2022, 6, 5)), ("before", date(2022, 6, 2)), ("after", date(2022, 6, 6))],
)
def test_a_deadline_on_a_day_off_stays_or_moves_as_the_definition_says(rule, on):
    assert effective_due(date(2022, 6, 5), rule, WORKDAYS) == on


def test_the_notice_is_on_the_last_workday():
    assert notice_day(date(2022, 6, 5), WORKDAYS) == date(2022, 6, 2)
    assert notice_day(date(2022, 7, 5), WORKDAYS) == date(2022, 7, 5)


def test_grace_puts_off_the_first_overdue_reminder():
    assert first_overdue(dates(date(2022, 7, 5), grace=2), WORKDAYS) == date(2022, 7, 8)


def test_escalation_counts_workdays():
    # Due on Sunday, 5 June: Monday the 6th is the first workday of silence, Wednesday the 8th the third.
    assert escalation_day(dates(date(2022, 6, 5)), rules(MONTHLY)) == date(2022, 6, 8)
    assert escalation_day(dates(date(2022, 9, 30)), rules(MONTHLY)) == date(2022, 10, 10)


def test_after_downtime_one_thing_is_said_and_it_is_how_things_stand():
    june = dates(date(2022, 6, 30))
    since = date(2022, 4, 8)
    assert reminder_due_on(june, rules(DEFAULT), since, date(2022, 4, 11)).to_unit is Reason.OPENED
    assert reminder_due_on(june, rules(DEFAULT), since, date(2022, 6, 24)).to_unit is Reason.LEAD
    assert reminder_due_on(june, rules(DEFAULT), since, date(2022, 6, 30)).to_unit is Reason.DUE_TODAY
    assert reminder_due_on(june, rules(DEFAULT), since, date(2026, 11, 23)).to_unit is Reason.OVERDUE
    assert reminder_due_on(june, rules(DEFAULT), date(2022, 6, 1), date(2022, 6, 22)).to_unit is None


policies = st.builds(
    Policy,
    st.just("p"),
    lead=st.lists(st.integers(1, 60), max_size=4).map(tuple),
    overdue=st.none() | st.builds(Interval, st.integers(1, 20), st.sampled_from(["d", "wd"])),
    escalate=st.builds(Interval, st.integers(1, 20), st.sampled_from(["d", "wd"])),
    announce=st.booleans(),
)
intervals = st.none() | st.builds(Interval, st.sampled_from([1, 2, 7, 60]), st.sampled_from(["d", "wd"]))
#: Policies at their edges, with months of quiet days in the years of the dates.
extreme = st.builds(
    Policy,
    st.just("p"),
    lead=st.sampled_from([(), (0,), (1, 3), (30, 7, 3, 1), (400,)]),
    overdue=intervals,
    escalate=intervals,
    announce=st.booleans(),
    review=st.sampled_from([None, "month", "quarter", "year"]),
    max_repeats=st.sampled_from([None, 1, 3]),
    pace=st.sampled_from([None, "week", "month"]),
    quiet=st.builds(
        lambda weekdays, since, length: Quiet(
            frozenset(weekdays), ((since, since + timedelta(days=length)),)
        ),
        st.lists(st.integers(1, 5), max_size=2),
        st.dates(date(2021, 1, 1), date(2023, 12, 31)),
        st.sampled_from([0, 1, 67, 120]),
    ),
)
some_dates = st.builds(
    lambda opens, run, grace: Dates.of(
        opens, opens + timedelta(days=run), opens + timedelta(days=run), grace
    ),
    st.dates(date(2021, 1, 1), date(2023, 12, 31)),
    st.integers(-40, 120),
    st.integers(0, 5),
)


@given(some_dates, policies)
def test_every_milestone_is_a_workday_not_before_the_opening_and_later_than_the_one_before(found, policy):
    listed = list(islice(reminders(found, rules(policy), date.min), 12))
    days = [m.on for m in listed]
    assert all(WORKDAYS.is_workday(day) and day >= found.opens for day in days)
    assert days == sorted(set(days))
    for milestone in listed:
        if milestone.reason in (Reason.LEAD, Reason.DUE_TODAY):
            assert milestone.on <= found.effective_due
        if milestone.reason is Reason.OVERDUE:
            assert milestone.on > found.grace_until


@given(some_dates, policies, st.integers(0, 800))
def test_jumping_ahead_finds_the_same_milestones_as_walking(found, policy, ahead):
    after = found.opens + timedelta(days=ahead)
    walked = next((m for m in islice(milestones(found, rules(policy), date.min), 1200) if m.on > after), None)
    assert next_on(found, rules(policy), after) == (walked.on if walked else None)


@given(some_dates, extreme, st.booleans(), st.integers(0, 400))
def test_the_next_date_names_a_day_exactly_when_something_is_said_on_it(found, policy, has_quota, ahead):
    by = Rules(policy, WORKDAYS.without(policy.quiet), has_quota)
    day = found.opens - timedelta(days=50) + timedelta(days=ahead)
    named = next_on(found, by, day)
    for _ in range(200):
        day += timedelta(days=1)
        assert bool(reminder_due_on(found, by, day, day)) == (named == day)
        if named == day:
            assert by.workdays.is_workday(day)
            named = next_on(found, by, day)


@given(some_dates, policies)
def test_the_last_reminder_before_an_unmissed_deadline_is_on_its_last_workday(found, policy):
    last = WORKDAYS.on_or_before(found.effective_due)
    if last >= found.opens:
        assert before_due(found, rules(policy))[-1].on == last


def test_a_quota_is_looked_at_on_the_first_workday_of_each_month_until_it_is_due():
    asked = dates(date(2022, 12, 31))
    found = milestones(asked, rules(DEFAULT, has_quota=True), date(2022, 4, 8))
    looks = [m for m in islice(found, 40) if m.reason is Reason.PACE]
    # The 1st of May and of October begin holidays; a make-up Sunday is none of these.
    assert [m.on for m in looks] == [
        date(2022, 5, 5),
        date(2022, 6, 1),
        date(2022, 7, 1),
        date(2022, 8, 1),
        date(2022, 9, 1),
        date(2022, 10, 8),
        date(2022, 11, 1),
        date(2022, 12, 1),
    ]
    assert [m.nominal.day for m in looks] == [1] * 8
    assert not any(m.reason is Reason.PACE for m in islice(milestones(asked, rules(DEFAULT), date.min), 40))


def test_the_share_of_a_quota_is_whole_pieces_of_the_days_gone_by():
    asked = dates(date(2022, 12, 31))  # 268 days with the 8th of April and the last of December
    assert [share(2, asked, day) for day in (ISSUED, date(2022, 8, 19), date(2022, 8, 20))] == [0, 0, 1]
    assert share(2, asked, date(2022, 12, 31)) == 1
    assert share(2, asked, date(2023, 3, 1)) == 2


def test_what_goes_upward_does_so_once_and_also_after_downtime():
    table = dates(date(2022, 5, 5), opens=date(2022, 4, 8))
    says = [
        reminder_due_on(table, rules(MONTHLY), day, day).upward
        for day in map(date.fromisoformat, DAYS_OF_MAY)
    ]
    assert says == [False, False, True, False]
    assert reminder_due_on(table, rules(MONTHLY), date(2022, 5, 6), date(2022, 5, 20)) == (
        Reason.OVERDUE,
        True,
    )
    assert reminder_due_on(table, rules(MONTHLY), date(2022, 5, 11), date(2022, 5, 20)) == (
        Reason.OVERDUE,
        False,
    )


#: The first workdays after the 5th of May; the 7th is a Saturday at which offices work.
DAYS_OF_MAY = ("2022-05-06", "2022-05-07", "2022-05-09", "2022-05-10")


def test_quiet_days_are_days_off_for_their_policy():
    exams = Quiet(weekdays=frozenset({5}), spans=((date(2022, 6, 28), date(2022, 6, 30)),))
    calendar = WORKDAYS.without(exams)
    found = reminders(dates(date(2022, 6, 30)), Rules(DEFAULT, calendar), date(2022, 6, 20))
    # 27 June stays, the 29th lies in the span and moves before it; Friday the 1st of July is no day to chase.
    assert [(m.on, m.reason.value) for m in islice(found, 4)] == [
        (date(2022, 6, 23), "lead"),
        (date(2022, 6, 27), "lead"),
        (date(2022, 6, 30), "due_today"),
        (date(2022, 7, 4), "overdue"),
    ]
    assert WORKDAYS.is_workday(date(2022, 7, 1))


@given(
    start=st.dates(date(2022, 4, 1), date(2022, 12, 1)).map(WORKDAYS.on_or_after),
    every=st.builds(Interval, st.integers(1, 9), st.sampled_from(("d", "wd"))),
    most=st.integers(1, 9),
    days=st.integers(-3, 3),
)
def test_how_often_at_most_is_found_by_counting_to_the_last_repeat_too(start, every, most, days):
    last = nth_repeat(start, every, most, WORKDAYS)[1]
    day = max(start, last + timedelta(days=days))
    assert is_within(start, every, most, WORKDAYS, day) is (day <= last)


@pytest.mark.parametrize("unit", ["d", "wd"])
def test_nobody_counts_to_a_last_repeat_that_is_ages_ahead(unit):
    """By the rules in years to come there is no such day: a calendar ends with the year 9999."""
    policy = Policy("rare", overdue=Interval(999, unit), max_repeats=10_000)
    table = dates(date(2022, 5, 5), opens=date(2022, 4, 8))
    found = [m.on for m in islice(reminders(table, rules(policy), date(2022, 5, 5)), 3)]
    assert [day.year for day in found] == {"d": [2022, 2025, 2027], "wd": [2022, 2026, 2030]}[unit]
    assert Late(found[0], rules(policy)).is_repeated(found[2])
