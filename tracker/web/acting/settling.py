"""What was due before the ledger began, settled in bulk."""

from __future__ import annotations

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from tracker import takeover
from tracker.engine.beginning import Settled
from tracker.errors import LedgerError, UnknownNameError, UsageError
from tracker.web.acting.answers import VIA
from tracker.web.acting.back import back, text, texts
from tracker.web.board.asked import read_units
from tracker.web.identity import Role, check_csrf, require
from tracker.web.refused import said
from tracker.web.site import site_of, words


def settle(request: Request, form: FormData) -> Response:
    """All of ``refs`` (keys or occurrences) of ``units`` (one, or a group; none: all), ``how`` the button says."""
    person = require(request, Role.SUPERVISOR)
    check_csrf(request, form)
    site, say = site_of(request), words(request)
    refs, how = texts(form, "refs"), text(form, "how")
    if not refs or how not in set(Settled):
        return back(request, form, say("acting.nothing_chosen"), "/before")
    try:
        number = takeover.settle_before(
            site.app,
            Settled(how),
            refs=refs,
            units=read_units(site.force, text(form, "units")),
            who=person.name,
            via=VIA,
        )
    except (LedgerError, UnknownNameError, UsageError) as error:
        return back(request, form, say("acting.refused", why=said(request, error)), "/before")
    site.wake()
    return back(
        request, form, say("board.before.done", n=number, how=say(f"board.before.how.{how}")), "/before"
    )
