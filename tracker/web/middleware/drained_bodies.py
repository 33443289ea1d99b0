"""Lets an answer arrive that is given before the whole body has come: what follows is thrown away, piece by piece.

A connection that is closed while its visitor still sends is reset, and the answer with it.
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tracker.web.base.bodies import FILES

#: So many bytes are waited for after an answer; whoever sends more does without it.
MOST = 4 * FILES


class DrainedBodies:
    """Ends no answer before the body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or not _has_body(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        is_whole = False

        async def received() -> Message:
            nonlocal is_whole
            message = await receive()
            is_whole = is_whole or not message.get("more_body", False)
            return message

        async def sent(message: Message) -> None:
            is_end = message["type"] == "http.response.body" and not message.get("more_body", False)
            if not is_end or is_whole:
                await send(message)
                return
            await send({**message, "more_body": True})
            left = MOST
            while not is_whole and left > 0:
                left -= len((await received()).get("body", b""))
            await send({"type": "http.response.body", "body": b"", "more_body": False})

        await self._app(scope, received, sent)


def _has_body(headers: Headers) -> bool:
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
