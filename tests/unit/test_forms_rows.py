"""Rows that are no data: totals, words for nothing, headings, examples, what is struck out or cannot be seen."""

from dataclasses import replace

import pytest

from tests.unit.test_forms_check import FORMS, TRAINING, UNITS, A, B, a_book, checked, said
from tracker.core.form import Filed, FiledRow
from tracker.forms.book import Book, Cell
from tracker.forms.check.check import check
from tracker.forms.check.labels import is_all_total, says_total
from tracker.forms.check.recognise import recognise

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
     "经自查无问题", "我区无考试点", "空", "目前我区没有安全培训机构，特此说明", "本月无新增，累计无", "无（0）", "N/A", "none"],
)  # fmt: skip
@pytest.mark.parametrize("more", [{}, {"records": 0, "fine": "/"}, {"records": "无"}])
def test_words_for_nothing_in_the_only_row_are_a_nil_return_that_is_asked_about(words, more):
    result = checked(TRAINING, [{"serial": 1, "name": words, **more}])
    assert said(result) == [("question", "B5")]
    assert result.filed == replace(result.filed, rows=(), is_nil=True)


@pytest.mark.parametrize(
    "words",
    ["详见附件", "见附表2", "附后", "待报", "待核实", "正在统计", "统计中", "已注销", "停业", "已停业整顿"],
)
def test_words_that_the_figures_are_elsewhere_are_no_row_and_no_nil_return(words):
    alone = checked(TRAINING, [{"serial": 1, "name": words}])
    assert said(alone) == [("question", "B5"), ("error", "B5")]
    assert not alone.filed.is_nil
    beside = checked(TRAINING, [A, {"serial": 2, "name": words}])
    assert said(beside) == [("question", "B6")]
    assert names(beside) == ["甲培训中心"]


@pytest.mark.parametrize(
    "name",
    ["见习培训学校", "待定安全学校", "如意培训学校", "重庆模板租赁公司", "ZOOM培训", "AAA级培训中心", "二〇〇八学校",
    "示范性培训基地",
     "安培中心**"],
)  # fmt: skip
def test_a_name_that_is_like_such_words_is_a_name(name):
    assert names(checked(TRAINING, [A, {"serial": 2, "name": name, "records": 1}])) == ["甲培训中心", name]


@pytest.mark.parametrize(
    "name",
    ["填写示例", "填报样例", "（填写样例）", "如：安全学校", "例如安全学校", "比如安全学校", "**学校", "＊＊公司", "OO学校",
    "〇〇学校", "△△公司",
     "某公司", "某培训机构", "____学校", "样表", "Example", "e.g. school", "sample", "张三学校(示例)", "……公司", "AA学校",
     "重庆**学校",
     "机构名称（全称）", "填写说明见下", "模板"],
)  # fmt: skip
def test_what_shows_how_to_fill_in_or_names_nobody_is_no_row(name):
    result = checked(
        TRAINING,
        [{"serial": 1, "name": name, "managers_trained": 100, "special_trained": 200}, {**A, "serial": 2}],
    )
    assert said(result) == [("question", "B5")]
    assert names(result) == ["甲培训中心"]


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


FIGURES = {"managers_trained": 60, "special_trained": 30}
KNOWN = Filed(
    (
        FiledRow({"name": "甲培训中心", "managers_trained": 1}),
        FiledRow({"name": "丙学校", "managers_trained": 1}),
    )
)


@pytest.mark.parametrize(
    "label",
    ["其中：区县级", "其中停业整顿", "本月新增", "本月", "本期数", "4月数", "截至4月底", "截止目前", "年度目标", "2021年数据",
     "差额", "上月数", "去年同期", "市级", "区县级", "停业整顿", "已整改", "未整改数"],
)  # fmt: skip
@pytest.mark.parametrize("place", [{}, {"serial": 3}])
def test_a_part_or_another_time_is_no_row_and_is_asked_about(label, place):
    result = checked(TRAINING, [A, B, {**place, "name": label, **FIGURES}])
    assert said(result) == [("question", "B7")]
    assert names(result) == ["甲培训中心", "乙职业学校"]


def test_a_part_is_none_where_it_stands_in_the_place_of_the_number_either():
    result = checked(UNITS, [E1, {"serial": "其中", "enterprises": 30, "inspected": 5}])
    assert said(result) == [("question", "B6")]
    assert [row.values["enterprises"] for row in result.filed.rows] == [50]


@pytest.mark.parametrize(
    "name", ["本级", "第一考试点", "一分校", "十二中", "1-2", "机构1", "新设学校", "市政培训学校"]
)
def test_a_numbered_row_with_a_name_of_its_own_is_a_row(name):
    result = checked(TRAINING, [A, B, {"serial": 3, "name": name, **FIGURES}])
    assert names(result)[-1] == name
    assert ("question", "B7") not in said(result) or name == "1-2"


