"""Tables as clerks make them (``tests/cases/forms``): each is read as a careful person would read it.

``expected.json`` says of each file what it holds and what is to be done with it: ``kind`` accept, mistakes, nil, multi or
refuse; ``rows`` its figures; ``bad`` the cells that hold a mistake, at which there is an error or a question (``*`` and
``rowN``: anywhere); ``maybe`` the cells that may be asked about; ``also`` the other forms in the file.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections import Counter
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

import pytest

from tests.tools import ROOT, Place, in_zh, quick_folder
from tests.web import ZONE, office
from tracker.core.form import Filed
from tracker.forms.finding import Weight
from tracker.usecases.forms.intake import Intake
from tracker.usecases.forms.taken import TakenForm

CASES = ROOT / "tests" / "cases" / "forms"
EXPECTED: dict[str, dict[str, Any]] = json.loads((CASES / "expected.json").read_text("utf-8"))
AT = datetime(2022, 5, 4, 9, tzinfo=ZONE)
ACCEPTABLE = frozenset({"accept", "nil", "multi"})
CONFIG_FILES = ("tasks", "units", "settings")
#: So many files that a person would take may be refused, with words that help.
MOST_REFUSED = 2


@pytest.fixture(scope="module")
def read():
    """What becomes of each file, on a ledger in which nothing is filed."""
    with quick_folder() as folder, office(folder, at=AT) as app, Intake(app, only_checks=True) as intake:
        yield cache(lambda name: intake.take(name, (CASES / name).read_bytes()))


def cells(taken: tuple[TakenForm, ...], *weights: Weight) -> set[str | None]:
    found = [finding for each in taken for weight in weights for finding in each.of(weight)]
    return {one.cell for each in found for one in each.by_cell()}


def figures(filed: Filed) -> list[dict[str, Any]]:
    """Its rows; blank, 0 and absent are one."""
    return [
        {
            column: float(value) if isinstance(value, Decimal) else value
            for column, value in row.values.items()
            if value
        }
        for row in filed.rows
    ]


def faults(name: str, taken: tuple[TakenForm, ...]) -> Counter[str]:
    """What is wrong with how a file was read."""
    expected = EXPECTED[name]
    errors = cells(taken, Weight.ERROR)
    told = errors | cells(taken, Weight.QUESTION)
    found: Counter[str] = Counter()
    is_acceptable = expected["kind"] in ACCEPTABLE
    holds = expected["kind"] != "refuse" and bool(expected["rows"])
    found["refused"] = is_acceptable and bool(errors)
    if (is_acceptable or holds) and not errors:
        own = next((each.filed for each in taken if each.form and each.form.id == expected["form"]), None)
        rows = [{column: value for column, value in row.items() if value} for row in expected["rows"]]
        found["wrong figures"] = own is None or figures(own) != rows
        forms = {each.form.id for each in taken if each.form is not None}
        found["lost forms"] = len({expected["form"], *expected.get("also", ())} - forms)
    found["missed mistakes"] = sum(
        each not in told and not ((each == "*" or each.startswith("row")) and told)
        for each in expected["bad"]
    )
    allowed = {*expected["bad"], *expected["maybe"]}
    if "*" not in allowed and expected["kind"] != "refuse" and not any("row" in each for each in allowed):
        found["clean cells blamed"] = len(errors - allowed)
    found["not refused"] = expected["kind"] == "refuse" and not errors
    return +found


@pytest.mark.parametrize("name", EXPECTED)
def test_a_table_is_read_as_a_careful_person_reads_it(read, name):
    left = faults(name, read(name))
    left.pop("refused", None)  # counted below
    assert not left, [finding for each in read(name) for finding in each.findings]


def test_the_score_of_all(read, capsys):
    score = sum((faults(name, read(name)) for name in EXPECTED), Counter[str]())
    refused = [name for name in EXPECTED if faults(name, read(name))["refused"]]
    with capsys.disabled():
        sys.stdout.write(f"\n{len(EXPECTED)} tables: {dict(score) or 'no fault'} {refused}\n")
    assert score["refused"] == len(refused) <= MOST_REFUSED
    assert set(score) <= {"refused"}
    for name in refused:
        for finding in (finding for each in read(name) for finding in each.of(Weight.ERROR)):
            assert in_zh(finding.message)
            assert in_zh(finding.expected) or "请" in in_zh(finding.message)


def test_a_file_with_two_forms_goes_through_the_command():
    with quick_folder() as folder:
        shutil.copytree(ROOT / "config", folder / "config")
        texts = {each: (ROOT / "config" / f"{each}.yaml").read_text("utf-8") for each in CONFIG_FILES}
        place = Place(folder, **texts)
        file = CASES / "b04_side_by_side.xlsx"
        told = place.ok("forms", "import", file, "--on", "2022-05-04", "--format", "json").lines
    assert [(each["form"], each["unit"], each["period"], each["taken"]) for each in told] == [
        ("exam-institutions", "wanzhou", "2022-05", True),
        ("production-units", "wanzhou", "2022-05", True),
    ]
