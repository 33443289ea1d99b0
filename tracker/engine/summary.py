"""Counts lights over the whole ledger: in all, by definition and by unit, as they are or as they were.

Assignments that share an agenda row and an answer have the same standing.  The database groups them, each group
is judged once by the core, and the database counts by what came of it: a million rows make a few thousand groups.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Row,
    Select,
    Text,
    and_,
    case,
    column,
    func,
    or_,
    select,
    values,
)
from sqlmodel import Session

from tracker.core.model import Light
from tracker.core.standing import Answer, Answered, Dates
from tracker.engine.inforce import InForce
from tracker.engine.standings import answers_at, ledger_row
from tracker.store.tables import AGENDA, ASSIGNMENT, EVENT

#: How an answer is written as one number, so that the database can compare it.
_ANSWERED: tuple[Answered, ...] = ("submitted", "nil", "returned", "waived")
_PAUSED, _ACCEPTED, _LATE, _WIDTH = 8, 16, 32, 64

_MARK = (
    case(
        {name: number for number, name in enumerate(_ANSWERED, start=1)}, value=ASSIGNMENT.c.answered, else_=0
    )
    + case((ASSIGNMENT.c.paused, _PAUSED), else_=0)
    + case((ASSIGNMENT.c.accepted_at.is_not(None), _ACCEPTED), else_=0)
    + case((ASSIGNMENT.c.late, _LATE), else_=0)
)
_CELL = ASSIGNMENT.c.agenda_id * _WIDTH + _MARK

Lights = Counter[Light]


@dataclass(slots=True)
class Summary:
    """Lights of everything that had opened by a day and was then open, or due in that day's year."""

    total: Lights = field(default_factory=Counter)
    by_key: defaultdict[str, Lights] = field(default_factory=lambda: defaultdict(Counter))
    by_unit: defaultdict[str, Lights] = field(default_factory=lambda: defaultdict(Counter))

    def add(self, key: str, unit: str, light: Light) -> None:
        """One assignment."""
        self.total[light] += 1
        self.by_key[key][light] += 1
        self.by_unit[unit][light] += 1


def summarize(session: Session, force: InForce, day: date, *, as_of: datetime | None = None) -> Summary:
    """The lights of ``day``: with the answers of now, or with those that had come by ``as_of``."""
    counted = _counted(day)
    if as_of is not None:
        changed = select(EVENT.c.assignment_id).where(EVENT.c.at > as_of)
        counted = and_(counted, ASSIGNMENT.c.id.not_in(changed))
    found = Summary()
    lights = _lights_of_groups(session, force, day, counted, found)
    for unit, light, count in session.execute(_by_unit(lights, counted)) if lights else ():
        found.by_unit[unit][Light(light)] += count
    if as_of is not None:
        _add_changed(session, force, day, as_of, found)
    return found


def _counted(day: date) -> ColumnElement[bool]:
    return and_(
        ASSIGNMENT.c.removed_on.is_(None),
        ASSIGNMENT.c.opens <= day,
        _is_of_interest(day),
    )


def _is_of_interest(day: date) -> ColumnElement[bool]:
    return or_(
        ASSIGNMENT.c.quiet.is_(False),
        ASSIGNMENT.c.effective_due.is_(None),
        ASSIGNMENT.c.effective_due >= date(day.year, 1, 1),
    )


def _lights_of_groups(
    session: Session, force: InForce, day: date, counted: ColumnElement[bool], found: Summary
) -> dict[int, Light]:
    """The light of each group; the totals go into ``found``."""
    agendas = {row.id: row for row in session.execute(select(AGENDA))}
    groups = session.execute(
        select(
            ASSIGNMENT.c.agenda_id,
            _MARK.label("mark"),
            func.count().label("number"),
            func.min(ASSIGNMENT.c.submitted_at).label("submitted_at"),
        )
        .where(counted)
        .group_by(ASSIGNMENT.c.agenda_id, _MARK)
    )
    lights: dict[int, Light] = {}
    for group in groups:
        row = agendas[group.agenda_id]
        definition = force.campaign.definitions.get(row.key)
        if definition is None:
            continue
        dates = Dates.of(row.opens, row.due, row.effective_due, definition.grace_days, force.campaign.issued)
        light = force.standing(definition, dates, _answer(group), day).light
        lights[group.agenda_id * _WIDTH + group.mark] = light
        found.total[light] += group.number
        found.by_key[row.key][light] += group.number
    return lights


def _answer(group: Row[Any]) -> Answer:
    """An answer such as those of the group have; when it came decides only whether it was late, as all of them were."""
    number = group.mark % _PAUSED
    return Answer(
        answered=_ANSWERED[number - 1] if number else None,
        paused=bool(group.mark & _PAUSED),
        submitted_at=group.submitted_at,
        accepted_at=group.submitted_at if group.mark & _ACCEPTED else None,
    )


def _by_unit(lights: Mapping[int, Light], counted: ColumnElement[bool]) -> Select[Any]:
    # A common table expression: SQLite names the columns of VALUES nowhere else.
    judged = (
        values(column("cell", Integer), column("light", Text), literal_binds=True)
        .data([(cell, light.value) for cell, light in lights.items()])
        .cte("judged")
    )
    return (
        select(ASSIGNMENT.c.unit, judged.c.light, func.count())
        .join(judged, judged.c.cell == _CELL)
        .where(counted)
        .group_by(ASSIGNMENT.c.unit, judged.c.light)
    )


def _add_changed(session: Session, force: InForce, day: date, as_of: datetime, found: Summary) -> None:
    """What has been answered, or otherwise changed, since: as it stood then."""
    changed = select(EVENT.c.assignment_id).where(EVENT.c.at > as_of)
    answers = answers_at(session, force, as_of, among=changed)
    rows = session.execute(
        select(ASSIGNMENT).where(
            ASSIGNMENT.c.id.in_(changed), ASSIGNMENT.c.removed_on.is_(None), ASSIGNMENT.c.opens <= day
        )
    )
    first = date(day.year, 1, 1)
    for row in rows:
        definition = force.campaign.definitions.get(row.key)
        if definition is None:
            continue
        then = ledger_row(force, definition, row, answers.get(row.id, Answer()), day)
        due = then.dates.effective_due
        if not then.answer.quiet or due is None or due >= first:
            found.add(row.key, row.unit, then.light)


def merged(lights: Iterable[Lights]) -> Lights:
    """All of them together."""
    total: Lights = Counter()
    for each in lights:
        total.update(each)
    return total
