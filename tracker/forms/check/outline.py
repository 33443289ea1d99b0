"""Rows of several ranks: 一 above 1 and 2, (1) and 1.1 below 1, and what 其中 begins.

The figures of one rank are those of the other once more, so that one of them counts, and it is asked which.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from tracker.core.form import ColumnKind, squeezed
from tracker.forms.check.figures import chinese_number
from tracker.forms.check.form_fields import shown
from tracker.forms.check.labels import begins_parts
from tracker.forms.check.recognised import Recognised
from tracker.forms.check.rows import RowKind, TableRow
from tracker.forms.check.values import read_value

_NUMERAL = re.compile(r"\(?第?([一二三四五六七八九十]{1,3})[类批部分]?\)?[、.,:]?")
_NUMBER = re.compile(r"([0-9]{1,4}(?:[.-][0-9]{1,4})*)[、.,:]?")
_BRACKETED = re.compile(r"\(?([0-9]{1,3})\)[、.,:]?")
#: Parts are known by so many figures, each of which they add up to.
_FIGURES = 2

#: What kind of number it is and how many it is made of: 一 is above 1, that above 1.1, and those above (1).
_Rank = tuple[int, int]


def by_rank(table: Recognised, rows: Sequence[TableRow]) -> None:
    """Tell the headings that have figures, and the parts of rows, from the rows of data that they would double."""
    serial = next((each for each in table.columns if table.form.by_id[each].kind is ColumnKind.SERIAL), None)
    if serial is not None:
        _by_number(table, [row for row in rows if row.kind is RowKind.DATA], serial)
    for at, row in enumerate(rows):
        if row.kind is RowKind.DERIVED and any(
            begins_parts(shown(cell.value)) for _, cell in row.cells.values()
        ):
            _end_list(table, rows, at)


def _by_number(table: Recognised, data: Sequence[TableRow], serial: str) -> None:
    numbers = [_number(row, serial) for row in data]
    last: dict[_Rank, int] = {}
    whole: _Rank | None = None
    for row, number, below in zip(data, numbers, (*numbers[1:], None), strict=False):
        if number is None:
            whole = None
            continue
        rank, count = number
        if whole is not None and rank > whole:
            row.kind = RowKind.DERIVED
            continue
        whole, last[rank] = None, count
        if below is None or below[0] <= rank or not any(_figures(table, row).values()):
            continue
        # Beside 1, 2 and 3 a (2) is no more than another way to write.
        is_numeral = rank < (1, 1)
        if below[1] != 1 and not (is_numeral and below[1] == last.get(below[0], 0) + 1):
            continue
        if is_numeral:
            row.kind = RowKind.HEADING
        else:
            whole = rank


def _number(row: TableRow, serial: str) -> tuple[_Rank, int] | None:
    """The rank of the number of a row, and the number, the last one where it is made of several."""
    text = squeezed(shown(row.cells[serial][1].value)) if serial in row.cells else ""
    if found := _NUMERAL.fullmatch(text):
        count = chinese_number(found[1])
        return None if count is None else ((0, 1), int(count))
    if found := _NUMBER.fullmatch(text):
        parts = re.split("[.-]", found[1])
        return (1, len(parts)), int(parts[-1])
    if found := _BRACKETED.fullmatch(text):
        return (2, 1), int(found[1])
    return None


def _end_list(table: Recognised, rows: Sequence[TableRow], at: int) -> None:
    """What follows the row ``at``, which begins with 其中, are parts too, up to where they make up the row above."""
    above = next((row for row in reversed(rows[:at]) if row.kind is not RowKind.DERIVED), None)
    if above is None or above.kind is not RowKind.DATA:
        return
    whole = {each: figure for each, figure in _figures(table, above).items() if figure}
    sums = dict.fromkeys(whole, Decimal(0))
    for end in range(rows.index(above) + 1, len(rows)):
        if len(whole) < _FIGURES or (end > at and rows[end].kind not in {RowKind.DATA, RowKind.DERIVED}):
            return
        for each, figure in _figures(table, rows[end]).items():
            if each in sums:
                sums[each] += figure
        if any(sums[each] > whole[each] for each in whole):
            return
        if end >= at and sums == whole:
            for row in rows[at + 1 : end + 1]:
                row.kind = RowKind.DERIVED
            return


def _figures(table: Recognised, row: TableRow) -> dict[str, Decimal]:
    """The figures of a row, as far as they can be read."""
    found = {}
    for each, (_, cell) in row.cells.items():
        column = table.form.by_id[each]
        value = read_value(column, cell).value if column.is_figure else None
        if value is not None and not isinstance(value, str):
            found[each] = Decimal(value)
    return found
