"""A month of tables from the command line: forms out, filled ones in, who is missing, the summary."""

import io
import json
from email import message_from_bytes, policy
from pathlib import Path

import openpyxl
import pytest

from tests.tools import ROOT, Place

MONTH = "2022-05"


@pytest.fixture
def place(tmp_path):
    """The shipped campaign."""
    texts = {
        name: (ROOT / f"config/{name}.yaml").read_text(encoding="utf-8")
        for name in ("tasks", "units", "settings")
    }
    place = Place(tmp_path, **texts)
    (place.config / "forms").mkdir()
    for path in (ROOT / "config/forms").glob("*.yaml"):
        (place.config / "forms" / path.name).write_bytes(path.read_bytes())
    return place


def head(sheet, label):
    """The cell of a head that begins with ``label``."""
    for row in sheet.iter_rows():
        for cell in row:
            if isinstance(cell.value, str) and "".join(cell.value.split()).startswith(label):
                return cell
    raise AssertionError(label)


def fill(path, rows, *, target=None, nil=False):
    """Type ``rows`` (label → value) into a form as a clerk does; the addresses of what was typed."""
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    first = head(sheet, "其他违法违规行为").row + 1
    typed = {}
    for number, row in enumerate(rows):
        for label, value in row.items():
            cell = sheet.cell(first + number, head(sheet, label).column)
            cell.value = value
            typed[number, label] = cell.coordinate
    if nil:
        label = head(sheet, "零报告")
        sheet.cell(label.row, label.column + 1).value = "√"
        for merged in sheet.merged_cells.ranges:
            if label.coordinate in merged:
                sheet.cell(label.row, merged.max_col + 1).value = "√"
    book.save(target or path)
    return typed


def blank(place, unit="万州", form="training-institutions", month=MONTH):
    done = place.ok("forms", "blank", "--month", month, "--unit", unit, "--form", form, "-o", "out")
    return place.folder / done.out.strip()


def take(place, *arguments, code=0):
    done = place.tracker("forms", "import", *arguments, "--format", "json")
    assert done.code == code, done.err
    return done.lines


def status(place, ref, unit="万州"):
    (row,) = place.json("status", "--ref", ref, "--unit", unit)["rows"]
    return row["state"], row["late_days"], row["via"]


ROW = {
    "安全培训机构名称": "万州安全技术培训学校",
    "特种作业人员培训人次": 120,
    "其他违法违规行为": 2,
    "罚款": 1.5,
}


def test_every_unit_gets_its_three_forms_of_the_month(place):
    done = place.ok("forms", "blank", "--month", MONTH, "-o", "out")
    assert len(done.out.splitlines()) == 41 * 3
    assert len(list((place.folder / "out").glob("*.xlsx"))) == 41 * 3


def test_a_filled_form_is_taken_and_the_light_turns(place):
    path = blank(place)
    fill(path, [ROW])
    (line,) = take(place, path, "--on", "2022-05-03")
    assert (line["unit"], line["form"], line["period"]) == ("wanzhou", "training-institutions", MONTH)
    assert (line["taken"], line["errors"], line["questions"]) == (True, [], [])
    assert status(place, "table-2@2022-05") == ("done", 0, "form")


def test_an_error_is_said_at_its_cell_and_nothing_is_taken(place):
    path = blank(place)
    typed = fill(path, [{**ROW, "特种作业人员培训人次": "若干"}])
    (line,) = take(place, path, "--replies", "answers", code=1)
    assert not line["taken"]
    (error,) = line["errors"]
    assert (error["cell"], error["found"]) == (typed[0, "特种作业人员培训人次"], "若干")
    assert error["expected"]
    # Nothing was filed: it stays among what was due before this ledger began.
    assert status(place, "table-2@2022-05")[0] == "before"
    (answer,) = (place.folder / "answers").glob("*.xlsx")
    sheet = openpyxl.load_workbook(answer).worksheets[0]
    assert error["expected"] in sheet[error["cell"]].comment.text
    assert sheet[error["cell"]].value == "若干"


