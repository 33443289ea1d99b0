"""Which form a workbook holds, where its table stands and which column is which."""

from datetime import date, datetime
from pathlib import Path

import pytest

from tests.tools import in_en, in_zh
from tracker.config.loader import load
from tracker.core.form import Column, ColumnKind, Form
from tracker.forms.book import Book, Cell, Merge, Sheet
from tracker.forms.check.check import check
from tracker.forms.check.form_fields import read_day, read_month
from tracker.forms.check.recognise import recognise
from tracker.forms.check.recognised import header_month
from tracker.forms.finding import Weight
from tracker.forms.mark import Mark

CAMPAIGN = load(Path("config")).campaign
assert CAMPAIGN is not None
FORMS = CAMPAIGN.forms
TRAINING, EXAM, UNITS = (
    FORMS[each] for each in ("training-institutions", "exam-institutions", "production-units")
)
ALL = pytest.mark.parametrize("form", FORMS.values(), ids=list(FORMS))


def a_sheet(lines, *, name="Sheet1", at=(0, 0), merges=(), is_hidden=False):
    """A sheet from lists of cells; None is an empty one."""
    cells = {
        (at[0] + row, at[1] + column): Cell(value)
        for row, line in enumerate(lines)
        for column, value in enumerate(line)
        if value is not None
    }
    return Sheet(name, cells, tuple(merges), is_hidden)


def a_book(*sheets, kind="xlsx"):
    return Book("表.xlsx", kind, sheets)


def head(form, change=lambda label: label):
    """The head of a form in two rows, as the annex has it."""
    upper: list[str | None] = []
    lower: list[str | None] = []
    last = None
    for column in form.columns:
        label = change(column.full_label)
        if column.group is None:
            upper.append(label)
            lower.append(None)
        else:
            upper.append(None if column.group == last else column.group)
            lower.append(label)
        last = column.group
    return [upper, lower]


def one_row(form, change=lambda label: label):
    return [[change(column.full_label) for column in form.columns]]


def found(*sheets, **more):
    (result,) = recognise(a_book(*sheets, **more), FORMS).tables
    return result


def in_order(form):
    return {column.id: number for number, column in enumerate(form.columns)}


def mark_sheet(form_id):
    return a_sheet(Mark(form_id, "table-2@2022-05", "yuzhong").rows(), name="_tracker", is_hidden=True)


@ALL
@pytest.mark.parametrize("make", [head, one_row])
@pytest.mark.parametrize(
    "change",
    [
        lambda label: label,
        lambda label: label.replace("（", "\n（"),
        lambda label: label.replace("（", "(").replace("）", ")").replace("，", ","),
        " ".join,
        lambda label: label.split("（项）")[0].split("（家）")[0].split("（人次/年）")[0],
        lambda label: label.replace("、", "，").replace("未", "没", 1) if len(label) > 12 else label,
        lambda label: label + "数" if label.endswith("人次") else label,
    ],
    ids=["verbatim", "broken", "narrow", "spaced", "no unit", "re-typed", "longer"],
)
def test_a_head_is_found_however_it_is_typed(form, make, change):
    lines = make(form, change)
    result = found(a_sheet([*lines, ["1"]]))
    assert result.form is form
    assert result.columns == in_order(form)
    assert result.first_row == len(lines)
    assert result.head_rows == tuple(range(len(lines)))


@ALL
def test_every_label_may_be_re_typed_at_once(form):
    def worse(label):
        return label[:4] + "的" + label[4:] if len(label) > 5 else label + "数"

    result = found(a_sheet(head(form, worse)))
    assert result.form is form
    assert result.columns == in_order(form)


@ALL
def test_a_table_may_be_pasted_anywhere(form):
    result = found(a_sheet([["随便写的一行"], [], *head(form), [1]], at=(7, 3), name="工作表甲"))
    assert result.first_row == 11
    assert result.columns == {each: number + 3 for each, number in in_order(form).items()}


def test_hidden_sheets_and_the_mark_are_never_the_table():
    result = found(
        a_sheet(head(EXAM), name="旧", is_hidden=True), a_sheet([["备忘"]], name="x"), a_sheet(head(UNITS), name="表"),
        mark_sheet("production-units"),
    )  # fmt: skip
    assert (result.form, result.sheet.name) == (UNITS, "表")
    assert result.mark == Mark("production-units", "table-2@2022-05", "yuzhong")


def test_another_form_pasted_into_a_marked_file_is_what_it_is():
    result = found(a_sheet(head(EXAM)), mark_sheet("training-institutions"))
    assert result.form is EXAM
    assert result.mark.form == "training-institutions"


def test_the_filled_sheet_is_taken_and_of_two_none():
    blank, first, second = (
        a_sheet([*head(UNITS), *rows], name=name)
        for name, rows in (("空", []), ("甲", [[1, 5]]), ("乙", [[1, 6]]))
    )
    assert found(blank, first).sheet.name == "甲"
    result = found(blank, first, second)
    findings = check(result, round_=None, previous=None).findings
    assert [(each.weight, each.sheet) for each in findings] == [(Weight.READING, "空"), (Weight.ERROR, "乙")]


