"""The Chinese working calendar, make-up workdays (调休) counted in, behind one small interface.

A year comes from the first source that knows it: the operator's own ``holidays/YYYY.yaml``, then the
State Council's notices as the ``chinesecalendar`` library has them, then plain Monday to Friday.  A year of
the last kind is *provisional*: whoever uses it is warned, and nothing fails (docs/contract.md §6.8).
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from itertools import chain
from typing import Any

import chinese_calendar
import chinese_calendar.constants

from tracker.core.policy import NO_QUIET, Quiet

SATURDAY = 5


@dataclass(frozen=True, slots=True)
class HolidayYear:
    """One year of the calendar as a person wrote it down: days off, and make-up workdays at weekends."""

    year: int
    off: frozenset[date]
    work: frozenset[date]


@dataclass(frozen=True, slots=True)
class NewerCalendar:
    """What is published by the library of another machine, which is later than ours: its name, and its years."""

    published: str
    years: Mapping[int, HolidayYear]


@dataclass(frozen=True, slots=True)
class _Stretch:
    """The workdays of whole years, ``first`` to ``last``, as ordinals in order.  Never changed: a longer one is made."""

    first: int
    last: int
    days: tuple[int, ...]


class Workdays:
    """Answers by date; holds the workdays of the years asked about as one sorted stretch.

    Counting workdays is then a difference of positions, so that "every second workday for two years" costs
    the same as "tomorrow".  ``quiet`` days count as days off.

    Threads share it.  Whoever needs further years makes a longer stretch and puts it in the place of the other in
    one step; each answer is looked up in one stretch from beginning to end.  Two that lengthen it at once do the
    same work twice, and either's result is true.
    """

    def __init__(
        self,
        own: Mapping[int, HolidayYear] | None = None,
        quiet: Quiet = NO_QUIET,
        newer: NewerCalendar | None = None,
    ) -> None:
        self._own = dict(own or {})
        self._quiet = quiet
        self._newer = newer
        self._stretch = _Stretch(1, 0, ())

    def without(self, quiet: Quiet) -> Workdays:
        """The same calendar with the days of ``quiet`` off as well."""
        return Workdays(self._own, quiet, self._newer) if quiet else self

    def published_facts(self, since: int) -> dict[str, Any]:
        """What is published of the years from ``since`` on, as JSON: for a machine that has an earlier calendar (``by``)."""
        years = {}
        for year in _years_published(since) if self._newer is None else self._newer.years:
            of = self._published_days_in if year in self._own else self._office_days_in
            work = {date.fromordinal(each) for each in of(year)}
            plain = {day for day in _days(year) if _is_weekday(day)}
            years[str(year)] = [sorted(map(str, some)) for some in (plain - work, work - plain)]
        return {"published": self.published, "years": years}

    def by(self, facts: Mapping[str, Any]) -> Workdays:
        """The same calendar by what another machine has as published (``published_facts``)."""
        years = {
            int(year): HolidayYear(int(year), *(frozenset(map(date.fromisoformat, some)) for some in days))
            for year, days in facts["years"].items()
        }
        return Workdays(self._own, self._quiet, NewerCalendar(str(facts["published"]), years))

    def is_workday(self, day: date) -> bool:
        """Whether offices work on ``day``."""
        days, ordinal = self._covering(day.year), day.toordinal()
        position = bisect_left(days, ordinal)
        return position < len(days) and days[position] == ordinal

    def on_or_after(self, day: date) -> date:
        """``day`` itself or the next workday."""
        return self._later(bisect_left, day, 0)

    def on_or_before(self, day: date) -> date:
        """``day`` itself or the workday before it."""
        ordinal, first = day.toordinal(), day.year
        while not (position := bisect_right(days := self._covering(first, day.year), ordinal)):
            first -= 1
        return date.fromordinal(days[position - 1])

    def after(self, day: date, count: int = 1) -> date:
        """The ``count``-th workday later than ``day`` (count ≥ 1)."""
        return self._later(bisect_right, day, count - 1)

    def between(self, since: date, until: date) -> int:
        """How many workdays lie in [since, until)."""
        days = self._covering(min(since.year, until.year), max(since.year, until.year))
        return max(0, bisect_left(days, until.toordinal()) - bisect_left(days, since.toordinal()))

    @property
    def fingerprint(self) -> str:
        """Changes when the operator's own calendar does, or what is published."""
        own = sorted((year, sorted(own.off), sorted(own.work)) for year, own in self._own.items())
        return f"{own} {self.published}"

    def mark_of(self, year: int) -> str:
        """Changes when a day of ``year`` is worked that was off, or the other way round."""
        return hashlib.sha256(repr(list(self._workdays_in(year))).encode()).hexdigest()[:16]

    @cached_property
    def published(self) -> str:
        """The version of the published calendar and a mark of what it says, such as ``1.11.0 5f2d…``."""
        if self._newer is not None:
            return self._newer.published
        days = (sorted(chinese_calendar.constants.holidays), sorted(chinese_calendar.constants.workdays))
        mark = hashlib.sha256(repr(days).encode()).hexdigest()[:16]
        return f"{chinese_calendar.__version__} {mark}"

    def is_published_earlier(self, other: str) -> bool:
        """Whether our published calendar is an earlier version than ``other``."""
        return _version(self.published) < _version(other)

    def is_provisional(self, year: int) -> bool:
        """Whether nobody has told us the holidays of ``year``, so that it is plain Monday to Friday."""
        is_newer = self._newer is not None and year in self._newer.years
        return year not in self._own and not is_newer and not _library_knows(year)

    def provisional_years(self, years: Iterable[int]) -> list[int]:
        """Those of ``years`` that are provisional, sorted."""
        return sorted(year for year in set(years) if self.is_provisional(year))

    def _later(self, look: Callable[[Sequence[int], int], int], day: date, count: int) -> date:
        """So many workdays behind where ``look`` finds ``day``, in however many years that takes."""
        ordinal, last = day.toordinal(), day.year
        while (position := look(days := self._covering(day.year, last), ordinal) + count) >= len(days):
            last += 1 + (position - len(days)) // 366
        return date.fromordinal(days[position])

    def _covering(self, first: int, last: int | None = None) -> tuple[int, ...]:
        """The workdays of these years and, before and behind them, of others."""
        last, known = first if last is None else last, self._stretch
        if known.first <= first and last <= known.last:
            return known.days
        if not known.days:
            days = self._workdays_of(first, last)
        else:
            first, last = min(first, known.first), max(last, known.last)
            days = (
                *self._workdays_of(first, known.first - 1),
                *known.days,
                *self._workdays_of(known.last + 1, last),
            )
        self._stretch = _Stretch(first, last, days)
        return days

    def _workdays_of(self, first: int, last: int) -> tuple[int, ...]:
        return tuple(chain.from_iterable(map(self._workdays_in, range(first, last + 1))))

    def _workdays_in(self, year: int) -> Iterable[int]:
        if not self._quiet:
            return self._office_days_in(year)
        return (d for d in self._office_days_in(year) if date.fromordinal(d) not in self._quiet)

    def _office_days_in(self, year: int) -> Iterable[int]:
        own = self._own.get(year)
        return self._published_days_in(year) if own is None else _days_by(own)

    def _published_days_in(self, year: int) -> Iterable[int]:
        newer = None if self._newer is None else self._newer.years.get(year)
        return _published_workdays(year) if newer is None else _days_by(newer)


def _days_by(known: HolidayYear) -> Iterator[int]:
    days = _days(known.year)
    return (d.toordinal() for d in days if d in known.work or (_is_weekday(d) and d not in known.off))


@lru_cache(maxsize=256)
def _published_workdays(year: int) -> tuple[int, ...]:
    """The workdays of a year that nobody here has written down; the same for everybody, so asked for once."""
    known = _library_knows(year)
    return tuple(
        d.toordinal() for d in _days(year) if (chinese_calendar.is_workday(d) if known else _is_weekday(d))
    )


def _version(published: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"[0-9]+", published.partition(" ")[0]))


def _years_published(since: int) -> Iterator[int]:
    last = max(chinese_calendar.constants.holidays).year
    return filter(_library_knows, range(since, last + 1))


def _days(year: int) -> Iterator[date]:
    first, last = date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()
    return map(date.fromordinal, range(first, last + 1))


def _is_weekday(day: date) -> bool:
    return day.weekday() < SATURDAY


def _library_knows(year: int) -> bool:
    try:
        chinese_calendar.is_workday(date(year, 6, 1))
    except NotImplementedError:
        return False
    return True
