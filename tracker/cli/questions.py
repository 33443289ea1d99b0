"""``forms questions``: what is asked about the tables that were filed, and the answers to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tracker.cli.context import given
from tracker.cli.events import NoteOption, WhoOption
from tracker.cli.filters import RefsOption, UnitsOption, unit_ids
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

if TYPE_CHECKING:
    from tracker.service.app import App
    from tracker.usecases.json_facts import Fact

COLUMNS = (
    Column("id", right=True),
    Column("state"),
    Column("unit", long=True),
    Column("called", long=True),
    Column("place"),
    Column("message", long=True),
    Column("note", "answer", long=True),
)
KEYS = (
    *("id", "ref", "unit", "form", "file", "sheet", "cell", "code", "found", "expected", "message", "state"),
    *("asked_at", "answered_at", "answered_by", "via", "note"),
)


def questions(
    context: typer.Context,
    ref: RefsOption = None,
    unit: UnitsOption = None,
    state: Annotated[str | None, typer.Option(metavar="STATE")] = None,
    answer: Annotated[int | None, typer.Option(metavar="ID")] = None,
    overrule: Annotated[int | None, typer.Option(metavar="ID")] = None,
    note: NoteOption = None,
    who: WhoOption = None,
    format_: FormatOption = Format.TABLE,
) -> None:
    """What is asked about filed tables: listed, answered or overruled."""
    from tracker.errors import UsageError, not_among
    from tracker.i18n.terms import term
    from tracker.questions.questions import QuestionState
    from tracker.usecases.forms.questions import question_facts, settle_question
    from tracker.usecases.forms.questions import questions as listed
    from tracker.usecases.input_checks import check_who, login_name

    if state is not None and state not in set(QuestionState):
        raise not_among("--state", state, QuestionState)
    if answer is not None and overrule is not None:
        raise UsageError("one_of_two", one="--answer", two="--overrule")
    check_who(who)
    number = answer if answer is not None else overrule
    with given(context).open(lenient=True) as app:
        language = choose_language(app.snapshot.campaign.language)
        if number is not None:
            how = QuestionState.ANSWERED if answer is not None else QuestionState.OVERRULED
            found = [settle_question(app, number, how, note or "", who=who or login_name())]
        else:
            found = listed(
                app,
                refs=ref or (),
                units=unit_ids(app, unit),
                state=None if state is None else QuestionState(state),
            )
        facts = [question_facts(app, each, language) for each in found]
        if format_ is Format.JSON:
            print_json(facts[0] if number is not None else facts)
        elif format_ is Format.CSV:
            print_csv(facts, KEYS)
        elif number is not None:
            say_result(f"{facts[0]['id']}: {term('question.' + facts[0]['state'], language)}")
        else:
            _print(app, facts)


def _print(app: App, facts: list[Fact]) -> None:
    from tracker.core.naming import Names
    from tracker.i18n.terms import term

    campaign = app.snapshot.campaign
    language = choose_language(campaign.language)
    names = Names(campaign, language)
    rows = (
        {
            **each,
            "state": term(f"question.{each['state']}", language),
            "unit": campaign.unit_name(each["unit"]),
            "called": names.occurrence(each["ref"]),
            "place": "!".join(part for part in (each["sheet"], each["cell"]) if part),
        }
        for each in facts
    )
    print_table(rows, COLUMNS, language)
    number = sum(each["state"] == "open" for each in facts)
    say(told("questions.counted", language, n=len(facts), open=number))
