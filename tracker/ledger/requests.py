"""What units ask for beside answering: more time, or a word.  Whoever decides hears of it, and then the unit does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, Select, exists, insert, select, update
from sqlmodel import Session

from tracker.campaign.recipients import receipt_row
from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.admission import admit
from tracker.core.model import Event, EventKind, MailKind
from tracker.errors import LedgerError, UnknownNameError
from tracker.ledger.record import find_assignment, let_go, read_events, record
from tracker.ledger.undecided_requests import ASKED
from tracker.outbox.prompted import prompt
from tracker.outbox.queue import enqueue
from tracker.store.numbers import numbered
from tracker.store.tables import ASSIGNMENT, REQUEST

#: How the event of a granted extension came about: on a page.
VIA = "web"


class RequestKind(StrEnum):
    """What a request is."""

    EXTEND = "extend"
    SAY = "say"


class Decision(StrEnum):
    """How it was answered; ``read`` is for words, which ask for no decision.

    ``replaced`` is nobody's answer: the unit has asked anew, or what it asked for is in force, or more than that.
    """

    GRANTED = "granted"
    DECLINED = "declined"
    READ = "read"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class Request:
    """One request, with its answer where there is one."""

    id: int
    ref: str
    unit: str
    at: datetime
    who: str
    email: str
    kind: RequestKind
    text: str
    wanted_until: date | None = None
    answered_at: datetime | None = None
    answered_by: str | None = None
    answer: Decision | None = None
    until: date | None = None
    reply: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether it waits for an answer."""
        return self.answer is None


@dataclass(frozen=True, slots=True)
class NewRequest:
    """What somebody at a unit asks for or says; ``email`` is whose link it comes through."""

    ref: str
    unit: str
    kind: RequestKind
    text: str
    who: str
    email: str
    wanted_until: date | None = None


def ask(session: Session, snapshot: CampaignSnapshot, new_request: NewRequest, now: datetime) -> Request:
    """Write down what a unit asks for, and tell whoever decides.  The very same, still waiting, is asked once.

    More time that is asked for anew takes the place of what the unit asked for before and waits; nobody is told of that.

    Raises UnknownNameError where there is no such assignment, LedgerError where more time makes no sense.
    """
    row = find_assignment(session, snapshot, new_request.ref, new_request.unit)
    if new_request.kind is RequestKind.EXTEND:
        _check(session, row, snapshot, new_request, now)
    until = new_request.wanted_until
    same = select(REQUEST).where(
        REQUEST.c.assignment_id == row.id,
        REQUEST.c.answer.is_(None),
        REQUEST.c.kind == new_request.kind.value,
        REQUEST.c.email == new_request.email,
        REQUEST.c.text == new_request.text,
        REQUEST.c.wanted_until.is_(None) if until is None else REQUEST.c.wanted_until == until,
    )
    there = session.execute(same).first()
    if there is not None:
        return _request(there)
    values = {**asdict(new_request), "kind": new_request.kind.value, "assignment_id": row.id, "at": now}
    if new_request.kind is RequestKind.EXTEND:
        let_go(session, now, new_request.who, REQUEST.c.assignment_id == row.id)
    request = _request(session.execute(insert(REQUEST).values(**values).returning(REQUEST)).one())
    facts = {"phase": ASKED, "number": request.id, **_facts(request, row.effective_due)}
    superior = snapshot.superior(new_request.unit)
    if superior is not None:
        prompt(session, snapshot, _rows(snapshot, superior, request, facts, snapshot.day(now)), now)
    return request


def _requests(campaign: str) -> Select[Any]:
    """Those of one campaign: each is about an assignment of it."""
    # Asked of each request: joined, a database would rather walk through the whole ledger.
    about = (ASSIGNMENT.c.id == REQUEST.c.assignment_id) & (ASSIGNMENT.c.campaign == campaign)
    return select(REQUEST).where(exists().where(about))


def open_requests(session: Session, campaign: str) -> list[Request]:
    """Those that wait for an answer, oldest first."""
    query = _requests(campaign).where(REQUEST.c.answer.is_(None)).order_by(REQUEST.c.id)
    return [_request(row) for row in session.execute(query)]


def answered_requests(session: Session, campaign: str, limit: int) -> list[Request]:
    """The ``limit`` that were answered last, newest first."""
    query = _requests(campaign).where(REQUEST.c.answer.is_not(None)).order_by(REQUEST.c.answered_at.desc())
    return [_request(row) for row in session.execute(query.limit(limit))]


def requests_of(session: Session, campaign: str, ref: str, unit: str) -> list[Request]:
    """Those about one assignment, oldest first."""
    query = _requests(campaign).where(REQUEST.c.ref == ref, REQUEST.c.unit == unit).order_by(REQUEST.c.id)
    return [_request(row) for row in session.execute(query)]


def find_request(session: Session, campaign: str, number: int) -> Request:
    """One of them.  Raises UnknownNameError."""
    row = session.execute(_requests(campaign).where(numbered(REQUEST.c.id, number))).first()
    if row is None:
        raise UnknownNameError("no_request", number=number)
    return _request(row)


