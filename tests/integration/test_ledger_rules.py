"""Histories whose rules change behind them: what was recorded stands by the rules now in force, and nothing raises."""

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import select

from tests.integration.test_filings import FORM, FORMS, due, file, filed
from tests.world import Running, at, definition, running, world
from tracker.core.form import Filed
from tracker.core.model import State
from tracker.core.workdays import Workdays
from tracker.dashboard.items import to_accept
from tracker.dashboard.status_overview import Board
from tracker.errors import LedgerError, RemovalsHeldBackError, UnknownNameError
from tracker.filing.filings import (
    OriginalFile,
    SentFile,
    in_force_filings,
    keep_refused,
    previous_filings,
    refused_tables,
)
from tracker.ledger.record import read_history
from tracker.ledger.requests import (
    Decision,
    NewRequest,
    RequestKind,
    answer_request,
    ask,
    open_requests,
    requests_of,
)
from tracker.ledger.status import ledger_rows
from tracker.outbox.queries import stored_mails
from tracker.planning.explain import explain
from tracker.store.tables import ASSIGNMENT, META

UNITS = ("wanzhou", "fuling")


def edit(run, *definitions):
    """Other files are in force from now on."""
    run.engine.accept_removals = True
    run.engine.adopt(world(*definitions))
    run.engine.bring_up_to_date(run.clock.now())


def stand(run, ref="5", unit="wanzhou"):
    with run.database.reading() as session:
        now = run.clock.now()
        explain(session, run.engine.snapshot, ref, unit, now)
        (row,) = ledger_rows(session, run.engine.snapshot, now, latest=now, unit=unit, ref=ref)
    return row


def events(run, **more):
    with run.database.reading() as session:
        return [(each.event.value, each.via) for each in read_history(session, "main", **more)]


def cases(quota=None, deadline="2022年6月底前", **more):
    return definition("5", deadline, UNITS, **({"quota": quota} if quota else {}), **more)


# --- targets ---


def test_a_raised_quota_opens_what_was_full_and_every_command_goes_on():
    with running(world(cases(2)), "2022-05-01 10:00") as run:
        run.record("submit", "5", count=2)
        run.record("accept", "5")
        edit(run, cases(5))
        row = stand(run)
        assert (row.state, row.answer.progress, row.target) == (State.OPEN, 2, 5)
        assert [kind for kind, _ in events(run)] == ["submit", "accept"]
        assert run.pass_at("2022-06-23 09:00")["wanzhou@unit.example"] == [("5", "lead", 7)]
        run.record("waive", "5")
        run.record("undo", "5")
        run.record("submit", "5", count=3)
        row = stand(run)
        assert (row.answer.answered, row.answer.accepted_at) == ("submitted", None)
        edit(run, cases(2))
        assert stand(run).answer.submitted_at == at("2022-05-01 10:00")


def test_a_lowered_quota_is_done_on_the_day_of_the_submission_that_fills_it():
    with running(world(cases(5, "2022年5月10日前")), "2022-05-01 10:00") as run:
        run.record("submit", "5", count=2)
        run.record("extend", "5", until=date(2022, 5, 20))
        run.clock.set(at("2022-05-25 10:00"))
        edit(run, cases(2, "2022年5月10日前"))
        row = stand(run)
        assert (row.state, row.answer.submitted_at, row.late_days) == (State.DONE, at("2022-05-01 10:00"), 0)
        run.record("return", "5", reason="x")
        run.record("undo", "5")
        assert stand(run).state is State.DONE


def test_a_quota_raised_while_it_stands_returned_stops_no_pass_that_the_files_say_something_in():
    with running(world(cases(2)), "2022-05-01 10:00") as run:
        run.record("submit", "5", count=2)
        run.record("return", "5", reason="x")
        edit(run, cases(5))
        assert stand(run).state is State.RETURNED
        edit(run, cases(5, status="done"))
        assert stand(run).state is State.DONE
        run.pass_at("2022-05-05 09:00")


# --- what the files say ---


