"""``tracker report`` through the command line: files that are whole or not there, and what is wrong in a sentence."""

import io

import openpyxl
import pytest
from pypdf import PdfReader

from tests.acceptance.house import House, report, task, unit

NOW = "2022-06-02T02:00:00Z"
NAMES = ("wanzhou", "fuling", "yuzhong", "dadukou")


@pytest.fixture
def house(tmp_path):
    house = House(
        tmp_path,
        task(1, "持续推进"),
        report("table-2", "每月5日前"),
        units=[unit(name) for name in NAMES],
    )
    house.ok("submit", "table-2@2022-05", "--unit", "wanzhou", "--on", "2022-05-04", at=NOW)
    house.ok("submit", "table-2@2022-05", "--unit", "fuling", "--on", "2022-05-09", at=NOW)
    house.ok("submit", "table-2@2022-05", "--unit", "yuzhong", "--on", "2022-06-01", at=NOW)
    return house


def month(house, *more, at=NOW):
    return house.tracker("report", "--month", "2022-05", *more, at=at)


def test_without_a_file_it_is_markdown_and_stands_at_the_end_of_the_month(house):
    code, out, err = month(house)
    assert (code, err) == (0, "")
    assert out.startswith("# 2022年5月任务落实情况月报\n")
    assert "应报4家，已报2家，未报2家，逾期26天：** yuzhong应急管理局、dadukou应急管理局" in out
    assert month(house, "-o", "-")[1] == out


def test_at_a_later_moment_it_knows_what_came_in_since(house):
    _, out, _ = month(house, "--at", "2022-06-01")
    assert "应报4家，已报3家，未报1家，逾期27天：** dadukou" in out


def test_in_the_running_month_it_stands_at_this_moment(tmp_path):
    house = House(
        tmp_path, report("table-2", "每月5日前"), task(1, "持续推进"), units=[unit(n) for n in NAMES]
    )
    house.ok("submit", "table-2@2022-05", "--unit", "wanzhou", at="2022-05-04T02:00:00Z")
    _, out, _ = month(house, at="2022-05-08T02:00:00Z")
    assert "统计截至2022年5月8日，本月尚未结束" in out
    assert "应报4家，已报1家，未报3家，逾期3天" in out


def test_it_speaks_the_language_of_the_campaign_whatever_the_terminal_does(house, monkeypatch):
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    assert "月报" in month(house)[1]
    assert month(house, "--language", "en")[1].startswith("# Report for May 2022\n")


@pytest.mark.parametrize("ending", ["html", "xlsx", "pdf", "md", "PDF"])
def test_the_ending_chooses_the_format_and_the_old_file_is_replaced_as_a_whole(house, ending):
    path = house.folder / f"五月.{ending}"
    path.write_text("what stood there before")
    path.chmod(0o640)
    code, out, err = month(house, "-o", str(path))
    assert (code, out) == (0, ""), err
    assert "2 of 4 in" in err
    data = path.read_bytes()
    if ending == "xlsx":
        assert openpyxl.load_workbook(io.BytesIO(data)).worksheets[0]["A1"].value.startswith("2022年5月")
    elif ending.lower() == "pdf":
        assert len(PdfReader(io.BytesIO(data)).pages) >= 2
    else:
        assert "2022年5月任务落实情况月报" in data.decode()
    assert path.stat().st_mode & 0o777 == 0o640
    assert [each.name for each in house.folder.iterdir() if each.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--month", "2022-13"), "--month 2022-13: expected a month such as 2022-05"),
        (("--month", "May"), "--month May: expected a month such as 2022-05"),
        (("--month", "0000-01"), "--month 0000-01: expected a month such as 2022-05"),
        (("--month", "２０２２-05"), "expected a month such as 2022-05"),
        ((), "missing option '--month'"),
        (
            ("--month", "2022-05", "-o", "x.doc"),
            "-o x.doc: expected a file that ends in one of .html, .xlsx, .pdf, .md",
        ),
        (("--month", "2022-05", "-o", "nowhere/x.pdf"), "there is no folder nowhere"),
        (("--month", "2022-05", "-o", ""), "expected a file that ends in"),
        (("--month", "2022-05", "--language", "fr"), "--language fr: expected one of zh, en"),
        (("--month", "2022-05", "--at", "soon"), "--at soon: expected a date"),
    ],
)
def test_wrong_usage_is_one_sentence(house, arguments, sentence):
    code, out, err = house.tracker("report", *arguments, at=NOW)
    assert (code, out) == (2, "")
    assert sentence in err
    assert len(err.splitlines()) == 1


def test_a_folder_is_no_file(house):
    (house.folder / "x.pdf").mkdir()
    code, _, err = month(house, "-o", str(house.folder / "x.pdf"))
    assert code == 2
    assert "that is a folder" in err


def test_what_cannot_be_written_is_said_and_leaves_nothing(house, monkeypatch):
    def full(*_args, **_more):
        raise OSError(28, "No space left on device")

    path = house.folder / "x.md"
    path.write_text("old")
    monkeypatch.setattr("pathlib.Path.replace", full)
    code, _, err = month(house, "-o", str(path))
    monkeypatch.undo()
    assert code == 1
    assert "x.md cannot be written: No space left on device" in err
    assert path.read_text() == "old"
    assert not [each for each in house.folder.iterdir() if each.suffix == ".tmp"]


def test_a_month_to_come_can_be_asked_for(house):
    code, out, err = house.tracker("report", "--month", "2023-02", at=NOW)
    assert code == 0, err
    assert "本月尚未开始" in out
    assert "应报4家，已报0家，未报4家" in out


def test_files_with_errors_are_told_and_nothing_is_written(house):
    (house.config / "tasks.yaml").write_text("campaign: [", encoding="utf-8")
    code, _, err = month(house, "-o", str(house.folder / "x.html"))
    assert code == 1
    assert "tasks.yaml:2:1: this is not YAML" in err
    assert not (house.folder / "x.html").exists()
