"""Which period of a unit's table a file is: by its mark, else by the months in its header and the day of filling in.

A header names the month in which a table is due, or the one of which it tells, and seldom says which of both.  Where a
file leaves that open it is taken for what is not in yet, and asked about; nothing that is in is replaced by a guess.

The day on which a file came is a witness as well.  A day of filling in that stands alone replaces nothing, unless the file
came while that table was the last one asked for: whoever copies last month's file forgets its day.  A day that has not
come says nothing, and a table of a month that is not over is asked about.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import select
from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.form import FieldKind, comparable
from tracker.core.naming import tells_of_month_before
from tracker.filing.filings import RequestedTable, in_force_filings
from tracker.filing.provenance import ImportOptions, Provenance
from tracker.forms.check.form_fields import (
    FieldFound,
    Month,
    likely_day,
    month_after,
    month_before,
    read_day,
    read_period,
)
from tracker.forms.check.recognised import Recognised
from tracker.forms.check.rows import RowKind, extent, table_rows
from tracker.forms.check.values import read_value
from tracker.forms.finding import Finding, Weight
from tracker.i18n.message import Message
from tracker.store.tables import DOCUMENT, FILING

#: So long after a deadline a table without a mark still counts for it, if nothing has come in.
LATE_DAYS = 15
#: So long before its deadline a table may come while the month of which it tells is not over.
EARLY_DAYS = 15
#: A table without any date is taken for the one that is due within so many days.
_SOON = 31
_CORRECTS = re.compile("[更修订改补]正|修[改订]|重报|核对|correct", re.IGNORECASE)
_MONTH = re.compile(r"(?<!\d)(1[0-2]|0?[1-9])月")
#: What is asked about the day of filling in, as a part of a sentence that asks about more.
_ALONE = {
    "findings.whose.day_unread": "findings.whose.day_unread_alone",
    "findings.whose.day_to_come": "findings.whose.day_to_come_alone",
}


@dataclass(frozen=True, slots=True)
class MatchedTable:
    """The table that a file answers, and what is to be asked or told about that.

    ``if_changed`` is why it replaces nothing, should it say something else than what is filed.
    """

    table: RequestedTable
    findings: tuple[Finding, ...] = ()
    if_changed: Finding | None = None


@dataclass(frozen=True, slots=True)
class _Fits:
    """The tables that a file may be by itself, the likeliest first, and what is asked about that; none: it cannot be told.

    ``is_guess`` where something speaks against the first, or nothing much for it.
    """

    tables: tuple[RequestedTable, ...]
    findings: tuple[Finding, ...] = ()
    is_guess: bool = False


class Periods:
    """Chooses among the tables of one unit and one form."""

    def __init__(
        self,
        session: Session,
        snapshot: CampaignSnapshot,
        found: Recognised,
        tables: Sequence[RequestedTable],
        came: Provenance,
    ) -> None:
        self._session = session
        self._snapshot = snapshot
        self._found = found
        self._tables = sorted(tables, key=lambda table: table.due)
        self._came = came
        self._day, self._is_sure, self._about_day = self._filled_in()
        self._near = self._day or came.day
        self._period = read_period(found.period_text or "", self._near)

    def choose(self, wanted: ImportOptions, link: RequestedTable | None = None) -> MatchedTable | Finding:
        """The one that is meant; ``link`` is the table for which it was handed in."""
        chosen = self._chosen(wanted, link)
        if isinstance(chosen, Finding):
            return chosen
        told = list(chosen.findings)
        for each in self._besides(chosen.table, is_said=wanted.month is not None):
            # One question at a cell is enough.
            if all(each.weight is not other.weight or each.place != other.place for other in told):
                told.append(each)
        is_said = link is not None or wanted.month is not None
        return MatchedTable(chosen.table, tuple(told), None if is_said else self._old_head(chosen.table))

    def _chosen(self, wanted: ImportOptions, link: RequestedTable | None) -> MatchedTable | Finding:
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
        if self._marked() is None and self._is_ahead(first, EARLY_DAYS):
            return self._too_early(first)
        if not fits.is_guess:
            return MatchedTable(first, fits.findings)
        twin = self._twin(fits.tables)
        if twin is not None:
            return MatchedTable(twin)
        return self._undecided(fits.tables) if first.is_answered else MatchedTable(first, fits.findings)

    def _filled_in(self) -> tuple[date | None, bool, Finding | None]:
        """The day of filling in as far as it can be believed, whether it is sure, and what is said of how it is written."""
        day, is_sure, finding = self._found.filled_on, True, None
        text = self._found.day_text
        if day is None and text:
            likely = likely_day(text, self._came.day)
            if likely is None or not likely.is_whole:
                said = Message("findings.whose.day_unread", text=text)
            else:
                said = Message("findings.whose.day_read", text=text, day=f"{likely.day}")
            if likely is not None:
                day, is_sure = likely.day, likely.is_sure
            finding = self._about(Weight.READING if likely is not None and is_sure else Weight.QUESTION, said)
        for each in self._found.again.get(FieldKind.DATE, ()):
            if day is not None and read_day(each.content) not in (None, day):
                finding, is_sure = self._twice(Weight.QUESTION, "findings.whose.two_days", text, each), False
        if day is not None and day > self._came.day:
            said = Message("findings.whose.day_to_come", day=f"{day}")
            finding, is_sure = self._about(Weight.QUESTION, said), False
            if (day.year, day.month) != (self._came.day.year, self._came.day.month):
                day = None
        return day, is_sure, finding

    def _besides(self, table: RequestedTable, *, is_said: bool) -> Iterator[Finding]:
        """What is asked of the header beside the table that was chosen; ``is_said``: by a person's word for the month."""
        if self._about_day is not None:
            yield self._about_day
        month = (table.due.year, table.due.month)
        if not is_said and self._is_ahead(table):
            not_over = Message("findings.whose.ahead", told=_month(month_before(month)), due=due_month(table))
            yield self._finding(Weight.QUESTION, not_over)
        if self._is_unread and self._marked() is None:
            unread = Message(
                "findings.whose.period_unread", text=self._found.period_text, due=due_month(table)
            )
            yield self._finding(Weight.QUESTION, unread)
        if self._day is not None and (self._day.year, self._day.month) < month_before(month):
            early = Message("findings.whose.day_before", day=f"{self._day}", due=due_month(table))
            yield self._about(Weight.QUESTION, early)

    @property
    def _is_unread(self) -> bool:
        """Whether a period is written that names no month, or several."""
        return bool(self._found.period_text) and self._period.named is None

    def _is_ahead(self, table: RequestedTable, days: int = 0, day: date | None = None) -> bool:
        """Whether on ``day``, or when it came, the month of which a table tells is not over, and it is due after so many days."""
        day = day or self._came.day
        is_over = (day.year, day.month) >= (table.due.year, table.due.month)
        return not is_over and (table.due - day).days > days and tells_of_month_before(table.row.definition)

    def _for_month(self, fits: _Fits | Finding, month: Month, *, is_forced: bool) -> MatchedTable | Finding:
        asked = self._due_in(month)
        if asked is None:
            return self._no_such(month)
        if is_forced or self._agrees(fits, asked):
            return MatchedTable(asked, self._told(asked))
        if isinstance(fits, Finding):
            return fits
        due, meant = due_month(asked), due_month(fits.tables[0])
        return self._finding(Weight.ERROR, Message("findings.whose.not_as_told", meant=meant, due=due))

    def _for_link(self, fits: _Fits | Finding, link: RequestedTable) -> MatchedTable | Finding:
        if link.form is self._found.form:
            asked: RequestedTable | None = link
        else:
            month = (link.due.year, link.due.month)
            same = [each for each in self._tables if (each.due.year, each.due.month) == month]
            meant = [each for each in same if not isinstance(fits, Finding) and each in fits.tables]
            asked = next(iter(meant or same), None)
        form = self._found.form
        if asked is None:
            facts = {"annex": form.annex or "", "title": form.title, "due": due_month(link)}
            return self._finding(Weight.ERROR, Message("findings.whose.not_of_link", **facts))
        if self._agrees(fits, asked):
            return MatchedTable(asked, self._told(asked))
        if isinstance(fits, Finding):
            return fits
        facts = {"meant": due_month(fits.tables[0]), "due": due_month(asked)}
        return self._finding(Weight.ERROR, Message("findings.whose.not_as_linked", **facts))

    def _agrees(self, fits: _Fits | Finding, asked: RequestedTable) -> bool:
        """Whether a file may be the table that a person says it is."""
        if isinstance(fits, Finding):
            return False
        names_none = self._marked() is None and self._period.named is None
        return names_none or any(each.id == asked.id for each in fits.tables)

    def _told(self, asked: RequestedTable) -> tuple[Finding, ...]:
        """What is said of the table that a person chose: a month that stands for it, a day that hardly fits."""
        bare = self._period.bare
        if bare is not None and self._telling_of(bare) is asked:
            return (self._read_as(asked, bare),)
        if self._day is None or self._marked() is not None or self._period.named is not None:
            return ()
        month = (self._day.year, self._day.month)
        if month in ((asked.due.year, asked.due.month), month_before((asked.due.year, asked.due.month))):
            return ()
        said = Message("findings.whose.day_elsewhere", day=f"{self._day}", due=due_month(asked))
        return (self._finding(Weight.QUESTION, said),)

    def _by_itself(self) -> _Fits | Finding:
        """What the file says, whatever anybody else does; a finding where it contradicts itself."""
        period = self._period
        for each in self._found.again.get(FieldKind.PERIOD, ()):
            if read_period(each.text, self._near).named not in (None, period.named):
                return self._twice(
                    Weight.ERROR, "findings.whose.two_periods", self._found.period_text or "", each
                )
        marked = self._marked()
        if marked is not None:
            return self._by_mark(marked)
        if period.due is not None:
            table = self._due_in(period.due)
            return self._no_such(period.due) if table is None else self._sent_again(table) or _Fits((table,))
        if period.told is not None:
            return self._by_told(period.told)
        if period.bare is not None:
            return self._by_month(period.bare)
        return self._by_arrival() if self._day is None else self._by_date(self._day)

    def _by_told(self, told: Month) -> _Fits | Finding:
        """By the month of which it is said to tell; where that is not over, that in which it is due may be meant."""
        table, own = self._telling_of(told), self._due_in(told)
        if table is None:
            return self._no_such(month_after(told)) if own is None else _Fits((own,))
        if own is None or not self._is_ahead(table, EARLY_DAYS):
            return self._sent_again(table) or _Fits((table,))
        return self._either(told, own, table)

    def _by_mark(self, marked: RequestedTable) -> _Fits | Finding:
        due = (marked.due.year, marked.due.month)
        period = self._period
        findings: tuple[Finding, ...] = ()
        if period.due or period.told:
            fits = period.due == due if period.due else period.told == month_before(due)
        else:
            fits = period.bare in (None, due, month_before(due))
        if not fits:
            return self._contradiction(marked)
        if period.bare == month_before(due) and not period.due and not period.told:
            said = Message("findings.whose.mark_and_month", due=due_month(marked), named=_month(period.bare))
            findings = (self._finding(Weight.QUESTION, said),)
        return self._sent_again(marked) or _Fits((marked,), findings)

    def _by_month(self, named: Month) -> _Fits | Finding:
        """By a month that stands there alone: the one in which a table is due, or the one of which it tells."""
        own = self._due_in(named)
        told = None if month_after(named) in self._came.beside else self._telling_of(named)
        filled = (self._near.year, self._near.month)
        if told is None:
            return self._no_such(named) if own is None else _Fits((own,))
        if own is None:
            return self._sent_again(told) or _Fits((told,), (self._read_as(told, named),))
        came = (self._came.day.year, self._came.day.month)
        # The day on which it came in says less than that of filling in: only in the very month after.
        if filled <= named or (self._day is None and filled != month_after(named)):
            is_doubtful = came == month_after(named) and own.is_answered and not told.is_answered
            return self._either(named, own, told) if is_doubtful else _Fits((own,))
        if own.form.omitted(own.round) & _filled(self._found):
            return self._sent_again(told) or _Fits((told,), (self._read_as(told, named),))
        if (
            self._day is not None
            and filled == month_after(named)
            and own.is_answered
            and not told.is_answered
        ):
            return _Fits((told,), (self._read_as(told, named),))
        return self._either(named, *sorted((told, own), key=lambda table: table.is_answered))

    def _either(self, named: Month, likely: RequestedTable, other: RequestedTable) -> _Fits:
        """Two tables that a month may mean."""
        facts = {"named": _month(named), "due": due_month(likely), "other": due_month(other)}
        said = Message("findings.whose.either", **facts)
        return _Fits((likely, other), (self._finding(Weight.QUESTION, said),), is_guess=True)

    def _read_as(self, table: RequestedTable, named: Month) -> Finding:
        said = Message("findings.whose.read_as", named=_month(named), due=due_month(table))
        return self._finding(Weight.READING, said)

    def _marked(self) -> RequestedTable | None:
        """The table that the mark names; that of a sheet pasted into another form's file names none of these."""
        mark = self._found.mark
        return next((table for table in self._tables if mark is not None and table.ref == mark.ref), None)

    def _due_in(self, month: Month) -> RequestedTable | None:
        return next((each for each in self._tables if (each.due.year, each.due.month) == month), None)

    def _telling_of(self, month: Month) -> RequestedTable | None:
        """The table due in the month after, if it tells of the one before."""
        table = self._due_in(month_after(month))
        return table if table is not None and tells_of_month_before(table.row.definition) else None

    def _twin(self, tables: Sequence[RequestedTable]) -> RequestedTable | None:
        """The one of ``tables`` that was filed by the same file, or by one with the same period and day: a correction."""
        filings = in_force_filings(self._session, self._snapshot.campaign.forms, tables)
        query = (
            select(FILING.c.assignment_id)
            .join(DOCUMENT, DOCUMENT.c.id == FILING.c.document_id)
            .where(FILING.c.in_force.is_(True), FILING.c.assignment_id.in_(filings))
            .where(DOCUMENT.c.digest == self._came.digest)
        )
        same = set(self._session.execute(query).scalars())
        said = self._said({each: text for each, (_, text) in self._found.fields.items()})
        if self._day is not None and self._period.named is not None:
            same |= {number for number, each in filings.items() if self._said(each.filed.header) == said}
        found = [table for table in tables if table.id in same and table.is_answered]
        return found[0] if len(found) == 1 else None

    def _said(self, header: Mapping[str, str]) -> tuple[str, ...]:
        kinds = (FieldKind.PERIOD, FieldKind.DATE)
        names = [each.id for each in self._found.form.header if each.kind in kinds]
        return tuple(comparable(header.get(name) or "") for name in names)

    def _undecided(self, tables: Sequence[RequestedTable]) -> Finding:
        """Nothing is taken: whichever it is, it would take the place of what is in."""
        months = [due_month(table) for table in sorted(tables, key=lambda table: table.due)]
        if len(tables) == 1:
            said = Message("findings.whose.undecided.one", due=months[0])
        elif all(table.is_answered for table in tables):
            said = Message("findings.whose.undecided.all_in", first=months[0], last=months[-1])
        else:
            facts = {"first": months[0], "last": months[-1], "due": due_month(tables[0])}
            said = Message("findings.whose.undecided.one_in", **facts)
        return self._finding(Weight.ERROR, said)

    def _sent_again(self, table: RequestedTable) -> Finding | None:
        """An error where a file says that it is of an earlier month, which is in, and bears the day of a later one.

        Without a mark somebody wrote the period, and it is doubted only while the later one is not in.
        """
        day = self._day
        if day is None or not table.is_answered or self._is_correction:
            return None
        later = next((each for each in self._tables if each.due >= day and each.due > table.due), None)
        if later is None or (day.year, day.month) != (later.due.year, later.due.month):
            return None
        if self._marked() is None and (later.is_answered or self._asked_since(table) is None):
            return None
        if not in_force_filings(self._session, self._snapshot.campaign.forms, [table]):
            return None
        facts = {"due": due_month(table), "day": f"{day}", "later": due_month(later)}
        return self._about(Weight.ERROR, Message("findings.whose.sent_again", **facts))

    def _old_head(self, table: RequestedTable) -> Finding | None:
        """An error where its period and day are those of what is filed, and the table after that is asked for and not in.

        Whoever goes on with last month's file may leave its whole head as it was.
        """
        later = self._asked_since(table)
        if later is None or later.is_answered or not table.is_answered or self._is_correction:
            return None
        filed = in_force_filings(self._session, self._snapshot.campaign.forms, [table]).get(table.id)
        own = self._said({each: text for each, (_, text) in self._found.fields.items()})
        if filed is None or self._said(filed.filed.header) != own:
            return None
        old_head = Message("findings.whose.old_head", due=due_month(table), later=due_month(later))
        return self._finding(Weight.ERROR, old_head)

    @property
    def _is_correction(self) -> bool:
        """Whether a file says that it corrects what is in; the copies that were checked here do by their name."""
        return _CORRECTS.search(f"{self._found.file} {self._found.period_text or ''}") is not None

    def _too_early(self, table: RequestedTable) -> Finding:
        """Nothing is taken for a month that has hardly begun: it would count as answered, and the one meant be missing."""
        told = _month(month_before((table.due.year, table.due.month)))
        too_early = Message("findings.whose.too_early", due=due_month(table), told=told)
        return self._finding(Weight.ERROR, too_early)

    def _by_date(self, day: date) -> _Fits:
        if day < self._snapshot.campaign.issued:
            said = Message("findings.whose.day_before_issue", day=f"{day}")
            return _Fits((), (self._about(Weight.ERROR, said),))
        likely = self._likely(day)
        first = likely[0]
        later = self._asked_since(first)
        # On 3 May nobody means another month than that of the 5th of May; if it comes by then as well, it may correct.
        is_in_time = later is None and (self._came.day - first.due).days <= LATE_DAYS
        is_guess = self._is_unread or not (self._is_sure and is_in_time)
        if (first.due.year, first.due.month) != (day.year, day.month):
            guessed = self._guessed(likely, day)
            return replace(guessed, is_guess=is_guess or len(likely) > 1 or first.due > day)
        if later is None:
            return _Fits((first,), is_guess=is_guess)
        if later.is_answered and not first.is_answered:
            return _Fits((first,))
        facts = {"day": f"{day}", "later": due_month(later), "due": due_month(first)}
        said = Message("findings.whose.came_late", **facts)
        return _Fits((first, later), (self._about(Weight.QUESTION, said),), is_guess=True)

    def _likely(self, day: date) -> list[RequestedTable]:
        """The tables that are likely on a day, the likeliest first; one at least."""
        before = [table for table in self._tables if table.due < day]
        after = [table for table in self._tables if table.due >= day][:1]
        if after and (after[0].due.year, after[0].due.month) == (day.year, day.month):
            return after
        last = before[-1:]
        if last and (last[0].due.year, last[0].due.month) == (day.year, day.month) and not after:
            return last
        late = [table for table in last if (day - table.due).days <= LATE_DAYS]
        if late and (not late[0].is_answered or (after and self._is_ahead(after[0], EARLY_DAYS, day))):
            return late
        return [*after, *late] or last

    def _asked_since(self, table: RequestedTable) -> RequestedTable | None:
        """The table after ``table`` that was asked for when the file came: the month in which it is due had begun."""
        came = (self._came.day.year, self._came.day.month)
        begun = [each for each in self._tables if (each.due.year, each.due.month) <= came]
        return begun[-1] if begun and begun[-1].due > table.due else None

    def _by_arrival(self) -> _Fits:
        """Without any date: the table that is likely now, if the name of the file says no other month."""
        day = self._came.day
        table = self._likely(day)[0]
        months = {int(month) for month in _MONTH.findall(self._found.file)}
        if not -LATE_DAYS <= (table.due - day).days <= _SOON or (
            months and not months & {table.due.month, month_before((table.due.year, table.due.month))[1]}
        ):
            said = Message("findings.whose.no_period")
            return _Fits((), (self._finding(Weight.ERROR, said),))
        due = due_month(table)
        if self._about_day is None:
            said = Message("findings.whose.by_arrival", due=due)
            return _Fits((table,), (self._finding(Weight.QUESTION, said),), is_guess=True)
        # It is asked about the day as well, and once is enough.
        why = self._about_day.message
        said = Message("findings.whose.by_arrival_after", why=Message(_ALONE[why.key], **why.facts), due=due)
        return _Fits((table,), (self._about(Weight.QUESTION, said),), is_guess=True)

    def _guessed(self, tables: Sequence[RequestedTable], day: date) -> _Fits:
        said = Message("findings.whose.by_day", day=f"{day}", due=due_month(tables[0]))
        return _Fits(tuple(tables), (self._finding(Weight.QUESTION, said),), is_guess=True)

    def _contradiction(self, marked: RequestedTable) -> Finding:
        facts = {"due": due_month(marked), "text": self._found.fields["period"][1]}
        return self._finding(Weight.ERROR, Message("findings.whose.mark_and_period", **facts))

    def _no_such(self, month: Month) -> Finding:
        return self._finding(Weight.ERROR, Message("findings.whose.no_such", month=_month(month)))

    def _finding(self, weight: Weight, said: Message) -> Finding:
        place, text = self._found.fields.get("period", (None, ""))
        if not text and self._found.day_text:
            place, text = self._found.filled_on_place, self._found.day_text
        expected = Message("findings.whose.such_period")
        return Finding(weight, said, self._found.sheet.name, place, text, expected)

    def _twice(self, weight: Weight, key: str, first: str, second: FieldFound) -> Finding:
        """At a field that stands there once more and says something else."""
        said = Message(key, first=first, second=second.text)
        return Finding(weight, said, self._found.sheet.name, second.place, second.text)

    def _about(self, weight: Weight, said: Message) -> Finding:
        """At the day of filling in."""
        expected = Message("findings.whose.such_day")
        return Finding(
            weight, said, self._found.sheet.name, self._found.filled_on_place, self._found.day_text, expected
        )


def _filled(found: Recognised) -> frozenset[str]:
    """The columns in which its rows say anything."""
    columns = found.form.by_id
    return frozenset(
        each
        for row in table_rows(found, extent(found))
        if row.kind is RowKind.DATA
        for each, (_, cell) in row.cells.items()
        if read_value(columns[each], cell).value
    )


def _month(month: Month) -> Message:
    return Message("findings.whose.month", year=month[0], month=month[1])


def due_month(table: RequestedTable) -> Message:
    """The month in which it is due, as a fact of a sentence."""
    return Message("findings.whose.due", year=table.due.year, month=table.due.month)
