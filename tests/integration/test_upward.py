"""What goes upward: escalations, roll-ups and the week; and whose clock a mail goes by."""

import json
from dataclasses import replace
from datetime import date

import pytest

from tests.integration.test_outbox import Post
from tests.world import at, definition, running, unit, world
from tracker.core.model import Contact, MailKind, StandIn, Unit
from tracker.core.policy import Policies, Quiet, Settings, built_in
from tracker.outbox.queries import stored_mails
from tracker.planning.plan import plan

BOTH = ("wanzhou", "fuling")
TABLE = definition("table-2", "2022年5月起，每月5日前", BOTH)
CASES = definition("7", "2022年底前", BOTH, quota=4)
CITY = unit("city")


def mails(engine, text):
    """Every mail of one pass at that time."""
    engine.clock.set(at(text))
    engine.engine.run_pass()
    return [claimed.mail for claimed, _ in engine.sender.take()]


def of_kind(found, kind, to="city@unit.example"):
    return [mail for mail in found if mail.kind is kind and mail.to == to]


def days_of(engine, first, last, kind):
    """{day: items of the city's mail of that kind}."""
    found = {}
    for day in range(first, last + 1):
        for mail in of_kind(mails(engine, f"2022-05-{day:02}"), kind):
            found[day] = [(item.unit, item.ref, item.reason.value) for item in mail.items]
    return found


def test_silence_goes_upward_on_the_third_workday_and_once():
    with running(world(TABLE, units=(CITY, *BOTH), supervisor="city"), "2022-05-05 08:00") as engine:
        engine.record("submit", "table-2@2022-05", "fuling", when="2022-05-06 08:00")
        # Due on Thursday the 5th; Friday, Saturday (worked) and Monday the 9th are the workdays of silence.
        found = days_of(engine, 6, 31, MailKind.DIGEST)
    assert found == {9: [("wanzhou", "table-2@2022-05", "escalation")]}


def test_it_goes_to_whom_the_unit_reports_to_and_to_nobody_where_that_is_itself():
    units = (CITY, unit("wanzhou", reports_to="fuling"), unit("fuling", reports_to="fuling"))
    with running(world(TABLE, units=units, supervisor="city"), "2022-05-05 08:00") as engine:
        mails(engine, "2022-05-06")
        mails(engine, "2022-05-07")
        found = mails(engine, "2022-05-09")
    told = {(mail.to, item.unit) for mail in found for item in mail.items if item.reason == "escalation"}
    assert told == {("fuling@unit.example", "wanzhou")}


def test_a_person_for_both_units_reads_of_an_assignment_once():
    same = "same@unit.example"
    units = (unit("city", same), unit("wanzhou", same), unit("fuling"))
    with running(world(TABLE, units=units, supervisor="city"), "2022-05-05 08:00") as engine:
        mails(engine, "2022-05-06")
        mails(engine, "2022-05-07")
        [mail] = of_kind(mails(engine, "2022-05-09"), MailKind.DIGEST, same)
    assert [(item.unit, item.reason.value) for item in mail.items] == [
        ("wanzhou", "escalation"),
        ("fuling", "escalation"),
    ]


def test_an_escalation_missed_in_downtime_is_told_afterwards():
    with running(world(TABLE, units=(CITY, *BOTH), supervisor="city"), "2022-05-05 08:00") as engine:
        mails(engine, "2022-05-06")
        [mail] = of_kind(mails(engine, "2022-05-18"), MailKind.DIGEST)
        assert {item.reason.value for item in mail.items} == {"escalation"}
        assert of_kind(mails(engine, "2022-05-19"), MailKind.DIGEST) == []


def test_silence_goes_upward_counted_from_the_first_word_where_that_was_late():
    with running(world(TABLE, units=(CITY, *BOTH), supervisor="city"), "2022-05-05 08:00") as engine:
        mails(engine, "2022-05-05")
        # Nothing ran from the 6th on, on which it was late; the 20th is the third workday from the 18th on.
        found = {
            day: sorted(
                {item.reason.value for mail in of_kind(some, MailKind.DIGEST, to) for item in mail.items}
            )
            for day in range(18, 24)
            for some in [mails(engine, f"2022-05-{day}")]
            for to in ["city@unit.example"]
        }
    assert found == {18: [], 19: [], 20: ["escalation"], 21: [], 22: [], 23: []}