def test_the_words_of_a_label_in_a_cell_of_data_are_data():
    row = [None, "甲", *[None] * 9, "限期改正", *[None] * 4, "正在整改"]
    result = found(a_sheet([*head(TRAINING), row]))
    assert result.first_row == 2
    assert check(result, round_=None, previous=None).filed.rows[0].values["ordered"] is True


def test_rows_of_units_and_numbers_of_columns_belong_to_the_head():
    units = [f"（{column.unit}）" if column.unit else None for column in UNITS.columns]
    labels = [[column.label for column in UNITS.columns]]
    assert found(a_sheet([*labels, units, [1]])).first_row == 2
    assert found(a_sheet([*labels, [*range(1, 14)], [1]])).first_row == 2
    assert found(a_sheet([*one_row(TRAINING), ["甲", "乙", *map(str, range(1, 16))]])).first_row == 2


def test_a_merged_head_may_be_taller():
    result = found(a_sheet([*one_row(UNITS), [], [], [1]], merges=[Merge(0, 1, 2, 1)]))
    assert result.first_row == 3


def test_a_group_alone_stands_for_its_only_column():
    lines = head(TRAINING)
    lines[1][10] = None
    assert found(a_sheet(lines)).columns["level"] == 10


TWINS = Form(
    "twins",
    "隐患排查治理情况表",
    (),
    (
        Column("name", "企业名称", ColumnKind.NAME),
        Column("big_found", "排查数", ColumnKind.COUNT, group="重大隐患", unit="项"),
        Column("big_done", "整改数", ColumnKind.COUNT, group="重大隐患", unit="项"),
        Column("small_found", "排查数", ColumnKind.COUNT, group="一般隐患", unit="项"),
        Column("small_done", "整改数", ColumnKind.COUNT, group="一般隐患", unit="项"),
    ),
)


@pytest.mark.parametrize(
    ("lines", "merges", "columns"),
    [
        (head(TWINS), [], [0, 1, 2, 3, 4]),
        (one_row(TWINS), [], [0, 1, 2, 3, 4]),
        ([["企业名称", "一般隐患", None, "重大隐患"], [None, "排查数", "整改数", "整改数", "排查数"]], [], [0, 4, 3, 1, 2]),
        ([["企业名称", "一般隐患", None, "重大隐患"], [None, "整改数", "排查数", "整改数", "排查数"]],
         [Merge(0, 1, 0, 2), Merge(0, 3, 0, 4), Merge(0, 0, 1, 0)], [0, 4, 3, 2, 1]),
        ([["企业名称", "一般隐患排查数", "一般隐患-整改数", "重大隐患：排查数（项）", "重大隐患整改数"]], [], [0, 3, 4, 1, 2]),
    ],
)  # fmt: skip
def test_two_columns_of_one_label_are_told_apart_by_their_group(lines, merges, columns):
    (result,) = recognise(
        a_book(a_sheet([*lines, ["甲", 1, 2, 3, 4]], merges=merges)), {"twins": TWINS}
    ).tables
    assert [result.columns[column.id] for column in TWINS.columns] == columns


def test_a_head_in_another_unit_is_not_taken():
    def in_yuan(label):
        return label.replace("万元", "元")

    result = check(found(a_sheet([*head(TRAINING, in_yuan), [1, "甲"]])), round_=None, previous=None)
    assert [(finding.weight, finding.cell) for finding in result.findings] == [(Weight.ERROR, "M2")]


def test_a_re_typed_label_is_a_reading_at_the_label():
    def retyped(label):
        return label.replace("整改落实情况", "整改落实的情况")

    result = check(found(a_sheet([*head(TRAINING, retyped), [1, "甲"]])), round_=None, previous=None)
    assert [(finding.weight, finding.cell) for finding in result.findings] == [(Weight.READING, "Q1")]


@pytest.mark.parametrize(
    "sheets",
    [
        [],
        [Sheet("空", {})],
        [a_sheet([["序号", "姓名", "电话"], [1, "张三", "123"]])],
        [a_sheet([["会议通知"], ["请各单位按时参加。"]])],
        [a_sheet(head(TRAINING), is_hidden=True)],
        [a_sheet([[column.label for column in TRAINING.columns[:4]]])],
    ],
)
def test_anything_else_is_no_such_form(sheets):
    (result,) = recognise(a_book(*sheets), FORMS).findings
    assert "附件2、附件3、附件4" in in_zh(result.message).replace(
        "附件3、附件4、附件2", "附件2、附件3、附件4"
    )
    assert in_en(result.message)


