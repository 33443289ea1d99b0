"""Settles in bulk what was due before the ledger began, and takes a settlement back (docs/design/ledger.md).

A settlement is the events that one transaction wrote, alone in the ledger: the numbers from the one after ``after`` to
its own.  That is all that is kept of it, as a fact of the campaign; who, when and how stand in its events, and what has
become of it since follows from the histories of its assignments.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, Select, func, select
from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.model import Event, EventKind
from tracker.core.status import fold, may_be_undone, standing_places
from tracker.errors import LedgerError, UnknownNameError
from tracker.ledger.beginning import Scope, due_before, over_before
from tracker.ledger.record import event_of, last_event
from tracker.ledger.record_many import AssignmentEvents, record_many
from tracker.ledger.status import LedgerRow, in_order, ledger_row
from tracker.store.batches import batches
from tracker.store.campaigns import facts_like, read_fact, write_fact
from tracker.store.facts import read_fact as parse_fact
from tracker.store.tables import ASSIGNMENT, EVENT

FACTS = "settlement/"


class SettledState(StrEnum):
    """What may be said of them in bulk; ``accept`` is an answer that is accepted at once."""

    SUBMIT = "submit"
    NIL = "nil"
    ACCEPT = "accept"
    WAIVE = "waive"


class Seen(NamedTuple):
    """The ledger as a person saw it who says yes to a preview: its last event, the files in force, and the day."""

    event: int
    files: str
    day: date


@dataclass(frozen=True, slots=True)
class Preview:
    """What a settlement would record: the assignments as they would stand, in the order of the document."""

    rows: Sequence[LedgerRow]
    seen: Seen


@dataclass(frozen=True, slots=True)
class SettlementResult:
    """What came of one: the ``number`` of the settlement (None where nothing was recorded), the ``count`` of assignments.

    ``left``: the last event of each assignment that was seen in the preview and has been answered since.  ``already``:
    where nothing was recorded, the settlement in which the same person has said the same of some of these, as who
    presses a button twice does.
    """

    number: int | None
    count: int
    left: Sequence[Event]
    already: int | None = None


class SettledFate(StrEnum):
    """What has become of an assignment that was settled; ``overtaken`` is for what was done later and stands."""

    STANDS = "stands"
    TAKEN_BACK = "taken_back"
    OVERTAKEN = "overtaken"
    TAKEN_OUT = "taken_out"


@dataclass(frozen=True, slots=True)
class SettledAssignment:
    """One assignment of a settlement: its row and history, how many undos take it back, and what stands in their way."""

    row: Row[Any]
    history: Sequence[Event]
    fate: SettledFate
    undos: int = 0
    later: Event | None = None

    @property
    def ref(self) -> str:
        """Which occurrence."""
        return _ref(self.row)

    @property
    def unit(self) -> str:
        """Whose."""
        return str(self.row.unit)


@dataclass(frozen=True, slots=True)
class Settlement:
    """One settlement, as it stands now.  ``first`` is its first event; ``left`` as in ``SettlementResult``."""

    number: int
    how: SettledState
    recorded_at: datetime
    first: Event
    parts: Sequence[SettledAssignment]
    left: Sequence[Event]

    def having(self, *fates: SettledFate) -> list[SettledAssignment]:
        """Those of its parts that came to one of ``fates``."""
        return [each for each in self.parts if each.fate in fates]


@dataclass(frozen=True, slots=True)
class SettlementSummary:
    """A settlement in a list: ``count`` assignments, the events after ``after`` up to ``number``."""

    number: int
    after: int
    how: SettledState
    recorded_at: datetime
    who: str | None
    via: str | None
    note: str | None
    count: int


def preview(
    session: Session, snapshot: CampaignSnapshot, how: SettledState, now: datetime, scope: Scope
) -> Preview:
    """How all of ``scope`` would stand.  Raises UnknownNameError for a reference that is none."""
    found, day = [], snapshot.day(now)
    for case in _cases(session, snapshot, how, now, day, scope, who="", via="", note=None):
        definition = snapshot.definition(case.row.key)
        answer = fold([*case.known, *case.new], target=snapshot.target(definition, case.row.unit))
        found.append(ledger_row(snapshot, definition, case.row, answer, day))
    return Preview(in_order(snapshot, found), Seen(last_event(session), snapshot.fingerprint, day))


def settle(
    session: Session,
    snapshot: CampaignSnapshot,
    how: SettledState,
    now: datetime,
    *,
    scope: Scope,
    who: str,
    via: str,
    note: str | None = None,
    seen: Seen | None = None,
) -> SettlementResult:
    """Answer what was due before the ledger began.

    An answer counts from the day on which it was due: whether it came late is not known here, and nobody is blamed.
    With ``seen`` nothing is recorded but what the preview showed, and what has been answered since is left alone.
    Raises UnknownNameError for a reference that is none, LedgerError where other files are in force than were seen, and
    LedgerError and OvertakenError as ``record`` does.
    """
    if seen is not None and seen.files != snapshot.fingerprint:
        raise LedgerError("look_again")
    day = snapshot.day(now) if seen is None else min(seen.day, snapshot.day(now))
    cases = list(_cases(session, snapshot, how, now, day, scope, who=who, via=via, note=note))
    left: list[tuple[int, Event]] = []
    if seen is not None:
        cases, left = _as_seen(session, snapshot, cases, seen, scope)
    before = last_event(session)
    record_many(session, snapshot, cases, now, via)
    number = last_event(session)
    told = [event for _, event in left]
    if number == before:
        numbers = [place for place, _ in left]
        mine = (each for each in settlements(session, snapshot) if (each.who, each.how) == (who, how))
        already = next(
            (each.number for each in mine if any(each.after < one <= each.number for one in numbers)), None
        )
        return SettlementResult(None, 0, told, already)
    fact = {"how": how, "after": before, "left": [place for place, _ in left]}
    write_fact(session, snapshot.campaign.id, f"{FACTS}{number}", json.dumps(fact))
    return SettlementResult(number, len(cases), told)


def undo(
    session: Session,
    snapshot: CampaignSnapshot,
    number: int,
    now: datetime,
    *,
    who: str,
    via: str,
    note: str | None = None,
) -> int:
    """Take back all of a settlement that nothing has been done about since; how many assignments it was.

    What is taken back already is passed over, so that a second time does nothing.  Raises UnknownNameError where there is
    no such settlement, LedgerError and OvertakenError as ``record`` does.
    """
    parts = find(session, snapshot, number).having(SettledFate.STANDS)
    cases = []
    for each in parts:
        event = Event(now, each.ref, each.unit, EventKind.UNDO, who=who, via=via, note=note)
        cases.append(AssignmentEvents(each.row, each.history, [event] * each.undos))
    record_many(session, snapshot, cases, now, via)
    return len(parts)


def find(session: Session, snapshot: CampaignSnapshot, number: int) -> Settlement:
    """One settlement of this campaign, as it stands now.  Raises UnknownNameError."""
    kept = _kept(session, snapshot, number)
    if kept is None:
        raise UnknownNameError("no_settlement", number=number)
    ours = _between(snapshot, kept.after, number)
    among = select(EVENT.c.assignment_id).where(*ours)
    rows = session.execute(select(ASSIGNMENT).where(ASSIGNMENT.c.id.in_(among))).all()
    histories = _histories(session, among)
    parts = [_part(snapshot, row, histories[row.id], kept.after, number) for row in rows]
    parts.sort(
        key=lambda each: (snapshot.position(each.row.key), each.ref, snapshot.unit_position(each.unit))
    )
    first = session.execute(select(EVENT).where(*ours).order_by(EVENT.c.id).limit(1)).one()
    left = [
        event_of(row)
        for some in batches(kept.left)
        for row in session.execute(select(EVENT).where(EVENT.c.id.in_(some)).order_by(EVENT.c.id))
    ]
    return Settlement(number, kept.how, first.recorded_at, event_of(first), parts, left)


def settlements(
    session: Session, snapshot: CampaignSnapshot, limit: int | None = None
) -> list[SettlementSummary]:
    """The newest of this campaign, or all, the newest first."""
    names = facts_like(session, snapshot.campaign.id, FACTS)
    numbers = sorted((int(name.removeprefix(FACTS)) for name in names), reverse=True)
    found = []
    for number in numbers[:limit]:
        kept = _kept(session, snapshot, number)
        row = session.execute(select(EVENT).where(EVENT.c.id == number)).first()
        if kept is None or row is None:
            continue
        counted = select(func.count(EVENT.c.assignment_id.distinct())).where(
            *_between(snapshot, kept.after, number)
        )
        count = session.execute(counted).scalar_one()
        found.append(
            SettlementSummary(
                number, kept.after, kept.how, row.recorded_at, row.who, row.via, row.note, count
            )
        )
    return found


class _Kept(NamedTuple):
    how: SettledState
    after: int
    left: list[int]


def _kept(session: Session, snapshot: CampaignSnapshot, number: int) -> _Kept | None:
    name = f"{FACTS}{number}"
    text = read_fact(session, snapshot.campaign.id, name)
    return parse_fact(text, name, _kept_from, None)


def _kept_from(fact: Any) -> _Kept | None:
    return _Kept(SettledState(fact["how"]), int(fact["after"]), [int(each) for each in fact["left"]])


def _between(snapshot: CampaignSnapshot, after: int, last: int) -> tuple[ColumnElement[bool], ...]:
    return EVENT.c.campaign == snapshot.campaign.id, EVENT.c.id > after, EVENT.c.id <= last


def _ref(row: Row[Any]) -> str:
    return f"{row.key}@{row.period}" if row.period else str(row.key)


def _histories(session: Session, among: Select[Any]) -> dict[int, list[Row[Any]]]:
    """The events of ``among`` (numbers of assignments), in the order in which they were written down."""
    found: defaultdict[int, list[Row[Any]]] = defaultdict(list)
    for row in session.execute(select(EVENT).where(EVENT.c.assignment_id.in_(among)).order_by(EVENT.c.id)):
        found[row.assignment_id].append(row)
    return found


def _part(
    snapshot: CampaignSnapshot, row: Row[Any], history: Sequence[Row[Any]], after: int, last: int
) -> SettledAssignment:
    """Whether undos take back what this settlement said, and nothing else."""
    events = [event_of(each) for each in history]
    undoable = [place for place in standing_places(events) if may_be_undone(events[place])]
    ours = [place for place in undoable if after < history[place].id <= last]
    if not ours:
        return SettledAssignment(row, events, SettledFate.TAKEN_BACK)
    if undoable[-len(ours) :] != ours:
        return SettledAssignment(row, events, SettledFate.OVERTAKEN, later=events[undoable[-1]])
    if row.removed_on is not None or row.key not in snapshot.campaign.definitions:
        return SettledAssignment(row, events, SettledFate.TAKEN_OUT)
    return SettledAssignment(row, events, SettledFate.STANDS, undos=len(ours))


def _cases(
    session: Session,
    snapshot: CampaignSnapshot,
    how: SettledState,
    now: datetime,
    day: date,
    scope: Scope,
    *,
    who: str,
    via: str,
    note: str | None,
) -> Iterator[AssignmentEvents]:
    """What is left of ``scope`` and was over on ``day``, each with what is to be said of it."""
    wanted = (due_before(snapshot, day), *scope.narrowed())
    is_meant = scope.within(snapshot)
    histories = _histories(session, select(ASSIGNMENT.c.id).where(*wanted))
    for row in session.execute(select(ASSIGNMENT).where(*wanted)):
        if is_meant(row):
            known = [event_of(each) for each in histories.get(row.id, ())]
            yield AssignmentEvents(
                row, known, list(_events(snapshot, how, row, now, who=who, via=via, note=note))
            )


def _events(
    snapshot: CampaignSnapshot,
    how: SettledState,
    row: Row[Any],
    now: datetime,
    *,
    who: str,
    via: str,
    note: str | None,
) -> Iterator[Event]:
    ref = _ref(row)
    due = datetime.combine(row.effective_due, time(12), snapshot.zone)
    if how is SettledState.WAIVE:
        yield Event(now, ref, row.unit, EventKind.WAIVE, who=who, via=via, note=note)
        return
    kind = EventKind.NIL if how is SettledState.NIL else EventKind.SUBMIT
    yield Event(due, ref, row.unit, kind, who=who, via=via, note=note)
    if how is SettledState.ACCEPT:
        yield Event(now, ref, row.unit, EventKind.ACCEPT, who=who, via=via, note=note)


def _as_seen(
    session: Session, snapshot: CampaignSnapshot, cases: Sequence[AssignmentEvents], seen: Seen, scope: Scope
) -> tuple[list[AssignmentEvents], list[tuple[int, Event]]]:
    """Of ``cases`` what stood in the preview; and what stood there and is answered by now: its last event, by number."""
    since = (EVENT.c.campaign == snapshot.campaign.id, EVENT.c.id > seen.event)
    touched = select(EVENT.c.assignment_id).where(*since)
    histories = _histories(session, touched)
    query = select(ASSIGNMENT).where(ASSIGNMENT.c.id.in_(touched), *scope.narrowed())
    shown: dict[int, Event] = {}
    for row in session.execute(query):
        history = histories[row.id]
        until = [event_of(each) for each in history if each.id <= seen.event]
        if _stood_there(snapshot, row, until, seen.day, scope.within(snapshot)):
            shown[row.id] = event_of(history[-1])
    kept = [case for case in cases if case.row.id not in histories or case.row.id in shown]
    still = {case.row.id for case in kept}
    left = [(histories[each][-1].id, event) for each, event in shown.items() if each not in still]
    return kept, sorted(left, key=lambda each: each[0])


def _stood_there(
    snapshot: CampaignSnapshot,
    row: Row[Any],
    events: Sequence[Event],
    day: date,
    is_meant: Callable[[Any], bool],
) -> bool:
    """Whether an assignment with no more than ``events`` was in a preview of ``day`` by the files in force."""
    definition = snapshot.campaign.definitions.get(row.key)
    if definition is None or row.removed_on is not None:
        return False
    answer = fold(events, target=snapshot.target(definition, row.unit))
    dates = snapshot.dates(definition, row.opens, row.due, answer.extended_due)
    is_silent = answer.answered is None and not answer.paused
    return (
        is_silent
        and dates.lie_before(over_before(snapshot, day))
        and is_meant(_Due(row.key, row.period, dates.effective_due))
    )


class _Due(NamedTuple):
    key: str
    period: str
    effective_due: Any
