"""``explain`` says what the outbox did, and why."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from tests.integration.test_outbox import Post
from tests.world import at, definition, running, unit, world
from tracker.core.model import MailKind, Reason
from tracker.core.policy import DEFAULT, Policies, Policy, Quiet, Settings, built_in
from tracker.planning import explain_wording
from tracker.planning.explain import ReminderOutcome, explain
from tracker.service.foresight import foresee
from tracker.service.simulation import CollectingSender

BOTH = ("wanzhou", "fuling")
TABLE = definition("table-2", "2022年5月起，每月5日前", BOTH)
TASK = definition("5", "2022年6月底前", BOTH)
CASES = definition("7", "2022年底前", BOTH, quota=6)
ONGOING = definition("9", "持续推进", BOTH)


def why(engine, ref, who="wanzhou"):
    snapshot, now = engine.engine.snapshot, engine.clock.now()
    with engine.database.reading() as session:
        coming = foresee(session, snapshot, ref, who, now, place=engine.engine.place)
        return explain(session, snapshot, ref, who, now, coming)


def lines(explanation):
    return [
        (entry.on.isoformat()[5:], entry.reason.value, entry.outcome.value) for entry in explanation.entries
    ]


def test_a_holiday_that_moved_a_reminder_is_named():
    with running(world(TABLE), "2022-05-06 08:00") as engine:
        engine.mornings("2022-05-06", "2022-06-06")
        found = why(engine, "table-2@2022-06")
    assert lines(found)[:7] == [
        ("05-31", "lead", "sent"),
        ("06-02", "lead", "merged"),
        ("06-02", "lead", "sent"),
        ("06-04", "lead", "moved"),
        ("06-05", "lead", "moved"),
        ("06-06", "overdue", "sent"),
        # The table of May is late since the 6th: from here on both are told by its beat.
        ("06-07", "overdue", "planned"),
    ]
    moved = next(entry for entry in found.entries if entry.on == date(2022, 6, 4))
    assert (
        moved.because
        == "2022-06-04 is a day off; said on 2022-06-02（2022年6月4日不是工作日，调整到2022年6月2日）"
    )


def test_what_was_not_said_because_it_was_answered_is_named_with_the_day():
    with running(world(TABLE), "2022-04-28 08:00") as engine:
        engine.mornings("2022-04-28", "2022-04-29")
        engine.record("submit", "table-2@2022-05", when="2022-05-03 10:00")
        engine.mornings("2022-05-04", "2022-05-09")
        found = why(engine, "table-2@2022-05")
    assert found.state == "done"
    assert ("05-05", "due_today", "skipped") in lines(found)
    assert "submitted on 2022-05-03（" in found.entries[-1].because
    assert all(
        entry.outcome is not ReminderOutcome.SENT for entry in found.entries if entry.on > date(2022, 5, 3)
    )


def test_an_extension_changes_what_comes_after_it_only():
    with running(world(TABLE), "2022-04-28 08:00") as engine:
        engine.mornings("2022-04-28", "2022-05-01")
        engine.record("extend", "table-2@2022-05", until=date(2022, 5, 18), when="2022-05-03 10:00")
        found = why(engine, "table-2@2022-05")
    assert (found.due, found.effective_due) == (date(2022, 5, 5), date(2022, 5, 18))
    assert lines(found) == [
        ("04-29", "lead", "merged"),
        ("04-29", "lead", "sent"),
        ("04-30", "lead", "moved"),
        ("05-04", "lead", "moved"),
        ("05-13", "lead", "planned"),
        ("05-17", "lead", "planned"),
        ("05-18", "due_today", "planned"),
        ("05-19", "overdue", "planned"),
        ("05-23", "overdue", "planned"),
        ("05-23", "escalation", "skipped"),
        ("05-25", "overdue", "planned"),
        ("05-27", "overdue", "planned"),
    ]


def test_a_unit_without_an_address_is_told_so():
    nobody = type(unit("x"))(id="wanzhou", name="万州")
    with running(world(TASK, units=(nobody, unit("fuling")))) as engine:
        engine.pass_at("2022-04-08")
        assert why(engine, "5").entries[0].outcome is ReminderOutcome.SKIPPED
        assert "nobody there has an address" in why(engine, "5").entries[0].because
        assert why(engine, "5", "fuling").entries[0].outcome is ReminderOutcome.SENT


def test_days_on_which_the_service_did_not_run_are_named_with_the_day_of_the_catch_up():
    with running(world(TABLE), "2022-04-28 08:00") as engine:
        engine.pass_at("2022-04-28")
        engine.pass_at("2022-05-12 10:00")
        found = why(engine, "table-2@2022-05")
    assert ("05-05", "due_today", "skipped") in lines(found)
    assert "told on 2022-05-12" in next(e for e in found.entries if e.on == date(2022, 5, 5)).because


def test_a_repeat_that_a_stop_swallowed_is_named_with_the_day_of_the_catch_up():
    """Late since Friday the 6th and told on every second workday: on the 9th, and, nothing running, on the 11th."""
    with running(world(TABLE), "2022-05-05 08:00") as engine:
        engine.mornings("2022-05-05", "2022-05-10")
        engine.mornings("2022-05-12", "2022-05-13")
        found = why(engine, "table-2@2022-05")
        answered = engine.record("submit", "table-2@2022-05", when="2022-05-13 10:00")
        assert answered.quiet
        afterwards = why(engine, "table-2@2022-05")
    assert [line for line in lines(found) if line[1] == "overdue" and line[0] <= "05-12"] == [
        ("05-06", "overdue", "sent"),
        ("05-09", "overdue", "sent"),
        ("05-11", "overdue", "skipped"),
        ("05-12", "overdue", "sent"),
    ]
    [missed] = [entry for entry in found.entries if entry.on == date(2022, 5, 11)]
    assert missed.because == (
        "repeated with all else that is overdue: the service did not run that day; told on 2022-05-12"
        "（与该单位其他逾期事项一并催报：当日服务未运行，已于2022年5月12日补发）"
    )
    assert ("05-11", "overdue", "skipped") not in lines(afterwards)


def test_what_was_sent_back_is_an_entry_of_its_own():
    with running(world(TABLE), "2022-05-05 08:00") as engine:
        engine.record("submit", "table-2@2022-05", when="2022-05-05 08:30")
        engine.record("return", "table-2@2022-05", when="2022-05-06 16:00", reason="合计不符")
        engine.mornings("2022-05-07", "2022-05-09")
        assert ("05-07", "returned", "sent") in lines(why(engine, "table-2@2022-05"))


SCRIPT: list[tuple[str, str, str, str, dict[str, Any]]] = [
    ("2022-04-12", "submit", "5", "fuling", {}),
    ("2022-04-20", "submit", "7", "fuling", {"count": 4}),
    ("2022-05-03", "submit", "table-2@2022-05", "wanzhou", {}),
    ("2022-05-04", "extend", "table-2@2022-05", "fuling", {"until": date(2022, 5, 20)}),
    ("2022-05-10", "return", "table-2@2022-05", "wanzhou", {"reason": "有误"}),
    ("2022-05-16", "submit", "table-2@2022-05", "wanzhou", {}),
    ("2022-05-27", "pause", "5", "wanzhou", {}),
    ("2022-06-01", "undo", "5", "fuling", {}),
    ("2022-06-20", "resume", "5", "wanzhou", {}),
    ("2022-07-04", "nil", "table-2@2022-07", "fuling", {}),
    ("2022-07-20", "waive", "5", "fuling", {}),
]


@pytest.mark.parametrize("gap", [None, ("2022-05-30", "2022-06-08")])
def test_explain_agrees_with_the_outbox_for_every_assignment_and_day(gap):
    city = unit("city")
    snapshot = world(TABLE, TASK, ONGOING, CASES, units=(city, *BOTH), supervisor="city")
    with running(snapshot) as engine:
        sent = set(_sent(engine, gap))
        told = set()
        for ref in ("5", "7", "9", *(f"table-2@2022-{month:02}" for month in range(5, 13))):
            for who in BOTH:
                for entry in why(engine, ref, who).entries:
                    said = (ref, who, entry.on, entry.reason)
                    if entry.outcome is ReminderOutcome.SENT:
                        assert said not in told, entry
                        told.add(said)
                    elif entry.outcome is not ReminderOutcome.MERGED:
                        assert said not in sent, entry
    assert told == sent
    assert {reason for *_, reason in sent} == set(Reason)


def _sent(engine, gap):
    """Passes from April to August, with the script and without the days of the gap; every item that was sent."""
    script = list(SCRIPT)
    day = date(2022, 4, 8)
    while day <= date(2022, 8, 31):
        while script and script[0][0] <= day.isoformat():
            _, kind, ref, who, more = script.pop(0)
            engine.record(kind, ref, who, when=f"{day} 08:00", **more)
        if gap is None or not gap[0] <= day.isoformat() <= gap[1]:
            engine.clock.set(at(day.isoformat()))
            engine.engine.run_pass()
            for claimed, _ in engine.sender.take():
                if claimed.mail.kind is MailKind.DIGEST:
                    yield from ((i.ref, i.unit, day, i.reason) for i in claimed.mail.items)
        day += timedelta(days=1)


def test_what_the_server_said_is_told_of_a_mail_that_waits():
    with running(world(TASK), "2022-05-30 08:00", sender=Post("deferred")) as engine:
        engine.pass_at("2022-05-31 09:00")
        (entry,) = (each for each in why(engine, "5").entries if each.on == date(2022, 5, 31))
    assert entry.outcome is ReminderOutcome.PLANNED
    assert "waits in the outbox (deferred: the post: deferred)" in entry.because
    assert "在发件箱中等待（待重试：the post: deferred）" in entry.because


# --- what was not in force, was not written, or is told for another reason ---


def edited(engine, when, *definitions, **more):
    """Other files from then on."""
    engine.clock.set(at(when))
    engine.engine.accept_removals = True
    engine.engine.snapshot = world(*definitions, fingerprint=when, **more)
    engine.engine.run_pass()


ONE = ("wanzhou",)
MAY = definition("5", "2022年5月20日前", ONE)
LATE_COMER = definition("6", "2022年5月13日前", ONE)
IN_FORCE_SO = str(explain_wording.FIRST_IN_FORCE)


def test_an_item_added_after_the_digests_of_a_day_has_no_reminders_of_that_day_and_before():
    with running(world(MAY)) as engine:
        engine.mornings("2022-04-08", "2022-05-12")
        edited(engine, "2022-05-12 18:00", MAY, LATE_COMER)
        assert lines(why(engine, "6")) == [
            ("05-13", "due_today", "planned"),
            ("05-14", "overdue", "moved"),
            ("05-16", "overdue", "planned"),
            ("05-18", "escalation", "skipped"),
            ("05-23", "overdue", "planned"),
            ("05-30", "overdue", "planned"),
            ("06-06", "overdue", "planned"),
        ]
        engine.mornings("2022-05-13", "2022-05-13")
        assert lines(why(engine, "6"))[:1] == [("05-13", "due_today", "sent")]


def test_an_edited_lead_time_holds_from_its_edit():
    def by(*lead):
        return {"settings": Settings(policies=Policies(built_in() | {DEFAULT: Policy(DEFAULT, lead=lead)}))}

    with running(
        world(
            MAY,
            **by(
                7,
            ),
        ),
        "2022-05-09 08:00",
    ) as engine:
        engine.mornings("2022-05-09", "2022-05-17")
        edited(engine, "2022-05-17 10:00", MAY, **by(9, 7, 4, 2))
        found = [line for line in lines(why(engine, "5")) if line[0] > "05-09"][:4]
    assert found == [
        ("05-13", "lead", "sent"),
        ("05-18", "lead", "planned"),
        ("05-20", "due_today", "planned"),
        ("05-21", "overdue", "moved"),
    ]


def test_what_is_told_late_because_it_came_late_is_not_blamed_on_the_service():
    with running(world(MAY)) as engine:
        engine.mornings("2022-04-08", "2022-05-12")
        edited(engine, "2022-05-12 18:00", MAY, definition("7", "2022年5月19日前", ONE))
        engine.mornings("2022-05-13", "2022-05-13")
        found = why(engine, "7")
    assert lines(found)[0] == ("05-13", "lead", "sent")
    assert IN_FORCE_SO in found.entries[0].because
    assert str(explain_wording.DID_NOT_RUN) not in str([each.because for each in found.entries])


def test_what_was_sent_back_is_foreseen_with_its_day_and_its_reason():
    with running(world(MAY)) as engine:
        engine.mornings("2022-04-08", "2022-05-10")
        engine.record("submit", "5", when="2022-05-10 10:00")
        engine.record("return", "5", when="2022-05-10 11:00", reason="缺章")
        found = [line for line in lines(why(engine, "5")) if line[0] > "05-10"]
    assert found[:2] == [("05-11", "returned", "planned"), ("05-13", "lead", "planned")]


def test_of_a_day_whose_digests_are_over_nothing_is_promised():
    begun = world(TABLE)
    begun = replace(begun, campaign=replace(begun.campaign, chase_from=date(2022, 7, 1)))
    with running(begun, "2022-07-15 08:00") as engine:
        engine.mornings("2022-07-15", "2022-07-19")
        edited(engine, "2022-07-19 10:00", TABLE)
        assert engine.pass_at("2022-07-19 18:00") == {}
        found = [line for line in lines(why(engine, "table-2@2022-06")) if line[2] == "planned"]
    assert found[0] == ("07-20", "overdue", "planned")


def test_a_quiet_day_is_not_called_a_day_off():
    quiet = Quiet(spans=((date(2022, 5, 13), date(2022, 5, 17)),))
    settings = Settings(policies=Policies(built_in() | {DEFAULT: Policy(DEFAULT, lead=(7,), quiet=quiet)}))
    with running(world(MAY, settings=settings), "2022-05-05 08:00") as engine:
        engine.engine.run_pass()
        found = {entry.on: entry for entry in why(engine, "5").entries}
    # The 13th is a Friday; the Saturday after the 7th is worked.
    moved = found[date(2022, 5, 13)]
    assert moved.outcome is ReminderOutcome.MOVED
    assert moved.in_("en") == "2022-05-13 is a quiet day by its policy; said on 2022-05-12"
    assert moved.in_("zh") == "2022年5月13日按提醒办法不发邮件，调整到2022年5月12日"


def test_a_reminder_that_catches_up_is_not_called_a_repetition():
    with running(world(MAY)) as engine:
        engine.mornings("2022-04-08", "2022-05-12")
        engine.pass_at("2022-05-16")
        found = {entry.on: entry for entry in why(engine, "5").entries}
    down, told = found[date(2022, 5, 13)], found[date(2022, 5, 16)]
    assert down.because.startswith(
        "7 days before 2022-05-20: the service did not run that day; told on 2022-05-16"
    )
    assert (told.reason, told.outcome) == (Reason.LEAD, ReminderOutcome.SENT)
    assert str(explain_wording.CAUGHT_UP) in told.because


def test_what_a_service_that_is_down_has_missed_is_foreseen_for_the_day_on_which_it_is_back():
    with running(world(MAY)) as engine:
        engine.mornings("2022-04-08", "2022-05-12")
        engine.clock.set(at("2022-05-16 08:00"))
        found = [line for line in lines(why(engine, "5")) if line[0] > "05-12"]
    assert found[:2] == [("05-13", "lead", "skipped"), ("05-16", "lead", "planned")]


def test_one_day_and_reason_are_one_line():
    with running(world(TABLE, MAY, units=(unit("city"), *BOTH), supervisor="city")) as engine:
        engine.mornings("2022-04-08", "2022-05-20")
        engine.record("submit", "5", when="2022-05-20 10:00")
        engine.record("return", "5", when="2022-05-24 10:00", reason="缺章")
        for moment in ("2022-05-24 10:00", "2022-05-25 10:00", "2022-05-30 10:00"):
            engine.pass_at(moment)
            for ref in ("5", "table-2@2022-05"):
                found = [line for line in lines(why(engine, ref)) if line[2] in ("sent", "planned")]
                assert len(found) == len(set(found))
                assert len({line[:2] for line in found}) == len(found)


def test_an_announcement_that_failed_is_told_once_under_its_day():
    with running(world(TASK), sender=Post("failed")) as engine:
        engine.pass_at("2022-04-08")
        engine.engine.use.sender = CollectingSender(lambda mail: mail.key)
        engine.pass_at("2022-04-11")
        found = [line for line in lines(why(engine, "5")) if line[1] == "opened"]
    assert found == [("04-08", "opened", "skipped"), ("04-11", "opened", "sent")]


def test_a_clock_that_ran_ahead_is_no_service_that_was_down():
    with running(world(MAY)) as engine:
        engine.mornings("2022-04-08", "2022-05-10")
        engine.pass_at("2022-05-18")
        engine.mornings("2022-05-11", "2022-05-19")
        found = why(engine, "5")
    assert str(explain_wording.DID_NOT_RUN) not in str([each.because for each in found.entries])