def test_a_word_in_the_files_is_said_once():
    with running(world(cases()), "2022-05-01 10:00") as run:
        run.record("submit", "5", "fuling")
        edit(run, cases(status="done"))
        assert stand(run).state is State.DONE
        run.record("return", "5", reason="x")
        run.record("return", "5", "fuling", reason="x")
        said = events(run)
        # The holidays, a lead time, the quota and then the horizon change: it is not said again.
        run.engine.adopt(replace(world(cases(status="done")), workdays=Workdays({}), fingerprint="other"))
        run.engine.bring_up_to_date(run.clock.now())
        edit(run, cases(3, status="done"))
        run.clock.set(at("2022-12-20 10:00"))
        run.engine.bring_up_to_date(run.clock.now())
        assert events(run) == said
        assert [stand(run, unit=unit).state for unit in UNITS] == [State.RETURNED] * 2
        edit(run, cases())
        assert stand(run).state is State.RETURNED
        edit(run, cases(status="done"))
        assert [stand(run, unit=unit).state for unit in UNITS] == [State.DONE_LATE] * 2, "written again"


def test_later_periods_and_units_that_join_get_the_word_that_stands():
    def monthly(*units, **more):
        return definition("26/experience", "每月5日前", units, **more)

    with running(world(monthly("wanzhou", status="waived")), "2022-05-01 10:00") as run:
        run.engine.bring_up_to_date(run.clock.now())
        edit(run, monthly("wanzhou", "fuling", status="waived"))
        assert stand(run, "26/experience@2022-06", "fuling").state is State.WAIVED
        run.clock.set(at("2022-12-20 10:00"))
        run.engine.bring_up_to_date(run.clock.now())
        assert stand(run, "26/experience@2023-03", "wanzhou").state is State.WAIVED
        edit(run, monthly("wanzhou", "fuling"))
        assert stand(run, "26/experience@2023-03", "wanzhou").state is State.UPCOMING


def test_taking_a_word_away_takes_back_what_it_said_and_nothing_else():
    with running(world(cases(status="paused")), "2022-05-01 10:00") as run:
        run.record("waive", "5")
        run.record("undo", "5", "fuling")
        run.record("submit", "5", "fuling")
        edit(run, cases())
        assert stand(run).state is State.WAIVED
        run.record("undo", "5")
        assert stand(run).state is State.OPEN
        assert stand(run, unit="fuling").state is State.DONE


def test_a_definition_that_comes_back_finds_its_word_there():
    with running(
        world(cases(status="done"), definition("1", "2022年底前", UNITS)), "2022-05-01 10:00"
    ) as run:
        run.engine.bring_up_to_date(run.clock.now())
        run.record("return", "5", reason="x")
        edit(run, definition("1", "2022年底前", UNITS))
        edit(run, cases(status="done"), definition("1", "2022年底前", UNITS))
        assert (stand(run).state, stand(run, unit="fuling").state) == (State.RETURNED, State.DONE)
        edit(run, definition("1", "2022年底前", UNITS))
        edit(run, cases(), definition("1", "2022年底前", UNITS))
        assert stand(run, unit="fuling").state is State.OPEN


def test_what_an_earlier_version_had_the_files_say_is_not_said_again():
    with running(world(cases(status="done")), "2022-05-01 10:00") as run:
        run.engine.bring_up_to_date(run.clock.now())
        run.record("return", "5", reason="x")
        with run.database.writing() as session:
            session.execute(META.delete().where(META.c.name == "said"))
        edit(run, cases(2, status="done"))
        assert stand(run).state is State.RETURNED


# --- acceptance ---


def test_what_was_done_before_acceptance_was_switched_on_stays_done():
    with running(world(cases()), "2022-05-01 10:00") as run:
        run.record("submit", "5")
        edit(run, cases(acceptance=True))
        assert stand(run).state is State.DONE
        assert events(run) == [("submit", None), ("accept", "file")]
        run.record("submit", "5", "fuling")
        assert stand(run, unit="fuling").state is State.SUBMITTED
        edit(run, cases(3, acceptance=True))
        assert stand(run, unit="fuling").state is State.SUBMITTED, "switched on once"
        edit(run, cases())
        edit(run, cases(acceptance=True))
        assert stand(run, unit="fuling").state is State.DONE, "it was done while nobody had to accept it"


