"""Long lists in pieces that a query can take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

#: So many values go into one list of a query.
LOT = 500


def batches(values: Sequence[T], size: int = LOT) -> Iterator[Sequence[T]]:
    """``values``, so many at once."""
    for start in range(0, len(values), size):
        yield values[start : start + size]
