"""Which elements of a web page nobody sees and which are struck out, by their attributes and the page's own style sheet."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum

_UNSEEN = re.compile(
    r"(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|mso-hide\s*:\s*all)", re.IGNORECASE
)
_STRUCK = re.compile(
    r"text-(?:decoration(?:-line)?|line-through)\s*:[^;]*(?:line-through|single)", re.IGNORECASE
)
_SIMPLE = re.compile(r"([a-z][a-z0-9]*)?([.#][\w-]+)?$", re.IGNORECASE)
#: Which elements cannot be within one of the same kind: the next one ends it.
_ENDED = {"p": {"p"}, "li": {"li"}, "td": {"td", "th"}, "th": {"td", "th"}, "tr": {"tr", "td", "th"}}
_EMPTY = frozenset(
    {"br", "img", "input", "hr", "meta", "link", "col", "wbr", "area", "base", "embed", "source"}
)


class TextStyle(Enum):
    """What becomes of the text of an element."""

    UNSEEN = "unseen"
    STRUCK = "struck"


class Styles:
    """What is said of elements in the page's style sheets."""

    def __init__(self) -> None:
        self._looks: dict[tuple[str, str], set[TextStyle]] = {}

    def read(self, sheet: str) -> None:
        """One more style sheet."""
        for rule in sheet.replace("<!--", "").replace("-->", "").split("}"):
            selectors, _, body = rule.rpartition("{")
            looks = set(_looks(body))
            for selector in selectors.rpartition("{")[2].split(",") if looks else ():
                match = _SIMPLE.match(selector.split()[-1] if selector.split() else "")
                if match is not None and match[2]:
                    self._looks.setdefault(((match[1] or "").lower(), match[2]), set()).update(looks)

    def of(self, tag: str, given: Mapping[str, str | None]) -> set[TextStyle]:
        """What becomes of an element with these attributes."""
        looks = set(_looks(given.get("style") or ""))
        if "hidden" in given:
            looks.add(TextStyle.UNSEEN)
        if self._looks:
            for name in _names(given):
                looks |= self._looks.get((tag, name), set()) | self._looks.get(("", name), set())
        return looks


def _looks(declarations: str) -> Iterator[TextStyle]:
    if _UNSEEN.search(declarations):
        yield TextStyle.UNSEEN
    if _STRUCK.search(declarations):
        yield TextStyle.STRUCK


def _names(given: Mapping[str, str | None]) -> Iterable[str]:
    yield from (f".{each}" for each in (given.get("class") or "").split())
    if given.get("id"):
        yield f"#{given['id']}"


class Around:
    """The elements with a look that are open, from the outermost; each is ended by its own end tag, or the next of a kind."""

    def __init__(self) -> None:
        #: Tag, how many of the same kind are open within and with it, and its looks.
        self._open: list[tuple[str, int, set[TextStyle]]] = []

    def begins(self, tag: str, looks: set[TextStyle]) -> None:
        """An element begins."""
        if tag in _ENDED:
            self._end(_ENDED[tag])
        if looks and tag not in _EMPTY:
            self._open.append((tag, 1, looks))
        elif self._open and self._open[-1][0] == tag:
            of, depth, own = self._open[-1]
            self._open[-1] = of, depth + 1, own

    def ends(self, tag: str) -> None:
        """An element ends."""
        if tag == "table":
            self._end({"tr", "td", "th"})
        number = next((at for at in reversed(range(len(self._open))) if self._open[at][0] == tag), None)
        if number is None:
            return
        of, depth, looks = self._open[number]
        del self._open[number + (depth > 1) :]
        if depth > 1:
            self._open[number] = of, depth - 1, looks

    def has(self, look: TextStyle) -> bool:
        """Whether what comes by now has it."""
        return any(look in looks for _, _, looks in self._open)

    def _end(self, tags: set[str]) -> None:
        number = next((at for at, (tag, _, _) in enumerate(self._open) if tag in tags), None)
        if number is not None:
            del self._open[number:]
