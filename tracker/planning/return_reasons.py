"""Why something was sent back: quoted in every mail about it for as long as it stands returned."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select
from sqlmodel import Session

from tracker.core.model import Event, EventKind
from tracker.core.status import standing_events
from tracker.ledger.record import event_of
from tracker.store.batches import batches
from tracker.store.tables import ASSIGNMENT, EVENT, SENT_BACK

if TYPE_CHECKING:
    from tracker.planning.collect import DigestItem

#: The reason by reference and unit.
Reasons = Mapping[tuple[str, str], str]

_STANDING = select(ASSIGNMENT.c.id).where(
    ASSIGNMENT.c.campaign == bindparam("campaign"),
    ASSIGNMENT.c.quiet.is_(False),
    SENT_BACK,
    ASSIGNMENT.c.removed_on.is_(None),
)


def reasons_for_returns(session: Session, campaign: str, assignments: Sequence[int] | None = None) -> Reasons:
    """Why each that stands returned was last sent back, where somebody said so; of ``assignments`` only, if given."""
    if assignments is None:
        assignments = session.execute(_STANDING, {"campaign": campaign}).scalars().all()
    histories: defaultdict[tuple[str, str], list[Event]] = defaultdict(list)
    for some in batches(assignments):
        query = select(EVENT).where(EVENT.c.assignment_id.in_(some))
        for row in session.execute(query.order_by(EVENT.c.id)):
            histories[row.ref, row.unit].append(event_of(row))
    found = {}
    for place, events in histories.items():
        returned = [event for event in standing_events(events) if event.event is EventKind.RETURN]
        found[place] = returned[-1].reason or returned[-1].note or "" if returned else ""
    return {place: why for place, why in found.items() if why}


def with_reason(line: DigestItem, reasons: Reasons) -> DigestItem:
    """``line`` with the reason beside it, if there is one."""
    why = reasons.get((line.reminder.ref, line.unit))
    return line if why is None else line._replace(beside={**(line.beside or {}), "returned": why})
