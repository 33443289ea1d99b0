"""Digests a second, end to end; and the two halves of it alone: rendering and delivery."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from bench.alertmanager import alertmanager
from bench.child import Ran, work
from bench.plan import Bench, figure, middle, turns
from bench.report import Row
from bench.sink import executable, limit, sink

SESSIONS = 10
#: Mails a second of healthchecks' sendalerts (PERFORMANCE.md): a Django project that is no package.
HEALTHCHECKS = 37.0
#: smtp-source is given so many mails at least, for it is done with 500 before it can be timed.
AT_LEAST = 5_000


def end_to_end(bench: Bench) -> Iterator[Row]:
    """Due rows in an SQLite file (fsync on, filled before) become mails that `smtp-sink` has accepted and the
    outbox has recorded: one pass of the engine, from looking at the agenda to the last commit, over 10
    connections.  Campaign, templates and connections' code are loaded before; connecting counts.  All units
    are asked the same tasks, as in the shipped campaign.  Held against, in turns: `smtp-source` with as many
    sessions and mails of the same size; the same rows and the same templates through ORM objects,
    `EmailMessage`, `smtplib` on one reused connection, and a commit for each mail (of 10,000 mails it sends
    the first 2,500); Alertmanager with a group for each unit and an alert for each row, its rate at the sink
    from first mail to last after `group_wait`.  CPU is that of the whole process, in ms for each mail."""
    for mails, rows in bench.sizes.digests:
        name = f"{mails:,} digests of {rows} row{'s' if rows > 1 else ''}"
        yield from _end_to_end(bench, name, mails, rows)


def _end_to_end(bench: Bench, name: str, mails: int, rows: int) -> Iterator[Row]:
    size = 0

    def ours() -> Ran:
        nonlocal size
        with _folder(bench) as folder, sink() as server:
            ran = work(
                "digests:ours", folder=folder, port=server.port, mails=mails, rows=rows, connections=SESSIONS
            )
            server.wait_for(mails, 5)
        size = int(ran.figures["size"])
        return ran

    def loop() -> Ran:
        with _folder(bench) as folder, sink() as server:
            most = min(mails, bench.sizes.loop)
            ran = work("digests:loop", folder=folder, port=server.port, mails=mails, rows=rows, most=most)
            server.wait_for(most, 5)
        return ran

    def source() -> Ran:
        with sink() as server:
            return figure(limit(server.port, max(mails, AT_LEAST), SESSIONS, size))

    works: dict[str, Callable[[], Ran]] = {"ours": ours, "loop": loop, "source": source}
    ran = turns(bench.sizes.rounds, works)
    ours_, loop_ = ran["ours"], ran["loop"]
    rate = ours_.figures["rate"]
    yield Row(
        name, rate, "mails/s", f"smtp-source, {SESSIONS} sessions, {size / 1000:.1f} KB",
        ran["source"].figures["rate"], peak=ours_.peak,
    )  # fmt: skip
    yield Row(
        name,
        rate,
        "mails/s",
        "ORM + EmailMessage + smtplib",
        loop_.figures["rate"],
        "≥ 3 ×",
        "≥ 8 ×",
        ours_.peak,
    )
    yield Row(
        name, rate, "mails/s", "healthchecks", HEALTHCHECKS, "≥ 40 ×", "≥ 60 ×", ours_.peak, published=True
    )
    yield Row(
        f"{name}: CPU", ours_.figures["cpu"], "ms/mail", "ORM + EmailMessage + smtplib", loop_.figures["cpu"]
    )
    if executable("prometheus-alertmanager"):
        yield from _against_alertmanager(bench, name, ours_, mails, rows)


def _against_alertmanager(bench: Bench, name: str, ours: Ran, mails: int, rows: int) -> Iterator[Row]:
    runs = []
    for _ in range(bench.sizes.few_rounds):
        with _folder(bench) as folder:
            runs.append(alertmanager(Path(folder), mails, rows, bench.sizes.group_wait))
    theirs = middle(runs)
    rate, cpu = ours.figures["rate"], ours.figures["cpu"]
    yield Row(name, rate, "mails/s", "Alertmanager", theirs.figures["rate"], "≥ 1.5 ×", "≥ 4 ×", ours.peak)
    yield Row(f"{name}: CPU", cpu, "ms/mail", "Alertmanager", theirs.figures["cpu"], "", "≤ 1 ×")
    yield Row(f"{name}: memory", ours.peak, "MB", "Alertmanager", theirs.peak, "", "≤ 0.25 ×", ours.peak)


def delivery(bench: Bench) -> Iterator[Row]:
    """Finished mails, already bytes, handed to our SMTP transport until the last is told as sent, against
    `smtp-source` with as many sessions and mails of the same size, to the same `smtp-sink`: digests of one
    row, and of 30, with which the sink itself is at its limit."""
    for rows, sessions in ((1, 1), (1, SESSIONS), (30, SESSIONS)):
        mails = bench.sizes.rendered if sessions > 1 and rows == 1 else bench.sizes.rendered // 4
        yield _delivery(bench, mails, rows, sessions)


def _delivery(bench: Bench, mails: int, rows: int, sessions: int) -> Row:
    size = 0

    def ours() -> Ran:
        nonlocal size
        with sink() as server:
            ran = work("mails:deliver", port=server.port, mails=mails, rows=rows, connections=sessions)
            server.wait_for(mails, 5)
        size = int(ran.figures["size"])
        return ran

    def source() -> Ran:
        with sink() as server:
            return figure(limit(server.port, mails, sessions, size))

    ran = turns(bench.sizes.rounds, {"ours": ours, "source": source})
    return Row(
        f"delivery of ready mails of {size / 1000:.1f} KB, {sessions} session{'s' if sessions > 1 else ''}",
        ran["ours"].figures["rate"],
        "mails/s",
        "smtp-source",
        ran["source"].figures["rate"],
        "≥ 0.18 ×",
        "≥ 0.7 ×",
        ran["ours"].peak,
    )


def render(bench: Bench) -> Iterator[Row]:
    """One digest of 30 Chinese rows from its items to its bytes (HTML and text), against the same templates
    filled in and put through `EmailMessage` and `as_bytes`; in one process, in turns.  Once with the rows
    that every other unit gets too, as on most days, and once with rows that no other mail has."""
    count = 200 if bench.sizes.rounds > 1 else 50
    for alike, name in ((True, "rows as in other mails"), (False, "rows that no other mail has")):
        run = partial(work, "mails:render", count=count, rounds=bench.sizes.rounds, alike=alike)
        ran = middle([run() for _ in range(bench.sizes.few_rounds)])
        yield Row(
            f"render + MIME of 30 rows, {name}",
            ran.figures["ours"],
            "ms",
            "same templates + EmailMessage",
            ran.figures["theirs"],
            "≤ 0.3 ×",
            "≤ 0.15 ×",
            ran.peak,
        )


def _folder(bench: Bench) -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(dir=bench.folder)
