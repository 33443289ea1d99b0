"""What the files themselves say: ``status: done|paused|waived``, and ``acceptance`` (docs/contract.md §2).

A person's word for every owner at once is an event for each assignment, like any other, through "file".  It is said
once, when it is written, to what is open then; what is asked for later under a standing word gets it then.  Taking it
away takes back what it said and nothing else.  Where ``acceptance`` is switched on, what was done before is accepted.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import ColumnElement, insert, select, update
from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.config.loader import load
from tracker.core.model import Definition, Event, EventKind
from tracker.core.status import ACCEPTED, FILE, is_word, standing_events
from tracker.ledger.record import event_values, read_events, record
from tracker.store.batches import batches
from tracker.store.campaigns import read_fact, write_fact
from tracker.store.database import in_turn
from tracker.store.tables import ASSIGNMENT, EVENT

WHO = "tasks.yaml"
EVENT_OF = {"done": EventKind.SUBMIT, "paused": EventKind.PAUSE, "waived": EventKind.WAIVE}

#: Where the ledger keeps what the files said last.
SAID = "said"

#: Period and unit of an assignment.
Place = tuple[str, str]


@dataclass(slots=True)
class FileStatuses:
    """What the files said last: the status of each definition that has one, and what was to be accepted."""

    status: dict[str, str] = field(default_factory=dict)
    acceptance: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, session: Session, campaign: str) -> FileStatuses:
        """As the ledger keeps it; what was said before it kept that follows from the events and the kept files."""
        text = read_fact(session, campaign, SAID)
        if text is None:
            return cls(
                _said_by_events(session, campaign), _asked_by_files(read_fact(session, campaign, "files"))
            )
        facts = json.loads(text)
        return cls(facts["status"], set(facts["acceptance"]))

    def write(self, session: Session, campaign: str) -> None:
        """Keep it."""
        facts = {"status": self.status, "acceptance": sorted(self.acceptance)}
        write_fact(session, campaign, SAID, json.dumps(facts, sort_keys=True))

    def hear(self, definition: Definition) -> None:
        """What the files say of one definition now."""
        self.status.pop(definition.key, None)
        self.acceptance.discard(definition.key)
        if definition.status is not None:
            self.status[definition.key] = definition.status
        if definition.acceptance:
            self.acceptance.add(definition.key)


@dataclass(slots=True)
class NewAssignments:
    """Assignments of one definition that are asked for now and were not before, by period.

    ``again`` are those among them that have been there at an earlier time.
    """

    units: dict[str, list[str]] = field(default_factory=dict)
    again: set[Place] = field(default_factory=set)

    def add(self, period: str, units: Collection[str]) -> None:
        """Of one period."""
        self.units.setdefault(period, []).extend(units)

    def __contains__(self, place: Place) -> bool:
        return place[1] in self.units.get(place[0], ())


class FileStatusWriter:
    """Lets the files have their say, once the assignments are there."""

    def __init__(self, session: Session, snapshot: CampaignSnapshot, now: datetime) -> None:
        self._session = session
        self._snapshot = snapshot
        self._now = now
        self._said = FileStatuses.read(session, snapshot.campaign.id)
        self._waiting: list[tuple[Definition, NewAssignments]] = []
        self._done: list[int] = []

    def look_before(self, definition: Definition) -> None:
        """Before anything of ``definition`` changes: what is done and need not have been accepted until now."""
        if definition.acceptance and definition.key not in self._said.acceptance:
            self._done += self._session.execute(
                select(ASSIGNMENT.c.id).where(*self._of(definition), *_DONE)
            ).scalars()

    def may_be_said(self, definition: Definition, appeared: NewAssignments) -> None:
        """Remember that there may be something to say of ``definition``."""
        self._waiting.append((definition, appeared))

    def say(self) -> None:
        """Say what is to be said, and remember it."""
        for definition, appeared in self._waiting:
            self._say_status(definition, appeared)
            self._said.hear(definition)
        self._accept()
        self._said.write(self._session, self._snapshot.campaign.id)

    def _say_status(self, definition: Definition, appeared: NewAssignments) -> None:
        wanted = EVENT_OF[definition.status] if definition.status else None
        is_new = self._said.status.get(definition.key) != definition.status
        kept: set[Place] = set()
        if is_new or appeared.again:
            for place, word in self._standing_words(definition):
                if not is_new and place not in appeared.again:
                    continue
                if word is wanted:
                    kept.add(place)
                else:
                    self._record(definition, place, EventKind.UNDO)
        if wanted is None or not (is_new or appeared.units):
            return
        for place in self._open(definition):
            if (is_new or place in appeared) and place not in kept:
                self._record(definition, place, wanted)

    def _standing_words(self, definition: Definition) -> list[tuple[Place, EventKind]]:
        """Of each assignment that is asked for, the word of the files that stands."""
        touched = self._session.execute(
            select(ASSIGNMENT.c.id, ASSIGNMENT.c.period, ASSIGNMENT.c.unit)
            .join(EVENT, EVENT.c.assignment_id == ASSIGNMENT.c.id)
            .where(*self._of(definition), EVENT.c.via == FILE, ASSIGNMENT.c.removed_on.is_(None))
            .distinct()
            .order_by(ASSIGNMENT.c.id)
        ).all()
        found = []
        for row in touched:
            words = [event for event in standing_events(read_events(self._session, row.id)) if is_word(event)]
            if words:
                found.append(((row.period, row.unit), words[-1].event))
        return found

    def _open(self, definition: Definition) -> list[Place]:
        rows = self._session.execute(
            select(ASSIGNMENT.c.period, ASSIGNMENT.c.unit)
            .where(
                *self._of(definition),
                ASSIGNMENT.c.quiet.is_(False),
                ASSIGNMENT.c.removed_on.is_(None),
            )
            .order_by(ASSIGNMENT.c.id)
        )
        return [(row.period, row.unit) for row in rows]

    def _of(self, definition: Definition) -> tuple[ColumnElement[bool], ...]:
        return ASSIGNMENT.c.campaign == self._snapshot.campaign.id, ASSIGNMENT.c.key == definition.key

    def _record(self, definition: Definition, place: Place, kind: EventKind) -> None:
        period, unit = place
        ref = f"{definition.key}@{period}" if period else definition.key
        event = Event(self._now, ref, unit, kind, who=WHO, via=FILE)
        record(self._session, self._snapshot, event, self._now, replayed=True)

    def _accept(self) -> None:
        """What was done before it had to be accepted stays done: thousands perhaps, so not one by one."""
        for some in batches(self._done):
            rows = self._session.execute(
                select(ASSIGNMENT).where(ASSIGNMENT.c.id.in_(some), *_DONE, ASSIGNMENT.c.removed_on.is_(None))
            ).all()
            if not rows:
                continue
            in_turn(self._session)
            events = []
            for row in rows:
                ref = f"{row.key}@{row.period}" if row.period else row.key
                event = Event(self._now, ref, row.unit, EventKind.ACCEPT, who=WHO, via=FILE)
                events.append(event_values(row.campaign, row.id, event, self._now))
            self._session.execute(insert(EVENT), events)
            self._session.execute(
                update(ASSIGNMENT)
                .where(ASSIGNMENT.c.id.in_([row.id for row in rows]))
                .values(accepted_at=self._now, mark=ASSIGNMENT.c.mark + ACCEPTED)
            )


#: Answered, and nobody has accepted it.
_DONE = (ASSIGNMENT.c.answered.in_(("submitted", "nil")), ASSIGNMENT.c.accepted_at.is_(None))


def _said_by_events(session: Session, campaign: str) -> dict[str, str]:
    """The word that each definition's last event through the files is, unless that took it back."""
    status_of = {kind.value: status for status, kind in EVENT_OF.items()}
    query = select(ASSIGNMENT.c.key, EVENT.c.event).join(ASSIGNMENT, ASSIGNMENT.c.id == EVENT.c.assignment_id)
    query = query.where(ASSIGNMENT.c.campaign == campaign)
    last = {
        row.key: row.event for row in session.execute(query.where(EVENT.c.via == FILE).order_by(EVENT.c.id))
    }
    return {key: status_of[event] for key, event in last.items() if event in status_of}


def _asked_by_files(kept: str | None) -> set[str]:
    """The definitions for which the files that were in force ask for acceptance."""
    texts = json.loads(kept) if kept else None
    campaign = load(Path(), texts).campaign if texts else None
    return {definition.key for definition in campaign or () if definition.acceptance}
