"""The measure of a column where others write it: in its head, in that of its group, in a row below, beside the table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import groupby

from tracker.core.form import Column, squeezed
from tracker.forms.book import Place
from tracker.forms.check.column_headers import in_one_line
from tracker.forms.check.figures import fits, measures_told, read_measure
from tracker.forms.check.recognised import Recognised
from tracker.forms.check.rows import RowKind, TableRow
from tracker.forms.finding import Finding, Weight
from tracker.i18n.message import Message

_BRACKETS = str.maketrans("〔〕【】[]{}", "()()()()")
_IN_BRACKETS = re.compile(r"\(([^()]*)\)")
_BETWEEN = re.compile(r"[/,:;、|—-]")
#: What may lead to a measure: 计量单位：, 金额.
_LEADING = re.compile(r"^(?:[/,:;、.|—-]|(?:计量|金额|货币)?单位[:为是]?|金额|数额|以|按)+")
#: 培训万人次
_SIZED = re.compile(r"([十百千万亿]+(?:人次|人|名|项|家))$")
_LIST = re.compile(r"[,;、和及]|/(?![年月季])")


@lru_cache(maxsize=2048)
def measures_in(head: str, label: str = "") -> tuple[str, ...]:
    """The measures that a head says besides ``label``, as written: 元 of 罚款/元, 百人次 of 培训人次（百人次）."""
    plain = squeezed(head).translate(_BRACKETS)
    parts = _IN_BRACKETS.findall(plain)
    rest, own = _IN_BRACKETS.sub("", plain), squeezed(label)
    if own and rest.startswith(own):
        parts.append(rest[len(own) :])
    else:
        parts += [rest] if not own else _BETWEEN.split(rest)[1:]
    within = _SIZED.search(rest)
    parts += [within[1]] if within else []
    return tuple(dict.fromkeys(each for part in parts for each in _measures(_LEADING.sub("", part))))


def _measures(text: str) -> Iterator[str]:
    for each in (text,) if read_measure(text) else _LIST.split(text):
        if read_measure(each) is not None:
            yield each


def differs(said: str, column: Column) -> Weight | None:
    """How much it weighs that a measure is said of a column; None where it is that of the column."""
    measure, own = read_measure(said), read_measure(column.unit or "")
    assert measure is not None
    if measure.base and own is not None and own.base != measure.base:
        is_alike = fits(measure.base, own.base) and not measure.is_money
        if not is_alike:
            return Weight.ERROR if measure.is_money else Weight.QUESTION
    if measure.size != (1 if own is None else own.size):
        return Weight.ERROR
    if own is None:
        return Weight.ERROR if measure.is_money else Weight.QUESTION
    return Weight.QUESTION if own.per and measure.per and own.per != measure.per else None


def check_measures(recognised: Recognised, rows: Iterable[TableRow]) -> Iterator[Finding]:
    """Figures that are said to be written in another measure than that of their column."""
    columns = [each for each in recognised.form.columns if each.is_figure and each.id in recognised.columns]
    around = list(_around(recognised, rows))
    found: list[tuple[Place, str, Weight, Column]] = []
    for column in columns:
        own = measures_in(recognised.text(recognised.heads[column.id]), column.label)
        is_right = bool(own) and all(differs(each, column) is None for each in own)
        said = [(recognised.heads[column.id], each) for each in own]
        said += _near(recognised, column)
        said += [(place, each) for place, each in around if _is_about(each, column)]
        for place, each in said:
            weight = differs(each, column)
            if weight is not None:
                found.append((place, each, Weight.QUESTION if is_right else weight, column))
                break
    found.sort(key=lambda each: (each[0], each[2]))
    for (place, weight), same in groupby(found, lambda each: (each[0], each[2])):
        yield _finding(recognised, place, weight, [(column, each) for _, each, _, column in same])


def _finding(
    recognised: Recognised, place: Place, weight: Weight, differing: list[tuple[Column, str]]
) -> Finding:
    by_unit: dict[str | None, list[Column]] = {}
    for column, _ in differing:
        by_unit.setdefault(column.unit, []).append(column)
    said = tuple(dict.fromkeys(each for _, each in differing))
    wanted = tuple(
        Message("findings.measure_of", columns=tuple(each.label for each in columns), measure=unit)
        if unit
        else Message("findings.measure_none", columns=tuple(each.label for each in columns))
        for unit, columns in by_unit.items()
    )
    message = Message("findings.other_measure", wanted=wanted, said=said)
    expected = "、".join(column.full_label for column, _ in differing)
    found = in_one_line(recognised.text(place))
    return Finding(
        weight, message, recognised.sheet.name, place, found, Message("findings.expected.this", text=expected)
    )


def _near(recognised: Recognised, column: Column) -> Iterator[tuple[Place, str]]:
    """What stands above and below the head of a column, within the head of the table."""
    group = group_place(recognised, column)
    if group is not None:
        yield from ((group, each) for each in measures_in(recognised.text(group), column.group or ""))
    row, at = recognised.heads[column.id]
    for below in range(row + 1, recognised.first_row):
        text = recognised.text((below, at))
        yield from (((below, at), each) for each in measures_in(text) if text)


def group_place(recognised: Recognised, column: Column) -> Place | None:
    """Where the head of its group stands, if it has one of its own."""
    row, at = recognised.heads[column.id]
    texts = [place for place in recognised.sheet.cells if place[0] in recognised.head_rows]
    for above in range(row - 1, recognised.head_rows[0] - 1, -1):
        left = next(
            (
                merge.first_column
                for merge in recognised.sheet.merges
                if merge.first_row <= above <= merge.last_row
                and merge.first_column <= at <= merge.last_column
            ),
            max((left for row_, left in texts if row_ == above and left <= at), default=at),
        )
        if recognised.text((above, left)):
            return above, left
    return None


def _around(recognised: Recognised, rows: Iterable[TableRow]) -> Iterator[tuple[Place, str]]:
    """The measures that are said above and below the table."""
    last = max((row.number for row in rows if row.kind is RowKind.DATA), default=recognised.first_row - 1)
    for place, cell in recognised.sheet.cells.items():
        text = cell.value
        if recognised.head_rows[0] <= place[0] <= last or not isinstance(text, str):
            continue
        yield from ((place, each) for each in measures_told(text))


def _is_about(said: str, column: Column) -> bool:
    """Whether a measure beside the table can be that of a column."""
    measure, own = read_measure(said), read_measure(column.unit or "")
    if measure is None or own is None:
        return False
    return measure.base == own.base or (not measure.is_money and fits(measure.base, own.base))
