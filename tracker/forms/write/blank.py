"""Writes the form that a unit is to fill in: its name, the period and last month's figures are there already.

Everything is written as a string or a number, so that no name becomes a formula.  The same input gives the same
bytes.  Serial numbers are open like the cells to fill, for the rows that somebody inserts.

Where nothing is filled in but the unit's name, the sheet is drawn once for everybody and the name put into it, which
takes a hundredth of the time and makes the same file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from io import BytesIO
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from tracker.core.form import TICK, Column, ColumnKind, FieldKind, Filed, FiledRow, Form, Said, Value
from tracker.forms.check.values import expected_in
from tracker.forms.mark import SHEET, Mark
from tracker.forms.write.layout import GREY, Annex, FieldSpace, Placed, seen
from tracker.forms.write.zip_part import Parted, text_in
from tracker.i18n.catalogue import Language
from tracker.i18n.message import say

#: There are at least so many rows, and so many for what is new since last month.
LEAST_ROWS = 20
MORE_ROWS = 8
#: What is kept from last month's header: who fills it in seldom changes.
_KEPT_FIELDS = frozenset({FieldKind.TEXT, FieldKind.PHONE})
_TO_FILL = _KEPT_FIELDS | {FieldKind.DATE, FieldKind.NIL}
#: What a prompt's title and text, and a list, can hold.
_TITLE, _MESSAGE, _LIST = 32, 255, 255
_FIRST_DAY, _LAST_DAY = date(2000, 1, 1), date(2099, 12, 31)
_ASKED_DAY = Said("填写日期，如 2022-5-5", "a date, such as 2022-5-5")
_ASKED_NIL = Said(
    "确无情况可报的，在此选“√”，表内不填；否则留空。",
    "Choose √ if there is nothing to report, and leave the table empty; otherwise leave this empty.",
)
_WRONG = Said("填写有误", "Not as asked")
#: What people may do though the sheet is protected: it guards against slips, it is no lock.
_ALLOWED = {
    "insert_rows": True,
    "format_cells": True,
    "format_columns": True,
    "format_rows": True,
    "sort": True,
}
_REFUSED = re.compile(r'[<>:"/\\|?*\s]+')
#: Where a workbook keeps its texts, and what stands there for a unit's name and id until they are known: characters
#: that no text has, and of the least width, so that the row is no higher than a short name needs.
_TEXTS = "xl/sharedStrings.xml"
_NAME, _ID = "\ue000", "\ue001"
#: A name in bytes: most file systems take 255, and mail programs put something in front.
_LONGEST_NAME = 200


def blank(
    form: Form,
    *,
    round_: str | None,
    unit_name: str,
    period_text: str,
    mark: Mark,
    previous: Filed | None,
    created: datetime,
    is_own: bool = False,
    language: Language = "zh",
) -> bytes:
    """The form as ``.xlsx``.

    ``previous`` is what the unit filed last: for this very table, to be corrected, if it ``is_own``, else before it,
    and then what accumulates is filled in; ``created`` is noted in the file.  ``language`` is that of the prompts:
    the annex itself is verbatim.
    """
    name = _in_one_line(unit_name)
    sheet = _Sheet(form, round_, _in_one_line(period_text), mark.ref, created, language)
    if previous is None:
        stencil = _stencil(sheet)
        if stencil.takes(name):
            return stencil.for_unit(name, mark.unit)
    elif not is_own:
        previous = _carried(form, previous)
    return _draw(sheet, name, mark.unit, previous, is_own=is_own)[0]


def _carried(form: Form, filed: Filed) -> Filed:
    """What goes from one month into the form of the next: who fills it in, and what accumulates."""
    header = {
        each.id: filed.header[each.id]
        for each in form.header
        if each.kind in _KEPT_FIELDS and each.id in filed.header
    }
    if not form.accumulates:
        return Filed((), header)
    left = {each.id for each in form.columns if each.accumulates is False}
    rows = (
        FiledRow({name: value for name, value in row.values.items() if name not in left})
        for row in filed.rows
    )
    return Filed(tuple(rows), header)


@dataclass(frozen=True, slots=True)
class _Sheet:
    """What is the same in a form for every unit; the arguments of ``blank``, and of the mark the reference."""

    form: Form
    round_: str | None
    period: str
    ref: str
    created: datetime
    language: Language


@dataclass(frozen=True, slots=True)
class _Stencil:
    """A form with places for the name of the unit and its id; ``room`` is the name's, where the form shows it."""

    file: Parted
    texts: str
    room: FieldSpace | None

    def takes(self, name: str) -> bool:
        """Whether the form with ``name`` is this one: no higher, with one text more, and nothing to write otherwise."""
        is_plain = name and "_x" not in name and f">{text_in(name)}<" not in self.texts
        return bool(is_plain) and (self.room is None or self.room.holds(name))

    def for_unit(self, name: str, unit: str) -> bytes:
        """The form of one unit."""
        filled = self.texts.replace(_NAME, text_in(name)).replace(_ID, text_in(unit))
        return self.file.with_part(filled.encode())


