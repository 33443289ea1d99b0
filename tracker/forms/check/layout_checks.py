"""What stands around the rows of a table: its head (missing, unknown, re-typed columns) and the √ for 零报告."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tracker.core.form import Column, ColumnKind, FieldKind, Filed, Said
from tracker.forms.book import Place
from tracker.forms.check.column_headers import head_key, labels_of
from tracker.forms.check.head_sense import means_other
from tracker.forms.check.measures import check_measures, differs, group_place, measures_in
from tracker.forms.check.recognised import Recognised
from tracker.forms.check.rows import Extent, RowKind, TableRow, merged_places
from tracker.forms.check.values import expected_in, found_text, is_blank, read_value, tick_in
from tracker.forms.finding import Finding, Weight
from tracker.i18n.message import Message

#: A column of remarks is for people, and nobody is asked about it.
_REMARK = re.compile(r"备\s*注.*|附注|说明|情况说明|其他说明")
_TICKED = re.compile(r"[√✓✔☑✅]|.*(?:无情况|零报告)")


def check_head(
    recognised: Recognised, within: Extent, rows: list[TableRow], omitted: frozenset[str]
) -> Iterator[Finding]:
    """Columns that are missing, that nobody knows, and labels that were changed."""
    sheet = recognised.sheet.name
    for column in recognised.form.columns:
        if column.id in recognised.columns:
            yield from _changed_label(recognised, column)
        elif column.kind is not ColumnKind.SERIAL and column.id not in omitted:
            message = Said(
                f"缺少“{column.full_label}”一栏。", f"The column “{column.full_label}” is missing."
            )
            yield Finding(Weight.ERROR, message, sheet, None, "", Said(column.full_label, column.full_label))
    yield from check_measures(recognised, rows)
    yield from _unknown_columns(recognised, within, rows)


def _changed_label(recognised: Recognised, column: Column) -> Iterator[Finding]:
    place = recognised.heads[column.id]
    text = str(recognised.sheet.cells[place].value)
    if any(differs(each, column) for each in measures_in(text, column.label)):
        return  # said by check_measures
    group = group_place(recognised, column) if column.group else None
    above = "" if group is None else str(recognised.sheet.cells[group].value)
    known = labels_of(recognised.form).columns.get(head_key(text), ())
    if means_other(text, column.label, column) and means_other(text, column.full_label, column):
        yield _other_sense(recognised, place, column)
    elif all(candidate.id != column.id for candidate, _ in known):
        message = Said(
            f"表头“{_line(text)}”按“{column.full_label}”读取。",
            f"The head “{_line(text)}” was read as “{column.full_label}”.",
        )
        yield Finding(Weight.READING, message, recognised.sheet.name, place, _line(text))
    if group is not None and means_other(above, column.group or "", column):
        yield _other_sense(recognised, group, column)


def _other_sense(recognised: Recognised, place: Place, column: Column) -> Finding:
    text = _line(str(recognised.sheet.cells[place].value))
    message = Message("findings.head_other_sense", head=text, column=column.full_label)
    expected = Said(column.full_label, column.full_label)
    return Finding(Weight.QUESTION, message, recognised.sheet.name, place, text, expected)


def _unknown_columns(recognised: Recognised, within: Extent, rows: list[TableRow]) -> Iterator[Finding]:
    cells = recognised.sheet.cells
    unknown = [column for column in range(within.first, within.last + 1) if column not in within.ids]
    if not unknown:
        return
    covered = merged_places(recognised)
    for column in unknown:
        filled = [
            (row.number, column)
            for row in rows
            if row.kind is RowKind.DATA and not is_blank(cells.get((row.number, column)))
        ]
        if not any(place not in covered for place in filled):
            continue
        heads = [(row, column) for row in reversed(recognised.head_rows) if (row, column) in cells]
        place = heads[0] if heads else (recognised.head_rows[-1], column)
        label = _line(str(cells[place].value)) if heads else ""
        weight = Weight.READING if _REMARK.fullmatch(head_key(label)) else Weight.QUESTION
        message = Said(
            f"表里没有“{label}”这一栏，它的内容没有采用。" if label else "这一栏没有表头，它的内容没有采用。",
            f"There is no column “{label}” in this form; what stands in it was not taken."
            if label
            else "This column has no head; what stands in it was not taken.",
        )
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
            message = Said(
                f"零报告处写的是“{text[:40]}”，没有按零报告处理。",
                f"“{text[:40]}” stands beside 零报告; it was not taken as one.",
            )
            expected = Said("打“√”，或者不填", "a √, or nothing")
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
    expected = Said(how.zh.removeprefix("请在"), how.en.removeprefix("please "))
    if is_doubtful:
        message = Said(
            f"写的是“{text}”，而上月表里有数据；没有新增的请照上月的数填写，确为零报告的{how.zh}。",
            f"“{text}” is written here, and last month's table had rows: if nothing was added, write last month's "
            f"figures; if there is nothing to report, {how.en}.",
        )
        return Finding(Weight.ERROR, message, sheet, place, text, expected)
    message = Said(
        f"写的是“{text}”，按零报告处理，请核对。",
        f"“{text}” is written here; it was taken as nothing to report, please check.",
    )
    return Finding(Weight.QUESTION, message, sheet, place, text, expected)


def _figures_beside(recognised: Recognised, row: TableRow, nil_place: Place) -> Iterator[Finding]:
    for identifier, (place, cell) in row.cells.items():
        column = recognised.form.by_id[identifier]
        if place != nil_place and column.is_figure:
            read = read_value(column, cell)
            if read.value or (read.finding is not None and read.finding.weight is Weight.ERROR):
                message = Said(
                    "这一行写着零报告，又填了数字；请去掉其中一样。",
                    "This row says that there is nothing to report, and has a figure as well; please take one away.",
                )
                yield Finding(
                    Weight.ERROR, message, recognised.sheet.name, place, found_text(cell), expected_in(column)
                )


def _line(text: str) -> str:
    return "".join(text.split())[:40]
