"""The year as a line: what is due when, with today marked."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from tracker.dashboard.timeline import timeline, years_of
from tracker.web.base.identity import Role, require
from tracker.web.base.site import site_of
from tracker.web.pages.board.query_params import chosen


def page(request: Request) -> Response:
    """One year of the campaign."""
    require(request, Role.VIEWER)
    site = site_of(request)
    snapshot, now = site.snapshot, site.now()
    with site.app.database.reading() as session:
        years = years_of(site.board, session, snapshot, now) or [snapshot.campaign.issued.year]
        text = chosen(request, "year") or ""
        known = {str(year): year for year in years}
        default = min(max(site.today().year, years[0]), years[-1])
        line = timeline(site.board, session, snapshot, known.get(text, default), now)
    return site.page(request, "board/timeline.html", {"line": line, "years": years})
