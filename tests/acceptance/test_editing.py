"""Editing the files is safe: one sees beforehand what changes, a slip of the mouse takes nothing away, and a file with
errors stops nobody's work."""

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.tools import CAMPAIGN, UNITS, Place, quick_folder, service
from tracker.clock import SystemClock

TODAY = SystemClock().now().astimezone(ZoneInfo("Asia/Shanghai")).date()
NEXT_WEEK = TODAY + timedelta(days=7)

#: Where no mails are looked at, those of a day are enough: to foresee a fortnight's takes most of the time.
PLAN = ("plan", "--days", "1")

#: Enough periods that one of them is less than a tenth of the whole.
TASK_3 = """\
  - id: 3
    text: 新增的一项任务。
    owners: 万州
    deadline: 2022年9月底前
"""


@pytest.fixture
def ours():
    with quick_folder() as folder:
        made = Place(folder, tasks=with_supervisor(CAMPAIGN))
        made.ok("status")
        yield made


def with_supervisor(text):
    return text.replace("  language: zh\n", "  language: zh\n  supervisor: 市中心\n", 1)


def edit(place, old, new):
    text = place.tasks.read_text(encoding="utf-8")
    assert old in text
    place.tasks.write_text(text.replace(old, new), encoding="utf-8")


def without_task_2(place):
    text = place.tasks.read_text(encoding="utf-8")
    text = re.sub(r"  - id: 2\n.*?(?=reports:)", "", text, flags=re.DOTALL)
    place.tasks.write_text(text.replace("task_count: 2", "task_count: 1"), encoding="utf-8")


def refs(place):
    return {row["ref"].partition("@")[0] for row in place.json("status", "--at", "2022-06-01")["rows"]}


def test_a_plan_shows_what_appears_moves_and_vanishes_and_changes_nothing(ours):
    assert ours.json("plan")["assignments"] == {"added": [], "removed": [], "moved": [], "gone": []}
    assert "没有变化" in ours.ok("plan", LC_ALL="zh_CN.UTF-8").out
    edit(ours, "2022年6月底前", "2022年7月底前")
    edit(ours, "task_count: 2", "task_count: 3")
    edit(ours, "reports:\n", f"{TASK_3}reports:\n")
    edit(ours, "owners: 各区\n    deadline: 持续推进", "owners: 万州\n    deadline: 持续推进")
    found = ours.json(*PLAN)["assignments"]
    assert found["added"] == [{"ref": "3", "unit": "wanzhou", "due": "2022-09-30"}]
    assert found["removed"] == [{"ref": "1", "unit": "fuling", "due": None}]
    assert {(row["ref"], row["unit"], row["from"], row["to"]) for row in found["moved"]} == {
        ("2", unit, "2022-06-30", "2022-07-31") for unit in ("wanzhou", "fuling")
    }
    assert "3" not in ours.ok("history", "--format", "json").out
    told = ours.ok(*PLAN, LC_ALL="zh_CN.UTF-8").out
    assert "+ 3 " in told
    assert "2022-06-30 → 2022-07-31  任务2  万州、涪陵" in told
    # Nothing has happened yet: the same plan comes out again.
    assert ours.json(*PLAN)["assignments"] == found


def test_a_plan_tells_what_is_open_or_answered_again(ours):
    ours.ok("submit", "2", "--unit", "万州", "--count", "2")
    ours.ok("submit", "2", "--unit", "涪陵", "--count", "1")
    edit(ours, "target: {count: 2,", "target: {count: 3,")
    found = ours.json(*PLAN)
    row = {"ref": "2", "unit": "wanzhou", "due": "2022-06-30"}
    assert found["answers"] == {"reopened": [row], "answered": []}
    edit(ours, "target: {count: 3,", "target: {count: 1,")
    found = ours.json(*PLAN)
    assert found["answers"] == {"reopened": [], "answered": [{**row, "unit": "fuling"}]}
    assert not any(found["assignments"].values())
    told = ours.ok(*PLAN, LC_ALL="zh_CN.UTF-8").out
    assert "> 2                        2022-06-30  任务2  涪陵  不再待办" in told
    edit(ours, "target: {count: 1,", "status: waived\n    target: {count: 2,")
    assert ours.json(*PLAN)["answers"]["answered"] == [{**row, "unit": "fuling"}]
    assert ours.ok(*PLAN, "--format", "csv").csv[0]["change"] == "answered"


def test_a_plan_calls_what_is_gone_as_people_called_it(ours):
    without_task_2(ours)
    told = ours.ok(*PLAN, LC_ALL="zh_CN.UTF-8").out
    assert "- 2                        2022-06-30  任务2  涪陵、万州" in told
    assert "任务2·第一批名单" in told


