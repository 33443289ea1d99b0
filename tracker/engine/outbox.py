"""The outbox: what was decided to be said, on its way out.

queued → claimed → sent | deferred → claimed … | failed | uncertain → claimed … | dropped | superseded.
Claiming takes a lease and raises the fence; a result counts only while the fence still stands as claimed,
so a process that slept past its lease cannot record one.  A digest goes on its day or not at all: the next
one tells what stood in it (``superseded``).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Row, and_, bindparam, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningUpdate
from sqlmodel import Session

from tracker.core.model import Mail, MailKind, owned
from tracker.engine.inforce import InForce
from tracker.engine.pace import Pacing, by_domain, domain_of
from tracker.engine.second_look import A_DAY, look_again
from tracker.mail.message import message_id
from tracker.store.tables import MAIL, UNDERWAY, MailState

#: How long a process may hold a mail before another one takes it over.
LEASE = timedelta(minutes=5)

#: So long before the end of the lease no mail is begun any more: by then whatever the server still has to say about
#: the last one has been said, and the clocks of two machines may differ.
LAST_MINUTE = timedelta(seconds=90)

#: A lease that ends later than this from now was written by a clock that has been set back since.
NO_LEASE = 2 * LEASE

#: Waits before the next attempt; after the last one the mail has failed.
BACK_OFF = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60, 180, 360, 720, 1440))

#: A mail that waits longer than this from now was written by a clock that has been set back since.
NO_WAIT = 2 * BACK_OFF[-1]

#: How long what was not even tried waits: the server could not be reached, or wants to be left alone.
UNTRIED = timedelta(minutes=5)

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
    """What became of a claimed mail.  ``state`` is sent, deferred, failed or uncertain.

    ``is_too_fast``: its server wants to be left alone for a while.  Not ``is_tried``: the server was not asked,
    which counts as no attempt.
    """

    claimed: Claimed
    state: MailState
    outcome: str
    subject: str | None = None
    is_too_fast: bool = False
    is_tried: bool = True


#: Its time has come.
IS_TIME = or_(MAIL.c.not_before <= bindparam("now"), MAIL.c.not_before > bindparam("no_wait"))
#: Nobody has it in hand.
IS_FREE = or_(
    MAIL.c.lease_until.is_(None),
    MAIL.c.lease_until <= bindparam("now"),
    MAIL.c.lease_until > bindparam("no_lease"),
)
#: A mail that has not gone, and of which another may take the place.
_DID_NOT_GO = or_(
    MAIL.c.state == MailState.SUPERSEDED.value,
    and_(MAIL.c.state == MailState.DROPPED.value, MAIL.c.kind == MailKind.DIGEST.value),
)
_WRITTEN_ANEW = (
    *("recipient", "name", "unit", "language", "timezone", "at", "content", "details", "seen_event"),
    *("not_before", "state", "attempts", "lost"),
)
#: It was written for a time zone in which nobody gets mail any more.
IS_OF_NO_ZONE = MAIL.c.timezone.not_in(bindparam("zones", expanding=True))
_RECORD = (
    update(MAIL)
    .where(
        MAIL.c.id == bindparam("row"),
        MAIL.c.fence == bindparam("as_claimed"),
        MAIL.c.state == MailState.CLAIMED.value,
    )
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


@lru_cache(maxsize=64)
def _claiming(zones: int, besides: int, *, is_narrow: bool) -> ReturningUpdate[Any]:
    """Takes mails for so many time zones, of one domain alone or of all but so many.

    Statements are made once: making them costs more than running them.  What is ready is a table of its own, made
    once: as a subquery, PostgreSQL may run it again for each row, and lock and take more than ``most``.
    """
    of_zone: list[ColumnElement[bool]] = [
        and_(
            MAIL.c.timezone == bindparam(f"zone_{number}"),
            or_(MAIL.c.kind != MailKind.DIGEST.value, MAIL.c.day >= bindparam(f"day_{number}")),
        )
        for number in range(zones)
    ]
    # Nobody lives by such a clock any more: whose mail it is now, and when it goes, is seen at the second look.
    of_no_zone = and_(
        IS_OF_NO_ZONE, or_(MAIL.c.kind != MailKind.DIGEST.value, MAIL.c.day >= bindparam("today"))
    )
    domain = func.lower(MAIL.c.recipient)
    ready = (
        select(MAIL.c.id)
        .where(
            UNDERWAY,
            MAIL.c.campaign == bindparam("whose"),
            IS_TIME,
            IS_FREE,
            or_(MAIL.c.kind.in_([MailKind.ALERT.value, MailKind.RECEIPT.value]), *of_zone, of_no_zone),
            *([domain.endswith(bindparam("domain"))] if is_narrow else []),
            *(~domain.endswith(bindparam(f"beside_{number}")) for number in range(besides)),
        )
        .order_by(MAIL.c.not_before, MAIL.c.id)
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
        .cte("ready")
    )
    return (
        update(MAIL)
        .where(MAIL.c.id.in_(select(ready.c.id)))
        .values(
            state=MailState.CLAIMED.value,
            lease_until=bindparam("lease"),
            claimed_by=bindparam("who"),
            fence=MAIL.c.fence + 1,
        )
        .returning(MAIL)
    )


def mail_domain(force: InForce) -> str:
    """The right-hand side of our Message-IDs: the sender's domain."""
    return force.settings.mail_from.email.rpartition("@")[2]


