"""Every command through the real entry point: the keys and types of docs/contract.md §5, exit codes, and streams."""

import json
import re
import tomllib

import pytest

from tests.tools import (
    ADDRESS,
    CAMPAIGN,
    DATE,
    PERIOD,
    REF,
    ROOT,
    TIME,
    OneOf,
    Place,
    letters,
    maybe,
    misfits,
    quick_folder,
)
from tracker.core.model import EventKind, Light, MailKind, Reason, State

EVERY = OneOf((frozenset({"week", "month", "quarter", "half-year", "year"}), None))
PROBLEM = {"file": str, "line": int, "column": int, "path": str, "message": str}
CHECK = {"ok": bool, "errors": [PROBLEM], "warnings": [PROBLEM]}
DEADLINE = {
    "text": str,
    "due": maybe(DATE),
    "ongoing": bool,
    "every": EVERY,
    "day": maybe(int),
    "from": maybe(DATE),
    "to": maybe(DATE),
    "zh": str,
    "en": str,
    "warnings": [str],
    "occurrences": [{"period": maybe(PERIOD), "due": DATE}],
}
DELIVERABLE = {
    "id": str,
    "title": str,
    "owners": str,
    "units": [str],
    "deadline": str,
    "due": maybe(DATE),
    "ongoing": bool,
    "every": EVERY,
}
TASK = {
    "id": str,
    "section": maybe(str),
    "text": maybe(str),
    "owners": str,
    "units": [str],
    "deadline": str,
    "due": maybe(DATE),
    "ongoing": bool,
    "requirement": maybe(str),
    "target": maybe({"count": int, "of": str}),
    "deliverables": [DELIVERABLE],
}
CALENDAR = {
    "ref": REF,
    "unit": str,
    "title": str,
    "period": maybe(PERIOD),
    "due": DATE,
    "effective_due": DATE,
    "notice": DATE,
}
STATUS_ROW = {
    "ref": REF,
    "unit": str,
    "title": str,
    "state": frozenset(State),
    "light": frozenset(Light),
    "due": maybe(DATE),
    "effective_due": maybe(DATE),
    "days_left": maybe(int),
    "progress": maybe(int),
    "target": maybe(int),
    "submitted_at": maybe(TIME),
    "accepted_at": maybe(TIME),
    "late_days": int,
    "via": maybe(str),
}
STATUS = {"at": TIME, "counts": dict, "rows": [STATUS_ROW]}
MAIL = {
    "at": TIME,
    "to": [ADDRESS],
    "unit": maybe(str),
    "kind": frozenset(MailKind),
    "language": frozenset({"zh", "en"}),
    "subject": str,
    "message_id": re.compile(r"<[^<>@ ]+@[^<>@ ]+>"),
    "items": [
        {
            "ref": REF,
            "unit": str,
            "reason": frozenset(Reason),
            "due": maybe(DATE),
            "days_left": maybe(int),
        }
    ],
}
HISTORY = {
    "at": TIME,
    "ref": REF,
    "unit": str,
    "event": frozenset(EventKind),
    "count": maybe(int),
    "until": maybe(DATE),
    "who": maybe(str),
    "via": maybe(str),
    "reason": maybe(str),
    "note": maybe(str),
}

MAY = ("--from", "2022-05-01", "--to", "2022-05-31")
TABLE, WANZHOU = "table-2@2022-05", ("--unit", "万州")


@pytest.fixture
def folder():
    with quick_folder() as empty:
        yield empty


@pytest.fixture
def place(folder):
    return Place(folder)


def only(place, ref, unit="wanzhou", **more):
    """The one row of the ledger for ``ref`` and ``unit``."""
    facts = place.json(
        "status", "--ref", ref, "--unit", unit, *(part for pair in more.items() for part in pair)
    )
    (row,) = facts["rows"]
    return row


# What the commands are.


def test_help_lists_every_command_that_there_is(place):
    told = place.ok("--help").out
    commands = (
        *(
            "init",
            "check",
            "deadline",
            "tasks",
            "units",
            "calendar",
            "status",
            "simulate",
            "submit",
            "accept",
        ),
        *("return", "extend", "waive", "pause", "resume", "undo", "history", "run", "mail", "demo"),
    )
    for name in commands:
        assert re.search(rf"^  {name} ", told, re.MULTILINE), name
        assert "Usage: tracker" in place.ok(name, "--help").out
    for name in ("list", "show", "retry", "test"):
        assert re.search(rf"^  {name} ", place.ok("mail", "--help").out, re.MULTILINE), name


