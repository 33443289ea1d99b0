"""What is overdue for one unit keeps one beat, and escalation counts from when something was open and late."""

import random
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import delete, select

from tests.world import ISSUED, at, definition, running, unit, world
from tracker.core.model import Contact, MailKind, StandIn, Unit
from tracker.core.policy import Policies, Quiet, Settings
from tracker.i18n.message import say
from tracker.ledger.overdue_beat import begin_beats
from tracker.planning.explain import explain
from tracker.planning.explain_wording import CAUGHT_UP
from tracker.store.beats import BEAT

ONE = ("wanzhou",)
TABLE = definition("table-2", "2022年5月起，每月5日前", ONE)
REPORT = definition("work-report", "2022年5月起，每月10日前", ONE)
TASK = definition("5", "2022年5月9日前", ONE)
LATER = definition("6", "2022年5月11日前", ONE)
CITY = unit("city")


def overdue(engine, first, last):
    """{day: what is told as overdue}, by the days of May 2022."""
    found = {}
    for day, _, items in engine.mornings(f"2022-05-{first:02}", f"2022-05-{last:02}"):
        late = sorted(ref for ref, reason, _ in items if reason == "overdue")
        if late:
            found[day.day] = late
    return found


def test_all_that_is_late_is_told_on_the_days_of_one_beat():
    with running(world(TABLE, TASK, LATER, units=ONE), "2022-05-05 08:00") as engine:
        told = overdue(engine, 5, 26)
    # The table is late since Friday the 6th, every second workday; Saturday the 7th is worked.
    table, all_of_it = "table-2@2022-05", ["5", "6", "table-2@2022-05"]
    assert told == {
        6: [table],
        9: [table],
        10: ["5"],
        11: ["5", table],
        12: ["6"],
        **dict.fromkeys((13, 17, 19, 23, 25), all_of_it),
    }


def test_what_is_late_weekly_keeps_the_weekday_of_the_first():
    with running(world(TASK, LATER, units=ONE), "2022-05-05 08:00") as engine:
        told = overdue(engine, 5, 31)
    assert told == {10: ["5"], 12: ["6"], 17: ["5", "6"], 24: ["5", "6"], 31: ["5", "6"]}


def test_the_beat_of_a_day_is_kept_where_another_time_zone_has_heard_before_of_what_is_newly_late():
    report = definition("work-report", "2022年5月起，每月16日前", ONE)
    units = (*ONE, unit("tokyo", timezone="Asia/Tokyo"))
    with running(world(TASK, report, units=units), "2022-05-05 08:00") as engine:
        for day in (10, 16, 17):
            # Nine in Tokyo, then nine in Shanghai.
            assert engine.pass_at(f"2022-05-{day} 08:00") == {}
            told = engine.pass_at(f"2022-05-{day} 09:00")
    assert told == {"wanzhou@unit.example": [("5", "overdue", -8), ("work-report@2022-05", "overdue", -1)]}


def test_what_is_late_again_is_told_everybody_with_their_next_digests_by_their_own_clock():
    units = (
        unit("tokyo", "tokyo@unit.example", "both@unit.example", timezone="Asia/Tokyo"),
        unit("wanzhou", "wanzhou@unit.example", "both@unit.example"),
    )
    with running(world(TASK, units=units), "2022-05-06 10:00") as engine:
        engine.record("pause", "5", reason="x")
        # By the clock of Tokyo it is 09:30, and this day's digests are out.
        assert engine.pass_at("2022-05-18 08:00") == {}
        engine.record("resume", "5", when="2022-05-18 08:30")
        assert engine.pass_at("2022-05-18 09:00") == {"wanzhou@unit.example": [("5", "overdue", -9)]}
        assert engine.pass_at("2022-05-19 08:00") == {"both@unit.example": [("5", "overdue", -10)]}
        assert engine.pass_at("2022-05-19 09:00") == {}


