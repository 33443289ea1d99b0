"""The shipped configuration against the document itself, read here by means of its own."""

import re
from datetime import date
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config"
DOCUMENT = (ROOT / "tests/fixtures/document.txt").read_text(encoding="utf-8")

MAILBOX = "101560197@qq.com"
HEADINGS = {"工作任务", "任务分解", "落实单位", "完成时限", "工作要求"}
BUREAU, DISTRICTS = "市应急管理局", "各区县应急管理局"
BOTH = f"{BUREAU}、{DISTRICTS}"

#: (owners, deadline, target, submit_to) of everything dated that stands beside the tasks' own deadlines.
DELIVERABLES = {
    "5/first-list": (DISTRICTS, "2022年6月底前", None, MAILBOX),
    "5/second-list": (DISTRICTS, "2022年8月底前", None, MAILBOX),
    "10/patrol": (DISTRICTS, "每季度", ("1", "全覆盖巡查巡考", DISTRICTS), None),
    "23/self-check-notice": (BOTH, "2022年3月底前", None, None),
    "25/spot-checks": (BUREAU, "2022年7月底前", ("10", "区县", BUREAU), None),
    "26/experience": (DISTRICTS, "2022年4月起-10月，每月5日前", None, MAILBOX),
    "28/inspections": (BOTH, "每年", ("2", "执法检查", BOTH), None),
}

TABLE = "安全生产培训“走过场”专项整治进展情况汇总表"

#: (title, form, deadline) of the reports.
REPORTS = {
    "table-2-self-check": (f"{TABLE}（培训机构）（自查自改）", "training-institutions", "2022年4月15日前"),
    "table-3-self-check": (f"{TABLE}（考试机构）（自查自改）", "exam-institutions", "2022年4月15日前"),
    "table-2": (f"{TABLE}（培训机构）", "training-institutions", "2022年5月起，每月5日前"),
    "table-3": (f"{TABLE}（考试机构）", "exam-institutions", "2022年5月起，每月5日前"),
    "table-4": (f"{TABLE}（生产经营单位）", "production-units", "每月5日前"),
    "work-report": ("上月度工作报告", None, "每月5日前"),
}


def load(name):
    """A file of the configuration with every scalar as the text that stands there."""
    return yaml.load((CONFIG / name).read_text(encoding="utf-8"), Loader=yaml.BaseLoader)


TASKS, UNITS, SETTINGS = load("tasks.yaml"), load("units.yaml"), load("settings.yaml")
BY_ID = {task["id"]: task for task in TASKS["tasks"]}
UNITS_BY_ID = {unit["id"]: unit for unit in UNITS["units"]}
GROUPS_BY_ID = {group["id"]: group for group in UNITS["groups"]}


def one_line(text):
    """Paragraphs and broken lines joined; every other character stays."""
    return "".join(line.strip() for line in text.splitlines())


def rows_of_annex_1():
    """The rows of the table: section, number, text, owners, deadline, requirement.

    In the text each cell begins on a new line with a tab.  The heading comes back on every page, and the
    first cell is empty where the section goes on.
    """
    annex = DOCUMENT.partition("\n附件1\n")[2].partition("\n附件2\n")[0]
    cells = [one_line(cell) for cell in annex.split("\n\t")[1:]]
    cells = [cell for cell in cells if cell and cell not in HEADINGS]
    section = ""
    while cells:
        if re.match("[一二三四五六七八九十]+、", cells[0]):
            section = cells.pop(0)
        task, owners, deadline, requirement, *cells = cells
        number, _, text = task.partition(".")
        yield section, number, text, owners, deadline, requirement


ROWS = list(rows_of_annex_1())


def deliverables():
    return {f"{task['id']}/{d['id']}": d for task in TASKS["tasks"] for d in task.get("deliverables", ())}


def target(definition):
    quota = definition.get("target")
    return None if quota is None else (quota["count"], quota["of"], quota["owners"])


