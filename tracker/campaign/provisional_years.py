"""Years in use whose holidays nobody has told us yet."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.errors import Problem
from tracker.i18n.message import Message

#: How far ahead years are in use.
AHEAD = timedelta(days=92)


def calendar_problems(snapshot: CampaignSnapshot, today: date, folder: Path) -> Iterator[Problem]:
    """A warning for each, at the file in ``folder`` that would say (docs/contract.md §6.8)."""
    years = set(range(snapshot.campaign.issued.year, (today + AHEAD).year + 1))
    for definition in snapshot.campaign:
        years.update(day.year for day in (definition.rule.due, definition.rule.until) if day is not None)
    for year in snapshot.workdays.provisional_years(years):
        yield Problem(
            file=str(folder / f"{year}.yaml"),
            line=0,
            column=0,
            path="",
            message=Message("config.holidays.unknown", year=year),
            severity="warning",
        )
