"""A process whose clock is set from outside: libfaketime, with the monotonic clock left alone."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from tests.tools import missing, required
from tracker.clock import SystemClock


def library() -> str:
    """The library that tells a process another time."""
    required("faketime")
    found = [
        *Path("/usr").glob("lib/**/libfaketimeMT.so.1"),
        *Path("/usr/local").glob("lib/**/libfaketimeMT.so.1"),
    ]
    if not found:
        missing("libfaketimeMT.so.1 was not found")
    return str(found[0])


class Clock:
    """What a process with ``environ`` takes for the time; ``set`` while it runs."""

    def __init__(self, folder: Path) -> None:
        self._steered = folder / "clock"
        self.environ = {
            "LD_PRELOAD": library(),
            "FAKETIME_TIMESTAMP_FILE": str(self._steered),
            "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "TZ": "UTC",
        }

    def set(self, moment: datetime) -> None:
        """The time is ``moment`` now, and goes on from there."""
        seconds = (moment - SystemClock().now()).total_seconds()
        draft = self._steered.with_suffix(".new")
        draft.write_text(f"{seconds:+.0f}\n", encoding="utf-8")
        draft.replace(self._steered)


def at(text: str) -> datetime:
    """``2022-05-05 01:30`` in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
