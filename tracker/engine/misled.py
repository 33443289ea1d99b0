"""What is done once a clock that ran months ahead has been set right.

While it was wrong, days were planned that are yet to come, and nothing would be said again before they are there.  A
clock that was some days or weeks ahead is waited for, as each milestone is told once; one that was further ahead told
nothing that anybody could use, and it is all taken back: the agenda goes on as if today were the next day after
yesterday.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import or_, true, update
from sqlmodel import Session

from tracker.engine.agenda import go_on_after, planned_day, set_planned_day
from tracker.engine.inforce import InForce
from tracker.engine.outbox import IS_FREE, moments
from tracker.store.tables import MAIL, UNDERWAY, MailState

#: Days that were planned further ahead than this were planned by a clock that was wrong.
FAR = timedelta(days=60)

OUTCOME = "let go: it was written while the clock was wrong"


def is_misled(planned: date | None, today: date) -> bool:
    """Whether what was ``planned`` last can only have been planned by a wrong clock."""
    return planned is not None and planned > today + FAR


def come_back(session: Session, force: InForce, now: datetime) -> None:
    """Take back what was planned by a clock that was far ahead, if it was.

    Yesterday counts as told in every time zone.
    """
    days = {zone: now.astimezone(ZoneInfo(zone)).date() for zone in force.timezones}
    if not any(is_misled(planned_day(session, zone), day) for zone, day in days.items()):
        return
    said = min(days.values()) - timedelta(days=1)
    session.execute(
        update(MAIL)
        .where(
            UNDERWAY,
            MAIL.c.day > max(days.values()),
            # What somebody has in hand may be on its way already.
            or_(MAIL.c.state != MailState.CLAIMED.value, IS_FREE),
        )
        .values(state=MailState.DROPPED.value, lease_until=None, fence=MAIL.c.fence + 1, outcome=OUTCOME),
        moments(now),
    )
    go_on_after(session, force, said, true())
    for zone, day in days.items():
        set_planned_day(session, zone, day - timedelta(days=1))
