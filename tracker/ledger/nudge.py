"""What one assignment alone is to be mentioned for, as its row keeps it (``assignment.nudge``)."""

from __future__ import annotations

from typing import NamedTuple, Self

from tracker.core.model import Reason


class Nudge(NamedTuple):
    """The reason, and the time zones in which it has been mentioned while others wait."""

    reason: Reason
    told: frozenset[str] = frozenset()

    @classmethod
    def of(cls, text: str) -> Self:
        """As the row has it: ``returned``, ``overdue|America/New_York;Asia/Shanghai``."""
        reason, _, zones = text.partition("|")
        return cls(Reason(reason), frozenset(zone for zone in zones.split(";") if zone))

    def __str__(self) -> str:
        return f"{self.reason.value}|{';'.join(sorted(self.told))}" if self.told else self.reason.value
