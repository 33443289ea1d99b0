"""``calendar``, ``status``, ``history``, ``simulate``: what is due, how it stands, what happened, what will be sent."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tracker.cli.context import given, parse_day, parse_moment
from tracker.cli.definitions import FormatOption
from tracker.cli.output import (
    Format,
    choose_language,
    headings,
    print_json,
    print_json_line,
    print_rows,
    say,
)

if TYPE_CHECKING:
    from tracker.core.model import Language
    from tracker.listing import Fact

CALENDAR_COLUMNS = {
    "effective_due": ("到期日", "due"),
    "notice": ("最后提醒日", "notice"),
    "ref": ("编号", "ref"),
    "unit": ("单位", "unit"),
    "title": ("内容", "title"),
}
STATUS_COLUMNS = {
    "light": ("灯", "light"),
    "state": ("状态", "state"),
    "ref": ("编号", "ref"),
    "unit": ("单位", "unit"),
    "effective_due": ("到期日", "due"),
    "days_left": ("剩余天数", "days left"),
    "progress": ("完成数", "progress"),
    "target": ("目标数", "target"),
    "submitted_at": ("报送时间", "submitted"),
    "title": ("内容", "title"),
}
HISTORY_COLUMNS = {
    "at": ("时间", "at"),
    "ref": ("编号", "ref"),
    "unit": ("单位", "unit"),
    "event": ("事项", "event"),
    "count": ("数量", "count"),
    "until": ("延期至", "until"),
    "who": ("经办人", "who"),
    "via": ("途径", "via"),
    "reason": ("理由", "reason"),
    "note": ("备注", "note"),
}
#: A sign beside each colour, for those who cannot tell them apart.
LIGHTS = {
    "green": ("🟢 正常", "🟢 in time"),
    "amber": ("🟡 临期/迟报", "🟡 soon/late"),
    "red": ("🔴 逾期", "🔴 overdue"),
    "blue": ("🔵 持续", "🔵 ongoing"),
    "grey": ("⚪ 不计", "⚪ set aside"),
}
STATES = {
    "upcoming": "未开始",
    "open": "进行中",
    "due_soon": "临近到期",
    "due_today": "今日到期",
    "overdue": "已逾期",
    "submitted": "已报送",
    "done": "已完成",
    "done_late": "逾期完成",
    "nil": "零报告",
    "returned": "已退回",
    "waived": "免报",
    "paused": "暂停",
    "ongoing": "持续推进",
}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("calendar")(calendar)
    app.command("status")(status)
    app.command("history")(history)
    app.command("simulate")(simulate)


def calendar(
    context: typer.Context,
    since: Annotated[str, typer.Option("--from", help="起（含）· First date")],
    until: Annotated[str, typer.Option("--to", help="止（含）· Last date")],
    unit: Annotated[str | None, typer.Option(help="单位 · Only this unit")] = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """列出期间内到期的台账项 · Every assignment due in the range."""
    from tracker.desk import due_between
    from tracker.listing import calendar_facts

    with given(context).open() as app:
        rows = due_between(app, parse_day(since, "--from"), parse_day(until, "--to"), unit)
        facts = list(calendar_facts(app.force, rows))
        language = choose_language(app.force.campaign.language)
    print_rows(facts, headings(CALENDAR_COLUMNS, language), output)


def status(
    context: typer.Context,
    at: Annotated[str | None, typer.Option(help="时点 · As it stood at (default: now)")] = None,
    unit: Annotated[str | None, typer.Option(help="单位 · Only this unit")] = None,
    ref: Annotated[
        str | None, typer.Option(help="编号 · Only this task, deliverable, report or period")
    ] = None,
    state: Annotated[str | None, typer.Option(help="状态 · Only this state")] = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """台账 · The ledger: who has answered what, and what is open."""
    from tracker import desk
    from tracker.core.model import State
    from tracker.errors import UsageError
    from tracker.listing import status_facts

    if state is not None and state not in set(State):
        raise UsageError(f"--state {state}: expected one of {', '.join(State)}")
    with given(context).open() as app:
        force = app.force
        moment = None if at is None else parse_moment(at, "--at", force.zone, at_end=True)
        moment, rows = desk.status(app, moment, unit=unit, ref=ref)
        facts = status_facts(force, moment, [row for row in rows if state in (None, row.state.value)])
        language = choose_language(force.campaign.language)
    if output is Format.JSON:
        print_json(facts)
        return
    rows_shown = (
        facts["rows"] if output is Format.CSV else [_coloured(row, language) for row in facts["rows"]]
    )
    print_rows(rows_shown, headings(STATUS_COLUMNS, language), output)
    if output is Format.TABLE:
        counts = (f"{_state(name, language)} {count}" for name, count in facts["counts"].items())
        say(f"{facts['at']}: {', '.join(counts) or '—'}")


def _coloured(row: Fact, language: Language) -> Fact:
    light = LIGHTS[row["light"]][0 if language == "zh" else 1]
    submitted = row["submitted_at"][:16].replace("T", " ") if row["submitted_at"] else None
    title = row["title"] if len(row["title"]) <= 40 else row["title"][:40] + "…"
    return {
        **row,
        "light": light,
        "state": _state(row["state"], language),
        "submitted_at": submitted,
        "title": title,
    }


def _state(name: str, language: Language) -> str:
    return STATES[name] if language == "zh" else name.replace("_", " ")


def history(
    context: typer.Context,
    ref: Annotated[str | None, typer.Argument(help="编号 · Only this one")] = None,
    unit: Annotated[str | None, typer.Option(help="单位 · Only this unit")] = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """全部办理记录 · The audit trail."""
    from tracker import desk

    with given(context).open() as app:
        facts = desk.history(app, ref=ref, unit=unit)
        language = choose_language(app.force.campaign.language)
    print_rows(facts, headings(HISTORY_COLUMNS, language), output)


def simulate(
    context: typer.Context,
    since: Annotated[str, typer.Option("--from", help="起（含）· First date")],
    until: Annotated[str, typer.Option("--to", help="止（含）· Last date")],
    events: Annotated[
        Path | None, typer.Option(help="办理记录文件 · Events: JSON Lines, CSV or YAML")
    ] = None,
    mailbox: Annotated[Path | None, typer.Option(help="写出 .eml 的目录 · Write each mail here")] = None,
) -> None:
    """按服务自身逻辑推演将发出的邮件 · Every mail that the service would send, one a line as JSON."""
    from tracker.cli.progress import progress
    from tracker.desk import simulated_mails

    first, last = parse_day(since, "--from"), parse_day(until, "--to")
    with given(context).open() as app:
        force = app.force
        days = (last - first).days + 1
        count = 0
        with progress(
            "simulate", max(days, 0), enabled=mailbox is not None or not sys.stdout.isatty()
        ) as advance:
            for day, fact in simulated_mails(app, first, last, events_file=events, mailbox=mailbox):
                count += 1
                advance((day - first).days)
                print_json_line(fact)
        say(f"{force.campaign.document}: {count} mails from {first} to {last}")
