"""Collects what is to be said by recipient, and writes the day's digests to the outbox in lots."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlmodel import Session

from tracker.core.model import Contact, MailKind, Reason
from tracker.engine.inforce import InForce
from tracker.engine.outbox import enqueue
from tracker.store.tables import EVENT

#: Mails are handed to the database in lots of this size.
LOT = 500

#: Most pressing first: late, sent back, due today, due soon, behind quota, new, to be reviewed.
PRESSING = {
    Reason.ESCALATION: 0,
    Reason.OVERDUE: 1,
    Reason.RETURNED: 2,
    Reason.DUE_TODAY: 3,
    Reason.LEAD: 4,
    Reason.PACE: 5,
    Reason.OPENED: 6,
    Reason.REVIEW: 7,
}


@dataclass(frozen=True, slots=True)
class Saying:
    """What is to be said of one occurrence on one day, whichever unit it is said to.

    ``rank`` sorts the most pressing first.  ``head`` and ``tail`` are the item as the outbox keeps it (see
    ``items_to_json``), to the left and right of the unit: a thousand units share them.
    """

    ref: str
    rank: tuple[int, int, int, str]
    head: str
    tail: str


#: A saying to one unit, with how much of its quota that unit has done.
Told = tuple[Saying, int]


def saying(force: InForce, key: str, period: str, due: date | None, reason: Reason, day: date) -> Saying:
    """What is said on ``day``, for ``reason``, of the occurrence that is due on ``due``."""
    days_left = None if due is None else (due - day).days
    ref = f"{key}@{period}" if period else key
    rank = (PRESSING[reason], days_left or 0, force.position(key), period)
    rest = json.dumps([reason.value, due.isoformat() if due else None, days_left])
    return Saying(ref, rank, f"[{json.dumps(ref)},", f",{rest[1:]}")


class DigestWriter:
    """One mail for each recipient of what ``add`` is given.

    Whoever answers for one unit only is finished with that unit; the few who answer for several wait for
    the last of them.
    """

    def __init__(self, session: Session, force: InForce, day: date, now: datetime) -> None:
        self._session = session
        self._force = force
        self._day = day
        self._now = now
        self._seen_event = session.execute(select(func.coalesce(func.max(EVENT.c.id), 0))).scalar_one()
        self._shared: dict[str, list[tuple[Saying, str, int]]] = defaultdict(list)
        self._lot: list[dict[str, object]] = []
        self._written = 0

    def add(self, unit: str, told: Sequence[Told]) -> None:
        """What one unit is told; of several about one assignment the last counts (sent back, rather than late)."""
        once = {said.ref: (said, unit, progress) for said, progress in told}
        lines = sorted(once.values(), key=_rank)
        for address in self._force.addresses.get(unit, ()):
            contact, units = self._force.recipients[address]
            if len(units) == 1:
                self._write(address, contact, unit, lines)
            else:
                self._shared[address].extend(lines)

    def finish(self) -> int:
        """Write what is left; the number of mails."""
        for address, lines in self._shared.items():
            contact, units = self._force.recipients[address]
            self._write(address, contact, units[0], sorted(lines, key=_rank))
        self._flush()
        return self._written

    def _write(
        self, address: str, contact: Contact, unit: str, lines: Sequence[tuple[Saying, str, int]]
    ) -> None:
        if not lines:
            return
        names = {of: json.dumps(of) for of in {of for _, of, _ in lines}}
        content = ",".join([f"{said.head}{names[of]}{said.tail}" for said, of, _ in lines])
        progress = {f"{said.ref} {of}": done for said, of, done in lines if done}
        self._lot.append(
            {
                "key": f"{MailKind.DIGEST.value}/{self._day}/{address}",
                "kind": MailKind.DIGEST.value,
                "recipient": contact.email,
                "name": contact.name,
                "unit": unit,
                "language": self._force.language(contact),
                "timezone": self._force.timezone(unit),
                "day": self._day,
                "content": f"[{content}]",
                "details": json.dumps({"progress": progress}, ensure_ascii=False) if progress else "{}",
            }
        )
        if len(self._lot) >= LOT:
            self._flush()

    def _flush(self) -> None:
        self._written += enqueue(self._session, self._force, self._lot, self._now, self._seen_event)
        self._lot.clear()


def _rank(line: tuple[Saying, str, int]) -> tuple[int, int, int, str]:
    return line[0].rank
