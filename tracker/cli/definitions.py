"""``init``, ``check``, ``deadline``, ``tasks``, ``units``: the files, and how they are understood."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tracker.cli.context import given, parse_day
from tracker.cli.output import (
    Format,
    FormatOption,
    choose_language,
    language_of_errors,
    print_csv,
    print_json,
    print_table,
    say,
    say_result,
    told,
)
from tracker.cli.table import Column
from tracker.core.years import FIRST_YEAR, LAST_YEAR
from tracker.errors import UsageError
from tracker.i18n.catalogue import side_by_side
from tracker.i18n.message import both
from tracker.i18n.terms import word

if TYPE_CHECKING:
    from tracker.config.next_year import NextYear
    from tracker.i18n.catalogue import Language
    from tracker.i18n.message import Message
    from tracker.usecases.json_facts import Fact

TASK_COLUMNS = (
    Column("ref"),
    Column("title", long=True),
    Column("owners", long=True),
    Column("deadline", long=True),
    Column("reading", long=True, spare=True),
    Column("unit_count", "units", right=True),
)
TASK_KEYS = (
    *("ref", "id", "section", "title", "text", "owners", "units", "deadline", "due", "ongoing", "every"),
    *("day", "month", "from", "to", "requirement", "target", "submit_to", "form", "on_holiday"),
    *("grace_days", "policy", "status", "acceptance", "note"),
)
UNIT_COLUMNS = (
    Column("id", "unit_id"),
    Column("name"),
    Column("aliases", long=True),
    Column("emails", long=True),
    Column("groups", long=True, spare=True),
)
UNIT_KEYS = ("id", "name", "aliases", "emails", "reports_to", "timezone", "groups")
PROBLEM_KEYS = ("severity", "file", "line", "column", "path", "message")


def init(
    directory: Annotated[Path, typer.Argument(metavar="DIR")],
    old: Annotated[Path | None, typer.Option("--from", metavar="OLD")] = None,
    year: Annotated[int | None, typer.Option(metavar="YEAR")] = None,
) -> None:
    """Write a working config/ and templates/ to start from."""
    from tracker.usecases.campaign_files import roll_on, write_starter

    if (old is None) != (year is None):
        raise UsageError("from_needs_year")
    if old is None or year is None:
        written = write_starter(directory)
    else:
        written, found = roll_on(old, directory, year)
        _tell_rolled_on(found)
    for path in written:
        say_result(str(path))
    first = "" if directory == Path() else f"cd {shlex.quote(str(directory))} && "
    say(f"{side_by_side('commands', 'init.next')}: {first}tracker check && tracker run")


def _tell_rolled_on(found: NextYear) -> None:
    number = [] if found.document is None else [found.document]
    for what, lines in (
        ("moved", found.moved),
        ("dropped", found.dropped),
        ("document", number),
        ("left", found.left),
        ("mentions", found.mentions),
    ):
        if lines:
            say(f"{side_by_side('commands', f'init.{what}')}:")
        for line in lines:
            say(f"  {line}")


def check(
    context: typer.Context,
    output: FormatOption = Format.TABLE,
) -> None:
    """Validate everything; every error as FILE:LINE:COLUMN: message."""
    from tracker.usecases.json_facts import problem_fact, problem_facts

    with given(context).open() as app:
        problems = app.check()
        facts = problem_facts(problems)
        for problem in problems:
            prefix = "" if problem.severity == "error" else "warning: "
            say(f"{problem.file}:{problem.line}:{problem.column}: {prefix}{both(problem.message)}")
        if output is Format.JSON:
            print_json(facts)
        elif output is Format.CSV:
            rows = [{"severity": each.severity, **problem_fact(each)} for each in problems]
            print_csv(rows, PROBLEM_KEYS)
        elif facts["ok"]:
            say_result(app.summary(language_of_errors()))
    if not facts["ok"]:
        errors, warnings = len(facts["errors"]), len(facts["warnings"])
        say(told("check.counted", language_of_errors(), errors=errors, warnings=warnings))
        raise typer.Exit(1)


def deadline(
    context: typer.Context,
    text: Annotated[str, typer.Argument(metavar="TEXT")],
    issued: Annotated[str | None, typer.Option(metavar="DATE")] = None,
    year: Annotated[int | None, typer.Option(min=FIRST_YEAR, max=LAST_YEAR, metavar="YEAR")] = None,
    since: Annotated[str | None, typer.Option("--from", metavar="DATE")] = None,
    until: Annotated[str | None, typer.Option("--to", metavar="DATE")] = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """How a deadline is read, in both languages, and its next dates."""
    from tracker.usecases.campaign_files import date_of_issue, plan_year, read_deadline
    from tracker.usecases.json_facts import deadline_facts

    first = None if since is None else parse_day(since, "--from")
    last = None if until is None else parse_day(until, "--to")
    with given(context).open() as app:
        chosen = None if issued is None else parse_day(issued, "--issued")
        meant = plan_year(app, chosen) if year is None else year
        reading, occurrences = read_deadline(text, chosen or date_of_issue(app), first, last, meant)
        facts = deadline_facts(reading, occurrences)
    if output is Format.JSON:
        print_json(facts)
    elif output is Format.CSV:
        print_csv(facts["occurrences"], ("period", "due"))
    else:
        _tell_deadline(facts, reading.warnings, choose_language())


def _tell_deadline(facts: Fact, warnings: Iterable[Message], language: Language) -> None:
    for key in ("zh", "en"):
        say_result(f"{told(f'deadline.{key}', language)}: {facts[key]}")
    for warning in warnings:
        say(told("deadline.warning", language_of_errors(), warning=warning))
    dates = facts["occurrences"]
    if facts["due"] is not None:
        say_result(f"{told('heads.due', language)}: {facts['due']}")
    elif not dates:
        say_result(told("deadline.undated", language))
    else:
        columns = (Column("period"), Column("due"))
        print_table(dates, columns, language)


def tasks(
    context: typer.Context,
    reports: Annotated[bool, typer.Option("--reports")] = False,
    output: FormatOption = Format.TABLE,
) -> None:
    """The tasks and their deliverables as understood."""
    from tracker.usecases.json_facts import definition_facts

    with given(context).open() as app:
        campaign = app.snapshot.campaign
        listed = campaign.reports if reports else campaign.tasks
        facts = [definition_facts(each) for each in listed]
    if output is Format.JSON:
        print_json(facts)
    elif output is Format.CSV:
        print_csv(_flat(facts), TASK_KEYS)
    else:
        language = choose_language(campaign.language)
        rows = ({**fact, **_reading(fact, language)} for fact in _flat(facts))
        print_table(rows, TASK_COLUMNS, language)


def _flat(facts: list[Fact]) -> Iterator[Fact]:
    for fact in facts:
        yield fact
        yield from _flat(fact.get("deliverables", []))


def _reading(fact: Fact, language: Language) -> Fact:
    """A date speaks for itself; what comes back is put in words."""
    parts = [fact["due"]] if fact["due"] else []
    if fact["every"]:
        parts.append(fact[language])
    elif fact["ongoing"]:
        parts.append(word("ongoing", language))
    return {"reading": told("comma", language).join(parts), "unit_count": len(fact["units"])}


def units(context: typer.Context, output: FormatOption = Format.TABLE) -> None:
    """The units, their contacts and groups."""
    from tracker.usecases.json_facts import unit_facts

    with given(context).open() as app:
        campaign = app.snapshot.campaign
        facts = [unit_facts(unit, campaign) for unit in campaign.units.values()]
    if output is Format.JSON:
        print_json(facts)
        return
    rows = [{**fact, "emails": [contact["email"] for contact in fact["contacts"]]} for fact in facts]
    if output is Format.CSV:
        print_csv(rows, UNIT_KEYS)
    else:
        print_table(rows, UNIT_COLUMNS, choose_language(campaign.language))