# Few, and of one morning: a form for each period that is still asked for.
@lru_cache(maxsize=64)
def _stencil(sheet: _Sheet) -> _Stencil:
    data, room = _draw(sheet, _NAME, _ID, None)
    file = Parted(data, _TEXTS)
    return _Stencil(file, file.part.decode(), room)


def _draw(
    sheet: _Sheet, name: str, unit: str, previous: Filed | None, *, is_own: bool = False
) -> tuple[bytes, FieldSpace | None]:
    """The form for the unit ``name`` with the id ``unit``, and the room that its name has."""
    form, data = sheet.form, BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_numbers": False,
        "strings_to_urls": False,
    }
    with Workbook(data, options) as workbook:
        workbook.set_properties({"title": form.title, "created": sheet.created.replace(tzinfo=None)})
        annex = Annex(workbook, form.name, form)
        contents = dict(previous.header) if previous is not None else {}
        for field in form.header:
            if field.kind is FieldKind.UNIT:
                contents[field.id] = name
            elif field.kind is FieldKind.PERIOD:
                contents[field.id] = sheet.period
            elif field.kind is FieldKind.NIL and is_own and previous is not None and previous.is_nil:
                contents[field.id] = TICK
        editable = {field.id for field in form.header if field.kind in _TO_FILL}
        placed = annex.draw_head(contents, editable=editable, note=_note(form, sheet.round_))
        rows = previous.rows if previous is not None else ()
        last = placed.first_row + max(LEAST_ROWS, len(rows) + MORE_ROWS) - 1
        _write_rows(annex, placed, last, rows, form.omitted(sheet.round_))
        annex.draw_rules(last + 1)
        annex.finish(placed)
        _ask(annex, placed, last, sheet.round_, sheet.language)
        annex.sheet.protect("", _ALLOWED)
        write_mark(workbook, Mark(form.id, sheet.ref, unit).rows())
    room = next((placed.rooms[each.id] for each in form.header if each.kind is FieldKind.UNIT), None)
    return data.getvalue(), room


def file_name(form: Form, unit_name: str, period_text: str, after: str = "") -> str:
    """The annex, the unit, the month in which it is due, and ``after``; what else the period says is left out."""
    period = re.split("[（(]|应报", period_text, maxsplit=1)[0]
    parts = (_REFUSED.sub(" ", seen(part)).strip(" .") for part in (form.name, unit_name, period))
    name = " ".join(part for part in parts if part)
    most = _LONGEST_NAME - len(after.encode())
    return name.encode()[:most].decode(errors="ignore").rstrip(" .") + after + ".xlsx"


def write_mark(workbook: Workbook, rows: list[tuple[str, str]]) -> None:
    """The hidden sheet that says which assignment the file was written for."""
    sheet = workbook.add_worksheet(SHEET)
    for number, (key, value) in enumerate(rows):
        sheet.write_string(number, 0, key)
        sheet.write_string(number, 1, value)
    sheet.very_hidden()


def _in_one_line(text: str) -> str:
    return seen(text).replace("\n", " ").strip()


def _note(form: Form, round_: str | None) -> str:
    """What a round leaves out, by the labels of the groups; by those of the columns where some of a group stay."""
    omitted = form.omitted(round_)
    if round_ is None or not omitted:
        return ""
    asked_groups = {column.group for column in form.asked(round_)}
    labels = dict.fromkeys(
        column.label if column.group is None or column.group in asked_groups else column.group
        for column in form.columns
        if column.id in omitted
    )
    return f"{form.rounds[round_].name}：不填{''.join(f'“{label}”' for label in labels)}（灰色部分）。"


