"""The clockwork: APScheduler wakes the engine, a watch sees edited files, signals end it.  Nothing else.

The scheduler keeps nothing: what is due stands in the database, so a job that was missed, doubled or
killed costs nothing.  Its own sleep follows the wall clock; the loop here follows the monotonic one, and
sets the scheduler right when the two drift apart because somebody set the clock.
"""

from __future__ import annotations

import logging
import signal
import threading

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger

from tracker.app import App
from tracker.desk import where_to_look
from tracker.engine.engine import PassReport
from tracker.errors import ConfigError, TrackerError

log = logging.getLogger("tracker")

#: The engine is woken twice a minute; between those it sleeps.
TICK = "*/30"

#: How often the files are looked at, in seconds; a saved file is in force within five.
WATCH = 1.0

#: A clock that moves this many seconds against the monotonic one has been set by somebody.
JUMP = 5.0


def run_once(app: App, *, at_once: bool = False) -> PassReport:
    """One pass, for cron."""
    report = app.engine.run_pass(at_once=at_once)
    tell(report)
    return report


def run_service(app: App, *, at_once: bool = False) -> None:
    """Run until SIGTERM or SIGINT; the pass that is under way is finished first."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    Service(app).run(stop, at_once=at_once)


class Service:
    """A scheduler with one job, and a watch over the files."""

    def __init__(self, app: App) -> None:
        self.app = app
        self._busy = threading.Lock()
        self._scheduler = BackgroundScheduler(timezone="UTC")

    def run(self, stop: threading.Event, *, at_once: bool = False) -> None:
        """Pass after pass until ``stop`` is set."""
        self.pass_(at_once=at_once)
        for line in where_to_look(self.app):
            log.info(line)
        self._schedule()
        self._scheduler.start()
        try:
            self._watch(stop)
        finally:
            self._scheduler.shutdown(wait=True)
            log.info("stopped")

    def pass_(self, *, at_once: bool = False) -> None:
        """One pass; what goes wrong is logged and tried again at the next tick, for the service must live."""
        with self._busy:
            try:
                tell(self.app.engine.run_pass(at_once=at_once))
            except TrackerError as error:
                log.warning("pass failed, will be tried again: %s", error)
            except Exception:
                log.exception("pass failed, will be tried again")

    def _schedule(self) -> None:
        self._scheduler.add_job(
            self.pass_,
            CronTrigger(second=TICK, timezone="UTC"),
            id="pass",
            misfire_grace_time=None,
            coalesce=True,
            max_instances=1,
            replace_existing=True,
        )

    def _watch(self, stop: threading.Event) -> None:
        clock = self.app.clock
        offset = clock.now().timestamp() - clock.monotonic()
        while not stop.wait(WATCH):
            drift = clock.now().timestamp() - clock.monotonic() - offset
            if abs(drift) > JUMP:
                log.warning("the clock was set by %+.0f s; looking at everything anew", drift)
                offset += drift
                self._scheduler.reschedule_job("pass", trigger=CronTrigger(second=TICK, timezone="UTC"))
                self._scheduler.wakeup()
                self.pass_()
            if self._reload():
                self.pass_()

    def _reload(self) -> bool:
        """Put edited files in force; a file with errors changes nothing, and the operator hears of it once."""
        if not self.app.files_changed():
            return False
        with self._busy:
            try:
                self.app.reload()
            except ConfigError as error:
                for problem in error.problems:
                    log.warning("not taken over: %s", problem)
            except Exception:
                log.exception("reload failed; what was in force stays in force")
            else:
                log.info("files reloaded: %s", self.app.summary())
        return True


def tell(report: PassReport) -> None:
    """Log a pass in which something happened."""
    changes = report.changes
    if changes:
        log.info(
            "ledger: %d assignments added, %d moved, %d removed",
            sum(len(change.units) for change in changes.added),
            len(changes.moved),
            len(changes.removed),
        )
    if report.planned or report.delivered:
        delivered = ", ".join(f"{count} {state.value}" for state, count in sorted(report.delivered.items()))
        log.info("mail: %d written; %s", report.planned, delivered or "none delivered")
