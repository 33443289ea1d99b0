"""Serves the pages in a thread of the service's process, until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading

import uvicorn

from tracker.errors import TrackerError
from tracker.web.application import make_application
from tracker.web.site import Site

log = logging.getLogger("tracker")

#: Open pages get so many seconds to arrive when the service ends.
LAST_PAGES = 2


class WebServer:
    """uvicorn on one address.  It leaves the signals alone: the service has them."""

    def __init__(self, site: Site, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._socket = _listen(host.strip("[]"), int(port), address)
        config = uvicorn.Config(
            make_application(site),
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=LAST_PAGES,
            proxy_headers=False,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, name="web", daemon=True)

    @property
    def address(self) -> str:
        """``http://HOST:PORT`` as it is."""
        host, port = self._socket.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Let open pages arrive, then end."""
        self._server.should_exit = True
        self._thread.join(LAST_PAGES + 1)

    def _serve(self) -> None:
        # Not ``Server.run``, which takes the signals; outside the main thread ``serve`` leaves them alone.
        asyncio.run(self._server.serve(sockets=[self._socket]))


def _listen(host: str, port: int, address: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
        found.listen(128)
    except OSError as error:
        found.close()
        raise TrackerError(
            f"the pages cannot be served at {address}: {error.strerror or error}; choose another address "
            "with TRACKER_WEB, or --no-web（网页地址不可用，请更换TRACKER_WEB或加--no-web）"
        ) from None
    return found
