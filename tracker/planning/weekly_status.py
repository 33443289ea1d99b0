"""The week's numbers for the supervisor: lights by section, task and unit, now and a week before."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.model import Light
from tracker.ledger.light_counts import LightCounts, Lights, Moment, merged, summaries

WEEK = timedelta(days=7)


def weekly_facts(session: Session, snapshot: CampaignSnapshot, now: datetime, day: date) -> dict[str, object]:
    """What a weekly status says (docs/design/ledger.md); ``now`` is the moment, ``day`` its local date."""
    last_week = day - WEEK
    moments = [Moment(day)]
    # Earlier than that nothing is set aside as due before the ledger, and red is counted by another measure.
    if last_week >= max(snapshot.campaign.issued, snapshot.chase_from):
        moments.append(Moment(last_week, now - WEEK))
    present, *earlier = summaries(session, snapshot, *moments)
    before = earlier[0] if earlier else None
    return {
        "day": day.isoformat(),
        "before": None if before is None else last_week.isoformat(),
        "lights": _numbers(present.total),
        "lights_before": None if before is None else _numbers(before.total),
        "sections": _sections(snapshot, present, before),
        "tasks": [
            {"key": key, **_cell(present.by_key[key], None if before is None else before.by_key[key])}
            for key in snapshot.campaign.definitions
            if key in present.by_key
        ],
        "units": [
            {"unit": unit, **_cell(present.by_unit[unit], None if before is None else before.by_unit[unit])}
            for unit in snapshot.campaign.units
            if unit in present.by_unit
        ],
    }


def _sections(
    snapshot: CampaignSnapshot, present: LightCounts, before: LightCounts | None
) -> list[dict[str, object]]:
    """By section in the order of the document; reports are under an empty name, tasks without a section under none."""
    keys: dict[str | None, list[str]] = {}
    for key, definition in snapshot.campaign.definitions.items():
        keys.setdefault(definition.block, []).append(key)
    found: list[dict[str, object]] = []
    for name, members in keys.items():
        lights = merged(present.by_key[key] for key in members if key in present.by_key)
        if lights:
            past = None if before is None else merged(before.by_key[key] for key in members)
            found.append({"name": name, **_cell(lights, past)})
    return found


def _cell(lights: Lights, before: Lights | None) -> dict[str, object]:
    return {"lights": _numbers(lights), "before": None if before is None else _numbers(before)}


def _numbers(lights: Lights) -> dict[str, int]:
    return {light.value: lights[light] for light in Light}