def test_the_roll_up_names_who_is_missing_on_the_first_workday_after():
    units = (CITY, *BOTH, "yubei", "beibei", "banan")
    everybody = units[1:]
    table = definition("table-2", "2022年5月起，每月5日前", everybody)
    with running(world(table, units=units, supervisor="city"), "2022-04-29 08:00") as engine:
        mails(engine, "2022-04-29")
        engine.record("submit", "table-2@2022-05", "fuling", when="2022-05-05 10:00")
        engine.record("nil", "table-2@2022-05", "yubei", when="2022-05-05 10:00")
        engine.record("extend", "table-2@2022-05", "beibei", until=date(2022, 5, 20))
        engine.record("waive", "table-2@2022-05", "banan")
        mails(engine, "2022-05-05 11:00")
        [mail] = of_kind(mails(engine, "2022-05-06"), MailKind.ROLLUP)
        assert mails(engine, "2022-05-07") == []
    [deadline] = mail.details["deadlines"]
    assert (deadline["ref"], deadline["due"], deadline["of"]) == ("table-2@2022-05", "2022-05-05", 4)
    assert (deadline["nil"], deadline["waived"], deadline["extended"]) == (1, 1, {"beibei": "2022-05-20"})
    assert [(item.unit, item.reason.value) for item in mail.items] == [
        ("wanzhou", "overdue"),
        ("beibei", "lead"),
    ]
    assert "week" not in mail.details


def test_a_roll_up_is_written_however_many_days_are_quiet():
    quiet = Quiet(spans=((date(2022, 6, 3), date(2022, 8, 9)),))
    monthly = replace(built_in()["monthly"], quiet=quiet)
    settings = Settings(policies=Policies({**built_in(), "monthly": monthly}))
    snapshot = world(TABLE, units=(CITY, *BOTH), supervisor="city", settings=settings)
    with running(snapshot, "2022-06-02 08:00") as engine:
        found = [
            (mail.key.split("/")[1], deadline["ref"])
            for month, days in ((6, 30), (7, 31), (8, 12))
            for day in range(2 if month == 6 else 1, days + 1)
            for mail in of_kind(mails(engine, f"2022-{month:02}-{day:02}"), MailKind.ROLLUP)
            for deadline in mail.details["deadlines"]
        ]
    # The 9th of August is the first workday after that is not quiet, for the months of June to August.
    assert found == [("2022-08-09", f"table-2@2022-{month:02}") for month in (6, 7, 8)]


def test_who_answers_before_a_roll_up_goes_is_not_missing_in_it():
    with running(world(TABLE, units=(CITY, *BOTH), supervisor="city"), "2022-05-05 12:00") as engine:
        mails(engine, "2022-05-05 12:00")
        engine.clock.set(at("2022-05-06"))
        engine.engine.bring_up_to_date(engine.clock.now())
        with engine.database.writing() as session:
            plan(session, engine.engine.snapshot, engine.clock.now())
        for each in BOTH:
            engine.record("submit", "table-2@2022-05", each)
        [mail] = of_kind(mails(engine, "2022-05-06 09:05"), MailKind.ROLLUP)
    assert mail.items == ()
    assert mail.details["deadlines"][0]["of"] == 2


def test_the_week_counts_lights_and_how_they_were_a_week_before():
    with running(world(TABLE, CASES, units=(CITY, *BOTH), supervisor="city"), "2022-05-05 08:00") as engine:
        mails(engine, "2022-05-05")
        mails(engine, "2022-05-06")
        engine.record("submit", "table-2@2022-05", "fuling", when="2022-05-10 10:00")
        [mail] = of_kind(mails(engine, "2022-05-16"), MailKind.ROLLUP)
    week = mail.details["week"]
    assert (week["day"], week["before"]) == ("2022-05-16", "2022-05-09")
    # 7 is open for both, the table of June has opened; May's was late for both a week ago, and still is for one.
    assert week["lights"] == {"red": 1, "amber": 1, "green": 0, "blue": 0, "none": 4, "grey": 0}
    assert week["lights_before"] == {"red": 2, "amber": 0, "green": 0, "blue": 0, "none": 4, "grey": 0}
    by_unit = {row["unit"]: (row["lights"]["red"], row["before"]["red"]) for row in week["units"]}
    assert by_unit == {"wanzhou": (1, 1), "fuling": (0, 1)}
    assert [row["key"] for row in week["tasks"]] == ["7", "table-2"]
    assert json.loads(json.dumps(week)) == week


