"""Totals and subtotals whose label, figures or place differ from what one expects: nothing is counted twice in silence."""

import pytest

from tests.unit.test_forms_check import TRAINING, UNITS, checked, said

A = {
    "serial": 1,
    "name": "甲学校",
    "managers_trained": 320,
    "special_trained": 210,
    "others_trained": 45,
    "records": 2,
}
B = {"serial": 2, "name": "乙学校", "managers_trained": 120, "special_trained": 80, "teaching": 1}
C = {
    "serial": 3,
    "name": "丙学校",
    "managers_trained": 60,
    "others_trained": 15,
    "records": 1,
    "level": "市级",
}
SUMS = {"managers_trained": 500, "special_trained": 290, "others_trained": 60, "records": 3, "teaching": 1}
WRONG = {**SUMS, "special_trained": 291}
NAMES = ["甲学校", "乙学校", "丙学校"]


def names(result):
    return [row.values.get("name") for row in result.filed.rows]


@pytest.mark.parametrize(
    "label",
    ["全部", "总共", "一共", "全区", "本区", "全县", "渝中区", "渝中区应急管理局", "总体情况", "总体", "总量", "总人次", "总值",
     "加总", "累加", "统计", "匯總", "以上3家", "共有3家机构", "全区数据", "辖区内培训机构总量", "all", "Totals", "Σ",
     "和", "所有机构", "丁"],
)  # fmt: skip
@pytest.mark.parametrize("place", ["first", "last"])
def test_a_numbered_total_with_a_figure_that_is_wrong_is_no_row(label, place):
    total = {"name": label, **WRONG}
    rows = [{"serial": 0, **total}, A, B, C] if place == "first" else [A, B, C, {"serial": 4, **total}]
    result = checked(TRAINING, rows)
    assert names(result) == NAMES
    assert [weight for weight, _ in said(result)] == ["question"]


@pytest.mark.parametrize("label", ["全区", "渝中区", "本区机构", "一共"])
def test_a_label_of_the_whole_is_a_total_whatever_its_figures(label):
    figures = {
        "managers_trained": 510,
        "special_trained": 300,
        "others_trained": 70,
        "records": 9,
        "teaching": 4,
    }
    result = checked(TRAINING, [A, B, C, {"serial": 4, "name": label, **figures}])
    assert names(result) == NAMES
    assert said(result)[0][0] == "question"


def test_a_place_that_is_no_more_than_the_others_is_a_row_that_is_asked_about():
    result = checked(TRAINING, [A, B, {**C, "name": "本区"}])
    assert names(result) == ["甲学校", "乙学校", "本区"]
    assert said(result) == [("question", "B7")]


def test_the_whole_as_the_only_row_counts_and_is_asked_about():
    result = checked(TRAINING, [{**A, "name": "全区"}])
    assert names(result) == ["全区"]
    assert said(result) == [("question", "B5")]


@pytest.mark.parametrize("towns", [["龙沙镇", "高峰镇", "五桥街道"], ["涪陵区", "江北区", "南岸区"]])
def test_rows_that_are_called_by_their_places_are_rows(towns):
    rows = [{**row, "name": name} for row, name in zip([A, B, C], towns, strict=True)]
    result = checked(TRAINING, rows)
    assert names(result) == towns
    assert said(result) == []


@pytest.mark.parametrize(
    "name", ["统计学校", "全安培训公司", "和平学校", "总部培训基地", "共和学校", "所有志学校", "Allsafe"]
)
def test_a_name_that_begins_like_a_total_is_a_name(name):
    result = checked(TRAINING, [A, B, {**C, "name": name}])
    assert names(result)[-1] == name
    assert said(result) == []


def above(rows, numbers):
    """Rows with the sums of those below them; an int is how many, a name is a row."""
    return [{**row, "serial": number} for row, number in zip(rows, numbers, strict=True)]


TOWN = {"name": "城区", "managers_trained": 440, "special_trained": 290, "others_trained": 45}
LAND = {"name": "乡镇", "managers_trained": 60, "special_trained": 30, "others_trained": 15}
A1 = {"name": "甲学校", "managers_trained": 320, "special_trained": 210, "others_trained": 45}
A2 = {"name": "乙学校", "managers_trained": 120, "special_trained": 80}
A3 = {**LAND, "name": "丙学校"}
ALL = {"name": "小结", "managers_trained": 500, "special_trained": 320, "others_trained": 60}


