"""The dates of a rule, the names of their periods, and references to them."""

import timeit
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import islice, pairwise

import pytest
from dateutil import rrule
from hypothesis import given
from hypothesis import strategies as st

from tracker.core.deadline.expressions import parse
from tracker.core.model import Every, Occurrence, Rule
from tracker.core.occurrences import first_after, occurrences, parse_ref, period_of
from tracker.errors import UnknownNameError

ISSUED = date(2022, 4, 8)
DAY = timedelta(days=1)
WEEK, MONTH, QUARTER, HALF_YEAR, YEAR = Every
LENGTHS = {MONTH: 1, QUARTER: 3, HALF_YEAR: 6, YEAR: 12}


def listed(
    text: str, since: str = "0001-01-01", until: str = "9999-12-31", count: int = 100
) -> list[Occurrence]:
    found = occurrences(
        parse(text, ISSUED).rule, "x", ISSUED, date.fromisoformat(since), date.fromisoformat(until)
    )
    return list(islice(found, count))


def dates(text: str, since: str = "0001-01-01", until: str = "9999-12-31", count: int = 100) -> list[str]:
    return [str(each.due) for each in listed(text, since, until, count)]


# --- which dates ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # without a beginning the first date is the first on or after the date of issue
        ("每月5日前", "2022-05-05 2022-06-05 2022-07-05"),
        ("每月8日前", "2022-04-08 2022-05-08 2022-06-08"),
        ("每月底前", "2022-04-30 2022-05-31 2022-06-30"),
        ("每季度", "2022-06-30 2022-09-30 2022-12-31"),
        ("每季度首月10日前", "2022-04-10 2022-07-10 2022-10-10"),
        ("每季度首月1日前", "2022-07-01 2022-10-01 2023-01-01"),
        ("每季度末月25日前", "2022-06-25 2022-09-25 2022-12-25"),
        ("每季度第二个月底前", "2022-05-31 2022-08-31 2022-11-30"),
        ("每半年", "2022-06-30 2022-12-31 2023-06-30"),
        ("每半年第二个月30日前", "2022-08-30 2023-02-28 2023-08-30"),
        ("每年", "2022-12-31 2023-12-31 2024-12-31"),
        ("每年3月底前", "2023-03-31 2024-03-31 2025-03-31"),
        ("每年2月底前", "2023-02-28 2024-02-29 2025-02-28"),
        ("每年2月29日前", "2023-02-28 2024-02-29 2025-02-28"),
        ("每周五前", "2022-04-08 2022-04-15 2022-04-22"),
        ("每周四前", "2022-04-14 2022-04-21 2022-04-28"),
        ("每周", "2022-04-10 2022-04-17 2022-04-24"),
        # with one, dates may lie before the date of issue
        ("2022年4月起，每月5日前", "2022-04-05 2022-05-05 2022-06-05"),
        ("2021年12月31日起，每月31日前", "2021-12-31 2022-01-31 2022-02-28"),
        ("2022年6月起，每月5日前", "2022-06-05 2022-07-05 2022-08-05"),
    ],
)
def test_a_rule_has_these_dates(text: str, expected: str):
    assert dates(text, count=3) == expected.split()


def test_the_31st_is_the_31st_again_after_a_shorter_month():
    assert dates("2023年1月起，每月31日前", count=5) == [
        "2023-01-31",
        "2023-02-28",
        "2023-03-31",
        "2023-04-30",
        "2023-05-31",
    ]


def test_a_range_includes_both_its_ends():
    assert dates("2022年4月起-10月，每月5日前") == [f"2022-{month:02}-05" for month in range(4, 11)]
    assert dates("2022年4月5日至6月5日，每月5日前") == ["2022-04-05", "2022-05-05", "2022-06-05"]
    assert dates("2022年4月6日至6月4日，每月5日前") == ["2022-05-05"]
    assert dates("每月5日前，至2022年6月4日") == ["2022-05-05"]
    assert dates("2022年5月6日至5月20日，每月5日前") == []


def test_what_is_asked_for_is_half_open():
    assert dates("每月5日前", "2022-06-05", "2022-08-05") == ["2022-06-05", "2022-07-05"]
    assert dates("每月5日前", "2022-06-06", "2022-08-06") == ["2022-07-05", "2022-08-05"]
    assert dates("2022年5月20日前", "2022-05-20", "2022-05-21") == ["2022-05-20"]
    assert dates("2022年5月20日前", "2022-05-21") == []
    assert dates("2022年5月20日前", "2022-05-01", "2022-05-20") == []


def test_a_one_off_has_no_period_and_opens_when_the_document_is_issued():
    assert listed("2022年5月20日前") == [Occurrence("x", None, date(2022, 5, 20), ISSUED)]
    assert listed("2022年前，并持续推进") == [Occurrence("x", None, date(2021, 12, 31), ISSUED)]


