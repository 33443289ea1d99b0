"""A year of a large campaign in the ledger: one unit's page, the supervisor's roll-ups, an edit of the files."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import median

from sqlalchemy import text

from bench.child import Figures
from bench.world import Service, made_up
from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.model import Contact, Every, Rule, Unit
from tracker.ledger.agenda import set_planned_day
from tracker.ledger.status import ledger_rows
from tracker.planning.rollups import plan_rollups
from tracker.service.simulation import CollectingSender

#: Twelve periods, due on the 5th from January to December.
ALL_YEAR = Rule(every=Every.MONTH, day=5, since=date(2022, 1, 1), until=date(2022, 12, 31))
ISSUED = date(2021, 12, 10)
#: A Monday in August on which a monthly deadline has passed on Friday, and the week begins.
MONDAY = date(2022, 8, 8)
MORNING = datetime(2022, 8, 8, 1, 0, tzinfo=UTC)
#: The workday after the deadline of July, in the middle of a week.
AFTER = date(2022, 7, 6)
#: Nine of ten answers are in, one in thirty of them late.
ANSWERED, LATE = 10, 30


def in_force(units: int, items: int) -> CampaignSnapshot:
    """``units`` units that all owe ``items`` reports a month, and a supervisor."""
    snapshot = made_up(units, items, ALL_YEAR)
    city = Unit("city", "市考试中心", contacts=(Contact("联络员", "city@bench.internal"),))
    campaign = dataclasses.replace(
        snapshot.campaign,
        issued=ISSUED,
        chase_from=ISSUED,
        units={**snapshot.campaign.units, "city": city},
        supervisor="city",
    )
    return dataclasses.replace(snapshot, campaign=campaign, fingerprint=f"year {units} {items}")


def _service(file: str, units: int, items: int) -> Service:
    service = Service(Path(file), in_force(units, items), CollectingSender(lambda mail: mail.key))
    service.clock.set(MORNING)
    return service


def fill(file: str, units: int, items: int) -> Figures:
    """The ledger as it stands in August: most of what was due is in."""
    service = _service(file, units, items)
    service.engine.bring_up_to_date(MORNING, said_through=date(2022, 8, 5))
    with service.database.writing() as session:
        set_planned_day(session, "main", "Asia/Shanghai", date(2022, 8, 5))
        session.execute(
            text(
                "UPDATE assignment SET answered = 'submitted', quiet = 1, submitted_at = '2022-07-01 00:00:00', "
                f"mark = 1 + 32 * (id % {LATE} = 0) WHERE due < '2022-08-06' AND id % {ANSWERED} != 0"
            )
        )
    service.close()
    return {}


def look(file: str, units: int, items: int, rounds: int) -> Figures:
    """Milliseconds of each, median over ``rounds``."""
    service = _service(file, units, items)
    snapshot = service.snapshot

    def page() -> None:
        with service.database.reading() as session:
            rows = ledger_rows(session, snapshot, MORNING, latest=MORNING, unit=f"u{units // 2}")
        assert len(rows) == items * 12, len(rows)

    figures = {
        "page": _milliseconds(page, rounds),
        "deadline": _milliseconds(lambda: _roll_up(service, AFTER), rounds),
        "week": _milliseconds(lambda: _roll_up(service, MONDAY), rounds),
        "reload": _milliseconds(_edits(service), rounds),
    }
    service.close()
    return figures


def _roll_up(service: Service, day: date) -> None:
    """Written, and taken back."""
    with service.database.writing() as session:
        written = plan_rollups(session, service.snapshot, "Asia/Shanghai", day, day, MORNING)
        assert written == 1, written
        session.rollback()


def _edits(service: Service) -> Callable[[], None]:
    """One definition's date moves by a day, to and fro; the others are left alone."""
    days = iter(range(6, 1_000_000))

    def edit() -> None:
        snapshot = service.snapshot
        first, *others = snapshot.campaign.tasks
        moved = dataclasses.replace(first, rule=dataclasses.replace(ALL_YEAR, day=6 + next(days) % 2))
        campaign = dataclasses.replace(snapshot.campaign, tasks=(moved, *others))
        mark = f"edited {moved.rule.day}"
        service.engine.adopt(dataclasses.replace(snapshot, campaign=campaign, fingerprint=mark))
        service.engine.bring_up_to_date(MORNING)

    return edit


def _milliseconds(work: Callable[[], None], rounds: int) -> float:
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        taken.append((time.perf_counter() - start) * 1000)
    return median(taken)
