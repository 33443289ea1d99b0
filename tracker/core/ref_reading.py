"""What people mean where they write a reference: 表二, 表二@六月, 任务5·第一批典型案例名单, table-2@2022-06.

Whatever names we print are understood when they come back.  A name without its period is the one in whose period the
day lies, also after it was due; so is a name that several reports share (the self-check and the monthly table of one
annex).  Where that one waits for nothing and another does, people are asked.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator
from datetime import date

from tracker.core.form import comparable
from tracker.core.model import Campaign, Definition, Every, Kind, Occurrence
from tracker.core.naming import Names, tells_of_month_before
from tracker.core.occurrences import occurrences, period_of
from tracker.errors import UsageError

#: Whether an occurrence, by its reference, waits for what is to be said of it.
Fits = Callable[[str], bool]

#: So many references are named where people are asked: the last ones.
NAMED = 4

_NUMERALS = "〇一二三四五六七八九"
_YEAR = r"(?:(?P<year>\d{4})\s*[年./-]?\s*)?"
_PERIOD = re.compile(
    rf"[@＠\s·（(，]*{_YEAR}(?:"
    r"(?P<month>1[0-2]|0?[1-9]|十[一二]?|[一二三四五六七八九])\s*月(?P<about>份情况)?"
    r"|第?(?P<quarter>[一二三四1-4])\s*季度|(?P<half>[上下])半年|(?P<whole>(?<=\d)年)"
    r")(?:份|期|应报|度)*(?:，[^）)]*)?[）)\s]*\Z"
)


def resolve(campaign: Campaign, text: str, day: date, *, one: bool = False, fits: Fits | None = None) -> str:
    """The reference that ``text`` means on ``day``; ``text`` itself where it means none that is known.

    ``one``: a single occurrence is meant, so that a name without a period is that of the day.  ``fits`` is for what
    is to be written down: where the one of the day does not fit and another does, nothing is guessed.  Raises
    UsageError where it could be several.
    """
    text = text.strip()
    key, at, period = text.partition("@")
    if key in campaign.definitions and not (at and _PERIOD.fullmatch(f"@{period}")):
        return text
    for name, said in _readings(text):
        found = _called(campaign, name)
        if found:
            return _chosen(campaign, found, name, said, day, one=one, fits=fits)
    return text


def _readings(text: str) -> Iterator[tuple[str, re.Match[str] | str | None]]:
    """A name, and what is said of the period behind it."""
    yield text, None
    name, at, period = text.partition("@")
    if at and not _PERIOD.fullmatch(f"@{period}"):
        yield name, period
    match = _PERIOD.search(text)
    if match is not None and match.start():
        yield text[: match.start()], match


def _called(campaign: Campaign, name: str) -> list[Definition]:
    wanted = comparable(name)
    return [each for each in campaign if wanted in _names(campaign, each)]


def _names(campaign: Campaign, definition: Definition) -> set[str]:
    short = campaign.short_of(definition) if definition.kind is Kind.REPORT else None
    named = {definition.key, short, definition.title if definition.kind is not Kind.TASK else None}
    named |= {
        Names(campaign, "zh").definition(definition.key),
        Names(campaign, "en").definition(definition.key),
    }
    return {comparable(each) for each in named if each}


def _chosen(
    campaign: Campaign,
    found: list[Definition],
    name: str,
    said: re.Match[str] | str | None,
    day: date,
    *,
    one: bool,
    fits: Fits | None,
) -> str:
    if said is None:
        if len(found) == 1 and (not one or found[0].rule.every is None or found[0].key == name):
            return found[0].key
        here = min((each for each in _of_day(campaign, found, day) if each), key=_first_due, default=None)
        if here is None:
            raise _asked(name, [example(campaign, each, day) for each in found])
        return _fitting(campaign, found, name, here, day, fits) if one else here[0].key
    periods = {each.key: _period(campaign, each, said, day) for each in found}
    refs = [f"{key}@{period}" for key, period in periods.items() if period is not None]
    if len(refs) != 1:
        raise _asked(name, [example(campaign, each, day) for each in found])
    return refs[0]


def _fitting(
    campaign: Campaign,
    found: list[Definition],
    name: str,
    here: list[Occurrence],
    day: date,
    fits: Fits | None,
) -> str:
    """The one of ``here``, the occurrences of the day, that is meant."""
    if fits is None:
        fitting = here
    elif not (fitting := [each for each in here if fits(each.ref)]):
        others = [
            each for definition in found for each in _begun(campaign, definition, day) if fits(each.ref)
        ]
        if others:
            raise _asked(name, list(dict.fromkeys(each.ref for each in (*others[-NAMED:], *here))))
        fitting = here
    if len(fitting) > 1:
        raise _asked(name, [each.ref for each in fitting])
    return fitting[0].ref


def _of_day(campaign: Campaign, found: list[Definition], day: date) -> Iterator[list[Occurrence]]:
    """Of each definition the occurrences in whose period ``day`` lies; what is asked once has until its date.

    The period is the one in which it falls due, so that it goes on after the date.
    """
    for each in found:
        every, begun = each.rule.every, list(_begun(campaign, each, day))
        yield [
            one
            for one in begun
            if one.due is None or (one.due >= day if every is None else one.period == period_of(every, day))
        ]


def _begun(campaign: Campaign, definition: Definition, day: date) -> Iterator[Occurrence]:
    """Every occurrence that can be answered by ``day``."""
    for each in occurrences(definition.rule, definition.key, campaign.issued, date.min, date.max):
        if each.opens > day:
            return
        yield each


def _first_due(some: list[Occurrence]) -> date:
    return some[0].due or date.max


def _period(campaign: Campaign, definition: Definition, said: re.Match[str] | str, day: date) -> str | None:
    """The period of ``definition`` that was ``said``; None where it has none like that."""
    if isinstance(said, str):
        return said if definition.rule.every is not None else None
    every, number = _counted(said)
    if definition.rule.every is not every:
        return None
    if said["about"] and tells_of_month_before(definition):
        number += 1
    years = (
        [int(said["year"])]
        if said["year"]
        else sorted(
            range(campaign.issued.year - 1, max(day.year, campaign.issued.year) + 2),
            key=lambda year: abs(year - day.year),
        )
    )
    for year in years:
        wanted = _period_of(every, year, number)
        if said["year"] or any(
            each.period == wanted
            for each in occurrences(
                definition.rule, definition.key, campaign.issued, date(year, 1, 1), date(year + 2, 1, 1)
            )
        ):
            return wanted
    return None


def _counted(said: re.Match[str]) -> tuple[Every, int]:
    if said["month"]:
        return Every.MONTH, _number(said["month"])
    if said["quarter"]:
        return Every.QUARTER, _number(said["quarter"])
    if said["half"]:
        return Every.HALF_YEAR, 1 if said["half"] == "上" else 2
    return Every.YEAR, 1


def _number(text: str) -> int:
    if text.isdecimal():
        return int(text)
    _, ten, ones = text.rpartition("十")
    return (10 if ten else 0) + (_NUMERALS.index(ones) if ones else 0)


def _period_of(every: Every, year: int, number: int) -> str:
    length = {Every.MONTH: 1, Every.QUARTER: 3, Every.HALF_YEAR: 6, Every.YEAR: 12}[every]
    month = (number - 1) * length
    return period_of(every, date(year + month // 12, month % 12 + 1, 1))


def _asked(name: str, examples: list[str]) -> UsageError:
    """It could be several: each as it would have to be written."""
    return UsageError("which_report", name=name, examples=tuple(examples))


def example(campaign: Campaign, definition: Definition, day: date) -> str:
    """A reference of ``definition`` as it is written in full: of the period in which ``day`` lies, else the next or last."""
    if definition.rule.every is None:
        return definition.key
    (here,) = _of_day(campaign, [definition], day)
    if here:
        return here[0].ref
    coming = occurrences(definition.rule, definition.key, campaign.issued, day, date.max)
    following = next(coming, None)
    if following is None:
        # It has come to its end: the last one.
        over = occurrences(definition.rule, definition.key, campaign.issued, date.min, day)
        following = next(iter(deque(over, maxlen=1)), None)
    return definition.key if following is None else following.ref
