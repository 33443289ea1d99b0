"""The forms of a month, written out for the units that are to fill them in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from tracker.errors import UnknownNameError
from tracker.filing.filings import OriginalFile, RequestedTable, starts, tables_due
from tracker.service.app import App
from tracker.service.enclosures import blank_form


def tables_of(
    app: App, month: date, *, units: Sequence[str] = (), forms: Sequence[str] = ()
) -> list[RequestedTable]:
    """The tables due in the month that begins with ``month``.  Raises UnknownNameError for a name that is none."""
    snapshot = app.up_to_date()
    for form in forms:
        if form not in snapshot.campaign.forms:
            raise UnknownNameError("no_form", name=form, known=tuple(snapshot.campaign.forms))
    with app.database.reading() as session:
        return tables_due(
            session,
            snapshot,
            app.clock.now(),
            month,
            next_month(month),
            units=[snapshot.unit_id(unit) for unit in units],
            forms=forms,
        )


def blank_forms(app: App, tables: Sequence[RequestedTable]) -> Iterator[OriginalFile]:
    """The forms of ``tables``, each with what the unit filed for it, or else the month before."""
    snapshot = app.snapshot
    with app.database.reading() as session:
        found = starts(session, snapshot, tables)
    for table in tables:
        yield blank_form(snapshot, table, found.get(table.id), snapshot.campaign.language)


def next_month(month: date) -> date:
    """The first day of the month after that of ``month``."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)
