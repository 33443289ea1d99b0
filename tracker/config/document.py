"""A YAML file as plain lists, mappings and texts that know where each of them stands, and its findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Union

from tracker.config.yamltext import Place
from tracker.errors import Problem
from tracker.i18n.message import Message

#: What a key or an item can hold.
Value = Union[str, None, "Mapping", "Sequential"]
Location = Sequence[str | int]


class Mapping(dict[str, Value]):
    """A mapping; ``marks`` has the parser's marks of each key and its value."""

    __slots__ = ("marks", "start")

    def __init__(self, start: Any) -> None:
        super().__init__()
        self.start = start
        self.marks: dict[str, tuple[Any, Any]] = {}


class Sequential(list[Value]):
    """A list; ``marks`` has the parser's mark of each item."""

    __slots__ = ("marks", "start")

    def __init__(self, start: Any) -> None:
        super().__init__()
        self.start = start
        self.marks: list[Any] = []


@dataclass(slots=True)
class Document:
    """A file as it was read: its tree and what is wrong with it so far.

    ``root`` is None where there is nothing to be read; ``start`` is the mark where it begins.
    ``complete`` is False where the tree is less than what was typed, so that nothing can be said about
    what is missing from it.
    """

    file: str
    text: str = ""
    root: Value = None
    start: Any = None
    complete: bool = True
    problems: list[Problem] = field(default_factory=list)

    def place(self, location: Location) -> Place:
        """Line and column of the value at ``location``, or of what is nearest above it."""
        return _place(self._mark(location))

    def key_place(self, location: Location) -> Place:
        """Line and column of the key at ``location``."""
        return _place(self._mark(location, of_key=True))

    def place_within(self, location: Location, column: int) -> Place:
        """The place of the character at ``column`` (from 1) of the text at ``location``.

        Exact where the text stands on one line as it is, quoted or not; otherwise the place of the value.
        """
        mark = self._mark(location)
        line, start = _place(mark)
        value = self.value(location)
        if mark is None or not isinstance(value, str):
            return line, start
        quoted = int(self.text[mark.index : mark.index + 1] in ('"', "'"))
        if self.text.startswith(value, mark.index + quoted):
            return line, start + quoted + column - 1
        return line, start

    def value(self, location: Location) -> Value:
        """The value at ``location``; None if there is none."""
        value = self.root
        for step in location:
            if isinstance(value, Mapping) and isinstance(step, str):
                value = value.get(step)
            elif isinstance(value, Sequential) and isinstance(step, int) and step < len(value):
                value = value[step]
            else:
                return None
        return value

    def _mark(self, location: Location, *, of_key: bool = False) -> Any:
        value = self.root
        mark = self.start
        for depth, step in enumerate(location, start=1):
            if isinstance(value, Mapping) and isinstance(step, str) and step in value.marks:
                mark = value.marks[step][0 if of_key and depth == len(location) else 1]
                value = value[step]
            elif isinstance(value, Sequential) and isinstance(step, int) and step < len(value):
                mark = value.marks[step]
                value = value[step]
            else:
                break
        return mark

    def error(self, place: Place, location: Location, message: Message) -> None:
        """Take down an error."""
        self._report(place, location, message, "error")

    def warn(self, place: Place, location: Location, message: Message) -> None:
        """Take down a warning."""
        self._report(place, location, message, "warning")

    def _report(
        self, place: Place, location: Location, message: Message, severity: Literal["error", "warning"]
    ) -> None:
        self.problems.append(Problem(self.file, *place, path_of(location), message, severity))


def path_of(location: Location) -> str:
    """``tasks[4].deadline``."""
    parts = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return "".join(parts).removeprefix(".")


def _place(mark: Any) -> Place:
    return (0, 0) if mark is None else (mark.line + 1, mark.column + 1)
