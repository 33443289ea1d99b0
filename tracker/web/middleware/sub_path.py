"""The pages under the path of ``link_base``, whether or not a server in front takes that path away.

Inside, every path is as if there were none: whatever leads somewhere gets it when it goes out, ``{{ root }}`` in
templates and ``Location`` here.  Redirects name no scheme and no host, which only the server in front knows.
"""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import unquote

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tracker.web.base.site import Site


class SubPath:
    """Takes the path away where it is there, and puts it before where a redirect leads."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self._app = app
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        root = self._site.root
        here = f"{scope['scheme']}://{Headers(scope=scope).get('host', '')}/"

        async def led(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                to = headers.get("location", "").removeprefix(here.rstrip("/"))
                if to.startswith("/") and not to.startswith("//"):
                    headers["location"] = root + to
            await send(message)

        await self._app(_without(scope, _decoded(root)), receive, led)


def _without(scope: Scope, root: str) -> Scope:
    path = scope["path"]
    if not root or not f"{path}/".startswith(f"{root}/"):
        return scope
    return {**scope, "path": path.removeprefix(root) or "/"}


@lru_cache(maxsize=16)
def _decoded(root: str) -> str:
    return unquote(root)
