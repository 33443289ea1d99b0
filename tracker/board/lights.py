"""The lights of the whole ledger: what every definition and unit shows, and how many there are of each.

Assignments that share an agenda row and a mark stand alike, so that each such group is judged once and counted
by the database.  What was counted is kept until the ledger, the files or the day change.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar, cast

from sqlalchemy import Row, func, select
from sqlmodel import Session

from tracker.board.tally import Part, Tally, part_of
from tracker.core.model import Definition, Light, State
from tracker.core.standing import MARKS, REMOVED, answer_like, worst
from tracker.engine.agenda import agenda_dates
from tracker.engine.inforce import InForce
from tracker.engine.ledger import last_event
from tracker.store.database import Database, read_meta
from tracker.store.tables import AGENDA, ASSIGNMENT

_CELL = ASSIGNMENT.c.agenda_id * MARKS + ASSIGNMENT.c.mark
_GROUPS = select(ASSIGNMENT.c.agenda_id, ASSIGNMENT.c.mark, func.count()).group_by(
    ASSIGNMENT.c.agenda_id, ASSIGNMENT.c.quiet, ASSIGNMENT.c.mark
)
T = TypeVar("T")

#: So many values go into one list of a query.
LOT = 5_000
#: So many answers are kept for one state of the ledger.
KEPT = 200


@dataclass(frozen=True, slots=True)
class Judged:
    """How all assignments of one agenda row with one mark stand on a day.  ``due`` is the date by the rule."""

    definition: Definition
    ref: str
    opens: date
    due: date | None
    effective_due: date | None
    state: State
    light: Light
    part: Part
    late_days: int


@dataclass(frozen=True, slots=True)
class Choice:
    """What somebody wants to see; None means all of it.  ``month`` is a month's first day."""

    section: str | None = None
    units: tuple[str, ...] | None = None
    month: date | None = None
    state: State | None = None
    light: Light | None = None

    def holds(self, judged: Judged) -> bool:
        """Whether the state is among those wanted."""
        return self.state in (None, judged.state) and self.light in (None, judged.light)


@dataclass(frozen=True, slots=True)
class Cell:
    """One definition of one unit: the light that stands for all it holds, and where to look."""

    light: Light
    state: State
    ref: str
    number: int


@dataclass(frozen=True, slots=True)
class Line:
    """One definition over the shown units, and how many are in over all chosen ones."""

    definition: Definition
    cells: tuple[Cell | None, ...]
    tally: Tally


@dataclass(frozen=True, slots=True)
class Matrix:
    """What the choice lets through: a page of units, a line for each definition, counts of everything.

    ``states`` and ``all_lights`` count what the choice would let through whatever the state.
    """

    day: date
    choice: Choice
    units: tuple[str, ...]
    lines: tuple[Line, ...]
    states: Counter[State]
    all_lights: Counter[Light]
    of_units: int
    page: int
    pages: int


class Lights:
    """Everything that is in the ledger on one day, judged."""

    def __init__(self, session: Session, force: InForce, day: date) -> None:
        self.force = force
        self.day = day
        self._agendas = {row.id: row for row in session.execute(select(AGENDA))}
        self._judged: dict[int, Judged | None] = {}
        self._kept: dict[Hashable, object] = {}
        #: By agenda row and mark, how many.
        self.groups: dict[int, int] = {}
        for agenda, mark, number in session.execute(_GROUPS):
            cell = agenda * MARKS + mark
            self.groups[cell] = self.groups.get(cell, 0) + number

    def keep(self, key: Hashable, make: Callable[[], T]) -> T:
        """What ``make`` gives, made once for this state of the ledger."""
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= KEPT:
                self._kept.clear()
            found = self._kept[key] = make()
        return cast("T", found)

    def agendas(self) -> Iterable[Row[Any]]:
        """Every agenda row: the assignments of one occurrence that share a date in force."""
        return self._agendas.values()

    def judged(self, cell: int) -> Judged | None:
        """How a group stands; None for what is not asked any more."""
        if cell not in self._judged:
            self._judged[cell] = self._judge(*divmod(cell, MARKS))
        return self._judged[cell]

    def _judge(self, agenda: int, mark: int) -> Judged | None:
        row = self._agendas.get(agenda)
        definition = None if row is None else self.force.campaign.definitions.get(row.key)
        if row is None or definition is None or mark & REMOVED:
            return None
        dates = agenda_dates(self.force, definition, row)
        answer = answer_like(mark, dates, self.force.zone)
        stands = self.force.standing(definition, dates, answer, self.day)
        ref = f"{row.key}@{row.period}" if row.period else row.key
        return Judged(
            definition,
            ref,
            dates.opens,
            dates.due,
            dates.effective_due,
            stands.state,
            stands.light,
            part_of(answer),
            stands.late_days,
        )

    def is_shown(self, judged: Judged, choice: Choice) -> bool:
        """Whether it belongs to the chosen month; without one, to what somebody is concerned with today.

        That is all that is asked once, and of what comes back the running period, what is due this month,
        and whatever is still owed.
        """
        if choice.section is not None and judged.definition.section != choice.section:
            return False
        month = choice.month or self.day.replace(day=1)
        is_due_in = judged.due is not None and judged.due.replace(day=1) == month
        if choice.month is not None:
            return is_due_in
        if judged.definition.rule.every is None or is_due_in:
            return True
        is_running = judged.due is not None and judged.due >= self.day
        return judged.opens <= self.day and (is_running or judged.part is Part.MISSING)


