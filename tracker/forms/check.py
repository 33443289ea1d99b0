"""What a recognised table form says, row by row, with every finding at its cell."""

from __future__ import annotations

from dataclasses import dataclass

from tracker.core.form import Filed
from tracker.forms.finding import Finding, Weight
from tracker.forms.recognise import Recognised


@dataclass(frozen=True)
class Checked:
    """A table that was read: what it says, what was found, and the sheet row (from 0) of each row that was filed."""

    filed: Filed
    findings: tuple[Finding, ...]
    row_numbers: tuple[int, ...] = ()

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What has to be mended before anything is taken."""
        return self._of(Weight.ERROR)

    @property
    def questions(self) -> tuple[Finding, ...]:
        """What somebody should look at."""
        return self._of(Weight.QUESTION)

    @property
    def readings(self) -> tuple[Finding, ...]:
        """What was read in spite of how it was written."""
        return self._of(Weight.READING)

    def _of(self, weight: Weight) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.weight is weight)


def check(recognised: Recognised, *, round_: str | None, previous: Filed | None) -> Checked:  # noqa: ARG001
    """What the table says in ``round_``; ``previous`` is what the same unit filed for this form before."""
    return Checked(Filed(header={each: text for each, (_, text) in recognised.fields.items() if text}), ())
