"""Assignments of which one alone is to be mentioned for a reason of its own: sent back, newly asked."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import Any

from sqlalchemy import Row, bindparam, select, update
from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.model import Definition, Reason
from tracker.ledger.overdue_beat import after_telling, escalation_alone
from tracker.ledger.single_reminder import SingleReminder
from tracker.planning.collect import DigestItem, line_of
from tracker.store.tables import ASSIGNMENT

_NUDGED = select(ASSIGNMENT).where(
    ASSIGNMENT.c.campaign == bindparam("campaign"),
    ASSIGNMENT.c.nudge_on.is_not(None),
    ASSIGNMENT.c.nudge_on <= bindparam("day"),
    ASSIGNMENT.c.quiet.is_(False),
    ASSIGNMENT.c.removed_on.is_(None),
)


class SingleReminders:
    """Those of one day in one time zone: ``by_unit`` are their lines, ``upward`` what goes to whom they report to."""

    def __init__(self, session: Session, snapshot: CampaignSnapshot, timezone: str, day: date) -> None:
        self._session = session
        self._done: list[dict[str, object]] = []
        self.by_unit: defaultdict[str, list[DigestItem]] = defaultdict(list)
        self.upward: list[tuple[str, DigestItem]] = []
        for row in session.execute(_NUDGED, {"campaign": snapshot.campaign.id, "day": day}).all():
            definition = snapshot.campaign.definitions.get(row.key)
            if definition is None:
                continue
            nudge = SingleReminder.of(row.nudge)
            if timezone not in nudge.told:
                self._say(snapshot, definition, row, nudge.reason, day)
            nudge = nudge._replace(told=nudge.told | {timezone})
            values: dict[str, object] = {"nudge": str(nudge), "nudge_on": row.nudge_on}
            if nudge.told.issuperset(snapshot.timezones):
                values = after_telling(snapshot, definition, row, day)
            self._done.append({"row": row.id, **{f"new_{name}": value for name, value in values.items()}})

    def _say(
        self, snapshot: CampaignSnapshot, definition: Definition, row: Row[Any], reason: Reason, day: date
    ) -> None:
        if reason is not Reason.ESCALATION:
            self.by_unit[row.unit].append(line_of(snapshot, row, reason, day))
        upward = escalation_alone(snapshot, definition, row, day)
        if upward is not None and upward <= day and (superior := snapshot.superior(row.unit)) is not None:
            self.upward.append((superior, line_of(snapshot, row, Reason.ESCALATION, day)))

    def forget(self) -> None:
        """They have been told, or wait for the other time zones, or for the day on which silence goes upward."""
        if self._done:
            self._session.connection().execute(
                update(ASSIGNMENT)
                .where(ASSIGNMENT.c.id == bindparam("row"))
                .values(nudge=bindparam("new_nudge"), nudge_on=bindparam("new_nudge_on")),
                self._done,
            )
