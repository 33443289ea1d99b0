"""Ledgers of up to a million assignments."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bench.child import Ran, work
from bench.plan import Bench, turns
from bench.report import Row

MILLION = 1_000_000
#: Of the whole service with so many assignments, in MB.
MEMORY = {MILLION: ("≤ 400 MB", "≤ 250 MB")}


def idle(bench: Bench) -> Iterator[Row]:
    """A whole pass (`run_pass`) of a running service on which nothing is due, with so many open assignments,
    due monthly, in the SQLite file and a tenth as many sent mails in the outbox: every half minute of a day whose digests
    are written, and once a day the look at the agenda that finds nothing to say.  The processes take turns;
    each figure is the median of some 200 passes of one process.  Filling the ledger (the first reconciliation
    of a new database, one transaction) is a figure of its own."""
    sizes = bench.sizes.ledgers
    files = {size: str(bench.folder / f"idle-{size}.db") for size in sizes}
    filled = {size: work("ledgers:fill", file=files[size], assignments=size, monthly=True) for size in sizes}
    works = {
        str(size): partial(
            work, "ledgers:idle", file=files[size], assignments=size, passes=bench.sizes.passes
        )
        for size in sizes
    }
    ran = {int(size): run for size, run in turns(bench.sizes.rounds, works).items()}
    small = sizes[0]
    for size in sizes:
        goal, then = ("≤ 1.5 ×", "≤ 2 ms in all") if size == sizes[-1] else ("", "")
        yield _against_small(
            f"a pass with nothing due, {size:,} assignments", "asleep", size, ran, small, goal, then
        )
    for size in sizes:
        yield _against_small(f"a day with nothing to say, {size:,} assignments", "planning", size, ran, small)
    for size in sizes:
        goal, then = MEMORY.get(size, ("", ""))
        yield Row(
            f"first reconciliation, {size:,} assignments", filled[size].figures["rate"], "rows/s",
            goal=f"memory {goal}" if goal else "", then=f"memory {then}" if then else "", peak=filled[size].peak,
        )  # fmt: skip
    _remove(files.values())


def _against_small(
    name: str, what: str, size: int, ran: dict[int, Ran], small: int, goal: str = "", then: str = ""
) -> Row:
    value = ran[size].figures[what]
    if size == small:
        return Row(name, value, "ms", peak=ran[size].peak)
    return Row(
        name, value, "ms", f"{small:,} assignments", ran[small].figures[what], goal, then, ran[size].peak
    )


def due_at_once(bench: Bench) -> Iterator[Row]:
    """So many assignments, all due on one morning (20 tasks for each of 5,000 units, 40 for each
    of 25,000): found, put together by
    recipient and written to the outbox in one transaction, up to its commit.  The process does nothing else
    but open the database and make up the campaign, whose units are part of its memory."""
    sizes = bench.sizes.due_at_once
    files = {size: str(bench.folder / f"due-{size}.db") for size in sizes}
    for size in sizes:
        work("ledgers:fill", file=files[size], assignments=size, monthly=False)
    works = {
        str(size): partial(work, "ledgers:due_at_once", file=files[size], assignments=size) for size in sizes
    }
    ran = {int(size): run for size, run in turns(bench.sizes.few_rounds, works).items()}
    small = sizes[0]
    for size in sizes:
        rate, peak = ran[size].figures["rate"], ran[size].peak
        name = f"planning {size:,} assignments due at once"
        if size == small:
            yield Row(name, rate, "rows/s", then="≥ 50,000 rows/s", peak=peak)
        else:
            other = ran[small].figures["rate"]
            yield Row(
                name, rate, "rows/s", f"{small:,} at once", other, "1 × (linear)", "≥ 50,000 rows/s", peak
            )
            goal, then = MEMORY.get(size, ("", ""))
            yield Row(f"{name}: memory", peak, "MB", f"{small:,} at once", ran[small].peak, goal, then, peak)
    _remove(files.values())


def _remove(files: object) -> None:
    for file in list(files):  # type: ignore[call-overload]
        for left in Path(file).parent.glob(f"{Path(file).name}*"):
            left.unlink()


def a_year(bench: Bench) -> Iterator[Row]:
    """A year of a large campaign (3,000 units, 40 reports a month, 12 months) in one SQLite file, in August, with nine
    of ten answers in: the page of one unit with its 480 rows; the roll-up after a monthly deadline, with everybody
    who is missing named; the week's status with lights by section, task and unit, now and a week before; and
    an edit that moves the date of one of the 40 definitions, up to the end of its transaction."""
    sizes = bench.sizes.year
    ran = {}
    for units, items in sizes:
        file = str(bench.folder / f"year-{units}.db")
        work("year:fill", file=file, units=units, items=items)
        ran[units] = work("year:look", file=file, units=units, items=items, rounds=bench.sizes.rounds)
        _remove([file])
    names = {
        "page": ("one unit's page", "", "≤ 10 ms"),
        "deadline": ("the roll-up of a deadline", "", "≤ 1,000 ms"),
        "week": ("the week's status", "", "≤ 1,000 ms"),
        "reload": ("an edit of one definition", "", ""),
    }
    small = sizes[0][0]
    for what, (name, goal, then) in names.items():
        for units, items in sizes:
            value, title = ran[units].figures[what], f"{name}, {units * items * 12:,} assignments"
            if units == small:
                yield Row(title, value, "ms", peak=ran[units].peak)
            else:
                other = ran[small].figures[what]
                against = f"{small * items * 12:,} assignments"
                yield Row(title, value, "ms", against, other, goal, then, ran[units].peak)
