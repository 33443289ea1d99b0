"""Asks about filed tables, and asks anew whenever a table or the one before it changes (docs/design/edges.md).

What was found in a file belongs to its filing.  What a table is asked because of the one before it is worked out
anew in the transaction of whatever changed one of the two: the same question keeps its answer, what does not hold
any more is gone, and what is new is told to the unit.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlmodel import Session

from tracker.campaign.recipients import receipt_row
from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.form import Form
from tracker.core.model import MailKind
from tracker.forms.check import period_checks
from tracker.forms.check.positions import TablePosition
from tracker.forms.finding import Finding, Weight, said
from tracker.i18n.message import Message, packed, say
from tracker.questions.filed_rows import ANSWERED, filed_before, from_json
from tracker.questions.questions import READ, Question, questions_by_id
from tracker.store.questions import QUESTION
from tracker.store.tables import ASSIGNMENT, FILING


@dataclass(frozen=True, slots=True)
class TableInLedger:
    """A table in the ledger, as far as questions need to know it; ``filing`` is that in force, if any."""

    id: int
    form: Form
    unit: str
    due: date
    ref: str
    round: str | None
    filing: Row[Any] | None


def ask(session: Session, filing: int, findings: Sequence[Finding], now: datetime) -> None:
    """Write down the questions that a file itself gives rise to."""
    for each, (code, facts, digest) in zip(findings, map_findings(findings), strict=True):
        if code == READ:
            _insert(session, filing, code, facts, (each.sheet, each.cell), now, digest)


def map_findings(findings: Sequence[Finding]) -> Iterator[tuple[str, Mapping[str, Any], str]]:
    """By finding its code and facts as they are kept, and what the same question is known by."""
    counted: Counter[str] = Counter()
    for each in findings:
        code, facts = each.code, each.facts
        if code not in period_checks.CODES:
            code = READ
            facts = {
                "message": packed(each.message),
                "found": each.found,
                "expected": None if each.expected is None else packed(each.expected),
            }
        # Known by what stands there, and not by where: rows move.  The same sentence in two columns is two questions.
        same = _digest(
            code, {**facts, "also": [packed(one.message) for one in each.also]} if each.also else facts
        )
        if each.also:
            facts = {**facts, "message": packed(each.said)}
        yield code, facts, f"{same}-{counted[same]}" if counted[same] else same
        counted[same] += 1


def settled_of(session: Session, filing: int) -> dict[str, str]:
    """What is settled of a filing: the reason, by what the question is known by."""
    query = select(QUESTION.c.digest, QUESTION.c.note)
    settled = query.where(QUESTION.c.filing_id == filing, QUESTION.c.answer.is_not(None))
    return {row.digest: row.note or "" for row in session.execute(settled)}


def without_settled(findings: Sequence[Finding], settled: Mapping[str, str]) -> tuple[Finding, ...]:
    """``findings`` without asking again what was settled of the table before; the reason is told."""
    questions = [each for each in findings if each.weight is Weight.QUESTION]
    reasons = {
        id(each): settled[digest]
        for each, (_, _, digest) in zip(questions, map_findings(questions), strict=True)
        if digest in settled
    }
    return tuple(
        replace(
            each,
            weight=Weight.READING,
            message=Message("findings.settled", message=each.message, reason=reasons[id(each)]),
        )
        if id(each) in reasons
        else each
        for each in findings
    )


def work_out(session: Session, snapshot: CampaignSnapshot, assignment: int, now: datetime) -> list[Question]:
    """Ask anew what a table that has changed is asked, and the next one that stands on it.

    The questions that are new, or open again, among them.
    """
    place = _place(session, snapshot, assignment)
    if place is None:
        return []
    places = [
        each
        for each in (place, _next(session, snapshot, place))
        if each is not None and each.filing is not None
    ]
    before = filed_before(session, snapshot, places)
    new: list[int] = []
    for each in places:
        filing = each.filing
        assert filing is not None
        earlier = before.get(each.id)
        now_filed = from_json(filing.content, each.form)
        found: Sequence[period_checks.Doubt] = ()
        if earlier is not None:
            columns = each.form.asked(each.round)
            found = period_checks.doubts(each.form, columns, now_filed, earlier.filed, earlier.since)
        new += _settle(session, filing, found, now)
    return [] if not new else questions_by_id(session, snapshot, new)


def tell(
    session: Session, snapshot: CampaignSnapshot, questions: Sequence[Question], changed: str, now: datetime
) -> None:
    """Tell the units of ``questions`` what is asked anew, because the table ``changed`` (a reference) is another one."""
    # Loaded late: the outbox looks into the ledger, which asks here.
    from tracker.outbox.prompted import prompt

    for unit in dict.fromkeys(each.unit for each in questions):
        mine = [each for each in questions if each.unit == unit]
        prompt(session, snapshot, _receipts(snapshot, unit, mine, changed, now), now)


def files_of(
    snapshot: CampaignSnapshot, questions: Sequence[Question], changed: str, language: str
) -> list[dict[str, object]]:
    """``questions`` as a receipt tells them: a table each, as ``forms import`` tells of a file."""
    forms = snapshot.campaign.forms
    by_ref: dict[str, list[Question]] = {}
    for each in questions:
        by_ref.setdefault(each.ref, []).append(each)
    return [
        {
            "file": some[0].file,
            "form": some[0].form,
            "unit": some[0].unit,
            "period": ref.partition("@")[2] or None,
            "ref": ref,
            "taken": True,
            "because": changed,
            "errors": [],
            "questions": [_finding(each, forms, language) for each in some],
            "readings": [],
            "read_back": None,
        }
        for ref, some in by_ref.items()
    ]


def _place(session: Session, snapshot: CampaignSnapshot, assignment: int) -> TableInLedger | None:
    row = session.execute(select(ASSIGNMENT).where(ASSIGNMENT.c.id == assignment)).first()
    if row is None:
        return None
    definition = snapshot.campaign.definitions.get(row.key)
    form = None if definition is None else snapshot.form(definition)
    if definition is None or form is None or row.due is None:
        return None
    filing = session.execute(
        select(FILING).where(FILING.c.assignment_id == assignment, FILING.c.in_force.is_(True))
    ).first()
    if row.answered not in ANSWERED or row.removed_on is not None:
        filing = None
    ref = f"{row.key}@{row.period}" if row.period else row.key
    return TableInLedger(row.id, form, row.unit, row.due, ref, definition.round, filing)


def _next(session: Session, snapshot: CampaignSnapshot, place: TableInLedger) -> TableInLedger | None:
    """The first table after ``place`` that is in force: the only one that is compared with it."""
    query = (
        select(ASSIGNMENT.c.id)
        .join(FILING, FILING.c.assignment_id == ASSIGNMENT.c.id)
        .where(
            ASSIGNMENT.c.campaign == snapshot.campaign.id,
            ASSIGNMENT.c.unit == place.unit,
            ASSIGNMENT.c.due > place.due,
            ASSIGNMENT.c.answered.in_(ANSWERED),
            ASSIGNMENT.c.removed_on.is_(None),
            FILING.c.form == place.form.id,
            FILING.c.in_force.is_(True),
        )
        .order_by(ASSIGNMENT.c.due)
        .limit(1)
    )
    found = session.execute(query).scalar()
    return None if found is None else _place(session, snapshot, found)


def _settle(
    session: Session, filing: Row[Any], found: Iterable[period_checks.Doubt], now: datetime
) -> list[int]:
    """Let exactly ``found`` be asked of a filing because of the one before it; the ids of what is new or open again."""
    asked = select(QUESTION.c.id, QUESTION.c.digest, QUESTION.c.gone_at, QUESTION.c.answer)
    rows = session.execute(
        asked.where(QUESTION.c.filing_id == filing.id, QUESTION.c.code.in_(period_checks.CODES))
    ).all()
    there = {row.digest: row for row in rows}
    seat = None if filing.seat is None else TablePosition.from_json(json.loads(filing.seat))
    new = []
    for doubt in found:
        digest = _digest(doubt.code, doubt.facts)
        row = there.pop(digest, None)
        if row is None:
            spot = None if seat is None else seat.spot(doubt)
            where = (None, None) if spot is None else (spot.sheet, spot.cell)
            number, is_open = _insert(session, filing.id, doubt.code, doubt.facts, where, now, digest)
            new += [number] if is_open else []
        elif row.gone_at is not None:
            session.execute(update(QUESTION).where(QUESTION.c.id == row.id).values(gone_at=None))
            new += [row.id] if row.answer is None else []
    gone = [row.id for row in there.values() if row.gone_at is None]
    if gone:
        session.execute(update(QUESTION).where(QUESTION.c.id.in_(gone)).values(gone_at=now))
    return new


def _insert(
    session: Session,
    filing: int,
    code: str,
    facts: Mapping[str, Any],
    where: tuple[str | None, str | None],
    now: datetime,
    digest: str,
) -> tuple[int, bool]:
    """Ask something; its id, and whether it is open: what was settled of an earlier table of the same stays settled."""
    of_same = select(FILING.c.assignment_id).where(FILING.c.id == filing).scalar_subquery()
    settled = session.execute(
        select(QUESTION)
        .select_from(QUESTION.join(FILING, FILING.c.id == QUESTION.c.filing_id))
        .where(FILING.c.assignment_id == of_same, QUESTION.c.digest == digest, QUESTION.c.answer.is_not(None))
        .order_by(QUESTION.c.answered_at.desc())
    ).first()
    kept = {} if settled is None else {name: getattr(settled, name) for name in _ANSWER}
    values = {
        "filing_id": filing,
        "digest": digest,
        "sheet": where[0],
        "cell": where[1],
        "code": code,
        "facts": json.dumps(facts, ensure_ascii=False),
        "asked_at": now,
        **kept,
    }
    inserted = session.execute(insert(QUESTION).values(**values).returning(QUESTION.c.id)).scalar_one()
    return int(inserted), settled is None


_ANSWER = ("answer", "answered_at", "answered_by", "via", "note")


def _digest(code: str, facts: Mapping[str, Any]) -> str:
    text = json.dumps([code, facts], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _finding(question: Question, forms: Mapping[str, Form], language: str) -> dict[str, object]:
    message, found, expected = question.said(forms)
    return {
        "id": question.id,
        "sheet": question.sheet,
        "cell": question.cell,
        "found": found,
        "expected": said(expected, language),
        "message": say(message, language),
    }


def _receipts(
    snapshot: CampaignSnapshot, unit: str, questions: Sequence[Question], changed: str, now: datetime
) -> Iterator[dict[str, object]]:
    day = snapshot.day(now)
    numbers = hashlib.sha256(json.dumps([changed, [each.id for each in questions]]).encode()).hexdigest()[:24]
    for person in snapshot.people(day).asked(unit):
        files = files_of(snapshot, questions, changed, person.language)
        key = f"{MailKind.RECEIPT}/{now.isoformat()}/{numbers}/{person.email.casefold()}"
        yield receipt_row(person, unit, key, {"files": files, "enclosed": []}, day)
