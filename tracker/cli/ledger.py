"""``calendar``, ``status``, ``history``, ``simulate``: what is due, how it stands, what happened, what will be sent."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tracker.cli.context import given, parse_day, parse_moment
from tracker.cli.mail import MAIL_KEYS, mail_columns, mail_row
from tracker.cli.output import (
    Format,
    FormatOption,
    choose_language,
    print_csv,
    print_file,
    print_json,
    print_json_line,
    print_table,
    read_calendar_format,
    say,
    told,
)
from tracker.cli.table import Column
from tracker.i18n.terms import minute, way, word

if TYPE_CHECKING:
    from tracker.i18n.catalogue import Language
    from tracker.service.app import App
    from tracker.usecases.json_facts import Fact

CALENDAR_COLUMNS = (
    Column("effective_due", "due"),
    Column("notice"),
    Column("ref"),
    Column("unit", long=True),
    Column("title", long=True),
)
CALENDAR_KEYS = ("ref", "unit", "title", "period", "due", "effective_due", "notice")
STATUS_COLUMNS = (
    Column("state"),
    Column("ref"),
    Column("unit", long=True),
    Column("effective_due", "due"),
    Column("days_left", right=True),
    Column("progress", right=True),
    Column("submitted_at", spare=True),
    Column("title", long=True),
)
STATUS_KEYS = (
    *("ref", "unit", "title", "state", "light", "due", "effective_due", "days_left", "progress", "target"),
    *("submitted_at", "accepted_at", "late_days", "via"),
)
HISTORY_COLUMNS = (
    Column("recorded_at"),
    Column("at", "counts_from", spare=True),
    Column("ref"),
    Column("name", "what", long=True),
    Column("unit", long=True),
    Column("event"),
    Column("count", right=True),
    Column("until"),
    Column("who", long=True),
    Column("via", spare=True),
    Column("why", "remarks", long=True),
)
HISTORY_KEYS = ("at", "recorded_at", "ref", "unit", "event", "count", "until", "who", "via", "reason", "note")

#: States in which nobody counts days any more.
SETTLED = ("before", "done", "done_late", "nil", "submitted", "waived", "paused")

UnitOption = Annotated[str | None, typer.Option(metavar="UNIT", help="only_unit")]
FromOption = Annotated[str, typer.Option("--from", metavar="DATE", help="first")]
ToOption = Annotated[str, typer.Option("--to", metavar="DATE", help="last")]


def calendar(
    context: typer.Context,
    since: FromOption,
    until: ToOption,
    unit: UnitOption = None,
    output: Annotated[
        Any,
        typer.Option("--format", parser=read_calendar_format, metavar="table|json|csv|ics", help="format"),
    ] = "table",
) -> None:
    """Every assignment due in the range."""
    from tracker.usecases.calendars import calendar_file
    from tracker.usecases.json_facts import calendar_facts
    from tracker.usecases.ledger import due_between

    with given(context).open() as app:
        zone = app.snapshot.zone
        rows = due_between(app, parse_day(since, "--from", zone), parse_day(until, "--to", zone), unit)
        if output is None:
            name = app.snapshot.campaign.document
            if unit is not None:
                name = f"{app.snapshot.campaign.unit_name(app.snapshot.unit_id(unit))} {name}"
            print_file(calendar_file(app, rows, name, several=unit is None))
            return
        facts = list(calendar_facts(app.snapshot, rows))
        if output is Format.JSON:
            print_json(facts)
        elif output is Format.CSV:
            print_csv(facts, CALENDAR_KEYS)
        else:
            language = choose_language(app.snapshot.campaign.language)
            print_table(_named(facts, app, language), CALENDAR_COLUMNS, language)


def status(
    context: typer.Context,
    at: Annotated[str | None, typer.Option(metavar="TIME")] = None,
    unit: UnitOption = None,
    ref: Annotated[str | None, typer.Option(metavar="REF")] = None,
    state: Annotated[str | None, typer.Option(metavar="STATE")] = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """The ledger: who has answered what, and what is open."""
    from tracker.core.model import State
    from tracker.errors import not_among
    from tracker.usecases import ledger
    from tracker.usecases.json_facts import status_facts

    if state is not None and state not in set(State):
        raise not_among("--state", state, State)
    with given(context).open(lenient=True) as app:
        snapshot = app.up_to_date()
        moment = None if at is None else parse_moment(at, "--at", snapshot.zone, at_end=True)
        moment, rows = ledger.status(app, moment, unit=unit, ref=ref)
        facts = status_facts(snapshot, moment, [row for row in rows if row.is_among(state)])
        if output is Format.JSON:
            print_json(facts)
        elif output is Format.CSV:
            print_csv(facts["rows"], STATUS_KEYS)
        else:
            language = choose_language(snapshot.campaign.language)
            words = {(row.ref, row.unit): row.word for row in rows}
            named = _named(facts["rows"], app, language)
            shown = (
                _standing({**called, "word": words[fact["ref"], fact["unit"]]}, language)
                for called, fact in zip(named, facts["rows"], strict=True)
            )
            print_table(shown, STATUS_COLUMNS, language)
            number = sorted(Counter(words[fact["ref"], fact["unit"]] for fact in facts["rows"]).items())
            counts = (f"{word(name, language)} {count}" for name, count in number)
            say(f"{minute(facts['at'])}  {'  '.join(counts) or '—'}")


def _named(facts: list[Fact], app: App, language: Language) -> Iterator[Fact]:
    """With what people call the units and what is asked of them; the reference beside it is what they type."""
    from tracker.core.naming import Names

    campaign = app.snapshot.campaign
    names = Names(campaign, language)
    called, listed = cache(names.occurrence), cache(names.listed)
    for fact in facts:
        ref = fact["ref"]
        yield {
            **fact,
            "unit": campaign.short_unit_name(fact["unit"]),
            "name": called(ref),
            "title": listed(ref),
        }


def _standing(row: Fact, language: Language) -> Fact:
    from tracker.core.vocabulary import SIGNS

    progress = row["progress"]
    return {
        **row,
        "state": f"{SIGNS[row['light']]} {word(row['word'], language)}",
        "days_left": None if row["state"] in SETTLED else row["days_left"],
        "progress": progress if row["target"] is None else f"{progress}/{row['target']}",
        "submitted_at": minute(row["submitted_at"]),
    }


def history(
    context: typer.Context,
    ref: Annotated[str | None, typer.Argument(metavar="[REF]")] = None,
    unit: UnitOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """The audit trail."""
    from tracker.usecases import ledger

    with given(context).open(lenient=True) as app:
        facts = ledger.history(app, ref=ref, unit=unit)
        if output is Format.JSON:
            print_json(facts)
        elif output is Format.CSV:
            print_csv(facts, HISTORY_KEYS)
        else:
            language = choose_language(app.snapshot.campaign.language)
            shown = (_happened(fact, language) for fact in _named(facts, app, language))
            print_table(shown, HISTORY_COLUMNS, language)


def _happened(fact: Fact, language: Language) -> Fact:
    return {
        **fact,
        # Where the two differ it was not written down when it counts from.
        "at": "" if fact["at"] == fact["recorded_at"] else minute(fact["at"]),
        "recorded_at": minute(fact["recorded_at"]),
        "event": word(fact["event"], language),
        "via": way(fact["via"], language),
        "why": [part for part in (fact["reason"], fact["note"]) if part],
    }


def simulate(
    context: typer.Context,
    since: FromOption,
    until: ToOption,
    events: Annotated[Path | None, typer.Option(metavar="FILE")] = None,
    mailbox: Annotated[Path | None, typer.Option(metavar="DIR")] = None,
    output: FormatOption = Format.JSON,
) -> None:
    """Every mail that the service would send, one a line as JSON."""
    from tracker.cli.progress import progress
    from tracker.usecases.mailing import simulated_mails

    with given(context).open() as app:
        snapshot = app.snapshot
        first, last = parse_day(since, "--from", snapshot.zone), parse_day(until, "--to", snapshot.zone)
        found = simulated_mails(app, first, last, events_file=events, mailbox=mailbox)
        count = 0
        kept: list[Fact] = []
        # Lines that scroll by on a terminal are progress enough.
        scrolls = output is Format.JSON and sys.stdout.isatty()
        with progress("simulate", max((last - first).days + 1, 0), enabled=not scrolls) as advance:
            for day, fact in found:
                count += 1
                advance((day - first).days)
                if output is Format.JSON:
                    print_json_line(fact)
                else:
                    kept.append(fact)
        if output is Format.CSV:
            print_csv(kept, MAIL_KEYS)
        elif output is Format.TABLE:
            language = choose_language(snapshot.campaign.language)
            columns = mail_columns(of_outbox=False)
            print_table([mail_row(fact, language) for fact in kept], columns, language)
        said = {"document": snapshot.campaign.document, "n": count, "first": first, "last": last}
        say(told("simulate.counted", choose_language(snapshot.campaign.language), **said))
