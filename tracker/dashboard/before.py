"""What was due before the ledger began: one list, by definition and occurrence, for the supervisor to settle."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.model import Definition, State
from tracker.dashboard.status_overview import Board, StatusOverview


@dataclass(frozen=True, slots=True)
class UnknownOccurrence:
    """One occurrence, when it was due, and of how many units nothing is known."""

    ref: str
    due: date | None
    number: int


@dataclass(frozen=True, slots=True)
class UnknownBefore:
    """One definition with its occurrences, by date."""

    definition: Definition
    occasions: tuple[UnknownOccurrence, ...]

    @property
    def number(self) -> int:
        """How many assignments."""
        return sum(each.number for each in self.occasions)


def before(
    board: Board,
    session: Session,
    snapshot: CampaignSnapshot,
    now: datetime,
    units: Collection[str] | None = None,
) -> tuple[UnknownBefore, ...]:
    """All of it in the order of the document; of ``units`` only, if given."""
    lights = board.lights(session, snapshot, now)
    key = None if units is None else tuple(units)
    return lights.keep(("before", key), lambda: _before(lights, units))


def _before(lights: StatusOverview, units: Collection[str] | None) -> tuple[UnknownBefore, ...]:
    groups = lights.groups if units is None else lights.marks.grouped(units)
    counted: Counter[str] = Counter()
    found: defaultdict[str, dict[str, date | None]] = defaultdict(dict)
    for cell, number in groups.items():
        judged = lights.judged(cell)
        if judged is None or judged.effective_due is None:
            continue
        # Where chase_from lies ahead, what is still to come is set aside, too: nobody can say yet how it is answered.
        if judged.state is State.BEFORE and judged.effective_due < lights.day:
            counted[judged.ref] += number
            found[judged.definition.key][judged.ref] = judged.effective_due
    return tuple(
        UnknownBefore(
            lights.snapshot.campaign.definitions[key],
            tuple(
                UnknownOccurrence(ref, due, counted[ref])
                for ref, due in sorted(found[key].items(), key=lambda each: (str(each[1]), each[0]))
            ),
        )
        for key in sorted(found, key=lights.snapshot.position)
    )
