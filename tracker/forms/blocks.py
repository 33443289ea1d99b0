"""How many tables stand in a sheet, and where: side by side, one below the other, or the one that there mostly is."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tracker.core.form import Form, comparable
from tracker.forms.book import Sheet
from tracker.forms.header import starts_with_field
from tracker.forms.heads import Keys, labels_of

#: So many labels of one form in a row make it a head.
_LABELS = 3
#: Rows of one head are as near to each other.
_NEAR = 2
#: A sheet with more heads than that is no report; what is below the last belongs to it.
_MOST = 40
#: So much of a head that stands elsewhere makes it the same one.
_MOSTLY = 0.6


@dataclass(frozen=True)
class Block:
    """A part of a sheet in which there is one table at most; ``keys`` are those of its labels by row."""

    sheet: Sheet
    keys: Mapping[int, Keys]


def blocks(sheet: Sheet, rows: Mapping[int, Keys], forms: Sequence[Form]) -> Iterator[Block]:
    """The parts of ``sheet``, from the left and from above."""
    for lane in _lanes(Block(sheet, rows), forms):
        yield from _one_below_another(lane, forms)


def _lanes(whole: Block, forms: Sequence[Form]) -> list[Block]:
    """Tables side by side have a label more often than any form has it."""
    starts: set[int] = set()
    for head in _heads(whole, forms):
        places: dict[str, set[int]] = {}
        for row in head:
            for column, key in whole.keys.get(row, {}).items():
                places.setdefault(key, set()).add(column)
        again = [
            sorted(columns) for key, columns in places.items() if 0 < _most_often(key, forms) < len(columns)
        ]
        if again:
            filled = {column for row, column in whole.sheet.cells if row in head}
            starts |= {_start(column, filled) for column in min(again)[1:]}
    if not starts:
        return [whole]
    edges = [0, *sorted(starts), max(column for _, column in whole.sheet.cells) + 1]
    return [_part(whole, columns=range(*each)) for each in itertools.pairwise(edges)]


def _most_often(key: str, forms: Sequence[Form]) -> int:
    """How often a label of a column stands in the head of one form; groups are repeated as people like."""
    return max(
        (
            max(1, sum(key == label for label in labels_of(form).plain.values()))
            for form in forms
            if key in labels_of(form).columns and key not in labels_of(form).groups
        ),
        default=0,
    )


def _start(column: int, filled: set[int]) -> int:
    """The first column of the table that has its second label of a kind at ``column``."""
    at = column
    while at > 0 and at - 1 in filled:
        at -= 1
    return at if at > min(filled) else column


def _one_below_another(lane: Block, forms: Sequence[Form]) -> Iterator[Block]:
    starts = [0]
    for upper, lower in itertools.pairwise(_heads(lane, forms)):
        start = _preamble(lane, upper.stop, lower.start, forms)
        if start is not None:
            starts.append(start)
        elif not _is_repeated(lane, upper, lower, forms):
            starts.append(lower.start)
    if len(starts) == 1:
        yield lane
        return
    edges = [*starts, max(row for row, _ in lane.sheet.cells) + 1]
    for each in itertools.pairwise(edges):
        yield _part(lane, rows=range(*each))


def _heads(block: Block, forms: Sequence[Form]) -> list[range]:
    """The rows of each head, from above: those with labels of one form, and what belongs to them above."""
    known = [labels_of(form) for form in forms]

    def labels(row: int) -> int:
        keys = set(block.keys.get(row, {}).values())
        return max((sum(key in each.columns for key in keys) for each in known), default=0)

    def is_upper(row: int) -> bool:
        return any(
            key in each.columns or key in each.groups
            for key in block.keys.get(row, {}).values()
            for each in known
        )

    found: list[range] = []
    for row in sorted(block.keys):
        if labels(row) < _LABELS:
            continue
        first = row
        while row - first < _NEAR and is_upper(first - 1):
            first -= 1
        if found and first < found[-1].stop + 1:
            found[-1] = range(found[-1].start, row + 1)
        elif len(found) < _MOST:
            found.append(range(first, row + 1))
    return found


def _is_repeated(lane: Block, upper: range, lower: range, forms: Sequence[Form]) -> bool:
    """Whether a head is that of the table above once more, as it stands on each page of a print."""
    above, below = (
        {
            (column, key)
            for row in head
            for column, key in lane.keys.get(row, {}).items()
            if _most_often(key, forms)
        }
        for head in (upper, lower)
    )
    return len(above & below) >= _MOSTLY * len(below)


def _preamble(lane: Block, above: int, below: int, forms: Sequence[Form]) -> int | None:
    """The row between two heads at which the title and the fields of the lower one begin; None without any."""
    titles = [comparable(form.title) for form in forms]
    annexes = {comparable(form.annex) for form in forms if form.annex}
    for (row, _), cell in sorted(lane.sheet.cells.items()):
        if not above <= row < below or not isinstance(cell.value, str) or len(cell.value) > 200:
            continue
        text = comparable(cell.value)
        if text in annexes or any(title in text for title in titles):
            return row
        if any(starts_with_field(form, cell.value) for form in forms) and _is_of_lower(lane, row, below):
            return row
    return None


def _is_of_lower(lane: Block, row: int, below: int) -> bool:
    """Whether nothing but texts stands between a field and the head below: who signed a table stands below it."""
    return (
        all(isinstance(cell.value, str) for (at, _), cell in lane.sheet.cells.items() if row < at < below)
        and below - row <= _NEAR + 1
    )


def _part(block: Block, *, rows: range | None = None, columns: range | None = None) -> Block:
    def within(row: int, column: int) -> bool:
        return (rows is None or row in rows) and (columns is None or column in columns)

    sheet = replace(
        block.sheet,
        cells={place: cell for place, cell in block.sheet.cells.items() if within(*place)},
        merges=tuple(each for each in block.sheet.merges if within(each.first_row, each.first_column)),
    )
    keys = {
        row: {column: key for column, key in found.items() if within(row, column)}
        for row, found in block.keys.items()
    }
    return Block(sheet, {row: found for row, found in keys.items() if found})
