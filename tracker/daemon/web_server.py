"""The pages beside the mails: tried for again where their address cannot be had, and begun anew should they end."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable

from apscheduler.schedulers.base import BaseScheduler

from tracker.core.naming import sentence
from tracker.errors import AddressTakenError, TrackerError
from tracker.i18n.catalogue import words
from tracker.i18n.message import Message, both
from tracker.service.app import App
from tracker.usecases.input_checks import login_name
from tracker.web.base.site import Site
from tracker.web.server import WebServer

log = logging.getLogger("tracker")

#: Seconds until an address that could not be had is tried for again.
AGAIN = 10


class ServedPages:
    """Served at ``address`` while the service runs; ``wake`` makes it look at its outbox soon."""

    def __init__(self, app: App, wake: Callable[[], None], address: str) -> None:
        self._app = app
        self._address = address
        self._site = Site(app, wake)
        self.server: WebServer | None = None
        self._lock = threading.Lock()
        self._is_closed = self._is_told = False

    def open(self) -> None:
        """Answer, or, where nobody is there who could choose another address, go on without: mails must go out.

        Raises TrackerError where they must not be served as they are set up, and AddressTakenError at a terminal.
        """
        try:
            self._begin()
        except AddressTakenError as error:
            if sys.stderr.isatty():
                raise
            log.warning("going on without pages; the address is tried again every %d s: %s", AGAIN, error)
            self._app.serve_at(None)

    def keep(self, scheduler: BaseScheduler) -> None:
        """Have it looked after; said again after the clock was set, as the scheduler goes by that."""
        scheduler.add_job(
            self.look,
            "interval",
            seconds=AGAIN,
            id="pages",
            misfire_grace_time=None,
            coalesce=True,
            max_instances=1,
            replace_existing=True,
        )

    def look(self) -> None:
        """Try again where nobody is answering; called every ``AGAIN`` seconds.  The operator hears of it once."""
        with self._lock:
            if self._is_closed or (self.server is not None and self.server.is_serving):
                return
            if self.server is not None:
                self.server = None
                log.error("the pages have ended, and are begun anew")
            try:
                self._begin()
            except TrackerError as error:
                self._app.serve_at(None)
                self._tell(error)
            except Exception:
                log.exception("the pages could not be begun, will be tried again")

    def close(self) -> None:
        """Let open pages arrive, then end."""
        with self._lock:
            self._is_closed = True
        if self.server is not None:
            self.server.stop()

    def _begin(self) -> None:
        server = WebServer(self._site, self._address)
        self._app.serve_at(server.address)
        server.start()
        self.server, self._is_told = server, False
        log.info("%s: %s", Message("service.pages.at"), server.address)
        # For whoever sits at the terminal: standard output that goes elsewhere is a log, and no key goes through one.
        entry = server.first_entry(login_name()) if sys.stdout.isatty() else None
        if entry is not None:
            sys.stdout.write(f"{both(Message('service.pages.sign_in'))}: {entry}\n")
            sys.stdout.flush()

    def _tell(self, error: TrackerError) -> None:
        if self._is_told:
            return
        snapshot = self._app.snapshot
        operator = snapshot.settings.operator
        language = snapshot.campaign.language if operator is None else snapshot.language(operator)
        said = words("alerts", language)
        key = f"pages/{self._address}/{snapshot.day(self._app.clock.now())}"
        lines = [sentence(error, language), said("pages.follows", seconds=AGAIN)]
        try:
            self._app.engine.alert(key, said("pages.away"), lines)
        except TrackerError as away:
            log.warning("the operator could not be told, will be tried again: %s", away)
        else:
            self._is_told = True