def test_what_has_no_date_occurs_once_in_every_range():
    once = [Occurrence("x", None, None, ISSUED)]
    assert listed("持续推进") == once
    assert listed("持续推进", "2030-01-01", "2030-02-01") == once


@pytest.mark.parametrize("text", ["每周五前", "每月31日前", "每季度", "每半年", "每年2月底前"])
def test_dates_reach_the_end_of_the_calendar_and_stop_there(text: str):
    found = dates(text, "9997-06-01", "9999-12-31")
    assert found
    assert found[-1] >= "9999-02-28"
    rule = parse(text, ISSUED).rule
    assert first_after(rule, ISSUED, date(9999, 12, 31)) is None
    assert list(occurrences(rule, "x", date.min, date.min, date(1, 1, 1))) == []
    assert next(occurrences(rule, "x", date.min, date.min, date.max)).opens == date.min


# --- when they open ---


def test_an_occurrence_opens_the_day_after_the_one_before_was_due():
    opens = [str(each.opens) for each in listed("每月31日前", "2022-05-01", count=3)]
    assert opens == ["2022-05-01", "2022-06-01", "2022-07-01"]


def test_the_one_before_counts_even_where_it_lies_before_the_beginning_of_the_rule():
    first, second = listed("2022年6月起，每月5日前", count=2)
    assert (first.due, first.opens) == (date(2022, 6, 5), date(2022, 5, 6))
    assert second.opens == date(2022, 6, 6)


def test_nothing_opens_before_the_document_is_issued():
    opens = [(str(each.due), str(each.opens)) for each in listed("2022年4月起，每月5日前", count=3)]
    assert opens == [("2022-04-05", "2022-04-08"), ("2022-05-05", "2022-04-08"), ("2022-06-05", "2022-05-06")]


# --- the next date ---


@pytest.mark.parametrize(
    ("text", "day", "expected"),
    [
        ("每月5日前", "2022-01-01", "2022-05-05"),
        ("每月5日前", "2022-05-04", "2022-05-05"),
        ("每月5日前", "2022-05-05", "2022-06-05"),
        ("2022年4月起-10月，每月5日前", "2022-01-01", "2022-04-05"),
        ("2022年4月起-10月，每月5日前", "2022-10-05", None),
        ("2022年5月20日前", "2022-05-19", "2022-05-20"),
        ("2022年5月20日前", "2022-05-20", None),
        ("持续推进", "2022-05-20", None),
    ],
)
def test_the_first_date_after_a_day(text: str, day: str, expected: str | None):
    found = first_after(parse(text, ISSUED).rule, ISSUED, date.fromisoformat(day))
    assert found == (date.fromisoformat(expected) if expected else None)


# --- names ---


@pytest.mark.parametrize(
    ("every", "due", "period"),
    [
        (MONTH, "2022-05-05", "2022-05"),
        (QUARTER, "2022-03-31", "2022-Q1"),
        (QUARTER, "2022-04-01", "2022-Q2"),
        (QUARTER, "2022-12-31", "2022-Q4"),
        (HALF_YEAR, "2022-06-30", "2022-H1"),
        (HALF_YEAR, "2022-07-01", "2022-H2"),
        (YEAR, "2022-12-31", "2022"),
        (WEEK, "2022-05-06", "2022-W18"),
        # ISO weeks belong to the year of their Thursday
        (WEEK, "2022-01-02", "2021-W52"),
        (WEEK, "2021-01-01", "2020-W53"),
        (WEEK, "2024-12-30", "2025-W01"),
    ],
)
def test_a_period_is_named_after_the_due_date(every: Every, due: str, period: str):
    assert period_of(every, date.fromisoformat(due)) == period
    assert parse_ref(f"x@{period}") == ("x", period)


def test_the_report_on_april_that_is_due_in_may_is_called_may():
    assert listed("2022年4月起-10月，每月5日前")[1].ref == "x@2022-05"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5", ("5", None)),
        ("5/first-list", ("5/first-list", None)),
        ("26/experience@2022-05", ("26/experience", "2022-05")),
        ("table-2@2022-Q2", ("table-2", "2022-Q2")),
        ("table-2@2022-H1", ("table-2", "2022-H1")),
        ("table-2@2022", ("table-2", "2022")),
        ("table-2@2022-W18", ("table-2", "2022-W18")),
        ("table-2@2020-W53", ("table-2", "2020-W53")),
        ("月报@2022-05", ("月报", "2022-05")),
        (" 5\n", ("5", None)),
    ],
)
def test_a_reference_is_taken_apart(text: str, expected: tuple[str, str | None]):
    assert parse_ref(text) == expected


@pytest.mark.parametrize("text", ["", " ", "@2022-05", "5/", "/5", "5/a/b", "5 6", "5/first list@2022"])
def test_what_has_no_id_is_no_reference(text: str):
    with pytest.raises(
        UnknownNameError, match="expected the id of a task or report, such as 5, 5/first-list"
    ):
        parse_ref(text)


