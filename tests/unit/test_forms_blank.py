"""A blank form is the annex word for word, guarded against slips, and says what is known already."""

from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path

import openpyxl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from openpyxl.utils import range_boundaries
from xlsxwriter import Workbook

from tests.books import read_book
from tracker.config.loader import load
from tracker.core.form import (
    Choice,
    Column,
    ColumnKind,
    FieldKind,
    Filed,
    FiledRow,
    Form,
    HeaderField,
    comparable,
)
from tracker.forms.check.check import check
from tracker.forms.check.recognise import recognise
from tracker.forms.mark import Mark, read_mark
from tracker.forms.write import blank as module
from tracker.forms.write.blank import MORE_ROWS, blank, file_name
from tracker.forms.write.layout import Annex, lines_of, seen, share_columns, sheet_name

CAMPAIGN = load(Path("config")).campaign
assert CAMPAIGN is not None
FORMS = CAMPAIGN.forms
DOCUMENT = Path("tests/fixtures/document.txt").read_text(encoding="utf-8")
ROUNDS = [(form, round_) for form in sorted(FORMS) for round_ in (None, *FORMS[form].rounds)]
every_round = pytest.mark.parametrize(("form_id", "round_"), ROUNDS)
every_form = pytest.mark.parametrize("form_id", sorted(FORMS))
PERIOD = "2022年5月（5月5日前报送）"


def written(form="training-institutions", **more):
    form = FORMS[form] if isinstance(form, str) else form
    known = {
        "round_": None,
        "unit_name": "万州区应急管理局",
        "period_text": PERIOD,
        "mark": Mark(form.id, "table-2@2022-05", "wanzhou"),
        "previous": None,
        "created": datetime(2022, 5, 1, tzinfo=UTC),
    }
    return blank(form, **(known | more))


def opened(data):
    return openpyxl.load_workbook(BytesIO(data))


def sheet_of(*arguments, **more):
    return opened(written(*arguments, **more)).worksheets[0]


def recognised(data, name="a.xlsx"):
    (found,) = recognise(read_book(name, data), FORMS).tables
    return found


def some_rows(form, count):
    """Rows with something in every column, of which none has the sums of those above."""
    values = {
        ColumnKind.NAME: lambda _, number: f"学校{number}",
        ColumnKind.COUNT: lambda _, number: 20 + number,
        ColumnKind.AMOUNT: lambda _, number: Decimal("1.5") * (20 + number),
        ColumnKind.TICK: lambda _, _number: True,
        ColumnKind.CHOICE: lambda column, _: column.choices[-1].word,
    }
    return tuple(
        FiledRow({c.id: values[c.kind](c, number) for c in form.columns if c.kind in values})
        for number in range(1, count + 1)
    )


def body(data, form):
    """The cells of the table's body: (row, column) from 1, and the column of the form."""
    table = recognised(data)
    count = max(
        int(str(c.value)) for c in opened(data).worksheets[0]["A"] if isinstance(c.value, (int, float))
    )
    for row in range(table.first_row + 1, table.first_row + 1 + count):
        for number, column in enumerate(form.columns, start=1):
            yield row, number, column


def validation_at(sheet, row, column):
    found = [
        each
        for each in sheet.data_validations.dataValidation
        for area in str(each.sqref).split()
        for left, top, right, bottom in [range_boundaries(area)]
        if left <= column <= right and top <= row <= bottom
    ]
    assert len(found) <= 1
    return found[0] if found else None


# The annex


@every_round
def test_every_word_of_the_annex_is_there_and_in_the_document(form_id, round_):
    form = FORMS[form_id]
    sheet = sheet_of(form_id, round_=round_)
    texts = {cell.value for row in sheet.iter_rows() for cell in row if isinstance(cell.value, str)}
    whole = comparable(DOCUMENT)
    annex = [form.annex or "", form.title, "填写说明：", *form.instructions]
    annex += [column.group for column in form.columns if column.group]
    annex += [column.label for column in form.columns]
    for text in annex:
        assert any(text == each or each.startswith(f"{text}\n（") for each in texts), text
        assert comparable(text) in whole, text
    assert {f"{field.label}：" for field in form.header} <= texts
    for column in form.columns:
        assert not column.unit or f"{column.label}\n（{column.unit}）" in texts


