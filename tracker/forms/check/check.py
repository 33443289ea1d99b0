"""What a recognised table form says, row by row, with every finding at its cell."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tracker.core.form import Column, ColumnKind, FieldKind, Filed, FiledRow, Value, comparable
from tracker.forms.book import ALL_TEXT, Cell, Place
from tracker.forms.check.figures import NOTHING
from tracker.forms.check.layout_checks import check_head, find_nil
from tracker.forms.check.left_out import left_out, unseen
from tracker.forms.check.outline import by_rank
from tracker.forms.check.period_checks import doubts
from tracker.forms.check.plain_rows import join_names, set_apart
from tracker.forms.check.positions import TablePosition
from tracker.forms.check.recognised import Recognised
from tracker.forms.check.row_checks import ReadRow, exceeded
from tracker.forms.check.rows import RowKind, TableRow, extent, share_merged, table_rows
from tracker.forms.check.totals import ReadLine, without_totals
from tracker.forms.check.values import found_text, read_value
from tracker.forms.finding import Finding, Weight, gathered
from tracker.i18n.message import Message

#: A number as a file writes it that has nothing but text.
_CSV_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")


#: So many figures that are alike make two rows alike.
_ALIKE = 2


@dataclass(frozen=True)
class Checked:
    """A table that was read: what it says, what was found, and the sheet row (from 0) of each row that was filed."""

    filed: Filed
    findings: tuple[Finding, ...]
    row_numbers: tuple[int, ...] = ()
    seat: TablePosition | None = None

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What has to be mended before anything is taken."""
        return self._of(Weight.ERROR)

    @property
    def questions(self) -> tuple[Finding, ...]:
        """What somebody should look at."""
        return self._of(Weight.QUESTION)

    @property
    def readings(self) -> tuple[Finding, ...]:
        """What was read in spite of how it was written."""
        return self._of(Weight.READING)

    def _of(self, weight: Weight) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.weight is weight)


def check(recognised: Recognised, *, round_: str | None, previous: Filed | None, since: str = "") -> Checked:
    """What the table says in ``round_``; ``previous`` is what the same unit filed for this form before.

    ``since`` is the month in which that was due, where it is not the last one asked for.
    """
    findings = list(recognised.notes)
    lines: list[ReadLine] = []
    rows: list[TableRow] = []
    asked = tuple(each for each in recognised.form.asked(round_) if each.id in recognised.columns)
    nil_place: Place | None = None
    known = _names(recognised, previous)
    for table in (recognised, *recognised.continued):
        found, own, told = _read(table, round_, known)
        place, about_nil = find_nil(table, own, previous)
        nil_place = nil_place or place
        findings += [*told, *about_nil]
        lines += found
        rows += own
    read, told = without_totals(lines)
    findings += told
    findings += _twice(recognised, rows, read)
    findings += exceeded(recognised, read)
    if read or not any(_is_in_rows(recognised, each) for each in findings):
        is_blank = not any(line.read is not None and not line.is_total for line in lines)
        findings += _nil_or_rows(recognised, nil_place, read, is_blank=is_blank)
    filed = Filed(
        tuple(each.filed for each in read), _header(recognised), is_nil=nil_place is not None and not read
    )
    seat = TablePosition.of(recognised, read, nil_place)
    if previous is not None:
        unread = {(number, column) for number, row in enumerate(read) for column in row.unread}
        wrong = {(each.sheet, each.place) for each in findings if each.weight is Weight.ERROR}
        findings += [
            seat.finding(recognised.form, each)
            for each in doubts(recognised.form, asked, filed, previous, since)
            if (each.row, each.column) not in unread and seat.spot(each) not in wrong
        ]
    ordered = sorted(findings, key=lambda finding: (-1, -1) if finding.place is None else finding.place)
    return Checked(filed, tuple(gathered(ordered)), tuple(each.number for each in read), seat)


def _names(recognised: Recognised, filed: Filed | None) -> frozenset[str]:
    """The names of the rows that were filed before, ``comparable``."""
    name = recognised.name_column
    if filed is None or name is None:
        return frozenset()
    return frozenset(comparable(str(row.values.get(name, ""))) for row in filed.rows)