def test_a_nil_return_done_before_stays_done_and_one_after_waits():
    with running(world(cases()), "2022-05-01 10:00") as run:
        run.record("nil", "5")
        edit(run, cases(acceptance=True))
        assert (stand(run).state, stand(run).waits) == (State.NIL, False)
        run.record("nil", "5", "fuling")
        found = stand(run, unit="fuling")
        assert (found.state, found.waits, found.is_among("submitted")) == (State.NIL, True, True)
        with run.database.reading() as session:
            waiting = to_accept(Board(run.database), session, run.engine.snapshot, run.clock.now())
        assert [(unit, each.ref) for unit, each in waiting] == [("fuling", "5")]
        run.record("accept", "5", "fuling")
        found = stand(run, unit="fuling")
        assert (found.state, found.waits, found.is_among("submitted")) == (State.NIL, False, False)


def test_undo_after_acceptance_was_switched_on_takes_back_the_answer():
    with running(world(cases()), "2022-05-01 10:00") as run:
        run.record("submit", "5")
        edit(run, cases(acceptance=True))
        run.record("undo", "5")
        assert stand(run).state is State.OPEN
        with pytest.raises(LedgerError, match="nothing to undo"):
            run.record("undo", "5")
        # The acceptance was of what is taken back, and not of what comes now.
        run.record("submit", "5")
        assert stand(run).state is State.SUBMITTED
        # Whatever a person did after it is taken back first, and what was accepted is so again.
        run.record("nil", "5", "fuling")
        edit(run, cases())
        edit(run, cases(acceptance=True))
        run.record("return", "5", "fuling", reason="不全")
        run.record("undo", "5", "fuling")
        assert stand(run, unit="fuling").state is State.NIL


def test_an_acceptance_is_of_what_was_accepted():
    with running(world(cases(acceptance=True)), "2022-05-01 10:00") as run:
        run.record("submit", "5")
        run.record("accept", "5")
        assert stand(run).state is State.DONE
        run.record("submit", "5")
        assert stand(run).state is State.SUBMITTED
        run.record("undo", "5")
        assert stand(run).state is State.DONE
        run.record("nil", "5")
        assert stand(run).answer.accepted_at is None


# --- dates ---


def test_what_is_open_follows_the_date_in_force_also_what_was_answered_when_it_moved():
    with running(world(cases(deadline="2022年5月20日前")), "2022-05-10 10:00") as run:
        run.record("submit", "5")
        edit(run, cases(deadline="2022年6月30日前"))
        run.clock.set(at("2022-06-10 10:00"))
        run.record("return", "5", reason="x")
        row = stand(run)
        assert (row.state, row.late_days, row.dates.effective_due) == (State.RETURNED, 0, date(2022, 6, 30))
        # Told that it was sent back, and then as all others are of the date that all have.
        run.pass_at("2022-06-13 09:00")
        assert run.pass_at("2022-06-23 09:00")["wanzhou@unit.example"] == [("5", "lead", 7)]


def test_the_later_of_rule_and_extension_is_in_force():
    with running(world(cases(deadline="2022年5月20日前")), "2022-05-10 10:00") as run:
        run.record("extend", "5", until=date(2022, 6, 1))
        edit(run, cases(deadline="2022年6月30日前"))
        assert stand(run).dates.effective_due == date(2022, 6, 30)
        edit(run, cases(deadline="2022年5月25日前"))
        assert stand(run).dates.effective_due == date(2022, 6, 1)
        run.record("undo", "5")
        assert stand(run).dates.effective_due == date(2022, 5, 25)


