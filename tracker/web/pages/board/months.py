"""A month: how many are in, who is missing, and whom to call."""

from __future__ import annotations

from datetime import date, timedelta

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from tracker.dashboard.months import MonthDefinition, month, months_of
from tracker.questions.questions import count_open
from tracker.web.base.identity import Role, require
from tracker.web.base.site import site_of
from tracker.web.pages.board.query_params import chosen, read_month

#: Names in one list; nobody reads more, and the page stays light.
SHOWN = 60


def this_month(request: Request) -> Response:
    """The month that is running, or the nearest in which anything is due."""
    require(request, Role.VIEWER)
    site = site_of(request)
    today = site.today().replace(day=1)
    with site.app.database.reading() as session:
        months = months_of(site.board, session, site.snapshot, site.now())
    nearest = min(months, key=lambda each: (abs((each - today).days), each), default=today)
    return RedirectResponse(f"/month/{nearest:%Y-%m}", status_code=302)


def page(request: Request) -> Response:
    """One month."""
    require(request, Role.VIEWER)
    site = site_of(request)
    first = read_month(request.path_params["month"])
    with site.app.database.reading() as session:
        found = month(site.board, session, site.snapshot, first, site.now())
        months = months_of(site.board, session, site.snapshot, site.now())
        questions = count_open(session, site.snapshot)
    before = [each for each in months if each < first]
    after = [each for each in months if each > first]
    facts = {
        "month": found,
        "last": _last(first),
        "months": [each for each in months if each.year == first.year],
        "before": before[-1] if before else None,
        "after": after[0] if after else None,
        "shown": SHOWN,
        "questions": {
            due.ref: {unit: number for (ref, unit), number in questions.items() if ref == due.ref}
            for due in found.due
        },
        "addresses": {
            each.ref: _addresses(each, "; ") if len(each.missing) <= SHOWN else None for each in found.due
        },
    }
    return site.page(request, "board/month.html", facts)


def addresses(request: Request) -> Response:
    """Everybody at the units that are missing, an address a line; for lists too long for the page."""
    require(request, Role.VIEWER)
    site = site_of(request)
    first = read_month(request.path_params["month"])
    with site.app.database.reading() as session:
        found = month(site.board, session, site.snapshot, first, site.now())
    wanted = chosen(request, "ref")
    lines = [_addresses(each, "\n") for each in found.due if wanted in (None, each.ref)]
    return PlainTextResponse("\n".join(lines))


def _addresses(due: MonthDefinition, between: str) -> str:
    emails = [contact.email for asked in due.missing for contact in asked.contacts]
    return between.join(dict.fromkeys(emails))


def _last(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