def test_a_day_of_the_beat_that_was_missed_is_told_on_a_workday_where_digests_are_asked_for_on_a_day_off():
    with running(world(TASK, LATER, units=ONE), "2022-05-05 08:00") as engine:
        assert overdue(engine, 5, 16) == {10: ["5"], 12: ["6"]}
        # Nobody is there on Tuesday the 17th, the day of the beat; on Saturday and Sunday somebody tries it out.
        assert engine.pass_at("2022-05-21 15:00", at_once=True) == {}
        assert engine.pass_at("2022-05-22 15:00", at_once=True) == {}
        assert overdue(engine, 23, 31) == {23: ["5", "6"], 24: ["5", "6"], 31: ["5", "6"]}


def test_a_day_of_the_beat_that_was_missed_waits_over_a_quiet_day():
    quiet = Quiet(frozenset({3}), ())
    policies = Policies({name: replace(each, quiet=quiet) for name, each in Policies().named.items()})
    with running(world(TASK, units=ONE, settings=Settings(policies=policies)), "2022-05-05 08:00") as engine:
        assert overdue(engine, 5, 16) == {10: ["5"]}
        engine.clock.set(at("2022-05-17 20:00"))
        assert overdue(engine, 18, 26) == {19: ["5"], 24: ["5"]}


def test_the_beat_goes_on_where_the_first_is_answered_and_no_mail_comes_early_or_late():
    with running(world(TASK, LATER, units=ONE), "2022-05-05 08:00") as engine:
        overdue(engine, 5, 17)
        engine.record("submit", "5", when="2022-05-17 10:00")
        assert overdue(engine, 18, 31) == {24: ["6"], 31: ["6"]}
    with running(world(TABLE, TASK, units=ONE), "2022-05-05 08:00") as engine:
        overdue(engine, 5, 17)
        # What was told every second workday is answered: a week after the last mail, not on another weekday.
        engine.record("submit", "table-2@2022-05", when="2022-05-17 10:00")
        assert overdue(engine, 18, 31) == {24: ["5"], 31: ["5"]}


def test_a_beat_ends_with_its_last_answer_and_the_next_begins_anew():
    with running(world(TASK, LATER, units=ONE), "2022-05-05 08:00") as engine:
        overdue(engine, 5, 10)
        engine.record("submit", "5", when="2022-05-11 10:00")
        assert overdue(engine, 11, 31) == {12: ["6"], 19: ["6"], 26: ["6"]}


def test_what_is_answered_in_time_leaves_the_beat_alone():
    with running(world(TASK, REPORT, units=ONE), "2022-05-05 08:00") as engine:
        overdue(engine, 5, 9)
        engine.record("submit", "work-report@2022-05", when="2022-05-10 08:00")
        assert overdue(engine, 10, 24) == {10: ["5"], 17: ["5"], 24: ["5"]}
        engine.record("submit", "work-report@2022-06", when="2022-05-24 10:00")
        assert overdue(engine, 25, 31) == {31: ["5"]}


def test_after_downtime_all_that_is_late_is_told_once_and_the_beat_goes_on():
    with running(world(TABLE, TASK, units=ONE), "2022-05-05 08:00") as engine:
        overdue(engine, 5, 10)
        assert overdue(engine, 18, 25) == {
            18: ["5", "table-2@2022-05"],
            19: ["5", "table-2@2022-05"],
            23: ["5", "table-2@2022-05"],
            25: ["5", "table-2@2022-05"],
        }


def days_told(answers, seed_world, last=40):
    first = date(2022, 5, 5)
    with running(seed_world, "2022-05-05 08:00") as engine:
        found = []
        for number in range(last):
            day = first + timedelta(days=number)
            for when, ref in answers:
                if when == day:
                    engine.record("submit", ref, when=f"{day} 10:00")
            told = engine.pass_at(f"{day} 10:30").values()
            if any(reason == "overdue" for items in told for _, reason, _ in items):
                found.append(day)
        return found


@pytest.fixture(scope="module")
def without():
    """The days told where nothing is ever answered."""
    return days_told([], world(TABLE, REPORT, TASK, LATER, units=ONE))


