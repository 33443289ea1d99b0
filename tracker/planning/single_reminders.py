"""Assignments of which one alone is to be mentioned for a reason of its own: sent back, newly asked."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import Any

from sqlalchemy import Row, bindparam, select, update
from sqlmodel import Session

from tracker.campaign.snapshot import InForce
from tracker.core.model import Definition, Reason
from tracker.ledger.nudge import Nudge
from tracker.ledger.overdue_beat import after_telling, upward_alone
from tracker.planning.collect import Line, line_of
from tracker.store.tables import ASSIGNMENT

_NUDGED = select(ASSIGNMENT).where(
    ASSIGNMENT.c.campaign == bindparam("campaign"),
    ASSIGNMENT.c.nudge_on.is_not(None),
    ASSIGNMENT.c.nudge_on <= bindparam("day"),
    ASSIGNMENT.c.quiet.is_(False),
    ASSIGNMENT.c.removed_on.is_(None),
)


class Nudges:
    """Those of one day in one time zone: ``by_unit`` are their lines, ``upward`` what goes to whom they report to."""

    def __init__(self, session: Session, force: InForce, timezone: str, day: date) -> None:
        self._session = session
        self._done: list[dict[str, object]] = []
        self.by_unit: defaultdict[str, list[Line]] = defaultdict(list)
        self.upward: list[tuple[str, Line]] = []
        for row in session.execute(_NUDGED, {"campaign": force.campaign.id, "day": day}).all():
            definition = force.campaign.definitions.get(row.key)
            if definition is None:
                continue
            nudge = Nudge.of(row.nudge)
            if timezone not in nudge.told:
                self._say(force, definition, row, nudge.reason, day)
            nudge = nudge._replace(told=nudge.told | {timezone})
            values: dict[str, object] = {"nudge": str(nudge), "nudge_on": row.nudge_on}
            if nudge.told.issuperset(force.timezones):
                values = after_telling(force, definition, row, day)
            self._done.append({"row": row.id, **{f"new_{name}": value for name, value in values.items()}})

    def _say(self, force: InForce, definition: Definition, row: Row[Any], reason: Reason, day: date) -> None:
        if reason is not Reason.ESCALATION:
            self.by_unit[row.unit].append(line_of(force, row, reason, day))
        upward = upward_alone(force, definition, row, day)
        if upward is not None and upward <= day and (superior := force.superior(row.unit)) is not None:
            self.upward.append((superior, line_of(force, row, Reason.ESCALATION, day)))

    def forget(self) -> None:
        """They have been told, or wait for the other time zones, or for the day on which silence goes upward."""
        if self._done:
            self._session.connection().execute(
                update(ASSIGNMENT)
                .where(ASSIGNMENT.c.id == bindparam("row"))
                .values(nudge=bindparam("new_nudge"), nudge_on=bindparam("new_nudge_on")),
                self._done,
            )
