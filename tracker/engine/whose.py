"""Whose table a file is: the unit and the assignment, by its hidden mark, else by what stands in its header.

A file that contradicts itself is asked about: a neighbour's copy with another name on it, or last month's file sent
again, must never take the place of good figures.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlmodel import Session

from tracker.core.form import Said, comparable
from tracker.engine.filings import Table, in_force_filings, tables_due
from tracker.engine.inforce import InForce
from tracker.forms.finding import Finding, Weight
from tracker.forms.recognised import Recognised, header_month

#: So long after a deadline a table without a mark still counts for it, if nothing has come in.
LATE_DAYS = 15
#: A table without any date is taken for the one that is due within so many days.
_SOON = 31
_MONTH = re.compile(r"(?<!\d)(1[0-2]|0?[1-9])月")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What whoever takes a file in has said about it: a unit (id), a month (its first day).

    With ``only``, a reference, it was handed in for this very table of the unit: a file that says of itself that it is
    another unit's, or another table, is refused.
    """

    unit: str | None = None
    month: date | None = None
    only: str | None = None


@dataclass(frozen=True, slots=True)
class Whose:
    """The table that a file answers, and what is to be asked about that."""

    table: Table
    questions: tuple[Finding, ...] = ()


def whose(
    session: Session, force: InForce, found: Recognised, wanted: Wanted, now: datetime
) -> Whose | Finding:
    """Which table of which unit ``found`` is; an error where that cannot be told."""
    named = _named(force, found)
    unit = _own_unit(force, found, wanted) if wanted.only is not None else _unit(force, found, wanted, named)
    if isinstance(unit, Finding):
        return unit
    tables = tables_due(session, force, now, date.min, date.max, units=[unit], forms=[found.form.id])
    if not tables:
        return _about_unit(
            found,
            Said(
                f"{force.campaign.unit_name(unit)}没有报送此表的任务",
                f"this table is not asked of {force.campaign.unit_name(unit)}",
            ),
        )
    answer = _Period(session, force, found, tables, force.day(now)).choose(wanted)
    if isinstance(answer, Finding) or wanted.unit is not None:
        return answer
    return replace(answer, questions=(*_about_name(force, found, unit, named), *answer.questions))


def _named(force: InForce, found: Recognised) -> str | None:
    """The unit that the name of the file names, if this form is asked of it."""
    unit = unit_called(force, found.file.rpartition(".")[0] or found.file)
    owing = (each.units for each in force.campaign if force.form(each) is found.form)
    return unit if any(unit in units for units in owing) else None


def _about_name(force: InForce, found: Recognised, unit: str, named: str | None) -> Iterator[Finding]:
    """What is asked where only the name of the file says whose it is, or says something else than the header."""
    if named is None or found.mark is not None:
        return
    name, theirs = force.campaign.unit_name(unit), force.campaign.unit_name(named)
    if not found.unit_text:
        said = Said(
            f"没有填写填表单位，按文件名作为{name}的表",
            f"the unit is not filled in; taken for {name} by the name of the file",
        )
    elif named != unit:
        said = Said(
            f"文件名写的是{theirs}，表里的填表单位是{name}；按{name}的表收，请核对",
            f"the name of the file says {theirs}, and its header {name}; taken for {name}, please check",
        )
    else:
        return
    yield replace(_about_unit(found, said), weight=Weight.QUESTION)


def _unit(force: InForce, found: Recognised, wanted: Wanted, named: str | None) -> str | Finding:
    if wanted.unit is not None:
        return wanted.unit
    written = unit_called(force, found.unit_text or "")
    marked = found.mark.unit if found.mark is not None else None
    if marked in force.campaign.units:
        if written is None or written == marked:
            return str(marked)
        return _about_unit(
            found,
            Said(
                f"此文件是发给{force.campaign.unit_name(str(marked))}的，填表单位却写着{found.unit_text}；"
                "请用本单位的表格填报",
                f"this file was made for {force.campaign.unit_name(str(marked))}, but its header says "
                f"{found.unit_text}: fill in your own unit's form",
            ),
        )
    if written is not None:
        return written
    if not found.unit_text and named is not None:
        return named
    if found.unit_text:
        said = Said(
            f"填表单位“{found.unit_text}”不在单位名录中",
            f"the unit “{found.unit_text}” is not in the list of units",
        )
    else:
        said = Said("没有填写填表单位，无法知道是哪个单位的表", "the unit is not filled in")
    return _about_unit(found, said)


