"""Tells the operator of units at which nobody is left to get mail: what is asked of them must not fall silent."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import select
from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.i18n.catalogue import words
from tracker.outbox.alerts import alert_details, alert_row
from tracker.store.batches import batches
from tracker.store.tables import MAIL

KEY = "nobody/"


def heard_before(session: Session, campaign: str, units: Iterable[str]) -> set[str]:
    """Those of ``units`` to which mail was written before."""
    found: set[str] = set()
    for lot in batches(sorted(units)):
        query = select(MAIL.c.unit).where(MAIL.c.campaign == campaign, MAIL.c.unit.in_(lot)).distinct()
        found.update(session.execute(query).scalars())
    return found


def alert_of_nobody(
    snapshot: CampaignSnapshot, units: Collection[str], now: datetime
) -> dict[str, object] | None:
    """The alert, once a month for the same units; None where nobody is there to be told either."""
    day = snapshot.day(now)
    reader = snapshot.caretaker(day)
    if reader is None:
        return None
    names = sorted(units, key=snapshot.unit_position)
    mark = hashlib.sha256("\n".join(names).encode()).hexdigest()[:12]
    say = words("alerts", snapshot.language(reader))
    lines = [say("unreachable.line", name=snapshot.campaign.unit_name(unit), unit=unit) for unit in names]
    details = alert_details(say("unreachable.title"), lines)
    return alert_row(snapshot, f"{KEY}{day:%Y-%m}/{mark}", details, now, to=reader)
