"""Sentences that come to us in English, in the reader's language: those of libraries, and what became of a mail.

What became of a mail is written down when it happens, for all who read it later, in English; what a mail server said
stands in it as it was said.  Such a sentence is known again by the English catalogue itself.
"""

from __future__ import annotations

import re
from datetime import date
from functools import cache
from string import Formatter

from tracker.i18n.catalogue import ENGLISH, Language, words
from tracker.i18n.message import Message, say

AREAS = ("libraries", "outcomes")

#: What stands in a place, by its name; any text in those that are not here.
_SHAPES = {
    "n": r"\d+",
    "day": r"\d{4}-\d{2}-\d{2}",
    "server": r"\S+:\d+",
    "option": r"\S+",
    "name": r".+?",
    "rest": r"(?:\b.*)?",
}


def said_in(sentence: str | None, language: Language) -> str:
    """In the reader's language; one that is not known stays as it is, and nothing for None."""
    if sentence is None or language == ENGLISH:
        return sentence or ""
    found = recognised(sentence)
    return sentence if found is None else say(found, language)


def recognised(sentence: str) -> Message | None:
    """The message that says ``sentence`` in English; None for one that no catalogue has."""
    for key, pattern in _patterns():
        if found := pattern.fullmatch(sentence):
            return Message(key, **{name: _fact(name, text) for name, text in found.groupdict().items()})
    return None


def _fact(name: str, text: str) -> object:
    if name == "day":
        return date.fromisoformat(text)
    if name == "n":
        return int(text)
    if name == "ways":
        return tuple(recognised(each) or each for each in text.split(", "))
    return (recognised(text) or text) if name == "why" else text


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Compiled when first asked for: most commands never are."""
    catalogues = ((area, words(area, ENGLISH)) for area in AREAS)
    return tuple(
        (f"{area}.{key}", _pattern(english.phrase(key))) for area, english in catalogues for key in english
    )


def _pattern(phrase: str) -> re.Pattern[str]:
    parts = (
        re.escape(text) + ("" if name is None else f"(?P<{name}>{_SHAPES.get(name, '.+')})")
        for text, name, _, _ in Formatter().parse(phrase)
    )
    return re.compile("".join(parts), re.DOTALL)