def _own_unit(force: InForce, found: Recognised, wanted: Wanted) -> str | Finding:
    """The unit that hands a file in, unless the file says that it is another's; what says nothing is its own."""
    own = str(wanted.unit)
    marked = found.mark.unit if found.mark is not None else None
    for other in (unit_called(force, found.unit_text or ""), marked):
        if other is not None and other != own:
            theirs, name = force.campaign.unit_name(other), force.campaign.unit_name(own)
            return _about_unit(
                found,
                Said(
                    f"这是{theirs}的表，本链接只收{name}的表；请用本单位的表格填报",
                    f"this table is of {theirs}, and the link takes those of {name} only: fill in your own unit's form",
                ),
            )
    return own


def unit_called(force: InForce, text: str) -> str | None:
    """The id of the unit that ``text`` names, perhaps with more around it; None where none is meant clearly."""
    wanted = comparable(text)
    names = force.units_by_plain_name
    if wanted in names or wanted in force.campaign.units:
        return names.get(wanted, wanted)
    within = sorted((name for name in names if name in wanted), key=len)
    if not within:
        return None
    # 重庆市万州区应急管理局 has the names of the city's bureau and of the district's in it: the longest counts.
    longest = within[-1]
    others = {names[name] for name in within if name not in longest}
    return names[longest] if not others - {names[longest]} else None


def _about_unit(found: Recognised, said: Said) -> Finding:
    return Finding(
        Weight.ERROR,
        said,
        found.sheet.name,
        found.unit_place,
        found.unit_text or "",
        Said("本单位名称", "the name of the unit"),
    )