@pytest.mark.parametrize(("monday", "first"), [("2022-05-02", "2022-05-05"), ("2022-10-03", "2022-10-08")])
def test_the_week_is_told_on_its_first_workday(monday, first):
    snapshot = world(CASES, units=(CITY, *BOTH), supervisor="city")
    with running(snapshot, f"{monday} 08:00") as engine:
        engine.pass_at("2022-04-29" if monday < "2022-06" else "2022-09-30")
        told = [day for day in range(int(first[-2:]), int(first[-2:]) + 2) if _weekly(engine, first[:8], day)]
    assert told == [int(first[-2:])]


def _weekly(engine, month, day):
    return of_kind(mails(engine, f"{month}{day:02}"), MailKind.ROLLUP)


def test_a_quota_is_mentioned_to_those_who_lag_only():
    with running(world(CASES, units=BOTH), "2022-04-08 08:00") as engine:
        engine.pass_at("2022-04-08")
        engine.record("submit", "7", "fuling", count=1, when="2022-05-10 10:00")
        # A quarter of the 268 days is over in the middle of June, half of them in August.
        told = {day: engine.pass_at(day) for day in ("2022-06-01", "2022-07-01", "2022-09-01")}
    assert told["2022-06-01"] == {}
    assert told["2022-07-01"] == {"wanzhou@unit.example": [("7", "pace", 183)]}
    assert sorted(told["2022-09-01"]) == ["fuling@unit.example", "wanzhou@unit.example"]


def test_other_late_months_are_named_beside_the_one_that_is_due_to_be_said():
    with running(world(TABLE, units=("wanzhou",)), "2022-05-05 08:00") as engine:
        engine.mornings("2022-05-05", "2022-06-05")
        [first] = mails(engine, "2022-06-06")
        [second] = mails(engine, "2022-06-07")
    assert [item.ref for item in first.items] == ["table-2@2022-06"]
    assert first.details["said"] == {"table-2@2022-06 wanzhou": {"also": ["2022-05"]}}
    # On the next day of the beat all that is late is told.
    assert [item.ref for item in second.items] == ["table-2@2022-05", "table-2@2022-06"]
    assert "said" not in second.details


def test_an_extension_and_the_reason_for_a_return_are_told():
    with running(world(TABLE), "2022-04-28 08:00") as engine:
        engine.record("extend", "table-2@2022-05", "wanzhou", until=date(2022, 5, 13))
        engine.record("submit", "table-2@2022-05", "fuling")
        engine.mornings("2022-04-28", "2022-05-05")
        engine.record("return", "table-2@2022-05", "fuling", when="2022-05-05 16:00", reason="合计不符")
        [fuling] = [mail for mail in mails(engine, "2022-05-06") if mail.to.startswith("fuling")]
        engine.mornings("2022-05-07", "2022-05-12")
        [wanzhou] = [mail for mail in mails(engine, "2022-05-13") if mail.to.startswith("wanzhou")]
    assert fuling.details["said"] == {"table-2@2022-05 fuling": {"returned": "合计不符"}}
    assert wanzhou.details["said"] == {"table-2@2022-05 wanzhou": {"extended_from": "2022-05-05"}}


def test_the_last_reminder_before_a_day_off_is_known_as_such():
    with running(world(TABLE, units=("wanzhou",)), "2022-05-31 08:00") as engine:
        engine.record("submit", "table-2@2022-05")
        mails(engine, "2022-05-31")
        [mail] = mails(engine, "2022-06-02")
    assert mail.details["last"] == ["table-2@2022-06"]


def test_a_stand_in_gets_the_mail_from_the_first_day_to_the_last():
    away = StandIn("代班", "standin@unit.example", date(2022, 5, 5), date(2022, 5, 7))
    contact = Contact("联络员", "wanzhou@unit.example", stand_ins=(away,))
    wanzhou = Unit("wanzhou", "万州区应急管理局", contacts=(contact,))
    with running(world(TABLE, units=(wanzhou, "fuling")), "2022-05-04 08:00") as engine:
        engine.record("submit", "table-2@2022-05", "fuling")
        told = [(day[0].day, day[1]) for day in engine.mornings("2022-05-04", "2022-05-10")]
    assert told == [
        (5, "standin@unit.example"),
        (6, "standin@unit.example"),
        (9, "wanzhou@unit.example"),
    ]


def test_whoever_is_copied_gets_the_same_and_is_told_so():
    contacts = (Contact("甲", "a@unit.example"), Contact("乙", "b@unit.example", role="cc"))
    wanzhou = Unit("wanzhou", "万州区应急管理局", contacts=contacts)
    with running(world(TABLE, units=(wanzhou, "fuling")), "2022-05-05 08:00") as engine:
        found = {mail.to: mail for mail in mails(engine, "2022-05-05")}
    assert found["a@unit.example"].items == found["b@unit.example"].items
    assert "cc" not in found["a@unit.example"].details
    assert found["b@unit.example"].details["cc"] is True