@pytest.mark.parametrize("until", [date(9999, 12, 31), date(9022, 5, 20), date(2201, 1, 1)])
def test_an_extension_has_an_end(until):
    with running(world(cases(deadline="2022年5月20日前")), "2022-05-10 10:00") as run:
        with pytest.raises(LedgerError) as refused:
            run.record("extend", "5", until=until)
        assert refused.value.code == "extension_too_far"
        new_request = NewRequest("5", "wanzhou", RequestKind.EXTEND, "忙", "张三", "a@b.example", until)
        with run.database.writing() as session, pytest.raises(LedgerError) as refused:
            ask(session, run.engine.snapshot, new_request, run.clock.now())
        assert refused.value.code == "extension_too_far"


@pytest.mark.parametrize("until", ["2022-05-25", "2022-06-01"])
def test_more_time_is_never_granted_backwards(until):
    with running(world(cases(deadline="2022年5月20日前")), "2022-06-01 10:00") as run:
        run.engine.bring_up_to_date(run.clock.now())
        with run.database.writing() as session:
            new_request = NewRequest(
                "5", "wanzhou", RequestKind.EXTEND, "忙", "张三", "a@b.example", date(2022, 6, 10)
            )
            number = ask(session, run.engine.snapshot, new_request, run.clock.now()).id
        with run.database.writing() as session, pytest.raises(LedgerError) as refused:
            answer_request(
                session,
                run.engine.snapshot,
                number,
                Decision.GRANTED,
                "李四",
                until=date.fromisoformat(until),
                now=run.clock.now(),
            )
        assert refused.value.code == "more_time_too_early"


def outcomes(run):
    with run.database.reading() as session:
        found = requests_of(session, "main", "5", "wanzhou")
    return [(str(each.wanted_until), each.answer) for each in found]


def told_of_requests(run):
    """What the people of the unit are told of their requests."""
    with run.database.reading() as session:
        mails = stored_mails(session, "main")
    said = [each.mail.details.get("request") for each in mails if each.mail.unit == "wanzhou"]
    return [each["phase"] for each in said if isinstance(each, dict)]


def test_what_a_unit_asks_for_anew_takes_the_place_of_what_waits_and_a_grant_closes_what_it_meets():
    with running(world(cases(deadline="2022年5月20日前")), "2022-05-10 10:00") as run:
        run.engine.bring_up_to_date(run.clock.now())
        asked_for(run, "fuling")
        asked_for(run, "wanzhou", until="2022-06-30")
        second = asked_for(run, "wanzhou", until="2022-07-30")
        assert outcomes(run) == [("2022-06-30", "replaced"), ("2022-07-30", None)]
        answered(run, second, Decision.GRANTED)
        assert outcomes(run) == [("2022-06-30", "replaced"), ("2022-07-30", "granted")]
        assert told_of_requests(run) == ["granted"]
        # Nor does the other unit's request go with it.
        with run.database.reading() as session:
            assert [each.unit for each in open_requests(session, "main")] == ["fuling"]


@pytest.mark.parametrize("until", ["2022-07-01", "2022-06-30", "2022-06-20"])
@pytest.mark.parametrize("how", ["event", "file"])
def test_a_later_date_by_whatever_way_closes_what_asks_for_no_more(how, until):
    with running(world(cases(deadline="2022年5月20日前")), "2022-05-10 10:00") as run:
        run.engine.bring_up_to_date(run.clock.now())
        asked_for(run, "wanzhou", until="2022-06-30")
        if how == "event":
            run.record("extend", "5", until=date.fromisoformat(until))
        else:
            edit(run, cases(deadline=f"{until[:4]}年{int(until[5:7])}月{int(until[8:])}日前"))
        is_met = until >= "2022-06-30"
        assert outcomes(run) == [("2022-06-30", "replaced" if is_met else None)]
        assert told_of_requests(run) == []


# --- taken out of the files and back ---


def cells(run):
    """By number what each assignment is, and whether it was taken out."""
    with run.database.reading() as session:
        rows = session.execute(select(ASSIGNMENT)).all()
    return {row.id: (row.key, row.unit, row.removed_on is not None) for row in rows}


