"""Which table forms a workbook holds, and where: by its mark, their titles and the labels of their columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from tracker.core.form import ColumnKind, FieldKind, Form, comparable
from tracker.forms.book import Book, Sheet
from tracker.forms.check.blocks import Block, blocks
from tracker.forms.check.column_headers import FoundTable, find_table, keys_by_row, labels_of
from tracker.forms.check.form_fields import FieldFound, Month, read_day, read_fields
from tracker.forms.check.joined import joined, named
from tracker.forms.check.recognised import Recognised, Recognition
from tracker.forms.check.unread import unread
from tracker.forms.finding import Finding, Weight
from tracker.forms.mark import SHEET, Mark, read_mark
from tracker.i18n.message import Message

#: So much of the columns must be there for a sheet to be a form at all; less where it bears the mark of the form.
_ENOUGH = 0.4
_ENOUGH_WITH_MARK = 0.25
#: From here on nothing is compared by similarity.
_CERTAIN = 0.999


def recognise(book: Book, forms: Mapping[str, Form], asked: Month | None = None) -> Recognition:
    """The forms in ``book`` and where they stand, or why it holds none of ``forms``.

    Of sheets for several months that of the month ``asked`` is taken.
    """
    mark = read_mark(book)
    sheets = [sheet for sheet in book.sheets if sheet.name != SHEET and sheet.cells]
    parts = [part for sheet in sheets for part in _parts(sheet, list(forms.values()), mark)]
    shown = [(block, table) for block, table in parts if not block.sheet.is_hidden]
    found = [_recognised(book, table, mark) for _, table in shown if table and _is_form(table, mark)]
    if not found:
        return Recognition(findings=(_no_form(parts, mark, forms.values()),))
    filled = [each for each in found if _is_filled(each)] or found[:1]
    tables = joined(_inherited(filled), asked)
    notes = [
        *named([each for each in found if each not in filled], tables),
        *_hidden(book, parts, mark),
        *_pictured(book, found, forms.values()),
    ]
    rest = [block for block, table in shown if not _is_form(table, mark)]
    tables = unread(rest, tables)
    return Recognition((replace(tables[0], notes=(*tables[0].notes, *notes)), *tables[1:]))


def _parts(sheet: Sheet, forms: Sequence[Form], mark: Mark | None) -> list[tuple[Block, FoundTable | None]]:
    """The parts of a sheet, and the table that fits each best."""
    return [(block, _best(block, forms, mark)) for block in blocks(sheet, keys_by_row(sheet), forms)]


def _best(block: Block, forms: Iterable[Form], mark: Mark | None) -> FoundTable | None:
    """The table in a part of a sheet; re-typed labels are looked for only where it is not whole without."""
    forms = list(forms)
    for alike in (False, True):
        found = [find_table(block.sheet, block.keys, form, alike=alike) for form in forms]
        tables = [table for table in found if table is not None]
        if alike or any(table.score >= _CERTAIN for table in tables):
            return max(tables, key=lambda table: _weight(table, mark), default=None)
    return None


def _is_form(table: FoundTable | None, mark: Mark | None) -> bool:
    """Whether so much of a table is there that it can be nothing else."""
    if table is None:
        return False
    return table.score >= (_ENOUGH_WITH_MARK if mark and mark.form == table.form.id else _ENOUGH)


def _is_filled(found: Recognised) -> bool:
    """Whether it says anything: rows, or that there is nothing to report."""
    nil = {field.id for field in found.form.header if field.kind is FieldKind.NIL}
    return _has_rows(found) or any(text for each, (_, text) in found.fields.items() if each in nil)


def _inherited(tables: Sequence[Recognised]) -> list[Recognised]:
    """With unit, period and day where one table of a file says them and the others do not."""
    found = []
    for table in tables:
        near = sorted(tables, key=lambda other: other.sheet.name != table.sheet.name)
        units = {comparable(other.unit_text): other.unit_text for other in near if other.unit_text}
        changed = table
        if not table.unit_text and len(units) == 1:
            changed = replace(changed, unit_text=next(iter(units.values())))
        if table.period_text is None and table.filled_on is None:
            # The day of one month's sheet is not that of another's.
            donors = [
                each for each in near if each.sheet.name == table.sheet.name or each.form is not table.form
            ]
            donor = next((other for other in donors if other.period_text or other.filled_on), table)
            changed = replace(changed, period_text=donor.period_text, filled_on=donor.filled_on)
        found.append(changed)
    return found


def _hidden(book: Book, parts: Iterable[tuple[Block, FoundTable | None]], mark: Mark | None) -> list[Finding]:
    """What is said of forms in sheets that nobody sees."""
    names = dict.fromkeys(
        (block.sheet.name, table.form.name)
        for block, table in parts
        if block.sheet.is_hidden
        and table is not None
        and _is_form(table, mark)
        and _is_filled(_recognised(book, table, mark))
    )
    return [
        Finding(
            Weight.QUESTION,
            Message("findings.file.hidden_beside", sheet=sheet, form=form),
            sheet,
        )
        for sheet, form in names
    ]


def _pictured(book: Book, found: Iterable[Recognised], forms: Iterable[Form]) -> Iterator[Finding]:
    """What is said of sheets on which there is a picture in the place of a table: a form photographed, with its title at most."""
    read = {table.sheet.name for table in found}
    titles = [comparable(title) for form in forms for title in (form.title, form.annex) if title]
    for sheet in book.sheets:
        if not sheet.has_picture or sheet.is_hidden or sheet.name in read:
            continue
        texts = [comparable(str(cell.value)) for cell in sheet.cells.values()]
        if not texts or any(title in text for title in titles for text in texts):
            said = Message("findings.file.pictured", sheet=sheet.name)
            yield Finding(Weight.QUESTION, said, sheet.name)


def _weight(table: FoundTable, mark: Mark | None) -> float:
    """How much speaks for a table: its labels, then its mark, its title, and that it is filled in."""
    marked = mark is not None and mark.form == table.form.id
    return table.score + 0.2 * marked + 0.08 * _has_title(table) + 0.1 * _has_rows(table)


def _has_title(table: FoundTable) -> bool:
    title = comparable(table.form.title)
    return any(
        isinstance(cell.value, str) and len(cell.value) < 200 and title in comparable(cell.value)
        for (row, _), cell in table.sheet.cells.items()
        if row < table.rows[0]
    )


def _has_rows(table: FoundTable | Recognised | None) -> bool:
    """Whether anything stands below the head, besides numbers of rows."""
    if table is None:
        return False
    kinds = table.form.by_id
    own = {at for each, at in table.columns.items() if kinds[each].kind is not ColumnKind.SERIAL}
    return any(row >= table.first_row and column in own for row, column in table.sheet.cells)


def _recognised(book: Book, table: FoundTable, mark: Mark | None) -> Recognised:
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
        file=book.name,
        again={
            kind: tuple(
                other for other in first.again if kind is FieldKind.UNIT or other.label == first.label
            )
            for kind, first in by_kind.items()
        },
    )


def _upright(parts: Iterable[tuple[Block, FoundTable | None]], forms: Iterable[Form]) -> Form | None:
    """The form whose labels stand below each other."""
    for block, _ in parts:
        columns: dict[int, set[str]] = {}
        for keys in block.keys.values():
            for column, key in keys.items():
                columns.setdefault(column, set()).add(key)
        for form in forms:
            labels = labels_of(form).columns
            if any(
                sum(key in labels for key in keys) >= _ENOUGH * len(form.columns) for keys in columns.values()
            ):
                return form
    return None


def _no_form(
    parts: Sequence[tuple[Block, FoundTable | None]], mark: Mark | None, forms: Iterable[Form]
) -> Finding:
    forms = list(forms)
    names = tuple(sorted((form.name for form in forms), key=lambda name: (len(name), name)))
    titles = "；".join(f"{form.annex}：{form.title}" if form.annex else form.title for form in forms)
    seen = [each for each in parts if not each[0].sheet.is_hidden]
    hidden = next(
        (block.sheet.name for block, table in parts if _is_form(table, mark) and _has_rows(table)), None
    )
    nearest = max((table for _, table in seen if table), key=lambda table: table.score, default=None)
    if hidden is not None:
        message = Message("findings.file.hidden", sheet=hidden)
    elif not seen:
        message = Message("findings.file.nothing_seen", forms=names)
    elif (upright := _upright(seen, forms)) is not None:
        message = Message("findings.file.upright", form=upright.name)
    elif nearest is not None:
        message = Message("findings.file.nearest", forms=names, form=nearest.form.name)
        return Finding(
            Weight.ERROR,
            message,
            sheet=nearest.sheet.name,
            expected=Message("findings.expected.this", text=titles),
        )
    else:
        message = Message("findings.file.no_form", forms=names)
    return Finding(Weight.ERROR, message, expected=Message("findings.expected.this", text=titles))
