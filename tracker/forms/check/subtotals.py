"""Figures that are the sums of others: exactly or mostly, of rows above, below, or of all others.

One figure that differs makes no total a row of its own; and whoever writes a subtotal above its parts has to find that
they are not counted twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tracker.forms.check.row_checks import ReadRow

#: Sums alone make a total where they are of so many rows, and so many of them are not zero.
ROWS = SUMS = 2
#: Figures of less than that are the sums of others by chance, unless there are more of them than ``SUMS``.
_SMALL = 10

Figure = Decimal | int


class Sums:
    """The sums of some rows; a column is added up as far as it is asked for, as most rows differ in the first."""

    def __init__(self, rows: Iterable[ReadRow] = ()) -> None:
        self._rows = list(rows)
        self._sums: dict[str, tuple[int, Figure | None]] = {}

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self._rows)

    def add(self, row: ReadRow) -> None:
        """One more."""
        self._rows.append(row)

    def of(self, column: str) -> Figure | None:
        """The sum of a column; None where one of its cells could not be read."""
        done, total = self._sums.get(column, (0, 0))
        while done < len(self._rows) and total is not None:
            row = self._rows[done]
            total = None if column in row.unread else total + row.filed.figure(column)
            done += 1
        self._sums[column] = done, total
        return total

    def are(self, figures: Mapping[str, Figure]) -> bool:
        """Whether they are these."""
        return bool(self._rows) and all(self.of(column) == figure for column, figure in figures.items())

    def are_mostly(self, figures: Mapping[str, Figure]) -> bool:
        """Whether most of them are these, ``figures`` without zeros, and that can hardly be by chance."""
        if self.rows < ROWS or len(figures) <= SUMS:
            return False
        differ = 0
        for column, figure in figures.items():
            differ += self.of(column) != figure
            if 2 * differ >= len(figures):
                return False
        return _is_telling(
            {each: figure for each, figure in figures.items() if self.of(each) == figure}, self._rows
        )


@dataclass(frozen=True, slots=True)
class Parts:
    """The rows below one that are its parts: how many, if all its figures are their sums, and if hardly by chance."""

    rows: int
    is_whole: bool
    is_sure: bool


def above_their_parts(rows: Sequence[ReadRow]) -> dict[int, Parts]:
    """Which of ``rows`` are the sums of those directly below them, by their place, and what is below."""
    found: dict[int, Parts] = {}
    for at in range(len(rows) - ROWS - 1, -1, -1):
        parts = _parts(rows, at, found)
        if parts is not None:
            found[at] = parts
    # Beside other subtotals one is enough to be the sum of.
    for at in sorted(found):
        head = _after(rows, at, found)
        while head is not None and head not in found and head + 1 < len(rows):
            figures = figures_of(rows[head])
            if len(figures) < SUMS or figures != figures_of(rows[head + 1]) or rows[head].unread:
                break
            found[head] = Parts(1, is_whole=True, is_sure=found[at].is_sure)
            head = _after(rows, head, found)
    return found


def _after(rows: Sequence[ReadRow], at: int, found: Mapping[int, Parts]) -> int | None:
    """The row that follows the parts of the one ``at``."""
    left = found[at].rows
    for place in range(at + 1, len(rows)):
        if left == 0:
            return place
        left -= place not in found
    return None


def _parts(rows: Sequence[ReadRow], at: int, found: Mapping[int, Parts]) -> Parts | None:
    figures = figures_of(rows[at])
    if len(figures) < SUMS or rows[at].unread:
        return None
    sums: dict[str, Figure] = dict.fromkeys(figures, 0)
    parts: list[ReadRow] = []
    for place in range(at + 1, len(rows)):
        if place in found:
            continue
        parts.append(rows[place])
        for column in figures:
            sums[column] += rows[place].filed.figure(column)
        over = sum(sums[column] > figure for column, figure in figures.items())
        if 2 * over >= len(figures):
            return None
        equal = {column: figure for column, figure in figures.items() if sums[column] == figure}
        is_whole = len(equal) == len(figures)
        is_most = 2 * len(equal) > len(figures) and len(figures) > SUMS
        if len(parts) < ROWS or not (is_most or is_whole):
            continue
        is_sure = _is_telling(equal, parts)
        if is_sure or is_whole or max(_added(equal, parts), default=0) >= _SMALL:
            return Parts(len(parts), is_whole, is_sure)
    return None


def _is_telling(equal: Mapping[str, Figure], rows: Sequence[ReadRow]) -> bool:
    """Whether figures are hardly the sums of ``rows`` by chance: two of them were added up, and are large or not alone."""
    added = sorted(_added(equal, rows))[-SUMS:]
    return len(added) == SUMS and (len(equal) > SUMS or added[0] >= _SMALL)


def _added(equal: Mapping[str, Figure], rows: Sequence[ReadRow]) -> list[Figure]:
    """Those of sums that are of several figures other than zero."""
    return [
        figure
        for column, figure in equal.items()
        if sum(bool(row.filed.figure(column)) for row in rows) >= ROWS
    ]


def figures_of(row: ReadRow) -> dict[str, Figure]:
    """The figures of a row that are not zero."""
    kinds, filed = row.table.form.by_id, row.filed
    return {each: filed.figure(each) for each in filed.values if kinds[each].is_figure and filed.figure(each)}
