"""The engine over a real database: who is told what on which day, and that nothing is lost or repeated."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from tests.world import at, definition, running, unit, world
from tracker.core.model import Reason
from tracker.core.policy import Settings
from tracker.errors import LedgerError, UnknownNameError
from tracker.ledger.agenda import set_planned_day
from tracker.ledger.status import ledger_rows
from tracker.planning.plan import next_planning

BOTH = ("wanzhou", "fuling")
TABLE = definition("table-2", "2022年5月起，每月5日前", BOTH)
TASK = definition("5", "2022年6月底前", BOTH)
WANZHOU, FULING = "wanzhou@unit.example", "fuling@unit.example"


def states(engine, when, **narrow):
    with engine.database.reading() as session:
        rows = ledger_rows(session, engine.engine.snapshot, at(when), latest=engine.clock.now(), **narrow)
    return {(row.ref, row.unit): row.state.value for row in rows}


def test_a_contact_gets_one_digest_with_everything_due_most_pressing_first():
    june = definition("9", "2022年6月9日前", BOTH)
    with running(world(TABLE, TASK, june, units=BOTH), "2022-05-31 08:00") as engine:
        told = engine.pass_at("2022-05-31")
    assert told[WANZHOU] == [
        ("table-2@2022-05", "overdue", -26),
        ("table-2@2022-06", "lead", 5),
        ("9", "lead", 9),
        ("5", "lead", 30),
    ]
    assert told[FULING] == told[WANZHOU]


def test_nothing_goes_out_before_nine_or_on_a_day_off_or_twice_a_day():
    with running(world(TASK)) as engine:
        assert engine.pass_at("2022-04-08 08:59") == {}
        assert set(engine.pass_at("2022-04-08 09:00")) == {WANZHOU, FULING}
        assert engine.pass_at("2022-04-08 09:01") == {}
        assert engine.pass_at("2022-04-08 23:59") == {}
    with running(world(TASK), "2022-04-09 08:00") as engine:
        assert engine.pass_at("2022-04-09 10:00") == {}, "a Saturday"
        assert engine.pass_at("2022-04-10 10:00") == {}, "a Sunday"
        assert set(engine.pass_at("2022-04-11 09:00")) == {WANZHOU, FULING}


def test_a_make_up_workday_is_a_workday():
    with running(world(definition("7", "2022年4月24日前", BOTH)), "2022-04-22 08:00") as engine:
        engine.pass_at("2022-04-22")
        assert engine.pass_at("2022-04-23") == {}, "an ordinary Saturday"
        assert engine.pass_at("2022-04-24")[WANZHOU] == [("7", "due_today", 0)], (
            "a Sunday worked for Labour Day"
        )


def test_reminders_for_june_and_october_come_before_the_holidays():
    with running(world(TABLE)) as engine:
        told = [
            (day, items) for day, to, items in engine.mornings("2022-04-08", "2022-06-05") if to == WANZHOU
        ]
        assert told[-1][0] == date(2022, 6, 2)
        assert ("table-2@2022-06", "lead", 3) in told[-1][1]
    with running(world(TABLE), "2022-09-06 08:00") as engine:
        for month in ("05", "06", "07", "08", "09"):
            for each in BOTH:
                engine.record("submit", f"table-2@2022-{month}", each)
        told = [
            (day, items) for day, to, items in engine.mornings("2022-09-06", "2022-10-10") if to == WANZHOU
        ]
    assert told == [
        (date(2022, 9, 30), [("table-2@2022-10", "lead", 5)]),
        (date(2022, 10, 8), [("table-2@2022-10", "overdue", -3)]),
        (date(2022, 10, 10), [("table-2@2022-10", "overdue", -5)]),
    ]


@pytest.mark.parametrize("kind", ["submit", "nil", "waive", "pause"])
def test_nothing_goes_out_for_what_is_answered_waived_or_paused(kind):
    with running(world(TABLE), "2022-04-29 08:00") as engine:
        assert WANZHOU in engine.pass_at("2022-04-29")
        engine.record(kind, "table-2@2022-05")
        told = engine.mornings("2022-04-30", "2022-05-12")
    assert told
    assert {to for _, to, _ in told} == {FULING}


def test_one_units_answer_never_closes_anothers():
    with running(world(TABLE), "2022-05-05 08:00") as engine:
        engine.record("submit", "table-2@2022-05")
        assert states(engine, "2022-05-05", ref="table-2@2022-05") == {
            ("table-2@2022-05", "wanzhou"): "done",
            ("table-2@2022-05", "fuling"): "due_today",
        }


def test_an_answer_between_planning_and_sending_is_seen():
    with running(world(TABLE, TASK, units=BOTH), "2022-05-31 08:00") as engine:
        # Planned, but the post is down: what is queued goes out only at the next pass.
        engine.engine.deliver = lambda *_, **__: {}
        engine.pass_at("2022-05-31")
        del engine.engine.deliver
        engine.record("submit", "table-2@2022-05", "wanzhou")
        engine.record("submit", "5", "fuling")
        engine.record("submit", "table-2@2022-05", "fuling")
        engine.record("submit", "table-2@2022-06", "fuling")
        told = engine.pass_at("2022-05-31 09:05")
    assert [ref for ref, *_ in told[WANZHOU]] == ["table-2@2022-06", "5"]
    assert FULING not in told, "a mail with nothing left in it is not sent"


def test_after_downtime_each_recipient_gets_one_mail_with_how_things_stand():
    with running(world(TABLE, TASK)) as engine:
        engine.pass_at("2022-04-08")
        told = engine.pass_at("2022-07-06 15:20")
    assert told[WANZHOU] == [
        ("table-2@2022-05", "overdue", -62),
        ("table-2@2022-06", "overdue", -31),
        ("5", "overdue", -6),
        ("table-2@2022-07", "overdue", -1),
    ]


def test_years_late_the_first_run_is_one_digest_a_contact():
    with running(world(TABLE, TASK, definition("9", "持续推进", BOTH)), "2026-11-23 13:54") as engine:
        told = engine.pass_at("2026-11-23 13:54")
        assert set(told) == {WANZHOU, FULING}
        assert len(told[WANZHOU]) == 55 + 1 + 1
        assert engine.pass_at("2026-11-23 13:55") == {}


def test_send_now_sends_at_any_hour_once():
    with running(world(TASK), "2022-04-09 23:00") as engine:
        assert set(engine.pass_at("2022-04-09 23:00", at_once=True)) == {WANZHOU, FULING}
        assert engine.pass_at("2022-04-09 23:01", at_once=True) == {}


def test_a_person_who_answers_for_two_units_gets_one_mail_for_both():
    shared = "zhang@unit.example"
    people = (unit("wanzhou", shared), unit("fuling", shared, FULING))
    with running(world(TASK, units=people)) as engine:
        engine.clock.set(at("2022-06-30"))
        engine.engine.run_pass()
        mails = {claimed.mail.to: claimed.mail.items for claimed, _ in engine.sender.take()}
    assert {item.unit for item in mails[shared]} == {"wanzhou", "fuling"}
    assert [item.unit for item in mails[FULING]] == ["fuling"]


def test_a_unit_without_an_address_does_not_keep_the_others_from_their_mail():
    people = (unit("wanzhou"), unit("fuling", *[]))
    nobody = type(people[1])(id="fuling", name="涪陵")
    with running(world(TASK, units=(people[0], nobody))) as engine:
        assert set(engine.pass_at("2022-04-08")) == {WANZHOU}


def test_each_unit_gets_its_mail_at_nine_of_its_own_clock():
    people = (unit("wanzhou"), unit("fuling", timezone="Europe/Berlin"))
    with running(world(TASK, units=people)) as engine:
        assert set(engine.pass_at("2022-04-08 09:00")) == {WANZHOU}
        assert set(engine.pass_at("2022-04-08 15:00")) == {FULING}, "09:00 in Berlin"


def test_a_time_that_summer_time_leaves_out_is_when_the_clocks_are_set():
    # In Tehran midnight became 01:00 on 22 March: at 20:30 UTC.
    as_set = datetime(2022, 3, 21, 20, 30, tzinfo=UTC)
    found = world(settings=Settings(send_at=time(0, 30)))
    snapshot = replace(found, campaign=replace(found.campaign, timezone="Asia/Tehran"))
    with running(snapshot) as engine, engine.database.writing() as session:
        set_planned_day(session, snapshot.campaign.id, "Asia/Tehran", date(2022, 3, 21))
        for before in (timedelta(hours=8), timedelta(seconds=1), timedelta()):
            assert next_planning(session, snapshot, as_set - before) == as_set


def test_what_is_sent_back_is_mentioned_in_the_next_digest():
    with running(world(TABLE), "2022-05-03 08:00") as engine:
        engine.record("submit", "table-2@2022-05", when="2022-05-03 10:00")
        engine.record("submit", "table-2@2022-05", "fuling")
        engine.record("return", "table-2@2022-05", when="2022-05-05 16:00", reason="合计不符")
        assert engine.pass_at("2022-05-06") == {WANZHOU: [("table-2@2022-05", Reason.RETURNED, -1)]}
        assert engine.pass_at("2022-05-07") == {}, "a make-up Saturday: every second workday"
        assert engine.pass_at("2022-05-09")[WANZHOU] == [("table-2@2022-05", "overdue", -4)]


def test_an_extension_moves_the_reminders_of_that_unit_only():
    with running(world(TABLE), "2022-05-02 08:00") as engine:
        engine.record("extend", "table-2@2022-05", until=date(2022, 5, 18), when="2022-05-02 10:00")
        told = engine.mornings("2022-05-03", "2022-05-19")
    wanzhou = [(day.day, items) for day, to, items in told if to == WANZHOU]
    assert [(day, reason) for day, [(_, reason, _)] in wanzhou] == [
        (13, "lead"),
        (17, "lead"),
        (18, "due_today"),
        (19, "overdue"),
    ]
    assert [day.day for day, to, _ in told if to == FULING][:3] == [5, 6, 9]


def test_an_extension_after_the_deadline_needs_force_and_a_reason():
    with running(world(TABLE), "2022-05-06 08:00") as engine:
        with pytest.raises(LedgerError, match="granted by the supervisor"):
            engine.record("extend", "table-2@2022-05", until=date(2022, 5, 18))
        with pytest.raises(LedgerError, match="reason"):
            engine.record("extend", "table-2@2022-05", until=date(2022, 5, 18), forced=True)
        engine.record("extend", "table-2@2022-05", until=date(2022, 5, 18), forced=True, reason="系统故障")
        with pytest.raises(LedgerError, match="later date"):
            engine.record(
                "extend", "table-2@2022-05", until=date(2022, 5, 18), forced=True, reason="系统故障"
            )


@pytest.mark.parametrize(
    ("ref", "who", "sentence"),
    [
        ("table-9@2022-05", "wanzhou", "no task, deliverable or report “table-9”"),
        ("table-2", "wanzhou", "name the period"),
        ("table-2@2019-05", "wanzhou", "there is no table-2@2019-05"),
        ("9", "fuling", "not asked of fuling"),
    ],
)
def test_an_event_for_what_is_not_asked_is_refused_with_what_is(ref, who, sentence):
    snapshot = world(TABLE, definition("9", "2022年底前", ("wanzhou",)))
    with running(snapshot) as engine, pytest.raises(UnknownNameError, match=sentence):
        engine.record("submit", ref, who)


def test_the_ledger_of_a_past_day_is_as_it_was():
    with running(world(TABLE), "2022-05-04 08:00") as engine:
        engine.record("submit", "table-2@2022-05", when="2022-05-09 10:00")
        ref = {"ref": "table-2@2022-05", "unit": "wanzhou"}
        assert states(engine, "2022-05-05", **ref) == {("table-2@2022-05", "wanzhou"): "due_today"}
        assert states(engine, "2022-05-06", **ref) == {("table-2@2022-05", "wanzhou"): "overdue"}
        assert states(engine, "2022-05-09 10:00", **ref) == {("table-2@2022-05", "wanzhou"): "done_late"}


def test_periods_beyond_what_the_ledger_holds_are_known_all_the_same():
    with running(world(TABLE)) as engine:
        engine.pass_at("2022-04-08")
        found = states(engine, "2022-04-08", ref="table-2@2031-05", unit="wanzhou")
    assert found == {("table-2@2031-05", "wanzhou"): "upcoming"}
