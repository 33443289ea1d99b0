"""Stands before every page: headers that a browser is to keep to."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tracker.i18n.catalogue import LANGUAGES
from tracker.web.base.site import LANGUAGE_COOKIE, THEME_COOKIE, THEMES, Site

#: Everything comes from the service itself; no exceptions.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-src 'self'; frame-ancestors 'self'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
YEAR = 365 * 24 * 3600


class SecurityHeaders:
    """Adds the headers, and remembers language and theme."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self._app = app
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        chosen = _chosen(scope["query_string"].decode("latin-1"))
        place = self._site.root or "/"
        is_asset = scope["path"].startswith("/static/")

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "max-age=3600" if is_asset else "no-store")
                for name, value in chosen.items():
                    headers.append(
                        "Set-Cookie", f"{name}={value}; Path={place}; Max-Age={YEAR}; SameSite=Lax"
                    )
            await send(message)

        await self._app(scope, receive, dressed)


def _chosen(query: str) -> dict[str, str]:
    """The reader's choice of language and theme, where the address makes one."""
    found = dict(part.split("=", 1) for part in query.split("&") if part.count("=") == 1)
    chosen = {}
    if found.get(LANGUAGE_COOKIE) in LANGUAGES:
        chosen[LANGUAGE_COOKIE] = found[LANGUAGE_COOKIE]
    if found.get(THEME_COOKIE) in THEMES:
        chosen[THEME_COOKIE] = found[THEME_COOKIE]
    return chosen