def asked_for(run, unit, ref="5", until="2022-07-10"):
    """``unit`` asks for more time."""
    with run.database.writing() as session:
        new_request = NewRequest(
            ref, unit, RequestKind.EXTEND, "忙", "张三", "a@b.example", date.fromisoformat(until)
        )
        return ask(session, run.engine.snapshot, new_request, run.clock.now()).id


def answered(run, number, verdict):
    with run.database.writing() as session:
        return answer_request(session, run.engine.snapshot, number, verdict, "李四", now=run.clock.now())


@pytest.mark.parametrize("whole", [True, False], ids=["the definition", "the unit"])
def test_what_a_unit_has_asked_for_comes_back_with_its_assignment_and_hangs_on_no_other(whole):
    alone = definition("5", "2022年6月底前", UNITS[:1])
    with running(world(cases()), "2022-05-01 10:00") as run:
        run.engine.bring_up_to_date(run.clock.now())
        number = asked_for(run, "fuling")
        before = cells(run)
        edit(run, *(() if whole else (alone,)))
        # Whatever comes next has a number of its own.
        edit(run, definition("6", "2022年6月底前", UNITS), *(() if whole else (alone,)))
        (mine,) = [each for each, (key, unit, _) in before.items() if (key, unit) == ("5", "fuling")]
        assert cells(run)[mine] == ("5", "fuling", True)
        with run.database.reading() as session:
            assert [each.ref for each in open_requests(session, "main")] == ["5"]
        edit(run, cases())
        assert cells(run)[mine] == ("5", "fuling", False)
        assert answered(run, number, Decision.GRANTED).until == date(2022, 7, 10)
        assert stand(run, unit="fuling").dates.effective_due == date(2022, 7, 10)


def test_what_was_taken_out_gets_no_more_time_and_its_unit_an_answer():
    with running(world(cases()), "2022-05-01 10:00") as run:
        run.engine.bring_up_to_date(run.clock.now())
        number = asked_for(run, "fuling")
        edit(run, definition("5", "2022年6月底前", UNITS[:1]))
        with pytest.raises(UnknownNameError) as refused:
            answered(run, number, Decision.GRANTED)
        assert refused.value.code == "taken_out"
        answered(run, number, Decision.DECLINED)
        run.engine.run_pass()
        assert "fuling@unit.example" in {claimed.mail.to for claimed, _ in run.sender.take()}


def test_what_a_unit_has_asked_for_is_not_taken_away_without_a_word():
    with running(world(cases(), *(definition(str(n), "2022年6月底前", UNITS) for n in range(10, 40)))) as run:
        run.engine.bring_up_to_date(run.clock.now())
        asked_for(run, "fuling")
        run.engine.adopt(world(*list(run.engine.snapshot.campaign)[1:]))
        with pytest.raises(RemovalsHeldBackError) as held:
            run.engine.bring_up_to_date(run.clock.now())
        assert held.value.gone == ("5",)


# --- said twice ---


@pytest.mark.parametrize(("kind", "before"), [("waive", []), ("pause", []), ("accept", ["submit"])])
def test_what_one_undo_would_not_take_back_is_refused(kind, before):
    with running(world(cases()), "2022-05-01 10:00") as run:
        for each in before:
            run.record(each, "5")
        stood = (run.record(kind, "5"), stand(run).state)[1]
        with pytest.raises(LedgerError, match="already"):
            run.record(kind, "5")
        run.record("undo", "5")
        assert stand(run).answer.quiet is bool(before)
        assert kind == "accept" or stand(run).state is not stood


def test_what_is_waived_is_neither_paused_nor_resumed():
    with running(world(cases()), "2022-05-01 10:00") as run:
        run.record("pause", "5", "fuling")
        for unit in UNITS:
            run.record("waive", "5", unit)
            for kind in ("pause", "resume"):
                with pytest.raises(LedgerError) as refused:
                    run.record(kind, "5", unit)
                assert refused.value.code == "nothing_to_pause"


def test_three_of_ten_after_nil_are_three_of_ten():
    with running(world(cases(10)), "2022-05-01 10:00") as run:
        run.record("nil", "5")
        run.record("submit", "5", count=3)
        row = stand(run)
        assert (row.state, row.answer.progress) == (State.OPEN, 3)
        run.record("undo", "5")
        assert stand(run).state is State.NIL


