"""Brings the ledger up to date with the definitions, touching only what differs.

What is past stays asked: a unit that leaves a group keeps what it owed until then.  One that joins owes what is asked
once, whenever that was due, and those periods of what comes back that are still to come.  How anything stands follows
from its events and the definition now in force (``ledger.settled``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, and_, delete, exists, insert, or_, select, update
from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.model import Definition, Event, Every, Occurrence
from tracker.core.moments import A_DAY
from tracker.core.occurrences import occurrences
from tracker.core.reminders import escalation_day, next_on
from tracker.core.status import NOTHING, REMOVED, Dates, Progress, fold
from tracker.ledger.agenda import (
    LATE,
    LastDigests,
    agenda_dates,
    agenda_values,
    counted_from_telling,
    ensure_agenda,
    has_escalated,
    last_told,
    told_from_text,
    told_to_text,
)
from tracker.ledger.batched import BatchedInserts, BatchedUpdates
from tracker.ledger.calendar_revisions import Revisions, date_asked, date_held
from tracker.ledger.file_status import FileStatusWriter, NewAssignments
from tracker.ledger.overdue_beat import begin_beats, is_untold, lateness, of_joined
from tracker.ledger.record import events_of, has_history, let_go, settle_filing, settled
from tracker.store.campaigns import read_fact, write_fact
from tracker.store.tables import AGENDA, ASSIGNMENT, DEFINITION, FILING, REQUEST

#: Assignments exist to the end of the year, and at least this far ahead; to a whole month, so that the
#: ledger need not grow every day.
AHEAD = timedelta(days=92)

_CHASED = "chased"


@dataclass(frozen=True, slots=True)
class Change:
    """Assignments of one occurrence that appear (``before`` None), vanish (``to`` None) or move."""

    ref: str
    units: tuple[str, ...]
    before: date | None
    to: date | None


@dataclass(slots=True)
class Changes:
    """What an edit of the files does to the ledger; ``gone`` are definitions with a history that it takes away.

    ``left_out`` are past periods that units which join are not asked for.  ``reopened`` wait for an answer again,
    ``answered`` wait for none any more; only a preview says which these are.
    """

    added: list[Change] = field(default_factory=list)
    removed: list[Change] = field(default_factory=list)
    moved: list[Change] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    left_out: list[Change] = field(default_factory=list)
    reopened: list[Change] = field(default_factory=list)
    answered: list[Change] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.moved)


def horizon(snapshot: CampaignSnapshot, today: date) -> date:
    """The date before which every occurrence has its assignments."""
    day = max(today, snapshot.campaign.issued)
    # Whatever is to be reminded of long before must be there by then.
    ahead = day + max(AHEAD, timedelta(days=snapshot.longest_lead))
    next_month = date(ahead.year + ahead.month // 12, ahead.month % 12 + 1, 1)
    return max(date(day.year + 1, 1, 1), next_month)


def known_until(snapshot: CampaignSnapshot, definition: Definition, until: date) -> date:
    """The date before which all of ``definition`` has its assignments, where everything has them by ``until``.

    What comes back once or twice a year opens so long before it is due that ``until`` falls between the two: it
    can be answered, and lag behind its quota, from the day on which it opens.
    """
    if definition.rule.every not in {Every.YEAR, Every.HALF_YEAR}:
        return until
    following = next(
        occurrences(definition.rule, definition.key, snapshot.campaign.issued, until, date.max), None
    )
    if following is None or following.due is None or following.opens >= until:
        return until
    return following.due + A_DAY


def reconcile(
    session: Session, snapshot: CampaignSnapshot, now: datetime, *, said_through: date | None = None
) -> Changes:
    """Make the ledger what the definitions say at ``now``.

    With ``said_through``, everything up to that date counts as said already; without it, new definitions
    start with all that has come up since they were issued, which the next digest tells as it stands.
    """
    changes = Changes()
    today = snapshot.day(now)
    everything_until = horizon(snapshot, today)
    ours = DEFINITION.c.campaign == snapshot.campaign.id
    known = {row.key: row for row in session.execute(select(DEFINITION).where(ours)).all()}
    # What was in the files once comes back to the rows that it left.
    kept = select(DEFINITION.c.key).where(ours)
    was_ours = (AGENDA.c.campaign == snapshot.campaign.id, AGENDA.c.key.not_in(kept))
    left = set(session.execute(select(AGENDA.c.key).where(*was_ours).distinct()).scalars())
    has_begun = bool(known or left)
    bulk = BatchedInserts(session, snapshot.campaign.id)
    words = FileStatusWriter(session, snapshot, now)
    revised = Revisions(session, snapshot, now)
    told = _FromNow(
        LastDigests.by(session, snapshot, now),
        partial(lateness, snapshot, now=now, chased_from=chased_from(session, snapshot) or date.min),
        partial(of_joined, snapshot, now=now),
    )
    for definition in snapshot.campaign:
        row = known.pop(definition.key, None)
        fingerprint = snapshot.definition_fingerprint(definition)
        until = known_until(snapshot, definition, everything_until)
        if row is not None and row.fingerprint == fingerprint:
            if row.horizon < until and definition.rule.every is not None:
                writer = _Writer(session, snapshot, definition, changes, said_through, revised, told)
                writer.add(row.horizon, until, bulk)
                bulk.remember(definition, fingerprint, until)
                words.may_be_said(definition, writer.appeared)
            continue
        writer = _Writer(session, snapshot, definition, changes, said_through, revised, told)
        words.look_before(definition)
        if row is None and definition.key not in left:
            # What is late as a ledger begins is told by its date; of an edit, it is late from now on.
            writer.add(date.min, until, bulk, today if has_begun else date.min)
            bulk.remember(definition, fingerprint, until)
        elif row is None:
            writer.change(until, today)
            bulk.remember(definition, fingerprint, until)
        else:
            writer.change(max(until, row.horizon), today)
            bulk.remember(definition, fingerprint, max(until, row.horizon))
        words.may_be_said(definition, writer.appeared)
    bulk.flush()
    revised.flush()
    words.say()
    for gone in known.values():
        _remove_definition(session, snapshot, gone, today, changes, revised)
    revised.flush()
    if changes.moved:
        about = (ASSIGNMENT.c.campaign == snapshot.campaign.id, ASSIGNMENT.c.id == REQUEST.c.assignment_id)
        let_go(
            session, now, None, exists().where(*about, ASSIGNMENT.c.effective_due >= REQUEST.c.wanted_until)
        )
    begin_beats(session, snapshot, told.said.through)
    note_chased(session, snapshot)
    return changes


def note_chased(session: Session, snapshot: CampaignSnapshot) -> None:
    """Write down from when on the ledger chases what was due."""
    write_fact(session, snapshot.campaign.id, _CHASED, snapshot.chase_from.isoformat())


def chased_from(session: Session, snapshot: CampaignSnapshot) -> date | None:
    """From when on the ledger has chased what was due, before it goes by ``snapshot``; None before it was written down."""
    text = read_fact(session, snapshot.campaign.id, _CHASED)
    return None if text is None else date.fromisoformat(text)


class _FromNow(NamedTuple):
    """What is told from this moment on: all but what is ``said``, and alone one that is ``late``, or has ``joined``."""

    said: LastDigests
    late: Callable[..., dict[str, object]]
    joined: Callable[..., dict[str, object]]


class _Writer:
    """Writes the assignments of one definition, and the agenda rows that they hang on."""

    def __init__(
        self,
        session: Session,
        snapshot: CampaignSnapshot,
        definition: Definition,
        changes: Changes,
        said_through: date | None,
        revised: Revisions,
        told: _FromNow,
    ) -> None:
        self.session = session
        self.snapshot = snapshot
        self.definition = definition
        self.changes = changes
        self.revised = revised
        self._told = told
        self._ended: set[tuple[str, str]] = set()
        self._heard: dict[int, dict[str, date]] = {}
        self.said_through = said_through or date.min
        self.policy = snapshot.policy(definition)
        self._agendas: dict[tuple[str, date | None, bool, str | None], tuple[int, bool]] = {}
        self._unanswered: dict[tuple[date, date | None], tuple[Dates, dict[str, object]]] = {}
        self._edits = BatchedUpdates(session)
        self.appeared = NewAssignments()

    def add(self, since: date, until: date, bulk: BatchedInserts, today: date = date.min) -> None:
        """Every assignment that is due in [since, until) and new, with its period; past is what was due before ``today``."""
        units = self.definition.units
        for occurrence in self._occurrences(since, until):
            dates = self._dates(occurrence)
            if _is_past(dates, today):
                self._insert(occurrence, units, dates, today - A_DAY)
                continue
            bulk.add(
                agenda_values(
                    self.snapshot, self.definition, occurrence.period or "", dates, self.said_through
                ),
                self._assignments(occurrence, units, dates),
            )
            self._appear(occurrence, units, dates)

    def change(self, until: date, today: date) -> None:
        """Add and take away what differs, and let all that there is stand by the rules now in force."""
        key = self.definition.key
        existing: dict[str, dict[str, Row[Any]]] = defaultdict(dict)
        for row in self.session.execute(_rows_of(self.snapshot, key)):
            existing[row.period][row.unit] = row
        events = events_of(self.session, self.snapshot, key) if existing else {}
        self._ended = self.revised.ended(key)
        # Who is asked for something to come has been asked before; of others it is worth a word what they are not asked.
        known = {unit for rows in existing.values() for unit, row in rows.items() if _is_ahead(row, today)}
        ours = (AGENDA.c.campaign == self.snapshot.campaign.id, AGENDA.c.key == key)
        agendas = self.session.execute(select(AGENDA.c.id, AGENDA.c.told).where(*ours))
        self._heard = {row.id: told_from_text(row.told) for row in agendas}
        for occurrence in self._occurrences(date.min, until):
            rows = existing.pop(occurrence.period or "", {})
            dates = self._dates(occurrence)
            missing = []
            for unit in self.definition.units:
                found = rows.pop(unit, None)
                if found is None:
                    missing.append(unit)
                    continue
                if found.removed_on is not None:
                    self.appeared.again.add((found.period, found.unit))
                    self._appear(occurrence, (found.unit,), dates)
                self._settle(found, occurrence.opens, occurrence.due, events)
            self._join(occurrence, missing, dates, known, today)
            self._leave(rows.values(), events, today)
        for rows in existing.values():
            self._leave(rows.values(), events, today)
        self._reschedule()
        filed = select(FILING.c.assignment_id).join(ASSIGNMENT, ASSIGNMENT.c.id == FILING.c.assignment_id)
        ours = (ASSIGNMENT.c.campaign == self.snapshot.campaign.id, ASSIGNMENT.c.key == key)
        for assignment in self.session.execute(filed.where(*ours).distinct()).scalars().all():
            settle_filing(self.session, assignment)

    def _join(
        self,
        occurrence: Occurrence,
        units: Sequence[str],
        dates: Dates,
        known: Collection[str],
        today: date,
    ) -> None:
        """Ask ``units``, but for a past period of what comes back; ``known`` have been asked for it before."""
        if not _is_past(dates, today):
            self._insert(occurrence, units, dates, self.said_through)
        elif self.definition.rule.every is None:
            self._insert(occurrence, units, dates, today - A_DAY)
        elif joined := tuple(unit for unit in units if unit not in known):
            self.changes.left_out.append(Change(occurrence.ref, joined, dates.effective_due, None))

    def _leave(self, rows: Iterable[Row[Any]], events: Mapping[int, Sequence[Event]], today: date) -> None:
        """What the definition does not ask for any more goes, unless it was owed before.

        A slip that is put right before anybody was told of it leaves nothing.
        """
        for row in rows:
            is_slip = is_untold(row) and row.id not in events
            if row.removed_on is None and not _is_ahead(row, today) and not is_slip:
                self._settle(row, row.opens, row.due, events)
            else:
                _remove(self.session, row, self.definition.title, today, self.changes, self.revised)

    def _occurrences(self, since: date, until: date) -> list[Occurrence]:
        definition = self.definition
        if definition.rule.every is None:
            # However far off its date, what is asked once is asked now.
            until = date.max
        return list(occurrences(definition.rule, definition.key, self.snapshot.campaign.issued, since, until))

    def _assignments(
        self, occurrence: Occurrence, units: Iterable[str], dates: Dates
    ) -> list[dict[str, object]]:
        return [
            {
                "campaign": self.snapshot.campaign.id,
                "key": occurrence.key,
                "period": occurrence.period or "",
                "unit": unit,
                "opens": dates.opens,
                "due": dates.due,
                "effective_due": dates.effective_due,
                "grace_until": dates.grace_until,
                "quiet": False,
                "mark": 0,
                "paused": False,
                "progress": 0,
            }
            for unit in units
        ]

    def _insert(self, occurrence: Occurrence, units: Sequence[str], dates: Dates, said_through: date) -> None:
        """Assignments for units that have joined, perhaps on an agenda row that has spoken already."""
        if not units:
            return
        period, definition = occurrence.period or "", self.definition
        agenda, is_new = self._agenda(period, dates, said_through)
        rows = self._assignments(occurrence, units, dates)
        told = (self._told.joined(definition, unit, dates, is_new=is_new) for unit in units)
        values = [{**row, **own, "agenda_id": agenda} for row, own in zip(rows, told, strict=True)]
        self.session.execute(insert(ASSIGNMENT), values)
        self._appear(occurrence, units, dates)
        for unit in units:
            if (occurrence.period or "", unit) in self._ended:
                asked = (occurrence.key, occurrence.period or "", unit, self.definition.title)
                self.revised.add_at(*asked, None, dates.effective_due)

    def _dates(self, occurrence: Occurrence) -> Dates:
        return self.snapshot.dates(self.definition, occurrence.opens, occurrence.due)

    def _appear(self, occurrence: Occurrence, units: Sequence[str], dates: Dates) -> None:
        self.changes.added.append(Change(occurrence.ref, tuple(units), None, dates.effective_due))
        self.appeared.add(occurrence.period or "", units)

    def _agenda(
        self, period: str, dates: Dates, said_through: date, answer: Progress = NOTHING
    ) -> tuple[int, bool]:
        slot = (period, dates.effective_due, answer.quiet, answer.answered)
        found = self._agendas.get(slot)
        if found is None:
            found = self._agendas[slot] = ensure_agenda(
                self.session, self.snapshot, self.definition, period, dates, said_through, answer=answer
            )
        return found

    def _settle(
        self,
        row: Row[Any],
        opens: date,
        due: date | None,
        events: Mapping[int, Sequence[Event]],
    ) -> None:
        """Let a row stand as its events and the rules now in force say; one that had been taken out is back."""
        definition = self.definition
        history = events.get(row.id, ())
        answer = fold(history, target=self.snapshot.target(definition, row.unit)) if history else NOTHING
        dates, values = self._settled(opens, due, answer)
        if row.effective_due != dates.effective_due:
            ref = f"{row.key}@{row.period}" if row.period else row.key
            self.changes.moved.append(Change(ref, (row.unit,), row.effective_due, dates.effective_due))
        agenda, _ = self._agenda(row.period, dates, self._told.said.through - A_DAY, answer)
        zone = self.snapshot.zone_of(row.unit)
        heard = self._told.said.heard(self._heard[row.agenda_id], zone)
        # By the dates that it has now it may have been told before that it is late, unless it was quiet then.
        of_these = last_told(self._heard.get(agenda, {}), LATE, zone, self.snapshot.timezones)
        if of_these is not None and any(self.snapshot.day(event.at) >= of_these for event in history):
            of_these = None
        heard = heard._replace(late=of_these, was_late=heard.late)
        late = self._told.late(definition, row, dates, answer, heard=heard)
        values = {**values, **late, "agenda_id": agenda, "removed_on": None}
        self._edits.add(row.id, {name: each for name, each in values.items() if getattr(row, name) != each})
        held = date_asked(answer, dates.effective_due)
        self.revised.add(row, definition.title, date_held(row), held)

    def _settled(self, opens: date, due: date | None, answer: Progress) -> tuple[Dates, dict[str, object]]:
        """The dates and columns of one with ``answer``; found once for all that are not answered."""
        found = self._unanswered.get((opens, due)) if answer is NOTHING else None
        if found is None:
            dates = self.snapshot.dates(self.definition, opens, due, answer.extended_due)
            found = dates, settled(self.snapshot, self.definition, dates, answer)
            if answer is NOTHING:
                self._unanswered[opens, due] = found
        return found

    def _reschedule(self) -> None:
        """A policy or calendar may have changed: what has not been said yet is counted anew."""
        self._edits.flush()
        key = self.definition.key
        ours = (AGENDA.c.campaign == self.snapshot.campaign.id, AGENDA.c.key == key)
        asked = (ASSIGNMENT.c.agenda_id == AGENDA.c.id, ASSIGNMENT.c.removed_on.is_(None))
        dated = select(AGENDA.c.id, ASSIGNMENT.c.opens, ASSIGNMENT.c.due).join(ASSIGNMENT, and_(*asked))
        for row in self.session.execute(dated.where(*ours).distinct()):
            # The same day may be due by another rule than before.
            self.session.execute(
                update(AGENDA).where(AGENDA.c.id == row.id).values(opens=row.opens, due=row.due)
            )
        speaks = or_(AGENDA.c.next_on.is_not(None), exists().where(*asked, ASSIGNMENT.c.quiet.is_(False)))
        rules = self.snapshot.rules(self.definition)
        for row in self.session.execute(select(AGENDA).where(*ours, speaks)).all():
            told = told_from_text(row.told)
            dates = counted_from_telling(agenda_dates(self.snapshot, self.definition, row), told)
            said = self._told.said.by_row(told)
            if row.next_on <= said if row.next_on is not None else not self.snapshot.is_chased(dates):
                # It speaks with the next digests anyway, or only of what is sent back.
                continue
            following = next_on(dates, rules, said)
            upward = escalation_day(dates, rules)
            if row.next_on is not None and upward is not None and upward <= said:
                zones = self.snapshot.timezones
                untold = [zone for zone in zones if not has_escalated(told, zone, zones)]
                if untold:
                    # It had yet to go upward when the edit moved that day to before the last digests.
                    following = upward
                    told |= {zone: min(told[zone], upward - A_DAY) for zone in untold if zone in told}
            if following != row.next_on:
                values = {"next_on": following, "told": told_to_text(told)}
                self.session.execute(update(AGENDA).where(AGENDA.c.id == row.id).values(values))


def _is_past(dates: Dates, today: date) -> bool:
    return dates.effective_due is not None and dates.effective_due < today


def _is_ahead(row: Row[Any], today: date) -> bool:
    return row.removed_on is None and (row.effective_due is None or row.effective_due >= today)


def _rows_of(snapshot: CampaignSnapshot, key: str) -> Select[Any]:
    return select(ASSIGNMENT).where(ASSIGNMENT.c.campaign == snapshot.campaign.id, ASSIGNMENT.c.key == key)


def _remove_definition(
    session: Session,
    snapshot: CampaignSnapshot,
    definition: Row[Any],
    today: date,
    changes: Changes,
    revised: Revisions,
) -> None:
    key = definition.key
    here = (
        ASSIGNMENT.c.campaign == snapshot.campaign.id,
        ASSIGNMENT.c.key == key,
        ASSIGNMENT.c.removed_on.is_(None),
    )
    if session.execute(select(ASSIGNMENT.c.id).where(*here, has_history()).limit(1)).first() is not None:
        changes.gone.append(key)
    for row in session.execute(_rows_of(snapshot, key)).all():
        _remove(session, row, definition.title, today, changes, revised)
    this = (DEFINITION.c.campaign == snapshot.campaign.id, DEFINITION.c.key == key)
    session.execute(delete(DEFINITION).where(*this))
    asleep = (AGENDA.c.campaign == snapshot.campaign.id, AGENDA.c.key == key)
    session.execute(update(AGENDA).where(*asleep).values(next_on=None, told=""))


def _remove(
    session: Session, row: Row[Any], title: str, today: date, changes: Changes, revised: Revisions
) -> None:
    """Take one assignment out of what is asked; one with a history stays in the books."""
    if row.removed_on is not None:
        return
    ref = f"{row.key}@{row.period}" if row.period else row.key
    changes.removed.append(Change(ref, (row.unit,), row.effective_due, None))
    revised.add(row, title, date_held(row), None)
    is_it = ASSIGNMENT.c.id == row.id
    if session.connection().execute(delete(ASSIGNMENT).where(is_it, ~has_history())).rowcount == 0:
        gone = {"removed_on": today, "mark": row.mark | REMOVED}
        session.execute(update(ASSIGNMENT).where(is_it).values(gone))
