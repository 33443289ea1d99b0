"""SECURITY.md names a test for each point, and each of those tests is there."""

import ast
import re
from functools import cache

import pytest

from tests.tools import ROOT

TEXT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT)
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TEXT.splitlines()
    if line.startswith("| ")
]


@cache
def collected(file):
    """The tests that pytest would collect there."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return {
        node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


@pytest.mark.parametrize(("file", "name"), NAMED, ids=[name for _, name in NAMED])
def test_each_test_that_is_named_is_there(file, name):
    assert name in collected(file)


@pytest.mark.parametrize("point", range(1, 13))
def test_each_point_has_a_row_with_a_test(point):
    rows = [row for row in ROWS if re.match(rf"{point} ", row[0])]
    assert rows
    for _, what, test in rows:
        assert what
        assert re.fullmatch(r"`tests/[\w/]+\.py::\w+`", test)


def test_every_row_is_about_a_point_or_beyond_the_list():
    first, last = TEXT.index("## What is promised"), TEXT.index("## What is not promised")
    lines = [line for line in TEXT[first:last].splitlines() if line.startswith("| ")]
    points = [line for line in lines if re.match(r"\| \d+ ", line)]
    assert len(points) > 60
    assert all(
        "`tests/" in line for line in lines if "---" not in line and line.count("|") and "test |" not in line
    )


def test_it_says_how_to_report_and_what_is_supported():
    for heading in ("## Reporting", "## Supported", "## What is not promised"):
        assert heading in TEXT
