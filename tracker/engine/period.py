"""Which period of a unit's table a file is: by its mark, else by the months in its header and the day of filling in.

A header names the month in which a table is due, or the one of which it tells, and seldom says which of both.  Where a
file leaves that open it is taken for what is not in yet, and asked about; nothing that is in is replaced by a guess.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlmodel import Session

from tracker.core.form import FieldKind, Said
from tracker.core.naming import tells_of_month_before
from tracker.engine.came import Came, Wanted
from tracker.engine.filings import Table, in_force_filings
from tracker.engine.inforce import InForce
from tracker.forms.finding import Finding, Weight
from tracker.forms.header import Month, read_period
from tracker.forms.recognised import Recognised
from tracker.store.tables import DOCUMENT, FILING

#: So long after a deadline a table without a mark still counts for it, if nothing has come in.
LATE_DAYS = 15
#: A table without any date is taken for the one that is due within so many days.
_SOON = 31
_MONTH = re.compile(r"(?<!\d)(1[0-2]|0?[1-9])月")


@dataclass(frozen=True, slots=True)
class Whose:
    """The table that a file answers, and what is to be asked or told about that."""

    table: Table
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class _Fits:
    """The tables that a file may be by itself, the likeliest first, and what is asked about that; none: it cannot be told.

    ``is_guess`` where something speaks against the first, or nothing much for it.
    """

    tables: tuple[Table, ...]
    findings: tuple[Finding, ...] = ()
    is_guess: bool = False


class Periods:
    """Chooses among the tables of one unit and one form."""

    def __init__(
        self, session: Session, force: InForce, found: Recognised, tables: Sequence[Table], came: Came
    ) -> None:
        self._session = session
        self._force = force
        self._found = found
        self._tables = sorted(tables, key=lambda table: table.due)
        self._came = came
        self._day = found.filled_on
        self._near = found.filled_on or came.day
        self._period = read_period(found.period_text or "", self._near)

    def choose(self, wanted: Wanted, link: Table | None = None) -> Whose | Finding:
        """The one that is meant; ``link`` is the table for which it was handed in."""
        fits = self._by_itself()
        if link is not None:
            return self._for_link(fits, link)
        if wanted.month is not None:
            return self._for_month(fits, (wanted.month.year, wanted.month.month), is_forced=wanted.force)
        if isinstance(fits, Finding):
            return fits
        if not fits.tables:
            return fits.findings[0]
        first = fits.tables[0]
        if not fits.is_guess:
            return Whose(first, fits.findings)
        twin = self._twin(fits.tables)
        if twin is not None:
            return Whose(twin)
        return self._undecided(fits.tables) if first.is_answered else Whose(first, fits.findings)

    def _for_month(self, fits: _Fits | Finding, month: Month, *, is_forced: bool) -> Whose | Finding:
        asked = self._due_in(month)
        if asked is None:
            return self._no_such(month)
        if is_forced or self._agrees(fits, asked):
            return Whose(asked, self._told(asked))
        if isinstance(fits, Finding):
            return fits
        zh, en = _due(asked)
        meant_zh, meant_en = _due(fits.tables[0])
        return self._finding(
            Weight.ERROR,
            Said(
                f"表里写的是{meant_zh}，命令说的是{zh}；确认按{zh}收，请加 --force",
                f"the file says that it is the table due in {meant_en}, and the command {en}: add --force if that is "
                "meant",
            ),
        )

    def _for_link(self, fits: _Fits | Finding, link: Table) -> Whose | Finding:
        if link.form is self._found.form:
            asked: Table | None = link
        else:
            month = (link.due.year, link.due.month)
            same = [each for each in self._tables if (each.due.year, each.due.month) == month]
            meant = [each for each in same if not isinstance(fits, Finding) and each in fits.tables]
            asked = next(iter(meant or same), None)
        form = self._found.form
        if asked is None:
            return self._finding(
                Weight.ERROR,
                Said(
                    f"这是{form.annex or ''}《{form.title}》，{_due(link)[0]}没有此表要报，本链接不能收",
                    f"this is {form.annex or ''} “{form.title}”, which is not due in {_due(link)[1]}, so that this link "
                    "does not take it",
                ),
            )
        if self._agrees(fits, asked):
            return Whose(asked, self._told(asked))
        if isinstance(fits, Finding):
            return fits
        meant_zh, meant_en = _due(fits.tables[0])
        zh, en = _due(asked)
        return self._finding(
            Weight.ERROR,
            Said(
                f"这是{meant_zh}的表，本链接收的是{zh}的表；请填写当期表格，或打开那一期的链接",
                f"this is the table due in {meant_en}, and the link takes that of {en}: fill in the form of that "
                "month, or open the link of the other",
            ),
        )

    def _agrees(self, fits: _Fits | Finding, asked: Table) -> bool:
        """Whether a file may be the table that a person says it is."""
        if isinstance(fits, Finding):
            return False
        names_none = self._marked() is None and self._period.named is None
        return names_none or any(each.id == asked.id for each in fits.tables)

    def _told(self, asked: Table) -> tuple[Finding, ...]:
        """What is said of the table that a person chose: a month that stands for it, a day that hardly fits."""
        bare = self._period.bare
        if bare is not None and self._telling_of(bare) is asked:
            return (self._read_as(asked, bare),)
        if self._day is None or self._marked() is not None or self._period.named is not None:
            return ()
        month = (self._day.year, self._day.month)
        if month in ((asked.due.year, asked.due.month), _before((asked.due.year, asked.due.month))):
            return ()
        zh, en = _due(asked)
        said = Said(
            f"填表时间是{self._day:%Y-%m-%d}，按{zh}的表收，请核对是不是这一期的数据",
            f"it was filled in on {self._day} and taken for the table due in {en}; please check that these are its figures",
        )
        return (self._finding(Weight.QUESTION, said),)

    def _by_itself(self) -> _Fits | Finding:
        """What the file says, whatever anybody else does; a finding where it contradicts itself."""
        marked = self._marked()
        if marked is not None:
            return self._by_mark(marked)
        period = self._period
        if period.due is not None:
            table = self._due_in(period.due)
            return self._no_such(period.due) if table is None else _Fits((table,))
        if period.told is not None:
            table = self._telling_of(period.told) or self._due_in(period.told)
            return self._no_such(_after(period.told)) if table is None else _Fits((table,))
        if period.bare is not None:
            return self._by_month(period.bare)
        return self._by_date() if self._day is not None else self._by_arrival()

    def _by_mark(self, marked: Table) -> _Fits | Finding:
        due = (marked.due.year, marked.due.month)
        period = self._period
        findings: tuple[Finding, ...] = ()
        if period.due or period.told:
            fits = period.due == due if period.due else period.told == _before(due)
        else:
            fits = period.bare in (None, due, _before(due))
        if not fits:
            return self._contradiction(marked)
        if period.bare == _before(due) and not period.due and not period.told:
            zh, en = _due(marked)
            said = Said(
                f"此文件是{zh}的表格，期次写的是{_month(period.bare)[0]}；按{zh}的表收，请核对",
                f"this file was made for {en}, and its header names {_month(period.bare)[1]}; taken for {en}, please "
                "check",
            )
            findings = (self._finding(Weight.QUESTION, said),)
        return self._sent_again(marked) or _Fits((marked,), findings)

    def _by_month(self, named: Month) -> _Fits | Finding:
        """By a month that stands there alone: the one in which a table is due, or the one of which it tells."""
        own = self._due_in(named)
        told = None if _after(named) in self._came.beside else self._telling_of(named)
        filled = (self._near.year, self._near.month)
        if told is None:
            return self._no_such(named) if own is None else _Fits((own,))
        if own is None:
            return _Fits((told,), (self._read_as(told, named),))
        # The day on which it came in says less than that of filling in: only in the very month after.
        if filled <= named or (self._day is None and filled != _after(named)):
            return _Fits((own,))
        if self._day is not None and filled == _after(named) and own.is_answered and not told.is_answered:
            return _Fits((told,), (self._read_as(told, named),))
        likely = sorted((told, own), key=lambda table: table.is_answered)
        zh, en = _due(likely[0])
        other_zh, other_en = _due(likely[1])
        said = Said(
            f"期次写的是{_month(named)[0]}，可能是{zh}，也可能是{other_zh}；按{zh}的表收，请核对",
            f"the header names {_month(named)[1]}, which may be the table due in {en} or the one due in {other_en}; "
            f"taken for {en}, please check",
        )
        return _Fits(tuple(likely), (self._finding(Weight.QUESTION, said),), is_guess=True)

    def _read_as(self, table: Table, named: Month) -> Finding:
        zh, en = _due(table)
        said = Said(
            f"期次写的是{_month(named)[0]}，按{zh}、{_month(named)[0]}份情况读取",
            f"the header names {_month(named)[1]}; read as the table due in {en}, about {_month(named)[1]}",
        )
        return self._finding(Weight.READING, said)

    def _marked(self) -> Table | None:
        """The table that the mark names; that of a sheet pasted into another form's file names none of these."""
        mark = self._found.mark
        return next((table for table in self._tables if mark is not None and table.ref == mark.ref), None)

    def _due_in(self, month: Month) -> Table | None:
        return next((each for each in self._tables if (each.due.year, each.due.month) == month), None)

    def _telling_of(self, month: Month) -> Table | None:
        """The table due in the month after, if it tells of the one before."""
        table = self._due_in(_after(month))
        return table if table is not None and tells_of_month_before(table.row.definition) else None

    def _twin(self, tables: Sequence[Table]) -> Table | None:
        """The one of ``tables`` that was filed by the same file, or by one with the same period and day: a correction."""
        filings = in_force_filings(self._session, self._force.campaign.forms, tables)
        query = (
            select(FILING.c.assignment_id)
            .join(DOCUMENT, DOCUMENT.c.id == FILING.c.document_id)
            .where(FILING.c.in_force.is_(True), FILING.c.assignment_id.in_(filings))
            .where(DOCUMENT.c.digest == self._came.digest)
        )
        same = set(self._session.execute(query).scalars())
        said = self._said({each: text for each, (_, text) in self._found.fields.items()})
        if self._day is not None:
            same |= {number for number, each in filings.items() if self._said(each.filed.header) == said}
        found = [table for table in tables if table.id in same and table.is_answered]
        return found[0] if len(found) == 1 else None

    def _said(self, header: Mapping[str, str]) -> tuple[str, ...]:
        kinds = (FieldKind.PERIOD, FieldKind.DATE)
        names = [each.id for each in self._found.form.header if each.kind in kinds]
        return tuple(header.get(name) or "" for name in names)

    def _undecided(self, tables: Sequence[Table]) -> Finding:
        """Nothing is taken: whichever it is, it would take the place of what is in."""
        months = [_due(table) for table in sorted(tables, key=lambda table: table.due)]
        zh, en = "还是".join(zh for zh, _ in months), " or ".join(en for _, en in months)
        if len(tables) > 1:
            said = Said(
                f"分不清是{zh}，都已报过，没有替换；请在期次里写明“几月应报”",
                f"it may be the table due in {en}; all are in, and none was replaced: write in the period which it is",
            )
        else:
            said = Said(
                f"没有写明期次，看来是{zh}，那一期已报过，没有替换；要更正请写明期次",
                f"the period is not filled in; it seems to be the table due in {en}, which is in and was not replaced: "
                "fill in the period to correct it",
            )
        return self._finding(Weight.ERROR, said)

    def _sent_again(self, marked: Table) -> Finding | None:
        """An error where the file of an earlier month, which is in, bears a date that belongs to a later one."""
        day = self._day
        if day is None or not marked.is_answered:
            return None
        later = next((each for each in self._tables if each.due >= day and each.due > marked.due), None)
        if later is None or (day.year, day.month) != (later.due.year, later.due.month):
            return None
        if not in_force_filings(self._session, self._force.campaign.forms, [marked]):
            return None
        zh, en = _due(marked)
        return self._finding(
            Weight.ERROR,
            Said(
                f"此文件是{zh}的表格，该期已报；填表时间却是{day:%Y-%m-%d}。"
                f"报{_due(later)[0]}的请用当期表格，更正{zh}的请改填表时间",
                f"this file was made for {en}, which is in, but was filled in on {day}: use the "
                f"form for {_due(later)[1]}, or put the date right to correct {en}",
            ),
        )

    def _by_date(self) -> _Fits:
        day = self._near
        if day < self._force.campaign.issued:
            return _Fits(
                (),
                (
                    self._finding(
                        Weight.ERROR,
                        Said(
                            f"填表时间{day:%Y-%m-%d}早于文件印发，看不出是哪一期的表，请核对年份",
                            f"it was filled in on {day}, before the document was issued, so that its month cannot be told: "
                            "check the year",
                        ),
                    ),
                ),
            )
        before = [table for table in self._tables if table.due < day]
        after = [table for table in self._tables if table.due >= day]
        is_late = bool(before) and (day - before[-1].due).days <= LATE_DAYS
        if is_late and not before[-1].is_answered:
            return self._guessed(before[-1:], day)
        if not after:
            is_same = (before[-1].due.year, before[-1].due.month) == (day.year, day.month)
            return _Fits((before[-1],)) if is_same else self._guessed(before[-1:], day)
        # On 3 May nobody means another month than that of the 5th of May.
        if (after[0].due.year, after[0].due.month) == (day.year, day.month):
            return _Fits((after[0],))
        return self._guessed([after[0], *(before[-1:] if is_late else ())], day)

    def _by_arrival(self) -> _Fits:
        """Without any date: the table that is due next, if the name of the file says no other month."""
        table = next((each for each in self._tables if each.due >= self._came.day), None)
        months = {int(month) for month in _MONTH.findall(self._found.file)}
        if (
            table is None
            or (table.due - self._came.day).days > _SOON
            or (months and not months & {table.due.month, _before((table.due.year, table.due.month))[1]})
        ):
            said = Said(
                "看不出是哪一期的表：请填写期次或填表时间",
                "for which month this is cannot be told: fill in the period or the date",
            )
            return _Fits((), (self._finding(Weight.ERROR, said),))
        zh, en = _due(table)
        said = Said(
            f"没有写明期次和填表时间，按收到的日子作为{zh}的表",
            f"neither the period nor the date is filled in; taken for the table due in {en}, as it came in now",
        )
        return _Fits((table,), (self._finding(Weight.QUESTION, said),), is_guess=True)

    def _guessed(self, tables: Sequence[Table], day: date) -> _Fits:
        zh, en = _due(tables[0])
        said = Said(
            f"没有写明期次，按填表时间{day:%Y-%m-%d}作为{zh}的表",
            f"the period is not filled in; taken for the table due in {en} by its date {day}",
        )
        return _Fits(tuple(tables), (self._finding(Weight.QUESTION, said),), is_guess=True)

    def _contradiction(self, marked: Table) -> Finding:
        zh, en = _due(marked)
        text = self._found.fields["period"][1]
        return self._finding(
            Weight.ERROR,
            Said(
                f"此文件是{zh}的表格，期次却写着“{text}”；请用当期表格填报",
                f"this file was made for {en}, but its header says “{text}”: use the form of that month",
            ),
        )

    def _no_such(self, month: Month) -> Finding:
        zh, en = _month(month)
        return self._finding(Weight.ERROR, Said(f"{zh}没有应报的此表", f"no such table is due in {en}"))

    def _finding(self, weight: Weight, said: Said) -> Finding:
        place, text = self._found.fields.get("period", (None, ""))
        if not text and self._found.filled_on is not None:
            place, text = self._found.filled_on_place, self._found.filled_on.isoformat()
        expected = Said("如“2022年5月应报，4月份情况”", "such as 2022年5月应报，4月份情况")
        return Finding(weight, said, self._found.sheet.name, place, text, expected)


def _after(month: Month) -> Month:
    return month[0] + month[1] // 12, month[1] % 12 + 1


def _before(month: Month) -> Month:
    return month[0] - (month[1] == 1), (month[1] - 2) % 12 + 1


def _month(month: Month) -> tuple[str, str]:
    return f"{month[0]}年{month[1]}月", f"{month[0]}-{month[1]:02}"


def _due(table: Table) -> tuple[str, str]:
    zh, en = _month((table.due.year, table.due.month))
    return f"{zh}应报", en
