"""Calendars that need no account: whoever has the address sees the dates of one unit, or of all."""

from __future__ import annotations

import hashlib

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tracker.access.feeds import find_feed
from tracker.usecases import calendars
from tracker.web.base.site import site_of


def routes() -> list[BaseRoute]:
    """The one address."""
    return [Route("/feed/{secret}.ics", feed)]


def feed(request: Request) -> Response:
    """The calendar; an address that was never given out and one that was taken back look the same."""
    site = site_of(request)
    with site.app.database.reading() as session:
        found = find_feed(session, site.snapshot.campaign.id, request.path_params["secret"])
    if found is None:
        raise HTTPException(404)
    data = calendars.feed_calendar(site.app, found.unit)
    tag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, max-age=600"}
    if _has(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=headers)
    headers["Content-Disposition"] = 'inline; filename="deadlines.ics"'
    return Response(data, media_type="text/calendar; charset=utf-8", headers=headers)


def _has(known: str, tag: str) -> bool:
    """Whether ``tag`` is among those of If-None-Match, which a server in front may have made weak (RFC 9110, 13.1.2)."""
    return any(each.strip().removeprefix("W/") in {tag, "*"} for each in known.split(","))
