"""``init``, ``check``, ``deadline``, ``tasks``, ``units``: the files, and how they are understood."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tracker.cli.context import given, parse_day
from tracker.cli.output import Format, choose_language, headings, pick, print_json, print_rows, say

if TYPE_CHECKING:
    from datetime import date

    from tracker.listing import Fact

FormatOption = Annotated[Format, typer.Option("--format", help="输出格式 · How it is printed")]

TASK_COLUMNS = {
    "ref": ("编号", "ref"),
    "title": ("内容", "title"),
    "owners": ("落实单位", "owners"),
    "deadline": ("完成时限", "deadline"),
    "reading": ("读作", "read as"),
    "unit_count": ("单位数", "units"),
}
UNIT_COLUMNS = {
    "id": ("标识", "id"),
    "name": ("名称", "name"),
    "aliases": ("别称", "aliases"),
    "emails": ("联系邮箱", "contacts"),
    "groups": ("单位组", "groups"),
}
#: As much of a long task as a line of a table takes.
TITLE_WIDTH = 48


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("init")(init)
    app.command("check")(check)
    app.command("deadline")(deadline)
    app.command("tasks")(tasks)
    app.command("units")(units)


def init(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="目标目录 · Where to write")],
) -> None:
    """生成可直接使用的配置和邮件模板 · Write a working config/ and templates/ to start from."""
    from tracker.desk import write_starter

    written = write_starter(directory)
    for path in written:
        say(f"wrote {path}")
    say(f"next: cd {directory} && tracker check && tracker run")


def check(
    context: typer.Context,
    output: FormatOption = Format.TABLE,
) -> None:
    """检查全部配置文件 · Validate everything; every error as FILE:LINE:COLUMN: message."""
    from tracker.listing import problem_facts

    with given(context).open() as app:
        problems = app.check()
        facts = problem_facts(problems)
        for problem in problems:
            prefix = "" if problem.severity == "error" else "warning: "
            say(f"{problem.file}:{problem.line}:{problem.column}: {prefix}{problem.message}")
        if output is Format.JSON:
            print_json(facts)
        elif output is Format.CSV:
            print_rows(
                [{"severity": problem.severity, **_place(problem)} for problem in problems],
                {key: key for key in ("severity", "file", "line", "column", "path", "message")},
                output,
            )
        elif facts["ok"]:
            say(app.summary())
    if not facts["ok"]:
        say(f"{len(facts['errors'])} error(s), {len(facts['warnings'])} warning(s)")
        raise typer.Exit(1)


def _place(problem: Any) -> Fact:
    return {key: getattr(problem, key) for key in ("file", "line", "column", "path", "message")}


def deadline(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="时限原文 · The deadline as written")],
    issued: Annotated[
        str | None, typer.Option(help="印发日期 · Date of issue (default: the campaign's)")
    ] = None,
    since: Annotated[str | None, typer.Option("--from", help="起 · First due date listed")] = None,
    until: Annotated[str | None, typer.Option("--to", help="止 · Last due date listed")] = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """解读一条完成时限 · How a deadline is read, in both languages, and its next dates."""
    from tracker.desk import date_of_issue, read_deadline
    from tracker.listing import deadline_facts

    with given(context).open() as app:
        issued_on = date_of_issue(app) if issued is None else parse_day(issued, "--issued")
        reading, dates = read_deadline(text, issued_on, *_range(since, until))
        facts = deadline_facts(reading, dates)
    if output is Format.JSON:
        print_json(facts)
        return
    if output is Format.CSV:
        print_rows(facts["occurrences"], {"period": "period", "due": "due"}, output)
        return
    language = choose_language()
    lines = {"zh": ("中文", "Chinese"), "en": ("英文", "English"), "due": ("到期日", "due")}
    for key, words in lines.items():
        if facts[key]:
            say_out(f"{pick(words, language)}: {facts[key]}")
    for warning in facts["warnings"]:
        say(f"warning: {warning}")
    for each in facts["occurrences"]:
        say_out("  ".join(part for part in (each["period"], each["due"]) if part))


def _range(since: str | None, until: str | None) -> tuple[date | None, date | None]:
    return (
        None if since is None else parse_day(since, "--from"),
        None if until is None else parse_day(until, "--to"),
    )


def say_out(line: str) -> None:
    """A line of the result."""
    typer.echo(line)


def tasks(
    context: typer.Context,
    reports: Annotated[bool, typer.Option("--reports", help="列出报表 · The reports instead")] = False,
    output: FormatOption = Format.TABLE,
) -> None:
    """列出任务及报送事项 · The tasks and their deliverables as understood."""
    from tracker.listing import definition_facts

    with given(context).open() as app:
        campaign = app.force.campaign
        listed = campaign.reports if reports else campaign.tasks
        facts = [definition_facts(each) for each in listed]
    if output is Format.JSON:
        print_json(facts)
        return
    language = choose_language(campaign.language)
    print_rows(_flat(facts, brief=output is Format.TABLE), headings(TASK_COLUMNS, language), output)


def _flat(facts: list[Fact], *, brief: bool) -> Iterator[Fact]:
    for fact in facts:
        title = str(fact["title"])
        reading = "；".join(
            part
            for part in (fact["due"], fact["every"], "持续推进 ongoing" if fact["ongoing"] else None)
            if part
        )
        short = title[:TITLE_WIDTH] + "…" if brief and len(title) > TITLE_WIDTH else title
        yield {**fact, "title": short, "reading": reading, "unit_count": len(fact["units"])}
        yield from _flat(fact.get("deliverables", []), brief=brief)


def units(context: typer.Context, output: FormatOption = Format.TABLE) -> None:
    """列出单位、联系人和单位组 · The units, their contacts and groups."""
    from tracker.listing import unit_facts

    with given(context).open() as app:
        campaign = app.force.campaign
        facts = [unit_facts(unit, campaign) for unit in campaign.units.values()]
    rows = [{**fact, "emails": [contact["email"] for contact in fact["contacts"]]} for fact in facts]
    columns = headings(UNIT_COLUMNS, choose_language(campaign.language))
    print_rows(rows, columns, output, json_value=facts)