def test_the_console_script_the_module_and_these_tests_are_one_entry_point(place):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["scripts"] == {"tracker": "tracker.cli.main:main"}
    done = place.process("deadline", "持续推进", "--format", "json")
    assert (done.code, done.err) == (0, "")
    assert done.out == place.ok("deadline", "持续推进", "--format", "json").out
    assert re.fullmatch(r"tracker \d+\.\d+\S*\n", place.ok("--version").out)


# The files.


def test_init_writes_what_check_finds_in_order(folder):
    place = Place(folder / "elsewhere")
    new = folder / "my-campaign"
    written = place.ok("init", new).out.splitlines()
    assert {path.relative_to(new).as_posix() for path in new.rglob("*") if path.is_file()} == {
        str(line).removeprefix(f"{new}/") for line in written
    }
    assert {f"{new}/config/{name}.yaml" for name in ("tasks", "units", "settings")} <= set(written)
    assert any(line.startswith(f"{new}/templates/emails/") for line in written)
    done = place.ok("--config", new / "config", "check", "--format", "json")
    assert misfits(done.json, CHECK) == []
    assert done.json["ok"] is True
    assert done.json["errors"] == []


def test_init_writes_over_nobodys_work(place):
    before = place.tasks.read_bytes()
    done = place.tracker("init", ".")
    assert (done.code, done.out) == (2, "")
    assert "config is there already" in done.err
    assert place.tasks.read_bytes() == before


def test_check_tells_every_error_with_its_place_on_standard_error(place):
    text = place.tasks.read_text(encoding="utf-8")
    place.tasks.write_text(
        text.replace("持续推进", "随便", 1).replace("owners: 万州", "owners: 万洲"), "utf-8"
    )
    done = place.tracker("check", "--format", "json")
    assert done.code == 1
    assert misfits(done.json, CHECK) == []
    assert done.json["ok"] is False
    places = {(error["line"], error["column"]) for error in done.json["errors"]}
    assert places == {(15, 15), (26, 17)}
    for line, column in places:
        assert re.search(rf"^config/tasks\.yaml:{line}:{column}: \S", done.err, re.MULTILINE)
    assert "“随便”" in done.err
    assert "“万洲”" in done.err

    table = place.tracker("check")
    assert (table.code, table.out) == (1, "")
    assert "2 error(s)" in table.err
    rows = place.tracker("check", "--format", "csv").csv
    assert {(row["severity"], row["line"]) for row in rows} >= {("error", "15"), ("error", "26")}


def test_a_plan_issued_in_december_is_for_the_year_that_it_names(place):
    """The year's deadlines of a plan are to come when it is issued, and nobody is told that they are over."""
    december = CAMPAIGN.replace("issued: 2022-04-08", "issued: 2021-12-20").replace(
        "2022年6月底前", "3月底前"
    )
    place.tasks.write_text(december, encoding="utf-8")
    (guessed,) = [row for row in place.json("tasks") if row["id"] == "2"]
    assert guessed["due"] == "2022-03-31"
    (warning,) = [each for each in place.json("check")["warnings"] if "names no year" in each["message"]]
    assert warning["file"].endswith("tasks.yaml")
    assert warning["path"] == "tasks[1].deadline"
    place.tasks.write_text(december.replace("2021-12-20", "2021-12-20\n  year: 2023"), encoding="utf-8")
    (planned,) = [row for row in place.json("tasks") if row["id"] == "2"]
    assert planned["due"] == "2023-03-31"
    assert [each for each in place.json("check")["warnings"] if "names no year" in each["message"]] == []
    assert place.json("deadline", "年底前")["due"] == "2023-12-31"
    assert place.json("deadline", "年底前", "--year", "2024")["due"] == "2024-12-31"


