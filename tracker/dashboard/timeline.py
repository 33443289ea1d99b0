"""The campaign's year: of every definition when it is due, and how many have answered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from operator import attrgetter, itemgetter

from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.model import Definition, Light
from tracker.core.status import worst
from tracker.dashboard.response_counts import ResponseCounts
from tracker.dashboard.status_overview import Board, StatusOverview


@dataclass(frozen=True, slots=True)
class TimelineDate:
    """One date of one definition.  ``light`` is that of the unit that needs somebody most."""

    ref: str
    due: date
    tally: ResponseCounts
    light: Light


@dataclass(frozen=True, slots=True)
class Track:
    """One definition with its dates of the year in order.

    ``earlier`` and ``later`` are the nearest dates on either side of the year, so that what is due in another one
    does not look as if it had no date.
    """

    definition: Definition
    stops: tuple[TimelineDate, ...]
    earlier: TimelineDate | None = None
    later: TimelineDate | None = None

    @property
    def shown(self) -> list[TimelineDate]:
        """Its dates of the year, and the nearest beside it; of what comes back anyway only where there are none."""
        beside = not self.stops or self.definition.rule.every is None
        around = (self.earlier, *self.stops, self.later) if beside else self.stops
        return [stop for stop in around if stop is not None]

    @property
    def is_ongoing(self) -> bool:
        """Whether it has no date at all."""
        rule = self.definition.rule
        return rule.due is None and rule.every is None and not (self.stops or self.earlier or self.later)


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


def timeline(
    board: Board, session: Session, snapshot: CampaignSnapshot, year: int, now: datetime
) -> Timeline:
    """The year; the first one begins with the month in which the document was issued, or with its earliest date."""
    lights = board.lights(session, snapshot, now)
    return lights.keep(("timeline", year), lambda: _timeline(lights, year))


def years_of(board: Board, session: Session, snapshot: CampaignSnapshot, now: datetime) -> list[int]:
    """The years in which anything is due, as far as the ledger goes."""
    lights = board.lights(session, snapshot, now)
    return sorted({row.effective_due.year for row in lights.agendas() if row.effective_due is not None})


def _timeline(lights: StatusOverview, year: int) -> Timeline:
    snapshot = lights.snapshot
    tallies: defaultdict[str, defaultdict[tuple[date, str], ResponseCounts]] = defaultdict(
        lambda: defaultdict(ResponseCounts)
    )
    for cell, number in lights.groups.items():
        judged = lights.judged(cell)
        if judged is not None and judged.effective_due is not None:
            place = (judged.effective_due, judged.ref)
            tallies[judged.definition.key][place].add(judged.part, judged.light, number)
    tracks = []
    for definition in snapshot.campaign:
        stops = [
            _stop(ref, due, tally)
            for (due, ref), tally in sorted(tallies[definition.key].items(), key=itemgetter(0))
        ]
        tracks.append(
            Track(
                definition,
                tuple(stop for stop in stops if stop.due.year == year),
                max((stop for stop in stops if stop.due.year < year), key=attrgetter("due"), default=None),
                min((stop for stop in stops if stop.due.year > year), key=attrgetter("due"), default=None),
            )
        )
    return Timeline(_first(snapshot, year, tracks), date(year + 1, 1, 1), lights.day, tuple(tracks))


def _first(snapshot: CampaignSnapshot, year: int, tracks: Iterable[Track]) -> date:
    """The month with which the year's line begins."""
    issued = snapshot.campaign.issued
    if issued.year != year:
        return date(year, 1, 1)
    dates = (stop.due for track in tracks for stop in track.stops)
    return min((*dates, issued)).replace(day=1)


def _stop(ref: str, due: date, tally: ResponseCounts) -> TimelineDate:
    light = worst(tally.lights)
    assert light is not None
    return TimelineDate(ref, due, tally, light)
