"""The folder of files, and the rules in it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bench.child import command, tracker, work
from bench.plan import Bench, middle, turns
from bench.report import Row

#: Milliseconds of taskwarrior 2.6 (PERFORMANCE.md).
TASKWARRIOR = 532.0 + 347.0


def loading(bench: Bench) -> Iterator[Row]:
    """The folder of files read, checked in full and built into a campaign, against `yaml.load` with the
    C loader of the same three files into dicts and lists, with the collector on, as it is by default.  31 tasks
    are the shipped folder, more are its tasks over and over."""
    for count in bench.sizes.tasks:
        folder = ""
        if count > 31:
            folder = str(bench.folder / f"tasks-{count}")
            work("files:write", folder=folder, count=count, one_owner=False)
        times = max(1, 2_000 // count)
        ran = turns(
            bench.sizes.rounds,
            {
                name: partial(work, f"files:{name}", folder=folder, times=min(times, 20))
                for name in ("ours", "pyyaml")
            },
        )
        goal = "≤ 0.5 ×" if count == 10_000 else ""
        yield Row(
            f"load and validate {count:,} tasks",
            ran["ours"].figures["ms"],
            "ms",
            "yaml.load(CSafeLoader), collector on",
            ran["pyyaml"].figures["ms"],
            goal,
            peak=ran["ours"].peak,
        )


def importing(bench: Bench) -> Iterator[Row]:
    """`tracker status --state overdue` as a process over a folder of so many tasks, each of one unit, and no
    database yet (import and list), and once more (list); against the published figures of taskwarrior 2.6 for
    importing as many and listing what is overdue.  Then, in a process that has them in force: an edit of one
    of them until it is in force, in the ledger too."""
    count = bench.sizes.import_tasks
    folder = str(bench.folder / "import")
    work("files:write", folder=folder, count=count, one_owner=True)
    database = bench.folder / "import.db"
    arguments = ["--config", folder, "--database", f"sqlite:///{database}"]
    status = tracker(*arguments, "status", "--state", "overdue", "--format", "json")
    importing, listing = [], []
    for _ in range(bench.sizes.few_rounds):
        _forget(database)
        importing.append(command(status, bench.folder))
        listing.append(command(status, bench.folder))
    both, alone = middle(importing), middle(listing)
    published = TASKWARRIOR if count == 10_000 else None
    yield Row(
        f"import {count:,} tasks and list what is overdue", both.seconds * 1000, "ms", "taskwarrior 2.6" if published else "",
        published, "≤ 1 ×", "≤ 0.5 ×", both.peak, published=published is not None,
    )  # fmt: skip
    yield Row(f"list what is overdue of {count:,} tasks", alone.seconds * 1000, "ms", peak=alone.peak)
    ran = work("files:reload", folder=folder, database=str(database))
    first = work("files:ours", folder=folder, times=1)
    yield Row(
        f"reload after one of {count:,} tasks was edited", ran.figures["ms"], "ms", "load and validate them all",
        first.figures["ms"], "", "costs what changed", ran.peak,
    )  # fmt: skip
    _forget(database)


def next_date(bench: Bench) -> Iterator[Row]:
    """The next date after a day of five kinds of rules (monthly, last and 31st of the month, weekly,
    quarterly), from each week of two years, against `rrule.after` of dateutil; every answer is the same."""
    ran = work("dates:next_dates", rounds=max(3, bench.sizes.rounds))
    yield Row(
        "next date of a rule", ran.figures["ours"], "µs", "dateutil rrule.after", ran.figures["theirs"], "≤ 0.1 ×",
        peak=ran.peak,
    )  # fmt: skip


def _forget(database: Path) -> None:
    for left in database.parent.glob(f"{database.name}*"):
        left.unlink()
