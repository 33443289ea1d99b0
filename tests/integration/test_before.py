"""A ledger that begins in the middle of a campaign: what was due before is shown, and nobody is chased for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from tests.tools import CAMPAIGN, Place
from tests.world import at, definition, running, unit, world
from tracker.campaign.snapshot import Beginning
from tracker.core.model import Contact, Event, EventKind, MailKind, Reason, State
from tracker.core.policy import Settings
from tracker.ledger.beginning import Scope, how_many_before, left_before
from tracker.ledger.record import read_history
from tracker.ledger.settlement import SettledState, settle
from tracker.ledger.status import ledger_rows
from tracker.planning.explain import explain
from tracker.service.simulation import simulate
from tracker.store.campaigns import KnownCampaign, remember_campaign
from tracker.store.tables import MAIL

CITY = unit("city")
TABLE = definition("table-2", "2022年5月起，每月5日前", ["wanzhou", "fuling"])
#: Over when the document was issued, on 8 April.
EARLY = definition("1", "2022年3月底前", ["wanzhou", "fuling"])
ONCE = definition("2", "2022年5月20日前", ["wanzhou", "fuling"])
LATER = definition("3", "2022年底前", ["wanzhou", "fuling"])


def taken_over(*definitions, chase_from=None, **more):
    """What is in force, in a ledger that begins whenever the engine does."""
    snapshot = world(*definitions, units=(CITY, unit("wanzhou"), unit("fuling")), supervisor="city", **more)
    return replace(snapshot, campaign=replace(snapshot.campaign, chase_from=chase_from))


def states(engine, when=None):
    now = engine.clock.now() if when is None else at(when)
    with engine.database.reading() as session:
        rows = ledger_rows(session, engine.engine.snapshot, now, latest=engine.clock.now(), unit="wanzhou")
    return {row.ref: (row.state.value, row.light.value, row.late_days) for row in rows}


def items(engine, first, last):
    return {
        (str(day), ref, reason) for day, to, said in engine.mornings(first, last) for ref, reason, _ in said
    }


def test_what_was_due_before_the_ledger_began_is_shown_and_said_of_nobody():
    with running(taken_over(TABLE, EARLY, ONCE, LATER), "2022-07-12 08:00") as engine:
        said = items(engine, "2022-07-12", "2022-07-29")
        found = states(engine)
    for ref in ("table-2@2022-05", "table-2@2022-06", "table-2@2022-07", "2"):
        assert found[ref] == ("before", "none", 0), ref
        assert not {each for each in said if each[1] == ref}
    # What was over before the issue is told, and what is to come is told as ever.
    assert found["1"][:2] == ("overdue", "red")
    assert ("2022-07-12", "1", "overdue") in said
    assert ("2022-07-29", "table-2@2022-08", "lead") in said
    assert ("2022-07-12", "3", "opened") in said


def test_what_was_over_before_the_issue_is_told_once_and_again_only_where_it_is_sent_back():
    with running(taken_over(EARLY), "2022-07-12 08:00") as engine:
        said = items(engine, "2022-07-12", "2022-09-30")
        assert said == {("2022-07-12", "1", "overdue")}, "told once, and never upward"
        engine.record("submit", "1", "wanzhou", when="2022-10-10 10:00")
        engine.record("return", "1", "wanzhou", when="2022-10-10 11:00", reason="不符")
        again = items(engine, "2022-10-11", "2022-11-30")
    assert {reason for _, _, reason in again} == {"returned", "overdue", "escalation"}
    assert len(again) > 5


def test_what_was_over_before_the_issue_is_chased_as_ever_where_the_ledger_begins_with_the_campaign():
    with running(taken_over(EARLY), "2022-04-08 08:00") as engine:
        said = items(engine, "2022-04-08", "2022-06-30")
    assert {reason for _, _, reason in said} == {"overdue", "escalation"}
    assert len(said) > 5


def test_nobody_is_missing_in_the_roll_ups_and_nothing_goes_upward():
    with running(taken_over(TABLE, ONCE), "2022-07-06 08:00") as engine:
        mails = []
        for day in range(6, 21):
            engine.clock.set(at(f"2022-07-{day:02}"))
            engine.engine.run_pass()
            mails += [claimed.mail for claimed, _ in engine.sender.take()]
    rollups = [mail for mail in mails if mail.kind is MailKind.ROLLUP]
    assert rollups
    assert not any(mail.items or mail.details["deadlines"] for mail in rollups)
    # Lights are counted of what is in hand, and this is not.
    assert all(mail.details["week"]["lights"]["red"] == 0 for mail in rollups)
    assert not any(item.reason.value == "escalation" for mail in mails for item in mail.items)


@pytest.mark.parametrize("moved_to", [None, date(2022, 7, 14)], ids=["taken over", "moved on"])
def test_the_week_is_compared_with_one_that_is_counted_by_the_same_beginning(moved_to):
    chased_all = None if moved_to is None else date(2022, 4, 8)
    with running(taken_over(TABLE, ONCE, LATER, chase_from=chased_all), "2022-07-14 08:00") as engine:
        engine.pass_at("2022-07-14")
        if moved_to is not None:
            engine.engine.adopt(taken_over(TABLE, ONCE, LATER, chase_from=moved_to, fingerprint="moved"))
        weeks = []
        for day in ("2022-07-18", "2022-07-25"):
            engine.clock.set(at(day))
            engine.engine.run_pass()
            found = [claimed.mail for claimed, _ in engine.sender.take()]
            weeks += [mail.details["week"] for mail in found if mail.kind is MailKind.ROLLUP]
    # Nothing was answered, and nothing has come or gone: what is set aside was no red light that went out.
    assert [(week["before"], week["lights"]["red"]) for week in weeks] == [(None, 0), ("2022-07-18", 0)]
    assert weeks[0]["lights_before"] is None
    assert weeks[1]["lights_before"]["red"] == 0


def test_what_is_sent_back_or_extended_is_chased_again():
    with running(taken_over(TABLE), "2022-07-12 08:00") as engine:
        engine.pass_at("2022-07-12")
        engine.record("submit", "table-2@2022-06", "wanzhou", when="2022-07-12 10:00")
        engine.record("return", "table-2@2022-06", "wanzhou", when="2022-07-12 11:00", reason="不符")
        engine.record(
            "extend", "table-2@2022-07", "wanzhou", until=date(2022, 7, 20), forced=True, reason="应允"
        )
        found = states(engine)
        said = engine.mornings("2022-07-13", "2022-07-29")
    assert found["table-2@2022-06"][:2] == ("returned", "red")
    assert found["table-2@2022-07"][0] in ("open", "due_soon")
    told = {(to, ref, reason) for _, to, each in said for ref, reason, _ in each}
    assert ("wanzhou@unit.example", "table-2@2022-06", "returned") in told
    assert ("wanzhou@unit.example", "table-2@2022-06", "overdue") in told
    assert ("wanzhou@unit.example", "table-2@2022-07", "overdue") in told
    # The other unit, whose rows are the same otherwise, hears nothing of either.
    assert not {each for each in told if each[0] == "fuling@unit.example" and each[1] < "table-2@2022-08"}


def test_an_undone_answer_is_before_again_and_stays_unsaid():
    with running(taken_over(TABLE), "2022-07-12 08:00") as engine:
        engine.record("submit", "table-2@2022-06", "wanzhou", when="2022-07-12 10:00")
        assert states(engine)["table-2@2022-06"][0] == "done_late"
        engine.record("undo", "table-2@2022-06", "wanzhou", when="2022-07-12 11:00")
        assert states(engine)["table-2@2022-06"] == ("before", "none", 0)
        assert not {
            each for each in items(engine, "2022-07-13", "2022-07-22") if each[1] == "table-2@2022-06"
        }


def test_a_day_that_the_files_name_holds_and_an_edit_of_it_is_followed():
    first = taken_over(TABLE, chase_from=date(2022, 6, 1), fingerprint="one")
    with running(first, "2022-07-12 08:00") as engine:
        engine.pass_at("2022-07-12")
        found = states(engine)
        assert found["table-2@2022-05"][0] == "before"
        assert found["table-2@2022-06"][:2] == ("overdue", "red")
        engine.engine.adopt(taken_over(TABLE, chase_from=date(2022, 4, 8), fingerprint="two"))
        said = items(engine, "2022-07-13", "2022-07-29")
        assert states(engine)["table-2@2022-05"][:2] == ("overdue", "red")
        assert {ref for _, ref, reason in said if reason == "overdue"} >= {
            "table-2@2022-05",
            "table-2@2022-06",
        }
        engine.engine.adopt(taken_over(TABLE, chase_from=date(2022, 7, 10), fingerprint="three"))
        said = items(engine, "2022-08-01", "2022-08-03")
    assert not {ref for _, ref, reason in said if reason == "overdue"}


def test_a_look_at_a_day_before_the_ledger_shows_that_day():
    with running(taken_over(TABLE), "2022-07-12 08:00") as engine:
        engine.pass_at("2022-07-12")
        assert states(engine, "2022-05-20 12:00")["table-2@2022-05"][:2] == ("overdue", "red")


def test_a_ledger_that_was_upgraded_goes_on_chasing():
    snapshot = taken_over(TABLE)
    with running(snapshot, "2022-07-12 08:00") as engine:
        with engine.database.writing() as session:
            # What the upgrade writes down of the campaign that it finds.
            campaign = snapshot.campaign
            known = KnownCampaign(
                campaign.id, campaign.title, campaign.document, campaign.issued, campaign.issued
            )
            remember_campaign(session, known)
        engine.pass_at("2022-07-12")
        assert states(engine)["table-2@2022-06"][:2] == ("overdue", "red")


def test_the_operator_hears_once_how_many_there_are():
    settings = Settings(operator=CITY.contacts[0])
    with running(taken_over(TABLE, settings=settings), "2022-07-12 08:00") as engine:
        alerts = []
        for day in ("2022-07-12", "2022-07-13"):
            engine.clock.set(at(day))
            engine.engine.run_pass()
            alerts += [each.mail for each, _ in engine.sender.take() if each.mail.kind is MailKind.ALERT]
        with engine.database.reading() as session:
            assert how_many_before(session, engine.engine.snapshot, engine.clock.now()) == 6
    [alert] = alerts
    assert alert.details["title"] == "台账建立前到期的6项次未予催报"


def test_the_operator_hears_how_many_are_over_and_how_many_are_still_to_come(caplog):
    settings = Settings(operator=CITY.contacts[0])
    snapshot = taken_over(TABLE, settings=settings, chase_from=date(2022, 8, 31))
    with running(snapshot, "2022-07-12 08:00") as engine, caplog.at_level("INFO", "tracker"):
        engine.clock.set(at("2022-07-12"))
        engine.engine.run_pass()
        [alert] = [each.mail for each, _ in engine.sender.take() if each.mail.kind is MailKind.ALERT]
        with engine.database.reading() as session:
            assert how_many_before(session, engine.engine.snapshot, engine.clock.now()) == 6
    assert alert.details["title"] == "2022年8月31日以前到期的8项次不予催报，其中2项次尚未到期"
    assert "台账建立前到期6项次，已列出；尚未到期2项次" in alert.details["problems"][0]
    assert (
        "6 assignments were due before this ledger began, 2 are still to come before 2022-08-31"
        in caplog.text
    )


def test_explain_says_why_nothing_goes():
    with running(taken_over(TABLE), "2022-07-12 08:00") as engine:
        engine.pass_at("2022-07-12")
        with engine.database.reading() as session:
            found = explain(session, engine.engine.snapshot, "table-2@2022-06", "wanzhou", engine.clock.now())
    assert found.state == "before"
    assert found.entries[-1].in_("zh").endswith("台账建立前到期，不予催报")
    assert not [entry for entry in found.entries if entry.outcome == "planned"]


@pytest.mark.parametrize(
    ("how", "state"),
    [
        (SettledState.SUBMIT, ("done", "green")),
        (SettledState.NIL, ("nil", "green")),
        (SettledState.ACCEPT, ("done", "green")),
        (SettledState.WAIVE, ("waived", "grey")),
    ],
)
def test_all_of_it_is_settled_in_one_transaction_and_each_can_be_undone(how, state):
    case = definition("5", "2022年5月底前", ["wanzhou", "fuling"], quota=2)
    with running(taken_over(TABLE, EARLY, case, LATER), "2022-07-12 08:00") as engine:
        engine.pass_at("2022-07-12")
        # One has a history already, and goes by its events.
        engine.record("submit", "5", "wanzhou", count=1)
        now = engine.clock.now()
        with engine.database.writing() as session:
            outcome = settle(session, engine.engine.snapshot, how, now, scope=Scope(), who="李", via="web")
            assert how_many_before(session, engine.engine.snapshot, now) == 0
        assert outcome.count == 8
        found = states(engine)
        assert {ref: found[ref][:2] for ref in ("table-2@2022-06", "5")} == {
            "table-2@2022-06": state,
            "5": state,
        }
        # What was over before the issue, and what is to come, is nobody's to settle here.
        assert found["1"][0] == "overdue"
        assert found["3"][0] in ("open", "due_soon")
        # The cache says what the events say.
        with engine.database.reading() as session:
            assert len(read_history(session, "main", ref="table-2@2022-06", unit="fuling")) == 1 + (
                how is SettledState.ACCEPT
            )
        now_and_then = states(engine), states(engine, "2022-07-12 12:00")
        assert now_and_then[0] == now_and_then[1]
        for _ in range(1 + (how is SettledState.ACCEPT)):
            engine.record("undo", "table-2@2022-06", "wanzhou")
        assert states(engine)["table-2@2022-06"][0] == "before"


def test_some_of_it_is_settled_by_reference_and_unit():
    with running(taken_over(TABLE, ONCE), "2022-07-12 08:00") as engine:
        engine.pass_at("2022-07-12")
        now, snapshot = engine.clock.now(), engine.engine.snapshot
        with engine.database.writing() as session:
            scope = Scope(["table-2@2022-05", "2"], ["fuling"])
            assert (
                settle(session, snapshot, SettledState.SUBMIT, now, scope=scope, who="李", via="cli").count
                == 2
            )
            assert how_many_before(session, snapshot, now) == 6
        assert states(engine)["2"][0] == "before"


def test_thousands_of_references_are_listed_and_settled_at_once():
    many = [definition(str(number), "2022年5月20日前", ["wanzhou"]) for number in range(1, 1202)]
    refs = [each.key for each in many]
    with running(taken_over(*many, TABLE), "2022-07-12 08:00") as engine:
        engine.engine.bring_up_to_date(engine.clock.now())
        snapshot, now = engine.engine.snapshot, engine.clock.now()
        with engine.database.writing() as session:
            found = left_before(session, snapshot, now, Scope([*refs[2:], "table-2@2022-05"]))
            assert (len(found), found[0]["ref"], found[-1]["ref"]) == (1200, "3", "table-2@2022-05")
            scope = Scope([*refs[2:], "2"])
            outcome = settle(session, snapshot, SettledState.NIL, now, scope=scope, who="x", via="x")
            assert outcome.count == 1200
            assert {each["ref"] for each in left_before(session, snapshot, now, Scope(["1", "table-2"]))} == {
                "1",
                *(f"table-2@2022-0{month}" for month in (5, 6, 7)),
            }


@pytest.mark.parametrize("start", ["2022-04-08 08:00", "2022-03-01 08:00"])
def test_a_ledger_that_begins_with_the_campaign_has_nothing_before(start):
    with running(taken_over(TABLE, EARLY, ONCE), start) as engine:
        engine.mornings("2022-05-05", "2022-05-06")
        assert "before" not in {state for state, _, _ in states(engine).values()}


def test_rules_are_explained_in_words():
    with running(world(TABLE, units=(CITY, unit("wanzhou"), unit("fuling")), supervisor="city")) as engine:
        engine.mornings("2022-05-05", "2022-05-12")
        with engine.database.reading() as session:
            found = explain(session, engine.engine.snapshot, "table-2@2022-05", "wanzhou", engine.clock.now())
    said = " ".join(entry.in_("zh") for entry in found.entries)
    assert "2022年5月5日到期未报，每2个工作日催报一次" in said
    assert "逾期3个工作日升级督办" in said
    assert "wd" not in said


@pytest.mark.parametrize("start", ["2022-07-12", "2022-07-16"])
def test_a_simulation_without_a_ledger_sends_what_a_service_begun_on_that_day_sends(start):
    def snapshot():
        settings = Settings(operator=CITY.contacts[0])
        return taken_over(TABLE, EARLY, ONCE, LATER, settings=settings, fingerprint=start)

    known = [("2022-06-03", "table-2@2022-06", "submit"), ("2022-07-27", "3", "submit")]
    events = [Event(at(day), ref, "wanzhou", EventKind(kind)) for day, ref, kind in known]

    def told(mails):
        return sorted((mail.at.date(), mail.kind, mail.to, mail.items) for mail in mails)

    with running(snapshot(), f"{start} 00:00") as engine:
        engine.engine.bring_up_to_date(engine.clock.now())
        engine.engine.record(events[0])
        lived = []
        for number in range(30):
            day = at(start) + timedelta(days=number)
            if events[1].at == day:
                engine.clock.set(day)
                engine.engine.record(events[1])
            engine.clock.set(day)
            engine.engine.run_pass()
            lived += [each.mail for each, _ in engine.sender.take()]
    until = (at(start) + timedelta(days=30)).date()
    supposed = simulate(snapshot(), events, at(start).date(), until, lambda mail: mail.key)
    assert told(each.mail for each, _ in supposed) == told(lived)
    # It says what is asked, and what it does not chase.
    assert {item.ref for mail in lived for item in mail.items if item.reason is Reason.OPENED} >= {"3"}
    assert MailKind.ALERT in {mail.kind for mail in lived}


def test_where_all_is_chased_or_a_ledger_is_there_a_window_is_that_of_the_longer_simulation():
    since, until = date(2022, 7, 12), date(2022, 8, 12)

    def window(snapshot, first):
        found = simulate(snapshot, [], first, until, lambda mail: mail.key)
        return [each.mail.key for each, _ in found if each.mail.at.date() >= since]

    chased = taken_over(TABLE, ONCE, LATER, chase_from=date(2022, 4, 8))
    begun = replace(taken_over(TABLE, ONCE, LATER), beginning=Beginning(date(2022, 4, 8)))
    for snapshot in (chased, begun):
        assert window(snapshot, since) == window(snapshot, date(2022, 4, 8))


def test_a_day_that_lies_ahead_sets_aside_at_once_and_everything_says_so():
    """A ledger that has chased for a month is told on 12 July to chase from 1 September on."""
    snapshot = taken_over(TABLE, ONCE, LATER, chase_from=date(2022, 4, 8), fingerprint="one")
    operator = Contact("张三", "op@office.example")
    snapshot = replace(snapshot, settings=Settings(operator=operator))
    ahead = replace(
        snapshot, fingerprint="two", campaign=replace(snapshot.campaign, chase_from=date(2022, 9, 1))
    )
    with running(snapshot, "2022-06-13 08:00") as engine:
        engine.mornings("2022-06-13", "2022-07-11")
        engine.clock.set(at("2022-07-12 08:00"))
        engine.engine.adopt(ahead)
        said = items(engine, "2022-07-12", "2022-08-04")
        found = states(engine)
        with engine.database.reading() as session:
            left = left_before(session, ahead, engine.clock.now())
            told = (
                session.execute(select(MAIL.c.details).where(MAIL.c.key.endswith("before/2022-09-01")))
                .scalars()
                .all()
            )
            why = explain(session, ahead, "2", "wanzhou", engine.clock.now())
    set_aside = {"table-2@2022-05", "table-2@2022-06", "table-2@2022-07", "table-2@2022-08", "2"}
    assert {ref for ref, state in found.items() if state == ("before", "none", 0)} == set_aside
    # What is due tomorrow is for nobody to settle today.
    assert {each["ref"] for each in left} == set_aside - {"table-2@2022-08"}
    assert not {ref for _, ref, _ in said if ref in set_aside}
    assert len(told) == 1
    assert "10项次" in told[0]
    assert why.state == State.BEFORE.value


def test_check_warns_of_a_day_that_lies_ahead_at_its_place(tmp_path):
    place = Place(tmp_path, tasks=CAMPAIGN.replace("chase_from: 2022-04-08", "chase_from: 2122-04-08"))
    (warning,) = [each for each in place.json("check")["warnings"] if each["path"] == "campaign.chase_from"]
    assert "尚未到来" in warning["message"]
    lines = place.tasks.read_text(encoding="utf-8").splitlines()
    assert lines[warning["line"] - 1][warning["column"] - 1 :] == "2122-04-08"