def names():
    """Every name and alias → the ids of the units that it stands for."""
    meant = [(unit, [unit["id"]]) for unit in UNITS["units"]]
    meant += [(group, group["members"]) for group in UNITS["groups"]]
    return {name: ids for thing, ids in meant for name in (thing["name"], *thing["aliases"])}


def owners_of(text):
    """The unit ids in ``text``, by the longest name at each place; separators are skipped between names."""
    known, found = names(), []
    rest = text.lstrip("、，,；;及和与 ")
    while rest:
        name = max((name for name in known if rest.startswith(name)), key=len, default=None)
        assert name is not None, f"“{rest}” in “{text}” begins with no name of units.yaml"
        found += [unit for unit in known[name] if unit not in found]
        rest = rest.removeprefix(name).lstrip("、，,；;及和与 ")
    return found


def scalars(node, path=()):
    if isinstance(node, dict):
        for key, value in node.items():
            yield from scalars(value, (*path, key))
    elif isinstance(node, list):
        for value in node:
            yield from scalars(value, path)
    else:
        yield path, node


# --- the 31 tasks ---


def test_the_document_has_31_tasks_numbered_in_order_and_so_has_the_file():
    assert [row[1] for row in ROWS] == [str(number) for number in range(1, 32)]
    assert [task["id"] for task in TASKS["tasks"]] == [row[1] for row in ROWS]
    assert TASKS["campaign"]["task_count"] == "31"


@pytest.mark.parametrize("row", ROWS, ids=[row[1] for row in ROWS])
def test_every_task_says_word_for_word_what_the_document_says(row):
    section, number, text, owners, deadline, requirement = row
    task = BY_ID[number]
    assert task["section"] == section
    assert one_line(task["text"]) == text
    assert task["owners"] == owners
    assert task["deadline"] == deadline
    assert task["requirement"] == requirement


def test_the_first_task_keeps_its_five_paragraphs():
    paragraphs = BY_ID["1"]["text"].splitlines()
    assert [p[:3] for p in paragraphs] == ["202", "“2”", "“3”", "“9”", "“3”"]


def test_there_are_eight_sections_and_fourteen_wordings_of_a_deadline():
    assert len({row[0] for row in ROWS}) == 8
    assert len({task["deadline"] for task in TASKS["tasks"]}) == len({row[4] for row in ROWS}) == 14


def test_slips_of_the_original_are_kept():
    assert "各区县急局" in BY_ID["7"]["owners"]
    assert "2 个以上" in BY_ID["7"]["text"]
    assert BY_ID["17"]["requirement"].endswith("服好务")
    assert "4 类单位" in BY_ID["23"]["requirement"]
    assert BY_ID["23"]["requirement"].endswith("边查边改。")
    assert BY_ID["27"]["text"].endswith("，")
    assert BY_ID["29"]["deadline"] == "2022年底前，持续推进"


def test_before_2022_is_read_as_the_end_of_2022_and_a_memo_says_so():
    assert BY_ID["1"]["due"] == "2022-12-31"
    assert "2022年前" in BY_ID["1"]["memo"]
    assert "2022年底前" in BY_ID["1"]["memo"]


def test_the_campaign_is_the_letter_itself():
    campaign = TASKS["campaign"]
    head = one_line(DOCUMENT.partition("附件：")[0])
    assert head.startswith(campaign["document"])
    assert f"《{campaign['title']}》" in head
    assert "2022年4月8日" in DOCUMENT
    assert date.fromisoformat(campaign["issued"]) == date(2022, 4, 8)
    assert owners_of(campaign["supervisor"]) == ["shi-kaoshi"]
    assert campaign["timezone"] == "Asia/Shanghai"
    assert campaign["language"] == "zh"


# --- what is asked for beside the tasks' own deadlines ---


def test_every_requirement_that_names_a_date_or_a_rhythm_has_deliverables():
    dated = {row[1] for row in ROWS if re.search(r"\d月|\d日|每(年|半年|季|月|周)", row[5])}
    assert dated == {"5", "10", "23", "26", "28"}
    assert {key.partition("/")[0] for key in deliverables()} == dated | {"25"}


