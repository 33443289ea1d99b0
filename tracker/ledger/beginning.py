"""When a campaign began in this ledger, and what was due before that (docs/contract.md §5, ``before``)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, false, func, select
from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.occurrences import parse_ref
from tracker.errors import Problem
from tracker.i18n.message import Message, say
from tracker.ledger.editions import reconciled
from tracker.outbox.alerts import alert_details, alert_row
from tracker.outbox.queue import enqueue
from tracker.store.batches import LOT
from tracker.store.campaigns import known_campaigns
from tracker.store.tables import ASSIGNMENT

log = logging.getLogger("tracker")


def known_beginning(session: Session, snapshot: CampaignSnapshot) -> date | None:
    """The first day on which the campaign was in force here; None before."""
    known = known_campaigns(session).get(snapshot.campaign.id)
    return None if known is None else known.began


def begin(session: Session, snapshot: CampaignSnapshot, now: datetime) -> date:
    """The same, and today where nothing was in force before.

    A ledger that a version before this brought up to date has chased everything since the issue, and goes on so.
    """
    day = known_beginning(session, snapshot)
    if day is None and reconciled(session, snapshot.campaign.id) is not None:
        day = snapshot.campaign.issued
    return day or min(snapshot.day(now), snapshot.beginning.day or date.max)


def over_before(snapshot: CampaignSnapshot, day: date) -> date:
    """What was due before this day was due before the ledger began and is over on ``day``.

    Where ``chase_from`` lies ahead, what is still to come is set aside too, and nobody knows how it will be answered.
    """
    return min(snapshot.chase_from, day)


def due_before(snapshot: CampaignSnapshot, day: date) -> ColumnElement[bool]:
    """Which assignments were due before the ledger began, were over on ``day``, and have no answer."""
    return _set_aside(snapshot, day, over_before(snapshot, day))


def _set_aside(snapshot: CampaignSnapshot, day: date, until: date) -> ColumnElement[bool]:
    """Which of those that nobody is chased for on ``day`` are due before ``until``."""
    if day < snapshot.sets_aside_from:
        return false()
    return and_(
        ASSIGNMENT.c.campaign == snapshot.campaign.id,
        ASSIGNMENT.c.effective_due >= snapshot.campaign.issued,
        ASSIGNMENT.c.effective_due < until,
        ASSIGNMENT.c.answered.is_(None),
        ASSIGNMENT.c.paused.is_(False),
        ASSIGNMENT.c.removed_on.is_(None),
    )


def how_many_before(session: Session, snapshot: CampaignSnapshot, now: datetime) -> int:
    """How many there are of those now."""
    return _count(session, due_before(snapshot, snapshot.day(now)))


def _count(session: Session, wanted: ColumnElement[bool]) -> int:
    return int(session.execute(select(func.count()).select_from(ASSIGNMENT).where(wanted)).scalar_one())


@dataclass(frozen=True, slots=True)
class Scope:
    """What is meant of it; None is all.

    ``refs`` are of tasks, reports or deliverables; one without its period means every period.  ``units`` are ids,
    ``months`` the first days of those in which it was due.
    """

    refs: Collection[str] | None = None
    units: Collection[str] | None = None
    months: Collection[date] | None = None

    def within(self, snapshot: CampaignSnapshot) -> Callable[[Row[Any]], bool]:
        """Whether an assignment's row is of it.  Raises UnknownNameError for a reference that is none."""
        meant = None if self.refs is None else {parse_ref(ref) for ref in self.refs}
        for key, _ in meant or ():
            snapshot.definition(key)
        known = snapshot.campaign.definitions

        def is_meant(row: Row[Any]) -> bool:
            return (
                row.key in known
                and (meant is None or (row.key, None) in meant or (row.key, row.period or None) in meant)
                and (self.months is None or row.effective_due.replace(day=1) in self.months)
            )

        return is_meant

    def narrowed(self) -> list[ColumnElement[bool]]:
        """What a query may leave out beforehand."""
        wanted: list[ColumnElement[bool]] = []
        keys = None if self.refs is None else {parse_ref(ref)[0] for ref in self.refs}
        if keys is not None and len(keys) <= LOT:
            wanted.append(ASSIGNMENT.c.key.in_(keys))
        if self.units is not None:
            wanted.append(ASSIGNMENT.c.unit.in_(self.units))
        return wanted


EVERYTHING = Scope()


def chase_problems(
    snapshot: CampaignSnapshot, today: date, file: str, place: tuple[int, int]
) -> Iterator[Problem]:
    """A warning where ``chase_from`` lies ahead, at its ``place``: a slip in the year would silence a whole campaign."""
    day = snapshot.chase_from
    if day > today:
        message = Message("config.begins_ahead", day=day)
        yield Problem(file, *place, "campaign.chase_from", message, "warning")


def left_before(
    session: Session, snapshot: CampaignSnapshot, now: datetime, scope: Scope = EVERYTHING
) -> list[dict[str, Any]]:
    """The same by occurrence: ``ref``, ``title``, ``due`` and the number of ``units``, in the order of the document."""
    columns = (ASSIGNMENT.c.key, ASSIGNMENT.c.period, ASSIGNMENT.c.effective_due)
    wanted = (due_before(snapshot, snapshot.day(now)), *scope.narrowed())
    query = select(*columns, func.count().label("units")).where(*wanted)
    is_meant = scope.within(snapshot)
    rows = [row for row in session.execute(query.group_by(*columns)) if is_meant(row)]
    rows.sort(key=lambda row: (snapshot.position(row.key), row.effective_due))
    return [
        {
            "ref": f"{row.key}@{row.period}" if row.period else row.key,
            "title": snapshot.campaign.definitions[row.key].title,
            "due": row.effective_due.isoformat(),
            "units": row.units,
        }
        for row in rows
    ]


def before_alert(
    snapshot: CampaignSnapshot, over: int, ahead: int, now: datetime
) -> dict[str, object] | None:
    """What the operator is told, once: ``over`` were due before, ``ahead`` are still to come; None without operator."""
    operator = snapshot.settings.operator
    if operator is None:
        return None
    which = f"alerts.before.{'ahead' if ahead else 'over'}"
    facts = {"n": over + ahead, "over": over, "ahead": ahead, "day": snapshot.chase_from}
    title, line, more = (
        say(Message(key, **facts), snapshot.language(operator))
        for key in (f"{which}.title", f"{which}.line", "alerts.before.lines")
    )
    details = alert_details(title, [line, *more.splitlines()])
    return alert_row(snapshot, f"before/{snapshot.chase_from}", details, now)


def tell_of_before(session: Session, snapshot: CampaignSnapshot, now: datetime) -> None:
    """Whoever runs the service hears once how much nobody is chased for, also of what is to come, and where it is settled."""
    day = snapshot.day(now)
    over = _count(session, due_before(snapshot, day))
    ahead = _count(session, _set_aside(snapshot, day, snapshot.chase_from)) - over
    if not over + ahead:
        return
    log.info("%s", Message("alerts.before.log", over=over, ahead=ahead, day=snapshot.chase_from))
    row = before_alert(snapshot, over, ahead, now)
    if row is not None:
        enqueue(session, snapshot, [row], now, 0)
