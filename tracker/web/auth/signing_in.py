"""Signing in and out: by password, by the key of the first entry, and, where it is set up, through a provider."""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import lru_cache
from ipaddress import ip_address

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from tracker.access.accounts import has_accounts, sign_in_with
from tracker.access.sessions import LONGEST, begin_session, end_session
from tracker.core.policy import Web
from tracker.core.roles import Role
from tracker.i18n.message import Message
from tracker.web.auth import known_device, oidc
from tracker.web.auth.authentication import BY_KEY, COOKIE, LOCAL, is_from_elsewhere
from tracker.web.base.access_policy import asker, is_forwarded, is_in_front, peer_of
from tracker.web.base.capacity import BusyError
from tracker.web.base.form_posting import strangers_posting
from tracker.web.base.identity import StalePageError, check_csrf, local_path
from tracker.web.base.site import Site, site_of, words
from tracker.web.base.throttle import place_of

log = logging.getLogger("tracker.web")

#: The page's own form has to show where it comes from, which the other pages keep to themselves.
SHOWS_ORIGIN = {"Referrer-Policy": "same-origin"}


def routes() -> list[BaseRoute]:
    """The pages of this module, and those of the provider."""
    return [
        Route("/sign-in", show),
        Route("/sign-in", sign_in, methods=["POST"]),
        Route("/sign-out", strangers_posting(sign_out), methods=["POST"]),
        Route("/enter/{key}", show_entry),
        Route("/enter/{key}", strangers_posting(enter), methods=["POST"]),
        Route("/sign-in/oidc", _with_provider(oidc.leave)),
        Route("/sign-in/oidc/back", _with_provider(come_back)),
    ]


def _with_provider(work: Callable[[Request], Response]) -> Callable[[Request], Awaitable[Response]]:
    """A handler that may have to wait for the provider."""

    async def handler(request: Request) -> Response:
        pool = site_of(request).pools.provider
        return await pool.run((place_of(_address_of(request)),), lambda: work(request))

    return handler


def show(request: Request) -> Response:
    """The form."""
    person = request.state.person
    following = local_path(request.query_params.get("next"))
    if person is not None and person.via != LOCAL:
        return RedirectResponse(following, 303)
    return _form(request, following)


async def sign_in(request: Request) -> Response:
    """A name and a password: a session, or the form again with the one sentence that there is for whatever was wrong.

    Where many do so at once, whoever finds no room is told so before anything is checked.
    """
    site, address = site_of(request), _address_of(request)
    if is_from_elsewhere(request, site, strictly=True):
        raise StalePageError
    whose = (place_of(address),)
    async with site.bodies.strangers_of(request, whose) as read:
        form = read()
        try:
            return await site.pools.signing_in.run(whose, lambda: _try(request, form, address))
        except BusyError as busy:
            say, again = words(request)("identity.busy"), busy.headers or {}
            response = await run_in_threadpool(_form_again, request, form, say, 503)
            response.headers.update(again)
            return response


def _try(request: Request, form: FormData, address: str) -> Response:
    site, say = site_of(request), words(request)
    name, password = str(form.get("name", "")), str(form.get("password", ""))
    browser = known_device.known_as(request, name)
    place, throttle, seconds = browser or address, site.access.throttle, site.app.clock.monotonic
    wait = throttle.wait(name, place, seconds(), is_known=browser is not None)
    if wait > 0:
        left = math.ceil(wait)
        tell_of_failure(address)
        response = _form_again(request, form, say("identity.wait", n=left), 429)
        response.headers["Retry-After"] = str(left)
        return response
    token = sign_in_with(site.app.database, name, password, site.now())
    if token is None:
        throttle.failed(name, place, seconds())
        tell_of_failure(address)
        return _form_again(request, form, say("identity.wrong"), 403)
    throttle.succeeded(name, place)
    response = _let_in(request, token, local_path(form.get("next")))
    known_device.remember(request, response, name)
    return response


def _form_again(request: Request, form: FormData, wrong: str, status: int) -> Response:
    return _form(
        request,
        local_path(form.get("next")),
        name=str(form.get("name", "")),
        wrong=wrong,
        status=status,
    )


def _address_of(request: Request) -> str:
    web, peer = site_of(request).snapshot.settings.web or Web(), peer_of(request)
    if is_forwarded(request) and not is_in_front(peer, web):
        _tell_of_proxy(peer)
    return asker(request, web)


@lru_cache(maxsize=16)
def _tell_of_proxy(peer: str) -> None:
    """Once; not for strangers, who can write the same headers."""
    with suppress(ValueError):
        if ip_address(peer).is_private:
            log.warning("%s", Message("service.pages.unnamed_proxy", peer=peer))


def tell_of_failure(address: str) -> None:
    """One line for each attempt that failed, for fail2ban and its like (``packaging/fail2ban``).

    Without the name: what somebody typed there may be the password.
    """
    log.warning("sign-in failed from %s", address)


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
    name = site.access.keys.peek(request.path_params["key"], site.now())
    return _entry(request, name)


def enter(request: Request, form: FormData) -> Response:
    """Sign the key's user in as operator, once."""
    del form
    site = site_of(request)
    name = site.access.keys.use(request.path_params["key"], site.now())
    if name is None:
        tell_of_failure(_address_of(request))
        return _entry(request, None)
    with site.app.database.writing() as session:
        token = begin_session(session, name, Role.OPERATOR, BY_KEY, site.now())
    return _let_in(request, token, "/")


def come_back(request: Request) -> Response:
    """From the provider: a session for whom it names, or the form with what was wrong."""
    site = site_of(request)
    arrived = oidc.arrive(request)
    if isinstance(arrived, str):
        if arrived == "unlisted":
            tell_of_failure(_address_of(request))
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
    web = site.snapshot.settings.web or Web()
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
