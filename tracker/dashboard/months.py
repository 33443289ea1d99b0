"""One month: of everything that is due in it, how many are in, who is missing, late, or has nothing to report."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session

from tracker.campaign.snapshot import InForce
from tracker.core.form import FieldKind
from tracker.core.model import Contact, Definition, Kind, Light, State
from tracker.dashboard.response_counts import Part, Tally
from tracker.dashboard.status_overview import Board, Judged, Lights
from tracker.filing.filings import previous_filings, tables_due

#: Of so many missing units the people who filled the table in last are looked up.
CALLED = 100


@dataclass(frozen=True, slots=True)
class Asked:
    """One unit that was asked for something: how it stands, and whom to call."""

    unit: str
    ref: str
    state: State
    light: Light
    late_days: int
    contacts: tuple[Contact, ...] = ()
    person: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """What one definition asks for in a month, and who is what."""

    definition: Definition
    ref: str
    due: date
    effective_due: date | None
    tally: Tally
    missing: tuple[Asked, ...]
    late: tuple[Asked, ...]
    nil: tuple[Asked, ...]
    waiting: tuple[Asked, ...]
    excused: tuple[Asked, ...]
    before: tuple[Asked, ...]


@dataclass(frozen=True, slots=True)
class Month:
    """Everything that is due in a month by its rule; ``first`` is the month's first day."""

    first: date
    due: tuple[Due, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """The units that owe anything, each once."""
        return tuple(dict.fromkeys(asked.unit for each in self.due for asked in each.missing))


def month(board: Board, session: Session, force: InForce, first: date, now: datetime) -> Month:
    """The month that begins with ``first``, as it stands now."""
    lights = board.lights(session, force, now)
    return lights.keep(("month", first), lambda: _month(session, lights, first, now))


def reports_of(
    board: Board, session: Session, force: InForce, first: date, now: datetime
) -> dict[str, Tally]:
    """By key, the reports that are due in the month and how many of them are in, without a look at who is who."""
    lights = board.lights(session, force, now)
    return lights.keep(("reports", first), lambda: _reports(lights, first))


def _reports(lights: Lights, first: date) -> dict[str, Tally]:
    found: defaultdict[str, Tally] = defaultdict(Tally)
    for cell, number in lights.groups.items():
        judged = lights.judged(cell)
        if judged is None or judged.due is None or judged.definition.kind is not Kind.REPORT:
            continue
        if judged.due.replace(day=1) == first:
            found[judged.definition.key].add(judged.part, judged.light, number)
    return {key: found[key] for key in sorted(found, key=lights.force.position)}


def months_of(board: Board, session: Session, force: InForce, now: datetime) -> list[date]:
    """The months in which anything is due, as far as the ledger goes."""
    lights = board.lights(session, force, now)
    found = {row.due.replace(day=1) for row in lights.agendas() if row.due is not None}
    return sorted(found)


def _month(session: Session, lights: Lights, first: date, now: datetime) -> Month:
    agendas = [row.id for row in lights.agendas() if row.due is not None and row.due.replace(day=1) == first]
    by_key: defaultdict[str, list[tuple[str, Judged]]] = defaultdict(list)
    for unit, judged in lights.having(agendas):
        by_key[judged.definition.key].append((unit, judged))
    force = lights.force
    # The tables first: they are what a month is looked up for.
    keys = sorted(
        by_key, key=lambda key: (force.definition(key).kind is not Kind.REPORT, force.position(key))
    )
    due = [_due(session, force, by_key[key], now) for key in keys]
    return Month(first, tuple(due))


def _due(session: Session, force: InForce, asked: Sequence[tuple[str, Judged]], now: datetime) -> Due:
    asked = sorted(asked, key=lambda each: force.unit_position(each[0]))
    first = asked[0][1]
    assert first.due is not None
    tally = Tally()
    parts: dict[Part, list[tuple[str, Judged]]] = {part: [] for part in Part}
    for unit, judged in asked:
        tally.add(judged.part, judged.light)
        parts[judged.part].append((unit, judged))
    missing, answered = parts[Part.MISSING], parts[Part.IN]
    people = _people(session, force, first, [unit for unit, _ in missing], now)
    return Due(
        first.definition,
        first.ref,
        first.due,
        first.effective_due,
        tally,
        missing=tuple(_asked(force, unit, judged, people.get(unit)) for unit, judged in missing),
        late=tuple(_asked(force, unit, judged) for unit, judged in answered if judged.late_days),
        nil=tuple(_asked(force, unit, judged) for unit, judged in answered if judged.is_nil),
        waiting=tuple(_asked(force, unit, judged) for unit, judged in answered if judged.waits),
        excused=tuple(_asked(force, unit, judged) for unit, judged in parts[Part.EXCUSED]),
        before=tuple(_asked(force, unit, judged) for unit, judged in parts[Part.BEFORE]),
    )


def _asked(
    force: InForce, unit: str, judged: Judged, written: tuple[str | None, str | None] | None = None
) -> Asked:
    known = force.campaign.units.get(unit)
    person, phone = written or (None, None)
    contacts = () if known is None else tuple(known.to_call)
    return Asked(unit, judged.ref, judged.state, judged.light, judged.late_days, contacts, person, phone)


def _people(
    session: Session, force: InForce, first: Judged, units: Sequence[str], now: datetime
) -> dict[str, tuple[str | None, str | None]]:
    """By unit who filled the table in last, and the telephone number that stands there."""
    form = force.form(first.definition)
    if form is None or first.due is None or not units:
        return {}
    until = date(first.due.year + first.due.month // 12, first.due.month % 12 + 1, 1)
    since = first.due.replace(day=1)
    tables = tables_due(session, force, now, since, until, units=list(units[:CALLED]), forms=[form.id])
    previous = previous_filings(session, force, tables)
    found = {}
    for table in tables:
        filed = previous.get(table.id)
        if filed is not None:
            said = {field.kind: filed.header.get(field.id) for field in reversed(form.header)}
            found[table.unit] = (said.get(FieldKind.TEXT), said.get(FieldKind.PHONE))
    return found
