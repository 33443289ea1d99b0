"""Years in use whose holidays nobody has told us yet."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from tracker.campaign.snapshot import InForce
from tracker.errors import InBoth, Problem

#: How far ahead years are in use.
AHEAD = timedelta(days=92)


def calendar_problems(force: InForce, today: date, folder: Path) -> Iterator[Problem]:
    """A warning for each, at the file in ``folder`` that would say (docs/contract.md §6.8)."""
    years = set(range(force.campaign.issued.year, (today + AHEAD).year + 1))
    for definition in force.campaign:
        years.update(day.year for day in (definition.rule.due, definition.rule.until) if day is not None)
    for year in force.workdays.provisional_years(years):
        yield Problem(
            file=str(folder / f"{year}.yaml"),
            line=0,
            column=0,
            path="",
            message=InBoth(
                f"the holidays of {year} are not known: Monday to Friday count as workdays until this file "
                "says otherwise",
                f"尚无{year}年放假安排，暂按周一至周五为工作日，公布后请补充此文件",
            ),
            severity="warning",
        )
