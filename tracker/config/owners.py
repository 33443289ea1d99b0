"""Who a text such as “市应急管理局、各区县应急管理局” means, by the names and aliases of units and groups.

The text is read from the left, at each place the longest name first, and separators between names are
skipped.  Names come before separators, so that 和平区 is no “and” and “市、区考试机构” may be a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

#: What may stand between two names; a word only where it is a word of its own.
_SEPARATOR = re.compile(r"[、，,；;。\s]+|以及|及|和|与|&|\b[Aa][Nn][Dd]\b")
_HALF_WIDTH = {0x3000: " "} | {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
#: What certainly ends a name that nobody knows.
_END = re.compile(r"[、，,；;。\r\n]")


@dataclass(frozen=True, slots=True)
class OwnersPart:
    """The stretch ``[start, end)`` of the text and the units that it means; None where nobody knows it."""

    start: int
    end: int
    units: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Owners:
    """How a text was read: its parts in order, and the units of all of them, none twice."""

    parts: tuple[OwnersPart, ...]
    units: tuple[str, ...]


class UnitNames:
    """Names with the ids of the units that each stands for; capitals and full width do not count.

    The first of equals wins.

    Lengths are kept by first character: at a place in a text only those are tried, longest first, so that
    reading costs the same with 3,000 units as with 30.
    """

    def __init__(self, meanings: Iterable[tuple[str, tuple[str, ...]]] = ()) -> None:
        self._units: dict[str, tuple[str, ...]] = {}
        #: The names as they are written.
        self.written: list[str] = []
        lengths: dict[str, set[int]] = {}
        for name, units in meanings:
            key = fold(name)
            if key and key not in self._units:
                self._units[key] = units
                self.written.append(name)
                lengths.setdefault(key[0], set()).add(len(key))
        self._lengths = {first: sorted(found, reverse=True) for first, found in lengths.items()}

    def longest_at(self, folded: str, start: int) -> int:
        """The length of the longest name that stands at ``start``; 0 if there is none."""
        for length in self._lengths.get(folded[start : start + 1], ()):
            end = start + length
            # A slice that runs over the end of the text is shorter, and may be another name.
            if end <= len(folded) and folded[start:end] in self._units and not _is_inside_a_word(folded, end):
                return length
        return 0

    def units(self, folded: str) -> tuple[str, ...]:
        """The units that a name stands for."""
        return self._units[folded]


def fold(name: str) -> str:
    """The name as it is compared, in half-width and small letters; as long as it was, so that places stay true."""
    narrow = name.translate(_HALF_WIDTH)
    lower = narrow.lower()
    if len(lower) == len(name):
        return lower
    return "".join(each.lower() if len(each.lower()) == 1 else each for each in narrow)


def resolve(text: str, names: UnitNames) -> Owners:
    """Read ``text``; units in the order of the text, and within a group in that of its members."""
    folded = fold(text)
    parts = []
    place = 0
    while place < len(text):
        if length := names.longest_at(folded, place):
            parts.append(OwnersPart(place, place + length, names.units(folded[place : place + length])))
        elif found := _SEPARATOR.match(folded, place):
            length = found.end() - place
        else:
            length = _length_of_unknown(folded, place, names)
            parts.append(OwnersPart(place, place + len(text[place : place + length].rstrip()), None))
        place += length
    return Owners(tuple(parts), tuple(dict.fromkeys(unit for part in parts for unit in part.units or ())))


def _length_of_unknown(folded: str, start: int, names: UnitNames) -> int:
    """Up to a comma, or to a word such as “和” with a known name behind it."""
    end = _END.search(folded, start)
    limit = end.start() if end else len(folded)
    for found in _SEPARATOR.finditer(folded, start + 1, limit):
        after = found.end()
        while (space := _SEPARATOR.match(folded, after)) is not None:
            after = space.end()
        if names.longest_at(folded, after):
            return found.start() - start
    return limit - start


def _is_inside_a_word(folded: str, end: int) -> bool:
    """Whether a Latin word goes on at ``end``: “Finance” is no part of “Financed”."""
    around = folded[end - 1 : end + 1]
    return len(around) == 2 and around.isascii() and around.isalnum()
