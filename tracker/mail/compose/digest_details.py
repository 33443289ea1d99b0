"""What a digest is told beside its items (docs/design/ledger.md), and the words that it makes of that."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from tracker.core.model import Item, Mail
from tracker.i18n.catalogue import Words
from tracker.mail.compose.cards import REQUIREMENT_WIDTH, Card
from tracker.mail.compose.view import Enclosed
from tracker.mail.compose.wording import Calendar, clip

#: A row of very many items is not followed by a remark on each.
MOST_REMARKS = 12


@dataclass(frozen=True, slots=True)
class DigestDetails:
    """``progress``, ``said`` and ``last`` of a digest's details; empty where they are absent."""

    progress: Mapping[str, object]
    said: Mapping[str, object]
    last: frozenset[str]

    @classmethod
    def of(cls, mail: Mail) -> DigestDetails:
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

    def also(self, items: Collection[Item]) -> dict[tuple[str, str], None]:
        """The other periods that are named beside ``items``, as reference and unit, in order."""
        found: dict[tuple[str, str], None] = {}
        own = {item.ref for item in items}
        for item in items:
            periods = self.about(item).get("also")
            key = item.ref.partition("@")[0]
            for period in periods if isinstance(periods, list) else ():
                if f"{key}@{period}" not in own:
                    found[f"{key}@{period}", item.unit] = None
        return found


class Remarks:
    """Puts into words what is to be known of a row besides: extensions, returns, other late periods."""

    def __init__(self, words: Words, calendar: Calendar) -> None:
        self._words = words
        self._calendar = calendar

    def of(
        self, items: list[Item], card: Card, beside: DigestDetails, day: date, names: Mapping[str, str]
    ) -> tuple[str, ...]:
        """The remarks of a row; ``names`` are its units where they are to be told apart.  Mostly there are none."""
        found: dict[str, None] = {}
        for item in items:
            whose = self._whose(item, items, names)
            for remark in self._of_item(item, beside.about(item), day):
                found[f"{whose}{remark}"] = None
        found = dict.fromkeys(tuple(found)[:MOST_REMARKS])
        found.update((remark, None) for remark in self._also(items, card, beside))
        if any(item.ref in beside.last for item in items):
            found[self._words("row.last")] = None
        return tuple(found)

    def of_forms(
        self,
        asked: Iterable[tuple[str, str]],
        enclosed: Enclosed,
        name_of: Callable[[str], str],
        otherwise: str,
    ) -> str:
        """What is enclosed of the forms of ``asked``: filled in with what was filed before, empty, or not enclosed.

        ``name_of`` names the occurrence that was filed before, ``otherwise`` is where a form that is not enclosed is
        to be had.
        """
        filled: dict[str, list[str]] = {}
        empty, missing = [], []
        cells = list(asked)
        for cell in cells:
            before, period = enclosed.get(cell), cell[0].partition("@")[2]
            if before is None:
                missing.append(period)
            elif before:
                filled.setdefault(before, []).append(period)
            else:
                empty.append(period)
        said = [
            self._words("row.form_filled", form=self._forms(some, cells), before=name_of(before))
            for before, some in filled.items()
        ]
        if empty:
            said.append(self._words("row.form_empty", form=self._forms(empty, cells)))
        if missing:
            said.append(
                self._words("row.form_missing", form=self._forms(missing, cells), otherwise=otherwise)
            )
        return self._words("row.forms", said=self._words("sections.semicolon").join(said))

    def _forms(self, periods: list[str], cells: list[tuple[str, str]]) -> str:
        """The forms of ``periods``; of the only one, the form of this period."""
        named = sorted({period for period in periods if period})
        if len(cells) == 1 or not named:
            return self._words("row.form_this")
        return self._words("row.form_of", periods=self._calendar.periods(named))

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

    def _also(self, items: list[Item], card: Card, beside: DigestDetails) -> Iterator[str]:
        """Other periods that are late; what was over before the document was issued is nobody's fault."""
        periods = {ref.partition("@")[2] for ref, _ in beside.also(items)}
        late, lapsed = periods - card.lapsed, periods & card.lapsed
        if late:
            yield self._words(f"row.also_{card.kind}", periods=self._calendar.periods(sorted(late)))
        if lapsed:
            yield self._words("row.also_lapsed", periods=self._calendar.periods(sorted(lapsed)))
