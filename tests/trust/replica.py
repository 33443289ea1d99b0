"""One of several services on one database, as a process of its own: ``python -m tests.trust.replica FACTS run …``.

The product as it is, but for what would make a test long: FACTS (JSON) has ``lease``, the lease in seconds; ``claim``,
how many mails are taken at once; ``ready`` and ``go``, files: it says that it stands at the line, and waits for the
other; ``clock``, seconds that its clock is ahead of the real one.  It looks for work every second.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tracker import clock
from tracker.cli.main import main
from tracker.daemon import scheduler
from tracker.outbox import queue, results
from tracker.service import engine


def prepare(facts: dict[str, Any]) -> None:
    """Put the short times in place."""
    lease = timedelta(seconds=facts["lease"])
    for module in (queue, engine, results):
        module.LEASE = lease  # type: ignore[attr-defined]
    queue.LAST_MINUTE = lease / 4
    results.BACK_OFF = (timedelta(seconds=1),) * 30
    engine.CLAIM = engine.FEW = facts["claim"]
    scheduler.TICK = "*"
    ahead = timedelta(seconds=facts["clock"])
    real = clock.SystemClock.now

    def now(self: clock.SystemClock) -> datetime:
        return real(self) + ahead

    clock.SystemClock.now = now  # type: ignore[method-assign]


def import_everything() -> None:
    """What the product imports at its first need, so that all begin together."""
    import tracker.mail.compose.render
    import tracker.service.enclosures
    import tracker.service.sender
    import tracker.store.database  # noqa: F401


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    prepare(given)
    import_everything()
    Path(given["ready"]).touch()
    while not Path(given["go"]).exists():
        time.sleep(0.001)
    main(sys.argv[2:])
