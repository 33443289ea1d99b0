"""Broken files and the exact finding on each: ``file:line:column: message``, every error at once."""

import os

import pytest

from tracker.config.loader import load
from tracker.i18n.message import say

TASKS = """\
campaign:
  title: 清单
  document: 1号
  issued: 2022-04-08
  supervisor: 甲局
  task_count: 2
tasks:
  - id: 1
    text: 做
    owners: 各局
    deadline: 2022年底前
  - id: 2
    text: 查
    owners: 甲局、乙局
    deadline: "2022年6月底前"
    deliverables:
      - id: list
        title: 名单
        deadline: 2022年5月20日前
reports:
  - id: table
    title: 表
    owners: 各局
    deadline: 每月5日前
"""

UNITS = """\
units:
  - id: a
    name: 甲局
    aliases: [甲, Alpha]
    contacts:
      - {name: 张, email: a@x.example}
  - id: b
    name: 乙局
    contacts: [{name: 李, email: b@x.example}]
groups:
  - id: all
    name: 各局
    members: [a, b]
  - id: none
    name: 空组
    members: []
"""

SETTINGS = """\
mail:
  from: {name: 督办, email: t@x.example}
  send_at: "09:00"
web: off
policies:
  default: {lead: [30, 7], overdue: 7d}
"""

HOLIDAYS = """\
year: 2027
off: [2027-01-01, {from: 2027-02-05, to: 2027-02-11}]
work: [2027-02-14]
"""

FILES = {"tasks.yaml": TASKS, "units.yaml": UNITS, "settings.yaml": SETTINGS, "holidays/2027.yaml": HOLIDAYS}


def write(directory, files):
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())


def load_edited(directory, *edits):
    """Load the files with pieces replaced; a file is named in front of a piece that is not of tasks.yaml."""
    files = dict(FILES)
    for edit in edits:
        name, old, new = edit if len(edit) == 3 else ("tasks.yaml", *edit)
        assert old in files[name], old
        files[name] = files[name].replace(old, new, 1)
    write(directory, files)
    return load(directory)


def told(loaded, directory, severity="error"):
    """The findings as ``check`` prints them, in English and without the folder."""
    lines = [str(problem) for problem in loaded.problems if problem.severity == severity]
    return [line.removeprefix(f"{directory}/").partition("（")[0] for line in lines]


U, S, H = "units.yaml", "settings.yaml", "holidays/2027.yaml"

