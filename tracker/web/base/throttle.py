"""Slows down whoever guesses passwords, and locks nobody out.

Three measures, each of which lets go by itself: one address gets so many attempts a minute; a name that is being
guessed from everywhere gets so many a minute; neither holds for a name where it has signed in before.  And for one name
from one address (or in one browser, see ``device``) the wait doubles with each failure.  What is refused here was no
attempt, and makes no wait longer.  Kept in memory, with a bound: the oldest are forgotten.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import TypeVar

#: Attempts that one address has in one go, and seconds until it has another.
OF_ADDRESS, ADDRESS_GAP = 20, 6.0

#: Failures before a name has to wait, from one address; then seconds, doubled each time up to the longest.
FREE, FIRST_WAIT, LONGEST_WAIT = 3, 2.0, 60.0

#: Attempts that a name has from addresses where it is not known, and seconds until it has another.
OF_NAME, NAME_GAP = 30, 10.0

#: Seconds after which failures are forgotten.
FORGOTTEN = 15 * 60.0

#: So many addresses and names are remembered.
MOST = 10_000

K = TypeVar("K")
V = TypeVar("V")


class _Bounded(OrderedDict[K, V]):
    """Forgets what was used least lately."""

    def put(self, key: K, value: V) -> None:
        self[key] = value
        self.move_to_end(key)
        if len(self) > MOST:
            self.popitem(last=False)


@dataclass(frozen=True, slots=True)
class _Failures:
    count: int
    last: float


@dataclass(frozen=True, slots=True)
class _Bucket:
    """``used`` attempts as of ``at``; they come back with time."""

    used: float
    at: float

    def used_by(self, now: float, gap: float) -> float:
        return max(0.0, self.used - (now - self.at) / gap)


class Throttle:
    """``wait`` before an attempt; ``failed`` or ``succeeded`` after it.  Times are seconds that never go back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_address: _Bounded[str, _Bucket] = _Bounded()
        self._by_name: _Bounded[str, _Bucket] = _Bounded()
        self._failures: _Bounded[tuple[str, str], _Failures] = _Bounded()
        self._known: _Bounded[tuple[str, str], None] = _Bounded()

    def wait(self, name: str, address: str, now: float, *, is_known: bool = False) -> float:
        """Seconds until ``name`` may be tried from ``address``; 0 takes the attempt.

        ``is_known``: they have signed in from there, whether or not that is remembered here.
        """
        place, who = place_of(address), name.strip().casefold()
        with self._lock:
            waits = [0.0, self._left_after_failures((who, place), now)]
            if is_known or (who, place) in self._known:
                return max(waits)
            of_place = self._used(self._by_address, place, now, ADDRESS_GAP)
            of_name = self._used(self._by_name, who, now, NAME_GAP)
            waits += [(of_place - OF_ADDRESS + 1) * ADDRESS_GAP, (of_name - OF_NAME + 1) * NAME_GAP]
            if max(waits) <= 0:
                self._by_address.put(place, _Bucket(of_place + 1, now))
                self._by_name.put(who, _Bucket(of_name + 1, now))
            return max(waits)

    def failed(self, name: str, address: str, now: float) -> None:
        """The password was not theirs, or there is no such name."""
        key = (name.strip().casefold(), place_of(address))
        with self._lock:
            before = self._failures.get(key)
            count = before.count if before is not None and now - before.last < FORGOTTEN else 0
            self._failures.put(key, _Failures(count + 1, now))

    def succeeded(self, name: str, address: str) -> None:
        """They signed in: from there they are known."""
        key = (name.strip().casefold(), place_of(address))
        with self._lock:
            self._failures.pop(key, None)
            self._known.put(key, None)

    def _left_after_failures(self, key: tuple[str, str], now: float) -> float:
        failures = self._failures.get(key)
        if failures is None or failures.count < FREE or now - failures.last >= FORGOTTEN:
            return 0.0
        wait = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(failures.count - FREE, 20))
        return failures.last + wait - now

    @staticmethod
    def _used(buckets: _Bounded[str, _Bucket], key: str, now: float, gap: float) -> float:
        bucket = buckets.get(key)
        return 0.0 if bucket is None else bucket.used_by(now, gap)


def place_of(address: str) -> str:
    """An address as it counts: of IPv6 the network, as one subscriber has 2⁶⁴ addresses."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(IPv6Address(int(found) >> 64 << 64))
    return str(found)