def test_the_answer_can_be_corrected_and_sent_back(place):
    path = blank(place)
    typed = fill(path, [{**ROW, "特种作业人员培训人次": "若干"}])
    take(place, path, "--replies", "answers", code=1)
    (answer,) = (place.folder / "answers").glob("*.xlsx")
    book = openpyxl.load_workbook(answer)
    book.worksheets[0][typed[0, "特种作业人员培训人次"]].value = 120
    book.save(answer)
    (line,) = take(place, answer)
    assert (line["taken"], line["unit"], line["ref"]) == (True, "wanzhou", "table-2@2022-05")


def test_taken_twice_counts_once_and_a_correction_replaces(place):
    path = blank(place)
    fill(path, [ROW])
    take(place, path, "--on", "2022-05-03")
    (again,) = take(place, path, "--on", "2022-05-03")
    assert (again["taken"], again["again"]) == (True, True)
    fill(path, [{**ROW, "其他违法违规行为": 3}])
    take(place, path, "--on", "2022-05-04")
    events = place.json("history", "table-2@2022-05")
    assert [event["event"] for event in events] == ["submit", "submit"]
    assert total(place, "附件2") == {"其他违法违规行为": 3}


def total(place, sheet, labels=("其他违法违规行为",), month=MONTH):
    """The figures of the last row of the summary."""
    place.ok("forms", "summary", "--month", month, "-o", "all.xlsx")
    book = openpyxl.load_workbook(place.folder / "all.xlsx", data_only=True)
    (found,) = [each for each in book.worksheets if each.title.startswith(sheet)]
    (row,) = {cell.row for line in found.iter_rows() for cell in line if cell.value == "合计"}
    return {label: found.cell(row, head(found, label).column).value for label in labels}


def test_a_nil_return_is_an_answer_and_an_empty_file_is_asked_about(place):
    path = blank(place)
    (line,) = take(place, path, code=1)
    assert not line["taken"]
    assert "零报告" in line["errors"][0]["message"]
    fill(path, [], nil=True)
    (line,) = take(place, path, "--on", "2022-05-03")
    assert (line["taken"], line["nil"]) == (True, True)
    assert status(place, "table-2@2022-05")[0] == "nil"


def test_next_month_stands_on_this_one(place):
    path = blank(place)
    fill(path, [ROW])
    take(place, path, "--on", "2022-05-03")
    june = blank(place, month="2022-06")
    sheet = openpyxl.load_workbook(june).worksheets[0]
    first = head(sheet, "其他违法违规行为").row + 1
    assert sheet.cell(first, head(sheet, "安全培训机构名称").column).value == ROW["安全培训机构名称"]
    assert sheet.cell(first, head(sheet, "特种作业").column).value == 120
    typed = fill(june, [{**ROW, "特种作业人员培训人次": 90}])
    (line,) = take(place, june, "--on", "2022-06-02")
    assert line["taken"]
    (question,) = line["questions"]
    assert question["cell"] == typed[0, "特种作业人员培训人次"]
    assert "120" in question["message"]


def test_the_supervisor_sees_who_is_missing_and_whom_to_call(place):
    path = blank(place)
    fill(path, [ROW])
    take(place, path, "--on", "2022-05-03")
    done = place.tracker(
        "forms", "missing", "--month", MONTH, "--form", "training-institutions", "--format", "json"
    )
    assert done.code == 1
    missing = done.json
    assert len(missing) == 40
    assert "wanzhou" not in {each["unit"] for each in missing}
    assert all(each["contacts"] and each["ref"] == "table-2@2022-05" for each in missing)
    done = place.tracker(
        "forms", "missing", "--month", MONTH, "--unit", "万州", "--form", "training-institutions"
    )
    assert done.code == 0


