"""``report``: the month on paper, as a table to work with, or for the screen."""

from __future__ import annotations

import re
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tracker.cli.context import given, parse_moment
from tracker.cli.output import language_of_errors, say, told
from tracker.core.years import FIRST_YEAR, LAST_YEAR

if TYPE_CHECKING:
    from tracker.i18n.catalogue import Language
    from tracker.report.facts import CalendarMonth

_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII)


def report(
    context: typer.Context,
    month: Annotated[str, typer.Option(metavar="MONTH")],
    output: Annotated[str, typer.Option("-o", "--output", metavar="FILE")] = "-",
    at: Annotated[str | None, typer.Option(metavar="TIME")] = None,
    language: Annotated[str | None, typer.Option(metavar="zh|en")] = None,
) -> None:
    """The month: totals, lights, who is missing, what was late."""
    from tracker.report.ask import month_report
    from tracker.report.files import as_markdown, layout_for, write_report

    wanted = parse_month(month)
    chosen = _language(language)
    path = None if output == "-" else Path(output)
    if path is not None:
        # Before a long count: whoever mistyped the name learns it at once.
        layout_for(path)
    with given(context).open() as app:
        moment = None if at is None else parse_moment(at, "--at", app.snapshot.zone, at_end=True)
        facts = month_report(app, wanted, at=moment)
        # A report is for those who are sent it: their language is the campaign's, whatever the terminal speaks.
        chosen = chosen or app.snapshot.campaign.language
    if path is None:
        sys.stdout.write(as_markdown(facts, chosen))
        return
    write_report(facts, chosen, path)
    asked, done = facts.due.asked, facts.due.done
    said = {"path": path, "month": month, "asked": asked, "done": done, "day": facts.day}
    say(told("report.written", language_of_errors(), **said))


def parse_month(text: str) -> CalendarMonth:
    """The month that is called ``text``; typer makes a sentence of what this raises."""
    from tracker.errors import UsageError
    from tracker.report.facts import CalendarMonth

    found = _MONTH.fullmatch(text.strip())
    if found is None or not FIRST_YEAR <= int(found[1]) <= LAST_YEAR:
        raise UsageError("expected_month", text=text, first=FIRST_YEAR, last=LAST_YEAR)
    return CalendarMonth(date(int(found[1]), int(found[2]), 1))


def _language(text: str | None) -> Language | None:
    from tracker.errors import not_among

    languages: dict[str | None, Language | None] = {None: None, "zh": "zh", "en": "en"}
    if text is not None and text not in languages:
        raise not_among("--language", text, ("zh", "en"))
    return languages[text]
