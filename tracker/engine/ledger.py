"""Takes events into the ledger: appended to the history, summed up in the assignment's row."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, func, insert, or_, select, update
from sqlmodel import Session

from tracker.core.calling import example
from tracker.core.model import Definition, Event, EventKind, Occurrence
from tracker.core.occurrences import parse_ref
from tracker.core.standing import Answer, Dates, fold, mark_of
from tracker.engine.agenda import ensure_agenda, said_through
from tracker.engine.inforce import InForce
from tracker.errors import LedgerError, UnknownNameError
from tracker.store.database import in_turn
from tracker.store.tables import ASSIGNMENT, EVENT


def record(
    session: Session,
    force: InForce,
    event: Event,
    now: datetime,
    *,
    forced: bool = False,
    replayed: bool = False,
) -> Answer:
    """Add ``event`` to its assignment and return what the events now add up to.

    ``now`` is when it is written down; ``event.at`` is when it counts from.  ``forced`` extends what is
    over already; ``replayed`` is for what a ledger has taken before, and is not weighed again.
    Raises UnknownNameError where there is no such assignment, LedgerError where the event does not fit.
    """
    # Numbers of events are given in the order in which they are there for others to see: whoever has seen one of them
    # has seen all before it, and the board and the outbox ask only for later ones.
    in_turn(session)
    row = find_assignment(session, force, event.ref, event.unit, force.day(now))
    definition = force.definition(row.key)
    known = read_events(session, row.id)
    if not replayed:
        _check(event, row, force, forced=forced)
    answer = fold([*known, event], target=force.target(definition, event.unit))
    session.execute(
        insert(EVENT).values(
            campaign=force.campaign.id, assignment_id=row.id, recorded_at=now, **event_values(event)
        )
    )
    _store_answer(session, force, definition, row, answer, force.day(now), event)
    return answer


def find_assignment(
    session: Session, force: InForce, ref: str, unit: str, day: date | None = None
) -> Row[Any]:
    """The row of one assignment.  Raises UnknownNameError with what is there instead, on ``day`` if that is known."""
    key, period = parse_ref(ref)
    definition = force.definition(key)
    row = session.execute(
        select(ASSIGNMENT).where(
            ASSIGNMENT.c.campaign == force.campaign.id,
            ASSIGNMENT.c.key == key,
            ASSIGNMENT.c.period == (period or ""),
            ASSIGNMENT.c.unit == unit,
        )
    ).first()
    if row is not None and row.removed_on is None:
        return row
    name = force.campaign.units[unit].name if unit in force.campaign.units else unit
    if row is None and unit not in definition.units:
        raise UnknownNameError(
            f"{key} is not asked of {name}; it is asked of {definition.owners}",
            "not_asked",
            key=key,
            unit=unit,
            owners=definition.owners,
        )
    if row is not None:
        raise UnknownNameError(
            f"{ref} of {name} was taken out of the files on {row.removed_on}; its history is kept",
            "taken_out",
            ref=ref,
            unit=unit,
            day=row.removed_on,
        )
    # A period that is over, or far ahead, helps nobody who left it out.
    named = (
        example(force.campaign, definition, day)
        if day is not None
        else _example(session, force.campaign.id, key)
    )
    if definition.rule.every is not None and period is None:
        every = definition.rule.every.value
        raise UnknownNameError(
            f"{key} comes back every {every}: name the period, such as {named}",
            "needs_period",
            key=key,
            example=named,
        )
    raise UnknownNameError(
        f"there is no {ref}; {key} has {named}", "no_such_period", ref=ref, key=key, example=named
    )


def read_events(session: Session, assignment: int) -> list[Event]:
    """Every event of one assignment in the order in which they were written down."""
    return [event for _, event in read_recorded(session, assignment)]


def read_recorded(session: Session, assignment: int) -> list[tuple[datetime, Event]]:
    """The same, each with the time at which it was written down."""
    rows = session.execute(select(EVENT).where(EVENT.c.assignment_id == assignment).order_by(EVENT.c.id))
    return [(row.recorded_at, event_of(row)) for row in rows]


def read_history(
    session: Session, campaign: str, *, ref: str | None = None, unit: str | None = None
) -> list[Event]:
    """Every event of a campaign in the order in which it was written down; ``ref`` without a period means all its periods."""
    query = select(EVENT).where(EVENT.c.campaign == campaign).order_by(EVENT.c.id)
    if ref is not None:
        key, period = parse_ref(ref)
        query = query.where(or_(EVENT.c.ref == ref, EVENT.c.ref.startswith(f"{key}@", autoescape=True)))
        if period is not None:
            query = query.where(EVENT.c.ref == ref)
    if unit is not None:
        query = query.where(EVENT.c.unit == unit)
    return [event_of(row) for row in session.execute(query)]


def last_event(session: Session) -> int:
    """The number of the event that was written down last, of whatever campaign; 0 before the first."""
    return int(session.execute(select(func.coalesce(func.max(EVENT.c.id), 0))).scalar_one())


def event_values(event: Event) -> dict[str, object]:
    """The columns of an event."""
    return {
        "ref": event.ref,
        "unit": event.unit,
        "at": event.at,
        "event": event.event.value,
        "amount": event.count,
        "until": event.until,
        "who": event.who,
        "via": event.via,
        "reason": event.reason,
        "note": event.note,
    }


def event_of(row: Row[Any]) -> Event:
    """The event of a row."""
    return Event(
        at=row.at,
        ref=row.ref,
        unit=row.unit,
        event=EventKind(row.event),
        count=row.amount,
        until=row.until,
        who=row.who,
        via=row.via,
        reason=row.reason,
        note=row.note,
    )


def with_extension(force: InForce, definition: Definition, dates: Dates, answer: Answer) -> Dates:
    """``dates`` with the extension that ``answer`` has, or with none."""
    if answer.extended_due is not None:
        return Dates.of(dates.opens, dates.due, answer.extended_due, definition.grace_days, dates.asked)
    if dates.due is None:
        return dates
    return force.dates(definition, Occurrence(definition.key, None, dates.due, dates.opens))


def _store_answer(
    session: Session,
    force: InForce,
    definition: Definition,
    row: Row[Any],
    answer: Answer,
    today: date,
    event: Event,
) -> None:
    values: dict[str, object] = {
        "answered": answer.answered,
        "paused": answer.paused,
        "progress": answer.progress,
        "submitted_at": answer.submitted_at,
        "accepted_at": answer.accepted_at,
        "extended_due": answer.extended_due,
        "via": answer.via,
        "quiet": answer.quiet,
    }
    dates = Dates(row.opens, row.due, row.effective_due, row.grace_until, force.campaign.issued)
    if answer.extended_due != row.extended_due:
        dates = with_extension(force, definition, dates, answer)
        values |= {"effective_due": dates.effective_due, "grace_until": dates.grace_until}
    is_late = answer.quiet and force.standing(definition, dates, answer, today).late_days > 0
    values["mark"] = mark_of(answer, is_late=is_late)
    if not answer.quiet:
        agenda, _ = ensure_agenda(
            session,
            force,
            definition,
            row.period,
            dates,
            said_through(session, force, today),
            answered=answer.answered,
        )
        values["agenda_id"] = agenda
    if answer.answered == "returned" and event.event in (EventKind.RETURN, EventKind.UNDO):
        values |= {"nudge": "returned", "nudge_on": today}
    elif answer.quiet:
        values |= {"nudge": None, "nudge_on": None}
    session.execute(update(ASSIGNMENT).where(ASSIGNMENT.c.id == row.id).values(**values))


def _check(event: Event, row: Row[Any], force: InForce, *, forced: bool) -> None:
    if event.event is not EventKind.EXTEND or event.until is None:
        return
    name = f"{event.ref} of {event.unit}"
    facts = {"ref": event.ref, "unit": event.unit, "due": row.effective_due}
    if row.effective_due is None:
        raise LedgerError(f"{name} has no deadline that could be extended", "no_deadline", **facts)
    if event.until <= row.effective_due:
        raise LedgerError(
            f"{name} is due on {row.effective_due}: an extension needs a later date than that",
            "extension_too_early",
            **facts,
        )
    if force.day(event.at) > row.effective_due and not forced:
        raise LedgerError(
            f"{name} was due on {row.effective_due}, and an extension is for deadlines that have not passed; "
            "--force grants it all the same",
            "deadline_passed",
            **facts,
        )
    if forced and not (event.reason or event.note):
        raise LedgerError(
            f"{name}: an extension after the deadline needs a reason (--reason)", "reason_needed", **facts
        )


def _example(session: Session, campaign: str, key: str) -> str:
    here = (ASSIGNMENT.c.campaign == campaign, ASSIGNMENT.c.key == key)
    period = session.execute(select(func.max(ASSIGNMENT.c.period)).where(*here)).scalar()
    return f"{key}@{period}" if period else key
