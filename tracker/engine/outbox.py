"""The outbox: what was decided to be said, on its way out.

queued → claimed → sent | deferred → claimed … | failed | uncertain → claimed … | dropped | superseded.
Claiming takes a lease and raises the fence; a result counts only while the fence still stands as claimed,
so a process that slept past its lease cannot record one.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Row, bindparam, or_, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from tracker.core.model import Item, Mail, MailKind, Reason
from tracker.core.occurrences import parse_ref
from tracker.engine.inforce import InForce
from tracker.mail.message import message_id
from tracker.store.tables import ASSIGNMENT, EVENT, MAIL, UNDERWAY, MailState

#: How long a process may hold a mail before another one takes it over.
LEASE = timedelta(minutes=5)

#: So long before the end of the lease no mail is begun any more: by then whatever the server still has to say about
#: the last one has been said, and the clocks of two machines may differ.
LAST_MINUTE = timedelta(seconds=90)

#: A mail that has waited longer than this is looked at again item by item before it goes.
FRESH = timedelta(minutes=1)

#: Waits before the next attempt; after the last one the mail has failed.
BACK_OFF = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60, 180, 360, 720, 1440))

#: An answer that never came is asked for again this often; each may cost one copy, with the same Message-ID.
UNCERTAIN_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Claimed:
    """A mail in the hands of this process until ``lease_until``; None where nobody else could take it."""

    id: int
    fence: int
    attempts: int
    message_id: str
    mail: Mail
    lost: int = 0
    lease_until: datetime | None = None

    def may_go(self, now: datetime) -> bool:
        """Whether there is time left to send it before another process takes it over."""
        return self.lease_until is None or now < self.lease_until - LAST_MINUTE


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a claimed mail.  ``state`` is sent, deferred, failed or uncertain."""

    claimed: Claimed
    state: MailState
    outcome: str
    subject: str | None = None


