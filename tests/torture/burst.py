"""One process of the product in which everything is due today; what ``test_burst`` starts and measures.

    python -m tests.torture.burst FOLDER PORT

It makes pass after pass until nothing waits, moving its clock on by a minute after each, so that waits of minutes
cost none, and prints its figures as JSON.  The server may come up later than it.
"""

from __future__ import annotations

import json
import resource
import sys
import threading
import time
import urllib.request
from datetime import datetime, timedelta
from itertools import cycle
from pathlib import Path

from sqlalchemy import select

from tests.world import at
from tracker.clock import SystemClock
from tracker.service.app import App
from tracker.store.tables import MAIL, UNDERWAY
from tracker.web.base.site import Site
from tracker.web.server import WebServer

START: datetime = at("2022-05-05 09:00")
#: What is asked for all the while.
PAGES = ("/", "/healthz")
#: Seconds after which it is given up.
PATIENCE = 240


class SteppedClock(SystemClock):
    """Runs as the machine's clock does, from 09:00 of the day on, and can be moved on."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._moved = timedelta()

    def now(self) -> datetime:
        return START + self._moved + timedelta(seconds=time.monotonic() - self._started)

    def move(self, by: timedelta) -> None:
        self._moved += by


class Visitor:
    """Asks for the pages in turn, twice a second, until it is told to stop, and remembers how long that took."""

    def __init__(self, address: str) -> None:
        self._urls = cycle([address + page for page in PAGES])
        self._stop = threading.Event()
        self.waits: list[float] = []
        self.failures: list[str] = []
        self._thread = threading.Thread(target=self._visit)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _visit(self) -> None:
        while not self._stop.wait(0.5):
            start = time.monotonic()
            try:
                urllib.request.urlopen(next(self._urls), timeout=30).read()
            except OSError as error:  # anything but 200 is one
                self.failures.append(str(error))
            self.waits.append(time.monotonic() - start)


def waits(app: App) -> bool:
    with app.database.reading() as session:
        return session.execute(select(MAIL.c.id).where(UNDERWAY)).first() is not None


def quantile(values: list[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def main(folder: Path, port: int) -> None:
    clock = SteppedClock()
    environ = {"TRACKER_MAIL": f"smtp+plain://127.0.0.1:{port}"}
    database = f"sqlite:///{folder}/tracker.db"
    app = App(folder / "config", database=database, environ=environ, clock=clock)
    app.engine.bring_up_to_date(clock.now())
    pages = WebServer(Site(app), "127.0.0.1:0")
    pages.start()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    visitor = Visitor(pages.address)
    start, passes = time.monotonic(), 0
    try:
        while not passes or waits(app):
            app.engine.run_pass()
            passes += 1
            if waits(app):
                clock.move(timedelta(minutes=1))
                time.sleep(0.1)
            assert time.monotonic() - start < PATIENCE, "it does not come to an end"
    finally:
        taken = time.monotonic() - start
        visitor.stop()
        pages.stop()
    with app.database.reading() as session:
        rows = session.execute(select(MAIL.c.message_id, MAIL.c.state, MAIL.c.at, MAIL.c.sent_at)).all()
    late = [(row.sent_at - row.at).total_seconds() for row in rows if row.sent_at is not None]
    figures = {
        "states": {row.message_id: row.state for row in rows},
        "passes": passes,
        "seconds": round(taken, 1),
        "mails a second": round(len(late) / taken, 1),
        "99th percentile of lateness, s": round(quantile(late, 0.99), 1),
        "MB before": before // 1024,
        "MB at most": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "pages' 99th percentile, s": round(quantile(visitor.waits, 0.99), 3),
        "page failures": visitor.failures,
    }
    app.close()
    print(json.dumps(figures))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
