"""Where a table that was filed stands in its file, so that a question that is asked later has its cell, too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from tracker.core.form import Form
from tracker.forms.book import Place, address
from tracker.forms.check import period_checks
from tracker.forms.check.period_checks import Doubt
from tracker.forms.check.recognised import Recognised
from tracker.forms.check.row_checks import ReadRow
from tracker.forms.finding import Finding, Weight


class CellPosition(NamedTuple):
    """A cell, by the name of its sheet; ``place`` None: the sheet as a whole."""

    sheet: str
    place: Place | None

    @property
    def cell(self) -> str | None:
        """``C7``."""
        return None if self.place is None else address(self.place)


@dataclass(frozen=True, slots=True)
class TablePosition:
    """The sheet of the head, where its labels stand by column id; ``nil`` is where it says that there is nothing.

    A table may go on on other sheets: ``parts`` are (sheet, sheet column by column id), ``rows`` has for each filed
    row the number of its part and its row there.  Rows and columns are counted from 0.
    """

    sheet: str
    heads: Mapping[str, Place]
    parts: Sequence[tuple[str, Mapping[str, int]]]
    rows: Sequence[tuple[int, int]]
    nil: Place | None = None

    @classmethod
    def of(cls, recognised: Recognised, rows: Sequence[ReadRow], nil: Place | None = None) -> Self:
        """Of a table that was recognised, and its rows that were read."""
        tables = (recognised, *recognised.continued)
        numbers = {id(table): number for number, table in enumerate(tables)}
        return cls(
            recognised.sheet.name,
            recognised.heads,
            tuple((table.sheet.name, table.columns) for table in tables),
            tuple((numbers[id(row.table)], row.number) for row in rows),
            nil,
        )

    def spot(self, doubt: Doubt) -> CellPosition:
        """Its cell, as far as there is one for it."""
        if doubt.column is None:
            return CellPosition(self.sheet, self.nil)
        if doubt.row is None or doubt.row >= len(self.rows):
            return CellPosition(self.sheet, self.heads.get(doubt.column))
        part, row = self.rows[doubt.row]
        sheet, columns = self.parts[part]
        return CellPosition(sheet, (row, columns[doubt.column]) if doubt.column in columns else None)

    def finding(self, form: Form, doubt: Doubt) -> Finding:
        """The question at its cell."""
        message, found, expected = period_checks.said(form, doubt.code, doubt.facts)
        spot = self.spot(doubt)
        return Finding(Weight.QUESTION, message, *spot, found, expected, code=doubt.code, facts=doubt.facts)

    def to_json(self) -> dict[str, Any]:
        """As it is kept with the filing."""
        return {
            "sheet": self.sheet,
            "heads": {each: list(place) for each, place in self.heads.items()},
            "parts": [[sheet, dict(columns)] for sheet, columns in self.parts],
            "rows": [list(row) for row in self.rows],
            "nil": None if self.nil is None else list(self.nil),
        }

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> Self:
        """What was kept."""
        nil = facts["nil"]
        return cls(
            facts["sheet"],
            {each: (place[0], place[1]) for each, place in facts["heads"].items()},
            [(sheet, columns) for sheet, columns in facts["parts"]],
            [(part, row) for part, row in facts["rows"]],
            None if nil is None else (nil[0], nil[1]),
        )
