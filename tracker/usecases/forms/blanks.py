"""The forms of a month, written out for the units that are to fill them in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from tracker.errors import UnknownNameError
from tracker.filing.filings import Paper, Table, starts, tables_due
from tracker.service.app import App
from tracker.service.enclosures import blank_form


def tables_of(app: App, month: date, *, units: Sequence[str] = (), forms: Sequence[str] = ()) -> list[Table]:
    """The tables due in the month that begins with ``month``.  Raises UnknownNameError for a name that is none."""
    force = app.up_to_date()
    for form in forms:
        if form not in force.campaign.forms:
            raise UnknownNameError("no_form", name=form, known=tuple(force.campaign.forms))
    with app.database.reading() as session:
        return tables_due(
            session,
            force,
            app.clock.now(),
            month,
            next_month(month),
            units=[force.unit_id(unit) for unit in units],
            forms=forms,
        )


def blank_forms(app: App, tables: Sequence[Table]) -> Iterator[Paper]:
    """The forms of ``tables``, each with what the unit filed for it, or else the month before."""
    force = app.force
    with app.database.reading() as session:
        found = starts(session, force, tables)
    for table in tables:
        yield blank_form(force, table, found.get(table.id), force.campaign.language)


def next_month(month: date) -> date:
    """The first day of the month after that of ``month``."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)
