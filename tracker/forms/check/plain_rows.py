"""Rows that lack the signs of a plain row: a number where the others have one, anything but a name, a place above the total.

None of them is counted or left out in silence.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise

from tracker.core.form import ColumnKind, comparable
from tracker.forms.book import Cell, Merge, Place
from tracker.forms.check.labels import is_rest_of_name
from tracker.forms.check.recognised import Recognised
from tracker.forms.check.rows import RowKind, TableRow, merged_places
from tracker.forms.check.values import found_text, plain_text
from tracker.forms.finding import Finding, Weight
from tracker.i18n.message import Message

#: One row alone has none to be like.
_LEAST = 2
_UNNUMBERED = Message("findings.row.unnumbered")
_BELOW = Message("findings.row.below")
_ALONE = Message("findings.row.name_alone")


def join_names(table: Recognised, rows: Sequence[TableRow], known: Collection[str]) -> list[Finding]:
    """Names that go on in the row below become one, in the row above; ``known`` are those of last month, ``comparable``.

    They do where all else is merged over both rows, or where the lower one has no number, and only both are a name.
    """
    name = table.name_column
    if name is None or not any(_is_alone(row, name) for row in rows):
        return []
    merges = merged_places(table)
    findings = []
    above: TableRow | None = None
    for row in rows:
        if above is not None and _is_alone(row, name) and not _is_known(row, name, known):
            place, cell = above.cells[name]
            first, second = (plain_text(each.cells[name][1]) for each in (above, row))
            joined = f"{first} {second}" if first[-1:].isascii() and second[:1].isascii() else first + second
            is_rest = row.number == above.number + 1 and _serial(table) in above.cells
            is_rest &= comparable(joined) in known or is_rest_of_name(second, first)
            if not is_rest and not _is_one(table, merges, above, row, name):
                above = row
                continue
            above.cells[name] = place, cell._replace(value=joined)
            row.kind = RowKind.SKIPPED
            findings.append(_joined(table, row.cells[name], joined))
        elif row.kind is RowKind.DATA:
            above = row if name in row.cells else None
    return findings


def _is_one(
    table: Recognised, merges: Mapping[Place, Merge], above: TableRow, row: TableRow, name: str
) -> bool:
    """Whether cells beside the names are merged over both rows: the number of the row, if it has one."""
    covers = {
        each
        for each, at in table.columns.items()
        if each != name
        and (merge := merges.get((row.number, at))) is not None
        and merge.first_row == above.number
    }
    serial = _serial(table)
    return bool(covers) and (serial is None or serial in covers or serial not in above.cells)


def _joined(table: Recognised, held: tuple[Place, Cell], joined: str) -> Finding:
    place, cell = held
    said = Message("findings.row.joined", joined=joined)
    return Finding(Weight.QUESTION, said, table.sheet.name, place, found_text(cell))


def set_apart(table: Recognised, rows: Sequence[TableRow], known: Collection[str]) -> dict[int, Finding]:
    """Make of rows of data what they are where they lack the signs of one.

    ``known`` are names of last month, ``comparable``.  Gives the questions about rows that stay data, by row.
    """
    name = table.name_column
    data = [row for row in rows if row.kind is RowKind.DATA]
    if len(data) < _LEAST:
        return {}
    bare = _without_number(table, data)
    whole = {row.number for row in data if not _is_alone(row, name)}
    is_numbered = 2 * len(whole - bare) >= max(1, len(whole))
    total = max((row.number for row in rows if row.kind is RowKind.TOTAL), default=-1)
    total = total if total > data[0].number else data[-1].number
    asked = _rests(table, data, known)
    for row in data:
        is_bare, is_below = row.number in bare, row.number > total
        if not (is_bare or is_below) or _is_known(row, name, known):
            continue
        is_alone = _is_alone(row, name)
        if is_bare and is_numbered and (is_alone or is_below):
            row.kind = RowKind.NOTE if is_alone else RowKind.BELOW
        elif is_below:
            asked[row.number] = _asked(table, row, _BELOW)
        elif is_numbered:
            asked[row.number] = _asked(table, row, _UNNUMBERED)
        elif is_alone and row is data[-1] and len(whole) == len(data) - 1:
            asked[row.number] = _asked(table, row, _ALONE)
    return asked


def _without_number(table: Recognised, data: Sequence[TableRow]) -> set[int]:
    """Which rows have no number, of their own or merged with one above."""
    serial = _serial(table)
    bare = {row.number for row in data if serial is None or serial not in row.cells}
    if serial is None or not bare:
        return bare
    merges, at = merged_places(table), table.columns[serial]
    return {
        number for number in bare if (merge := merges.get((number, at))) is None or merge.first_row == number
    }


def _rests(table: Recognised, data: Sequence[TableRow], known: Collection[str]) -> dict[int, Finding]:
    """The questions about numbered rows of a name alone that looks like the rest of the one above."""
    name = table.name_column
    asked: dict[int, Finding] = {}
    if name is None:
        return asked
    for above, row in pairwise(data):
        if (
            len(row.cells) != 2
            or name not in row.cells
            or name not in above.cells
            or _serial(table) not in row.cells
        ):
            continue
        first, second = (plain_text(each.cells[name][1]) for each in (above, row))
        if is_rest_of_name(second, first) and not _is_known(row, name, known):
            asked[row.number] = _asked(table, row, _ALONE)
    return asked


def _asked(table: Recognised, row: TableRow, said: Message) -> Finding:
    place, cell = row.cells.get(table.name_column or "") or next(iter(row.cells.values()))
    return Finding(Weight.QUESTION, said, table.sheet.name, place, found_text(cell))


def _serial(table: Recognised) -> str | None:
    """The column of the numbers of rows, where the table has one."""
    return next(
        (each for each in table.columns if table.form.by_id[each].kind is ColumnKind.SERIAL),
        None,
    )


def _is_alone(row: TableRow, name: str | None) -> bool:
    """Whether a row has a name and nothing else, not even a number."""
    return row.kind is RowKind.DATA and name is not None and row.cells.keys() == {name} and not row.across


def _is_known(row: TableRow, name: str | None, known: Collection[str]) -> bool:
    return name is not None and name in row.cells and comparable(plain_text(row.cells[name][1])) in known
