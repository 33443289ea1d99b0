"""What an address asks for: months, pages and choices, each a sentence where it cannot be read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar

from starlette.requests import Request

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.model import Light, State
from tracker.dashboard.status_overview import StatusFilter
from tracker.errors import UnknownNameError, UsageError, not_among

T = TypeVar("T")

_MONTH = re.compile(r"(\d{4})-(\d{2})", re.ASCII)


def read_month(text: str) -> date:
    """The first day of ``2022-05``.  Raises UsageError."""
    found = _MONTH.fullmatch(text)
    if found is None or not 1 <= int(found[2]) <= 12 or int(found[1]) < 1:
        raise UsageError("no_month", text=text)
    return date(int(found[1]), int(found[2]), 1)


def read_page(request: Request) -> int:
    """The number of the page that is wanted, from 1."""
    text = request.query_params.get("page", "1")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 1


@dataclass(frozen=True, slots=True)
class ListPage(Generic[T]):
    """One page of a list: what stands on it, as the ``first`` and following of ``number``."""

    shown: Sequence[T]
    first: int
    number: int
    page: int
    pages: int


def paged(request: Request, values: Sequence[T], size: int) -> ListPage[T]:
    """The page of ``values`` that is wanted; the nearest there is."""
    pages = max(1, -(-len(values) // size))
    page = min(max(read_page(request), 1), pages)
    start = (page - 1) * size
    return ListPage(values[start : start + size], start + 1, len(values), page, pages)


def chosen(request: Request, name: str) -> str | None:
    """What a filter says; an empty one says nothing."""
    return request.query_params.get(name, "").strip() or None


def read_choice(request: Request, snapshot: CampaignSnapshot) -> StatusFilter:
    """The filters of the matrix.  Raises UsageError or UnknownNameError with a sentence."""
    section, month, state = chosen(request, "section"), chosen(request, "month"), chosen(request, "state")
    if section is not None and section not in sections(snapshot):
        raise UnknownNameError("no_section", text=section)
    is_light = state in set(Light)
    if state is not None and not is_light and state not in set(State):
        raise not_among("state", state, (*Light, *State))
    return StatusFilter(
        section=section,
        units=read_units(snapshot, chosen(request, "unit")),
        month=None if month is None else read_month(month),
        state=State(state) if state is not None and not is_light else None,
        light=Light(state) if state is not None and is_light else None,
    )


def read_units(snapshot: CampaignSnapshot, text: str | None) -> tuple[str, ...] | None:
    """A unit by id, name or alias, or the members of a group.  Raises UnknownNameError."""
    if text is None:
        return None
    for group in snapshot.campaign.groups.values():
        if text in (group.id, group.name, *group.aliases):
            return group.members
    return (snapshot.unit_id(text),)


def sections(snapshot: CampaignSnapshot) -> list[str]:
    """The document's sections in its order."""
    return list(dict.fromkeys(each.section for each in snapshot.campaign if each.section is not None))
