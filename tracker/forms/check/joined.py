"""Tables of one form in one file: parts of one, a month each, copies, or a question which of them counts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

from tracker.core.form import ColumnKind, comparable
from tracker.forms.check.figures import NOTHING, chinese_digits
from tracker.forms.check.form_fields import Month, shown
from tracker.forms.check.recognised import Recognised, header_month
from tracker.forms.check.rows import RowKind, TableRow, extent, table_rows
from tracker.forms.finding import Finding, Weight
from tracker.i18n.message import Message

_MONTH = re.compile(r"(?<!\d)(1[0-2]|0?[1-9])月")
#: Sheets that show how a form is filled in.
_SAMPLE = re.compile("示例|样表|样例|范例|范本|模板|模版|sample|example|template", re.IGNORECASE)
_NO_FIGURES = frozenset({"", "0", *NOTHING})


def joined(tables: Sequence[Recognised], asked: Month | None = None) -> list[Recognised]:
    """One for each table that is meant, in the order in which they stand; what was decided is among its notes.

    ``asked`` is the month for which tables are asked, which tells the sheets of a year apart.
    """
    groups: list[list[Recognised]] = []
    for table in _without_samples(tables):
        group = next((each for each in groups if _is_same(each[0], table)), None)
        if group is None:
            groups.append([table])
        else:
            group.append(table)
    return [_one(group, asked) if len(group) > 1 else group[0] for group in groups]


def _without_samples(tables: Sequence[Recognised]) -> list[Recognised]:
    """Without the sheets that show how a form is filled in, whatever unit they name, where it is filled in as well."""
    real = [each for each in tables if not _SAMPLE.search(each.sheet.name)]
    forms = [each.form for each in real]
    found = []
    for table in tables:
        if _SAMPLE.search(table.sheet.name) and table.form in forms:
            continue
        samples = [each for each in tables if each.form is table.form and _SAMPLE.search(each.sheet.name)]
        if table.form in forms and next(each for each in real if each.form is table.form) is table:
            found.append(replace(table, notes=(*table.notes, *map(_sample, samples))))
        else:
            found.append(table)
    return found


def named(blank: Iterable[Recognised], tables: Sequence[Recognised]) -> list[Finding]:
    """What is said of forms without content beside ``tables``."""
    told = []
    forms = {table.form.id for table in tables}
    for each in blank:
        if each.form.id in forms:
            weight, said = (
                Weight.READING,
                Message("findings.file.empty_beside", sheet=each.sheet.name, form=each.form.name),
            )
        else:
            weight = Weight.QUESTION
            said = Message(
                "findings.file.empty", sheet=each.sheet.name, form=each.form.name, how=each.how_nil
            )
        told.append(Finding(weight, said, each.sheet.name))
    return told


def content(table: Recognised) -> list[list[tuple[str, str]]]:
    """What its rows say, verbatim, by which two versions are held against each other; a nil return has none."""
    return [each for part in (table, *table.continued) for each in _said(_data(part))]


def _is_same(one: Recognised, other: Recognised) -> bool:
    """Whether two tables are of one form, unit and period, as far as they say."""
    if one.form is not other.form:
        return False
    if one.unit_text and other.unit_text and comparable(one.unit_text) != comparable(other.unit_text):
        return False
    months = header_month(one), header_month(other)
    return None in months or months[0] == months[1]


def _one(group: list[Recognised], asked: Month | None) -> Recognised:
    chosen = _of_month(group, asked)
    if not chosen:
        return replace(group[0], notes=(*group[0].notes, _which_month(group)))
    first, *others = chosen
    # What was noted of the group goes with the one that is taken.
    told = [note for each in group if each is not first for note in each.notes]
    left_out = [each for each in group if each not in chosen]
    notes = [*told, *([_left_out(left_out)] if left_out else [])]
    rows = {id(each): _data(each) for each in chosen}
    others = [each for each in others if _said(rows[id(each)]) != _said(rows[id(first)])]
    notes += [_copy(each, first) for each in chosen[1:] if each not in others]
    if others and _goes_on([first, *others], rows):
        notes += [_continued(each) for each in others]
        return replace(first, continued=tuple(others), notes=(*first.notes, *notes))
    notes += [_which(first, others)] if others else []
    return replace(first, notes=(*first.notes, *notes))


def _of_month(group: list[Recognised], asked: Month | None) -> list[Recognised]:
    """Of sheets that are of several months, by their names or days, that of the month ``asked``; none: it cannot be told.

    A sheet that is prepared for later has its own name and, copied from the one before, perhaps its day.
    """
    named = {id(each): _named(each) for each in group}
    filled: dict[int, Month | None] = {
        id(each): None if each.filled_on is None else (each.filled_on.year, each.filled_on.month)
        for each in group
    }
    keys = {named[at] or (day and day[1]) for at, day in filled.items()}
    if None in keys or len(keys) < 2:
        return group
    fits = [
        each
        for each in group
        if named[id(each)] == (asked or (0, 0))[1] and filled[id(each)] in (None, asked)
    ]
    dated = [each for each in group if filled[id(each)] == asked]
    if fits:
        days = [each.filled_on for each in fits if each.filled_on is not None]
        if any(
            each.filled_on and each.filled_on > max(days, default=date.min)
            for each in dated
            if each not in fits
        ):
            return []
    elif not dated:
        # What comes late is the last that was filled in before.
        before = [day for day in filled.values() if day is not None and asked is not None and day < asked]
        dated = [each for each in group if before and filled[id(each)] == max(before)]
    chosen = fits or dated
    is_one = len({named[id(each)] or 0 for each in chosen}) == 1
    return chosen if is_one and (_has_figures(chosen) or not _has_figures(group)) else []


def _named(table: Recognised) -> int | None:
    """The one month that the name of its sheet says."""
    found = set(_MONTH.findall(chinese_digits(table.sheet.name)))
    return int(found.pop()) if len(found) == 1 else None


def _has_figures(tables: Iterable[Recognised]) -> bool:
    return any(
        table.form.by_id[each].is_figure and shown(cell.value) not in _NO_FIGURES
        for table in tables
        for row in _data(table)
        for each, (_, cell) in row.cells.items()
    )


def _data(table: Recognised) -> list[TableRow]:
    return [row for row in table_rows(table, extent(table)) if row.kind is RowKind.DATA]


def _said(rows: Iterable[TableRow]) -> list[list[tuple[str, str]]]:
    return [[(each, shown(cell.value)) for each, (_, cell) in sorted(row.cells.items())] for row in rows]


def _goes_on(parts: Sequence[Recognised], rows: dict[int, list[TableRow]]) -> bool:
    """Whether each part begins with the number after the last one of the part before."""
    serial = next((each.id for each in parts[0].form.columns if each.kind is ColumnKind.SERIAL), None)
    last: int | None = None
    for part in parts:
        numbers = [_number(row, serial) for row in rows[id(part)]]
        known = [number for number in numbers if number is not None]
        if not known or (last is not None and numbers[0] != last + 1):
            return False
        last = known[-1]
    return True


def _number(row: TableRow, serial: str | None) -> int | None:
    text = shown(row.cells[serial][1].value).strip(" .、") if serial in row.cells else ""
    return int(text) if text.isdecimal() and len(text) < 6 else None


def _place(table: Recognised) -> Message:
    return Message("findings.file.part", sheet=table.sheet.name, row=table.head_rows[0] + 1)


def _continued(part: Recognised) -> Finding:
    said = Message("findings.file.goes_on", part=_place(part))
    return Finding(Weight.READING, said, part.sheet.name, part.corner)


def _copy(part: Recognised, first: Recognised) -> Finding:
    said = Message("findings.file.copy", part=_place(part), sheet=first.sheet.name)
    return Finding(Weight.READING, said, part.sheet.name, part.corner)


def _sample(part: Recognised) -> Finding:
    said = Message("findings.file.sample", sheet=part.sheet.name)
    return Finding(Weight.READING, said, part.sheet.name)


def _left_out(parts: Sequence[Recognised]) -> Finding:
    first = parts[0]
    said = Message("findings.file.another", parts=tuple(map(_place, parts)), form=first.form.name)
    return Finding(Weight.QUESTION, said, first.sheet.name, first.corner)


def _which_month(parts: Sequence[Recognised]) -> Finding:
    first = parts[0]
    said = Message("findings.file.which_month", parts=tuple(map(_place, parts)), form=first.form.name)
    return Finding(Weight.ERROR, said, first.sheet.name, first.corner)


def _which(first: Recognised, others: Sequence[Recognised]) -> Finding:
    said = Message("findings.file.which", parts=tuple(map(_place, others)), form=first.form.name)
    return Finding(Weight.ERROR, said, others[0].sheet.name, others[0].corner)
