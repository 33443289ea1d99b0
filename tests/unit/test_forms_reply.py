"""The copy that goes back: the same cells at the same addresses, and every finding at its cell."""

import io
from dataclasses import replace
from datetime import UTC, datetime, time

import openpyxl
import pytest

from tests.tools import in_en, in_zh
from tests.unit.test_forms_check import CAMPAIGN, FORMS, TRAINING, UNITS, A, B, a_book
from tracker.core.form import Said
from tracker.forms.book import Book, Cell, Merge, Sheet, address
from tracker.forms.check.check import check
from tracker.forms.check.recognise import recognise
from tracker.forms.finding import Finding, Weight
from tracker.forms.mark import SHEET as MARK_SHEET
from tracker.forms.mark import Mark, read_mark
from tracker.forms.read.reader_process import _read as read_book
from tracker.forms.write.reply import reply

assert CAMPAIGN is not None
NOW = datetime(2022, 5, 6, 1, tzinfo=UTC)
MARK = Mark("training-institutions", "table-2@2022-05", "yuzhong")
RED, YELLOW, BLUE = "FFF8B4B4", "FFFFE699", "FFDDEBF7"
BAD = [
    {**A, "managers_trained": "若干", "records": "３项", "fine": -1},
    {**A, "serial": 2},
    {**B, "serial": 3, "name": None},
]


def answered(book, *, extra=(), mark=MARK, language="zh"):
    """The recognised table, its findings, and the reply as bytes."""
    (found,) = recognise(book, FORMS).tables
    findings = (*check(found, round_=None, previous=None).findings, *extra)
    data = reply(replace(found, mark=mark), findings, created=NOW, language=language)
    return found, findings, data


def opened(data):
    return openpyxl.load_workbook(io.BytesIO(data))


def fill(cell):
    return cell.fill.start_color.rgb if cell.fill.fill_type else None


def test_every_cell_is_where_it_was():
    book = a_book(TRAINING, BAD, below=["填写说明：", *TRAINING.instructions])
    _, _, data = answered(book)
    sheet = opened(data)["Sheet1"]
    source = book.sheets[0]
    found = {
        (cell.row - 1, cell.column - 1): cell.value
        for row in sheet.iter_rows()
        for cell in row
        if cell.value is not None
    }
    assert found == {place: cell.value for place, cell in source.cells.items()}
    merged = {(m.min_row - 1, m.min_col - 1, m.max_row - 1, m.max_col - 1) for m in sheet.merged_cells.ranges}
    assert merged >= {(m.first_row, m.first_column, m.last_row, m.last_column) for m in source.merges}


def test_the_copy_reads_as_the_file_did():
    found, findings, data = answered(a_book(TRAINING, BAD))
    again = read_book("表（核对）.xlsx", data)
    assert isinstance(again, Book)
    assert read_mark(again) == MARK
    (once_more,) = recognise(again, FORMS).tables
    assert (once_more.columns, once_more.first_row) == (found.columns, found.first_row)
    assert check(once_more, round_=None, previous=None).findings == findings


def test_a_corrected_copy_is_clean():
    _, _, data = answered(a_book(TRAINING, [{**A, "managers_trained": "若干"}]))
    book = opened(data)
    place = next(cell for row in book["Sheet1"].iter_rows() for cell in row if cell.value == "若干")
    place.value = 12
    stream = io.BytesIO()
    book.save(stream)
    again = read_book("表.xlsx", stream.getvalue())
    assert isinstance(again, Book)
    (found,) = recognise(again, FORMS).tables
    assert check(found, round_=None, previous=None).findings == ()


def test_every_finding_is_a_comment_at_its_cell_and_a_colour():
    _, findings, data = answered(a_book(TRAINING, BAD))
    sheet = opened(data)["Sheet1"]
    assert set(Weight) == {finding.weight for finding in findings}
    for finding in findings:
        cell = sheet[finding.cell]
        assert in_zh(finding.message) in cell.comment.text
        assert cell.comment.author == "核对"
    colours = {cell.coordinate: fill(cell) for row in sheet.iter_rows() for cell in row if fill(cell)}
    order = {RED: Weight.ERROR, YELLOW: Weight.QUESTION, BLUE: Weight.READING}
    assert colours.keys() == {finding.cell for finding in findings}
    for cell, colour in colours.items():
        assert order[colour] in {finding.weight for finding in findings if finding.cell == cell}


