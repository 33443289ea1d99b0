"""The campaign's year: of every definition when it is due, and how many have answered."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session

from tracker.board.lights import Board, Lights
from tracker.core.model import Definition, Light
from tracker.core.standing import worst
from tracker.engine.inforce import InForce


@dataclass(frozen=True, slots=True)
class Stop:
    """One date of one definition.  ``light`` is that of the unit that needs somebody most."""

    ref: str
    due: date
    answered: int
    asked: int
    light: Light


@dataclass(frozen=True, slots=True)
class Track:
    """One definition with its dates in order; without any it is ongoing."""

    definition: Definition
    stops: tuple[Stop, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """The months [first, until) with a track for each definition."""

    first: date
    until: date
    today: date
    tracks: tuple[Track, ...]

    def share(self, day: date) -> float:
        """Where a day lies between the ends, from 0 to 1."""
        return (day - self.first).days / (self.until - self.first).days

    @property
    def months(self) -> list[date]:
        """The first day of each month."""
        found, day = [], self.first
        while day < self.until:
            found.append(day)
            day = date(day.year + day.month // 12, day.month % 12 + 1, 1)
        return found


def timeline(board: Board, session: Session, force: InForce, year: int, now: datetime) -> Timeline:
    """The year; the first one begins with the month in which the document was issued."""
    lights = board.lights(session, force, now)
    return lights.keep(("timeline", year), lambda: _timeline(lights, year))


def years_of(board: Board, session: Session, force: InForce, now: datetime) -> list[int]:
    """The years in which anything is due, as far as the ledger goes."""
    lights = board.lights(session, force, now)
    return sorted({row.effective_due.year for row in lights.agendas() if row.effective_due is not None})


@dataclass
class _Counted:
    due: date
    answered: int
    lights: Counter[Light]


def _timeline(lights: Lights, year: int) -> Timeline:
    force = lights.force
    issued = force.campaign.issued
    first = issued.replace(day=1) if issued.year == year else date(year, 1, 1)
    counted: defaultdict[str, dict[tuple[str, date], _Counted]] = defaultdict(dict)
    for cell, number in lights.groups.items():
        judged = lights.judged(cell)
        if judged is None or judged.effective_due is None or judged.effective_due.year != year:
            continue
        place = (judged.ref, judged.effective_due)
        found = counted[judged.definition.key].setdefault(place, _Counted(judged.effective_due, 0, Counter()))
        found.lights[judged.light] += number
        found.answered += number if judged.is_quiet else 0
    tracks = []
    for definition in force.campaign:
        stops = []
        for (ref, due), each in sorted(counted[definition.key].items(), key=lambda item: item[0][1]):
            light = worst(each.lights)
            assert light is not None
            stops.append(Stop(ref, due, each.answered, each.lights.total(), light))
        tracks.append(Track(definition, tuple(stops)))
    return Timeline(first, date(year + 1, 1, 1), lights.day, tuple(tracks))
