"""Several tables in one file: every form is read or named, parts are joined, and what is doubtful is asked."""

import time
from dataclasses import replace

import pytest

from tests.tools import in_zh
from tests.unit.test_forms_check import A, B
from tests.unit.test_forms_check import a_book as filled
from tests.unit.test_forms_recognise import EXAM, FORMS, TRAINING, UNITS, a_book, a_sheet, head, one_row
from tracker.forms.book import Book, Cell, Sheet
from tracker.forms.check.check import check
from tracker.forms.check.recognise import recognise
from tracker.forms.finding import Weight

ABOVE = ["填表单位：渝中区应急管理局", None, None, "填表时间：2022年5月3日"]
RULES = [["填写说明："], ["1.请如实填写。"]]
U1, U2, U3 = [1, 50, 10, 1, 3], [2, 30, 5, 2, 4], [3, 20, 2, 5]
SUMS = {"training-institutions": 120, "exam-institutions": 120, "production-units": 80}
T1, T2 = [1, "甲培训中心", 120, 80], [2, "乙职业学校", 30, 20]


def page(form, rows, above=ABOVE, below=RULES):
    return [[form.title], above, *head(form), *rows, *below]


def read(*sheets, asked=None):
    """What the tables of a book say: form, sheet, first column of figures; and all findings as weight and place."""
    result = recognise(a_book(*sheets), FORMS, asked)
    tables, findings = [], [*result.findings]
    for table in result.tables:
        checked = check(table, round_=None, previous=None)
        figures = next(column.id for column in table.form.columns if column.is_figure)
        tables.append((table.form, table.sheet.name, [row.values.get(figures) for row in checked.filed.rows]))
        findings += checked.findings
    return tables, [(each.weight.value, each.sheet, each.cell) for each in findings]


def beside(left, right, gap=1):
    width = max(map(len, left)) + gap
    lines = max(len(left), len(right))
    return [
        [*line, *[None] * (width - len(line)), *other]
        for line, other in zip(
            [*left, *[[]] * (lines - len(left))], [*right, *[[]] * (lines - len(right))], strict=True
        )
    ]


def test_three_forms_on_three_sheets():
    sheets = [a_sheet(page(form, rows), name=form.annex) for form, rows in
              ((TRAINING, [T1, T2]), (EXAM, [T1]), (UNITS, [U1]))]  # fmt: skip
    tables, findings = read(*sheets)
    assert tables == [(TRAINING, "附件2", [120, 30]), (EXAM, "附件3", [120]), (UNITS, "附件4", [50])]
    assert findings == []


@pytest.mark.parametrize("gap", [1, 3])
@pytest.mark.parametrize("forms", [(EXAM, UNITS), (UNITS, UNITS), (TRAINING, EXAM)])
def test_two_side_by_side(forms, gap):
    rows = {UNITS: [U1, U2], TRAINING: [T1], EXAM: [T1]}
    right = rows[forms[1]] if forms[0] is not forms[1] else [U3]
    lines = beside(page(forms[0], rows[forms[0]], below=[]), page(forms[1], right, below=[]), gap)
    tables, findings = read(a_sheet(lines))
    if forms[0] is forms[1]:
        assert tables == [(UNITS, "Sheet1", [50, 30, 20])]
        assert [weight for weight, *_ in findings] == ["reading"]
    else:
        assert [table[0] for table in tables] == list(forms)
        assert [sum(table[2]) for table in tables] == [SUMS[form.id] for form in forms]
        assert findings == []


@pytest.mark.parametrize("between", [[], [[]], RULES])
@pytest.mark.parametrize("title", [True, False])
def test_two_below_each_other(between, title):
    lower = [["附件4"], *page(UNITS, [U1, U2])] if title else [*head(UNITS), U1, U2]
    tables, findings = read(a_sheet([*page(TRAINING, [T1, T2], below=between), *lower]))
    assert tables == [(TRAINING, "Sheet1", [120, 30]), (UNITS, "Sheet1", [50, 30])]
    assert findings == []


