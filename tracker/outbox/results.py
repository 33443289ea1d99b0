"""What became of claimed mails, written down: for how long each waits, and when it is at its end."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Text, and_, bindparam, func, tuple_, update
from sqlmodel import Session

from tracker.i18n.message import Message
from tracker.mail.compose.details import WENT
from tracker.mail.transport.replies import RefusalScope
from tracker.outbox.queue import LEASE, NEVER_ENDS, OURS_ENDS, UNCERTAIN_ATTEMPTS, Claimed
from tracker.outbox.rate_limit import RateLimits, domain_of
from tracker.store.batches import batches
from tracker.store.tables import MAIL, MailState

#: Waits before the next attempt; after the last one the mail has failed.
BACK_OFF = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60, 180, 360, 720, 1440))

#: How long what was not even tried waits: the server could not be reached, or wants to be left alone.
UNTRIED = timedelta(minutes=5)

#: What is refused because of us is tried again after a third of the time for which it has been, between these.
OURS_AGAIN = (UNTRIED, timedelta(hours=1))


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a claimed mail.  ``state`` is sent, deferred, failed or uncertain.

    ``verdict`` is what a refusal is about.  Not ``is_tried``: the server was not asked, which counts as no attempt.
    ``is_local``: no server was meant to be asked.  ``went`` is what was enclosed (``tracker.mail.compose.details``).
    """

    claimed: Claimed
    state: MailState
    outcome: str
    subject: str | None = None
    verdict: RefusalScope | None = None
    is_tried: bool = True
    is_local: bool = False
    went: Mapping[str, object] | None = None


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
        cause=bindparam("new_cause"),
        ours_since=bindparam("new_ours_since"),
        details=func.coalesce(bindparam("new_details", type_=Text), MAIL.c.details),
        lease_until=None,
    )
)


def record_results(session: Session, results: Sequence[Result], now: datetime) -> int:
    """Write down what became of claimed mails; the number that counted (the fence still stood)."""
    if not results:
        return 0
    RateLimits(session, {}, now).heard(
        too_fast=[
            domain_of(result.claimed.mail.to)
            for result in results
            if result.verdict is RefusalScope.TOO_FAST and result.is_tried
        ],
        taken=[domain_of(result.claimed.mail.to) for result in results if result.state is MailState.SENT],
    )
    # By their numbers, as whoever supersedes them goes: two that lock the same rows then wait, and never for each other.
    values = [_recorded(result, now) for result in sorted(results, key=lambda result: result.claimed.id)]
    return session.connection().execute(_RECORD, values).rowcount


def _recorded(result: Result, now: datetime) -> dict[str, object]:
    state, outcome, not_before = result.state, result.outcome, now
    claimed = result.claimed
    is_ours = state is MailState.DEFERRED and result.verdict is RefusalScope.US and result.is_tried
    ours_since = (claimed.ours_since or now) if is_ours else claimed.ours_since
    # A claim that ended with its process was no attempt that anybody answered; nor is one in which it was us.
    attempts = claimed.attempts + (result.is_tried and not is_ours)
    lost = claimed.lost + (state is MailState.UNCERTAIN)
    if state is MailState.UNCERTAIN and lost >= UNCERTAIN_ATTEMPTS:
        state = MailState.FAILED
        outcome = str(Message("outcomes.unanswered_attempts", why=outcome, n=lost))
    # Jitter, so that a thousand mails refused together do not come back together.
    jitter = random.uniform(0.8, 1.2)  # noqa: S311
    if is_ours and ours_since is not None:
        if now - ours_since > OURS_ENDS and claimed.mail.kind not in NEVER_ENDS:
            state, outcome = MailState.FAILED, str(Message("outcomes.days", why=outcome, n=OURS_ENDS.days))
        least, most = OURS_AGAIN
        not_before = now + max(least, min(most, (now - ours_since) / 3)) * jitter
    elif state is MailState.DEFERRED and not result.is_tried:
        not_before = now + UNTRIED * jitter
    elif state in (MailState.DEFERRED, MailState.UNCERTAIN):
        if attempts > len(BACK_OFF):
            state, outcome = MailState.FAILED, str(Message("outcomes.attempts", why=outcome, n=attempts))
        else:
            not_before = now + BACK_OFF[attempts - 1] * jitter
    return {
        "row": claimed.id,
        "as_claimed": claimed.fence,
        "new_state": state.value,
        "new_outcome": outcome,
        # What waits is said anew when it goes; until then its subject is that of how things are.
        "new_subject": None if state is MailState.DEFERRED else result.subject,
        "new_sent_at": now if state is MailState.SENT else None,
        "new_not_before": not_before,
        "new_attempts": attempts,
        "new_lost": lost,
        "new_cause": result.verdict,
        "new_ours_since": ours_since,
        "new_details": _details(result),
    }


def _details(result: Result) -> str | None:
    """With what was enclosed, for whoever looks at the mail later; None where nothing went."""
    if not result.went or result.state not in (MailState.SENT, MailState.UNCERTAIN):
        return None
    return json.dumps({**result.claimed.mail.details, WENT: result.went}, ensure_ascii=False)


def set_aside(claimed: Claimed) -> Result:
    """The end of a mail that goes no more, or of which processes died or answers were lost as often as may be."""
    if claimed.over is not None:
        return Result(claimed, MailState.FAILED, claimed.over)
    why = str(Message("outcomes.set_aside", n=claimed.lost))
    return Result(claimed, MailState.FAILED, why)


def give_back(session: Session, claimed: Sequence[Claimed], _: datetime) -> None:
    """Let others have at once what was claimed and not begun: that is neither an attempt nor a lost answer."""
    for some in batches(claimed):
        free = update(MAIL).where(_as_claimed(some)).values(state=MailState.QUEUED.value, lease_until=None)
        session.execute(free)


def hold(session: Session, claimed: Sequence[Claimed], now: datetime) -> None:
    """Keep what is under way for another lease.  What somebody has taken over meanwhile is left alone."""
    for some in batches(claimed):
        statement = update(MAIL).where(_as_claimed(some)).values(lease_until=now + LEASE).returning(MAIL.c.id)
        held = set(session.execute(statement).scalars())
        for each in some:
            if each.id in held:
                each.hand.lease_until = now + LEASE


def _as_claimed(claimed: Sequence[Claimed]) -> ColumnElement[bool]:
    mine = [(each.id, each.fence) for each in claimed]
    # By the number alone as well: SQLite looks up a list of several columns in no index.
    numbered = MAIL.c.id.in_([each.id for each in claimed])
    return and_(MAIL.c.state == MailState.CLAIMED.value, numbered, tuple_(MAIL.c.id, MAIL.c.fence).in_(mine))
