"""Assignments of which one alone is to be mentioned for a reason of its own: sent back, newly asked."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from sqlalchemy import bindparam, select, update
from sqlmodel import Session

from tracker.core.model import Reason
from tracker.engine.digests import Line, line_of
from tracker.engine.inforce import InForce
from tracker.store.lots import lots
from tracker.store.tables import ASSIGNMENT

_NUDGED = select(ASSIGNMENT).where(
    ASSIGNMENT.c.campaign == bindparam("campaign"),
    ASSIGNMENT.c.nudge_on.is_not(None),
    ASSIGNMENT.c.nudge_on <= bindparam("day"),
    ASSIGNMENT.c.quiet.is_(False),
    ASSIGNMENT.c.removed_on.is_(None),
)


class Nudges:
    """Those of one day in one time zone; ``by_unit`` are their lines."""

    def __init__(self, session: Session, force: InForce, timezone: str, day: date) -> None:
        self._session = session
        self._done: list[int] = []
        self._waiting: list[dict[str, object]] = []
        self.by_unit: defaultdict[str, list[Line]] = defaultdict(list)
        for row in session.execute(_NUDGED, {"campaign": force.campaign.id, "day": day}).all():
            if row.key not in force.campaign.definitions:
                continue
            reason, _, zones = row.nudge.partition("|")
            told = {zone for zone in zones.split(";") if zone}
            if timezone not in told:
                self.by_unit[row.unit].append(line_of(force, row, Reason(reason), day))
            told.add(timezone)
            if told.issuperset(force.timezones):
                self._done.append(row.id)
            else:
                self._waiting.append({"row": row.id, "new_nudge": f"{reason}|{';'.join(sorted(told))}"})

    def forget(self) -> None:
        """They have been told, or wait for the other time zones."""
        for lot in lots(self._done):
            self._session.execute(
                update(ASSIGNMENT).where(ASSIGNMENT.c.id.in_(lot)).values(nudge=None, nudge_on=None)
            )
        if self._waiting:
            self._session.connection().execute(
                update(ASSIGNMENT)
                .where(ASSIGNMENT.c.id == bindparam("row"))
                .values(nudge=bindparam("new_nudge")),
                self._waiting,
            )
