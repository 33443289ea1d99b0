"""Writes one day's digests to the outbox, one for each recipient (CONTRACT.md §6.1 to §6.7).

The rows that are due come as a stream ordered by unit, so that a million of them need no more memory than
a thousand.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import Row, and_, bindparam, or_, select, update
from sqlmodel import Session

from tracker.core.model import Definition, Reason
from tracker.core.pace import share
from tracker.core.reminders import next_on, said_on
from tracker.core.standing import Dates
from tracker.engine.agenda import agenda_dates, told_from_text, told_to_text
from tracker.engine.digests import DigestWriter, Line, Saying, saying
from tracker.engine.inforce import InForce
from tracker.engine.nudges import Nudges
from tracker.engine.returns import Reasons, reasons_for_returns, with_reason
from tracker.engine.superseded import supersede
from tracker.engine.written import PRESSING
from tracker.store.tables import AGENDA, ASSIGNMENT

# Statements are made once: making them costs more than running them.
_OURS = AGENDA.c.campaign == bindparam("campaign")
_IS_UP = AGENDA.c.next_on <= bindparam("day")
#: Periods that are over: they are mentioned beside another period of the same thing.
_IS_OVER = and_(AGENDA.c.period != "", AGENDA.c.effective_due < bindparam("day"))
_AGENDA_UP = select(AGENDA).where(_OURS, _IS_UP)
_AGENDA_OVER = select(AGENDA).where(_OURS, _IS_OVER, AGENDA.c.next_on > bindparam("day"))
_OPEN = (
    select(ASSIGNMENT.c.agenda_id, ASSIGNMENT.c.unit, ASSIGNMENT.c.progress, ASSIGNMENT.c.answered)
    .join(AGENDA, AGENDA.c.id == ASSIGNMENT.c.agenda_id)
    .where(_OURS, ASSIGNMENT.c.quiet.is_(False), ASSIGNMENT.c.removed_on.is_(None))
    .order_by(ASSIGNMENT.c.unit)
    .execution_options(yield_per=5000)
)
_OPEN_ROWS = _OPEN.where(_IS_UP)
_OPEN_ROWS_AND_OVER = _OPEN.where(or_(_IS_UP, _IS_OVER))
_ADVANCE = (
    update(AGENDA)
    .where(AGENDA.c.id == bindparam("row"))
    .values(next_on=bindparam("new_next_on"), told=bindparam("new_told"))
)


#: Agenda row, unit, progress and answer of an open assignment.
OpenRow = tuple[int, str, int, str | None]


@dataclass(slots=True)
class _Speech:
    """What one agenda row has to say: to its units, to those of them who lag, and upward."""

    to_unit: Saying | None = None
    pace: tuple[Saying, Definition, int] | None = None
    upward: Saying | None = None


def plan_day(session: Session, force: InForce, timezone: str, day: date, now: datetime) -> int:
    """Write the digests of ``day`` for the people of ``timezone``; the number of mails."""
    everybody = force.people(day)
    told_again = supersede(session, force, everybody, timezone, day, now)
    writer = DigestWriter(
        session,
        force,
        everybody.within(timezone),
        day,
        now,
        waiting=told_again.by_address,
        unheard=told_again.unheard,
    )
    agenda = _Agenda(session, force, timezone, day)
    nudges = Nudges(session, force, timezone, day)
    reasons = reasons_for_returns(session, force.campaign.id)
    lines_of_unit = nudges.by_unit
    for unit, rows in agenda.open_rows():
        lines = agenda.lines(unit, rows, writer)
        writer.add(unit, _explained([*lines, *lines_of_unit.pop(unit, ())], reasons))
    for unit in sorted(lines_of_unit):
        writer.add(unit, _explained(lines_of_unit[unit], reasons))
    for address, lines in told_again.by_address.items():
        writer.add_for(address, _explained(lines, reasons))
    written = writer.finish()
    agenda.advance()
    nudges.forget()
    return written


def _explained(lines: Sequence[Line], reasons: Reasons) -> Sequence[Line]:
    """With the reason beside what stands returned; mostly there is none."""
    return [with_reason(line, reasons) for line in lines] if reasons else lines


class _Agenda:
    """The rows of the agenda that are up on a day in one time zone, and what they have to say."""

    def __init__(self, session: Session, force: InForce, timezone: str, day: date) -> None:
        self._session = session
        self._force = force
        self._timezone = timezone
        self._day = day
        self._where = {"campaign": force.campaign.id, "day": day}
        self._speeches: dict[int, _Speech] = {}
        self._following: list[dict[str, object]] = []
        self._heard: set[int] = set()
        self._late_keys: set[str] = set()
        #: Rows of what was due before the ledger began: of those only what was sent back is spoken of.
        self._before: set[int] = set()
        for row in session.execute(_AGENDA_UP, self._where):
            self._take(row)
        #: Key and period of those that are late, but have their own reminder on another day.
        self._also = self._find_also()

    def _take(self, row: Row[Any]) -> None:
        force, day = self._force, self._day
        definition = force.campaign.definitions.get(row.key)
        if definition is None:
            # It may be of files that this process has yet to read: unknown means wait, not never.
            return
        dates = agenda_dates(force, definition, row)
        if not force.is_chased(dates):
            self._before.add(row.id)
        rules = force.rules(definition)
        told = told_from_text(row.told) if row.told else {}
        since = row.next_on
        if self._timezone in told:
            since = max(since, told[self._timezone] + timedelta(days=1))
        if since <= day:
            said = said_on(dates, rules, since, day)
            if said:
                self._speak(row, definition, dates, said.to_unit, upward=said.upward)
        told[self._timezone] = day
        if all(zone in told for zone in force.timezones):
            after = min(told.values())
            kept = {zone: until for zone, until in told.items() if until > after}
            following = next_on(dates, rules, after)
            self._following.append({"row": row.id, "new_next_on": following, "new_told": told_to_text(kept)})
        else:
            self._following.append(
                {"row": row.id, "new_next_on": row.next_on, "new_told": told_to_text(told)}
            )

    def _speak(
        self, row: Row[Any], definition: Definition, dates: Dates, reason: Reason | None, *, upward: bool
    ) -> None:
        speech = self._speeches[row.id] = _Speech()
        if reason is Reason.PACE:
            wanted = definition.target.count if definition.target is not None else 0
            due_by_now = share(wanted, dates, self._day)
            speech.pace = (self._saying(row, dates, reason), definition, due_by_now)
        elif reason is not None:
            speech.to_unit = self._saying(row, dates, reason)
            if reason is Reason.OVERDUE and row.period:
                self._late_keys.add(row.key)
        if upward:
            speech.upward = self._saying(row, dates, Reason.ESCALATION)

    def _saying(self, row: Row[Any], dates: Dates, reason: Reason) -> Saying:
        return saying(self._force, row.key, row.period, dates, reason, self._day)

    def _find_also(self) -> dict[int, tuple[str, str]]:
        found: dict[int, tuple[str, str]] = {}
        if not self._late_keys:
            return found
        for row in self._session.execute(_AGENDA_OVER, self._where):
            definition = self._force.campaign.definitions.get(row.key)
            if definition is None or row.key not in self._late_keys:
                continue
            dates = agenda_dates(self._force, definition, row)
            if not self._force.is_chased(dates):
                self._before.add(row.id)
            grace_until = dates.grace_until
            if grace_until is not None and grace_until < self._day:
                found[row.id] = (row.key, row.period)
        return found

    def open_rows(self) -> Iterator[tuple[str, list[OpenRow]]]:
        """Every open assignment that has something to say, unit by unit."""
        query = _OPEN_ROWS_AND_OVER if self._also else _OPEN_ROWS
        parts = self._session.execute(query, self._where).partitions()
        rows: Iterator[OpenRow] = (tuple(row) for part in parts for row in part)
        for unit, group in groupby(rows, key=itemgetter(1)):
            yield unit, list(group)

    def lines(self, unit: str, rows: Sequence[OpenRow], writer: DigestWriter) -> list[Line]:
        """What ``unit`` is told; what goes upward is handed to ``writer``."""
        lines: list[Line] = []
        also: dict[str, list[str]] = defaultdict(list)
        speeches = self._speeches
        for agenda, _, progress, answered in rows:
            if agenda in self._before and answered != "returned":
                continue
            self._heard.add(agenda)
            speech = speeches.get(agenda)
            if speech is None:
                if agenda in self._also:
                    key, period = self._also[agenda]
                    also[key].append(period)
                continue
            if speech.to_unit is not None:
                lines.append(Line(speech.to_unit, unit, progress))
            elif speech.pace is not None and self._lags(unit, progress, speech.pace):
                lines.append(Line(speech.pace[0], unit, progress))
            if speech.upward is not None and (superior := self._force.superior(unit)) is not None:
                writer.add_upward(superior, Line(speech.upward, unit, progress))
        return _mention(lines, also) if also else lines

    def _lags(self, unit: str, progress: int, pace: tuple[Saying, Definition, int]) -> bool:
        _, definition, due_by_now = pace
        return progress < due_by_now and self._force.target(definition, unit) is not None

    def advance(self) -> None:
        """Each row to its next day; with nobody left to remind it sleeps until an event wakes it."""
        for values in self._following:
            if values["row"] not in self._heard:
                values["new_next_on"], values["new_told"] = None, ""
        if self._following:
            self._session.connection().execute(_ADVANCE, self._following)


def _mention(lines: Sequence[Line], also: Mapping[str, list[str]]) -> list[Line]:
    """With the other late periods named in the first overdue line of each definition."""
    found = []
    unsaid = {key: sorted(periods) for key, periods in also.items()}
    for line in lines:
        key = line.saying.ref.partition("@")[0]
        if key in unsaid and line.saying.rank[0] == PRESSING[Reason.OVERDUE]:
            found.append(line._replace(beside={**(line.beside or {}), "also": unsaid.pop(key)}))
        else:
            found.append(line)
    return found
