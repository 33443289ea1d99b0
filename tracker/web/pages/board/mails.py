"""The outbox: what was sent, to whom, when and why, and what failed; and each mail as its reader sees it."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from tracker.core.model import MailKind
from tracker.dashboard.outbox import MailFilter
from tracker.dashboard.outbox import mail_page as find_mails
from tracker.errors import UnknownNameError, not_among
from tracker.mail.compose.details import files_sent
from tracker.outbox.queries import StoredMail, stored_mail
from tracker.store.tables import MailState
from tracker.web.base.identity import Role, require
from tracker.web.base.site import site_of
from tracker.web.pages.board.query_params import chosen, read_page
from tracker.web.pages.mail_page import linked, with_files, without_styles

SIZE = 100


def list_page(request: Request) -> Response:
    """A page of the outbox, the newest first."""
    require(request, Role.VIEWER)
    site = site_of(request)
    state, kind, unit = chosen(request, "state"), chosen(request, "kind"), chosen(request, "unit")
    if state is not None and state not in set(MailState):
        raise not_among("state", state, MailState)
    if kind is not None and kind not in set(MailKind):
        raise not_among("kind", kind, MailKind)
    sought = MailFilter(state, kind, None if unit is None else site.snapshot.unit_id(unit))
    with site.app.database.reading() as session:
        found = find_mails(session, site.snapshot.campaign.id, sought, page=read_page(request), size=SIZE)
    facts = {
        "found": found,
        "kinds": list(MailKind),
        "state": state,
        "kind": kind,
        "unit": unit,
        "subject": site.app.renderer.subject,
    }
    return site.page(request, "board/mails.html", facts)


def mail_page(request: Request) -> Response:
    """One mail: to whom, when, why, what came of it, and what it says."""
    require(request, Role.VIEWER)
    site = site_of(request)
    found = _mail(request)
    subject = found.subject or site.app.renderer.subject(found.mail)
    return site.page(request, "board/mail.html", {"found": found, "subject": subject})


def body_page(request: Request) -> Response:
    """The mail itself."""
    require(request, Role.VIEWER)
    html, _ = without_styles(_html(request))
    return HTMLResponse(
        linked(html, f"{site_of(request).root}/mails/{request.path_params['number']}/style.css")
    )


def style_page(request: Request) -> Response:
    """Its looks."""
    require(request, Role.VIEWER)
    _, css = without_styles(_html(request))
    return Response(css, media_type="text/css")


def _html(request: Request) -> str:
    mail = _mail(request).mail
    html = site_of(request).app.onlookers_renderer.render(mail, as_page=True).html
    return with_files(html, files_sent(mail), mail.language)


def _mail(request: Request) -> StoredMail:
    site = site_of(request)
    with site.app.database.reading() as session:
        try:
            return stored_mail(session, site.snapshot.campaign.id, request.path_params["number"])
        except UnknownNameError:
            raise HTTPException(404) from None
