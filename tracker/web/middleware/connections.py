"""Bounds who holds a connection, where connections are accepted: nobody has them all, and nobody sits on one for long.

A connection is *idle* while it waits for its visitor: for a whole header, for a body, for an answer to be fetched.
Then it has so long, and is the first to go where there are too many.  While the visitor waits for us, it stays.
"""

from __future__ import annotations

import asyncio
import enum
import logging
import resource
import socket
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from tracker.web.base.throttle import place_of

log = logging.getLogger("tracker.web")

#: Seconds for a whole header, counted from the connection or the answer before; for the handshake of TLS as well.
HEADER = 10.0

#: Seconds in which some of a body has to come, or of an answer to be fetched, and the slowest body, in bytes a second.
BODY, SLOWEST = 20.0, 500

#: Connections of one address; those of declared proxies are many people's.
OF_ADDRESS = 32

#: Connections of all, where the process may have so many descriptors; so many of those are kept for mails, database
#: (two for each of its 60 connections) and files, or half of them, where there are few.
OF_ALL, KEPT = 1000, 256

#: So many are let in until those who went for them have given their descriptors back.  Whoever is turned away does not
#: count: a burst is over before its first pages are made.
TOGETHER = 16

#: Seconds until the next one is accepted after one could not be.
PAUSE = 0.1


#: Of one address it is said so often, in seconds, that what it sends is no request; so many addresses are remembered.
TOLD_EVERY, REMEMBERED = 60.0, 1000

#: What uvicorn says of strangers, without their address or with advice for somebody else.
_UNSAID = ("Invalid HTTP request", "Unsupported upgrade request", "No supported WebSocket library")


