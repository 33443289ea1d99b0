"""What a report on a month knows: frozen values, free of wording and layout.

Units are named by their id everywhere; ``MonthReport.units`` has their names and people.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from tracker.core.model import Campaign, Kind, Light, State

#: The month is over, is running, or has not begun, as seen from the day on which the report stands.
Phase = Literal["over", "running", "to_come"]


@dataclass(frozen=True, slots=True)
class Source:
    """The document that asked for it all."""

    title: str
    document: str
    issued: date
    supervisor: str | None


@dataclass(frozen=True, slots=True)
class ContactPerson:
    """Whom to call."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class AssignmentLine:
    """One assignment as it stands.

    ``due`` is the nominal date, ``effective_due`` the one in force; ``extended`` says that a person set it.
    ``done_on`` is the day on which it came in, ``late_days`` how many days after its date that was, or how
    long the silence lasts.
    """

    ref: str
    unit: str
    state: State
    word: str
    light: Light
    due: date | None
    effective_due: date | None
    extended: bool
    done_on: date | None
    late_days: int
    progress: int | None
    target: int | None


@dataclass(frozen=True, slots=True)
class DueCounts:
    """Assignments that fell due, counted.

    ``asked`` are all but the waived and the paused; ``done`` of them are in: ``on_time`` or ``late``, ``nil``
    and what is ``waiting`` for acceptance among both.  The rest is ``missing``: ``overdue`` or not yet.  ``returned``
    (part of the missing) and ``extended`` are counted beside that.
    """

    asked: int = 0
    done: int = 0
    on_time: int = 0
    late: int = 0
    nil: int = 0
    waiting: int = 0
    missing: int = 0
    overdue: int = 0
    returned: int = 0
    extended: int = 0
    waived: int = 0
    paused: int = 0


@dataclass(frozen=True, slots=True)
class DefinitionFacts:
    """A task, deliverable or report, in one period where it has periods."""

    ref: str
    key: str
    period: str | None
    kind: Kind
    title: str
    section: str | None
    due: date | None
    effective_due: date | None
    units: int


@dataclass(frozen=True, slots=True)
class OccurrenceReport:
    """A deadline of the month over all its units: who is in, who is missing, and what else happened."""

    thing: DefinitionFacts
    tally: DueCounts
    lights: Mapping[Light, int]
    missing: tuple[AssignmentLine, ...]
    late: tuple[AssignmentLine, ...]
    nil: tuple[AssignmentLine, ...]
    returned: tuple[AssignmentLine, ...]
    extended: tuple[AssignmentLine, ...]
    waived: tuple[AssignmentLine, ...]
    paused: tuple[AssignmentLine, ...]


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """Lights and counts of a unit (``key`` is its id), a section or a definition.

    ``lights`` counts everything in hand in the month, ``due`` what fell due in it, ``arrears`` what is
    overdue from before.  As a section, ``key`` is "" for the reports and None for the tasks
    that stand in none.
    """

    key: str | None
    title: str
    lights: Mapping[Light, int]
    due: DueCounts
    arrears: int


@dataclass(frozen=True, slots=True)
class UnitFacts:
    """Who answers, and whom to call there."""

    id: str
    name: str
    short: str
    people: tuple[ContactPerson, ...]


@dataclass(frozen=True, slots=True)
class MonthReport:
    """A month [``first``, ``last``] as it stood at ``at``, which is on ``day`` in the campaign's time zone.

    ``campaign`` is what names come from.  ``lights`` and ``states`` count everything in hand: due in the month, or
    open or late in it.  ``arrears`` are overdue from earlier months, ``caught_up`` were so and came in during this
    month.  ``following`` is what falls due in the month after.
    """

    campaign: Campaign
    source: Source
    first: date
    last: date
    at: datetime
    day: date
    phase: Phase
    due: DueCounts
    in_hand: int
    lights: Mapping[Light, int]
    states: Mapping[str, int]
    occurrences: tuple[OccurrenceReport, ...]
    arrears: tuple[AssignmentLine, ...]
    caught_up: tuple[AssignmentLine, ...]
    things: Mapping[str, DefinitionFacts]
    units: Mapping[str, UnitFacts]
    by_unit: tuple[GroupFacts, ...]
    by_section: tuple[GroupFacts, ...]
    by_definition: tuple[GroupFacts, ...]
    following: tuple[DefinitionFacts, ...]

    @property
    def missing(self) -> list[AssignmentLine]:
        """Everything due in the month that is not in."""
        return [line for each in self.occurrences for line in each.missing]

    @property
    def late(self) -> list[AssignmentLine]:
        """Everything due in the month that came in late."""
        return [line for each in self.occurrences for line in each.late]