@pytest.mark.parametrize(
    ("rows", "kept", "expected"),
    [
        # Without a number where the others have one: taken, and asked about.
        ([A, B, {"name": "市属机构", **FIGURES}], 3, [("question", "B7")]),
        # Below the total as well: left out.
        ([A, B, {"name": "合计", "managers_trained": 150}, {"name": "市属机构", **FIGURES}], 2, [("question", "B8")]),
        # With a number: taken, and asked about.
        ([A, B, {"name": "合计", "managers_trained": 150}, {"serial": 3, "name": "丙学校", "managers_trained": 7}],
         3, [("question", "B8")]),
        # Where nobody has numbers, a row below the total is asked about alone.
        ([{**A, "serial": None}, {"name": "合计", "managers_trained": 120}, {"name": "市属机构", "special_trained": 30}],
         2, [("question", "B7")]),
        ([{**A, "serial": None}, {**B, "serial": None}], 2, []),
        ([{**A, "serial": None}, {**B, "serial": None}, {"name": "王小丽"}], 3, [("question", "B7")]),
    ],
)  # fmt: skip
def test_a_row_that_lacks_the_signs_of_one_is_not_counted_in_silence(rows, kept, expected):
    result = checked(TRAINING, rows)
    assert said(result) == expected
    assert len(result.filed.rows) == kept


def test_a_row_that_was_there_last_month_needs_no_number():
    result = checked(TRAINING, [A, {"name": "丙 学校", **FIGURES}], previous=KNOWN)
    assert said(result) == []
    assert len(result.filed.rows) == 2


@pytest.mark.parametrize(
    "text",
    ["审核人签字", "以上情况属实", "以上3家机构均已检查", "其余机构无培训", "备注", "附：检查照片", "王小丽 13800001111", "……",
     "（以下空白）", "※ 数据截至4月底"],
)  # fmt: skip
@pytest.mark.parametrize("place", [{}, {"serial": 3}])
def test_a_note_in_the_place_of_a_name_is_no_row(text, place):
    result = checked(TRAINING, [A, B, {**place, "name": text}])
    assert said(result) == [("question", "B7")]
    assert names(result) == ["甲培训中心", "乙职业学校"]


@pytest.mark.parametrize(
    "text",
    ["（公章）", "2022年5月3日", "制表：王小丽", "审核：李四    制表：王小丽", "负责人（签字）：", "共1页 第1页", "第1页",
    "填报日期：2022.5.3",
     "联系人：王五  电话：58120000", "单位（盖章）：", "分管领导：", "打印日期：2022-05-03"],
)  # fmt: skip
@pytest.mark.parametrize("column", ["name", "special_trained", "rectification"])
def test_who_signed_is_asked_about_only_where_it_has_the_number_of_a_row(text, column):
    result = checked(TRAINING, [A, B, {column: text}])
    assert said(result) == []
    assert names(result) == ["甲培训中心", "乙职业学校"]
    numbered = checked(TRAINING, [A, B, {"serial": 3, "name": text}])
    assert [cell for _, cell in said(numbered)] == ["B7"]
    assert names(numbered) == ["甲培训中心", "乙职业学校"]


def test_a_name_over_two_rows_is_one_and_its_ticks_count_once():
    wrapped = [{**A, "name": "渝江安全"}, {"name": "培训中心"}, {**B, "serial": 2}]
    merges = [(0, at, 1, at) for at in range(17) if at != 1]
    result = checked(TRAINING, wrapped, merges=merges)
    assert said(result) == [("question", "B6")]
    assert names(result) == ["渝江安全培训中心", "乙职业学校"]
    assert [row.values.get("ordered") for row in result.filed.rows] == [True, None]
    # Without the merge it is known by what both are together.
    assert names(checked(TRAINING, wrapped)) == ["渝江安全培训中心", "乙职业学校"]
    # With numbers of their own, as a blank form has them, both count, and it is asked.
    numbered = checked(
        TRAINING, [{**A, "name": "渝江安全"}, {"serial": 2, "name": "培训中心"}, {**B, "serial": 3}]
    )
    assert said(numbered) == [("question", "B6")]
    assert len(numbered.filed.rows) == 3
    # Two names of which each is one stay two.
    result = checked(TRAINING, [A, {"name": "丙学校"}, B])
    assert said(result) == [("question", "B6")]
    assert names(result) == ["甲培训中心", "乙职业学校"]


def test_a_total_alone_is_the_row_of_a_form_without_names_and_none_of_one_with_names():
    result = checked(UNITS, [{"serial": "合计", "enterprises": 100, "inspected": 19, "fine": 1.5}])
    assert said(result) == [("question", "B5")]
    assert [row.values["enterprises"] for row in result.filed.rows] == [100]
    result = checked(TRAINING, [{"name": "合计", **FIGURES}])
    assert said(result) == [("error", "B5")]


def test_a_struck_out_figure_does_not_count_and_is_asked_about():
    book = a_book(TRAINING, [A, B])
    sheet = replace(book.sheets[0], struck=frozenset({(4, 2)}))
    recognised = recognise(replace(book, sheets=(sheet,)), FORMS).tables[0]
    result = check(recognised, round_=None, previous=None)
    assert said(result) == [("question", "C5")]
    assert "managers_trained" not in result.filed.rows[0].values


def test_a_figure_that_nobody_sees_is_asked_about_and_counts():
    (sheet,) = a_book(TRAINING, [A, {**B, "fine": 0}]).sheets
    fine = next(place for place, cell in sheet.cells.items() if cell.value == 0)
    book = Book("表.xlsx", "xlsx", (replace(sheet, faded=frozenset({(4, 2), fine})),))
    (table,) = recognise(book, FORMS).tables
    result = check(table, round_=None, previous=None)
    assert said(result) == [("question", "C5")]
    assert result.filed.rows[0].values["managers_trained"] == A["managers_trained"]
