"""The agenda: which occurrences are to be spoken of next, and through which day all has been said."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import insert, select, update
from sqlmodel import Session

from tracker.core.model import Definition
from tracker.core.reminders import next_on
from tracker.core.standing import Dates
from tracker.engine.inforce import InForce
from tracker.store.database import read_meta, write_meta
from tracker.store.tables import AGENDA


def planned_day(session: Session, timezone: str) -> date | None:
    """The last local day of ``timezone`` whose digests have been written; None before the first."""
    text = read_meta(session, f"planned/{timezone}")
    return None if text is None else date.fromisoformat(text)


def set_planned_day(session: Session, timezone: str, day: date) -> None:
    """Remember that the digests of ``day`` have been written."""
    write_meta(session, f"planned/{timezone}", day.isoformat())


def said_through(session: Session, timezone: str, today: date) -> date:
    """Everything up to this day has been said to those in ``timezone``."""
    return planned_day(session, timezone) or today - timedelta(days=1)


def ensure_agenda(
    session: Session,
    force: InForce,
    definition: Definition,
    period: str,
    dates: Dates,
    timezone: str,
    said_through: date,
) -> tuple[int, bool]:
    """The id of the agenda row for these dates, and whether it had to be made.

    A row that is asleep is woken: somebody hangs on it again.
    """
    slot = _slot(period, dates, timezone)
    found = session.execute(
        select(AGENDA.c.id, AGENDA.c.next_on).where(AGENDA.c.key == definition.key, AGENDA.c.slot == slot)
    ).first()
    if found is not None and found.next_on is not None:
        return found.id, False
    if found is not None:
        following = next_on(dates, force.policy(definition), force.workdays, said_through)
        session.execute(update(AGENDA).where(AGENDA.c.id == found.id).values(next_on=following))
        return found.id, False
    values = agenda_values(force, definition, period, dates, timezone, said_through)
    return int(session.execute(insert(AGENDA).values(**values).returning(AGENDA.c.id)).scalar_one()), True


def agenda_values(
    force: InForce, definition: Definition, period: str, dates: Dates, timezone: str, said_through: date
) -> dict[str, object]:
    """The columns of a new agenda row."""
    return {
        "key": definition.key,
        "slot": _slot(period, dates, timezone),
        "period": period,
        "opens": dates.opens,
        "effective_due": dates.effective_due,
        "timezone": timezone,
        "next_on": next_on(dates, force.policy(definition), force.workdays, said_through),
    }


def _slot(period: str, dates: Dates, timezone: str) -> str:
    return f"{period}|{dates.effective_due or ''}|{timezone}"
