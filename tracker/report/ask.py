"""Asks the ledger for the month: which rows, and as they stood when."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.ledger.status import LedgerRow, in_order, ledger_rows
from tracker.report.facts import CalendarMonth, month_facts
from tracker.report.model import MonthReport
from tracker.service.app import App


def month_report(app: App, month: CalendarMonth, *, at: datetime | None = None) -> MonthReport:
    """The report on ``month`` as it stood at ``at``: by default the end of the month, or now if that is earlier."""
    snapshot, now = app.up_to_date(), app.clock.now()
    if at is None:
        end = datetime.combine(month.until, time.min, snapshot.zone) - timedelta(seconds=1)
        at = min(end, now)
    with app.database.reading() as session:
        rows = _rows(session, snapshot, month, at, now)
    return month_facts(snapshot, month, at, rows)


def _rows(
    session: Session, snapshot: CampaignSnapshot, month: CalendarMonth, at: datetime, now: datetime
) -> list[LedgerRow]:
    """Everything open or due this year, and what the month and the one after bring beyond that."""
    rows = ledger_rows(session, snapshot, at, latest=now)
    until = month.following.until
    if until <= date(snapshot.day(at).year + 1, 1, 1):
        return rows
    later = ledger_rows(session, snapshot, at, latest=now, since=month.first, until=until)
    known = {(row.ref, row.unit) for row in rows}
    return in_order(snapshot, [*rows, *(row for row in later if (row.ref, row.unit) not in known)])
