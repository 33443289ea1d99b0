"""``feed add|list|revoke``: calendars that a phone or Outlook subscribes to."""

from __future__ import annotations

from typing import Annotated

import typer

from tracker.cli.context import given
from tracker.cli.output import (
    Format,
    FormatOption,
    choose_language,
    pick,
    print_csv,
    print_json,
    print_table,
    say,
    say_result,
)
from tracker.cli.table import Column
from tracker.errors import UsageError

KEYS = ("id", "unit", "created_at", "created_by", "revoked_at")
COLUMNS = (
    Column("id", "序号", "id", right=True),
    Column("unit", "单位", "unit"),
    Column("created_at", "建立时间", "created"),
    Column("created_by", "建立人", "by"),
    Column("revoked_at", "停用时间", "revoked"),
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    feed = typer.Typer(
        help="日历订阅 · Calendars to subscribe to.", no_args_is_help=True, rich_markup_mode=None
    )
    feed.command("add", short_help="建立订阅地址 · Make an address")(add)
    feed.command("list", short_help="列出订阅 · List them")(list_)
    feed.command("revoke", short_help="停用订阅地址 · Take an address back")(revoke)
    app.add_typer(feed, name="feed", short_help="日历订阅 · Calendars to subscribe to: add, list, revoke")


def add(
    context: typer.Context,
    unit: Annotated[str | None, typer.Argument(metavar="[UNIT]", help="单位 · The unit")] = None,
    *,
    option: Annotated[
        str | None, typer.Option("--unit", metavar="UNIT", help="同上 · The same, as an option")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="全部单位 · All units in one calendar")] = False,
) -> None:
    """建立订阅地址 · Make a calendar's address; it is shown this once, and whoever has it can read the dates."""
    from tracker.usecases import calendars

    # Whoever has the address sees all that is in it: everybody's dates are never what was merely left out.
    if [unit is not None, option is not None, everything].count(True) != 1:
        raise UsageError("whose_calendar")
    unit = unit or option
    with given(context).open(lenient=True) as app:
        say_result(calendars.add_feed(app, unit))
        language = choose_language(app.force.campaign.language)
    said = (
        "地址只显示这一次，请妥善保管；泄露后用 tracker feed revoke 停用",
        "shown only once; keep it to yourself, and take it back with tracker feed revoke",
    )
    say(pick(said, language))


def list_(context: typer.Context, output: FormatOption = Format.TABLE) -> None:
    """列出订阅 · List the addresses, without their secrets."""
    from tracker.usecases import calendars

    with given(context).open(lenient=True) as app:
        facts = calendars.feeds(app)
        language = choose_language(app.force.campaign.language)
    if output is Format.JSON:
        print_json(facts)
    elif output is Format.CSV:
        print_csv(facts, KEYS)
    else:
        print_table(facts, COLUMNS, language)


def revoke(
    context: typer.Context, number: Annotated[int, typer.Argument(metavar="ID", help="序号 · Its number")]
) -> None:
    """停用订阅地址 · Take a calendar's address back; it shows nothing any more."""
    from tracker.usecases import calendars

    with given(context).open(lenient=True) as app:
        calendars.revoke_feed(app, number)
        language = choose_language(app.force.campaign.language)
    say(pick((f"订阅 {number} 已停用", f"calendar address {number} works no more"), language))
