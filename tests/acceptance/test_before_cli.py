"""What was due before the ledger began, settled and taken back by command: by scripts, and at a terminal that asks."""

from __future__ import annotations

import csv
import io
import os
import pty
import subprocess

import pytest

from tests.tools import CAMPAIGN, Place, clean_environ, command, quick_folder

ZH = {"LC_ALL": "zh_CN.UTF-8"}
MAY = "table-2@2022-05"
SCOPE = ("--ref", MAY, "--ref", "table-2@2022-06")


@pytest.fixture
def place():
    with quick_folder() as folder:
        yield Place(folder, tasks=CAMPAIGN.replace("  chase_from: 2022-04-08\n", ""))


def history(place):
    return [(each["ref"], each["unit"], each["event"]) for each in place.json("history")]


def at_terminal(place, typed, *arguments):
    """What a command leaves behind whose questions are answered by ``typed``."""
    controller, terminal = pty.openpty()
    with subprocess.Popen(
        command(*arguments),
        cwd=place.folder,
        env=clean_environ(ZH),
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as running:
        os.close(terminal)
        os.write(controller, typed.encode())
        out, err = running.communicate(timeout=60)
    os.close(controller)
    return running.returncode, out, err


def test_a_script_looks_settles_and_takes_back(place):
    look = place.ok("before", "--settle", "accept", "--dry-run", *SCOPE, **ZH)
    assert "将4项次登记为已销号，不发邮件；登记后：已办结 4" in look.err
    assert [line.split()[2] for line in look.out.splitlines()[1:]] == [MAY, "table-2@2022-06"]
    assert history(place) == []
    told = place.json("before", "--settle", "submit", "--dry-run", "--unit", "万州", *SCOPE)
    assert told == {
        "how": "submit",
        "count": 2,
        "items": [
            {"ref": f"table-2@2022-0{month}", "due": f"2022-0{month}-05", "units": ["wanzhou"]}
            for month in (5, 6)
        ],
        "after": [{"state": "submitted", "light": "green", "count": 2}],
        "to_accept": 2,
    }
    done = place.ok("before", "--settle", "accept", *SCOPE, "--who", "李", "--note", "已核对", **ZH)
    (made,) = place.json("before", "--settlements")
    number = made["settlement"]
    assert done.out == f"已登记4项次（已销号），批次{number}；撤销：tracker before --undo {number}\n"
    assert (made["how"], made["count"], made["who"], made["via"]) == ("accept", 4, "李", "cli")
    assert made["note"] == "已核对"
    assert len(history(place)) == 8
    # Of what is sent back since nothing is taken back.
    place.ok("return", MAY, "--unit", "涪陵", "--reason", "不符", "--who", "王")
    look = place.ok("before", "--undo", number, "--dry-run", **ZH)
    assert f"批次{number}（登记为已销号）共4项次，将撤销3项次" in look.err
    undone = place.ok("before", "--undo", number, **ZH)
    assert undone.out == f"已撤销批次{number}的3项次\n"
    left = "登记后又有办理，未撤销：涪陵区应急管理局 汇总表（培训机构）（2022年5月应报，4月份情况）：退回，王"
    assert left in undone.err
    known = history(place)
    again = place.json("before", "--undo", number)
    assert (again["count"], again["taken_back"], again["standing"]) == (4, 3, 1)
    assert [(each["ref"], each["unit"], each["why"]) for each in again["overtaken"]] == [
        (MAY, "fuling", "overtaken")
    ]
    assert history(place) == known
    facts = place.json("before", "--settle", "waive", *SCOPE)
    assert (facts["count"], facts["left"]) == (3, [])
    assert facts["settlement"] > number
    assert [each["settlement"] for each in place.json("before", "--settlements")] == [
        facts["settlement"],
        number,
    ]
    assert place.json("before", "--settle", "waive", *SCOPE)["settlement"] is None


def test_by_month(place):
    listed = place.json("before", "--month", "2022-05")
    assert {each["due"][:7] for each in listed} == {"2022-05"}
    assert {each["ref"] for each in listed} == {MAY, "2/experience@2022-05", "2/first-list"}
    several = place.json("before", "--month", "2022-05", "--month", "2022-06", "--ref", "table-2")
    assert [each["ref"] for each in several] == [MAY, "table-2@2022-06"]


def test_at_a_terminal_it_is_asked_once(place):
    code, out, err = at_terminal(place, "n\n", "before", "--settle", "nil", *SCOPE)
    assert code == 1
    assert MAY in out
    assert "将4项次登记为零报告" in err
    assert "确认登记" in err
    assert err.endswith("未作变动\n")
    assert history(place) == []
    code, out, err = at_terminal(place, "y\n", "before", "--settle", "nil", *SCOPE)
    assert code == 0, err
    assert "已登记4项次（零报告）" in out
    (made,) = place.json("before", "--settlements")
    code, _, err = at_terminal(place, "n\n", "before", "--undo", made["settlement"])
    assert code == 1
    assert len(history(place)) == 4
    code, out, err = at_terminal(place, "", "before", "--undo", made["settlement"], "--yes")
    assert (code, out) == (0, f"已撤销批次{made['settlement']}的4项次\n"), err
    assert len(history(place)) == 8


@pytest.mark.parametrize(
    ("arguments", "code", "english", "chinese"),
    [
        (
            ("--undo", "7"),
            1,
            "there is no settlement 7; tracker before --settlements",
            "没有编号为 7 的登记批次",
        ),
        (("--undo", "99999999999999999999"), 1, "there is no settlement", "没有编号为"),
        (("--undo", "7", "--settle", "nil"), 2, "give one of them", "只能写一个"),
        (("--undo", "7", "--unit", "万州"), 2, "a whole settlement", "不能与"),
        (("--yes",), 2, "go with --settle or --undo", "须与 --settle 或 --undo"),
        (("--settle", "nil", "--note", "a\x07"), 2, "nobody can see", "看不见的字符"),
        (("--month", "May"), 2, "--month May", "--month May"),
    ],
)
def test_what_makes_no_sense_is_told(place, arguments, code, english, chinese):
    for language, words in (("C", english), ("zh_CN.UTF-8", chinese)):
        done = place.tracker("before", *arguments, LC_ALL=language)
        assert done.code == code, done.err
        assert words in done.err
    assert history(place) == []


def test_for_a_spreadsheet_every_answer_is_a_table(place):
    def rows(*arguments):
        return list(csv.DictReader(io.StringIO(place.ok("before", *arguments, "--format", "csv").out)))

    first, second = rows("--settle", "nil", "--dry-run", *SCOPE)
    assert first == {"ref": MAY, "due": "2022-05-05", "units": "wanzhou;fuling"}
    assert second["ref"] == "table-2@2022-06"
    assert history(place) == []
    (done,) = rows("--settle", "nil", *SCOPE)
    assert (done["how"], done["count"], done["left"]) == ("nil", "4", "")
    number = done["settlement"]
    (look,) = rows("--undo", number, "--dry-run")
    assert (look["settlement"], look["count"], look["standing"]) == (number, "4", "4")
    place.ok("return", MAY, "--unit", "涪陵", "--reason", "不符", "--who", "王")
    (undone,) = rows("--undo", number)
    assert (undone["standing"], undone["taken_back"]) == ("1", "3")
    assert "fuling" in undone["overtaken"]
