"""Settlements in bulk: to the same end as answers one by one, quick, and taken back without a trace but the history."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import event, select

from tests.integration.test_before import EARLY, LATER, ONCE, TABLE, items, taken_over
from tests.integration.test_filings import FORM, FORMS, due, file
from tests.world import at, definition, running, unit, world
from tracker.core.model import Event, EventKind
from tracker.errors import LedgerError
from tracker.filing.filings import in_force_filings
from tracker.ledger.beginning import Scope
from tracker.ledger.record import read_history
from tracker.ledger.settlement import (
    Seen,
    SettledFate,
    SettledState,
    find,
    preview,
    settle,
    settlements,
    undo,
)
from tracker.store.beats import BEAT
from tracker.store.tables import AGENDA, ASSIGNMENT, EVENT, REVISION

QUOTA = definition("5", "2022年5月底前", ["wanzhou", "fuling"], quota=2)
WAITS = definition("7", "2022年5月底前", ["wanzhou", "fuling"], acceptance=True)
ALL = (TABLE, EARLY, ONCE, QUOTA, WAITS, LATER)


def do(engine, what, *args, **more):
    """One transaction of the service, now."""
    now = engine.clock.now()
    with engine.engine.acting(now) as (session, snapshot):
        return what(session, snapshot, *args, now, **more)


def settled(engine, how=SettledState.SUBMIT, scope=Scope(), **more):  # noqa: B008
    return do(engine, settle, how, scope=scope, who="李", via="web", **more)


def taken_back(engine, number):
    return do(engine, undo, number, who="李", via="web")


def ledger(engine, *, history=True):
    """All that the ledger says, without the numbers that it gave."""
    with engine.database.reading() as session:
        agendas = {
            row.id: tuple(row)[1:] for row in session.execute(select(AGENDA).order_by(AGENDA.c.id)).all()
        }
        names = [each.name for each in ASSIGNMENT.c if each.name not in ("id", "agenda_id")]
        rows = sorted(
            (
                *(str(getattr(row, name)) for name in names),
                str(agendas[row.agenda_id]),
            )
            for row in session.execute(select(ASSIGNMENT))
        )
        names = [each.name for each in EVENT.c if each.name not in ("id", "assignment_id")]
        events = [
            [str(getattr(row, name)) for name in names]
            for row in session.execute(select(EVENT).order_by(EVENT.c.ref, EVENT.c.unit, EVENT.c.id))
        ]
        beats = sorted(map(str, session.execute(select(BEAT))))
        revised = sorted(map(str, session.execute(select(REVISION))))
    return {"rows": rows, "beats": beats, **({"events": events, "revised": revised} if history else {})}


@pytest.mark.parametrize("how", SettledState)
@pytest.mark.parametrize("chase_from", [None, date(2022, 4, 8)])
def test_many_at_once_are_what_they_are_one_by_one(how, chase_from):
    """Also where an edit has moved the day from which is chased: what is taken back is late then."""
    found = []
    for is_single in (False, True):
        with running(taken_over(*ALL, fingerprint="one"), "2022-07-12 08:00") as engine:
            engine.pass_at("2022-07-12")
            engine.record("submit", "5", "wanzhou", count=1)
            engine.record("submit", "2", "wanzhou")
            engine.record("undo", "2", "wanzhou")
            with engine.database.reading() as session:
                cases = preview(session, engine.engine.snapshot, how, engine.clock.now(), Scope()).rows
            if is_single:
                kind = EventKind(how) if how is not SettledState.ACCEPT else EventKind.SUBMIT
                for row in cases:
                    day = at(f"{row.dates.effective_due} 12:00") if how is not SettledState.WAIVE else None
                    one = Event(day or engine.clock.now(), row.ref, row.unit, kind, who="李", via="web")
                    engine.engine.record(one)
                    if how is SettledState.ACCEPT:
                        engine.engine.record(replace(one, at=engine.clock.now(), event=EventKind.ACCEPT))
            else:
                assert settled(engine, how).count == len(cases) == 12
            first = ledger(engine)
            engine.engine.adopt(taken_over(*ALL, fingerprint="two", chase_from=chase_from))
            engine.engine.bring_up_to_date(engine.clock.now())
            engine.clock.set(at("2022-07-13 10:00"))
            if is_single:
                for row in cases:
                    for _ in range(1 + (how is SettledState.ACCEPT)):
                        now = engine.clock.now()
                        engine.engine.record(
                            Event(now, row.ref, row.unit, EventKind.UNDO, who="李", via="web")
                        )
            else:
                with engine.database.reading() as session:
                    (made,) = settlements(session, engine.engine.snapshot)
                assert taken_back(engine, made.number) == 12
            found.append((first, ledger(engine), items(engine, "2022-07-14", "2022-08-12")))
    assert found[0] == found[1]


def test_what_is_settled_and_taken_back_stands_and_is_told_as_if_nothing_had_been():
    def life(how):
        with running(taken_over(*ALL), "2022-07-12 08:00") as engine:
            engine.pass_at("2022-07-12")
            if how is not None:
                assert taken_back(engine, settled(engine, how).number) == 12
            return ledger(engine, history=False), items(engine, "2022-07-13", "2022-08-12")

    undisturbed = life(None)
    for how in SettledState:
        assert life(how) == undisturbed


def test_nobody_is_told_anything_of_what_was_settled():
    with running(taken_over(*ALL), "2022-07-12 08:00") as engine:
        engine.pass_at("2022-07-12")
        before = {ref for _, ref, _ in items(engine, "2022-07-13", "2022-07-15")}
        settled(engine)
        said = {ref for _, ref, _ in items(engine, "2022-07-18", "2022-08-31")}
    assert not {ref for ref in before | said if ref.startswith(("table-2@2022-05", "2", "5", "7"))}
    assert "table-2@2022-08" in said


def test_thousands_are_settled_and_taken_back_with_a_few_statements():
    offices = [f"u{number:02}" for number in range(50)]
    many = [definition(str(number), "2022年5月20日前", offices) for number in range(1, 41)]
    snapshot = world(*many, units=[unit(each) for each in offices])
    snapshot = replace(snapshot, campaign=replace(snapshot.campaign, chase_from=None))
    with running(snapshot, "2022-07-12 08:00") as engine:
        engine.engine.bring_up_to_date(engine.clock.now())
        counted = []
        event.listen(engine.database.engine, "before_cursor_execute", lambda *_: counted.append(1))
        outcome = settled(engine, SettledState.ACCEPT, seen=Seen(0, snapshot.fingerprint, date(2022, 7, 12)))
        assert outcome.count == 2000
        assert taken_back(engine, outcome.number) == 2000
        with engine.database.reading() as session:
            assert len(read_history(session, "main")) == 8000
    assert len(counted) < 250


def test_what_the_files_ask_for_no_more_is_left_and_named():
    with running(taken_over(TABLE, ONCE), "2022-07-12 08:00") as engine:
        engine.pass_at("2022-07-12")
        number = settled(engine).number
        engine.engine.accept_removals = True
        engine.engine.adopt(taken_over(TABLE, fingerprint="two"))
        engine.engine.bring_up_to_date(engine.clock.now())
        assert taken_back(engine, number) == 6
        with engine.database.reading() as session:
            found = find(session, engine.engine.snapshot, number)
        assert {(each.ref, each.unit) for each in found.having(SettledFate.TAKEN_OUT)} == {
            ("2", "wanzhou"),
            ("2", "fuling"),
        }
        assert len(found.having(SettledFate.TAKEN_BACK)) == 6


def test_an_acceptance_through_the_files_is_in_nobodys_way():
    with running(taken_over(ONCE, fingerprint="one"), "2022-07-12 08:00") as engine:
        engine.pass_at("2022-07-12")
        number = settled(engine).number
        accepted = definition("2", "2022年5月20日前", ["wanzhou", "fuling"], acceptance=True)
        engine.engine.adopt(taken_over(accepted, fingerprint="two"))
        engine.engine.bring_up_to_date(engine.clock.now())
        assert taken_back(engine, number) == 2
        assert taken_back(engine, number) == 0


def test_by_files_that_were_edited_since_nothing_is_settled():
    with running(taken_over(TABLE, fingerprint="one"), "2022-07-12 08:00") as engine:
        engine.engine.bring_up_to_date(engine.clock.now())
        with pytest.raises(LedgerError) as refused:
            settled(engine, seen=Seen(0, "another", date(2022, 7, 12)))
        assert refused.value.code == "look_again"
        with engine.database.reading() as session:
            assert settlements(session, engine.engine.snapshot) == []


def test_a_table_that_is_filed_after_all_stands_where_the_settlement_did():
    may, snapshot = "table-2@2022-05", taken_over(replace(TABLE, form=FORM))
    snapshot = replace(snapshot, campaign=replace(snapshot.campaign, forms=FORMS))
    with running(snapshot, "2022-07-12 08:00") as engine:
        engine.engine.bring_up_to_date(engine.clock.now())

        def files():
            with engine.database.reading() as session:
                tables = due(engine, session, "2022-05-01", "2022-06-01").values()
                return [each.file for each in in_force_filings(session, FORMS, tables).values()]

        file(engine, may, when="2022-07-12")
        engine.record("undo", may)
        assert files() == []
        outcome = settled(engine)
        assert outcome.count == 6
        assert files() == []
        file(engine, may, when="2022-07-12", name="b.xlsx")
        assert taken_back(engine, outcome.number) == 5
        assert files() == ["b.xlsx"]
        engine.record("undo", may)
        assert taken_back(engine, outcome.number) == 1
        assert files() == []


AHEAD = date(2022, 9, 1)


@pytest.mark.parametrize("how", SettledState)
def test_what_is_still_to_come_is_not_settled_though_the_day_from_which_is_chased_lies_ahead(how):
    """The tables of May to July are over; August's, which is set aside too, is due on the 5th."""
    with running(taken_over(TABLE, chase_from=AHEAD), "2022-08-04 23:50") as engine:
        engine.engine.bring_up_to_date(engine.clock.now())
        with engine.database.reading() as session:
            found = preview(session, engine.engine.snapshot, how, engine.clock.now(), Scope())
        over = {f"table-2@2022-0{month}" for month in (5, 6, 7)}
        assert {row.ref for row in found.rows} == over
        # Nor what was over only after the look.
        engine.clock.set(at("2022-08-06 00:10"))
        assert settled(engine, how, seen=found.seen).count == 6
        with engine.database.reading() as session:
            assert {each.ref for each in read_history(session, "main")} == over
        assert settled(engine, how).count == 2


