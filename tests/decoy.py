"""Another campaign in the ledger of a test: the same keys, periods and units, answered otherwise, and much waiting.

What is asked of a ledger and forgets to say of which campaign finds this one's rows among its own, or changes them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import insert, select, update

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.planning.plan import plan
from tracker.service.engine import Engine
from tracker.service.simulation import CollectingSender
from tracker.store.database import Database
from tracker.store.tables import ASSIGNMENT, EVENT, MAIL, REQUEST

ID = "decoy"


def plant(database: Database, snapshot: CampaignSnapshot, now: datetime) -> None:
    """Put it into ``database`` as if it had been at work since ``now``."""
    other = replace(snapshot, campaign=replace(snapshot.campaign, id=ID))
    engine = Engine(database, other, CollectingSender(lambda mail: mail.key), read_clock=lambda: now, who=ID)
    engine.bring_up_to_date(now)
    with database.writing() as session:
        # Mails that wait, an agenda that goes on, and reasons to name one alone.
        plan(session, other, now, at_once=True)
        ours = ASSIGNMENT.c.campaign == ID
        rows = session.execute(select(ASSIGNMENT).where(ours)).all()
        for event in ("submit", "return"):
            values = [_event(row, event, now) for row in rows]
            if values:
                session.execute(insert(EVENT), values)
        returned = {"answered": "returned", "nudge": "returned", "nudge_on": now.date()}
        session.execute(update(ASSIGNMENT).where(ours, ASSIGNMENT.c.id % 2 == 0).values(**returned))
        done = {"answered": "submitted", "quiet": True, "progress": 7, "submitted_at": now}
        session.execute(update(ASSIGNMENT).where(ours, ASSIGNMENT.c.id % 2 == 1).values(**done))
        asked = [_request(row, now) for row in rows[:20]]
        if asked:
            session.execute(insert(REQUEST), asked)


def intact(database: Database) -> Callable[[], None]:
    """Looks at it now; call what it returns to see that nobody has touched it since."""
    before = _state(database)

    def check() -> None:
        assert _state(database) == before, "another campaign's rows were changed"

    return check


def _state(database: Database) -> list[tuple[object, ...]]:
    with database.reading() as session:
        return [
            tuple(row)
            for table in (ASSIGNMENT, EVENT, MAIL)
            for row in session.execute(select(table).where(table.c.campaign == ID).order_by(table.c.id))
        ]


def _event(row: object, event: str, now: datetime) -> dict[str, object]:
    return {
        "campaign": ID,
        "assignment_id": row.id,  # type: ignore[attr-defined]
        "ref": f"{row.key}@{row.period}" if row.period else row.key,  # type: ignore[attr-defined]
        "unit": row.unit,  # type: ignore[attr-defined]
        "at": now - timedelta(minutes=1),
        "recorded_at": now - timedelta(minutes=1),
        "event": event,
        "reason": "another campaign's",
        "via": "file",
    }


def _request(row: object, now: datetime) -> dict[str, object]:
    event = _event(row, "", now)
    return {
        **{name: event[name] for name in ("assignment_id", "ref", "unit", "at")},
        "who": "somebody of another campaign",
        "email": "other@unit.example",
        "kind": "say",
        "text": "another campaign's",
    }
