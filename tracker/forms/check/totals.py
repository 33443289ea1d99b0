"""Rows that are totals: by their labels, by their figures, or by one of the two and then asked about.

A row is left out in silence only where its whole label is made of the words of a total and its figures are sums.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from tracker.core.form import Column, ColumnKind
from tracker.forms.book import Cell, Place
from tracker.forms.check.labels import (
    contains_total,
    is_all_total,
    is_only_place,
    names_whole,
    says_total,
)
from tracker.forms.check.recognised import Recognised
from tracker.forms.check.row_checks import ReadRow
from tracker.forms.check.rows import RowKind, TableRow
from tracker.forms.check.subtotals import ROWS, SUMS, Parts, Sums, above_their_parts, figures_of
from tracker.forms.check.values import found_text, read_value, tidy_number
from tracker.forms.finding import Finding, Weight
from tracker.i18n.message import Message

_ONLY = Message("findings.total.alone")


@dataclass
class ReadLine:
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


@dataclass(frozen=True, slots=True)
class _Like:
    """Of how many rows a row has the sums: in every figure or in most, of those above or below; is it hardly by chance."""

    rows: int
    is_above: bool = True
    is_whole: bool = True
    is_sure: bool = True


def without_totals(lines: Sequence[ReadLine]) -> tuple[list[ReadRow], list[Finding]]:
    """The rows of data, and what was found in them and in the totals."""
    kept: list[ReadRow] = []
    #: Of all rows, and of those between two totals.
    whole, parts = Sums(), [Sums()]
    totals: list[tuple[int, ReadLine]] = []
    findings: list[Finding] = []
    plain = [line.read for line in lines if line.read is not None and not line.is_total]
    others = Sums(plain)
    heads = {id(plain[at]): found for at, found in above_their_parts(plain).items()}
    for line in lines:
        if line.read is None or (line.is_total and not _is_name(line, others)):
            totals.append((len(parts), line))
            parts.append(Sums())
            continue
        like = None
        if not line.is_total:
            is_first = not kept and not totals
            rest = Sums(each for each in plain if each is not line.read) if is_first else Sums()
            like = _like(line, (parts[-1], whole), rest, heads.get(id(line.read)))
        is_whole = not line.is_total and _names_whole(line)
        is_out = like is not None and like.is_sure and not _says_more(line)
        if is_whole and len(plain) > 1:
            is_out = like is not None or _is_above_all(line.read, plain)
        if is_out:
            findings.append(_by_label(line) if like is None else _by_sums(line, like))
            parts.append(Sums())
            continue
        findings += line.findings
        findings += _about_row(line, like, is_whole=is_whole, is_alone=len(plain) == 1)
        kept.append(line.read)
        whole.add(line.read)
        parts[-1].add(line.read)
    if totals and not kept and any(line.read and figures_of(line.read) for _, line in totals):
        return _only_totals([line for _, line in totals])
    for number, line in totals:
        findings += _about_total(line, (whole, parts[number - 1], parts[number]))
    return kept, findings


def _is_name(line: ReadLine, sums: Sums) -> bool:
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
    return line.read is not None and all(
        sums.of(each) != figure for each, figure in figures_of(line.read).items()
    )


def _only_totals(lines: Sequence[ReadLine]) -> tuple[list[ReadRow], list[Finding]]:
    """There are totals and no rows: a form without names may be one row; of one with names the rows are missing."""
    line = lines[-1]
    if line.table.name_column is None and len(lines) == 1 and line.read is not None:
        return [line.read], [*line.findings, _finding(line, _ONLY)]
    said = Message("findings.total.without_rows")
    return [], [replace(_finding(line, said), weight=Weight.ERROR)]


def _like(line: ReadLine, above: Sequence[Sums], rest: Sums, below: Parts | None) -> _Like | None:
    """The sums that a row has: of those above it, of all the ``rest``, or of its parts ``below``."""
    assert line.read is not None
    kinds, filed = line.table.form.by_id, line.read.filed
    figures = {each: filed.figure(each) for each in filed.values if kinds[each].is_figure}
    nonzero = figures_of(line.read)
    if len(nonzero) < SUMS or any(kinds[each].is_figure for each in line.read.unread):
        return None
    # Where it is called by a place alone (全区), one row is enough.
    least = 1 if any(map(is_only_place, _labels(line))) else ROWS
    for each in (*above, rest):
        if each.rows >= least and each.are(figures):
            return _Like(each.rows, is_above=each is not rest)
    if below is not None:
        return _Like(below.rows, is_above=False, is_whole=below.is_whole, is_sure=below.is_sure)
    for each in (*above, rest):
        if each.are_mostly(nonzero):
            return _Like(each.rows, is_above=each is not rest, is_whole=False)
    return None


def _about_row(line: ReadLine, like: _Like | None, *, is_whole: bool, is_alone: bool) -> Iterator[Finding]:
    """What is asked about a row that counts and may be a total."""
    if like is not None:
        yield _like_sums(line, like)
    elif is_whole and is_alone:
        yield _finding(line, _ONLY)
    elif is_whole or any(contains_total(text) for text in _labels(line)):
        yield _like_label(line)


def _names_whole(line: ReadLine) -> bool:
    """Whether a row is called by the whole whose parts the others are: 全区, the unit itself."""
    unit = line.table.unit_text or ""
    return any(names_whole(text, unit) for text in _labels(line))


def _is_above_all(row: ReadRow, rows: Sequence[ReadRow]) -> bool:
    """Whether no other row, of two at least, has a figure above those of ``row``: none has above those of a total."""
    others = [each for each in rows if each is not row]
    return len(others) >= ROWS and all(
        figure <= row.filed.figure(column) for each in others for column, figure in figures_of(each).items()
    )


def _says_more(line: ReadLine) -> bool:
    """Whether a row with a name says what no total says: a √, or a word to choose; without a name it is dragged down."""
    assert line.read is not None
    kinds, values = line.table.form.by_id, line.read.filed.values
    choices = {ColumnKind.CHOICE, ColumnKind.TICK}
    return line.table.name_column is not None and any(
        values[each] for each in values if kinds[each].kind in choices
    )


def _labels(line: ReadLine) -> Iterator[str]:
    for _, cell in list(line.row.cells.values())[:2]:
        if isinstance(cell.value, str):
            yield cell.value


def _place(line: ReadLine) -> Place:
    """Where a row has its name, or its first figure."""
    kinds = line.table.form.by_id
    for kind in (ColumnKind.NAME, None):
        for each, (place, _) in line.row.cells.items():
            if kinds[each].kind is kind or (kind is None and kinds[each].is_figure):
                return place
    return next(iter(line.row.cells.values()))[0]


def _finding(
    line: ReadLine, said: Message, place: Place | None = None, expected: Message | None = None
) -> Finding:
    at = place or _place(line)
    cell = line.table.sheet.cells.get(at)
    found = "" if cell is None else found_text(cell)
    return Finding(Weight.QUESTION, said, line.table.sheet.name, at, found, expected)


def _by_sums(line: ReadLine, like: _Like) -> Finding:
    where = Message("findings.total.above") if like.is_above else Message("findings.total.below")
    said = (
        Message("findings.total.is_sum", count=like.rows, where=where)
        if like.is_whole
        else Message("findings.total.is_mostly_sum", count=like.rows, where=where)
    )
    return _finding(line, said)


def _by_label(line: ReadLine) -> Finding:
    return _finding(line, Message("findings.total.taken"))


def _like_sums(line: ReadLine, like: _Like) -> Finding:
    said = (
        Message("findings.total.like_sum", count=like.rows)
        if like.is_whole
        else Message("findings.total.mostly_like_sum", count=like.rows)
    )
    return _finding(line, said)


def _like_label(line: ReadLine) -> Finding:
    said = Message("findings.total.like_name")
    return _finding(line, said)


def _about_total(line: ReadLine, sums: Sequence[Sums]) -> Iterator[Finding]:
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
        said = Message("findings.total.differs", figure=figure, sum=expected)
        yield _finding(line, said, place, Message("findings.expected.this", text=expected))
    if wrong or not any(number for _, number in figures.values()):
        return
    if not is_called:
        yield _by_label(line)


def _figures(line: ReadLine) -> Iterator[tuple[str, tuple[Place, Decimal]]]:
    """The figures in a row of totals, also where they are formulas."""
    kinds: Mapping[str, Column] = line.table.form.by_id
    for each, (place, cell) in line.row.cells.items():
        if not kinds[each].is_figure or cell.is_error or isinstance(cell.value, bool):
            continue
        value = read_value(kinds[each], Cell(cell.value)).value
        if value is not None and not isinstance(value, str):
            yield each, (place, Decimal(value))