def answer_request(
    session: Session,
    snapshot: CampaignSnapshot,
    number: int,
    verdict: Decision,
    who: str,
    *,
    reply: str = "",
    until: date | None = None,
    now: datetime,
) -> Request:
    """Answer a request and tell the unit.

    Granting extends the assignment, until the date that was asked for if no other is given, even where the time is
    up already: then the reason for it stands in the record.
    Raises LedgerError where it has been answered, or where the answer does not fit.
    """
    request = find_request(session, snapshot.campaign.id, number)
    if not request.is_open:
        raise LedgerError("request_answered", number=number, who=request.answered_by)
    if request.kind is RequestKind.SAY:
        verdict = Decision.READ
    elif verdict not in (Decision.GRANTED, Decision.DECLINED):
        raise LedgerError("request_needs_verdict", number=number)
    # What was taken out of the files meanwhile gets no more time, but an answer.
    due = select(ASSIGNMENT.c.effective_due).join(REQUEST, REQUEST.c.assignment_id == ASSIGNMENT.c.id)
    before: date | None = session.execute(due.where(numbered(REQUEST.c.id, number))).scalar()
    new_date = (until or request.wanted_until) if verdict is Decision.GRANTED else None
    # Answered before the extension is recorded, which lets go of what waits and asks for no more than it.
    changed = (
        update(REQUEST)
        .where(numbered(REQUEST.c.id, number), REQUEST.c.answer.is_(None))
        .values(answered_at=now, answered_by=who, answer=verdict.value, until=new_date, reply=reply or None)
        .returning(REQUEST)
    )
    found = session.execute(changed).first()
    if found is None:
        raise LedgerError("request_just_answered", number=number)
    if verdict is Decision.GRANTED:
        event = Event(
            now,
            request.ref,
            request.unit,
            EventKind.EXTEND,
            until=new_date,
            who=who,
            via=VIA,
            reason=reply or request.text,
        )
        record(session, snapshot, event, now, forced=before is not None and snapshot.day(now) > before)
    answered = _request(found)
    facts = {"phase": verdict.value, **_facts(answered, before)}
    _tell(session, snapshot, request.unit, answered, facts, now)
    return answered


def _check(
    session: Session, row: Row[Any], snapshot: CampaignSnapshot, new_request: NewRequest, now: datetime
) -> None:
    """Ask the ledger itself whether the extension would fit, if it were granted today."""
    until, today = new_request.wanted_until, snapshot.day(now)
    event = Event(
        now, new_request.ref, new_request.unit, EventKind.EXTEND, until=until, reason=new_request.text
    )
    forced = row.effective_due is not None and today > row.effective_due
    target = snapshot.target(snapshot.definition(row.key), new_request.unit)
    known = read_events(session, row.id)
    admit(event, known, row.effective_due, today, today=today, target=target, forced=forced)


def _facts(request: Request, due: date | None) -> dict[str, object]:
    """What a mail says of it, as plain JSON values."""
    facts: dict[str, object] = {
        "kind": request.kind.value,
        "ref": request.ref,
        "unit": request.unit,
        "who": request.who,
        "text": request.text,
    }
    dates = {"due": due, "wanted": request.wanted_until, "until": request.until}
    facts |= {name: day.isoformat() for name, day in dates.items() if day is not None}
    words = {"by": request.answered_by, "reply": request.reply}
    return facts | {name: text for name, text in words.items() if text}


def _tell(
    session: Session,
    snapshot: CampaignSnapshot,
    unit: str | None,
    request: Request,
    facts: dict[str, object],
    now: datetime,
) -> None:
    """One mail to each person of ``unit``; where it has nobody, it stands on the page of requests all the same."""
    rows = list(_rows(snapshot, unit, request, facts, snapshot.day(now))) if unit is not None else []
    enqueue(session, snapshot, rows, now, 0)


def send_link(
    session: Session, snapshot: CampaignSnapshot, ref: str, unit: str, email: str, now: datetime
) -> bool:
    """Mail whoever has ``email`` on file a new link to ``ref`` of ``unit``, once a day; whether that is still to go.

    Who is not on file is told nothing.  Raises UnknownNameError where there is no such assignment.
    """
    row = find_assignment(session, snapshot, ref, unit)
    day = snapshot.day(now)
    person = snapshot.people(day).persons.get(email.casefold())
    if person is None or unit not in person.units:
        return False
    facts: dict[str, object] = {"phase": "link", "kind": "link", "ref": ref, "unit": unit}
    if row.effective_due is not None:
        facts["due"] = row.effective_due.isoformat()
    key = f"{MailKind.RECEIPT}/link/{ref}/{unit}/{day}/{email.casefold()}"
    return prompt(session, snapshot, [receipt_row(person, unit, key, {"request": facts}, day)], now) > 0


def _rows(
    snapshot: CampaignSnapshot, unit: str, request: Request, facts: dict[str, object], day: date
) -> Iterator[dict[str, object]]:
    for person in snapshot.people(day).asked(unit):
        key = f"{MailKind.RECEIPT}/request/{request.id}/{facts['phase']}/{person.email.casefold()}"
        yield receipt_row(person, unit, key, {"request": facts}, day)


def _request(row: Row[Any]) -> Request:
    return Request(
        id=row.id,
        ref=row.ref,
        unit=row.unit,
        at=row.at,
        who=row.who,
        email=row.email,
        kind=RequestKind(row.kind),
        text=row.text,
        wanted_until=row.wanted_until,
        answered_at=row.answered_at,
        answered_by=row.answered_by,
        answer=None if row.answer is None else Decision(row.answer),
        until=row.until,
        reply=row.reply,
    )
