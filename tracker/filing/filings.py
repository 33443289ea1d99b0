"""The tables that units file: which are due, what was filed, and how a new one is taken in.

A filing is never changed.  One of each assignment is in force; a correction takes its place, and the one before
is kept, as is a file from which nothing was taken.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, func, insert, select
from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.form import Filed, Form
from tracker.core.model import Event, EventKind
from tracker.forms.check.positions import TablePosition
from tracker.forms.finding import Finding
from tracker.ledger.record import last_event, record, settle_filing
from tracker.ledger.status import LedgerRow, answer_of, in_order, ledger_row
from tracker.ledger.still_open import cell_of, still_asked
from tracker.questions.ask import ask, settled_of, work_out
from tracker.questions.filed_rows import NOTHING_TAKEN, filed_before, from_json, to_json
from tracker.questions.questions import Question
from tracker.store.batches import batches
from tracker.store.numbers import numbered
from tracker.store.tables import ASSIGNMENT, DOCUMENT, FILING

#: How a filed table stands in the history of its assignment.
VIA = "form"


@dataclass(frozen=True, slots=True)
class RequestedTable:
    """A table that is asked of a unit: an assignment whose definition has a form.  ``id`` is the assignment's."""

    id: int
    row: LedgerRow
    form: Form

    @property
    def ref(self) -> str:
        """Of the assignment: ``table-2@2022-05``."""
        return self.row.ref

    @property
    def unit(self) -> str:
        """The id of the unit."""
        return self.row.unit

    @property
    def due(self) -> date:
        """The date by the rule: it says which month the table is of."""
        assert self.row.dates.due is not None
        return self.row.dates.due

    @property
    def round(self) -> str | None:
        """The round of the form that is asked for."""
        return self.row.definition.round

    @property
    def is_answered(self) -> bool:
        """Whether the ledger has an answer that stands."""
        return self.row.answer.answered in ("submitted", "nil")


@dataclass(frozen=True, slots=True)
class Filing:
    """What was filed for one assignment, and how."""

    id: int
    assignment: int
    at: datetime
    filed: Filed
    file: str
    who: str | None
    questions: int


@dataclass(frozen=True, slots=True)
class Prefill:
    """What a form is filled in with; ``ref`` is what that was filed for, ``is_own`` that it is this very table."""

    filed: Filed
    ref: str
    is_own: bool = False


@dataclass(frozen=True, slots=True)
class OriginalFile:
    """A file to keep: its name and its bytes."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file as it was sent in.  It counts from ``at``; ``findings`` are plain JSON values."""

    paper: OriginalFile
    at: datetime
    who: str | None = None
    via: str = VIA
    findings: Sequence[Mapping[str, object]] = ()
    questions: Sequence[Finding] = ()
    seat: TablePosition | None = None


@dataclass(frozen=True, slots=True)
class FilingResult:
    """What became of what a unit filed: whether it is ``new``, what it replaced, what other tables are asked by it.

    ``settled`` has the reasons of those of its questions that were settled before, by what they are known by.
    """

    is_new: bool
    replaced: Filing | None = None
    anew: Sequence[Question] = ()
    settled: Mapping[str, str] = field(default_factory=dict)


def tables_due(
    session: Session,
    snapshot: CampaignSnapshot,
    now: datetime,
    since: date,
    until: date,
    *,
    units: Sequence[str] = (),
    forms: Sequence[str] = (),
) -> list[RequestedTable]:
    """Every table due by its rule in [since, until), in the order of the document and of the units."""
    keys = {
        definition.key: form
        for definition in snapshot.campaign
        if (form := snapshot.form(definition)) is not None and (not forms or form.id in forms)
    }
    query = select(ASSIGNMENT).where(
        ASSIGNMENT.c.campaign == snapshot.campaign.id,
        ASSIGNMENT.c.key.in_(keys),
        ASSIGNMENT.c.due >= since,
        ASSIGNMENT.c.due < until,
        ASSIGNMENT.c.removed_on.is_(None),
    )
    if units:
        query = query.where(ASSIGNMENT.c.unit.in_(units))
    day = snapshot.day(now)
    found = {}
    for row in session.execute(query):
        ledger = ledger_row(snapshot, snapshot.campaign.definitions[row.key], row, answer_of(row), day)
        found[ledger.ref, ledger.unit] = RequestedTable(row.id, ledger, keys[row.key])
    return [found[row.ref, row.unit] for row in in_order(snapshot, (table.row for table in found.values()))]


