"""One definition over its periods, and one assignment with everything that is known about it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlmodel import Session

from tracker.campaign.snapshot import InForce
from tracker.core.model import Definition
from tracker.dashboard.response_counts import Tally
from tracker.dashboard.status_overview import Board, Cell, Judged, Lights
from tracker.forms.check.read_back import read_back
from tracker.i18n.message import Message
from tracker.ledger.record import find_assignment
from tracker.questions.filed_rows import NOTHING_TAKEN, from_json
from tracker.store.tables import FILING


@dataclass(frozen=True, slots=True)
class Period:
    """One occurrence, and how many are in."""

    ref: str
    due: date | None
    effective_due: date | None
    tally: Tally


@dataclass(frozen=True, slots=True)
class Item:
    """One definition: its occurrences in order, and how each unit stands in the chosen one."""

    definition: Definition
    periods: tuple[Period, ...]
    chosen: Period | None
    units: tuple[tuple[str, Cell], ...]


@dataclass(frozen=True, slots=True)
class Filed:
    """A file that a unit sent for an assignment.  ``findings`` are plain JSON values."""

    document: int
    file: str
    at: datetime
    who: str | None
    in_force: bool
    is_taken: bool
    findings: Sequence[Mapping[str, object]]
    read_back: Message | None


def item(board: Board, session: Session, force: InForce, key: str, ref: str | None, now: datetime) -> Item:
    """The definition ``key`` with the occurrence ``ref``, or the one that concerns people today."""
    lights = board.lights(session, force, now)
    return lights.keep(("item", key, ref), lambda: _item(lights, key, ref))


def to_accept(board: Board, session: Session, force: InForce, now: datetime) -> list[tuple[str, Judged]]:
    """What waits for acceptance, with the unit that submitted it, in the order of the document."""
    lights = board.lights(session, force, now)
    return lights.keep("to_accept", lambda: _to_accept(lights))


def _to_accept(lights: Lights) -> list[tuple[str, Judged]]:
    force = lights.force
    judged = {cell: lights.judged(cell) for cell in lights.groups}
    wanted = {cell for cell, each in judged.items() if each is not None and each.waits}
    found = [(unit, each) for unit, cell in lights.marks.among(wanted) if (each := judged[cell]) is not None]
    found.sort(
        key=lambda one: (force.position(one[1].definition.key), one[1].ref, force.unit_position(one[0]))
    )
    return found


def _item(lights: Lights, key: str, ref: str | None) -> Item:
    force = lights.force
    agendas: defaultdict[str, list[int]] = defaultdict(list)
    dates: dict[str, tuple[date | None, date | None]] = {}
    for row in lights.agendas():
        if row.key == key:
            name = f"{row.key}@{row.period}" if row.period else row.key
            agendas[name].append(row.id)
            dates.setdefault(name, (row.due, row.effective_due))
    counted: defaultdict[str, Tally] = defaultdict(Tally)
    for cell, number in lights.groups.items():
        judged = lights.judged(cell)
        if judged is not None and judged.definition.key == key:
            counted[judged.ref].add(judged.part, judged.light, number)
    periods = [
        Period(name, *dates[name], counted[name])
        for name in sorted(agendas, key=lambda name: (dates[name][0] or date.max, name))
        if name in counted
    ]
    chosen = next((each for each in periods if each.ref == ref), None) or _current(periods, lights.day)
    units = [] if chosen is None else _units(lights, agendas[chosen.ref])
    return Item(force.campaign.definitions[key], tuple(periods), chosen, tuple(units))


def _current(periods: Sequence[Period], day: date) -> Period | None:
    """The first that is still to come; else the last."""
    coming = (each for each in periods if each.effective_due is None or each.effective_due >= day)
    return next(coming, periods[-1] if periods else None)


def _units(lights: Lights, agendas: Sequence[int]) -> list[tuple[str, Cell]]:
    found = [
        (unit, Cell(judged.light, judged.word, judged.ref, 1, judged.waits))
        for unit, judged in lights.having(agendas)
    ]
    found.sort(key=lambda each: lights.force.unit_position(each[0]))
    return found


def files_of(session: Session, force: InForce, ref: str, unit: str) -> list[Filed]:
    """Every table that was sent for one assignment, the newest first."""
    assignment = find_assignment(session, force, ref, unit)
    form = force.form(force.definition(assignment.key))
    rows = session.execute(
        select(FILING).where(FILING.c.assignment_id == assignment.id).order_by(FILING.c.id.desc())
    )
    return [
        Filed(
            row.document_id,
            row.file,
            row.at,
            row.who,
            bool(row.in_force),
            row.content != NOTHING_TAKEN,
            json.loads(row.findings),
            None
            if form is None or row.content == NOTHING_TAKEN
            else read_back(form, from_json(row.content, form)).said(),
        )
        for row in rows
    ]
