"""Heads that say another measure or another thing than the form's, rows that number columns, heads that come again."""

import pytest

from tests.unit.test_forms_check import FORMS, TRAINING, UNITS, A, B, a_book
from tracker.forms.book import Book, Cell, Merge, Sheet
from tracker.forms.check.check import check
from tracker.forms.check.recognise import recognise

MANAGERS, SPECIAL, OTHERS = (
    TRAINING.by_id[each].full_label for each in ("managers_trained", "special_trained", "others_trained")
)
FINE = TRAINING.by_id["fine"].full_label
#: A table stands in rows 3 and 4 (its head) and from 5 on.
HEAD, FIRST = 3, 4


def a_table(form, rows, heads=None, put=None, lines=None):
    """A workbook with the table of ``form``: ``heads`` are other labels, ``put`` further cells, ``lines`` rows below."""
    (sheet,) = a_book(form, rows).sheets
    cells = dict(sheet.cells)
    for place, cell in sheet.cells.items():
        plain = str(cell.value).replace("\n", "")
        if heads and place[0] in {HEAD - 1, HEAD} and plain in heads:
            cells[place] = Cell(heads[plain])
    for number, line in enumerate(lines or [], start=FIRST + len(rows)):
        cells |= {(number, at): Cell(value) for at, value in enumerate(line) if value is not None}
    cells |= {place: Cell(value) for place, value in (put or {}).items()}
    return Book("表.xlsx", "xlsx", (type(sheet)(sheet.name, cells, sheet.merges),))


def read(form, rows, **more):
    (table,) = recognise(a_table(form, rows, **more), FORMS).tables
    assert table.form is form
    return check(table, round_=None, previous=None)


def weights(result):
    return [(each.weight.value, each.cell) for each in result.findings]


@pytest.mark.parametrize(
    ("label", "head", "cell"),
    [(FINE, head, "M4") for head in (
        "罚款（元）", "罚款/元", "罚款[元]", "罚款【元】", "罚款（人民币元）", "罚款，元", "罚款元", "罚款（圆）",
        "罚款（RMB）", "罚款（百元）",
        "罚款（￥）", "罚款\n单位：元", "罚款（单位：千元）", "罚款金额（元）", "罚款金额元", "罚款（计量单位：亿元）",
        "罚款：元",
    )]
    + [(MANAGERS, MANAGERS.replace("人次/年", each), "C4") for each in ("百人次", "千人次/年", "万人", "千")]
    + [(SPECIAL, "特种作业人员培训万人次", "D4")],
)  # fmt: skip
def test_a_head_that_says_another_measure_is_an_error(label, head, cell):
    assert weights(read(TRAINING, [A, B], heads={label: head})) == [("error", cell)]


@pytest.mark.parametrize(
    "heads",
    [
        {FINE: "罚款"}, {FINE: "罚款\n单位：万元"}, {FINE: "罚款/万元"}, {FINE: "罚款[万元]"}, {FINE: "罚款（万）"},
        {FINE: "罚款（人民币万元）"},
        {SPECIAL: "特种作业人员培训人次（人次）"}, {SPECIAL: "特种作业人员培训人次（人/年）"}, {SPECIAL: "特种作业人员培训人次"},
    ],
)  # fmt: skip
def test_a_head_that_says_its_own_measure_in_another_way_is_read(heads):
    assert weights(read(TRAINING, [A, B], heads=heads)) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [("单位：元", "error"), ("金额单位：元", "error"), ("（计量单位：家、项、元）", "error"), ("单位：千元", "error"),
    ("金额以元为单位", "error"),
     ("单位：万元", None), ("计量单位：家、项、人、万元", None) ],
)  # fmt: skip
@pytest.mark.parametrize("row", [0, 8], ids=["above", "below"])
def test_a_measure_beside_the_table_is_that_of_its_columns(text, expected, row):
    rows = [{"serial": 1, "enterprises": 50, "inspected": 10, "fine": 900}]
    fine = UNITS.by_id["fine"].full_label
    bare = read(UNITS, rows, heads={fine: "罚款"}, put={(row, 10): text})
    assert weights(bare) == ([(expected, f"K{row + 1}")] if expected else [])
    # Where the head itself says 万元, one of both is wrong: that is asked.
    both = read(UNITS, rows, put={(row, 10): text})
    assert weights(both) == ([("question", f"K{row + 1}")] if expected else [])


