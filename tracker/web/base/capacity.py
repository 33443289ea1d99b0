"""Room for visitors, of whatever there is a bound to: places in a queue, bytes of what they send."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence

from starlette.exceptions import HTTPException

from tracker.errors import TrackerError

#: Seconds after which whoever was refused may ask again.
AGAIN = 2


class UntakenError(HTTPException):
    """What a visitor sends is not taken, with ``status``; ``reason`` says why."""

    def __init__(self, status: int, reason: TrackerError) -> None:
        super().__init__(status)
        self.reason = reason


class BusyError(UntakenError):
    """There is no room; nothing was done."""

    def __init__(self) -> None:
        super().__init__(503, TrackerError("busy", seconds=AGAIN))
        self.headers = {"Retry-After": str(AGAIN)}


class Capacity:
    """``most`` of it for all, and for each of the names in which it is taken as much as ``of_each`` says at its place.

    So ``Capacity(64, 4, 16)`` taken as (unit, address) has 4 for a unit and 16 for an address; a name without a bound at
    its place has all of it.
    """

    def __init__(self, most: int, *of_each: int) -> None:
        self._most = most
        self._of_each = of_each
        self._lock = threading.Lock()
        self._all = 0
        self._taken: Counter[str] = Counter()

    @property
    def taken(self) -> int:
        """How much of it is taken now."""
        return self._all

    def take(self, whose: Sequence[str], count: int = 1) -> None:
        """Take so much more.  Raises BusyError where that is too much for all, or for one of the names."""
        with self._lock:
            bounds = zip(whose, self._of_each, strict=False)
            if self._all + count > self._most or any(self._taken[each] + count > of for each, of in bounds):
                raise BusyError
            self._add(whose, count)

    def give_back(self, whose: Sequence[str], count: int = 1) -> None:
        """So much is free again."""
        with self._lock:
            self._add(whose, -count)

    def _add(self, whose: Sequence[str], count: int) -> None:
        self._all += count
        for each in whose:
            self._taken[each] += count
            if not self._taken[each]:
                del self._taken[each]
