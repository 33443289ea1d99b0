"""What a digest says beside its items (``details``), as it stands when it leaves: progress, extensions, reasons."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.model import MailKind
from tracker.core.occurrences import parse_ref
from tracker.ledger.still_open import Cell, cell_of, in_question, still_asked
from tracker.outbox.rows import details_from_json, items_from_json, why_unreadable
from tracker.planning.return_reasons import Reasons, reasons_for_returns


def told_beside(
    session: Session, snapshot: CampaignSnapshot, rows: Sequence[Row[Any]], now: datetime, edited: int = 0
) -> dict[int, str]:
    """By the number of a claimed digest, its details where they are to be others than were decided."""
    digests = [row for row in rows if row.kind == MailKind.DIGEST.value and why_unreadable(row) is None]
    contents = [items_from_json(row.content) for row in digests]
    places = in_question(session, snapshot.campaign.id, digests, contents, now, edited)
    if not places:
        return {}
    details = [details_from_json(row.details) for row in digests]
    cells = dict.fromkeys(cell_of(*place) for place in places)
    cells.update(dict.fromkeys(cell for each in details for cell in _also(each)))
    asked = still_asked(session, snapshot.campaign.id, list(cells))
    sent_back = [row.id for row in asked.values() if row.answered == "returned"]
    reasons = reasons_for_returns(session, snapshot.campaign.id, sent_back) if sent_back else {}
    found = {}
    for row, items, before in zip(digests, contents, details, strict=True):
        there = {(item.ref, item.unit): asked.get(cell_of(item.ref, item.unit)) for item in items}
        known = {place: each for place, each in there.items() if place in places and each is not None}
        moved = {
            item.ref
            for item in items
            if (at := known.get((item.ref, item.unit))) and at.effective_due != item.due
        }
        after = _details(snapshot, before, known, moved, asked, reasons)
        if after != before:
            found[row.id] = json.dumps(after, ensure_ascii=False)
    return found


def _also(details: Mapping[str, Any]) -> list[Cell]:
    """The other late periods that are named beside items."""
    said = details.get("said")
    return [
        (parse_ref(place.split(" ")[0])[0], period, place.split(" ")[1])
        for place, beside in (said.items() if isinstance(said, dict) else ())
        for period in beside.get("also", ())
    ]


def _details(
    snapshot: CampaignSnapshot,
    before: Mapping[str, Any],
    known: Mapping[tuple[str, str], Row[Any]],
    moved: set[str],
    asked: Mapping[Cell, Row[Any]],
    reasons: Reasons,
) -> dict[str, Any]:
    progress, said = dict(before.get("progress", {})), dict(before.get("said", {}))
    for (ref, unit), row in known.items():
        place = f"{ref} {unit}"
        progress[place] = row.progress
        beside = dict(said.get(place, {}))
        extended = _extended_from(snapshot, row)
        beside |= {"extended_from": extended, "returned": reasons.get((ref, unit))}
        if "also" in beside:
            beside["also"] = [each for each in beside["also"] if (row.key, each, unit) in asked]
        said[place] = {name: value for name, value in beside.items() if value}
    last = [ref for ref in before.get("last", ()) if ref not in moved]
    kept = {name: value for name, value in before.items() if name not in ("progress", "said", "last")}
    progress = {place: number for place, number in progress.items() if number}
    said = {place: beside for place, beside in said.items() if beside}
    told = {"progress": progress, "said": said, "last": last}
    return kept | {name: value for name, value in told.items() if value}


def _extended_from(snapshot: CampaignSnapshot, row: Row[Any]) -> str | None:
    """The date by the rule, where this unit was given more time and that is in force."""
    definition = snapshot.campaign.definitions.get(row.key)
    if definition is None or row.due is None or row.extended_due is None:
        return None
    return None if row.effective_due == snapshot.date_by_rule(definition, row.due) else row.due.isoformat()
