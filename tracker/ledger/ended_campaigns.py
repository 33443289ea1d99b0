"""What waits of a campaign whose files stand here no more: it ends, and the operator is told once.

Nobody looks at it again before it goes, and a service holds one campaign.  It ends as failed, so that it can be sent
again where the change of id was a slip: the next digest tells what stood in its digests, ``mail retry`` sends the rest.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select, update
from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.i18n.catalogue import words
from tracker.i18n.message import Message
from tracker.ledger.editions import leave_others
from tracker.outbox.alerts import alert_details, alert_row
from tracker.outbox.queue import IS_FREE, enqueue, moments
from tracker.store.tables import MAIL, UNDERWAY, MailState


def end_what_is_left(
    session: Session, snapshot: CampaignSnapshot, place: str, now: datetime, *, is_new: bool
) -> None:
    """End the waiting mails of other campaigns whose files stood at ``place`` before those of ``snapshot``."""
    for left in leave_others(session, snapshot, place, is_new=is_new):
        waits = (MAIL.c.campaign == left, UNDERWAY, IS_FREE)
        last, count = session.execute(
            select(func.max(MAIL.c.id), func.count()).where(*waits), moments(now)
        ).one()
        if not count:
            continue
        ended = (
            update(MAIL)
            .where(*waits)
            .values(
                state=MailState.FAILED.value,
                fence=MAIL.c.fence + 1,
                lease_until=None,
                outcome=str(Message("outcomes.went_over", name=snapshot.campaign.id)),
            )
        )
        session.connection().execute(ended, moments(now))
        row = _alert(snapshot, left, last, count, now)
        enqueue(session, snapshot, [] if row is None else [row], now, 0)


def _alert(
    snapshot: CampaignSnapshot, left: str, last: int, count: int, now: datetime
) -> dict[str, object] | None:
    operator, here = snapshot.settings.operator, snapshot.campaign.id
    if operator is None:
        return None
    said = words("alerts", snapshot.language(operator))
    lines = [said(f"left.{key}", left=left, here=here) for key in ("what", "back")]
    details = alert_details(said("left.title", left=left, n=count), lines)
    return alert_row(snapshot, f"left/{left}/{last}", details, now)