# --- the table in force ---

REF = "table-2@2022-05"


@pytest.fixture
def tables():
    snapshot = world(definition("table-2", "2022年5月起，每月5日前", UNITS, form=FORM))
    run = Running(replace(snapshot, campaign=replace(snapshot.campaign, forms=FORMS)), "2022-05-02 10:00")
    run.engine.bring_up_to_date(run.clock.now())
    yield run
    run.database.close()


def counted(run):
    """What the city's summary counts for May, and what June would be prefilled with."""
    with run.database.reading() as session:
        found = due(run, session, "2022-04-01", "2022-12-31")
        may, june = found[REF, "wanzhou"], found["table-2@2022-06", "wanzhou"]
        filings = in_force_filings(session, FORMS, [may])
        before = previous_filings(session, run.engine.snapshot, [june])
        assert may.id not in refused_tables(session, [may])

    def figure(filed):
        return filed.rows[0].values["special_trained"] if filed.rows else 0

    return (
        figure(filings[may.id].filed) if may.id in filings and may.is_answered else None,
        figure(before[june.id]) if june.id in before else None,
    )


def test_the_table_in_force_follows_what_stands_in_the_ledger(tables):
    file(tables, REF, table=filed(100), name="right.xlsx")
    file(tables, REF, table=filed(999), name="wrong.xlsx")
    assert counted(tables) == (999, 999)
    tables.record("undo", REF)
    assert counted(tables) == (100, 100)
    tables.record("undo", REF)
    assert counted(tables) == (None, None)


def test_a_table_that_was_sent_back_is_not_in_force_whatever_is_said_without_one(tables):
    file(tables, REF, table=filed(999))
    tables.record("return", REF, reason="x")
    assert counted(tables) == (None, None)
    tables.record("submit", REF)
    assert counted(tables) == (None, None)
    tables.record("undo", REF)
    tables.record("undo", REF)
    assert counted(tables) == (999, 999), "sent back by mistake"
    tables.record("return", REF, reason="x")
    tables.record("nil", REF)
    assert counted(tables) == (None, None)


def test_a_refused_table_comes_back_with_its_assignment_and_hangs_on_no_other(tables):
    snapshot = tables.engine.snapshot

    def ask_of(*units):
        report = definition("table-2", "2022年5月起，每月5日前", units, form=FORM)
        edited = world(report, units=("wanzhou", "fuling", "yuzhong"))
        tables.engine.accept_removals = True
        tables.engine.adopt(replace(edited, campaign=replace(edited.campaign, forms=snapshot.campaign.forms)))
        tables.engine.bring_up_to_date(tables.clock.now())

    def refused():
        with tables.database.reading() as session:
            found = due(tables, session, "2022-04-01", "2023-12-31")
            of = refused_tables(session, found.values())
            return {(table.ref, table.unit) for table in found.values() if table.id in of}

    with tables.database.writing() as session:
        table = due(tables, session, "2022-04-01", "2022-06-01")[REF, "fuling"]
        sent = SentFile(OriginalFile("a.xlsx", b"a"), tables.clock.now(), findings=[{"message": "x"}])
        keep_refused(session, table, sent, tables.clock.now())
    ask_of("wanzhou")
    ask_of("wanzhou", "yuzhong")
    assert refused() == set()
    ask_of(*UNITS)
    assert refused() == {(REF, "fuling")}


def test_a_nil_return_and_a_table_contradict_each_other_and_a_word_does_not(tables):
    file(tables, REF, table=filed(3))
    tables.record("submit", REF)
    assert counted(tables) == (3, 3)
    tables.record("nil", REF)
    assert counted(tables) == (None, None)
    tables.record("undo", REF)
    assert counted(tables) == (3, 3)
    file(tables, REF, table=Filed(is_nil=True), name="nil.xlsx")
    assert counted(tables) == (0, 0)
    tables.record("submit", REF)
    assert counted(tables) == (None, None)
