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
    pick,
    print_csv,
    print_json,
    print_table,
    say,
    say_result,
)
from tracker.cli.table import Column
from tracker.i18n.terms import word

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from tracker.core.model import Event
    from tracker.i18n.catalogue import Language
    from tracker.ledger.beginning import Scope
    from tracker.ledger.settlement import Outcome, Preview, Settled, Settlement
    from tracker.service.app import App
    from tracker.usecases.json_facts import Fact

COLUMNS = (
    Column("due", "截止日期", "due"),
    Column("units", "单位数", "units", right=True),
    Column("ref", "编号", "ref"),
    Column("name", "事项", "what", long=True),
)
KEYS = ("ref", "title", "due", "units")

SETTLEMENTS = (
    Column("settlement", "批次", "settlement", right=True),
    Column("at", "登记时间", "recorded"),
    Column("way", "登记为", "as"),
    Column("count", "项次", "items", right=True),
    Column("who", "经办人", "who"),
    Column("note", "备注", "note", long=True),
)
SETTLEMENT_KEYS = ("settlement", "at", "how", "count", "who", "via", "note")

#: The columns of CSV: of what would be settled, of what was settled, and of what was taken back.
ITEM_KEYS = ("ref", "due", "units")
OUTCOME_KEYS = ("settlement", "how", "count", "left")
UNDO_KEYS = ("settlement", "how", "count", "standing", "taken_back", "overtaken")

#: What a settlement records, by its name in the contract.
HOW = {
    "submit": ("已报送", "submitted"),
    "nil": ("零报告", "nil returns"),
    "accept": ("已销号", "accepted"),
    "waive": ("免报", "waived"),
}

_ASK = ("确认登记", "Record this")
_ASK_UNDO = ("确认撤销", "Take this back")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("before", short_help="台账建立前事项 · What was due before it began")(before)


def before(
    context: typer.Context,
    ref: RefsOption = None,
    unit: UnitsOption = None,
    month: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MONTH", help="到期月份，如 2022-05，可写多次 · Only what was due then; may be repeated"
        ),
    ] = None,
    settle: Annotated[
        str | None,
        typer.Option(
            metavar="HOW",
            help="成批登记：submit 已报送、nil 零报告、accept 已销号、waive 免报 · Settle all that is listed",
        ),
    ] = None,
    undo: Annotated[int | None, typer.Option(metavar="N", help="撤销批次 N · Take settlement N back")] = None,
    settlements: Annotated[
        bool, typer.Option("--settlements", help="列出登记批次 · List the settlements")
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="只核对，不登记 · Show what would be recorded, and record nothing"),
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="不再询问 · Do not ask (nobody is asked but at a terminal)")
    ] = False,
    note: NoteOption = None,
    who: WhoOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """台账建立前事项：只列出，不催报 · What was due before the ledger began: shown, not chased.

    登记前在终端上先列出清单并询问；登记后可整批撤销 · At a terminal a settlement is shown and asked about first.
    """
    from tracker.cli.report import parse_month
    from tracker.errors import UsageError, not_among
    from tracker.ledger.beginning import Scope
    from tracker.ledger.settlement import Settled
    from tracker.usecases import takeover

    if settle is not None and settle not in set(Settled):
        raise not_among("--settle", settle, Settled)
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
                app, Settled(settle), scope, language, output, dry_run=dry_run, asks=asks, who=who, note=note
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
        say(_told(facts, over_before(app.force, app.force.day(app.clock.now())), language))


def _print_items(items: Iterable[tuple[str, object, int]], app: App, language: Language) -> None:
    from tracker.core.naming import Names

    names = Names(app.force.campaign, language)
    rows = (
        {"due": due, "units": number, "ref": ref, "name": names.titled(ref)} for ref, due, number in items
    )
    print_table(rows, COLUMNS, language)


def _told(facts: list[Fact], day: date, language: Language) -> str:
    number = sum(fact["units"] for fact in facts)
    zh = f"{day}以前到期、尚未登记的共{number}项次，不予催报"
    return pick((zh, f"{number} were due before {day} and have no answer; they are not chased"), language)


