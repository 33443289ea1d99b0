"""Reads what a form sends before its handler runs, which is a plain function in a thread like those of other pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from tracker.web.door import peer_of
from tracker.web.site import site_of

#: Of one form.
MAX_FILES, MAX_FIELDS = 12, 40
#: Characters of one field.
LONGEST_TEXT = 2_000


def posting(
    handler: Callable[[Request, FormData], Response], *, has_files: bool = False
) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that hands ``handler`` the form."""

    async def endpoint(request: Request) -> Response:
        pools = site_of(request).pools
        pool = pools.filing if has_files else pools.writing
        async with request.form(max_files=MAX_FILES, max_fields=MAX_FIELDS) as form:
            return await pool.run(peer_of(request), lambda: handler(request, form))

    return endpoint


def text_of(form: FormData, name: str) -> str:
    """What somebody typed into a field: without what cannot be seen, and not longer than a page shows."""
    found = form.get(name)
    text = found.replace("\r\n", "\n").strip() if isinstance(found, str) else ""
    return "".join(each for each in text if each.isprintable() or each in "\n\u3000")[:LONGEST_TEXT]
