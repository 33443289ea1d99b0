"""What is told of a unit's words: to whoever decides that it asks for more time or says something, to it the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from tracker.core.model import Mail
from tracker.i18n.catalogue import Words
from tracker.mail.compose.cards import Cards
from tracker.mail.compose.details import mappings
from tracker.mail.compose.view import ReceiptFact
from tracker.mail.compose.wording import Calendar, clip

#: So much of what somebody wrote stands in a mail; the page has all of it.
WIDTH = 1000
WIDTH_OF_SEVERAL = 200


@dataclass(frozen=True, slots=True)
class RequestWords:
    """The words of such a mail."""

    heading: str
    preheader: str
    intro: str
    facts: tuple[ReceiptFact, ...]


class UnitRequestComposer:
    """Words them in one language.

    The facts stand under ``request`` in the details: ``phase`` (asked, granted, declined, read), ``kind`` (extend,
    say), ``ref``, ``unit``, ``who``, ``text``, and where there are any ``due``, ``wanted``, ``until``, ``by``, ``reply``.
    """

    def __init__(
        self, cards: Cards, words: Words, calendar: Calendar, unit_name: Callable[[str], str]
    ) -> None:
        self._cards = cards
        self._words = words
        self._calendar = calendar
        self._unit_name = unit_name

    def subject(self, facts: Mapping[str, Any]) -> str:
        """Who asks for what, or what was decided."""
        return self._words(
            f"asked.subject_{_phase(facts)}",
            unit=self._unit(facts),
            name=self._name(facts),
            date=self._date(facts),
            n=facts.get("count"),
        )

    def told(self, mail: Mail, facts: Mapping[str, Any]) -> RequestWords:
        """All the rest."""
        words, phase, date_ = self._words, _phase(facts), self._date(facts)
        unit = self._unit(facts)
        bare = "_bare" if phase == "read" and not facts.get("reply") else ""
        who, count = str(facts.get("who") or ""), facts.get("count")
        intro = words(f"asked.intro_{phase}{bare}", unit=unit, who=who, date=date_, n=count)
        return RequestWords(
            heading=words(_heading(phase)),
            preheader=clip(str(facts.get("reply") or facts.get("text") or mail.name), 90),
            intro=intro,
            facts=tuple(self._facts(facts)),
        )

    def _several(self, several: list[Mapping[str, Any]], count: int) -> Iterator[ReceiptFact]:
        """What was gathered, a line each, and how many more there are."""
        has_units = len(_units(several)) > 1
        for each in several:
            if each.get("phase") == "link":
                yield ReceiptFact(self._name(each), self._unit(each))
                continue
            text = clip(str(each.get("text") or ""), WIDTH_OF_SEVERAL)
            kind = "extend" if each.get("kind") == "extend" else "say"
            who = str(each.get("who") or "")
            if has_units:
                who = self._words("asked.who", unit=self._unit(each), who=who)
            said = self._words(f"asked.one_{kind}", who=who, date=self._date(each), text=text)
            yield ReceiptFact(self._name(each), said)
        if count > len(several):
            yield ReceiptFact("", self._words("asked.rest", n=count - len(several)))

    def _facts(self, facts: Mapping[str, Any]) -> Iterator[ReceiptFact]:
        if "several" in facts:
            yield from self._several(facts["several"], facts["count"])
            return
        words, kind = self._words, "extend" if facts.get("kind") == "extend" else "say"
        yield ReceiptFact(words("asked.item"), self._cards.names.titled(str(facts.get("ref") or "")))
        for key in ("due", "wanted", "until"):
            day = _day(facts.get(key))
            if day is not None:
                yield ReceiptFact(words(f"asked.{key}"), self._calendar.weekday(day))
        if facts.get("text"):
            yield ReceiptFact(words(f"asked.text_{kind}"), clip(str(facts["text"]), WIDTH))
        if facts.get("reply"):
            yield ReceiptFact(words("asked.reply"), clip(str(facts["reply"]), WIDTH))
        if facts.get("by"):
            yield ReceiptFact(words("asked.by"), str(facts["by"]))

    def _unit(self, facts: Mapping[str, Any]) -> str:
        """The unit, or the units of several."""
        units = _units(facts.get("several", [facts]))
        first = self._unit_name(units[0])
        return first if len(units) == 1 else self._words("names.several_units", first=first, n=len(units))

    def _name(self, facts: Mapping[str, Any]) -> str:
        return self._cards.names.occurrence(str(facts.get("ref") or ""))

    def _date(self, facts: Mapping[str, Any]) -> str:
        day = _day(facts.get("until")) or _day(facts.get("wanted"))
        return "" if day is None else self._calendar.day(day)


def request_facts(mail: Mail) -> Mapping[str, Any] | None:
    """What a receipt says of a unit's words; None for a receipt for tables.

    Of what was gathered (``requests``) they are those of the first, with all of them as ``several`` and their ``count``.
    """
    gathered = mappings(mail.details.get("requests"))
    if len(gathered) > 1:
        return {**gathered[0], "several": gathered, "count": mail.details.get("gathered", len(gathered))}
    found = gathered[0] if gathered else mail.details.get("request")
    return found if isinstance(found, Mapping) else None


def is_asked(facts: Mapping[str, Any]) -> bool:
    """Whether it is still to be answered: such a mail goes to whoever decides."""
    return facts.get("phase") == "asked"


def _phase(facts: Mapping[str, Any]) -> str:
    """The last part of the keys of its phrases."""
    if "several" in facts:
        return "asked_several" if is_asked(facts) else "link_several"
    if is_asked(facts):
        return "asked_extend" if facts.get("kind") == "extend" else "asked_say"
    phase = facts.get("phase")
    return str(phase) if phase in ("granted", "declined", "read", "link") else "read"


def _heading(phase: str) -> str:
    if phase.startswith("link"):
        return "asked.heading_link"
    return "asked.heading" if phase.startswith("asked") else "asked.heading_answer"


def _units(several: list[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(str(each.get("unit")) for each in several))


def _day(found: object) -> date | None:
    try:
        return date.fromisoformat(found) if isinstance(found, str) else None
    except ValueError:
        return None
