"""The service on a virtual clock: the same engine, a database in memory, and a sender that only collects."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, select, update

from tracker.campaign.snapshot import Beginning, CampaignSnapshot
from tracker.clock import VirtualClock
from tracker.core.model import Event, Mail
from tracker.core.occurrences import parse_ref
from tracker.core.status import FILE
from tracker.errors import HeldBackError, LedgerError, UnknownNameError
from tracker.ledger.agenda import set_planned_day
from tracker.ledger.overdue_beat import after_telling, begin_beats, forget_beats
from tracker.ledger.reconcile import Change, Changes
from tracker.ledger.single_reminder import SingleReminder
from tracker.outbox.queue import Claimed
from tracker.outbox.results import Result
from tracker.service.engine import Engine
from tracker.store.database import Database, copy_ledger, open_database
from tracker.store.tables import ASSIGNMENT, MailState

Subject = Callable[[Mail], str]


class CollectingSender:
    """Takes every mail and keeps it until it is asked for."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._taken: list[tuple[Claimed, str]] = []

    async def send(
        self, mails: Sequence[Claimed], snapshot: CampaignSnapshot
    ) -> AsyncGenerator[Result, None]:
        """Every mail is accepted at once."""
        del snapshot
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


@dataclass(frozen=True, slots=True)
class _Coming:
    """An event on its way; one that the ledger has seen is passed over where it does not fit any more."""

    event: Event
    is_history: bool


def simulate(
    snapshot: CampaignSnapshot,
    events: Iterable[Event],
    since: date,
    until: date,
    subject: Subject,
    *,
    history: Iterable[Event] = (),
    database: Database | None = None,
) -> Iterator[tuple[Claimed, str]]:
    """Every mail that goes out in [since, until), in order, with its subject.

    ``history`` is what the ledger has recorded, in the order in which it was; ``events`` are supposed.  Both
    happen at their times, those before ``since`` have happened.  Where there is a ledger, or the files have all be
    chased from the issue on, what would have been said before ``since`` counts as said, so that a window of a
    simulation equals the same window of a longer one.  Where there is none, the service begins on ``since``: it tells
    what a new one tells then, and does not chase what was due before.
    An empty ``database`` may be given to look into while the mails come; it is closed at the end.
    Raises LedgerError or UnknownNameError where one of ``events`` does not fit.
    """
    clock = VirtualClock(datetime.combine(since, time.min, snapshot.zone))
    sender = CollectingSender(subject)
    snapshot = replace(snapshot, beginning=Beginning(snapshot.beginning.day))
    database = database or open_database("sqlite://")
    engine = Engine(database, snapshot, sender, read_clock=clock.now, who="simulation")
    supposed = [_Coming(event, is_history=False) for event in events]
    coming = deque(sorted([*_replayed(history), *supposed], key=_when))
    try:
        is_new = _begins(snapshot, since)
        if is_new:
            engine.bring_up_to_date(clock.now())
            _let_happen(engine, clock, coming, until=clock.now(), since=None)
        else:
            _start(engine, clock, since)
            _let_happen(engine, clock, coming, until=clock.now(), since=since)
            with database.writing() as session:
                begin_beats(session, snapshot, since - timedelta(days=1))
        for moment in _sending_times(snapshot, since, until):
            _let_happen(engine, clock, coming, until=moment, since=None if is_new else since)
            clock.set(moment)
            engine.run_pass()
            yield from sender.take()
    finally:
        database.close()


def preview(
    database: Database,
    snapshot: CampaignSnapshot,
    now: datetime,
    until: date,
    subject: Subject,
    *,
    place: str,
) -> tuple[Changes, list[Mail], list[HeldBackError]]:
    """What ``snapshot`` does to the ledger in ``database``, and every mail from ``now`` up to ``until`` if nobody answers.

    All of it happens to a copy; what would be held back of files that stand at ``place`` is told, and counts as
    confirmed.
    """
    clock = VirtualClock(now)
    sender = CollectingSender(subject)
    snapshot = replace(snapshot, beginning=Beginning())
    copy = open_database("sqlite://")
    engine = Engine(copy, snapshot, sender, read_clock=clock.now, who="preview", place=place)
    mails: list[Mail] = []
    try:
        copy_ledger(database, copy)
        before = _asked_for(copy, snapshot)
        changes, held = _confirmed(engine, now)
        for row in _asked_for(copy, snapshot).values():
            was = before.get(row.id)
            if was is not None and was.quiet != row.quiet:
                ref = f"{row.key}@{row.period}" if row.period else row.key
                turned = changes.answered if row.quiet else changes.reopened
                turned.append(Change(ref, (row.unit,), was.effective_due, row.effective_due))
        moments = (moment for moment in _sending_times(snapshot, snapshot.day(now), until) if moment >= now)
        for moment in (now, *moments):
            clock.set(moment)
            engine.run_pass()
            mails += [claimed.mail for claimed, _ in sender.take()]
    finally:
        copy.close()
    return changes, mails, held


