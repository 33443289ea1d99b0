"""A table against what it should agree with: its own totals, the columns beside, and last month's table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tracker.core.form import Column, ColumnKind, Filed, FiledRow, Form, Said, row_keys
from tracker.forms.book import Cell, Place
from tracker.forms.finding import Finding, Weight
from tracker.forms.recognise import Recognised
from tracker.forms.rows import RowKind, TableRow
from tracker.forms.values import found_text, read_value, tidy_number

#: So many rows that are gone are named.
_NAMED = 5


@dataclass(frozen=True)
class ReadRow:
    """A row of data that was read; ``unread`` are the columns with an error."""

    number: int
    filed: FiledRow
    unread: frozenset[str] = frozenset()


def exceeded(recognised: Recognised, rows: Sequence[ReadRow]) -> Iterator[Finding]:
    """Figures above the one that they are a part of."""
    for column in recognised.form.columns:
        if column.at_most is None:
            continue
        whole = recognised.form.by_id[column.at_most]
        for row in rows:
            values = row.filed.values
            if column.id not in values or whole.id not in values:
                continue
            part, most = row.filed.figure(column.id), row.filed.figure(whole.id)
            if part > most:
                message = Said(
                    f"“{column.label}”（{part}）多于“{whole.label}”（{most}），请核对。",
                    f"“{column.label}” ({part}) is more than “{whole.label}” ({most}); please check.",
                )
                expected = Said(f"不多于{most}", f"at most {most}")
                yield _question(
                    recognised, (row.number, recognised.columns[column.id]), message, str(part), expected
                )


def fallen(
    recognised: Recognised, rows: Sequence[ReadRow], previous: Filed, asked: Sequence[Column]
) -> Iterator[Finding]:
    """Figures below last month's, and rows of last month that are gone, of a form that accumulates."""
    form = recognised.form
    before = dict(zip(row_keys(form, previous.rows), previous.rows, strict=True))
    now = dict(zip(row_keys(form, [row.filed for row in rows]), rows, strict=True))
    for key, row in now.items():
        if key in before:
            yield from _fallen_in_row(recognised, row, before[key], asked)
    named = form.identified_by
    if named is not None and (
        named not in recognised.columns or any(named not in row.filed.values for row in rows)
    ):
        return
    gone = [key for key in before if key not in now]
    if gone:
        yield _gone(recognised, [_name(form, before[key], key) for key in gone])


def _fallen_in_row(
    recognised: Recognised, row: ReadRow, before: FiledRow, asked: Sequence[Column]
) -> Iterator[Finding]:
    for column in asked:
        if not column.is_figure or column.id in row.unread or column.id not in recognised.columns:
            continue
        old, new = before.figure(column.id), row.filed.figure(column.id)
        if new < old:
            is_blank = column.id not in row.filed.values
            message = Said(
                f"上月填的是{old}，本月{'没有填' if is_blank else f'是{new}'}；应在上月基础上填写，请核对。",
                f"Last month it was {old}, now it is {'empty' if is_blank else new};"
                " each month is filled in on top of the one before, please check.",
            )
            place = row.number, recognised.columns[column.id]
            expected = Said(f"不少于{old}", f"at least {old}")
            yield _question(recognised, place, message, "" if is_blank else str(new), expected)


def _name(form: Form, row: FiledRow, key: str) -> str:
    if form.identified_by is None:
        return f"第{key.removeprefix('#')}行"
    return str(row.values.get(form.identified_by, key))


def _gone(recognised: Recognised, names: list[str]) -> Finding:
    form = recognised.form
    shown = "、".join(names[:_NAMED])
    more = f"等{len(names)}行" if len(names) > _NAMED else ""
    message = Said(
        f"上月表里有、本月没有的：{shown}{more}，请核对。",
        f"In last month's table, and not in this one: {shown}"
        f"{f' and {len(names) - _NAMED} more' if len(names) > _NAMED else ''}; please check.",
    )
    column = (
        form.identified_by
        if form.identified_by in recognised.heads
        else min(recognised.columns, key=lambda each: recognised.columns[each])
    )
    return _question(recognised, recognised.heads[column or ""], message, "", Said("", ""))


def wrong_totals(
    recognised: Recognised, rows: Sequence[TableRow], read: Sequence[ReadRow]
) -> Iterator[Finding]:
    """Figures in a row of totals that are not the sum of the rows: of all, of those before it or of those after."""
    by_number = {row.number: row for row in read}
    blocks: list[list[ReadRow]] = [[]]
    totals: list[tuple[int, TableRow]] = []
    for row in rows:
        if row.kind is RowKind.TOTAL:
            totals.append((len(blocks), row))
            blocks.append([])
        elif row.number in by_number:
            blocks[-1].append(by_number[row.number])
    for number, row in totals:
        for identifier, (place, cell) in row.cells.items():
            column = recognised.form.by_id[identifier]
            figure = _total(column, cell)
            if figure is None or any(identifier in each.unread for each in read):
                continue
            sums = [
                sum((Decimal(each.filed.figure(identifier)) for each in block), Decimal(0))
                for block in (read, blocks[number - 1], blocks[number])
            ]
            if figure not in sums:
                message = Said(
                    f"合计是{figure}，各行相加是{tidy_number(sums[0])}，请核对。",
                    f"The total says {figure}, the rows add up to {tidy_number(sums[0])}; please check.",
                )
                expected = Said(f"{tidy_number(sums[0])}", f"{tidy_number(sums[0])}")
                yield _question(recognised, place, message, found_text(cell), expected)


def _total(column: Column, cell: Cell) -> Decimal | None:
    """The figure in a cell of a row of totals, also where it is a formula; None where it is none."""
    if (
        column.kind not in {ColumnKind.COUNT, ColumnKind.AMOUNT}
        or cell.is_error
        or isinstance(cell.value, bool)
    ):
        return None
    value = read_value(column, Cell(cell.value)).value
    return None if value is None or isinstance(value, str) else Decimal(value)


def _question(recognised: Recognised, place: Place, message: Said, found: str, expected: Said) -> Finding:
    return Finding(Weight.QUESTION, message, recognised.sheet.name, place, found, expected)
