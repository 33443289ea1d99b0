"""The city's workbook: every figure, subtotal and total against sums made here; who is missing; what changed."""

import io
import itertools
import random
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from tracker.config.loader import load
from tracker.core.form import ColumnKind, Filed, FiledRow
from tracker.errors import TrackerError
from tracker.forms.write import summary as module
from tracker.forms.write.compared import problems_by_unit
from tracker.forms.write.summary import FormSummary, UnitFiled, sum_of, write_summary
from tracker.forms.write.summed import standing

CAMPAIGN = load(Path("config")).campaign
assert CAMPAIGN is not None
FORMS = CAMPAIGN.forms
TRAINING, EXAM, UNITS = (
    FORMS[each] for each in ("training-institutions", "exam-institutions", "production-units")
)
NAMES = [unit.name for unit in CAMPAIGN.units.values()][:41]
WHEN = datetime(2022, 5, 6, tzinfo=UTC)
STATES = ["filed"] * 12 + ["late", "late", "nil", "missing", "refused", "waived"]


def some_rows(form, count, chance):
    """Rows with something in every kind of column."""
    rows = []
    for number in range(count):
        values = {}
        for column in form.columns:
            if column.kind is ColumnKind.COUNT and chance.random() < 0.8:
                values[column.id] = chance.randint(0, 900)
            elif column.kind is ColumnKind.AMOUNT and chance.random() < 0.5:
                values[column.id] = Decimal(chance.randint(1, 999)) / 10
            elif column.kind is ColumnKind.TICK and chance.random() < 0.4:
                values[column.id] = True
            elif column.kind is ColumnKind.CHOICE:
                values[column.id] = chance.choice(column.choices).word
            elif column.kind is ColumnKind.NAME:
                values[column.id] = f"第{number + 1}培训考试中心"
        rows.append(FiledRow(values))
    return tuple(rows)


def some_units(form, most=5, seed=7):
    chance = random.Random(seed)
    units = []
    for name in NAMES:
        state = chance.choice(STATES)
        filed = None
        if state in {"filed", "late"}:
            filed = Filed(some_rows(form, chance.randint(1, most), chance))
        elif state == "nil":
            filed = Filed(is_nil=True)
        previous = Filed(some_rows(form, chance.randint(1, most), chance)) if chance.random() < 0.9 else None
        day = date(2022, 5, 7) if state == "late" else date(2022, 5, 4) if filed else None
        units.append(
            UnitFiled(name, state, filed, previous, f"{name}联络员 a@b.example", day, 2 * (state == "late"))
        )
    return tuple(units)


def a_summary(form, units=None, round_=None):
    units = some_units(form) if units is None else units
    return FormSummary(form, round_, "5月份进展情况汇总表", "2022年5月", tuple(units))


def written(*summaries, language="zh"):
    return write_summary(summaries, title="专项整治", month_text="2022年5月", created=WHEN, language=language)


def opened(data, **how):
    return openpyxl.load_workbook(io.BytesIO(data), **how)


def table(sheet):
    """The rows of a form's sheet below its head, as lists."""
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    head = next(number for number, row in enumerate(rows) if row[0] in {"填表单位/区县", "Unit"})
    return rows[head + 2 :]


def by_hand(form, rows):
    """The totals of rows as a sheet has them, from the second column on."""
    sums: list[float | None] = []
    for column in form.columns:
        values = [row.values.get(column.id) for row in rows]
        if column.is_figure:
            sums.append(float(sum(Decimal(value or 0) for value in values)))
        elif column.kind is ColumnKind.TICK:
            sums.append(values.count(True))
        else:
            sums.append(None)
    return sums


def summed(form, row):
    """The same cells of a row that was written."""
    keep = [column.is_figure or column.kind is ColumnKind.TICK for column in form.columns]
    return [value if kept else None for value, kept in zip(row[1:], keep, strict=True)]


@pytest.mark.parametrize("form", [TRAINING, EXAM, UNITS], ids=lambda form: form.id)
def test_every_figure_subtotal_and_total_is_there(form):
    units = some_units(form)
    rows = iter(table(opened(written(a_summary(form, units)), data_only=True)[f"{form.annex} 汇总"]))
    every, serial = [], 0
    for unit in units:
        if not unit.rows:
            row = next(rows)
            assert row[0] == unit.unit
            assert unit.instead.zh in row
            continue
        for filed in unit.rows:
            serial += 1
            row = next(rows)
            assert row[:2] == [unit.unit, serial]
            for value, column in zip(row[1:], form.columns, strict=True):
                if column.kind is ColumnKind.TICK:
                    assert value == ("√" if filed.values.get(column.id) else None)
                elif column.kind is not ColumnKind.SERIAL:
                    filled = filed.values.get(column.id)
                    assert value == (float(filled) if isinstance(filled, Decimal) else filled)
        every += unit.rows
        row = next(rows)
        assert any(str(cell).startswith("小计") for cell in row)
        assert summed(form, row) == pytest.approx(by_hand(form, unit.rows))
    row = next(rows)
    assert row[0] == "合计"
    assert summed(form, row) == pytest.approx(by_hand(form, every))
    assert next(rows)[0] == "合计＝各区县小计之和，已核对。"