def _asked_for(database: Database, snapshot: CampaignSnapshot) -> dict[int, Row[Any]]:
    """What is asked for, in the order of the document, the dates and the units, with whether it waits for an answer."""
    columns = (ASSIGNMENT.c[name] for name in ("id", "key", "period", "unit", "effective_due", "quiet"))
    asked = (ASSIGNMENT.c.campaign == snapshot.campaign.id, ASSIGNMENT.c.removed_on.is_(None))
    with database.reading() as session:
        rows = session.execute(select(*columns).where(*asked)).all()

    def place(row: Row[Any]) -> tuple[int, date, int]:
        return snapshot.position(row.key), row.effective_due or date.max, snapshot.unit_position(row.unit)

    return {row.id: row for row in sorted(rows, key=place)}


def _confirmed(engine: Engine, now: datetime) -> tuple[Changes, list[HeldBackError]]:
    """Bring the ledger up to date as if a person had said each word that it waits for; which these are."""
    held: list[HeldBackError] = []
    while True:
        try:
            return engine.bring_up_to_date(now), held
        except HeldBackError as error:
            held.append(error)
            setattr(engine, f"accept_{error.word}", True)


def _replayed(history: Iterable[Event]) -> Iterator[_Coming]:
    """What was recorded, in that order: what counts from an earlier day than what it follows comes with it.

    What the files said (``status``) is left out, for the files say it again.
    """
    latest: dict[tuple[str, str], datetime] = {}
    for event in history:
        if event.via != FILE:
            key = (event.ref, event.unit)
            latest[key] = max(event.at, latest.get(key, event.at))
            yield _Coming(replace(event, at=latest[key]), is_history=True)


def _when(coming: _Coming) -> datetime:
    return coming.event.at


def _begins(snapshot: CampaignSnapshot, since: date) -> bool:
    """Whether the service would begin on ``since``, in the middle of the campaign."""
    issued, chase_from = snapshot.campaign.issued, snapshot.campaign.chase_from
    is_from_issue = chase_from is not None and chase_from <= issued
    return snapshot.beginning.day is None and since > issued and not is_from_issue


def _start(engine: Engine, clock: VirtualClock, since: date) -> None:
    """Bring the ledger to where it stood at the start of ``since``."""
    yesterday = since - timedelta(days=1)
    engine.bring_up_to_date(clock.now(), said_through=yesterday)
    with engine.database.writing() as session:
        for timezone in engine.snapshot.timezones:
            set_planned_day(session, engine.snapshot.campaign.id, timezone, yesterday)
        # What is late then is known once everything has happened that was before.
        forget_beats(session, engine.snapshot)


def _let_happen(
    engine: Engine, clock: VirtualClock, coming: deque[_Coming], *, until: datetime, since: date | None
) -> None:
    """Record what comes up to ``until``, each at its time, or for a service that is new (``since`` None) afterwards."""
    while coming and coming[0].event.at <= until:
        event, is_history = coming[0].event, coming.popleft().is_history
        clock.set(event.at if since is not None else max(event.at, clock.now()))
        try:
            engine.record(event, replayed=is_history)
        except (LedgerError, UnknownNameError):
            if not is_history:
                raise
            continue
        if since is not None:
            _forget(engine, event, since)
    clock.set(max(until, clock.now()))


def _next_sending(snapshot: CampaignSnapshot, event: Event, timezone: str) -> date:
    """The local day of the first digest after ``event`` in ``timezone``."""
    local = event.at.astimezone(ZoneInfo(timezone))
    day = local.date() if local.time() <= snapshot.settings.send_at else local.date() + timedelta(days=1)
    return snapshot.workdays.on_or_after(day)


def _forget(engine: Engine, event: Event, since: date) -> None:
    """What was to be said of one alone long enough before the start was said before the start."""
    snapshot, (key, period) = engine.snapshot, parse_ref(event.ref)
    days = {zone: _next_sending(snapshot, event, zone) for zone in snapshot.timezones}
    told = [zone for zone, day in days.items() if day < since]
    if not told:
        return
    where = (
        ASSIGNMENT.c.campaign == snapshot.campaign.id,
        ASSIGNMENT.c.key == key,
        ASSIGNMENT.c.period == (period or ""),
        ASSIGNMENT.c.unit == event.unit,
    )
    with engine.database.writing() as session:
        row = session.execute(select(ASSIGNMENT).where(*where, ASSIGNMENT.c.nudge_on < since)).first()
        if row is None:
            return
        nudge: dict[str, object] = {"nudge": str(SingleReminder.of(row.nudge)._replace(told=frozenset(told)))}
        if len(told) == len(days):
            nudge = after_telling(snapshot, snapshot.definition(key), row, max(days.values()))
            upward = nudge["nudge_on"]
            if isinstance(upward, date) and upward < since:
                nudge["nudge_on"] = None
        session.execute(update(ASSIGNMENT).where(*where).values(**nudge))


def _sending_times(snapshot: CampaignSnapshot, since: date, until: date) -> Iterator[datetime]:
    day = since
    while day < until:
        moments = {snapshot.sends_at(day, name) for name in snapshot.timezones}
        yield from sorted(moments)
        day += timedelta(days=1)
