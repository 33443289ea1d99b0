"""Which assignments still ask for something: the second look before it is said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select, tuple_
from sqlmodel import Session

from tracker.core.occurrences import parse_ref
from tracker.store.lots import lots
from tracker.store.tables import ASSIGNMENT, EVENT

#: Key, period and unit of an assignment.
Cell = tuple[str, str, str]

_CELL = tuple_(ASSIGNMENT.c.key, ASSIGNMENT.c.period, ASSIGNMENT.c.unit)


def cell_of(ref: str, unit: str) -> Cell:
    """Where ``ref`` of ``unit`` stands in the ledger."""
    key, period = parse_ref(ref)
    return key, period or "", unit


def still_asked(session: Session, campaign: str, wanted: Sequence[Cell]) -> dict[Cell, Row[Any]]:
    """The assignments of ``wanted`` in one campaign that are asked for and not answered."""
    found: dict[Cell, Row[Any]] = {}
    for some in lots(wanted):
        query = select(ASSIGNMENT).where(
            ASSIGNMENT.c.campaign == campaign,
            _CELL.in_(some),
            ASSIGNMENT.c.quiet.is_(False),
            ASSIGNMENT.c.removed_on.is_(None),
        )
        for row in session.execute(query):
            found[row.key, row.period, row.unit] = row
    return found


def answered_since(session: Session, campaign: str, event: int) -> set[tuple[str, str]]:
    """Assignments, as (ref, unit), that later events than ``event`` have made quiet: nothing goes out for them (§6.5)."""
    later = (EVENT.c.campaign == campaign, EVENT.c.id > event)
    touched = session.execute(select(EVENT.c.ref, EVENT.c.unit).where(*later).distinct()).all()
    if not touched:
        return set()
    places = {cell_of(ref, unit): (ref, unit) for ref, unit in touched}
    quiet = session.execute(
        select(ASSIGNMENT.c.key, ASSIGNMENT.c.period, ASSIGNMENT.c.unit).where(
            ASSIGNMENT.c.campaign == campaign, _CELL.in_(list(places)), ASSIGNMENT.c.quiet.is_(True)
        )
    )
    return {places[row.key, row.period, row.unit] for row in quiet}