def test_sums_are_formulas_over_just_their_rows():
    units = [
        UnitFiled(
            "甲区", "filed", Filed((FiledRow({"name": "一", "records": 2, "ordered": True}),) * 3), None
        ),
        UnitFiled("乙区", "missing", None, None),
        UnitFiled("丙区", "filed", Filed((FiledRow({"name": "二", "records": 5}),)), None),
    ]
    sheet = opened(written(a_summary(TRAINING, units)))["附件2 汇总"]
    formulas = {
        cell.coordinate: cell.value for row in sheet.iter_rows() for cell in row if cell.data_type == "f"
    }
    assert formulas["I9"] == "=SUM(I6:I8)"
    assert formulas["M9"] == '=COUNTIF(M6:M8,"√")'
    assert formulas["I12"] == "=SUM(I11:I11)"
    assert formulas["I13"] == "=SUM(I9,I12)"
    values = opened(written(a_summary(TRAINING, units)), data_only=True)["附件2 汇总"]
    assert [values[each].value for each in ("I9", "M9", "I13", "M13")] == [6, 3, 11, 3]


def test_a_sum_of_a_thousand_cells_takes_no_more_arguments_than_there_may_be():
    text = sum_of([f"A{number}" for number in range(1, 1001)])
    assert text.count("SUM(") == 6
    assert max(part.count(",") for part in text.split("SUM(")) <= 201
    assert sum_of([]) == "0"


class Miscounted(FormSummary):
    """A summary whose subtotals have one problem too many."""

    def sums(self, filed):
        right = super().sums(filed)
        return {**right, "records": right["records"] + 1}


def test_totals_that_differ_are_an_error():
    wrong = Miscounted(TRAINING, None, "5月份进展情况汇总表", "2022年5月", some_units(TRAINING))
    with pytest.raises(TrackerError, match="no summary was written"):
        written(wrong)


def test_the_units_come_in_their_order():
    sheet = opened(written(a_summary(TRAINING)))["附件2 汇总"]
    names = list(dict.fromkeys(row[0] for row in table(sheet)))
    assert names[:41] == NAMES


def test_columns_that_the_round_leaves_out_are_empty_and_grey():
    units = [UnitFiled("甲区", "filed", Filed((FiledRow({"name": "一", "records": 2}),)), None)]
    sheet = opened(written(a_summary(TRAINING, units, "self-check")))["附件2 汇总"]
    for row in (6, 7, 8):
        assert sheet.cell(row, 13).value is None
        assert sheet.cell(row, 13).fill.start_color.rgb == "FFD9D9D9"
    assert sheet["I8"].value == "=SUM(I7)"


@pytest.mark.parametrize(
    ("states", "zh"),
    [
        (["filed"], "1个单位：已报1，未报0"),
        (["filed", "late", "late", "nil", "missing"], "5个单位：已报4（其中逾期报送2、零报告1），未报1"),
        (["filed", "refused", "waived"], "3个单位：已报1，未报0，退回待改1，免报1"),
    ],
)
def test_the_counts_in_words(states, zh):
    units = [UnitFiled("甲", state, None, None) for state in states]
    assert standing(units).said().zh == zh


def test_nobody_is_in_an_unknown_state():
    with pytest.raises(ValueError, match="lost is none of"):
        UnitFiled("甲", "lost", None, None)


def test_who_is_missing_late_or_nil_is_listed():
    summaries = [
        a_summary(TRAINING, some_units(TRAINING, seed=1)),
        a_summary(UNITS, some_units(UNITS, seed=2)),
    ]
    sheet = opened(written(*summaries))["未报、逾期报送、零报告"]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert rows[1][0].endswith(standing(summaries[0].units).said().zh)
    listed = [row for row in rows[4:] if row[0]]
    words = {"未报": "missing", "退回待改": "refused", "逾期报送": "late", "零报告": "nil", "免报": "waived"}
    expected = {
        (word, each.form.annex, unit.unit)
        for each in summaries
        for unit in each.units
        for word, state in words.items()
        if unit.state == state
    }
    assert {tuple(row[:3]) for row in listed} == expected
    assert len(listed) == len(expected)
    for row in listed:
        if row[0] == "逾期报送":
            assert row[3:5] == [2, "2022-05-07"]
        if row[0] == "未报":
            assert row[5] == f"{row[2]}联络员 a@b.example"