def _read(
    table: Recognised, round_: str | None, known: frozenset[str]
) -> tuple[list[ReadLine], list[TableRow], list[Finding]]:
    """The rows of one table, those of data and totals read, and what was found besides; ``known`` are names of before."""
    within = extent(table)
    rows = table_rows(table, within)
    omitted = table.form.omitted(round_)
    asked = tuple(each for each in table.form.asked(round_) if each.id in table.columns)
    joined = join_names(table, rows, known)
    by_rank(table, rows)
    asked_rows = set_apart(table, rows, known)
    findings = [
        *joined,
        *check_head(table, within, rows, omitted),
        *_merged(table, rows, omitted),
        *left_out(table, rows),
        *unseen(table, rows),
    ]
    lines = []
    for row in rows:
        if row.kind in {RowKind.TOTAL, RowKind.DATA}:
            found, each = _read_row(table, row, asked)
            found += _omitted(table, row, omitted)
            if each is not None and row.number in asked_rows and not any(map(_is_error, found)):
                found.append(asked_rows[row.number])
            if each is not None or row.kind is RowKind.TOTAL:
                lines.append(ReadLine(table, row, each, found))
            else:
                findings += found
    return lines, rows, findings


def _is_error(finding: Finding) -> bool:
    return finding.weight is Weight.ERROR


def _is_in_rows(recognised: Recognised, finding: Finding) -> bool:
    """Whether it is an error below the head: then why there are no rows is told already."""
    row = -1 if finding.place is None else finding.place[0]
    return finding.weight is Weight.ERROR and row >= recognised.first_row


def _header(recognised: Recognised) -> dict[str, str]:
    nil = {field.id for field in recognised.form.header if field.kind is FieldKind.NIL}
    return {each: text for each, (_, text) in recognised.fields.items() if text and each not in nil}


def _read_row(
    recognised: Recognised, row: TableRow, asked: tuple[Column, ...]
) -> tuple[list[Finding], ReadRow | None]:
    """One row of data; None where it turns out to hold nothing (zeros and strokes only)."""
    values: dict[str, Value] = {}
    notes: dict[str, str] = {}
    unread: set[str] = set()
    findings: list[Finding] = [_across(recognised, row, place) for place in row.across]
    struck = _struck(recognised, row, asked) if recognised.sheet.struck else {}
    findings += struck.values()
    for column in asked:
        if column.id not in row.cells or (column.id in struck and column.kind is not ColumnKind.NAME):
            continue
        place, cell = row.cells[column.id]
        if place in row.across:
            unread.add(column.id)
            continue
        value, note, finding = read_value(column, cell)
        if value is not None:
            values[column.id] = value
        if note is not None:
            notes[column.id] = note
        if finding is None or column.id in row.shared or _is_plain(recognised, cell):
            continue
        findings.append(replace(finding, sheet=recognised.sheet.name, place=place))
        if finding.weight is Weight.ERROR:
            unread.add(column.id)
    row_read = ReadRow(recognised, row.number, FiledRow(values, notes), frozenset(unread))
    if row.across or _has_name(recognised, row_read):
        return findings, row_read if values or unread else None
    name = recognised.form.by_id[recognised.name_column or ""]
    if not unread and not any(value for each, value in values.items() if each != name.id):
        return findings, None
    findings.append(_nameless(recognised, row.number, name, str(values.get(name.id, ""))))
    return findings, row_read


def _struck(recognised: Recognised, row: TableRow, asked: tuple[Column, ...]) -> dict[str, Finding]:
    """The cells that are struck out in a row that is not, by column; a name counts all the same."""
    found = {}
    for column in asked:
        place, cell = row.cells.get(column.id, (None, None))
        if cell is None or place not in recognised.sheet.struck:
            continue
        message = (
            Message("findings.cell.struck_name")
            if column.kind is ColumnKind.NAME
            else Message("findings.cell.struck")
        )
        found[column.id] = Finding(Weight.QUESTION, message, recognised.sheet.name, place, found_text(cell))
    return found


def _has_name(recognised: Recognised, row: ReadRow) -> bool:
    """Whether a row says what it is about, or is of a table that has no such column."""
    name = recognised.name_column
    return name is None or name in row.unread or str(row.filed.values.get(name, "")) not in {"", *NOTHING}


def _nameless(recognised: Recognised, row: int, name: Column, found: str) -> Finding:
    label = name.label
    message = Message("findings.row.nameless", label=label)
    place = row, recognised.columns[name.id]
    return Finding(
        Weight.ERROR,
        message,
        recognised.sheet.name,
        place,
        found,
        Message("findings.expected.this", text=label),
    )


def _is_plain(recognised: Recognised, cell: Cell) -> bool:
    """Whether a number is text only because the file knows nothing else."""
    return (
        recognised.kind in ALL_TEXT
        and isinstance(cell.value, str)
        and _CSV_NUMBER.fullmatch(cell.value) is not None
        and len(cell.value) < 10
    )


