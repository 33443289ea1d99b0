"""What a file says of itself beside its header: in its title, on its sheet and in its name.

The header holds; what contradicts it is asked about at its cell, as whoever copies a file forgets just these.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.form import Form, comparable
from tracker.filing.filings import RequestedTable
from tracker.filing.match_period import due_month
from tracker.filing.provenance import Provenance
from tracker.forms.book import Place
from tracker.forms.check.figures import chinese_digits, half_width
from tracker.forms.check.form_fields import month_before
from tracker.forms.check.recognised import Recognised
from tracker.forms.finding import Finding, Weight
from tracker.i18n.message import Message

_LONGEST_TITLE = 200
_ANNEX = re.compile(r"附件\d{1,2}")
#: How the title of a table ends.
_TITLE_END = re.compile(r"表(?:[(（][^()（）]*[)）])?$")
_YEAR = re.compile(r"(?<!\d)(20\d\d)年")
#: A month that is no part of a day: the day of a name is that of writing.
_MONTH = re.compile(r"(?<!\d)(1[0-2]|0?[1-9])月(?!\d{1,2}[日号])")


@dataclass(frozen=True, slots=True)
class Statement:
    """Words of a file beside its header; ``where`` is how their place is called, ``place`` the cell that has them."""

    where: Message
    text: str
    sheet: str | None = None
    place: Place | None = None

    @property
    def plain(self) -> str:
        """Half-width, without blanks, its numerals in digits."""
        return chinese_digits("".join(half_width(self.text).split()))


def titles(snapshot: CampaignSnapshot, found: Recognised) -> list[Statement]:
    """The cells above its header that are its title."""
    fields = {place[0] for place, _ in found.fields.values()}
    known = [comparable(form.title) for form in snapshot.campaign.forms.values()]
    cells = [
        (place, cell.value)
        for place, cell in found.sheet.cells.items()
        if place[0] < found.head_rows[0] and place[0] not in fields and isinstance(cell.value, str)
    ]
    return [
        Statement(Message("findings.beside.title"), text, found.sheet.name, place)
        for place, text in cells
        if len(text) < _LONGEST_TITLE
        and (
            _ANNEX.search("".join(half_width(text).split()))
            or _TITLE_END.search("".join(text.split()))
            or any(title in comparable(text) for title in known)
        )
    ]


def contradictions(
    snapshot: CampaignSnapshot, found: Recognised, table: RequestedTable, came: Provenance
) -> Iterator[Finding]:
    """What is asked where they say another unit, month or form than the one for which the file is taken."""
    for each in titles(snapshot, found):
        yield from _about_unit(snapshot, table, each)
        yield from _about_form(snapshot, found.form, each, frozenset())
        yield from _about_month(table, each)
    sheet = Statement(Message("findings.beside.sheet"), found.sheet.name, found.sheet.name)
    yield from _about_unit(snapshot, table, sheet)
    names = [sheet]
    if found.mark is None:
        path = PurePosixPath(came.path)
        names.append(Statement(Message("findings.beside.file"), path.stem or path.name))
    for each in names:
        # A sheet or a file that holds several forms may be called after one of them.
        yield from _about_form(snapshot, found.form, each, came.forms)
        yield from _about_month(table, each)


def unit_called(snapshot: CampaignSnapshot, text: str) -> str | None:
    """The id of the unit that ``text`` names, perhaps with more around it; None where none is meant clearly."""
    wanted = comparable(text)
    names = snapshot.units_by_plain_name
    if wanted in names or wanted in snapshot.campaign.units:
        return names.get(wanted, wanted)
    within = sorted((name for name in names if name in wanted), key=len)
    if not within:
        return None
    # 重庆市万州区应急管理局 has the names of the city's bureau and of the district's in it: the longest counts.
    longest = within[-1]
    others = {names[name] for name in within if name not in longest}
    return names[longest] if not others - {names[longest]} else None


def _about_unit(snapshot: CampaignSnapshot, table: RequestedTable, statement: Statement) -> Iterator[Finding]:
    named = unit_called(snapshot, statement.text)
    if named is None or named == table.unit or named not in table.row.definition.units:
        return
    name, theirs = snapshot.campaign.unit_name(table.unit), snapshot.campaign.unit_name(named)
    yield _asked(statement, "findings.beside.unit", theirs=theirs, name=name)


def _about_form(
    snapshot: CampaignSnapshot, own: Form, statement: Statement, held: frozenset[str]
) -> Iterator[Finding]:
    annexes = set(_ANNEX.findall(statement.plain))
    text = comparable(statement.text)
    named = [
        form
        for form in snapshot.campaign.forms.values()
        if (form.annex or "") in annexes or comparable(form.title) in text
    ]
    if not named or own in named or any(form.id in held for form in named):
        return
    other, name = named[0].annex or named[0].title, own.annex or own.title
    yield _asked(statement, "findings.beside.form", other=other, name=name)


def _about_month(table: RequestedTable, statement: Statement) -> Iterator[Finding]:
    due = (table.due.year, table.due.month)
    told = month_before(due)
    years = {int(year) for year in _YEAR.findall(statement.plain)}
    months = {int(month) for month in _MONTH.findall(statement.plain)}
    if (years and not years & {due[0], told[0]}) or (months and not months & {due[1], told[1]}):
        yield _asked(statement, "findings.beside.month", due=due_month(table))


def _asked(statement: Statement, key: str, **facts: object) -> Finding:
    text = "".join(statement.text.split())[:60]
    message = Message(key, where=statement.where, text=text, **facts)
    return Finding(Weight.QUESTION, message, statement.sheet, statement.place, text)
