"""``submit``, ``accept``, ``return``, ``extend``, …: what happens to an assignment."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from tracker.cli.context import given, parse_day, parse_moment
from tracker.cli.output import choose_language, pick, say_result
from tracker.i18n.message import say_day
from tracker.i18n.terms import word

if TYPE_CHECKING:
    from tracker.core.model import Campaign
    from tracker.i18n.catalogue import Language
    from tracker.ledger.status import LedgerRow

RefArgument = Annotated[
    str, typer.Argument(metavar="REF", help="编号，如 table-2@2022-05 · Such as table-2@2022-05")
]
UnitOption = Annotated[
    str, typer.Option("--unit", metavar="UNIT", help="单位标识、名称或简称 · The unit: id, name or alias")
]
OnOption = Annotated[
    str | None,
    typer.Option("--on", metavar="TIME", help="办理日期或时间 · When it counts from (default: now)"),
]
NoteOption = Annotated[
    str | None, typer.Option("--note", metavar="TEXT", help="备注 · A note for the record")
]
WhoOption = Annotated[
    str | None,
    typer.Option("--who", metavar="NAME", help="经办人 · Who did it (default: your login name)"),
]
ReasonOption = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="理由 · Why")]

#: What is said of a quota, and of a date.
_DONE = ("应完成{of}，已完成{done}", "{done} of {of}")
_DUE = ("截止日期{due}", "due {due}")

#: Commands that need no more than a reference, a unit and perhaps a reason.
PLAIN = {
    "accept": "销号 · Accept what was submitted, and close it",
    "waive": "免报 · It need not be answered",
    "pause": "暂停 · No reminders until resumed",
    "resume": "恢复 · Reminders go on",
    "undo": "撤销上一次办理 · Take back the last event",
}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("submit", short_help="报送 · Answer it: done, or nil")(submit)
    app.command("return", short_help="退回 · Send back what was submitted")(send_back)
    app.command("extend", short_help="延期 · Grant a later date")(extend)
    for name, text in PLAIN.items():
        app.command(name, help=f"{text}.", short_help=text)(_plain(name))


def submit(
    context: typer.Context,
    ref: RefArgument,
    unit: UnitOption,
    count: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="完成数量 · How many, for a quota")
    ] = None,
    on: OnOption = None,
    nil: Annotated[bool, typer.Option("--nil", help="零报告 · A nil return")] = False,
    note: NoteOption = None,
    who: WhoOption = None,
) -> None:
    """报送 · Answer an assignment: done, or nil."""
    _record(context, "nil" if nil else "submit", ref, unit, count=count, on=on, note=note, who=who)


def send_back(
    context: typer.Context,
    ref: RefArgument,
    unit: UnitOption,
    reason: ReasonOption = None,
    on: OnOption = None,
    note: NoteOption = None,
    who: WhoOption = None,
) -> None:
    """退回 · Send back what was submitted, with a reason."""
    _record(context, "return", ref, unit, reason=reason, on=on, note=note, who=who)


def extend(
    context: typer.Context,
    ref: RefArgument,
    unit: UnitOption,
    until: Annotated[str, typer.Option(metavar="DATE", help="延期至 · The new last day")],
    reason: ReasonOption = None,
    force: Annotated[
        bool, typer.Option("--force", help="逾期后仍予延期 · Even though its time is up")
    ] = False,
    on: OnOption = None,
    note: NoteOption = None,
    who: WhoOption = None,
) -> None:
    """延期 · Grant a later date; the nominal date stays visible."""
    _record(context, "extend", ref, unit, until=until, reason=reason, forced=force, on=on, note=note, who=who)


def _plain(name: str) -> Callable[..., None]:
    def command(
        context: typer.Context,
        ref: RefArgument,
        unit: UnitOption,
        reason: ReasonOption = None,
        on: OnOption = None,
        note: NoteOption = None,
        who: WhoOption = None,
    ) -> None:
        _record(context, name, ref, unit, reason=reason, on=on, note=note, who=who)

    return command


def _record(
    context: typer.Context,
    kind: str,
    ref: str,
    unit: str,
    *,
    on: str | None,
    note: str | None,
    who: str | None,
    count: int | None = None,
    until: str | None = None,
    reason: str | None = None,
    forced: bool = False,
) -> None:
    from tracker.core.model import Event, EventKind
    from tracker.usecases import desk

    with given(context).open(lenient=True) as app:
        zone = app.force.zone
        event = Event(
            at=app.clock.now() if on is None else parse_moment(on, "--on", zone),
            ref=ref,
            unit=unit,
            event=EventKind(kind),
            count=count,
            until=None if until is None else parse_day(until, "--until"),
            who=who,
            reason=reason,
            note=note,
        )
        row = desk.record(app, event, forced=forced)
        campaign = app.force.campaign
    say_result(_told(row, campaign, choose_language(campaign.language)))


def _told(row: LedgerRow, campaign: Campaign, language: Language) -> str:
    """How it stands now: 表二（2022年6月应报，5月份情况） 万州区应急管理局：逾期办结，截止日期2022年6月6日 [table-2@2022-06]."""
    from tracker.core.naming import Names

    state = word(row.word, language)
    facts = {"done": row.answer.progress, "of": row.target, "due": say_day(language, row.dates.effective_due)}
    beside = [
        pick(words, language).format(**facts)
        for words, is_to_be_said in ((_DONE, row.target is not None), (_DUE, row.dates.effective_due))
        if is_to_be_said
    ]
    colon, comma = pick(("：", ": "), language), pick(("，", ", "), language)
    name, unit = Names(campaign, language).occurrence(row.ref), campaign.unit_name(row.unit)
    return f"{name} {unit}{colon}{comma.join((state, *beside))} [{row.ref}]"
