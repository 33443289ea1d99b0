"""What is said to somebody who may not, or asks for what is not there."""

from __future__ import annotations

import re
from http import HTTPStatus
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from tracker.core.naming import sentence
from tracker.errors import DatabaseError, TrackerError, UnknownNameError
from tracker.i18n.catalogue import LANGUAGES, Language, Words
from tracker.i18n.catalogue import words as words_of
from tracker.web.base.capacity import UntakenError
from tracker.web.base.identity import StalePageError
from tracker.web.base.site import language_of, site_of, words

API = "/api"
PROBLEM = "application/problem+json"
#: Seconds after which a database that is away may be asked for again.
AGAIN = 10
SIGN_IN = TrackerError("sign_in_first")
ROLE_TOO_LOW = TrackerError("role_too_low")
#: A unit's page, behind the link in its mail.
_BY_LINK = re.compile(r"/(?:answer|view)/[^/]+")
_WEIGHT = re.compile(r"q=([01](?:\.\d{0,3})?)")


def said(request: Request, error: TrackerError) -> str:
    """What the core would not do, in the reader's language and without a word on the command line."""
    language = program_language(request) if is_of_api(request) else language_of(request)
    return sentence(error, language, site_of(request).snapshot.campaign)


def program_language(request: Request) -> Language:
    """What a program asks for with ``language`` or Accept-Language, else as on pages."""
    if request.query_params.get("language") in LANGUAGES:
        return language_of(request)
    wanted: dict[Language, float] = {}
    for each in request.headers.get("accept-language", "").lower().split(","):
        tag, _, weight = each.strip().partition(";")
        found = _WEIGHT.fullmatch(weight.strip() or "q=1")
        for language in LANGUAGES:
            if tag.split("-")[0] == language and found is not None and float(found[1]):
                wanted.setdefault(language, float(found[1]))
    # Of equal ones the first.
    return max(wanted, key=lambda each: wanted[each], default=language_of(request))


def error_page(
    request: Request, heading: str, detail: str, status: int, typed: str | None = None
) -> Response:
    """The page for it; whoever came by a link goes back to what the link is about, and others to the board."""
    came = _BY_LINK.match(request.scope["path"])
    facts = {"heading": heading, "detail": detail, "typed": typed, "own": came[0] if came else None}
    return site_of(request).page(request, "error.html", facts, status=status)


def wrong(request: Request, error: Exception) -> Response:
    """A page for it, or for programs a problem; a database that is away is nobody's mistake."""
    assert isinstance(error, TrackerError)
    if is_of_api(request):
        return problem(request, error)
    is_away = isinstance(error, DatabaseError)
    title = words(request)("base.error.other" if is_away else "base.error.400")
    response = error_page(request, title, said(request, error), 503 if is_away else 400, error.typed)
    if is_away:
        response.headers["Retry-After"] = str(AGAIN)
    return response


def problem(request: Request, error: TrackerError) -> JSONResponse:
    """The same for programs: RFC 9457 where the service itself is at fault, and one sentence otherwise."""
    if isinstance(error, DatabaseError):
        facts = {"title": "Service Unavailable", "status": 503, "detail": said(request, error)}
        return JSONResponse(facts, 503, {"Retry-After": str(AGAIN)}, PROBLEM)
    return JSONResponse({"detail": said(request, error)}, 404 if isinstance(error, UnknownNameError) else 400)


def is_of_api(request: Request) -> bool:
    """Whether a program is asking."""
    return f"{request.scope['path']}/".startswith(f"{API}/")


def not_allowed(request: Request, error: Exception) -> Response:
    """A stranger is asked to sign in; somebody whose role does not reach is told so."""
    person = request.state.person
    is_stranger = person is None and request.state.unlisted is None
    if is_of_api(request):
        status = 401 if is_stranger else 403
        return JSONResponse({"detail": said(request, SIGN_IN if is_stranger else ROLE_TOO_LOW)}, status)
    say = words(request)
    if isinstance(error, StalePageError) and not is_stranger:
        detail = say("identity.stale")
    elif is_stranger and request.method in {"GET", "HEAD"}:
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/sign-in?{urlencode({'next': here})}", 303)
    elif is_stranger:
        detail = say("identity.sign_in_first")
    elif person is None:
        detail = say("identity.unlisted", name=request.state.unlisted)
    elif person.via == "loopback":
        detail = say("identity.looking_only")
    else:
        detail = say("identity.role_too_low", name=person.name, role=say(f"identity.role.{person.role.word}"))
    return error_page(request, say("base.error.403"), detail, 403)


def refused_program(request: Request, error: Exception) -> JSONResponse:
    """The same for programs."""
    assert isinstance(error, HTTPException)
    say = words_of("pages", program_language(request))
    detail = error.detail if _is_said(error) else _heading(say, error.status_code)
    return JSONResponse({"detail": detail}, error.status_code, error.headers)


def _is_said(error: HTTPException) -> bool:
    """Whether there is a reason: what HTTP calls a status is none, and English."""
    return error.detail != HTTPStatus(error.status_code).phrase


def _heading(say: Words, status: int) -> str:
    key = f"base.error.{status}"
    return say(key) if key in say else say("base.error.other")


def refused(request: Request, error: Exception) -> Response:
    """What HTTP has a number for."""
    assert isinstance(error, HTTPException)
    say = words(request)
    detail = error.detail if _is_said(error) else ""
    if isinstance(error, UntakenError):
        detail = said(request, error.reason)
    response = error_page(request, _heading(say, error.status_code), detail, error.status_code)
    response.headers.update(error.headers or {})
    return response
