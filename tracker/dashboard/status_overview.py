"""The lights of the whole ledger: what every definition and unit shows, and how many there are of each.

Assignments that share an agenda row and a mark stand alike, so that each such group is judged once.  What was
counted is kept until the ledger, the files or the day change; after an event, only its unit is read again.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple, TypeVar, cast

from sqlalchemy import Row, select
from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.model import Definition, Light, State
from tracker.core.status import MARKS, REMOVED, answer_like, worst
from tracker.core.vocabulary import word_for
from tracker.dashboard.response_counts import ResponseCounts, ResponsePart, part_of
from tracker.ledger.after_restore import RESTORED
from tracker.ledger.agenda import agenda_dates
from tracker.ledger.light_counts import light_in_hand
from tracker.ledger.packed import PackedLedger
from tracker.ledger.record import last_event
from tracker.store.campaigns import read_fact
from tracker.store.database import Database, read_meta
from tracker.store.tables import AGENDA, EVENT

T = TypeVar("T")

#: So many answers are kept for one state of the ledger.
KEPT = 200
#: After more events than this all is read anew.
MANY = 500


@dataclass(frozen=True, slots=True)
class JudgedGroup:
    """How all assignments of one agenda row with one mark stand on a day.  ``due`` is the date by the rule."""

    definition: Definition
    ref: str
    opens: date
    due: date | None
    effective_due: date | None
    state: State
    light: Light
    part: ResponsePart
    late_days: int
    is_nil: bool
    waits: bool

    @property
    def states(self) -> tuple[State, ...]:
        """Under which it is counted and found: what waits for acceptance is ``submitted``, a nil return with it."""
        return (
            (self.state, State.SUBMITTED)
            if self.waits and self.state is not State.SUBMITTED
            else (self.state,)
        )

    @property
    def word(self) -> str:
        """What people are told of its state, by its name in ``core/vocabulary.STATE_WORDS``."""
        return word_for(self.state, waits=self.waits)


@dataclass(frozen=True, slots=True)
class StatusFilter:
    """What somebody wants to see; None means all of it.  ``month`` is a month's first day."""

    section: str | None = None
    units: tuple[str, ...] | None = None
    month: date | None = None
    state: State | None = None
    light: Light | None = None

    def holds(self, judged: JudgedGroup) -> bool:
        """Whether the state is among those wanted, and the light."""
        return self.state in (None, *judged.states) and self.light in (None, judged.light)


@dataclass(frozen=True, slots=True)
class StatusCell:
    """One definition of one unit: the light that stands for all it holds, and where to look."""

    light: Light
    word: str
    ref: str
    number: int
    waits: bool


@dataclass(frozen=True, slots=True)
class DefinitionLine:
    """One definition over the shown units, and how many are in over all chosen ones."""

    definition: Definition
    cells: tuple[StatusCell | None, ...]
    tally: ResponseCounts


@dataclass(frozen=True, slots=True)
class Matrix:
    """What the choice lets through: a page of units, a line for each definition, counts of everything.

    ``states`` and ``all_lights`` count what the choice would let through whatever the state.
    """

    day: date
    choice: StatusFilter
    units: tuple[str, ...]
    lines: tuple[DefinitionLine, ...]
    states: Counter[State]
    all_lights: Counter[Light]
    of_units: int
    page: int
    pages: int


