"""What a digest is told beside its items (docs/design/ledger.md), and the words that it makes of that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from tracker.core.model import Item, Mail
from tracker.mail.cards import REQUIREMENT_WIDTH, Card
from tracker.mail.wording import Calendar, clip
from tracker.mail.words import Words


@dataclass(frozen=True, slots=True)
class Beside:
    """``progress``, ``said`` and ``last`` of a digest's details; empty where they are absent."""

    progress: Mapping[str, object]
    said: Mapping[str, object]
    last: frozenset[str]

    @classmethod
    def of(cls, mail: Mail) -> Beside:
        """Those of ``mail``; what is not in the agreed form counts as absent."""
        progress, said, last = (mail.details.get(name) for name in ("progress", "said", "last"))
        return cls(
            progress if isinstance(progress, dict) else {},
            said if isinstance(said, dict) else {},
            frozenset(last) if isinstance(last, list) else frozenset(),
        )

    def about(self, item: Item) -> Mapping[str, object]:
        """What is told beside one item."""
        found = self.said.get(f"{item.ref} {item.unit}") if self.said else None
        return found if isinstance(found, dict) else {}


class Remarks:
    """Puts into words what is to be known of a row besides: extensions, returns, other late periods."""

    def __init__(self, words: Words, calendar: Calendar) -> None:
        self._words = words
        self._calendar = calendar

    def of(
        self, items: list[Item], card: Card, beside: Beside, day: date, names: Mapping[str, str]
    ) -> tuple[str, ...]:
        """The remarks of a row; ``names`` are its units where they are to be told apart.  Mostly there are none."""
        found: dict[str, None] = {}
        for item in items:
            whose = self._whose(item, items, names)
            for remark in self._of_item(item, beside.about(item), day):
                found[f"{whose}{remark}"] = None
        found.update((remark, None) for remark in self._also(items, card, beside))
        if any(item.ref in beside.last for item in items):
            found[self._words("row.last")] = None
        return tuple(found)

    def _whose(self, item: Item, items: list[Item], names: Mapping[str, str]) -> str:
        """In a row of several items, which of them a remark is about."""
        if len(items) == 1:
            return ""
        period = item.ref.partition("@")[2]
        parts = [names.get(item.unit, ""), self._calendar.period(period) if period else ""]
        whose = self._words("labels.bar").join(part for part in parts if part)
        return self._words("row.whose", whose=whose) if whose else ""

    def _of_item(self, item: Item, said: Mapping[str, object], day: date) -> Iterator[str]:
        nominal, why = said.get("extended_from"), said.get("returned")
        if isinstance(nominal, str) and item.due is not None:
            before = self._calendar.short(date.fromisoformat(nominal), day)
            yield self._words("row.extended", date=self._calendar.short(item.due, day), before=before)
        if isinstance(why, str) and why:
            yield self._words("row.returned_because", reason=clip(why, REQUIREMENT_WIDTH))

    def _also(self, items: list[Item], card: Card, beside: Beside) -> Iterator[str]:
        """Other periods that are late; what was over before the document was issued is nobody's fault."""
        told = [beside.about(item).get("also") for item in items]
        periods = {str(each) for also in told if isinstance(also, list) for each in also}
        periods -= {item.ref.partition("@")[2] for item in items}
        late, lapsed = periods - card.lapsed, periods & card.lapsed
        if late:
            yield self._words(f"row.also_{card.kind}", periods=self._calendar.periods(sorted(late)))
        if lapsed:
            yield self._words("row.also_lapsed", periods=self._calendar.periods(sorted(lapsed)))
