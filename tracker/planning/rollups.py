"""Tells the supervisor who is missing after a deadline, and once a week how everything stands (docs/contract.md §6.4).

Like a digest, a roll-up goes on its day or not at all: what one of an earlier day was to tell of, the next one tells
as it then stands, so that days without a mail server are one mail (§6.6).
"""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, or_, select
from sqlmodel import Session

from tracker.campaign.recipients import Recipients, person_facts
from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.model import MailKind
from tracker.i18n.message import Message
from tracker.ledger.record import last_event
from tracker.mail.transport.replies import RefusalScope
from tracker.outbox.failed_mails import set_aside_unread
from tracker.outbox.queue import IS_FREE, enqueue, moments
from tracker.outbox.rows import details_from_json, why_unreadable
from tracker.planning.clock_rollback import WrittenBefore, written_before
from tracker.planning.collect import mail_row
from tracker.planning.rollup_days import told_on
from tracker.planning.rollup_facts import RollupScope, Tallies
from tracker.planning.superseded import FAILED_WITHIN, leave_to_later
from tracker.planning.unreachable_units import alert_of_nobody
from tracker.store.tables import MAIL, UNDERWAY, MailState


def plan_rollups(
    session: Session, snapshot: CampaignSnapshot, timezone: str, since: date, day: date, now: datetime
) -> int:
    """Write the roll-up of ``day`` for the supervisor's people in ``timezone``; the number of mails.

    It covers the deadlines and the week whose day has come (``rollup_days``), and what its reader was to be told on
    earlier days and could not be.  ``since`` is the day after the last one that was planned.
    """
    tallies = Tallies(session, snapshot, now, day)
    of_today = told_on(session, snapshot, timezone, since, day, tallies.knows)
    supervisor = snapshot.campaign.supervisor
    if supervisor is None:
        return 0
    everybody = snapshot.people(day)
    people = everybody.within(timezone)
    waiting = _taken_up(session, snapshot, everybody, people, day, now, tells=bool(of_today))
    before = None
    rows: list[dict[str, object]] = []
    for address in people.of_unit.get(supervisor, ()):
        told = of_today.and_(waiting.get(address, RollupScope()))
        facts = tallies.facts(told) if told else None
        if facts is None:
            continue
        person = people.persons[address]
        details = json.dumps({**facts[1], **person_facts(person, [supervisor])}, ensure_ascii=False)
        before = before or written_before(session, snapshot.campaign.id, MailKind.ROLLUP, day)
        written = before.get(address, WrittenBefore())
        if (facts[0], details) not in written.whole:
            number = written.mails
            rows.append(mail_row(MailKind.ROLLUP, day, person, supervisor, facts[0], details, number=number))
    return enqueue(session, snapshot, rows, now, last_event(session))


def _taken_up(
    session: Session,
    snapshot: CampaignSnapshot,
    everybody: Recipients,
    people: Recipients,
    day: date,
    now: datetime,
    *,
    tells: bool,
) -> dict[str, RollupScope]:
    """Take the roll-ups of earlier days that did not go out of the queue; what each of ``people`` was to be told.

    Who is said not to be there is told only where there is something else to tell (``tells``).

    What was for somebody who is asked no more is told to whoever is.  Where nobody is, it waits, and the operator hears
    of it.
    """
    mine = people.of_unit.get(snapshot.campaign.supervisor or "", ())
    theirs = everybody.of_unit.get(snapshot.campaign.supervisor or "", ())
    found: defaultdict[str, RollupScope] = defaultdict(RollupScope)
    done: list[int] = []
    unsent = _unsent(session, snapshot, everybody, day, now, tells=tells)
    if unsent and not theirs:
        alert = alert_of_nobody(snapshot, {snapshot.campaign.supervisor or ""}, now)
        enqueue(session, snapshot, [alert] if alert is not None else [], now, 0)
    for row in unsent:
        address = row.recipient.casefold()
        readers = [address] if address in theirs else theirs
        heard = [each for each in readers if each in mine]
        for reader in heard:
            found[reader] = found[reader].and_(RollupScope.by(details_from_json(row.details)))
        if heard:
            done.append(row.id)
    leave_to_later(session, done, str(Message("outcomes.told_in_rollup", day=day)))
    return found


def _unsent(
    session: Session,
    snapshot: CampaignSnapshot,
    everybody: Recipients,
    day: date,
    now: datetime,
    *,
    tells: bool,
) -> list[Row[Any]]:
    ours = (MAIL.c.campaign == snapshot.campaign.id, MAIL.c.kind == MailKind.ROLLUP.value, MAIL.c.day < day)
    is_free = or_(MAIL.c.state != MailState.CLAIMED.value, IS_FREE)
    stale = session.execute(select(MAIL).where(UNDERWAY, *ours, is_free).with_for_update(), moments(now))
    failed = session.execute(
        select(MAIL).where(*ours, MAIL.c.state == MailState.FAILED.value, MAIL.c.at >= now - FAILED_WITHIN)
    )
    return [
        *set_aside_unread(session, snapshot, sorted(stale, key=lambda row: row.id), now),
        *(
            row
            for row in failed
            if why_unreadable(row) is None
            and (
                tells
                or row.cause != RefusalScope.RECIPIENT
                or row.recipient.casefold() not in everybody.persons
            )
        ),
    ]
