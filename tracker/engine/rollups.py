"""Tells the supervisor who is missing after a deadline, and once a week how everything stands (CONTRACT.md §6.4).

Like a digest, a roll-up goes on its day or not at all: what one of an earlier day was to tell of, the next one tells
as it then stands, so that days without a mail server are one mail (§6.6).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Row, or_, select
from sqlmodel import Session

from tracker.core.model import MailKind
from tracker.core.occurrences import occurrences
from tracker.engine.digests import mail_row
from tracker.engine.failures import set_aside_unread
from tracker.engine.inforce import InForce
from tracker.engine.ledger import last_event
from tracker.engine.misled import Before, written_before
from tracker.engine.outbox import IS_FREE, enqueue, moments
from tracker.engine.people import People, person_facts
from tracker.engine.superseded import FAILED_WITHIN, leave_to_later
from tracker.engine.tallies import Tallies, Told, wants_rollup
from tracker.engine.unheard import alert_of_nobody
from tracker.engine.written import details_from_json, why_unreadable
from tracker.mail.replies import Verdict
from tracker.store.tables import MAIL, UNDERWAY, MailState

A_DAY = timedelta(days=1)


def plan_rollups(
    session: Session, force: InForce, timezone: str, since: date, day: date, now: datetime
) -> int:
    """Write the roll-up of ``day`` for the supervisor's people in ``timezone``; the number of mails.

    It covers every deadline whose first workday after lies in [since, day], the week if its first workday does, and
    what its reader was to be told on earlier days and could not be.
    """
    supervisor = force.campaign.supervisor
    if supervisor is None:
        return 0
    everybody = force.people(day)
    people = everybody.within(timezone)
    waiting = _taken_up(session, force, everybody, people, day, now)
    of_today = Told(tuple(_deadlines(force, since, day)), _is_weekly(force, since, day))
    tallies, before = Tallies(session, force, now, day), None
    rows: list[dict[str, object]] = []
    for address in people.of_unit.get(supervisor, ()):
        told = of_today.and_(waiting.get(address, Told()))
        facts = tallies.facts(told) if told else None
        if facts is None:
            continue
        person = people.persons[address]
        details = json.dumps({**facts[1], **person_facts(person, [supervisor])}, ensure_ascii=False)
        before = before or written_before(session, force.campaign.id, MailKind.ROLLUP, day)
        written = before.get(address, Before())
        if (facts[0], details) not in written.whole:
            number = written.mails
            rows.append(mail_row(MailKind.ROLLUP, day, person, supervisor, facts[0], details, number=number))
    return enqueue(session, force, rows, now, last_event(session))


def _deadlines(force: InForce, since: date, day: date) -> Iterator[str]:
    """What is to be reported on."""
    for definition in force.campaign:
        if not wants_rollup(force, definition):
            continue
        workdays = force.rules(definition).workdays
        # What was due before the last workday that has been told of has had its roll-up; by the rule it may be due
        # on the days off beside the date in force.
        first = force.workdays.on_or_before(workdays.on_or_before(since - A_DAY) - A_DAY)
        last = force.workdays.on_or_after(day)
        found = occurrences(definition.rule, definition.key, force.campaign.issued, first, last + A_DAY)
        for occurrence in found:
            # What was over before the document was issued was over before anybody was asked.
            if occurrence.due is None or occurrence.due < force.campaign.issued:
                continue
            due = force.date_by_rule(definition, occurrence.due)
            if due < day and since <= workdays.after(due) <= day:
                yield occurrence.ref


def _is_weekly(force: InForce, since: date, day: date) -> bool:
    """Whether the first workday of the ISO week of ``day`` lies in [since, day], and there is a campaign by then."""
    monday = day - timedelta(days=day.weekday())
    return force.campaign.issued <= day and since <= force.workdays.on_or_after(monday) <= day


def _taken_up(
    session: Session, force: InForce, everybody: People, people: People, day: date, now: datetime
) -> dict[str, Told]:
    """Take the roll-ups of earlier days that did not go out of the queue; what each of ``people`` was to be told.

    What was for somebody who is asked no more is told to whoever is.  Where nobody is, it waits, and the operator hears
    of it.
    """
    mine = people.of_unit.get(force.campaign.supervisor or "", ())
    theirs = everybody.of_unit.get(force.campaign.supervisor or "", ())
    found: defaultdict[str, Told] = defaultdict(Told)
    done: list[int] = []
    unsent = _unsent(session, force, everybody, day, now)
    if unsent and not theirs:
        alert = alert_of_nobody(force, {force.campaign.supervisor or ""}, now)
        enqueue(session, force, [alert] if alert is not None else [], now, 0)
    for row in unsent:
        address = row.recipient.casefold()
        readers = [address] if address in theirs else theirs
        heard = [each for each in readers if each in mine]
        for reader in heard:
            found[reader] = found[reader].and_(Told.by(details_from_json(row.details)))
        if heard:
            done.append(row.id)
    leave_to_later(session, done, f"told in the roll-up of {day} instead")
    return found


def _unsent(session: Session, force: InForce, everybody: People, day: date, now: datetime) -> list[Row[Any]]:
    ours = (MAIL.c.campaign == force.campaign.id, MAIL.c.kind == MailKind.ROLLUP.value, MAIL.c.day < day)
    is_free = or_(MAIL.c.state != MailState.CLAIMED.value, IS_FREE)
    stale = session.execute(select(MAIL).where(UNDERWAY, *ours, is_free).with_for_update(), moments(now))
    failed = session.execute(
        select(MAIL).where(*ours, MAIL.c.state == MailState.FAILED.value, MAIL.c.at >= now - FAILED_WITHIN)
    )
    return [
        *set_aside_unread(session, force, sorted(stale, key=lambda row: row.id), now),
        *(
            row
            for row in failed
            if why_unreadable(row) is None
            and (row.cause != Verdict.RECIPIENT or row.recipient.casefold() not in everybody.persons)
        ),
    ]