def test_check_of_good_files_says_what_they_hold(place):
    done = place.ok("check")
    assert done.out == (
        "试发〔2022〕1号 安全培训专项治理: 2 tasks, 2 deliverables, 1 report, 3 units, 1 group\n"
    )


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("2022年6月底前，并持续推进", {"due": "2022-06-30", "ongoing": True, "every": None}),
        ("by end of 2022", {"due": "2022-12-31", "ongoing": False}),
        ("2022-05-20", {"due": "2022-05-20"}),
        ("持续推进", {"due": None, "ongoing": True, "occurrences": []}),
        ("每月5日前", {"every": "month", "day": 5, "due": None, "from": None, "to": None}),
        (
            "2022年4月起-10月，每月5日前",
            {"every": "month", "day": 5, "from": "2022-04-01", "to": "2022-10-31"},
        ),
        ("每季度", {"every": "quarter", "day": None}),
        ("every half-year", {"every": "half-year"}),
        ("每年3月底前", {"every": "year"}),
        ("weekly by Friday", {"every": "week", "day": 5}),
        ("2022年前", {"due": "2021-12-31"}),
    ],
)
def test_deadline_tells_how_a_text_is_read(place, text, facts):
    told = place.json("deadline", text)
    assert misfits(told, DEADLINE) == []
    assert told["text"] == text
    assert {key: told[key] for key in facts} == facts
    for language in ("zh", "en"):
        again = place.json("deadline", told[language])
        assert again["zh"] == told["zh"]
        assert again["en"] == told["en"]
    is_past = text in ("2022年前", "2022年4月起-10月，每月5日前")
    assert bool(told["warnings"]) is is_past, "a date before the date of issue"


def test_deadline_lists_the_dates_of_a_range_with_both_ends(place):
    bounds = ("--from", "2022-06-05", "--to", "2022-08-05")
    told = place.json("deadline", "每月5日前", *bounds)
    assert [each["due"] for each in told["occurrences"]] == ["2022-06-05", "2022-07-05", "2022-08-05"]
    assert [each["period"] for each in told["occurrences"]] == ["2022-06", "2022-07", "2022-08"]
    rows = place.ok("deadline", "每月5日前", *bounds, "--format", "csv").csv
    assert rows == told["occurrences"]
    table = place.ok("deadline", "每月5日前", *bounds, LC_ALL="en_US.UTF-8").out.splitlines()
    assert table[:2] == ["Chinese: 每月5日前", "English: monthly by the 5th"]
    assert [line.split() for line in table[3:]] == [
        ["2022-06", "2022-06-05"],
        *([f"2022-0{m}", f"2022-0{m}-05"] for m in (7, 8)),
    ]


def test_deadline_takes_the_year_from_the_date_of_issue(place):
    assert place.json("deadline", "6月底前")["due"] == "2022-06-30"
    assert place.json("deadline", "6月底前", "--issued", "2024-01-05")["due"] == "2024-06-30"


@pytest.mark.parametrize(
    ("text", "column"), [("随便", 1), ("2022年13月底前", 6), ("by end of Juni 2022", 11), ("", 1)]
)
def test_a_deadline_that_cannot_be_read_is_an_error_with_its_column(place, text, column):
    done = place.tracker("deadline", text, "--format", "json")
    assert (done.code, done.out) == (1, "")
    assert f"column {column}" in done.err
    assert len(done.err.splitlines()) == 1
    assert f"第{column}列" in place.tracker("deadline", text, LANG="zh_CN.UTF-8").err


def test_tasks_and_reports_are_told_as_understood(place):
    tasks = place.json("tasks")
    assert misfits(tasks, [TASK]) == []
    assert [task["id"] for task in tasks] == ["1", "2"]
    second = tasks[1]
    assert second["text"] == "每个区至少曝光2家企业。"
    assert (second["due"], second["ongoing"]) == ("2022-06-30", True)
    assert second["units"] == ["wanzhou", "fuling"]
    assert second["target"]["count"] == 2
    first_list, experience = second["deliverables"]
    assert (first_list["id"], first_list["units"], first_list["due"]) == (
        "first-list",
        ["wanzhou"],
        "2022-05-20",
    )
    assert (experience["every"], experience["due"]) == ("month", None)

    reports = place.json("tasks", "--reports")
    wanted = {key: shape for key, shape in TASK.items() if key not in ("section", "deliverables")}
    assert misfits(reports, [{**wanted, "title": str, "every": EVERY}]) == []
    assert [report["id"] for report in reports] == ["table-2"]

    rows = place.ok("tasks", "--format", "csv").csv
    assert [row["ref"] for row in rows] == ["1", "2", "2/first-list", "2/experience"]
    assert rows[1]["units"] == "wanzhou;fuling"
    assert rows[1]["ongoing"] == "true"
    table = place.ok("tasks").out
    assert len(table.splitlines()) == 1 + 4


