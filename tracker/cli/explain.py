"""``explain``: why a mail went, or did not, or when it will."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

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
    stands,
    told,
)
from tracker.cli.table import Column
from tracker.i18n.terms import word

if TYPE_CHECKING:
    from tracker.i18n.catalogue import Language
    from tracker.usecases.json_facts import Fact

COLUMNS = (
    Column("on"),
    Column("reason"),
    Column("outcome"),
    Column("why", long=True),
)
KEYS = ("on", "reason", "outcome", "because")


def explain(
    context: typer.Context,
    ref: Annotated[str, typer.Argument(metavar="REF")],
    unit: Annotated[str, typer.Option(metavar="UNIT")],
    output: FormatOption = Format.TABLE,
) -> None:
    """Every reminder of one assignment, with rule, date and reason."""
    from tracker.core.model import State
    from tracker.core.naming import Names
    from tracker.core.vocabulary import word_for
    from tracker.usecases import ledger

    with given(context).open(lenient=True) as app:
        fact = ledger.explanation(app, ref, unit)
        language = choose_language(app.snapshot.campaign.language)
        campaign = app.snapshot.campaign
    if output is Format.JSON:
        print_json(fact)
    elif output is Format.CSV:
        print_csv(fact["entries"], KEYS)
    else:
        print_table((_row(entry, language) for entry in fact["entries"]), COLUMNS, language)
        name = f"{Names(campaign, language).occurrence(fact['ref'])} {campaign.unit_name(fact['unit'])}"
        parts = [word(word_for(State(fact["state"]), waits=fact["waits"]), language)]
        if fact["effective_due"] is not None:
            parts.append(_due(fact, language))
        say(stands(name, parts, fact["ref"], language))


def _row(entry: Fact, language: Language) -> Fact:
    return {
        **entry,
        "reason": word(entry["reason"], language),
        "outcome": word(entry["outcome"], language),
        "why": entry.get(language, entry["zh"]),
    }


def _due(fact: Fact, language: Language) -> str:
    due, by_rule = fact["effective_due"], fact["due"]
    key = "explain.due" if due == by_rule else "explain.moved"
    return told(key, language, due=due, before=by_rule)
