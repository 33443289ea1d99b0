"""Rows that are no data: totals, words for nothing, headings, examples, what is struck out or cannot be seen."""

from dataclasses import replace

import pytest

from tests.unit.test_forms_check import FORMS, TRAINING, UNITS, A, B, a_book, checked, said
from tracker.core.form import Filed, FiledRow
from tracker.forms.book import Cell
from tracker.forms.check import check
from tracker.forms.labels import is_all_total, says_total
from tracker.forms.recognise import recognise

C = {"serial": 3, "name": "丙学校", "managers_trained": 7, "special_trained": 5, "rectification": "未整改"}
SUMS = {"managers_trained": 157, "special_trained": 85, "records": 2, "fine": 1.5}
E1 = {"serial": 1, "enterprises": 50, "inspected": 10, "no_plan": 1}
E2 = {"serial": 2, "enterprises": 30, "inspected": 5, "records": 2}


def names(result):
    return [row.values.get("name") for row in result.filed.rows]


@pytest.mark.parametrize(
    "label",
    ["万州区合计", "总数", "汇总", "全区汇总", "Total", "三家机构合计", "以上合计", "本区县小计", "合计3家", "合计（家）",
     "共3家", "总 计", "计", "年度合计", "累计数", "Sub-total", "1至3月累计", "合計", "市级总计"],
)  # fmt: skip
@pytest.mark.parametrize("column", ["serial", "name"])
def test_a_label_of_nothing_but_a_total_is_left_out_in_silence_where_its_figures_are_the_sums(label, column):
    result = checked(TRAINING, [A, B, C, {column: label, **SUMS}])
    assert said(result) == []
    assert names(result) == ["甲培训中心", "乙职业学校", "丙学校"]


@pytest.mark.parametrize(
    ("rows", "kept", "expected"),
    [
        # By the label only: left out, and asked where it differs.
        ([A, B, C, {"name": "全区汇总", **SUMS, "records": 3}], 3, [("question", "H8")]),
        ([A, B, C, {"name": "合计涪陵培训", "records": 2}], 3, [("question", "B8")]),
        ([A, B, C, {"name": "涪陵培训汇总", **SUMS}], 3, [("question", "B8")]),
        # By the figures only: left out, and asked.
        ([A, B, C, {"name": "全区培训机构", **SUMS}], 3, [("question", "B8")]),
        ([A, B, C, SUMS], 3, [("question", "C8")]),
        ([{"name": "全区", **SUMS}, A, B, C], 3, [("question", "B5")]),
        # A name with such a word in it, and other figures, is a row.
        ([A, B, {**C, "name": "甲汇总乙学校"}], 3, [("question", "B7")]),
        # What has words of its own is a row, whatever its figures.
        ([A, B, C, {"serial": 4, "name": "丁学校", **SUMS, "level": "市级"}], 4, [("question", "B8")]),
        # One row above, or one figure: no sums.
        ([A, {**A, "name": "乙学校", "ordered": None}], 2, []),
        ([{"name": "甲", "records": 1}, {"name": "乙", "records": 2}, {"name": "丙", "records": 3}], 3, []),
        # A sum by formulas is a total, whatever its label.
        ([A, B, {"name": "三家", "managers_trained": Cell(150, "=SUM(C5:C6)"), "special_trained": Cell(80, "=SUM(D5:D6)")}],
         2, [("question", "B7")]),
        # Subtotals without labels, and the total of all.
        ([A, B, {"managers_trained": 150, "special_trained": 80}, C, {**C, "name": "戊", "serial": 5},
          {"managers_trained": 14, "special_trained": 10}, {"name": "总计", "managers_trained": 164, "special_trained": 90}],
         4, [("question", "C7"), ("question", "C10")]),
    ],
)  # fmt: skip
def test_one_of_label_and_figures_leaves_a_row_out_and_asks(rows, kept, expected):
    result = checked(TRAINING, rows)
    assert said(result) == expected
    assert len(result.filed.rows) == kept


def test_a_total_without_a_label_in_a_form_without_names_is_asked_about():
    result = checked(UNITS, [E1, E2, {"enterprises": 80, "inspected": 15, "no_plan": 1, "records": 2}])
    assert said(result) == [("question", "B7")]
    assert [row.values["enterprises"] for row in result.filed.rows] == [50, 30]


@pytest.mark.parametrize(
    "name", ["汇川安全培训中心", "共和县培训学校", "总工会职工学校", "计量培训学校", "Summit Training"]
)
def test_a_name_is_no_total(name):
    assert not says_total(name)
    assert not is_all_total(name)


