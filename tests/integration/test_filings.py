"""Filed tables beside the ledger: what is due, what is in force, what is kept."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.world import Running, at, definition, world
from tracker.config.loader import load
from tracker.core.form import Filed, FiledRow
from tracker.core.model import Event, EventKind
from tracker.errors import LedgerError
from tracker.filing.filings import (
    OriginalFile,
    SentFile,
    in_force_filings,
    keep_document,
    keep_refused,
    previous_filings,
    read_document,
    tables_due,
    take,
)
from tracker.ledger.record import read_history
from tracker.service.enclosures import period_text
from tracker.store.tables import DOCUMENT, FILING

CAMPAIGN = load(Path(__file__).parents[2] / "config").campaign
assert CAMPAIGN is not None
FORMS = CAMPAIGN.forms
UNITS = ("wanzhou", "fuling")
FORM = "training-institutions"


def running(start="2022-04-10 10:00"):
    snapshot = world(
        definition("table-2-self-check", "2022年4月15日前", UNITS, form=FORM, round="self-check"),
        definition("table-2", "2022年5月起，每月5日前", UNITS, form=FORM),
        definition("table-4", "每月5日前", UNITS, form="production-units"),
        definition("work-report", "每月5日前", UNITS),
    )
    campaign = replace(snapshot.campaign, forms=FORMS)
    running = Running(replace(snapshot, campaign=campaign), start)
    running.engine.bring_up_to_date(running.clock.now())
    return running


def due(running, session, since, until, **more):
    found = tables_due(
        session,
        running.engine.snapshot,
        running.clock.now(),
        date.fromisoformat(since),
        date.fromisoformat(until),
        **more,
    )
    return {(table.ref, table.unit): table for table in found}


def filed(count=3, fine="1.5"):
    values = {"name": "万州一校", "special_trained": count, "fine": Decimal(fine), "ordered": True}
    return Filed((FiledRow(values, {"rectification": "已复查"}),), {"person": "张三"})


def file(running, ref, unit="wanzhou", table=None, when="2022-05-03", name="a.xlsx"):
    sent = SentFile(
        OriginalFile(name, f"{name} {table}".encode()), at(when), "张三", findings=[{"cell": "A1"}]
    )
    running.clock.set(max(running.clock.now(), sent.at))
    with running.engine.database.writing() as session:
        found = due(running, session, "2022-04-01", "2022-12-31")[ref, unit]
        return take(session, running.engine.snapshot, found, table or filed(), sent, running.clock.now())


def history(running):
    with running.engine.database.reading() as session:
        return [
            (each.ref, each.unit, each.event.value, each.who, each.via)
            for each in read_history(session, "main")
        ]


def in_force(running, ref, unit="wanzhou"):
    with running.engine.database.reading() as session:
        table = due(running, session, "2022-04-01", "2022-12-31")[ref, unit]
        return in_force_filings(session, FORMS, [table]).get(table.id)


def test_the_tables_of_a_month_are_those_with_a_form_that_are_due_in_it():
    service = running()
    with service.engine.database.reading() as session:
        april = due(service, session, "2022-04-01", "2022-05-01")
        may = due(service, session, "2022-05-01", "2022-06-01")
        one = due(service, session, "2022-05-01", "2022-06-01", units=["fuling"], forms=[FORM])
    assert list(april) == [("table-2-self-check", unit) for unit in UNITS]
    assert list(may) == [(ref, unit) for ref in ("table-2@2022-05", "table-4@2022-05") for unit in UNITS]
    assert list(one) == [("table-2@2022-05", "fuling")]


def test_a_period_is_called_by_when_it_is_due():
    service = running()
    with service.engine.database.reading() as session:
        found = due(service, session, "2022-04-01", "2022-06-01", units=["wanzhou"], forms=[FORM])
    texts = [period_text(table) for table in found.values()]
    assert texts == ["2022年4月应报（4月15日前报送，自查自改）", "2022年5月应报，4月份情况（5月5日前报送）"]


def test_a_filed_table_is_a_submission_and_reads_back_the_same():
    service = running()
    assert file(service, "table-2@2022-05").is_new
    assert history(service) == [("table-2@2022-05", "wanzhou", "submit", "张三", "form")]
    kept = in_force(service, "table-2@2022-05")
    assert kept.filed == filed()
    assert isinstance(kept.filed.rows[0].values["fine"], Decimal)
    assert kept.filed.rows[0].values["ordered"] is True
    assert in_force(service, "table-2@2022-05", "fuling") is None


def test_an_empty_table_with_a_word_is_a_nil_return():
    service = running()
    assert file(service, "table-2@2022-05", table=Filed(is_nil=True)).is_new
    assert history(service) == [("table-2@2022-05", "wanzhou", "nil", "张三", "form")]


def test_the_same_taken_twice_counts_once():
    service = running()
    assert file(service, "table-2@2022-05").is_new
    assert not file(service, "table-2@2022-05", name="again.xlsx").is_new
    assert len(history(service)) == 1


def test_a_corrected_one_replaces_and_the_old_one_is_kept():
    service = running()
    file(service, "table-2@2022-05")
    assert file(service, "table-2@2022-05", table=filed(4)).is_new
    assert in_force(service, "table-2@2022-05").filed == filed(4)
    with service.engine.database.reading() as session:
        rows = session.execute(select(FILING).order_by(FILING.c.id)).all()
        assert [row.in_force for row in rows] == [False, True]
        kept = read_document(session, rows[0].document_id)
        assert kept is not None
        assert kept.data == b"a.xlsx None"
    # And back again: what was in force once before is a correction like any other.
    assert file(service, "table-2@2022-05", table=filed(3)).is_new
    assert in_force(service, "table-2@2022-05").filed == filed(3)


def test_after_a_return_the_very_same_counts_again():
    service = running("2022-05-04 10:00")
    file(service, "table-2@2022-05")
    service.engine.record(Event(at("2022-05-04"), "table-2@2022-05", "wanzhou", EventKind.RETURN, reason="x"))
    assert file(service, "table-2@2022-05").is_new
    assert [event for _, _, event, _, _ in history(service)] == ["submit", "return", "submit"]


def test_a_correction_after_the_deadline_does_not_make_it_late():
    service = running("2022-05-20 10:00")
    file(service, "table-2@2022-05", when="2022-05-03")
    file(service, "table-2@2022-05", table=filed(5), when="2022-05-20")
    with service.engine.database.reading() as session:
        row = due(service, session, "2022-05-01", "2022-06-01")["table-2@2022-05", "wanzhou"].row
    assert (row.state.value, row.late_days) == ("done", 0)


def test_what_the_ledger_refuses_leaves_no_trace():
    service = running()
    service.engine.record(Event(at("2022-04-10"), "table-2@2022-05", "wanzhou", EventKind.WAIVE))
    with pytest.raises(LedgerError, match="waived"):
        file(service, "table-2@2022-05")
    assert in_force(service, "table-2@2022-05") is None
    with service.engine.database.reading() as session:
        assert session.execute(select(DOCUMENT)).all() == []


def test_month_is_compared_with_month_across_reports_and_by_unit():
    service = running()
    file(service, "table-2-self-check", table=filed(1), when="2022-04-12")
    file(service, "table-2@2022-06", table=filed(9))
    with service.engine.database.reading() as session:
        tables = due(service, session, "2022-04-01", "2022-08-01", forms=[FORM])
        before = previous_filings(session, service.engine.snapshot, tables.values())
        found = {key: before.get(table.id) for key, table in tables.items()}
    assert found["table-2-self-check", "wanzhou"] is None
    assert found["table-2@2022-05", "wanzhou"] == filed(1)
    # May is missing, so June stands on April; July stands on June.
    assert found["table-2@2022-06", "wanzhou"] == filed(1)
    assert found["table-2@2022-07", "wanzhou"] == filed(9)
    assert not any(table for (_, unit), table in found.items() if unit == "fuling")


def test_what_was_returned_is_nothing_to_build_on():
    service = running("2022-05-06 10:00")
    file(service, "table-2@2022-05")
    service.engine.record(Event(at("2022-05-06"), "table-2@2022-05", "wanzhou", EventKind.RETURN, reason="x"))
    with service.engine.database.reading() as session:
        tables = due(service, session, "2022-06-01", "2022-07-01", forms=[FORM])
        assert previous_filings(session, service.engine.snapshot, tables.values()) == {}


def test_a_file_from_which_nothing_was_taken_is_kept_once():
    service = running()
    sent = SentFile(OriginalFile("bad.xlsx", b"bad"), at("2022-05-03"), findings=[{"cell": "D7"}])
    for _ in range(2):
        with service.engine.database.writing() as session:
            table = due(service, session, "2022-05-01", "2022-06-01")["table-2@2022-05", "wanzhou"]
            keep_refused(session, table, sent, service.clock.now())
    with service.engine.database.reading() as session:
        (row,) = session.execute(select(FILING)).all()
        assert (row.in_force, json.loads(row.findings)) == (False, [{"cell": "D7"}])
        assert read_document(session, row.document_id) == OriginalFile("bad.xlsx", b"bad")
    assert history(service) == []


def test_the_same_bytes_are_put_away_once():
    service = running()
    with service.engine.database.writing() as session:
        first = keep_document(session, OriginalFile("a.xlsx", b"1"))
        assert keep_document(session, OriginalFile("b.xlsx", b"1")) == first
        assert keep_document(session, OriginalFile("c.xlsx", b"2")) != first
        assert read_document(session, 99) is None
