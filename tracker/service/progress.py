"""How a pass goes on, for whoever watches: the first morning of a large campaign takes a while."""

from __future__ import annotations

import logging
from collections.abc import Callable

#: It is said every so many seconds.
SAY_EVERY = 5.0

log = logging.getLogger("tracker")


class ProgressLog:
    """Says in the log how a pass goes on: that mails are written, and every few seconds how many are gone."""

    def __init__(self, read_clock: Callable[[], float]) -> None:
        self._read_clock = read_clock
        self._said_at = 0.0

    def __call__(self, written: int, gone: int) -> None:
        """``written`` mails have just been written to the outbox, or ``gone`` of a pass are gone."""
        now = self._read_clock()
        if written:
            log.info("mail: %d written, on their way", written)
        elif gone and now - self._said_at >= SAY_EVERY:
            log.info("mail: %d gone so far", gone)
        else:
            return
        self._said_at = now
