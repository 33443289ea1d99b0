"""A server in front of the service: it has the certificate, and hands on what comes under a path, without that path."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator

import trustme

NAME, UNDER = "office.example", "/tracker"


class Front:
    """Listens at once; ``upstream`` is where it asks, once that is known."""

    def __init__(self) -> None:
        self.upstream = 0
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        trustme.CA().issue_cert(NAME).configure_cert(self._context)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.base = f"https://{NAME}:{self._listener.getsockname()[1]}{UNDER}"
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        # Playwright has the event loop of the test's own thread.
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._serve()))
        self._thread.start()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._loop.close()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._hand_on, sock=self._listener, ssl=self._context)
        await self._stop.wait()
        server.close()

    async def _hand_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request a connection."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            first, *headers = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[:-2]
            verb, path, version = first.split(b" ")
            within = path.removeprefix(UNDER.encode())
            if within == path or not within.startswith((b"/", b"?", b"")):
                writer.write(b"HTTP/1.1 404 another service\r\nContent-Length: 0\r\n\r\n")
                writer.close()
                return
            kept = [each for each in headers if not each.lower().startswith((b"connection:", b"x-forwarded"))]
            added = [b"Connection: close", b"X-Forwarded-For: 203.0.113.9", b"X-Forwarded-Proto: https"]
            above, below = await asyncio.open_connection("127.0.0.1", self.upstream)
            below.write(b"\r\n".join([b" ".join([verb, within or b"/", version]), *kept, *added, b"", b""]))
            asking = asyncio.ensure_future(_pump(reader, below))
            await _pump(above, writer)
            asking.cancel()
            below.close()
        writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


@contextlib.contextmanager
def front() -> Iterator[Front]:
    """It does not outlive the block."""
    made = Front()
    try:
        yield made
    finally:
        made.close()
