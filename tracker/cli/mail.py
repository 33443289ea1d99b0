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
    print_csv,
    print_json_line,
    print_table,
    say_result,
    told,
)
from tracker.cli.table import Column
from tracker.i18n.recognised import said_in
from tracker.i18n.terms import minute, word

if TYPE_CHECKING:
    from tracker.i18n.catalogue import Language
    from tracker.usecases.json_facts import Fact

MAIL_COLUMNS = (
    Column("at"),
    Column("to", long=True),
    Column("kind"),
    Column("item_count", right=True),
    Column("subject", long=True),
)
OUTBOX_COLUMNS = (
    Column("id", right=True),
    Column("state"),
    *MAIL_COLUMNS,
    Column("outcome", long=True, spare=True),
)
MAIL_KEYS = ("at", "to", "unit", "kind", "language", "subject", "message_id", "items")
OUTBOX_KEYS = ("id", "state", *MAIL_KEYS, "attempts", "sent_at", "next_attempt", "outcome")

NumberArgument = Annotated[int, typer.Argument(metavar="ID")]


def list_mails(
    context: typer.Context,
    state: Annotated[str | None, typer.Option(metavar="STATE")] = None,
    unit: Annotated[str | None, typer.Option(metavar="UNIT")] = None,
    limit: Annotated[int, typer.Option(min=1, metavar="N")] = 1000,
    output: FormatOption = Format.TABLE,
) -> None:
    """The mails with what became of them; JSON comes one a line."""
    from tracker.usecases import mailing

    with given(context).open(lenient=True) as app:
        facts = mailing.mails(app, state=state, unit=unit, limit=limit)
        language = choose_language(app.snapshot.campaign.language)
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
    html: Annotated[bool, typer.Option("--html")] = False,
) -> None:
    """One mail as its reader sees it."""
    from tracker.usecases import mailing

    with given(context).open(lenient=True) as app:
        language = choose_language(app.snapshot.campaign.language)
        say_result(mailing.show_mail(app, number, language, html=html))


def retry(
    context: typer.Context,
    number: Annotated[int | None, typer.Argument(metavar="[ID]")] = None,
    since: Annotated[str | None, typer.Option(metavar="DATE")] = None,
) -> None:
    """Put failed or waiting mails back into the queue.

    What stood in a digest of an earlier day is told in the next one.
    """
    from tracker.usecases import mailing

    with given(context).open(lenient=True) as app:
        first = None if since is None else parse_day(since, "--since", app.snapshot.zone)
        count = mailing.retry_mails(app, number, since=first)
    say_result(told("mail.queued_again", language_of_errors(), n=count))


def send_test(
    context: typer.Context,
    address: Annotated[str | None, typer.Argument(metavar="[ADDRESS]")] = None,
) -> None:
    """Send one mail through the configured transport and say what came of it."""
    from tracker.usecases import mailing

    with given(context).open(lenient=True) as app:
        to, result = mailing.send_test_mail(app, address)
    language = language_of_errors()
    say_result(f"{to}: {word(result.state.value, language)}: {said_in(result.outcome, language)}")
    if result.state.value != "sent":
        raise typer.Exit(1)
