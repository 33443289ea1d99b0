"""The files of a campaign: begun, rolled on to next year, and how a deadline in them is read."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from tracker.config.loader import SETTINGS, TASKS, UNITS, load_or_raise
from tracker.config.next_year import NextYear, mentions, roll_tasks
from tracker.core.deadline.expressions import Reading, parse
from tracker.core.model import Occurrence
from tracker.core.occurrences import occurrences
from tracker.errors import UsageError, cannot_write
from tracker.service.app import App
from tracker.shipped import shipped
from tracker.usecases.input_checks import in_order

#: How many dates of a rule without an end are shown where nobody said how many.
SHOWN_DATES = 12


def write_starter(folder: Path) -> list[Path]:
    """Write ``config/`` and ``templates/`` to start from; what was written.

    Raises UsageError where something of that name stands already: nobody's work is written over.
    """
    return _copy_new({"config": shipped("config"), "templates": shipped("templates")}, folder)


def roll_on(old: Path, folder: Path, year: int) -> tuple[list[Path], NextYear]:
    """Write the campaign of ``old`` into ``folder`` as one that is issued in ``year``; what was written, and how.

    ``old`` is a folder of configuration, or has one.  Raises ConfigError where its files have errors, and
    UsageError where ``year`` is not a later one; then nothing is written.
    """
    config = old / "config" if not (old / TASKS).exists() and (old / "config").is_dir() else old
    before = load_or_raise(config).campaign
    assert before is not None
    data, told = roll_tasks((config / TASKS).read_bytes(), year)
    beside = config.resolve().parent / "templates"
    with TemporaryDirectory() as place:
        rolled = Path(place) / "config"
        _copy(config, rolled)
        (rolled / TASKS).write_bytes(data)
        load_or_raise(rolled)
        for name in (TASKS, UNITS, SETTINGS):
            if (rolled / name).exists():
                told.mentions += mentions(name, (rolled / name).read_bytes(), before.issued.year)
        sources = {"config": rolled, "templates": beside if beside.is_dir() else shipped("templates")}
        return _copy_new(sources, folder), told


def _copy_new(sources: dict[str, Path], folder: Path) -> list[Path]:
    for name in sources:
        if (folder / name).exists():
            raise UsageError("there_already", path=folder / name)
    for name, source in sources.items():
        _copy(source, folder / name)
    return sorted(path for name in sources for path in (folder / name).rglob("*") if path.is_file())


def _copy(source: Path, target: Path) -> None:
    try:
        # The bytes only: what was read-only, such as last year's list, is there to be edited.
        # The pages are no templates of the user's.
        ignore = shutil.ignore_patterns("web")
        shutil.copytree(source, target, copy_function=shutil.copyfile, ignore=ignore)
    except OSError as error:
        raise cannot_write(target.parent, error) from None


def date_of_issue(app: App) -> date:
    """The campaign's date of issue, or today where there is no campaign that can be read."""
    if app.loaded.campaign is not None:
        return app.loaded.campaign.issued
    return app.clock.now().astimezone().date()


def plan_year(app: App, issued: date | None) -> int | None:
    """The year that the campaign plans for; none of it counts for another date of issue than the campaign's."""
    campaign = app.loaded.campaign
    return campaign.year if campaign is not None and issued in (None, campaign.issued) else None


def read_deadline(
    text: str, issued: date, since: date | None, until: date | None, year: int | None = None
) -> tuple[Reading, list[Occurrence]]:
    """How ``text`` is read in a plan for ``year``, and its dates from ``since`` to ``until``, both included."""
    if since is not None and until is not None:
        in_order(since, until)
    reading = parse(text, issued, year)
    last = date(2201, 1, 1) if until is None else until + timedelta(days=1)
    found: list[Occurrence] = []
    for occurrence in occurrences(reading.rule, "", issued, since or date.min, last):
        if until is None and len(found) == SHOWN_DATES:
            break
        if occurrence.due is not None:
            found.append(occurrence)
    return reading, found
