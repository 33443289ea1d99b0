"""Month after month: what has fallen, jumped or gone, by the names of the rows and nothing else."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.tools import in_zh
from tests.unit.test_forms_check import FORMS, TRAINING, UNITS, A, B, filed
from tracker.forms.check.period_checks import doubts, said

OLD = {"name": "甲培训中心", "special_trained": 31, "records": 2}


def asked(before, now, form=TRAINING, since=""):
    return [(each.code, each.row, each.column) for each in doubts(form, form.columns, now, before, since)]


@pytest.mark.parametrize(
    ("new", "found"),
    [
        (31, []),
        (130, []),
        (530, []),
        (531, [("jumped", 0, "special_trained")]),
        (3_100_000, [("jumped", 0, "special_trained")]),
        (30, [("fell", 0, "special_trained")]),
    ],
)
def test_a_figure_that_is_ten_times_the_one_before_is_asked_about(new, found):
    assert asked(filed(OLD), filed({**OLD, "special_trained": new})) == found


def test_small_figures_may_grow_tenfold():
    assert asked(filed({**OLD, "records": 1}), filed({**OLD, "records": 400})) == []


def test_rows_that_change_places_are_not_asked_about():
    assert asked(filed(A, B), filed(B, A)) == []


def test_two_rows_of_one_name_are_compared_together():
    one, two = {**OLD, "records": 2}, {**OLD, "records": 5}
    assert asked(filed(one, two), filed(two, one)) == []
    assert asked(filed(one, two), filed(one)) == [("fell", 0, "special_trained"), ("fell", 0, "records")]


def test_a_form_without_names_is_not_compared():
    before, now = (
        filed({"enterprises": 40}, {"enterprises": 9}),
        filed({"enterprises": 9}, {"enterprises": 40}),
    )
    assert asked(before, now, UNITS) == []
    assert not UNITS.accumulates


def test_a_column_may_say_that_it_does_not_accumulate():
    columns = tuple(
        replace(each, accumulates=False) if each.id == "records" else each for each in TRAINING.columns
    )
    form = replace(TRAINING, columns=columns)
    assert asked(filed(OLD), filed({**OLD, "records": 1}), form) == []
    assert asked(filed(OLD), filed({**OLD, "special_trained": 1}), form) == [("fell", 0, "special_trained")]


def test_a_date_in_a_cell_for_a_number_is_above_what_is_believed():
    for form in FORMS.values():
        for column in form.columns:
            assert (column.doubt_above is not None) is column.is_figure
            assert column.doubt_above is None or column.doubt_above < Decimal(20220503)


def test_the_month_is_named_where_it_is_not_the_last():
    (doubt,) = doubts(TRAINING, TRAINING.columns, filed({**OLD, "records": 1}), filed(OLD), "2022-04")
    message, found, expected = said(TRAINING, doubt.code, doubt.facts)
    assert in_zh(message).startswith("上一次报的表（2022年4月应报）填报2，本期1；")
    assert (found, in_zh(expected)) == ("1", "不少于2")
