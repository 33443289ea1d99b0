"""When the day's digests and roll-ups are to be written (docs/contract.md §6.1), by each time zone's own clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.moments import A_DAY
from tracker.ledger.agenda import missed_days, planned_day, set_missed_days, set_planned_day
from tracker.planning.clock_rollback import come_back, is_misled
from tracker.planning.daily_digests import plan_day
from tracker.planning.rollups import plan_rollups


def may_send(snapshot: CampaignSnapshot, timezone: str, now: datetime) -> bool:
    """Whether digests go out at ``now`` in ``timezone``: a workday, at or after ``send_at``."""
    local = now.astimezone(ZoneInfo(timezone))
    return snapshot.workdays.is_workday(local.date()) and local.time() >= snapshot.settings.send_at


class _Next(NamedTuple):
    """From when on the next digests of a time zone are written; ``today`` and the last ``planned`` day are there."""

    timezone: str
    today: date
    planned: date | None
    at: datetime


def _next_by_zone(
    session: Session, snapshot: CampaignSnapshot, now: datetime, *, at_once: bool
) -> Iterator[_Next]:
    for timezone in snapshot.timezones:
        today = now.astimezone(ZoneInfo(timezone)).date()
        planned = planned_day(session, snapshot.campaign.id, timezone)
        is_told = planned is not None and today <= planned and not is_misled(planned, timezone, now)
        if at_once and not is_told:
            yield _Next(timezone, today, planned, now)
        else:
            day = snapshot.workdays.on_or_after(today + A_DAY if is_told else today)
            yield _Next(timezone, today, planned, max(now, snapshot.sends_at(day, timezone)))


def plan(session: Session, snapshot: CampaignSnapshot, now: datetime, *, at_once: bool = False) -> int:
    """Write what is to be said at ``now`` to the outbox; the number of mails written.

    Nothing is written before ``send_at``, on a day off, or twice on one local day.  ``at_once`` overrides
    the first two, for whoever has just installed the service and wants to see it work.
    """
    written = 0
    come_back(session, snapshot, now)
    for timezone, day, planned, next_at in list(_next_by_zone(session, snapshot, now, at_once=at_once)):
        if next_at > now:
            continue
        written += plan_day(session, snapshot, timezone, day, now)
        # What fell due while the service was not there yet is in the digests; it is no news to report upward.
        since = day if planned is None else planned + A_DAY
        written += plan_rollups(session, snapshot, timezone, since, day, now)
        if snapshot.workdays.between(since, day):
            missed = missed_days(session, snapshot.campaign.id, timezone)
            set_missed_days(session, snapshot.campaign.id, timezone, [*missed, (since, day)])
        set_planned_day(session, snapshot.campaign.id, timezone, day)
    return written


def next_planning(
    session: Session, snapshot: CampaignSnapshot, now: datetime, *, at_once: bool = False
) -> datetime:
    """The next instant at which ``plan`` looks at the agenda; ``now`` where that is due."""
    return min(each.at for each in _next_by_zone(session, snapshot, now, at_once=at_once))
