"""Counts what was answered, by the pattern of its address: the address itself may hold a token."""

from __future__ import annotations

from collections import Counter
from typing import Any

from starlette.routing import Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tracker.web.base.site import Site

#: Where nothing of ours stands at an address, or whoever asked was turned away at the door.
NOWHERE = "-"


class RequestMetrics:
    """Adds every answer to ``site.answers``: (pattern, status)."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self._app = app
        self._answers: Counter[tuple[str, int]] = site.answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # What fails without an answer is answered further out.
        status = 500

        async def seen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, seen)
        finally:
            self._answers[_pattern(scope), status] += 1


def _pattern(scope: Scope) -> str:
    route: Any = scope.get("route")
    if route is None:
        return NOWHERE
    # A mount that found nothing further in has its own address in ``root_path`` already.
    return str(route.path if isinstance(route, Mount) else scope.get("root_path", "") + route.path)
