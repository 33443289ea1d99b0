"""A table against what it should agree with: its own totals, the columns beside, and last month's table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tracker.core.form import Column, Filed, FiledRow, Form, Said, row_keys
from tracker.forms.book import Place
from tracker.forms.finding import Finding, Weight
from tracker.forms.recognised import Recognised

#: So many rows that are gone are named.
_NAMED = 5
#: A figure that is so many times last month's, and so much more, is asked about.
_TIMES, _JUMP = 10, 500


@dataclass(frozen=True)
class ReadRow:
    """A row of data that was read, of ``table``; ``unread`` are the columns with an error."""

    table: Recognised
    number: int
    filed: FiledRow
    unread: frozenset[str] = frozenset()

    def place(self, column: str) -> Place:
        """Where a column stands in it."""
        return self.number, self.table.columns[column]


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
                yield _question(row.table, row.place(column.id), message, str(part), expected)


def changed(
    recognised: Recognised, rows: Sequence[ReadRow], previous: Filed, asked: Sequence[Column]
) -> Iterator[Finding]:
    """Figures below last month's or far above, and rows of last month that are gone, of a form that accumulates."""
    form = recognised.form
    before = dict(zip(row_keys(form, previous.rows), previous.rows, strict=True))
    now = dict(zip(row_keys(form, [row.filed for row in rows]), rows, strict=True))
    for key, row in now.items():
        if key in before:
            yield from _changed_in_row(row, before[key], asked)
    named = form.identified_by
    if named is not None and (
        named not in recognised.columns or any(named not in row.filed.values for row in rows)
    ):
        return
    gone = [key for key in before if key not in now]
    if gone:
        yield _gone(recognised, [_name(form, before[key], key) for key in gone])


def _changed_in_row(row: ReadRow, before: FiledRow, asked: Sequence[Column]) -> Iterator[Finding]:
    """Figures that fell, or rose as a slip of the pen makes them."""
    for column in asked:
        if not column.is_figure or column.id in row.unread or column.id not in row.table.columns:
            continue
        old, new = before.figure(column.id), row.filed.figure(column.id)
        is_blank = column.id not in row.filed.values
        if new < old:
            message = Said(
                f"上月填的是{old}，本月{'没有填' if is_blank else f'是{new}'}；应在上月基础上填写，请核对。",
                f"Last month it was {old}, now it is {'empty' if is_blank else new};"
                " each month is filled in on top of the one before, please check.",
            )
            expected = Said(f"不少于{old}", f"at least {old}")
        elif new - old >= _JUMP and new >= _TIMES * old > 0:
            message = Said(
                f"上月填的是{old}，本月是{new}，增加过多，请核对是否多写了位数。",
                f"Last month it was {old}, now it is {new}; please check whether there is a digit too many.",
            )
            expected = Said("", "")
        else:
            continue
        yield _question(row.table, row.place(column.id), message, "" if is_blank else str(new), expected)


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


def _question(recognised: Recognised, place: Place, message: Said, found: str, expected: Said) -> Finding:
    return Finding(Weight.QUESTION, message, recognised.sheet.name, place, found, expected)
