"""Figures in a workbook that belong to none of the tables that were found: nothing is passed over in silence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tracker.core.form import ColumnKind
from tracker.forms.book import Cell, Sheet
from tracker.forms.check.blocks import Block
from tracker.forms.check.form_fields import shown
from tracker.forms.check.recognised import Recognised
from tracker.forms.check.rows import extent
from tracker.forms.finding import Finding, Weight
from tracker.i18n.message import Message

#: So many figures make a row one of data.
_FIGURES = 2


def unread(rest: Sequence[Block], tables: Sequence[Recognised]) -> list[Recognised]:
    """``tables`` with what is to be said about the parts of the workbook that are none of them.

    Rows that stand in the columns of a table go on with it: nothing is taken of that table.  Other figures are
    asked about at the first table.
    """
    found = [_with_outside(table) for table in tables]
    for block in rest:
        rows = _rows_of_figures(block.sheet)
        if not rows:
            continue
        number = next((at for at, table in enumerate(found) if _fits(table, rows)), None)
        note = _other(block.sheet, rows) if number is None else _more(block.sheet, rows, found[number])
        table = found[number or 0]
        found[number or 0] = replace(table, notes=(*table.notes, note))
    return found


def _with_outside(table: Recognised) -> Recognised:
    """A table with what is to be said about figures above its head, if they look like rows of it, and beside it."""
    within = extent(table)
    above, beside = {}, {}
    for (row, column), cell in table.sheet.cells.items():
        if row < table.head_rows[0]:
            above[row, column] = cell
        elif row >= table.first_row and not within.first <= column <= within.last:
            beside[row, column] = cell
    notes = list(table.notes)
    rows = _rows_of_figures(replace(table.sheet, cells=above))
    rows = {row: cells for row, cells in rows.items() if _fits(table, {row: cells})}
    if rows:
        notes.append(_more(table.sheet, rows, table))
    if rows := _rows_of_figures(replace(table.sheet, cells=beside)):
        notes.append(_other(table.sheet, rows))
    return replace(table, notes=tuple(notes))


def _rows_of_figures(sheet: Sheet) -> dict[int, dict[int, Cell]]:
    rows: dict[int, dict[int, Cell]] = {}
    for (row, column), cell in sheet.cells.items():
        rows.setdefault(row, {})[column] = cell
    return {
        row: cells for row, cells in sorted(rows.items()) if sum(map(_is_figure, cells.values())) >= _FIGURES
    }


def _is_figure(cell: Cell) -> bool:
    return isinstance(cell.value, (int, float)) and not isinstance(cell.value, bool)


def _fits(table: Recognised, rows: Mapping[int, Mapping[int, Cell]]) -> bool:
    """Whether some row has figures where the table has them, and a name where it has names."""
    figures = {at for each, at in table.columns.items() if table.form.by_id[each].is_figure}
    names = {at for each, at in table.columns.items() if table.form.by_id[each].kind is ColumnKind.NAME}
    serials = {at for each, at in table.columns.items() if table.form.by_id[each].kind is ColumnKind.SERIAL}
    most = max(table.columns.values())
    return any(
        sum(_is_figure(cell) and at in figures for at, cell in cells.items()) >= _FIGURES
        and all(at in figures | serials for at, cell in cells.items() if _is_figure(cell))
        and all(at in cells and isinstance(cells[at].value, str) for at in names)
        and all(shown(cells[at].value).strip().isdecimal() for at in serials & cells.keys())
        and max(cells) <= most
        for cells in rows.values()
    )


def _more(sheet: Sheet, rows: Mapping[int, Mapping[int, Cell]], table: Recognised) -> Finding:
    row = min(rows)
    said = Message("findings.file.headless", form=table.form.name)
    return Finding(Weight.ERROR, said, sheet.name, (row, min(rows[row])))


def _other(sheet: Sheet, rows: Mapping[int, Mapping[int, Cell]]) -> Finding:
    row = min(rows)
    said = Message("findings.file.other_figures", sheet=sheet.name, row=row + 1)
    return Finding(Weight.QUESTION, said, sheet.name, (row, min(rows[row])))
