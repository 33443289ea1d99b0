"""``feed add|list|revoke``: calendars that a phone or Outlook subscribes to."""

from __future__ import annotations

from typing import Annotated

import typer

from tracker.cli.context import given
from tracker.cli.output import (
    Format,
    FormatOption,
    choose_language,
    print_csv,
    print_json,
    print_table,
    say,
    say_result,
    told,
)
from tracker.cli.table import Column
from tracker.errors import UsageError

KEYS = ("id", "unit", "created_at", "created_by", "revoked_at")
COLUMNS = (
    Column("id", right=True),
    Column("unit"),
    Column("created_at"),
    Column("created_by"),
    Column("revoked_at"),
)


def add(
    context: typer.Context,
    unit: Annotated[str | None, typer.Argument(metavar="[UNIT]")] = None,
    *,
    option: Annotated[str | None, typer.Option("--unit", metavar="UNIT")] = None,
    everything: Annotated[bool, typer.Option("--all")] = False,
) -> None:
    """Make a calendar's address; it is shown this once, and whoever has it can read the dates."""
    from tracker.usecases import calendars

    # Whoever has the address sees all that is in it: everybody's dates are never what was merely left out.
    if [unit is not None, option is not None, everything].count(True) != 1:
        raise UsageError("whose_calendar")
    unit = unit or option
    with given(context).open(lenient=True) as app:
        say_result(calendars.add_feed(app, unit))
        language = choose_language(app.snapshot.campaign.language)
    say(told("feed.once", language))


def list_feeds(context: typer.Context, output: FormatOption = Format.TABLE) -> None:
    """List the addresses, without their secrets."""
    from tracker.usecases import calendars

    with given(context).open(lenient=True) as app:
        facts = calendars.feeds(app)
        language = choose_language(app.snapshot.campaign.language)
    if output is Format.JSON:
        print_json(facts)
    elif output is Format.CSV:
        print_csv(facts, KEYS)
    else:
        print_table(facts, COLUMNS, language)


def revoke(context: typer.Context, number: Annotated[int, typer.Argument(metavar="ID")]) -> None:
    """Take a calendar's address back; it shows nothing any more."""
    from tracker.usecases import calendars

    with given(context).open(lenient=True) as app:
        calendars.revoke_feed(app, number)
        language = choose_language(app.snapshot.campaign.language)
    say(told("feed.revoked", language, number=number))