@pytest.mark.parametrize(
    "words",
    ["无", "/", "——", "本月无", "无新增", "暂无", "本辖区无培训机构", "未发现问题", "没有此类机构", "无相关情况。", "不涉及",
     "经自查无问题", "我区无考试点", "空"],
)  # fmt: skip
@pytest.mark.parametrize("more", [{}, {"records": 0, "fine": "/"}, {"records": "无"}])
def test_words_for_nothing_in_the_only_row_are_a_nil_return_that_is_asked_about(words, more):
    result = checked(TRAINING, [{"serial": 1, "name": words, **more}])
    assert said(result) == [("question", "B5")]
    assert result.filed == replace(result.filed, rows=(), is_nil=True)


@pytest.mark.parametrize(("column", "cell"), [("serial", "A5"), ("name", "B5")])
def test_words_for_nothing_across_the_table_are_one_too(column, cell):
    words = "经自查，本区无培训机构（安全培训点）。"
    result = checked(TRAINING, [{column: words}], merges=[(0, 0 if column == "serial" else 1, 0, 16)])
    assert said(result) == [("question", cell)]
    assert result.filed.is_nil


def test_words_for_nothing_after_a_month_with_rows_are_not_taken_until_confirmed():
    previous = Filed((FiledRow({"name": "甲", "records": 2}),))
    assert said(checked(TRAINING, [{"name": "无新增"}], previous=previous)) == [("error", "B5")]
    ticked = checked(TRAINING, [{"name": "无新增"}], previous=previous, above=["零报告：√"])
    assert said(ticked) == [("question", "A2")]
    assert ticked.filed.is_nil


@pytest.mark.parametrize("words", ["同上月", "与上月一致", "无变化", "数据同上期"])
def test_as_last_month_is_no_figure(words):
    assert said(checked(TRAINING, [{"serial": 1, "name": words}])) == [("error", "B5")]


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("无损检测培训中心", {}),
        ("无锡驻渝学校", {"records": 0}),
        ("无", {"records": 3}),
        ("零公里培训学校", {}),
    ],
)
def test_a_name_that_begins_so_is_a_name(name, more):
    assert not checked(TRAINING, [{"serial": 1, "name": name, **more}]).filed.is_nil


def test_a_row_for_nothing_beside_others_is_no_row():
    result = checked(TRAINING, [A, {"serial": 2, "name": "无"}, {"serial": 3, "name": "/", "records": "/"}])
    assert said(result) == []
    assert len(result.filed.rows) == 1


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"name": "一、安全培训机构"}, [("reading", "B5")]),
        ({"name": "（二）特种作业"}, [("reading", "B5")]),
        ({"name": "其中："}, [("reading", "B5")]),
        ({"serial": "一、安全培训机构"}, []),
        ({"serial": "一", "name": "市属机构"}, [("reading", "B5")]),
        ({"serial": "例", "name": "渝安培训学校", "records": 2}, [("question", "B5")]),
        ({"serial": 1, "name": "例：渝安培训学校", "records": 2}, [("question", "B5")]),
        ({"name": "平均", "records": 2}, [("question", "B5")]),
        ({"serial": "占比", "records": 2}, [("question", "H5")]),
        ({"name": "比上月增加", "records": 2}, [("question", "B5")]),
        ({"serial": 1, "name": "某某学校", "records": 2}, [("question", "B5")]),
        ({"serial": 1, "name": "XX培训公司", "records": 2}, [("question", "B5")]),
    ],
)
def test_headings_and_examples_are_no_institutions(row, expected):
    result = checked(TRAINING, [row, A])
    assert said(result) == expected
    assert names(result) == ["甲培训中心"]


def test_the_first_of_its_kind_is_a_name():
    assert names(checked(TRAINING, [{**A, "name": "例规培训学校"}])) == ["例规培训学校"]


def test_rows_that_nobody_sees_count_and_are_asked_about_and_struck_ones_do_not():
    book = a_book(TRAINING, [A, B, C], below=["填写说明："])
    sheet = book.sheets[0]
    struck = frozenset((6, column) for column in range(17))
    unseen = replace(sheet, hidden_rows=frozenset({5, 7}), hidden_columns=frozenset({2, 30}), struck=struck)
    (found,) = recognise(replace(book, sheets=(unseen,)), FORMS).tables
    result = check(found, round_=None, previous=None)
    assert said(result) == [("reading", "C4"), ("question", "A6"), ("question", "B7")]
    assert names(result) == ["甲培训中心", "乙职业学校"]


def test_a_figure_ten_times_last_months_is_asked_about():
    previous = Filed((FiledRow({"name": "甲培训中心", "managers_trained": 31, "records": 1}),))
    result = checked(TRAINING, [{**A, "managers_trained": 3100, "records": 20}], previous=previous)
    assert said(result) == [("question", "C5")]


@pytest.mark.parametrize(
    ("column", "figure"),
    [("managers_trained", 3_100_000), ("records", 20220503), ("others_trained", 100_001)],
)
def test_a_figure_beyond_its_bound_is_asked_about(column, figure):
    assert [weight for weight, _ in said(checked(TRAINING, [{**A, column: figure}]))] == ["question"]
