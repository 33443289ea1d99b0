"""``explain``: why a mail went, or did not, or when it will."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

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
)
from tracker.cli.table import Column
from tracker.i18n.terms import word

if TYPE_CHECKING:
    from tracker.i18n.catalogue import Language
    from tracker.usecases.json_facts import Fact

COLUMNS = (
    Column("on", "日期", "on"),
    Column("reason", "事由", "reason"),
    Column("outcome", "结果", "outcome"),
    Column("why", "原因", "because", long=True),
)
KEYS = ("on", "reason", "outcome", "because")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("explain", short_help="为什么发、为什么没发 · Why a mail went, or did not, or when it will")(
        explain
    )


def explain(
    context: typer.Context,
    ref: Annotated[str, typer.Argument(metavar="REF", help="编号，如 table-2@2022-05 · What")],
    unit: Annotated[str, typer.Option(metavar="UNIT", help="单位标识、名称或简称 · Which unit")],
    output: FormatOption = Format.TABLE,
) -> None:
    """逐条说明提醒发没发、为什么 · Every reminder of one assignment, with rule, date and reason."""
    from tracker.core.model import State
    from tracker.core.naming import Names
    from tracker.core.vocabulary import word_for
    from tracker.usecases import desk

    with given(context).open(lenient=True) as app:
        fact = desk.explanation(app, ref, unit)
        language = choose_language(app.force.campaign.language)
        campaign = app.force.campaign
    if output is Format.JSON:
        print_json(fact)
    elif output is Format.CSV:
        print_csv(fact["entries"], KEYS)
    else:
        print_table((_row(entry, language) for entry in fact["entries"]), COLUMNS, language)
        name = f"{Names(campaign, language).occurrence(fact['ref'])} {campaign.unit_name(fact['unit'])}"
        colon = pick(("：", ": "), language)
        stands = word(word_for(State(fact["state"]), waits=fact["waits"]), language)
        say(f"{name}{colon}{stands}{_due(fact, language)} [{fact['ref']}]")


def _row(entry: Fact, language: Language) -> Fact:
    return {
        **entry,
        "reason": word(entry["reason"], language),
        "outcome": word(entry["outcome"], language),
        "why": entry.get(language, entry["zh"]),
    }


def _due(fact: Fact, language: Language) -> str:
    due, by_rule = fact["effective_due"], fact["due"]
    if due is None:
        return ""
    if language == "zh":
        return f"，{due}到期" + (f"（原{by_rule}）" if due != by_rule else "")
    return f", due {due}" + (f" (by the rule {by_rule})" if due != by_rule else "")
