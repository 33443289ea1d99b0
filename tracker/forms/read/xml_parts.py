"""XML parts, streamed through expat within bounds and without a tree.

Declarations of a document type or of entities are refused, as defusedxml does: neither format uses them, and they
are how a small file grows large or reads other files.  defusedxml itself offers parsers of trees and of SAX events;
for the speed of a bare expat the same handlers are set here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import NoReturn, Protocol
from xml.parsers import expat

from tracker.forms import limits
from tracker.forms.read import refusals
from tracker.forms.read.refusals import refuse

#: What is called where an element begins, with its attributes, and where it ends.
Start = Callable[[dict[str, str]], object]
End = Callable[[], object]


class Listener(Protocol):
    """Asked once for each name, without its prefix, what is to be called for elements of that name, if anything.

    Text comes only between ``listen`` and ``take``.
    """

    def on_start(self, name: str) -> Start | None:
        """What is called where one begins."""

    def on_end(self, name: str) -> End | None:
        """What is called where one ends."""


class Chain:
    """A listener that is told every element with its name, for readers in which much depends on what is around it."""

    def on_start(self, name: str) -> Start:
        """Tells of it."""
        return partial(self.start, name)

    def on_end(self, name: str) -> End:
        """Tells of it."""
        return partial(self.end, name)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        raise NotImplementedError

    def end(self, name: str) -> None:
        """An element ends."""
        raise NotImplementedError


def local(name: str) -> str:
    """A name without its prefix, which strict and transitional files choose differently."""
    return name.rpartition(":")[2]


def locals_of(attributes: dict[str, str]) -> dict[str, str]:
    """The same for all attributes."""
    return {local(name): value for name, value in attributes.items()}


class TextCollector:
    """The text being collected, and the switch for it: what expat reads goes into a list without a call in between."""

    def __init__(self) -> None:
        self.parser: expat.XMLParserType | None = None
        self._pieces: list[str] = []
        self._added = 0

    def listen(self) -> None:
        """Collect from here on, after what was collected so far."""
        if self.parser is not None:
            self.parser.CharacterDataHandler = self._pieces.append

    def deaf(self) -> None:
        """Stop collecting and keep what there is."""
        if self.parser is not None:
            self.parser.CharacterDataHandler = None

    def add(self, text: str) -> None:
        """More of it, which the part does not hold as text: one element may stand for many characters."""
        self._added += len(text)
        if self._added > limits.MAX_CELL_TEXT:
            refuse(refusals.TOO_LONG_TEXT)
        self._pieces.append(text)

    def bound(self) -> None:
        """Refuse what no cell may hold, before all of it is there."""
        if sum(map(len, self._pieces)) > limits.MAX_CELL_TEXT:
            refuse(refusals.TOO_LONG_TEXT)

    def mark(self) -> int:
        """Where the text is now, for ``cut``."""
        return len(self._pieces)

    def cut(self, mark: int = 0) -> str:
        """Take away what came since ``mark``, and give it back."""
        pieces = self._pieces
        text = pieces[mark] if len(pieces) == mark + 1 else "".join(pieces[mark:])
        del pieces[mark:]
        if len(text) > limits.MAX_CELL_TEXT:
            refuse(refusals.TOO_LONG_TEXT)
        return text

    def take(self) -> str:
        """What was collected; nothing is, from here on."""
        if self.parser is not None:
            self.parser.CharacterDataHandler = None
        self._added = 0
        return self.cut()


class _Called(dict[str, Callable[..., object] | None]):
    """What is called, by names as they are written; prefixes are free."""

    def __init__(self, asked: Callable[[str], Callable[..., object] | None]) -> None:
        super().__init__()
        self._asked = asked

    def __missing__(self, name: str) -> Callable[..., object] | None:
        called = self[name] = self._asked(local(name))
        return called


def parse(chunks: Iterable[bytes], listener: Listener, text: TextCollector | None = None) -> None:
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
    starts, ends = _Called(listener.on_start), _Called(listener.on_end)

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal left, depth
        left -= 1
        depth += 1
        if left < 0 or depth > limits.MAX_DEPTH:
            refuse(refusals.BOMB)
        if called := starts[name]:
            called(attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        if called := ends[name]:
            called()

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    text = text or TextCollector()
    text.parser = parser
    try:
        for chunk in chunks:
            parser.Parse(chunk, False)
            text.bound()
        parser.Parse(b"", True)
    except (expat.ExpatError, LookupError, ValueError):
        # The latter two for an encoding that there is none of, or that expat cannot have of Python.
        refuse(refusals.BROKEN)
    finally:
        # The parser holds the handlers and these hold the parser: undone at once, not by the collector.
        parser.StartElementHandler = parser.EndElementHandler = None
        text.deaf()
        text.parser = None


def _refuse(*_: object) -> NoReturn:
    refuse(refusals.HOSTILE_XML)
