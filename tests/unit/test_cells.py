"""Cells of CSV: whatever a spreadsheet would take for a formula comes out as a text, whichever command writes it."""

import csv
import io

import pytest

from tests.source import calls
from tracker.cli.output import print_csv

DANGEROUS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\n=1", "\0=1", "＝1+1", "＋1", "－1", "＠x"]


def written(value, capsys):
    print_csv([{"a": value}], ["a"])
    ((_,), (cell,)) = csv.reader(io.StringIO(capsys.readouterr().out, newline=""))
    return cell


@pytest.mark.parametrize("text", DANGEROUS)
def test_no_text_begins_as_a_formula_does(text, capsys):
    assert written(text, capsys) == f"'{text}"
    assert written([text, "b"], capsys) == f"'{text};b"


def test_no_text_begins_a_row_of_its_own(capsys):
    assert written("a\r=1", capsys) == "a\n=1"
    assert written("\r\n=1", capsys) == "'\n=1"


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (-1, "-1"),
        (1.5, "1.5"),
        (None, ""),
        (True, "true"),
        ("a=1", "a=1"),
        (["a", "-b"], "a;-b"),
        ({"a": "=1"}, '{"a": "=1"}'),
    ],
)
def test_what_is_no_text_or_no_formula_stays_as_it_is(value, cell, capsys):
    assert written(value, capsys) == cell


def callers(name):
    """The names of the files in which something called so is called."""
    return [file.rpartition("/")[2] for called, file, _ in calls() if called.endswith(name)]


def test_there_is_no_other_way_to_write_csv():
    assert [*callers("csv.writer"), *callers("csv.DictWriter")] == ["csv_cells.py"]


def test_no_workbook_is_written_by_guessing_what_a_text_is():
    """xlsxwriter's own ways to write a row make formulas and links of texts; formulas of ours are written as such."""
    assert not [*callers(".write_row"), *callers(".write_column"), *callers("sheet.write")]
    assert set(callers(".write_formula")) == {"overview_sheet.py", "changes_sheet.py", "summary.py"}
