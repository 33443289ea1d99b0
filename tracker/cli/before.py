"""``before``: what was due before the ledger began, listed, settled in bulk, and a settlement taken back."""

from __future__ import annotations

import sys
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
from tracker.i18n.terms import minute, word

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tracker.core.model import Event
    from tracker.i18n.catalogue import Language
    from tracker.ledger.beginning import Scope
    from tracker.ledger.settlement import Preview, SettledState, Settlement, SettlementResult
    from tracker.service.app import App
    from tracker.usecases.json_facts import Fact

COLUMNS = (
    Column("due"),
    Column("units", right=True),
    Column("ref"),
    Column("name", "what", long=True),
)
KEYS = ("ref", "title", "due", "units")

SETTLEMENTS = (
    Column("settlement", right=True),
    Column("at", "recorded_at"),
    Column("way"),
    Column("count", "items", right=True),
    Column("who"),
    Column("note", long=True),
)
SETTLEMENT_KEYS = ("settlement", "at", "how", "count", "who", "via", "note")

#: The columns of CSV: of what would be settled, of what was settled, and of what was taken back.
ITEM_KEYS = ("ref", "due", "units")
OUTCOME_KEYS = ("settlement", "how", "count", "left")
UNDO_KEYS = ("settlement", "how", "count", "standing", "taken_back", "overtaken")


