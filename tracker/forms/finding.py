"""What was found in a file, at its cell, and in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tracker.core.form import Said
from tracker.forms.book import Place, address

NOTHING = Said("", "")


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
    One that ``forms/between.py`` words has its ``code`` and ``facts`` there; it may be asked anew without the file.
    """

    weight: Weight
    message: Said
    sheet: str | None = None
    place: Place | None = None
    found: str = ""
    expected: Said = NOTHING
    code: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def cell(self) -> str | None:
        """``C7``."""
        return None if self.place is None else address(self.place)