def test_a_person_for_two_units_in_two_time_zones_does_not_change_their_colleagues_hours():
    shared = "shared@unit.example"
    units = (
        unit("wanzhou", "wanzhou@unit.example", shared),
        unit("fuling", "fuling@unit.example", shared, timezone="Europe/Paris"),
    )
    with running(world(TABLE, units=units), "2022-05-05 08:00") as engine:
        in_shanghai = mails(engine, "2022-05-05 09:00")
        # Nine in Paris is three in the afternoon in Shanghai.
        assert mails(engine, "2022-05-05 14:59") == []
        in_paris = mails(engine, "2022-05-05 15:00")
        following = mails(engine, "2022-05-06 09:00"), mails(engine, "2022-05-06 15:00")
        last = mails(engine, "2022-05-07 15:00")
    assert {mail.to for mail in in_shanghai} == {"wanzhou@unit.example", shared}
    assert [len(mail.items) for mail in in_shanghai if mail.to == shared] == [2]
    assert [mail.to for mail in in_paris] == ["fuling@unit.example"]
    for early, late in (following,):
        assert {mail.to for mail in early} == {"wanzhou@unit.example", shared}
        assert [mail.to for mail in late] == ["fuling@unit.example"]
    assert last == []


def test_what_is_sent_back_is_told_in_every_time_zone():
    units = (unit("wanzhou", "a@unit.example"), unit("fuling", "b@unit.example", timezone="Europe/Paris"))
    with running(world(TABLE, units=units), "2022-05-05 08:00") as engine:
        for each in BOTH:
            engine.record("submit", "table-2@2022-05", each)
            engine.record("return", "table-2@2022-05", each)
        shanghai, paris = mails(engine, "2022-05-05 09:00"), mails(engine, "2022-05-05 15:00")
        again = mails(engine, "2022-05-06 09:00") + mails(engine, "2022-05-06 15:00")
    said = [(mail.to, item.reason.value) for mail in (*shanghai, *paris) for item in mail.items]
    assert said == [("a@unit.example", "returned"), ("b@unit.example", "returned")]
    assert {item.reason.value for mail in again for item in mail.items} == {"overdue"}


def rollups_after(engine, text):
    return of_kind(mails(engine, text), MailKind.ROLLUP)


def outbox(engine):
    with engine.database.reading() as session:
        return {mail.mail.key: mail for mail in stored_mails(session, engine.engine.snapshot.campaign.id)}


def test_a_zone_that_comes_back_is_not_told_of_what_was_told_in_another_meanwhile():
    files = world(TABLE, units=(CITY, *BOTH), supervisor="city")
    elsewhere = replace(files.campaign, timezone="America/New_York")
    with running(files, "2022-05-05 08:00") as engine:
        assert "week" in rollups_after(engine, "2022-05-05")[0].details
        engine.engine.adopt(replace(files, campaign=elsewhere, fingerprint="elsewhere"))
        [mail] = rollups_after(engine, "2022-05-06 22:00")
        assert [each["ref"] for each in mail.details["deadlines"]] == ["table-2@2022-05"]
        engine.engine.adopt(replace(files, fingerprint="back"))
        assert rollups_after(engine, "2022-05-07 10:00") == []


def test_a_roll_up_that_waited_says_what_is_so_when_it_leaves():
    units = (CITY, *BOTH, "yubei", "beibei")
    table = definition("table-2", "2022年5月起，每月5日前", units[1:])
    post = Post("deferred")
    with running(world(table, units=units, supervisor="city"), "2022-05-05 12:00", sender=post) as engine:
        engine.record("nil", "table-2@2022-05", "yubei")
        for text in ("2022-05-05 12:30", "2022-05-06"):
            assert mails(engine, text) == []
        engine.record("submit", "table-2@2022-05", "wanzhou", when="2022-05-06 09:20")
        engine.record("waive", "table-2@2022-05", "fuling")
        engine.record("extend", "table-2@2022-05", "beibei", until=date(2022, 5, 20), forced=True, reason="r")
        engine.record("undo", "table-2@2022-05", "yubei")
        post.deeds = ["sent"]
        [mail] = rollups_after(engine, "2022-05-06 11:00")
        kept = outbox(engine)[mail.key].mail
    [facts] = mail.details["deadlines"]
    assert (facts["of"], facts["waived"], facts["nil"], facts["late"]) == (3, 1, 0, ["wanzhou"])
    assert facts["extended"] == {"beibei": "2022-05-20"}
    assert [(item.unit, item.reason.value) for item in mail.items] == [
        ("yubei", "overdue"),
        ("beibei", "lead"),
    ]
    assert (kept.items, kept.details) == (mail.items, mail.details)


