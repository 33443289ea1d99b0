"""What will be said of one assignment if nobody answers: its unit's rows in a copy, and the service's own passes over it.

Nothing is reckoned here.  Only the days on which something may be said of it are passed, so that an explanation costs a
few passes over a few rows, however large the ledger is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, and_, false, func, or_, select, update
from sqlmodel import Session

from tracker.campaign.snapshot import Beginning, CampaignSnapshot
from tracker.clock import VirtualClock
from tracker.core.beat import Late, late
from tracker.core.model import MailKind
from tracker.core.moments import A_DAY
from tracker.core.reminders import escalation_day, first_overdue
from tracker.ledger.agenda import agenda_dates, planned_day, set_planned_day
from tracker.ledger.overdue_beat import own_dates
from tracker.ledger.record import find_assignment
from tracker.outbox.queries import about
from tracker.outbox.queue import Claimed
from tracker.planning.explain import Foreseen
from tracker.planning.second_look import KEPT
from tracker.planning.superseded import FAILED_WITHIN
from tracker.service.engine import Engine
from tracker.service.simulation import CollectingSender
from tracker.store.beats import BEAT
from tracker.store.database import Database, copy_rows, open_database
from tracker.store.tables import AGENDA, ASSIGNMENT, EVENT, MAIL, REQUEST, REVISION, UNDERWAY, MailState

#: So many days are foreseen on which something without a date, or late, is told; it would go on for ever.
MOST = 4

#: Nothing is looked for that comes so much later, or that is late for so long: nobody may be there to be told.
FAR, LONG = timedelta(days=3 * 366), timedelta(days=92)


def foresee(
    session: Session, snapshot: CampaignSnapshot, ref: str, unit: str, now: datetime, *, place: str
) -> list[Foreseen]:
    """Each day from ``now`` on, local to who reads it, on which a digest will tell of the assignment, and as what.

    All of those before it is late, and then ``MOST``; every mail is taken.  Raises UnknownNameError.
    """
    row = find_assignment(session, snapshot, ref, unit, snapshot.day(now))
    copy = open_database("sqlite://")
    try:
        copy_rows(session, copy, _rows_of_one(snapshot, row, ref, now))
        return list(_Foresight(copy, snapshot, row, ref, now, place).said())
    finally:
        copy.close()


def _rows_of_one(snapshot: CampaignSnapshot, row: Row[Any], ref: str, now: datetime) -> dict[Any, Any]:
    """Of each table what may bear on one assignment: its unit's rows, and mails about it that may still go."""
    ours = (ASSIGNMENT.c.campaign == snapshot.campaign.id, ASSIGNMENT.c.unit == row.unit)
    # Something without a date is never late, and so is told by itself.
    of_unit = and_(*ours) if row.effective_due is not None else ASSIGNMENT.c.id == row.id
    is_failed = and_(MAIL.c.state == MailState.FAILED.value, MAIL.c.at >= now - FAILED_WITHIN)
    is_of_later = and_(MAIL.c.at >= now - FAR, MAIL.c.day > snapshot.day(now) + A_DAY)
    may_go = or_(UNDERWAY, is_failed, is_of_later)
    is_digest = and_(MAIL.c.campaign == snapshot.campaign.id, MAIL.c.kind == MailKind.DIGEST.value)
    return {
        ASSIGNMENT: of_unit,
        AGENDA: AGENDA.c.id.in_(select(ASSIGNMENT.c.agenda_id).where(of_unit)),
        BEAT: and_(BEAT.c.campaign == snapshot.campaign.id, BEAT.c.unit == row.unit),
        MAIL: and_(is_digest, may_go, about(ref, row.unit)),
        **dict.fromkeys((EVENT, REQUEST, REVISION), false()),
    }


