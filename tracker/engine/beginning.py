"""When a campaign began in this ledger, and what was due before that (CONTRACT.md §5, ``before``)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator
from datetime import date, datetime, time
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, false, func, insert, select
from sqlmodel import Session

from tracker.core.model import Event, EventKind
from tracker.core.naming import day_en, day_zh
from tracker.core.occurrences import parse_ref
from tracker.core.standing import Answer, fold, mark_of
from tracker.engine.alerts import alert_details, alert_row
from tracker.engine.bulk import Edits
from tracker.engine.editions import reconciled, refuse_overtaken
from tracker.engine.inforce import InForce
from tracker.engine.ledger import event_values, record, refuse_undecided
from tracker.engine.outbox import enqueue
from tracker.store.campaigns import known_campaigns
from tracker.store.database import in_turn
from tracker.store.lots import LOT
from tracker.store.tables import ASSIGNMENT, EVENT

log = logging.getLogger("tracker")


def known_beginning(session: Session, force: InForce) -> date | None:
    """The first day on which the campaign was in force here; None before."""
    known = known_campaigns(session).get(force.campaign.id)
    return None if known is None else known.began


def begin(session: Session, force: InForce, now: datetime) -> date:
    """The same, and today where nothing was in force before.

    A ledger that a version before this brought up to date has chased everything since the issue, and goes on so.
    """
    day = known_beginning(session, force)
    if day is None and reconciled(session, force.campaign.id) is not None:
        day = force.campaign.issued
    return day or min(force.day(now), force.beginning.day or date.max)


def due_before(force: InForce, now: datetime) -> ColumnElement[bool]:
    """Which assignments were due before the ledger began and have no answer."""
    if force.day(now) < force.chase_from:
        return false()
    return and_(
        ASSIGNMENT.c.campaign == force.campaign.id,
        ASSIGNMENT.c.effective_due >= force.campaign.issued,
        ASSIGNMENT.c.effective_due < force.chase_from,
        ASSIGNMENT.c.answered.is_(None),
        ASSIGNMENT.c.paused.is_(False),
        ASSIGNMENT.c.removed_on.is_(None),
    )


def how_many_before(session: Session, force: InForce, now: datetime) -> int:
    """How many there are of those."""
    query = select(func.count()).select_from(ASSIGNMENT).where(due_before(force, now))
    return int(session.execute(query).scalar_one())


def left_before(
    session: Session,
    force: InForce,
    now: datetime,
    *,
    refs: Collection[str] | None = None,
    units: Collection[str] | None = None,
) -> list[dict[str, Any]]:
    """The same by occurrence: ``ref``, ``title``, ``due`` and the number of ``units``, in the order of the document."""
    columns = (ASSIGNMENT.c.key, ASSIGNMENT.c.period, ASSIGNMENT.c.effective_due)
    query = select(*columns, func.count().label("units")).where(*_wanted(force, now, refs, units))
    is_meant = _meant(force, refs)
    rows = [row for row in session.execute(query.group_by(*columns)) if is_meant(row)]
    rows.sort(key=lambda row: (force.position(row.key), row.effective_due))
    return [
        {
            "ref": f"{row.key}@{row.period}" if row.period else row.key,
            "title": force.campaign.definitions[row.key].title,
            "due": row.effective_due.isoformat(),
            "units": row.units,
        }
        for row in rows
    ]


class Settled(StrEnum):
    """What may be said of them in bulk; ``accept`` is an answer that is accepted at once."""

    SUBMIT = "submit"
    NIL = "nil"
    ACCEPT = "accept"
    WAIVE = "waive"


def settle(
    session: Session,
    force: InForce,
    how: Settled,
    now: datetime,
    *,
    refs: Collection[str] | None,
    units: Collection[str] | None,
    who: str,
    via: str,
    note: str | None = None,
) -> int:
    """Answer what was due before the ledger began, of ``refs`` and ``units`` (None: of all); how many there were.

    A reference without its period means every period.  An answer counts from the day on which it was due: whether
    it came late is not known here, and nobody is blamed.  Raises UnknownNameError for a reference that is none, LedgerError
    and OvertakenError as ``record`` does.
    """
    in_turn(session)
    refuse_overtaken(session, force)
    refuse_undecided(force, via)
    wanted = _wanted(force, now, refs, units)
    is_meant = _meant(force, refs)
    rows = [row for row in session.execute(select(ASSIGNMENT).where(*wanted)) if is_meant(row)]
    has_history = set(
        session.execute(
            select(EVENT.c.assignment_id)
            .join(ASSIGNMENT, ASSIGNMENT.c.id == EVENT.c.assignment_id)
            .where(*wanted)
            .distinct()
        ).scalars()
    )
    written: list[dict[str, object]] = []
    changed = Edits(session)
    for row in rows:
        events = list(_events(force, how, row, now, who=who, via=via, note=note))
        if row.id in has_history:
            for event in events:
                record(session, force, event, now)
            continue
        # Thousands of them: each is the fold of these events alone, and is written with all the others.
        answer = fold(events, target=force.target(force.campaign.definitions[row.key], row.unit))
        written += [
            {
                "campaign": force.campaign.id,
                "assignment_id": row.id,
                "recorded_at": now,
                **event_values(event),
            }
            for event in events
        ]
        changed.add(row.id, _answered(answer))
    if written:
        session.execute(insert(EVENT), written)
        changed.flush()
    return len(rows)


def _wanted(
    force: InForce, now: datetime, refs: Collection[str] | None, units: Collection[str] | None
) -> list[ColumnElement[bool]]:
    wanted = [due_before(force, now)]
    keys = None if refs is None else {parse_ref(ref)[0] for ref in refs}
    if keys is not None and len(keys) <= LOT:
        wanted.append(ASSIGNMENT.c.key.in_(keys))
    if units is not None:
        wanted.append(ASSIGNMENT.c.unit.in_(units))
    return wanted


def _meant(force: InForce, refs: Collection[str] | None) -> Callable[[Row[Any]], bool]:
    """Whether a row is of one of ``refs``, however many there are; one without its period means all of them."""
    if refs is None:
        return lambda row: row.key in force.campaign.definitions
    meant = {parse_ref(ref) for ref in refs}
    for key, _ in meant:
        force.definition(key)
    return lambda row: (row.key, None) in meant or (row.key, row.period or None) in meant


def _events(
    force: InForce, how: Settled, row: Row[Any], now: datetime, *, who: str, via: str, note: str | None
) -> Iterator[Event]:
    ref = f"{row.key}@{row.period}" if row.period else row.key
    due = datetime.combine(row.effective_due, time(12), force.zone)
    if how is Settled.WAIVE:
        yield Event(now, ref, row.unit, EventKind.WAIVE, who=who, via=via, note=note)
        return
    kind = EventKind.NIL if how is Settled.NIL else EventKind.SUBMIT
    yield Event(due, ref, row.unit, kind, who=who, via=via, note=note)
    if how is Settled.ACCEPT:
        yield Event(now, ref, row.unit, EventKind.ACCEPT, who=who, via=via, note=note)


def _answered(answer: Answer) -> dict[str, object]:
    return {
        "mark": mark_of(answer, is_late=False),
        "answered": answer.answered,
        "progress": answer.progress,
        "submitted_at": answer.submitted_at,
        "accepted_at": answer.accepted_at,
        "via": answer.via,
        "quiet": True,
        "nudge": None,
        "nudge_on": None,
    }


def before_alert(force: InForce, count: int, now: datetime) -> dict[str, object] | None:
    """What the operator is told of them, once; None where there is no operator."""
    operator = force.settings.operator
    if operator is None:
        return None
    if force.language(operator) == "zh":
        day = day_zh(force.chase_from)
        title = f"台账建立前到期的{count}项次未予催报"
        lines = [
            f"本台账自{day}起催报；印发以后、{day}以前到期的{count}项次只列出，不催报、不计逾期。",
            "请督办单位在看板“台账建立前事项”中成批核销，或运行 tracker before。",
            "如需从更早的日期催报，请在tasks.yaml的campaign下写明 chase_from: 日期。",
        ]
    else:
        day = day_en(force.chase_from)
        title = f"{count} assignments were due before this ledger began, and are not chased"
        lines = [
            f"This ledger chases what is due from {day} on; what was due before is shown, and neither late nor missing.",
            "The supervisor settles it in bulk, on the board under “Before this ledger” or with tracker before.",
            "To chase from an earlier day, write chase_from: DATE under campaign in tasks.yaml.",
        ]
    return alert_row(force, f"before/{force.chase_from}", alert_details(title, lines), now)


def tell_of_before(session: Session, force: InForce, now: datetime) -> None:
    """Whoever runs the service hears once how much was due before it, and where that is settled."""
    count = how_many_before(session, force, now)
    if not count:
        return
    log.info(
        "台账建立前事项 · before this ledger: %d 项次 · due before %s, shown and not chased (tracker before)",
        count,
        force.chase_from,
    )
    row = before_alert(force, count, now)
    if row is not None:
        enqueue(session, force, [row], now, 0)
