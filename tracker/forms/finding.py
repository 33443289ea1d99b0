"""What was found in a file, at its cell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from tracker.forms.book import Place, address
from tracker.i18n.catalogue import Language
from tracker.i18n.message import Message, say

#: So many cells, or runs of them, are named.
_NAMED = 12


class Weight(StrEnum):
    """How much a finding weighs."""

    #: Nothing is taken from the file.
    ERROR = "error"
    #: The file is taken; somebody should look.
    QUESTION = "question"
    #: Read in spite of how it was written; nobody is asked anything.
    READING = "reading"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding.  ``place`` None means the sheet, ``sheet`` None the file as a whole.

    ``found`` is what stands there, verbatim but cut; ``message`` is a whole sentence for whoever fills in the form.
    One that ``forms/check/period_checks.py`` words has its ``code`` and ``facts`` there; it may be asked anew without the file.
    ``also`` are those of other cells that are asked with it, each as it would be asked alone.
    """

    weight: Weight
    message: Message
    sheet: str | None = None
    place: Place | None = None
    found: str = ""
    expected: Message | None = None
    code: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    also: tuple[Finding, ...] = ()

    @property
    def cell(self) -> str | None:
        """``C7``."""
        return None if self.place is None else address(self.place)

    @property
    def said(self) -> Message:
        """The sentence, and the cells of which it holds as well."""
        if not self.also:
            return self.message
        cells = _runs(each.place for each in self.also if each.place is not None)
        if len(cells) <= _NAMED:
            return Message("findings.same_at", message=self.message, cells=tuple(cells))
        return Message(
            "findings.same_at_more", message=self.message, cells=tuple(cells[:_NAMED]), count=len(self.also)
        )

    def by_cell(self) -> Iterator[Finding]:
        """One for each cell that it is about."""
        yield replace(self, also=())
        for each in self.also:
            yield replace(each, weight=self.weight)


def said(message: Message | None, language: Language) -> str:
    """The sentence; nothing where there is none."""
    return "" if message is None else say(message, language)


def gathered(findings: Iterable[Finding]) -> list[Finding]:
    """``findings``, of which those that ask the same, whatever figures and names they have, are one for each column.

    Nobody answers the same question forty times.  What is asked because of the month before has an answer for each row.
    """
    found: list[list[Finding]] = []
    same: dict[tuple[object, ...], list[Finding]] = {}
    for each in findings:
        if each.weight is Weight.QUESTION and each.place is not None and not each.code:
            key = each.sheet, each.place[1], each.message.key
            if key in same:
                same[key].append(each)
                continue
            same[key] = [each]
            found.append(same[key])
        else:
            found.append([each])
    return [replace(first, also=tuple(rest)) if rest else first for first, *rest in found]


def _runs(places: Iterable[Place]) -> list[str]:
    """``B8``, ``B10:B12``: cells of one column from above, as a spreadsheet names them."""
    runs: list[tuple[Place, Place]] = []
    for place in sorted(set(places)):
        if runs and place == (runs[-1][1][0] + 1, place[1]):
            runs[-1] = runs[-1][0], place
        else:
            runs.append((place, place))
    return [address(first) if first == last else f"{address(first)}:{address(last)}" for first, last in runs]