def _write_rows(
    annex: Annex, placed: Placed, last: int, rows: tuple[FiledRow, ...], omitted: frozenset[str]
) -> None:
    for row in range(placed.first_row, last + 1):
        number = row - placed.first_row
        filled = _shown(rows[number]) if number < len(rows) else {}
        texts = {}
        for column in annex.form.columns:
            value: Value | None = filled.get(column.id)
            if column.kind is ColumnKind.SERIAL:
                value = number + 1
            if column.id in omitted:
                place = row, placed.columns[column.id]
                annex.sheet.write_blank(*place, None, annex.formats.cell(column, bg_color=GREY))
            else:
                _write_value(annex, row, placed.columns[column.id], column, value)
            if isinstance(value, str):
                texts[column.id] = value
        annex.row(row, annex.height_of_row(texts))


def _shown(row: FiledRow) -> Mapping[str, Value]:
    """A row as it stood in the file: of a choice with something beside it the whole text."""
    beside = {each: note for each, note in row.notes.items() if isinstance(row.values.get(each), str)}
    return {**row.values, **beside}


def _write_value(annex: Annex, row: int, at: int, column: Column, value: Value | None) -> None:
    sheet, look = annex.sheet, annex.formats.cell(column, locked=False)
    if value is None or value is False:
        sheet.write_blank(row, at, None, look)
    elif value is True:
        sheet.write_string(row, at, TICK, look)
    elif isinstance(value, (int, Decimal)):
        sheet.write_number(row, at, value, look)
    else:
        annex.text(row, at, value, look)


def _ask(annex: Annex, placed: Placed, last: int, round_: str | None, language: Language) -> None:
    """The drop-downs, and what is said where something else is typed in."""
    for column in annex.form.asked(round_):
        rule = _rule(column)
        if rule is not None:
            asked = say(expected_in(column), language)
            at = placed.columns[column.id]
            _validate(annex.sheet, (placed.first_row, at, last, at), rule, column.label, asked, language)
    for field in annex.form.header:
        row, at = placed.fields[field.id]
        place = row, at, row, at
        if field.kind is FieldKind.DATE:
            asked = _ASKED_DAY.in_(language)
            between = {"criteria": "between", "minimum": _FIRST_DAY, "maximum": _LAST_DAY}
            _validate(annex.sheet, place, {"validate": "date", **between}, field.label, asked, language)
        elif field.kind is FieldKind.NIL:
            asked = _ASKED_NIL.in_(language)
            ticks = {"validate": "list", "source": [TICK]}
            _validate(annex.sheet, place, ticks, field.label, asked, language)


def _rule(column: Column) -> dict[str, Any] | None:
    """What may be typed into a column's cells; None: anything."""
    if column.kind is ColumnKind.COUNT:
        return {"validate": "integer", "criteria": ">=", "value": 0}
    if column.kind is ColumnKind.AMOUNT:
        return {"validate": "decimal", "criteria": ">=", "value": 0}
    if column.kind is ColumnKind.TICK:
        return {"validate": "list", "source": [TICK]}
    words = [choice.word for choice in column.choices]
    # A list in the rule itself is divided by commas and may not be long; where that does not do, there is none.
    if column.kind is ColumnKind.CHOICE and len(",".join(words)) <= _LIST and "," not in "".join(words):
        # A warning only: the document wants a short remark beside the word here and there.
        return {"validate": "list", "source": words, "error_type": "warning"}
    return None


def _validate(
    sheet: Worksheet,
    place: tuple[int, int, int, int],
    rule: Mapping[str, Any],
    label: str,
    asked: str,
    language: Language,
) -> None:
    said = {
        "input_title": label[:_TITLE],
        "input_message": asked[:_MESSAGE],
        "error_title": _WRONG.in_(language),
        "error_message": f"{label}：{asked}"[:_MESSAGE],
    }
    sheet.data_validation(*place, {**rule, **said, "ignore_blank": True})
