"""What was due before the ledger began: the list, what settling it would record, and what came of each settlement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from urllib.parse import urlencode

from starlette.datastructures import FormData, QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.dashboard.before import UnknownBefore, before
from tracker.errors import UnknownNameError, not_among
from tracker.ledger.beginning import Scope
from tracker.ledger.settlement import SettledAssignment, SettledFate, SettledState, SettlementResult
from tracker.ledger.status import LedgerRow
from tracker.usecases import takeover
from tracker.usecases.takeover import ListedOccurrence
from tracker.web.base.error_pages import said
from tracker.web.base.identity import Role, require
from tracker.web.base.site import site_of
from tracker.web.pages.board.query_params import chosen, read_month, read_units

#: Settlements on the page of the list, assignments that are named one by one, and units of one occurrence.
SHOWN, NAMED, UNITS = 20, 200, 100

PAGE, PREVIEW = "/before", "/before/preview"


@dataclass(frozen=True, slots=True)
class BeforeQuery:
    """What a form or an address asks for, in the words in which it came."""

    refs: tuple[str, ...]
    unit: str | None
    month: str | None

    @classmethod
    def of(cls, given: FormData | QueryParams) -> BeforeQuery:
        """``refs`` (as often as ticked, or several in one), ``unit`` (or group) and ``month``."""
        refs = (word for value in given.getlist("refs") if isinstance(value, str) for word in value.split())
        unit, month = (str(given.get(name, "")).strip() or None for name in ("unit", "month"))
        return cls(tuple(dict.fromkeys(refs)), unit, month)

    def scope(self, snapshot: CampaignSnapshot) -> Scope:
        """The same as the ledger has it.  Raises UsageError and UnknownNameError."""
        months = None if self.month is None else (read_month(self.month),)
        return Scope(self.refs or None, read_units(snapshot, self.unit), months)

    def address(self, path: str, **more: str) -> str:
        """A page that asks for this."""
        asked = {"refs": " ".join(self.refs), "unit": self.unit or "", "month": self.month or "", **more}
        query = urlencode({name: value for name, value in asked.items() if value})
        return f"{path}?{query}" if query else path


def page(request: Request) -> Response:
    """By definition and occurrence, to be ticked; and the settlements that there were."""
    require(request, Role.VIEWER)
    site = site_of(request)
    unit, month = chosen(request, "unit"), chosen(request, "month")
    units, first = read_units(site.snapshot, unit), None if month is None else read_month(month)
    with site.app.database.reading() as session:
        left = before(site.board, session, site.snapshot, site.now(), units)
    months = sorted({each.due.replace(day=1) for one in left for each in one.occasions if each.due})
    if first is not None:
        left = tuple(one for each in left if (one := _due_in(each, first)).occasions)
    facts = {
        "left": left,
        "number": sum(each.number for each in left),
        "chase_from": site.snapshot.chase_from,
        "unit": unit,
        "month": month,
        "months": [f"{each:%Y-%m}" for each in months],
        "ways": list(SettledState),
        "settlements": takeover.settlements(site.app, SHOWN),
    }
    return site.page(request, "board/before.html", facts)


def _due_in(left: UnknownBefore, month: object) -> UnknownBefore:
    """Those of its occurrences that were due in the month with this first day."""
    return replace(
        left,
        occasions=tuple(each for each in left.occasions if each.due and each.due.replace(day=1) == month),
    )


def preview(request: Request) -> Response:
    """What would be recorded of it, and what follows: nothing is done before it is confirmed."""
    require(request, Role.SUPERVISOR)
    site = site_of(request)
    how = request.query_params.get("how", "")
    if how not in set(SettledState):
        raise not_among("how", how, SettledState)
    asked = BeforeQuery.of(request.query_params)
    found = takeover.preview(site.app, SettledState(how), asked.scope(site.snapshot))
    facts = {
        "how": SettledState(how),
        "asked": asked,
        "number": len(found.rows),
        "seen": found.seen,
        "groups": grouped(found.rows),
        "asked_of": _asked_of(site.snapshot),
        "after": takeover.afterwards(found.rows),
        "to_accept": sum(row.waits for row in found.rows),
        "back": asked.address(PAGE, refs=""),
        "most": UNITS,
    }
    return site.page(request, "board/before_preview.html", facts)


def settlement(request: Request) -> Response:
    """One settlement: what it recorded, what not, and what has become of it."""
    require(request, Role.VIEWER)
    site = site_of(request)
    try:
        found = takeover.find(site.app, request.path_params["number"])
    except UnknownNameError as error:
        raise HTTPException(404, said(request, error)) from None
    facts = {
        "settlement": found,
        "stands": grouped(found.having(SettledFate.STANDS)),
        "number": len(found.having(SettledFate.STANDS)),
        "taken_back": grouped(found.having(SettledFate.TAKEN_BACK)),
        "number_back": len(found.having(SettledFate.TAKEN_BACK)),
        "overtaken": [each.later for each in found.having(SettledFate.OVERTAKEN)],
        "taken_out": found.having(SettledFate.TAKEN_OUT),
        "asked_of": _asked_of(site.snapshot),
        "most": UNITS,
        "named": NAMED,
    }
    return site.page(request, "board/settlement.html", facts)


def nothing_recorded(
    request: Request, how: SettledState, asked: BeforeQuery, outcome: SettlementResult
) -> Response:
    """The answer to a confirmation that came too late for all of it."""
    facts = {"how": how, "left": outcome.left, "back": asked.address(PAGE, refs=""), "named": NAMED}
    return site_of(request).page(request, "board/settlement_none.html", facts)


def grouped(rows: Iterable[LedgerRow | SettledAssignment]) -> list[tuple[str, int, list[ListedOccurrence]]]:
    """By definition (its key) the number of assignments and the occurrences, in the order of the document."""
    groups = groupby(takeover.occasions(rows), lambda each: each.ref.partition("@")[0])
    found = [(key, list(some)) for key, some in groups]
    return [(key, sum(len(each.units) for each in some), some) for key, some in found]


def _asked_of(snapshot: CampaignSnapshot) -> Mapping[str, int]:
    """Of how many units each definition is asked."""
    return {key: len(each.units) for key, each in snapshot.campaign.definitions.items()}
