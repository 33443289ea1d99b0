"""How many are in, of how many: counted here for every page, so that all of them say the same.

Who is waived or paused is neither in nor missing: shown with a light of their own, and not expected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from tracker.core.model import Light, State
from tracker.core.status import URGENCY, Progress


class ResponsePart(StrEnum):
    """What an assignment is among all that are asked of its kind."""

    IN = "in"
    MISSING = "missing"
    EXCUSED = "excused"
    BEFORE = "before"


def part_of(answer: Progress, state: State) -> ResponsePart:
    """Where ``answer`` counts; what was due before the ledger began is neither in nor missing."""
    if state is State.BEFORE:
        return ResponsePart.BEFORE
    if answer.excused:
        return ResponsePart.EXCUSED
    return ResponsePart.IN if answer.quiet else ResponsePart.MISSING


class BarStretch(NamedTuple):
    """A piece of a bar, from 0 to 1; ``part`` says how full it is drawn, ``light`` in which colour."""

    part: ResponsePart
    light: Light
    start: float
    share: float


@dataclass
class ResponseCounts:
    """Assignments by what they are and how they shine."""

    counted: dict[ResponsePart, Counter[Light]] = field(
        default_factory=lambda: {part: Counter() for part in ResponsePart}
    )

    def add(self, part: ResponsePart, light: Light, number: int = 1) -> None:
        """``number`` more of them."""
        self.counted[part][light] += number

    @property
    def answered(self) -> int:
        """How many are in."""
        return self.counted[ResponsePart.IN].total()

    @property
    def missing(self) -> int:
        """How many are not."""
        return self.counted[ResponsePart.MISSING].total()

    @property
    def excused(self) -> int:
        """How many need not answer."""
        return self.counted[ResponsePart.EXCUSED].total()

    @property
    def before(self) -> int:
        """How many were due before the ledger began."""
        return self.counted[ResponsePart.BEFORE].total()

    @property
    def expected(self) -> int:
        """How many there are to come in altogether."""
        return self.answered + self.missing

    @property
    def lights(self) -> Counter[Light]:
        """How many shine in which light, whoever is excused with them."""
        return sum(self.counted.values(), Counter())

    @property
    def is_open_ended(self) -> bool:
        """Whether there is nothing that could be in or missing: all goes on without an end, or is excused."""
        return self.expected == self.lights[Light.BLUE]

    def bar(self) -> Iterator[BarStretch]:
        """What is in comes first, so that a bar is as full as the numbers beside it; then what needs somebody most."""
        total = sum(lights.total() for lights in self.counted.values())
        start = 0
        for part, lights in self.counted.items():
            order = reversed(URGENCY) if part is ResponsePart.IN else URGENCY
            for light in order:
                number = lights[light]
                if number:
                    yield BarStretch(part, light, start / total, number / total)
                    start += number