def _settle(
    app: App,
    how: Settled,
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
        _ask(_ASK, language)
    outcome = takeover.settle(app, how, scope, who=who, note=note, seen=seen)
    if output is Format.TABLE:
        say_result(_done(how, outcome, language))
    else:
        _print_one(takeover.outcome_facts(app.force, how, outcome), OUTCOME_KEYS, output)
    for each in outcome.left:
        say(_left(app, each, language))


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
    from tracker.ledger.settlement import Fate
    from tracker.usecases import takeover

    found = takeover.find(app, number)
    count = len(found.having(Fate.STANDS))
    if dry_run or asks:
        zh = f"批次{number}（登记为{pick(HOW[found.how], 'zh')}）共{len(found.parts)}项次，将撤销{count}项次"
        en = f"settlement {number} ({pick(HOW[found.how], 'en')}): {count} of {len(found.parts)} would be taken back"
        say(pick((zh, en), language))
    if not dry_run:
        if asks and count:
            _ask(_ASK_UNDO, language)
        count = takeover.undo(app, number, who=who, note=note)
        found = takeover.find(app, number)
    if output is not Format.TABLE:
        _print_one(takeover.settlement_facts(app.force, found), UNDO_KEYS, output)
    elif not dry_run:
        zh, en = f"已撤销批次{number}的{count}项次", f"took back {count} of settlement {number}"
        if not count:
            zh, en = f"批次{number}没有可撤销的", f"nothing of settlement {number} is left to take back"
        say_result(pick((zh, en), language))
    _tell_overtaken(app, found, language)


def _list_settlements(app: App, language: Language, output: Format) -> None:
    from tracker.usecases import takeover

    facts = [takeover.brief_facts(app.force, each) for each in takeover.settlements(app)]
    if output is Format.JSON:
        print_json(facts)
    elif output is Format.CSV:
        print_csv(facts, SETTLEMENT_KEYS)
    else:
        rows = (
            {**each, "at": each["at"][:16].replace("T", " "), "way": pick(HOW[each["how"]], language)}
            for each in facts
        )
        print_table(rows, SETTLEMENTS, language)


def _ask(question: Sequence[str], language: Language) -> None:
    """Ends the command with 1 where the answer is no."""
    if not typer.confirm(pick(question, language), err=True):
        say(pick(("未作变动", "nothing was changed"), language))
        raise typer.Exit(1)


def _would(how: Settled, found: Preview, language: Language) -> str:
    from tracker.usecases.takeover import afterwards

    after = [f"{word(each.word, language)} {each.count}" for each in afterwards(found.rows)]
    zh = f"将{len(found.rows)}项次登记为{HOW[how][0]}，不发邮件"
    en = f"{len(found.rows)} would be recorded as {HOW[how][1]}; no mail goes"
    if after:
        zh += f"；登记后：{'，'.join(after)}"
        en += f"; they would stand: {', '.join(after)}"
    return pick((zh, en), language)


def _done(how: Settled, outcome: Outcome, language: Language) -> str:
    if outcome.number is None:
        return pick(("已登记0项次", "settled 0"), language)
    again = f"tracker before --undo {outcome.number}"
    zh = f"已登记{outcome.count}项次（{HOW[how][0]}），批次{outcome.number}；撤销：{again}"
    return pick(
        (zh, f"settled {outcome.count} ({HOW[how][1]}), settlement {outcome.number}; undo: {again}"), language
    )


def _left(app: App, event: Event, language: Language) -> str:
    what = _happened(app, event, language)
    return pick(
        (f"核对期间已另行办理，未登记：{what}", f"answered meanwhile, and left alone: {what}"), language
    )


def _tell_overtaken(app: App, found: Settlement, language: Language) -> None:
    from tracker.core.naming import Names
    from tracker.ledger.settlement import Fate

    names = Names(app.force.campaign, language)
    for each in found.having(Fate.OVERTAKEN, Fate.TAKEN_OUT):
        if each.later is not None:
            what = _happened(app, each.later, language)
            say(
                pick(
                    (f"登记后又有办理，未撤销：{what}", f"overtaken since, and left alone: {what}"), language
                )
            )
        else:
            what = f"{app.force.campaign.unit_name(each.unit)} {names.occurrence(each.ref)}"
            say(
                pick(
                    (f"已从清单中删去，未撤销：{what}", f"taken out of the files, and left alone: {what}"),
                    language,
                )
            )


def _happened(app: App, event: Event, language: Language) -> str:
    """万州区应急管理局 表二（2022年5月应报，4月份情况）：报送，李四."""
    from tracker.core.naming import Names

    what = f"{app.force.campaign.unit_name(event.unit)} {Names(app.force.campaign, language).occurrence(event.ref)}"
    by = [word(event.event.value, language), *([event.who] if event.who else [])]
    return pick((f"{what}：{'，'.join(by)}", f"{what}: {', '.join(by)}"), language)
