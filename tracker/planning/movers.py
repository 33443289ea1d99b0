"""Time zones that an edit brings in or leaves, and the people whom it moves from one to another.

People are known by their addresses, and by their unit where the same edit gives it others.  Whoever moves to a zone
whose digests of the day have gone, before their own have, would never get those.  That zone then goes on from where
they were: its day is planned again, and whoever has had its digests gets nothing twice.
"""

from __future__ import annotations

import json
from datetime import date
from hashlib import sha256

from sqlalchemy import select, update
from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.ledger.agenda import (
    PLANNED,
    planned_day,
    set_planned_day,
    told_back_to,
    told_from_text,
    told_to_text,
)
from tracker.ledger.single_reminder import SingleReminder
from tracker.planning.rollup_days import take_over
from tracker.store.campaigns import facts_like, forget_fact, read_fact, write_fact
from tracker.store.tables import AGENDA, ASSIGNMENT

_ZONES = "zones"


def go_on_in_zones(session: Session, snapshot: CampaignSnapshot) -> None:
    """Let each time zone of ``snapshot`` go on from the day through which all who are in it now have been told.

    One that comes into force goes on from the day through which everybody had been told.  One in which nobody gets mail
    any more is forgotten: where it comes back, the others have gone on meanwhile.
    """
    campaign = snapshot.campaign.id
    zones = [name.removeprefix(PLANNED) for name in facts_like(session, campaign, PLANNED)]
    days = {zone: day for zone in zones if (day := planned_day(session, campaign, zone)) is not None}
    for zone in snapshot.timezones if days else ():
        if zone not in days:
            set_planned_day(session, campaign, zone, min(days.values()))
    _wait_for_movers(session, snapshot, days)
    for zone in days.keys() - set(snapshot.timezones):
        forget_fact(session, campaign, f"{PLANNED}{zone}")


def _wait_for_movers(session: Session, snapshot: CampaignSnapshot, days: dict[str, date]) -> None:
    """Take each zone back to where the zones were from which people have moved there; ``days`` were planned last."""
    campaign = snapshot.campaign
    text = read_fact(session, campaign.id, _ZONES)
    before: dict[str, str] = {} if text is None else json.loads(text)
    now = {_mark(address): zone for address, zone in snapshot.zones.items()}
    # Who comes in with the move has no zone before: of a unit whose people are others now, the unit has.
    now |= {
        _unit_mark(unit): snapshot.zone_of(unit)
        for unit in snapshot.campaign.units
        if snapshot.addresses_ever([unit])
    }
    moved = {who: (before[who], zone) for who, zone in now.items() if before.get(who, zone) != zone}
    behind = [
        (days[of], to)
        for of, to in set(moved.values())
        if of in days and to in days and days[of] < days[to] and to in snapshot.timezones
    ]
    back = {to: min(day for day, zone in behind if zone == to) for _, to in behind}
    for zone, day in back.items():
        _go_back(session, snapshot, zone, day)
        set_planned_day(session, campaign.id, zone, day)
    # Roll-ups are the supervisor's: what its people were told goes with them.
    supervisor = campaign.supervisor or ""
    theirs = (*map(_mark, snapshot.addresses_ever([supervisor])), _unit_mark(supervisor))
    of, to = next((moved[who] for who in theirs if who in moved), ("", ""))
    for zone in {to, *back} & set(snapshot.timezones):
        planned = planned_day(session, campaign.id, zone)
        if planned is not None:
            take_over(session, snapshot, zone, planned, of if zone == to else zone)
    if now != before:
        write_fact(session, campaign.id, _ZONES, json.dumps(now))


def _mark(address: str) -> str:
    """What an address is known by, where it is not to be read."""
    return sha256(address.casefold().encode()).hexdigest()[:16]


def _unit_mark(unit: str) -> str:
    return f"unit/{unit}"


def _go_back(session: Session, snapshot: CampaignSnapshot, zone: str, day: date) -> None:
    """Nothing that was said in ``zone`` after ``day`` has been said to everybody there."""
    ours = AGENDA.c.campaign == snapshot.campaign.id
    for row in session.execute(
        select(AGENDA.c.id, AGENDA.c.told).where(ours, AGENDA.c.next_on.is_not(None))
    ).all():
        told = told_to_text(told_back_to(told_from_text(row.told), zone, day))
        if told != row.told:
            session.execute(update(AGENDA).where(AGENDA.c.id == row.id).values(told=told))
    pending = (ASSIGNMENT.c.campaign == snapshot.campaign.id, ASSIGNMENT.c.nudge.contains("|"))
    for row in session.execute(select(ASSIGNMENT.c.id, ASSIGNMENT.c.nudge).where(*pending)).all():
        nudge = SingleReminder.of(row.nudge)
        left = nudge._replace(told=nudge.told - {zone})
        session.execute(update(ASSIGNMENT).where(ASSIGNMENT.c.id == row.id).values(nudge=str(left)))
