"""From when on the reminders of each definition have gone by the rules that are in force now.

A fact of each campaign, for ``explain``: what a rule of today would have said before that, nobody was to be told.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.store import facts
from tracker.store.campaigns import read_fact, write_fact

NAME = "rules since"


def note_rules(session: Session, snapshot: CampaignSnapshot, now: datetime) -> None:
    """``snapshot`` has come into force at ``now``; what it changes nothing about has been so for as long as before.

    What was there when a ledger began, or before this was written down, has been so from the beginning.
    """
    known = _known(session, snapshot)
    days = {
        str(year): snapshot.workdays.mark_of(year)
        for year in range(snapshot.campaign.issued.year, snapshot.day(now).year + 1)
    }
    marks = {each.key: snapshot.reminders_fingerprint(each) for each in snapshot.campaign}
    rules: dict[str, list[str | None]] = {key: [mark, None] for key, mark in marks.items()}
    if known is not None:
        # Another year's days than those that have been lived through change nothing that was said.
        is_same = all(known["days"].get(year, mark) == mark for year, mark in days.items())
        for key, mark in marks.items():
            before = known["rules"].get(key)
            is_kept = is_same and before is not None and before[0] == mark
            rules[key] = before if is_kept else [mark, now.isoformat()]
    write_fact(session, snapshot.campaign.id, NAME, json.dumps({"days": days, "rules": rules}))


def rules_since(session: Session, snapshot: CampaignSnapshot, key: str) -> datetime | None:
    """From when on; None is from the beginning."""
    known = _known(session, snapshot)
    _, since = (known or {"rules": {}})["rules"].get(key, (None, None))
    return None if since is None else datetime.fromisoformat(since)


def _known(session: Session, snapshot: CampaignSnapshot) -> dict[str, Any] | None:
    text = read_fact(session, snapshot.campaign.id, NAME)
    return facts.read_fact(text, NAME, lambda known: {"days": known["days"], "rules": known["rules"]}, None)
