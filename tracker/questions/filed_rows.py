"""What filed tables say: kept as JSON, read back, and what the same unit filed before on the same form."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Protocol

from sqlalchemy import and_, select
from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.form import TICK, Filed, FiledRow, Form, Value
from tracker.store.tables import ASSIGNMENT, FILING

#: What a file says from which nothing was taken.
NOTHING_TAKEN = "{}"
#: Answers behind which a table stands.
ANSWERED = ("submitted", "nil")


class FiledTable(Protocol):
    """A table of a unit in the ledger; ``id`` is the assignment's."""

    @property
    def id(self) -> int: ...  # noqa: D102

    @property
    def form(self) -> Form: ...  # noqa: D102

    @property
    def unit(self) -> str: ...  # noqa: D102

    @property
    def due(self) -> date: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a unit filed before, for which reference; ``is_last`` unless it left out what was asked for in between."""

    filed: Filed
    ref: str
    due: date
    is_last: bool

    @property
    def since(self) -> str:
        """The month in which it was due, where it is not the last: ``2022-04``."""
        return "" if self.is_last else f"{self.due:%Y-%m}"


def filed_before(
    session: Session, snapshot: CampaignSnapshot, places: Iterable[FiledTable]
) -> dict[int, Earlier]:
    """By assignment what the unit filed before it on the same form: month is compared with month across reports."""
    asked = list(places)
    if not asked:
        return {}
    forms = {each.form.id for each in asked}
    keys = {
        definition.key: form.id
        for definition in snapshot.campaign
        if (form := snapshot.form(definition)) is not None and form.id in forms
    }
    columns = ASSIGNMENT.c
    query = (
        select(columns.unit, columns.due, columns.key, columns.period, columns.answered)
        .add_columns(FILING.c.content)
        .outerjoin_from(
            ASSIGNMENT, FILING, and_(FILING.c.assignment_id == columns.id, FILING.c.in_force.is_(True))
        )
        .where(
            columns.campaign == snapshot.campaign.id,
            columns.key.in_(keys),
            columns.unit.in_({each.unit for each in asked}),
            columns.due < max(each.due for each in asked),
            columns.removed_on.is_(None),
        )
        .order_by(columns.due)
    )
    before: dict[tuple[str, str], list[Any]] = {}
    for row in session.execute(query):
        before.setdefault((keys[row.key], row.unit), []).append(row)
    found = {}
    for each in asked:
        earlier = [row for row in before.get((each.form.id, each.unit), ()) if row.due < each.due]
        filed = [row for row in earlier if row.content is not None and row.answered in ANSWERED]
        if filed:
            last = filed[-1]
            ref = f"{last.key}@{last.period}" if last.period else last.key
            found[each.id] = Earlier(
                from_json(last.content, each.form), ref, last.due, last.due == earlier[-1].due
            )
    return found


def to_json(filed: Filed) -> str:
    """As it is kept."""
    rows = [
        {"values": {name: _plain(value) for name, value in row.values.items()}, "notes": dict(row.notes)}
        for row in filed.rows
    ]
    facts = {"nil": filed.is_nil, "header": dict(filed.header), "rows": rows}
    return json.dumps(facts, ensure_ascii=False, sort_keys=True)


def from_json(text: str, form: Form | None) -> Filed:
    """What was kept, as far as the form still has the columns, by their present kinds; without a form as it is."""
    facts = json.loads(text)
    rows = tuple(_row(row["values"], row["notes"], form) for row in facts.get("rows", ()))
    return Filed(rows, facts.get("header", {}), bool(facts.get("nil")))


def _plain(value: Value) -> int | bool | str:
    return str(value) if isinstance(value, Decimal) else value


def _row(found: Mapping[str, Any], notes: Mapping[str, str], form: Form | None) -> FiledRow:
    if form is None:
        return FiledRow(found, notes)
    values: dict[str, Value] = {}
    others: dict[str, str] = {}
    for name, kept in found.items():
        column = form.by_id.get(name)
        if column is None:
            continue
        filed = TICK if kept is True else str(kept)
        value = column.value_of(filed)
        if value is None:
            others[name] = filed
        else:
            values[name] = value
    return FiledRow(values, notes, others)
