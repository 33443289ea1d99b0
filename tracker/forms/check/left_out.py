"""Rows that were not taken as they stand, and those that nobody sees: what is said about each."""

from __future__ import annotations

from collections.abc import Iterator

from tracker.core.form import ColumnKind
from tracker.forms.check.recognised import Recognised
from tracker.forms.check.rows import RowKind, TableRow
from tracker.forms.check.values import found_text, read_value
from tracker.forms.finding import Finding, Weight
from tracker.i18n.message import Message

#: What is said of a row by its kind, and how much it weighs.
_KINDS: dict[RowKind, tuple[Weight, Message]] = {
    RowKind.BEYOND: (
        Weight.ERROR,
        Message("findings.row.below_rules"),
    ),
    RowKind.AS_BEFORE: (
        Weight.ERROR,
        Message("findings.row.as_before"),
    ),
    RowKind.ELSEWHERE: (Weight.QUESTION, Message("findings.figures_elsewhere")),
    RowKind.EXAMPLE: (
        Weight.QUESTION,
        Message("findings.row.example"),
    ),
    RowKind.DERIVED: (
        Weight.QUESTION,
        Message("findings.row.derived"),
    ),
    RowKind.HEADING: (
        Weight.QUESTION,
        Message("findings.row.subtotal"),
    ),
    RowKind.BELOW: (
        Weight.QUESTION,
        Message("findings.row.below_total"),
    ),
    RowKind.NOTE: (
        Weight.QUESTION,
        Message("findings.row.note"),
    ),
    RowKind.STRUCK: (
        Weight.QUESTION,
        Message("findings.row.struck"),
    ),
    RowKind.SECTION: (
        Weight.READING,
        Message("findings.row.heading"),
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
    """Rows, cells and columns that nobody sees, and that count all the same."""
    sheet = recognised.sheet
    for row in rows:
        if row.number in sheet.hidden_rows and row.kind is RowKind.DATA:
            place, cell = next(iter(row.cells.values()))
            message = Message("findings.row.hidden")
            yield Finding(Weight.QUESTION, message, sheet.name, place, found_text(cell))
        faded = row.cells.items() if sheet.faded and row.kind is RowKind.DATA else ()
        for identifier, (place, cell) in faded:
            if place in sheet.faded and read_value(recognised.form.by_id[identifier], cell).value:
                message = Message("findings.cell.faded")
                yield Finding(Weight.QUESTION, message, sheet.name, place, found_text(cell))
    for identifier, column in recognised.columns.items():
        if column in sheet.hidden_columns and any(identifier in row.cells for row in rows):
            label = recognised.form.by_id[identifier].label
            message = Message("findings.head.hidden", label=label)
            yield Finding(Weight.READING, message, sheet.name, recognised.heads[identifier])
