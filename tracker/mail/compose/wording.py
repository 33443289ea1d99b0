"""Dates, periods and long texts as a person would write them in a mail."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from functools import lru_cache

from tracker.core.naming import PERIOD, due_and_about, period_name
from tracker.i18n.catalogue import Words

#: As many periods as are named one by one; more are a run from the first to the last.
NAMED_PERIODS = 3

_CJK = "\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\u3000-\u303f"
_CHINESE = re.compile(f"[{_CJK}]")
_BREAK_IN_CHINESE = re.compile(rf"(?<=[{_CJK}])\s+(?=[{_CJK}])")
_SENTENCE_END = re.compile(r"[。！？；][”’）》]?|[.!?;](?=\s)")
_PAUSE = re.compile(r"[，、：,:](?!\d)|(?<=\w)\s")


def tidy(text: str) -> str:
    """On one line.  A line break between two Chinese characters leaves nothing, elsewhere a space."""
    return _BREAK_IN_CHINESE.sub("", " ".join(text.split()))


def is_chinese(text: str) -> bool:
    """Whether any of it is."""
    return _CHINESE.search(text) is not None


@lru_cache(maxsize=4096)
def clip(text: str, width: int) -> str:
    """Tidied, and no longer than about ``width``: cut after a sentence if possible, else at a pause."""
    text = tidy(text)
    if len(text) <= width:
        return text
    ellipsis = "……" if is_chinese(text) else " …"
    # Half a sentence says more than the first few words of it.
    ends = [match.end() for match in _SENTENCE_END.finditer(text, 0, width) if match.end() >= width * 0.35]
    if ends:
        return f"{text[: ends[-1]].rstrip()}{ellipsis}"
    pauses = [match.start() for match in _PAUSE.finditer(text, 0, width) if match.start() >= width * 0.5]
    return f"{text[: pauses[-1] if pauses else width].rstrip()}{ellipsis}"


class Calendar:
    """Dates and periods in the words of one language."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._weekdays = words.listed("dates.weekdays")
        self._months = words.listed("dates.months")
        self._days: dict[date, str] = {}
        self._long: dict[date, str] = {}

    def day(self, day: date) -> str:
        """2022年5月5日 · 5 May 2022."""
        found = self._days.get(day)
        if found is None:
            month = self._months[day.month - 1]
            found = self._days[day] = self._words("dates.day", year=day.year, month=month, day=day.day)
        return found

    def weekday(self, day: date) -> str:
        """2022年5月5日，周四 · Thu 5 May 2022."""
        found = self._long.get(day)
        if found is None:
            weekday = self._weekdays[day.weekday()]
            found = self._long[day] = self._words("dates.with_weekday", day=self.day(day), weekday=weekday)
        return found

    def short(self, day: date, today: date) -> str:
        """Without the year, where it is this year's."""
        if day.year != today.year:
            return self.day(day)
        return self._words("dates.short", month=self._months[day.month - 1], day=day.day)

    def period(self, period: str) -> str:
        """2022年5月 · May 2022, and so on; what is no period stands as it is."""
        return period_name(period, self._words.language)

    def about(self, period: str, *, month_before: bool) -> str:
        """A monthly report is named by the month in which it is due; it may be about the month before."""
        due, about = due_and_about(period, self._words.language, month_before=month_before)
        return due if about is None else self._words("periods.about", period=due, month=about)

    def periods(self, periods: Sequence[str]) -> str:
        """Several periods in one phrase: 2022年4月、5月共2期; 2022年5月—2026年11月共55期."""
        count = len(periods)
        if count == 1:
            return self.period(periods[0])
        if count <= NAMED_PERIODS:
            years = [None, *(period[:4] for period in periods)]
            language = self._words.language
            named = [
                period_name(period, language, after=year)
                for period, year in zip(periods, years, strict=False)
            ]
            return self._words("periods.few", all=self._words("periods.comma").join(named), n=count)
        key = "periods.run" if _is_run(periods) else "periods.gaps"
        return self._words(key, first=self.period(periods[0]), last=self.period(periods[-1]), n=count)


def _is_run(periods: Sequence[str]) -> bool:
    """Whether none is missing between the first and the last."""
    numbers = [_number(period) for period in periods]
    first_kind, first = numbers[0]
    return first_kind != "" and numbers == [(first_kind, first + step) for step in range(len(periods))]


def _number(period: str) -> tuple[str, int]:
    """What kind of period it is, and a number such that the next one has the next; no kind if it is none."""
    match = PERIOD.match(period)
    if match is None:
        return "", 0
    year = int(match["year"])
    if match["week"]:
        try:
            return "week", date.fromisocalendar(year, int(match["week"]), 1).toordinal() // 7
        except ValueError:
            return "", 0
    for kind, length in (("month", 12), ("quarter", 4), ("half", 2)):
        if match[kind]:
            return kind, year * length + int(match[kind])
    return "year", year
