"""Rows that are totals: by their labels, by their figures, or by one of the two and then asked about.

A row is left out in silence only where its whole label is made of the words of a total and its figures are sums.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from tracker.core.form import Column, ColumnKind, Said
from tracker.forms.book import Cell, Place
from tracker.forms.check.labels import contains_total, is_all_total, is_only_place, says_total
from tracker.forms.check.recognised import Recognised
from tracker.forms.check.row_checks import ReadRow
from tracker.forms.check.rows import RowKind, TableRow
from tracker.forms.check.values import found_text, read_value, tidy_number
from tracker.forms.finding import Finding, Weight

#: Sums alone make a total where they are of so many rows, and so many of them are not zero.
_ROWS = _SUMS = 2


@dataclass
class Line:
    """A row of data or a total as it was read; of a total that says nothing ``read`` is None.

    ``findings`` count where the row does.
    """

    table: Recognised
    row: TableRow
    read: ReadRow | None
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_total(self) -> bool:
        """Whether it is called one, or adds up by formulas."""
        return self.row.kind is RowKind.TOTAL


class _Sums:
    """The sums of some rows; a column is added up as far as it is asked for, as most rows differ in the first."""

    def __init__(self, rows: Iterable[ReadRow] = ()) -> None:
        self._rows = list(rows)
        self._sums: dict[str, tuple[int, Decimal | int | None]] = {}

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self._rows)

    def add(self, row: ReadRow) -> None:
        """One more."""
        self._rows.append(row)

    def of(self, column: str) -> Decimal | int | None:
        """The sum of a column; None where one of its cells could not be read."""
        done, total = self._sums.get(column, (0, 0))
        while done < len(self._rows) and total is not None:
            row = self._rows[done]
            total = None if column in row.unread else total + row.filed.figure(column)
            done += 1
        self._sums[column] = done, total
        return total

    def are(self, figures: Mapping[str, Decimal | int]) -> bool:
        """Whether they are these."""
        return bool(self._rows) and all(self.of(column) == figure for column, figure in figures.items())


def without_totals(lines: Sequence[Line]) -> tuple[list[ReadRow], list[Finding]]:
    """The rows of data, and what was found in them and in the totals."""
    kept: list[ReadRow] = []
    #: Of all rows, and of those between two totals.
    whole, parts = _Sums(), [_Sums()]
    totals: list[tuple[int, Line]] = []
    findings: list[Finding] = []
    others = _Sums(each.read for each in lines if each.read is not None and not each.is_total)
    for line in lines:
        is_total = line.row.kind is RowKind.TOTAL
        if line.read is None or (is_total and not _is_name(line, others)):
            totals.append((len(parts), line))
            parts.append(_Sums())
            continue
        above = 0 if is_total else _equal(line, parts[-1], whole)
        below = 0 if kept or totals or is_total else _equal(line, _Sums(_others(lines, line)))
        if (above or below) and not _is_more_than_figures(line):
            findings.append(_by_sums(line, above or below, is_above=bool(above)))
            parts.append(_Sums())
            continue
        findings += line.findings
        if above or below:
            findings.append(_like_sums(line, above or below))
        elif any(contains_total(text) for text in _labels(line)):
            findings.append(_like_label(line))
        kept.append(line.read)
        whole.add(line.read)
        parts[-1].add(line.read)
    if totals and not kept and any(_figures_of(line) for _, line in totals):
        return _only_totals([line for _, line in totals])
    for number, line in totals:
        findings += _about_total(line, (whole, parts[number - 1], parts[number]))
    return kept, findings


def _figures_of(line: Line) -> dict[str, Decimal | int]:
    """The figures of a row that are not zero."""
    if line.read is None:
        return {}
    kinds, filed = line.table.form.by_id, line.read.filed
    return {each: filed.figure(each) for each in filed.values if kinds[each].is_figure and filed.figure(each)}


def _is_name(line: Line, sums: _Sums) -> bool:
    """Whether a row is called like a total by chance (汇总会计学校): numbered, with words of its own, and no sum.

    ``sums`` are those of the rows that are not called so.
    """
    kinds = line.table.form.by_id
    is_numbered = any(
        kinds[each].kind is ColumnKind.SERIAL and isinstance(cell.value, int)
        for each, (_, cell) in line.row.cells.items()
    )
    labels = list(_labels(line))
    if not is_numbered or any(map(is_all_total, labels)) or not any(map(says_total, labels)):
        return False
    return all(sums.of(each) != figure for each, figure in _figures_of(line).items())


def _only_totals(lines: Sequence[Line]) -> tuple[list[ReadRow], list[Finding]]:
    """There are totals and no rows: a form without names may be one row; of one with names the rows are missing."""
    line = lines[-1]
    if line.table.name_column is None and len(lines) == 1 and line.read is not None:
        said = Said(
            "表里只有合计一行，已按这一行计入，请核对。",
            "There is but a total in this table; it was counted as its one row, please check.",
        )
        return [line.read], [*line.findings, _finding(line, said)]
    said = Said(
        "表里只有合计，没有各行的数；请逐行填写。",
        "There are but totals in this table, and no rows; please fill in each row.",
    )
    return [], [replace(_finding(line, said), weight=Weight.ERROR)]


def _others(lines: Iterable[Line], line: Line) -> Iterator[ReadRow]:
    return (each.read for each in lines if each.read is not None and each is not line and not each.is_total)


def _equal(line: Line, *sums: _Sums) -> int:
    """Of how many rows a row has the sums in every figure that it has; 0 where it has not.

    Where it is called by a place alone (全区), one row is enough.
    """
    assert line.read is not None
    kinds = line.table.form.by_id
    filed = line.read.filed
    figures = {each: filed.figure(each) for each in filed.values if kinds[each].is_figure}
    equal = [each.rows for each in sums if each.are(figures)]
    if not equal or sum(map(bool, figures.values())) < _SUMS:
        return 0
    if any(kinds[each].is_figure for each in line.read.unread):
        return 0
    least = 1 if any(map(is_only_place, _labels(line))) else _ROWS
    return next((rows for rows in equal if rows >= least), 0)


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


def _about_total(line: Line, sums: Sequence[_Sums]) -> Iterator[Finding]:
    """What is to be asked about a row that is called a total, or adds up by formulas; ``sums`` of all rows first."""
    figures = dict(_figures(line))
    is_called = any(is_all_total(text) for text in _labels(line))
    wrong = False
    for each, (place, figure) in figures.items() if is_called or not any(_labels(line)) else ():
        whole = sums[0].of(each)
        if whole is None or figure in [other.of(each) for other in sums]:
            continue
        wrong = True
        expected = str(tidy_number(whole))
        said = Said(
            f"合计是{figure}，各行相加是{expected}，请核对。",
            f"The total says {figure}, the rows add up to {expected}; please check.",
        )
        yield _finding(line, said, place, Said(expected, expected))
    if wrong or not any(number for _, number in figures.values()):
        return
    if not is_called:
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
