"""What must hold among contacts: somebody is asked, one person stands in at a time, and not in a circle."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import date

from pydantic_core import PydanticCustomError

from tracker.config.document import Document, Location, Mapping
from tracker.config.field_types import day
from tracker.config.messages import short
from tracker.config.unit_index import called, items, text_of
from tracker.core.model import Campaign, StandIn
from tracker.i18n.message import Message


def check_contacts(document: Document) -> None:
    """Put every finding into the document, which is ``units.yaml``."""
    for location, unit in items(document, "units"):
        contacts = list(items(document, *location, "contacts"))
        if contacts and all(text_of(contact, "role") == "cc" for _, contact in contacts):
            _warn_of_nobody_asked(document, location, unit)
        for place, contact in contacts:
            if contact.get("stand_ins"):
                _check_stand_ins(document, place)


def _warn_of_nobody_asked(document: Document, location: Location, unit: Mapping) -> None:
    place = (*location, "contacts")
    message = Message("config.units.all_cc", name=called(unit))
    document.warn(document.place(place), place, message)


def _check_stand_ins(document: Document, contact: Location) -> None:
    before: list[tuple[date, date, Location]] = []
    for place, stand_in in items(document, *contact, "stand_ins"):
        span = _span(stand_in)
        if span is None:
            continue
        since, last = span
        for other_since, other_last, other in before:
            if since <= other_last and other_since <= last:
                line, _ = document.place(other)
                message = Message("config.units.two_stand_ins", day=max(since, other_since), line=line)
                document.error(document.place(place), place, message)
                break
        before.append((since, last, place))


def warn_of_circles(document: Document, campaign: Campaign) -> None:
    """Warn of those who stand in for each other on the same day: then nobody is there."""
    for number, unit in enumerate(campaign.units.values()):
        for place, contact in enumerate(unit.contacts):
            for which, stand_in in enumerate(contact.stand_ins):
                days = _days_that_differ(stand_in, campaign.changing_days)
                on = next((day for day in days if campaign.on_duty(contact, day) is contact), None)
                if on is None:
                    continue
                location = ("units", number, "contacts", place, "stand_ins", which)
                message = Message("config.units.stand_in_circle", day=on, name=short(contact.name))
                document.warn(document.place(location), location, message)


def _days_that_differ(stand_in: StandIn, changing: Sequence[date]) -> Sequence[date]:
    """The first day of the stand-in, and each later one on which other people come or go."""
    return changing[bisect_left(changing, stand_in.since) : bisect_right(changing, stand_in.until) - 1]


def _span(stand_in: Mapping) -> tuple[date, date] | None:
    """First and last day; None where that is no span, which has been told of."""
    try:
        since, last = day(stand_in.get("from")), day(stand_in.get("to"))
    except PydanticCustomError:
        return None
    return (since, last) if since <= last else None
