"""Mails that somebody outside makes us send, by a link that may be in anybody's hands: one rule for all of them.

So many go to one reader at once within an hour (``mail.prompted``), however many prompt them.  What comes beyond that
is gathered in one mail of its sort, which goes when an hour is over: nothing is lost, and nobody's letter box filled.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select, update
from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.model import MailKind, owned
from tracker.outbox.queue import enqueue
from tracker.outbox.rows import why_unreadable
from tracker.store.tables import MAIL, MailState

#: What a gathered mail names one by one; of more it says how many.  Of links each counts.
MOST, MOST_LINKS = 30, 200

#: The parts of such a mail that are lists, and grow.
_LISTS = ("files", "enclosed", "requests")

_PREFIX = f"{MailKind.RECEIPT}/prompted/"
_GATHERED = f"{_PREFIX}gathered/"


def prompt(
    session: Session, snapshot: CampaignSnapshot, rows: Iterable[dict[str, object]], now: datetime
) -> int:
    """Put ``rows`` into the outbox, or what they say into what is gathered already; how many are new there.

    What has been said under the same key is not said again.  Call it alone in the ledger.
    """
    return sum(_prompt(session, snapshot, row, now) for row in rows)


def _prompt(session: Session, snapshot: CampaignSnapshot, row: dict[str, object], now: datetime) -> int:
    rate, whose = snapshot.settings.prompted, snapshot.campaign.id
    row = {**row, "key": f"{_PREFIX}{row['key']}"}
    details = json.loads(str(row["details"]))
    to_reader = (MAIL.c.campaign == whose, MAIL.c.recipient == row["recipient"])
    if session.execute(select(MAIL.c.id).where(MAIL.c.key == owned(whose, str(row["key"])))).first():
        return 0
    gathering = f"{_GATHERED}{_sort(details)}/"
    of_sort = (*to_reader, MAIL.c.key.startswith(owned(whose, gathering), autoescape=True))
    if _is_link(details):
        today = session.execute(select(MAIL.c.details).where(*of_sort, MAIL.c.day == row["day"])).scalars()
        if any(details["request"] in json.loads(each).get("requests", ()) for each in today):
            return 0
    is_gathered = MAIL.c.key.startswith(owned(whose, _GATHERED), autoescape=True)
    sent = session.execute(
        select(func.count()).where(
            *to_reader,
            MAIL.c.at > now - rate.per,
            MAIL.c.key.startswith(owned(whose, _PREFIX), autoescape=True),
            ~is_gathered,
        )
    ).scalar_one()
    if sent < rate.count:
        return enqueue(session, snapshot, [row], now, 0)
    there = session.execute(
        select(MAIL).where(
            *of_sort,
            MAIL.c.at > now - rate.per,
            MAIL.c.state == MailState.QUEUED.value,
            MAIL.c.not_before > now,
        )
    ).first()
    if there is not None and _add(session, there, details):
        return 0
    first = {**row, "key": f"{gathering}{now.isoformat()}/{row['recipient']}"}
    first["details"] = json.dumps(_gathered({}, details), ensure_ascii=False)
    return enqueue(session, snapshot, [first], now, 0, not_before=now + rate.per)


def _sort(details: Mapping[str, Any]) -> str:
    """What reads well in one mail: tables, new links, or what units ask for and say."""
    return "files" if "request" not in details else "links" if _is_link(details) else "asked"


def _is_link(details: Mapping[str, Any]) -> bool:
    return "request" in details and details["request"].get("phase") == "link"


def _add(session: Session, there: Row[Any], details: Mapping[str, Any]) -> bool:
    """Whether ``details`` went into the mail that still waits; what was taken meanwhile takes no more."""
    if why_unreadable(there) is not None:
        return False
    gathered = json.dumps(_gathered(json.loads(there.details), details), ensure_ascii=False)
    waits = update(MAIL).where(MAIL.c.id == there.id, MAIL.c.state == MailState.QUEUED.value)
    return session.connection().execute(waits.values(details=gathered)).rowcount == 1


def _gathered(before: Mapping[str, Any], details: Mapping[str, Any]) -> dict[str, Any]:
    """The details of both; of long lists what came first, with how many there were."""
    added, most = dict(details), MOST_LINKS if _is_link(details) else MOST
    if "request" in added:
        added["requests"] = [added.pop("request")]
    lists = {name: [*before.get(name, ()), *added[name]][:most] for name in _LISTS if name in added}
    return {**before, **added, **lists, "gathered": before.get("gathered", 0) + 1}