def test_roll_ups_that_did_not_go_are_one_mail_that_says_how_things_stand():
    weekly = definition("9", "每周五前", BOTH, policy="weekly")
    policies = Policies({**built_in(), "weekly": replace(built_in()["monthly"], rollup=True)})
    snapshot = world(
        TABLE, weekly, units=(CITY, *BOTH), supervisor="city", settings=Settings(policies=policies)
    )
    post = Post("deferred")
    with running(snapshot, "2022-05-02 08:00", sender=post) as engine:
        for day in range(3, 17):
            assert mails(engine, f"2022-05-{day:02}") == []
        for each in BOTH:
            engine.record("submit", "table-2@2022-05", each)
        post.deeds = ["sent"]
        # A Tuesday, on which nothing of its own is to be reported.
        [mail] = rollups_after(engine, "2022-05-17")
        assert rollups_after(engine, "2022-05-18") == []
        states = {key: each.state.value for key, each in outbox(engine).items() if key.startswith("rollup")}
    assert mail.key == "rollup/2022-05-17/city@unit.example"
    told = {each["ref"]: each["late"] for each in mail.details["deadlines"]}
    weeks = [f"9@2022-W{week}" for week in (17, 18, 19)]
    assert told == {**{week: [] for week in weeks}, "table-2@2022-05": ["wanzhou", "fuling"]}
    assert mail.details["week"]["day"] == "2022-05-17"
    assert set(states.values()) == {"sent", "superseded"}


@pytest.mark.parametrize("is_heard", [True, False], ids=["by the next", "by nobody yet"])
def test_what_a_supervisor_who_left_was_to_read_is_told_to_whoever_is_there(is_heard):
    post = Post("deferred")
    with running(
        world(TABLE, units=(CITY, *BOTH), supervisor="city"), "2022-05-05 12:00", sender=post
    ) as engine:
        for text in ("2022-05-05 12:30", "2022-05-06"):
            mails(engine, text)
        post.deeds = ["sent"]
        now = unit("city", "next@unit.example") if is_heard else Unit("city", "市")
        settings = Settings(operator=Contact("管理员", "op@unit.example"))
        engine.engine.adopt(world(TABLE, units=(now, *BOTH), supervisor="city", settings=settings))
        found = mails(engine, "2022-05-07")
        heard = of_kind(found, MailKind.ROLLUP, "next@unit.example")
        assert bool(heard) is is_heard
        assert any(mail.kind is MailKind.ALERT for mail in found) is not is_heard
        if not is_heard:
            engine.engine.adopt(world(TABLE, units=(CITY, *BOTH), supervisor="city", settings=settings))
            heard = rollups_after(engine, "2022-05-09")
    assert [each["ref"] for each in heard[0].details["deadlines"]] == ["table-2@2022-05"]


def test_what_a_digest_that_waited_says_beside_its_items_is_so_when_it_leaves():
    post = Post("deferred")
    table = definition("table-2", "2022年4月起，每月5日前", BOTH)
    task = definition("8", "2022年5月6日前", BOTH)
    with running(world(table, CASES, task), "2022-04-29 08:00", sender=post) as engine:
        engine.record("submit", "7", count=1)
        engine.record("submit", "table-2@2022-05", "wanzhou")
        engine.record("return", "table-2@2022-05", "wanzhou", reason="数字不符")
        engine.record("extend", "8", "wanzhou", until=date(2022, 5, 20))
        mails(engine, "2022-04-29")
        engine.clock.set(at("2022-04-29 09:10"))
        engine.record("submit", "7", count=1)
        engine.record("undo", "8", "wanzhou")
        engine.record("submit", "table-2@2022-05", "wanzhou")
        engine.record("return", "table-2@2022-05", "wanzhou", reason="缺附表")
        post.deeds = ["sent"]
        found = {mail.to: mail.details for mail in mails(engine, "2022-04-29 11:00")}
    told = found["wanzhou@unit.example"]
    assert told["progress"] == {"7 wanzhou": 2}
    assert told["said"] == {"table-2@2022-05 wanzhou": {"returned": "缺附表"}}
    assert "progress" not in found["fuling@unit.example"]
