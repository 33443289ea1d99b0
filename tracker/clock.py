"""The only place that reads the clock; everybody else is told the time."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time.  ``now`` is aware and in UTC; ``monotonic`` counts seconds and never goes back."""

    def now(self) -> datetime:
        """The present instant, aware."""

    def monotonic(self) -> float:
        """Seconds that never go back, from an arbitrary start."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """What the machine says."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Unmoved by anybody who sets the clock."""
        return time.monotonic()


class VirtualClock:
    """A clock that stands still until it is told to move; for simulation."""

    def __init__(self, start: datetime) -> None:
        self.set(start)

    def now(self) -> datetime:
        """Where it has been set."""
        return self._now

    def monotonic(self) -> float:
        """Where it has been set, in seconds."""
        return self._now.timestamp()

    def set(self, instant: datetime) -> None:
        """Move to ``instant`` (aware)."""
        if instant.tzinfo is None:
            raise ValueError("a virtual clock needs an aware time")
        self._now = instant.astimezone(UTC)
