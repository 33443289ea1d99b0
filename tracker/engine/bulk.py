"""New rows of the ledger in lots: one statement for thousands of them instead of several for each."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from sqlalchemy import delete, insert
from sqlmodel import Session

from tracker.core.model import Definition
from tracker.store.lots import lots
from tracker.store.tables import AGENDA, ASSIGNMENT, DEFINITION

#: So many new assignments are written together.
LOT = 20_000


class Bulk:
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
            for lot in lots(keys):
                these = (DEFINITION.c.campaign == self._campaign, DEFINITION.c.key.in_(lot))
                self._session.execute(delete(DEFINITION).where(*these))
            self._session.execute(insert(DEFINITION), self._definitions)
        self._agenda, self._assignments, self._definitions = [], [], []
