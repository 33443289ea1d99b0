"""Reads what a form sends before its handler runs, which is a plain function in a thread like those of other pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

#: Of one form.
MAX_FILES, MAX_FIELDS = 12, 40
#: Characters of one field.
LONGEST_TEXT = 2_000


def posting(handler: Callable[[Request, FormData], Response]) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that hands ``handler`` the form; 413 for one that the guard has cut off."""

    async def endpoint(request: Request) -> Response:
        try:
            async with request.form(max_files=MAX_FILES, max_fields=MAX_FIELDS) as form:
                return await run_in_threadpool(handler, request, form)
        except ClientDisconnect:
            raise HTTPException(413) from None

    return endpoint


def text_of(form: FormData, name: str) -> str:
    """What somebody typed into a field: without what cannot be seen, and not longer than a page shows."""
    found = form.get(name)
    text = found.replace("\r\n", "\n").strip() if isinstance(found, str) else ""
    return "".join(each for each in text if each.isprintable() or each in "\n\u3000")[:LONGEST_TEXT]
