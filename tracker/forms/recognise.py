"""Which table form a workbook holds, and where: by its mark, its title and the labels of its columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from tracker.core.form import ColumnKind, FieldKind, Form, Said, comparable
from tracker.forms.book import Book, FileKind, Place, Sheet
from tracker.forms.finding import Finding, Weight
from tracker.forms.header import FieldFound, read_day, read_fields, read_month
from tracker.forms.heads import Keys, Table, find_table, keys_by_row
from tracker.forms.mark import SHEET, Mark, read_mark

#: So much of the columns must be there for a sheet to be a form at all; less where it bears the mark of the form.
_ENOUGH = 0.4
_ENOUGH_WITH_MARK = 0.25
#: From here on nothing is compared by similarity.
_CERTAIN = 0.999


@dataclass(frozen=True)
class Recognised:
    """A table form in a workbook.  ``columns`` is by column id the sheet column, ``first_row`` the first of data.

    ``fields`` is by field id where the content stands (its label, where it is empty) and what it says, verbatim;
    ``heads`` where the label of each column stands.  ``rivals`` are other sheets that hold the same form filled in.
    """

    form: Form
    sheet: Sheet
    mark: Mark | None
    unit_text: str | None
    unit_place: Place | None
    period_text: str | None
    filled_on: date | None
    filled_on_place: Place | None
    head_rows: tuple[int, ...]
    first_row: int
    columns: Mapping[str, int]
    fields: Mapping[str, tuple[Place, str]]
    heads: Mapping[str, Place]
    kind: FileKind = "xlsx"
    rivals: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recognition:
    """What a workbook holds: every form, or else why it holds none."""

    tables: tuple[Recognised, ...] = ()
    findings: tuple[Finding, ...] = ()


def recognise(book: Book, forms: Mapping[str, Form]) -> Recognition:
    """The forms in ``book`` and where they stand, or why it holds none of ``forms``."""
    mark = read_mark(book)
    sheets = [sheet for sheet in book.sheets if sheet.name != SHEET and not sheet.is_hidden and sheet.cells]
    rows = [keys_by_row(sheet) for sheet in sheets]
    tables = _tables(sheets, rows, forms.values())
    enough = {
        form.id: _ENOUGH_WITH_MARK if mark and mark.form == form.id else _ENOUGH for form in forms.values()
    }
    fitting = [table for table in tables if table.score >= enough[table.form.id]]
    if not fitting:
        return Recognition(findings=(_no_form(sheets, tables, forms.values()),))
    best = max(fitting, key=lambda table: _weight(table, mark))
    rivals = tuple(
        table.sheet.name
        for table in fitting
        if table.form is best.form and table.sheet is not best.sheet and _has_content(table)
    )
    return Recognition((_recognised(book, best, mark, rivals),))


def header_month(recognised: Recognised) -> tuple[int, int] | None:
    """The year and month that the header names as its period (期次)."""
    return None if recognised.period_text is None else read_month(recognised.period_text)


def _tables(sheets: list[Sheet], rows: list[dict[int, dict[int, str]]], forms: Iterable[Form]) -> list[Table]:
    """The tables in all sheets; re-typed labels are looked for only where no table is whole without."""
    forms = list(forms)
    exact = _all_tables(sheets, rows, forms, alike=False)
    if any(table.score >= _CERTAIN for table in exact):
        return [table for table in exact if table.score >= _ENOUGH]
    return _all_tables(sheets, rows, forms, alike=True)


def _all_tables(
    sheets: list[Sheet], rows: Iterable[Mapping[int, Keys]], forms: list[Form], *, alike: bool
) -> list[Table]:
    found = (
        find_table(sheet, keys, form, alike=alike)
        for sheet, keys in zip(sheets, rows, strict=True)
        for form in forms
    )
    return [table for table in found if table is not None]


def _weight(table: Table, mark: Mark | None) -> float:
    """How much speaks for a table: its labels, then its mark, its title, and that it is filled in."""
    marked = mark is not None and mark.form == table.form.id
    return table.score + 0.2 * marked + 0.08 * _has_title(table) + 0.1 * _has_content(table)


def _has_title(table: Table) -> bool:
    title = comparable(table.form.title)
    return any(
        isinstance(cell.value, str) and len(cell.value) < 200 and title in comparable(cell.value)
        for (row, _), cell in table.sheet.cells.items()
        if row < table.rows[0]
    )


def _has_content(table: Table) -> bool:
    kinds = table.form.by_id
    columns = {at for each, at in table.columns.items() if kinds[each].kind is not ColumnKind.SERIAL}
    return any(row >= table.first_row and column in columns for row, column in table.sheet.cells)


def _recognised(book: Book, table: Table, mark: Mark | None, rivals: tuple[str, ...]) -> Recognised:
    found = read_fields(table.sheet, table.form, table.rows[0], table.first_row)
    by_kind: dict[FieldKind, FieldFound] = {}
    for each in found.values():
        by_kind.setdefault(each.field.kind, each)
    unit, period, day = (by_kind.get(kind) for kind in (FieldKind.UNIT, FieldKind.PERIOD, FieldKind.DATE))
    return Recognised(
        form=table.form,
        sheet=table.sheet,
        mark=mark,
        unit_text=unit.text or None if unit else None,
        unit_place=unit.place if unit else None,
        period_text=period.text or None if period else None,
        filled_on=read_day(day.content) if day else None,
        filled_on_place=day.place if day else None,
        head_rows=table.rows,
        first_row=table.first_row,
        columns=table.columns,
        fields={each: (field.place, field.text) for each, field in found.items()},
        heads=table.places,
        kind=book.kind,
        rivals=rivals,
    )


def _no_form(sheets: list[Sheet], tables: list[Table], forms: Iterable[Form]) -> Finding:
    forms = list(forms)
    names = "、".join(form.annex or form.title for form in forms)
    titles = "；".join(f"{form.annex}：{form.title}" if form.annex else form.title for form in forms)
    if not sheets:
        message = Said(
            f"文件里没有看得见的内容，不是{names}。",
            f"There is nothing to be seen in this file; it is none of {names}.",
        )
    elif tables:
        nearest = max(tables, key=lambda table: table.score)
        annex = nearest.form.annex or nearest.form.title
        message = Said(
            f"这不是{names}中的任何一张表：与{annex}最接近，但大部分栏目找不到。",
            f"This is none of {names}: it is nearest to {annex}, but most of the columns are not there.",
        )
        return Finding(Weight.ERROR, message, sheet=nearest.sheet.name, expected=Said(titles, titles))
    else:
        message = Said(f"这不是{names}中的任何一张表。", f"This is none of {names}.")
    return Finding(Weight.ERROR, message, expected=Said(titles, titles))
