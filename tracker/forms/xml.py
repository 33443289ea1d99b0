"""XML parts, streamed through expat within bounds and without a tree.

Declarations of a document type or of entities are refused, as defusedxml does: neither format uses them, and they
are how a small file grows large or reads other files.  defusedxml itself offers parsers of trees and of SAX events;
for the speed of a bare expat the same handlers are set here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn, Protocol
from xml.parsers import expat

from tracker.forms import limits, refusals
from tracker.forms.refusals import refuse


class Listener(Protocol):
    """Told of elements by their name as written; text comes only between ``listen`` and ``take``."""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""

    def end(self, name: str) -> None:
        """An element ends."""


def local(name: str) -> str:
    """A name without its prefix.  Prefixes are free, and strict and transitional files differ in what they stand for."""
    return name.rpartition(":")[2]


def locals_of(attributes: dict[str, str]) -> dict[str, str]:
    """The same for all attributes."""
    return {local(name): value for name, value in attributes.items()}


class Text:
    """The text being collected, and the switch for it: text outside is not even handed to Python."""

    def __init__(self) -> None:
        self.parser: expat.XMLParserType | None = None
        self._pieces: list[str] = []
        self._length = 0

    def listen(self) -> None:
        """Collect from here on, after what was collected so far."""
        if self.parser is not None:
            self.parser.CharacterDataHandler = self.add

    def deaf(self) -> None:
        """Stop collecting and keep what there is."""
        if self.parser is not None:
            self.parser.CharacterDataHandler = None

    def add(self, text: str) -> None:
        """More of it."""
        self._length += len(text)
        if self._length > limits.MAX_CELL_TEXT:
            refuse(refusals.TOO_LONG_TEXT)
        self._pieces.append(text)

    def mark(self) -> int:
        """Where the text is now, for ``cut``."""
        return len(self._pieces)

    def cut(self, mark: int) -> str:
        """Take away what came since ``mark``, and give it back."""
        cut, self._pieces = "".join(self._pieces[mark:]), self._pieces[:mark]
        return cut

    def take(self) -> str:
        """What was collected; nothing is, from here on."""
        self.deaf()
        pieces = self._pieces
        if not pieces:
            return ""
        self._pieces = []
        self._length = 0
        return pieces[0] if len(pieces) == 1 else "".join(pieces)


def parse(chunks: Iterable[bytes], listener: Listener, text: Text | None = None) -> None:
    """Tell ``listener`` what is in a part; a part that is not well-formed is refused."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.buffer_size = 65536
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    parser.UnparsedEntityDeclHandler = _refuse
    parser.ExternalEntityRefHandler = _refuse
    left = limits.MAX_ELEMENTS
    depth = 0
    tell_start = listener.start
    tell_end = listener.end

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal left, depth
        left -= 1
        depth += 1
        if left < 0 or depth > limits.MAX_DEPTH:
            refuse(refusals.BOMB)
        tell_start(name, attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        tell_end(name)

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    if text is not None:
        text.parser = parser
    try:
        for chunk in chunks:
            parser.Parse(chunk, False)
        parser.Parse(b"", True)
    except (expat.ExpatError, LookupError, ValueError):
        # The latter two for an encoding that there is none of, or that expat cannot have of Python.
        refuse(refusals.BROKEN)
    finally:
        # The parser holds the handlers and these hold the parser: undone at once, not by the collector.
        parser.StartElementHandler = parser.EndElementHandler = None
        if text is not None:
            text.deaf()
            text.parser = None


def _refuse(*_: object) -> NoReturn:
    refuse(refusals.HOSTILE_XML)
