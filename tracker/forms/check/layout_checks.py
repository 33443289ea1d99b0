"""What stands around the rows of a table: its head (missing, unknown, re-typed columns) and the √ for 零报告."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tracker.core.form import Column, ColumnKind, FieldKind, Filed
from tracker.forms.book import Place
from tracker.forms.check.column_headers import head_key, in_one_line, labels_of
from tracker.forms.check.head_sense import means_other, says_other
from tracker.forms.check.measures import check_measures, differs, group_place, measures_in
from tracker.forms.check.recognised import Recognised
from tracker.forms.check.rows import Extent, RowKind, TableRow, merged_places
from tracker.forms.check.several_columns import divided, own_head, part_below, rivals
from tracker.forms.check.values import expected_in, found_text, is_blank, read_value, tick_in
from tracker.forms.finding import Finding, Weight
from tracker.i18n.message import Message

#: A column of remarks is for people, and nobody is asked about it.
_REMARK = re.compile(r"备\s*注.*|附注|说明|情况说明|其他说明")
_TICKED = re.compile(r"[√✓✔☑✅]|.*(?:无情况|零报告)")


def check_head(
    recognised: Recognised, within: Extent, rows: list[TableRow], omitted: frozenset[str]
) -> Iterator[Finding]:
    """Columns that are missing, there several times or known to nobody, and labels that were changed."""
    sheet = recognised.sheet.name
    beside = _filled_beside(recognised, within, rows)
    several = rivals(recognised, beside)
    for column in recognised.form.columns:
        if column in several:
            yield divided(recognised, column, several[column])
        elif column.id in recognised.columns:
            yield from _changed_label(recognised, column)
        elif column.kind is not ColumnKind.SERIAL and column.id not in omitted:
            message = Message("findings.head.missing", label=column.full_label)
            yield Finding(
                Weight.ERROR,
                message,
                sheet,
                None,
                "",
                Message("findings.expected.this", text=column.full_label),
            )
    yield from check_measures(recognised, rows)
    claimed = {at for each in several.values() for at in each}
    yield from _unknown_columns(recognised, [at for at in beside if at not in claimed])


def _changed_label(recognised: Recognised, column: Column) -> Iterator[Finding]:
    place = recognised.heads[column.id]
    text = str(recognised.sheet.cells[place].value)
    if any(differs(each, column) for each in measures_in(text, column.label)):
        return  # said by check_measures
    group = group_place(recognised, column) if column.group else None
    above = "" if group is None else str(recognised.sheet.cells[group].value)
    known = labels_of(recognised.form).columns.get(head_key(text), ())
    if says_other(text, column) or says_other(part_below(recognised, place) + text, column):
        yield _other_sense(recognised, place, column)
    elif all(candidate.id != column.id for candidate, _ in known):
        message = Message("findings.head.read_as", text=in_one_line(text), label=column.full_label)
        yield Finding(Weight.READING, message, recognised.sheet.name, place, in_one_line(text))
    if group is not None and means_other(above, column.group or "", column):
        yield _other_sense(recognised, group, column)


def _other_sense(recognised: Recognised, place: Place, column: Column) -> Finding:
    text = in_one_line(str(recognised.sheet.cells[place].value) + part_below(recognised, place))
    message = Message("findings.head.other_sense", head=text, column=column.full_label)
    expected = Message("findings.expected.this", text=column.full_label)
    return Finding(Weight.QUESTION, message, recognised.sheet.name, place, text, expected)


def _filled_beside(recognised: Recognised, within: Extent, rows: list[TableRow]) -> list[int]:
    """The sheet columns within the table that are none of the form's and have something in rows of data."""
    beside = [column for column in range(within.first, within.last + 1) if column not in within.ids]
    if not beside:
        return []
    cells, covered = recognised.sheet.cells, merged_places(recognised)
    numbers = [row.number for row in rows if row.kind is RowKind.DATA]
    return [
        column
        for column in beside
        if any(
            not is_blank(cells.get((number, column))) and (number, column) not in covered
            for number in numbers
        )
    ]


def _unknown_columns(recognised: Recognised, unknown: Iterable[int]) -> Iterator[Finding]:
    for column in unknown:
        place, text = own_head(recognised, column)
        label = in_one_line(text)
        weight = Weight.READING if _REMARK.fullmatch(head_key(label)) else Weight.QUESTION
        message = Message("findings.head.unknown", label=label) if label else Message("findings.head.bare")
        yield Finding(weight, message, recognised.sheet.name, place, label)


def find_nil(
    recognised: Recognised, rows: list[TableRow], previous: Filed | None
) -> tuple[Place | None, list[Finding]]:
    """Where the table says that there is nothing to report; None where it does not."""
    findings: list[Finding] = []
    sheet = recognised.sheet.name
    for field in recognised.form.header:
        if field.kind is not FieldKind.NIL or field.id not in recognised.fields:
            continue
        place, text = recognised.fields[field.id]
        ticked = tick_in(text)
        if ticked or (ticked is None and _TICKED.match(text)):
            return place, findings
        if ticked is None and text:
            message = Message("findings.nil.unread", text=text[:40])
            expected = Message("findings.expected.tick")
            findings.append(Finding(Weight.QUESTION, message, sheet, place, text[:40], expected))
    for row in rows:
        if row.kind is RowKind.NIL and row.nil_place is not None:
            findings += _figures_beside(recognised, row, row.nil_place)
            return row.nil_place, findings
    words = [row for row in rows if row.kind is RowKind.NOTHING and row.words]
    if words and all(row.kind in {RowKind.NOTHING, RowKind.TOTAL, RowKind.NOTE} for row in rows):
        place, cell = words[0].words[0]
        is_doubtful = previous is not None and bool(previous.rows) and recognised.form.accumulates
        findings.append(_nil_by_words(recognised, place, found_text(cell), is_doubtful=is_doubtful))
        return place, findings
    return None, findings


def _nil_by_words(recognised: Recognised, place: Place, text: str, *, is_doubtful: bool) -> Finding:
    sheet, how = recognised.sheet.name, recognised.how_nil
    if is_doubtful:
        message = Message("findings.nil.over_figures", text=text, how=how)
        return Finding(Weight.ERROR, message, sheet, place, text, how)
    message = Message("findings.nil.by_words", text=text)
    return Finding(Weight.QUESTION, message, sheet, place, text, how)


def _figures_beside(recognised: Recognised, row: TableRow, nil_place: Place) -> Iterator[Finding]:
    for identifier, (place, cell) in row.cells.items():
        column = recognised.form.by_id[identifier]
        if place != nil_place and column.is_figure:
            read = read_value(column, cell)
            if read.value or (read.finding is not None and read.finding.weight is Weight.ERROR):
                message = Message("findings.row.nil_with_figure")
                yield Finding(
                    Weight.ERROR, message, recognised.sheet.name, place, found_text(cell), expected_in(column)
                )
