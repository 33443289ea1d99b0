"""``before``: what was due before the ledger began, listed, and settled in bulk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tracker.cli.context import given
from tracker.cli.events import NoteOption, WhoOption
from tracker.cli.output import (
    Format,
    FormatOption,
    choose_language,
    print_csv,
    print_json,
    print_table,
    say,
    say_result,
)
from tracker.cli.table import Column

if TYPE_CHECKING:
    from tracker.listing import Fact

COLUMNS = (
    Column("due", "截止日期", "due"),
    Column("units", "单位数", "units", right=True),
    Column("ref", "编号", "ref"),
    Column("name", "事项", "what", long=True),
)
KEYS = ("ref", "title", "due", "units")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("before", short_help="台账建立前事项 · What was due before it began")(before)


def before(
    context: typer.Context,
    ref: Annotated[
        list[str] | None,
        typer.Option(
            metavar="REF", help="编号，可写多次 · Only this task, report or period; may be repeated"
        ),
    ] = None,
    unit: Annotated[
        list[str] | None,
        typer.Option(metavar="UNIT", help="单位，可写多次 · Only this unit; may be repeated"),
    ] = None,
    settle: Annotated[
        str | None,
        typer.Option(
            metavar="HOW",
            help="成批登记：submit 已报送、nil 零报告、accept 已销号、waive 免报 · Settle all that is listed",
        ),
    ] = None,
    note: NoteOption = None,
    who: WhoOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """台账建立前事项：只列出，不催报 · What was due before the ledger began: shown, not chased."""
    from tracker import takeover
    from tracker.core.naming import Names
    from tracker.engine.beginning import Settled
    from tracker.errors import UsageError, not_among

    if settle is not None and settle not in set(Settled):
        raise not_among("--settle", settle, Settled)
    if settle is None and (note is not None or who is not None):
        raise UsageError("--note and --who go with --settle", "goes_with_settle")
    with given(context).open(lenient=True) as app:
        language = choose_language(app.up_to_date().campaign.language)
        units = None if unit is None else {app.force.unit_id(each) for each in unit}
        if settle is not None:
            number = takeover.settle_before(app, Settled(settle), refs=ref, units=units, who=who, note=note)
            say_result(f"已登记{number}项次" if language == "zh" else f"settled {number}")
            return
        facts = takeover.before(app, refs=ref, units=units)
        names = Names(app.force.campaign, language)
        day = app.force.chase_from
    if output is Format.JSON:
        print_json(facts)
    elif output is Format.CSV:
        print_csv(facts, KEYS)
    else:
        print_table(({**fact, "name": names.titled(fact["ref"])} for fact in facts), COLUMNS, language)
        say(_told(facts, str(day), is_chinese=language == "zh"))


def _told(facts: list[Fact], day: str, *, is_chinese: bool) -> str:
    number = sum(fact["units"] for fact in facts)
    if is_chinese:
        return f"{day}以前到期、尚未登记的共{number}项次，不予催报"
    return f"{number} were due before {day} and have no answer; they are not chased"