def _is_said(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(_UNSAID)


class _Phase(enum.Enum):
    """What a connection waits for."""

    HEADER = enum.auto()
    BODY = enum.auto()
    US = enum.auto()


class Connection:
    """One connection, from the moment at which it is accepted: ``end`` closes it, whatever it is about."""

    def __init__(self, sock: socket.socket, place: str, now: float) -> None:
        self.place = place
        #: Since when it has waited for its visitor; None while its visitor waits for us.
        self.idle_since: float | None = now
        self.is_begun = self.is_ended = False
        self._sock = sock
        self.transport: asyncio.Transport | None = None

    def end(self) -> None:
        """Close it at once."""
        self.is_ended = True
        if self.transport is not None:
            self.transport.abort()
        elif not self.is_begun:
            self._sock.close()
        else:
            # In the middle of a handshake: whoever reads from it sees its end.
            with suppress(OSError):
                self._sock.shutdown(socket.SHUT_RDWR)


class Connections:
    """Everybody who is connected, by address; ``is_proxy`` says which addresses are those of declared proxies."""

    def __init__(self, is_proxy: Callable[[str], bool]) -> None:
        self._is_proxy = is_proxy
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._most = OF_ALL if soft == resource.RLIM_INFINITY else min(OF_ALL, soft - min(KEPT, soft // 2))
        self._by_place: defaultdict[str, set[Connection]] = defaultdict(set)
        self._count = 0
        self._told: OrderedDict[str, float] = OrderedDict()

    def admit(self, sock: socket.socket, address: str, now: float) -> Connection | None:
        """A new guest; for it the oldest idle one goes where there is no room.  None where all wait for us."""
        place = place_of(address)
        if len(self._by_place.get(place, ())) >= OF_ADDRESS and not self._is_proxy(address):
            if not self._end_oldest(place):
                return None
        elif self._count >= self._most and not self.make_room():
            return None
        guest = Connection(sock, place, now)
        self._by_place[place].add(guest)
        self._count += 1
        return guest

    def make_room(self) -> bool:
        """End the oldest idle guest of the address that has most; whether there was one."""
        places = sorted(self._by_place, key=lambda each: (self._is_proxy(each), -len(self._by_place[each])))
        return any(self._end_oldest(place) for place in places)

    def leave(self, guest: Connection) -> None:
        """They are gone; said more than once, it is so once."""
        there = self._by_place.get(guest.place)
        if there is not None and guest in there:
            there.remove(guest)
            self._count -= 1
            if not there:
                del self._by_place[guest.place]

    def tell_of_nonsense(self, address: str, now: float) -> None:
        """A line of the log, for fail2ban and its like; once a minute of one address, so that nobody fills it."""
        place = place_of(address)
        if now - self._told.get(place, -TOLD_EVERY) < TOLD_EVERY:
            return
        self._told[place] = now
        self._told.move_to_end(place)
        if len(self._told) > REMEMBERED:
            self._told.popitem(last=False)
        log.warning("no HTTP request from %s", address)

    def _end_oldest(self, place: str) -> bool:
        idle = [guest for guest in self._by_place[place] if guest.idle_since is not None]
        if not idle:
            return False
        oldest = min(idle, key=lambda guest: guest.idle_since or 0.0)
        self.leave(oldest)
        oldest.end()
        return True


class LimitedProtocol(H11Protocol):
    """uvicorn's conversation with one guest, who has so long for their part of it."""

    def __init__(self, guest: Connection, hall: Connections, **uvicorns: Any) -> None:
        super().__init__(**uvicorns)
        self._guest = guest
        self._hall = hall
        self._phase = _Phase.HEADER
        self._until = self.loop.time() + HEADER
        self._timer = self.loop.call_at(self._until, self._time_is_up)
        #: Bytes of the answer that were not fetched when this was last looked at.
        self._unfetched = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Once TLS, if there is any, is agreed upon."""
        self._guest.transport = transport
        super().connection_made(transport)
        if self._guest.is_ended:
            # What they sent before that lies there still, and is not to be answered.
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """However it came to an end."""
        self._timer.cancel()
        self._hall.leave(self._guest)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Some of a header or of a body."""
        super().data_received(data)
        self._look(len(data))

    def send_400_response(self, msg: str) -> None:
        """What came is no request."""
        self._hall.tell_of_nonsense(self.client[0] if self.client else "", self.loop.time())
        super().send_400_response(msg)

    def on_response_complete(self) -> None:
        """The next request may come."""
        super().on_response_complete()
        self._look(0)

    def pause_writing(self) -> None:
        """The visitor is slow to fetch an answer."""
        super().pause_writing()
        self._guest.idle_since = self.loop.time()
        self._unfetched = self.transport.get_write_buffer_size()
        self._allow(BODY)

    def resume_writing(self) -> None:
        """They have fetched it."""
        super().resume_writing()
        self._guest.idle_since = None if self._phase is _Phase.US else self.loop.time()

    def _look(self, came: int) -> None:
        theirs = self.conn.their_state
        phase = {h11.IDLE: _Phase.HEADER, h11.SEND_BODY: _Phase.BODY}.get(theirs, _Phase.US)
        if self.transport.is_closing():
            phase = _Phase.BODY
        now = self.loop.time()
        if phase is not self._phase:
            self._phase = phase
            self._guest.idle_since = None if phase is _Phase.US else now
            self._allow(HEADER if phase is _Phase.HEADER else BODY)
        elif phase is _Phase.BODY:
            self._until = min(self._until + came / SLOWEST, now + BODY)

    def _allow(self, seconds: float) -> None:
        self._until = self.loop.time() + seconds
        self._timer.cancel()
        self._timer = self.loop.call_at(self._until, self._time_is_up)

    def _time_is_up(self) -> None:
        if self._until > self.loop.time():
            self._timer = self.loop.call_at(self._until, self._time_is_up)
            return
        before, self._unfetched = self._unfetched, self._left_to_fetch()
        if self._unfetched:
            goes_on = not before or self._unfetched < before
        else:
            goes_on = self._phase is _Phase.US or (self.flow is not None and self.flow.read_paused)
        if goes_on:
            self._allow(BODY)
        else:
            self._guest.end()

    def _left_to_fetch(self) -> int:
        return 0 if self.transport is None else self.transport.get_write_buffer_size()


class LimitedServer(uvicorn.Server):
    """uvicorn's server over one listening socket, with a ``hall`` of its own."""

    def __init__(self, config: uvicorn.Config, hall: Connections) -> None:
        super().__init__(config)
        logging.getLogger("uvicorn.error").addFilter(_is_said)
        self._hall = hall
        self._accepting: asyncio.Task[None] | None = None
        self._arriving: set[asyncio.Task[None]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept."""
        assert sockets is not None
        await super().startup(sockets=[])
        self._accepting = asyncio.create_task(self._accept(sockets[0]))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept nobody any more, and let open pages arrive."""
        if self._accepting is not None:
            self._accepting.cancel()
        for task in self._arriving:
            task.cancel()
        await super().shutdown(sockets)

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        listener.setblocking(False)
        let_in = 0
        while True:
            try:
                sock, peer = await loop.sock_accept(listener)
            except OSError as error:
                # Gone before it was accepted, or no descriptor is left: nobody else is to notice.
                log.debug("a connection was not accepted: %s", error)
                self._hall.make_room()
                await asyncio.sleep(PAUSE)
                continue
            guest = self._hall.admit(sock, peer[0], loop.time())
            if guest is None:
                sock.close()
                continue
            task = loop.create_task(self._let_in(sock, guest))
            self._arriving.add(task)
            task.add_done_callback(self._arriving.discard)
            let_in += 1
            if let_in % TOGETHER == 0:
                await asyncio.sleep(0)

    async def _let_in(self, sock: socket.socket, guest: Connection) -> None:
        """Begin the conversation, unless it is over, and forget whoever goes in the middle of the handshake."""
        if guest.is_ended:
            return
        guest.is_begun = True
        is_tls = self.config.ssl is not None
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: LimitedProtocol(
                    guest,
                    self._hall,
                    config=self.config,
                    server_state=self.server_state,
                    app_state=self.lifespan.state,
                ),
                sock,
                ssl=self.config.ssl,
                ssl_handshake_timeout=HEADER if is_tls else None,
            )
        except (OSError, asyncio.CancelledError):
            self._hall.leave(guest)
            sock.close()
