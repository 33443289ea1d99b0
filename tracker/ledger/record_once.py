"""A unit's answers that come by a link: each is taken once, however often its button is pressed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.model import Event
from tracker.ledger.editions import is_overtaken
from tracker.ledger.record import find_assignment, record
from tracker.store.tables import ASSIGNMENT, EVENT


def events_of(session: Session, assignment: int) -> int:
    """How many events an assignment has: what somebody saw before pressing a button."""
    query = select(func.count()).where(EVENT.c.assignment_id == assignment)
    return int(session.execute(query).scalar_one())


def answer_once(
    session: Session, snapshot: CampaignSnapshot, event: Event, now: datetime, *, seen: int
) -> bool:
    """Record ``event``, unless more has happened than the ``seen`` events or another edit; whether it was recorded.

    A form that is sent twice, or that was open while a colleague answered, changes nothing the second time.
    Raises as ``ledger.record``.
    """
    row = find_assignment(session, snapshot, event.ref, event.unit)
    # Two at once wait for each other here; SQLite has let in only one of them anyway.
    session.execute(select(ASSIGNMENT.c.id).where(ASSIGNMENT.c.id == row.id).with_for_update())
    if is_overtaken(session, snapshot) or events_of(session, row.id) != seen:
        return False
    record(session, snapshot, event, now)
    return True