def test_a_question_about_several_cells_is_a_comment_at_each_and_a_line_in_the_list():
    row = {"enterprises": 1, "inspected": 1, "fine": 3.5}
    _, findings, data = answered(a_book(UNITS, [row, row, row]))
    (question,) = findings
    book = opened(data)
    for cell in ("B6", "B7"):
        assert in_zh(question.message) in book["Sheet1"][cell].comment.text
        assert fill(book["Sheet1"][cell]) == YELLOW
    listed = [cell.value for row in book["核对结果"].iter_rows() for cell in row if cell.value]
    assert [value for value in listed if "完全相同" in str(value)] == [in_zh(question.said)]


def test_several_findings_on_one_cell_are_one_comment_and_the_heaviest_colours():
    book = a_book(TRAINING, [A])
    place = (4, 2)
    extra = [
        Finding(weight, Said(f"话{weight}", f"word {weight}"), "Sheet1", place)
        for weight in (Weight.READING, Weight.ERROR, Weight.QUESTION)
    ]
    _, _, data = answered(book, extra=extra)
    cell = opened(data)["Sheet1"][address(place)]
    assert [line[:6] for line in cell.comment.text.splitlines()] == [
        "【错误】话e",
        "【疑问】话q",
        "【提示】话r",
    ]
    assert fill(cell) == RED


def test_what_has_no_cell_is_told_at_the_first_one_and_in_the_list():
    extra = [
        Finding(Weight.ERROR, Said("少了一栏。", "A column is missing."), "Sheet1"),
        Finding(Weight.QUESTION, Said("整个文件。", "The file.")),
        Finding(Weight.QUESTION, Said("别处。", "Elsewhere."), "别的表", (3, 3)),
    ]
    _, _, data = answered(a_book(TRAINING, [A]), extra=extra)
    book = opened(data)
    text = book["Sheet1"]["A1"].comment.text
    assert all(each in text for each in ("少了一栏。", "整个文件。", "别的表!D4　别处。"))
    assert fill(book["Sheet1"]["D4"]) is None
    told = {row[7].value for row in book["核对结果"].iter_rows(min_row=8)}
    assert {"少了一栏。", "整个文件。", "别处。"} <= told


def test_the_list_has_every_finding_and_leads_to_its_cell():
    _, findings, data = answered(a_book(TRAINING, BAD))
    book = opened(data)
    assert book.sheetnames == ["Sheet1", "核对结果", MARK_SHEET]
    assert book.active.title == "Sheet1"
    assert book[MARK_SHEET].sheet_state == "veryHidden"
    rows = list(book["核对结果"].iter_rows(min_row=8))
    assert {(row[3].value, row[7].value) for row in rows} == {(f.cell, in_zh(f.message)) for f in findings}
    assert [row[0].value for row in rows] == list(range(1, len(findings) + 1))
    weights = [row[1].value for row in rows]
    assert weights == sorted(weights, key=["错误", "疑问", "提示"].index)
    for row in rows:
        assert row[3].hyperlink.location == f"'Sheet1'!{row[3].value}"
    assert book["核对结果"]["B3"].value == "错误"


@pytest.mark.parametrize(
    ("weight", "said"),
    [(Weight.ERROR, "请在前一张工作表里改正"), (Weight.QUESTION, "请核对"), (None, "不必再发")],
)
def test_it_says_what_is_to_be_done(weight, said):
    extra = [] if weight is None else [Finding(weight, Said("话", "word"), "Sheet1", (4, 1))]
    _, _, data = answered(a_book(TRAINING, [A]), extra=extra)
    assert said in opened(data)["核对结果"]["A2"].value


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (Cell("=1+1"), "=1+1"),
        (Cell("@SUM(A1)"), "@SUM(A1)"),
        (Cell("-cmd"), "-cmd"),
        (Cell("甲\x01\tA"), "甲 A"),
        (Cell("https://a.example/"), "https://a.example/"),
        (Cell(12.0, "=A1*2"), 12),
        (Cell("乙", "=B1"), "乙"),
        (Cell(None, "=B1"), None),
        (Cell("#REF!", "=Z1", is_error=True), "#REF!"),
        (Cell(True), True),
        (Cell(datetime(2022, 5, 3)), datetime(2022, 5, 3)),
        (Cell(datetime(22, 5, 3)), "0022-05-03 00:00:00"),
        (Cell(time(8, 30)), time(8, 30)),
    ],
)
def test_a_value_stays_what_it_is_and_never_becomes_a_formula(cell, expected):
    book = a_book(TRAINING, [{**A, "name": cell}])
    (found,) = recognise(book, FORMS).tables
    data = reply(found, [], created=NOW)
    written = opened(data)["Sheet1"]["B5"]
    assert written.value == expected
    assert written.data_type != "f"
    assert written.hyperlink is None


