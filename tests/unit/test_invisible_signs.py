"""Signs that end a line somewhere, or that nobody sees, do not get in: not by the files, the commands or the pages."""

import json

import pytest
from starlette.datastructures import FormData

from tests.tools import CAMPAIGN, SETTINGS, UNITS, Place, quick_folder
from tracker.access.accounts import check_name
from tracker.config.loader import load
from tracker.errors import UsageError
from tracker.web.base.form_posting import text_of

SIGNS = ["\0", "\x07", "\x0b", "\x0c", "\x1b", "\x7f", "\x85", "\x9f", "\u2028", "\u2029", "\u202e", "\u200b"]
#: Where a name, an address or a subject comes from.
PLACES = [
    ("tasks", "安全培训专项治理"),
    ("tasks", "试发〔2022〕1号"),
    ("tasks", "汇总表（培训机构）"),
    ("tasks", "list@kaoshi.example"),
    ("units", "万州区应急管理局"),
    ("units", "万州联络员"),
    ("units", "wanzhou@unit.example"),
    ("settings", "督办提醒"),
    ("settings", "tracker@kaoshi.example"),
    ("settings", "管理员"),
]


@pytest.fixture(scope="module")
def place():
    with quick_folder() as folder:
        found = Place(folder)
        found.ok("run", "--once", "--send-now")
        yield found


@pytest.mark.parametrize("written", ["as it is", "escaped"])
@pytest.mark.parametrize("sign", SIGNS, ids=lambda sign: f"U+{ord(sign):04X}")
@pytest.mark.parametrize(("name", "word"), PLACES, ids=[word for _, word in PLACES])
def test_the_files_take_none_whether_typed_or_escaped(place, name, word, sign, written):
    texts = {"tasks": CAMPAIGN, "units": UNITS, "settings": SETTINGS}
    inside = (
        f"{word[:2]}\\u{ord(sign):04x}{word[2:]}" if written == "escaped" else f"{word[:2]}{sign}{word[2:]}"
    )
    texts[name] = texts[name].replace(word, f'"{inside}"', 1)
    loaded = load(place.config, {f"{each}.yaml": text for each, text in texts.items()})
    assert loaded.campaign is None
    assert any(
        f"U+{ord(sign):04X}" in str(problem.message) or "NUL" in str(problem.message)
        for problem in loaded.errors
    )


@pytest.mark.parametrize("sign", [*SIGNS[1:], "\r"], ids=lambda sign: f"U+{ord(sign):04X}")
def test_the_commands_take_none(place, sign, tmp_path):
    table = tmp_path / "a.csv"
    table.write_text("1,2\n")
    before = place.query("SELECT COUNT(*) FROM event")
    for arguments in (
        ["submit", "table-2@2022-06", "--unit", "万州", "--note", f"a{sign}b"],
        ["submit", "table-2@2022-06", "--unit", "万州", "--who", f"a{sign}b"],
        ["forms", "import", table, "--who", f"a{sign}b"],
    ):
        done = place.tracker(*arguments)
        assert (done.code, "nobody can see" in done.err) == (2, True), arguments
    assert place.query("SELECT COUNT(*) FROM event") == before
    with pytest.raises(UsageError):
        check_name(f"li{sign}si")


def test_a_name_has_one_line_and_a_note_may_have_more(place):
    assert place.tracker("submit", "2/first-list", "--unit", "万州", "--who", "a\nb").code == 2
    assert (
        place.tracker(
            "submit", "2/first-list", "--unit", "万州", "--note", "a\nb", "--who", "李\u3000四"
        ).code
        == 0
    )


@pytest.mark.parametrize("name", ["who", "reason", "note"])
@pytest.mark.parametrize("sign", SIGNS, ids=lambda sign: f"U+{ord(sign):04X}")
def test_a_file_of_events_takes_none(place, tmp_path, sign, name):
    event = {
        "at": "2022-05-03",
        "ref": "2/first-list",
        "unit": "wanzhou",
        "event": "submit",
        name: f"a{sign}b",
    }
    file = tmp_path / "events.jsonl"
    file.write_text(json.dumps(event) + "\n", encoding="utf-8")
    done = place.tracker("simulate", "--from", "2022-05-01", "--to", "2022-05-05", "--events", file)
    assert done.code != 0
    assert "stand here" in done.err


@pytest.mark.parametrize("sign", [*SIGNS, "\r"], ids=lambda sign: f"U+{ord(sign):04X}")
def test_what_is_typed_into_a_page_loses_them(sign):
    assert text_of(FormData({"note": f"收{sign}到"}), "note") == "收到"
