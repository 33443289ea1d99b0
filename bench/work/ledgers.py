"""Ledgers of up to a million assignments: filled, idle, and all due at once."""

from __future__ import annotations

import json
import shutil
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median

from sqlalchemy import func, insert, select

from bench.child import Figures
from bench.world import EVENING, MONTHLY, MORNING, PERIODS, TODAY, Service, made_up
from tracker.core.model import MailKind
from tracker.ledger.agenda import set_planned_day
from tracker.planning.plan import plan
from tracker.service.simulation import CollectingSender
from tracker.store.tables import ASSIGNMENT, MAIL, MailState

#: The next workday, on which nothing is to be said of what is due on the 28th.
NEXT_DAY = date(2022, 5, 13)
NEXT_MORNING = datetime(2022, 5, 13, 1, 0, tzinfo=UTC)
#: Mails of the past in the outbox, for each assignment.
SENT_BEFORE = 0.1


def shape(assignments: int, periods: int) -> tuple[int, int]:
    """How many units, and definitions, make so many assignments."""
    items = (
        5 if assignments <= 1_000 else 10 if assignments <= 10_000 else 20 if assignments <= 100_000 else 40
    )
    units, rest = divmod(assignments, items * periods)
    assert not rest, assignments
    return units, items


def _service(file: str, assignments: int, *, monthly: bool) -> Service:
    units, items = shape(assignments, PERIODS if monthly else 1)
    snapshot = made_up(units, items, MONTHLY) if monthly else made_up(units, items)
    return Service(Path(file), snapshot, CollectingSender(lambda mail: mail.key))


def fill(file: str, assignments: int, *, monthly: bool) -> Figures:
    """The first reconciliation: a new database is given all its assignments."""
    service = _service(file, assignments, monthly=monthly)
    start = time.perf_counter()
    service.engine.bring_up_to_date(EVENING, said_through=TODAY if monthly else None)
    seconds = time.perf_counter() - start
    with service.database.reading() as session:
        found = session.execute(select(func.count()).select_from(ASSIGNMENT)).scalar_one()
    assert found == assignments, found
    if monthly:
        _send_before(service, int(assignments * SENT_BEFORE))
        with service.database.writing() as session:
            set_planned_day(session, "main", service.snapshot.campaign.timezone, TODAY)
    service.close()
    return {"rate": assignments / seconds, "seconds": seconds}


def _send_before(service: Service, count: int) -> None:
    values = [
        {
            "key": f"digest/past/{number}",
            "message_id": f"<{number}@bench.internal>",
            "kind": MailKind.DIGEST.value,
            "recipient": f"u{number}@bench.internal",
            "name": "联络员",
            "unit": f"u{number}",
            "language": "zh",
            "timezone": "Asia/Shanghai",
            "lost": 0,
            "at": EVENING,
            "day": TODAY - timedelta(days=1),
            "content": json.dumps([["1@2022-05", f"u{number}", "lead", "2022-05-28", 17]]),
            "details": "{}",
            "seen_event": 0,
            "state": MailState.SENT.value,
            "attempts": 1,
            "not_before": EVENING,
            "fence": 1,
        }
        for number in range(count)
    ]
    with service.database.writing() as session:
        session.connection().execute(insert(MAIL), values)


def idle(file: str, assignments: int, passes: int) -> Figures:
    """Milliseconds of a pass of a day whose digests are written, and of the pass that finds none to write."""
    service = _service(file, assignments, monthly=True)
    engine, timezone = service.engine, service.snapshot.campaign.timezone
    service.clock.set(MORNING + timedelta(hours=1))
    assert not engine.run_pass().changes, "the ledger was filled by the same definitions"
    asleep, planning = [], []
    for _ in range(passes):
        start = time.perf_counter()
        report = engine.run_pass()
        asleep.append(time.perf_counter() - start)
        assert not report.planned
    service.clock.set(NEXT_MORNING)
    for _ in range(max(5, passes // 10)):
        start = time.perf_counter()
        report = engine.run_pass()
        planning.append(time.perf_counter() - start)
        assert not report.planned
        with service.database.writing() as session:
            set_planned_day(session, "main", timezone, TODAY)
    service.close()
    return {"asleep": median(asleep) * 1000, "planning": median(planning) * 1000}


def due_at_once(file: str, assignments: int) -> Figures:
    """Plan the morning on which all is due, on a copy, in one transaction up to its commit."""
    copy = Path(f"{file}.copy")
    shutil.copyfile(file, copy)
    service = _service(str(copy), assignments, monthly=False)
    service.clock.set(MORNING)
    units, _ = shape(assignments, 1)
    start, cpu = time.perf_counter(), time.process_time()
    with service.database.writing() as session:
        written = plan(session, service.snapshot, MORNING)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    assert written == units, written
    service.close()
    for left in copy.parent.glob(f"{copy.name}*"):
        left.unlink()
    return {"rate": assignments / seconds, "mails": units / seconds, "cpu": cpu}