def test_a_plan_shows_the_mails_that_come_and_go(ours):
    ours.ok("run", "--once", "--send-now")
    edit(ours, "deadline: 2022年5月20日前", f"deadline: {NEXT_WEEK}")
    found = ours.json("plan", "--days", "10")["mails"]
    come = {(item["ref"], item["reason"]) for mail in found["added"] for item in mail["items"]}
    gone = {(item["ref"], item["reason"]) for mail in found["removed"] for item in mail["items"]}
    assert ("2/first-list", "due_today") in come or ("2/first-list", "lead") in come
    assert gone == {("2/first-list", "overdue")}
    assert len(ours.mails()) > 0


def test_a_copy_can_be_planned_before_it_is_saved(ours):
    copy = ours.folder / "copy"
    copy.mkdir()
    for path in ours.config.iterdir():
        (copy / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    tasks = copy / "tasks.yaml"
    tasks.write_text(
        tasks.read_text(encoding="utf-8").replace("2022年6月底前", "2022年8月底前"), encoding="utf-8"
    )
    moved = ours.json("--config", copy, *PLAN)["assignments"]["moved"]
    assert {row["to"] for row in moved} == {"2022-08-31"}
    assert ours.json(*PLAN)["assignments"]["moved"] == []


def test_taking_away_what_has_a_history_waits_for_a_word_and_the_operator_is_told_once(ours):
    ours.ok("submit", "2", "--unit", "万州", "--count", "2")
    without_task_2(ours)
    told = ours.ok(*PLAN, LC_ALL="zh_CN.UTF-8").out
    assert "其中2已有办理记录" in told
    assert "tracker run --accept-removals" in told
    assert [each["word"] for each in ours.json(*PLAN)["held"]] == ["removals"]
    done = ours.ok("run", "--once")
    assert (
        "nothing of this edit is in force until it is confirmed by tracker run --accept-removals" in done.err
    )
    ours.ok("run", "--once")
    assert "2" in refs(ours)
    alerts = [mail for mail in ours.mails() if mail["kind"] == "alert"]
    assert len(alerts) == 1
    assert "--accept-removals" in ours.ok("mail", "show", alerts[0]["id"]).out
    ours.ok("run", "--once", "--accept-removals")
    assert "2" not in refs(ours)
    assert ours.ok("history", "2", "--format", "json").json != []
    # What is gone can come back, with its history.
    ours.tasks.write_text(with_supervisor(CAMPAIGN), encoding="utf-8")
    rows = ours.json("status", "--ref", "2", "--unit", "万州")["rows"]
    assert [row["progress"] for row in rows] == [2]


def test_a_word_in_the_file_lets_it_through_until_the_end_of_that_day(ours):
    ours.ok("submit", "2", "--unit", "万州", "--count", "2")
    without_task_2(ours)
    yesterday = TODAY - timedelta(days=1)
    edit(ours, "  supervisor: 市中心\n", f"  supervisor: 市中心\n  accept_removals: {yesterday}\n")
    assert "2" in refs(ours)
    for language, words in (("zh_CN.UTF-8", "已过期"), ("en_US.UTF-8", "is over")):
        told = ours.ok(*PLAN, LC_ALL=language).out
        assert f"accept_removals: {yesterday}" in told
        assert words in told
    edit(ours, f"accept_removals: {yesterday}", f"accept_removals: {TODAY + timedelta(days=1)}")
    assert "2" not in refs(ours)


RECENT = f"""\
campaign:
  title: 安全培训专项治理
  issued: {TODAY - timedelta(days=3)}
  task_count: 1
tasks:
  - {{id: 1, text: 严把质量关。, owners: 各区, deadline: 持续推进}}
reports:
  - {{id: table-2, title: 汇总表, owners: 各区, deadline: 每月底前}}
"""


def test_taking_away_more_than_a_tenth_waits_too_and_less_does_not():
    with quick_folder() as folder:
        recent = Place(folder, tasks=RECENT)
        before = len(recent.json("status")["rows"])
        edit(recent, "汇总表, owners: 各区", "汇总表, owners: 万州")
        assert "would take away" in recent.ok("status").err
        assert len(recent.json("status")["rows"]) == before
        recent.ok("run", "--once", "--accept-removals")
        assert len(recent.json("status")["rows"]) < before


def test_a_unit_that_leaves_one_of_many_tasks_is_no_question(ours):
    edit(ours, "owners: 各区\n    deadline: 持续推进", "owners: 万州\n    deadline: 持续推进")
    assert "would take away" not in ours.ok("status").err
    assert [row["unit"] for row in ours.json("status", "--ref", "1")["rows"]] == ["wanzhou"]


def test_while_a_file_is_broken_the_last_good_ones_are_worked_with(ours):
    ours.tasks.write_text("tasks: [", encoding="utf-8")
    done = ours.ok("submit", "2", "--unit", "万州")
    assert "config/tasks.yaml:2:1: this is not YAML" in done.err
    assert "what was in force last is so still" in done.err
    rows = ours.json("status", "--ref", "2", "--unit", "万州")["rows"]
    assert rows[0]["progress"] == 2
    ours.ok("run", "--once")
    for command in ("check", "tasks", "plan"):
        assert ours.tracker(command).code == 1
    nothing = Place(ours.folder / "other", tasks="tasks: [")
    assert nothing.tracker("status").code == 1


def test_a_running_service_takes_over_what_another_process_has_confirmed(ours):
    ours.ok("submit", "2", "--unit", "万州", "--count", "2")
    with service(ours, tick="*") as running:
        running.wait_for("next digests")
        without_task_2(ours)
        running.wait_for("would take away")
        assert "2" in refs(ours)
        ours.process("run", "--once", "--accept-removals")
        running.wait_for("confirmed; now in force", 60)
        assert running.stop()[0] == 0
    assert "2" not in refs(ours)


def test_groups_change_what_is_asked_once_and_what_is_still_to_come(ours):
    units = ours.config / "units.yaml"
    ours.ok("submit", "table-2@2022-05", "--unit", "涪陵", "--on", "2022-05-04")
    joined = UNITS.replace("members: [wanzhou, fuling]", "members: [wanzhou, fuling, center]")
    units.write_text(joined, encoding="utf-8")
    facts = ours.json(*PLAN)
    assert {row["unit"] for row in facts["left_out"]} == {"center"}
    assert facts["left_out"][0] == {"ref": "2/experience@2022-05", "unit": "center", "due": "2022-05-05"}
    told = ours.ok(*PLAN, LC_ALL="zh_CN.UTF-8").out
    assert re.search(r"\. table-2 +2022-05-05 … 20..-..-05 .* 市中心  加入前已到期的\d+期不要求补报\n", told)
    assert {row["change"] for row in ours.ok(*PLAN, "--format", "csv").csv} == {"added", "left_out"}
    rows = ours.json("status", "--ref", "table-2")["rows"]
    due = {unit: [row["due"] for row in rows if row["unit"] == unit] for unit in ("wanzhou", "center")}
    assert due["center"]
    assert min(due["center"]) >= TODAY.isoformat() > min(due["wanzhou"])
    done = ours.tracker("submit", "table-2@2022-05", "--unit", "市中心", LC_ALL="zh_CN.UTF-8")
    assert done.code == 1
    assert "市考试中心此后才列为落实单位" in done.err
    # What is asked once is asked of who joins after its date as well.
    assert {row["unit"] for row in ours.json("status", "--ref", "2")["rows"]} == {
        "wanzhou",
        "fuling",
        "center",
    }


# --- another document under the same id ---


@pytest.fixture
def undecided(ours):
    """Next year's list saved over this one's, its id unchanged."""
    ours.ok("submit", "2", "--unit", "万州", "--count", "1")
    edit(ours, "试发〔2022〕1号", "试发〔2023〕9号")
    return ours


def test_plan_and_check_say_that_another_document_holds_the_whole_edit_back(undecided):
    edit(undecided, "2022年6月底前", "2022年7月底前")
    facts = undecided.json(*PLAN)
    assert [each["word"] for each in facts["held"]] == ["correction"]
    assert "--accept-correction" in facts["held"][0]["zh"]
    assert "! " in undecided.ok(*PLAN).out
    found = undecided.json("check")
    assert found["ok"]
    (told,) = [each for each in found["warnings"] if "--accept-correction" in each["message"]]
    assert told["file"].endswith("tasks.yaml")
    yesterday = TODAY - timedelta(days=1)
    edit(undecided, "  supervisor: 市中心\n", f"  supervisor: 市中心\n  accept_correction: {yesterday}\n")
    assert f"accept_correction: {yesterday} is over" in undecided.ok(*PLAN, LC_ALL="en_US.UTF-8").out
    edit(undecided, f"accept_correction: {yesterday}", f"accept_correction: {TODAY}")
    assert undecided.json(*PLAN)["held"] == []
    assert not [each for each in undecided.json("check")["warnings"] if "accept" in each["message"]]


@pytest.mark.parametrize(
    "command",
    [
        ("submit", "2", "--unit", "万州", "--count", "1"),
        ("waive", "2", "--unit", "万州"),
        ("undo", "2", "--unit", "万州"),
        ("extend", "2/first-list", "--unit", "万州", "--until", "2199-01-01", "--force", "--reason", "x"),
        ("before", "--settle", "waive"),
    ],
    ids=lambda command: command[0],
)
def test_nothing_that_a_person_names_is_recorded_while_nobody_knows_of_which_list_it_is(undecided, command):
    before = undecided.json("history")
    refused = undecided.tracker(*command, LC_ALL="zh_CN.UTF-8")
    assert refused.code == 1
    assert "确认前不予登记" in refused.err
    assert "--accept-correction" in undecided.tracker(*command, LC_ALL="C").err
    assert undecided.json("history") == before
    # Reading goes on, with the warning.
    done = undecided.ok("status", "--format", "json")
    assert done.json["rows"]
    assert "--accept-correction" in done.err
    undecided.ok("run", "--once", "--accept-correction")
    assert undecided.tracker(*command).code == 0
