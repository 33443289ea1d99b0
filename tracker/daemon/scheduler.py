"""The clockwork: APScheduler wakes the engine, a watch sees edited files, signals end it.  Nothing else.

The scheduler keeps nothing: what is due stands in the database, so a job that was missed, doubled or
killed costs nothing.  Its own sleep follows the wall clock; the loop here follows the monotonic one, and
sets the scheduler right when the two drift apart because somebody set the clock.

All work is done in the scheduler's threads.  The main thread only watches, so that a signal is heard at once
however long a mail server takes.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sqlalchemy.exc import SQLAlchemyError

from tracker.errors import ConfigError, LostLedgerError, TrackerError
from tracker.i18n.message import Message
from tracker.mail.transport.replies import without_names
from tracker.outbox.mail_server import said_at
from tracker.service.app import App
from tracker.service.engine import PassReport, PutOff
from tracker.service.heartbeat import PassRecord, remember
from tracker.service.privileges import refuse_root, standing
from tracker.service.progress import ProgressLog
from tracker.service.stopping import StoppableSender, StoppingError
from tracker.usecases.running import where_to_look

if TYPE_CHECKING:
    from tracker.daemon.web_server import ServedPages

log = logging.getLogger("tracker")

#: The engine is woken twice a minute; between those it sleeps.
TICK = "*/30"

#: How often the files are looked at, in seconds; a saved file is in force within five.
WATCH = 1.0

#: Files that keep changing are read after so many looks all the same.
RESTLESS = 3

#: A pass in which nothing happened is written down no more often than this.
BEAT = timedelta(minutes=1)

#: A clock that moves this many seconds against the monotonic one has been set by somebody.
JUMP = 5.0

#: Told to stop, a pass gets so many seconds to write down what became of its mails.
LAST_PASS = 4.0


def run_once(app: App, *, at_once: bool = False) -> PassReport:
    """One pass, for cron, which mails whatever is said: so nothing is said where nothing happened.

    ``is_refused`` of the report is true as long as mails wait for a server that takes none.

    Raises RootRefusedError where systemd starts it as root of a whole machine.
    """
    refuse_root(standing(app.environ), is_open=False)
    app.check_templates()
    app.tell_of_files()
    app.engine.on_progress = ProgressLog(app.clock.monotonic)
    app.sign.look()
    report = app.engine.run_pass(at_once=at_once)
    tell(report, app.snapshot.zone)
    if report.planned:
        tell_of_no_sign(app)
    if report.is_refused and report.put_off is None and sys.stderr.isatty():
        log.warning("%s", Message("service.took_nothing"))
    if not report.planned and not report.delivered and report.next_at and sys.stderr.isatty():
        following = report.next_at.astimezone(app.snapshot.zone)
        log.info("nothing to send now; next digests: %s", f"{following:%Y-%m-%d %H:%M %Z}")
    return report


def run_service(app: App, *, at_once: bool = False, with_pages: bool = True) -> None:
    """Run until SIGTERM or SIGINT; ``with_pages`` serves the web pages, too, where the settings have an address.

    Raises RootRefusedError where root of a whole machine would serve for good, or serve other machines.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    web = app.snapshot.settings.web if with_pages else None
    address = None if web is None else web.listen
    warning = refuse_root(standing(app.environ), is_open=address is not None and _is_open(address))
    if warning is not None:
        log.warning("%s", warning)
    if not with_pages and not _is_open(urlsplit(app.snapshot.settings.link_base).netloc):
        # Links to this machine would lead to nobody.
        app.serve_at(None)
    if not Service(app, stop, address).run(at_once=at_once):
        # A thread that hangs in a database or a disk would keep the interpreter from ending.
        logging.shutdown()
        os._exit(0)


def _is_open(address: str) -> bool:
    """Whether other machines can reach the pages there."""
    from tracker.web.base.access_policy import host_of, is_loopback

    return not is_loopback(host_of(address) or "")


