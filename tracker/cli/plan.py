"""``plan``: what the edited files would change, as a person would read a diff."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tracker.cli.context import given
from tracker.cli.output import Format, FormatOption, choose_language, print_csv, print_json, say_result, told
from tracker.i18n.message import say_fact
from tracker.i18n.terms import word

if TYPE_CHECKING:
    from tracker.core.model import Campaign
    from tracker.core.naming import Names
    from tracker.i18n.catalogue import Language
    from tracker.service.app import App
    from tracker.usecases.json_facts import Fact

KEYS = ("change", "ref", "unit", "from", "to")

#: What is answered, and what is not, may count anew: after another quota, or a word in the files.
ANSWERS = {
    "reopened": "<",
    "answered": ">",
}

#: So many units are named in a line; more are a number.
NAMED = 3

#: So many lines of mails are shown; more are a number.
SHOWN_MAILS = 20


def plan(
    context: typer.Context,
    days: Annotated[int, typer.Option(min=1, max=366, metavar="N")] = 14,
    output: FormatOption = Format.TABLE,
) -> None:
    """What would appear, move or vanish, and which mails come or go; changes nothing."""
    from tracker.usecases import ledger

    with given(context).open() as app:
        facts = ledger.planned_changes(app, days)
        if output is Format.JSON:
            print_json(facts)
        elif output is Format.CSV:
            print_csv(_rows(facts), KEYS)
        else:
            for line in _lines(facts, app, choose_language(app.snapshot.campaign.language), days):
                say_result(line)


class _Called:
    """What things and units are called by the edited files; what these have no more by those that were in force."""

    def __init__(self, edited: Campaign, before: Campaign | None, language: Language) -> None:
        from tracker.core.naming import Names

        self.language = language
        self._edited, self._before = edited, before or edited
        self._new, self._old = Names(edited, language), Names(self._before, language)

    def _by(self, ref: str) -> Names:
        return self._new if ref.partition("@")[0] in self._edited.definitions else self._old

    def occurrence(self, ref: str) -> str:
        """任务1 · 表二（2022年6月应报，5月份情况）."""
        return self._by(ref).occurrence(ref)

    def definition(self, key: str) -> str:
        """表二."""
        return self._by(key).definition(key)

    def unit(self, unit: str) -> str:
        """万州区."""
        return (self._edited if unit in self._edited.units else self._before).short_unit_name(unit)


def _rows(facts: Fact) -> Iterator[Fact]:
    found = facts["assignments"]
    for row in found["added"]:
        yield {"change": "added", "from": None, "to": row["due"], **row}
    for row in found["removed"]:
        yield {"change": "removed", "from": row["due"], "to": None, **row}
    for row in found["moved"]:
        yield {"change": "moved", **row}
    for row in facts["left_out"]:
        yield {"change": "left_out", "from": row["due"], "to": None, **row}
    for change, rows in facts["answers"].items():
        for row in rows:
            yield {"change": change, "from": row["due"], "to": row["due"], **row}


def _lines(facts: Fact, app: App, language: Language, days: int) -> Iterator[str]:
    found = facts["assignments"]
    last = app.last_in_force()
    names = _Called(app.snapshot.campaign, None if last is None else last.campaign, language)
    yield from _of(found["added"], "+", names, lambda row: row["due"] or "—")
    yield from _of(found["removed"], "-", names, lambda row: row["due"] or "—")
    arrow = "→"
    yield from _of(found["moved"], "~", names, lambda row: f"{row['from'] or '—'} {arrow} {row['to'] or '—'}")
    yield from _left_out(facts["left_out"], names)
    for change, sign in ANSWERS.items():
        rows, beside = facts["answers"][change], f"  {told(f'plan.{change}', language)}"
        yield from _of(rows, sign, names, lambda row: row["due"] or "—", beside)
    for held in facts["held"]:
        yield f"! {held[language]}"
    mails = facts["mails"]
    lines = [*_mail_lines(mails["added"], "+", names), *_mail_lines(mails["removed"], "-", names)]
    if not lines and not any((*found.values(), facts["left_out"], *facts["answers"].values())):
        if not facts["held"]:
            yield told("plan.nothing", language)
        return
    yield told("plan.mails", language, days=days)
    yield from lines[:SHOWN_MAILS]
    if len(lines) > SHOWN_MAILS:
        yield f"  {told('plan.more_mails', language, n=len(lines) - SHOWN_MAILS)}"
    elif not lines:
        yield f"  {told('plan.no_mails', language)}"


def _of(rows: list[Fact], sign: str, names: _Called, when: Any, beside: str = "") -> Iterator[str]:
    """One line for the units that share a reference and its dates, with what is told ``beside``."""
    for (ref, dates), group in groupby(rows, key=lambda row: (row["ref"], when(row))):
        units = [names.unit(row["unit"]) for row in group]
        yield f"{sign} {ref:<24} {dates}  {names.occurrence(ref)}  {_named(units, names.language)}{beside}"


def _left_out(rows: list[Fact], names: _Called) -> Iterator[str]:
    """One line for the past periods of each definition that units which join are not asked for."""
    periods: defaultdict[str, dict[str, str]] = defaultdict(dict)
    units: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for row in rows:
        key = row["ref"].partition("@")[0]
        periods[key][row["ref"]] = row["due"]
        units[key][row["unit"]] = names.unit(row["unit"])
    for key, dues in periods.items():
        first, *_, last = (*dues, *dues)
        dates = dues[first] if first == last else f"{dues[first]} … {dues[last]}"
        beside = told("plan.left_out", names.language, n=len(dues))
        named = _named([*units[key].values()], names.language)
        yield f". {key:<24} {dates}  {names.definition(key)}  {named}  {beside}"


def _named(units: list[str], language: Language) -> str:
    if len(units) <= NAMED:
        return str(say_fact(units, language))
    return told("plan.units", language, first=units[:NAMED], n=len(units), more=len(units) - NAMED)


def _mail_lines(mails: list[Fact], sign: str, names: _Called) -> Iterator[str]:
    language = names.language
    for mail in mails:
        named = list(dict.fromkeys(names.occurrence(item["ref"]) for item in mail["items"]))
        shown = f"{say_fact(named[:NAMED], language)}{' …' if len(named) > NAMED else ''}"
        kind = "" if mail["whole"] else told("plan.in_it", language)
        yield f"{sign} {mail['on']} {mail['to'][0]}{kind}: {shown or word(mail['kind'], language)}"