class _Period:
    """Chooses among the tables of one unit and one form, in the order of their dates."""

    def __init__(
        self, session: Session, force: InForce, found: Recognised, tables: Sequence[Table], today: date
    ) -> None:
        self.session = session
        self.force = force
        self.found = found
        self.tables = sorted(tables, key=lambda table: table.due)
        self.today = today

    def choose(self, wanted: Wanted) -> Whose | Finding:
        """The one that is meant."""
        if wanted.only is not None:
            return self._only(wanted.only)
        if wanted.month is not None:
            table = self._due_in(wanted.month.year, wanted.month.month)
            return Whose(table) if table is not None else self._no_such(wanted.month.year, wanted.month.month)
        stated = header_month(self.found)
        marked = self._marked()
        if marked is not None:
            if stated is not None and (marked.due.year, marked.due.month) != stated:
                return self._contradiction(marked)
            return self._sent_again(marked) or Whose(marked)
        if stated is not None:
            table = self._due_in(*stated)
            return Whose(table) if table is not None else self._no_such(*stated)
        return self._by_date()

    def _only(self, ref: str) -> Whose | Finding:
        """The table that was asked for, unless the file says that it is another."""
        table = next((each for each in self.tables if each.ref == ref), None)
        if table is None:
            form = self.found.form
            return self._finding(
                Weight.ERROR,
                Said(
                    f"这是{form.annex or ''}《{form.title}》，不是本链接要收的表",
                    f"this is {form.annex or ''} “{form.title}”, and not the table that this link takes",
                ),
            )
        if self._marked() is None and header_month(self.found) is None:
            return Whose(table)
        chosen = self.choose(Wanted())
        if isinstance(chosen, Whose) and chosen.table.ref != ref:
            meant, asked = _month(chosen.table.due), _month(table.due)
            return self._finding(
                Weight.ERROR,
                Said(
                    f"这是{meant[0]}的表，本链接收的是{asked[0]}的表；请填写当期表格，或打开那一期的链接",
                    f"this table is of {meant[1]}, and the link takes that of {asked[1]}: fill in the form of that "
                    "month, or open the link of the other",
                ),
            )
        return chosen

    def _marked(self) -> Table | None:
        """The table that the mark names; that of a sheet pasted into another form's file names none of these."""
        mark = self.found.mark
        return next((table for table in self.tables if mark is not None and table.ref == mark.ref), None)

    def _due_in(self, year: int, month: int) -> Table | None:
        return next((each for each in self.tables if (each.due.year, each.due.month) == (year, month)), None)

    def _sent_again(self, marked: Table) -> Finding | None:
        """An error where the file of an earlier month, which is in, bears a date that belongs to a later one."""
        day = self.found.filled_on
        if day is None or not marked.is_answered:
            return None
        later = next((each for each in self.tables if each.due >= day and each.due > marked.due), None)
        if later is None or (day.year, day.month) != (later.due.year, later.due.month):
            return None
        if not in_force_filings(self.session, self.force.campaign.forms, [marked]):
            return None
        return self._finding(
            Weight.ERROR,
            Said(
                f"此文件是{_month(marked.due)[0]}的表格，该期已报；填表时间却是{day:%Y-%m-%d}。"
                f"报{_month(later.due)[0]}请用当期表格，更正{_month(marked.due)[0]}请改填表时间",
                f"this file was made for {_month(marked.due)[1]}, which is in, but was filled in on {day}: use the "
                f"form for {_month(later.due)[1]}, or put the date right to correct {_month(marked.due)[1]}",
            ),
        )

    def _by_date(self) -> Whose | Finding:
        day = self.found.filled_on
        if day is None:
            return self._by_arrival() or self._finding(
                Weight.ERROR,
                Said(
                    "看不出是哪一期的表：请填写期次或填表时间",
                    "for which month this is cannot be told: fill in the period or the date",
                ),
            )
        if day < self.force.campaign.issued:
            return self._finding(
                Weight.ERROR,
                Said(
                    f"填表时间{day:%Y-%m-%d}早于文件印发，看不出是哪一期的表，请核对年份",
                    f"it was filled in on {day}, before the document was issued, so that its month cannot be told: "
                    "check the year",
                ),
            )
        before = [table for table in self.tables if table.due < day]
        after = [table for table in self.tables if table.due >= day]
        if before and not before[-1].is_answered and (day - before[-1].due).days <= LATE_DAYS:
            return self._guessed(before[-1], day)
        if not after:
            return self._guessed(before[-1], day)
        # On 3 May nobody means another month than that of the 5th of May.
        if (after[0].due.year, after[0].due.month) == (day.year, day.month):
            return Whose(after[0])
        return self._guessed(after[0], day)

    def _by_arrival(self) -> Whose | None:
        """Without any date: the table that is due next, and not in, if the name of the file says no other month."""
        table = next((each for each in self.tables if each.due >= self.today), None)
        if table is None or table.is_answered or (table.due - self.today).days > _SOON:
            return None
        months = {int(month) for month in _MONTH.findall(self.found.file)}
        if months and not months & {table.due.month, (table.due.month - 2) % 12 + 1}:
            return None
        zh, en = _month(table.due)
        said = Said(
            f"没有写明期次和填表时间，按收到的日子作为{zh}应报的表",
            f"neither the period nor the date is filled in; taken for the table due in {en}, as it came in now",
        )
        return Whose(table, (self._finding(Weight.QUESTION, said),))

    def _guessed(self, table: Table, day: date) -> Whose:
        zh, en = _month(table.due)
        question = self._finding(
            Weight.QUESTION,
            Said(
                f"没有写明期次，按填表时间{day:%Y-%m-%d}作为{zh}的表",
                f"the period is not filled in; taken for {en} by its date {day}",
            ),
        )
        return Whose(table, (question,))

    def _contradiction(self, marked: Table) -> Finding:
        zh, en = _month(marked.due)
        text = self.found.fields["period"][1]
        return self._finding(
            Weight.ERROR,
            Said(
                f"此文件是{zh}的表格，期次却写着“{text}”；请用当期表格填报",
                f"this file was made for {en}, but its header says “{text}”: use the form of that month",
            ),
        )

    def _no_such(self, year: int, month: int) -> Finding:
        return self._finding(
            Weight.ERROR,
            Said(f"{year}年{month}月没有应报的此表", f"no such table is due in {year}-{month:02}"),
        )

    def _finding(self, weight: Weight, said: Said) -> Finding:
        place, text = self.found.fields.get("period", (None, ""))
        if not text and self.found.filled_on is not None:
            place, text = self.found.filled_on_place, self.found.filled_on.isoformat()
        return Finding(
            weight, said, self.found.sheet.name, place, text, Said("如“2022年5月”", "such as 2022年5月")
        )


def _month(due: date) -> tuple[str, str]:
    return f"{due.year}年{due.month}月", f"{due:%Y-%m}"
