"""Versions of one table in files that come together: their order decides nothing, and rows are not lost to a word."""

import io
import itertools
import zipfile
from datetime import datetime

import openpyxl
import pytest

from tests.integration.test_which_month import Desk, table
from tests.tools import in_zh, quick_folder
from tests.web import ZONE, office
from tracker.forms.finding import Weight
from tracker.forms.read.sandboxed_reader import Reader
from tracker.usecases.forms.folder import files_in
from tracker.usecases.forms.intake import Intake

MAY = datetime(2022, 5, 4, 9, tzinfo=ZONE)
FIRST, LAST = table("", "2022-05-03", 50), table("", "2022-05-03", 51)
LATER = table("", "2022-05-04", 52)


@pytest.fixture(scope="module")
def reader():
    with Reader() as reader:
        yield reader


@pytest.fixture
def desk(reader):
    with quick_folder() as folder, office(folder, at=MAY) as app:
        yield Desk(app, reader)


def together(desk, *files):
    """What becomes of files that are handed in at once: taken, again, or the error."""
    with Intake(desk.app, reader=desk.reader) as intake:
        found = intake.take_together((f"{number}.xlsx", data) for number, data in enumerate(files))
    return [_became(each) for each in found]


def _became(taken):
    errors = taken.of(Weight.ERROR)
    return in_zh(errors[0].message) if errors else "again" if taken.is_again else "taken"


def zipped(*files):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for number, data in enumerate(files):
            archive.writestr(f"{number}.xlsx", data)
    return stream.getvalue()


@pytest.mark.parametrize("files", itertools.permutations([FIRST, LAST]))
def test_of_two_versions_none_is_taken_and_it_is_asked_which(desk, files):
    assert all("分不清以哪一份为准，没有采用" in each for each in together(desk, *files))
    with Intake(desk.app, reader=desk.reader) as intake:
        assert all("分不清" in _became(each) for each in intake.take("包.zip", zipped(*files)))
    with quick_folder() as folder:
        for number, data in enumerate(files):
            (folder / f"{number}.xlsx").write_bytes(data)
        with Intake(desk.app, reader=desk.reader) as intake:
            found = [each for _, forms in intake.take_all(files_in([folder])) for each in forms]
        assert all("分不清" in _became(each) for each in found)
    assert desk.figures() == {}


@pytest.mark.parametrize("files", itertools.permutations([FIRST, LATER]))
def test_the_one_that_was_filled_in_later_counts(desk, files):
    told = together(desk, *files)
    assert told[files.index(LATER)] == "taken"
    assert "填表时间更晚" in told[files.index(FIRST)]
    assert desk.figures() == {"table-2@2022-05": 52}


def test_copies_are_no_versions(desk):
    assert together(desk, FIRST, FIRST) == ["taken", "again"]


@pytest.mark.parametrize("is_first", [True, False])
def test_what_was_filed_before_is_no_news_beside_a_correction(desk, is_first):
    """A folder to which a correction was added is taken in as a whole, and once more."""
    assert together(desk, FIRST) == ["taken"]
    files = [FIRST, LAST] if is_first else [LAST, FIRST]
    assert sorted(together(desk, *files)) == ["again", "taken"]
    assert desk.figures() == {"table-2@2022-05": 51}
    assert together(desk, *files) == ["again", "again"]
    assert desk.figures() == {"table-2@2022-05": 51}


def test_two_files_that_mean_the_same_table_in_other_words_are_asked_about(desk):
    told = together(desk, FIRST, table("2022年5月应报", "2022-05-03", 53))
    assert told[0] == "taken"
    assert "分不清" in told[1]
    assert desk.figures() == {"table-2@2022-05": 50}


def test_months_of_one_unit_are_no_versions(desk):
    desk.on("2022-06-03")
    assert together(
        desk, table("2022年5月应报", "2022-05-03", 50), table("2022年6月应报", "2022-06-03", 60)
    ) == ["taken", "taken"]


def nil(word="", mark=""):
    book = openpyxl.load_workbook(io.BytesIO(table("2022年5月", "2022-05-03")))
    sheet = book.worksheets[0]
    sheet.delete_rows(3)
    if mark:
        sheet["G1"] = f"零报告：{mark}"
    sheet["B3"] = word or None
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def test_a_word_for_nothing_does_not_take_the_place_of_rows(desk):
    assert desk.take(table("2022年5月", "2022-05-03", 50)) == "wanzhou:table-2@2022-05"
    assert "这一期已报1行，没有替换" in desk.take(nil("无"))
    assert desk.figures() == {"table-2@2022-05": 50}
    assert "这一期已报1行，改为零报告，请核对" in " ".join(desk.asked(nil(mark="√")).values())
    assert desk.take(nil("无")) == "wanzhou:table-2@2022-05"