def test_a_measure_in_the_head_of_the_group_or_in_a_row_below_is_that_of_the_column():
    group = read(TRAINING, [A], heads={FINE: "罚款", "处罚情况": "处罚情况（单位：元）"})
    assert weights(group) == [("error", "L3")]
    for units, expected in (("元", [("error", "M5")]), ("万元", []), ("百元", [("error", "M5")])):
        row = [None, None, "人次", "人次", "人次", *["项"] * 5, None, None, units]
        below = read(TRAINING, [], heads={FINE: "罚款"}, lines=[row, [1, "甲", 1, *[None] * 9, 900]])
        assert weights(below) == expected
        assert len(below.filed.rows) == 1


@pytest.mark.parametrize(
    ("label", "head"),
    [
        (SPECIAL, "上月特种作业人员培训人次"), (SPECIAL, "特种作业人员计划培训人次"), (SPECIAL, "特种作业人员取证人次"),
        (SPECIAL, "特种作业人员培训合格人次"), (SPECIAL, "特种作业人员培训人次（上月）"), (SPECIAL, "特种作业人员应培训人次"),
        (SPECIAL, "特种作业人员未培训人次"), (SPECIAL, "4月特种作业人员培训人次"), (SPECIAL, "特种作业人员考试人次"),
        (OTHERS, "人员培训总人次"), (OTHERS, "人员培训人次"), ("限期改正", "未限期改正"),
        ("自查/执法检查发现问题情况", "上月自查/执法检查发现问题情况"),
    ],
)  # fmt: skip
def test_a_head_that_may_mean_something_else_is_asked_about(label, head):
    result = read(TRAINING, [A, B], heads={label: head})
    assert {each.weight.value for each in result.findings} == {"question"}
    assert len(result.filed.rows) == 2


@pytest.mark.parametrize(
    ("label", "head"),
    [
        ("抽查企业数量（家）", "未抽查企业数量"), ("抽查企业数量（家）", "应抽查企业数量"),
        ("未如实记录安全生产教育和培训情况（项）", "如实记录安全生产教育和培训情况"),
        ("特种作业人员无证上岗/持假证上岗（人）", "特种作业人员持证上岗"),
    ],
)  # fmt: skip
def test_a_head_whose_sense_is_turned_is_asked_about(label, head):
    rows = [{"serial": 1, "enterprises": 50, "inspected": 10}]
    assert {each for each, _ in weights(read(UNITS, rows, heads={label: head}))} == {"question"}


@pytest.mark.parametrize(
    ("label", "head"),
    [(SPECIAL, "特种做业人员培训人次"), (SPECIAL, "特种作业人员安全培训人次"), (SPECIAL, "特种作业培训人数"), (OTHERS,
    "其它人员培训人次"),
     ("限期改正", "责令限期改正")],
)  # fmt: skip
def test_a_head_that_is_but_typed_in_another_way_is_a_reading(label, head):
    assert {each for each, _ in weights(read(TRAINING, [A, B], heads={label: head}))} == {"reading"}


@pytest.mark.parametrize(
    "row",
    [
        ["栏次", *range(1, 17)], ["甲", "乙", *range(1, 16)], ["甲", "乙", "丙", *range(1, 15)], [1, None, *range(3, 18)],
        [None, None, *range(1, 9)], [f"（{number}）" for number in range(1, 18)],
    ],
)  # fmt: skip
def test_a_row_that_numbers_the_columns_belongs_to_the_head(row):
    result = read(TRAINING, [], lines=[row, [1, "甲", 5, 6, 7]])
    assert weights(result) == []
    assert [dict(each.values) for each in result.filed.rows] == [
        {"name": "甲", "managers_trained": 5, "special_trained": 6, "others_trained": 7}
    ]


