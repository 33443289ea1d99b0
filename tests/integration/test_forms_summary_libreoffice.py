"""LibreOffice recalculates the summary and comes to the same figures; it reads the reply as it was written."""

import io
import subprocess

import openpyxl
import pytest

from tests.tools import in_zh, required
from tests.unit.test_forms_check import a_book
from tests.unit.test_forms_reply import BAD, answered
from tests.unit.test_forms_summary import EXAM, TRAINING, UNITS, a_summary, written


def resaved(data, folder):
    """The workbook as LibreOffice writes it again, recalculated: the values beside the formulas are taken away."""
    book = openpyxl.load_workbook(io.BytesIO(data))
    source = folder / "表.xlsx"
    book.save(source)
    out = folder / "out"
    subprocess.run(
        [
            required("soffice"),
            f"-env:UserInstallation=file://{folder}/profile",
            "--headless",
            "--convert-to",
            "xlsx",
            "--outdir",
            str(out),
            str(source),
        ],
        check=True,
        capture_output=True,
        timeout=100,
    )
    return (out / "表.xlsx").read_bytes()


def values(data):
    """Every value that is a number, and every text, by sheet and cell."""
    book = openpyxl.load_workbook(io.BytesIO(data), data_only=True)
    return {
        (sheet.title, cell.coordinate): cell.value
        for sheet in book
        for row in sheet.iter_rows()
        for cell in row
        if cell.value is not None
    }


def test_a_recalculation_comes_to_the_same_figures(tmp_path):
    data = written(*(a_summary(form) for form in (TRAINING, EXAM, UNITS)))
    before, after = values(data), values(resaved(data, tmp_path))
    assert before.keys() == after.keys()
    for place, value in before.items():
        if isinstance(value, str):
            assert after[place] == value
        else:
            assert after[place] == pytest.approx(value), place


def test_the_reply_is_whole_in_libreoffice(tmp_path):
    _, findings, data = answered(a_book(TRAINING, BAD))
    again = resaved(data, tmp_path)
    assert values(again) == values(data)
    sheet = openpyxl.load_workbook(io.BytesIO(again))["Sheet1"]
    for finding in findings:
        assert in_zh(finding.message) in sheet[finding.cell].comment.text
