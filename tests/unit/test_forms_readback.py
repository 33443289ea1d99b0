"""What was read is said back; the city's first sheet has a line for each unit."""

import io
import random
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import openpyxl
import pytest

from tests.tools import in_en, in_zh
from tests.unit.test_forms_summary import EXAM, NAMES, TRAINING, UNITS, a_summary, opened, some_rows, written
from tracker.core.form import Filed, FiledRow, Said
from tracker.forms.check.read_back import read_back
from tracker.forms.write.overview_sheet import figures
from tracker.forms.write.summary import UnitFiled
from tracker.forms.write.summed import TableQuestion

ROWS = (
    FiledRow({"name": "甲", "special_trained": 600, "fine": Decimal("1.5"), "ordered": True}),
    FiledRow({"name": "乙", "special_trained": 400, "records": 2}),
)
LONG = "未建立培训档案、档案不规范、档案造假"


def test_rows_and_sums_are_said_back_with_what_was_replaced():
    back = read_back(TRAINING, Filed(ROWS))
    assert back.facts() == {
        "rows": 2,
        "sums": {"special_trained": 1000, "records": 2, "ordered": 1, "fine": 1.5},
        "replaced": None,
    }
    sums = f"2行，合计：“特种作业人员培训人次”1000人次、“{LONG}”2项、“限期改正”1个√、“罚款”1.5万元。"
    assert in_zh(back.said()) == sums
    again = replace(
        back, replaced=datetime(2022, 5, 3, tzinfo=UTC), replaced_day=date(2022, 5, 3), replaced_rows=4
    )
    assert in_zh(again.said()) == f"{sums}替换2022年5月3日所报（4行）。"
    assert in_en(again.said()).endswith("It replaces what was filed on 3 May 2022 (4 rows).")
    assert again.facts()["replaced"] == {"at": "2022-05-03T00:00:00+00:00", "rows": 4}


def test_nothing_is_said_back_as_such():
    nothing = read_back(TRAINING, Filed(is_nil=True)).said()
    assert (in_zh(nothing), in_en(nothing)) == ("零报告。", "Nothing to report.")
    zero = Filed((FiledRow({"name": "甲"}),))
    assert in_zh(read_back(TRAINING, zero).said()) == "1行，合计：各栏均为0。"


def test_only_what_may_be_added_up_is_one_figure():
    found = [(each.label, each.unit, len(each.columns)) for each in figures(UNITS, UNITS.columns)]
    assert found == [
        ("辖区高危行业企业总数量", "家", 1),
        ("抽查企业数量", "家", 1),
        ("检查发现问题情况", "项", 3),
        ("检查发现问题情况", "人", 2),
        ("处罚情况", "√", 3),
        ("罚款", "万元", 1),
    ]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_first_sheet_has_one_line_a_unit_and_its_totals_are_those_of_the_forms(language):
    summaries = [a_summary(form) for form in (TRAINING, EXAM, UNITS)]
    book = opened(written(*summaries, language=language))
    sheet = book.worksheets[0]
    lines = {row[0].value: row for row in sheet.iter_rows()}
    assert all(name in lines for name in NAMES)
    values = openpyxl.load_workbook(io.BytesIO(written(*summaries, language=language)), data_only=True)
    totals = next(row for row in values.worksheets[0].iter_rows() if row[0].value in {"合计", "Total"})
    shown = iter(cell.value for cell in totals[1:])
    for summary in summaries:
        filed = [unit for unit in summary.units if unit.has_answered]
        assert next(shown) == f"{len(filed)}/{len(summary.units)}"
        if any(column.id == "name" for column in summary.form.columns):
            assert next(shown) == sum(len(unit.rows) for unit in summary.units)
        for figure in figures(summary.form, summary.form.asked(summary.round_)):
            wanted = sum(
                Decimal(row.figure(each))
                for unit in summary.units
                for row in unit.rows
                for each in figure.columns
            )
            assert Decimal(str(next(shown))) == wanted
    assert sheet.page_setup.fitToHeight in {None, 1}
    assert sheet.print_area


def test_checked_is_said_only_where_no_question_is_open():
    units = [UnitFiled(NAMES[0], "filed", Filed(ROWS), None)]
    question = TableQuestion(NAMES[0], "附件2!D7", Said("请核对。", "Please check."))

    def texts(*questions):
        book = opened(written(replace(a_summary(TRAINING, units), questions=questions)))
        return book.sheetnames, [
            str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row
        ]

    names, found = texts()
    assert "疑问" not in names
    assert sum("已核对" in text for text in found) == 2
    names, found = texts(question, replace(question, answer="answered", who="李四", note="确实如此"))
    assert "疑问" in names
    assert not any("已核对" in text for text in found)
    assert sum("有1处疑问尚待核实" in text for text in found) == 2
    assert {"待核实", "已说明", "确实如此", "李四"} <= set(found)
    _, found = texts(replace(question, answer="overruled", note="已电话核实"))
    assert sum("已核对" in text for text in found) == 2
    for nobody in ("missing", "refused", "waived"):
        units[:] = [UnitFiled(NAMES[0], nobody, None, None)]
        _, found = texts()
        assert not any("已核对" in text for text in found)
        assert sum("尚无单位报送" in text for text in found) == 2
    units[:] = [UnitFiled(NAMES[0], "nil", None, None), UnitFiled(NAMES[1], "missing", None, None)]
    _, found = texts()
    assert sum("已核对" in text for text in found) == 2


def test_a_name_like_a_formula_bears_the_mark_of_a_text_wherever_it_stands():
    name = '=HYPERLINK("http://x.example")'
    row = FiledRow({"name": name, "records": 1})
    unit = UnitFiled(name, "filed", Filed((row,)), None)
    gone = UnitFiled(name, "missing", None, None, contacts=name)
    book = opened(written(a_summary(TRAINING, [unit, gone])))
    cells = [cell for sheet in book for line in sheet.iter_rows() for cell in line if cell.value == name]
    assert len(cells) >= 5
    assert all(cell.data_type == "s" and cell.quotePrefix for cell in cells)


def test_a_month_that_was_left_out_is_a_stroke_and_told():
    now = Filed(some_rows(TRAINING, 1, random.Random(1)))
    unit = UnitFiled(NAMES[0], "filed", now, None, older=date(2022, 4, 1))
    sheet = opened(written(a_summary(TRAINING, [unit])))["与上月相比"]
    line = next(
        row
        for row in sheet.iter_rows()
        if str(row[0].value).startswith(f"{NAMES[0]}（上月未报，上一份为2022年4月应报）")
    )
    assert line[1].value == "—"
    assert line[3].value == "—"
