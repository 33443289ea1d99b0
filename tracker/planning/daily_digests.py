"""Writes one day's digests to the outbox, one for each recipient (docs/contract.md §6.1 to §6.7).

The rows that are due come as a stream ordered by unit, so that a million of them need no more memory than
a thousand.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain, groupby
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Row, String, and_, bindparam, or_, select, type_coerce, update
from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.beat import Late, late, late_or_lapsed
from tracker.core.model import Definition, Reason, Rhythm
from tracker.core.quota_pace import share
from tracker.core.reminders import next_on, reminder_due_on
from tracker.core.status import Dates
from tracker.ledger.agenda import (
    LATE,
    UPWARD,
    agenda_dates,
    counted_from_telling,
    has_escalated,
    is_told_late,
    last_told,
    told_from_text,
    told_to_text,
)
from tracker.ledger.overdue_beat import Beats, escalates_alone
from tracker.outbox.rows import PRESSING
from tracker.planning.collect import DigestItem, DigestWriter, ReminderText, reminder
from tracker.planning.return_reasons import Reasons, reasons_for_returns, with_reason
from tracker.planning.single_reminders import SingleReminders
from tracker.planning.superseded import supersede, told_in_digest
from tracker.store.beats import BEAT
from tracker.store.tables import AGENDA, ASSIGNMENT

# Statements are made once: making them costs more than running them.
_OURS = AGENDA.c.campaign == bindparam("campaign")
_IS_UP = AGENDA.c.next_on <= bindparam("day")
#: What is over is told with the beat of its unit, or mentioned beside another period of the same thing.
_IS_OVER = AGENDA.c.effective_due < bindparam("day")
_AGENDA_UP = select(AGENDA).where(_OURS, _IS_UP)
_AGENDA_OVER = select(AGENDA).where(_OURS, _IS_OVER)
_OPEN = (
    select(
        ASSIGNMENT.c.agenda_id,
        ASSIGNMENT.c.unit,
        ASSIGNMENT.c.progress,
        ASSIGNMENT.c.answered,
        ASSIGNMENT.c.nudge,
        # Whether there is one is asked, and no more: to make a date of each takes longer than all else.
        type_coerce(ASSIGNMENT.c.late_since, String),
        type_coerce(ASSIGNMENT.c.extended_due, String),
    )
    .join(AGENDA, AGENDA.c.id == ASSIGNMENT.c.agenda_id)
    .where(_OURS, ASSIGNMENT.c.quiet.is_(False), ASSIGNMENT.c.removed_on.is_(None))
    .order_by(ASSIGNMENT.c.unit)
    .execution_options(yield_per=5000)
)
_OPEN_ROWS = _OPEN.where(_IS_UP)
_OPEN_ROWS_AND_OVER = _OPEN.where(or_(_IS_UP, _IS_OVER))
_OPEN_ROWS_AND_BEATS = _OPEN.outerjoin(
    BEAT, and_(BEAT.c.campaign == ASSIGNMENT.c.campaign, BEAT.c.unit == ASSIGNMENT.c.unit)
).where(or_(_IS_UP, and_(_IS_OVER, BEAT.c.next_on <= bindparam("day"))))
_ADVANCE = (
    update(AGENDA)
    .where(AGENDA.c.id == bindparam("row"))
    .values(next_on=bindparam("new_next_on"), told=bindparam("new_told"))
)


@dataclass(slots=True)
class _RowReminders:
    """What one agenda row has to say: to its units, to those of them who lag, and upward."""

    to_unit: ReminderText | None = None
    pace: tuple[ReminderText, Definition, int] | None = None
    upward: ReminderText | None = None
    #: What its assignments are from today on, where they are newly late.
    late: Late | None = None


class _OpenRow(NamedTuple):
    """One open assignment, as ``_OPEN`` selects it."""

    agenda: int
    unit: str
    progress: int
    answered: str | None
    nudge: str | None
    late_since: object
    extended_due: object


@dataclass(slots=True)
class _Over:
    """An agenda row whose date has passed; ``late`` is what its assignments are that were open then."""

    row: Row[Any]
    dates: Dates
    late: Late
    said: ReminderText | None = None


def plan_day(session: Session, snapshot: CampaignSnapshot, timezone: str, day: date, now: datetime) -> int:
    """Write the digests of ``day`` for the people of ``timezone``; the number of mails."""
    everybody = snapshot.people(day)
    told_again = supersede(session, snapshot, everybody, timezone, day, now)
    writer = DigestWriter(
        session,
        snapshot,
        everybody.within(timezone),
        day,
        now,
        waiting={*told_again.by_address, *told_again.beside},
        unheard=told_again.unheard,
    )
    beats = Beats(session, snapshot, timezone, day)
    agenda = _Agenda(session, snapshot, timezone, day, beats)
    nudges = SingleReminders(session, snapshot, timezone, day)
    reasons = reasons_for_returns(session, snapshot.campaign.id)
    lines_of_unit = nudges.by_unit
    for unit, rows in agenda.open_rows():
        lines = agenda.lines(unit, rows, writer)
        writer.add(unit, _explained([*lines, *lines_of_unit.pop(unit, ())], reasons))
    for unit in sorted(lines_of_unit):
        writer.add(unit, _explained(lines_of_unit[unit], reasons))
    for address, lines in told_again.by_address.items():
        writer.add_for(address, _explained(lines, reasons))
    for address, lines in told_again.beside.items():
        writer.add_beside(address, _explained(lines, reasons))
    for superior, line in nudges.upward:
        writer.add_escalation(superior, line)
    written, beside = writer.finish()
    for address in sorted(beside):
        told_in_digest(session, told_again.of_beside[address], day)
    agenda.advance()
    beats.save()
    nudges.forget()
    return written


def _explained(lines: Sequence[DigestItem], reasons: Reasons) -> Sequence[DigestItem]:
    """With the reason beside what stands returned; mostly there is none."""
    return [with_reason(line, reasons) for line in lines] if reasons else lines


class _Agenda:
    """The rows of the agenda that are up on a day in one time zone, and what they have to say."""

    def __init__(
        self, session: Session, snapshot: CampaignSnapshot, timezone: str, day: date, beats: Beats
    ) -> None:
        self._session = session
        self._snapshot = snapshot
        self._timezone = timezone
        self._day = day
        self._where = {"campaign": snapshot.campaign.id, "day": day}
        self._beats = beats
        self._speeches: dict[int, _RowReminders] = {}
        self._following: list[dict[str, object]] = []
        self._heard: set[int] = set()
        self._late_keys: set[str] = set()
        #: Rows of what was due before the ledger began: of those only what was sent back is spoken of.
        self._before: set[int] = set()
        self._told_once: set[int] = set()
        for row in session.execute(_AGENDA_UP, self._where):
            self._take(row)
        self._over = self._find_over() if beats.up or self._late_keys else {}

    def _take(self, row: Row[Any]) -> None:
        snapshot, day = self._snapshot, self._day
        definition = snapshot.campaign.definitions.get(row.key)
        if definition is None:
            # It may be of files that this process has yet to read: unknown means wait, not never.
            return
        told = told_from_text(row.told)
        dates = counted_from_telling(agenda_dates(snapshot, definition, row), told)
        if not snapshot.is_chased(dates):
            self._before.add(row.id)
        rules = snapshot.rules(definition)
        since = row.next_on
        if self._timezone in told:
            since = max(since, told[self._timezone] + timedelta(days=1))
        of = {name: each for name, each in told.items() if name.startswith((LATE, UPWARD))}
        if since <= day:
            to_unit, upward = reminder_due_on(dates, rules, since, day)
            zone, zones = self._timezone, snapshot.timezones
            if to_unit is Reason.OVERDUE and not is_told_late(last_told(told, LATE, zone, zones), dates):
                of[f"{LATE}{zone}"] = day
                dates = counted_from_telling(agenda_dates(snapshot, definition, row), of)
                upward = reminder_due_on(dates, rules, since, day).upward
            if upward := upward and not has_escalated({**told, **of}, zone, zones):
                of[f"{UPWARD}{zone}"] = day
            if to_unit is not None or upward:
                self._speak(row, definition, dates, to_unit, upward=upward)
        told[self._timezone] = day
        kept = {zone: told[zone] for zone in snapshot.timezones if zone in told}
        following = row.next_on
        if len(kept) == len(snapshot.timezones) and (after := min(kept.values())) >= row.next_on:
            following = next_on(dates, rules, after)
        new_told = told_to_text({**kept, **of})
        self._following.append({"row": row.id, "new_next_on": following, "new_told": new_told})

    def _speak(
        self, row: Row[Any], definition: Definition, dates: Dates, reason: Reason | None, *, upward: bool
    ) -> None:
        speech = self._speeches[row.id] = _RowReminders()
        rules = self._snapshot.rules(definition)
        if reason is Reason.PACE:
            wanted = definition.target.count if definition.target is not None else 0
            due_by_now = share(wanted, dates, self._day)
            speech.pace = (self._saying(row, dates, reason), definition, due_by_now)
        elif reason is not None:
            speech.to_unit = self._saying(row, dates, reason)
            if reason is Reason.OVERDUE:
                speech.late = late(dates, rules)
                if row.period:
                    self._late_keys.add(row.key)
        if upward:
            speech.upward = self._saying(row, dates, Reason.ESCALATION)

    def _saying(self, row: Row[Any], dates: Dates, reason: Reason) -> ReminderText:
        return reminder(self._snapshot, row.key, row.period, dates, reason, self._day)

    def _find_over(self) -> dict[int, _Over]:
        found: dict[int, _Over] = {}
        for row in self._session.execute(_AGENDA_OVER, self._where):
            definition = self._snapshot.campaign.definitions.get(row.key)
            if definition is None:
                continue
            dates = agenda_dates(self._snapshot, definition, row)
            if not self._snapshot.is_chased(dates):
                self._before.add(row.id)
            rules = self._snapshot.rules(definition)
            if rules.leave_alone(dates):
                self._told_once.add(row.id)
            each = late_or_lapsed(dates, rules)
            if each is not None and each.since <= self._day:
                found[row.id] = _Over(row, dates, each)
        return found

    def open_rows(self) -> Iterator[tuple[str, list[_OpenRow]]]:
        """Every open assignment that may have something to say, unit by unit."""
        query = _OPEN_ROWS_AND_BEATS if self._beats.up else _OPEN_ROWS
        if self._late_keys:
            # The other late periods of the same thing are named beside the new one.
            query = _OPEN_ROWS_AND_OVER
        parts = self._session.execute(query, self._where).partitions()
        rows: Iterable[_OpenRow] = map(_OpenRow._make, chain.from_iterable(parts))
        if self._before:
            rows = (row for row in rows if row.agenda not in self._before or row.answered == "returned")
        for unit, group in groupby(rows, key=itemgetter(1)):
            yield unit, list(group)

    def lines(self, unit: str, rows: Sequence[_OpenRow], writer: DigestWriter) -> list[DigestItem]:
        """What ``unit`` is told; what goes upward is handed to ``writer``."""
        lines: dict[int, DigestItem] = {}
        newly: list[Late] = []
        heard, speeches = self._heard, self._speeches
        for row in rows:
            agenda = row[0]
            heard.add(agenda)
            speech = speeches.get(agenda)
            if speech is None:
                continue
            said = speech.to_unit or self._pace(row, speech)
            if said is not None:
                lines[agenda] = _line(said, row)
            if speech.late is not None:
                newly.append(speech.late)
            if speech.upward is not None and not escalates_alone(row):
                superior = self._snapshot.superior(unit)
                if superior is not None:
                    writer.add_escalation(superior, _line(speech.upward, row))
        lates = self._lates(rows) if self._over else []
        if unit in self._beats.up:
            if rhythms := self._beats.heard_by(unit, [each for each, _, _ in lates]):
                lines = {**self._repeated(lates, rhythms), **lines}
        elif newly:
            self._beats.join(unit, newly)
        return _mention([*lines.values()], self._also(lates, lines))

    def _lates(self, rows: Sequence[_OpenRow]) -> list[tuple[Late, _Over, _OpenRow]]:
        found = []
        for row in rows:
            each = self._over.get(row.agenda)
            if each is not None and (row.late_since is not None or row.agenda not in self._told_once):
                found.append((each.late, each, row))
        return found

    def _repeated(
        self, lates: Sequence[tuple[Late, _Over, _OpenRow]], rhythms: frozenset[Rhythm]
    ) -> dict[int, DigestItem]:
        """All that is late, on a day of the unit's beat, for contacts of these ``rhythms``."""
        found = {}
        for each, over, row in lates:
            if each.may_be_said(self._day):
                over.said = over.said or self._saying(over.row, over.dates, Reason.OVERDUE)
                found[row.agenda] = _line(over.said, row)._replace(rhythms=rhythms)
        return found

    def _also(
        self, lates: Sequence[tuple[Late, _Over, _OpenRow]], lines: Mapping[int, DigestItem]
    ) -> dict[str, list[str]]:
        """Other late periods of what is newly late, whose own day is another one."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for _, over, row in lates:
            if over.row.key in self._late_keys and over.row.period and row.agenda not in lines:
                found[over.row.key].append(over.row.period)
        return found

    def _pace(self, row: _OpenRow, speech: _RowReminders) -> ReminderText | None:
        """What is said to a unit that lags."""
        if speech.pace is None:
            return None
        said, definition, due_by_now = speech.pace
        lags = row.progress < due_by_now and self._snapshot.target(definition, row.unit) is not None
        return said if lags else None

    def advance(self) -> None:
        """Each row to its next day; with nobody left to remind it sleeps until an event wakes it."""
        for values in self._following:
            if values["row"] not in self._heard:
                values["new_next_on"], values["new_told"] = None, ""
        if self._following:
            self._session.connection().execute(_ADVANCE, self._following)


def _line(said: ReminderText, row: _OpenRow) -> DigestItem:
    return DigestItem(said, row.unit, row.progress, None, row.extended_due is not None)


def _mention(lines: Sequence[DigestItem], also: Mapping[str, list[str]]) -> list[DigestItem]:
    """With the other late periods named in the first overdue line of each definition."""
    if not also:
        return list(lines)
    found = []
    unsaid = {key: sorted(periods) for key, periods in also.items()}
    for line in lines:
        key = line.reminder.ref.partition("@")[0]
        if key in unsaid and line.reminder.rank[0] == PRESSING[Reason.OVERDUE]:
            found.append(line._replace(beside={**(line.beside or {}), "also": unsaid.pop(key)}))
        else:
            found.append(line)
    return found
