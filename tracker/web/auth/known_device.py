"""Browsers in which somebody has signed in before: guesses made elsewhere, at the same address too, do not slow them.

A signed cookie with a number of its own and the names, as hashes, that have signed in there; it lets nobody in.
"""

from __future__ import annotations

import hashlib
import secrets

from itsdangerous import BadSignature, URLSafeSerializer
from starlette.requests import Request
from starlette.responses import Response

from tracker.web.base.site import site_of

COOKIE = "__Host-known"
LASTS = 365 * 24 * 3600
#: People who share a browser.
MOST = 8


def known_as(request: Request, name: str) -> str | None:
    """What this browser counts as where ``name`` signs in; None where they have not done so in it."""
    number, names = _read(request)
    return f"browser {number}" if _mark(name) in names else None


def remember(request: Request, response: Response, name: str) -> None:
    """``name`` has signed in here."""
    number, names = _read(request)
    kept = [each for each in names if each != _mark(name)]
    value = _serializer(request).dumps([number or secrets.token_urlsafe(12), [*kept, _mark(name)][-MOST:]])
    response.set_cookie(COOKIE, value, max_age=LASTS, path="/", secure=True, httponly=True, samesite="lax")


def _read(request: Request) -> tuple[str, list[str]]:
    try:
        number, names = _serializer(request).loads(request.cookies.get(COOKIE, ""))
    except BadSignature:
        return "", []
    return number, names


def _mark(name: str) -> str:
    return hashlib.sha256(name.strip().casefold().encode()).hexdigest()[:16]


def _serializer(request: Request) -> URLSafeSerializer:
    return URLSafeSerializer(site_of(request).secret, salt="known")
