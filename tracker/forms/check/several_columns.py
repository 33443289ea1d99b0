"""Several columns where a form has one: 本月 and 累计 below one head, or two heads that may both be meant for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tracker.core.form import Column, ColumnKind
from tracker.forms.book import Place
from tracker.forms.check.column_headers import ALIKE, head_key, in_one_line, labels_of, similarity
from tracker.forms.check.figures import read_figure, read_measure
from tracker.forms.check.head_sense import says_other
from tracker.forms.check.recognised import Recognised
from tracker.forms.finding import Finding, Weight
from tracker.i18n.message import Message


def rivals(recognised: Recognised, beside: Iterable[int]) -> dict[Column, list[int]]:
    """By column the sheet columns besides its own that may be meant for it; ``beside`` are filled and none of the form's."""
    found: dict[Column, list[int]] = {}
    for at in beside:
        column = _below_one_head(recognised, at) or _alike(recognised, at)
        if column is not None and (column.is_figure or column.kind is ColumnKind.TICK):
            found.setdefault(column, []).append(at)
    return found


def divided(recognised: Recognised, column: Column, others: Sequence[int]) -> Finding:
    """The error that it cannot be told which of its sheet columns counts."""
    place = recognised.heads[column.id]
    columns = [recognised.columns[column.id], *others]
    heads = tuple(dict.fromkeys(in_one_line(own_head(recognised, at)[1]) for at in columns))
    message = Message("findings.head.divided", label=column.full_label, heads=tuple(filter(None, heads)))
    expected = Message("findings.expected.this", text=column.full_label)
    return Finding(
        Weight.ERROR, message, recognised.sheet.name, place, in_one_line(recognised.text(place)), expected
    )


def own_head(recognised: Recognised, at: int) -> tuple[Place, str]:
    """Where the lowest head of a sheet column stands, and what it says; “” where it has none."""
    places = [(row, at) for row in reversed(recognised.head_rows) if recognised.text((row, at))]
    place = next((each for each in places if _is_word(recognised.text(each))), (recognised.head_rows[-1], at))
    return place, recognised.text(place)


def part_below(recognised: Recognised, head: Place) -> str:
    """What a row that divides heads says below one, as 本月; “” where there is none."""
    rows = [row for row in recognised.head_rows if row > head[0]]
    return next((text for text in (recognised.text((row, head[1])) for row in rows) if _is_word(text)), "")


def _below_one_head(recognised: Recognised, at: int) -> Column | None:
    """The column whose head goes over a sheet column that has none of its own beside it."""
    columns = {own: each for each, own in recognised.columns.items()}
    left = max((own for own in columns if own < at), default=None)
    if left is None:
        return None
    row, _ = recognised.heads[columns[left]]
    if any(recognised.text((above, at)) for above in recognised.head_rows if above <= row):
        return None
    is_over = any(
        merge.first_row <= row <= merge.last_row and merge.first_column <= left and at <= merge.last_column
        for merge in recognised.sheet.merges
    )
    is_part = part_below(recognised, (row, at)) and part_below(recognised, (row, left))
    return recognised.form.by_id[columns[left]] if is_over or is_part else None


def _alike(recognised: Recognised, at: int) -> Column | None:
    """The column whose head, in another sense than its own, is like that of a sheet column."""
    key = head_key(own_head(recognised, at)[1])
    for column, label in labels_of(recognised.form).plain.items():
        if column in recognised.heads and similarity(key, label) >= ALIKE:
            own = recognised.form.by_id[column]
            if says_other(recognised.text(recognised.heads[column]), own):
                return own
    return None


def _is_word(text: str) -> bool:
    return bool(head_key(text)) and read_figure(text) is None and read_measure(text) is None