@every_round
def test_groups_are_merged_across_and_single_columns_down(form_id, round_):
    form = FORMS[form_id]
    data = written(form_id, round_=round_)
    sheet, table = opened(data).worksheets[0], recognised(data)
    top = table.first_row - 1
    merged = {str(area) for area in sheet.merged_cells.ranges}
    letters = {c.id: openpyxl.utils.get_column_letter(n) for n, c in enumerate(form.columns, start=1)}
    groups: dict[str, list[str]] = {}
    for column in form.columns:
        if column.group is None:
            assert f"{letters[column.id]}{top}:{letters[column.id]}{top + 1}" in merged
        else:
            groups.setdefault(column.group, []).append(letters[column.id])
    for group, columns in groups.items():
        assert sheet[f"{columns[0]}{top}"].value == group
        assert len(columns) == 1 or f"{columns[0]}{top}:{columns[-1]}{top}" in merged
    assert f"A2:{letters[form.columns[-1].id]}2" in merged
    assert sheet["A2"].value == form.title


@every_round
def test_our_own_reader_finds_the_form_its_mark_and_its_header(form_id, round_):
    found = recognised(written(form_id, round_=round_))
    assert found.form.id == form_id
    assert found.mark == Mark(form_id, "table-2@2022-05", "wanzhou")
    assert (found.unit_text, found.period_text, found.filled_on) == ("万州区应急管理局", PERIOD, None)
    assert found.columns == {column.id: at for at, column in enumerate(FORMS[form_id].columns)}
    assert set(found.fields) == {field.id for field in FORMS[form_id].header}


def test_the_mark_is_where_nobody_stumbles_over_it():
    assert opened(written())["_tracker"].sheet_state == "veryHidden"


@every_form
def test_heads_are_as_high_as_their_labels_need(form_id):
    data = written(form_id)
    sheet, table = opened(data).worksheets[0], recognised(data)
    for number, column in enumerate(FORMS[form_id].columns, start=1):
        width = sheet.column_dimensions[openpyxl.utils.get_column_letter(number)].width
        low, top = table.first_row, table.first_row - 1
        room = sheet.row_dimensions[low].height
        if column.group is None:
            room += sheet.row_dimensions[top].height
        assert width >= column.width
        assert room >= lines_of(f"{column.full_label}", width, 9) * 9 * 1.3


# Last month


@every_round
def test_last_months_rows_are_there_and_read_back_the_same(form_id, round_):
    form = FORMS[form_id]
    omitted = form.omitted(round_)
    rows = some_rows(form, 12)
    previous = Filed(
        rows, {"unit": "别处", "person": "张三", "phone": "023-58123456", "filled_on": "2022-04-03"}
    )
    data = written(form_id, round_=round_, previous=previous)
    result = check(recognised(data), round_=round_, previous=None)
    # What does not accumulate begins anew each month.
    assert bool(result.errors) is not form.accumulates
    assert [dict(row.values) for row in result.filed.rows] == [
        {key: value for key, value in row.values.items() if key not in omitted}
        for row in rows
        if form.accumulates
    ]
    found = recognised(data)
    assert (found.fields["person"][1], found.fields["phone"][1]) == ("张三", "023-58123456")
    assert found.unit_text == "万州区应急管理局"
    assert found.filled_on is None


@every_round
def test_what_was_filed_for_it_is_there_to_be_corrected_notes_and_all(form_id, round_):
    form = FORMS[form_id]
    row = FiledRow(
        {**some_rows(form, 1)[0].values, "rectification": "正在整改"},
        {"rectification": "正在整改（6月底前完成）"},
    )
    filed = Filed((row,), {"person": "张三", "filled_on": "2022-05-03"})
    data = written(form_id, round_=round_, previous=filed, is_own=True)
    read = check(recognised(data), round_=round_, previous=None).filed
    wanted = {key: value for key, value in row.values.items() if key not in form.omitted(round_)}
    assert [(dict(each.values), dict(each.notes)) for each in read.rows] == [(wanted, dict(row.notes))]
    assert str(recognised(data).filled_on) == "2022-05-03"


@every_round
def test_a_nil_return_is_there_to_be_corrected(form_id, round_):
    data = written(form_id, round_=round_, previous=Filed(is_nil=True), is_own=True)
    assert check(recognised(data), round_=round_, previous=None).filed.is_nil


