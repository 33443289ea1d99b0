"""What a roll-up says: who is missing after a deadline and how to reach them, and how the week stands.

The missing are the mail's items, so that whoever has answered before it went is not among them; everything else
is in its ``details`` (docs/design/ledger.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from tracker.core.model import Campaign, Item, Light, Mail
from tracker.mail.view import Lamp, LightRow, LightTable, Missing, Tally, Week
from tracker.mail.wording import Calendar, clip, tidy
from tracker.mail.words import Words

#: So many units are named one by one; more are a number.
NAMED_UNITS = 150
NAMED_ROWS = 45
TITLE_WIDTH = 40

#: The order in which lights are shown: what needs a person first.
ORDER = (Light.RED, Light.AMBER, Light.GREEN, Light.BLUE, Light.GREY)

Numbers = Mapping[str, int]


class RollupComposer:
    """Makes the parts of roll-ups, in one language."""

    def __init__(self, campaign: Campaign, words: Words, calendar: Calendar) -> None:
        self.campaign = campaign
        self.words = words
        self.calendar = calendar

    def tallies(self, mail: Mail) -> tuple[Tally, ...]:
        """One for each deadline that is reported on."""
        missing: dict[str, list[Item]] = {}
        for item in mail.items:
            missing.setdefault(item.ref, []).append(item)
        deadlines = _mappings(mail.details.get("deadlines"))
        return tuple(self._tally(facts, missing.get(str(facts.get("ref")), [])) for facts in deadlines)

    def _tally(self, facts: Mapping[str, object], missing: list[Item]) -> Tally:
        words = self.words
        key, _, period = str(facts.get("ref") or "").partition("@")
        of = max(_count(facts.get("of")), len(missing))
        done = of - len(missing)
        phrase = "rollup.summary" if missing else "rollup.all_in"
        due = facts.get("due")
        named = missing[:NAMED_UNITS]
        return Tally(
            ref=str(facts.get("ref") or ""),
            title=self.title(key),
            period=self.calendar.period(period) if period else None,
            due=words("rollup.due", date=self.calendar.weekday(date.fromisoformat(str(due))))
            if due
            else None,
            of=of,
            done=done,
            summary=words(phrase, of=of, in_=done, missing=len(missing)),
            missing=tuple(self._missing(item, facts) for item in named),
            rest=words("rollup.rest", n=len(missing) - len(named)) if len(missing) > len(named) else None,
            late=self._late(facts),
            remarks=self._remarks(facts),
        )

    def _missing(self, item: Item, facts: Mapping[str, object]) -> Missing:
        unit = self.campaign.units.get(item.unit)
        contacts = sorted(unit.contacts, key=lambda each: each.role == "cc") if unit else []
        people = [f"{contact.name} {contact.email}".strip() for contact in contacts]
        return Missing(
            name=self.unit_name(item.unit),
            contacts=self.words("sections.comma").join(people) or self.words("labels.no_contacts"),
            remark=self._remark(item, facts),
        )

    def _remark(self, item: Item, facts: Mapping[str, object]) -> str | None:
        extended, returned = facts.get("extended"), facts.get("returned")
        if isinstance(extended, Mapping) and item.unit in extended:
            until = date.fromisoformat(str(extended[item.unit]))
            return self.words("rollup.extended", date=self.calendar.day(until))
        if isinstance(returned, list | tuple) and item.unit in returned:
            return self.words("rollup.returned")
        return None

    def _late(self, facts: Mapping[str, object]) -> str | None:
        late = facts.get("late")
        if not isinstance(late, list | tuple) or not late:
            return None
        named = self.words("sections.comma").join(self.unit_name(str(unit)) for unit in late[:NAMED_UNITS])
        more = len(late) - NAMED_UNITS
        return named if more <= 0 else f"{named} {self.words('rollup.rest', n=more)}"

    def _remarks(self, facts: Mapping[str, object]) -> tuple[str, ...]:
        counts = {name: _count(facts.get(name)) for name in ("nil", "waived", "paused")}
        return tuple(self.words(f"rollup.{name}", n=count) for name, count in counts.items() if count)

    def unit_name(self, unit: str) -> str:
        """How the files call it; the id where they do not know it any more."""
        known = self.campaign.units.get(unit)
        return known.name if known else unit

    def title(self, key: str) -> str:
        """Number and title of a definition; the key where the files do not know it any more."""
        definition = self.campaign.definitions.get(key)
        if definition is None:
            return key
        title = clip(definition.title, TITLE_WIDTH).rstrip("。；，、.;,")
        task = definition.task_id
        if task is None:
            return title
        label = self.words("names.task", id=task)
        return f"{label} {tidy(title).removeprefix(f'{task}.').lstrip()}"

    # --- the week ---

    def week(self, mail: Mail) -> Week | None:
        """How everything stands, where the mail says so."""
        facts = mail.details.get("week")
        if not isinstance(facts, Mapping):
            return None
        lights, before = _numbers(facts.get("lights")), _maybe_numbers(facts.get("lights_before"))
        tables = (
            self._table("sections", self._sections(facts)),
            self._table("tasks", self._named(facts, "tasks", "key")),
            self._table("units", self._named(facts, "units", "unit")),
        )
        return Week(
            lamps=tuple(self._lamp(light, lights, before) for light in ORDER),
            change=self._change_in_words(lights, before),
            tables=tuple(table for table in tables if table is not None),
        )

    def _lamp(self, light: Light, lights: Numbers, before: Numbers | None) -> Lamp:
        number = lights.get(light, 0)
        trend = None if before is None else self._trend(number - before.get(light, 0))
        return Lamp(light.value, self.words(f"lights.{light}"), number, trend)

    def _trend(self, change: int) -> str:
        if change == 0:
            return self.words("week.same")
        return self.words("week.more" if change > 0 else "week.fewer", n=abs(change))

    def _change_in_words(self, lights: Numbers, before: Numbers | None) -> str:
        if before is None:
            return self.words("week.first")
        change = lights.get("red", 0) - before.get("red", 0)
        if change == 0:
            return self.words("week.red_same")
        return self.words("week.red_more" if change > 0 else "week.red_fewer", n=abs(change))

    def _sections(self, facts: Mapping[str, object]) -> list[tuple[str, Mapping[str, object]]]:
        return [
            (str(each.get("name") or "") or self.words("week.reports"), each)
            for each in _mappings(facts.get("sections"))
        ]

    def _named(
        self, facts: Mapping[str, object], name: str, key: str
    ) -> list[tuple[str, Mapping[str, object]]]:
        name_of = self.unit_name if key == "unit" else self.title
        return [(name_of(str(each.get(key))), each) for each in _mappings(facts.get(name))]

    def _table(self, name: str, found: list[tuple[str, Mapping[str, object]]]) -> LightTable | None:
        """Sections in the order of the document; tasks and units with the most red first, the fine ones as a number."""
        if not found:
            return None
        rows = [self._row(title, facts) for title, facts in found]
        shown = rows
        if name != "sections":
            shown = sorted(
                (row for row in rows if row.red or row.amber), key=lambda row: (-row.red, -row.amber)
            )
            shown = shown[:NAMED_ROWS]
        left = len(rows) - len(shown)
        with_faults = any(row.red or row.amber for row in rows if row not in shown) if left else False
        rest = "week.rest" if with_faults else "week.rest_fine"
        return LightTable(
            heading=self.words(f"week.{name}"),
            rows=tuple(shown),
            rest=self.words(rest, n=left) if left else None,
        )

    def _row(self, title: str, facts: Mapping[str, object]) -> LightRow:
        lights, before = _numbers(facts.get("lights")), _maybe_numbers(facts.get("before"))
        total = sum(lights.values()) or 1
        red = lights.get("red", 0)
        return LightRow(
            name=tidy(title),
            red=red,
            amber=lights.get("amber", 0),
            numbers=tuple((light.value, lights.get(light, 0)) for light in ORDER),
            bars=tuple(
                (light.value, max(1, round(lights[light] * 100 / total)))
                for light in ORDER
                if lights.get(light)
            ),
            # Where nothing has changed, nothing need be read.
            trend=self._trend(change) if (change := red - (before or {}).get("red", red)) else None,
        )


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0


def _mappings(value: object) -> Iterable[Mapping[str, object]]:
    if isinstance(value, list | tuple):
        for each in value:
            if isinstance(each, Mapping):
                yield each


def _numbers(value: object) -> Numbers:
    return {str(name): _count(number) for name, number in value.items()} if isinstance(value, Mapping) else {}


def _maybe_numbers(value: object) -> Numbers | None:
    return _numbers(value) if isinstance(value, Mapping) else None