def test_units_are_told_with_their_contacts_and_groups(place):
    units = place.json("units")
    contact = {"name": str, "email": ADDRESS, "language": frozenset({"zh", "en"})}
    shape = {"id": str, "name": str, "aliases": [str], "contacts": [contact], "groups": [str]}
    assert misfits(units, [shape]) == []
    by_id = {unit["id"]: unit for unit in units}
    assert by_id["fuling"]["contacts"][0]["language"] == "en"
    assert by_id["fuling"]["reports_to"] == "center"
    assert by_id["wanzhou"]["aliases"] == ["万州", "万州区"]
    assert by_id["wanzhou"]["groups"] == ["districts"]
    rows = place.ok("units", "--format", "csv").csv
    assert [row["id"] for row in rows] == ["center", "wanzhou", "fuling"]
    assert rows[1]["aliases"] == "万州;万州区"


# What is due, and how it stands.


def test_calendar_lists_what_is_due_in_the_range(place):
    facts = place.json("calendar", *MAY)
    assert misfits(facts, [CALENDAR]) == []
    assert [(each["effective_due"], each["ref"], each["unit"]) for each in facts] == [
        ("2022-05-05", "2/experience@2022-05", "wanzhou"),
        ("2022-05-05", "2/experience@2022-05", "fuling"),
        ("2022-05-05", "table-2@2022-05", "wanzhou"),
        ("2022-05-05", "table-2@2022-05", "fuling"),
        ("2022-05-20", "2/first-list", "wanzhou"),
    ]
    assert [each["period"] for each in facts] == [*["2022-05"] * 4, None]
    assert len(place.json("calendar", "--from", "2022-05-05", "--to", "2022-05-05")) == 4
    june = place.json("calendar", "--from", "2022-06-01", "--to", "2022-06-10")
    assert {each["notice"] for each in june} == {"2022-06-02"}, "the Dragon Boat holiday"
    rows = place.ok("calendar", *MAY, "--format", "csv").csv
    assert [row["ref"] for row in rows] == [each["ref"] for each in facts]
    assert rows[4]["period"] == ""


def test_calendar_shows_an_extension_beside_the_nominal_date(place):
    place.ok("extend", TABLE, *WANZHOU, "--until", "2022-05-18", "--on", "2022-05-02")
    (row,) = [each for each in place.json("calendar", *MAY, *WANZHOU) if each["ref"] == TABLE]
    assert (row["due"], row["effective_due"], row["notice"]) == ("2022-05-05", "2022-05-18", "2022-05-18")


@pytest.mark.parametrize("name", ["wanzhou", "WANZHOU", "万州区应急管理局", "万州", " 万州区 "])
def test_a_unit_goes_by_id_name_or_alias(place, name):
    expected = place.json("calendar", *MAY, "--unit", "wanzhou")
    assert {each["unit"] for each in expected} == {"wanzhou"}
    assert place.json("calendar", *MAY, "--unit", name) == expected
    rows = place.json("status", "--at", "2022-05-05", "--unit", name)["rows"]
    assert {row["unit"] for row in rows} == {"wanzhou"}
    place.ok("submit", TABLE, "--unit", name)
    assert [event["unit"] for event in place.json("history", "--unit", name)] == ["wanzhou"]


