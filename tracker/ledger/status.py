"""Gives the ledger out as rows with state and light, as it stood at any moment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, Select, or_, select
from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.model import Definition, Event, Light, Occurrence, State
from tracker.core.occurrences import occurrences, parse_ref
from tracker.core.status import NOTHING, Dates, Progress, fold
from tracker.core.vocabulary import word_for
from tracker.ledger.reconcile import horizon, known_until
from tracker.ledger.record import event_of
from tracker.store.tables import ASSIGNMENT, EVENT


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One assignment with how it stands (docs/contract.md §5, ``status``)."""

    ref: str
    unit: str
    definition: Definition
    dates: Dates
    answer: Progress
    state: State
    light: Light
    days_left: int | None
    late_days: int
    target: int | None

    @property
    def waits(self) -> bool:
        """Whether somebody has to accept it."""
        return self.answer.waits(acceptance=self.definition.acceptance)

    @property
    def word(self) -> str:
        """What people are told of its state, by its name in ``core/vocabulary.STATE_WORDS``."""
        return word_for(self.state, waits=self.waits)

    def is_among(self, state: str | None) -> bool:
        """Whether it is one of those that are asked for by ``state``: ``submitted`` is all that waits for acceptance."""
        return state in (None, self.state.value) or (state == State.SUBMITTED and self.waits)


def ledger_rows(
    session: Session,
    snapshot: CampaignSnapshot,
    at: datetime,
    *,
    latest: datetime,
    unit: str | None = None,
    ref: str | None = None,
    since: date | None = None,
    until: date | None = None,
) -> list[LedgerRow]:
    """The ledger as it stood at ``at``, in the order of the document, the periods and the units.

    Without a range of due dates [since, until): everything that was open at ``at`` or is due by the end of
    that year.  ``latest`` is the present: an ``at`` before it looks at the events of that time.
    """
    day = snapshot.day(at)
    query = _narrow(snapshot, _select_rows(snapshot), unit=unit, ref=ref)
    if since is not None or until is not None:
        query = query.where(ASSIGNMENT.c.effective_due >= (since or date.min)).where(
            ASSIGNMENT.c.effective_due < (until or date.max)
        )
    elif ref is None or "@" not in ref:
        year_end = date(day.year + 1, 1, 1)
        query = query.where(
            or_(ASSIGNMENT.c.due.is_(None), ASSIGNMENT.c.due < year_end, ASSIGNMENT.c.opens <= day)
        )
    answers = answers_at(session, snapshot, at) if at < latest else None
    found = []
    for row in session.execute(query):
        definition = snapshot.campaign.definitions.get(row.key)
        if definition is not None:
            answer = answer_of(row) if answers is None else answers.get(row.id, NOTHING)
            found.append(ledger_row(snapshot, definition, row, answer, day))
    found.extend(_still_to_come(snapshot, latest, day, unit=unit, ref=ref, since=since, until=until))
    return in_order(snapshot, found)


def in_order(snapshot: CampaignSnapshot, rows: Iterable[LedgerRow]) -> list[LedgerRow]:
    """In the order of the document, the periods and the units."""
    return sorted(
        rows,
        key=lambda row: (snapshot.position(row.definition.key), row.ref, snapshot.unit_position(row.unit)),
    )


def _select_rows(snapshot: CampaignSnapshot) -> Select[Any]:
    return select(ASSIGNMENT).where(
        ASSIGNMENT.c.campaign == snapshot.campaign.id, ASSIGNMENT.c.removed_on.is_(None)
    )


def _narrow(
    snapshot: CampaignSnapshot, query: Select[Any], *, unit: str | None, ref: str | None
) -> Select[Any]:
    if unit is not None:
        query = query.where(ASSIGNMENT.c.unit == snapshot.unit_id(unit))
    if ref is not None:
        key, period = parse_ref(ref)
        snapshot.definition(key)
        query = query.where(ASSIGNMENT.c.key == key)
        if period is not None:
            query = query.where(ASSIGNMENT.c.period == period)
    return query


