"""The ledger: how everything stands, what is recorded, what happened, why a mail went, and what an edit would do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from tracker.core.model import Event, Mail
from tracker.core.occurrences import parse_ref
from tracker.errors import TrackerError, UnknownNameError, UsageError
from tracker.ledger.event_target import counts_from, in_the_ledger
from tracker.ledger.record import recorded_history
from tracker.ledger.status import LedgerRow, ledger_rows
from tracker.service.app import App
from tracker.service.simulation import preview
from tracker.usecases.input_checks import check_text, check_who, in_order, login_name
from tracker.usecases.json_facts import (
    Fact,
    event_facts,
    explanation_facts,
    plan_facts,
)


def status(
    app: App, at: datetime | None = None, *, unit: str | None = None, ref: str | None = None
) -> tuple[datetime, list[LedgerRow]]:
    """The ledger as it stood at ``at`` (now, if None), and that moment."""
    now = app.clock.now()
    app.engine.bring_up_to_date(now)
    moment = now if at is None else at
    if ref is not None:
        ref = app.snapshot.ref(ref, app.snapshot.day(moment))
    with app.database.reading() as session:
        return moment, ledger_rows(session, app.snapshot, moment, latest=now, unit=unit, ref=ref)


def due_between(app: App, first: date, last: date, unit: str | None = None) -> list[LedgerRow]:
    """Every assignment due from ``first`` to ``last``, both included."""
    in_order(first, last)
    now = app.clock.now()
    app.engine.bring_up_to_date(now)
    with app.database.reading() as session:
        until = last + timedelta(days=1)
        return ledger_rows(session, app.snapshot, now, latest=now, unit=unit, since=first, until=until)


def record(app: App, event: Event, *, forced: bool = False) -> LedgerRow:
    """Take ``event`` into the ledger; how the assignment stands now.  See ``record_each``."""
    (found,) = record_each(app, [event], forced=forced)
    if not isinstance(found, LedgerRow):
        raise found
    return found


def record_each(app: App, events: Sequence[Event], *, forced: bool = False) -> list[LedgerRow | TrackerError]:
    """Take ``events`` into the ledger together; how each assignment stands now, or why its event was refused.

    Units may go by id, name or alias.  A time of today counts from now.
    """
    # What is meant is looked up in what is in force: the files here may be held back.
    app.up_to_date()
    found: dict[int, LedgerRow | TrackerError] = {}
    fit: dict[int, Event] = {}
    for place, event in enumerate(events):
        try:
            fit[place] = _checked(app, event)
        except (UsageError, UnknownNameError) as error:
            found[place] = error
    if fit:
        found |= zip(fit, app.engine.record_each(list(fit.values()), forced=forced), strict=True)
    return [found[place] for place in range(len(events))]


def _checked(app: App, event: Event) -> Event:
    """As the ledger is to have it.  Raises UsageError or UnknownNameError."""
    check_who(event.who)
    check_text("--reason", event.reason)
    check_text("--note", event.note)
    at = counts_from(app.snapshot, event.at, app.clock.now())
    event = replace(event, at=at, who=event.who or login_name(), via=event.via or "cli")
    return in_the_ledger(app.database, app.snapshot, event)


def history(app: App, *, ref: str | None = None, unit: str | None = None) -> list[Fact]:
    """Every event, oldest first, of one reference or unit if given."""
    snapshot = app.snapshot
    if ref is not None:
        ref = snapshot.ref(ref, snapshot.day(app.clock.now()))
    with app.database.reading() as session:
        events = recorded_history(
            session,
            snapshot.campaign.id,
            ref=ref,
            unit=None if unit is None else snapshot.unit_id(unit),
        )
    if not events and ref is not None:
        # What has left the files keeps its history; what never was in them is a slip.
        snapshot.definition(parse_ref(ref)[0])
    return [event_facts(recorded_at, event, snapshot.zone) for recorded_at, event in events]


def explanation(app: App, ref: str, unit: str) -> Fact:
    """Why a mail about one assignment went, or did not, or when it will."""
    # Nothing else looks ahead: a start need not wait for it.
    from tracker.planning.explain import explain
    from tracker.service.foresight import foresee

    now = app.clock.now()
    app.engine.bring_up_to_date(now)
    snapshot = app.snapshot
    ref, unit = snapshot.ref(ref, snapshot.day(now), one=True), snapshot.unit_id(unit)
    with app.database.reading() as session:
        coming = foresee(session, snapshot, ref, unit, now, place=app.engine.place)
        return explanation_facts(explain(session, snapshot, ref, unit, now, coming))


def planned_changes(app: App, days: int) -> Fact:
    """What the edited files would change: assignments, and the mails of the next ``days`` days."""
    edited, now = app.snapshot, app.clock.now()
    since = edited.day(now)
    until = since + timedelta(days=days)
    last = app.last_in_force()
    database, subject, place = app.database, app.renderer.subject, app.engine.place
    changes, after, held = preview(database, edited, now, until, subject, place=place)
    before: list[Mail] = []
    if last is not None:
        _, before, _ = preview(database, last, now, until, subject, place=place)
    return plan_facts(edited, changes, before, after, held)
