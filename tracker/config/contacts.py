"""What must hold among the contacts of one unit: somebody is asked, and one person stands in at a time."""

from __future__ import annotations

from datetime import date

from pydantic_core import PydanticCustomError

from tracker.config.document import Document, Location, Mapping
from tracker.config.messages import quote, say
from tracker.config.roster import items, text_of
from tracker.config.scalars import day


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
    name = quote(text_of(unit, "name") or text_of(unit, "id") or "")
    place = (*location, "contacts")
    message = say(
        f"all contacts of the unit {name} are cc, so nobody there is asked; leave role out for one",
        f"{name}的联系人全是抄送，没有人负责答复，请至少留一个不写role",
    )
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
                message = say(
                    f"{max(since, other_since)} is already taken by the stand-in in line {line}; "
                    "one person stands in at a time",
                    f"{max(since, other_since)}第{line}行已有人替班，同一天只能有一个替班人",
                )
                document.error(document.place(place), place, message)
                break
        before.append((since, last, place))


def _span(stand_in: Mapping) -> tuple[date, date] | None:
    """First and last day; None where that is no span, which has been told of."""
    try:
        since, last = day(stand_in.get("from")), day(stand_in.get("to"))
    except PydanticCustomError:
        return None
    return (since, last) if since <= last else None