@pytest.mark.parametrize("seed", range(8))
def test_an_answer_brings_no_mail_on_a_day_without_one_and_no_long_silence(seed, without):
    chance = random.Random(seed)
    made = world(TABLE, REPORT, TASK, LATER, units=ONE)
    refs = ["5", "6", "table-2@2022-05"]
    chance.shuffle(refs)
    answers = [(date(2022, 5, 12) + timedelta(days=chance.randrange(12)), ref) for ref in refs[:2]]
    found = days_told(answers, made)
    answered = min(when for when, _ in answers)
    assert [day for day in found if day < answered] == [day for day in without if day < answered]
    gaps = [after - before for before, after in pairwise(found)]
    assert max(gaps) <= timedelta(days=8)


def test_a_ledger_without_its_beats_makes_them_anew():
    with running(world(TABLE, TASK, LATER, units=ONE), "2022-05-05 08:00") as engine:
        overdue(engine, 5, 16)
        with engine.database.writing() as session:
            kept = session.execute(select(BEAT)).all()
            session.execute(delete(BEAT))
            begin_beats(session, engine.engine.snapshot, date(2022, 5, 16))
            assert session.execute(select(BEAT)).all() == kept


# --- contacts who ask for fewer mails ---


def contact(name, rhythm, *stand_ins):
    return Contact(name, f"{name}@unit.example", rhythm=rhythm, stand_ins=stand_ins)


def told_to(engine, first, last, reason="overdue"):
    """{who: days of May on which something is overdue}."""
    found: dict[str, list[int]] = {}
    for day, to, items in engine.mornings(f"2022-05-{first:02}", f"2022-05-{last:02}"):
        if any(said == reason for _, said, _ in items):
            found.setdefault(to.partition("@")[0], []).append(day.day)
    return found


def of_rhythms(*definitions):
    away = StandIn("代班", "away@unit.example", date(2022, 5, 16), date(2022, 5, 23))
    people = (
        contact("daily", "daily"),
        contact("twice", "twice-weekly"),
        contact("weekly", "weekly"),
        contact("other", "weekly", away),
    )
    return world(*definitions, units=(Unit("wanzhou", "万州区应急管理局", contacts=people),))


def test_contacts_hear_of_the_beat_as_often_as_they_ask_and_of_what_presses_at_once():
    with running(of_rhythms(TABLE), "2022-05-05 08:00") as engine:
        told = told_to(engine, 5, 31)
    beat = [6, 9, 11, 13, 17, 19, 23, 25, 27, 31]
    assert told["daily"] == beat
    # The 6th is the day on which it is newly late; from then on the first day of the beat in a part of the week.
    assert told["twice"] == [6, 9, 13, 17, 19, 23, 27, 31]
    assert told["weekly"] == [6, 9, 17, 23, 31]
    assert told["other"] == [6, 9, 23, 31]
    assert told["away"] == [17]


def test_fewer_mails_are_no_more_than_the_policy_has_and_hold_nothing_back_that_presses():
    with running(of_rhythms(TASK, LATER, TABLE), "2022-04-29 08:00") as engine:
        engine.record("submit", "table-2@2022-05")
        found = engine.mornings("2022-04-29", "2022-05-31")
    by_reason: dict[tuple[str, str], set[date]] = {}
    for day, to, items in found:
        for _, reason, _ in items:
            by_reason.setdefault((to.partition("@")[0], reason), set()).add(day)
    for reason in ("lead", "due_today"):
        assert by_reason["weekly", reason] == by_reason["daily", reason]
    # Two that are repeated weekly: nobody hears of them more often for having asked for twice a week.
    assert by_reason["twice", "overdue"] == by_reason["daily", "overdue"]


def test_what_is_sent_back_reaches_who_is_told_weekly_at_once():
    with running(of_rhythms(TABLE), "2022-05-05 08:00") as engine:
        engine.mornings("2022-05-05", "2022-05-17")
        engine.record("submit", "table-2@2022-05", when="2022-05-17 10:00")
        engine.record("return", "table-2@2022-05", when="2022-05-18 10:00")
        assert told_to(engine, 19, 19, "returned")["weekly"] == [19]


# --- late again ---


