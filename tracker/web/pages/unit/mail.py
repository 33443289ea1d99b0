"""A mail in the browser, as its reader got it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from tracker.access.links import Purpose
from tracker.mail.compose.details import files_sent
from tracker.outbox.queries import mail_called
from tracker.web.base.site import site_of
from tracker.web.pages.mail_page import linked as with_sheet
from tracker.web.pages.mail_page import with_files, without_styles
from tracker.web.pages.unit.link_context import StoppedError, linked


@linked
def show(request: Request) -> Response:
    """``GET /view/TOKEN``."""
    sheet = f"{site_of(request).root}/view/{request.path_params['token']}/style.css"
    return HTMLResponse(with_sheet(without_styles(_mail(request))[0], sheet))


@linked
def style(request: Request) -> Response:
    """``GET /view/TOKEN/style.css``: the same mail's colours and sizes."""
    return Response(without_styles(_mail(request))[1], media_type="text/css")


def _mail(request: Request) -> str:
    site = site_of(request)
    claim = site.app.links.read(request.path_params["token"], Purpose.VIEW, site.now())
    with site.app.database.reading() as session:
        found = mail_called(session, site.snapshot.campaign.id, claim.ref)
    if found is None:
        raise StoppedError("no_mail", 404)
    html = site.app.renderer.render(found.mail, as_page=True).html
    return with_files(html, files_sent(found.mail), found.mail.language)
