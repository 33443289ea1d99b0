"""A row that was read, and its columns held against each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tracker.core.form import FiledRow
from tracker.forms.book import Place
from tracker.forms.check.recognised import Recognised
from tracker.forms.finding import Finding, Weight
from tracker.i18n.message import Message


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
                message = Message(
                    "findings.cell.exceeds", label=column.label, part=part, whole=whole.label, most=most
                )
                expected = Message("findings.expected.at_most", most=most)
                yield _question(row.table, row.place(column.id), message, str(part), expected)


def _question(
    recognised: Recognised, place: Place, message: Message, found: str, expected: Message
) -> Finding:
    return Finding(Weight.QUESTION, message, recognised.sheet.name, place, found, expected)