# Statements are made once: making them costs more than running them.  What is ready is a table of its own, made
# once: as a subquery, PostgreSQL may run it again for each row, and lock and take more than ``most``.
_READY = (
    select(MAIL.c.id)
    .where(
        UNDERWAY,
        MAIL.c.not_before <= bindparam("now"),
        or_(
            MAIL.c.kind.in_([MailKind.ALERT.value, MailKind.RECEIPT.value]),
            MAIL.c.timezone.in_(bindparam("timezones", expanding=True)),
        ),
        or_(MAIL.c.lease_until.is_(None), MAIL.c.lease_until <= bindparam("now")),
    )
    .order_by(MAIL.c.not_before, MAIL.c.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
    .cte("ready")
)
_CLAIM = (
    update(MAIL)
    .where(MAIL.c.id.in_(select(_READY.c.id)))
    .values(
        state=MailState.CLAIMED.value,
        lease_until=bindparam("lease"),
        claimed_by=bindparam("who"),
        fence=MAIL.c.fence + 1,
    )
    .returning(MAIL)
)
_RECORD = (
    update(MAIL)
    .where(MAIL.c.id == bindparam("row"), MAIL.c.fence == bindparam("as_claimed"))
    .values(
        state=bindparam("new_state"),
        outcome=bindparam("new_outcome"),
        subject=bindparam("new_subject"),
        sent_at=bindparam("new_sent_at"),
        not_before=bindparam("new_not_before"),
        attempts=bindparam("new_attempts"),
        lost=bindparam("new_lost"),
        lease_until=None,
    )
)


def mail_domain(force: InForce) -> str:
    """The right-hand side of our Message-IDs: the sender's domain."""
    return force.settings.mail_from.email.rpartition("@")[2]


def enqueue(
    session: Session, force: InForce, rows: Sequence[dict[str, object]], now: datetime, seen_event: int
) -> int:
    """Put mails into the outbox; a key that is there already is passed over.  The number really added."""
    if not rows:
        return 0
    domain = mail_domain(force)
    values = [
        {
            "timezone": force.campaign.timezone,
            **row,
            "message_id": message_id(f"{force.campaign.document}/{row['key']}", domain),
            "at": now,
            "not_before": now,
            "state": MailState.QUEUED.value,
            "attempts": 0,
            "lost": 0,
            "fence": 0,
            "seen_event": seen_event,
        }
        for row in rows
    ]
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    statement = dialect.insert(MAIL).on_conflict_do_nothing(index_elements=["key"])
    # Without the option the rows that were really added are not counted on PostgreSQL.
    counted = {"preserve_rowcount": True}
    return session.connection().execute(statement, values, execution_options=counted).rowcount


def claim(session: Session, now: datetime, who: str, *, most: int, timezones: Sequence[str]) -> list[Claimed]:
    """Take up to ``most`` mails whose time has come, oldest first; digests only for ``timezones``.

    Ones whose lease has run out are among them: whoever had them is gone, and may or may not have sent them.
    Call it in a transaction of its own and commit before sending.
    """
    taken = session.execute(
        _CLAIM,
        {"now": now, "timezones": list(timezones), "most": most, "lease": now + LEASE, "who": who},
    )
    rows = sorted(taken.all(), key=lambda row: row.id)
    answered = _answered_since(session, min((row.seen_event for row in rows), default=0))
    waited = [row for row in rows if row.at < now - FRESH]
    asked = _still_asked(session, {item[:2] for row in waited for item in items_from_json(row.content)})
    claimed = []
    for row in rows:
        items = still_open = items_from_json(row.content)
        if answered:
            still_open = tuple(item for item in still_open if (item.ref, item.unit) not in answered)
        if row.at < now - FRESH:
            still_open = tuple(item for item in still_open if (item.ref, item.unit) in asked)
        if len(still_open) < len(items):
            # A roll-up in which nobody is missing any more is still one.
            is_empty = not still_open and row.kind == MailKind.DIGEST.value
            _shorten(session, row.id, still_open, drop=is_empty)
            if is_empty:
                continue
        claimed.append(
            Claimed(
                row.id,
                row.fence,
                row.attempts,
                row.message_id,
                mail_of(row, still_open),
                row.lost,
                row.lease_until,
            )
        )
    return claimed


def record_results(session: Session, results: Iterable[Result], now: datetime) -> int:
    """Write down what became of claimed mails; the number that counted (the fence still stood)."""
    # By their numbers, as whoever supersedes them goes: two that lock the same rows then wait, and never for each other.
    values = [_recorded(result, now) for result in sorted(results, key=lambda result: result.claimed.id)]
    return session.connection().execute(_RECORD, values).rowcount if values else 0


def mail_of(row: Row[Any], items: tuple[Item, ...]) -> Mail:
    """The mail of a row, with ``items`` (all of them, or those that are still open)."""
    return Mail(
        key=row.key,
        at=row.at,
        to=row.recipient,
        name=row.name,
        unit=row.unit,
        kind=MailKind(row.kind),
        language=row.language,
        items=items,
        details=json.loads(row.details),
    )


_REASONS = {reason.value: reason for reason in Reason}
_date = lru_cache(maxsize=4096)(date.fromisoformat)


def items_from_json(text: str) -> tuple[Item, ...]:
    """The items of a mail as planning wrote them."""
    return tuple(
        [
            Item(ref, unit, _REASONS[reason], _date(due) if due else None, days_left)
            for ref, unit, reason, due, days_left in json.loads(text)
        ]
    )


def items_to_json(items: Iterable[Item]) -> str:
    """The other way round."""
    rows = [
        (item.ref, item.unit, item.reason.value, item.due.isoformat() if item.due else None, item.days_left)
        for item in items
    ]
    return json.dumps(rows, separators=(",", ":"), ensure_ascii=False)


def _answered_since(session: Session, event: int) -> set[tuple[str, str]]:
    """Assignments that later events than ``event`` have made quiet: nothing goes out for them (§6.5)."""
    touched = session.execute(select(EVENT.c.ref, EVENT.c.unit).where(EVENT.c.id > event).distinct()).all()
    if not touched:
        return set()
    keys = {}
    for ref, unit in touched:
        key, period = parse_ref(ref)
        keys[key, period or "", unit] = (ref, unit)
    quiet = session.execute(
        select(ASSIGNMENT.c.key, ASSIGNMENT.c.period, ASSIGNMENT.c.unit).where(
            tuple_(ASSIGNMENT.c.key, ASSIGNMENT.c.period, ASSIGNMENT.c.unit).in_(list(keys)),
            ASSIGNMENT.c.quiet.is_(True),
        )
    )
    return {keys[row.key, row.period, row.unit] for row in quiet}


def _still_asked(session: Session, items: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of (ref, unit) that are still asked for and not answered."""
    keys = {}
    for ref, unit in items:
        key, period = parse_ref(ref)
        keys[key, period or "", unit] = (ref, unit)
    wanted = list(keys)
    asked = set()
    for start in range(0, len(wanted), 500):
        rows = session.execute(
            select(ASSIGNMENT.c.key, ASSIGNMENT.c.period, ASSIGNMENT.c.unit).where(
                tuple_(ASSIGNMENT.c.key, ASSIGNMENT.c.period, ASSIGNMENT.c.unit).in_(
                    wanted[start : start + 500]
                ),
                ASSIGNMENT.c.quiet.is_(False),
                ASSIGNMENT.c.removed_on.is_(None),
            )
        )
        asked |= {keys[row.key, row.period, row.unit] for row in rows}
    return asked


def _shorten(session: Session, mail: int, items: tuple[Item, ...], *, drop: bool) -> None:
    values: dict[str, object] = {"content": items_to_json(items)}
    if drop:
        values = {
            "state": MailState.DROPPED.value,
            "lease_until": None,
            "outcome": "everything in it was answered before it went out",
        }
    session.execute(update(MAIL).where(MAIL.c.id == mail).values(**values))


def _recorded(result: Result, now: datetime) -> dict[str, object]:
    state, outcome, not_before = result.state, result.outcome, now
    claimed = result.claimed
    # A claim that ended with its process was no attempt that anybody answered.
    attempts = claimed.attempts + 1
    lost = claimed.lost + (state is MailState.UNCERTAIN)
    if state is MailState.UNCERTAIN and lost >= UNCERTAIN_ATTEMPTS:
        state = MailState.FAILED
        outcome = f"{outcome}; given up after {lost} attempts without an answer"
    if state in (MailState.DEFERRED, MailState.UNCERTAIN):
        if attempts > len(BACK_OFF):
            state, outcome = MailState.FAILED, f"{outcome}; given up after {attempts} attempts"
        else:
            # Jitter, so that a thousand mails refused together do not come back together.
            not_before = now + BACK_OFF[attempts - 1] * random.uniform(0.8, 1.2)  # noqa: S311
    return {
        "row": claimed.id,
        "as_claimed": claimed.fence,
        "new_state": state.value,
        "new_outcome": outcome,
        "new_subject": result.subject,
        "new_sent_at": now if state is MailState.SENT else None,
        "new_not_before": not_before,
        "new_attempts": attempts,
        "new_lost": lost,
    }
