"""What the tests of faults hand to docs/reliability.md: a pytest plug-in.

A test marked ``@pytest.mark.fault("kill")`` belongs to that row of :mod:`tests.torture.faults`; what it
puts into the fixture ``figures`` is what the page shows, beside the first line of its docstring.  Each test writes one
JSON file, so that several processes may run them; :mod:`tests.torture.page` makes the page of them.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.torture.faults import FAULTS

#: Where the figures of a run are gathered.
FOLDER = Path(os.environ.get("TRACKER_FIGURES", Path(__file__).parents[2] / "var" / "reliability"))
_FIGURES = pytest.StashKey[dict[str, object]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fault", metavar="NAMES", help="only the tests of these faults, separated by commas")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "fault(name): makes this fault; its figures go to docs/reliability.md")
    wanted = set(filter(None, (config.getoption("--fault") or "").split(",")))
    if unknown := wanted - {fault.name for fault in FAULTS}:
        known = ", ".join(fault.name for fault in FAULTS)
        raise pytest.UsageError(f"no such fault: {', '.join(sorted(unknown))}; there are {known}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if (name := _fault(item)) and name not in {fault.name for fault in FAULTS}:
            raise pytest.UsageError(f"{item.nodeid}: no such fault: {name}")
    if wanted := set(filter(None, (config.getoption("--fault") or "").split(","))):
        others = [item for item in items if _fault(item) not in wanted]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if _fault(item) in wanted]


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> dict[str, object]:
    """What was counted and measured: names of figures to figures, in the order in which they are told."""
    node: pytest.Item = request.node
    return node.stash.setdefault(_FIGURES, {})


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    name = _fault(item)
    if name and (call.when == "call" or (call.when == "setup" and not report.passed)):
        FOLDER.mkdir(parents=True, exist_ok=True)
        _write(FOLDER / (re.sub(r"[^\w.=-]+", "-", item.nodeid) + ".json"), _entry(name, item, report))
    return report


def _entry(name: str, item: pytest.Item, report: pytest.TestReport) -> dict[str, Any]:
    title = (getattr(getattr(item, "obj", None), "__doc__", None) or item.name).strip().splitlines()[0]
    reason = report.longrepr[2] if report.skipped and isinstance(report.longrepr, tuple) else ""
    return {
        "fault": name,
        "test": item.nodeid,
        "title": title.rstrip("."),
        "case": match[1] if (match := re.search(r"\[(.+)\]$", item.name)) else "",
        "outcome": report.outcome,
        "reason": str(reason).removeprefix("Skipped: "),
        "seconds": round(report.duration, 2),
        "figures": {key: _plain(value) for key, value in item.stash.get(_FIGURES, {}).items()},
    }


def _plain(value: object) -> str | int | float:
    return value if isinstance(value, (str, int, float)) else str(value)


def _write(path: Path, entry: dict[str, Any]) -> None:
    draft = path.with_suffix(".tmp")
    draft.write_text(json.dumps(entry, ensure_ascii=False, indent=1), encoding="utf-8")
    draft.replace(path)


def _fault(item: pytest.Item) -> str | None:
    marker = item.get_closest_marker("fault")
    return str(marker.args[0]) if marker else None