def test_ranges_and_times_take_a_date_or_an_iso_time(place):
    day = place.json("calendar", *MAY)
    assert place.json("calendar", "--from", "2022-05-01T00:00:00+08:00", "--to", "2022-05-31T23:59") == day
    # 17:00 in London is the next day in Chongqing.
    late = ("--from", "2022-05-05T01:00:00+08:00", "--to", "2022-05-04T17:00:00+00:00")
    assert len(place.json("calendar", *late)) == 4
    mails = place.ok("simulate", *MAY).out
    assert (
        place.ok("simulate", "--from", "2022-05-01T09:00", "--to", "2022-05-31T09:00:00+08:00").out == mails
    )
    for at, told in (
        ("2022-05-05", "2022-05-05T23:59:59+08:00"),
        ("2022-05-05T09:00", "2022-05-05T09:00:00+08:00"),
        ("2022-05-05T01:00:00Z", "2022-05-05T09:00:00+08:00"),
        ("2022-05-04T20:00:00-05:00", "2022-05-05T09:00:00+08:00"),
    ):
        assert place.json("status", "--at", at)["at"] == told


def test_status_tells_every_cell_of_the_ledger_and_counts_the_states(place):
    facts = place.json("status", "--at", "2022-05-05")
    assert misfits(facts, STATUS) == []
    counted: dict[str, int] = {}
    for row in facts["rows"]:
        counted[row["state"]] = counted.get(row["state"], 0) + 1
    assert facts["counts"] == counted
    row = only(place, "2", "fuling", **{"--at": "2022-06-28"})
    assert (row["state"], row["light"], row["days_left"]) == ("due_soon", "amber", 2)
    assert (row["progress"], row["target"]) == (0, 2)
    assert (row["submitted_at"], row["accepted_at"], row["via"], row["late_days"]) == (None, None, None, 0)
    rows = place.ok("status", "--at", "2022-05-05", "--format", "csv").csv
    assert len(rows) == len(facts["rows"])
    assert set(STATUS_ROW) <= set(rows[0])


def test_status_can_be_narrowed_to_a_unit_a_reference_and_a_state(place):
    narrowed = place.json("status", "--at", "2022-05-06", "--state", "overdue", "--ref", "table-2", *WANZHOU)
    assert [(row["ref"], row["unit"]) for row in narrowed["rows"]] == [(TABLE, "wanzhou")]
    assert narrowed["counts"] == {"overdue": 1}
    period = place.json("status", "--at", "2022-05-06", "--ref", TABLE)
    assert [row["unit"] for row in period["rows"]] == ["wanzhou", "fuling"]
    assert place.json("status", "--at", "2022-05-06", "--state", "waived") == {
        "at": "2022-05-06T23:59:59+08:00",
        "counts": {},
        "rows": [],
    }


def test_status_at_a_time_is_what_was_known_then(place):
    place.ok("submit", TABLE, *WANZHOU, "--on", "2022-05-09T10:00")
    for at, state in (
        ("2022-05-05", "due_today"),
        ("2022-05-08", "overdue"),
        ("2022-05-09T09:59", "overdue"),
    ):
        assert only(place, TABLE, **{"--at": at})["state"] == state
    row = only(place, TABLE, **{"--at": "2022-05-09"})
    assert (row["state"], row["late_days"], row["light"]) == ("submitted", 4, "amber")
    assert row["submitted_at"] == "2022-05-09T10:00:00+08:00"


# What happens to an assignment.

SCENES: list[tuple[list[tuple[str, str, list[str]]], dict[str, object]]] = [
    ([("submit", TABLE, ["--on", "2022-05-04"])], {"state": "submitted", "light": "green", "via": "cli"}),
    (
        [("submit", TABLE, ["--on", "2022-05-04"]), ("accept", TABLE, ["--on", "2022-05-05"])],
        {"state": "done", "accepted_at": "2022-05-05T00:00:00+08:00"},
    ),
    ([("submit", TABLE, ["--nil", "--on", "2022-05-04"])], {"state": "nil"}),
    (
        [("submit", TABLE, []), ("return", TABLE, ["--reason", "合计不符"])],
        {"state": "returned", "submitted_at": None},
    ),
    (
        [("extend", TABLE, ["--until", "2099-05-18", "--on", "2022-05-02"])],
        {"due": "2022-05-05", "effective_due": "2099-05-18"},
    ),
    (
        [("extend", TABLE, ["--until", "2099-05-18", "--force", "--reason", "系统故障"])],
        {"effective_due": "2099-05-18"},
    ),
    ([("waive", TABLE, ["--reason", "无此机构"])], {"state": "waived", "light": "grey"}),
    ([("pause", TABLE, [])], {"state": "paused", "light": "grey"}),
    ([("pause", TABLE, []), ("resume", TABLE, [])], {"state": "overdue", "light": "red"}),
    ([("submit", TABLE, []), ("undo", TABLE, [])], {"state": "overdue", "submitted_at": None}),
    ([("submit", "2", ["--count", "1"])], {"state": "overdue", "progress": 1, "target": 2}),
    (
        [("submit", "2", ["--count", "1", "--on", "2022-06-01"])] * 2,
        {"state": "ongoing", "progress": 2, "light": "blue"},
    ),
]