@pytest.mark.parametrize(
    ("rows", "numbers", "cells"),
    [
        ([TOWN, A1, A2, LAND, A3], "一 1 2 二 1", ["B5", "B8"]),
        ([TOWN, A1, A2, LAND, A3], "一 1 2 二 3", ["B5", "B8"]),
        ([TOWN, A1, A2, LAND, A3], "（一） 1 2 （二） 1", ["B5", "B8"]),
        # A sum that is wrong is a heading by its number all the same.
        ([{**TOWN, "managers_trained": 441}, A1, A2, LAND, A3], "一 1 2 二 1", ["B5", "B8"]),
        ([TOWN, A1, A2, LAND, A3], "1 2 3 4 5", ["B5", "B8"]),
        ([ALL, TOWN, A1, A2, LAND, A3], "1 2 3 4 5 6", ["B5", "B6", "B9"]),
    ],
)  # fmt: skip
def test_subtotals_above_their_parts_are_asked_about_and_not_counted(rows, numbers, cells):
    result = checked(TRAINING, above(rows, numbers.split()))
    assert names(result) == NAMES
    assert sorted(said(result)) == [("question", cell) for cell in cells]


@pytest.mark.parametrize(
    "numbers", ["1 (1) (2) 2", "1 1.1 1.2 2", "1 1-1 1-2 2", "1 （1） （2） 2", "1 1) 2) 2"]
)
def test_what_is_numbered_below_a_row_is_a_part_of_it(numbers):
    rows = above(
        [{**TOWN, "name": "甲学校", "records": 1}, {**A1, "name": "东校区"}, {**A2, "name": "西校区"}, A3],
        numbers.split(),
    )
    result = checked(TRAINING, rows)
    assert names(result) == ["甲学校", "丙学校"]
    assert [weight for weight, _ in said(result)] == ["question"] * 2


@pytest.mark.parametrize(
    "numbers", ["1 (2) 3", "一 二 三", "(1) (2) (3)", "1.1 1.2 1.3", "1、 2、 3、", "1 2 2.1"]
)
def test_numbers_that_are_written_in_several_ways_make_no_parts(numbers):
    result = checked(TRAINING, above([A1, A2, A3], numbers.split()))
    assert names(result) == (NAMES if numbers != "1 2 2.1" else NAMES[:2])


def test_a_subtotal_of_which_one_figure_of_three_is_wrong_is_asked_about():
    result = checked(TRAINING, above([{**TOWN, "special_trained": 291}, A1, A2, LAND, A3], range(1, 6)))
    assert said(result) == [("question", "B5"), ("question", "B8")]


def test_a_heading_without_figures_leaves_its_rows():
    result = checked(TRAINING, above([{"name": "城区"}, A1, A2, A3], ["一", 1, 2, 3]))
    assert names(result) == NAMES


def test_small_figures_that_may_be_sums_by_chance_count_and_are_asked_about():
    figures = [(1, 3, 2), (2, 2, 1), (3, 1, 1), (4, 9, 0)]
    rows = [{"serial": a, "name": f"第{a}学校", "managers_trained": b, "records": c} for a, b, c in figures]
    result = checked(TRAINING, rows)
    assert len(result.filed.rows) == 4
    assert said(result) == [("question", "B5")]


@pytest.mark.parametrize(
    ("labels", "kept"),
    [(["全区", "其中：矿山", "危化", "烟花"], [100]), ([1, "其中：矿山", "危化", "烟花"], [100]),
     ([1, "其中：矿山", 2, 3], [100]),
     (["全区", "其中：", "危化", "烟花"], [100])],
)  # fmt: skip
def test_all_that_follows_and_makes_up_the_row_above_is_a_part_of_it(labels, kept):
    figures = [(100, 17), (50, 10), (30, 5), (20, 2)]
    rows = [
        {"serial": label, "enterprises": first, "inspected": second}
        for label, (first, second) in zip(labels, figures, strict=True)
    ]
    result = checked(UNITS, rows)
    assert [row.values["enterprises"] for row in result.filed.rows] == kept
    assert {("question", f"B{row}") for row in (6, 7, 8)} <= set(said(result))
    # What does not is one of its own.
    result = checked(UNITS, [*rows[:2], {"serial": 2, "enterprises": 7, "inspected": 3}])
    assert [row.values["enterprises"] for row in result.filed.rows] == [100, 7]


def test_a_word_that_was_dragged_down_makes_no_row_of_a_total():
    rows = [
        {"serial": 1, "enterprises": 50, "inspected": 10, "no_plan": 1, "rectification": "正在整改"},
        {"serial": 2, "enterprises": 30, "inspected": 5, "rectification": "未整改"},
        {"serial": 3, "enterprises": 80, "inspected": 15, "no_plan": 1, "rectification": "未整改"},
    ]
    result = checked(UNITS, rows)
    assert len(result.filed.rows) == 2
    assert said(result) == [("question", "B7")]
