"""Last month's figures beside this month's, over units and over the city: pure, nothing is written here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from tracker.core.form import Column
from tracker.forms.check.figures import Number
from tracker.forms.write.summed import FormSummary, UnitFiled, standing


@dataclass(frozen=True, slots=True)
class Pair:
    """A figure of last month and of this; None where nobody knows it."""

    before: Number | None
    now: Number | None

    def __add__(self, other: Pair) -> Pair:
        return Pair(_added(self.before, other.before), _added(self.now, other.now))


@dataclass(frozen=True)
class Compared:
    """A row of a comparison: what it is of, and a pair for each column; ``older`` is as in ``UnitFiled``."""

    name: str
    pairs: tuple[Pair, ...]
    older: date | None = None

    @property
    def is_whole(self) -> bool:
        """Whether both months are known."""
        return all(pair.before is not None and pair.now is not None for pair in self.pairs)


def by_unit(summary: FormSummary, columns: Sequence[Column]) -> list[Compared]:
    """Every unit that is asked, with the totals of its columns."""
    return [
        Compared(unit.unit, _pairs(summary, unit, columns), unit.older)
        for unit in summary.units
        if unit.state != "waived" or unit.previous is not None
    ]


def city(rows: Sequence[Compared], columns: int) -> tuple[Pair, ...]:
    """The sum of ``rows``, column by column, over what is known."""
    sums = [Pair(None, None)] * columns
    for row in rows:
        sums = [total + pair for total, pair in zip(sums, row.pairs, strict=True)]
    return tuple(sums)


def problems_by_category(summary: FormSummary) -> list[Compared]:
    """What was found to be wrong in the whole city, by kind."""
    sums = city(by_unit(summary, summary.problems), len(summary.problems))
    return [Compared(column.full_label, (pair,)) for column, pair in zip(summary.problems, sums, strict=True)]


def problems_by_unit(summaries: Sequence[FormSummary]) -> list[Compared]:
    """What was found to be wrong by unit, over all forms, the most first."""
    found: dict[str, Pair] = {}
    for summary in summaries:
        for row in by_unit(summary, summary.problems):
            for pair in row.pairs:
                found[row.name] = found.get(row.name, Pair(None, None)) + pair
    # The sort is stable: units with as many stay in the order of the document.
    return sorted(
        (Compared(name, (pair,)) for name, pair in found.items()), key=lambda row: -(row.pairs[0].now or 0)
    )


def answers(summary: FormSummary) -> tuple[int, int, int, int, int]:
    """In time, late, nil, missing (sent back among them), not asked; every unit once."""
    states = [unit.state for unit in summary.units]
    told = standing(summary.units)
    return (
        states.count("filed"),
        states.count("late"),
        told.nil,
        told.missing + told.refused,
        told.waived,
    )


def _pairs(summary: FormSummary, unit: UnitFiled, columns: Sequence[Column]) -> tuple[Pair, ...]:
    now = summary.sums(unit.filed) if unit.is_known else None
    before = None if unit.previous is None else summary.sums(unit.previous)
    return tuple(
        Pair(None if before is None else before[each.id], None if now is None else now[each.id])
        for each in columns
    )


def _added(one: Number | None, other: Number | None) -> Number | None:
    if one is None or other is None:
        return other if one is None else one
    # Money has two places or so; a float that was added up has more.
    return round(one + other, 6)
