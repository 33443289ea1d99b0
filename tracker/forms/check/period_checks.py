"""A table against the one that the same unit filed before: pure, so that it can be asked anew whenever either changes.

Rows are matched by name, wherever they stand; a form without names is not compared at all.  What is found is a code
with facts (plain JSON values), and put into words when somebody reads it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tracker.core.form import Column, Filed, FiledRow, Form, comparable
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


def _before(facts: Mapping[str, Any]) -> Message:
    """What the table before is called."""
    since = str(facts.get("since") or "")
    if not since:
        return Message("findings.before.last")
    year, _, month = since.partition("-")
    return Message("findings.before.earlier", year=year, month=int(month), since=since)


def _fell(_: Form, facts: Mapping[str, Any]) -> tuple[Message, str, Message | None]:
    old, new, before = facts["old"], facts["new"], _before(facts)
    message = (
        Message("findings.before.emptied", before=before, old=old)
        if new is None
        else Message("findings.before.fell", before=before, old=old, new=new)
    )
    return message, new or "", Message("findings.expected.at_least", least=old)


def _jumped(_: Form, facts: Mapping[str, Any]) -> tuple[Message, str, Message | None]:
    old, new = facts["old"], facts["new"]
    times = Decimal(new) / Decimal(old)
    message = Message("findings.before.jumped", before=_before(facts), old=old, new=new, times=f"{times:.0f}")
    return message, new, None


def _gone_said(_: Form, facts: Mapping[str, Any]) -> tuple[Message, str, Message | None]:
    names, count, before = tuple(facts["names"]), facts["count"], _before(facts)
    more = count - len(names)
    message = (
        Message("findings.before.gone_more", before=before, names=names, count=count, more=more)
        if more
        else Message("findings.before.gone", before=before, names=names)
    )
    return message, "", None


def _nil(_: Form, facts: Mapping[str, Any]) -> tuple[Message, str, Message | None]:
    message = Message("findings.before.nil", before=_before(facts), n=facts["rows"])
    return message, "", None


_SAID = {"fell": _fell, "jumped": _jumped, "gone": _gone_said, "nil_after_rows": _nil}
CODES = frozenset(_SAID)
