"""Serves the pages in a thread of the service's process, until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading

import uvicorn

from tracker.config.startable import refuse_certificate
from tracker.core.policy import Web
from tracker.errors import AddressTakenError, TrackerError
from tracker.i18n.message import Message
from tracker.web.application import make_application
from tracker.web.auth.authentication import is_guarded
from tracker.web.auth.oidc import load_libraries
from tracker.web.base.access_policy import is_in_front
from tracker.web.base.site import Site
from tracker.web.middleware.connections import Connections, LimitedServer

log = logging.getLogger("tracker")

#: Connections that wait to be accepted, where the system allows as many: a flood must not fill the queue.
BACKLOG = 1024

#: Open pages get so many seconds to arrive when the service ends.
LAST_PAGES = 2


class WebServer:
    """uvicorn on one address.  It leaves the signals alone: the service has them.

    Raises TrackerError for an address that cannot be had, or that would be open to everybody.
    """

    def __init__(self, site: Site, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._site = site
        web = site.snapshot.settings.web or Web()
        self._socket = _listen(host.strip("[]"), int(port), address)
        site.access.host = str(self._socket.getsockname()[0])
        try:
            refuse_open_door(site, web, address)
            config = self._configure(web)
        except BaseException:
            self._socket.close()
            raise
        self._is_tls = config.is_ssl
        self._server = LimitedServer(config, Connections(self._is_proxy))
        self._thread = threading.Thread(target=self._serve, name="web", daemon=True)

    def _configure(self, web: Web) -> uvicorn.Config:
        config = uvicorn.Config(
            make_application(self._site),
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=LAST_PAGES,
            proxy_headers=False,
            http="h11",
            ws="none",
            ssl_certfile=web.certificate,
            ssl_keyfile=web.key,
        )
        refuse_certificate(web)
        config.load()
        return config

    def _is_proxy(self, address: str) -> bool:
        return is_in_front(address, self._site.snapshot.settings.web or Web())

    @property
    def address(self) -> str:
        """``http://HOST:PORT`` as it is."""
        host, port = self._socket.getsockname()[:2]
        scheme = "https" if self._is_tls else "http"
        return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"

    def first_entry(self, name: str) -> str | None:
        """An address that signs ``name`` in as operator, once; None where people sign in by other means."""
        site = self._site
        if not site.access.is_loopback or is_guarded(site, site.snapshot.settings.web or Web()):
            return None
        return f"{self.address}/enter/{site.access.keys.make(name, site.now())}"

    @property
    def is_serving(self) -> bool:
        """Whether it answers still."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Let open pages arrive, then end."""
        self._server.should_exit = True
        self._thread.join(LAST_PAGES + 1)

    def _serve(self) -> None:
        # Not ``LimitedServer.run``, which takes the signals; outside the main thread ``serve`` leaves them alone.
        asyncio.run(self._server.serve(sockets=[self._socket]))


def refuse_open_door(site: Site, web: Web, address: str) -> None:
    """Raises TrackerError where anybody could come in from other machines (security, point 7)."""
    if web.oidc is not None:
        load_libraries()
    if site.access.is_loopback:
        return
    if not is_guarded(site, web):
        raise TrackerError("not_open", address=address)
    if (
        web.certificate is None
        and web.proxy is None
        and not site.snapshot.settings.link_base.startswith("https:")
    ):
        log.warning("%s", Message("service.pages.no_tls"))


def _listen(host: str, port: int, address: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio sends small answers at once; without, kept connections wait 40 ms for each.
    found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
        found.listen(BACKLOG)
    except OSError as error:
        found.close()
        raise AddressTakenError("cannot_serve", address=address, error=error) from None
    return found
