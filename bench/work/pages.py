"""The board of a large campaign, asked for by a load generator in another process."""

from __future__ import annotations

import dataclasses
import http.client
import subprocess
import sys
import threading
import time
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import median, quantiles
from urllib.parse import urlsplit

from sqlalchemy import text

from bench.child import ROOT, Figures
from bench.world import made_up
from tracker.campaign.snapshot import CampaignSnapshot
from tracker.clock import VirtualClock
from tracker.core.model import Event, EventKind, Every, Rule
from tracker.service.app import App
from tracker.shipped import shipped
from tracker.store.database import open_database
from tracker.web.base.site import Site
from tracker.web.server import WebServer

NOW = datetime(2022, 8, 8, 2, 0, tzinfo=UTC)
ISSUED = date(2022, 1, 3)
#: So many definitions come back each month; the others are asked for once, in one month after the other.
MONTHLY = 1
PATHS = {
    "board": "/",
    "filtered": "/?state=red",
    "month": "/month/2022-08",
    "item": "/item/2",
    "unit": "/unit/u7",
}


def in_force(units: int, items: int) -> CampaignSnapshot:
    """``items`` definitions for ``units`` units: ``MONTHLY`` of them each month, the others once in the year."""
    snapshot = made_up(units, items)
    tasks = tuple(
        dataclasses.replace(
            task,
            rule=Rule(every=Every.MONTH, day=5, since=date(2022, 1, 1), until=date(2022, 12, 31))
            if number < MONTHLY
            else Rule(due=date(2022, 2 + number % 11, 20)),
        )
        for number, task in enumerate(snapshot.campaign.tasks)
    )
    campaign = dataclasses.replace(snapshot.campaign, issued=ISSUED, tasks=tasks)
    return dataclasses.replace(snapshot, campaign=campaign, fingerprint=f"pages {units} {items}")


def _app(file: str, units: int, items: int) -> App:
    app = App(shipped("config"), database=f"sqlite:///{file}", environ={}, clock=VirtualClock(NOW))
    app.adopt(in_force(units, items))
    return app


def fill(file: str, units: int, items: int) -> Figures:
    """The ledger in August: nine of ten answers that were due are in, one in thirty of them late."""
    app = _app(file, units, items)
    app.engine.bring_up_to_date(NOW, said_through=date(2022, 8, 5))
    with app.database.writing() as session:
        session.execute(
            text(
                "UPDATE assignment SET answered = 'submitted', quiet = 1, submitted_at = '2022-07-01 00:00:00', "
                "mark = 1 + 32 * (id % 30 = 0) WHERE due < '2022-08-06' AND id % 10 != 0"
            )
        )
        number = session.execute(text("SELECT count(*) FROM assignment")).scalar_one()
    app.close()
    return {"assignments": number}


def serve(file: str, units: int, items: int) -> None:
    """Until the standard input ends."""
    app = _app(file, units, items)
    server = WebServer(Site(app), "127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{server.address}\n")
    sys.stdout.flush()
    sys.stdin.read()


def measure(file: str, units: int, items: int, requests: int) -> Figures:
    """Milliseconds and kilobytes of each page; ``first`` is the very first answer of a fresh process."""
    code = f"from bench.work.pages import serve; serve({file!r}, {units}, {items})"
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        host = urlsplit(server.stdout.readline().strip()).netloc
        figures = {}
        spent, _ = _ask(http.client.HTTPConnection(host, timeout=60), "/")
        figures["first"] = spent
        for name, path in PATHS.items():
            taken, weight = _load(host, path, requests)
            figures |= {
                name: median(taken),
                f"{name}_p95": quantiles(taken, n=20)[-1],
                f"{name}_kb": weight / 1000,
            }
        stop = threading.Event()
        writer = threading.Thread(target=_write, args=(file, units, items, stop))
        writer.start()
        taken, _ = _load(host, "/", requests)
        stop.set()
        writer.join()
        figures |= {"written": median(taken), "written_p95": quantiles(taken, n=20)[-1]}
        server.stdin.close()
        figures["peak"] = _peak(server.pid)
    return figures


def _load(host: str, path: str, requests: int) -> tuple[list[float], int]:
    """Two readers at once, each on a connection that is kept."""
    taken: list[float] = []
    weights: list[int] = []

    def read() -> None:
        connection = http.client.HTTPConnection(host, timeout=60)
        for _ in range(requests):
            spent, weight = _ask(connection, path)
            taken.append(spent)
            weights.append(weight)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for each in readers:
        each.start()
    for each in readers:
        each.join()
    return taken, max(weights)


def _ask(connection: http.client.HTTPConnection, path: str) -> tuple[float, int]:
    start = time.perf_counter()
    connection.request("GET", path)
    answer = connection.getresponse()
    weight = len(answer.read())
    assert answer.status == 200, answer.status
    return (time.perf_counter() - start) * 1000, weight


def _write(file: str, units: int, items: int, stop: threading.Event) -> None:
    """Another process' events, five a second: every answer comes after a change."""
    database = open_database(f"sqlite:///{file}")
    snapshot = in_force(units, items)
    from tracker.ledger.record import record

    number = 0
    while not stop.wait(0.2):
        event = Event(NOW, str(MONTHLY + 1), f"u{number}", EventKind.SUBMIT, who="bench", via="bench")
        with database.writing() as session:
            record(session, snapshot, event, NOW)
        number += 1
    database.close()


def _peak(process: int) -> float:
    status = Path(f"/proc/{process}/status")
    if not status.exists():
        return 0.0
    line = next(each for each in status.read_text().splitlines() if each.startswith("VmHWM"))
    return int(line.split()[1]) / 1024
