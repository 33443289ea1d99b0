"""A table form is read row by row, and every finding stands at its cell."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tools import in_en, in_zh
from tracker.config.loader import load
from tracker.core.form import ColumnKind, Filed, FiledRow
from tracker.forms.book import Book, Cell, Merge, Sheet
from tracker.forms.check.check import check
from tracker.forms.check.recognise import recognise
from tracker.forms.finding import Weight

CAMPAIGN = load(Path("config")).campaign
assert CAMPAIGN is not None
FORMS = CAMPAIGN.forms
TRAINING = FORMS["training-institutions"]
EXAM = FORMS["exam-institutions"]
UNITS = FORMS["production-units"]


def a_book(
    form, rows, *, order=None, at=(0, 0), one_row=False, above=(), below=(), extra=(), merges=(), kind="xlsx"
):
    """A workbook with the table of ``form``; ``rows`` are dicts by column id, ``extra`` further cells."""
    down, right = at
    order = order or [column.id for column in form.columns]
    cells = {(down, right): form.title}
    texts = above or ["填表单位：渝中区应急管理局", "填表时间：2022年5月3日", "期次：2022年5月"]
    for number, text in enumerate(texts):
        cells[down + 1, right + number * 3] = text
    head, leaf = down + 2, down + 2 if one_row else down + 3
    last_group = None
    blocks = []
    for number, each in enumerate(order):
        column = form.by_id[each]
        if column.group and not one_row:
            cells[leaf, right + number] = column.full_label.replace("（", "\n（")
            if column.group != last_group:
                cells[head, right + number] = column.group
        else:
            cells[head, right + number] = column.full_label
            if not one_row:
                blocks.append(Merge(head, right + number, leaf, right + number))
        last_group = column.group
    for number, row in enumerate(rows, start=leaf + 1):
        for each, value in row.items():
            cells[number, right + order.index(each)] = value
    for number, text in enumerate(below, start=leaf + 1 + len(rows)):
        cells[number, right] = text
    for (row, column), value in dict(extra).items():
        cells[leaf + 1 + row, right + column] = value
    blocks += [Merge(leaf + 1 + a + 0, right + b, leaf + 1 + c, right + d) for a, b, c, d in merges]
    held = {
        place: value if isinstance(value, Cell) else Cell(value)
        for place, value in cells.items()
        if value is not None
    }
    return Book("表.xlsx", kind, (Sheet("Sheet1", held, tuple(blocks)),))


def checked(form, rows, *, round_=None, previous=None, **more):
    (found,) = recognise(a_book(form, rows, **more), FORMS).tables
    assert found.form is form
    return check(found, round_=round_, previous=previous)


def said(result):
    """Every finding as weight and cell; READINGs too."""
    cells = (one for finding in result.findings for one in finding.by_cell())
    return [(finding.weight.value, finding.cell) for finding in cells]


A = {
    "serial": 1,
    "name": "甲培训中心",
    "managers_trained": 120,
    "special_trained": 80.0,
    "records": 2,
    "ordered": "√",
}
B = {"serial": 2, "name": "乙职业学校", "managers_trained": 30, "fine": 1.5, "rectification": "正在整改"}


def test_a_clean_table_has_no_finding():
    result = checked(TRAINING, [A, B], below=["填写说明：", *TRAINING.instructions])
    assert result.findings == ()
    assert result.row_numbers == (4, 5)
    assert [dict(row.values) for row in result.filed.rows] == [
        {"name": "甲培训中心", "managers_trained": 120, "special_trained": 80, "records": 2, "ordered": True},
        {"name": "乙职业学校", "managers_trained": 30, "fine": Decimal("1.5"), "rectification": "正在整改"},
    ]
    assert result.filed.header == {
        "unit": "渝中区应急管理局",
        "filled_on": "2022年5月3日",
        "period": "2022年5月",
    }
    assert not result.filed.is_nil


@pytest.mark.parametrize(
    ("rows", "more", "expected"),
    [
        # rows that are no data
        ([A, {}, {"serial": 2}, B], {}, []),
        ([A, B, {"serial": "合计", "managers_trained": 150, "records": 2, "ordered": 1}], {}, []),
        ([A, B, {"name": "合 计", "managers_trained": Cell(150, "=SUM(C5:C6)")}], {}, []),
        ([A, B, {"name": "合计", "managers_trained": 151}], {}, [("question", "C7")]),
        ([A, {"name": "小计", "records": 2}, B, {"name": "小计", "fine": 1.5}, {"name": "总计", "fine": 1.5}], {}, []),
        ([A, {"managers_trained": 0, "special_trained": 0}], {}, []),
        ([A], {"below": ["填表人：张三", "5"]}, []),
        ([A], {"below": ["（盖章）"]}, []),
        ([A], {"extra": {(0, 19): "说明：右边的字不是数据", (7, 19): 3}}, []),
        ([A, {each.id: each.full_label for each in TRAINING.columns}, B], {}, []),
        ([{**A, "rectification": "注：已完成整改"}, {**B, "records": "x"}], {}, [("reading", "Q5"), ("error", "H6")]),
        ([A, {"serial": "填写说明："}, {"serial": 2, "name": "丙", "records": 1, "cheating": 1}], {}, [("error", "B7")]),
        ([A], {"above": ["零报告：", "单位：万元"]}, []),
        # names
        ([A, {"managers_trained": 3}], {}, [("error", "B6")]),
        ([A, {**A, "name": "甲 培训中心"}], {}, [("question", "B6")]),
        # one cell each
        ([{**A, "records": "两三"}], {}, [("error", "H5")]),
        ([{**A, "records": Cell(2, "=1+1")}], {}, [("reading", "H5")]),
        ([{**A, "records": Cell(None, "=1+1")}], {}, [("error", "H5")]),
        ([{**A, "serial": Cell(1, "=ROW()-4")}], {}, []),
        ([{**A, "records": "3项"}], {}, [("reading", "H5")]),
        ([{**A, "records": "3人"}], {}, [("question", "H5")]),
        ([{**A, "fine": 30000}], {}, [("question", "M5")]),
        ([{**A, "fine": "30000元"}], {}, [("error", "M5")]),
        ([{**A, "ordered": "罚款3万元"}], {}, [("error", "L5")]),
        # merged cells
        ([A, {**B, "name": None}], {"merges": [(0, 1, 1, 1)]}, [("reading", "B5")]),
        ([A, {**B, "records": None}], {"merges": [(0, 7, 1, 7)]}, [("question", "H5")]),
        ([A, {}], {"merges": [(0, 1, 1, 1), (0, 7, 1, 7)]}, []),
        ([A, B], {"merges": [(0, 7, 0, 8)]}, [("error", "H5")]),
        ([A, {"serial": "乙职业学校", "records": 1}], {"merges": [(1, 0, 1, 1)]}, [("error", "A6")]),
        # columns
        ([A], {"extra": {(-1, 17): "备注", (0, 17): "已约谈"}}, [("reading", "R4")]),
        ([A], {"extra": {(-1, 17): "地址", (0, 17): "南坪"}}, [("question", "R4")]),
        ([A], {"extra": {(-1, 17): "备注"}}, []),
        # nothing to report
        ([], {}, [("error", "B5")]),
        ([{"serial": 1}, {"serial": 2}], {}, [("error", "B5")]),
        ([{"name": "零报告"}], {}, []),
        ([{"name": "本月无情况，零报告√"}], {}, []),
        ([{"name": "零报告", "records": 0}], {}, []),
        ([{"name": "零报告", "records": 2}], {}, [("error", "H5")]),
        ([A, {"name": "零报告"}], {}, [("error", "B6")]),
        ([], {"above": ["零报告：√"]}, []),
        ([], {"above": ["零报告：", "√"]}, []),
        ([], {"above": ["零报告：", "×"]}, [("error", "D2")]),
        ([A], {"above": ["填表单位：渝中区", "零报告（没有情况打√）："]}, []),
        ([A], {"above": ["零报告：√"]}, [("error", "A2")]),
    ],
)  # fmt: skip
def test_what_is_found_and_where(rows, more, expected):
    assert said(checked(TRAINING, rows, **more)) == expected


def test_a_missing_column_is_named_unless_the_round_leaves_it_out():
    order = [column.id for column in TRAINING.columns if column.id not in {"records", "fine"}]
    result = checked(TRAINING, [{"name": "甲"}], order=order, round_="self-check")
    assert [in_zh(finding.message) for finding in result.errors] == [
        "缺少“未建立培训档案、档案不规范、档案造假（项）”一栏。"
    ]
    assert len(checked(TRAINING, [{"name": "甲"}], order=order).errors) == 2


def test_what_a_round_leaves_out_is_asked_about_and_not_taken():
    result = checked(TRAINING, [{**A, "fine": 0, "suspended": "/"}], round_="self-check")
    assert said(result) == [("question", "L5")]
    assert "ordered" not in result.filed.rows[0].values


def test_a_part_is_not_expected_to_exceed_the_whole():
    assert said(checked(UNITS, [{"enterprises": 5, "inspected": 6}])) == [("question", "C5")]
    assert said(checked(UNITS, [{"inspected": 6}])) == []


def filed(*rows):
    return Filed(
        tuple(FiledRow({each: value for each, value in row.items() if each != "serial"}) for row in rows)
    )


def test_a_question_that_is_the_same_in_many_rows_is_asked_once_and_names_its_cells():
    row = {"enterprises": 1, "inspected": 1, "fine": 3.5}
    result = checked(UNITS, [row, {**row, "fine": 2}, row, row, {**row, "fine": 1}, row])
    (question,) = result.questions
    assert in_zh(question.message) == "这一行的数与第5行完全相同，已分别计入；如是重复或合计，请删去。"
    assert in_zh(question.said) == f"{in_zh(question.message)}B8、B10同样。"
    assert in_en(question.said).endswith(" The same at B8, B10.")
    assert said(result) == [("question", cell) for cell in ("B7", "B8", "B10")]


def test_sentences_that_differ_in_figures_and_names_alone_are_one_question_for_each_column():
    rows = [{"enterprises": 5, "inspected": 6 + number, "fine": 9000 + number} for number in range(30)]
    result = checked(UNITS, rows)
    above, fine = result.questions
    assert "（6）多于" in in_zh(above.message)
    assert in_zh(above.said).endswith("请核对。C6:C34同样。")
    assert (above.cell, fine.cell) == ("C5", "J5")
    assert len(said(result)) == 60


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ([A], [A], []),
        ([A], [{**A, "records": 1}], [("question", "H5")]),
        ([A], [{**A, "records": None}], [("question", "H5")]),
        ([A], [{**A, "records": "x"}], [("error", "H5")]),
        ([A], [{**A, "records": 9}, B], []),
        ([A], [B, {**A, "name": "甲培训 中心"}], []),
        ([A, B], [A], [("question", "B3")]),
        ([A], [{"name": "零报告"}], [("question", "B5")]),
        ([], [{"name": "零报告"}], []),
    ],
)
def test_a_month_against_the_one_before(before, now, expected):
    assert said(checked(TRAINING, now, previous=filed(*before))) == expected


def test_both_figures_are_named_where_one_has_fallen():
    message = checked(TRAINING, [{**A, "records": 1}], previous=filed(A)).questions[0].message
    assert in_zh(message) == "上期填报2，本期1；应在上期基础上填写，请核对。"


def test_a_csv_has_no_numbers_and_is_not_blamed_for_it():
    assert (
        said(checked(TRAINING, [{**A, "managers_trained": "120", "special_trained": "80"}], kind="csv")) == []
    )


NAMES = st.text("甲乙丙丁戊己庚辛", min_size=2, max_size=6).map(lambda text: f"{text}培训学校")


def a_value(column):
    match column.kind:
        case ColumnKind.COUNT:
            return st.integers(0, 1000)
        case ColumnKind.AMOUNT:
            return st.decimals(0, 900, places=2).map(float)
        case ColumnKind.TICK:
            return st.just("√")
        case ColumnKind.CHOICE:
            return st.sampled_from([choice.word for choice in column.choices])
        case ColumnKind.NAME:
            return NAMES
        case _:
            return st.integers(1, 99)


@st.composite
def tables(draw):
    form = draw(st.sampled_from(list(FORMS.values())))
    name = next((column.id for column in form.columns if column.kind is ColumnKind.NAME), None)
    is_numbered = draw(st.booleans())
    rows: list[dict[str, object]] = []
    for _ in range(draw(st.integers(1, 5))):
        row = {
            column.id: draw(a_value(column))
            for column in form.columns
            if column.kind is not ColumnKind.SERIAL and (draw(st.booleans()) or column.id == name)
        }
        # A row without a number where others have one is asked about.
        if is_numbered:
            row["serial"] = len(rows) + 1
        # So that no row happens to be the sum of others.
        first = "no_plan" if name is None else next(each.id for each in form.columns if each.is_figure)
        row[first] = 3 ** len(rows)
        if "inspected" in row:
            row["enterprises"] = row["inspected"] + draw(st.integers(0, 9))
        if name is None or row[name] not in [other[name] for other in rows]:
            rows.append(row)
    order = draw(st.permutations([column.id for column in form.columns]))
    at = draw(st.tuples(st.integers(0, 12), st.integers(0, 6)))
    return form, rows, {"order": order, "at": at, "one_row": draw(st.booleans())}


@settings(max_examples=150, deadline=None)
@given(tables())
def test_no_clean_cell_is_ever_blamed(table):
    form, rows, more = table
    result = checked(form, rows, **more)
    assert said(result) == []
    for row, read in zip(rows, result.filed.rows, strict=True):
        for column in form.columns:
            value = row.get(column.id)
            if column.kind is ColumnKind.TICK:
                assert read.values.get(column.id) == (True if value else None)
            elif column.kind is not ColumnKind.SERIAL:
                assert read.values.get(column.id) == (
                    Decimal(str(value)) if isinstance(value, float) else value
                )


MISTAKES: dict[ColumnKind, list[object]] = {
    ColumnKind.COUNT: ["约3", -1, 2.5, "3万元", Cell(None, "=1+2"), Cell("#REF!", is_error=True), True],
    ColumnKind.AMOUNT: ["很多", -0.5, "3000元", Cell(None, "=A1")],
    ColumnKind.TICK: ["罚款3万元", 7],
    ColumnKind.CHOICE: ["不清楚", 4, "市级、区县级、未整改、正在整改"],
    ColumnKind.NAME: [Cell(None, "=B1"), "校" * 300],
}


@settings(max_examples=150, deadline=None)
@given(tables(), st.data())
def test_one_sown_mistake_is_found_at_its_cell_and_nowhere_else(table, data):
    form, rows, more = table
    column = data.draw(st.sampled_from([each for each in form.columns if each.kind in MISTAKES]))
    number = data.draw(st.integers(0, len(rows) - 1))
    rows[number] = {**rows[number], column.id: data.draw(st.sampled_from(MISTAKES[column.kind]))}
    result = checked(form, rows, **more)
    head = 3 if more["one_row"] else 4
    place = more["at"][0] + head + number, more["at"][1] + more["order"].index(column.id)
    assert [(finding.weight, finding.place) for finding in result.findings] == [(Weight.ERROR, place)]


ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(-10, 10**15), st.floats(), st.datetimes(), st.times(), st.text(max_size=8),
    st.sampled_from(["√", "零报告", "合计", "填写说明：", "填表时间：", "约3", "1,2", "注：", "序号", "处罚情况"]),
    st.builds(Cell, st.sampled_from([None, 3, "甲", 2.5]), st.just("=A1")),
    st.builds(Cell, st.just("#REF!"), is_error=st.just(True)),
)  # fmt: skip
PLACES = st.tuples(st.integers(-4, 8), st.integers(0, 20))
BLOCKS = st.tuples(st.integers(-4, 6), st.integers(0, 17), st.integers(0, 3), st.integers(0, 4)).map(
    lambda block: (block[0], block[1], block[0] + block[2], block[1] + block[3])
)


@settings(max_examples=300, deadline=None)
@given(tables(), st.dictionaries(PLACES, ANYTHING, max_size=25), st.lists(BLOCKS, max_size=4), st.booleans())
def test_nothing_that_is_typed_into_a_sheet_breaks_the_reading_of_it(table, extra, merges, has_previous):
    form, rows, _ = table
    previous = filed(*rows) if has_previous and form is TRAINING else None
    for found in recognise(a_book(form, rows, extra=extra, merges=merges), FORMS).tables:
        result = check(found, round_="self-check" if found.form.rounds else None, previous=previous)
        assert len(result.row_numbers) == len(result.filed.rows)
        for finding in result.findings:
            assert finding.sheet == "Sheet1"
            assert in_zh(finding.message)
            assert in_en(finding.message)