def test_it_can_be_corrected():
    sheet = opened(answered(a_book(TRAINING, BAD))[2])["Sheet1"]
    assert not sheet.protection.sheet
    assert sheet.freeze_panes == "A5"


@pytest.mark.parametrize("name", ["核对结果", "a/b[c]", "表'一", "很长" * 20, "  ", "_TRACKER "])
def test_odd_names_of_sheets_are_no_obstacle(name):
    source = a_book(TRAINING, BAD).sheets[0]
    book = Book("表.ods", "ods", (Sheet(name, source.cells, source.merges),))
    opened_book = opened(answered(book, mark=None)[2])
    assert len(opened_book.sheetnames) == 2
    for row in opened_book.worksheets[1].iter_rows(min_row=8):
        assert row[3].hyperlink.location.startswith("'" + opened_book.sheetnames[0].replace("'", "''") + "'!")


def test_merged_blocks_that_lie_over_each_other_or_never_end_are_no_obstacle():
    source = a_book(TRAINING, [A, B]).sheets[0]
    odd = (
        Merge(4, 2, 5, 2),
        Merge(5, 2, 5, 3),
        Merge(0, 0, 1_000_000, 0),
        Merge(4, 4, 4, 4),
        Merge(5, 8, 5, 16_000),
    )
    book = Book("表.xlsx", "xlsx", (Sheet("Sheet1", source.cells, (*source.merges, *odd)),))
    hidden = Finding(Weight.QUESTION, Said("盖住的", "covered"), "Sheet1", (5, 2))
    sheet = opened(answered(book, extra=[hidden])[2])["Sheet1"]
    assert "C5:C6" in {str(each) for each in sheet.merged_cells.ranges}
    assert "盖住的" in sheet["C5"].comment.text


def test_no_more_is_told_than_anybody_reads():
    extra = [Finding(Weight.QUESTION, Said("话", "word"), "Sheet1", (row, 3)) for row in range(4, 2004)]
    book = opened(answered(a_book(UNITS, [{"enterprises": 3}]), extra=extra, mark=None)[2])
    assert sum(cell.comment is not None for row in book["Sheet1"].iter_rows() for cell in row) == 1000
    assert [row[0].value for row in book["核对结果"].iter_rows()][-1].startswith("另有")


def test_in_english_it_says_so_in_english():
    _, findings, data = answered(a_book(TRAINING, BAD), language="en")
    book = opened(data)
    assert book.sheetnames[1] == "Check results"
    comment = book["Sheet1"][findings[0].cell].comment
    assert comment.author == "check"
    assert in_en(findings[0].message) in comment.text


def test_the_same_file_is_answered_with_the_same_bytes():
    assert answered(a_book(TRAINING, BAD))[2] == answered(a_book(TRAINING, BAD))[2]


def test_notes_below_the_table_have_the_width_of_the_table():
    rules = TRAINING.instructions
    book = a_book(TRAINING, BAD, below=["填写说明：", *rules])
    found, _, data = answered(book)
    sheet = opened(data)["Sheet1"]
    rows = {cell.value: cell.row for cell in sheet["A"] if cell.value}
    merged = {str(each) for each in sheet.merged_cells.ranges}
    for rule in rules:
        assert f"A{rows[rule]}:Q{rows[rule]}" in merged
        assert sheet.row_dimensions[rows[rule]].height < 60
    assert [each.value for each in opened(data)["Sheet1"][found.first_row + 1]][:2] == [1, "甲培训中心"]