@pytest.mark.parametrize(("before", "expected"), [(0, 20), (1, 20), (12, 20), (13, 21), (40, 48)])
def test_there_is_room_for_more_and_rows_are_numbered(before, expected):
    form = FORMS["training-institutions"]
    data = written(previous=Filed(some_rows(form, before)))
    sheet, first = opened(data).worksheets[0], recognised(data).first_row
    assert expected >= before + MORE_ROWS
    assert [sheet.cell(first + n, 1).value for n in range(1, expected + 1)] == list(range(1, expected + 1))
    assert sheet.cell(first + expected + 1, 1).value == "填写说明："


def test_a_remark_beside_a_choice_is_not_repeated():
    row = FiledRow({"name": "甲", "rectification": "已完成整改"}, {"rectification": "另附照片"})
    data = written(previous=Filed((row,)))
    sheet = opened(data).worksheets[0]
    assert "另附照片" not in str([cell.value for each in sheet.iter_rows() for cell in each])


def test_a_nil_report_of_last_month_is_not_taken_over():
    found = recognised(written(previous=Filed((), {"nil": "√"}, is_nil=True)))
    assert found.fields["nil"][1] == ""


# What may be typed in


@every_round
def test_what_is_to_be_filled_in_is_open_and_all_else_is_locked(form_id, round_):
    form = FORMS[form_id]
    data = written(form_id, round_=round_, previous=Filed(some_rows(form, 3)))
    sheet, table = opened(data).worksheets[0], recognised(data)
    omitted = form.omitted(round_)
    open_ = {(row, at) for row, at, column in body(data, form) if column.id not in omitted}
    for field in form.header:
        if field.kind not in {FieldKind.UNIT, FieldKind.PERIOD}:
            row, at = table.fields[field.id][0]
            # Of an empty field the reader names the label; the content is in the next block.
            while (
                str(sheet.cell(row + 1, at + 1).value or "").endswith("：")
                or sheet.cell(row + 1, at + 1).protection.locked
            ):
                at += 1
            area = next((a for a in sheet.merged_cells.ranges if (row + 1, at + 1) in a.top), None)
            open_ |= set(area.top) if area else {(row + 1, at + 1)}
    found = {
        (cell.row, cell.column) for row in sheet.iter_rows() for cell in row if not cell.protection.locked
    }
    assert found == open_


def test_the_protection_has_no_password_and_lets_rows_be_inserted():
    protection = sheet_of().protection
    assert protection.sheet
    assert protection.password is None
    assert not any((protection.insertRows, protection.formatColumns, protection.formatRows, protection.sort))


@every_round
def test_columns_that_a_round_omits_are_grey_and_a_line_says_so(form_id, round_):
    form = FORMS[form_id]
    data = written(form_id, round_=round_, previous=Filed(some_rows(form, 2)))
    sheet = opened(data).worksheets[0]
    for row, at, column in body(data, form):
        cell = sheet.cell(row, at)
        assert (cell.fill.fgColor.rgb == "FFD9D9D9") is (column.id in form.omitted(round_))
        assert column.id not in form.omitted(round_) or cell.value is None
    texts = [cell.value for row in sheet.iter_rows(max_row=8) for cell in row if cell.value]
    line = "自查自改：不填“执法层级”“处罚情况”（灰色部分）。"
    assert (line in texts) is (round_ is not None)


@every_round
def test_every_cell_to_fill_says_what_it_wants(form_id, round_):
    form = FORMS[form_id]
    data = written(form_id, round_=round_)
    sheet = opened(data).worksheets[0]
    for row, at, column in body(data, form):
        rule = validation_at(sheet, row, at)
        if column.kind in {ColumnKind.SERIAL, ColumnKind.NAME} or column.id in form.omitted(round_):
            assert rule is None
            continue
        expected = {
            ColumnKind.COUNT: ("whole", "greaterThanOrEqual", "0"),
            ColumnKind.AMOUNT: ("decimal", "greaterThanOrEqual", "0"),
            ColumnKind.TICK: ("list", None, '"√"'),
            ColumnKind.CHOICE: ("list", None, '"' + ",".join(c.word for c in column.choices) + '"'),
        }
        assert (rule.type, rule.operator, rule.formula1) == expected[column.kind]
        assert rule.showInputMessage
        assert rule.showErrorMessage
        assert 0 < len(rule.promptTitle) <= 32
        assert 0 < len(rule.prompt) <= 255
        assert 0 < len(rule.error) <= 255


