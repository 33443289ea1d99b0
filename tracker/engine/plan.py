"""Writes the day's digests to the outbox, one for each recipient (CONTRACT.md §6.1, §6.2, §6.6).

The rows that are due come as a stream ordered by unit, so that a million of them need no more memory than
a thousand.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, or_, select, tuple_, update
from sqlmodel import Session

from tracker.core.model import MailKind, Reason
from tracker.core.occurrences import parse_ref
from tracker.core.reminders import next_on, said_on
from tracker.core.standing import Dates
from tracker.engine.agenda import planned_day, set_planned_day
from tracker.engine.digests import DigestWriter, Saying, Told, saying
from tracker.engine.inforce import InForce
from tracker.store.tables import AGENDA, ASSIGNMENT, MAIL, UNDERWAY, MailState

#: So many assignments are looked up at once.
LOT = 500


# Statements are made once: making them costs more than running them.
_STILL_ASKED = (ASSIGNMENT.c.quiet.is_(False), ASSIGNMENT.c.removed_on.is_(None))
_AGENDA_UP = select(AGENDA).where(
    AGENDA.c.timezone == bindparam("timezone"), AGENDA.c.next_on <= bindparam("day")
)
_OPEN_ROWS = (
    select(ASSIGNMENT.c.agenda_id, ASSIGNMENT.c.unit, ASSIGNMENT.c.progress)
    .join(AGENDA, AGENDA.c.id == ASSIGNMENT.c.agenda_id)
    .where(AGENDA.c.timezone == bindparam("timezone"), AGENDA.c.next_on <= bindparam("day"), *_STILL_ASKED)
    .order_by(ASSIGNMENT.c.unit)
    .execution_options(yield_per=5000)
)
_NUDGED = select(ASSIGNMENT).where(
    ASSIGNMENT.c.nudge_on.is_not(None), ASSIGNMENT.c.nudge_on <= bindparam("day"), *_STILL_ASKED
)
_STALE = select(MAIL.c.id, MAIL.c.content).where(
    UNDERWAY,
    MAIL.c.kind == MailKind.DIGEST.value,
    # What a process that died had in hand may have gone out; its items are told once more, the mail is not.
    or_(MAIL.c.state != MailState.CLAIMED.value, MAIL.c.lease_until <= bindparam("now")),
    MAIL.c.timezone == bindparam("timezone"),
    MAIL.c.day < bindparam("day"),
)
_ADVANCE = update(AGENDA).where(AGENDA.c.id == bindparam("row")).values(next_on=bindparam("next_on"))


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
    stale = _superseded(session, force, timezone, day, now)
    extra, nudged = _nudged(session, force, timezone, day)
    writer = DigestWriter(session, force, day, now)
    for unit, group in groupby(_open_rows(session, timezone, day), key=itemgetter(1)):
        rows = list(group)
        heard.update([agenda for agenda, _, _ in rows])
        told = [(speaking[agenda], progress) for agenda, _, progress in rows if agenda in speaking]
        writer.add(unit, [*stale.pop(unit, ()), *told, *extra.pop(unit, ())])
    for unit in sorted({*stale, *extra}):
        writer.add(unit, [*stale.get(unit, ()), *extra.get(unit, ())])
    written = writer.finish()
    # With nobody left to remind the row sleeps; an event that opens an assignment again wakes it.
    updates = [
        {"row": agenda, "next_on": on if agenda in heard else None} for agenda, on in following.items()
    ]
    _advance(session, updates)
    _forget(session, nudged)
    return written


def _agenda_of(
    session: Session, force: InForce, timezone: str, day: date
) -> tuple[dict[int, Saying], dict[int, date | None]]:
    speaking: dict[int, Saying] = {}
    following: dict[int, date | None] = {}
    for row in session.execute(_AGENDA_UP, {"timezone": timezone, "day": day}):
        definition = force.campaign.definitions.get(row.key)
        if definition is None:
            following[row.id] = None
            continue
        dates = Dates.of(
            row.opens, row.effective_due, row.effective_due, definition.grace_days, force.campaign.issued
        )
        policy = force.policy(definition)
        reason = said_on(dates, policy, force.workdays, row.next_on, day)
        if reason is not None:
            speaking[row.id] = saying(force, row.key, row.period, row.effective_due, reason, day)
        following[row.id] = next_on(dates, policy, force.workdays, day)
    return speaking, following


def _open_rows(session: Session, timezone: str, day: date) -> Iterator[tuple[int, str, int]]:
    """(agenda, unit, progress) of every open assignment whose agenda row is up, by unit."""
    for rows in session.execute(_OPEN_ROWS, {"timezone": timezone, "day": day}).partitions():
        for row in rows:
            yield tuple(row)


def _nudged(
    session: Session, force: InForce, timezone: str, day: date
) -> tuple[defaultdict[str, list[Told]], list[int]]:
    """What is to be mentioned for a reason of its own (sent back, newly asked), by unit, and the row ids."""
    found: defaultdict[str, list[Told]] = defaultdict(list)
    rows = []
    for row in session.execute(_NUDGED, {"day": day}):
        if force.timezone(row.unit) != timezone:
            continue
        reason = Reason(row.nudge)
        found[row.unit].append(
            (saying(force, row.key, row.period, row.effective_due, reason, day), row.progress)
        )
        rows.append(row.id)
    return found, rows


def _superseded(
    session: Session, force: InForce, timezone: str, day: date, now: datetime
) -> dict[str, list[Told]]:
    """What stands in digests of earlier days that could not be sent: it is told today, as it stands today."""
    unsent = session.execute(_STALE, {"day": day, "timezone": timezone, "now": now}).all()
    if not unsent:
        return {}
    reasons: dict[tuple[str, str, str], Reason] = {}
    mails = []
    for mail in unsent:
        mails.append(mail.id)
        for ref, unit, reason, *_ in json.loads(mail.content):
            key, period = parse_ref(ref)
            reasons[key, period or "", unit] = Reason(reason)
    if mails:
        session.execute(
            update(MAIL)
            .where(MAIL.c.id.in_(mails))
            .values(
                state=MailState.SUPERSEDED.value,
                outcome=f"told in the digest of {day} instead",
                fence=MAIL.c.fence + 1,
                lease_until=None,
            )
        )
    return _as_they_stand(session, force, day, reasons)


def _as_they_stand(
    session: Session, force: InForce, day: date, reasons: Mapping[tuple[str, str, str], Reason]
) -> dict[str, list[Told]]:
    found: dict[str, list[Told]] = defaultdict(list)
    wanted = list(reasons)
    for start in range(0, len(wanted), LOT):
        query = select(ASSIGNMENT).where(
            tuple_(ASSIGNMENT.c.key, ASSIGNMENT.c.period, ASSIGNMENT.c.unit).in_(wanted[start : start + LOT]),
            ASSIGNMENT.c.quiet.is_(False),
            ASSIGNMENT.c.removed_on.is_(None),
        )
        for row in session.execute(query):
            reason = _as_of(reasons[row.key, row.period, row.unit], row.effective_due, row.grace_until, day)
            found[row.unit].append(
                (saying(force, row.key, row.period, row.effective_due, reason, day), row.progress)
            )
    return found


def _as_of(reason: Reason, due: date | None, grace_until: date | None, day: date) -> Reason:
    """What a reason that was about the date has become by ``day``."""
    if due is None or grace_until is None or reason in (Reason.RETURNED, Reason.PACE, Reason.REVIEW):
        return reason
    if day > grace_until:
        return Reason.OVERDUE
    if day == due:
        return Reason.DUE_TODAY
    return Reason.LEAD if reason in (Reason.DUE_TODAY, Reason.OVERDUE) else reason


def _advance(session: Session, updates: Sequence[Mapping[str, object]]) -> None:
    if updates:
        session.connection().execute(_ADVANCE, updates)


def _forget(session: Session, nudged: Sequence[int]) -> None:
    for start in range(0, len(nudged), LOT):
        lot = nudged[start : start + LOT]
        session.execute(update(ASSIGNMENT).where(ASSIGNMENT.c.id.in_(lot)).values(nudge=None, nudge_on=None))
