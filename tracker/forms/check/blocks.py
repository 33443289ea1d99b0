"""How many tables stand in a sheet, and where: side by side, one below the other, or the one that there mostly is."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tracker.core.form import Form, comparable
from tracker.forms.book import Cell, Merge, Place, Sheet
from tracker.forms.check.column_headers import Keys, labels_of
from tracker.forms.check.form_fields import starts_with_field

#: So many labels of one form in a row make it a head.
_LABELS = 3
#: Rows of one head are as near to each other.
_NEAR = 2
#: A sheet with more heads than that is no report; what is below the last belongs to it.
_MOST = 40
#: A text that is longer than this is a paragraph.
_LONGEST = 200
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
    return _parts(whole, [0, *sorted(starts)], axis=1)


def _most_often(key: str, forms: Sequence[Form]) -> int:
    """How often a label of a column stands in the head of one form; groups are repeated as people like."""
    known = map(labels_of, forms)
    return max(
        (max(1, each.often.get(key, 0)) for each in known if key in each.columns and key not in each.groups),
        default=0,
    )


def _start(column: int, filled: set[int]) -> int:
    """The first column of the table that has its second label of a kind at ``column``."""
    at = column
    while at > 0 and at - 1 in filled:
        at -= 1
    return at if at > min(filled) else column


def _one_below_another(lane: Block, forms: Sequence[Form]) -> list[Block]:
    heads = _heads(lane, forms)
    if len(heads) < 2:
        return [lane]
    rows: dict[int, list[Cell]] = {}
    for (row, _), cell in sorted(lane.sheet.cells.items()):
        rows.setdefault(row, []).append(cell)
    starts = [0]
    for upper, lower in itertools.pairwise(heads):
        start = _preamble(rows, range(upper.stop, lower.start), forms)
        if start is not None:
            starts.append(start)
        elif not _is_repeated(lane, upper, lower, forms):
            starts.append(lower.start)
    return _parts(lane, starts, axis=0) if len(starts) > 1 else [lane]


def _heads(block: Block, forms: Sequence[Form]) -> list[range]:
    """The rows of each head, from above: those with labels of one form, and what belongs to them above."""
    known = [labels_of(form) for form in forms]

    def is_upper(row: int) -> bool:
        return any(
            key in each.columns or key in each.groups
            for key in block.keys.get(row, {}).values()
            for each in known
        )

    found: list[range] = []
    for row in sorted(block.keys):
        if all(each.known(block.keys[row]) < _LABELS for each in known):
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
    """Whether a head is that of the table above once more, as it stands on each page of a print.

    One with the same labels in other columns is a head of its own: its rows cannot be read by the one above.
    """
    above, below = (
        {
            (column, key)
            for row in head
            for column, key in lane.keys.get(row, {}).items()
            if _most_often(key, forms)
        }
        for head in (upper, lower)
    )
    known = {key for _, key in above}
    is_moved = any(key in known for _, key in below - above)
    return not is_moved and len(above & below) >= _MOSTLY * len(below)


def _preamble(rows: Mapping[int, Sequence[Cell]], between: range, forms: Sequence[Form]) -> int | None:
    """The row between two heads at which the title and the fields of the lower one begin; None without any."""
    titles = [comparable(form.title) for form in forms]
    annexes = {comparable(form.annex) for form in forms if form.annex}
    for row in between:
        for cell in rows.get(row, ()):
            if not isinstance(cell.value, str) or len(cell.value) > _LONGEST:
                continue
            text = comparable(cell.value)
            if text in annexes or any(title in text for title in titles):
                return row
            # Who signed a table stands below it, and not so near to the next head.
            is_near = between.stop - row <= _NEAR + 1 and all(
                isinstance(other.value, str)
                for below in range(row + 1, between.stop)
                for other in rows.get(below, ())
            )
            if is_near and any(starts_with_field(form, cell.value) for form in forms):
                return row
    return None


def _parts(block: Block, starts: Sequence[int], *, axis: int) -> list[Block]:
    """``block`` cut before each of the rows (``axis`` 0) or columns (1) but the first."""

    def number(place: Place) -> int:
        return max(0, bisect_right(starts, place[axis]) - 1)

    cells: list[dict[Place, Cell]] = [{} for _ in starts]
    merges: list[list[Merge]] = [[] for _ in starts]
    keys: list[dict[int, dict[int, str]]] = [{} for _ in starts]
    for place, cell in block.sheet.cells.items():
        cells[number(place)][place] = cell
    for merge in block.sheet.merges:
        merges[number((merge.first_row, merge.first_column))].append(merge)
    for row, found in block.keys.items():
        for column, key in found.items():
            keys[number((row, column))].setdefault(row, {})[column] = key
    return [
        Block(replace(block.sheet, cells=own, merges=tuple(merged)), labels)
        for own, merged, labels in zip(cells, merges, keys, strict=True)
        if own
    ]