def test_this_month_stands_beside_the_last():
    units = some_units(TRAINING)
    sheet = opened(written(a_summary(TRAINING, units)), data_only=True)["与上月相比"]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    start = max(number for number, row in enumerate(rows) if row[0] == "单位")
    body = {row[0]: row[1:] for row in rows[start + 2 :] if row[0]}
    figures = [column for column in TRAINING.columns if column.is_figure]
    totals = [[0.0, 0.0] for _ in figures]
    for unit in units:
        if unit.state == "waived" and unit.previous is None:
            assert unit.unit not in body
            continue
        for number, column in enumerate(figures):
            before = now = None
            if unit.previous is not None:
                before = float(sum(Decimal(row.figure(column.id)) for row in unit.previous.rows))
                totals[number][0] += before
            if unit.state in {"filed", "late", "nil"}:
                now = float(sum(Decimal(row.figure(column.id)) for row in unit.rows))
                totals[number][1] += now
            change = "—" if before is None or now is None else pytest.approx(now - before)
            cells = body[unit.unit][3 * number : 3 * number + 3]
            assert cells == ["—" if before is None else before, "—" if now is None else now, change]
    for number, (before, now) in enumerate(totals):
        cells = body["合计"][3 * number : 3 * number + 3]
        assert cells == pytest.approx([before, now, now - before])
    assert any(name.startswith("同口径合计") for name in body)


def test_the_charts_are_there_and_cover_no_number():
    summaries = [a_summary(form) for form in (TRAINING, EXAM, UNITS)]
    sheet = opened(written(*summaries))["与上月相比"]
    assert len(sheet._charts) == 5
    spans = []
    for chart in sheet._charts:
        start, end = chart.anchor._from, chart.anchor.to
        spans.append((start.row, end.row))
        for row in sheet.iter_rows(start.row + 1, end.row + 1, start.col + 1, end.col + 1):
            assert all(cell.value is None for cell in row)
    spans.sort()
    assert all(before[1] < after[0] for before, after in itertools.pairwise(spans))


def test_units_are_ranked_by_what_was_found_wrong():
    def unit(name, number):
        return UnitFiled(
            name, "filed", Filed((FiledRow({"name": "一", "records": number, "fine": Decimal(9)}),)), None
        )

    first = a_summary(TRAINING, [unit("甲", 1), unit("乙", 5), unit("丙", 2)])
    second = a_summary(UNITS, [unit("甲", 9), unit("乙", 0), unit("丙", 4)])
    ranked = [(row.name, row.pairs[0].now) for row in problems_by_unit([first, second])]
    assert ranked == [("甲", 10), ("丙", 6), ("乙", 5)]


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "http://a.example", "小计", "甲\x07"]
)
def test_no_text_becomes_a_formula_or_a_link(text):
    row = FiledRow({"name": text, "records": 1, "rectification": "正在整改"}, {"rectification": text})
    unit = UnitFiled(text, "filed", Filed((row,)), None)
    gone = UnitFiled(text, "missing", None, None, contacts=text, note=text)
    book = opened(written(replace(a_summary(TRAINING, [unit, gone]), ref_title=text, period_text=text)))
    shown = text.replace("\t", " ").replace("\x07", "")
    for sheet in book:
        assert not [cell for row in sheet.iter_rows() for cell in row if cell.hyperlink]
    cells = [cell for row in book["附件2 汇总"].iter_rows() for cell in row]
    assert sum(cell.value == shown and cell.data_type == "s" for cell in cells) >= 3
    assert all(cell.value.startswith(("=SUM(", "=COUNTIF(")) for cell in cells if cell.data_type == "f")


def test_it_prints_on_a4_across_with_its_head_on_every_page():
    book = opened(written(a_summary(TRAINING)))
    for sheet in book:
        assert sheet.page_setup.orientation == "landscape"
        assert sheet.page_setup.paperSize == 9
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert (sheet.page_setup.fitToHeight == 0) is (sheet.title != "一览")
        assert sheet.print_title_rows
        assert sheet.print_area
        assert "&P" in sheet.oddFooter.center.text
        assert sheet.freeze_panes
    assert book["附件2 汇总"].print_title_rows == "$4:$5"


def test_two_reports_of_one_form_have_a_sheet_each():
    names = opened(written(a_summary(TRAINING), a_summary(TRAINING, round_="self-check"))).sheetnames
    assert names == ["一览", "附件2 汇总", "附件2 汇总 (2)", "未报、逾期报送、零报告", "与上月相比"]


def test_in_english_the_labels_are_english_and_the_form_is_verbatim():
    book = opened(written(a_summary(TRAINING), language="en"))
    assert book.sheetnames == ["Overview", "附件2 summary", "Missing, late, nil", "Month on month"]
    sheet = book["附件2 summary"]
    assert sheet["A2"].value == TRAINING.title
    assert "Total" in [row[0] for row in table(sheet)]


def test_a_summary_of_nobody_is_no_obstacle():
    assert opened(written(a_summary(TRAINING, []))).sheetnames[1] == "附件2 汇总"
    assert opened(written()).sheetnames == ["一览", "未报、逾期报送、零报告", "与上月相比"]


def test_the_same_summary_has_the_same_bytes():
    assert written(a_summary(TRAINING)) == written(a_summary(TRAINING))


def test_what_the_module_offers():
    assert module.__all__ == ["FormSummary", "UnitFiled", "write_summary"]
