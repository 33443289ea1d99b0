"""The weekly status: how many lights of each colour there are, where, and whether it got better or worse."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tracker.core.model import Light
from tracker.core.vocabulary import LIGHTS
from tracker.i18n.catalogue import Words
from tracker.mail.compose.cards import Cards
from tracker.mail.compose.details import Facts, Numbers, mappings, numbers
from tracker.mail.compose.view import LightRow, LightShare, LightTable, LightTotal, Trend, Week
from tracker.mail.compose.wording import tidy

#: So many rows of a table are shown; the rest is a number.
SHOWN_ROWS = 60
#: A bar that is narrower than this, in per cent, has no room for its sign.
ROOM_FOR_SIGN = 6

_NO_LIGHTS: Numbers = {}


class _Line(NamedTuple):
    """What a row shows, before it is in words."""

    name: str
    now: Numbers
    before: Numbers | None

    @property
    def urgency(self) -> tuple[int, int]:
        """Sorts what has the most red first, then amber; (0, 0) is all right."""
        return -self.now.get(Light.RED, 0), -self.now.get(Light.AMBER, 0)


class WeekComposer:
    """Makes the weekly part of roll-ups, in one language."""

    def __init__(self, cards: Cards, words: Words, unit_name: Callable[[str], str]) -> None:
        self._cards = cards
        self._words = words
        self._unit_name = unit_name

    def compose(self, facts: Facts) -> Week:
        """``facts`` is ``details["week"]`` of the mail."""
        has_before = bool(facts.get("before"))
        now = numbers(facts.get("lights")) or _NO_LIGHTS
        before = numbers(facts.get("lights_before")) if has_before else None
        tables = (
            self._sections(facts, has_before=has_before),
            self._table("tasks", self._lines(facts, "tasks", has_before=has_before)),
            self._table("units", self._lines(facts, "units", has_before=has_before)),
        )
        return Week(
            red=now.get(Light.RED, 0),
            lamps=tuple(self._lamps(now, before)),
            bars=_bars(now),
            change=self._change(now, before),
            tables=tuple(table for table in tables if table.rows or table.rest),
        )

    def _lamps(self, now: Numbers, before: Numbers | None) -> list[LightTotal]:
        lamps = []
        for light in Light:
            number = now.get(light, 0)
            trend = None if before is None else self._trend(light, number - before.get(light, 0))
            lamps.append(LightTotal(light.value, LIGHTS[light].legend(self._words.language), number, trend))
        return lamps

    def _trend(self, light: Light, change: int) -> Trend:
        if change == 0:
            return Trend(self._words("week.same"), "")
        text = self._words("week.up" if change > 0 else "week.down", n=abs(change))
        if light is not Light.RED:
            return Trend(text, "")
        tone = "worse" if change > 0 else "better"
        return Trend(self._words(f"week.{tone}", trend=text), tone)

    def _change(self, now: Numbers, before: Numbers | None) -> str:
        if before is None:
            return self._words("week.first")
        change = now.get(Light.RED, 0) - before.get(Light.RED, 0)
        if change == 0:
            return self._words("week.red_same", red=now.get(Light.RED, 0))
        key = "week.red_up" if change > 0 else "week.red_down"
        return self._words(key, n=abs(change), red=now.get(Light.RED, 0))

    def _lines(self, facts: Facts, table: str, *, has_before: bool) -> list[_Line]:
        found = []
        for each in mappings(facts.get(table)):
            key = str(each.get("key") or each.get("unit") or each.get("name") or "")
            now = numbers(each.get("lights")) or _NO_LIGHTS
            before = numbers(each.get("before")) if has_before else None
            if table == "units":
                name = self._unit_name(key)
            elif table == "tasks":
                name = self._cards[key].name
            else:
                name = tidy(key) or self._words("week.others" if each.get("name") is None else "week.reports")
            found.append(_Line(name, now, before))
        return found

    def _sections(self, facts: Facts, *, has_before: bool) -> LightTable:
        """All of them, in the order of the document."""
        lines = self._lines(facts, "sections", has_before=has_before)
        rows = tuple(self._row(line) for line in lines)
        return LightTable("sections", self._words("week.sections"), rows, 0, None)

    def _table(self, name: str, lines: list[_Line]) -> LightTable:
        """What has the most red first; what is all right is a number."""
        urgent = sorted((line for line in lines if line.urgency != (0, 0)), key=lambda line: line.urgency)
        hidden, fine = max(0, len(urgent) - SHOWN_ROWS), len(lines) - len(urgent)
        rest = (
            self._words(f"week.fine_{name}" if urgent else f"week.all_fine_{name}", n=fine) if fine else None
        )
        more = self._words(f"week.hidden_{name}", n=hidden) if hidden else None
        rows = tuple(self._row(line) for line in urgent[:SHOWN_ROWS])
        return LightTable(name, self._words(f"week.{name}"), rows, hidden, rest, more)

    def _row(self, line: _Line) -> LightRow:
        shown = tuple((light.value, line.now[light]) for light in Light if line.now.get(light))
        trend = None
        if line.before is not None:
            red, was = line.now.get(Light.RED, 0), line.before.get(Light.RED, 0)
            # Where nothing is or was overdue there is nothing to be said of that.
            if red or was:
                trend = self._red_trend(red - was)
        return LightRow(line.name, shown, _bars(line.now), trend)

    def _red_trend(self, change: int) -> Trend:
        if change == 0:
            return Trend(self._words("week.row_same"), "")
        key, tone = ("week.row_up", "worse") if change > 0 else ("week.row_down", "better")
        return Trend(self._words(key, n=abs(change)), tone)


def _bars(now: Numbers) -> tuple[LightShare, ...]:
    """Shares in per cent of the lights that occur: each at least 1, and together 100."""
    found = [(light, now[light]) for light in Light if now.get(light, 0) > 0]
    total = sum(number for _, number in found)
    shares = [max(1, number * 100 // total) for _, number in found]
    if shares:
        widest = shares.index(max(shares))
        shares[widest] += 100 - sum(shares)
    return tuple(
        LightShare(light.value, share, share >= ROOM_FOR_SIGN)
        for (light, _), share in zip(found, shares, strict=True)
    )
