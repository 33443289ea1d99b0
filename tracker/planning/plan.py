"""When the day's digests and roll-ups are to be written (docs/contract.md §6.1), by each time zone's own clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session

from tracker.campaign.snapshot import InForce
from tracker.ledger.agenda import missed_days, planned_day, set_missed_days, set_planned_day
from tracker.planning.clock_rollback import come_back, is_misled
from tracker.planning.daily_digests import plan_day
from tracker.planning.rollups import plan_rollups


def may_send(force: InForce, timezone: str, now: datetime) -> bool:
    """Whether digests go out at ``now`` in ``timezone``: a workday, at or after ``send_at``."""
    local = now.astimezone(ZoneInfo(timezone))
    return force.workdays.is_workday(local.date()) and local.time() >= force.settings.send_at


def _timezones_due(
    session: Session, force: InForce, now: datetime, *, at_once: bool
) -> Iterator[tuple[str, date, date | None]]:
    for timezone in force.timezones:
        day = now.astimezone(ZoneInfo(timezone)).date()
        if at_once or may_send(force, timezone, now):
            planned = planned_day(session, force.campaign.id, timezone)
            if planned is None or planned < day or is_misled(planned, timezone, now):
                yield timezone, day, planned


def plan_is_due(session: Session, force: InForce, now: datetime, *, at_once: bool = False) -> bool:
    """Whether ``plan`` would look at the agenda at all."""
    return any(_timezones_due(session, force, now, at_once=at_once))


def plan(session: Session, force: InForce, now: datetime, *, at_once: bool = False) -> int:
    """Write what is to be said at ``now`` to the outbox; the number of mails written.

    Nothing is written before ``send_at``, on a day off, or twice on one local day.  ``at_once`` overrides
    the first two, for whoever has just installed the service and wants to see it work.
    """
    written = 0
    come_back(session, force, now)
    for timezone, day, planned in list(_timezones_due(session, force, now, at_once=at_once)):
        written += plan_day(session, force, timezone, day, now)
        # What fell due while the service was not there yet is in the digests; it is no news to report upward.
        since = day if planned is None else planned + timedelta(days=1)
        written += plan_rollups(session, force, timezone, since, day, now)
        if force.workdays.between(since, day):
            missed = missed_days(session, force.campaign.id, timezone)
            set_missed_days(session, force.campaign.id, timezone, [*missed, (since, day)])
        set_planned_day(session, force.campaign.id, timezone, day)
    return written


def next_planning(session: Session, force: InForce, now: datetime) -> datetime:
    """The next instant at which ``plan`` may have something to write."""
    instants = []
    for timezone in force.timezones:
        local = now.astimezone(ZoneInfo(timezone))
        planned = planned_day(session, force.campaign.id, timezone)
        is_told = planned is not None and local.date() <= planned and not is_misled(planned, timezone, now)
        day = local.date() + timedelta(days=1) if is_told else local.date()
        instants.append(force.sends_at(force.workdays.on_or_after(day), timezone))
    return max(now, min(instants))
