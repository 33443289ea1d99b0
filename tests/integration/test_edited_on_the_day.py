"""An edit that is saved on a day says what the same edit says that was saved before the digests of that day."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest

from tests.world import ISSUED, ZONE, definition, running, world
from tracker.core.model import MailKind
from tracker.core.policy import DEFAULT, Interval, Policies, Policy, Quiet, Settings, built_in
from tracker.core.workdays import HolidayYear

A_DAY = timedelta(days=1)
FIRST, LAST = date(2022, 5, 4), date(2022, 5, 25)
MAY_DAY = frozenset({date(2022, 5, 2), date(2022, 5, 3), date(2022, 5, 4)})
SATURDAY = date(2022, 5, 7)
OF_POLICY = ("lead", "overdue", "quiet", "escalate")
FRIDAY = Quiet(frozenset({5}))


def files(due="2022年5月12日前", *, off=(), work=(SATURDAY,), chase_from=ISSUED, units=("wanzhou",), **more):
    """Task 5, due on a Thursday, beside a monthly table of another unit; ``more`` is of the policy, or of the task."""
    policies = built_in()
    of_policy = {name: more.pop(name) for name in OF_POLICY if name in more}
    policies[DEFAULT] = Policy(DEFAULT, **{"escalate": Interval(2, "wd"), **of_policy})
    made = world(
        definition("5", due, units, **more),
        definition("table-2", "2022年5月起，每月9日前", ("fuling",)),
        units=("wanzhou", "fuling", "city"),
        supervisor="city",
        settings=Settings(policies=Policies(policies)),
        holidays={2022: HolidayYear(2022, MAY_DAY | frozenset(off), frozenset(work))},
    )
    made = replace(made, campaign=replace(made.campaign, chase_from=chase_from))
    return replace(made, fingerprint=repr((made.campaign, policies, off, work)))


#: What is in the files first, what an edit makes of it, and the days in May on which it is looked at.
EDITS = {
    "the date comes nearer": (files("2022年5月20日前"), files(), (11, 13)),
    "the date goes away": (files(), files("2022年5月20日前"), (12, 13)),
    "other lead times": (files(lead=(30, 6)), files(lead=(30, 7, 5, 4, 2)), (10, 6)),
    "fewer lead times": (files(lead=(30, 7, 5, 4, 2)), files(lead=(30, 6)), (9,)),
    "a grace goes": (files(grace_days=3), files(), (13,)),
    "a grace of a day goes": (files(grace_days=1), files(), (13,)),
    "a grace comes": (files(), files(grace_days=3), (12,)),
    "repeated after all": (files(overdue=None), files(), (13,)),
    "repeated more often": (files(), files(overdue=Interval(2, "wd")), (16,)),
    "upward after all": (files(escalate=None), files(), (16,)),
    "upward later": (files(), files(escalate=Interval(4, "wd")), (16,)),
    "a quiet day lifted": (files(quiet=FRIDAY), files(), (13, 6)),
    "a quiet day laid": (files(), files(quiet=FRIDAY), (12, 13)),
    "two quiet days lifted": (files(quiet=Quiet(frozenset({4, 5}))), files(), (13,)),
    "a Saturday is worked": (files("2022年5月6日前", work=()), files("2022年5月6日前"), (6,)),
    "a Saturday is not worked": (files("2022年5月8日前"), files("2022年5月8日前", work=()), (6,)),
    "a day off comes": (files(), files(off=(date(2022, 5, 13),)), (11,)),
    "a day off goes": (files(off=(date(2022, 5, 13),)), files(), (12, 13)),
    "before a day off": (files("2022年5月14日前"), files("2022年5月14日前", on_holiday="before"), (13,)),
    "chased from earlier": (files(chase_from=date(2022, 5, 13)), files(chase_from=date(2022, 5, 10)), (13,)),
    "a larger quota": (files(quota=1), files(quota=3), (13,)),
    "another unit": (files(), files(units=("wanzhou", "fuling")), (11,)),
}


#: What has been told of edits so far: many tests compare theirs with the same.
TOLD: dict[tuple[object, ...], dict[tuple[date, str], set[tuple[str, str, str]]]] = {}


def told(first, edits):
    """By day and address: (ref, unit, reason) of its digest, where the files are edited at these moments."""
    key = (first.fingerprint, *sorted((now, then.fingerprint) for now, then in edits.items()))
    if key not in TOLD:
        TOLD[key] = tell(first, edits)
    return TOLD[key]


def tell(first, edits):
    found = {}
    with running(first, "2022-05-04 08:00") as engine:
        mornings = {
            datetime.combine(FIRST + A_DAY * day, time(9), ZONE) for day in range((LAST - FIRST).days)
        }
        for now in sorted(mornings | edits.keys()):
            engine.clock.set(now)
            if now in edits:
                engine.engine.adopt(edits[now])
            engine.engine.run_pass()
            for claimed, _ in engine.sender.take():
                if claimed.mail.kind is MailKind.DIGEST:
                    said = [(item.ref, item.unit, item.reason.value) for item in claimed.mail.items]
                    assert len({each[:2] for each in said}) == len(said), (now, said)
                    found[now.date(), claimed.mail.to] = set(said)
    return found


def moment(day, hour):
    return datetime.combine(day, time(hour), ZONE)


def digests_about(then, day):
    """The days of digests before and after ``day``, with the files ``then``."""
    return then.workdays.on_or_before(day - A_DAY), then.workdays.on_or_after(day + A_DAY)


CASES = [(edit, day) for edit, (_, _, days) in EDITS.items() for day in days]


@pytest.mark.parametrize(("edit", "day"), CASES)
@pytest.mark.parametrize("hour", [8, 10])
def test_an_edit_after_the_digests_of_a_day_misses_nothing_of_them(edit, day, hour):
    """At ten on that day, and at eight before the digests that follow."""
    first, then, _ = EDITS[edit]
    day = date(2022, 5, day)
    before, following = digests_about(then, day)
    in_time = told(first, {moment(before, 8): then})
    late = told(first, {moment(day if hour == 10 else following, hour): then})
    for address in ("wanzhou@unit.example", "fuling@unit.example"):
        there, here = (
            {at: said for (at, to), said in each.items() if to == address} for each in (in_time, late)
        )
        asked, said = names(there, following), names(here, following)
        missed = names(there, day) - names(here, day)
        assert said >= asked | missed
        # What was to be said on the last two days, and was not so said, comes then; nothing else does.
        assert said - asked <= names(there, day) | names(there, before)
        after = [{at: said for at, said in each.items() if at > following} for each in (here, there)]
        assert after[0] == after[1]
    in_time_upward, late_upward = days_of("escalation", in_time), days_of("escalation", late)
    assert late_upward.keys() == in_time_upward.keys()
    firsts = {each: days[0] for each, days in days_of("overdue", late).items()}
    was_told = {each: days[0] for each, days in days_of("overdue", in_time).items()}
    for each, days in late_upward.items():
        # Once, and not with the first word to the unit: whoever hears later that it is late has as long from then on.
        [on] = days
        assert firsts[each] < on
        if on > following and was_told[each] == firsts[each]:
            assert days == in_time_upward[each]


def names(digests, day):
    return {(ref, unit) for ref, unit, _ in digests.get(day, ())}


def days_of(reason, digests):
    """The days on which that was told, by reference and unit."""
    found: dict[tuple[str, str], list[date]] = {}
    for (day, _), said in sorted(digests.items()):
        for ref, unit, why in said:
            if why == reason:
                found.setdefault((ref, unit), []).append(day)
    return found


OVER = "2022年5月9日前"
#: Told as late on Tuesday the 10th, upward on the 11th: what is laid then, and taken back.
LAID = {
    "quiet days": files(OVER, quiet=Quiet(spans=((date(2022, 5, 9), date(2022, 5, 20)),))),
    "upward later": files(OVER, escalate=Interval(20, "wd")),
    "upward never": files(OVER, escalate=None),
    "days off": files(OVER, off=[date(2022, 5, day) for day in range(10, 21)]),
    "a short grace": files(OVER, grace_days=2),
    "a long grace": files(OVER, grace_days=20),
    "another date": files("2022年6月30日前"),
    "an earlier date": files("2022年5月6日前"),
    "chased from later": files(OVER, chase_from=date(2022, 5, 20)),
}


@pytest.mark.parametrize("laid", LAID)
@pytest.mark.parametrize("day", [10, 11, 12, 13, 17])
def test_an_edit_that_is_taken_back_within_the_hour_says_nothing_again(laid, day):
    first = files(OVER)
    day = date(2022, 5, day)
    assert told(first, {moment(day, 10): LAID[laid], moment(day, 11): first}) == told(first, {})


@pytest.mark.parametrize("laid", LAID)
@pytest.mark.parametrize("day", [13, 16])
def test_what_has_gone_upward_stays_gone_where_an_edit_is_taken_back_after_days(laid, day):
    first = files(OVER)
    edits = {moment(date(2022, 5, day), 10): LAID[laid], moment(date(2022, 5, day + 6), 10): first}
    assert [each.day for each in days_of("escalation", told(first, edits))["5", "wanzhou"]] == [11]


def test_what_an_edit_should_have_sent_upward_with_the_last_digests_goes_with_the_next():
    """On Monday the 16th the unit is told that it is late; an edit at ten makes it late since Friday, and two workdays."""
    late = told(files(grace_days=3), {moment(date(2022, 5, 16), 10): files()})
    assert [day.day for (day, _), said in late.items() if ("5", "wanzhou", "escalation") in said] == [17]


def test_a_row_that_first_tells_after_its_own_day_gives_the_unit_as_long_from_then_on():
    """Late since Monday by a grace of two days; an edit at eight, before the digests, makes it late since Friday."""
    late = told(files(grace_days=3), {moment(date(2022, 5, 16), 8): files()})
    said = [
        (day.day, reason) for (day, _), some in late.items() for _, unit, reason in some if unit == "wanzhou"
    ]
    assert [each for each in said if each[1] in ("overdue", "escalation")][:2] == [
        (16, "overdue"),
        (17, "escalation"),
    ]


def test_a_grace_that_is_over_before_and_after_an_edit_makes_nobody_newly_late():
    edits = {moment(date(2022, 5, 20), 10 + grace - 5): files(OVER, grace_days=grace) for grace in (5, 6)}
    assert told(files(OVER), edits) == told(files(OVER), {})


def test_what_has_been_said_is_said_once_whatever_is_edited_afterwards():
    days = [FIRST + A_DAY * number for number in range((LAST - FIRST).days)]
    # A day off far ahead is another calendar for everything.
    trifles = {moment(day, 10): files(off=(date(2022, 12, day.day),)) for day in days}
    assert told(files(), trifles) == told(files(), {})
