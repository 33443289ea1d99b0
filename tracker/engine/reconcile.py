"""Brings the ledger up to date with the definitions, touching only what differs.

What is past stays: a unit that leaves a group keeps what it owed until then, one that joins owes only what
is still to come, and what has been answered never moves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import Select, delete, func, insert, select, update
from sqlmodel import Session

from tracker.core.model import Campaign, Definition, Every, Occurrence
from tracker.core.occurrences import occurrences
from tracker.core.reminders import next_on
from tracker.core.standing import REMOVED, Dates
from tracker.engine.agenda import agenda_dates, agenda_values, ensure_agenda
from tracker.engine.filestatus import apply_status
from tracker.engine.inforce import InForce
from tracker.errors import AnotherDocumentError, RemovalsHeldBackError
from tracker.store.campaigns import known_campaigns
from tracker.store.lots import lots
from tracker.store.tables import (
    AGENDA,
    ASSIGNMENT,
    DEFINITION,
    EVENT,
    AgendaRow,
    AssignmentRow,
)

#: Assignments exist to the end of the year, and at least this far ahead; to a whole month, so that the
#: ledger need not grow every day.
AHEAD = timedelta(days=92)

#: So many new assignments are written together.
LOT = 20_000


@dataclass(frozen=True, slots=True)
class Change:
    """Assignments of one occurrence that appear (``before`` None), vanish (``to`` None) or move."""

    ref: str
    units: tuple[str, ...]
    before: date | None
    to: date | None


@dataclass(slots=True)
class Changes:
    """What an edit of the files does to the ledger; ``gone`` are definitions with a history that it takes away."""

    added: list[Change] = field(default_factory=list)
    removed: list[Change] = field(default_factory=list)
    moved: list[Change] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.moved)


def horizon(force: InForce, today: date) -> date:
    """The date before which every occurrence has its assignments."""
    day = max(today, force.campaign.issued)
    # Whatever is to be reminded of long before must be there by then.
    ahead = day + max(AHEAD, timedelta(days=force.longest_lead))
    next_month = date(ahead.year + ahead.month // 12, ahead.month % 12 + 1, 1)
    return max(date(day.year + 1, 1, 1), next_month)


def known_until(force: InForce, definition: Definition, until: date) -> date:
    """The date before which all of ``definition`` has its assignments, where everything has them by ``until``.

    What comes back once or twice a year opens so long before it is due that ``until`` falls between the two: it
    can be answered, and lag behind its quota, from the day on which it opens.
    """
    if definition.rule.every not in {Every.YEAR, Every.HALF_YEAR}:
        return until
    following = next(
        occurrences(definition.rule, definition.key, force.campaign.issued, until, date.max), None
    )
    if following is None or following.due is None or following.opens >= until:
        return until
    return following.due + timedelta(days=1)


def reconcile(
    session: Session, force: InForce, now: datetime, *, said_through: date | None = None
) -> Changes:
    """Make the ledger what the definitions say at ``now``.

    With ``said_through``, everything up to that date counts as said already; without it, new definitions
    start with all that has come up since they were issued, which the next digest tells as it stands.
    """
    changes = Changes()
    today = force.day(now)
    everything_until = horizon(force, today)
    ours = DEFINITION.c.campaign == force.campaign.id
    known = {row.key: row for row in session.execute(select(DEFINITION).where(ours)).all()}
    # What was in the files once comes back to the rows that it left.
    kept = select(DEFINITION.c.key).where(ours)
    was_ours = (AGENDA.c.campaign == force.campaign.id, AGENDA.c.key.not_in(kept))
    left = set(session.execute(select(AGENDA.c.key).where(*was_ours).distinct()).scalars())
    bulk = _Bulk(session, force.campaign.id)
    #: Definitions of which a person says, or may have said, in the files that they are done, paused or waived.
    marked: list[Definition] = []
    for definition in force.campaign:
        row = known.pop(definition.key, None)
        fingerprint = force.definition_fingerprint(definition)
        until = known_until(force, definition, everything_until)
        if row is not None and row.fingerprint == fingerprint:
            if row.horizon < until and definition.rule.every is not None:
                _Writer(session, force, definition, changes, said_through).add(row.horizon, until, bulk)
                bulk.remember(definition, fingerprint, until)
                if definition.status is not None:
                    marked.append(definition)
            continue
        writer = _Writer(session, force, definition, changes, said_through)
        if row is None and definition.key not in left:
            writer.add(date.min, until, bulk)
            bulk.remember(definition, fingerprint, until)
        elif row is None:
            writer.change(until, today)
            bulk.remember(definition, fingerprint, until)
        else:
            writer.change(max(until, row.horizon), today)
            bulk.remember(definition, fingerprint, max(until, row.horizon))
        if row is not None or definition.status is not None:
            marked.append(definition)
    bulk.flush()
    for definition in marked:
        apply_status(session, force, definition, now)
    for key in known:
        _remove_definition(session, force, key, today, changes)
    return changes


def refuse_removals(session: Session, force: InForce, changes: Changes) -> None:
    """Raise RemovalsHeldBackError where ``changes`` take away what has a history, or more than a tenth of the ledger."""
    removed = sum(len(change.units) for change in changes.removed)
    if not removed:
        return
    left = session.execute(
        select(func.count())
        .select_from(ASSIGNMENT)
        .where(ASSIGNMENT.c.campaign == force.campaign.id, ASSIGNMENT.c.removed_on.is_(None))
    ).scalar_one()
    before = left + removed - sum(len(change.units) for change in changes.added)
    if changes.gone or removed * 10 > before:
        raise RemovalsHeldBackError(tuple(changes.gone), removed, before)


def refuse_another_document(session: Session, campaign: Campaign) -> None:
    """Raise AnotherDocumentError where the ledger has ``campaign`` with another document or date of issue."""
    known = known_campaigns(session).get(campaign.id)
    if known is not None and (known.document, known.issued) != (campaign.document, campaign.issued):
        before, now = (f"{each.document} {each.issued}".strip() for each in (known, campaign))
        raise AnotherDocumentError(campaign.id, before, now)


class _Bulk:
    """New rows, written in lots: one statement for thousands of them instead of several for each."""

    def __init__(self, session: Session, campaign: str) -> None:
        self._session = session
        self._campaign = campaign
        self._agenda: list[dict[str, object]] = []
        self._assignments: list[tuple[int, dict[str, object]]] = []
        self._definitions: list[dict[str, object]] = []

    def add(self, agenda: dict[str, object], assignments: Iterable[dict[str, object]]) -> None:
        """An agenda row that is certainly new, with the assignments that hang on it."""
        place = len(self._agenda)
        self._agenda.append(agenda)
        self._assignments.extend((place, assignment) for assignment in assignments)
        if len(self._assignments) >= LOT:
            self.flush()

    def remember(self, definition: Definition, fingerprint: str, until: date) -> None:
        """The definition has its assignments until then."""
        self._definitions.append(
            {
                "campaign": self._campaign,
                "key": definition.key,
                "fingerprint": fingerprint,
                "horizon": until,
                "title": definition.title,
            }
        )

    def flush(self) -> None:
        """Write what has been collected."""
        if self._agenda:
            inserted = self._session.execute(
                insert(AGENDA).returning(AGENDA.c.id, sort_by_parameter_order=True), self._agenda
            )
            ids = inserted.scalars().all()
            rows = [{**values, "agenda_id": ids[place]} for place, values in self._assignments]
            self._session.execute(insert(ASSIGNMENT), rows)
        if self._definitions:
            keys = [values["key"] for values in self._definitions]
            for lot in lots(keys):
                these = (DEFINITION.c.campaign == self._campaign, DEFINITION.c.key.in_(lot))
                self._session.execute(delete(DEFINITION).where(*these))
            self._session.execute(insert(DEFINITION), self._definitions)
        self._agenda, self._assignments, self._definitions = [], [], []


class _Writer:
    """Writes the assignments of one definition, and the agenda rows that they hang on."""

    def __init__(
        self,
        session: Session,
        force: InForce,
        definition: Definition,
        changes: Changes,
        said_through: date | None,
    ) -> None:
        self.session = session
        self.force = force
        self.definition = definition
        self.changes = changes
        self.said_through = said_through or date.min
        self.policy = force.policy(definition)
        self._agendas: dict[tuple[str, date | None, str | None], tuple[int, bool]] = {}

    def add(self, since: date, until: date, bulk: _Bulk) -> None:
        """Every assignment that is due in [since, until) and new, with its period."""
        for occurrence in self._occurrences(since, until):
            dates = self.force.dates(self.definition, occurrence)
            units = self.definition.units
            bulk.add(
                agenda_values(self.force, self.definition, occurrence.period or "", dates, self.said_through),
                self._assignments(occurrence, units, dates),
            )
            self.changes.added.append(Change(occurrence.ref, units, None, dates.effective_due))

    def change(self, until: date, today: date) -> None:
        """Move, add and take away what differs; all that was answered, and all that is past, stays."""
        key = self.definition.key
        existing: dict[str, dict[str, AssignmentRow]] = defaultdict(dict)
        for row in self.session.execute(_rows_of(self.force, key)).scalars():
            existing[row.period][row.unit] = row
        for occurrence in self._occurrences(date.min, until):
            rows = existing.pop(occurrence.period or "", {})
            missing = []
            for unit in self.definition.units:
                found = rows.pop(unit, None)
                if found is not None:
                    self._move(found, occurrence, today)
                elif occurrence.due is None or occurrence.due >= today:
                    missing.append(unit)
            if missing:
                self._insert(occurrence, tuple(missing), nudge_on=today if occurrence.opens < today else None)
            for row in rows.values():
                self._take_away(row, today)
        for rows in existing.values():
            for row in rows.values():
                self._take_away(row, today)
        self._reschedule(today)

    def _occurrences(self, since: date, until: date) -> list[Occurrence]:
        definition = self.definition
        if definition.rule.every is None:
            # However far off its date, what is asked once is asked now.
            until = date.max
        return list(occurrences(definition.rule, definition.key, self.force.campaign.issued, since, until))

    def _assignments(
        self, occurrence: Occurrence, units: Iterable[str], dates: Dates
    ) -> list[dict[str, object]]:
        return [
            {
                "campaign": self.force.campaign.id,
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

    def _insert(self, occurrence: Occurrence, units: tuple[str, ...], nudge_on: date | None) -> None:
        """Assignments for units that have joined, perhaps on an agenda row that has spoken already."""
        dates = self.force.dates(self.definition, occurrence)
        agenda, is_new = self._agenda(occurrence.period or "", dates, self.said_through)
        is_late = nudge_on is not None and not is_new and self.policy.announce
        late = {"nudge": "opened", "nudge_on": nudge_on} if is_late else {}
        rows = self._assignments(occurrence, units, dates)
        self.session.execute(insert(ASSIGNMENT), [{**row, "agenda_id": agenda, **late} for row in rows])
        self.changes.added.append(Change(occurrence.ref, units, None, dates.effective_due))

    def _agenda(
        self, period: str, dates: Dates, said_through: date, answered: str | None = None
    ) -> tuple[int, bool]:
        slot = (period, dates.effective_due, answered)
        found = self._agendas.get(slot)
        if found is None:
            found = ensure_agenda(
                self.session, self.force, self.definition, period, dates, said_through, answered=answered
            )
            self._agendas[slot] = found
        return found

    def _move(self, row: AssignmentRow, occurrence: Occurrence, today: date) -> None:
        row.removed_on = None
        row.mark &= ~REMOVED
        if row.answered in ("submitted", "nil", "waived"):
            return
        dates = self.force.dates(self.definition, occurrence)
        effective = row.extended_due or dates.effective_due
        dates = Dates.of(dates.opens, dates.due, effective, self.definition.grace_days, dates.asked)
        yesterday = today - timedelta(days=1)
        agenda, _ = self._agenda(row.period, dates, yesterday, row.answered)
        if row.effective_due != effective:
            self.changes.moved.append(Change(occurrence.ref, (row.unit,), row.effective_due, effective))
        row.agenda_id, row.opens, row.due = agenda, dates.opens, dates.due
        row.effective_due, row.grace_until = effective, dates.grace_until

    def _take_away(self, row: AssignmentRow, today: date) -> None:
        if row.effective_due is not None and row.effective_due < today:
            return
        _remove(self.session, row, today, self.changes)

    def _reschedule(self, today: date) -> None:
        """A policy or calendar may have changed: what is still to come is counted anew from today on."""
        self.session.flush()
        rows = self.session.execute(
            select(AgendaRow).where(
                AGENDA.c.campaign == self.force.campaign.id,
                AGENDA.c.key == self.definition.key,
                AGENDA.c.next_on > today,
            )
        ).scalars()
        for row in rows:
            row.next_on = next_on(
                agenda_dates(self.force, self.definition, row),
                self.force.rules(self.definition),
                today,
            )


def _rows_of(force: InForce, key: str) -> Select[AssignmentRow]:
    return select(AssignmentRow).where(ASSIGNMENT.c.campaign == force.campaign.id, ASSIGNMENT.c.key == key)


def _remove_definition(session: Session, force: InForce, key: str, today: date, changes: Changes) -> None:
    history = select(EVENT.c.id).join(ASSIGNMENT, ASSIGNMENT.c.id == EVENT.c.assignment_id)
    here = (
        ASSIGNMENT.c.campaign == force.campaign.id,
        ASSIGNMENT.c.key == key,
        ASSIGNMENT.c.removed_on.is_(None),
    )
    if session.execute(history.where(*here).limit(1)).first() is not None:
        changes.gone.append(key)
    for row in session.execute(_rows_of(force, key)).scalars():
        _remove(session, row, today, changes)
    this = (DEFINITION.c.campaign == force.campaign.id, DEFINITION.c.key == key)
    session.execute(delete(DEFINITION).where(*this))
    asleep = (AGENDA.c.campaign == force.campaign.id, AGENDA.c.key == key)
    session.execute(update(AGENDA).where(*asleep).values(next_on=None, told=""))


def _remove(session: Session, row: AssignmentRow, today: date, changes: Changes) -> None:
    """Take one assignment out of what is asked; one with a history stays in the books."""
    if row.removed_on is not None:
        return
    ref = f"{row.key}@{row.period}" if row.period else row.key
    changes.removed.append(Change(ref, (row.unit,), row.effective_due, None))
    has_history = session.execute(select(EVENT.c.id).where(EVENT.c.assignment_id == row.id).limit(1)).first()
    if has_history is None:
        session.execute(delete(ASSIGNMENT).where(ASSIGNMENT.c.id == row.id))
    else:
        row.removed_on = today
        row.mark |= REMOVED
