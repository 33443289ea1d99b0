"""What a ledger that was restored must not do: say again what went out after the backup was made.

What that was stands in the mails that people got, and nowhere else.  So everything up to today counts as said: what
waited in the outbox is let go, and each reminder goes on with its next date.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, and_, or_, update
from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.i18n.message import Message
from tracker.ledger.agenda import go_on_after, set_planned_day
from tracker.store.campaigns import facts_like, known_campaigns, write_fact
from tracker.store.database import write_meta
from tracker.store.tables import AGENDA, ASSIGNMENT, MAIL, UNDERWAY, MailState

#: When that was last done: whoever remembers the ledger from before has to read it anew.
RESTORED = "restored"

OUTCOME = Message("outcomes.restored")


def go_on_from(session: Session, snapshot: CampaignSnapshot, now: datetime) -> int:
    """Take up the work at ``now``; how many mails were let go."""
    let_go = session.connection().execute(
        update(MAIL)
        .where(UNDERWAY)
        .values(state=MailState.DROPPED.value, lease_until=None, fence=MAIL.c.fence + 1, outcome=str(OUTCOME))
    )
    write_meta(session, RESTORED, now.isoformat())
    said = snapshot.day(now)
    if now.astimezone(snapshot.zone).time() < snapshot.settings.send_at:
        # Today's digests have not gone out yet, from wherever.
        said -= timedelta(days=1)
    for zone in snapshot.timezones:
        set_planned_day(session, snapshot.campaign.id, zone, said)
    go_on_after(session, snapshot, said, and_(AGENDA.c.next_on <= said, _is_to_come(said)))
    # What was to be said of one alone counts as said, too, of whatever campaign.
    session.execute(update(ASSIGNMENT).where(ASSIGNMENT.c.nudge_on <= said).values(nudge=None, nudge_on=None))
    _let_others_go_on(session, snapshot, said)
    return int(let_go.rowcount)


def _is_to_come(said: date) -> ColumnElement[bool]:
    """Whether the date is still ahead: what is newly late has to be told once, or it joins no unit's beat."""
    return or_(AGENDA.c.effective_due.is_(None), AGENDA.c.effective_due >= said)


def _let_others_go_on(session: Session, snapshot: CampaignSnapshot, said: date) -> None:
    """The same for the other campaigns, whose rules are not known here: from the day after, each looks for itself."""
    session.execute(
        update(AGENDA)
        .where(AGENDA.c.campaign != snapshot.campaign.id, AGENDA.c.next_on <= said, _is_to_come(said))
        .values(next_on=said + timedelta(days=1), told="")
    )
    for campaign in known_campaigns(session):
        if campaign != snapshot.campaign.id:
            for name in facts_like(session, campaign, "planned/"):
                write_fact(session, campaign, name, said.isoformat())
