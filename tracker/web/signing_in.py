"""Signing in and out: by password, by the key of the first entry, and, where it is set up, through a provider."""

from __future__ import annotations

import math

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from tracker.core.policy import Web
from tracker.core.roles import Role
from tracker.engine.accounts import has_accounts, sign_in_with
from tracker.engine.sessions import LONGEST, begin_session, end_session
from tracker.web import oidc
from tracker.web.door import asker
from tracker.web.identity import StalePageError, check_csrf, local_path, posting
from tracker.web.known import BY_KEY, COOKIE, LOCAL, is_from_elsewhere
from tracker.web.site import Site, site_of, words

#: The page's own form has to show where it comes from, which the other pages keep to themselves.
SHOWS_ORIGIN = {"Referrer-Policy": "same-origin"}


def routes() -> list[BaseRoute]:
    """The pages of this module, and those of the provider."""
    return [
        Route("/sign-in", show),
        Route("/sign-in", posting(sign_in), methods=["POST"]),
        Route("/sign-out", posting(sign_out), methods=["POST"]),
        Route("/enter/{key}", show_entry),
        Route("/enter/{key}", posting(enter), methods=["POST"]),
        Route("/sign-in/oidc", oidc.leave),
        Route("/sign-in/oidc/back", come_back),
    ]


def show(request: Request) -> Response:
    """The form."""
    person = request.state.person
    following = local_path(request.query_params.get("next"))
    if person is not None and person.via != LOCAL:
        return RedirectResponse(following, 303)
    return _form(request, following)


def sign_in(request: Request, form: FormData) -> Response:
    """A name and a password: a session, or the form again with the one sentence that there is for whatever was wrong."""
    site, say = site_of(request), words(request)
    if is_from_elsewhere(request, site, strictly=True):
        raise StalePageError
    name, password = str(form.get("name", "")), str(form.get("password", ""))
    following = local_path(form.get("next"))
    address = asker(request, site.force.settings.web or Web())
    throttle, seconds = site.door.throttle, site.app.clock.monotonic
    wait = throttle.wait(name, address, seconds())
    if wait > 0:
        left = math.ceil(wait)
        response = _form(request, following, name=name, wrong=say("identity.wait", n=left), status=429)
        response.headers["Retry-After"] = str(left)
        return response
    token = sign_in_with(site.app.database, name, password, site.now())
    if token is None:
        throttle.failed(name, address, seconds())
        return _form(request, following, name=name, wrong=say("identity.wrong"), status=403)
    throttle.succeeded(name, address)
    return _let_in(request, token, following)


def sign_out(request: Request, form: FormData) -> Response:
    """Ends the session, here and not only in the browser."""
    response = RedirectResponse("/sign-in", 303)
    if request.state.person is not None:
        check_csrf(request, form)
        _end(site_of(request), request)
    response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="lax")
    return response


def show_entry(request: Request) -> Response:
    """What the key is for, and a button; whoever only looks at the address uses nothing up."""
    site = site_of(request)
    name = site.door.keys.peek(request.path_params["key"], site.now())
    return _entry(request, name)


def enter(request: Request, form: FormData) -> Response:
    """Sign the key's user in as operator, once."""
    del form
    site = site_of(request)
    name = site.door.keys.use(request.path_params["key"], site.now())
    if name is None:
        return _entry(request, None)
    with site.app.database.writing() as session:
        token = begin_session(session, name, Role.OPERATOR, BY_KEY, site.now())
    return _let_in(request, token, "/")


def come_back(request: Request) -> Response:
    """From the provider: a session for whom it names, or the form with what was wrong."""
    site = site_of(request)
    arrived = oidc.arrive(request)
    if isinstance(arrived, str):
        response = _form(request, "/", wrong=words(request)(f"identity.oidc.{arrived}"), status=403)
    else:
        with site.app.database.writing() as session:
            token = begin_session(session, arrived.name, arrived.role, arrived.via, site.now())
        response = _let_in(request, token, arrived.following)
    oidc.forget(response)
    return response


def _let_in(request: Request, token: str, following: str) -> Response:
    # A session that somebody left in this browser is not gone on with.
    _end(site_of(request), request)
    response = RedirectResponse(following, 303)
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(LONGEST.total_seconds()),
        path="/",
        secure=True,
        httponly=True,
        samesite="lax",
    )
    return response


def _end(site: Site, request: Request) -> None:
    token = request.cookies.get(COOKIE)
    if token:
        with site.app.database.writing() as session:
            end_session(session, token)


def _form(
    request: Request, following: str, *, name: str = "", wrong: str = "", status: int = 200
) -> Response:
    site = site_of(request)
    web = site.force.settings.web or Web()
    with site.app.database.reading() as session:
        is_there_somebody = has_accounts(session)
    facts = {
        "next": following,
        "name": name,
        "wrong": wrong,
        "with_password": is_there_somebody,
        "with_oidc": web.oidc is not None,
    }
    response = site.page(request, "identity/sign_in.html", facts, status=status)
    response.headers.update(SHOWS_ORIGIN)
    return response


def _entry(request: Request, name: str | None) -> Response:
    status = 200 if name is not None else 410
    return site_of(request).page(request, "identity/enter.html", {"name": name}, status=status)
