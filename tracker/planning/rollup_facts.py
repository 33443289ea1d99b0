"""The facts of a roll-up: who is missing after each deadline that it tells of, and how the week stands.

They are worked out when it is written, and anew when it leaves, so that what it says is so at that moment
(docs/design/ledger.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, bindparam, case, func, or_, select
from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.model import Definition, Every, Item, Reason
from tracker.core.occurrences import parse_ref
from tracker.core.status import LATE
from tracker.outbox.rows import items_to_json
from tracker.planning.weekly_status import weekly_facts
from tracker.store.tables import ASSIGNMENT

_HERE = (
    ASSIGNMENT.c.campaign == bindparam("campaign"),
    ASSIGNMENT.c.key == bindparam("key"),
    ASSIGNMENT.c.period == bindparam("period"),
    ASSIGNMENT.c.removed_on.is_(None),
)
_IS_LATE = ASSIGNMENT.c.mark.bitwise_and(LATE) != 0
_COUNTS = select(
    func.count(),
    func.sum(case((ASSIGNMENT.c.answered == "waived", 1), else_=0)),
    func.sum(
        case((ASSIGNMENT.c.paused & (func.coalesce(ASSIGNMENT.c.answered, "") != "waived"), 1), else_=0)
    ),
    func.sum(case((~ASSIGNMENT.c.paused & (ASSIGNMENT.c.answered == "nil"), 1), else_=0)),
    # What is in and nobody has accepted: of all, and of nil returns.
    *(
        func.sum(case((~ASSIGNMENT.c.paused & ASSIGNMENT.c.accepted_at.is_(None) & is_in, 1), else_=0))
        for is_in in (ASSIGNMENT.c.answered.in_(("submitted", "nil")), ASSIGNMENT.c.answered == "nil")
    ),
).where(*_HERE)
_TO_BE_NAMED = select(ASSIGNMENT).where(*_HERE, or_(ASSIGNMENT.c.quiet.is_(False), _IS_LATE))
_DUE = select(func.min(ASSIGNMENT.c.due)).where(*_HERE)


@dataclass(frozen=True, slots=True)
class RollupScope:
    """What one roll-up tells of: deadlines by their references, in the order of the document; and the week, or not."""

    refs: tuple[str, ...] = ()
    week: bool = False

    @classmethod
    def by(cls, details: dict[str, Any]) -> RollupScope:
        """What a mail that was written tells of."""
        deadlines = details.get("deadlines")
        listed = deadlines if isinstance(deadlines, list) else []
        refs = dict.fromkeys(
            str(each["ref"]) for each in listed if isinstance(each, dict) and each.get("ref")
        )
        return cls(tuple(refs), "week" in details)

    def and_(self, other: RollupScope) -> RollupScope:
        """What both tell of."""
        return RollupScope(tuple(dict.fromkeys((*self.refs, *other.refs))), self.week or other.week)

    def __bool__(self) -> bool:
        return bool(self.refs) or self.week


class Tallies:
    """The facts as they stand at ``now``, which is on ``day``; each is looked up once."""

    def __init__(self, session: Session, snapshot: CampaignSnapshot, now: datetime, day: date) -> None:
        self._session = session
        self._snapshot = snapshot
        self._now = now
        self._day = day
        self._of: dict[str, tuple[list[Item], dict[str, object]] | None] = {}
        self._week: dict[str, object] | None = None

    def facts(self, told: RollupScope) -> tuple[str, dict[str, object]] | None:
        """Content and details of a roll-up that tells of ``told``; None where nothing is left of it."""
        found = [tally for ref in self._in_order(told.refs) if (tally := self._tally(ref)) is not None]
        if not found and not told.week:
            return None
        details: dict[str, object] = {"deadlines": [facts for _, facts in found]}
        if told.week:
            if self._week is None:
                self._week = weekly_facts(self._session, self._snapshot, self._now, self._day)
            details["week"] = self._week
        return items_to_json([item for items, _ in found for item in items]), details

    def knows(self, ref: str) -> bool:
        """Whether there is anything to tell of this one: it is over, asked of somebody and not set aside."""
        return self._tally(ref) is not None

    def _in_order(self, refs: Sequence[str]) -> list[str]:
        known = [ref for ref in refs if ref.partition("@")[0] in self._snapshot.campaign.definitions]
        return sorted(known, key=lambda ref: (self._snapshot.position(ref.partition("@")[0]), ref))

    def _tally(self, ref: str) -> tuple[list[Item], dict[str, object]] | None:
        if ref not in self._of:
            self._of[ref] = self._look_up(ref)
        return self._of[ref]

    def _look_up(self, ref: str) -> tuple[list[Item], dict[str, object]] | None:
        snapshot, session = self._snapshot, self._session
        key, period = parse_ref(ref)
        definition = snapshot.campaign.definitions[key]
        where = {"campaign": snapshot.campaign.id, "key": key, "period": period or ""}
        by_text = session.execute(_DUE, where).scalar()
        due = None if by_text is None else snapshot.date_by_rule(definition, by_text)
        # An edit may have moved it, or have put it before the ledger.
        if (
            due is None
            or not snapshot.chase_from <= due < self._day
            or not wants_rollup(snapshot, definition)
        ):
            return None
        counts = (number or 0 for number in session.execute(_COUNTS, where).one())
        asked, waived, paused, nil, unaccepted, of_them_nil = counts
        rows = session.execute(_TO_BE_NAMED, where).all()
        named = sorted(rows, key=lambda row: snapshot.unit_position(row.unit))
        missing = [row for row in named if not row.quiet]
        facts: dict[str, object] = {
            "ref": ref,
            "due": due.isoformat(),
            "of": asked - waived - paused,
            "nil": nil,
            "waiting": unaccepted if definition.acceptance else 0,
            "waiting_nil": of_them_nil if definition.acceptance else 0,
            "waived": waived,
            "paused": paused,
            "late": [row.unit for row in named if row.quiet],
            "returned": [row.unit for row in missing if row.answered == "returned"],
            "extended": {
                row.unit: row.effective_due.isoformat() for row in missing if row.extended_due is not None
            },
        }
        return [_missing(ref, row, self._day) for row in missing], facts


def wants_rollup(snapshot: CampaignSnapshot, definition: Definition) -> bool:
    """Whether the supervisor hears who is missing once the time is up: by policy, else what comes back monthly."""
    wanted = snapshot.policy(definition).rollup
    return definition.rule.every is Every.MONTH if wanted is None else wanted


def _missing(ref: str, row: Row[Any], day: date) -> Item:
    due, grace_until = row.effective_due, row.grace_until
    is_late = grace_until is not None and day > grace_until
    days_left = None if due is None else (due - day).days
    return Item(ref, row.unit, Reason.OVERDUE if is_late else Reason.LEAD, due, days_left)
