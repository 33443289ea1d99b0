"""Finds out who is asking, before any page is made; strangers get no further than the pages that are for everybody."""

from __future__ import annotations

import hashlib
import hmac
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from tracker.access.accounts import VIA as BY_PASSWORD
from tracker.access.accounts import has_accounts
from tracker.access.sessions import SignedIn, find_session, is_to_be_noted, note_use
from tracker.core.policy import Web
from tracker.errors import DatabaseError, TrackerError
from tracker.web.base import flash
from tracker.web.base.access_policy import (
    host_of,
    is_forwarded,
    is_in_front,
    is_loopback,
    peer_of,
    vouched_name,
)
from tracker.web.base.error_pages import not_allowed, refused, wrong
from tracker.web.base.identity import Identity, NotAllowedError, Role, StalePageError
from tracker.web.base.site import Site

COOKIE = "__Host-tracker"

#: How somebody is known who is not, but sits at this machine.
LOCAL = "loopback"
BY_PROXY, BY_OIDC, BY_KEY = "proxy", "oidc", "key"

#: What strangers get at: what has no facts in it, and what has a secret of its own in its address.
EVERYBODYS = ("/static/", "/answer/", "/view/", "/feed/", "/enter/", "/sign-in/")
EVERYBODYS_PAGES = frozenset({"/sign-in", "/sign-out", "/healthz", "/readyz", "/metrics"})
#: What machines ask for, under whatever name they know ours.
MACHINES = frozenset({"/healthz", "/readyz", "/metrics"})

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Authenticated:
    """Who is asking, and what their forms must say; ``unlisted`` is somebody vouched for who has no role here."""

    person: Identity | None = None
    csrf: str = ""
    unlisted: str | None = None


class Authentication:
    """Sets ``request.state.person`` (None for a stranger), ``.csrf``, and ``.flash``, a sentence to be shown."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self._app = app
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        state = request.state
        state.person, state.csrf, state.flash, state.unlisted = None, "", "", None
        try:
            response = await self._turned_away(request)
        except TrackerError as error:
            response = wrong(request, error)
        await (response or self._app)(scope, receive, send)

    async def _turned_away(self, request: Request) -> Response | None:
        """What is said to those who get no further."""
        site, path = self._site, request.url.path
        if path.startswith("/static/") or path in MACHINES:
            return None
        if not site.access.is_ours(request.headers.get("host", ""), site.snapshot.settings):
            return refused(request, HTTPException(421))
        if request.method not in SAFE and is_from_elsewhere(request, site):
            return not_allowed(request, StalePageError())
        found, state = await run_in_threadpool(self._look, request), request.state
        state.person, state.csrf, state.unlisted = found.person, found.csrf, found.unlisted
        is_everybodys = path in EVERYBODYS_PAGES or path.startswith(EVERYBODYS)
        return None if found.person is not None or is_everybodys else not_allowed(request, NotAllowedError())

    def _look(self, request: Request) -> Authenticated:
        site = self._site
        if flash.COOKIE in request.cookies:
            request.state.flash = flash.said(request.cookies, site.secret, site.now())
        return find_out(request, site)


def find_out(connection: HTTPConnection, site: Site) -> Authenticated:
    """Who is asking: whom the proxy names, who is signed in, or, where nobody could sign in, who is at this machine."""
    web = site.snapshot.settings.web or Web()
    name = vouched_name(connection, web)
    if name is not None:
        role = web.role_of(name)
        if role is None:
            return Authenticated(unlisted=name)
        return Authenticated(Identity(name, role, BY_PROXY), _csrf_of(site, name))
    token = connection.cookies.get(COOKIE)
    if token:
        found = _signed_in(site, token, web)
        if found is not None:
            return found
    if is_open_here(connection, site, web):
        return Authenticated(Identity("local", Role.VIEWER, LOCAL))
    return Authenticated()


def is_guarded(site: Site, web: Web) -> bool:
    """Whether anybody could say who they are."""
    if web.proxy is not None or web.oidc is not None:
        return True
    with site.app.database.reading() as session:
        return has_accounts(session)


def is_open_here(connection: HTTPConnection, site: Site, web: Web) -> bool:
    """Whether this is somebody at this machine, and nobody has been named who alone may look."""
    name = host_of(connection.headers.get("host", ""))
    return (
        site.access.is_loopback
        and name is not None
        and is_loopback(name)
        and not is_forwarded(connection)
        and not is_in_front(peer_of(connection), web)
        and not is_guarded(site, web)
    )


def is_from_elsewhere(request: Request, site: Site, *, strictly: bool = False) -> bool:
    """Whether another site's page sent this form.

    Pages that are not to tell where they are, as ours, have no origin to show (``null``); browsers say by another
    header whether it is the same, but only over TLS or on this machine.  ``strictly`` is for forms that no secret
    protects: there ``null`` alone is not enough.  What shows neither is a program, as each browser has sent an origin
    with the forms of other sites since 2020, and nobody sends a program's forms for it.
    """
    relation = request.headers.get("sec-fetch-site")
    if relation is not None:
        return relation not in {"same-origin", "none"}
    origin = request.headers.get("origin")
    if origin is None or (origin == "null" and not strictly):
        return False
    ours = {request.headers.get("host", ""), urlsplit(site.snapshot.settings.link_base).netloc}
    return origin == "null" or _place_of(origin) not in ours


def _place_of(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


def _signed_in(site: Site, token: str, web: Web) -> Authenticated | None:
    now = site.now()
    with site.app.database.reading() as session:
        found = find_session(session, token, now)
    if found is None:
        return None
    role = _role_now(found, web)
    if role is None:
        return Authenticated(unlisted=found.name)
    if is_to_be_noted(found, now):
        # Whoever only looks waits for nobody: while others write, it is noted with the next page.
        with suppress(DatabaseError), site.app.database.writing_if_free() as session:
            note_use(session, token, now)
    return Authenticated(Identity(found.name, role, found.via), found.csrf)


def _role_now(found: SignedIn, web: Web) -> Role | None:
    """What an edit of the settings takes from somebody is gone at once; for accounts the session ends."""
    if found.via in {BY_PASSWORD, BY_KEY}:
        return found.role
    return web.role_of(found.name) if web.oidc is not None else None


def _csrf_of(site: Site, name: str) -> str:
    """For those who have no session here."""
    return hmac.new(site.secret, f"csrf/{name}".encode(), hashlib.sha256).hexdigest()