def upward(engine, first, last):
    """The days of May on which the city reads an escalation."""
    found = []
    for day in range(first, last + 1):
        engine.clock.set(at(f"2022-05-{day:02}"))
        engine.engine.run_pass()
        taken = [claimed.mail for claimed, _ in engine.sender.take()]
        told = [item for mail in taken if mail.to == "city@unit.example" for item in mail.items]
        found += [day] if any(item.reason.value == "escalation" for item in told) else []
    return found


def under_city(*definitions):
    return running(world(*definitions, units=(CITY, *ONE), supervisor="city"), "2022-05-05 08:00")


def test_what_is_sent_back_a_week_later_goes_upward_three_workdays_after_that():
    with under_city(TABLE) as engine:
        engine.record("submit", "table-2@2022-05", when="2022-05-05 08:30")
        assert upward(engine, 5, 12) == []
        engine.record("return", "table-2@2022-05", when="2022-05-12 15:00")
        # Told on Friday the 13th, which is the first workday of silence; Tuesday the 17th is the third.
        assert upward(engine, 13, 31) == [17]


def test_a_pause_across_the_date_counts_from_its_end_and_is_told():
    with under_city(TABLE) as engine:
        engine.record("pause", "table-2@2022-05", when="2022-05-05 08:30")
        assert upward(engine, 5, 16) == []
        engine.record("resume", "table-2@2022-05", when="2022-05-16 15:00")
        told = engine.pass_at("2022-05-17")
        assert ("table-2@2022-05", "overdue", -12) in told["wanzhou@unit.example"]
        assert upward(engine, 18, 31) == [19]


def test_each_beginning_counts_and_an_answer_in_between_ends_it():
    with under_city(TABLE) as engine:
        assert upward(engine, 5, 12) == [9]
        for sent, back in ((12, 13), (19, 20)):
            engine.record("submit", "table-2@2022-05", when=f"2022-05-{sent} 10:00")
            engine.record("return", "table-2@2022-05", when=f"2022-05-{back} 15:00")
        engine.record("submit", "table-2@2022-05", when="2022-05-23 15:00")
        assert upward(engine, 24, 31) == []
        engine.record("return", "table-2@2022-05", when="2022-05-24 15:00")
        assert upward(engine, 25, 31) == [27]


def test_an_extension_that_runs_out_goes_upward_after_it():
    with under_city(TABLE) as engine:
        engine.record("extend", "table-2@2022-05", until=date(2022, 5, 13), when="2022-05-05 08:30")
        assert upward(engine, 5, 31) == [18]


def test_what_is_open_again_while_nothing_ran_goes_upward_alone_and_its_neighbour_at_once():
    both = ("wanzhou", "fuling")
    table = definition("table-2", "2022年5月起，每月5日前", both)
    with running(world(table, units=(CITY, *both), supervisor="city"), "2022-05-05 08:00") as engine:
        engine.record("submit", "table-2@2022-05", when="2022-05-05 08:30")
        engine.mornings("2022-05-05", "2022-05-07")
        engine.record("return", "table-2@2022-05", when="2022-05-09 15:00")
        engine.clock.set(at("2022-05-10"))
        engine.engine.run_pass()
        taken = [claimed.mail for claimed, _ in engine.sender.take()]
        units = [i.unit for mail in taken for i in mail.items if i.reason.value == "escalation"]
        assert units == ["fuling"]
        assert upward(engine, 11, 31) == [12]


def test_what_is_sent_back_before_silence_goes_upward_goes_upward_with_the_others():
    with under_city(TABLE) as engine:
        engine.record("submit", "table-2@2022-05", when="2022-05-05 08:30")
        assert upward(engine, 5, 7) == []
        engine.record("return", "table-2@2022-05", when="2022-05-07 15:00")
        assert upward(engine, 8, 31) == [9]


# --- what makes something open and late again ---


def listed(mark, deadline="2022年5月9日前", *, chase_from=ISSUED, asked=ONE, **more):
    made = world(
        definition("5", deadline, asked, **more),
        units=(CITY, *ONE, "fuling"),
        supervisor="city",
        fingerprint=mark,
    )
    return replace(made, campaign=replace(made.campaign, chase_from=chase_from))


