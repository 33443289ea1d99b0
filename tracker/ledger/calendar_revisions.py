"""How often the dates in people's calendars have changed: what SEQUENCE says, and what has ended (docs/design/mail.md)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, case, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.status import Progress
from tracker.mail.compose.calendar import sequence_at
from tracker.store.batches import batches
from tracker.store.tables import REVISION, AssignmentRow

_WHICH = ("campaign", "unit", "key", "period")


def date_held(row: AssignmentRow | Row[Any]) -> date | None:
    """The date of an assignment that a calendar is to hold; None where it has none, or nothing is asked any more.

    What is answered keeps its date.
    """
    return None if row.removed_on is not None else date_asked(row, row.effective_due)


def date_asked(answer: Progress | Row[Any] | AssignmentRow, due: date | None) -> date | None:
    """The same of an assignment that is in the files."""
    return None if answer.paused or answer.answered == "waived" else due


class Revisions:
    """Collects the changes of one transaction, and writes them down (``flush``)."""

    def __init__(self, session: Session, snapshot: CampaignSnapshot, now: datetime) -> None:
        self._session = session
        self._campaign = snapshot.campaign.id
        self._today = snapshot.day(now)
        self._sequence = sequence_at(now)
        self._found: dict[tuple[str, str, str], dict[str, object]] = {}

    def add(self, row: AssignmentRow | Row[Any], title: str, before: date | None, after: date | None) -> None:
        """What a calendar is to hold of ``row``, ``before`` and ``after`` (``date_held``); alike is no change."""
        self.add_at(row.key, row.period, row.unit, title, before, after)

    def add_at(
        self, key: str, period: str, unit: str, title: str, before: date | None, after: date | None
    ) -> None:
        """The same of an assignment that has no row yet."""
        if before == after:
            return
        self._found[key, period, unit] = {
            "campaign": self._campaign,
            "unit": unit,
            "key": key,
            "period": period,
            "sequence": self._sequence,
            "due": max(each for each in (before, after) if each is not None),
            "ended_on": self._today if after is None else None,
            "title": title,
        }

    def flush(self) -> None:
        """Write them down; each gets a higher number than it had."""
        if not self._found:
            return
        values, self._found = list(self._found.values()), {}
        dialect = sqlite if self._session.get_bind().dialect.name == "sqlite" else postgresql
        statement = dialect.insert(REVISION)
        new, had = statement.excluded, REVISION.c.sequence
        statement = statement.on_conflict_do_update(
            index_elements=list(_WHICH),
            set_={
                # Two changes in one second, or by a clock that was ahead before.
                "sequence": case((new.sequence > had, new.sequence), else_=had + 1),
                "due": new.due,
                "ended_on": new.ended_on,
                "title": new.title,
            },
        )
        self._session.connection().execute(statement, values)

    def ended(self, key: str) -> set[tuple[str, str]]:
        """Period and unit of what has ended of one definition."""
        query = select(REVISION.c.period, REVISION.c.unit).where(
            REVISION.c.campaign == self._campaign, REVISION.c.key == key, REVISION.c.ended_on.is_not(None)
        )
        return {(row.period, row.unit) for row in self._session.execute(query)}


def revisions(session: Session, campaign: str, units: Sequence[str] | None = None) -> list[Row[Any]]:
    """What has changed of a campaign, of some ``units`` or all."""
    query = select(REVISION).where(REVISION.c.campaign == campaign)
    if units is None:
        return list(session.execute(query).all())
    if session.execute(query.limit(1)).first() is None:
        return []
    return [row for some in batches(units) for row in session.execute(query.where(REVISION.c.unit.in_(some)))]


def ref_of(row: Row[Any]) -> str:
    """How a row's occurrence is called."""
    return f"{row.key}@{row.period}" if row.period else str(row.key)
