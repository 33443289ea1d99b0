"""Takes events into the ledger: appended to the history, summed up in the assignment's row.

The columns of a row follow from its events and the definition in force alone (``settled``), whether an event or an
edit of the files has changed them; the agenda row that it hangs on follows from its dates.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Row, exists, func, insert, or_, select, update
from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.admission import admit
from tracker.core.model import Definition, Event, EventKind, Reason
from tracker.core.occurrences import occurrences, parse_ref
from tracker.core.ref_reading import example
from tracker.core.status import FILE, Dates, Progress, fold, mark_of, standing_places
from tracker.errors import LedgerError, UnknownNameError
from tracker.ledger.agenda import ensure_agenda, said_through
from tracker.ledger.calendar_revisions import Revisions, date_asked, date_held
from tracker.ledger.editions import refuse_overtaken
from tracker.ledger.overdue_beat import Step
from tracker.ledger.single_reminder import SingleReminder
from tracker.questions.ask import tell, work_out
from tracker.store.database import in_turn
from tracker.store.tables import ASSIGNMENT, EVENT, FILING, REQUEST, Base

#: How the events of a mail's link came about.
LINK = "link"


def record(
    session: Session,
    snapshot: CampaignSnapshot,
    event: Event,
    now: datetime,
    *,
    forced: bool = False,
    replayed: bool = False,
    brings_table: bool = False,
) -> Progress:
    """Add ``event`` to its assignment and return what the events now add up to.

    ``now`` is when it is written down; ``event.at`` is when it counts from.  ``forced`` extends what is
    over already; ``replayed`` is for what a ledger has taken before, and is not weighed again; with
    ``brings_table`` the caller settles which table is in force, once it is there.
    Raises UnknownNameError where there is no such assignment, LedgerError where the event does not fit, OvertakenError
    where other files than ``snapshot`` are in force.
    """
    # Numbers of events are given in the order in which they are there for others to see: whoever has seen one of them
    # has seen all before it, and the board and the outbox ask only for later ones.
    in_turn(session)
    # What the files say is written while they come into force.
    if event.via != FILE:
        refuse_overtaken(session, snapshot)
    if not replayed:
        refuse_undecided(snapshot, event.via)
    row = find_assignment(session, snapshot, event.ref, event.unit, snapshot.day(now))
    definition = snapshot.definition(row.key)
    known = read_events(session, row.id)
    target = snapshot.target(definition, event.unit)
    if not replayed:
        day, today = snapshot.day(event.at), snapshot.day(now)
        admit(event, known, row.effective_due, day, today=today, target=target, forced=forced)
    answer = fold([*known, event], target=target)
    session.execute(insert(EVENT).values(event_values(snapshot.campaign.id, row.id, event, now)))
    _store_answer(session, snapshot, definition, row, answer, now, event)
    if not brings_table and (settle_filing(session, row.id) or answer.answered != row.answered):
        tell(session, snapshot, work_out(session, snapshot, row.id, now), event.ref, now)
    return answer


def refuse_undecided(snapshot: CampaignSnapshot, via: str | None) -> None:
    """Raises LedgerError where nobody has said yet whether what a person names is of the campaign in force.

    A link is of the campaign whose mail it stood in, whatever the files say by now.
    """
    if snapshot.is_undecided and via != LINK:
        raise LedgerError("undecided")


def find_assignment(
    session: Session, snapshot: CampaignSnapshot, ref: str, unit: str, day: date | None = None
) -> Row[Any]:
    """The row of one assignment.  Raises UnknownNameError with what is there instead, on ``day`` if that is known."""
    key, period = parse_ref(ref)
    definition = snapshot.definition(key)
    row = session.execute(
        select(ASSIGNMENT).where(
            ASSIGNMENT.c.campaign == snapshot.campaign.id,
            ASSIGNMENT.c.key == key,
            ASSIGNMENT.c.period == (period or ""),
            ASSIGNMENT.c.unit == unit,
        )
    ).first()
    if row is not None and row.removed_on is None:
        return row
    if row is None and unit not in definition.units:
        raise UnknownNameError("not_asked", key=key, unit=unit, owners=definition.owners)
    if row is not None:
        raise UnknownNameError("taken_out", ref=ref, unit=unit, day=row.removed_on)
    # A period that is over, or far ahead, helps nobody who left it out.
    named = (
        example(snapshot.campaign, definition, day)
        if day is not None
        else _example(session, snapshot.campaign.id, key)
    )
    if definition.rule.every is not None and period is None:
        raise UnknownNameError("needs_period", key=key, example=named)
    due = _over_before(session, snapshot, definition, period, unit)
    if due is not None:
        raise UnknownNameError("not_asked_then", ref=ref, unit=unit, due=due)
    raise UnknownNameError("no_such_period", text=ref, key=key, example=named)


def read_events(session: Session, assignment: int) -> list[Event]:
    """Every event of one assignment in the order in which they were written down."""
    return [event for _, event in read_recorded(session, assignment)]


def read_recorded(session: Session, assignment: int) -> list[tuple[datetime, Event]]:
    """The same, each with the time at which it was written down."""
    rows = session.execute(select(EVENT).where(EVENT.c.assignment_id == assignment).order_by(EVENT.c.id))
    return [(row.recorded_at, event_of(row)) for row in rows]


def events_of(session: Session, snapshot: CampaignSnapshot, key: str) -> dict[int, list[Event]]:
    """By assignment of one definition, the same; those that have none are left out."""
    found: defaultdict[int, list[Event]] = defaultdict(list)
    query = select(EVENT).join(ASSIGNMENT, ASSIGNMENT.c.id == EVENT.c.assignment_id)
    query = query.where(ASSIGNMENT.c.campaign == snapshot.campaign.id, ASSIGNMENT.c.key == key)
    for row in session.execute(query.order_by(EVENT.c.id)):
        found[row.assignment_id].append(event_of(row))
    return found


def read_history(
    session: Session, campaign: str, *, ref: str | None = None, unit: str | None = None
) -> list[Event]:
    """Every event of a campaign in the order in which it was written down; ``ref`` without a period means all its periods."""
    return [event for _, event in recorded_history(session, campaign, ref=ref, unit=unit)]


def recorded_history(
    session: Session, campaign: str, *, ref: str | None = None, unit: str | None = None
) -> list[tuple[datetime, Event]]:
    """The same, each with the time at which it was written down."""
    query = select(EVENT).where(EVENT.c.campaign == campaign).order_by(EVENT.c.id)
    if ref is not None:
        key, period = parse_ref(ref)
        query = query.where(or_(EVENT.c.ref == ref, EVENT.c.ref.startswith(f"{key}@", autoescape=True)))
        if period is not None:
            query = query.where(EVENT.c.ref == ref)
    if unit is not None:
        query = query.where(EVENT.c.unit == unit)
    return [(row.recorded_at, event_of(row)) for row in session.execute(query)]


@cache
def has_history() -> ColumnElement[bool]:
    """Which assignments something has been written down about, in whatever table: their numbers stay theirs for good."""
    tables = [table for table in Base.metadata.sorted_tables if "assignment_id" in table.c]
    return or_(*(exists().where(table.c.assignment_id == ASSIGNMENT.c.id) for table in tables))


def last_event(session: Session) -> int:
    """The number of the event that was written down last, of whatever campaign; 0 before the first."""
    return int(session.execute(select(func.coalesce(func.max(EVENT.c.id), 0))).scalar_one())


def event_values(campaign: str, assignment: int, event: Event, recorded_at: datetime) -> dict[str, object]:
    """The columns of an event."""
    return {
        "campaign": campaign,
        "assignment_id": assignment,
        "recorded_at": recorded_at,
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


def settled(
    snapshot: CampaignSnapshot, definition: Definition, dates: Dates, answer: Progress
) -> dict[str, object]:
    """The columns of an assignment that follow from its answer, and from dates that ``snapshot`` gave for that answer."""
    is_late = answer.quiet and snapshot.standing(definition, dates, answer, dates.opens).late_days > 0
    return {
        "opens": dates.opens,
        "due": dates.due,
        "effective_due": dates.effective_due,
        "grace_until": dates.grace_until,
        "answered": answer.answered,
        "paused": answer.paused,
        "progress": answer.progress,
        "submitted_at": answer.submitted_at,
        "accepted_at": answer.accepted_at,
        "extended_due": answer.extended_due,
        "via": answer.via,
        "quiet": answer.quiet,
        "mark": mark_of(answer, is_late=is_late),
        # What is quiet has nothing left to be mentioned for.
        **({"nudge": None, "nudge_on": None} if answer.quiet else {}),
    }


def _store_answer(
    session: Session,
    snapshot: CampaignSnapshot,
    definition: Definition,
    row: Row[Any],
    answer: Progress,
    now: datetime,
    event: Event,
) -> None:
    step = Step(session, snapshot, definition, row, now)
    dates = snapshot.dates(definition, row.opens, row.due, answer.extended_due)
    values = settled(snapshot, definition, dates, answer)
    said = said_through(session, snapshot, snapshot.day(now))
    values["agenda_id"], _ = ensure_agenda(
        session, snapshot, definition, row.period, dates, said, answer=answer
    )
    values |= step.lateness(dates, answer)
    if dates.effective_due not in (row.effective_due, None):
        is_met = REQUEST.c.wanted_until <= dates.effective_due
        let_go(session, now, event.who, REQUEST.c.assignment_id == row.id, is_met)
    if answer.answered == "returned" and event.event in (EventKind.RETURN, EventKind.UNDO):
        of_lateness = values.get("nudge", row.nudge)
        alone = of_lateness is not None and SingleReminder.of(str(of_lateness)).alone
        values |= {"nudge": str(SingleReminder(Reason.RETURNED, alone=alone)), "nudge_on": snapshot.day(now)}
    session.execute(update(ASSIGNMENT).where(ASSIGNMENT.c.id == row.id).values(**values))
    revised = Revisions(session, snapshot, now)
    revised.add(row, definition.title, date_held(row), date_asked(answer, dates.effective_due))
    revised.flush()
    step.done(dates, answer)


def let_go(session: Session, now: datetime, by: str | None, *which: ColumnElement[bool]) -> None:
    """Close as replaced ``which`` requests for more time wait."""
    waits = (REQUEST.c.answer.is_(None), REQUEST.c.wanted_until.is_not(None))
    closed = {"answered_at": now, "answered_by": by, "answer": "replaced"}
    session.execute(update(REQUEST).where(*waits, *which).values(closed))


def settle_filing(session: Session, assignment: int) -> bool:
    """Let that table of an assignment be in force which its events say: the last one filed that still stands.

    What was sent back is not in force; what is answered anew without a table leaves the one before in force, unless
    the two contradict each other (a nil return and none).  Returns whether another one is in force now.
    """
    query = select(FILING.c.id, FILING.c.event_id, FILING.c.in_force)
    filings = session.execute(query.where(FILING.c.assignment_id == assignment)).all()
    if not filings:
        return False
    by_event = {row.event_id: row.id for row in filings}
    rows = session.execute(
        select(EVENT).where(EVENT.c.assignment_id == assignment).order_by(EVENT.c.id)
    ).all()
    events = [event_of(row) for row in rows]
    found: int | None = None
    kind: EventKind | None = None
    for place in standing_places(events):
        event, filed = events[place], by_event.get(rows[place].id)
        if event.event is EventKind.RETURN:
            found = None
        elif event.event in (EventKind.SUBMIT, EventKind.NIL):
            found = filed if filed is not None or kind is not event.event else found
            kind = event.event
    if [row.id for row in filings if row.in_force] == ([] if found is None else [found]):
        return False
    of_it = update(FILING).where(FILING.c.assignment_id == assignment)
    session.execute(of_it.values(in_force=False))
    session.execute(of_it.where(FILING.c.id == found).values(in_force=True))
    return True


def _over_before(
    session: Session, snapshot: CampaignSnapshot, definition: Definition, period: str | None, unit: str
) -> date | None:
    """When ``period`` was due, where that was before all that ``unit`` is asked for; past periods stay out of what it owes."""
    here = (ASSIGNMENT.c.campaign == snapshot.campaign.id, ASSIGNMENT.c.key == definition.key)
    asked = (ASSIGNMENT.c.unit == unit, ASSIGNMENT.c.removed_on.is_(None))
    first = session.execute(select(func.min(ASSIGNMENT.c.due)).where(*here, *asked)).scalar()
    until = first or definition.rule.until
    if until is None or period is None:
        return None
    earlier = occurrences(definition.rule, definition.key, snapshot.campaign.issued, date.min, until)
    return next((each.due for each in earlier if each.period == period), None)


def _example(session: Session, campaign: str, key: str) -> str:
    here = (ASSIGNMENT.c.campaign == campaign, ASSIGNMENT.c.key == key)
    period = session.execute(select(func.max(ASSIGNMENT.c.period)).where(*here)).scalar()
    return f"{key}@{period}" if period else key
