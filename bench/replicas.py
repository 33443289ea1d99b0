"""How much several services on one PostgreSQL do together."""

from __future__ import annotations

from collections.abc import Iterator

from bench.child import FailedError, work
from bench.plan import Bench
from bench.report import Row
from bench.sink import MissingError, sink

PROCESSES = (1, 2, 4)


def together(bench: Bench) -> Iterator[Row]:
    """So many processes on one PostgreSQL of their own (fsync on) with an outbox that is full before: claims alone,
    in lots of 200, each a commit; and whole services that take, render, send to `smtp-sink` and record, from the
    first mail recorded to the last.  Held against one process.  PostgreSQL and `smtp-sink` share the machine's cores."""
    mails = bench.sizes.digests[-1][0]
    for name, unit in (("claims", "claims/s"), ("mails", "mails/s")):
        alone: float | None = None
        for processes in PROCESSES:
            with sink() as server:
                try:
                    ran = work(f"postgres:{name}", processes=processes, mails=mails, port=server.port)
                except FailedError as error:
                    if "PostgreSQL is not installed" in str(error):
                        raise MissingError("PostgreSQL is missing: install Debian's postgresql") from None
                    raise
            rate = ran.figures["rate"]
            label = f"{mails:,} {name}, {processes} process{'es' if processes > 1 else ''}"
            yield Row(label, rate, unit, "one process" if alone else "", alone)
            alone = alone or rate