def test_a_day_and_a_nil_report_are_asked_for_in_their_own_ways():
    sheet = sheet_of()
    rules = {rule.promptTitle: rule for rule in sheet.data_validations.dataValidation}
    day, nil = rules["填表时间"], rules["零报告"]
    assert (day.type, day.prompt) == ("date", "填写日期，如 2022-5-5")
    assert (nil.type, nil.formula1) == ("list", '"√"')
    cell = sheet[str(day.sqref)]
    assert cell.value is None
    assert cell.number_format == 'yyyy"年"m"月"d"日"'


def test_prompts_are_english_for_who_wants_them_and_the_annex_is_not():
    chinese, english = sheet_of(), sheet_of(language="en")
    values = [[[c.value for c in row] for row in sheet.iter_rows()] for sheet in (chinese, english)]
    assert values[0] == values[1]
    prompts = {rule.prompt for rule in english.data_validations.dataValidation}
    assert "a whole number, not below zero (项); digits only" in prompts
    assert "a √, or nothing" in prompts


# The print


@every_round
def test_it_prints_on_a4_across_with_its_head_on_every_page(form_id, round_):
    data = written(form_id, round_=round_)
    sheet, first = opened(data).worksheets[0], recognised(data).first_row
    assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    assert (sheet.page_setup.fitToWidth or 1, sheet.page_setup.fitToHeight) in {(1, None), (1, 1)}
    assert sheet.print_title_rows == f"${first - 1}:${first}"
    assert sheet.print_options.horizontalCentered
    assert "&P" in sheet.oddFooter.center.text
    named = any(column.kind is ColumnKind.NAME for column in FORMS[form_id].columns)
    assert sheet.freeze_panes == f"{'C' if named else 'B'}{first + 1}"


@every_form
@pytest.mark.parametrize("count", [5, 12])
def test_a_table_of_a_dozen_rows_fits_on_one_page(form_id, count):
    form = FORMS[form_id]
    with Workbook(BytesIO(), {"in_memory": True}) as workbook:
        annex = Annex(workbook, "附件", form)
        placed = annex.draw_head({})
        for row in range(placed.first_row, placed.first_row + count):
            annex.row(row)
        annex.draw_rules(placed.first_row + count)
        annex.finish(placed)
        # 10 points become 8.5 at the least.
        assert annex.scale() >= 0.85


def test_many_rows_go_on_as_many_pages_as_they_need():
    form = FORMS["training-institutions"]
    assert sheet_of(previous=Filed(some_rows(form, 40))).page_setup.fitToHeight == 0


# Bytes and texts


@every_form
def test_the_same_input_gives_the_same_bytes(form_id):
    more = {"previous": Filed(some_rows(FORMS[form_id], 4))}
    assert written(form_id, **more) == written(form_id, **more)


NASTY = [
    "=1+1",
    "+cmd|' /C calc'!A0",
    "@x",
    "-2",
    "{=1}",
    "http://a.example",
    "0012",
    "<b>&amp;",
    "_x0041_",
    "1-2",
]


@pytest.mark.parametrize("text", NASTY)
def test_no_name_becomes_anything_but_a_text(text):
    data = written(
        unit_name=text, previous=Filed((FiledRow({"name": text}),), {"person": text, "phone": text})
    )
    found = recognised(data)
    cells = {
        place: cell
        for place, cell in found.sheet.cells.items()
        if cell.value == text and cell.formula is None
    }
    assert len(cells) == 4
    assert all(cell.formula is None for cell in found.sheet.cells.values())
    assert check(found, round_=None, previous=None).filed.rows[0].values["name"] == text


def test_control_characters_are_left_out():
    data = written(unit_name="甲\x00\t乙\x1b\r\n丙", previous=Filed((FiledRow({"name": "丁\x07\ud800戊"}),)))
    found = recognised(data)
    assert found.unit_text == "甲 乙 丙"
    assert found.sheet.cells[found.first_row, 1].value == "丁戊"


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
@example("填表人：", "合计")
def test_any_text_makes_a_file_that_opens_and_reads_back_the_same(unit, name):
    data = written(unit_name=unit, previous=Filed((FiledRow({"name": name}),)))
    book = read_book("a.xlsx", data)
    mark = read_mark(book)
    assert mark is not None
    assert mark.unit == "wanzhou"
    values = {cell.value for cell in book.sheets[0].cells.values()}
    assert not seen(name) or seen(name) in values
    assert opened(data).worksheets[0].max_row > 20


