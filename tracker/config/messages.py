"""How findings in the files are worded: one English sentence, and the same in Chinese in （…） behind it.

Clerks read these, in either language, and ``campaign.language`` may be the very thing that cannot be read;
so every message has both.  Quoted words of the file stand in “…”.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from difflib import get_close_matches

from tracker.errors import InBoth

#: A whole paragraph in a message helps nobody.
LONGEST_QUOTE = 40


def say(english: str, chinese: str) -> InBoth:
    """Both wordings of one sentence."""
    return InBoth(english, chinese)


def quote(text: str) -> str:
    """A piece of the file in quotation marks, cut and on one line."""
    line = " ".join(text.split())
    return f"“{line if len(line) <= LONGEST_QUOTE else line[: LONGEST_QUOTE - 1] + '…'}”"


def either(words: Iterable[str]) -> tuple[str, str]:
    """A choice, in English and Chinese: ``a, b or c`` and ``a、b或c``."""
    *others, last = words
    if not others:
        return last, last
    return f"{', '.join(others)} or {last}", f"{'、'.join(others)}或{last}"


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


def did_you_mean(names: list[str]) -> tuple[str, str]:
    """The end of a sentence on an unknown name, in English and Chinese; empty where nothing is near."""
    if not names:
        return "", ""
    english, chinese = either(quote(name) for name in names)
    return f"; did you mean {english}?", f"；是不是{chinese}？"
