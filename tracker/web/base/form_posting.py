"""What a form goes through: first whether whoever sends it may, then it is read, then its handler runs.

A body is waited for only once link or person are known and the form is one that they may send, and it has the bounds
of that form (``bodies``).  Handlers are plain functions in a thread like those of other pages.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from tracker.core.policy import Web
from tracker.core.roles import Role
from tracker.errors import TrackerError, UsageError
from tracker.web.base.access_policy import asker, is_in_front
from tracker.web.base.bodies import Receive
from tracker.web.base.identity import require
from tracker.web.base.pools import Pool
from tracker.web.base.site import Site, site_of
from tracker.web.base.throttle import place_of

#: Characters of one field, as people write them; browsers take no more.
LONGEST_TEXT = 2_000

#: Fields in which people write.
WRITTEN = ("text", "note", "reason", "reply")

Handler = Callable[[Request, FormData], Response]
Endpoint = Callable[[Request], Awaitable[Response]]

#: Looks at a request before its body comes: the unit or person that it counts for, or the page that ends it here.
Admit = Callable[[Request], str | Response]


def posting(handler: Handler, admit: Admit) -> Endpoint:
    """An endpoint that hands ``handler`` the form of words of whoever ``admit`` lets send one."""
    return _endpoint(handler, admit, lambda site: (site.bodies.words_of, site.pools.writing))


def role_posting(handler: Handler, role: Role) -> Endpoint:
    """The same for people whose role reaches."""
    return posting(handler, lambda request: require(request, role).name)


def strangers_posting(handler: Handler) -> Endpoint:
    """The same for what anybody may send, which is short."""
    return _endpoint(handler, lambda _: "", lambda site: (site.bodies.strangers_of, site.pools.writing))


def file_posting(handler: Handler, admit: Admit) -> Endpoint:
    """The same for a form that brings files."""
    return _endpoint(handler, admit, lambda site: (site.bodies.files_of, site.pools.filing))


def _endpoint(handler: Handler, admit: Admit, ways: Callable[[Site], tuple[Receive, Pool]]) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        admitted = await run_in_threadpool(admit, request)
        if isinstance(admitted, Response):
            return admitted
        whose = whose_of(request, admitted)
        receive, pool = ways(site_of(request))
        async with receive(request, whose) as read:
            return await pool.run(whose, lambda: _handled(handler, request, read()))

    return endpoint


def _handled(handler: Handler, request: Request, form: FormData) -> Response:
    """With what somebody wrote beside whatever is said against it: nothing of it is lost."""
    try:
        return handler(request, form)
    except TrackerError as error:
        error.typed = error.typed or "\n\n".join(filter(None, (written(form, name) for name in WRITTEN)))
        raise


def whose_of(request: Request, who: str = "") -> tuple[str, ...]:
    """In whose names a request takes room: ``who``, if anybody, and its address, but for that of a declared proxy."""
    web = site_of(request).snapshot.settings.web or Web()
    address = asker(request, web)
    names = (who, "" if is_in_front(address, web) else place_of(address))
    return tuple(name for name in names if name)


def too_long(typed: str) -> UsageError:
    """What is said of more than there is room for; it is shown to them, so that nothing of it is lost."""
    error = UsageError("text_too_long", count=len(typed), most=LONGEST_TEXT)
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