def test_names_of_files_are_taken_by_every_file_system():
    form = FORMS["training-institutions"]
    assert file_name(form, "万州区应急管理局", PERIOD) == "附件2 万州区应急管理局 2022年5月.xlsx"
    assert (
        file_name(form, 'a/b\\c:d*e?f"g<h>i|j\x00\n.', "2022年5月")
        == "附件2 a b c d e f g h i j 2022年5月.xlsx"
    )
    assert file_name(form, "..", "") == "附件2.xlsx"
    assert len(file_name(form, "长" * 300, PERIOD).encode()) <= 205


# Other forms than those of the document


def other(*columns, header=(), **more):
    return Form("other", "别的表", header, columns, **more)


def test_a_form_of_one_column_without_annex_rules_or_groups_is_written_too():
    form = other(
        Column("name", "名称", ColumnKind.NAME), header=(HeaderField("unit", "填表单位", FieldKind.UNIT),)
    )
    sheet = sheet_of(form)
    assert [sheet["A1"].value, sheet["A2"].value, sheet["B2"].value] == [
        "别的表",
        "填表单位：",
        "万州区应急管理局",
    ]


def test_words_that_do_not_go_into_a_drop_down_have_none():
    form = other(
        Column("name", "名称", ColumnKind.NAME),
        Column("comma", "一", ColumnKind.CHOICE, choices=(Choice("a,b"), Choice("c"))),
        Column("long", "二", ColumnKind.CHOICE, choices=tuple(Choice("字" * 50 + str(n)) for n in range(6))),
        Column("note", "三", ColumnKind.TEXT),
    )
    assert not sheet_of(form).data_validations.dataValidation


def test_a_sheets_name_is_one_that_is_taken():
    assert sheet_name("附件[2]/'3'") == "附件 2  '3"
    assert sheet_name("''") == "表"
    assert len(sheet_name("表" * 40)) == 31


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [("", 10, 1), ("罚款\n（万元）", 10, 2), ("限期改正", 8, 1), ("限期改正", 6, 2), ("甲乙丙，丁戊", 6, 3)],
)
def test_lines_are_counted_as_chinese_is_set(text, width, lines):
    assert lines_of(text, width, 10) == lines


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(1, 40), min_size=8, max_size=30), st.integers(1, 4))
def test_the_columns_are_all_given_to_the_fields_in_order(widths, fields):
    blocks = share_columns(widths, [10, 20] * fields)
    assert [at for first, last in blocks for at in range(first, last + 1)] == list(range(len(widths)))


def test_the_day_of_making_is_noted_and_nothing_of_the_clock():
    assert opened(written()).properties.created.date() == date(2022, 5, 1)


AWKWARD = (
    "万州区应急管理局",
    "A&B <某>局",
    "市应急管理局_x0041_",
    "填表人：",
    "",
    "一个名称很长很长的、在一行之内无论如何也放不下的、因此这一行必须更高的、区县（自治县）应急管理局",
)


@pytest.mark.parametrize("name", [*AWKWARD, *(unit.name for unit in CAMPAIGN.units.values())])
def test_a_name_put_into_a_finished_sheet_makes_the_file_that_is_drawn_with_it(name):
    form = FORMS["production-units"]
    created = datetime(2022, 5, 1, tzinfo=UTC)
    sheet = module._Sheet(form, None, PERIOD, "table-4@2022-05", created, "zh")
    put_in = written(form, unit_name=name, mark=Mark(form.id, "table-4@2022-05", "some-unit"))
    assert put_in == module._draw(sheet, name, "some-unit", None)[0]


def test_forty_units_cost_one_drawing(monkeypatch):
    drawn = []
    draw = module._draw

    def counted(*given):
        drawn.append(given)
        return draw(*given)

    monkeypatch.setattr(module, "_draw", counted)
    form = FORMS["training-institutions"]
    for number in range(40):
        written(unit_name=f"第{number}区应急管理局", mark=Mark(form.id, "table-2@2031-05", str(number)))
    assert len(drawn) == 1
