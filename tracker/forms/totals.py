"""Rows that are totals: by their labels, by their figures, or by one of the two and then asked about.

A row is left out in silence only where its whole label is made of the words of a total and its figures are sums.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from tracker.core.form import Column, ColumnKind, Said
from tracker.forms.against import ReadRow
from tracker.forms.book import Cell, Place
from tracker.forms.finding import Finding, Weight
from tracker.forms.labels import contains_total, is_all_total, is_only_place
from tracker.forms.recognised import Recognised
from tracker.forms.rows import TableRow
from tracker.forms.values import found_text, read_value, tidy_number

#: Sums alone make a total where they are of so many rows, and so many of them are not zero.
_ROWS = _SUMS = 2


@dataclass
class Line:
    """A row of data or a total as it was read: ``read`` None for a total."""

    table: Recognised
    row: TableRow
    read: ReadRow | None
    findings: list[Finding] = field(default_factory=list)


def without_totals(lines: Sequence[Line]) -> tuple[list[ReadRow], list[Finding]]:
    """The rows of data, and what was found in them and in the totals."""
    kept: list[ReadRow] = []
    #: The rows between two totals.
    parts: list[list[ReadRow]] = [[]]
    totals: list[tuple[int, Line]] = []
    findings: list[Finding] = []
    rest = [line.read for line in lines if line.read is not None]
    for line in lines:
        if line.read is None:
            totals.append((len(parts), line))
            parts.append([])
            continue
        is_place = any(map(is_only_place, _labels(line)))
        above = _equal(line.read, parts[-1], kept, is_place=is_place)
        others = [each for each in rest if each is not line.read]
        below = [] if kept or totals else _equal(line.read, others, is_place=is_place)
        summed = above or below
        if summed and not _is_more_than_figures(line):
            findings.append(_by_sums(line, len(summed), is_above=bool(above)))
            parts.append([])
            continue
        findings += line.findings
        if summed:
            findings.append(_like_sums(line, len(summed)))
        elif any(contains_total(text) for text in _labels(line)):
            findings.append(_like_label(line))
        kept.append(line.read)
        parts[-1].append(line.read)
    for number, line in totals:
        findings += _about_total(line, kept, (parts[number - 1], parts[number]))
    return kept, findings


def _equal(row: ReadRow, *sums_of: Sequence[ReadRow], is_place: bool) -> Sequence[ReadRow]:
    """The rows of which ``row`` has the sums in every figure that it has; none, where there are no such rows.

    Where it is called by a place alone (全区), one row is enough.
    """
    figures = {
        column.id: row.filed.figure(column.id)
        for column in row.table.form.columns
        if column.is_figure and column.id in row.filed.values
    }
    if row.unread & {column.id for column in row.table.form.columns if column.is_figure}:
        return ()
    least = 1 if is_place else _ROWS
    for rows in sums_of:
        if len(rows) < least or sum(value != 0 for value in figures.values()) < _SUMS:
            continue
        if all(_sum(rows, each) == value for each, value in figures.items()):
            return rows
    return ()


def _sum(rows: Sequence[ReadRow], column: str) -> Decimal | None:
    """The sum of a column; None where one of its cells could not be read."""
    if any(column in row.unread for row in rows):
        return None
    return sum((Decimal(row.filed.figure(column)) for row in rows), Decimal(0))


def _is_more_than_figures(line: Line) -> bool:
    """Whether a row says what no total says: a √, or one of the words to choose from."""
    assert line.read is not None
    kinds = line.table.form.by_id
    return any(
        kinds[each].kind in {ColumnKind.CHOICE, ColumnKind.TICK} and value
        for each, value in line.read.filed.values.items()
    )


def _labels(line: Line) -> Iterator[str]:
    for _, cell in list(line.row.cells.values())[:2]:
        if isinstance(cell.value, str):
            yield cell.value


def _place(line: Line) -> Place:
    """Where a row has its name, or its first figure."""
    kinds = line.table.form.by_id
    for kind in (ColumnKind.NAME, None):
        for each, (place, _) in line.row.cells.items():
            if kinds[each].kind is kind or (kind is None and kinds[each].is_figure):
                return place
    return next(iter(line.row.cells.values()))[0]


def _finding(line: Line, said: Said, place: Place | None = None, expected: Said | None = None) -> Finding:
    at = place or _place(line)
    cell = line.table.sheet.cells.get(at)
    found = "" if cell is None else found_text(cell)
    return Finding(Weight.QUESTION, said, line.table.sheet.name, at, found, expected or Said("", ""))


def _by_sums(line: Line, count: int, *, is_above: bool) -> Finding:
    where, where_en = ("上面", "above") if is_above else ("下面", "below")
    said = Said(
        f"这一行的数正好是{where}{count}行之和，按合计处理，没有计入；如不是合计，请写明名称并核对。",
        f"These figures are the sums of the {count} rows {where_en}: taken for a total and not counted; please check, "
        "and name the row if it is none.",
    )
    return _finding(line, said)


def _like_sums(line: Line, count: int) -> Finding:
    said = Said(
        f"这一行的数正好是其他{count}行之和，已作为单独一行计入；如是合计，请删去。",
        f"These figures are the sums of {count} other rows; it was counted as a row of its own, please delete it if it "
        "is a total.",
    )
    return _finding(line, said)


def _like_label(line: Line) -> Finding:
    said = Said(
        "名称里有“合计”一类的字，已作为单独一行计入；如是合计，请删去。",
        "The name has the word of a total in it; it was counted as a row of its own, please delete it if it is a total.",
    )
    return _finding(line, said)


def _about_total(
    line: Line, kept: Sequence[ReadRow], beside: Sequence[Sequence[ReadRow]]
) -> Iterator[Finding]:
    """What is to be asked about a row that is called a total, or adds up by formulas."""
    figures = dict(_figures(line))
    wrong = False
    for each, (place, figure) in figures.items():
        sums = [_sum(rows, each) for rows in (kept, *beside)]
        if any(number is None for number in sums[:1]):
            continue
        if figure not in sums:
            wrong = True
            said = Said(
                f"合计是{figure}，各行相加是{tidy_number(sums[0] or Decimal(0))}，请核对。",
                f"The total says {figure}, the rows add up to {tidy_number(sums[0] or Decimal(0))}; please check.",
            )
            expected = str(tidy_number(sums[0] or Decimal(0)))
            yield _finding(line, said, place, Said(expected, expected))
    if wrong or not any(number for _, number in figures.values()):
        return
    if not any(is_all_total(text) for text in _labels(line)):
        said = Said(
            "这一行按合计处理，没有计入；如不是合计，请写明名称并核对。",
            "Taken for a total and not counted; please check, and name the row if it is none.",
        )
        yield _finding(line, said)


def _figures(line: Line) -> Iterator[tuple[str, tuple[Place, Decimal]]]:
    """The figures in a row of totals, also where they are formulas."""
    kinds: Mapping[str, Column] = line.table.form.by_id
    for each, (place, cell) in line.row.cells.items():
        if not kinds[each].is_figure or cell.is_error or isinstance(cell.value, bool):
            continue
        value = read_value(kinds[each], Cell(cell.value)).value
        if value is not None and not isinstance(value, str):
            yield each, (place, Decimal(value))
