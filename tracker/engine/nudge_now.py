"""A reminder at a person's word, beside those that the policy sends.

It is a digest like any other: looked at again before it goes, sent in working hours, told anew the next day if it
could not be sent.  Who asked for it stands in its details.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, select
from sqlmodel import Session

from tracker.core.model import MailKind, Reason
from tracker.core.occurrences import parse_ref
from tracker.engine.digests import Line, digest_content, digest_details, line_of, mail_row
from tracker.engine.inforce import InForce
from tracker.engine.ledger import last_event
from tracker.engine.outbox import enqueue
from tracker.engine.people import Person
from tracker.engine.plan import may_send
from tracker.engine.returns import reasons_for_returns, with_reason
from tracker.store.tables import ASSIGNMENT, MAIL

#: What the keys of such mails begin with.
KEY = f"{MailKind.DIGEST.value}/now/"

#: A local day began at most so long ago, anywhere.
A_DAY = timedelta(hours=26)


@dataclass(frozen=True, slots=True)
class Reminded:
    """What came of it: how many ``mails``, to which ``units``; ``already`` were reminded like this today.

    ``silent`` have something open, and nobody who could be told.  ``sends_at`` is the earliest time at which the
    mails go out, None for now.
    """

    mails: int
    units: tuple[str, ...] = ()
    already: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    sends_at: datetime | None = None


def remind_now(
    session: Session,
    force: InForce,
    refs: Sequence[str],
    units: Collection[str] | None,
    now: datetime,
    *,
    asked_by: str,
) -> Reminded:
    """Put one mail for each person of ``units`` (None: of all) into the outbox, about what is open of ``refs``.

    Nobody is told twice on one day what they were told so already.  A reference without its period means every
    period.  Raises UnknownNameError for a reference that is none.
    """
    rows = [row for ref in refs for row in _open(session, force, ref) if units is None or row.unit in units]
    rows.sort(key=lambda row: force.unit_position(row.unit))
    reasons = reasons_for_returns(session, [row.id for row in rows if row.answered == "returned"])
    told = _told(session, now)
    people = force.people(force.day(now))
    days = {
        address: now.astimezone(ZoneInfo(each.timezone)).date() for address, each in people.persons.items()
    }
    lines: dict[str, list[Line]] = defaultdict(list)
    reached: dict[str, None] = {}
    already: dict[str, None] = {}
    silent: dict[str, None] = {}
    for row in rows:
        addresses = people.of_unit.get(row.unit, ())
        if not addresses:
            silent[row.unit] = None
        for address in addresses:
            day = days[address]
            line = with_reason(line_of(force, row, _reason(row, day), day), reasons)
            if row.opens > day:
                continue
            if (address, day, line.saying.ref, row.unit) in told:
                already[row.unit] = None
            else:
                lines[address].append(line)
                reached[row.unit] = None
    mails = [
        _mail(people.persons[address], days[address], found, asked_by) for address, found in lines.items()
    ]
    written = enqueue(session, force, mails, now, last_event(session))
    return Reminded(
        written,
        tuple(reached),
        tuple(unit for unit in already if unit not in reached),
        tuple(silent),
        _sends_at(force, {str(mail["timezone"]) for mail in mails}, now),
    )


def _mail(person: Person, day: date, lines: Sequence[Line], asked_by: str) -> dict[str, object]:
    once = sorted({(line.saying.ref, line.unit): line for line in lines}.values(), key=_rank)
    details = digest_details(person, once, {"asked_by": asked_by})
    mail = mail_row(MailKind.DIGEST, day, person, person.units[0], digest_content(once), details)
    about = json.dumps([(line.saying.ref, line.unit) for line in once])
    mark = hashlib.sha256(about.encode()).hexdigest()[:12]
    return {**mail, "key": f"{KEY}{once[0].saying.ref}/{mark}/{day}/{person.email.casefold()}"}


def _open(session: Session, force: InForce, ref: str) -> Iterator[Row[Any]]:
    key, period = parse_ref(ref)
    force.definition(key)
    query = select(ASSIGNMENT).where(
        ASSIGNMENT.c.key == key, ASSIGNMENT.c.quiet.is_(False), ASSIGNMENT.c.removed_on.is_(None)
    )
    if period is not None:
        query = query.where(ASSIGNMENT.c.period == period)
    yield from session.execute(query.order_by(ASSIGNMENT.c.period))


def _told(session: Session, now: datetime) -> set[tuple[str, date, str, str]]:
    """(address, day, reference, unit) of what went into the outbox like this within a day."""
    rows = session.execute(
        select(MAIL.c.recipient, MAIL.c.day, MAIL.c.content).where(
            MAIL.c.at >= now - A_DAY, MAIL.c.key.startswith(KEY, autoescape=True)
        )
    )
    return {
        (row.recipient.casefold(), row.day, ref, unit)
        for row in rows
        for ref, unit, *_ in json.loads(row.content)
    }


def _reason(row: Row[Any], day: date) -> Reason:
    """Why it stands in the mail: how it is with the date, as nobody but the supervisor has another reason."""
    if row.answered == "returned":
        return Reason.RETURNED
    if row.effective_due is None:
        return Reason.REVIEW
    if row.grace_until is not None and day > row.grace_until:
        return Reason.OVERDUE
    return Reason.DUE_TODAY if day == row.effective_due else Reason.LEAD


def _rank(line: Line) -> tuple[int, int, int, str]:
    return line.saying.rank


def _sends_at(force: InForce, timezones: Collection[str], now: datetime) -> datetime | None:
    """When the first of them goes out; None for now."""
    if not timezones or any(may_send(force, zone, now) for zone in timezones):
        return None
    return min(_next_round(force, ZoneInfo(zone), now) for zone in timezones)


def _next_round(force: InForce, zone: ZoneInfo, now: datetime) -> datetime:
    local = now.astimezone(zone)
    day = local.date() if local.time() < force.settings.send_at else local.date() + timedelta(days=1)
    return datetime.combine(force.workdays.on_or_after(day), force.settings.send_at, zone)
