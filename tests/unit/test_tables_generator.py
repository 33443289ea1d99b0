"""The generator of the acceptance proof: it is the truth of others, so it is looked at by itself."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

import openpyxl
import pytest

from tests.acceptance.annexes import ENTERPRISES, INSPECTED, MONTHS, TABLES, Row, districts, sums
from tests.acceptance.slips import MAKERS, TOTAL
from tests.acceptance.tables import FIRST, LATE, SECOND, tell
from tests.acceptance.test_tables_2022 import read_summary
from tests.acceptance.workbooks import QUIRKS, TICKS, Style, draw, fill_in, same, write
from tests.tools import ROOT


@pytest.fixture(scope="module")
def units():
    return districts(ROOT / "config")


@pytest.fixture(scope="module")
def whole(units):
    return tell(2022, units)


@pytest.fixture(scope="module")
def small(units):
    return tell(2022, units[:8], MONTHS[:3], slips=0.55)


def test_one_seed_tells_one_story(units, small):
    assert tell(2022, units[:8], MONTHS[:3], slips=0.55) == small
    assert tell(2023, units[:8], MONTHS[:3], slips=0.55) != small


def test_there_are_41_districts(units):
    assert len({unit.id for unit in units}) == 41


def test_the_labels_stand_in_the_document():
    document = same((ROOT / "tests" / "fixtures" / "document.txt").read_text(encoding="utf-8"))
    for table in TABLES:
        assert document.count(same(table.title)) >= 1
        for column in table.columns:
            label = f"{column.label}（{column.unit}）" if column.unit else column.label
            assert same(label) in document, label


@pytest.mark.parametrize("size", ["small", "whole"])
def test_every_slip_is_made(size, request):
    replay = request.getfixturevalue(size)
    made = Counter(each.slip.kind for each in replay.sent if each.slip)
    assert set(made) == {*MAKERS, "empty"}


@pytest.mark.parametrize("size", ["small", "whole"])
def test_everything_happens_that_can_happen_to_a_table(size, request):
    replay = request.getfixturevalue(size)
    nil_late = everything = 0
    for month in replay.months:
        late, counts = replay.late(month), replay.submits(month)
        everything += bool(late) + (2 in counts.values())
        nil_late += sum(each.is_nil for each in replay.in_force(month).values())
    assert everything == 2 * len(replay.months)
    assert nil_late
    assert any(each.copy_of for each in replay.sent)


def test_figures_never_fall_but_where_that_is_the_slip(whole):
    before: dict[tuple[str, str], tuple[Row, ...]] = {}
    for month in MONTHS:
        for each in sorted(whole.in_force(month).values(), key=lambda each: each.cell):
            table = each.table
            was = before.get((table.form, each.unit.id), ())
            for number, row in enumerate(each.rows):
                key = row[table.name] if table.name else number
                old: Row = next((old for n, old in enumerate(was) if old.get(table.name or "", n) == key), {})
                for column in table.figures(month):
                    slip = each.slip
                    is_slip = slip is not None and (slip.row, slip.column) == (number, column.label)
                    falls = row[column.label] < old.get(column.label, 0)
                    assert falls == (is_slip and slip.kind == "fallen"), (each.stem, column.label)
                if table.name is None:
                    assert row[INSPECTED] <= row[ENTERPRISES]
            before[table.form, each.unit.id] = each.rows


def test_no_table_says_the_same_as_the_month_before(whole):
    for earlier, later in pairwise(MONTHS[1:]):
        was = {(each.table.form, each.unit.id): each for each in whole.in_force(earlier).values()}
        for each in whole.in_force(later).values():
            old = was.get((each.table.form, each.unit.id))
            assert each.is_nil or old is None or old.rows != each.rows


def test_what_was_taken_is_corrected_within_the_term(whole):
    for each in whole.sent:
        others = [other for other in whole.sent if other.cell == each.cell and other.batch > each.batch]
        assert not (each.is_taken and any(other.batch == LATE for other in others))


def test_fines_have_one_or_two_decimals(whole):
    fines = [row.get("罚款", 0) for each in whole.sent for row in each.rows]
    places = {len(str(fine).partition(".")[2]) for fine in fines if isinstance(fine, Decimal)}
    assert {1, 2} <= places <= {0, 1, 2}


def test_sums_are_exact():
    table = TABLES[0]
    rows = [{"罚款": Decimal("0.1"), "停业整顿": True}, {"罚款": Decimal("0.2"), "停业整顿": False}]
    assert sums(table, "2022-05", rows)["罚款"] == Decimal("0.3")
    assert sums(table, "2022-05", rows)["停业整顿"] == 1
    assert "罚款" not in sums(table, "2022-04", rows)


def test_files_of_a_batch_have_names_of_their_own(whole):
    for month in MONTHS:
        for batch in (FIRST, SECOND, LATE):
            names = [each.stem for each in whole.batch(month, batch)]
            assert len(names) == len(set(names))


def test_every_way_of_writing_is_used(small):
    styles = [Style.of(each) for each in small.sent]
    assert {quirk for style in styles for quirk in style.quirks} == set(QUIRKS)
    assert {style.is_marked for style in styles} == {True, False}
    assert {style.ending for style in styles} == {".xlsx", ".csv"}


@pytest.fixture(scope="module")
def files(small, tmp_path_factory):
    """Every file of the small replay, by its sending."""
    found = []
    for number, each in enumerate(small.sent):
        folder = tmp_path_factory.mktemp(f"file-{number}")
        style = Style.of(each)
        page = draw(each, style)
        found.append((each, style, page, write(each, style, page, folder)))
    return found


def _figure(value):
    """As a clerk reads it."""
    text = str(value or 0).translate(str.maketrans("０１２３４５６７８９．", "0123456789.")).replace(",", "")
    return Decimal(re.sub(r"(人次|项|家|人|万元)$", "", text))


def test_the_cells_say_what_is_true(files):
    for each, style, page, path in files:
        if style.ending != ".xlsx":
            continue
        sheet = openpyxl.load_workbook(path).worksheets[0]
        for (index, label), place in page.at.items():
            slip = each.slip
            value = sheet.cell(place[0] + 1, place[1] + 1).value
            if slip is not None and (slip.row, slip.column) == (index, label) and slip.writes is not None:
                assert value == slip.writes
            elif index != TOTAL and label not in {"序号", each.table.name}:
                column = next(one for one in each.table.columns if one.label == label)
                true = each.rows[index].get(label)
                if column.kind in {"count", "amount"}:
                    assert _figure(value) == (true or 0), (path.name, place)
                elif column.kind == "tick":
                    assert (value in TICKS) == bool(true)


def test_only_cells_that_a_slip_spoils_are_dates_or_formulas(files):
    for each, style, page, path in files:
        if style.ending == ".xlsx":
            sheet = openpyxl.load_workbook(path).worksheets[0]
            values = [sheet.cell(row + 1, column + 1).value for row, column in page.at.values()]
            odd = [value for value in values if isinstance(value, datetime) or str(value).startswith("=")]
            slip = each.slip
            assert odd == ([slip.writes] if slip and slip.kind in {"date", "formula"} else [])


def test_a_missing_column_is_missing_and_no_other(files):
    for each, style, page, _ in files:
        if style.ending == ".xlsx" and each.rows:
            written = {label for row, label in page.at if row == 0}
            gone = {column.label for column in each.table.columns} - written
            slip = each.slip
            assert gone == ({slip.writes} if slip and slip.kind == "column missing" else set())


def test_a_blank_is_filled_in_where_the_page_says(small, tmp_path):
    """Three numbered lines, as a form with nothing in it has: enough for three rows, and not for four."""
    nil = next(each for each in small.sent if each.is_nil and each.month != MONTHS[0])
    plain = Style(frozenset(), is_marked=True, ending=".xlsx", sheet="附件", header_is_split=True)
    blank = write(nil, plain, draw(nil, plain), tmp_path)
    full = next(each for each in small.sent if each.table == nil.table and len(each.rows) > 3)
    assert fill_in(blank, full, tmp_path / "full.xlsx") is None
    some = replace(full, rows=full.rows[:2], slip=None)
    page = fill_in(blank, some, tmp_path / "some.xlsx")
    assert page is not None
    sheet = openpyxl.load_workbook(tmp_path / "some.xlsx").worksheets[0]
    assert sheet.title == page.sheet
    for index, row in enumerate(some.rows):
        for column in some.table.asked(some.month):
            if column.kind == "count":
                assert sheet[page.address(index, column.label)].value == row[column.label]


def test_a_summary_is_read_by_its_words(units):
    table, month = TABLES[2], "2022-05"
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(["附件4 汇总"])
    sheet.append(["单位", *(column.group for column in table.columns)])
    sheet.append([None, *(f"{column.label}\n（{column.unit}）" for column in table.columns[:10]), "停业整顿"])
    for column, each in enumerate(table.columns, start=2):
        sheet.cell(3, column, f"{each.label}\n({each.unit})" if each.unit else each.label)
    sheet.append([units[0].name, 1, 50, 3])
    sheet.append([None, 2, 60, 4])
    sheet.append([None, "小计", 110, 7, None, None, None, None, None, 1, 0.30000000000000004])
    sheet.append(["合计", None, 110, 7, None, None, None, None, None, "√"])
    found = read_summary(sheet, table, month, [unit.name for unit in units])
    assert set(found.subtotals) == {units[0].name}
    assert found.subtotals[units[0].name][ENTERPRISES] == 110
    assert found.subtotals[units[0].name]["罚款"] == Decimal("0.3")
    assert found.total[INSPECTED] == 7
    assert found.total["限期改正"].is_nan()
