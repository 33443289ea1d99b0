"""Who is asking, and what they may do."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from tracker.core.roles import Role
from tracker.web.door import peer_of
from tracker.web.pools import Pool

__all__ = [
    "NotAllowedError",
    "Person",
    "Role",
    "StalePageError",
    "check_csrf",
    "local_path",
    "posting",
    "read_form",
    "require",
]

#: The largest form of words.
LARGEST_FORM = 256 * 1024


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is known: ``name`` is what the history says, ``via`` how they are known (password, proxy, …)."""

    name: str
    role: Role
    via: str


class NotAllowedError(Exception):
    """Nobody is signed in, or somebody whose role does not reach: the site answers by itself."""


class StalePageError(NotAllowedError):
    """The form is none that this site gave to this person: another site's, or one from before they signed in."""


def require(request: Request, role: Role) -> Person:
    """Who is asking, if their role reaches.  Raises NotAllowedError."""
    person: Person | None = request.state.person
    if person is None or person.role < role:
        raise NotAllowedError
    return person


def check_csrf(request: Request, form: FormData) -> None:
    """Whether the form is one that we gave to this person.  Raises StalePageError."""
    wanted: str = request.state.csrf
    given = form.get("csrf")
    if not wanted or not isinstance(given, str) or not hmac.compare_digest(given.encode(), wanted.encode()):
        raise StalePageError


def posting(
    work: Callable[[Request, FormData], Response],
) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    """A handler that reads a small form of words and hands it to ``work``, in a thread of those that write."""

    async def handler(request: Request) -> Response:
        form = await read_form(request)
        pool: Pool = request.app.state.site.pools.writing
        return await pool.run(peer_of(request), lambda: work(request, form))

    return handler


async def read_form(request: Request) -> FormData:
    """What a small form of words says.  Raises HTTPException for one that is large or none."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_FORM:
            raise HTTPException(413)
    try:
        return FormData(
            list[tuple[str, str | UploadFile]](parse_qsl(body.decode(), True, max_num_fields=5000))
        )
    except ValueError:
        raise HTTPException(400) from None


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
