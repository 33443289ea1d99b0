"""The one list of what was due before the ledger began."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from tracker.board.before import before
from tracker.engine.beginning import Settled
from tracker.web.board.asked import chosen, read_units
from tracker.web.identity import Role, require
from tracker.web.site import site_of


def page(request: Request) -> Response:
    """By definition and occurrence, to be ticked and settled in bulk."""
    require(request, Role.VIEWER)
    site = site_of(request)
    unit = chosen(request, "unit")
    units = read_units(site.force, unit)
    with site.app.database.reading() as session:
        left = before(site.board, session, site.force, site.now(), units)
    facts = {
        "left": left,
        "number": sum(each.number for each in left),
        "chase_from": site.force.chase_from,
        "unit": unit,
        "ways": list(Settled),
    }
    return site.page(request, "board/before.html", facts)
