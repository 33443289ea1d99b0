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
    pick,
    print_csv,
    print_json,
    print_table,
    say,
    say_result,
)
from tracker.cli.table import Column
from tracker.core.years import FIRST_YEAR, LAST_YEAR
from tracker.errors import UsageError
from tracker.i18n.message import both
from tracker.i18n.message import say as say_message

if TYPE_CHECKING:
    from tracker.config.rollon import RolledOn
    from tracker.i18n.catalogue import Language
    from tracker.i18n.message import Message
    from tracker.usecases.json_facts import Fact

TASK_COLUMNS = (
    Column("ref", "编号", "ref"),
    Column("title", "内容", "title", long=True),
    Column("owners", "落实单位", "owners", long=True),
    Column("deadline", "完成时限", "deadline", long=True),
    Column("reading", "读作", "read as", long=True, spare=True),
    Column("unit_count", "单位数", "units", right=True),
)
TASK_KEYS = (
    *("ref", "id", "section", "title", "text", "owners", "units", "deadline", "due", "ongoing", "every"),
    *("day", "month", "from", "to", "requirement", "target", "submit_to", "form", "on_holiday"),
    *("grace_days", "policy", "status", "acceptance", "note"),
)
UNIT_COLUMNS = (
    Column("id", "标识", "id"),
    Column("name", "名称", "name"),
    Column("aliases", "别称", "aliases", long=True),
    Column("emails", "联系邮箱", "contacts", long=True),
    Column("groups", "单位组", "groups", long=True, spare=True),
)
UNIT_KEYS = ("id", "name", "aliases", "emails", "reports_to", "timezone", "groups")
PROBLEM_KEYS = ("severity", "file", "line", "column", "path", "message")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("init", short_help="生成配置和邮件模板 · Write config/ and templates/ to start from")(init)
    app.command("check", short_help="检查全部配置文件 · Validate everything")(check)
    app.command("deadline", short_help="解读一条完成时限 · How a deadline is read")(deadline)
    app.command("tasks", short_help="任务、报送事项或报表 · Tasks and deliverables, or reports")(tasks)
    app.command("units", short_help="单位和联系人 · Units, contacts, groups")(units)


def init(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="目标目录 · Where to write")],
    old: Annotated[
        Path | None,
        typer.Option("--from", metavar="OLD", help="从往年的配置滚动到新的一年 · Roll an earlier year's on"),
    ] = None,
    year: Annotated[
        int | None, typer.Option(metavar="YEAR", help="新的印发年份 · Year of the new issue, with --from")
    ] = None,
) -> None:
    """生成可直接使用的配置和邮件模板 · Write a working config/ and templates/ to start from."""
    from tracker.usecases.desk import roll_on, write_starter

    if (old is None) != (year is None):
        raise UsageError("from_needs_year")
    if old is None or year is None:
        written = write_starter(directory)
    else:
        written, told = roll_on(old, directory, year)
        _tell_rolled_on(told)
    for path in written:
        say_result(str(path))
    first = "" if directory == Path() else f"cd {shlex.quote(str(directory))} && "
    say(f"下一步 · next: {first}tracker check && tracker run")


def _tell_rolled_on(told: RolledOn) -> None:
    number = [] if told.document is None else [told.document]
    for title, lines in (
        ("时限顺延 · deadlines", told.moved),
        ("去掉了 · dropped", told.dropped),
        ("请核对文号 · check the document's number", number),
        ("没有改，请自己改 · left as it was, for you to change", told.left),
        ("仍提到往年，请看一看 · still names the old year, look at", told.mentions),
    ):
        if lines:
            say(f"{title}:")
        for line in lines:
            say(f"  {line}")


def check(
    context: typer.Context,
    output: FormatOption = Format.TABLE,
) -> None:
    """检查全部配置文件 · Validate everything; every error as FILE:LINE:COLUMN: message."""
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
        said = (f"错误{errors}处，提醒{warnings}处", f"{errors} error(s), {warnings} warning(s)")
        say(pick(said, language_of_errors()))
        raise typer.Exit(1)


def deadline(
    context: typer.Context,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="时限原文 · The deadline as written")],
    issued: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="印发日期 · Date of issue (default: the campaign's)"),
    ] = None,
    year: Annotated[
        int | None,
        typer.Option(
            min=FIRST_YEAR, max=LAST_YEAR, metavar="YEAR", help="计划年度 · Year of a text without one"
        ),
    ] = None,
    since: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="起（含）· First due date listed")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="止（含）· Last due date listed")
    ] = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """解读一条完成时限 · How a deadline is read, in both languages, and its next dates."""
    from tracker.usecases.desk import date_of_issue, plan_year, read_deadline
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
    labels = {"zh": ("中文", "Chinese"), "en": ("英文", "English")}
    for key, words in labels.items():
        say_result(f"{pick(words, language)}: {facts[key]}")
    for warning in warnings:
        prefix, reader = pick(("提醒：", "warning: "), language_of_errors()), language_of_errors()
        say(f"{prefix}{say_message(warning, reader, on_command_line=True)}")
    dates = facts["occurrences"]
    if facts["due"] is not None:
        say_result(f"{pick(('到期日', 'due'), language)}: {facts['due']}")
    elif not dates:
        say_result(pick(("没有到期日", "no due date"), language))
    else:
        columns = (Column("period", "期次", "period"), Column("due", "到期日", "due"))
        print_table(dates, columns, language)


def tasks(
    context: typer.Context,
    reports: Annotated[bool, typer.Option("--reports", help="列出报表 · The reports instead")] = False,
    output: FormatOption = Format.TABLE,
) -> None:
    """列出任务及报送事项 · The tasks and their deliverables as understood."""
    from tracker.usecases.json_facts import definition_facts

    with given(context).open() as app:
        campaign = app.force.campaign
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
        parts.append(pick(("持续推进", "ongoing"), language))
    return {"reading": pick(("，", ", "), language).join(parts), "unit_count": len(fact["units"])}


def units(context: typer.Context, output: FormatOption = Format.TABLE) -> None:
    """列出单位、联系人和单位组 · The units, their contacts and groups."""
    from tracker.usecases.json_facts import unit_facts

    with given(context).open() as app:
        campaign = app.force.campaign
        facts = [unit_facts(unit, campaign) for unit in campaign.units.values()]
    if output is Format.JSON:
        print_json(facts)
        return
    rows = [{**fact, "emails": [contact["email"] for contact in fact["contacts"]]} for fact in facts]
    if output is Format.CSV:
        print_csv(rows, UNIT_KEYS)
    else:
        print_table(rows, UNIT_COLUMNS, choose_language(campaign.language))