def test_a_second_table_takes_unit_and_day_from_the_first():
    result = recognise(
        a_book(a_sheet([*page(TRAINING, [T1]), *page(UNITS, [U1], above=["填表单位："])])), FORMS
    )
    assert [table.unit_text for table in result.tables] == ["渝中区应急管理局"] * 2
    assert len({table.filled_on for table in result.tables}) == 1


@pytest.mark.parametrize("where", ["block", "sheet"])
@pytest.mark.parametrize(
    ("second", "figures", "expected"),
    [
        ([U3], [50, 30, 20], ["reading"]),
        ([U1, U2], [50, 30], ["reading"]),
        ([[1, 77]], [50, 30], ["error"]),
        ([[None, 77]], [50, 30], ["error"]),
        ([[5, 77]], [50, 30], ["error"]),
        ([], [50, 30], ["reading"]),
    ],
)  # fmt: skip
def test_one_form_twice_goes_on_is_a_copy_or_is_asked_about(where, second, figures, expected):
    upper, lower = page(UNITS, [U1, U2]), page(UNITS, second)
    sheets = (
        [a_sheet([*upper, *lower])]
        if where == "block"
        else [a_sheet(upper, name="1"), a_sheet(lower, name="2")]
    )
    tables, findings = read(*sheets)
    assert [table[2] for table in tables] == [figures]
    assert [weight for weight, *_ in findings] == expected


def test_a_head_once_more_on_each_page_is_the_same_table():
    tables, findings = read(a_sheet([*page(UNITS, [U1, U2], below=[]), *one_row(UNITS), U3, *RULES]))
    assert tables == [(UNITS, "Sheet1", [50, 30, 20])]
    assert findings == []


def test_findings_in_the_second_part_stand_on_its_sheet():
    _, findings = read(
        a_sheet(page(UNITS, [U1, U2]), name="1"), a_sheet(page(UNITS, [[3, "很多"]]), name="2")
    )
    assert ("error", "2", "B5") in findings


def month(name, day, figure):
    rows = [[1, figure]] if figure is not None else [[1]]
    return a_sheet(
        page(UNITS, rows, ["填表单位：渝中区应急管理局", None, None, f"填表时间：{day}"]), name=name
    )


D4, D5, D6 = "2022年4月3日", "2022年5月3日", "2022年6月3日"


@pytest.mark.parametrize("asked", [(2022, 5), (2022, 6)])
@pytest.mark.parametrize(
    "sheets",
    [
        # By its own name, whatever is prepared for later; by its own day.
        [("4月", D4, 4), ("5月", D5, 5), ("6月", D6, 6), ("7月", "", 7)],
        [("4月", D4, 4), ("5月", D5, 5), ("6月", "", 6), ("7月", "", 7)],
        [("六月", D6, 6), ("五月份", D5, 5)],
        [("a", D5, 5), ("b", D6, 6), ("c", D4, 4)],
        # The names tell of the month before.
        [("3月情况", D4, 4), ("4月情况", D5, 5), ("5月情况", D6, 6)],
    ],
)
def test_of_a_sheet_a_month_the_one_that_is_asked_for_is_taken_and_the_others_named(sheets, asked):
    tables, findings = read(*(month(*each) for each in sheets), asked=asked)
    assert [table[2] for table in tables] == [[asked[1]]]
    assert [weight for weight, *_ in findings] == ["question"]


@pytest.mark.parametrize(
    "sheets",
    [
        # Copied days, and names only: it cannot be the later ones.
        [("4月", D4, 4), ("5月", D5, 5), ("6月", D5, 6), ("7月", D5, None)],
        [("4月", D4, 4), ("5月", D5, 5), ("6月", "", None), ("7月", "", 0)],
    ],
)
def test_a_sheet_that_is_prepared_for_later_is_not_taken(sheets):
    tables, _ = read(*(month(*each) for each in sheets), asked=(2022, 5))
    assert [table[2] for table in tables] == [[5]]


