"""Rows that were not taken as they stand, and those that nobody sees: what is said about each."""

from __future__ import annotations

from collections.abc import Iterator

from tracker.core.form import ColumnKind, Said
from tracker.forms.check.recognised import Recognised
from tracker.forms.check.rows import RowKind, TableRow
from tracker.forms.check.values import found_text
from tracker.forms.finding import Finding, Weight

#: What is said of a row by its kind, and how much it weighs.
_KINDS = {
    RowKind.BEYOND: (
        Weight.ERROR,
        Said(
            "填写说明之后还有数据，没有采用；请移到说明之前。",
            "There is data below the filling rules, which was not taken; please move it above them.",
        ),
    ),
    RowKind.AS_BEFORE: (
        Weight.ERROR,
        Said(
            "这里写的是与上月相同，没有数字；请把数字填上。",
            "This says that all is as the month before; please write the figures down.",
        ),
    ),
    RowKind.EXAMPLE: (
        Weight.QUESTION,
        Said(
            "这一行像是填表示例，没有计入；如是实际数据，请写明名称。",
            "This row looks like an example and was not counted; if it is real, please write the name down.",
        ),
    ),
    RowKind.DERIVED: (
        Weight.QUESTION,
        Said(
            "这一行像是分项、其他时段，或者平均、占比、增减一类的数，没有计入；如是单独一行，请写明名称。",
            "This row looks like a part of others, another time, an average, a share or a change, and was not counted; if "
            "it is a row of its own, please write the name down.",
        ),
    ),
    RowKind.HEADING: (
        Weight.QUESTION,
        Said(
            "按序号，这一行是下面几行的小计，没有计入；如是单独一行，请接着编号。",
            "By its number this row is the subtotal of those below, and was not counted; if it is a row of its own, please "
            "number it like the others.",
        ),
    ),
    RowKind.BELOW: (
        Weight.QUESTION,
        Said(
            "这一行在合计之下，又没有编序号，没有计入；如是单独一行，请编上序号，放到合计之前。",
            "This row stands below the total and has no number, and was not counted; if it is a row of its own, please "
            "number it and move it above the total.",
        ),
    ),
    RowKind.NOTE: (
        Weight.QUESTION,
        Said(
            "这一行只有文字，按说明读取，没有计入；如是单独一行，请编上序号；如是上一行名称的一部分，请写进同一格。",
            "This row has words alone; it was read as a note and not counted. If it is a row of its own, please number it; "
            "if it is a part of the name above, please write it into that cell.",
        ),
    ),
    RowKind.STRUCK: (
        Weight.QUESTION,
        Said(
            "这一行画了删除线，没有计入；要报的请取消删除线。",
            "This row is struck out and was not counted; take the line away if it is meant.",
        ),
    ),
    RowKind.SECTION: (
        Weight.READING,
        Said("这一行按分类标题读取。", "This row was read as the heading of those below."),
    ),
}


def left_out(recognised: Recognised, rows: list[TableRow]) -> Iterator[Finding]:
    """What is said of rows that were not taken as they stand."""
    for row in rows:
        if row.kind in _KINDS and row.cells:
            weight, message = _KINDS[row.kind]
            own = [each for each in row.cells if recognised.form.by_id[each].kind is not ColumnKind.SERIAL]
            place, cell = row.cells[(own or list(row.cells))[0]]
            yield Finding(weight, message, recognised.sheet.name, place, found_text(cell))


def unseen(recognised: Recognised, rows: list[TableRow]) -> Iterator[Finding]:
    """Rows and columns that nobody sees, and that count all the same."""
    sheet = recognised.sheet
    for row in rows:
        if row.number in sheet.hidden_rows and row.kind is RowKind.DATA:
            place, cell = next(iter(row.cells.values()))
            message = Said(
                "这一行被隐藏或筛选掉了，仍按有效数据计入；不要的请删除。",
                "This row is hidden or filtered out and was counted all the same; delete it if it is not meant.",
            )
            yield Finding(Weight.QUESTION, message, sheet.name, place, found_text(cell))
    for identifier, column in recognised.columns.items():
        if column in sheet.hidden_columns and any(identifier in row.cells for row in rows):
            label = recognised.form.by_id[identifier].label
            message = Said(
                f"“{label}”一栏被隐藏了，仍按表里的内容读取。",
                f"The column “{label}” is hidden; it was read all the same.",
            )
            yield Finding(Weight.READING, message, sheet.name, recognised.heads[identifier])