def tables_at(
    session: Session, snapshot: CampaignSnapshot, now: datetime, cells: Iterable[tuple[str, str]]
) -> list[RequestedTable]:
    """The tables of ``cells`` (reference, unit) that are still asked for, in that order."""
    places = {cell_of(ref, unit): None for ref, unit in cells}
    rows = still_asked(session, snapshot.campaign.id, list(places))
    day, found = snapshot.day(now), []
    for cell in places:
        row = rows.get(cell)
        definition = None if row is None else snapshot.campaign.definitions.get(row.key)
        form = None if definition is None else snapshot.form(definition)
        if row is not None and definition is not None and form is not None and row.due is not None:
            found.append(
                RequestedTable(row.id, ledger_row(snapshot, definition, row, answer_of(row), day), form)
            )
    return found


def in_force_filings(
    session: Session, forms: Mapping[str, Form], tables: Iterable[RequestedTable]
) -> dict[int, Filing]:
    """By assignment what is filed for ``tables`` and in force."""
    found: dict[int, Filing] = {}
    for some in batches([table.id for table in tables]):
        rows = session.execute(
            select(FILING).where(FILING.c.assignment_id.in_(some), FILING.c.in_force.is_(True))
        )
        found |= {row.assignment_id: _filing(row, forms) for row in rows}
    return found


def previous_filings(
    session: Session, snapshot: CampaignSnapshot, tables: Iterable[RequestedTable]
) -> dict[int, Filed]:
    """By assignment what the unit filed before it on the same form, whenever that was."""
    return {table: earlier.filed for table, earlier in filed_before(session, snapshot, tables).items()}


def starts(
    session: Session, snapshot: CampaignSnapshot, tables: Iterable[RequestedTable]
) -> dict[int, Prefill]:
    """By assignment what its form is filled in with when it goes out: what was filed for it, to correct; else before it."""
    asked = list(tables)
    before = filed_before(session, snapshot, asked)
    found = {table: Prefill(each.filed, each.ref) for table, each in before.items()}
    by_id = {each.id: each for each in asked}
    own = in_force_filings(session, snapshot.campaign.forms, [each for each in asked if each.is_answered])
    returned = [each.id for each in asked if each.row.answer.answered == "returned"]
    for some in batches(returned):
        last = select(func.max(FILING.c.id)).where(
            FILING.c.assignment_id.in_(some), FILING.c.event_id.is_not(None)
        )
        query = select(FILING).where(FILING.c.id.in_(last.group_by(FILING.c.assignment_id)))
        own |= {row.assignment_id: _filing(row, snapshot.campaign.forms) for row in session.execute(query)}
    found |= {each: Prefill(filing.filed, by_id[each].ref, is_own=True) for each, filing in own.items()}
    return found


def filed_files(session: Session, digests: Iterable[str]) -> dict[str, bool]:
    """Those of ``digests`` (SHA-256 of files) from which anything was ever filed: whether some of it is in force."""
    found: dict[str, bool] = {}
    for some in batches(list(digests)):
        query = (
            select(DOCUMENT.c.digest, FILING.c.in_force)
            .join(FILING, FILING.c.document_id == DOCUMENT.c.id)
            .where(DOCUMENT.c.digest.in_(some), FILING.c.event_id.is_not(None))
        )
        for row in session.execute(query):
            found[row.digest] = found.get(row.digest, False) or bool(row.in_force)
    return found


def refused_tables(session: Session, tables: Iterable[RequestedTable]) -> set[int]:
    """The assignments for which nothing was taken from the last file that came."""
    found: set[int] = set()
    for some in batches([table.id for table in tables]):
        last = (
            select(func.max(FILING.c.id))
            .where(FILING.c.assignment_id.in_(some))
            .group_by(FILING.c.assignment_id)
        )
        query = select(FILING.c.assignment_id).where(FILING.c.id.in_(last), FILING.c.content == NOTHING_TAKEN)
        found |= set(session.execute(query).scalars())
    return found


