"""Who is asking, and what they may do."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import FormData
from starlette.requests import Request

from tracker.core.roles import Role

__all__ = [
    "Identity",
    "NotAllowedError",
    "Role",
    "StalePageError",
    "check_csrf",
    "local_path",
    "require",
]


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who is known: ``name`` is what the history says, ``via`` how they are known (password, proxy, …)."""

    name: str
    role: Role
    via: str


class NotAllowedError(Exception):
    """Nobody is signed in, or somebody whose role does not reach: the site answers by itself."""


class StalePageError(NotAllowedError):
    """The form is none that this site gave to this person: another site's, or one from before they signed in."""


def require(request: Request, role: Role) -> Identity:
    """Who is asking, if their role reaches.  Raises NotAllowedError."""
    person: Identity | None = request.state.person
    if person is None or person.role < role:
        raise NotAllowedError
    return person


def check_csrf(request: Request, form: FormData) -> None:
    """Whether the form is one that we gave to this person.  Raises StalePageError."""
    wanted: str = request.state.csrf
    given = form.get("csrf")
    if not wanted or not isinstance(given, str) or not hmac.compare_digest(given.encode(), wanted.encode()):
        raise StalePageError


def local_path(text: object, otherwise: str = "/") -> str:
    """``text`` if it is a path of this site, else ``otherwise``: nobody is sent elsewhere by a parameter."""
    if not isinstance(text, str) or not text.startswith("/") or not text.isprintable() or "\\" in text:
        return otherwise
    try:
        parts = urlsplit(text)
    except ValueError:
        return otherwise
    is_elsewhere = parts.scheme or parts.netloc or text.startswith("//")
    return otherwise if is_elsewhere else text