@pytest.mark.parametrize(
    "sheets",
    [
        # Not filled in for the month, no month that fits, two days of the month.
        [("4月", D4, 4), ("5月", "", 0)],
        [("7月", "", 7), ("8月", "", 8)],
        [("5月", D5, 5), ("6月", "2022年5月28日", 6)],
    ],
)
def test_where_the_sheet_of_the_month_cannot_be_told_nothing_is_taken(sheets):
    _, findings = read(*(month(*each) for each in sheets), asked=(2022, 5))
    assert "error" in [weight for weight, *_ in findings]


def test_of_tables_that_come_late_the_last_that_was_filled_in_is_taken():
    tables, _ = read(month("a", D4, 4), month("b", D5, 5), asked=(2022, 6))
    assert [table[2] for table in tables] == [[5]]


@pytest.mark.parametrize(
    ("row", "where"),
    [([4, 10], "below"), ([4, "10"], "below"), ([4, *[None] * 7, "√"], "below"), ([4, 10, 20], "above"),
     ([4, 10, 20], "beside")],
)  # fmt: skip
@pytest.mark.parametrize("end", ["备注：以上为城区", "审核人：李四", "联系人：张三"])
def test_rows_of_data_outside_the_table_are_told(row, where, end):
    lines = page(UNITS, [U1, U2], below=[[end], *([row] if where == "below" else [])])
    if where == "above":
        lines = [row, [], *lines]
    elif where == "beside":
        lines[4] = [*lines[4], *[None] * (20 - len(lines[4])), *row]
    _, findings = read(a_sheet(lines))
    assert [weight for weight, *_ in findings] == ["question" if where == "beside" else "error"]


@pytest.mark.parametrize(
    "foot",
    [["审核人：李四", None, "电话", 58120000], [None, "李四", "电话", 58120000], ["共2家"], ["1.", "说明"]],
)
def test_what_stands_below_the_end_and_is_no_data_is_not_told(foot):
    _, findings = read(a_sheet(page(UNITS, [U1, U2], below=[["审核人：李四"], foot])))
    assert findings == []


def test_a_sheet_that_shows_how_it_is_done_is_named():
    tables, findings = read(a_sheet(page(UNITS, [U1]), name="样表"), a_sheet(page(UNITS, [U2]), name="报表"))
    assert tables == [(UNITS, "报表", [30])]
    assert findings == [("reading", "样表", None)]


@pytest.mark.parametrize("name", ["样表", "填写示例", "sample"])
def test_a_sample_that_names_another_unit_is_one_all_the_same(name):
    sample = page(UNITS, [U1], above=["填表单位：XX区应急管理局", None, None, "填表时间：2022年X月X日"])
    for sheets in (
        [("报表", page(UNITS, [U2])), (name, sample)],
        [(name, sample), ("报表", page(UNITS, [U2]))],
    ):
        tables, findings = read(*(a_sheet(lines, name=each) for each, lines in sheets))
        assert tables == [(UNITS, "报表", [30])]
        assert findings == [("reading", name, None)]


def test_tables_of_two_periods_or_units_are_two():
    may, june = (["填表单位：渝中区", "期次：2022年5月"], ["填表单位：渝中区", "期次：2022年6月"])
    assert (
        len(read(a_sheet(page(UNITS, [U1], may), name="a"), a_sheet(page(UNITS, [U2], june), name="b"))[0])
        == 2
    )
    other = ["填表单位：涪陵区", "期次：2022年5月"]
    assert (
        len(read(a_sheet(page(UNITS, [U1], may), name="a"), a_sheet(page(UNITS, [U1], other), name="b"))[0])
        == 2
    )


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([U3], ("error", "Sheet2", "A1")),
        ([[3, 20, 2]], ("error", "Sheet2", "A1")),
        ([["续表"], U3], ("error", "Sheet2", "A2")),
        ([["明细", "数量"], ["口罩", 3, 5]], ("question", "Sheet2", "A2")),
        ([["联系人", "电话"], ["张三", "023-58123456"]], None),
        ([["备注", 1]], None),
    ],
)
def test_figures_that_no_table_took_are_told(lines, expected):
    tables, findings = read(a_sheet(page(UNITS, [U1, U2])), a_sheet(lines, name="Sheet2"))
    assert [table[2] for table in tables] == [[50, 30]]
    assert findings == ([] if expected is None else [expected])