def test_a_row_of_figures_that_follow_each_other_is_one_of_data():
    result = read(UNITS, [], lines=[[1, 2, 3, 4, 5, 6, 7, 8]])
    assert len(result.filed.rows) == 1


@pytest.mark.parametrize(("serial", "is_taken"), [(3, True), (1, False)])
def test_a_head_that_comes_again_in_another_order_is_that_of_its_rows(serial, is_taken):
    labels = [column.full_label for column in TRAINING.columns]
    labels[2], labels[3] = labels[3], labels[2]
    result = read(TRAINING, [A, B], lines=[labels, [serial, "新校", 10, 200]])
    if is_taken:
        assert dict(result.filed.rows[2].values) == {
            "name": "新校",
            "managers_trained": 200,
            "special_trained": 10,
        }
        assert {each for each, _ in weights(result)} == {"reading"}
    else:
        assert result.errors


def test_a_place_is_no_measure():
    rows = [{"serial": 1, "enterprises": 50, "inspected": 10, "fine": 900}]
    for text in ("单位：元坝镇", "单位：万州区应急局", "按项目填写", "设计：个人"):
        assert weights(read(UNITS, rows, put={(0, 10): text})) == []


def with_a_column(form, rows, at, head, parts, values):
    """The table with one more column behind that of number ``at``, whose head is put down as ``head``.

    ``parts`` are words below the head of both; ``values`` what stands in the new column, row by row.
    """
    (sheet,) = a_table(form, rows).sheets
    down = 1 if parts else 0

    def moved(row, column):
        return row + down * (row >= FIRST), column + (column > at)

    cells = {moved(*place): cell for place, cell in sheet.cells.items()}
    cells |= {(HEAD, each): Cell(text) for each, text in head.items()}
    cells |= {(FIRST, each): Cell(text) for each, text in zip((at, at + 1), parts, strict=False)}
    cells |= {(FIRST + down + nth, at + 1): Cell(value) for nth, value in enumerate(values)}
    merges = [Merge(*moved(*each[:2]), *moved(*each[2:])) for each in sheet.merges]
    merges += [] if at + 1 in head or parts == ("", "") else [Merge(HEAD, at, HEAD, at + 1)]
    (table,) = recognise(Book("表.xlsx", "xlsx", (Sheet(sheet.name, cells, tuple(merges)),)), FORMS).tables
    return check(table, round_=None, previous=None)


@pytest.mark.parametrize(
    ("at", "head", "parts", "values", "expected"),
    [
        # Below one head; a head that is merged over both says so alone.
        (3, {}, ("本月", "累计"), [60, 70], [("error", "D4")]),
        (3, {}, ("上月累计", "本月累计"), [60, 70], [("error", "D4")]),
        (3, {}, ("男", "女"), [60, 70], [("error", "D4")]),
        (3, {}, (), [60, 70], [("error", "D4")]),
        (11, {}, ("否", "是"), ["√", "√"], [("error", "L4")]),
        # What stands below one of them alone is a head of another sense.
        (3, {}, ("本月", "累计"), [], [("question", "D4")]),
        # Two heads, neither of which is the column's own.
        (3, {3: "本月特种作业人员培训人次", 4: "累计特种作业人员培训人次"}, (), [60, 70], [("error", "D4")]),
        (3, {3: "特种作业人员计划培训人次", 4: "特种作业人员应培训人次"}, (), [60, 70], [("error", "E4")]),
        # Beside its own head another one is that of a column which nobody knows.
        (3, {4: "累计特种作业人员培训人次"}, (), [60, 70], [("question", "E4")]),
        (1, {}, (), ["甲路1号", "乙路2号"], [("question", "C4")]),
    ],
)  # fmt: skip
def test_of_several_columns_for_one_none_is_taken(at, head, parts, values, expected):
    result = with_a_column(TRAINING, [A, B], at, head, parts, values)
    assert weights(result) == expected
    assert [row.values["name"] for row in result.filed.rows] == ["甲培训中心", "乙职业学校"]
