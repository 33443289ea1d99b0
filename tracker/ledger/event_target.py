"""What people mean by what they write of an event: which assignment, and from when it counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.admission import refuse_contradiction
from tracker.core.model import Event
from tracker.core.occurrences import parse_ref
from tracker.errors import UsageError
from tracker.ledger.record import read_history
from tracker.store.database import Database


def counts_from(snapshot: CampaignSnapshot, at: datetime, now: datetime) -> datetime:
    """``at``, where something can have happened then; a time of today is now.

    Raises UsageError for what is still to come, and for what lies before the date of issue.
    """
    day = snapshot.day(at)
    if day == snapshot.day(now):
        return now
    if at > now:
        raise UsageError("in_the_future", day=day)
    _refuse_before_issue(snapshot, at)
    return at


def in_the_ledger(database: Database, snapshot: CampaignSnapshot, event: Event) -> Event:
    """``event`` with the ids of what it names, by what the ledger knows.  Raises UsageError or UnknownNameError."""
    unit = snapshot.unit_id(event.unit)

    def known(ref: str) -> list[Event]:
        with database.reading() as session:
            return read_history(session, snapshot.campaign.id, ref=ref, unit=unit)

    ref = snapshot.ref_of_event(event.ref, snapshot.day(event.at), unit, event.event, known)
    return replace(event, ref=ref, unit=unit)


class SupposedEvents:
    """The same for events of a file that know their units: each comes after the ``history`` and those before it."""

    def __init__(self, snapshot: CampaignSnapshot, history: Iterable[Event]) -> None:
        self._snapshot = snapshot
        self._known: defaultdict[tuple[str, str], list[Event]] = defaultdict(list)
        for event in history:
            self._known[event.ref, event.unit].append(event)

    def take(self, event: Event) -> Event:
        """``event`` with the reference that it means.  Raises UsageError, UnknownNameError or LedgerError."""
        snapshot, unit = self._snapshot, event.unit
        _refuse_before_issue(snapshot, event.at)

        def known(ref: str) -> list[Event]:
            return [each for each in self._known.get((ref, unit), ()) if each.at <= event.at]

        ref = snapshot.ref_of_event(event.ref, snapshot.day(event.at), unit, event.event, known)
        event = replace(event, ref=ref)
        definition = snapshot.campaign.definitions.get(parse_ref(ref)[0])
        refuse_contradiction(event, None if definition is None else snapshot.target(definition, unit))
        self._known[ref, unit].append(event)
        return event


def _refuse_before_issue(snapshot: CampaignSnapshot, at: datetime) -> None:
    day, issued = snapshot.day(at), snapshot.campaign.issued
    if day < issued:
        raise UsageError("before_issue", day=day, issued=issued)
