"""Takes thousands of events into the ledger with a few statements, to the same end as ``ledger.record`` one by one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, insert, select
from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.admission import admit
from tracker.core.model import Definition, Event
from tracker.core.status import Dates, Progress, fold
from tracker.ledger.agenda import ensure_agenda, said_through
from tracker.ledger.batched import BatchedUpdates
from tracker.ledger.calendar_revisions import Revisions, date_asked, date_held
from tracker.ledger.editions import refuse_overtaken
from tracker.ledger.overdue_beat import lateness, own_dates
from tracker.ledger.record import event_values, record, refuse_undecided, settled
from tracker.store.batches import batches
from tracker.store.database import in_turn
from tracker.store.tables import EVENT, FILING

_Slot = tuple[str, str, date | None, bool, str | None]


class AssignmentEvents(NamedTuple):
    """An assignment (its row), the events that are known of it, and those that are to be added, in their order."""

    row: Row[Any]
    known: Sequence[Event]
    new: Sequence[Event]


def record_many(
    session: Session, snapshot: CampaignSnapshot, cases: Sequence[AssignmentEvents], now: datetime, via: str
) -> None:
    """Add the new events of ``cases``, each about another assignment, all through the same door ``via``.

    Raises LedgerError where one does not fit and OvertakenError, as ``record`` does: then nothing stays written.
    """
    in_turn(session)
    refuse_overtaken(session, snapshot)
    refuse_undecided(snapshot, via)
    _Writer(session, snapshot, now).take(cases)


class _Writer:
    """One lot, while it is written."""

    def __init__(self, session: Session, snapshot: CampaignSnapshot, now: datetime) -> None:
        self._session = session
        self._snapshot = snapshot
        self._now = now
        self._events: list[dict[str, object]] = []
        self._edits = BatchedUpdates(session)
        self._revised = Revisions(session, snapshot, now)
        self._said = said_through(session, snapshot, snapshot.day(now))
        self._agendas: dict[_Slot, int] = {}

    def take(self, cases: Sequence[AssignmentEvents]) -> None:
        filed = _with_filings(self._session, [case.row.id for case in cases])
        for case in cases:
            self._take(case, has_filing=case.row.id in filed)
        if self._events:
            self._session.execute(insert(EVENT), self._events)
        self._edits.flush()
        self._revised.flush()

    def _take(self, case: AssignmentEvents, *, has_filing: bool) -> None:
        snapshot, row = self._snapshot, case.row
        definition = snapshot.definition(row.key)
        target = snapshot.target(definition, row.unit)
        history = list(case.known)
        today = snapshot.day(self._now)
        for event in case.new:
            admit(event, history, row.effective_due, snapshot.day(event.at), today=today, target=target)
            history.append(event)
        answer = fold(history, target=target)
        dates = snapshot.dates(definition, row.opens, row.due, answer.extended_due)
        if has_filing or self._is_heard_of(row, dates, answer):
            # Questions about tables, and the beat of what is late, depend on what else there is.
            for event in case.new:
                record(self._session, snapshot, event, self._now)
            return
        self._events += [event_values(snapshot.campaign.id, row.id, event, self._now) for event in case.new]
        values = {
            **settled(snapshot, definition, dates, answer),
            **lateness(snapshot, definition, row, dates, answer, now=self._now),
            "agenda_id": self._agenda(definition, row.period, dates, answer),
        }
        self._edits.add(row.id, {name: each for name, each in values.items() if getattr(row, name) != each})
        held = date_asked(answer, dates.effective_due)
        self._revised.add(row, definition.title, date_held(row), held)

    def _is_heard_of(self, row: Row[Any], dates: Dates, answer: Progress) -> bool:
        """Whether anything is said of it, before or afterwards, or its date moves."""
        was_asked = not row.quiet and self._snapshot.is_chased(own_dates(self._snapshot, row), row.answered)
        is_asked = not answer.quiet and self._snapshot.is_chased(dates, answer.answered)
        return was_asked or is_asked or dates.effective_due != row.effective_due

    def _agenda(self, definition: Definition, period: str, dates: Dates, answer: Progress) -> int:
        slot = (definition.key, period, dates.effective_due, answer.quiet, answer.answered)
        if slot not in self._agendas:
            self._agendas[slot], _ = ensure_agenda(
                self._session, self._snapshot, definition, period, dates, self._said, answer=answer
            )
        return self._agendas[slot]


def _with_filings(session: Session, assignments: Sequence[int]) -> set[int]:
    query = select(FILING.c.assignment_id).distinct()
    found: set[int] = set()
    for some in batches(assignments):
        found.update(session.execute(query.where(FILING.c.assignment_id.in_(some))).scalars())
    return found