def by_event(quiet, again, reason="overdue", **more):
    """Task 5 is quiet by the event ``quiet``, and open again by ``again``."""
    return listed("as it was"), (quiet, more), again, reason


def by_edit(first, then=None, quiet=None):
    """Task 5 is quiet by the files ``first`` (and the event ``quiet``), and open again by the files ``then``."""
    return first, quiet, then or listed("edited"), "overdue"


TWO_OF_TWO = ("submit", {"count": 2})
WAYS = {
    "a pause ends": by_event("pause", "resume"),
    "a pause is undone": by_event("pause", "undo"),
    "a waive is undone": by_event("waive", "undo"),
    "a submission is undone": by_event("submit", "undo"),
    "a nil return is undone": by_event("nil", "undo"),
    "an extension is undone": by_event("extend", "undo", until=date(2022, 6, 1)),
    "it is sent back": by_event("submit", "return", "returned"),
    "a word in the files goes": by_edit(listed("paused", status="paused")),
    "more is wanted": by_edit(listed("two", quota=2), listed("three", quota=3), TWO_OF_TWO),
    "a grace goes": by_edit(listed("grace", grace_days=30)),
    "a date is pulled back": by_edit(listed("late", "2022年6月9日前")),
    "it joins those who are asked": by_edit(listed("before", asked=("fuling",))),
    "the ledger chases from earlier": by_edit(listed("new", chase_from=date(2022, 5, 16))),
}


def told_of_it(engine, moment):
    """What the digests of ``moment`` say of task 5, to the unit and upward."""
    engine.clock.set(at(moment))
    engine.engine.run_pass()
    mails = [claimed.mail for claimed, _ in engine.sender.take()]
    items = [item for mail in mails if mail.kind is MailKind.DIGEST for item in mail.items]
    return [item.reason.value for item in items if item.unit == "wanzhou"]


@pytest.mark.parametrize("when", ["2022-05-18 08:30", "2022-05-18 10:00", "2022-05-18 10:00 after a stop"])
@pytest.mark.parametrize("way", WAYS)
def test_what_is_open_and_late_again_is_told_with_the_next_digest_and_then_goes_upward(way, when):
    first, quiet, again, reason = WAYS[way]
    moment, is_stopped = when[:16], when.endswith("stop")
    with running(first, "2022-05-05 08:00") as engine:
        engine.pass_at("2022-05-06")
        if quiet is not None:
            engine.record(quiet[0], "5", when="2022-05-09 08:30", **quiet[1])
        engine.mornings("2022-05-09", "2022-05-17")
        if moment.endswith("10:00") and not is_stopped:
            engine.pass_at("2022-05-18")
        engine.clock.set(at(moment))
        if isinstance(again, str):
            engine.record(again, "5")
        else:
            engine.engine.adopt(again)
            engine.engine.bring_up_to_date(engine.clock.now())
        days = {18: told_of_it(engine, "2022-05-18 10:30")}
        days |= {day: told_of_it(engine, f"2022-05-{day}") for day in range(19, 32)}
        with engine.database.reading() as session:
            found = explain(session, engine.engine.snapshot, "5", "wanzhou", engine.clock.now())
    told = 19 if moment.endswith("10:00") and not is_stopped else 18
    # By the clock the next digests after ten are those of the 19th: silence is counted from there.
    upward = 20 if moment.endswith("08:30") else 23
    assert {day: said for day, said in days.items() if said} == {
        told: [reason],
        upward: ["escalation"],
        24: ["overdue"],
        31: ["overdue"],
    }
    said = [entry for entry in found.entries if entry.on >= date(2022, 5, told)]
    assert is_stopped or not [entry for entry in said if say(CAUGHT_UP, "zh") in entry.in_("zh")]


def test_what_is_open_and_late_again_by_a_slip_put_right_is_told_of_no_more():
    with under_city(TASK) as engine:
        engine.record("pause", "5", when="2022-05-09 08:30")
        engine.mornings("2022-05-09", "2022-05-18")
        engine.record("resume", "5", when="2022-05-18 10:00")
        engine.record("undo", "5", when="2022-05-18 10:05")
        assert engine.mornings("2022-05-19", "2022-05-20") == []
