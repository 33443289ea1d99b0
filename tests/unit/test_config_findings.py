"""Findings over all files together: every error at once, nothing twice, and what is only a warning."""

import pytest

from tests.unit.test_config_bad_input import H, S, U, load_edited, told
from tracker.config.loader import load, load_or_raise
from tracker.errors import ConfigError


def test_every_error_of_every_file_comes_at_once(tmp_path):
    loaded = load_edited(
        tmp_path,
        ("2022年底前", "2022年13月底前"),
        ("task_count: 2", "task_count: 3"),
        ("甲局、乙局", "甲局、丙局"),
        ("title: 表", "titel: 表"),
        ("2022-04-08", "2022-04-31"),
        (U, "a@x.example", "a.x.example"),
        (U, "b@x.example", "b@@x.example"),
        (U, "[a, b]", "[a, bb, b, none]"),
        (S, "web: off", "web: 8080"),
        (H, "2027-02-14", "2027-02-06"),
    )
    assert [line.partition(": ")[0] for line in told(loaded, tmp_path)] == [
        "tasks.yaml:4:11",
        "tasks.yaml:6:15",
        "tasks.yaml:11:20",
        "tasks.yaml:14:16",
        "tasks.yaml:22:5",
        "units.yaml:6:26",
        "units.yaml:9:33",
        "units.yaml:13:18",
        "units.yaml:13:25",
        "settings.yaml:4:6",
        "holidays/2027.yaml:3:8",
    ]


def test_a_file_that_is_no_yaml_stops_only_itself(tmp_path):
    loaded = load_edited(
        tmp_path, ("owners: 各局", "owners：各局"), (U, "a@x.example", "a"), (S, "web: off", "web: x")
    )
    assert [line.partition(" ")[0] for line in told(loaded, tmp_path)] == [
        "tasks.yaml:10:11:",
        "units.yaml:6:26:",
        "settings.yaml:4:6:",
    ]


def test_without_units_that_can_be_read_owners_are_not_called_unknown(tmp_path):
    lines = told(load_edited(tmp_path, (U, "id: a", "id：a"), ("task_count: 2", "task_count: 1")), tmp_path)
    assert [line.partition(" ")[0] for line in lines] == ["tasks.yaml:6:15:", "units.yaml:2:7:"]


def test_the_path_names_the_place_in_the_structure(tmp_path):
    loaded = load_edited(
        tmp_path, ("2022年5月20日前", "2022年5月40日前"), ("    title: 表\n", ""), (U, "a@x.example", "a")
    )
    assert [problem.path for problem in loaded.errors] == [
        "tasks[1].deliverables[0].deadline",
        "reports[0].title",
        "units[0].contacts[0].email",
    ]


def test_missing_files_and_folders_are_told(tmp_path):
    assert told(load(tmp_path / "none"), tmp_path) == [
        "none:0:0: there is no such folder; tracker init makes one"
    ]
    (tmp_path / "units.yaml").mkdir()
    loaded = load(tmp_path)
    assert told(loaded, tmp_path) == [
        "tasks.yaml:0:0: there is no such file",
        "units.yaml:0:0: cannot be read: Is a directory",
    ]
    assert told(loaded, tmp_path, "warning") == [
        "settings.yaml:0:0: there is no such file; everything is as shipped"
    ]


def test_the_error_that_is_raised_has_all_of_them_and_no_warnings(tmp_path):
    contacts = "contacts: [{name: 李, email: b@x.example}]"
    load_edited(tmp_path, (U, "a@x.example", "a.x.example"), (U, contacts, "note: x"))
    with pytest.raises(ConfigError) as raised:
        load_or_raise(tmp_path)
    assert [problem.line for problem in raised.value.problems] == [6]
    assert str(raised.value).startswith(f"{tmp_path}/units.yaml:6:26: ")


DOUBTFUL: dict[str, tuple[list[tuple[str, ...]], str]] = {
    "a unit without contacts": (
        [(U, "    contacts: [{name: 李, email: b@x.example}]\n", "")],
        "units.yaml:7:5: the unit “乙局” has no contact, so nobody there gets mail",
    ),
    "a quota of somebody who is no owner": (
        [("owners: 甲局、乙局", "owners: 甲局\n    target: {count: 1, of: 例, owners: 各局}")],
        "tasks.yaml:15:39: not among the owners: b; their quota is never asked for",
    ),
    "no task_count": (
        [("  task_count: 2\n", "")],
        "tasks.yaml:2:3: without task_count nobody notices when the file is cut off; expected the number of tasks",
    ),
    "a deadline before the date of issue": (
        [("2022年底前", "2022年3月底前")],
        "tasks.yaml:11:15: 31 March 2022 lies before the date of issue",
    ),
}


@pytest.mark.parametrize("case", DOUBTFUL)
def test_what_is_only_doubtful_is_a_warning(case, tmp_path):
    edits, expected = DOUBTFUL[case]
    loaded = load_edited(tmp_path, *edits)
    assert any(line.startswith(expected) for line in told(loaded, tmp_path, "warning"))
    assert told(loaded, tmp_path) == []
    assert loaded.campaign is not None


def test_a_person_who_gives_the_date_has_settled_what_was_doubtful(tmp_path):
    loaded = load_edited(tmp_path, ("deadline: 2022年底前", "deadline: 2022年前\n    due: 2022-12-31"))
    assert [line for line in told(loaded, tmp_path, "warning") if "tasks.yaml" in line] == []
