"""Every assignment as one number, its agenda row with its mark, kept in memory by unit.

A unit that something was written about is read again, so that a write costs what it touched and not the ledger.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence

from sqlalchemy import Select, String, func, select
from sqlmodel import Session

from tracker.core.status import MARKS
from tracker.store.batches import batches
from tracker.store.tables import ASSIGNMENT

#: So many units are read again at once.
LOT = 5_000

_CELL = ASSIGNMENT.c.agenda_id * MARKS + ASSIGNMENT.c.mark
# One row for each unit: a hundred thousand small ones would cost several times as much.
_CELLS: Select[tuple[str, str]] = select(
    ASSIGNMENT.c.unit, func.aggregate_strings(_CELL.cast(String), ",")
).group_by(ASSIGNMENT.c.unit)


class PackedLedger:
    """The whole ledger of a campaign; never changed once it is made, as others may be looking at it."""

    def __init__(
        self, campaign: str, of_unit: Mapping[str, Sequence[int]], groups: Mapping[int, int]
    ) -> None:
        self._campaign = campaign
        self._of_unit = of_unit
        #: By agenda row and mark, how many.
        self.groups = groups

    @classmethod
    def read(cls, session: Session, campaign: str) -> PackedLedger:
        """All of it, from the database."""
        of_unit = dict(_read(session, _CELLS.where(ASSIGNMENT.c.campaign == campaign)))
        groups: dict[int, int] = {}
        for cells in of_unit.values():
            _count(groups, cells, 1)
        return cls(campaign, of_unit, groups)

    def again(self, session: Session, units: Iterable[str]) -> PackedLedger:
        """The same with ``units`` as they are now."""
        of_unit, groups = dict(self._of_unit), dict(self.groups)
        ours = _CELLS.where(ASSIGNMENT.c.campaign == self._campaign)
        for some in batches(sorted(units), LOT):
            found = dict(_read(session, ours.where(ASSIGNMENT.c.unit.in_(some))))
            for unit in some:
                _count(groups, of_unit.pop(unit, ()), -1)
                if unit in found:
                    of_unit[unit] = found[unit]
                    _count(groups, found[unit], 1)
        return PackedLedger(self._campaign, of_unit, groups)

    def by_unit(self) -> Iterable[tuple[str, Sequence[int]]]:
        """Each unit with what hangs on it."""
        return self._of_unit.items()

    def of(self, unit: str) -> Sequence[int]:
        """What hangs on one unit."""
        return self._of_unit.get(unit, ())

    def grouped(self, units: Iterable[str]) -> Mapping[int, int]:
        """By agenda row and mark, how many of ``units``."""
        found: dict[int, int] = {}
        for unit in units:
            _count(found, self.of(unit), 1)
        return found

    def having(self, wanted: set[int]) -> list[str]:
        """The units that have one of these."""
        return [unit for unit, cells in self._of_unit.items() if not wanted.isdisjoint(cells)]

    def among(self, wanted: set[int]) -> Iterator[tuple[str, int]]:
        """Every unit with each of these that it has."""
        for unit, cells in self._of_unit.items():
            for cell in wanted.intersection(cells):
                yield unit, cell


def _read(session: Session, query: Select[tuple[str, str]]) -> Iterator[tuple[str, Sequence[int]]]:
    for unit, cells in session.execute(query):
        yield unit, array("q", map(int, cells.split(",")))


def _count(groups: dict[int, int], cells: Iterable[int], step: int) -> None:
    for cell in cells:
        number = groups.get(cell, 0) + step
        if number:
            groups[cell] = number
        else:
            del groups[cell]
