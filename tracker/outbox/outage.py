"""What the operator is told of a time in which the mail server took nothing: while it lasts, and once it is over.

The alert goes the way of all mails, so whoever reads it in their letter box reads it when mails go again: it is put in
the past as it leaves.  Until then it stands in the outbox as things are, with what is to be done.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any

from sqlalchemy import func, select, update
from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.model import Contact, MailKind, owned
from tracker.i18n.catalogue import Language, words
from tracker.i18n.message import say_day
from tracker.i18n.recognised import said_in
from tracker.outbox.alerts import alert_details, alert_row
from tracker.store.tables import MAIL, UNDERWAY, MailState

#: The facts of the outage in the alert's details.
OUTAGE = "outage"


def alert_of_outage(
    session: Session, snapshot: CampaignSnapshot, since: str, said: str, now: datetime
) -> dict[str, object] | None:
    """The alert of an outage since then (ISO); one that waits already is brought up to date."""
    operator = snapshot.settings.operator
    if operator is None:
        return None
    key = f"post/{since}"
    mine = MAIL.c.key == owned(snapshot.campaign.id, f"{MailKind.ALERT}/{key}")
    waiting = (
        select(func.count()).select_from(MAIL).where(UNDERWAY, MAIL.c.campaign == snapshot.campaign.id, ~mine)
    )
    facts = {"since": since, "said": said, "waiting": session.execute(waiting).scalar_one()}
    details = _details("now", snapshot, operator, facts, now)
    unsent = (UNDERWAY, mine, MAIL.c.state != MailState.CLAIMED.value)
    session.execute(update(MAIL).where(*unsent).values(details=details))
    return alert_row(snapshot, key, details, now)


def as_over(snapshot: CampaignSnapshot, details: Mapping[str, Any], now: datetime) -> str | None:
    """The details of such an alert that leaves at ``now``; None for those of another alert."""
    facts, operator = details.get(OUTAGE), snapshot.settings.operator
    if not isinstance(facts, dict) or operator is None or not {"since", "said", "waiting"} <= facts.keys():
        return None
    return _details("over", snapshot, operator, facts, now)


def _details(
    phase: str, snapshot: CampaignSnapshot, reader: Contact, facts: Mapping[str, Any], now: datetime
) -> str:
    language = snapshot.language(reader)
    say = words("alerts", language)
    lines = say(
        f"outage.{phase}.lines",
        since=_moment(datetime.fromisoformat(facts["since"]), language, snapshot.zone),
        until=_moment(now, language, snapshot.zone),
        waiting=facts["waiting"],
        said=said_in(str(facts["said"]), language),
    )
    return alert_details(say(f"outage.{phase}.title"), lines.splitlines(), **{OUTAGE: dict(facts)})


def _moment(moment: datetime, language: Language, zone: tzinfo) -> str:
    local = moment.astimezone(zone)
    return words("alerts", language)(
        "outage.moment", day=say_day(language, local.date()), time=f"{local:%H:%M}"
    )