def ledger_row(
    snapshot: CampaignSnapshot, definition: Definition, row: Row[Any], answer: Progress, day: date
) -> LedgerRow:
    """One row of the table as it stood on ``day``, when ``answer`` was what there was."""
    dates = Dates(row.opens, row.due, row.effective_due, row.grace_until, snapshot.campaign.issued)
    if answer.extended_due != row.extended_due:
        # The row has today's extension; at that time there was another, or none.
        dates = snapshot.dates(definition, row.opens, row.due, answer.extended_due)
    ref = f"{row.key}@{row.period}" if row.period else row.key
    return _row(snapshot, definition, ref, row.unit, dates, answer, day)


def _row(
    snapshot: CampaignSnapshot,
    definition: Definition,
    ref: str,
    unit: str,
    dates: Dates,
    answer: Progress,
    day: date,
) -> LedgerRow:
    stands = snapshot.standing(definition, dates, answer, day)
    return LedgerRow(
        ref=ref,
        unit=unit,
        definition=definition,
        dates=dates,
        answer=answer,
        state=stands.state,
        light=stands.light,
        days_left=stands.days_left,
        late_days=stands.late_days,
        target=snapshot.target(definition, unit),
    )


def answers_at(
    session: Session, snapshot: CampaignSnapshot, at: datetime, *, among: Select[Any] | None = None
) -> dict[int, Progress]:
    """What the events up to ``at`` add up to, by the number of the assignment (one of ``among``)."""
    # All of them, as a later undo lets what it takes back stand until then.
    query = select(EVENT, ASSIGNMENT.c.key).join(ASSIGNMENT, ASSIGNMENT.c.id == EVENT.c.assignment_id)
    query = query.where(EVENT.c.campaign == snapshot.campaign.id)
    if among is not None:
        query = query.where(EVENT.c.assignment_id.in_(among))
    histories: defaultdict[tuple[int, str], list[Event]] = defaultdict(list)
    for row in session.execute(query.order_by(EVENT.c.id)):
        histories[row.assignment_id, row.key].append(event_of(row))
    answers = {}
    for (assignment, key), events in histories.items():
        definition = snapshot.campaign.definitions.get(key)
        if definition is not None:
            answers[assignment] = fold(events, target=snapshot.target(definition, events[0].unit), by=at)
    return answers


def answer_of(row: Row[Any]) -> Progress:
    """What the events of a row add up to, as the row keeps it."""
    return Progress(
        answered=row.answered,
        paused=row.paused,
        progress=row.progress,
        submitted_at=row.submitted_at,
        accepted_at=row.accepted_at,
        extended_due=row.extended_due,
        via=row.via,
    )


def _still_to_come(
    snapshot: CampaignSnapshot,
    latest: datetime,
    day: date,
    *,
    unit: str | None,
    ref: str | None,
    since: date | None,
    until: date | None,
) -> Iterator[LedgerRow]:
    """Assignments so far ahead that the ledger does not hold them yet, from the definitions."""
    everything_until = horizon(snapshot, snapshot.day(latest))
    key, period = parse_ref(ref) if ref is not None else (None, None)
    if until is None:
        until = date(day.year + 1, 1, 1) if period is None else date(min(day.year + 100, 2200), 1, 1)
    if until <= everything_until:
        return
    wanted_unit = None if unit is None else snapshot.unit_id(unit)
    for definition in snapshot.campaign:
        if key not in (None, definition.key) or definition.rule.every is None:
            continue
        start = max(known_until(snapshot, definition, everything_until), since or date.min)
        for occurrence in occurrences(
            definition.rule, definition.key, snapshot.campaign.issued, start, until
        ):
            if period not in (None, occurrence.period):
                continue
            for each in definition.units:
                if wanted_unit in (None, each):
                    yield _row_by_rule(snapshot, definition, occurrence, each, day)


def _row_by_rule(
    snapshot: CampaignSnapshot, definition: Definition, occurrence: Occurrence, unit: str, day: date
) -> LedgerRow:
    dates = snapshot.dates(definition, occurrence.opens, occurrence.due)
    return _row(snapshot, definition, occurrence.ref, unit, dates, NOTHING, day)