class Service:
    """A scheduler with one job, and a watch over the files.  It ends when ``stop`` is set."""

    def __init__(self, app: App, stop: threading.Event, address: str | None = None) -> None:
        self.app = app
        self._address = address
        self.stop = stop
        #: Held by a pass; and by whoever reads the files, which does not wait for what a pass sends.
        self._busy, self._reading = threading.Lock(), threading.Lock()
        # A single pass needs no scheduler, and a start waits for what it imports.
        from apscheduler.schedulers.background import BackgroundScheduler

        self._scheduler = BackgroundScheduler(timezone="UTC")
        self._stirred = 0
        self._is_unread = False
        self._kept_beat: datetime | None = None
        self._pages: ServedPages | None = None
        self._trouble = ""
        app.wrap_sender = lambda sender: StoppableSender(sender, stop)
        app.engine.sender = app.wrap_sender(app.engine.sender)
        self._progress = ProgressLog(app.clock.monotonic)
        app.engine.on_progress = self._goes_on

    def _goes_on(self, written: int, gone: int) -> None:
        self.app.heartbeat.went_on_at = self.app.clock.now()
        self._progress(written, gone)

    def wake(self) -> None:
        """Look at the outbox soon; something was put there."""
        self._soon(self.pass_, "woken")

    def run(self, *, at_once: bool = False) -> bool:
        """Pass after pass until the end; whether the last one was finished.

        Raises TrackerError at the start where files, database, transport or pages cannot be used at all.
        """
        lines = where_to_look(self.app, at_once=at_once)
        pages = self._pages = self._pages_at(self._address)
        if pages is not None:
            pages.open()
        for line in lines:
            log.info(line)
        tell_of_no_sign(self.app)
        self._scheduler.start()
        self._soon(self._begin, "begin", at_once=at_once)
        self._schedule()
        try:
            self._watch()
        finally:
            if pages is not None:
                pages.close()
            is_finished = self._end()
        return is_finished

    def _pages_at(self, address: str | None) -> ServedPages | None:
        if address is None:
            return None
        from tracker.daemon.web_server import ServedPages

        return ServedPages(self.app, self.wake, address)

    def pass_(self, *, at_once: bool = False) -> None:
        """One pass; what goes wrong is logged and tried again at the next tick, for the service must live."""
        with self._busy:
            if self.stop.is_set():
                return
            begun, report, failure = self.app.clock.monotonic(), None, None
            self.app.heartbeat.went_on_at = self.app.clock.now()
            try:
                self._look_at_sign()
                report = self.app.engine.run_pass(at_once=at_once)
                tell(report, self.app.snapshot.zone)
            except StoppingError:
                log.info("stopping; mails that were not sent yet are sent after the next start")
            except TrackerError as error:
                failure = str(error)
                log.warning("pass failed, will be tried again: %s", error)
            except Exception as error:
                failure = type(error).__name__
                log.exception("pass failed, will be tried again")
            self._beat(self.app.clock.monotonic() - begun, report, failure)

    def _look_at_sign(self) -> None:
        try:
            self.app.sign.look()
        except LostLedgerError as error:
            self.app.heartbeat.lost = error.message
            raise
        self.app.heartbeat.lost = None

    def _beat(self, seconds: float, report: PassReport | None, failure: str | None) -> None:
        """Remember the pass; in the database only where something happened, or the last one is a while ago."""
        heartbeat, now = self.app.heartbeat, self.app.clock.now()
        heartbeat.went_on_at = None
        before = self._kept_beat
        if report is None:
            beat = PassRecord(now, seconds, error=failure, who=self.app.engine.who)
        else:
            done = report.delivered.total()
            beat = PassRecord(now, seconds, report.planned, done, who=self.app.engine.who)
            heartbeat.next_at = report.next_at
        heartbeat.last = beat
        is_news = bool(beat.planned or beat.delivered or beat.error)
        if not is_news and before is not None and timedelta(0) <= now - before < BEAT:
            return
        try:
            with self.app.database.writing() as session:
                remember(session, beat)
            self._kept_beat = now
        except (SQLAlchemyError, TrackerError) as error:
            # The pages say so, the next pass tries again, and what the database refuses it has told of itself.
            heartbeat.last = replace(beat, error=failure or type(error).__name__)
            if self.app.database.refusal is None:
                log.warning("the pass could not be written down, will be tried again: %s", error)

    def _begin(self, *, at_once: bool) -> None:
        try:
            for problem in self.app.check_templates():
                log.warning("%s", problem)
        except TrackerError as error:
            log.warning("the mail templates could not be checked: %s", error)
        except Exception:
            log.exception("the mail templates could not be checked")
        self.pass_(at_once=at_once)

    def _tick(self) -> None:
        if self._is_unread:
            return self._reload()
        with self._reading:
            self._look_at_files()
        return None if self._busy.locked() else self.pass_()

    def _look_at_files(self) -> None:
        """Bring in what they say, or what others have said meanwhile; a pass under way hears of it."""
        try:
            if self.app.take_over_held():
                log.info("confirmed; now in force: %s", self.app.summary())
            now = self.app.clock.now()
            tell(PassReport(now, self.app.engine.bring_up_to_date(now)), self.app.snapshot.zone)
            self.app.tell_of_files()
        except TrackerError as error:
            log.warning("the files, or their mistakes, could not be told, will be tried again: %s", error)
        except Exception:
            log.exception("the files, or their mistakes, could not be told, will be tried again")

    def _end(self) -> bool:
        self._scheduler.shutdown(wait=False)
        is_finished = self._busy.acquire(timeout=LAST_PASS)
        if is_finished:
            self._busy.release()
        else:
            log.warning("stopped in the middle of a pass; what it left is taken up by the next start")
        log.info("stopped")
        return is_finished

    # --- what wakes it ---

    def _schedule(self) -> None:
        from apscheduler.triggers.cron import CronTrigger

        self._scheduler.add_job(
            self._tick,
            CronTrigger(second=TICK, timezone="UTC"),
            id="pass",
            misfire_grace_time=None,
            coalesce=True,
            max_instances=1,
            replace_existing=True,
        )
        if self._pages is not None:
            self._pages.keep(self._scheduler)

    def _soon(self, work: Callable[..., None], name: str, **arguments: object) -> None:
        # One may be under way that began before what this one is to see.
        how = {"misfire_grace_time": None, "replace_existing": True, "max_instances": 2}
        self._scheduler.add_job(work, id=name, kwargs=arguments, **how)

    def _watch(self) -> None:
        clock = self.app.clock
        offset = clock.now().timestamp() - clock.monotonic()
        while not self.stop.wait(WATCH):
            drift = clock.now().timestamp() - clock.monotonic() - offset
            if abs(drift) > JUMP:
                log.warning("the clock was set by %+.0f s; looking at everything anew", drift)
                offset += drift
                self._schedule()
                self._scheduler.wakeup()
                self._soon(self.pass_, "after-jump")
            if self._is_edited():
                self._soon(self._reload, "reload")

    def _is_edited(self) -> bool:
        """Whether files were edited and have come to rest since, or never do."""
        if self._has_changed():
            self._stirred += 1
            if self._stirred < RESTLESS:
                return False
        is_edited = self._stirred > 0
        self._stirred = 0
        return is_edited

    def _has_changed(self) -> bool:
        """Whether the files look otherwise; a disk that does not say so now may say so a second later."""
        try:
            is_changed = self.app.files_changed()
        except OSError as error:
            if str(error) != self._trouble:
                self._trouble = str(error)
                log.warning("the files cannot be looked at, will be tried again: %s", error)
            return False
        self._trouble = ""
        return is_changed

    def _reload(self) -> None:
        """Put edited files in force, also for a pass under way; one with errors changes nothing, and is told of once."""
        with self._reading:
            self._is_unread = False
            try:
                if self.app.reload():
                    log.info("files reloaded: %s", self.app.summary())
                    for problem in self.app.check_templates():
                        log.warning("%s", problem)
            except ConfigError as error:
                for problem in error.problems:
                    log.warning("not taken over: %s", problem)
            except TrackerError as error:
                self._is_unread = True
                log.warning("reload failed, will be tried again: %s", error)
            except Exception:
                self._is_unread = True
                log.exception("reload failed, will be tried again; what was in force stays in force")
            self._look_at_files()
        self._soon(self.pass_, "edited")


def tell_of_no_sign(app: App) -> None:
    """Warn where a ledger that is lost would not be noticed."""
    unkept = app.no_sign()
    if unkept is not None:
        log.warning("%s", unkept)


def tell(report: PassReport, zone: tzinfo) -> None:
    """Log a pass in which something happened, with times of ``zone``."""
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
    if report.put_off is not None:
        _tell_of_put_off(report.put_off, zone)


def _tell_of_put_off(put_off: PutOff, zone: tzinfo) -> None:
    """Why mails wait, once a pass; in the server's words, without the addresses in them."""
    pass_, time = Message("service.put_off.next_pass"), put_off.next_try
    facts = {
        "why": without_names(put_off.why),
        "next": pass_ if time is None else Message("service.put_off.at", time=said_at(time, zone)),
        "also": Message("service.put_off.untried", n=put_off.untried) if put_off.untried else "",
    }
    log.warning("%s", Message(f"service.put_off.{'all' if put_off.is_all else 'some'}", **facts))
