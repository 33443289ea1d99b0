"""Which of what units ask for and say still waits, where a mail tells whoever decides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlmodel import Session

from tracker.store.tables import REQUEST

#: The phase of a mail that says what a unit asks for; those of its answer are verdicts.
ASKED = "asked"


def waiting_still(session: Session, details: Mapping[str, Any]) -> dict[str, Any] | None:
    """The ``details`` of a mail that says what units ask for, without what was answered or replaced meanwhile.

    None where nothing is left that waits.  Details of another mail stay as they are, and so does what was gathered
    beyond what a mail lists.
    """
    one, gathered = details.get("request"), details.get("requests")
    listed = gathered if isinstance(gathered, list) else [one] if isinstance(one, dict) else []
    numbers = {each["number"] for each in listed if each.get("phase") == ASKED and "number" in each}
    if not numbers or details.get("gathered", 1) > len(listed):
        return dict(details)
    is_open = (REQUEST.c.id.in_(numbers), REQUEST.c.answer.is_(None))
    closed = numbers - set(session.execute(select(REQUEST.c.id).where(*is_open)).scalars())
    left = [each for each in listed if each.get("number") not in closed]
    if not left or len(left) == len(listed):
        return dict(details) if left else None
    return {**details, "requests": left, "gathered": len(left)}
