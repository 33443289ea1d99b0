"""Rows of the ledger written in lots: one statement for thousands of them instead of several for each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from sqlalchemy import bindparam, delete, insert, update
from sqlmodel import Session

from tracker.core.model import Definition
from tracker.store.batches import batches
from tracker.store.tables import AGENDA, ASSIGNMENT, DEFINITION

#: So many new assignments are written together.
LOT = 20_000


class BatchedInserts:
    """Collects them, and writes them when there are enough; ``flush`` writes the rest."""

    def __init__(self, session: Session, campaign: str) -> None:
        self._session = session
        self._campaign = campaign
        self._agenda: list[dict[str, object]] = []
        self._assignments: list[tuple[int, dict[str, object]]] = []
        self._definitions: list[dict[str, object]] = []

    def add(self, agenda: dict[str, object], assignments: Iterable[dict[str, object]]) -> None:
        """An agenda row that is certainly new, with the assignments that hang on it."""
        place = len(self._agenda)
        self._agenda.append(agenda)
        self._assignments.extend((place, assignment) for assignment in assignments)
        if len(self._assignments) >= LOT:
            self.flush()

    def remember(self, definition: Definition, fingerprint: str, until: date) -> None:
        """The definition has its assignments until then."""
        self._definitions.append(
            {
                "campaign": self._campaign,
                "key": definition.key,
                "fingerprint": fingerprint,
                "horizon": until,
                "title": definition.title,
            }
        )

    def flush(self) -> None:
        """Write what has been collected."""
        if self._agenda:
            inserted = self._session.execute(
                insert(AGENDA).returning(AGENDA.c.id, sort_by_parameter_order=True), self._agenda
            )
            ids = inserted.scalars().all()
            rows = [{**values, "agenda_id": ids[place]} for place, values in self._assignments]
            self._session.execute(insert(ASSIGNMENT), rows)
        if self._definitions:
            keys = [values["key"] for values in self._definitions]
            for lot in batches(keys):
                these = (DEFINITION.c.campaign == self._campaign, DEFINITION.c.key.in_(lot))
                self._session.execute(delete(DEFINITION).where(*these))
            self._session.execute(insert(DEFINITION), self._definitions)
        self._agenda, self._assignments, self._definitions = [], [], []


class BatchedUpdates:
    """Collects what changes in assignments that are there, and writes it (``flush``)."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._by_columns: defaultdict[tuple[str, ...], list[dict[str, object]]] = defaultdict(list)

    def add(self, assignment: int, values: Mapping[str, object]) -> None:
        """The columns of one that are others now; none is no change."""
        if values:
            named = {f"new_{name}": value for name, value in values.items()}
            self._by_columns[tuple(values)].append({"of": assignment, **named})

    def flush(self) -> None:
        """Write what has been collected."""
        for columns, rows in self._by_columns.items():
            changed: dict[str, Any] = {name: bindparam(f"new_{name}") for name in columns}
            statement = update(ASSIGNMENT).where(ASSIGNMENT.c.id == bindparam("of")).values(changed)
            self._session.connection().execute(statement, rows)
        self._by_columns.clear()
