"""Deadlines as calendars: a file of a range of dates, and addresses that a phone or Outlook subscribes to."""

from __future__ import annotations

from collections.abc import Sequence

from tracker import desk
from tracker.app import App
from tracker.calendars import calendar
from tracker.core.model import Light
from tracker.core.vocabulary import LIGHTS
from tracker.engine import feeds as found_feeds
from tracker.engine.enclosures import entry_of
from tracker.engine.outbox import mail_domain
from tracker.engine.standings import LedgerRow
from tracker.listing import Fact, instant
from tracker.terms import word


def calendar_file(app: App, rows: Sequence[LedgerRow], name: str, *, several: bool) -> bytes:
    """Ledger rows as a calendar (``.ics``); with ``several`` units each event says whose it is."""
    force = app.force
    entries = [
        entry_of(
            force,
            row.definition,
            row.ref,
            row.dates.effective_due,
            rings=not row.answer.quiet,
            scope=row.unit,
            who=force.campaign.short_unit_name(row.unit) if several else None,
            sign=_sign(row),
            state=word(row.state.value, force.campaign.language),
        )
        for row in rows
        if row.dates.effective_due is not None
    ]
    entries.sort(key=lambda entry: entry.due)
    day = force.day(app.clock.now())
    return calendar(
        entries,
        name=name,
        campaign=force.campaign.document,
        domain=mail_domain(force),
        stamp=day,
        language=force.campaign.language,
    )


def _sign(row: LedgerRow) -> str:
    """What is seen before the title: that it is in, excused, or late; what is still open in time needs none."""
    if row.light in (Light.GREY, Light.RED):
        return LIGHTS[row.light].lamp
    return LIGHTS[Light.GREEN].sign if row.answer.quiet else ""


def feed_calendar(app: App, unit: str | None) -> bytes:
    """What a feed gives out: everything of one unit, or of all, that is open or due this year."""
    campaign = app.force.campaign
    _, rows = desk.status(app, unit=unit)
    name = campaign.document if unit is None else f"{campaign.unit_name(unit)} {campaign.document}"
    return calendar_file(app, rows, name, several=unit is None)


def add_feed(app: App, unit: str | None, who: str | None = None) -> str:
    """Make a calendar's secret address; the whole of it."""
    named = None if unit is None else app.force.unit_id(unit)
    with app.database.writing() as session:
        secret = found_feeds.add_feed(
            session, app.force.campaign.id, named, who or desk.login_name(), app.clock.now()
        )
    return f"{app.force.settings.link_base.rstrip('/')}/feed/{secret}.ics"


def feeds(app: App) -> list[Fact]:
    """Every calendar address, without the secret in it."""
    zone = app.force.zone
    with app.database.reading() as session:
        return [
            {
                "id": each.id,
                "unit": each.unit,
                "created_at": instant(each.created_at, zone),
                "created_by": each.created_by,
                "revoked_at": instant(each.revoked_at, zone),
            }
            for each in found_feeds.feeds(session, app.force.campaign.id)
        ]


def revoke_feed(app: App, number: int) -> None:
    """Take a calendar's address back."""
    with app.database.writing() as session:
        found_feeds.revoke_feed(session, app.force.campaign.id, number, app.clock.now())
