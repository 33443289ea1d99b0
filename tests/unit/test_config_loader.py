"""Files that hold together, into what is in force: definitions, settings, policies, holidays, environment."""

import gc
from datetime import date

import pytest

from tests.unit.test_config_bad_input import FILES, H, S, U, load_edited, told, write
from tracker.config.loader import load
from tracker.core.model import Contact, Every, Kind, Rule, Target
from tracker.core.workdays import HolidayYear
from tracker.shipped import shipped


@pytest.fixture
def campaign(tmp_path):
    return load_edited(tmp_path).campaign


@pytest.fixture(scope="module")
def ours():
    return load(shipped("config"))


# --- the campaign ---


def test_every_definition_has_its_key_kind_and_title(campaign):
    assert [(d.key, d.kind, d.title) for d in campaign] == [
        ("1", Kind.TASK, "做"),
        ("2", Kind.TASK, "查"),
        ("2/list", Kind.DELIVERABLE, "名单"),
        ("table", Kind.REPORT, "表"),
    ]


def test_texts_are_verbatim_and_read(campaign):
    task = campaign.definitions["2"]
    assert (task.owners, task.units) == ("甲局、乙局", ("a", "b"))
    assert (task.deadline, task.rule) == ("2022年6月底前", Rule(due=date(2022, 6, 30)))
    assert campaign.definitions["table"].rule == Rule(every=Every.MONTH, day=5)
    assert campaign.supervisor == "a"
    assert (campaign.issued, campaign.timezone, campaign.language) == (
        date(2022, 4, 8),
        "Asia/Shanghai",
        "zh",
    )


def test_a_deliverable_has_section_owners_and_address_of_its_task_unless_it_names_its_own(tmp_path):
    edits = [
        ("text: 查", "text: 查\n    section: 二、检查\n    submit_to: in@x.example"),
        (
            "deadline: 2022年5月20日前",
            "deadline: 2022年5月20日前\n      - {id: own, title: x, owners: 乙局, submit_to: 送市局, deadline: 持续推进}",
        ),
    ]
    definitions = load_edited(tmp_path, *edits).campaign.definitions
    inherited, own = definitions["2/list"], definitions["2/own"]
    assert (inherited.section, inherited.owners, inherited.units) == ("二、检查", "甲局、乙局", ("a", "b"))
    assert inherited.submit_to == "in@x.example"
    assert (own.section, own.owners, own.units, own.submit_to) == ("二、检查", "乙局", ("b",), "送市局")


def test_the_title_of_a_task_is_the_first_line_of_its_text(tmp_path):
    task = load_edited(tmp_path, ("text: 做", "text: |-\n      第一段\n      第二段")).campaign.definitions[
        "1"
    ]
    assert (task.title, task.text) == ("第一段", "第一段\n第二段")


def test_what_is_optional_is_taken_over(tmp_path):
    said = (
        "on_holiday: before\n    grace: 2d\n    policy: monthly\n    status: paused\n    acceptance: yes\n"
        "    note: 备注\n    requirement: 要求\n    form: f-1\n    target: {count: 2, of: 案例}\n    owners: 各局"
    )
    task = load_edited(tmp_path, ("owners: 各局", said)).campaign.definitions["1"]
    assert (task.on_holiday, task.grace_days, task.policy, task.status) == ("before", 2, "monthly", "paused")
    assert (task.acceptance, task.note, task.requirement, task.form) == (True, "备注", "要求", "f-1")
    # A quota that names nobody is everybody's.
    assert task.target == Target(2, "案例", ("a", "b"))


def test_a_given_due_date_replaces_the_one_of_the_text_and_keeps_that_it_goes_on(tmp_path):
    task = load_edited(
        tmp_path, ("2022年底前", "2022年前，并持续推进\n    due: 2022-12-31")
    ).campaign.definitions["1"]
    assert task.rule == Rule(due=date(2022, 12, 31), ongoing=True)
    assert task.deadline == "2022年前，并持续推进"


def test_units_and_groups_are_taken_over(tmp_path):
    edits = [
        (U, "email: a@x.example}", "email: a@x.example, language: en, role: cc}"),
        (U, "name: 乙局", "name: 乙局\n    reports_to: 甲\n    timezone: Asia/Urumqi"),
        (U, "members: [a, b]", "members: [乙局, a, b]\n    note: 两个"),
    ]
    campaign = load_edited(tmp_path, *edits).campaign
    assert campaign.units["a"].contacts == (Contact("张", "a@x.example", "en", "cc"),)
    assert campaign.units["a"].aliases == ("甲", "Alpha")
    assert (campaign.units["b"].reports_to, campaign.units["b"].timezone) == ("a", "Asia/Urumqi")
    assert (campaign.groups["all"].members, campaign.groups["all"].note) == (("b", "a"), "两个")


def test_the_shipped_files_have_no_errors(ours):
    assert ours.errors == ()
    assert [problem.path for problem in ours.problems] == [
        "tasks[15].deadline",
        "tasks[22].deliverables[0].deadline",
        "tasks[25].deliverables[0].deadline",
    ]
    assert (len(ours.campaign.tasks), len(ours.campaign.reports)) == (31, 6)


@pytest.mark.parametrize(
    ("key", "count"),
    [("1", 42), ("2", 1), ("5", 42), ("5/first-list", 41), ("7", 43), ("13", 2), ("18", 1), ("19", 42)],
)
def test_the_shipped_owners_resolve_to_as_many_units_as_the_document_means(ours, key, count):
    units = ours.campaign.definitions[key].units
    assert len(units) == len(set(units)) == count


# --- the fingerprint ---


def test_the_fingerprint_changes_with_every_file_and_only_then(tmp_path):
    before = load_edited(tmp_path)
    assert load(tmp_path).fingerprint == before.fingerprint
    assert [path.relative_to(tmp_path).as_posix() for path in before.files] == [*list(FILES)]
    for name, text in FILES.items():
        write(tmp_path, {name: f"# edited\n{text}"})
        assert load(tmp_path).fingerprint != before.fingerprint
        write(tmp_path, {name: text})
    assert load(tmp_path).fingerprint == before.fingerprint


def test_the_garbage_collector_is_left_as_it_was(tmp_path):
    load(tmp_path)
    assert gc.isenabled()
    gc.disable()
    try:
        load(tmp_path)
        assert not gc.isenabled()
    finally:
        gc.enable()


# --- holidays ---


def test_a_year_of_holidays_is_read(tmp_path):
    spring = {date(2027, 2, day) for day in range(5, 12)}
    assert load_edited(tmp_path).holidays == {
        2027: HolidayYear(
            2027, off=frozenset({date(2027, 1, 1), *spring}), work=frozenset({date(2027, 2, 14)})
        )
    }


def test_holidays_may_stand_in_another_folder_and_other_files_there_are_nobodys_business(tmp_path):
    loaded = load_edited(tmp_path, (S, "web: off", "web: off\nholidays: days"))
    assert loaded.holidays == {}
    write(tmp_path, {"days/2028.yaml": "year: 2028\noff: [2028-01-01]\n", "days/draft.yaml": "x"})
    loaded = load(tmp_path)
    assert told(loaded, tmp_path) == []
    assert list(loaded.holidays) == [2028]


def test_a_wrong_year_of_holidays_is_not_used(tmp_path):
    loaded = load_edited(tmp_path, (H, "2027-02-14", "2027-02-06"))
    assert loaded.holidays == {}
    assert loaded.campaign is None