def test_the_unit_gets_a_receipt_with_the_checked_copy(place):
    path = blank(place)
    fill(path, [{**ROW, "特种作业人员培训人次": "若干"}])
    take(place, path, code=1)
    place.ok("run", "--once", "--no-web", "--send-now")
    (mail,) = [mail for mail in place.mails() if mail["kind"] == "receipt"]
    assert mail["to"] == ["wanzhou@yingji.example"]
    assert "请更正" in mail["subject"]
    (letter,) = [each for each in place.letters() if "请更正" in str(each["Subject"])]
    (enclosed,) = list(letter.iter_attachments())
    assert enclosed.get_filename().endswith("（核对）.xlsx")
    assert openpyxl.load_workbook(io.BytesIO(enclosed.get_content())).worksheets


def test_the_unit_is_told_of_a_table_that_is_of_no_month(place):
    path = blank(place)
    book = openpyxl.load_workbook(path)
    for row in book.worksheets[0].iter_rows(max_row=8):
        for cell in row:
            if "期次" in str(cell.value):
                cell.value = "期次：2021年3月应报"
    book.save(path)
    take(place, path, code=1)
    place.ok("run", "--once", "--no-web", "--send-now")
    (letter,) = [each for each in place.letters() if "请更正" in str(each["Subject"])]
    assert letter["To"].addresses[0].addr_spec == "wanzhou@yingji.example"
    assert "期次却写着" in letter.get_body(("plain",)).get_content()


def test_the_reminder_carries_the_units_own_forms(place):
    place.ok("simulate", "--from", "2022-04-29", "--to", "2022-05-05", "--mailbox", "mails")
    names = set()
    for path in Path(place.folder / "mails").glob("*.eml"):
        letter = message_from_bytes(path.read_bytes(), policy=policy.default)
        if "wanzhou@" in str(letter["To"]):
            for enclosed in letter.iter_attachments():
                if enclosed.get_content_type() == "text/calendar":
                    continue
                names.add(enclosed.get_filename())
                book = openpyxl.load_workbook(io.BytesIO(enclosed.get_content()))
                assert "万州区应急管理局" in {c.value for row in book.worksheets[0].iter_rows() for c in row}
    # With the overdue ones of April come theirs.
    assert {name for name in names if "2022年5月" in str(name)} == {
        f"附件{number} 万州区应急管理局 2022年5月.xlsx" for number in (2, 3, 4)
    }


def test_check_takes_nothing(place):
    path = blank(place)
    fill(path, [ROW])
    done = place.tracker("forms", "check", path, "--format", "json")
    assert done.code == 0
    assert not json.loads(done.out)["taken"]
    assert place.json("history") == []


def test_a_question_of_several_cells_stands_at_each_for_a_program_and_once_for_a_person(place):
    path = ROOT / "tests/cases/forms/p04_fines.xlsx"
    (told,) = place.tracker("forms", "check", path, "--format", "json").lines
    same = [each for each in told["questions"] if "完全相同" in each["message"]]
    assert [each["cell"] for each in same] == ["B8", "B10", "B11", "B12"]
    assert same[0].keys() == {"sheet", "cell", "found", "expected", "message"}
    said = place.tracker("forms", "check", path).out
    assert said.count("完全相同") == 1
    assert "B10:B12同样" in said


def test_what_cannot_be_meant_is_one_sentence(place):
    (place.folder / "x.xlsx").write_bytes(b"\x89PNG\r\n\x1a\n" + b"0" * 99)
    for arguments, code, said in (
        (("forms", "import", "nowhere.xlsx"), 2, "no such file"),
        (("forms", "import", "x.xlsx"), 1, "图片"),
        (("forms", "summary", "--month", "2021-01", "-o", "a.xlsx"), 1, "no table is due"),
        (("forms", "summary", "--month", "2022-05", "-o", "a.docx"), 2, "ends in .xlsx"),
        (("forms", "blank", "--form", "trainers"), 1, "there is no form “trainers”"),
        (("forms", "missing", "--unit", "火星"), 1, "there is no unit “火星”"),
        (("forms", "blank", "--month", "May"), 2, "expected a month such as 2022-05"),
    ):
        done = place.tracker(*arguments)
        assert done.code == code, (arguments, done.out, done.err)
        assert said in done.err + done.out
        assert "Traceback" not in done.err
