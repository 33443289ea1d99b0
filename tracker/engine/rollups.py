"""Tells the supervisor who is missing after a deadline, and once a week how everything stands (CONTRACT.md §6.4).

The missing are items, which are looked at again before sending like any other; the rest is in ``details``
(docs/design/ledger.md).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, case, func, or_, select
from sqlmodel import Session

from tracker.core.model import Definition, Every, Item, MailKind, Occurrence, Reason
from tracker.core.occurrences import occurrences
from tracker.core.standing import LATE
from tracker.engine.digests import mail_row
from tracker.engine.inforce import InForce
from tracker.engine.ledger import last_event
from tracker.engine.misled import Before, written_before
from tracker.engine.outbox import enqueue
from tracker.engine.people import person_facts
from tracker.engine.weekly import weekly_facts
from tracker.engine.written import items_to_json
from tracker.store.tables import ASSIGNMENT

A_DAY = timedelta(days=1)

_HERE = (
    ASSIGNMENT.c.campaign == bindparam("campaign"),
    ASSIGNMENT.c.key == bindparam("key"),
    ASSIGNMENT.c.period == bindparam("period"),
    ASSIGNMENT.c.removed_on.is_(None),
)
_IS_LATE = ASSIGNMENT.c.mark.bitwise_and(LATE) != 0
_COUNTS = select(
    func.count(),
    func.sum(case((ASSIGNMENT.c.answered == "waived", 1), else_=0)),
    func.sum(
        case((ASSIGNMENT.c.paused & (func.coalesce(ASSIGNMENT.c.answered, "") != "waived"), 1), else_=0)
    ),
    func.sum(case((~ASSIGNMENT.c.paused & (ASSIGNMENT.c.answered == "nil"), 1), else_=0)),
).where(*_HERE)
_TO_BE_NAMED = select(ASSIGNMENT).where(*_HERE, or_(ASSIGNMENT.c.quiet.is_(False), _IS_LATE))


@dataclass(frozen=True, slots=True)
class _Tally:
    """One deadline: its missing units as items, and the numbers beside them."""

    items: list[Item]
    facts: dict[str, object]


def plan_rollups(
    session: Session, force: InForce, timezone: str, since: date, day: date, now: datetime
) -> int:
    """Write the roll-up of ``day`` for the supervisor's people in ``timezone``; the number of mails.

    It covers every deadline whose first workday after lies in [since, day], and the week if its first workday
    does.
    """
    supervisor = force.campaign.supervisor
    people = force.people(day).within(timezone)
    addresses = people.of_unit.get(supervisor, ()) if supervisor is not None else ()
    if supervisor is None or not addresses:
        return 0
    tallies = [_tally(session, force, *each, day) for each in _deadlines(force, since, day)]
    facts: dict[str, object] = {"deadlines": [tally.facts for tally in tallies]}
    if _is_weekly(force, since, day):
        facts["week"] = weekly_facts(session, force, now, day)
    if not tallies and "week" not in facts:
        return 0
    content = items_to_json([item for tally in tallies for item in tally.items])
    rows: list[dict[str, object]] = []
    before = written_before(session, force.campaign.id, MailKind.ROLLUP, day)
    for address in addresses:
        person = people.persons[address]
        details = json.dumps({**facts, **person_facts(person, [supervisor])}, ensure_ascii=False)
        written = before.get(address, Before())
        if (content, details) not in written.whole:
            number = written.mails
            rows.append(mail_row(MailKind.ROLLUP, day, person, supervisor, content, details, number=number))
    return enqueue(session, force, rows, now, last_event(session))


def wants_rollup(force: InForce, definition: Definition) -> bool:
    """Whether the supervisor hears who is missing once the time is up: by policy, else what comes back monthly."""
    wanted = force.policy(definition).rollup
    return definition.rule.every is Every.MONTH if wanted is None else wanted


def _deadlines(force: InForce, since: date, day: date) -> Iterator[tuple[Definition, Occurrence, date]]:
    """What is to be reported on, with its date in force by the rule, in the order of the document."""
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
            # Nor is anybody missing in what was due before the ledger began.
            if due < force.chase_from:
                continue
            if due < day and since <= workdays.after(due) <= day:
                yield definition, occurrence, due


def _tally(
    session: Session, force: InForce, definition: Definition, occurrence: Occurrence, due: date, day: date
) -> _Tally:
    where = {"campaign": force.campaign.id, "key": definition.key, "period": occurrence.period or ""}
    asked, waived, paused, nil = (number or 0 for number in session.execute(_COUNTS, where).one())
    named = sorted(session.execute(_TO_BE_NAMED, where).all(), key=lambda row: force.unit_position(row.unit))
    missing = [row for row in named if not row.quiet]
    facts: dict[str, object] = {
        "ref": occurrence.ref,
        "due": due.isoformat(),
        "of": asked - waived - paused,
        "nil": nil,
        "waived": waived,
        "paused": paused,
        "late": [row.unit for row in named if row.quiet],
        "returned": [row.unit for row in missing if row.answered == "returned"],
        "extended": {
            row.unit: row.effective_due.isoformat() for row in missing if row.extended_due is not None
        },
    }
    return _Tally([_missing(occurrence.ref, row, day) for row in missing], facts)


def _missing(ref: str, row: Row[Any], day: date) -> Item:
    due, grace_until = row.effective_due, row.grace_until
    is_late = grace_until is not None and day > grace_until
    days_left = None if due is None else (due - day).days
    return Item(ref, row.unit, Reason.OVERDUE if is_late else Reason.LEAD, due, days_left)


def _is_weekly(force: InForce, since: date, day: date) -> bool:
    """Whether the first workday of the ISO week of ``day`` lies in [since, day], and there is a campaign by then."""
    monday = day - timedelta(days=day.weekday())
    return force.campaign.issued <= day and since <= force.workdays.on_or_after(monday) <= day