def before(
    context: typer.Context,
    ref: RefsOption = None,
    unit: UnitsOption = None,
    month: Annotated[list[str] | None, typer.Option(metavar="MONTH")] = None,
    settle: Annotated[str | None, typer.Option(metavar="HOW")] = None,
    undo: Annotated[int | None, typer.Option(metavar="N")] = None,
    settlements: Annotated[bool, typer.Option("--settlements")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run")] = False,
    yes: Annotated[bool, typer.Option("--yes")] = False,
    note: NoteOption = None,
    who: WhoOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """What was due before the ledger began: shown, not chased.

    At a terminal a settlement is shown and asked about first.
    """
    from tracker.cli.report import parse_month
    from tracker.errors import UsageError, not_among
    from tracker.ledger.beginning import Scope
    from tracker.ledger.settlement import SettledState
    from tracker.usecases import takeover

    if settle is not None and settle not in set(SettledState):
        raise not_among("--settle", settle, SettledState)
    if (settle is not None) + (undo is not None) + settlements > 1:
        raise UsageError("one_of_settling")
    if settle is None and undo is None and (dry_run or yes or note is not None or who is not None):
        raise UsageError("goes_with_settle")
    if undo is not None and (ref or unit or month):
        raise UsageError("undo_is_of_all")
    months = None if month is None else {parse_month(each).first for each in month}
    asks = sys.stdin.isatty() and not yes
    with given(context).open(lenient=True) as app:
        language = choose_language(app.up_to_date().campaign.language)
        scope = Scope(ref, unit_ids(app, unit), months)
        if settle is not None:
            _settle(
                app,
                SettledState(settle),
                scope,
                language,
                output,
                dry_run=dry_run,
                asks=asks,
                who=who,
                note=note,
            )
        elif undo is not None:
            _undo(app, undo, language, output, dry_run=dry_run, asks=asks, who=who, note=note)
        elif settlements:
            _list_settlements(app, language, output)
        else:
            _list(takeover.before(app, scope), app, language, output)


def _list(facts: list[Fact], app: App, language: Language, output: Format) -> None:
    from tracker.ledger.beginning import over_before

    if output is Format.JSON:
        print_json(facts)
    elif output is Format.CSV:
        print_csv(facts, KEYS)
    else:
        _print_items(((each["ref"], each["due"], each["units"]) for each in facts), app, language)
        day = over_before(app.snapshot, app.snapshot.day(app.clock.now()))
        say(told("before.listed", language, day=day, n=sum(fact["units"] for fact in facts)))


def _print_items(items: Iterable[tuple[str, object, int]], app: App, language: Language) -> None:
    from tracker.core.naming import Names

    names = Names(app.snapshot.campaign, language)
    rows = (
        {"due": due, "units": number, "ref": ref, "name": names.titled(ref)} for ref, due, number in items
    )
    print_table(rows, COLUMNS, language)


def _settle(
    app: App,
    how: SettledState,
    scope: Scope,
    language: Language,
    output: Format,
    *,
    dry_run: bool,
    asks: bool,
    who: str | None,
    note: str | None,
) -> None:
    from tracker.usecases import takeover

    seen = None
    if dry_run or asks:
        found = takeover.preview(app, how, scope)
        seen = found.seen
        if output is Format.JSON and dry_run:
            print_json(takeover.preview_facts(how, found))
        elif output is Format.CSV and dry_run:
            print_csv(takeover.preview_facts(how, found)["items"], ITEM_KEYS)
        elif output is Format.TABLE:
            occasions = takeover.occasions(found.rows)
            _print_items(((each.ref, each.due, len(each.units)) for each in occasions), app, language)
        say(_would(how, found, language))
        if dry_run or not found.rows:
            return
        _ask("before.ask", language)
    outcome = takeover.settle(app, how, scope, who=who, note=note, seen=seen)
    if output is Format.TABLE:
        say_result(_done(how, outcome, language))
    else:
        _print_one(takeover.outcome_facts(app.snapshot, how, outcome), OUTCOME_KEYS, output)
    for each in outcome.left:
        say(told("before.left", language, what=_happened(app, each, language)))


def _print_one(facts: Fact, keys: Sequence[str], output: Format) -> None:
    """As JSON, or as the one row of a CSV with the columns ``keys``."""
    if output is Format.CSV:
        print_csv([facts], keys)
    else:
        print_json(facts)


def _undo(
    app: App,
    number: int,
    language: Language,
    output: Format,
    *,
    dry_run: bool,
    asks: bool,
    who: str | None,
    note: str | None,
) -> None:
    from tracker.ledger.settlement import SettledFate
    from tracker.usecases import takeover

    found = takeover.find(app, number)
    count = len(found.having(SettledFate.STANDS))
    if dry_run or asks:
        said = {"number": number, "how": _how(found.how, language), "all": len(found.parts), "n": count}
        say(told("before.would_undo", language, **said))
    if not dry_run:
        if asks and count:
            _ask("before.ask_undo", language)
        count = takeover.undo(app, number, who=who, note=note)
        found = takeover.find(app, number)
    if output is not Format.TABLE:
        _print_one(takeover.settlement_facts(app.snapshot, found), UNDO_KEYS, output)
    elif not dry_run:
        key = "before.undone" if count else "before.undone_none"
        say_result(told(key, language, number=number, n=count))
    _tell_overtaken(app, found, language)


def _list_settlements(app: App, language: Language, output: Format) -> None:
    from tracker.usecases import takeover

    facts = [takeover.brief_facts(app.snapshot, each) for each in takeover.settlements(app)]
    if output is Format.JSON:
        print_json(facts)
    elif output is Format.CSV:
        print_csv(facts, SETTLEMENT_KEYS)
    else:
        rows = ({**each, "at": minute(each["at"]), "way": _how(each["how"], language)} for each in facts)
        print_table(rows, SETTLEMENTS, language)


def _ask(question: str, language: Language) -> None:
    """Ends the command with 1 where the answer is no."""
    if not typer.confirm(told(question, language), err=True):
        say(told("before.unchanged", language))
        raise typer.Exit(1)


def _how(how: str, language: Language) -> str:
    """What a settlement records, by its name in the contract."""
    return told(f"before.how.{how}", language)


def _would(how: SettledState, found: Preview, language: Language) -> str:
    from tracker.usecases.takeover import afterwards

    after = [f"{word(each.word, language)} {each.count}" for each in afterwards(found.rows)]
    said = told("before.would", language, n=len(found.rows), how=_how(how, language))
    if not after:
        return said
    return told("before.would_stand", language, said=said, after=told("comma", language).join(after))


def _done(how: SettledState, outcome: SettlementResult, language: Language) -> str:
    key = "before.settled_none" if outcome.number is None else "before.settled"
    return told(key, language, n=outcome.count, how=_how(how, language), number=outcome.number)


def _tell_overtaken(app: App, found: Settlement, language: Language) -> None:
    from tracker.core.naming import Names
    from tracker.ledger.settlement import SettledFate

    names = Names(app.snapshot.campaign, language)
    for each in found.having(SettledFate.OVERTAKEN, SettledFate.TAKEN_OUT):
        if each.later is not None:
            say(told("before.overtaken", language, what=_happened(app, each.later, language)))
        else:
            what = f"{app.snapshot.campaign.unit_name(each.unit)} {names.occurrence(each.ref)}"
            say(told("before.taken_out", language, what=what))


def _happened(app: App, event: Event, language: Language) -> str:
    """万州区应急管理局 表二（2022年5月应报，4月份情况）：报送，李四."""
    from tracker.core.naming import Names

    what = f"{app.snapshot.campaign.unit_name(event.unit)} {Names(app.snapshot.campaign, language).occurrence(event.ref)}"
    by = [word(event.event.value, language), *([event.who] if event.who else [])]
    return told("before.happened", language, what=what, by=told("comma", language).join(by))