def test_a_form_on_a_hidden_sheet_is_named():
    shown, hidden = a_sheet(page(UNITS, [U1])), a_sheet(page(EXAM, [T1]), name="附件3", is_hidden=True)
    assert read(shown, hidden) == ([(UNITS, "Sheet1", [50])], [("question", "附件3", None)])
    (refusal,) = recognise(a_book(hidden), FORMS).findings
    assert "隐藏" in in_zh(refusal.message)


def test_an_empty_form_beside_a_filled_one_of_another_kind_is_asked_about():
    tables, findings = read(a_sheet(page(UNITS, [U1])), a_sheet(page(EXAM, []), name="附件3"))
    assert [table[0] for table in tables] == [UNITS]
    assert findings == [("question", "附件3", None)]


def test_a_nil_return_beside_others_is_one():
    lines = page(EXAM, [], above=[*ABOVE, None, "零报告：√"])
    result = recognise(a_book(a_sheet(page(UNITS, [U1])), a_sheet(lines, name="附件3")), FORMS)
    checked = [check(table, round_=None, previous=None) for table in result.tables]
    assert [each.filed.is_nil for each in checked] == [False, True]
    assert all(not each.findings for each in checked)


def test_a_label_repeated_over_its_group_is_no_second_table():
    upper = [column.group or column.label for column in UNITS.columns]
    lower = [column.label if column.group else None for column in UNITS.columns]
    tables, findings = read(a_sheet([[UNITS.title], ABOVE, upper, lower, U1, U2]))
    assert tables == [(UNITS, "Sheet1", [50, 30])]
    assert findings == []


def test_many_heads_take_no_time():
    cells = {}
    for row in range(0, 4000, 4):
        for column, each in enumerate(UNITS.columns):
            cells[row, column] = Cell(each.label)
            cells[row + 1, column] = Cell(1)
    result = recognise(Book("x.xlsx", "xlsx", (replace(Sheet("Sheet1", {}), cells=cells),)), FORMS)
    assert len(result.tables) == 1
    assert all(note.weight is not Weight.ERROR for note in result.tables[0].notes)


def test_many_rows_are_checked_in_the_time_that_they_take():
    """Thousands of rows that could each be a total of those above: the work grows as they do."""
    rows = [[number, f"第{number}学校", 1, 1, 1] for number in range(1, 4001)]
    (table,) = recognise(a_book(a_sheet(page(TRAINING, rows))), FORMS).tables
    start = time.process_time()
    assert len(check(table, round_=None, previous=None).filed.rows) == 4000
    assert time.process_time() - start < 4


def test_a_sheet_that_shows_how_to_fill_in_for_no_unit_is_no_table():
    sample = a_sheet(page(UNITS, [U1], above=["填表单位：XX区应急管理局"]), name="样表")
    tables, findings = read(sample, a_sheet(page(UNITS, [U2]), name="报表"))
    assert [(sheet, figures) for _, sheet, figures in tables] == [("报表", [30])]
    assert findings == [("reading", "样表", None)]


@pytest.mark.parametrize(
    ("cells", "is_asked"),
    [({}, True), ({(0, 0): Cell("附件3")}, True), ({(0, 0): Cell("工作情况说明")}, False)],
)
def test_a_sheet_with_a_picture_in_the_place_of_a_table_is_asked_about(cells, is_asked):
    (own,) = filled(TRAINING, [A, B]).sheets
    own = replace(own, has_picture=True)  # a seal
    picture = Sheet("照片", cells, has_picture=True)
    for sheet, expected in ((picture, is_asked), (replace(picture, is_hidden=True), False)):
        (found,) = recognise(Book("表.xlsx", "xlsx", (own, sheet)), FORMS).tables
        asked = [each.sheet for each in found.notes if each.weight is Weight.QUESTION]
        assert asked == (["照片"] if expected else [])
