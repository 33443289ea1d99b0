"""What stands in a mail beside its items, put right as it leaves: facts that were so when it was written.

Roll-ups are worked out anew, what units ask for is told while it waits, the alert of an outage is put in the past, what
stands beside the items of digests is as it stands (``beside``).  The items of digests are looked at in ``asked``,
readers in ``second_look``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, update
from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.model import MailKind
from tracker.i18n.message import Message
from tracker.ledger.record import last_event
from tracker.ledger.still_open import FRESH
from tracker.ledger.undecided_requests import waiting_still
from tracker.outbox.outage import OUTAGE, as_over
from tracker.outbox.rows import details_from_json, why_unreadable
from tracker.planning.digest_details import told_beside
from tracker.planning.rollup_facts import RollupScope, Tallies
from tracker.store.tables import MAIL, MailState

#: What became of a roll-up that has nothing left to tell.
EMPTY = Message("outcomes.rollup_empty")

#: And of one that says what a unit asks for, once that is answered.
DECIDED = Message("outcomes.request_decided")


def as_told_now(
    session: Session, snapshot: CampaignSnapshot, rows: Sequence[Row[Any]], now: datetime, edited: int = 0
) -> list[Row[Any]]:
    """``rows``, which are claimed, with what has to be said otherwise by now; up to ``edited`` they are from before an edit.

    A roll-up that has nothing left to tell is let go.
    """
    restating = _Restating(session, snapshot, now, told_beside(session, snapshot, rows, now, edited), edited)
    return [told for row in rows if (told := restating.told(row)) is not None]


class _Restating:
    def __init__(
        self,
        session: Session,
        snapshot: CampaignSnapshot,
        now: datetime,
        beside: Mapping[int, str],
        edited: int,
    ) -> None:
        self._beside = beside
        self._session = session
        self._snapshot = snapshot
        self._now = now
        self._edited = edited
        self._latest: int | None = None
        self._days: dict[date, Tallies] = {}

    def told(self, row: Row[Any]) -> Row[Any] | None:
        """The row as it goes; None where it goes no more."""
        if row.kind == MailKind.ROLLUP.value and why_unreadable(row) is None and self._is_stale(row):
            return self._rollup(row)
        if row.id in self._beside:
            return self._write(row, {"details": self._beside[row.id]})
        if row.kind == MailKind.RECEIPT.value and "request" in row.details and why_unreadable(row) is None:
            return self._request(row)
        if row.kind == MailKind.ALERT.value and OUTAGE in row.details and why_unreadable(row) is None:
            details = as_over(self._snapshot, details_from_json(row.details), self._now)
            return row if details is None else self._write(row, {"details": details})
        return row

    def _is_stale(self, row: Row[Any]) -> bool:
        if self._latest is None:
            self._latest = last_event(self._session)
        is_fresh = row.at >= self._now - FRESH and row.id > self._edited
        return not is_fresh or bool(row.seen_event < self._latest)

    def _rollup(self, row: Row[Any]) -> Row[Any] | None:
        tallies = self._days.get(row.day)
        if tallies is None:
            tallies = self._days[row.day] = Tallies(self._session, self._snapshot, self._now, row.day)
        before = details_from_json(row.details)
        facts = tallies.facts(RollupScope.by(before))
        if facts is None:
            self._let_go(row, str(EMPTY))
            return None
        kept = {name: value for name, value in before.items() if name not in ("deadlines", "week")}
        text = json.dumps({**facts[1], **kept}, ensure_ascii=False)
        return self._write(row, {"content": facts[0], "details": text, "seen_event": self._latest})

    def _request(self, row: Row[Any]) -> Row[Any] | None:
        before = details_from_json(row.details)
        details = waiting_still(self._session, before)
        if details is None:
            self._let_go(row, str(DECIDED))
            return None
        changed = {"details": json.dumps(details, ensure_ascii=False)}
        return row if details == before else self._write(row, changed)

    def _let_go(self, row: Row[Any], why: str) -> None:
        self._write(row, {"state": MailState.DROPPED.value, "lease_until": None, "outcome": why})

    def _write(self, row: Row[Any], values: Mapping[str, object]) -> Row[Any]:
        changed = update(MAIL).where(MAIL.c.id == row.id).values(**values).returning(MAIL)
        return self._session.execute(changed).one()
