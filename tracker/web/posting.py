"""Reads what a form sends before its handler runs, which is a plain function in a thread like those of other pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from tracker.errors import UsageError
from tracker.web.door import peer_of
from tracker.web.site import site_of

#: A form of a few words; files have an address and a limit of their own.
LARGEST_BODY = 12 * 1024 * 1024
#: Of one form.
MAX_FILES, MAX_FIELDS = 12, 40
#: Characters of one field, as people write them; browsers take no more.
LONGEST_TEXT = 2_000


def posting(
    handler: Callable[[Request, FormData], Response], *, has_files: bool = False
) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that hands ``handler`` the form."""

    async def endpoint(request: Request) -> Response:
        pools = site_of(request).pools
        pool = pools.filing if has_files else pools.writing
        async with request.form(
            max_files=MAX_FILES, max_fields=MAX_FIELDS, max_part_size=LARGEST_BODY
        ) as form:
            return await pool.run(peer_of(request), lambda: handler(request, form))

    return endpoint


def too_long(typed: str) -> UsageError:
    """What is said of more than there is room for; it is shown to them, so that nothing of it is lost."""
    error = UsageError(
        "this has {count} characters, and {most} fit: please shorten it",
        "text_too_long",
        count=len(typed),
        most=LONGEST_TEXT,
    )
    error.typed = typed
    return error


def text_of(form: FormData, name: str) -> str:
    """What somebody chose or typed into a field of a few signs, without what cannot be seen."""
    return written(form, name)[:LONGEST_TEXT]


def written(form: FormData, name: str) -> str:
    """The same of what people write, to the last sign: what is longer than ``LONGEST_TEXT`` is for them to shorten."""
    found = form.get(name)
    text = found.replace("\r\n", "\n").strip() if isinstance(found, str) else ""
    return "".join(each for each in text if each.isprintable() or each in "\n\u3000")
