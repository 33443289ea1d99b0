"""What goes wrong in a filled-in table: every kind of slip, the cell where it must be found, and its weight."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from random import Random
from typing import Any

from tests.acceptance.annexes import (
    ENTERPRISES,
    FIGURES,
    FINE,
    INSPECTED,
    LEVEL,
    RECTIFICATION,
    SELF_CHECK,
    Column,
    Row,
    Table,
    sums,
)

#: The row of sums below the table, as the row of a slip.
TOTAL = -1


@dataclass(frozen=True)
class Slip:
    """Something wrong in a file: how much it weighs, and where; ``column`` None: no certain cell.

    ``writes`` stands in the cell instead of what the rows say.
    """

    kind: str
    weight: str
    row: int = 0
    column: str | None = None
    writes: Any = None


@dataclass(frozen=True)
class Case:
    """Where a slip is to be made: the true rows, and those taken in the month before, if they were."""

    rng: Random
    table: Table
    month: str
    rows: tuple[Row, ...]
    before: tuple[Row, ...] | None

    def column(self, *kinds: str) -> Column:
        return self.rng.choice([each for each in self.table.asked(self.month) if each.kind in kinds])

    def asks(self, label: str) -> bool:
        return any(each.label == label for each in self.table.asked(self.month))


#: What is sent with the slip made in it; None where it cannot be made.
Made = tuple[tuple[Row, ...], Slip] | None
Maker = Callable[[Case], Made]


def _written(
    kind: str,
    *things: Any,
    kinds: tuple[str, ...] = FIGURES,
    label: str | None = None,
    weight: str = "error",
) -> Maker:
    """Something in a cell that cannot stand there."""

    def make(case: Case) -> Made:
        if label is not None and not case.asks(label):
            return None
        if label is None and not any(each.kind in kinds for each in case.table.asked(case.month)):
            return None
        column = label or case.column(*kinds).label
        row = case.rng.randrange(len(case.rows))
        # What is taken all the same is taken without it.
        rows = case.rows if weight == "error" else _changed(case, row, column, None)
        return rows, Slip(kind, weight, row, column, case.rng.choice(things))

    return make


def _changed(case: Case, row: int, label: str, value: Any) -> tuple[Row, ...]:
    return tuple({**each, label: value} if number == row else each for number, each in enumerate(case.rows))


def _no_name(case: Case) -> Made:
    if case.table.name is None:
        return None
    extra = {**case.rows[-1], case.table.name: None}
    return (*case.rows, extra), Slip("no name", "error", len(case.rows), case.table.name)


def _column_missing(case: Case) -> Made:
    return case.rows, Slip("column missing", "error", writes=case.column("count").label)


def _nil_with_rows(case: Case) -> Made:
    return case.rows, Slip("nil with rows", "error")


def _fallen(case: Case) -> Made:
    if case.table.name is None:
        # Nobody can tell which row was which.
        return None
    known = {_key(case.table, number, row): row for number, row in enumerate(case.before or ())}
    fits = [
        (number, column.label, known[key][column.label] - 1)
        for number, row in enumerate(case.rows)
        if (key := _key(case.table, number, row)) in known
        for column in case.table.figures(case.month)
        if column.kind == "count" and column.label != ENTERPRISES and known[key].get(column.label, 0) > 0
    ]
    if not fits:
        return None
    row, label, value = case.rng.choice(fits)
    return _changed(case, row, label, value), Slip("fallen", "question", row, label)


def _key(table: Table, number: int, row: Row) -> Any:
    return row[table.name] if table.name else number


def _vanished(case: Case) -> Made:
    """Known by its name; what became of a row without one, nobody can say."""
    if case.table.name is None or not case.before or len(case.rows) < 2:
        return None
    gone = case.rng.choice(case.before)[case.table.name]
    left = tuple(row for row in case.rows if row[case.table.name] != gone)
    return (left, Slip("vanished", "question")) if left and len(left) < len(case.rows) else None


def _inspected_too_many(case: Case) -> Made:
    if not case.asks(INSPECTED):
        return None
    row = case.rng.randrange(len(case.rows))
    value = case.rows[row][ENTERPRISES] + 3
    return _changed(case, row, INSPECTED, value), Slip("inspected too many", "question", row, INSPECTED)


def _wrong_total(case: Case) -> Made:
    label = case.column("count").label
    wrong = sums(case.table, case.month, case.rows)[label] + 1
    return case.rows, Slip("wrong total", "question", TOTAL, label, int(wrong))


def _name_twice(case: Case) -> Made:
    if case.table.name is None:
        return None
    extra = dict(case.rng.choice(case.rows))
    return (*case.rows, extra), Slip("name twice", "question", len(case.rows), case.table.name)


def _fine_too_high(case: Case) -> Made:
    if not case.asks(FINE):
        return None
    row = case.rng.randrange(len(case.rows))
    return _changed(case, row, FINE, Decimal(30000)), Slip("fine too high", "question", row, FINE)


def _level_in_self_check(case: Case) -> Made:
    if case.month != SELF_CHECK:
        return None
    row = case.rng.randrange(len(case.rows))
    return case.rows, Slip("level in self-check", "question", row, LEVEL, "区县级")


MAKERS: Mapping[str, Maker] = {
    "text": _written("text", "若干", "见附件", "正在统计"),
    "fallen": _fallen,
    "negative": _written("negative", -2, -15),
    "level in self-check": _level_in_self_check,
    "fraction": _written("fraction", 3.5, "2.5", kinds=("count",)),
    "vanished": _vanished,
    "formula": _written("formula", "=1+2", "=SUM(3,4)"),
    "inspected too many": _inspected_too_many,
    "date": _written("date", datetime(2022, 5, 1), datetime(2022, 3, 12)),
    "wrong total": _wrong_total,
    "wrong level": _written("wrong level", "省级", label=LEVEL),
    "fine too high": _fine_too_high,
    "wrong stage": _written("wrong stage", "差不多了", label=RECTIFICATION),
    "name twice": _name_twice,
    "text for a tick": _written("text for a tick", "待定", "下月再说", kinds=("tick",), weight="question"),
    "no name": _no_name,
    "column missing": _column_missing,
    "fine in yuan": _written("fine in yuan", "30000元", label=FINE),
    "nil with rows": _nil_with_rows,
}
#: A slip of those without rows, outside the turns that MAKERS take.
EMPTY = Slip("empty", "error")
#: Taken, but next month could not be filled in on top of it.
CORRECTED = frozenset({"inspected too many", "fine too high", "name twice"})
