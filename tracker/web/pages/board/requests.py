"""What units ask for and say, for everyone who may look; the answers, for whoever supervises."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from sqlmodel import Session
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.naming import Names
from tracker.errors import UnknownNameError, UsageError
from tracker.i18n import catalogue
from tracker.ledger.record import find_assignment
from tracker.ledger.requests import (
    Decision,
    RequestKind,
    answer_request,
    answered_requests,
    open_requests,
)
from tracker.ledger.requests import Request as UnitRequest
from tracker.mail.compose.wording import Calendar
from tracker.web.base.form_posting import LONGEST_TEXT, role_posting, text_of, too_long, written
from tracker.web.base.identity import Role, check_csrf, require
from tracker.web.base.site import language_of, site_of

#: So many that were answered are shown.
MOST_ANSWERED = 100


class RequestView(NamedTuple):
    """A request with the words around it; ``due`` is the date in force now, None where it is gone or has none."""

    request: UnitRequest
    unit: str
    name: str
    at: str
    due: date | None
    dates: dict[str, str]

    @property
    def is_extension(self) -> bool:
        """Whether it asks for more time."""
        return self.request.kind is RequestKind.EXTEND

    @property
    def address(self) -> str:
        """Of the assignment's page."""
        return f"/assignment/{self.request.unit}/{self.request.ref}"


def routes() -> list[BaseRoute]:
    """The page of requests and what is done on it."""
    return [
        Route("/requests", show, methods=["GET"]),
        Route("/act/grant", role_posting(grant, Role.SUPERVISOR), methods=["POST"]),
        Route("/act/decline", role_posting(decline, Role.SUPERVISOR), methods=["POST"]),
        Route("/act/reply", role_posting(reply, Role.SUPERVISOR), methods=["POST"]),
    ]


def show(request: Request) -> Response:
    """``GET /requests``."""
    person = require(request, Role.VIEWER)
    site = site_of(request)
    snapshot = site.snapshot
    with site.app.database.reading() as session:
        found = [
            open_requests(session, snapshot.campaign.id),
            answered_requests(session, snapshot.campaign.id, MOST_ANSWERED),
        ]
        dues = {each.id: _due(session, snapshot, each) for each in found[0]}
    waiting, answered = (
        [_shown(request, snapshot, each, dues.get(each.id)) for each in some] for some in found
    )
    facts = {
        "waiting": waiting,
        "answered": answered,
        "may_answer": person.role >= Role.SUPERVISOR,
        "today": site.today().isoformat(),
    }
    return site.page(request, "requests.html", facts)


def grant(request: Request, form: FormData) -> Response:
    """``POST /act/grant``: more time, until the date that was asked for or another."""
    text = text_of(form, "until")
    try:
        until = date.fromisoformat(text) if text else None
    except ValueError:
        raise UsageError("no_date", text=text) from None
    return _answer(request, form, Decision.GRANTED, until)


def decline(request: Request, form: FormData) -> Response:
    """``POST /act/decline``: no more time, and why."""
    return _answer(request, form, Decision.DECLINED)


def reply(request: Request, form: FormData) -> Response:
    """``POST /act/reply``: an answer to words."""
    return _answer(request, form, Decision.READ)


def _answer(request: Request, form: FormData, verdict: Decision, until: date | None = None) -> Response:
    person = require(request, Role.SUPERVISOR)
    check_csrf(request, form)
    site, number = site_of(request), text_of(form, "id")
    if not number.isdecimal():
        raise UsageError("nothing_meant")
    now = site.now()
    with site.app.engine.acting(now) as (session, snapshot):
        answer_request(
            session,
            snapshot,
            int(number),
            verdict,
            person.name,
            reply=_reply(form),
            until=until,
            now=now,
        )
    site.wake()
    return RedirectResponse("/requests", 303)


def _reply(form: FormData) -> str:
    text = written(form, "reply")
    if len(text) > LONGEST_TEXT:
        raise too_long(text)
    return text


def _due(session: Session, snapshot: CampaignSnapshot, request: UnitRequest) -> date | None:
    try:
        found: date | None = find_assignment(session, snapshot, request.ref, request.unit).effective_due
    except UnknownNameError:
        return None
    return found


def _shown(request: Request, snapshot: CampaignSnapshot, each: UnitRequest, due: date | None) -> RequestView:
    phrases = catalogue.words("mails", language_of(request))
    calendar, local = Calendar(phrases), each.at.astimezone(snapshot.zone)
    dates = {"due": due, "wanted": each.wanted_until, "until": each.until}
    return RequestView(
        each,
        snapshot.campaign.unit_name(each.unit),
        Names(snapshot.campaign, language_of(request)).titled(each.ref),
        f"{calendar.day(local.date())} {local:%H:%M}",
        due,
        {key: calendar.weekday(day) for key, day in dates.items() if day is not None},
    )
