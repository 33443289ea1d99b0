"""A blank form that LibreOffice opens and saves again is still the same form; printed, it looks like the annex."""

import csv
import io
import subprocess
from datetime import datetime
from pathlib import Path

import openpyxl
import pypdf
import pytest

from tests.books import read_book
from tests.tools import made_once, required
from tests.unit.test_forms_blank import FORMS, PERIOD, ROUNDS, recognised, some_rows, written
from tracker.core.form import Filed, comparable
from tracker.forms.check.check import check
from tracker.forms.mark import SHEET, Mark, read_mark


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Every form in every round, with twelve rows and with none, and what LibreOffice makes of them."""
    required("soffice")
    return made_once(tmp_path_factory, "forms", _write_and_resave)


def _write_and_resave(here):
    names = []
    for form_id, round_ in ROUNDS:
        for count in (0, 12):
            rows = some_rows(FORMS[form_id], count)
            previous = Filed(rows, {"person": "张三", "phone": "02358123456"}) if count else None
            names.append(here / f"{form_id}-{round_}-{count}.xlsx")
            names[-1].write_bytes(written(form_id, round_=round_, previous=previous, is_own=True))
    command = [required("soffice"), "--headless", f"-env:UserInstallation={(here / 'profile').as_uri()}"]
    # Field separator comma, text in quotation marks, UTF-8.
    for kind in ("pdf", "ods", "xls", "csv:Text - txt - csv (StarCalc):44,34,76", "xlsx"):
        out = here / "again" if kind == "xlsx" else here
        subprocess.run(
            [*command, "--convert-to", kind, "--outdir", str(out), *map(str, names)],
            check=True,
            capture_output=True,
            timeout=240,
        )


CASES = [(form_id, round_, count) for form_id, round_ in ROUNDS for count in (0, 12)]
every_file = pytest.mark.parametrize(("form_id", "round_", "count"), CASES)


def places(folder, form_id, round_, count):
    name = f"{form_id}-{round_}-{count}"
    yield folder / "again" / f"{name}.xlsx"
    yield folder / f"{name}.ods"
    yield folder / f"{name}.xls"
    yield folder / f"{name}.csv"


@every_file
def test_every_kind_of_file_says_the_same(folder: Path, form_id, round_, count):
    form = FORMS[form_id]
    omitted = form.omitted(round_)
    expected = [
        {key: value for key, value in row.values.items() if key not in omitted}
        for row in some_rows(form, count)
    ]
    for path in places(folder, form_id, round_, count):
        book = read_book(path.name, path.read_bytes())
        found = recognised(path.read_bytes(), path.name)
        assert found.form.id == form_id
        assert (found.unit_text, found.period_text) == ("万州区应急管理局", PERIOD)
        assert found.columns == {column.id: at for at, column in enumerate(form.columns)}
        assert found.fields["phone"][1] == ("02358123456" if count else "")
        result = check(found, round_=round_, previous=None)
        assert [dict(row.values) for row in result.filed.rows] == expected, path
        assert bool(result.errors) is (count == 0)
        if path.suffix != ".csv":
            assert read_mark(book) == Mark(form_id, "table-2@2022-05", "wanzhou")
            assert next(sheet for sheet in book.sheets if sheet.name == SHEET).is_hidden


@every_file
def test_saved_as_xlsx_it_keeps_its_guards_and_its_shape(folder: Path, form_id, round_, count):
    name = f"{form_id}-{round_}-{count}.xlsx"
    before, after = (openpyxl.load_workbook(path) for path in (folder / name, folder / "again" / name))
    assert after[SHEET].sheet_state in {"hidden", "veryHidden"}
    ours, theirs = before.worksheets[0], after.worksheets[0]
    assert {str(area) for area in theirs.merged_cells.ranges} == {
        str(area) for area in ours.merged_cells.ranges
    }
    assert guarded(theirs) == guarded(ours)
    assert theirs.protection.sheet
    for row in ours.iter_rows():
        for cell in row:
            other = theirs[cell.coordinate]
            assert other.value == cell.value
            assert other.protection.locked == cell.protection.locked, cell.coordinate
    # Frozen panes are not compared: LibreOffice without a window drops those of any file.
    assert theirs.print_title_rows == ours.print_title_rows


def guarded(sheet):
    """Which kind of rule each cell has."""
    return {
        (cell, rule.type)
        for rule in sheet.data_validations.dataValidation
        for area in rule.sqref.ranges
        for cell in area.cells
    }


@every_file
def test_printed_it_is_an_a4_page_with_every_word_on_it(folder: Path, form_id, round_, count):
    form = FORMS[form_id]
    pdf = pypdf.PdfReader(folder / f"{form_id}-{round_}-{count}.pdf")
    # Room for fifteen more rows makes a second page; what is empty is on one.
    assert len(pdf.pages) == 1 if count == 0 else len(pdf.pages) <= 2
    for page in pdf.pages:
        assert round(page.mediabox.width) == 842
        assert round(page.mediabox.height) == 595
    first = comparable(pdf.pages[0].extract_text())
    everywhere = comparable("".join(page.extract_text() for page in pdf.pages))
    assert comparable(form.title) in first
    for text in form.instructions:
        assert comparable(text) in everywhere
    for column in form.columns:
        for page in pdf.pages:
            assert set(comparable(column.label)) <= set(comparable(page.extract_text()))


def test_a_day_typed_in_the_field_is_read_back(tmp_path: Path):
    soffice = required("soffice")
    book = openpyxl.load_workbook(io.BytesIO(written("training-institutions")))
    sheet = book.worksheets[0]
    rule = next(r for r in sheet.data_validations.dataValidation if r.type == "date")
    sheet[str(rule.sqref)] = datetime(2022, 5, 3)
    book.save(tmp_path / "a.xlsx")
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    kind = "csv:Text - txt - csv (StarCalc):44,34,76"
    for each in ("ods", kind):
        command = [soffice, "--headless", profile, "--convert-to", each, "--outdir", str(tmp_path)]
        subprocess.run([*command, str(tmp_path / "a.xlsx")], check=True, capture_output=True, timeout=120)
    for name in ("a.xlsx", "a.ods", "a.csv"):
        found = recognised((tmp_path / name).read_bytes(), name)
        assert str(found.filled_on) == "2022-05-03"
    rows = list(csv.reader((tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()))
    assert any("2022年5月3日" in row for row in rows)