def test_a_table_that_was_over_only_after_the_look_is_left_though_it_was_answered_and_taken_back():
    with running(taken_over(TABLE, chase_from=AHEAD), "2022-08-04 10:00") as engine:
        engine.engine.bring_up_to_date(engine.clock.now())
        with engine.database.reading() as session:
            found = preview(session, engine.engine.snapshot, SettledState.NIL, engine.clock.now(), Scope())
        engine.record("submit", "table-2@2022-08", "wanzhou", when="2022-08-05 10:00")
        engine.record("undo", "table-2@2022-08", "wanzhou", when="2022-08-06 10:00")
        outcome = settled(engine, SettledState.NIL, seen=found.seen)
    assert (outcome.count, outcome.left) == (6, [])


@pytest.mark.parametrize("kind", [EventKind.SUBMIT, EventKind.NIL, EventKind.WAIVE, EventKind.PAUSE])
def test_nothing_that_is_still_to_come_gets_into_the_ledger_by_any_door(kind):
    with running(taken_over(TABLE), "2022-07-12 08:00") as engine:
        engine.engine.bring_up_to_date(engine.clock.now())
        late = Event(at("2022-07-13 00:10"), "table-2@2022-07", "wanzhou", kind, who="李", via="web")
        with pytest.raises(LedgerError) as refused:
            engine.engine.record(late)
        assert refused.value.code == "still_to_come"
        with engine.database.reading() as session:
            assert not read_history(session, "main")
