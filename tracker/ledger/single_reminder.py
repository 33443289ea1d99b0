"""What one assignment alone is to be mentioned for, as its row keeps it (``assignment.nudge``)."""

from __future__ import annotations

from typing import NamedTuple, Self

from tracker.core.model import Reason


class SingleReminder(NamedTuple):
    """The reason, and the time zones in which it has been mentioned while others wait.

    ``alone``: silence about it goes upward by itself, so many workdays after it is told, and not with the others.
    """

    reason: Reason
    told: frozenset[str] = frozenset()
    alone: bool = False

    @classmethod
    def of(cls, text: str) -> Self:
        """As the row has it: ``returned``, ``overdue|America/New_York;Asia/Shanghai``, ``overdue||alone``."""
        reason, zones, alone = [*text.split("|"), "", ""][:3]
        told = frozenset(zone for zone in zones.split(";") if zone)
        return cls(Reason(reason), told, bool(alone) or reason == Reason.ESCALATION.value)

    def __str__(self) -> str:
        parts = (self.reason.value, ";".join(sorted(self.told)), "alone" if self.alone else "")
        return "|".join(parts).rstrip("|")