def _across(recognised: Recognised, row: TableRow, place: Place) -> Finding:
    cell = recognised.sheet.cells[place]
    message = Message("findings.cell.across")
    expected = Message("findings.expected.one_each")
    assert place[0] == row.number
    return Finding(Weight.ERROR, message, recognised.sheet.name, place, found_text(cell), expected)


def _omitted(recognised: Recognised, row: TableRow, omitted: frozenset[str]) -> Iterator[Finding]:
    for identifier in omitted & row.cells.keys() - row.shared:
        place, cell = row.cells[identifier]
        column = recognised.form.by_id[identifier]
        read = read_value(column, cell)
        if not read.value and (read.finding is None or read.finding.weight is Weight.READING):
            continue
        message = Message("findings.cell.not_asked", label=column.label)
        expected = Message("findings.expected.nothing")
        yield Finding(Weight.QUESTION, message, recognised.sheet.name, place, found_text(cell), expected)


def _merged(recognised: Recognised, rows: list[TableRow], omitted: frozenset[str]) -> Iterator[Finding]:
    for place, identifier, cell in share_merged(recognised, rows):
        if identifier in omitted:
            continue
        if recognised.form.by_id[identifier].is_figure:
            weight = Weight.QUESTION
            message = Message("findings.cell.merged_figure")
        else:
            weight = Weight.READING
            message = Message("findings.cell.merged")
        yield Finding(weight, message, recognised.sheet.name, place, found_text(cell))


def _twice(recognised: Recognised, rows: list[TableRow], read: list[ReadRow]) -> Iterator[Finding]:
    name = recognised.name_column
    if name is None:
        yield from _same_figures(read)
        return
    shared = {row.number for row in rows if name in row.shared}
    seen: dict[str, int] = {}
    for row in read:
        if name not in row.filed.values:
            continue
        text = str(row.filed.values[name])
        first = seen.setdefault(comparable(text), row.number)
        if first != row.number and row.number not in shared:
            message = Message("findings.row.twice", text=text, row=first + 1)
            yield Finding(Weight.QUESTION, message, row.table.sheet.name, row.place(name), text)


def _same_figures(read: list[ReadRow]) -> Iterator[Finding]:
    """Rows without names that have the figures of one above: written twice, or its total."""
    seen: dict[tuple[tuple[str, object], ...], int] = {}
    for row in read:
        kinds = row.table.form.by_id
        figures = tuple(
            sorted(
                (each, value) for each, value in row.filed.values.items() if kinds[each].is_figure and value
            )
        )
        first = seen.setdefault(figures, row.number)
        if first == row.number or len(figures) < _ALIKE:
            continue
        message = Message("findings.row.same_figures", row=first + 1)
        yield Finding(Weight.QUESTION, message, row.table.sheet.name, row.place(figures[0][0]))


def _nil_or_rows(
    recognised: Recognised,
    nil_place: Place | None,
    read: list[ReadRow],
    *,
    is_blank: bool,
) -> Iterator[Finding]:
    """Nothing to report and rows, or neither."""
    sheet, how = recognised.sheet.name, recognised.how_nil
    if nil_place is not None and read:
        message = Message("findings.nil.with_rows")
        yield Finding(Weight.ERROR, message, sheet, nil_place, _text_at(recognised, nil_place))
    elif read and recognised.name_column is None and not any(map(_says_something, read)):
        message = Message("findings.nil.zeros", how=how)
        yield Finding(Weight.QUESTION, message, sheet, _nil_label(recognised))
    elif nil_place is None and not read and is_blank:
        message = Message("findings.nil.blank", how=how)
        yield Finding(Weight.ERROR, message, sheet, _nil_label(recognised))
    elif nil_place is None and not read:
        message = Message("findings.nil.only_zeros", how=how)
        yield Finding(Weight.ERROR, message, sheet, _nil_label(recognised))


def _says_something(row: ReadRow) -> bool:
    return bool(row.unread) or any(value for value in row.filed.values.values())


def _nil_label(recognised: Recognised) -> Place:
    """Where a √ would have gone; the first cell to fill in, where there is no such field."""
    for field in recognised.form.header:
        if field.kind is FieldKind.NIL and field.id in recognised.fields:
            return recognised.fields[field.id][0]
    column = recognised.name_column or min(recognised.columns, key=lambda each: recognised.columns[each])
    return recognised.first_row, recognised.columns[column]


def _text_at(recognised: Recognised, place: Place) -> str:
    cell = recognised.sheet.cells.get(place)
    return "" if cell is None else found_text(cell)
