"""What the operator is told of the service itself, as rows of the outbox."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.model import Contact, MailKind


def alert_row(
    snapshot: CampaignSnapshot, key: str, details: str, now: datetime, *, to: Contact | None = None
) -> dict[str, object] | None:
    """An alert to the operator (or ``to``), once for each ``key``; None where nobody is there to be told."""
    operator = to or snapshot.settings.operator
    if operator is None:
        return None
    return {
        "key": f"{MailKind.ALERT}/{key}",
        "kind": MailKind.ALERT.value,
        "recipient": operator.email,
        "name": operator.name,
        "unit": None,
        "language": snapshot.language(operator),
        "day": snapshot.day(now),
        "content": "[]",
        "details": details,
    }


def alert_details(title: str, problems: Sequence[str], **more: object) -> str:
    """What stands in one: a title, and a line for each problem."""
    return json.dumps({"title": title, "problems": list(problems), **more}, ensure_ascii=False)
