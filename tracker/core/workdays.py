"""The Chinese working calendar, make-up workdays (调休) counted in, behind one small interface.

A year comes from the first source that knows it: the operator's own ``holidays/YYYY.yaml``, then the
State Council's notices as the ``chinesecalendar`` library has them, then plain Monday to Friday.  A year of
the last kind is *provisional*: whoever uses it is warned, and nothing fails (CONTRACT.md §6.8).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import chinese_calendar

from tracker.core.policy import NO_QUIET, Quiet

SATURDAY = 5


@dataclass(frozen=True, slots=True)
class HolidayYear:
    """One year of the calendar as a person wrote it down: days off, and make-up workdays at weekends."""

    year: int
    off: frozenset[date]
    work: frozenset[date]


class Workdays:
    """Answers by date; holds the workdays of the years asked about as one sorted list.

    Counting workdays is then a difference of positions, so that "every second workday for two years" costs
    the same as "tomorrow".  ``quiet`` days count as days off.
    """

    def __init__(self, own: Mapping[int, HolidayYear] | None = None, quiet: Quiet = NO_QUIET) -> None:
        self._own = dict(own or {})
        self._quiet = quiet
        self._days: list[int] = []
        self._first_year = 0
        self._last_year = -1

    def without(self, quiet: Quiet) -> Workdays:
        """The same calendar with the days of ``quiet`` off as well."""
        return Workdays(self._own, quiet) if quiet else self

    def is_workday(self, day: date) -> bool:
        """Whether offices work on ``day``."""
        ordinal = day.toordinal()
        position = self._position(day)
        return position < len(self._days) and self._days[position] == ordinal

    def on_or_after(self, day: date) -> date:
        """``day`` itself or the next workday."""
        return self._at(self._position(day))

    def on_or_before(self, day: date) -> date:
        """``day`` itself or the workday before it."""
        self._cover(day)
        return self._at(bisect_right(self._days, day.toordinal()) - 1)

    def after(self, day: date, count: int = 1) -> date:
        """The ``count``-th workday later than ``day`` (count ≥ 1)."""
        self._cover(day)
        return self._at(bisect_right(self._days, day.toordinal()) + count - 1)

    def between(self, since: date, until: date) -> int:
        """How many workdays lie in [since, until)."""
        # Cover both before looking either up: an earlier year comes in front and moves the positions.
        self._cover(since)
        self._cover(until)
        days = bisect_left(self._days, until.toordinal()) - bisect_left(self._days, since.toordinal())
        return max(0, days)

    @property
    def own_fingerprint(self) -> str:
        """Changes when the operator's own calendar changes."""
        return repr(sorted((year, sorted(own.off), sorted(own.work)) for year, own in self._own.items()))

    def is_provisional(self, year: int) -> bool:
        """Whether nobody has told us the holidays of ``year``, so that it is plain Monday to Friday."""
        return year not in self._own and not _library_knows(year)

    def provisional_years(self, years: Iterable[int]) -> list[int]:
        """Those of ``years`` that are provisional, sorted."""
        return sorted(year for year in set(years) if self.is_provisional(year))

    def _at(self, position: int) -> date:
        # The neighbours of a covered day may lie in the next year: take it in as needed.
        while position >= len(self._days):
            self._append(self._last_year + 1)
        while position < 0:
            before = len(self._days)
            self._prepend(self._first_year - 1)
            position += len(self._days) - before
        return date.fromordinal(self._days[position])

    def _position(self, day: date) -> int:
        self._cover(day)
        return bisect_left(self._days, day.toordinal())

    def _cover(self, day: date) -> None:
        if not self._days:
            self._first_year = self._last_year = day.year
            self._days = self._workdays_of(day.year)
        while day.year < self._first_year:
            self._prepend(self._first_year - 1)
        while day.year > self._last_year:
            self._append(self._last_year + 1)

    def _append(self, year: int) -> None:
        self._days.extend(self._workdays_of(year))
        self._last_year = year

    def _prepend(self, year: int) -> None:
        self._days[:0] = self._workdays_of(year)
        self._first_year = year

    def _workdays_of(self, year: int) -> list[int]:
        if not self._quiet:
            return self._office_days_of(year)
        return [d for d in self._office_days_of(year) if date.fromordinal(d) not in self._quiet]

    def _office_days_of(self, year: int) -> list[int]:
        own = self._own.get(year)
        if own is not None:
            return [
                d.toordinal() for d in _days(year) if d in own.work or (_is_weekday(d) and d not in own.off)
            ]
        return list(_published_workdays(year))


@lru_cache(maxsize=256)
def _published_workdays(year: int) -> tuple[int, ...]:
    """The workdays of a year that nobody here has written down; the same for everybody, so asked for once."""
    known = _library_knows(year)
    return tuple(
        d.toordinal() for d in _days(year) if (chinese_calendar.is_workday(d) if known else _is_weekday(d))
    )


def _days(year: int) -> Iterator[date]:
    day = date(year, 1, 1).toordinal()
    return (date.fromordinal(ordinal) for ordinal in range(day, date(year + 1, 1, 1).toordinal()))


def _is_weekday(day: date) -> bool:
    return day.weekday() < SATURDAY


def _library_knows(year: int) -> bool:
    try:
        chinese_calendar.is_workday(date(year, 6, 1))
    except NotImplementedError:
        return False
    return True
