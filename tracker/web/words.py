"""The sentences of the pages, by language: ``templates/web/words/AREA.LANGUAGE.yaml``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import yaml

from tracker.core.model import Language
from tracker.shipped import shipped

Phrase = str | tuple[str, str]

LANGUAGES: tuple[Language, ...] = ("zh", "en")


class Words:
    """The phrases of one language.  ``words("board.missing", n=3)`` fills one in.

    In a language that needs it a phrase is a list of two, for one and for several, chosen by ``n``.
    """

    def __init__(self, language: Language, phrases: Mapping[str, Phrase]) -> None:
        self.language = language
        self._phrases = phrases

    def __call__(self, key: str, **facts: object) -> str:
        """The sentence.  Raises KeyError for one that is not there: a slip of ours, found by the tests."""
        phrase = self._phrases[key]
        if isinstance(phrase, tuple):
            phrase = phrase[facts.get("n") != 1]
        return phrase.format(**facts) if facts else phrase

    def __contains__(self, key: object) -> bool:
        return key in self._phrases


@cache
def words_of(language: Language) -> Words:
    """All areas of a language together; each area's keys begin with its name."""
    phrases: dict[str, Phrase] = {}
    for path in sorted((shipped("templates") / "web" / "words").glob(f"*.{language}.yaml")):
        area = path.name.partition(".")[0]
        phrases.update(_flat(yaml.safe_load(path.read_text(encoding="utf-8")), area))
    return Words(language, phrases)


def _flat(node: Any, path: str) -> Iterator[tuple[str, Phrase]]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _flat(value, f"{path}.{key}")
    elif isinstance(node, list):
        one, several = node
        yield path, (str(one), str(several))
    else:
        yield path, str(node)
