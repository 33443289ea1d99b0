"""Seven months of filled-in tables from one seed: what is true, who sends what when, and what is wrong with it.

Written from the document alone: the columns are copied from annexes 2, 3 and 4, and nothing of the service is used.
Columns go by their labels.  Where the document leaves it open whether something may be asked about, the generator
keeps clear of it; the readings that it takes for clean, and those it keeps clear of:

* Figures never fall, a √ once given stays, and rows are added at the end; some figure grows every month.
* A fallen figure or a vanished row is sown only where the month before was taken, whichever way a gap is read.
* Units without rows report nil, and those that once had rows never do; an empty table comes from the former only.
* The row without a name, and the second row of one name, are new ones: no row of last month vanishes with them.
* Corrections of what was taken come within the term, so that nobody has to say whether they make it late.
* Every table that is corrected is compared with the month before, and not with the file that it replaces.
* A file that is sent again is the same to the byte, comes within the term, and is no second event.
* The row of sums below the table is right, or wrong in one cell; it is left out where another slip spoils it.
* What must not be compared with in the following month (a fine of 30000) is corrected in the same month.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from decimal import Decimal
from random import Random
from typing import Any

from tests.acceptance.annexes import (
    ENTERPRISES,
    INSPECTED,
    MONTHS,
    RECTIFICATION,
    TABLES,
    Column,
    Row,
    Table,
    Unit,
    due_tables,
)
from tests.acceptance.slips import CORRECTED, EMPTY, MAKERS, Case, Slip

#: Within the term, again within the term, and too late.
FIRST, SECOND, LATE = 0, 1, 2

# --- what is true ---

_TOWNS = ("安泰", "渝安", "巴渝", "平安", "宏信", "致远", "长江", "金盾", "华安", "育才")
_KINDS = ("职业培训学校", "安全技术培训中心", "安全生产教育培训有限公司", "职业技能培训学校（有限公司）")
_SITES = ("", "（{}校区）", "（{}分校）", "（{}校区）二部", "（{}）〔高危行业〕")
_PLACES = ("考试点", "特种作业考试点", "实操考试点（{}）", "安全生产考试点（电工作业）", "安全生产考试点")
_STAGES = ("未整改", "正在整改", "已完成整改")


def _names(rng: Random, table: Table, unit: Unit, count: int) -> list[str]:
    """No two alike, some with the same beginning."""
    ends = [kind + site for kind in _KINDS for site in _SITES] if table.report == "table-2" else _PLACES
    names = [f"重庆{town}{end.format(unit.short)}" for town in _TOWNS for end in ends]
    start = rng.randrange(len(names))
    return [names[(start + step) % len(names)] for step in range(count)]


def _grow(rng: Random, column: Column, was: Any) -> Any:
    """A value of the month after ``was``; of the first month, where that is None."""
    match column.kind:
        case "count" if column.group in {"培训情况", "考试情况"}:
            return rng.randrange(2500) if was is None else was + rng.choice((0, rng.randrange(200)))
        case "count":
            return rng.choice((0, 0, 1, 2, 7)) if was is None else was + rng.choice((0, 0, 0, 1, 3))
        case "amount":
            more = Decimal(rng.randrange(5, 1200)) / rng.choice((10, 100))
            return (was or Decimal(0)) + (more if rng.random() < 0.2 else 0)
        case "tick":
            return was or rng.random() < 0.1
        case _ if column.label == RECTIFICATION:
            return _STAGES[min(2, (_STAGES.index(was) if was else 0) + rng.choice((0, 0, 1)))]
        case _:
            return was or rng.choice(("市级", "区县级", "区县级"))


def _series(rng: Random, table: Table, unit: Unit) -> list[tuple[Row, ...]]:
    """The true rows of a unit's table in each of the months."""
    most = 5 if table.name is None else 20
    count = 0 if rng.random() < 0.12 else rng.randint(1, most)
    begins = 0 if rng.random() < 0.9 else rng.randrange(1, 4)
    starts = sorted(begins if rng.random() < 0.85 else rng.randint(begins, 6) for _ in range(count))
    names = _names(rng, table, unit, count)
    months: list[tuple[Row, ...]] = []
    now: list[Row] = [{} for _ in names]
    for number, month in enumerate(MONTHS):
        for row, name in zip(now, names, strict=True):
            for column in table.asked(month):
                if column.kind == "name":
                    row[column.label] = name
                elif column.kind != "serial":
                    row[column.label] = _grow(rng, column, row.get(column.label))
            if table.name is None:
                row[ENTERPRISES] = max(row[ENTERPRISES], 40) + 1
                row[INSPECTED] = min(row[INSPECTED], row[ENTERPRISES])
            else:
                row[table.figures(month)[0].label] += 1
        months.append(tuple(dict(row) for row, start in zip(now, starts, strict=True) if start <= number))
    return months


# --- what is sent ---


@dataclass(frozen=True)
class Sending:
    """One file as it is sent.  ``rows`` is what it says, if it is taken; ``copy_of`` is the file it repeats."""

    table: Table
    unit: Unit
    month: str
    batch: int
    rows: tuple[Row, ...]
    slip: Slip | None = None
    is_nil: bool = False
    copy_of: Sending | None = None
    seed: str = ""

    @property
    def is_taken(self) -> bool:
        return self.slip is None or self.slip.weight == "question"

    @property
    def cell(self) -> tuple[str, str]:
        """Which cell of the ledger it is for."""
        return self.table.ref(self.month), self.unit.id

    @property
    def stem(self) -> str:
        again = " (1)" if self.copy_of else ""
        return f"{self.table.annex} {self.unit.name} {int(self.month[5:])}月{again}"


