"""Writes the day's digests to the outbox, one for each recipient (CONTRACT.md §6.1, §6.2, §6.6).

The rows that are due come as a stream ordered by unit, so that a million of them need no more memory than
a thousand.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, bindparam, func, select, tuple_, update
from sqlmodel import Session

from tracker.core.model import Contact, MailKind, Reason
from tracker.core.occurrences import parse_ref
from tracker.core.reminders import next_on, said_on
from tracker.core.standing import Dates
from tracker.engine.agenda import planned_day, set_planned_day
from tracker.engine.inforce import InForce
from tracker.engine.outbox import enqueue
from tracker.store.tables import AGENDA, ASSIGNMENT, EVENT, MAIL, UNDERWAY, MailState

#: Mails are handed to the database in lots of this size.
LOT = 500

#: Most pressing first: late, sent back, due today, due soon, behind quota, new, to be reviewed.
PRESSING = {
    Reason.ESCALATION: 0,
    Reason.OVERDUE: 1,
    Reason.RETURNED: 2,
    Reason.DUE_TODAY: 3,
    Reason.LEAD: 4,
    Reason.PACE: 5,
    Reason.OPENED: 6,
    Reason.REVIEW: 7,
}


@dataclass(frozen=True, slots=True)
class _Speaking:
    """An agenda row that has something to say today."""

    ref: str
    reason: Reason
    due: date | None
    days_left: int | None
    rank: tuple[int, int, int, str]
    #: The item as the outbox keeps it (see ``items_to_json``), to the left and right of the unit.
    head: str
    tail: str


#: By unit: what is to be said to it, each with how much of a quota is done.
Told = tuple[_Speaking, int]


def may_send(force: InForce, timezone: str, now: datetime) -> bool:
    """Whether digests go out at ``now`` in ``timezone``: a workday, at or after ``send_at``."""
    local = now.astimezone(ZoneInfo(timezone))
    return force.workdays.is_workday(local.date()) and local.time() >= force.settings.send_at


def _timezones_due(
    session: Session, force: InForce, now: datetime, *, at_once: bool
) -> Iterator[tuple[str, date]]:
    for timezone in force.timezones:
        day = now.astimezone(ZoneInfo(timezone)).date()
        if at_once or may_send(force, timezone, now):
            planned = planned_day(session, timezone)
            if planned is None or planned < day:
                yield timezone, day


def plan_is_due(session: Session, force: InForce, now: datetime, *, at_once: bool = False) -> bool:
    """Whether ``plan`` would look at the agenda at all."""
    return any(_timezones_due(session, force, now, at_once=at_once))


def plan(session: Session, force: InForce, now: datetime, *, at_once: bool = False) -> int:
    """Write what is to be said at ``now`` to the outbox; the number of mails written.

    Nothing is written before ``send_at``, on a day off, or twice on one local day.  ``at_once`` overrides
    the first two, for whoever has just installed the service and wants to see it work.
    """
    written = 0
    for timezone, day in list(_timezones_due(session, force, now, at_once=at_once)):
        written += _plan_day(session, force, timezone, day, now)
        set_planned_day(session, timezone, day)
    return written


def next_planning(session: Session, force: InForce, now: datetime) -> datetime:
    """The next instant at which ``plan`` may have something to write."""
    instants = []
    for timezone in force.timezones:
        zone = ZoneInfo(timezone)
        local = now.astimezone(zone)
        planned = planned_day(session, timezone)
        day = local.date() if planned is None or planned < local.date() else local.date() + timedelta(days=1)
        instants.append(datetime.combine(force.workdays.on_or_after(day), force.settings.send_at, zone))
    return max(now, min(instants))


def _plan_day(session: Session, force: InForce, timezone: str, day: date, now: datetime) -> int:
    speaking, following = _agenda_of(session, force, timezone, day)
    heard: set[int] = set()
    extra = _nudged(session, force, timezone, day)
    for unit, stale in _superseded(session, force, timezone, day).items():
        extra[unit].extend(stale)
    writer = _DigestWriter(session, force, day, now)
    rows = _open_rows(session, timezone, day)
    for unit, group in groupby(rows, key=attrgetter("unit")):
        items: list[Told] = []
        for row in group:
            heard.add(row.agenda_id)
            said = speaking.get(row.agenda_id)
            if said is not None:
                items.append((said, row.progress))
        items.extend(extra.pop(unit, ()))
        writer.add(unit, items)
    for unit, late_comers in extra.items():
        writer.add(unit, late_comers)
    written = writer.finish()
    # With nobody left to remind the row sleeps; an event that opens an assignment again wakes it.
    updates = [
        {"row": agenda, "next_on": on if agenda in heard else None} for agenda, on in following.items()
    ]
    _advance(session, updates)
    _forget_nudges(session, timezone, day)
    return written


def _agenda_of(
    session: Session, force: InForce, timezone: str, day: date
) -> tuple[dict[int, _Speaking], dict[int, date | None]]:
    speaking: dict[int, _Speaking] = {}
    following: dict[int, date | None] = {}
    order = {key: position for position, key in enumerate(force.campaign.definitions)}
    for row in session.execute(select(AGENDA).where(AGENDA.c.timezone == timezone, AGENDA.c.next_on <= day)):
        definition = force.campaign.definitions.get(row.key)
        if definition is None:
            following[row.id] = None
            continue
        dates = Dates.of(row.opens, row.effective_due, row.effective_due, definition.grace_days)
        policy = force.policy(definition)
        reason = said_on(dates, policy, force.workdays, row.next_on, day)
        if reason is not None:
            speaking[row.id] = _speaking(row.key, row.period, row.effective_due, reason, day, order)
        following[row.id] = next_on(dates, policy, force.workdays, day)
    return speaking, following


def _speaking(
    key: str, period: str, due: date | None, reason: Reason, day: date, order: Mapping[str, int]
) -> _Speaking:
    days_left = None if due is None else (due - day).days
    ref = f"{key}@{period}" if period else key
    rank = (PRESSING[reason], days_left if days_left is not None else 0, order.get(key, 0), period)
    left, right = json.dumps([ref, 0, reason.value, due.isoformat() if due else None, days_left]).split(
        " 0,", 1
    )
    return _Speaking(ref, reason, due, days_left, rank, left, "," + right)


def _open_rows(session: Session, timezone: str, day: date) -> Iterator[Row[Any]]:
    query = (
        select(ASSIGNMENT.c.agenda_id, ASSIGNMENT.c.unit, ASSIGNMENT.c.progress)
        .join(AGENDA, AGENDA.c.id == ASSIGNMENT.c.agenda_id)
        .where(
            AGENDA.c.timezone == timezone,
            AGENDA.c.next_on <= day,
            ASSIGNMENT.c.quiet.is_(False),
            ASSIGNMENT.c.removed_on.is_(None),
        )
        .order_by(ASSIGNMENT.c.unit)
    )
    yield from session.execute(query.execution_options(yield_per=5000))


def _nudged(session: Session, force: InForce, timezone: str, day: date) -> defaultdict[str, list[Told]]:
    """Assignments that are to be mentioned for a reason of their own: sent back, or newly asked."""
    found: defaultdict[str, list[Told]] = defaultdict(list)
    query = (
        select(ASSIGNMENT)
        .join(AGENDA, AGENDA.c.id == ASSIGNMENT.c.agenda_id)
        .where(
            ASSIGNMENT.c.nudge_on <= day,
            ASSIGNMENT.c.nudge_on.is_not(None),
            ASSIGNMENT.c.quiet.is_(False),
            ASSIGNMENT.c.removed_on.is_(None),
            AGENDA.c.timezone == timezone,
        )
    )
    order = {key: position for position, key in enumerate(force.campaign.definitions)}
    for row in session.execute(query):
        reason = Reason(row.nudge)
        found[row.unit].append(
            (_speaking(row.key, row.period, row.effective_due, reason, day, order), row.progress)
        )
    return found


def _superseded(session: Session, force: InForce, timezone: str, day: date) -> dict[str, list[Told]]:
    """What stands in digests of earlier days that could not be sent: it is told today, as it stands today."""
    stale = session.execute(
        select(MAIL.c.id, MAIL.c.content).where(
            UNDERWAY,
            MAIL.c.kind == MailKind.DIGEST.value,
            MAIL.c.state.in_([MailState.QUEUED.value, MailState.DEFERRED.value]),
            MAIL.c.day < day,
        )
    ).all()
    reasons: dict[tuple[str, str, str], Reason] = {}
    mails = []
    for mail in stale:
        items = json.loads(mail.content)
        if not any(force.timezone(unit) == timezone for _, unit, *_ in items):
            continue
        mails.append(mail.id)
        for ref, unit, reason, *_ in items:
            key, period = parse_ref(ref)
            reasons[key, period or "", unit] = Reason(reason)
    if mails:
        session.execute(
            update(MAIL)
            .where(MAIL.c.id.in_(mails))
            .values(state=MailState.SUPERSEDED.value, outcome=f"told in the digest of {day} instead")
        )
    return _as_they_stand(session, force, day, reasons)


def _as_they_stand(
    session: Session, force: InForce, day: date, reasons: Mapping[tuple[str, str, str], Reason]
) -> dict[str, list[Told]]:
    found: dict[str, list[Told]] = defaultdict(list)
    order = {key: position for position, key in enumerate(force.campaign.definitions)}
    wanted = list(reasons)
    for start in range(0, len(wanted), LOT):
        query = select(ASSIGNMENT).where(
            tuple_(ASSIGNMENT.c.key, ASSIGNMENT.c.period, ASSIGNMENT.c.unit).in_(wanted[start : start + LOT]),
            ASSIGNMENT.c.quiet.is_(False),
            ASSIGNMENT.c.removed_on.is_(None),
        )
        for row in session.execute(query):
            reason = reasons[row.key, row.period, row.unit]
            if row.grace_until is not None and reason in (
                Reason.OPENED,
                Reason.LEAD,
                Reason.DUE_TODAY,
                Reason.OVERDUE,
            ):
                if day > row.grace_until:
                    reason = Reason.OVERDUE
                elif day == row.effective_due:
                    reason = Reason.DUE_TODAY
                elif reason in (Reason.DUE_TODAY, Reason.OVERDUE):
                    reason = Reason.LEAD
            found[row.unit].append(
                (_speaking(row.key, row.period, row.effective_due, reason, day, order), row.progress)
            )
    return found


def _advance(session: Session, updates: Sequence[Mapping[str, object]]) -> None:
    if updates:
        session.connection().execute(
            update(AGENDA).where(AGENDA.c.id == bindparam("row")).values(next_on=bindparam("next_on")),
            updates,
        )


def _forget_nudges(session: Session, timezone: str, day: date) -> None:
    agenda = select(AGENDA.c.id).where(AGENDA.c.timezone == timezone)
    session.execute(
        update(ASSIGNMENT)
        .where(
            ASSIGNMENT.c.nudge_on <= day,
            ASSIGNMENT.c.nudge_on.is_not(None),
            ASSIGNMENT.c.agenda_id.in_(agenda),
        )
        .values(nudge=None, nudge_on=None)
    )


class _DigestWriter:
    """Collects items by recipient and writes finished mails in lots.

    Whoever answers for one unit only is finished with that unit; the few who answer for several wait for
    the last of them.
    """

    def __init__(self, session: Session, force: InForce, day: date, now: datetime) -> None:
        self.session = session
        self.force = force
        self.day = day
        self.now = now
        self.seen_event = session.execute(select(func.coalesce(func.max(EVENT.c.id), 0))).scalar_one()
        self.shared: dict[str, list[tuple[_Speaking, str, int]]] = defaultdict(list)
        self.lot: list[dict[str, object]] = []
        self.written = 0

    def add(self, unit: str, items: list[Told]) -> None:
        """The items of one unit; of several about one assignment the last counts (sent back, rather than late)."""
        if not items:
            return
        once = {said.ref: (said, progress) for said, progress in items}
        ordered = sorted(once.values(), key=lambda each: each[0].rank)
        for address in self.force.addresses.get(unit, ()):
            contact, units = self.force.recipients[address]
            entries = [(said, unit, progress) for said, progress in ordered]
            if len(units) == 1:
                self._write(address, contact, unit, entries)
            else:
                self.shared[address].extend(entries)

    def finish(self) -> int:
        """Write what is left; the number of mails."""
        for address, entries in self.shared.items():
            contact, units = self.force.recipients[address]
            self._write(address, contact, units[0], sorted(entries, key=lambda each: each[0].rank))
        self._flush()
        return self.written

    def _write(
        self, address: str, contact: Contact, unit: str, entries: Iterable[tuple[_Speaking, str, int]]
    ) -> None:
        content = ",".join([f"{said.head}{json.dumps(of)}{said.tail}" for said, of, _ in entries])
        progress = {f"{said.ref} {of}": done for said, of, done in entries if done}
        self.lot.append(
            {
                "key": f"{MailKind.DIGEST}/{self.day}/{address}",
                "kind": MailKind.DIGEST.value,
                "recipient": contact.email,
                "name": contact.name,
                "unit": unit,
                "language": self.force.language(contact),
                "day": self.day,
                "content": f"[{content}]",
                "details": json.dumps({"progress": progress}, ensure_ascii=False) if progress else "{}",
            }
        )
        if len(self.lot) >= LOT:
            self._flush()

    def _flush(self) -> None:
        self.written += enqueue(self.session, self.force, self.lot, self.now, self.seen_event)
        self.lot.clear()