class StatusOverview:
    """Everything that is in the ledger on one day, judged."""

    def __init__(
        self, snapshot: CampaignSnapshot, day: date, marks: PackedLedger, agendas: Mapping[int, Row[Any]]
    ) -> None:
        self.snapshot = snapshot
        self.day = day
        self.marks = marks
        self._agendas = agendas
        self._judged: dict[int, JudgedGroup | None] = {}
        self._kept: dict[Hashable, object] = {}

    @classmethod
    def read(cls, session: Session, snapshot: CampaignSnapshot, day: date) -> StatusOverview:
        """All of it, from the database."""
        ours = select(AGENDA).where(AGENDA.c.campaign == snapshot.campaign.id)
        return cls(
            snapshot,
            day,
            PackedLedger.read(session, snapshot.campaign.id),
            {row.id: row for row in session.execute(ours)},
        )

    def again(self, session: Session, units: Iterable[str]) -> StatusOverview:
        """The same with ``units`` as they are now, on the same day."""
        last = max(self._agendas, default=0)
        # The dates of a row never change; an extension makes another one.
        ours = AGENDA.c.campaign == self.snapshot.campaign.id
        new = {row.id: row for row in session.execute(select(AGENDA).where(ours, AGENDA.c.id > last))}
        found = StatusOverview(
            self.snapshot, self.day, self.marks.again(session, units), {**self._agendas, **new}
        )
        found._judged = self._judged.copy()
        return found

    @property
    def groups(self) -> Mapping[int, int]:
        """By agenda row and mark, how many."""
        return self.marks.groups

    def having(self, agendas: Iterable[int]) -> Iterator[tuple[str, JudgedGroup]]:
        """Every unit that is asked for one of these agenda rows, with how it stands."""
        meant = set(agendas)
        wanted = {cell for cell in self.groups if cell // MARKS in meant}
        for unit, cell in self.marks.among(wanted):
            judged = self.judged(cell)
            if judged is not None:
                yield unit, judged

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

    def judged(self, cell: int) -> JudgedGroup | None:
        """How a group stands; None for what is not asked any more."""
        if cell not in self._judged:
            self._judged[cell] = self._judge(*divmod(cell, MARKS))
        return self._judged[cell]

    def _judge(self, agenda: int, mark: int) -> JudgedGroup | None:
        row = self._agendas.get(agenda)
        definition = None if row is None else self.snapshot.campaign.definitions.get(row.key)
        if row is None or definition is None or mark & REMOVED:
            return None
        dates = agenda_dates(self.snapshot, definition, row)
        answer = answer_like(mark, dates, self.snapshot.zone)
        stands = self.snapshot.standing(definition, dates, answer, self.day)
        ref = f"{row.key}@{row.period}" if row.period else row.key
        return JudgedGroup(
            definition,
            ref,
            dates.opens,
            dates.due,
            dates.effective_due,
            stands.state,
            stands.light,
            part_of(answer, stands.state),
            stands.late_days,
            answer.answered == "nil",
            answer.waits(acceptance=definition.acceptance),
        )

    def in_hand(self) -> Counter[Light]:
        """How many assignments of each light the week's roll-up counts on this day (``ledger/light_counts``)."""
        return self.keep("in hand", self._in_hand)

    def _in_hand(self) -> Counter[Light]:
        found: Counter[Light] = Counter()
        for cell, number in self.groups.items():
            agenda, mark = divmod(cell, MARKS)
            row = self._agendas.get(agenda)
            light = None if row is None else light_in_hand(self.snapshot, row, mark, self.day)
            if light is not None:
                found[light] += number
        return found

    def is_shown(self, judged: JudgedGroup, choice: StatusFilter) -> bool:
        """Whether it belongs to the chosen month; without one, to what somebody is concerned with today.

        That is all that is asked once, and of what comes back the running period, what is due this month,
        whatever is still owed, and what waits for acceptance.
        """
        if choice.section is not None and judged.definition.section != choice.section:
            return False
        month = choice.month or self.day.replace(day=1)
        is_due_in = judged.due is not None and judged.due.replace(day=1) == month
        if choice.month is not None:
            return is_due_in
        if judged.definition.rule.every is None or is_due_in or judged.waits:
            return True
        is_running = judged.due is not None and judged.due >= self.day
        return judged.opens <= self.day and (is_running or judged.part is ResponsePart.MISSING)


class _State(NamedTuple):
    """What the ledger is known by.

    ``event`` only grows: numbers are given in the order in which they can be seen (``ledger/record.record``).
    """

    base: tuple[object, ...]
    event: int


class Board:
    """Answers what the board asks, and keeps what it counted while nothing has changed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._kept: tuple[_State, StatusOverview] | None = None

    def lights(self, session: Session, snapshot: CampaignSnapshot, now: datetime) -> StatusOverview:
        """The lights of today."""
        day = snapshot.day(now)
        base = (
            read_fact(session, snapshot.campaign.id, "reconciled"),
            read_meta(session, RESTORED),
            snapshot.fingerprint,
            snapshot.chase_from,
            day,
        )
        state = _State(base, last_event(session))
        found = self._known(state)
        if found is not None:
            return found
        with self._lock:
            found = self._known(state)
            if found is None:
                found = self._read(session, snapshot, state, day)
                self._kept = (state, found)
            return found

    def _known(self, state: _State) -> StatusOverview | None:
        """What was counted of this state, or meanwhile of a later one."""
        kept = self._kept
        is_current = kept is not None and kept[0].base == state.base and kept[0].event >= state.event
        return kept[1] if kept is not None and is_current else None

    def _read(self, session: Session, snapshot: CampaignSnapshot, state: _State, day: date) -> StatusOverview:
        kept = self._kept
        if kept is None or kept[0].base != state.base or state.event - kept[0].event > MANY:
            return StatusOverview.read(session, snapshot, day)
        touched = select(EVENT.c.unit).where(EVENT.c.id > kept[0].event).distinct()
        return kept[1].again(session, session.execute(touched).scalars())

    def in_hand(self, snapshot: CampaignSnapshot, now: datetime) -> Counter[Light]:
        """How many assignments of each light there are, as the week's roll-up counts them."""
        with self._database.reading() as session:
            return self.lights(session, snapshot, now).in_hand()

    def matrix(
        self, snapshot: CampaignSnapshot, choice: StatusFilter, now: datetime, *, page: int, size: int
    ) -> Matrix:
        """The lights of a page of ``size`` units."""
        with self._database.reading() as session:
            lights = self.lights(session, snapshot, now)
            key = ("matrix", choice, page, size)
            return lights.keep(key, lambda: _Count(lights, choice).matrix(page, size))


class _Count:
    """One look at the lights with one choice."""

    def __init__(self, lights: StatusOverview, choice: StatusFilter) -> None:
        self._lights = lights
        self._choice = choice
        self._snapshot = lights.snapshot

    def matrix(self, page: int, size: int) -> Matrix:
        states: Counter[State] = Counter()
        all_lights: Counter[Light] = Counter()
        tallies: defaultdict[str, ResponseCounts] = defaultdict(ResponseCounts)
        wanted: set[int] = set()
        for cell, number in self._groups().items():
            judged = self._lights.judged(cell)
            if judged is None or not self._lights.is_shown(judged, self._choice):
                continue
            for state in judged.states:
                states[state] += number
            all_lights[judged.light] += number
            if self._choice.holds(judged):
                wanted.add(cell)
                tallies[judged.definition.key].add(judged.part, judged.light, number)
        units = self._units(wanted)
        pages = max(1, -(-len(units) // size))
        page = min(max(page, 1), pages)
        shown = units[(page - 1) * size : page * size]
        cells = self._cells(shown, wanted)
        keys = sorted(tallies, key=self._snapshot.position)
        lines = [
            DefinitionLine(
                self._snapshot.campaign.definitions[key],
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
        return self._lights.marks.grouped(self._choice.units)

    def _units(self, wanted: set[int]) -> Sequence[str]:
        """Those that have anything to show, in the order of the files."""
        found = set(self._lights.marks.having(wanted))
        if self._choice.units is not None:
            found &= set(self._choice.units)
        return sorted(found, key=self._snapshot.unit_position)

    def _cells(self, units: Sequence[str], wanted: set[int]) -> dict[tuple[str, str], StatusCell]:
        held: defaultdict[tuple[str, str], list[JudgedGroup]] = defaultdict(list)
        for unit in units:
            for cell in wanted.intersection(self._lights.marks.of(unit)):
                judged = self._lights.judged(cell)
                assert judged is not None
                held[judged.definition.key, unit].append(judged)
        return {place: _cell(several) for place, several in held.items()}


def _cell(several: Sequence[JudgedGroup]) -> StatusCell:
    """The one that needs somebody most stands for all; of several such, the one that is due first."""
    light = worst(each.light for each in several)
    first = min(
        (each for each in several if each.light is light), key=lambda each: each.effective_due or date.max
    )
    return StatusCell(first.light, first.word, first.ref, len(several), first.waits)