def take(
    session: Session,
    snapshot: CampaignSnapshot,
    table: RequestedTable,
    filed: Filed,
    sent: SentFile,
    now: datetime,
) -> FilingResult:
    """Take in what a unit filed; where the very same is in force already, nothing is written.

    It is a ``submit`` or ``nil`` event of the assignment.  Raises LedgerError where that does not fit.
    """
    content = to_json(filed)
    digest = hashlib.sha256(content.encode()).hexdigest()
    current = session.execute(
        select(FILING).where(FILING.c.assignment_id == table.id, FILING.c.in_force.is_(True))
    ).first()
    is_same = current is not None and current.digest == digest and table.is_answered
    if current is not None and is_same and _asks_the_same(session, current, sent):
        return FilingResult(is_new=False, settled=settled_of(session, current.id))
    kind = EventKind.NIL if filed.is_nil else EventKind.SUBMIT
    note = sent.paper.name
    event = Event(sent.at, table.ref, table.unit, kind, who=sent.who, via=sent.via, note=note)
    record(session, snapshot, event, now, brings_table=True)
    # Whoever records is alone with the events, so the last one is ours.
    number = _keep(session, table, sent, now, content=content, digest=digest, event=last_event(session))
    settle_filing(session, table.id)
    ask(session, number, sent.questions, now)
    anew = [each for each in work_out(session, snapshot, table.id, now) if each.ref != table.ref]
    replaced = None if current is None else _filing(current, {table.form.id: table.form})
    return FilingResult(is_new=True, replaced=replaced, anew=anew, settled=settled_of(session, number))


def _asks_the_same(session: Session, current: Row[Any], sent: SentFile) -> bool:
    """Whether a file gives rise to what is asked about the filing in force: what it answers is asked no longer."""
    document = session.execute(select(DOCUMENT.c.digest).where(DOCUMENT.c.id == current.document_id)).scalar()
    if document == hashlib.sha256(sent.paper.data).hexdigest():
        return True
    return [each.get("message") for each in json.loads(current.findings)] == [
        each.get("message") for each in sent.findings
    ]


def keep_refused(session: Session, table: RequestedTable, sent: SentFile, now: datetime) -> None:
    """Keep a file from which nothing was taken, once, so that what was sent can be looked at."""
    digest = hashlib.sha256(sent.paper.data).hexdigest()
    there = select(func.count()).where(FILING.c.assignment_id == table.id, FILING.c.digest == digest)
    if not session.execute(there).scalar_one():
        _keep(session, table, sent, now, content=NOTHING_TAKEN, digest=digest, event=None)


def keep_document(session: Session, paper: OriginalFile) -> int:
    """Put a file away; its number.  The same bytes are kept once."""
    digest = hashlib.sha256(paper.data).hexdigest()
    found = session.execute(select(DOCUMENT.c.id).where(DOCUMENT.c.digest == digest)).scalar()
    if found is not None:
        return int(found)
    values = {"digest": digest, "name": paper.name, "content": paper.data}
    inserted = session.execute(insert(DOCUMENT).values(**values).returning(DOCUMENT.c.id))
    return int(inserted.scalar_one())


def read_document(session: Session, number: int) -> OriginalFile | None:
    """A file that was put away; None where there is none, or it is kept no longer."""
    row = session.execute(select(DOCUMENT).where(numbered(DOCUMENT.c.id, number))).first()
    return None if row is None or not row.content else OriginalFile(row.name, bytes(row.content))


def _keep(
    session: Session,
    table: RequestedTable,
    sent: SentFile,
    now: datetime,
    *,
    content: str,
    digest: str,
    event: int | None,
) -> int:
    """Write a filing down; its number."""
    values = {
        "assignment_id": table.id,
        "form": table.form.id,
        "unit": table.unit,
        "at": sent.at,
        "recorded_at": now,
        "who": sent.who,
        "file": sent.paper.name,
        "document_id": keep_document(session, sent.paper),
        "digest": digest,
        "content": content,
        "findings": json.dumps(list(sent.findings), ensure_ascii=False),
        "questions": len(sent.questions),
        "seat": None if sent.seat is None else json.dumps(sent.seat.to_json()),
        "event_id": event,
        "in_force": False,
    }
    return int(session.execute(insert(FILING).values(**values).returning(FILING.c.id)).scalar_one())


def _filing(row: Row[Any], forms: Mapping[str, Form]) -> Filing:
    return Filing(
        row.id,
        row.assignment_id,
        row.at,
        from_json(row.content, forms.get(row.form)),
        row.file,
        row.who,
        row.questions,
    )
