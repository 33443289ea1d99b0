"""What was due before the ledger began, as people ask for it, settle it and take that back, by command or in the browser."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import groupby
from typing import NamedTuple

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.model import Event
from tracker.ledger import settlement
from tracker.ledger.beginning import Scope, left_before
from tracker.ledger.settlement import (
    Preview,
    Seen,
    SettledAssignment,
    SettledFate,
    SettledState,
    Settlement,
    SettlementResult,
    SettlementSummary,
)
from tracker.ledger.status import LedgerRow
from tracker.service.app import App
from tracker.usecases import input_checks
from tracker.usecases.json_facts import Fact, instant, iso


class ListedOccurrence(NamedTuple):
    """One occurrence of a list, and the units (ids) that are in it."""

    ref: str
    due: date | None
    units: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SettledPreview:
    """How ``count`` assignments stand: ``word`` names the state as people are told, ``light`` its light."""

    word: str
    light: str
    count: int


def before(app: App, scope: Scope) -> list[Fact]:
    """By occurrence, of how many units nothing is known that was due before the ledger began."""
    now = app.clock.now()
    app.engine.bring_up_to_date(now)
    with app.database.reading() as session:
        snapshot = app.snapshot
        return left_before(session, snapshot, now, _meant(snapshot, scope, now))


def preview(app: App, how: SettledState, scope: Scope) -> Preview:
    """What ``settle`` would record now."""
    now = app.clock.now()
    app.engine.bring_up_to_date(now)
    with app.database.reading() as session:
        snapshot = app.snapshot
        return settlement.preview(session, snapshot, how, now, _meant(snapshot, scope, now))


def settle(
    app: App,
    how: SettledState,
    scope: Scope,
    *,
    who: str | None = None,
    via: str = "cli",
    note: str | None = None,
    seen: Seen | None = None,
) -> SettlementResult:
    """Answer all of ``scope`` in one transaction (``engine.settlement.settle``); ``who`` None is whoever runs this process."""
    input_checks.check_who(who)
    input_checks.check_text("--note", note)
    now, who = app.clock.now(), who or input_checks.login_name()
    with app.engine.acting(now) as (session, snapshot):
        meant = _meant(snapshot, scope, now)
        return settlement.settle(
            session, snapshot, how, now, scope=meant, who=who, via=via, note=note, seen=seen
        )


def undo(app: App, number: int, *, who: str | None = None, via: str = "cli", note: str | None = None) -> int:
    """Take a settlement back in one transaction (``engine.settlement.undo``)."""
    input_checks.check_who(who)
    input_checks.check_text("--note", note)
    now, who = app.clock.now(), who or input_checks.login_name()
    with app.engine.acting(now) as (session, snapshot):
        return settlement.undo(session, snapshot, number, now, who=who, via=via, note=note)


def find(app: App, number: int) -> Settlement:
    """One settlement as it stands now.  Raises UnknownNameError."""
    with app.database.reading() as session:
        return settlement.find(session, app.snapshot, number)


def settlements(app: App, limit: int | None = None) -> list[SettlementSummary]:
    """Those of this campaign, the newest first."""
    with app.database.reading() as session:
        return settlement.settlements(session, app.snapshot, limit)


def occasions(rows: Iterable[LedgerRow | SettledAssignment]) -> list[ListedOccurrence]:
    """``rows``, in the order of the document, by occurrence."""
    found = []
    for ref, some in groupby(rows, lambda each: each.ref):
        these = list(some)
        first = these[0]
        due = first.dates.effective_due if isinstance(first, LedgerRow) else first.row.effective_due
        found.append(ListedOccurrence(ref, due, tuple(each.unit for each in these)))
    return found


def afterwards(rows: Iterable[LedgerRow]) -> list[SettledPreview]:
    """How many stand how, the most frequent first."""
    counted = Counter((row.word, row.light.value) for row in rows)
    return [SettledPreview(word, light, count) for (word, light), count in counted.most_common()]


def preview_facts(how: SettledState, found: Preview) -> Fact:
    """``before --settle --dry-run``."""
    return {
        "how": how.value,
        "count": len(found.rows),
        "items": _occasion_facts(occasions(found.rows)),
        "after": [
            {"state": state, "light": light, "count": count}
            for (state, light), count in Counter(
                (row.state.value, row.light.value) for row in found.rows
            ).items()
        ],
        "to_accept": sum(row.waits for row in found.rows),
    }


def outcome_facts(snapshot: CampaignSnapshot, how: SettledState, found: SettlementResult) -> Fact:
    """``before --settle``."""
    return {
        "settlement": found.number,
        "how": how.value,
        "count": found.count,
        "left": [_event_facts(snapshot, each) for each in found.left],
    }


def settlement_facts(snapshot: CampaignSnapshot, found: Settlement) -> Fact:
    """``before --undo``: a settlement as it stands now."""
    late = found.having(SettledFate.OVERTAKEN, SettledFate.TAKEN_OUT)
    return {
        "settlement": found.number,
        "how": found.how.value,
        "count": len(found.parts),
        "standing": len(found.parts) - len(found.having(SettledFate.TAKEN_BACK)),
        "taken_back": len(found.having(SettledFate.TAKEN_BACK)),
        "overtaken": [
            {"ref": each.ref, "unit": each.unit, "why": each.fate.value}
            | (_event_facts(snapshot, each.later) if each.later is not None else {})
            for each in late
        ],
    }


def brief_facts(snapshot: CampaignSnapshot, found: SettlementSummary) -> Fact:
    """``before --settlements``."""
    return {
        "settlement": found.number,
        "at": instant(found.recorded_at, snapshot.zone),
        "how": found.how.value,
        "count": found.count,
        "who": found.who,
        "via": found.via,
        "note": found.note,
    }


def _occasion_facts(found: Sequence[ListedOccurrence]) -> list[Fact]:
    return [{"ref": each.ref, "due": iso(each.due), "units": list(each.units)} for each in found]


def _event_facts(snapshot: CampaignSnapshot, event: Event) -> Fact:
    return {
        "ref": event.ref,
        "unit": event.unit,
        "event": event.event.value,
        "at": instant(event.at, snapshot.zone),
        "who": event.who,
        "via": event.via,
    }


def _meant(snapshot: CampaignSnapshot, scope: Scope, now: datetime) -> Scope:
    """References as the ledger has them."""
    if scope.refs is None:
        return scope
    return replace(scope, refs=[snapshot.ref(each, snapshot.day(now)) for each in scope.refs])