def enqueue(
    session: Session,
    force: InForce,
    rows: Sequence[dict[str, object]],
    now: datetime,
    seen_event: int,
    *,
    not_before: datetime | None = None,
) -> int:
    """Put mails into the outbox; the number really added.

    A key that the campaign has already is passed over, unless that mail was taken back before it went.

    They go at once, or ``not_before``.
    """
    if not rows:
        return 0
    domain = mail_domain(force)
    values = [
        {
            "timezone": force.campaign.timezone,
            "at": now,
            "seen_event": seen_event,
            **row,
            "campaign": force.campaign.id,
            "key": (key := owned(force.campaign.id, str(row["key"]))),
            "message_id": message_id(f"{force.campaign.document}/{key}", domain),
            "not_before": not_before or now,
            "state": MailState.QUEUED.value,
            "attempts": 0,
            "lost": 0,
            "fence": 0,
        }
        for row in rows
    ]
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    statement = dialect.insert(MAIL)
    new = {name: getattr(statement.excluded, name) for name in _WRITTEN_ANEW}
    statement = statement.on_conflict_do_update(
        index_elements=["key"],
        set_={**new, "fence": MAIL.c.fence + 1, "lease_until": None, "outcome": None},
        where=_DID_NOT_GO,
    )
    # Without the option the rows that were really added are not counted on PostgreSQL.
    counted = {"preserve_rowcount": True}
    return session.connection().execute(statement, values, execution_options=counted).rowcount


def moments(now: datetime) -> dict[str, datetime]:
    """What ``IS_TIME`` and ``IS_FREE`` ask to be given."""
    return {"now": now, "no_wait": now + NO_WAIT, "no_lease": now + NO_LEASE}


def claim(
    session: Session, force: InForce, now: datetime, who: str, *, most: int, timezones: Sequence[str]
) -> list[Claimed]:
    """Take up to ``most`` mails of the campaign whose time has come, oldest first; digests only for ``timezones``.

    Ones whose lease has run out are among them: whoever had them is gone, and may or may not have sent them.
    No more are taken for a domain than its rate allows, and none for one that wants to be left alone.
    Each is looked at again; there are none only where none is left that could go.
    Call it in a transaction of its own and commit before sending.
    """
    while rows := _taken(session, force, now, who, most, timezones):
        looked = look_again(session, force, rows, now, timezones)
        enqueue(session, force, looked.at_once, now, 0)
        enqueue(session, force, looked.later, now, 0, not_before=now + A_DAY)
        if looked.goes:
            return [
                Claimed(row.id, row.fence, row.attempts, row.message_id, mail, row.lost, row.lease_until)
                for row, mail in looked.goes
            ]
    return []


def _taken(
    session: Session, force: InForce, now: datetime, who: str, most: int, timezones: Sequence[str]
) -> list[Row[Any]]:
    given: dict[str, object] = {**moments(now), "lease": now + LEASE, "who": who}
    given |= {"whose": force.campaign.id, "zones": force.timezones, "today": force.day(now)}
    for number, name in enumerate(timezones):
        given |= {f"zone_{number}": name, f"day_{number}": now.astimezone(ZoneInfo(name)).date()}
    pacing = Pacing(session, force.settings.pace, now)
    room = pacing.room()
    rows: list[Row[Any]] = []
    for domain, count in room.items():
        if (left := min(count, most - len(rows))) > 0:
            statement = _claiming(len(timezones), 0, is_narrow=True)
            rows += session.execute(statement, {**given, "domain": f"@{domain}", "most": left})
    if len(rows) < most:
        besides = {f"beside_{number}": f"@{domain}" for number, domain in enumerate(room)}
        statement = _claiming(len(timezones), len(room), is_narrow=False)
        rows += session.execute(statement, {**given, **besides, "most": most - len(rows)})
    if room:
        pacing.took(by_domain(row.recipient for row in rows))
    return sorted(rows, key=lambda row: int(row.id))


def record_results(session: Session, results: Sequence[Result], now: datetime) -> int:
    """Write down what became of claimed mails; the number that counted (the fence still stood)."""
    if not results:
        return 0
    Pacing(session, {}, now).heard(
        too_fast=[domain_of(result.claimed.mail.to) for result in results if result.is_too_fast],
        taken=[domain_of(result.claimed.mail.to) for result in results if result.state is MailState.SENT],
    )
    # By their numbers, as whoever supersedes them goes: two that lock the same rows then wait, and never for each other.
    values = [_recorded(result, now) for result in sorted(results, key=lambda result: result.claimed.id)]
    return session.connection().execute(_RECORD, values).rowcount


def _recorded(result: Result, now: datetime) -> dict[str, object]:
    state, outcome, not_before = result.state, result.outcome, now
    claimed = result.claimed
    # A claim that ended with its process was no attempt that anybody answered.
    attempts = claimed.attempts + result.is_tried
    lost = claimed.lost + (state is MailState.UNCERTAIN)
    if state is MailState.UNCERTAIN and lost >= UNCERTAIN_ATTEMPTS:
        state = MailState.FAILED
        outcome = f"{outcome}; given up after {lost} attempts without an answer"
    # Jitter, so that a thousand mails refused together do not come back together.
    jitter = random.uniform(0.8, 1.2)  # noqa: S311
    if state is MailState.DEFERRED and not result.is_tried:
        not_before = now + UNTRIED * jitter
    elif state in (MailState.DEFERRED, MailState.UNCERTAIN):
        if attempts > len(BACK_OFF):
            state, outcome = MailState.FAILED, f"{outcome}; given up after {attempts} attempts"
        else:
            not_before = now + BACK_OFF[attempts - 1] * jitter
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
