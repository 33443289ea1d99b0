"""Several processes before one outbox in PostgreSQL."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing.synchronize import Barrier

from bench.child import Figures
from tests import postgres
from tests.trust.replicas import MOMENT, race
from tests.world import unit, world
from tracker.planning.claim import claim
from tracker.service.engine import CLAIM
from tracker.store.database import open_database


@contextmanager
def _server() -> Iterator[postgres.Server]:
    if postgres.programs() is None:
        raise SystemExit("PostgreSQL is not installed")
    with postgres.server() as server:
        yield server


def claims(processes: int, mails: int, port: int) -> Figures:
    """Claims a second until the outbox has none left."""
    del port
    with _server() as server:
        url = server.make("bench")
        open_database(url).close()
        server.run(
            "INSERT INTO mail (unit, key, message_id, kind, recipient, name, language, timezone, at, day, content, details, "
            "seen_event, state, attempts, lost, not_before, fence) SELECT 'u' || n, 'receipt/' || n, '<' || n || '@x.internal>', "
            "'receipt', 'u' || n || '@x.internal', 'u', 'zh', 'Asia/Shanghai', now, now, '[]', '{}', 0, 'queued', 0, 0, "
            f"now, 0 FROM generate_series(1, {mails}) n, (SELECT timestamptz '{MOMENT}' AS now) moment",
            "bench",
        )
        server.run("ANALYZE mail", "bench")
        context = multiprocessing.get_context("spawn")
        barrier = context.Barrier(processes + 1)
        working = [
            context.Process(target=_claim_all, args=(url, str(n), mails, barrier)) for n in range(processes)
        ]
        for each in working:
            each.start()
        barrier.wait()
        start = time.perf_counter()
        for each in working:
            each.join()
        seconds = time.perf_counter() - start
        assert server.run("SELECT count(*) FROM mail WHERE fence <> 1", "bench") == [(0,)]
    return {"rate": mails / seconds}


def _claim_all(url: str, who: str, mails: int, barrier: Barrier) -> None:
    units = [unit(f"u{number}", f"u{number}@x.internal") for number in range(1, mails + 1)]
    snapshot = world(units=units)
    database = open_database(url)
    barrier.wait()
    while True:
        with database.writing(alone=False) as session:
            if not claim(session, snapshot, MOMENT, who, most=CLAIM, timezones=["Asia/Shanghai"]):
                return


def mails(processes: int, mails: int, port: int) -> Figures:
    """Mails a second of whole services."""
    with _server() as server, race(units=mails, url=server.make("bench"), lease=300, claim=CLAIM) as running:
        settings = running.place.config / "settings.yaml"
        settings.write_text(settings.read_text().replace(str(running.post.port), str(port)))
        running.start(processes)
        running.wait_until_all_is_sent(mails, 240)
        [(first, last)] = running.rows("SELECT min(sent_at), max(sent_at) FROM mail")
        assert isinstance(first, datetime)
        assert isinstance(last, datetime)
        lots = running.rows("SELECT count(*) FROM mail WHERE sent_at = (SELECT min(sent_at) FROM mail)")
        seconds = (last.astimezone(UTC) - first.astimezone(UTC)).total_seconds()
        return {"rate": (mails - int(str(lots[0][0]))) / seconds, **_shares(running.claims())}


def _shares(claimed: list[int]) -> Figures:
    return {f"process {number}": float(count) for number, count in enumerate(claimed)}