def test_the_deliverables_are_those_that_the_requirements_ask_for():
    assert {
        key: (d["owners"], d["deadline"], target(d), d.get("submit_to")) for key, d in deliverables().items()
    } == DELIVERABLES
    assert all(d["title"] for d in deliverables().values())


def test_nothing_is_counted_twice():
    assert {task["id"]: target(task) for task in TASKS["tasks"] if "target" in task} == {
        "5": ("2", "典型案例", DISTRICTS),
        "7": ("2", "实操考试点", BUREAU),
    }
    counted = {key.partition("/")[0] for key, d in deliverables().items() if "target" in d}
    assert counted == {"10", "25", "28"}


def test_every_reading_that_is_not_the_plain_wording_has_a_memo():
    found = deliverables()
    assert "2022年3月" in found["23/self-check-notice"]["memo"]
    assert BUREAU in found["26/experience"]["memo"]
    assert {key for key, item in {**BY_ID, **found}.items() if "memo" in item} == {
        *("1", "5", "5/first-list", "5/second-list", "7", "10", "13", "16", "18", "20", "21"),
        *("23/self-check-notice", "25/spot-checks", "26/experience", "31"),
    }


def test_a_note_is_only_what_the_reader_of_a_mail_should_see():
    noted = {key: item["note"] for key, item in {**BY_ID, **deliverables()}.items() if "note" in item}
    assert set(noted) == {"16", "23/self-check-notice", "28/inspections"}
    assert "2022年4月8日" in noted["16"]
    assert not any(re.search("照录|这里|原文|units.yaml", note) for note in noted.values())


def test_where_to_report_is_what_the_document_names_and_never_the_owner_alone():
    places = {task["id"]: task["submit_to"] for task in TASKS["tasks"] if "submit_to" in task}
    assert places == {
        "13": BUREAU,
        "18": BUREAU,
        "20": "专项行动办公室",
        "31": "应急管理部安全执法和工贸监管局",
    }
    assert f"报送{places['20']}" in BY_ID["20"]["text"]
    assert f"报{places['31']}" in BY_ID["31"]["requirement"]
    supervisor = owners_of(TASKS["campaign"]["supervisor"])
    for number, task in BY_ID.items():
        assert number in places or owners_of(task["owners"]) != supervisor


def test_the_reports_are_those_of_the_annexes():
    assert {r["id"]: (r["title"], r.get("form"), r["deadline"]) for r in TASKS["reports"]} == REPORTS
    assert {r["owners"] for r in TASKS["reports"]} == {DISTRICTS}
    assert {r["submit_to"] for r in TASKS["reports"]} == {MAILBOX}


def test_the_annexes_ask_for_the_self_check_by_15_april_and_for_every_table_by_the_5th():
    annexes = re.split(r"\n附件[234]\n", DOCUMENT)[1:]
    assert ["4月15日之前" in annex for annex in annexes] == [True, True, False]
    assert ["4月15日之后，每月5日前" in annex for annex in annexes] == [True, True, False]
    assert all("请于每月5日前将此表连同上月度工作报告报送市考试中心" in annex for annex in annexes)
    assert all(MAILBOX in annex for annex in annexes)


# --- who ---


def test_the_41_districts_are_26_districts_8_counties_4_autonomous_counties_and_3_areas():
    members = GROUPS_BY_ID["districts"]["members"]
    places = [UNITS_BY_ID[member]["name"].removesuffix("应急管理局") for member in members]
    assert len(set(members)) == len(set(places)) == 41
    assert [place[-1] for place in places] == ["区"] * 26 + ["县"] * 12 + ["区"] * 3
    assert [place.endswith("自治县") for place in places] == [False] * 34 + [True] * 4 + [False] * 3
    assert places[-3:] == ["两江新区", "重庆高新区", "万盛经开区"]
    assert all(place in DOCUMENT for place in places[-3:])
    assert list(UNITS_BY_ID) == ["shi-yingji", "shi-kaoshi", *members]


