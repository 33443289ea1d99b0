"""``status: done|paused|waived`` in the files: a person's word for every owner at once (CONTRACT.md §2).

Writing it is an event for each assignment, like any other, through "file"; taking it away undoes those.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlmodel import Session

from tracker.core.model import Definition, Event, EventKind
from tracker.engine.inforce import InForce
from tracker.engine.ledger import read_events, record
from tracker.store.tables import ASSIGNMENT, EVENT

VIA = "file"

EVENT_OF = {"done": EventKind.SUBMIT, "paused": EventKind.PAUSE, "waived": EventKind.WAIVE}


def apply_status(session: Session, force: InForce, definition: Definition, now: datetime) -> None:
    """Make the assignments of ``definition`` what its ``status`` says, or undo what an earlier one said."""
    wanted = EVENT_OF[definition.status] if definition.status else None
    _take_back(session, force, definition, wanted, now)
    if wanted is None:
        return
    still_open = session.execute(
        select(ASSIGNMENT.c.period, ASSIGNMENT.c.unit).where(
            ASSIGNMENT.c.campaign == force.campaign.id,
            ASSIGNMENT.c.key == definition.key,
            ASSIGNMENT.c.quiet.is_(False),
            ASSIGNMENT.c.removed_on.is_(None),
        )
    ).all()
    for period, unit in still_open:
        _record(session, force, definition, period, unit, wanted, now)


def _take_back(
    session: Session, force: InForce, definition: Definition, wanted: EventKind | None, now: datetime
) -> None:
    touched = session.execute(
        select(ASSIGNMENT.c.id, ASSIGNMENT.c.period, ASSIGNMENT.c.unit)
        .join(EVENT, EVENT.c.assignment_id == ASSIGNMENT.c.id)
        .where(
            ASSIGNMENT.c.campaign == force.campaign.id,
            ASSIGNMENT.c.key == definition.key,
            EVENT.c.via == VIA,
            ASSIGNMENT.c.removed_on.is_(None),
        )
        .distinct()
    ).all()
    for assignment, period, unit in touched:
        standing = _standing_events(read_events(session, assignment))
        last = standing[-1] if standing else None
        if last is not None and last.via == VIA and last.event is not wanted:
            _record(session, force, definition, period, unit, EventKind.UNDO, now)
        elif wanted is not EventKind.PAUSE and _paused_by_file(standing):
            _record(session, force, definition, period, unit, EventKind.RESUME, now)


def _standing_events(events: list[Event]) -> list[Event]:
    """The events that are not taken back."""
    standing: list[Event] = []
    for event in events:
        if event.event is EventKind.UNDO:
            standing.pop()
        else:
            standing.append(event)
    return standing


def _paused_by_file(standing: list[Event]) -> bool:
    pauses = [event for event in standing if event.event in (EventKind.PAUSE, EventKind.RESUME)]
    return bool(pauses) and pauses[-1].event is EventKind.PAUSE and pauses[-1].via == VIA


def _record(
    session: Session,
    force: InForce,
    definition: Definition,
    period: str,
    unit: str,
    kind: EventKind,
    now: datetime,
) -> None:
    event = Event(now, _ref(definition, period), unit, kind, who="tasks.yaml", via=VIA)
    record(session, force, event, now)


def _ref(definition: Definition, period: str) -> str:
    return f"{definition.key}@{period}" if period else definition.key
