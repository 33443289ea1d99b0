"""The only place that reads the clock; everybody else is told the time."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time.  ``now`` is aware and in UTC; ``monotonic`` counts seconds and never goes back."""

    def now(self) -> datetime: ...

    def monotonic(self) -> float: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


class VirtualClock:
    """A clock that stands still until it is told to move; for simulation."""

    def __init__(self, start: datetime) -> None:
        self.set(start)

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._now.timestamp()

    def set(self, instant: datetime) -> None:
        """Move to ``instant`` (aware)."""
        if instant.tzinfo is None:
            raise ValueError("a virtual clock needs an aware time")
        self._now = instant.astimezone(UTC)