#: Name → (edits, every error).
BAD: dict[str, tuple[list[tuple[str, ...]], list[str]]] = {
    # --- what a task says ---
    "an unreadable deadline": (
        [("2022年底前", "2022年13月底前")],
        [
            "tasks.yaml:11:20: cannot read the deadline “2022年13月底前”: found “13”, expected a month from 1 to 12"
        ],
    ),
    "an unreadable deadline in quotes": (
        [("2022年6月底前", "2022年2月30日前")],
        [
            "tasks.yaml:15:23: cannot read the deadline “2022年2月30日前”: found “30”, expected a day from 1 to 28"
        ],
    ),
    "a deadline that is not there": (
        [("    deadline: 2022年底前\n", "")],
        ["tasks.yaml:8:5: this task has no “deadline”, which is required"],
    ),
    "an empty deadline": (
        [("deadline: 每月5日前", "deadline:")],
        ["tasks.yaml:24:14: “deadline” must be a text, not nothing"],
    ),
    "a key that is misspelt": (
        [("    deadline: 2022年底前", "    deadlin: 2022年底前")],
        ["tasks.yaml:11:5: this task has no key “deadlin”; did you mean “deadline”?"],
    ),
    "a key of another kind": (
        [("title: 名单", "title: 名单\n        colour: red")],
        [
            (
                "tasks.yaml:19:9: this deliverable has no key “colour”; expected id, deadline, due, on_holiday, grace, "
                "policy, status, acceptance, target, submit_to, form, round, requirement, note, memo, title or owners"
            )
        ],
    ),
    "a key in Chinese quotes": (
        [("title: 名单", "“title”: 名单")],
        [
            (
                "tasks.yaml:18:9: the key ““title”” has full-width signs or no space after the colon; "
                "expected “title: …”"
            )
        ],
    ),
    "a full-width colon": (
        [("owners: 各局\n", "owners：各局\n")],
        ["tasks.yaml:10:11: a full-width colon “：”; expected a half-width “:” and a space"],
    ),
    "a full-width colon within braces": (
        [("owners: 各局\n", "owners: 各局\n    target: {count: 2, of：查}\n")],
        [
            "tasks.yaml:11:24: the key “of：查” has full-width signs or no space after the colon; expected “of: …”",
        ],
    ),
    "a task that is a text": (
        [("  - id: 1\n    text: 做\n    owners: 各局\n    deadline: 2022年底前\n", "  - id：1\n")],
        [
            (
                "tasks.yaml:8:5: this task must be made of “key: value” lines (id, deadline, text or owners), not the text "
                "“id：1”; “：” is full-width, use “:” and a space"
            )
        ],
    ),
    "a list instead of a text": (
        [("owners: 甲局、乙局", "owners: [甲局, 乙局]")],
        ["tasks.yaml:14:13: “owners” must be a text, not a list"],
    ),
    "a key twice": (
        [("owners: 各局", "owners: 各局\n    owners: 甲局")],
        ["tasks.yaml:11:5: the key “owners” stands here a second time; the first is in line 10"],
    ),
    "values that are none of those expected": (
        [
            (
                "owners: 各局",
                "on_holiday: later\n    status: Done\n    grace: 2wd\n    acceptance: maybe\n    owners: 各局",
            )
        ],
        [
            "tasks.yaml:10:17: “on_holiday” is “later”; expected keep, before or after",
            "tasks.yaml:11:13: “status” is “Done”; expected done, paused or waived",
            "tasks.yaml:12:12: “2wd”: expected days of grace such as 2d",
            "tasks.yaml:13:17: “maybe”: expected true or false",
        ],
    ),
    "a due date beside a deadline that comes back": (
        [("deadline: 每月5日前", "deadline: 每月5日前\n    due: 2022-05-05")],
        ["tasks.yaml:25:10: “每月5日前” comes back, so it cannot have one due date; leave due out"],
    ),
    "a day that does not exist": (
        [("deadline: 2022年底前", "deadline: 2022年底前\n    due: 2022-02-30")],
        ["tasks.yaml:12:10: there is no such day as 2022-02-30"],
    ),
    "a date in other words": (
        [("issued: 2022-04-08", "issued: 2022年4月8日")],
        ["tasks.yaml:4:11: “2022年4月8日” is no date; expected one such as 2022-04-08"],
    ),
    "a date of issue that is not there": (
        [("  issued: 2022-04-08\n", "")],
        ["tasks.yaml:2:3: the campaign has no “issued”, which is required"],
    ),
    "a time zone that does not exist": (
        [("issued:", "timezone: Asia/Shangai\n  issued:")],
        [
            (
                "tasks.yaml:4:13: there is no time zone “Asia/Shangai”; expected one such as Asia/Shanghai; "
                "did you mean “Asia/Shanghai”?"
            )
        ],
    ),
    "a language that nobody writes": (
        [("issued:", "language: cn\n  issued:")],
        ["tasks.yaml:4:13: “language” is “cn”; expected zh, en or zh-Hant"],
    ),
    "an id in capitals": (
        [("id: table", "id: Table 2")],
        ["tasks.yaml:21:9: “Table 2”: expected an id of a–z, 0–9 and “-”, such as wanzhou or 12"],
    ),
    "a title on two lines": (
        [("title: 名单", 'title: "名单\\nBcc: x"')],
        ["tasks.yaml:18:16: “名单 Bcc: x”: must be one line without tabs"],
    ),
    "a control character": (
        [("title: 名单", "title: 名\u2028单")],
        ["tasks.yaml:18:17: the invisible control character U+2028 must not stand here"],
    ),
    "a quota of nothing": (
        [("owners: 各局", "target: {count: 0, of: 例}\n    owners: 各局")],
        ["tasks.yaml:10:21: “0”: expected a whole number from 1 to 1000000"],
    ),
    "where to send it is no address": (
        [("title: 名单", "title: 名单\n        submit_to: 101560197＠qq.com")],
        [
            (
                "tasks.yaml:19:20: “101560197＠qq.com” is no e-mail address: it has a full-width character; "
                "expected one such as zhang@unit.example"
            )
        ],
    ),
    "a title of nothing": ([("title: 名单", 'title: " "')], ["tasks.yaml:18:16: “title” must not be empty"]),
    "a title without end": (
        [("title: 名单", f"title: {'名' * 501}")],
        ["tasks.yaml:18:16: “title” is longer than 500 characters"],
    ),
    "an id that is not there": (
        [("  - id: 2\n    text", "  - text")],
        ["tasks.yaml:12:5: this task has no “id”, which is required"],
    ),
    "a year of long ago": (
        [("issued: 2022-04-08", "issued: 0022-04-08")],
        ["tasks.yaml:4:11: 0022-04-08: expected a year from 1900 to 2200"],
    ),
    "a quota that is a text": (
        [("owners: 各局", "target: 2家\n    owners: 各局")],
        [
            "tasks.yaml:10:13: the target must be made of “key: value” lines (count or of), not the text “2家”",
        ],
    ),
    # --- between the items ---
    "a task too few": (
        [("task_count: 2", "task_count: 3")],
        ["tasks.yaml:6:15: task_count is 3, but 2 task(s) stand in the file; it may be cut off"],
    ),
    "a task twice": ([("id: 2\n", "id: 1\n")], ["tasks.yaml:12:9: the id “1” is already used in line 8"]),
    "a report with a task's id": (
        [("id: table", "id: 2")],
        ["tasks.yaml:21:9: the id “2” is already used in line 12"],
    ),
    "a deliverable twice": (
        [("title: 名单", "title: 名单\n        deadline: 持续推进\n      - id: list\n        title: 又")],
        ["tasks.yaml:20:13: the id “list” is already used in line 17"],
    ),
    "an unknown owner": (
        [("甲局、乙局", "甲局、Alhpa")],
        ["tasks.yaml:14:16: no unit or group in units.yaml is called “Alhpa”; did you mean “Alpha”?"],
    ),
    "two unknown owners": (
        [("甲局、乙局", "戊己、甲局和庚辛")],
        [
            "tasks.yaml:14:13: no unit or group in units.yaml is called “戊己”; expected a name or an alias",
            "tasks.yaml:14:19: no unit or group in units.yaml is called “庚辛”; expected a name or an alias",
        ],
    ),
    "an owner that resolves to nobody": (
        [("甲局、乙局", "甲局、空组")],
        [
            (
                "tasks.yaml:14:16: the group “空组” has no members, so this resolves to nobody; "
                "expected a group with members"
            )
        ],
    ),
    "an owner that is only a separator": (
        [("owners: 各局", "owners: 、")],
        ["tasks.yaml:10:13: “、” names nobody; expected names of units"],
    ),
    "an unknown owner of a quota": (
        [("owners: 各局", "target: {count: 1, of: 例, owners: 丙丁}\n    owners: 各局")],
        ["tasks.yaml:10:39: no unit or group in units.yaml is called “丙丁”; expected a name or an alias"],
    ),
    "an unknown supervisor": (
        [("supervisor: 甲局", "supervisor: 各局")],
        ["tasks.yaml:5:15: the supervisor “各局” is no unit in units.yaml"],
    ),
    "an unknown policy": (
        [("owners: 各局", "policy: montly\n    owners: 各局")],
        [
            (
                "tasks.yaml:10:13: there is no policy “montly” in settings.yaml; expected default, monthly; "
                "did you mean “monthly”?"
            )
        ],
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_the_findings_on_bad_input_word_for_word(case, tmp_path):
    edits, expected = BAD[case]
    loaded = load_edited(tmp_path, *edits)
    assert told(loaded, tmp_path) == expected
    assert loaded.campaign is None


@pytest.mark.parametrize("case", BAD)
def test_every_finding_is_said_in_chinese_too(case, tmp_path):
    for problem in load_edited(tmp_path, *BAD[case][0]).problems:
        assert any("一" <= character <= "龥" for character in say(problem.message, "zh"))


def test_the_unedited_files_are_well(tmp_path):
    loaded = load_edited(tmp_path)
    assert told(loaded, tmp_path) == []
    assert loaded.campaign is not None


@pytest.mark.parametrize(
    "name", ["localtime", "posixrules", "Factory", "posix/Asia/Shanghai", "right/Asia/Shanghai"]
)
def test_what_is_the_clock_of_no_place_is_no_time_zone(tmp_path, name):
    edit = ("issued:", f"timezone: {name}\n  issued:")
    (found,) = [str(each) for each in load_edited(tmp_path, edit).errors]
    assert f"there is no time zone “{name}”" in found


@pytest.mark.parametrize(
    "name", ["tasks.yaml", "units.yaml", "settings.yaml", "holidays/2027.yaml", "forms/a.yaml"]
)
def test_a_pipe_in_the_place_of_a_file_is_refused_and_not_waited_for(tmp_path, name):
    write(tmp_path, FILES)
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    found = [str(each) for each in load(tmp_path).errors]
    assert f"{path}:0:0: cannot be read: it is no ordinary file（无法读取：不是普通文件）" in found


@pytest.mark.parametrize(
    ("name", "example"),
    [
        ("holidays/2027年.yaml", "2027.yaml"),
        ("holidays/27.yaml", "2027.yaml"),
        ("holidays/2027.YAML", "2027.yaml"),
        ("forms/我的表.yaml", "exam-institutions.yaml"),
    ],
)
def test_a_file_that_is_passed_over_for_its_name_is_named(tmp_path, name, example):
    write(tmp_path, FILES)
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("year: 2027\n", encoding="utf-8")
    (path.parent / ".2027.yaml.swp").write_text("", encoding="utf-8")
    (path.parent / "README.txt").write_text("", encoding="utf-8")
    loaded = load(tmp_path)
    assert [(each.file, each.severity) for each in loaded.problems if each.file == str(path)] == [
        (str(path), "warning")
    ]
    assert [each for each in loaded.problems if f"such as {example}" in str(each.message)]
    assert len([each for each in loaded.problems if "passed over" in str(each.message)]) == 1
