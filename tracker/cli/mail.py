"""``mail list|show|retry|test``: the outbox."""

from __future__ import annotations

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
    print_json_line,
    print_table,
    say_result,
)
from tracker.cli.table import Column
from tracker.i18n.recognised import said_in
from tracker.i18n.terms import minute, word

if TYPE_CHECKING:
    from tracker.i18n.catalogue import Language
    from tracker.usecases.json_facts import Fact

MAIL_COLUMNS = (
    Column("at", "时间", "at"),
    Column("to", "收件人", "to", long=True),
    Column("kind", "种类", "kind"),
    Column("item_count", "事项", "items", right=True),
    Column("subject", "主题", "subject", long=True),
)
OUTBOX_COLUMNS = (
    Column("id", "序号", "id", right=True),
    Column("state", "状态", "state"),
    *MAIL_COLUMNS,
    Column("outcome", "结果", "outcome", long=True, spare=True),
)
MAIL_KEYS = ("at", "to", "unit", "kind", "language", "subject", "message_id", "items")
OUTBOX_KEYS = ("id", "state", *MAIL_KEYS, "attempts", "sent_at", "next_attempt", "outcome")

NumberArgument = Annotated[int, typer.Argument(metavar="ID", help="序号 · The number that mail list shows")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    mail = typer.Typer(help="发件箱 · The outbox.", no_args_is_help=True, rich_markup_mode=None)
    mail.command("list", short_help="列出邮件 · What was sent, what waits, what failed")(list_mails)
    mail.command("show", short_help="显示一封 · One mail as its reader sees it")(show)
    mail.command("retry", short_help="重发 · Queue failed mails again")(retry)
    mail.command("test", short_help="测试发信 · Send one test mail")(send_test)
    app.add_typer(mail, name="mail", short_help="发件箱 · The outbox: list, show, retry, test")


def list_mails(
    context: typer.Context,
    state: Annotated[
        str | None, typer.Option(metavar="STATE", help="状态，如 failed · Only this state, such as failed")
    ] = None,
    unit: Annotated[str | None, typer.Option(metavar="UNIT", help="单位 · Only this unit")] = None,
    limit: Annotated[
        int, typer.Option(min=1, metavar="N", help="最多条数 · At most so many, the newest")
    ] = 1000,
    output: FormatOption = Format.TABLE,
) -> None:
    """列出邮件 · The mails with what became of them; JSON comes one a line."""
    from tracker.usecases import desk

    with given(context).open(lenient=True) as app:
        facts = desk.mails(app, state=state, unit=unit, limit=limit)
        language = choose_language(app.force.campaign.language)
    if output is Format.JSON:
        for fact in facts:
            print_json_line(fact)
    elif output is Format.CSV:
        print_csv(facts, OUTBOX_KEYS)
    else:
        print_table([mail_row(fact, language) for fact in facts], mail_columns(of_outbox=True), language)


def mail_columns(*, of_outbox: bool) -> tuple[Column, ...]:
    """What a table of mails shows; only the outbox knows what became of them."""
    return OUTBOX_COLUMNS if of_outbox else MAIL_COLUMNS


def mail_row(fact: Fact, language: Language) -> Fact:
    """A mail for eyes."""
    return {
        **fact,
        "at": minute(fact["at"]),
        "kind": word(fact["kind"], language),
        "state": word(fact.get("state"), language),
        "item_count": len(fact["items"]),
        "outcome": said_in(fact.get("outcome"), language),
    }


def show(
    context: typer.Context,
    number: NumberArgument,
    html: Annotated[bool, typer.Option("--html", help="输出网页 · The HTML part")] = False,
) -> None:
    """显示一封邮件 · One mail as its reader sees it."""
    from tracker.usecases import desk

    with given(context).open(lenient=True) as app:
        language = choose_language(app.force.campaign.language)
        say_result(desk.show_mail(app, number, language, html=html))


def retry(
    context: typer.Context,
    number: Annotated[
        int | None,
        typer.Argument(
            metavar="[ID]", help="序号；不写则重发最近7天失败的 · Which; those that failed in 7 days if none"
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="从哪天起失败的 · Failed ones of this day or later"),
    ] = None,
) -> None:
    """重发失败的邮件 · Put failed or waiting mails back into the queue.

    早先日子的提醒邮件不按原样重发，内容并入下一封 · What stood in a digest of an earlier day is told in the next one.
    """
    from tracker.usecases import desk

    with given(context).open(lenient=True) as app:
        first = None if since is None else parse_day(since, "--since", app.force.zone)
        count = desk.retry_mails(app, number, since=first)
    say_result(pick((f"已重新排队{count}封", f"{count} mail(s) queued again"), language_of_errors()))


def send_test(
    context: typer.Context,
    address: Annotated[
        str | None, typer.Argument(metavar="[ADDRESS]", help="收件地址 · To whom (default: operator)")
    ] = None,
) -> None:
    """发一封测试邮件 · Send one mail through the configured transport and say what came of it."""
    from tracker.usecases import desk

    with given(context).open(lenient=True) as app:
        to, result = desk.send_test_mail(app, address)
    language = language_of_errors()
    say_result(f"{to}: {word(result.state.value, language)}: {said_in(result.outcome, language)}")
    if result.state.value != "sent":
        raise typer.Exit(1)
