"""``mail list|show|retry|test``: the outbox."""

from __future__ import annotations

from typing import Annotated

import typer

from tracker.cli.context import given
from tracker.cli.definitions import FormatOption
from tracker.cli.output import Format, choose_language, headings, print_json_line, print_rows, say

MAIL_COLUMNS = {
    "at": ("时间", "at"),
    "state": ("状态", "state"),
    "to": ("收件人", "to"),
    "kind": ("种类", "kind"),
    "subject": ("主题", "subject"),
    "item_count": ("事项数", "items"),
    "outcome": ("结果", "outcome"),
    "id": ("序号", "id"),
}
NumberArgument = Annotated[int, typer.Argument(metavar="ID", help="序号 · The number that mail list shows")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    mail = typer.Typer(help="发件箱 · The outbox.", no_args_is_help=True, rich_markup_mode=None)
    mail.command("list")(list_mails)
    mail.command("show")(show)
    mail.command("retry")(retry)
    mail.command("test")(send_test)
    app.add_typer(mail, name="mail")


def list_mails(
    context: typer.Context,
    state: Annotated[str | None, typer.Option(help="状态 · Only this state")] = None,
    unit: Annotated[str | None, typer.Option(help="单位 · Only this unit")] = None,
    limit: Annotated[int, typer.Option(min=1, help="最多条数 · At most so many, newest first")] = 1000,
    output: FormatOption = Format.TABLE,
) -> None:
    """列出邮件 · The mails with what became of them; JSON comes one a line."""
    from tracker import desk

    with given(context).open() as app:
        facts = desk.mails(app, state=state, unit=unit, limit=limit)
        language = choose_language(app.force.campaign.language)
    if output is Format.JSON:
        for fact in facts:
            print_json_line(fact)
        return
    rows = [{**fact, "item_count": len(fact["items"])} for fact in facts]
    print_rows(rows, headings(MAIL_COLUMNS, language), output)


def show(
    context: typer.Context,
    number: NumberArgument,
    html: Annotated[bool, typer.Option("--html", help="输出网页 · The HTML part")] = False,
) -> None:
    """显示一封邮件 · One mail as its reader sees it."""
    from tracker import desk

    with given(context).open() as app:
        typer.echo(desk.show_mail(app, number, html=html))


def retry(
    context: typer.Context,
    number: Annotated[
        int | None, typer.Argument(metavar="[ID]", help="序号 · Which; all failed ones if none")
    ] = None,
) -> None:
    """重发失败的邮件 · Put failed or waiting mails back into the queue."""
    from tracker import desk

    with given(context).open() as app:
        count = desk.retry_mails(app, number)
    say(f"{count} mail(s) queued again")


def send_test(
    context: typer.Context,
    address: Annotated[
        str | None, typer.Argument(metavar="[ADDRESS]", help="收件地址 · To whom (default: operator)")
    ] = None,
) -> None:
    """发一封测试邮件 · Send one mail through the configured transport and say what came of it."""
    from tracker import desk

    with given(context).open() as app:
        outcome, ok = desk.send_test_mail(app, address)
    say(outcome)
    if not ok:
        raise typer.Exit(1)
