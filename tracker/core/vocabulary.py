"""The one table of signs for lights, for every place where people see them; their words are in ``i18n``'s terms.

Board, mails, report, workbook, terminal and calendars take theirs from here, so that a sign means the same on each
(``tests/acceptance/test_one_vocabulary.py`` reads all of them).
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import NamedTuple

from tracker.core.model import Light, State
from tracker.i18n.catalogue import Language, words
from tracker.i18n.terms import term, word


class LightSign(NamedTuple):
    """A light: its sign, and ``ink``, its colour on a terminal (SGR)."""

    light: Light
    sign: str
    ink: int

    def name(self, language: Language) -> str:
        """绿灯 · Green."""
        return term(f"light.{self.light}.name", language)

    def meaning(self, language: Language) -> str:
        """按期办结、按期报送 · in on time."""
        return term(f"light.{self.light}.meaning", language)

    def legend(self, language: Language, meaning: str | None = None) -> str:
        """绿灯：按期办结、按期报送 · Green: in on time; ``meaning`` where it is another one here."""
        return term(
            "light.legend", language, name=self.name(language), meaning=meaning or self.meaning(language)
        )


#: Every sign is in GB 2312 or in the font of the report, and none is told from another by its colour.
LIGHTS: Mapping[Light, LightSign] = {
    shown.light: shown
    for shown in (
        LightSign(Light.RED, "▲", 31),
        LightSign(Light.AMBER, "◎", 33),
        LightSign(Light.GREEN, "✓", 32),
        LightSign(Light.BLUE, "∞", 34),
        LightSign(Light.NONE, "○", 39),
        LightSign(Light.GREY, "－", 90),
    )
}

#: By the names that JSON and templates have for lights.
SIGNS: Mapping[str, str] = {light.value: shown.sign for light, shown in LIGHTS.items()}
INKS: Mapping[str, int] = {shown.sign: shown.ink for shown in LIGHTS.values()}

#: What a nil return is called that has still to be accepted; its state in JSON is ``nil``.
NIL_WAITS = "nil_waits"

#: What people are told of states, in the order in which they are counted.
STATE_WORDS = (*(state.value for state in State), NIL_WAITS)


def word_for(state: State, *, waits: bool) -> str:
    """The name in ``STATE_WORDS`` of what people are told of a state; ``waits``: whether it has still to be accepted."""
    return NIL_WAITS if waits and state is State.NIL else state.value


def meaning(light: Light, language: Language, states: Container[str]) -> str:
    """What a light means where ``states`` occur: ○ is also what was due before the ledger began."""
    said = LIGHTS[light].meaning(language)
    if light is Light.NONE and State.BEFORE in states:
        return words("facts", language)("sign").join((said, word(State.BEFORE, language)))
    return said