class _Foresight:
    """A copy of what concerns one assignment, on a clock of its own."""

    def __init__(
        self, copy: Database, snapshot: CampaignSnapshot, row: Row[Any], ref: str, now: datetime, place: str
    ) -> None:
        # No server keeps its mails waiting.
        snapshot = replace(snapshot, beginning=Beginning(), settings=replace(snapshot.settings, pace={}))
        self._copy = copy
        self._snapshot = snapshot
        self._row = row
        self._which = (ref, row.unit)
        self._clock = VirtualClock(now)
        self._sender = CollectingSender(lambda mail: mail.key)
        self._engine = Engine(
            copy, snapshot, self._sender, read_clock=self._clock.now, who="foresight", place=place
        )
        self._rules = snapshot.rules(snapshot.definition(row.key))
        self._dates = own_dates(snapshot, row)
        # Where nothing is repeated for ever, a beat may end and another begin on any day.
        self._is_bounded = any(snapshot.policy(each).max_repeats is not None for each in snapshot.campaign)

    def said(self) -> Iterator[Foreseen]:
        """See ``foresee``."""
        now, late_from = self._clock.now(), self._dates.grace_until
        with self._copy.writing() as session:
            at_once = {"state": MailState.QUEUED.value, "not_before": now, "lease_until": None}
            session.execute(update(MAIL).where(UNDERWAY).values(**at_once))
        today = min(now.astimezone(ZoneInfo(zone)).date() for zone in self._snapshot.timezones)
        until = today + FAR if late_from is None else max(today, late_from) + LONG
        found: dict[Foreseen, None] = {}
        self._pass(found)
        # The next digests tell what has been missed so far, whatever that is.
        day: date | None = self._snapshot.workdays.on_or_after(today)
        while day is not None and day <= until and not self._is_enough(found, day):
            for moment in self._moments(day):
                if moment > self._clock.now():
                    self._clock.set(moment)
                    self._pass(found)
            day = self._next_day(day)
        yield from found

    def _is_enough(self, found: Iterable[Foreseen], day: date) -> bool:
        late_from, upward = self._dates.grace_until, escalation_day(self._dates, self._rules)
        days = {said.day for said in found if late_from is None or said.day > late_from}
        return len(days) >= MOST and (upward is None or day > upward)

    def _moments(self, day: date) -> list[datetime]:
        return sorted({self._snapshot.sends_at(day, name) for name in self._snapshot.timezones})

    def _pass(self, found: dict[Foreseen, None]) -> None:
        self._engine.run_pass()
        taken = [claimed for claimed, _ in self._sender.take() if claimed.mail.kind is MailKind.DIGEST]
        days = self._days_of(taken)
        for claimed in taken:
            for item in claimed.mail.items:
                if (item.ref, item.unit) == self._which:
                    found.setdefault(Foreseen(days[claimed.id], item.reason))

    def _days_of(self, taken: Iterable[Claimed]) -> dict[int, date]:
        with self._copy.reading() as session:
            rows = session.execute(
                select(MAIL.c.id, MAIL.c.day).where(MAIL.c.id.in_([each.id for each in taken]))
            )
            return {row.id: row.day for row in rows}

    def _next_day(self, last: date) -> date | None:
        """The next workday, later than ``last``, on which something may be said of it; None if there is none."""
        with self._copy.writing() as session:
            days = self._days_ahead(session, last)
            if not days:
                return None
            day = self._snapshot.workdays.on_or_after(max(min(days), last + A_DAY))
            for zone in self._snapshot.timezones:
                # Those between have nothing to say of it.
                planned = planned_day(session, self._snapshot.campaign.id, zone)
                if planned is not None and planned < day - A_DAY:
                    set_planned_day(session, self._snapshot.campaign.id, zone, day - A_DAY)
        return day

    def _days_ahead(self, session: Session, last: date) -> list[date]:
        own = session.execute(select(ASSIGNMENT).where(ASSIGNMENT.c.id == self._row.id)).one()
        if own.quiet:
            return []
        agenda = session.execute(select(AGENDA)).all()
        days = [own.nudge_on, *(row.next_on for row in agenda if row.id == own.agenda_id)]
        waits = select(MAIL.c.id).where(UNDERWAY, MAIL.c.kind == MailKind.DIGEST.value)
        if session.execute(waits.where(or_(MAIL.c.outcome.is_(None), MAIL.c.outcome != str(KEPT)))).first():
            days.append(last + A_DAY)
        own_late = late(own_dates(self._snapshot, own), self._rules)
        if own_late is not None and self._snapshot.is_chased(self._dates, own.answered):
            beat = session.execute(select(func.min(BEAT.c.next_on))).scalar_one()
            others = [beat, *(self._joins(row) for row in agenda if row.id != own.agenda_id)]
            days += self._while_late(own_late, [day for day in others if day is not None], last)
        return [day for day in days if day is not None]

    def _while_late(self, own: Late, days: Iterable[date], last: date) -> list[date]:
        """Which ``days`` of the unit's beat it takes part in: those from its first of being late on."""
        if not self._is_bounded and not own.is_repeated(max(own.since, last + A_DAY)):
            return []
        return [day if self._is_bounded else max(day, own.since + A_DAY) for day in days]

    def _joins(self, row: Row[Any]) -> date | None:
        """The day on which something else of the unit becomes late, and may make the beat another."""
        definition = self._snapshot.campaign.definitions.get(row.key)
        if definition is None or row.next_on is None:
            return None
        on = first_overdue(
            agenda_dates(self._snapshot, definition, row), self._snapshot.rules(definition).workdays
        )
        return on if on is not None and row.next_on <= on else None
