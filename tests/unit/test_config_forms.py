"""The form files: the shipped ones against the document, and what is said of wrong ones."""

import re
import shutil
from pathlib import Path

import pytest

from tracker.config.loader import load

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "tests/fixtures/document.txt").read_text(encoding="utf-8")
CAMPAIGN = load(ROOT / "config").campaign
assert CAMPAIGN is not None
FORMS = CAMPAIGN.forms
ANNEX = {"training-institutions": "附件2", "exam-institutions": "附件3", "production-units": "附件4"}


def plain(text):
    return "".join(text.split())


def annex(form):
    """The lines of the annex that the document has, up to the next one."""
    lines = [line.strip() for line in DOCUMENT.splitlines()]
    start = max(n for n, line in enumerate(lines) if line == ANNEX[form])
    ends = [n for n, line in enumerate(lines) if n > start and re.fullmatch("附件[0-9]", line)]
    return lines[start : ends[0] if ends else len(lines)]


@pytest.mark.parametrize("form", ANNEX)
def test_title_heads_and_units_stand_in_the_annex_in_this_order(form):
    lines = annex(form)
    text = plain("".join(lines[: lines.index("填写说明：")]))
    assert plain(FORMS[form].title) in text
    at = text.index("序号")
    groups = dict.fromkeys(column.group or column.label for column in FORMS[form].columns)
    for name in groups:
        at = text.index(plain(name), at) + len(plain(name))
    for column in FORMS[form].columns:
        if column.group is not None:
            at = text.index(plain(column.full_label), at) + len(plain(column.full_label))


@pytest.mark.parametrize("form", ANNEX)
def test_there_are_as_many_columns_as_cells_in_a_row_of_the_annex(form):
    lines = annex(form)
    first, second = lines.index("1"), lines.index("2")
    # Each cell is a line, and so is the end of the row.
    assert second - first - 1 == len(FORMS[form].columns)


@pytest.mark.parametrize("form", ANNEX)
def test_the_filling_rules_are_verbatim(form):
    lines = annex(form)
    rules = [line for line in lines[lines.index("填写说明：") + 1 :] if line]
    assert [plain(rule) for rule in FORMS[form].instructions] == [plain(rule) for rule in rules]


@pytest.mark.parametrize("form", ANNEX)
def test_the_fields_above_the_table_are_those_of_the_annex_and_two_of_ours(form):
    labels = [field.label for field in FORMS[form].header]
    assert labels == ["填表单位", "填表人", "联系电话", "填表时间", "期次", "零报告"]
    for label in labels[:4]:
        assert f"{label}：" in annex(form)


def test_the_self_check_leaves_out_what_rule_1_says():
    for name in ("training-institutions", "exam-institutions"):
        form = FORMS[name]
        left_out = [column for column in form.columns if column.id in form.omitted("self-check")]
        assert {column.group for column in left_out} == {"执法层级", "处罚情况"}
        assert all(column.group not in {"执法层级", "处罚情况"} for column in form.asked("self-check"))


def forms_of(folder):
    campaign = load(folder).campaign
    assert campaign is not None
    return campaign.forms


def test_no_python_knows_an_annex():
    for path in (ROOT / "tracker").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for word in ("培训机构", "附件2", "附件3", "附件4", "training-institutions", "限期改正"):
            if word == "training-institutions" and path.parent.name == "cli":
                continue  # an example in a help text
            assert word not in text, f"{path} names {word}"


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(ROOT / "config", tmp_path / "config")
    return tmp_path / "config"


def errors(folder):
    return [str(problem).removeprefix(f"{folder}/") for problem in load(folder).errors]


WRONG = {
    "a kind that there is none of": (
        "kind: serial",
        "kind: serail",
        "forms/production-units.yaml:31:35: “kind” is “serail”; expected serial, name, count",
    ),
    "an id twice": ("id: inspected", "id: enterprises", "stands twice in columns"),
    "a label twice": ("label: 抽查企业数量", "label: 辖区高危行业企业总数量", "stands twice in columns"),
    "a limit that is no column": (
        "at_most: enterprises",
        "at_most: enterprise",
        "did you mean “enterprises”",
    ),
    "choices of what is none": (
        "kind: tick, width: 8}",
        "kind: choice, width: 8}",
        "choices go with the kind choice",
    ),
    "one wording for two choices": (
        "[尚未整改,",
        "[正在整改, 尚未整改,",
        "one wording belongs to one choice only",
    ),
    "no field for the unit": (
        "label: 填表单位, kind: unit",
        "label: 填表单位, kind: text",
        "whose table it is",
    ),
    "an unknown key": ("accumulates: false", "acumulates: false", "did you mean “accumulates”?"),
    "half a file": ("# 全文完\n", "", "全文完"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_with_a_form_is_said_with_its_place(case, folder):
    old, new, said = WRONG[case]
    path = folder / "forms/production-units.yaml"
    text = path.read_text(encoding="utf-8")
    head, mark, rest = text.rpartition(old) if case == "half a file" else text.partition(old)
    assert mark
    path.write_text(head + new + rest, encoding="utf-8")
    found = errors(folder)
    assert found
    assert said in found[0]
    assert found[0].startswith("forms/production-units.yaml:")


def test_a_round_that_the_form_has_not_is_an_error_and_a_form_that_is_not_there_a_warning(folder):
    path = folder / "tasks.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("round: self-check", "round: selfcheck", 1), encoding="utf-8")
    assert "the form training-institutions has no round “selfcheck”; expected self-check" in errors(folder)[0]
    path.write_text(text.replace("form: production-units", "form: fourth", 1), encoding="utf-8")
    loaded = load(folder)
    assert not loaded.errors
    assert any("there is no forms/fourth.yaml" in str(problem.message) for problem in loaded.problems)


def test_a_fourth_form_is_a_file(folder):
    (folder / "forms/fourth.yaml").write_text(
        "title: 第四张表\nheader: [{id: unit, label: 单位, kind: unit}]\n"
        "columns:\n  - {id: name, label: 名称, kind: name}\n  - {id: n, label: 数量, unit: 个, kind: count}\n",
        encoding="utf-8",
    )
    form = forms_of(folder)["fourth"]
    assert [column.full_label for column in form.columns] == ["名称", "数量（个）"]


def test_a_folder_without_forms_uses_the_shipped_ones(folder):
    shutil.rmtree(folder / "forms")
    assert set(forms_of(folder)) == set(ANNEX)