@pytest.mark.parametrize(("steps", "facts"), SCENES, ids=[scene[0][-1][0] for scene in SCENES])
def test_events_change_the_ledger_and_are_kept(place, steps, facts):
    for name, ref, more in steps:
        done = place.ok(name, ref, *WANZHOU, *more, "--who", "张敏", "--note", "备注")
        assert " 万州区应急管理局：" in done.out
        assert done.out.endswith(f" [{ref}]\n")
        assert done.err == ""
    ref = steps[-1][1]
    row = only(place, ref)
    assert {key: row[key] for key in facts} == facts
    told = place.json("history", ref)
    assert misfits(told, [HISTORY]) == []
    names = ["nil" if "--nil" in more else name for name, _, more in steps]
    assert [event["event"] for event in told] == names
    assert {(event["who"], event["via"], event["note"]) for event in told} == {("张敏", "cli", "备注")}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("accept", TABLE, *WANZHOU), "nothing has been submitted"),
        (("return", TABLE, *WANZHOU), "nothing has been submitted"),
        (("undo", TABLE, *WANZHOU), "nothing to undo"),
        (("resume", TABLE, *WANZHOU), "not paused"),
        (("extend", TABLE, *WANZHOU, "--until", "2099-01-01"), "--force"),
        (("extend", TABLE, *WANZHOU, "--until", "2099-01-01", "--force"), "reason"),
        (("extend", TABLE, *WANZHOU, "--until", "2022-05-05", "--on", "2022-05-01"), "later date"),
        (("submit", "2/first-list", "--unit", "涪陵"), "not asked of"),
        (("submit", "table-2", *WANZHOU), "name the period"),
        (("submit", "table-2@2019-05", *WANZHOU), "there is no table-2@2019-05"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason_and_leaves_no_trace(place, arguments, sentence):
    done = place.tracker(*arguments)
    assert (done.code, done.out) == (1, "")
    assert sentence in done.err
    assert len(done.err.splitlines()) == 1
    assert place.json("history") == []


def test_history_can_be_narrowed_and_is_kept_after_a_definition_has_gone(place):
    place.ok("submit", TABLE, *WANZHOU)
    place.ok("submit", TABLE, "--unit", "涪陵")
    place.ok("submit", "table-2@2022-06", *WANZHOU)
    assert len(place.json("history")) == 3
    assert len(place.json("history", "table-2")) == 3
    assert [event["unit"] for event in place.json("history", TABLE)] == ["wanzhou", "fuling"]
    assert len(place.json("history", *WANZHOU)) == 2
    rows = place.ok("history", TABLE, "--format", "csv").csv
    assert [row["event"] for row in rows] == ["submit", "submit"]
    text = place.tasks.read_text(encoding="utf-8")
    place.tasks.write_text(text[: text.index("reports:")], encoding="utf-8")
    assert len(place.json("history", "table-2")) == 3


# Mails to come, and mails that went.


def test_simulate_tells_every_mail_one_a_line(place):
    done = place.ok("simulate", *MAY)
    assert misfits(done.lines, [MAIL]) == []
    assert [mail["at"] for mail in done.lines] == sorted(mail["at"] for mail in done.lines)
    first = done.lines[0]
    assert first["at"] == "2022-05-05T09:00:00+08:00"
    assert first["to"] == ["wanzhou@unit.example"] or first["to"] == ["fuling@unit.example"]
    assert {mail["language"] for mail in done.lines} == {"zh", "en"}
    ids = [mail["message_id"] for mail in done.lines]
    assert len(set(ids)) == len(ids)
    assert place.ok("simulate", *MAY).out == done.out, "the same files make the same mails"
    assert place.ok("simulate", *MAY, "--format", "json").out == done.out
    assert [row["message_id"] for row in place.ok("simulate", *MAY, "--format", "csv").csv] == ids
    assert len(place.ok("simulate", *MAY, "--format", "table").out.splitlines()) == 1 + len(ids)
    assert f"共{len(ids)}封邮件" in done.err
    assert place.mails() == [], "nothing of it reaches the outbox"


def test_simulate_writes_the_mails_as_files_of_their_own(place):
    done = place.ok("simulate", *MAY, "--mailbox", "out")
    files = sorted((place.folder / "out").glob("*.eml"))
    assert len(files) == len(done.lines)
    (place.folder / "out" / "new").mkdir()
    for path in files:
        path.rename(path.parent / "new" / path.name)
    told = {mail["message_id"]: mail for mail in done.lines}
    for letter in letters(place.folder / "out"):
        mail = told.pop(str(letter["Message-ID"]))
        assert letter["Subject"] == mail["subject"]
        assert mail["to"][0] in str(letter["To"])
    assert told == {}


def test_what_history_tells_is_what_simulate_takes_as_events(place):
    place.ok("submit", TABLE, *WANZHOU, "--on", "2022-05-04T08:00", "--note", "=1+1")
    place.ok("submit", "2/experience@2022-05", *WANZHOU, "--nil", "--on", "2022-05-04")
    place.ok("extend", "2/first-list", *WANZHOU, "--until", "2022-05-25", "--on", "2022-05-04")
    with_events = place.ok("simulate", *MAY).lines
    told = place.json("history")
    indented = json.dumps(told, ensure_ascii=False, indent=1)
    texts = {
        "jsonl": "\n".join(json.dumps(event, ensure_ascii=False) for event in told),
        "json": indented,
        "yaml": indented,
        "csv": place.ok("history", "--format", "csv").out,
    }
    (place.folder / "var" / "tracker.db").unlink()
    assert place.ok("simulate", *MAY).lines != with_events
    for ending, text in texts.items():
        events = place.folder / f"events.{ending}"
        events.write_text(text, encoding="utf-8")
        assert place.ok("simulate", *MAY, "--events", events).lines == with_events, ending


def test_a_file_of_events_with_errors_is_refused_with_their_lines(place):
    events = place.folder / "events.jsonl"
    good = {"at": "2022-05-04", "ref": TABLE, "unit": "万州", "event": "submit"}
    bad = [{**good, "unit": "万洲"}, {**good, "event": "sbmit"}, {**good, "at": "soon"}, {**good, "wen": 1}]
    events.write_text("\n".join(json.dumps(each) for each in [good, *bad]), encoding="utf-8")
    done = place.tracker("simulate", *MAY, "--events", events)
    assert (done.code, done.out) == (1, "")
    assert [line.removeprefix(f"{events}:").split(":")[0] for line in done.err.splitlines()] == [
        "2",
        "3",
        "4",
        "5",
    ]


def test_a_pass_sends_the_digests_once_and_the_outbox_tells(place):
    place.ok("run", "--once", "--send-now")
    mails = place.mails()
    more = {"id": int, "state": str, "attempts": int, "sent_at": maybe(TIME), "outcome": maybe(str)}
    assert misfits(mails, [{**MAIL, **more}]) == []
    assert [(mail["to"], mail["state"]) for mail in mails] == [
        (["fuling@unit.example"], "sent"),
        (["wanzhou@unit.example"], "sent"),
    ]
    assert {mail["message_id"] for mail in mails} == {str(letter["Message-ID"]) for letter in place.letters()}
    place.ok("run", "--once", "--send-now")
    assert place.mails() == mails
    assert place.mails("--unit", "涪陵") == mails[:1]
    assert place.mails("--limit", "1") == mails[1:]
    assert place.mails("--state", "failed") == []
    rows = place.ok("mail", "list", "--format", "csv").csv
    assert [row["to"] for row in rows] == ["fuling@unit.example", "wanzhou@unit.example"]
    assert json.loads(rows[0]["items"]) == mails[0]["items"]


def test_mail_show_reads_one_as_its_reader_sees_it(place):
    place.ok("run", "--once", "--send-now")
    english, chinese = place.mails()
    told = place.ok("mail", "show", english["id"]).out
    assert f"主题：{english['subject']}" in told
    assert "状态：已发" in told
    assert "Fuling Office" in told
    html = place.ok("mail", "show", chinese["id"], "--html").out
    assert html.lstrip().lower().startswith("<!doctype html")
    assert "万州联络员" in html


def test_mail_retry_queues_what_failed_and_refuses_what_was_sent(place):
    place.ok("run", "--once", "--send-now")
    first, second = place.mails()
    done = place.tracker("mail", "retry", first["id"])
    assert done.code == 2
    assert "is sent" in done.err
    place.query(f"UPDATE mail SET state = 'failed', attempts = 9 WHERE id = {second['id']}")
    assert place.ok("mail", "retry").out == "1 mail queued again\n"
    assert [mail["state"] for mail in place.mails()] == ["sent", "queued"]
    place.ok("run", "--once", "--send-now")
    assert [mail["state"] for mail in place.mails()] == ["sent", "sent"]
    assert len(place.letters()) == 2, "the same mail is one file, however often it is written"


def test_mail_test_says_what_came_of_it(place):
    done = place.ok("mail", "test")
    assert done.out.startswith("operator@kaoshi.example: sent")
    assert place.ok("mail", "test", "zhang@unit.example").code == 0
    assert sorted(str(letter["To"]) for letter in place.letters()) != []
    refused = place.tracker("mail", "test", TRACKER_MAIL="mailbox:/proc/nowhere")
    assert refused.code == 1
    assert "deferred: cannot write to the mailbox" in refused.out


# Where things stand.


def test_the_shared_options_may_stand_before_or_after_the_command(folder):
    place = Place(folder / "here")
    away = ("--config", place.config, "--database", f"sqlite:///{folder}/one.db")
    other = Place(folder / "other", tasks="tasks: nonsense")
    other.ok(*away, "submit", TABLE, *WANZHOU)
    told = other.ok("history", *away, "--format", "json").json
    assert len(told) == 1
    assert (
        other.ok(
            f"--config={place.config}",
            "history",
            f"--database=sqlite:///{folder}/one.db",
            "--format",
            "json",
        ).json
        == told
    )
    assert other.ok("history", *away[2:], "--format", "json", *away[:2]).json == told
    assert not (other.folder / "var").exists()


def test_the_environment_names_the_files_the_database_and_the_mail(folder):
    place = Place(folder / "here")
    other = Place(folder / "other", tasks="tasks: nonsense")
    environ = {
        "TRACKER_CONFIG": str(place.config),
        "TRACKER_DATABASE": f"sqlite:///{folder}/two.db",
        "TRACKER_MAIL": f"mailbox:{folder}/mails",
    }
    other.ok("run", "--once", "--send-now", **environ)
    assert len(letters(folder / "mails")) == 2
    assert len(other.ok("mail", "list", "--format", "json", **environ).lines) == 2
    assert sorted(path.name for path in other.folder.iterdir()) == ["config"]
    # What is written on the command line comes first.
    again = ("--database", f"sqlite:///{folder}/three.db")
    assert other.ok(*again, "mail", "list", "--format", "json", **environ).lines == []
    assert other.tracker("--config", other.config, "tasks", **environ).code == 1


def test_results_go_to_standard_output_and_everything_else_to_standard_error(place):
    place.ok("run", "--once", "--send-now")
    commands = (
        ("check",),
        ("tasks",),
        ("units",),
        ("calendar", *MAY),
        ("status", "--at", "2022-05-05"),
        ("history",),
        ("simulate", *MAY),
        ("mail", "list"),
        ("deadline", "每月5日前"),
    )
    for arguments in commands:
        done = place.ok(*arguments, "--format", "json")
        if arguments[0] in ("simulate", "mail"):
            assert all(isinstance(line, dict) for line in done.lines)
        else:
            json.loads(done.out)
        rows = place.ok(*arguments, "--format", "csv")
        heading = rows.out.partition("\n")[0]
        assert re.fullmatch(r"[a-z_]+(,[a-z_]+)+", heading), heading
        assert place.ok(*arguments, "--format", "table").out
