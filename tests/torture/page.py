"""docs/reliability.md, made of what the tests of faults counted: ``python -m tests.torture.page``.

Nothing in that page is written by hand.  Rows that this run did not make keep what an earlier one on this machine said.
"""

from __future__ import annotations

import json
import platform
import re
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from tests.torture.faults import FAULTS, Fault
from tests.torture.record import FOLDER

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
#: A score as it is told.
SCORE = re.compile(r"L=(?P<L>\d+) U=(?P<U>\d+) D=(?P<D>\d+) R=\d+ uncertain=(?P<uncertain>\d+)")
#: Figures of a bug that was put back: what it is, and who found it.
BUG, FOUND = "what it is", "found by"
#: So much is told of what a check said.
SAID = 120
#: A test of more cases than this is told as one.
MANY = 6
Entry = dict[str, Any]


def main() -> None:
    entries = [json.loads(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.json"))]
    PAGE.write_text("\n".join(lines(entries)) + "\n", encoding="utf-8")
    sys.stdout.write(f"{PAGE}: {len(entries)} tests\n")


def lines(entries: Sequence[Entry]) -> Iterator[str]:
    """The page, line by line."""
    yield "# What was done to it, and what came of it"
    yield ""
    yield "The promise: no reminder is lost, none is repeated beyond the one copy that SMTP itself cannot rule out"
    yield "(the server took the mail, and its answer never arrived), and that copy bears the same Message-ID."
    yield ""
    yield f"This page is written by `make torture`, last on {time.strftime('%Y-%m-%d', time.gmtime())}, {_machine()}."
    yield "One row again: `make torture ONLY=name` with the name in the last column. Python and make are enough to begin"
    yield "with; what a row needs besides is named where it is missing. On Debian, all of it, as root (or in a container):"
    yield "`apt-get install strace faketime postgresql postfix chromium libreoffice-calc fonts-noto-cjk`."
    yield ""
    yield "L lost, U unexpected, D copies beyond the first, R mails whose answer never came and that are settled all the"
    yield "same, uncertain: answers that never came. A mail is scored by what the database says was enqueued"
    yield "against what the mail server says it accepted (`tests/trust/score.py`)."
    yield ""
    yield "| fault | expected | tests | L | U | D | uncertain | run it |"
    yield "| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |"
    for fault in FAULTS:
        yield _summary(fault, [entry for entry in entries if entry["fault"] == fault.name])
    yield ""
    for fault in FAULTS:
        yield from _section(fault, [entry for entry in entries if entry["fault"] == fault.name])
    yield from _bugs([entry for entry in entries if entry["fault"] == "sabotage"])
    yield "## What could not be run"
    yield ""
    skipped = [entry for entry in entries if entry["outcome"] == "skipped"]
    yield from (
        [f"- {_escaped(entry['title'])}: {_escaped(entry['reason'])}" for entry in skipped] or ["Nothing."]
    )
    yield ""
    yield "## The tests"
    yield ""
    yield "| fault | test | outcome | seconds |"
    yield "| --- | --- | --- | ---: |"
    for fault in FAULTS:
        for entry in entries:
            if entry["fault"] == fault.name:
                test = entry["test"].replace("|", "/")
                yield f"| {fault.name} | `{test}` | {entry['outcome']} | {entry['seconds']:.1f} |"


def _bugs(entries: Sequence[Entry]) -> Iterator[str]:
    """Which check found which bug: those tests that say what was taken out of the product."""
    told = [entry for entry in entries if BUG in entry["figures"]]
    if not told:
        return
    yield "## Bugs put back"
    yield ""
    yield "Each is the absence of one line of the product. The checks are the model, some seeds of the simulation, and the"
    yield "plain tests of outbox and engine (`tests/torture/sabotage.py`); without a bug none of them complains."
    yield ""
    yield "| bug | what is taken out | found by |"
    yield "| --- | --- | --- |"
    for entry in told:
        figures = entry["figures"]
        found = [_short(each) for each in str(figures[FOUND]).split("; ")]
        yield f"| {entry['case']} | {_escaped(figures[BUG])} | {_escaped('; '.join(found))} |"
    yield ""


def _short(said: str) -> str:
    """The beginning of what a check said, without Message-IDs."""
    text = re.sub(r"<[^<>@]+@[^<>]+>", "<…>", said)
    return text if len(text) <= SAID else text[: SAID - 1] + "…"


def _summary(fault: Fault, entries: Sequence[Entry]) -> str:
    """One line: how many of its tests did well, and the sums of their scores."""
    ran = [entry for entry in entries if entry["outcome"] != "skipped"]
    well = sum(entry["outcome"] == "passed" for entry in ran)
    tests = f"{well} of {len(ran)}" if well < len(ran) else str(len(ran)) if ran else "not run"
    scores = [
        SCORE.search(str(value)) for entry in ran for key, value in entry["figures"].items() if key != FOUND
    ]
    sums: Counter[str] = Counter()
    for found in filter(None, scores):
        sums.update({name: int(value) for name, value in found.groupdict().items()})
    counts = " | ".join(f"{sums[name]:,}" if any(scores) else "" for name in ("L", "U", "D", "uncertain"))
    return f"| {fault.title} | {fault.expected} | {tests} | {counts} | `make torture ONLY={fault.name}` |"


def _section(fault: Fault, entries: Sequence[Entry]) -> Iterator[str]:
    """What was done and what it came to, test by test."""
    told = [entry for entry in _merged(entries) if BUG not in entry["figures"]]
    if not told:
        return
    yield f"## {fault.title[0].upper()}{fault.title[1:]}"
    yield ""
    yield f"Made by: {fault.how}. Expected: {fault.expected}. `make torture ONLY={fault.name}`"
    yield ""
    yield "| what was done | figures |"
    yield "| --- | --- |"
    for entry in told:
        yield _told(entry)
    yield ""


def _merged(entries: Sequence[Entry]) -> Iterator[Entry]:
    """Those that ran; a test of many cases is told as one, with the sums of what it counted."""
    for _, each in groupby((entry for entry in entries if entry["outcome"] != "skipped"), key=_function):
        cases = list(each)
        if len(cases) <= MANY:
            yield from cases
            continue
        sums: Counter[str] = Counter()
        for case in cases:
            for name, value in case["figures"].items():
                sums[name] += value if isinstance(value, int) else 0
        counted = {
            name: value for name, value in sums.items() if isinstance(cases[0]["figures"].get(name), int)
        }
        failed = [case for case in cases if case["outcome"] == "failed"]
        yield {**(failed or cases)[0], "case": f"{len(cases)} cases", "figures": counted}


def _function(entry: Entry) -> str:
    return str(entry["test"]).partition("[")[0]


def _told(entry: Entry) -> str:
    figures = ", ".join(f"{key} {_figure(value)}" for key, value in entry["figures"].items())
    case = f" ({entry['case']})" if entry["case"] else ""
    failed = "**FAILED** " if entry["outcome"] == "failed" else ""
    return f"| {failed}{_escaped(entry['title'] + case)} | {_escaped(figures or entry['outcome'])} |"


def _figure(value: str | float) -> str:
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _machine() -> str:
    cores = subprocess.run(["nproc"], capture_output=True, text=True, check=False).stdout.strip() or "?"
    return (
        f"on {platform.system()} {platform.machine()} with {cores} cores, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}"
    )


if __name__ == "__main__":
    main()
