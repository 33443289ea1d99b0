"""``report``: the month on paper, as a table to work with, or for the screen."""

from __future__ import annotations

import re
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tracker.cli.context import given, parse_moment
from tracker.cli.output import language_of_errors, pick, say
from tracker.core.years import FIRST_YEAR, LAST_YEAR

if TYPE_CHECKING:
    from tracker.i18n.catalogue import Language
    from tracker.report.facts import Month

_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("report", short_help="月报 · The month as HTML, xlsx, PDF or Markdown")(report)


def report(
    context: typer.Context,
    month: Annotated[str, typer.Option(metavar="MONTH", help="月份，如 2022-05 · Such as 2022-05")],
    output: Annotated[
        str,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="写入的文件，按后缀定格式：.html、.xlsx、.pdf、.md；- 为标准输出 · "
            "The file; its ending chooses the format; - prints Markdown",
        ),
    ] = "-",
    at: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="时点（默认月末或现在） · As it stood then (default: the month's end, or now)",
        ),
    ] = None,
    language: Annotated[
        str | None, typer.Option(metavar="zh|en", help="语言（默认随专项工作） · Default: the campaign's")
    ] = None,
) -> None:
    """月报 · The month: totals, lights, who is missing, what was late."""
    from tracker.report.ask import month_report
    from tracker.report.files import as_markdown, layout_for, write_report

    wanted = parse_month(month)
    chosen = _language(language)
    path = None if output == "-" else Path(output)
    if path is not None:
        # Before a long count: whoever mistyped the name learns it at once.
        layout_for(path)
    with given(context).open() as app:
        moment = None if at is None else parse_moment(at, "--at", app.force.zone, at_end=True)
        facts = month_report(app, wanted, at=moment)
        # A report is for those who are sent it: their language is the campaign's, whatever the terminal speaks.
        chosen = chosen or app.force.campaign.language
    if path is None:
        sys.stdout.write(as_markdown(facts, chosen))
        return
    write_report(facts, chosen, path)
    asked, done = facts.due.asked, facts.due.done
    told = (
        f"{path}：{month}，应报{asked}项次，已报{done}项次，截至{facts.day}",
        f"{path}: {month}, {done} of {asked} in, as of {facts.day}",
    )
    say(pick(told, language_of_errors()))


def parse_month(text: str) -> Month:
    """The month that is called ``text``; typer makes a sentence of what this raises."""
    from tracker.errors import UsageError
    from tracker.report.facts import Month

    found = _MONTH.fullmatch(text.strip())
    if found is None or not FIRST_YEAR <= int(found[1]) <= LAST_YEAR:
        raise UsageError("expected_month", text=text, first=FIRST_YEAR, last=LAST_YEAR)
    return Month(date(int(found[1]), int(found[2]), 1))


def _language(text: str | None) -> Language | None:
    from tracker.errors import not_among

    languages: dict[str | None, Language | None] = {None: None, "zh": "zh", "en": "en"}
    if text is not None and text not in languages:
        raise not_among("--language", text, ("zh", "en"))
    return languages[text]
