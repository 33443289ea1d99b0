"""Deadlines as calendars: a file of a range of dates, and addresses that a phone or Outlook subscribes to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import Row

from tracker.access import feeds as found_feeds
from tracker.core.model import Light
from tracker.core.vocabulary import LIGHTS
from tracker.i18n.terms import word
from tracker.ledger.calendar_revisions import ref_of, revisions
from tracker.ledger.status import LedgerRow
from tracker.mail.compose.calendar import CalendarEntry, calendar
from tracker.outbox.queue import mail_domain
from tracker.service.app import App
from tracker.service.enclosures import ended_entry, entry_of, named
from tracker.usecases import input_checks, ledger
from tracker.usecases.json_facts import Fact, instant

#: So many days a feed shows what has ended, for the programs that look at it to see.
SHOWN = timedelta(days=30)


def calendar_file(app: App, rows: Sequence[LedgerRow], name: str, *, several: bool) -> bytes:
    """Ledger rows as a calendar (``.ics``); with ``several`` units each event says whose it is."""
    changed = {(ref_of(row), row.unit): row for row in _revisions(app)}
    return _calendar(app, [_entry(app, row, changed, several=several) for row in _dated(rows)], name)


def _revisions(app: App, units: Sequence[str] | None = None) -> list[Row[Any]]:
    with app.database.reading() as session:
        return revisions(session, app.snapshot.campaign.id, units)


def _dated(rows: Iterable[LedgerRow]) -> list[LedgerRow]:
    return [row for row in rows if row.dates.effective_due is not None]


def _entry(
    app: App, row: LedgerRow, changed: Mapping[tuple[str, str], Row[Any]], *, several: bool
) -> CalendarEntry:
    snapshot = app.snapshot
    assert row.dates.effective_due is not None
    revised = changed.get((row.ref, row.unit))
    entry = entry_of(
        snapshot,
        row.definition,
        row.ref,
        row.dates.effective_due,
        rings=not row.answer.quiet,
        scope=row.unit,
        who=snapshot.campaign.short_unit_name(row.unit) if several else None,
        sign=_sign(row),
        state=word(row.word, snapshot.campaign.language),
    )
    sequence = entry.sequence if revised is None else revised.sequence
    return replace(entry, sequence=sequence, is_cancelled=row.answer.excused)


def _calendar(app: App, entries: Iterable[CalendarEntry], name: str) -> bytes:
    snapshot = app.snapshot
    # As of the day, and not of the moment: a program that looks again finds the same bytes where nothing has changed.
    stamp = datetime.combine(snapshot.day(app.clock.now()), time(), snapshot.zone)
    return calendar(
        sorted(named(entries, snapshot.campaign, snapshot.campaign.language), key=lambda entry: entry.due),
        name=name,
        campaign=snapshot.campaign.document,
        domain=mail_domain(snapshot),
        stamp=stamp,
        language=snapshot.campaign.language,
    )


def _sign(row: LedgerRow) -> str:
    """What is seen before the title: that it is in, excused, or late; what is still open in time needs none."""
    if row.light in (Light.GREY, Light.RED):
        return LIGHTS[row.light].sign
    return LIGHTS[Light.GREEN].sign if row.answer.quiet else ""


def feed_calendar(app: App, unit: str | None) -> bytes:
    """What a feed gives out: everything of one unit, or of all, that is open or due this year.

    What has ended stands in it for ``SHOWN``, also where the ledger does not have it any more.
    """
    several = unit is None
    at, rows = ledger.status(app, unit=unit)
    campaign = app.snapshot.campaign
    since = app.snapshot.day(at) - SHOWN
    changed = {(ref_of(row), row.unit): row for row in _revisions(app, None if unit is None else [unit])}
    ended = {
        which: row for which, row in changed.items() if row.ended_on is not None and row.ended_on >= since
    }
    shown = [row for row in _dated(rows) if not row.answer.excused or (row.ref, row.unit) in ended]
    entries = [_entry(app, row, changed, several=several) for row in shown]
    gone = ended.keys() - {(row.ref, row.unit) for row in shown}
    entries += [
        ended_entry(
            ref,
            ended[ref, of].title,
            ended[ref, of].due,
            scope=of,
            who=campaign.short_unit_name(of) if several else None,
            sequence=ended[ref, of].sequence,
        )
        for ref, of in sorted(gone)
    ]
    name = campaign.document if unit is None else f"{campaign.unit_name(unit)} {campaign.document}"
    return _calendar(app, entries, name)


def add_feed(app: App, unit: str | None, who: str | None = None) -> str:
    """Make a calendar's secret address; the whole of it."""
    named = None if unit is None else app.snapshot.unit_id(unit)
    with app.database.writing() as session:
        secret = found_feeds.add_feed(
            session, app.snapshot.campaign.id, named, who or input_checks.login_name(), app.clock.now()
        )
    return f"{app.snapshot.settings.link_base.rstrip('/')}/feed/{secret}.ics"


def feeds(app: App) -> list[Fact]:
    """Every calendar address, without the secret in it."""
    zone = app.snapshot.zone
    with app.database.reading() as session:
        return [
            {
                "id": each.id,
                "unit": each.unit,
                "created_at": instant(each.created_at, zone),
                "created_by": each.created_by,
                "revoked_at": instant(each.revoked_at, zone),
            }
            for each in found_feeds.feeds(session, app.snapshot.campaign.id)
        ]


def revoke_feed(app: App, number: int) -> None:
    """Take a calendar's address back."""
    with app.database.writing() as session:
        found_feeds.revoke_feed(session, app.snapshot.campaign.id, number, app.clock.now())