class Board:
    """Answers what the board asks, and keeps what it counted while nothing has changed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._kept: tuple[tuple[object, ...], Lights] | None = None

    def lights(self, session: Session, force: InForce, now: datetime) -> Lights:
        """The lights of today."""
        day = force.day(now)
        version = (last_event(session), read_meta(session, "reconciled"), force.fingerprint, day)
        kept = self._kept
        if kept is not None and kept[0] == version:
            return kept[1]
        with self._lock:
            if self._kept is None or self._kept[0] != version:
                self._kept = (version, Lights(session, force, day))
            return self._kept[1]

    def matrix(self, force: InForce, choice: Choice, now: datetime, *, page: int, size: int) -> Matrix:
        """The lights of a page of ``size`` units."""
        with self._database.reading() as session:
            lights = self.lights(session, force, now)
            key = ("matrix", choice, page, size)
            return lights.keep(key, lambda: _Count(session, lights, choice).matrix(page, size))


class _Count:
    """One look at the lights with one choice."""

    def __init__(self, session: Session, lights: Lights, choice: Choice) -> None:
        self._session = session
        self._lights = lights
        self._choice = choice
        self._force = lights.force

    def matrix(self, page: int, size: int) -> Matrix:
        states: Counter[State] = Counter()
        all_lights: Counter[Light] = Counter()
        tallies: defaultdict[str, Tally] = defaultdict(Tally)
        wanted: set[int] = set()
        for cell, number in self._groups().items():
            judged = self._lights.judged(cell)
            if judged is None or not self._lights.is_shown(judged, self._choice):
                continue
            states[judged.state] += number
            all_lights[judged.light] += number
            if self._choice.holds(judged):
                wanted.add(cell)
                tallies[judged.definition.key].add(judged.part, judged.light, number)
        units = self._units(wanted)
        pages = max(1, -(-len(units) // size))
        page = min(max(page, 1), pages)
        shown = units[(page - 1) * size : page * size]
        cells = self._cells(shown, wanted)
        keys = sorted(tallies, key=self._force.position)
        lines = [
            Line(
                self._force.campaign.definitions[key],
                tuple(cells.get((key, unit)) for unit in shown),
                tallies[key],
            )
            for key in keys
        ]
        return Matrix(
            self._lights.day,
            self._choice,
            tuple(shown),
            tuple(lines),
            states,
            all_lights,
            len(units),
            page,
            pages,
        )

    def _groups(self) -> Mapping[int, int]:
        """By agenda row and mark, how many of the chosen units."""
        if self._choice.units is None:
            return self._lights.groups
        found: Counter[int] = Counter()
        for some in _lots(self._choice.units):
            query = select(_CELL, func.count()).where(ASSIGNMENT.c.unit.in_(some)).group_by(_CELL)
            for cell, number in self._session.execute(query):
                found[cell] += number
        return found

    def _units(self, wanted: set[int]) -> Sequence[str]:
        """Those that have anything to show, in the order of the files."""
        found: set[str] = set()
        for some in _lots(sorted(wanted)):
            found |= set(
                self._session.execute(select(ASSIGNMENT.c.unit).where(_CELL.in_(some)).distinct()).scalars()
            )
        if self._choice.units is not None:
            found &= set(self._choice.units)
        return sorted(found, key=self._force.unit_position)

    def _cells(self, units: Sequence[str], wanted: set[int]) -> dict[tuple[str, str], Cell]:
        held: defaultdict[tuple[str, str], list[Judged]] = defaultdict(list)
        query = select(ASSIGNMENT.c.unit, _CELL).where(ASSIGNMENT.c.unit.in_(units))
        for unit, cell in self._session.execute(query):
            if cell in wanted:
                judged = self._lights.judged(cell)
                assert judged is not None
                held[judged.definition.key, unit].append(judged)
        return {place: _cell(several) for place, several in held.items()}


def _cell(several: Sequence[Judged]) -> Cell:
    """The one that needs somebody most stands for all; of several such, the one that is due first."""
    light = worst(each.light for each in several)
    first = min(
        (each for each in several if each.light is light), key=lambda each: each.effective_due or date.max
    )
    return Cell(first.light, first.state, first.ref, len(several))


def _lots(values: Sequence[T]) -> Iterable[Sequence[T]]:
    for start in range(0, len(values), LOT):
        yield values[start : start + LOT]
