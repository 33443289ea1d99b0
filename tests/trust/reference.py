"""What the outbox must do, said once more and as plainly as possible: no database, no SQL, one dict.

The machine of ``test_model`` does the same to both and compares.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tracker.outbox.queue import LEASE, NO_LEASE, UNCERTAIN_ATTEMPTS
from tracker.outbox.results import BACK_OFF

FINAL = frozenset({"sent", "dropped", "superseded"})


@dataclass
class Letter:
    """One mail: who has it in hand until when, and by which claim."""

    state: str = "queued"
    fence: int = 0
    lease: datetime | None = None
    attempts: int = 0
    lost: int = 0


@dataclass
class Reference:
    """The outbox in a dict."""

    letters: dict[int, Letter] = field(default_factory=dict)

    def may_claim(self, number: int, now: datetime) -> bool:
        letter = self.letters[number]
        is_free = letter.lease is None or not now < letter.lease <= now + NO_LEASE
        return letter.state not in {*FINAL, "failed"} and is_free

    def claim(self, number: int, now: datetime) -> int:
        letter = self.letters[number]
        letter.lost += letter.state == "claimed"
        letter.state, letter.lease, letter.fence = "claimed", now + LEASE, letter.fence + 1
        return letter.fence

    def record(self, number: int, fence: int, said: str, *, is_tried: bool) -> bool:
        """Whether it counts."""
        letter = self.letters[number]
        if letter.state != "claimed" or letter.fence != fence:
            return False
        letter.lease = None
        letter.attempts += is_tried
        letter.lost += said == "uncertain"
        gives_up = (said == "uncertain" and letter.lost >= UNCERTAIN_ATTEMPTS) or (
            said in {"uncertain", "deferred"} and is_tried and letter.attempts > len(BACK_OFF)
        )
        letter.state = "failed" if gives_up else said
        return True

    def supersede(self, number: int) -> None:
        letter = self.letters[number]
        letter.state, letter.lease, letter.fence = "superseded", None, letter.fence + 1

    def drop(self, number: int) -> None:
        letter = self.letters[number]
        letter.state, letter.lease, letter.fence = "dropped", None, letter.fence + 1

    def retry(self, number: int | None) -> None:
        for each in (
            [number] if number is not None else [n for n, it in self.letters.items() if it.state == "failed"]
        ):
            self.letters[each] = Letter(fence=self.letters[each].fence)


#: The longest wait that a mail may have before it: two days heal everything.
LONG = timedelta(days=2)