@dataclass
class Replay:
    """Everything that is sent, in order; and what follows from it."""

    units: list[Unit]
    months: tuple[str, ...]
    sent: list[Sending] = field(default_factory=list)

    def batch(self, month: str, batch: int) -> list[Sending]:
        return [each for each in self.sent if (each.month, each.batch) == (month, batch)]

    def in_force(self, month: str) -> dict[tuple[str, str], Sending]:
        """By ref and unit what holds in the end: the last one that was taken."""
        ordered = sorted(self.sent, key=lambda each: each.batch)
        return {each.cell: each for each in ordered if each.month == month and each.is_taken}

    def late(self, month: str) -> set[tuple[str, str]]:
        """Whose first taken file came after the term."""
        first: dict[tuple[str, str], int] = {}
        for each in self.sent:
            if each.month == month and each.is_taken:
                first[each.cell] = min(each.batch, first.get(each.cell, LATE))
        return {cell for cell, batch in first.items() if batch == LATE}

    def submits(self, month: str) -> dict[tuple[str, str], int]:
        """How many events each cell of the ledger has: a file that is sent again is none."""
        counts: dict[tuple[str, str], int] = {}
        for each in self.sent:
            if each.month == month and each.is_taken and each.copy_of is None:
                counts[each.cell] = counts.get(each.cell, 0) + 1
        return counts


class Story:
    """Deals out who sends what; every slip has its turn."""

    def __init__(self, seed: int, units: list[Unit], months: tuple[str, ...], slips: float) -> None:
        self.rng = Random(seed)
        self.seed = seed
        self.slips = slips
        self.turns = deque(MAKERS)
        self.replay = Replay(units, months)
        self.before: dict[tuple[str, str], tuple[Row, ...]] = {}

    def tell(self) -> Replay:
        series = {
            (table.form, unit.id): _series(self.rng, table, unit)
            for unit in self.replay.units
            for table in TABLES
        }
        for month in self.replay.months:
            for table in due_tables(month):
                for unit in self.replay.units:
                    rows = series[table.form, unit.id][MONTHS.index(month)]
                    self._unit(Sending(table, unit, month, FIRST, rows, is_nil=not rows))
            self.before = {
                (each.table.form, each.unit.id): each.rows for each in self.replay.in_force(month).values()
            }
        return self.replay

    def _send(self, sending: Sending) -> Sending:
        number = len(self.replay.sent)
        seed = sending.copy_of.seed if sending.copy_of else f"{self.seed}/{number}"
        self.replay.sent.append(replace(sending, seed=seed))
        return self.replay.sent[-1]

    def _unit(self, true: Sending) -> None:
        if not true.is_nil and self.rng.random() < self.slips and self._with_slip(true):
            return
        match self.rng.random():
            case chance if chance < 0.06:
                pass  # nothing ever comes
            case chance if chance < 0.14:
                self._send(replace(true, batch=LATE))
            case chance if chance < 0.2:
                first = self._send(true)
                self._send(replace(true, batch=SECOND, copy_of=first))
            case chance if chance < 0.28 and true.is_nil:
                self._send(replace(true, is_nil=False, slip=EMPTY))
                self._send(replace(true, batch=SECOND))
            case chance if chance < 0.28:
                self._send(replace(true, rows=self._higher(true)))
                self._send(replace(true, batch=SECOND))
            case _:
                self._send(true)

    def _higher(self, true: Sending) -> tuple[Row, ...]:
        """Wrong figures that nobody can see to be wrong: the first file of one that is replaced."""
        columns = [each.label for each in true.table.figures(true.month) if each.kind == "count"][2:]
        row, label = self.rng.randrange(len(true.rows)), self.rng.choice(columns)
        changed = {**true.rows[row], label: true.rows[row][label] + self.rng.randint(1, 9)}
        return (*true.rows[:row], changed, *true.rows[row + 1 :])

    def _with_slip(self, true: Sending) -> bool:
        """A file with the slip whose turn it is, and what comes after it."""
        before = self.before.get((true.table.form, true.unit.id))
        case = Case(self.rng, true.table, true.month, true.rows, before)
        for kind in list(self.turns):
            made = MAKERS[kind](case)
            if made is not None:
                break
        else:
            return False
        self.turns.remove(kind)
        self.turns.append(kind)
        rows, slip = made
        self._send(replace(true, rows=rows, slip=slip))
        if slip.weight == "error":
            after = self.rng.choice((SECOND, SECOND, SECOND, LATE, LATE, None))
        else:
            after = SECOND if slip.kind in CORRECTED else None
        if after is not None:
            self._send(replace(true, batch=after))
        return True


def tell(seed: int, units: list[Unit], months: tuple[str, ...] = MONTHS, slips: float = 0.25) -> Replay:
    """All that happens; ``slips`` is the share of tables in which something is wrong at first."""
    return Story(seed, units, months, slips).tell()
