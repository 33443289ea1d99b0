"""A table against the one that the same unit filed before: pure, so that it can be asked anew whenever either changes.

Rows are matched by name, wherever they stand; a form without names is not compared at all.  What is found is a code
with facts (plain JSON values), and put into words when somebody reads it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tracker.core.form import Column, Filed, FiledRow, Form, Said, comparable
from tracker.i18n.message import Message

#: A figure that is so many times the one before, and so much more, is asked about: 31 → 3100.
JUMP_TIMES, JUMP_MORE = 10, 500
#: So many rows that are gone are named.
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Doubt:
    """One question about a table and the one before.

    ``row`` counts the filed rows from 0 and ``column`` is an id; both None: the table as a whole, ``column`` alone:
    its head.
    """

    code: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    row: int | None = None
    column: str | None = None


def doubts(form: Form, asked: Sequence[Column], now: Filed, before: Filed, since: str = "") -> list[Doubt]:
    """What is to be asked of ``now``; ``asked`` are the columns that its round asks for.

    ``since`` is the month in which ``before`` was due (``2022-04``) where that is not the last one asked for.
    """
    if not form.identified_by:
        return []
    if not now.rows:
        is_doubtful = now.is_nil and form.accumulates and bool(before.rows)
        return [Doubt("nil_after_rows", {"rows": len(before.rows), "since": since})] if is_doubtful else []
    return [*_figures(form, asked, now, before, since), *_gone(form, now, before, since)]


def _by_name(form: Form, filed: Filed) -> dict[str, list[int]]:
    """The rows of each name; what has none is nobody's."""
    found: dict[str, list[int]] = {}
    for number, row in enumerate(filed.rows):
        name = _name(form, row)
        if name:
            found.setdefault(comparable(name), []).append(number)
    return found


def _name(form: Form, row: FiledRow) -> str:
    return str(row.values.get(form.identified_by or "", ""))


def _figures(form: Form, asked: Sequence[Column], now: Filed, before: Filed, since: str) -> Iterator[Doubt]:
    """Figures that have fallen where they accumulate, and figures that have jumped.

    Rows of one name are taken together: which of them was which nobody knows.
    """
    earlier = _by_name(form, before)
    for name, rows in _by_name(form, now).items():
        if name not in earlier:
            continue
        for column in asked:
            if not column.is_figure:
                continue
            old, new = _sum(before, earlier[name], column), _sum(now, rows, column)
            facts = {
                "column": column.id,
                "row": _name(form, now.rows[rows[0]]),
                "old": str(old),
                "new": str(new) if any(column.id in now.rows[each].values for each in rows) else None,
                "since": since,
            }
            # Where one of several is doubted, it is the first that has the figure.
            at = next((each for each in rows if column.id in now.rows[each].values), rows[0])
            if new < old and form.accumulating(column):
                yield Doubt("fell", facts, at, column.id)
            elif old and new >= JUMP_TIMES * old and new - old >= JUMP_MORE:
                yield Doubt("jumped", facts, at, column.id)


def _sum(filed: Filed, rows: Sequence[int], column: Column) -> Decimal:
    return sum((Decimal(filed.rows[each].figure(column.id)) for each in rows), Decimal(0))


def _gone(form: Form, now: Filed, before: Filed, since: str) -> Iterator[Doubt]:
    """Rows that were there before, of a form that accumulates."""
    if not form.accumulates or any(not _name(form, row) for row in now.rows):
        return
    here = _by_name(form, now)
    gone = [
        _name(form, before.rows[rows[0]]) for name, rows in _by_name(form, before).items() if name not in here
    ]
    if gone:
        facts = {"names": gone[:_NAMED], "count": len(gone), "since": since}
        yield Doubt("gone", facts, None, form.identified_by)


def said(form: Form, code: str, facts: Mapping[str, Any]) -> tuple[Message, str, Message | None]:
    """The sentence about a doubt, what stands there, and what was expected; KeyError for a code that is none."""
    return _SAID[code](form, facts)


def _before(facts: Mapping[str, Any]) -> Said:
    """What the table before is called."""
    since = str(facts.get("since") or "")
    if not since:
        return Said("上月", "Last month")
    year, _, month = since.partition("-")
    return Said(f"上一次报的表（{year}年{int(month)}月应报）", f"In the table before (due in {since})")


def _fell(_: Form, facts: Mapping[str, Any]) -> tuple[Message, str, Message | None]:
    old, new, before = facts["old"], facts["new"], _before(facts)
    message = Said(
        f"{before.zh}填的是{old}，本月{'没有填' if new is None else f'是{new}'}；应在上月基础上填写，请核对。",
        f"{before.en} it was {old}, now it is {'empty' if new is None else new};"
        " each month is filled in on top of the one before, please check.",
    )
    return message, new or "", Said(f"不少于{old}", f"at least {old}")


def _jumped(_: Form, facts: Mapping[str, Any]) -> tuple[Message, str, Message | None]:
    old, new, before = facts["old"], facts["new"], _before(facts)
    times = Decimal(new) / Decimal(old)
    message = Said(
        f"{before.zh}填的是{old}，本月是{new}，是{times:.0f}倍；请核对是否多写了数字或者计量单位不同。",
        f"{before.en} it was {old}, now it is {new}, {times:.0f} times as much;"
        " please check for a digit too many or another unit.",
    )
    return message, new, None


def _gone_said(_: Form, facts: Mapping[str, Any]) -> tuple[Message, str, Message | None]:
    names, count, before = facts["names"], facts["count"], _before(facts)
    shown, rest = "、".join(names), count - len(names)
    message = Said(
        f"{before.zh}表里有、本月没有的：{shown}{f'等{count}行' if rest else ''}，请核对。",
        f"{before.en} there were, and now are not: {shown}{f' and {rest} more' if rest else ''};"
        " please check.",
    )
    return message, "", None


def _nil(_: Form, facts: Mapping[str, Any]) -> tuple[Message, str, Message | None]:
    rows, before = facts["rows"], _before(facts)
    message = Said(
        f"{before.zh}填了{rows}行，本月是零报告，请核对。",
        f"{before.en} there were {rows} row(s), and now there is nothing to report; please check.",
    )
    return message, "", None


_SAID = {"fell": _fell, "jumped": _jumped, "gone": _gone_said, "nil_after_rows": _nil}
CODES = frozenset(_SAID)
