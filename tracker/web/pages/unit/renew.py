"""A link whose time is over asks for a new one, which goes to the address on file and nowhere else."""

from __future__ import annotations

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tracker.access.links import ExpiredLinkError, Purpose
from tracker.errors import UnknownNameError
from tracker.ledger.requests import send_link
from tracker.web.base.site import site_of, words
from tracker.web.pages.unit.link_context import StoppedError, linked, reader_of, supervisor_of


@linked
def may_ask(request: Request) -> str:
    """The unit that a link speaks for, or spoke for until its time was over."""
    site = site_of(request)
    try:
        return site.app.links.read(request.path_params["token"], Purpose.ANSWER, site.now()).unit
    except ExpiredLinkError as expired:
        return expired.claim.unit


@linked
def renew(request: Request, _form: FormData) -> Response:
    """``POST /answer/TOKEN/renew``: mails a new link; one that is still good leads to its own page."""
    site, token = site_of(request), request.path_params["token"]
    snapshot, now = site.snapshot, site.now()
    try:
        site.app.links.read(token, Purpose.ANSWER, now)
    except ExpiredLinkError as expired:
        claim = expired.claim
    else:
        return RedirectResponse(f"/answer/{token}", 303)
    reader = reader_of(snapshot, claim)
    request.state.language = reader.language or snapshot.campaign.language
    with site.app.engine.acting(now) as (session, snapshot):
        try:
            send_link(session, snapshot, claim.ref, claim.unit, reader.email, now)
        except UnknownNameError:
            raise StoppedError("gone", 404) from None
    site.wake()
    say = words(request)
    facts = {
        "heading": say("answer.renew.heading"),
        "sentence": say("answer.renew.sentence"),
        "ask": supervisor_of(site),
    }
    return site.page(request, "answer/stop.html", facts | dict.fromkeys(("detail", "back", "renew")))
