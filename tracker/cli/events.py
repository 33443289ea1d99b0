"""``submit``, ``accept``, ``return``, ``extend``, …: what happens to an assignment."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from tracker.cli.context import given, parse_day, parse_moment
from tracker.cli.output import choose_language, say_result, stands, told
from tracker.i18n.message import say_day
from tracker.i18n.terms import word

if TYPE_CHECKING:
    from tracker.core.model import Campaign
    from tracker.i18n.catalogue import Language
    from tracker.ledger.status import LedgerRow

RefArgument = Annotated[str, typer.Argument(metavar="REF", help="assignment")]
UnitOption = Annotated[str, typer.Option("--unit", metavar="UNIT", help="unit")]
OnOption = Annotated[str | None, typer.Option("--on", metavar="TIME", help="on")]
NoteOption = Annotated[str | None, typer.Option("--note", metavar="TEXT", help="note")]
WhoOption = Annotated[str | None, typer.Option("--who", metavar="NAME", help="who")]
ReasonOption = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="reason")]


def submit(
    context: typer.Context,
    ref: RefArgument,
    unit: UnitOption,
    count: Annotated[int | None, typer.Option(min=1, metavar="N")] = None,
    on: OnOption = None,
    nil: Annotated[bool, typer.Option("--nil")] = False,
    note: NoteOption = None,
    who: WhoOption = None,
) -> None:
    """Answer an assignment: done, or nil."""
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
    """Send back what was submitted, with a reason."""
    _record(context, "return", ref, unit, reason=reason, on=on, note=note, who=who)


def extend(
    context: typer.Context,
    ref: RefArgument,
    unit: UnitOption,
    until: Annotated[str, typer.Option(metavar="DATE")],
    reason: ReasonOption = None,
    force: Annotated[bool, typer.Option("--force")] = False,
    on: OnOption = None,
    note: NoteOption = None,
    who: WhoOption = None,
) -> None:
    """Grant a later date; the nominal date stays visible."""
    _record(context, "extend", ref, unit, until=until, reason=reason, forced=force, on=on, note=note, who=who)


def plain(name: str) -> Callable[..., None]:
    """A command that needs no more than a reference, a unit and perhaps a reason."""

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
    from tracker.usecases import ledger

    with given(context).open(lenient=True) as app:
        zone = app.snapshot.zone
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
        row = ledger.record(app, event, forced=forced)
        campaign = app.snapshot.campaign
    say_result(_told(row, campaign, choose_language(campaign.language)))


def _told(row: LedgerRow, campaign: Campaign, language: Language) -> str:
    """How it stands now: 表二（2022年6月应报，5月份情况） 万州区应急管理局：逾期办结，截止日期2022年6月6日 [table-2@2022-06]."""
    from tracker.core.naming import Names

    parts = [word(row.word, language)]
    if row.target is not None:
        parts.append(told("event.quota", language, of=row.target, done=row.answer.progress))
    if row.dates.effective_due is not None:
        parts.append(told("event.due", language, due=say_day(language, row.dates.effective_due)))
    name = f"{Names(campaign, language).occurrence(row.ref)} {campaign.unit_name(row.unit)}"
    return stands(name, parts, row.ref, language)
