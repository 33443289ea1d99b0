"""A row that was read, and its columns held against each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tracker.core.form import FiledRow, Said
from tracker.forms.book import Place
from tracker.forms.check.recognised import Recognised
from tracker.forms.finding import Finding, Weight


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


def _question(recognised: Recognised, place: Place, message: Said, found: str, expected: Said) -> Finding:
    return Finding(Weight.QUESTION, message, recognised.sheet.name, place, found, expected)
