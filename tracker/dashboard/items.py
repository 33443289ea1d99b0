"""One definition over its periods, and one assignment with everything that is known about it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.model import Definition
from tracker.dashboard.response_counts import ResponseCounts
from tracker.dashboard.status_overview import Board, JudgedGroup, StatusCell, StatusOverview
from tracker.forms.check.read_back import read_back
from tracker.i18n.message import Message
from tracker.ledger.record import find_assignment
from tracker.questions.filed_rows import NOTHING_TAKEN, from_json
from tracker.store.tables import FILING


@dataclass(frozen=True, slots=True)
class PeriodCount:
    """One occurrence, and how many are in."""

    ref: str
    due: date | None
    effective_due: date | None
    tally: ResponseCounts


@dataclass(frozen=True, slots=True)
class DefinitionView:
    """One definition: its occurrences in order, and how each unit stands in the chosen one."""

    definition: Definition
    periods: tuple[PeriodCount, ...]
    chosen: PeriodCount | None
    units: tuple[tuple[str, StatusCell], ...]


@dataclass(frozen=True, slots=True)
class FiledFile:
    """A file that a unit sent for an assignment.  ``findings`` are plain JSON values."""

    document: int
    file: str
    at: datetime
    who: str | None
    in_force: bool
    is_taken: bool
    findings: Sequence[Mapping[str, object]]
    read_back: Message | None


def item(
    board: Board, session: Session, snapshot: CampaignSnapshot, key: str, ref: str | None, now: datetime
) -> DefinitionView:
    """The definition ``key`` with the occurrence ``ref``, or the one that concerns people today."""
    lights = board.lights(session, snapshot, now)
    return lights.keep(("item", key, ref), lambda: _item(lights, key, ref))


def to_accept(
    board: Board, session: Session, snapshot: CampaignSnapshot, now: datetime
) -> list[tuple[str, JudgedGroup]]:
    """What waits for acceptance, with the unit that submitted it, in the order of the document."""
    lights = board.lights(session, snapshot, now)
    return lights.keep("to_accept", lambda: _to_accept(lights))


def _to_accept(lights: StatusOverview) -> list[tuple[str, JudgedGroup]]:
    snapshot = lights.snapshot
    judged = {cell: lights.judged(cell) for cell in lights.groups}
    wanted = {cell for cell, each in judged.items() if each is not None and each.waits}
    found = [(unit, each) for unit, cell in lights.marks.among(wanted) if (each := judged[cell]) is not None]
    found.sort(
        key=lambda one: (snapshot.position(one[1].definition.key), one[1].ref, snapshot.unit_position(one[0]))
    )
    return found


def _item(lights: StatusOverview, key: str, ref: str | None) -> DefinitionView:
    snapshot = lights.snapshot
    agendas: defaultdict[str, list[int]] = defaultdict(list)
    dates: dict[str, tuple[date | None, date | None]] = {}
    for row in lights.agendas():
        if row.key == key:
            name = f"{row.key}@{row.period}" if row.period else row.key
            agendas[name].append(row.id)
            dates.setdefault(name, (row.due, row.effective_due))
    counted: defaultdict[str, ResponseCounts] = defaultdict(ResponseCounts)
    for cell, number in lights.groups.items():
        judged = lights.judged(cell)
        if judged is not None and judged.definition.key == key:
            counted[judged.ref].add(judged.part, judged.light, number)
    periods = [
        PeriodCount(name, *dates[name], counted[name])
        for name in sorted(agendas, key=lambda name: (dates[name][0] or date.max, name))
        if name in counted
    ]
    chosen = next((each for each in periods if each.ref == ref), None) or _current(periods, lights.day)
    units = [] if chosen is None else _units(lights, agendas[chosen.ref])
    return DefinitionView(snapshot.campaign.definitions[key], tuple(periods), chosen, tuple(units))


def _current(periods: Sequence[PeriodCount], day: date) -> PeriodCount | None:
    """The first that is still to come; else the last."""
    coming = (each for each in periods if each.effective_due is None or each.effective_due >= day)
    return next(coming, periods[-1] if periods else None)


def _units(lights: StatusOverview, agendas: Sequence[int]) -> list[tuple[str, StatusCell]]:
    found = [
        (unit, StatusCell(judged.light, judged.word, judged.ref, 1, judged.waits))
        for unit, judged in lights.having(agendas)
    ]
    found.sort(key=lambda each: lights.snapshot.unit_position(each[0]))
    return found


def files_of(session: Session, snapshot: CampaignSnapshot, ref: str, unit: str) -> list[FiledFile]:
    """Every table that was sent for one assignment, the newest first."""
    assignment = find_assignment(session, snapshot, ref, unit)
    form = snapshot.form(snapshot.definition(assignment.key))
    rows = session.execute(
        select(FILING).where(FILING.c.assignment_id == assignment.id).order_by(FILING.c.id.desc())
    )
    return [
        FiledFile(
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
