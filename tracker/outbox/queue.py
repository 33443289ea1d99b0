"""The outbox: what was decided to be said, on its way out.

queued → claimed → sent | deferred → claimed … | failed | uncertain → claimed … | dropped | superseded.
Claiming takes a lease and raises the fence; a result counts only while the fence still stands as claimed,
so a process that slept past its lease cannot record one.  A digest or roll-up goes on its day or not at all: the next
one tells what stood in it (``superseded``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Row, and_, bindparam, case, func, literal_column, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningUpdate
from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.model import Mail, MailKind, owned
from tracker.mail.transport.message import message_id
from tracker.outbox.rate_limit import RateLimits, by_domain
from tracker.store.tables import MAIL, UNDERWAY, MailState

#: How long a process may hold a mail before another one takes it over.
LEASE = timedelta(minutes=5)

#: So long before the end of the lease no mail is begun any more: by then whatever the server still has to say about
#: the last one has been said, and the clocks of two machines may differ.
LAST_MINUTE = timedelta(seconds=90)

#: A lease that ends later than this from now was written by a clock that has been set back since.
NO_LEASE = 2 * LEASE


#: A mail that waits longer than this from now was written by a clock that has been set back since.
NO_WAIT = timedelta(days=2)

#: An answer that never came is asked for again this often; each may cost one copy, with the same Message-ID.
#: Whoever dies with a mail in hand gives no answer either.
UNCERTAIN_ATTEMPTS = 3


@dataclass(slots=True)
class ClaimedState:
    """How it is with a mail that this process has claimed, until ``lease_until``; None where nobody else could take it.

    Once its content has begun to go out (``is_begun``), it may have been taken.  ``is_over``: it was claimed by files
    that are not in force any more, or nobody could write down what becomes of it.
    """

    lease_until: datetime | None = None
    is_begun: bool = False
    is_over: Callable[[], bool] = bool

    def begins(self) -> None:
        """Its first byte goes out now."""
        self.is_begun = True


@dataclass(frozen=True, slots=True)
class Claimed:
    """A mail in the hands of this process.  ``lost`` counts answers that never came, ours among them."""

    id: int
    fence: int
    attempts: int
    message_id: str
    mail: Mail
    lost: int = 0
    #: Why it goes no more: it cannot be read, or has waited for longer than it lives.
    over: str | None = None
    hand: ClaimedState = field(default_factory=ClaimedState, compare=False)
    ours_since: datetime | None = None

    def may_go(self, now: datetime) -> bool:
        """Whether there is time left to send it before another process takes it over."""
        until = self.hand.lease_until
        return until is None or now < until - LAST_MINUTE

    def may_begin(self, now: datetime) -> bool:
        """The same, and whether what it was claimed by is in force still; what a server has heard of is finished."""
        return not self.hand.is_over() and self.may_go(now)

    @property
    def is_spent(self) -> bool:
        """Whether it goes no more, or has cost as many lives or answers as it may."""
        return self.over is not None or self.lost >= UNCERTAIN_ATTEMPTS


#: What goes on its day or not at all.
OF_A_DAY = (MailKind.DIGEST.value, MailKind.ROLLUP.value)

#: What is refused because of us loses no attempt, and lives for so long; what goes on its day is told by the next one
#: before that, and an alert outlives it.
OURS_ENDS = timedelta(days=5)
NEVER_ENDS = frozenset({*OF_A_DAY, MailKind.ALERT.value})

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
    *("not_before", "state", "attempts", "lost", "cause", "ours_since"),
)
#: It was written for a time zone in which nobody gets mail any more.
IS_OF_NO_ZONE = MAIL.c.timezone.not_in(bindparam("zones", expanding=True))
#: Somebody had, and has not said what became of it.
IS_IN_HAND = MAIL.c.state == literal_column("'claimed'")
#: It may have been taken already, or somebody may have died of it.
IS_RISKY = or_(IS_IN_HAND, MAIL.c.lost > literal_column("0"))


@lru_cache(maxsize=64)
def _claiming(zones: int, besides: int, *, is_narrow: bool, is_over: bool = False) -> ReturningUpdate[Any]:
    """Takes mails for so many time zones, of one domain alone or of all but so many; if ``is_over``, risky ones.

    Statements are made once: making them costs more than running them.  What is ready is a table of its own, made
    once: as a subquery, PostgreSQL may run it again for each row, and lock and take more than ``most``.
    """
    of_zone: list[ColumnElement[bool]] = [
        and_(
            MAIL.c.timezone == bindparam(f"zone_{number}"),
            or_(MAIL.c.kind.not_in(OF_A_DAY), MAIL.c.day >= bindparam(f"day_{number}")),
        )
        for number in range(zones)
    ]
    # Nobody lives by such a clock any more: whose mail it is now, and when it goes, is seen at the second look.
    of_no_zone = and_(IS_OF_NO_ZONE, or_(MAIL.c.kind.not_in(OF_A_DAY), MAIL.c.day >= bindparam("today")))
    domain = func.lower(MAIL.c.recipient)
    ready = (
        select(MAIL.c.id)
        .where(
            UNDERWAY,
            MAIL.c.campaign == bindparam("whose"),
            IS_TIME,
            IS_FREE,
            IS_RISKY if is_over else ~IS_RISKY,
            or_(MAIL.c.kind.in_([MailKind.ALERT.value, MailKind.RECEIPT.value]), *of_zone, of_no_zone),
            *([domain.endswith(bindparam("domain"))] if is_narrow else []),
            *(~domain.endswith(bindparam(f"beside_{number}")) for number in range(besides)),
        )
        .order_by(*([MAIL.c.lost] if is_over else []), MAIL.c.not_before, MAIL.c.id)
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
            **({"lost": MAIL.c.lost + case((IS_IN_HAND, 1), else_=0)} if is_over else {}),
        )
        .returning(MAIL)
    )


def mail_domain(snapshot: CampaignSnapshot) -> str:
    """The right-hand side of our Message-IDs: the sender's domain."""
    return snapshot.settings.mail_from.email.rpartition("@")[2]


