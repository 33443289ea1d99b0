"""A reminder at a person's word, beside those that the policy sends.

It is a digest like any other: looked at again before it goes, sent in working hours, told anew the next day if it
could not be sent.  Who asked for it stands in its details.  However many tables it is about, a person gets one: it
waits for a few minutes, and what is asked for meanwhile goes with it.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

from sqlalchemy import Row, select, update
from sqlmodel import Session

from tracker.campaign.recipients import Recipient
from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.model import MailKind, Reason, owned
from tracker.core.moments import A_DAY
from tracker.core.occurrences import parse_ref
from tracker.core.workdays import Workdays
from tracker.ledger.editions import refuse_overtaken
from tracker.ledger.record import last_event
from tracker.ledger.still_open import dates_of
from tracker.outbox.queue import enqueue
from tracker.outbox.rows import PRESSING, why_unreadable
from tracker.planning.collect import DigestItem, digest_content, digest_details, line_of, mail_row
from tracker.planning.return_reasons import reasons_for_returns, with_reason
from tracker.store.tables import ASSIGNMENT, MAIL, WAITING, MailState

#: What the keys of such mails begin with.
KEY = f"{MailKind.DIGEST.value}/now/"

#: A local day is at most so far from that of the campaign.


#: So long a mail waits for what else somebody wants to remind of.
HOLD = timedelta(minutes=5)

#: States in which a mail of today has been, or will be, read.
_HEARD = tuple(state.value for state in (*WAITING, MailState.CLAIMED, MailState.SENT))


@dataclass(frozen=True, slots=True)
class Reminded:
    """What came of it: how many ``mails``, to which ``units``; ``already`` have heard from us today.

    ``silent`` have something open, and nobody who could be told.  ``sends_at`` is the earliest time at which the
    mails go out; ``quiet`` says of how many of them nothing is said today, and when the first of these goes.
    """

    mails: int
    units: tuple[str, ...] = ()
    already: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    sends_at: datetime | None = None
    quiet: tuple[int, datetime] | None = None


@dataclass(frozen=True, slots=True)
class Reach:
    """Whom a reminder would reach at a unit: what is open there, and its people.

    ``has_heard``: it had its digest today, or was reminded like this.  ``waits_until`` is when its mail goes where
    nothing is said today of all that is open.
    """

    unit: str
    refs: tuple[str, ...]
    people: tuple[Recipient, ...]
    has_heard: bool
    waits_until: datetime | None = None


class _Now:
    """What is open of ``refs`` at ``units`` (None: at all), and whom it concerns; not what nobody is chased for."""

    def __init__(
        self,
        session: Session,
        snapshot: CampaignSnapshot,
        refs: Sequence[str],
        units: Collection[str] | None,
        now: datetime,
    ) -> None:
        self.people = snapshot.people(snapshot.day(now))
        self.days = {
            address: now.astimezone(ZoneInfo(each.timezone)).date()
            for address, each in self.people.persons.items()
        }
        rows = [
            row for ref in refs for row in _open(session, snapshot, ref) if units is None or row.unit in units
        ]
        rows.sort(key=lambda row: snapshot.unit_position(row.unit))
        self.by_unit: dict[str, dict[int, Row[Any]]] = defaultdict(dict)
        today = snapshot.day(now)
        for row in rows:
            if row.opens <= today and snapshot.is_chased(dates_of(snapshot, row), row.answered):
                self.by_unit[row.unit][row.id] = row
        self.held = _held(session, snapshot, now)
        self._heard = _heard(session, snapshot, now) - self.held.keys()

    def addresses(self, unit: str) -> tuple[str, ...]:
        """The people of a unit."""
        return self.people.of_unit.get(unit, ())

    def has_heard(self, unit: str) -> bool:
        """Whether somebody there has a digest of today; what still waits to go with this one is none."""
        return any((address, self.days[address]) in self._heard for address in self.addresses(unit))


def reach(
    session: Session,
    snapshot: CampaignSnapshot,
    refs: Sequence[str],
    units: Collection[str] | None,
    now: datetime,
) -> list[Reach]:
    """Whom ``remind_now`` would reach, in the order of the units.  Raises UnknownNameError as it does."""
    found = _Now(session, snapshot, refs, units, now)
    reached = []
    for unit, rows in found.by_unit.items():
        refs_there = tuple(dict.fromkeys(_ref(row) for row in rows.values()))
        people = tuple(found.people.persons[address] for address in found.addresses(unit))
        items = [(row.key, _reason(row, snapshot.day(now))) for row in rows.values()]
        until = _quiet_until(snapshot, snapshot.zone_of(unit), items, now + HOLD)
        reached.append(Reach(unit, refs_there, people, found.has_heard(unit), until))
    return reached


def remind_now(
    session: Session,
    snapshot: CampaignSnapshot,
    refs: Sequence[str],
    units: Collection[str] | None,
    now: datetime,
    *,
    asked_by: str,
    again: bool = False,
) -> Reminded:
    """Put one mail for each person of ``units`` (None: of all) into the outbox, about what is open of ``refs``.

    A unit that has heard from us today is left out, unless it is meant ``again``.  What is asked for within a few
    minutes goes with the same mail.  A reference without its period means every period.  Raises UnknownNameError for a
    reference that is none, OvertakenError where other files than ``snapshot`` are in force.
    """
    refuse_overtaken(session, snapshot)
    found = _Now(session, snapshot, refs, units, now)
    every = [row.id for rows in found.by_unit.values() for row in rows.values() if row.answered == "returned"]
    reasons = reasons_for_returns(session, snapshot.campaign.id, every)
    lines: dict[str, list[DigestItem]] = defaultdict(list)
    reached, already, silent = [], [], []
    for unit, rows in found.by_unit.items():
        if not found.addresses(unit):
            silent.append(unit)
        elif found.has_heard(unit) and not again:
            already.append(unit)
        else:
            reached.append(unit)
            for address in found.addresses(unit):
                day = found.days[address]
                lines[address] += [
                    with_reason(line_of(snapshot, row, _reason(row, day), day), reasons)
                    for row in rows.values()
                ]
    mails = [
        _mail(found.people.persons[address], found.days[address], some, asked_by, now)
        for address, some in lines.items()
    ]
    told = [(mail, _merge(session, found.held, mail)) for mail in mails]
    fresh = [mail for mail, merged in told if merged is None]
    enqueue(session, snapshot, fresh, now, last_event(session), not_before=now + HOLD)
    going, quiet = [], []
    for mail, merged in told:
        zone, ready = str(mail["timezone"]), now + HOLD
        items = [(ref.partition("@")[0], Reason(reason)) for ref, _, reason, *_ in merged or _items(mail)]
        until = _quiet_until(snapshot, zone, items, ready)
        going.append(_goes_at(snapshot, zone, [snapshot.workdays], ready) if until is None else until)
        quiet += [] if until is None else [until]
    return Reminded(
        len(mails),
        tuple(reached),
        tuple(already),
        tuple(silent),
        min(going, default=None),
        (len(quiet), min(quiet)) if quiet else None,
    )


def _mail(
    person: Recipient, day: date, lines: Sequence[DigestItem], asked_by: str, now: datetime
) -> dict[str, object]:
    once = sorted({(line.reminder.ref, line.unit): line for line in lines}.values(), key=_rank)
    details = digest_details(person, once, {"asked_by": asked_by})
    mail = mail_row(MailKind.DIGEST, day, person, person.units[0], digest_content(once), details)
    mark = hashlib.sha256(f"{now.isoformat()} {asked_by}".encode()).hexdigest()[:12]
    return {**mail, "key": f"{KEY}{once[0].reminder.ref}/{mark}/{day}/{person.email.casefold()}"}


def _items(mail: Mapping[str, object]) -> list[list[Any]]:
    found: list[list[Any]] = json.loads(str(mail["content"]))
    return found


def _merge(
    session: Session, held: Mapping[tuple[str, date], Row[Any]], mail: Mapping[str, object]
) -> list[list[Any]] | None:
    """The items of the one that still waits for its reader, once ``mail`` went into it; None where it did not.

    A row that has just been taken takes no more.
    """
    there = held.get((str(mail["recipient"]).casefold(), cast("date", mail["day"])))
    if there is None or why_unreadable(there) is not None:
        return None
    items = {(ref, unit): [ref, unit, *rest] for ref, unit, *rest in json.loads(there.content)}
    items |= {(ref, unit): [ref, unit, *rest] for ref, unit, *rest in _items(mail)}
    content = sorted(items.values(), key=lambda item: (PRESSING[Reason(item[2])], item[4] or 0))
    before, details = json.loads(there.details), json.loads(str(mail["details"]))
    for name in ("progress", "said"):
        details |= {name: {**before.get(name, {}), **details.get(name, {})}}
    details["last"] = list(dict.fromkeys([*before.get("last", ()), *details.get("last", ())]))
    values = {
        "content": json.dumps(content, separators=(",", ":"), ensure_ascii=False),
        "details": json.dumps(details, ensure_ascii=False),
    }
    taken = update(MAIL).where(MAIL.c.id == there.id, MAIL.c.state == MailState.QUEUED.value)
    return content if session.connection().execute(taken.values(**values)).rowcount == 1 else None


def _ref(row: Row[Any]) -> str:
    return f"{row.key}@{row.period}" if row.period else str(row.key)


def _open(session: Session, snapshot: CampaignSnapshot, ref: str) -> Iterator[Row[Any]]:
    key, period = parse_ref(ref)
    snapshot.definition(key)
    query = select(ASSIGNMENT).where(
        ASSIGNMENT.c.campaign == snapshot.campaign.id,
        ASSIGNMENT.c.key == key,
        ASSIGNMENT.c.quiet.is_(False),
        ASSIGNMENT.c.removed_on.is_(None),
    )
    if period is not None:
        query = query.where(ASSIGNMENT.c.period == period)
    yield from session.execute(query.order_by(ASSIGNMENT.c.period))


def _heard(session: Session, snapshot: CampaignSnapshot, now: datetime) -> set[tuple[str, date]]:
    """(address, day) of the digests of the last days that have been, or will be, read."""
    rows = session.execute(
        select(MAIL.c.recipient, MAIL.c.day).where(
            MAIL.c.campaign == snapshot.campaign.id,
            MAIL.c.day >= snapshot.day(now) - A_DAY,
            MAIL.c.kind == MailKind.DIGEST.value,
            MAIL.c.state.in_(_HEARD),
        )
    )
    return {(row.recipient.casefold(), row.day) for row in rows}


def _held(session: Session, snapshot: CampaignSnapshot, now: datetime) -> dict[tuple[str, date], Row[Any]]:
    """By (address, day) the reminders like this that still wait for more."""
    rows = session.execute(
        select(MAIL).where(
            MAIL.c.campaign == snapshot.campaign.id,
            MAIL.c.day >= snapshot.day(now) - A_DAY,
            MAIL.c.key.startswith(owned(snapshot.campaign.id, KEY), autoescape=True),
            MAIL.c.state == MailState.QUEUED.value,
            MAIL.c.not_before > now,
        )
    )
    return {(row.recipient.casefold(), row.day): row for row in rows}


def _reason(row: Row[Any], day: date) -> Reason:
    """Why it stands in the mail: how it is with the date, as nobody but the supervisor has another reason."""
    if row.answered == "returned":
        return Reason.RETURNED
    if row.effective_due is None:
        return Reason.REVIEW
    if row.grace_until is not None and day > row.grace_until:
        return Reason.OVERDUE
    return Reason.DUE_TODAY if day == row.effective_due else Reason.LEAD


def _rank(line: DigestItem) -> tuple[int, int, int, str]:
    return line.reminder.rank


def _quiet_until(
    snapshot: CampaignSnapshot, zone: str, items: Iterable[tuple[str, Reason]], ready: datetime
) -> datetime | None:
    """When a mail about ``items``, each with the key of its definition, goes out that waits for quiet days to end.

    None where it goes when any other does: it waits where nothing is said of all of them (``second_look``).
    """
    about = [(snapshot.campaign.definitions.get(key), reason) for key, reason in items]
    calendars = [
        snapshot.workdays if one is None or reason is Reason.RETURNED else snapshot.rules(one).workdays
        for one, reason in about
    ]
    goes = _goes_at(snapshot, zone, calendars, ready)
    return goes if goes > _goes_at(snapshot, zone, [snapshot.workdays], ready) else None


def _goes_at(
    snapshot: CampaignSnapshot, zone: str, calendars: Iterable[Workdays], ready: datetime
) -> datetime:
    """The first moment from ``ready`` on that is in the hours of digests, on a workday of one of ``calendars``."""
    local, send_at = ready.astimezone(ZoneInfo(zone)), snapshot.settings.send_at
    first = local.date() if local.time() <= send_at else local.date() + A_DAY
    found = []
    for each in calendars:
        if local.time() >= send_at and each.is_workday(local.date()):
            return ready.astimezone(snapshot.zone)
        found.append(each.on_or_after(first))
    return snapshot.sends_at(min(found), zone).astimezone(snapshot.zone)
