"""What findings in the files have in common: how much of a file they quote, and what an unknown name may be a slip of."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from tracker.i18n.message import Message, Quoted

#: A whole paragraph in a message helps nobody.
LONGEST_QUOTE = 40


def short(text: str) -> str:
    """A piece of the file for a sentence to quote, cut and on one line."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_QUOTE else line[: LONGEST_QUOTE - 1] + "…"


class Guesses:
    """Answers “did you mean …?”, as long as that stays cheap.

    Comparing one unknown name with 9,000 known ones takes a tenth of a second; a file in which every name
    is unknown would take minutes.
    """

    def __init__(self, comparisons: int = 200_000) -> None:
        self._left = comparisons
        self._answers: dict[tuple[str, int, int], list[str]] = {}

    def near(self, name: str, known: Collection[str], count: int = 3) -> list[str]:
        """The known names that ``name`` may be a slip of, nearest first."""
        question = (name, count, len(known))
        if question not in self._answers:
            if self._left < len(known):
                return []
            self._left -= len(known)
            by_lower = {each.lower(): each for each in known}
            found = get_close_matches(name.strip().lower(), by_lower, count, 0.6)
            self._answers[question] = [by_lower[each] for each in found]
        return self._answers[question]


def did_you_mean(names: list[str]) -> Message | str:
    """The end of a sentence on an unknown name; empty where nothing is near."""
    return Message("config.near", names=Quoted(short(name) for name in names)) if names else ""