def test_every_id_and_every_name_stands_for_one_thing_only():
    everything = [*UNITS["units"], *UNITS["groups"]]
    ids = [thing["id"] for thing in everything]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch("[a-z]+(-[a-z]+)*", each) for each in ids)
    wordings = [name for thing in everything for name in (thing["name"], *thing["aliases"])]
    assert len(wordings) == len(set(wordings))
    assert not set(wordings) & set(ids)


@pytest.mark.parametrize("wording", sorted({row[3] for row in ROWS}))
def test_every_wording_in_the_owners_column_is_known_to_the_last_character(wording):
    assert owners_of(wording)


def test_the_owners_column_means_the_units_that_it_names():
    districts = GROUPS_BY_ID["districts"]["members"]
    everybody = {"shi-yingji", "shi-kaoshi", *districts}
    units = {number: owners_of(task["owners"]) for number, task in BY_ID.items()}
    assert set(units["7"]) == set(units["8"]) == everybody
    assert set(units["9"]) == everybody - {"shi-yingji"}
    assert units["13"] == ["shi-yingji", "shi-kaoshi"]
    assert all(set(units[number]) == everybody - {"shi-kaoshi"} for number in ("14", "16", "17", "19"))
    assert units["18"] == ["shi-kaoshi"]
    assert units["5"] == ["shi-yingji", *districts]
    assert units["2"] == ["shi-yingji"]


def test_everybody_who_is_asked_or_counted_is_somebody():
    for path, value in scalars(TASKS):
        if path[-1] == "owners":
            assert owners_of(value), path
    for group in UNITS["groups"]:
        assert len(group["members"]) == len(set(group["members"]))
        assert set(group["members"]) <= set(UNITS_BY_ID)


def test_nobody_reports_to_themselves_by_any_way_round():
    for unit in UNITS["units"]:
        seen = [unit["id"]]
        while (upper := UNITS_BY_ID[seen[-1]].get("reports_to")) is not None:
            assert upper in UNITS_BY_ID
            assert upper not in seen
            seen.append(upper)


def test_every_unit_has_a_contact_with_an_address_of_its_own():
    addresses = [contact["email"] for unit in UNITS["units"] for contact in unit["contacts"]]
    assert len(addresses) == len(set(addresses)) == len(UNITS["units"]) == 43


# --- the files ---


@pytest.mark.parametrize("name", ["tasks.yaml", "units.yaml", "settings.yaml"])
def test_no_address_is_real_but_the_one_that_the_document_prints(name):
    text = (CONFIG / name).read_text(encoding="utf-8")
    addresses = set(re.findall(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", text))
    assert addresses
    assert all(address == MAILBOX or address.endswith(".example") for address in addresses)
    places = {path[-1] for path, value in scalars(load(name)) if MAILBOX in value}
    assert places <= {"submit_to"}


@pytest.mark.parametrize("name", ["tasks.yaml", "units.yaml", "settings.yaml"])
def test_no_text_turns_into_something_else_in_another_yaml_reader(name):
    typed = yaml.safe_load((CONFIG / name).read_text(encoding="utf-8"))
    for (path, value), (_, text) in zip(scalars(typed), scalars(load(name)), strict=True):
        if isinstance(value, int | date):
            assert path[-1] in {
                "id",
                "task_count",
                "count",
                "issued",
                "due",
                "lead",
                "acceptance",
                "announce",
                "calendar",
            }, path
        else:
            assert value == text, path


def test_the_settings_keep_the_defaults_that_the_contract_names():
    assert SETTINGS["mail"]["send_at"] == "09:00"
    assert SETTINGS["mail"]["transport"].startswith("mailbox:")
    assert SETTINGS["database"] == "sqlite:///var/tracker.db"
    assert SETTINGS["web"] == "127.0.0.1:8080"
    policies = SETTINGS["policies"]
    assert policies["default"]["lead"] == ["30", "7", "3", "1"]
    assert policies["monthly"]["lead"] == ["5", "1"]
    assert (policies["default"]["overdue"], policies["monthly"]["overdue"]) == ("7d", "2wd")
    assert policies["default"]["escalate"] == policies["monthly"]["escalate"] == "3wd"