NO_PERIODS = (
    *("", "2022-13", "2022-00", "2022-5", "2022-Q5", "2022-Q0", "2022-q2", "2022-H3", "2022-W54", "2022-W00"),
    *("2022-W53", "0000", "22", "2022-05-05", "２０２２", "2022-05@2022-06", "May"),
)


@pytest.mark.parametrize("period", NO_PERIODS)
def test_what_is_no_period_is_named_in_the_error(period: str):
    with pytest.raises(
        UnknownNameError, match="expected 2022-05, 2022-Q2, 2022-H1, 2022 or 2022-W18"
    ) as caught:
        parse_ref(f"26/experience@{period}")
    assert f"“{period}” is no period" in str(caught.value)


# --- properties ---

YEARS = st.dates(date(1990, 1, 1), date(2060, 12, 31))


@st.composite
def recurring_rules(draw: st.DrawFn) -> Rule:
    every = draw(st.sampled_from(Every))
    month = draw(st.none() | st.integers(1, LENGTHS[every])) if every in (QUARTER, HALF_YEAR, YEAR) else None
    return Rule(
        every=every,
        month=month,
        day=draw(st.none() | st.integers(1, 7 if every is WEEK else 31)),
        since=draw(st.none() | YEARS),
        until=draw(st.none() | YEARS),
    )


def by_dateutil(rule: Rule, issued: date) -> Iterator[date]:
    """The same dates from dateutil, which counts on from a start: a good while before anything asked for."""
    begin = rule.since or issued
    if rule.every is WEEK:
        start = datetime(begin.year - 1, 1, 1)
        every = rrule.rrule(rrule.WEEKLY, dtstart=start, byweekday=(rule.day or 7) - 1)
    else:
        assert rule.every is not None
        length = LENGTHS[rule.every]
        days = (
            (-1,) if rule.day is None else (rule.day,) if rule.day <= 28 else tuple(range(28, rule.day + 1))
        )
        start = datetime(begin.year - 1, rule.month or length, 1)
        every = rrule.rrule(rrule.MONTHLY, dtstart=start, interval=length, bymonthday=days, bysetpos=-1)
    for moment in every:
        due = moment.date()
        if rule.until is not None and due > rule.until:
            return
        if due >= begin:
            yield due


@given(recurring_rules(), YEARS, YEARS)
def test_the_dates_are_those_of_dateutil(rule: Rule, issued: date, since: date):
    until = since + timedelta(days=800)
    expected = []
    for due in by_dateutil(rule, issued):
        if due >= until:
            break
        if due >= since:
            expected.append(due)
    assert [each.due for each in occurrences(rule, "x", issued, since, until)] == expected


@given(recurring_rules(), YEARS, YEARS)
def test_the_next_date_is_that_of_dateutil(rule: Rule, issued: date, day: date):
    assert first_after(rule, issued, day) == next(
        (due for due in by_dateutil(rule, issued) if due > day), None
    )


@given(recurring_rules(), YEARS, st.tuples(YEARS, YEARS, YEARS).map(sorted))
def test_neighbouring_ranges_hold_every_occurrence_once(rule: Rule, issued: date, cuts: list[date]):
    first, middle, last = cuts
    last = min(last, first + timedelta(days=2000))
    middle = min(middle, last)
    whole = list(occurrences(rule, "x", issued, first, last))
    parts = [*occurrences(rule, "x", issued, first, middle), *occurrences(rule, "x", issued, middle, last)]
    assert parts == whole
    assert len({each.ref for each in whole}) == len(whole)


@given(recurring_rules(), YEARS, YEARS)
def test_an_occurrence_is_open_from_the_day_after_the_one_before_to_its_due_date(
    rule: Rule, issued: date, since: date
):
    found = list(occurrences(rule, "x", issued, since, since + timedelta(days=1000)))
    for before, after in pairwise(found):
        assert before.due is not None
        assert after.opens == max(before.due + DAY, issued)
    for each in found:
        assert each.opens >= issued
        assert each.due is not None
        assert each.opens <= max(each.due, issued)


def test_the_next_date_costs_at_most_a_tenth_of_what_dateutil_takes():
    rule = Rule(every=MONTH, day=5)
    theirs = rrule.rrule(rrule.MONTHLY, dtstart=datetime(2022, 4, 8), bymonthday=5)
    day, moment = date(2022, 12, 1), datetime(2022, 12, 1)
    assert theirs.after(moment) == datetime(2022, 12, 5)
    assert first_after(rule, ISSUED, day) == date(2022, 12, 5)
    # The best of many short rounds: what else the machine does only ever adds.
    our_time = min(timeit.repeat(lambda: first_after(rule, ISSUED, day), number=200, repeat=20))
    their_time = min(timeit.repeat(lambda: theirs.after(moment), number=200, repeat=20))
    assert our_time <= their_time / 10
