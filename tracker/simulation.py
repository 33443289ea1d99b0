"""The service on a virtual clock: the same engine, a database in memory, and a courier that only collects."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import update

from tracker.clock import VirtualClock
from tracker.core.model import Event, Mail
from tracker.engine.agenda import set_planned_day
from tracker.engine.engine import Engine
from tracker.engine.inforce import InForce
from tracker.engine.outbox import Claimed, Result
from tracker.store.database import Database, open_database
from tracker.store.tables import ASSIGNMENT, MailState

Subject = Callable[[Mail], str]


class CollectingCourier:
    """Takes every mail and keeps it until it is asked for."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._taken: list[tuple[Claimed, str]] = []

    async def send(self, mails: Sequence[Claimed], force: InForce) -> AsyncIterator[Result]:
        """Every mail is accepted at once."""
        del force
        for claimed in mails:
            subject = self._subject(claimed.mail)
            self._taken.append((claimed, subject))
            yield Result(claimed, MailState.SENT, "collected by the simulation", subject)

    async def close(self) -> None:
        """There is nothing to let go of."""

    def take(self) -> list[tuple[Claimed, str]]:
        """What has come since the last call, with its subject."""
        taken, self._taken = self._taken, []
        return taken


def simulate(
    force: InForce, events: Iterable[Event], since: date, until: date, subject: Subject
) -> Iterator[tuple[Claimed, str]]:
    """Every mail that goes out in [since, until), in order, with its subject.

    ``events`` happen at their times; those before ``since`` have happened.  All that would have been said
    before ``since`` counts as said, so that a window of a simulation equals the same window of a longer one.
    Raises LedgerError or UnknownNameError where an event does not fit.
    """
    clock = VirtualClock(datetime.combine(since, time.min, force.zone))
    courier = CollectingCourier(subject)
    database = open_database("sqlite://")
    engine = Engine(database, force, courier, read_clock=clock.now, who="simulation")
    try:
        waiting = _start(engine, database, clock, force, since, sorted(events, key=lambda event: event.at))
        for moment in _sending_times(force, since, until):
            while waiting and waiting[0].at <= moment:
                clock.set(waiting[0].at)
                engine.record(waiting.pop(0))
            clock.set(moment)
            engine.run_pass()
            yield from courier.take()
    finally:
        database.close()


def _start(
    engine: Engine, database: Database, clock: VirtualClock, force: InForce, since: date, events: list[Event]
) -> list[Event]:
    """Bring the ledger to where it stood at the start of ``since``; the events that are still to come."""
    start = clock.now()
    yesterday = since - timedelta(days=1)
    engine.bring_up_to_date(start, said_through=yesterday)
    with database.writing() as session:
        for timezone in force.timezones:
            set_planned_day(session, timezone, yesterday)
    past = [event for event in events if event.at < start]
    for event in past:
        engine.record(event)
    if past:
        # What was sent back before the start was told before the start.
        with database.writing() as session:
            session.execute(update(ASSIGNMENT).values(nudge=None, nudge_on=None))
    return events[len(past) :]


def _sending_times(force: InForce, since: date, until: date) -> Iterator[datetime]:
    day = since
    while day < until:
        moments = {datetime.combine(day, force.settings.send_at, ZoneInfo(name)) for name in force.timezones}
        yield from sorted(moments)
        day += timedelta(days=1)
