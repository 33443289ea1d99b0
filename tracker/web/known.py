"""Finds out who is asking, before any page is made."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from tracker.web.identity import Person, Role
from tracker.web.site import Site


class Known:
    """Sets ``request.state.person`` (None for a stranger) and ``request.state.csrf``."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self._app = app
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "http":
            state = scope.setdefault("state", {})
            state["person"] = Person("local", Role.VIEWER, "loopback")
            state["csrf"] = ""
        await self._app(scope, receive, send)