def enqueue(
    session: Session,
    snapshot: CampaignSnapshot,
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
    domain = mail_domain(snapshot)
    values = [
        {
            "timezone": snapshot.campaign.timezone,
            "at": now,
            "seen_event": seen_event,
            **row,
            "campaign": snapshot.campaign.id,
            "key": (key := owned(snapshot.campaign.id, str(row["key"]))),
            "message_id": message_id(f"{snapshot.campaign.document}/{key}", domain),
            "not_before": not_before or now,
            "state": MailState.QUEUED.value,
            "attempts": 0,
            "lost": 0,
            "cause": None,
            "ours_since": None,
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


def taken(
    session: Session,
    snapshot: CampaignSnapshot,
    now: datetime,
    who: str,
    most: int,
    timezones: Sequence[str],
    *,
    is_over: bool = False,
) -> list[Row[Any]]:
    """Rows that ``who`` has in hand now, oldest first: mails of the campaign whose time has come, up to ``most``.

    ``is_over`` asks for those that somebody may have died of.  No more are taken for a domain than its rate allows.
    """
    given: dict[str, object] = {**moments(now), "lease": now + LEASE, "who": who}
    given |= {"whose": snapshot.campaign.id, "zones": snapshot.timezones, "today": snapshot.day(now)}
    for number, name in enumerate(timezones):
        given |= {f"zone_{number}": name, f"day_{number}": now.astimezone(ZoneInfo(name)).date()}
    pacing = RateLimits(session, snapshot.settings.pace, now)
    room = pacing.room()
    rows: list[Row[Any]] = []
    for domain, count in room.items():
        if (left := min(count, most - len(rows))) > 0:
            statement = _claiming(len(timezones), 0, is_narrow=True, is_over=is_over)
            rows += session.execute(statement, {**given, "domain": f"@{domain}", "most": left})
    if len(rows) < most:
        besides = {f"beside_{number}": f"@{domain}" for number, domain in enumerate(room)}
        statement = _claiming(len(timezones), len(room), is_narrow=False, is_over=is_over)
        rows += session.execute(statement, {**given, **besides, "most": most - len(rows)})
    if room:
        pacing.took(by_domain(row.recipient for row in rows))
    return sorted(rows, key=lambda row: int(row.id))
