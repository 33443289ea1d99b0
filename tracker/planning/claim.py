"""Claims mails for sending, each looked at once more: what it says, and to whom, is what holds now (docs/contract.md §6.9)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.model import Mail
from tracker.core.moments import A_DAY
from tracker.i18n.message import Message
from tracker.ledger.editions import last_mail_before
from tracker.outbox.queue import NEVER_ENDS, OURS_ENDS, Claimed, ClaimedState, enqueue, taken
from tracker.outbox.rows import mail_unread, unreadable, why_unreadable
from tracker.planning.restated import as_told_now
from tracker.planning.second_look import look_again


def claim(
    session: Session,
    snapshot: CampaignSnapshot,
    now: datetime,
    who: str,
    *,
    most: int,
    timezones: Sequence[str],
) -> list[Claimed]:
    """Take up to ``most`` mails of the campaign whose time has come, oldest first; digests only for ``timezones``.

    Where there are none, one that may have been taken already, or whose lease has run out: whoever had it is gone, and
    may have sent it, or died of it.  These come one by one, so that none of them answers for another.
    No more are taken for a domain than its rate allows, and none for one that wants to be left alone.
    Each is looked at again; there are none only where none is left that could go.
    Call it in a transaction of its own and commit before sending.
    Raises OvertakenError where the ledger follows other files than ``snapshot``.
    """
    edited = last_mail_before(session, snapshot)
    while rows := (
        taken(session, snapshot, now, who, most, timezones)
        or taken(session, snapshot, now, who, min(most, 1), timezones, is_over=True)
    ):
        rows = as_told_now(session, snapshot, rows, now, edited)
        over = {row.id: why for row in rows if (why := _why_over(row, now)) is not None}
        rest = [row for row in rows if row.id not in over]
        looked = look_again(session, snapshot, rest, now, timezones, edited=edited)
        enqueue(session, snapshot, looked.at_once, now, 0)
        enqueue(session, snapshot, looked.later, now, 0, not_before=now + A_DAY)
        if looked.goes or over:
            return [
                *(_claimed(row, mail_unread(row), over[row.id]) for row in rows if row.id in over),
                *(_claimed(row, mail) for row, mail in looked.goes),
            ]
    return []


def _why_over(row: Row[Any], now: datetime) -> str | None:
    if (why := why_unreadable(row)) is not None:
        return unreadable(why)
    has_waited = row.ours_since is not None and now - row.ours_since > OURS_ENDS
    return (
        str(Message("outcomes.days", why=row.outcome, n=OURS_ENDS.days))
        if has_waited and row.kind not in NEVER_ENDS
        else None
    )


def _claimed(row: Row[Any], mail: Mail, over: str | None = None) -> Claimed:
    hand, life = ClaimedState(row.lease_until), (row.attempts, row.message_id, mail, row.lost)
    return Claimed(row.id, row.fence, *life, over, hand, row.ours_since)