def test_a_form_that_stands_upright_is_told_what_to_do():
    lines = [[UNITS.title], *([column.full_label, 1] for column in UNITS.columns)]
    (result,) = recognise(a_book(a_sheet(lines)), FORMS).findings
    assert in_zh(result.message) == "像是附件4，但栏目竖着排在一列里；请用附件4的空表横着填写，一家一行。"


def header_of(*lines):
    return found(a_sheet([*lines, *head(TRAINING), [1, "甲"]]))


@pytest.mark.parametrize(
    "line",
    [
        ["填表单位：渝中区", None, "填表人：张三", None, "联系电话：023-1", None, "填表时间：2022年5月3日"],
        [
            "填表单位：",
            "渝中区",
            "填表人：",
            "张三",
            "联系电话：",
            "023-1",
            "填表时间：",
            None,
            "2022年5月3日",
        ],
        ["填表单位：渝中区   填表人：张三  联系电话：023-1   填表时间：2022年 5月 3日"],
        ["填报单位（盖章）：渝中区", "填报人:张三", "电话：023-1", "填报日期：2022.5.3"],
        ["填 表 单 位：__渝中区__", "填表人 张三", "联系电话", "023-1", "填表时间", datetime(2022, 5, 3)],
        [
            "填表单位",
            "渝中区",
            "填表人",
            "张三",
            "联系电话",
            "023-1",
            "填表时间",
            2022,
            "年",
            5,
            "月",
            3,
            "日",
        ],
    ],
)
def test_the_header_is_read(line):
    result = header_of([TRAINING.title], line)
    assert result.unit_text == "渝中区"
    assert result.fields["person"][1] == "张三"
    assert result.fields["phone"][1] == "023-1"
    assert result.filled_on == date(2022, 5, 3)
    assert result.unit_place[0] == 1


def test_an_empty_header_says_nothing():
    result = header_of(["填表单位：", "填表人：", "联系电话：", "填表时间：", "     年     月    日"])
    assert result.unit_text is None
    assert result.filled_on is None
    assert header_month(result) is None
    assert result.unit_place == (0, 0)


def test_fields_below_the_table_count_where_there_are_none_above():
    result = found(a_sheet([*head(TRAINING), [1, "甲"], ["填表单位：渝中区", None, "填表人：张三"]]))
    assert result.unit_text == "渝中区"
    assert len(check(result, round_=None, previous=None).filed.rows) == 1


@pytest.mark.parametrize(
    ("text", "month"),
    [("2022年5月", (2022, 5)), ("2022年5月（4月6日至5月5日）", (2022, 5)), ("２０２２年０５月", (2022, 5)),
     ("2022-05-01", (2022, 5)), ("二〇二二年十二月", (2022, 12)), ("5月", None), ("2022年13月", None),
     ("2022年4月至2022年5月", None), ("", None)],
)  # fmt: skip
def test_a_month_is_read(text, month):
    assert read_month(text) == month
    assert header_month(header_of([f"期次：{text}"])) == month


@pytest.mark.parametrize(
    ("content", "day"),
    [(datetime(2022, 5, 3, 9, 30), date(2022, 5, 3)), ("2022年5月3日", date(2022, 5, 3)), ("2022.5.3", date(2022, 5, 3)),
     ("2022/5/3", date(2022, 5, 3)), ("2022-05-03", date(2022, 5, 3)), ("20220503", date(2022, 5, 3)),
     (20220503, date(2022, 5, 3)), (44684, date(2022, 5, 3)), ("二〇二二年五月三日", date(2022, 5, 3)),
     ("年 月 日", None), ("5月3日", None), ("2022年5月", None), ("2022年2月30日", None), (None, None), (3, None),
     (float("inf"), None), (True, None)],
)  # fmt: skip
def test_a_day_is_read(content, day):
    assert read_day(content) == day


def test_shortened_heads_are_read_where_they_fit_one_column_and_the_order_agrees():
    short = {
        "special_trained": "特种作业", "managers_trained": "管理人员培训人次", "others_trained": "其他人员",
        "conditions": "制度师资场地", "records": "培训档案", "cheating": "包过班",
        "other_problems": "其他违法", "ordered": "限改", "publicised": "曝光",
    }  # fmt: skip
    labels = {TRAINING.by_id[each].full_label: text for each, text in short.items()}
    result = found(a_sheet([*head(TRAINING, lambda label: labels.get(label, label)), [1, "甲"]]))
    assert result.columns == in_order(TRAINING)
    findings = check(result, round_=None, previous=None).findings
    assert {finding.weight for finding in findings} == {Weight.READING}


@pytest.mark.parametrize("swapped", [False, True])
def test_a_shortened_head_that_could_be_two_or_stands_elsewhere_is_none(swapped):
    lines = one_row(TRAINING)
    lines[0][2] = lines[0][4] = "培训人次"
    if swapped:
        lines[0][2], lines[0][4] = "其他人员", "管理人员"
    result = found(a_sheet([*lines, [1, "甲", 3, 4, 5]]))
    assert "managers_trained" not in result.columns
