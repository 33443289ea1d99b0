"""A form is edited after tables were filed on it: every pair of kinds, choices taken away, a column removed or renamed."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import openpyxl
import pytest
from sqlalchemy import select

from tests.integration.test_filings import due
from tests.world import Running, at, definition, world
from tracker.core.form import Choice, Column, ColumnKind, Filed, FiledRow, Form, Value, totals
from tracker.dashboard.items import files_of
from tracker.filing.filings import OriginalFile, SentFile, in_force_filings, previous_filings, starts, take
from tracker.questions.ask import work_out
from tracker.service.enclosures import blank_form
from tracker.store.tables import FILING
from tracker.usecases.forms.overview import summary

MAY, JUNE = ("table-2@2022-05", "wanzhou"), ("table-2@2022-06", "wanzhou")
KINDS = list(ColumnKind)
CHOICES = (Choice("市级"), Choice("区县级"))
FILED: dict[ColumnKind, Value] = {
    ColumnKind.NAME: "甲校",
    ColumnKind.COUNT: 7,
    ColumnKind.AMOUNT: Decimal("2.5"),
    ColumnKind.TICK: True,
    ColumnKind.CHOICE: "区县级",
    ColumnKind.TEXT: "NaN",
}
#: What of it has a meaning in a column of another kind; in one of names or texts everything has.
MEANS = {(ColumnKind.COUNT, ColumnKind.AMOUNT): 7}
TEXTS = {ColumnKind.NAME, ColumnKind.TEXT}


def seen(value):
    return "√" if value is True else str(value)


def column(filed_as, kind, choices=CHOICES, name=None):
    return Column(name or f"c-{filed_as}", f"栏{filed_as}", kind, choices=choices)


def form(*columns):
    return Form(
        "training", "汇总表", (), (Column("who", "名称", ColumnKind.NAME), *columns), identified_by="who"
    )


def with_form(service, edited):
    snapshot = service.engine.snapshot
    service.engine.snapshot = replace(
        snapshot, campaign=replace(snapshot.campaign, forms={edited.id: edited})
    )


def service_with(first):
    snapshot = world(definition("table-2", "2022年5月起，每月5日前", ("wanzhou",), form=first.id))
    service = Running(
        replace(snapshot, campaign=replace(snapshot.campaign, forms={first.id: first})), "2022-06-20"
    )
    service.engine.bring_up_to_date(service.clock.now())
    values: dict[str, Value] = {each.id: FILED[each.kind] for each in first.columns if each.kind in FILED}
    for place in (MAY, JUNE):
        with service.engine.database.writing() as session:
            table = due(service, session, "2022-04-01", "2022-12-31")[place]
            notes = {"c-choice": "区县级（渝北）"} if "c-choice" in values else {}
            row = FiledRow({**values, "who": "一校"}, notes)
            sent = SentFile(OriginalFile(place[0], place[0].encode()), at("2022-06-20"))
            take(session, service.engine.snapshot, table, Filed((row,)), sent, service.clock.now())
    return service


def cells(data):
    return {
        str(cell.value) for sheet in openpyxl.load_workbook(BytesIO(data)) for row in sheet for cell in row
    }


def looked_at(service):
    """Everything that reads what was filed; the row of June, and the cells of the next blank and of the summary."""
    snapshot, now = service.engine.snapshot, service.clock.now()
    with service.engine.database.writing() as session:
        tables = due(service, session, "2022-04-01", "2022-12-31")
        filing = in_force_filings(session, snapshot.campaign.forms, tables.values())[tables[JUNE].id]
        assert previous_filings(session, snapshot, [tables[JUNE]])[tables[JUNE].id] == filing.filed
        known = starts(session, snapshot, tables.values())
        blanks = [
            cells(blank_form(snapshot, tables[place], known[tables[place].id], "zh").data)
            for place in (JUNE, ("table-2@2022-07", "wanzhou"))
        ]
        assert blanks[0] >= {"一校"}
        assert work_out(session, snapshot, tables[MAY].id, now) == []
        [shown] = files_of(session, snapshot, *JUNE)
        assert shown.read_back
    app: Any = SimpleNamespace(
        snapshot=snapshot, database=service.engine.database, clock=service.clock, up_to_date=lambda: snapshot
    )
    data, _, _ = summary(app, date(2022, 6, 1))
    [row] = filing.filed.rows
    return row, blanks, cells(data)


@pytest.mark.parametrize("by", range(len(KINDS)))
def test_a_column_of_every_kind_may_become_one_of_any_other(by):
    edited = {each: KINDS[(number + by) % len(KINDS)] for number, each in enumerate(KINDS)}
    service = service_with(form(*(column(each, each) for each in KINDS)))
    with service.engine.database.reading() as session:
        kept = session.execute(select(FILING.c.content).order_by(FILING.c.id)).scalars().all()
    after = form(*(column(each, kind) for each, kind in edited.items()))
    with_form(service, after)
    row, blanks, in_summary = looked_at(service)
    for was, filed in FILED.items():
        name, kind = f"c-{was}", edited[was]
        value = filed if kind is was else seen(filed) if kind in TEXTS else MEANS.get((was, kind))
        assert row.values.get(name) == value
        # What is no value of the kind stays what was filed: shown, and neither counted nor filled in again.
        assert row.of_other_kind.get(name) == (seen(filed) if value is None else None)
        note = "区县级（渝北）" if was is ColumnKind.CHOICE else seen(filed)
        if kind is not ColumnKind.SERIAL:
            assert note in in_summary
        if value is None and was is ColumnKind.CHOICE:
            assert all(note not in each for each in blanks)
    sums = totals(after, [row])
    for was, kind in edited.items():
        value = row.values.get(f"c-{was}")
        if kind in {ColumnKind.COUNT, ColumnKind.AMOUNT, ColumnKind.TICK}:
            assert sums[f"c-{was}"] == (value or 0)
    with service.engine.database.reading() as session:
        assert session.execute(select(FILING.c.content).order_by(FILING.c.id)).scalars().all() == kept


def test_a_choice_that_was_taken_away_stays_what_was_filed():
    service = service_with(form(column("choice", ColumnKind.CHOICE)))
    with_form(service, form(column("choice", ColumnKind.CHOICE, (Choice("市级"),))))
    row, blanks, in_summary = looked_at(service)
    assert row.of_other_kind == {"c-choice": "区县级"}
    assert "区县级（渝北）" in in_summary
    assert all("区县级（渝北）" not in each for each in blanks)


@pytest.mark.parametrize("left", [(), (column("amount", ColumnKind.AMOUNT, name="renamed"),)])
def test_a_column_that_is_gone_or_renamed_is_left_out(left):
    service = service_with(form(column("amount", ColumnKind.AMOUNT)))
    with_form(service, form(*left))
    row, _, in_summary = looked_at(service)
    assert row == FiledRow({"who": "一校"}, {})
    assert "2.5" not in in_summary


@pytest.mark.parametrize(
    "text", ["NaN", "Infinity", "1_0", "-1", "1E9999", "13812345678", "½", "１", " 1", "9" * 5000]
)
def test_what_only_looks_like_a_figure_is_none(text):
    assert column("text", ColumnKind.AMOUNT).value_of(text) is None
    assert column("text", ColumnKind.COUNT).value_of(text) is None
