"""What a roll-up says: who is missing after a deadline and how to reach them, and how the week stands.

The missing are the mail's items, so that whoever has answered before it went is not among them; everything
else is in its ``details`` (docs/design/ledger.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from tracker.core.model import Campaign, Contact, Item, Mail, Reason
from tracker.i18n.catalogue import Words
from tracker.mail.compose.cards import Cards
from tracker.mail.compose.details import Facts, count, dates, day, mappings, names
from tracker.mail.compose.view import MissingUnit, OccurrenceTally, Week
from tracker.mail.compose.week import WeekComposer
from tracker.mail.compose.wording import Calendar

#: So many units are named one by one; more are a number.
NAMED_UNITS = 150


class _Marks(NamedTuple):
    """Which of the missing were sent back, and which were given more time, by unit."""

    returned: frozenset[str]
    extended: dict[str, date]


class RollupComposer:
    """Makes the parts of roll-ups, in one language."""

    def __init__(self, campaign: Campaign, cards: Cards, words: Words, calendar: Calendar) -> None:
        self.campaign = campaign
        self.words = words
        self.calendar = calendar
        self._cards = cards
        self._weeks = WeekComposer(cards, words, campaign.unit_name)

    def subject(self, tallies: tuple[OccurrenceTally, ...], week: Week | None, today: date) -> str:
        """How one deadline stands, or how many there are; then the week; then the day."""
        words, parts = self.words, []
        missing = sum(tally.of - tally.done for tally in tallies)
        if len(tallies) == 1:
            only = tallies[0]
            parts.append(words("rollup.subject_one", title=only.short, in_=only.done, of=only.of))
        elif tallies:
            key = "rollup.subject_many" if missing else "rollup.subject_many_all_in"
            parts.append(words(key, n=len(tallies), missing=missing))
        if week is not None:
            parts.append(words("rollup.subject_week", n=week.red))
        what = words("sections.semicolon").join(parts) or words("rollup.subject_none")
        return words("rollup.subject", what=what, day=self.calendar.short(today, today))

    def week(self, mail: Mail) -> Week | None:
        """How everything stands, where the mail says so."""
        found = mail.details.get("week")
        return self._weeks.compose(found) if isinstance(found, dict) else None

    def tallies(self, mail: Mail, today: date) -> tuple[OccurrenceTally, ...]:
        """One for each deadline that is reported on."""
        missing: dict[str, list[Item]] = {}
        for item in mail.items:
            missing.setdefault(item.ref, []).append(item)
        return tuple(
            self._tally(facts, missing.get(str(facts.get("ref")), []), today)
            for facts in mappings(mail.details.get("deadlines"))
        )

    def _tally(self, facts: Facts, items: list[Item], today: date) -> OccurrenceTally:
        words, ref = self.words, str(facts.get("ref") or "")
        key, _, period = ref.partition("@")
        card = self._cards[key]
        # Whoever has been given more time is missing, and not late.
        missing = sorted(items, key=lambda item: item.reason is Reason.LEAD)
        of, due = max(count(facts.get("of")), len(missing)), day(facts.get("due"))
        phrase = "rollup.summary" if missing else "rollup.all_in" if of else "rollup.nobody_asked"
        named, is_cut = missing[:NAMED_UNITS], len(missing) > NAMED_UNITS
        marks = _Marks(frozenset(names(facts.get("returned"))), dates(facts.get("extended")))
        return OccurrenceTally(
            label=card.label,
            title=card.title,
            short=card.brief,
            period=self.calendar.about(period, month_before=card.is_about_month_before) if period else None,
            due=words("rollup.due", date=self.calendar.weekday(due)) if due else None,
            of=of,
            done=of - len(missing),
            summary=words(phrase, of=of, in_=of - len(missing), missing=len(missing)),
            notes=self._notes(facts, missing),
            missing=tuple(self._missing(item, marks, today) for item in named),
            rest=words("rollup.rest", shown=len(named), n=len(missing)) if is_cut else None,
            late=self._late(names(facts.get("late"))),
        )

    def _notes(self, facts: Facts, missing: list[Item]) -> str | None:
        """What the numbers do not tell: nil returns, what waits for acceptance, extensions, and who is not asked."""
        waiting, of_them_nil = count(facts.get("waiting")), count(facts.get("waiting_nil"))
        counts = {
            "nil": count(facts.get("nil")),
            "waiting_nil" if of_them_nil else "waiting": waiting,
            "extended_count": sum(item.reason is Reason.LEAD for item in missing),
            "waived": count(facts.get("waived")),
            "paused": count(facts.get("paused")),
        }
        notes = [
            self.words(f"rollup.{name}", n=number, nil=of_them_nil)
            for name, number in counts.items()
            if number
        ]
        return self.words("sections.semicolon").join(notes) or None

    def _late(self, units: list[str]) -> str | None:
        if not units:
            return None
        named = self.words("sections.comma").join(
            self.campaign.unit_name(unit) for unit in units[:NAMED_UNITS]
        )
        key = "rollup.late" if len(units) <= NAMED_UNITS else "rollup.late_more"
        return self.words(key, units=named, n=len(units))

    def _missing(self, item: Item, marks: _Marks, today: date) -> MissingUnit:
        unit = self.campaign.units.get(item.unit)
        people = tuple(self._person(contact, today) for contact in unit.to_call) if unit else ()
        return MissingUnit(
            name=self.campaign.unit_name(item.unit),
            contacts=people or (self.words("labels.no_contacts"),),
            remark=self.words("sections.comma").join(self._remarks(item, marks, today)) or None,
        )

    def _person(self, contact: Contact, today: date) -> str:
        """A contact, or whoever stands in on that day."""
        instead = self.campaign.on_duty(contact, today)
        if instead is not contact:
            return self.words("names.stand_in", name=instead.name, email=instead.email, away=contact.name)
        phrase = "names.for_information" if contact.role == "cc" else "names.person"
        return self.words(phrase, name=contact.name, email=contact.email)

    def _remarks(self, item: Item, marks: _Marks, today: date) -> Iterator[str]:
        if item.unit in marks.returned:
            yield self.words("rollup.returned")
        until = marks.extended.get(item.unit)
        if until is not None:
            key = "rollup.extended" if item.reason is Reason.LEAD else "rollup.extended_over"
            yield self.words(key, date=self.calendar.short(until, today))
