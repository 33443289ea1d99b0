"""How a file came in, and what the person said who takes it in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from tracker.forms.check.form_fields import Month


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What the person who takes a file in has said about it: a unit (id), a month (its first day).

    With ``only``, a reference, it was handed in for this very table of the unit, or for another that is due in the
    same month.  A file that says something else is refused, unless ``force``.
    """

    unit: str | None = None
    month: date | None = None
    only: str | None = None
    force: bool = False


@dataclass(frozen=True, slots=True)
class Provenance:
    """How a file came: its path as it was given, the SHA-256 of its bytes, the day.

    ``beside`` are the months that other tables of the same form in it name, ``forms`` the ids of all that it holds.
    """

    path: str
    digest: str
    day: date
    beside: frozenset[Month] = frozenset()
    forms: frozenset[str] = frozenset()
