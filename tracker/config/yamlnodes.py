"""YAML text into a ``Document``: the tree, and every finding about the YAML itself.

The tree is built from the parser's events in one pass.  Composing nodes first would cost as much again, and
the C composer follows nesting down its own stack until the process dies; here depth is a number.  Every
scalar stays the text that was typed, so that ``no``, ``12:30:45`` and ``2022-02-30`` come out as such; only
an empty value, ``~`` and ``null`` are None.

What YAML allows and a clerk's file does not need is refused: anchors and aliases, tags, a second document,
keys that are no text or stand twice.

A file may announce its own end in a comment: after ``# end_mark: 全文完`` there must come a line ``# 全文完``.
So one that is cut anywhere is noticed, which no count of items can do for the last item's own fields.  It is
a comment, so that a program which rewrites the file takes the mark and the announcement away together.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

import yaml
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)

from tracker.config.document import Document, Mapping, Sequential, Value
from tracker.config.messages import short
from tracker.config.yamlerrors import explain
from tracker.config.yamltext import (
    CONTROL,
    NotTextError,
    control_message,
    decode,
    place_at,
    without_controls,
)
from tracker.i18n.message import Message

#: Nothing in the files goes deeper than six.
DEEPEST = 32

_END_MARK = re.compile(r"# end_mark: *(\S.*?) *")

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NOTHING = frozenset({"", "~", "null", "Null", "NULL"})
_HARMLESS_TAGS = frozenset({"!", *(f"tag:yaml.org,2002:{kind}" for kind in ("str", "map", "seq"))})


def read_document(file: str, data: bytes) -> Document:
    """Read the bytes of a file that a person knows as ``file``.  Never raises; see ``problems``."""
    document = Document(file)
    try:
        text = decode(data)
    except NotTextError as error:
        document.error(error.place, (), error.args[0])
        document.complete = False
        return document
    document.text, controls = without_controls(text)
    for place, message in controls:
        document.error(place, (), message)
    builder = _Builder(document)
    builder.read()
    if document.root is None and document.complete:
        document.complete = False
        document.error((1, 1), (), Message("config.text.empty"))
    _look_for_end(document)
    document.problems.sort(key=lambda problem: (problem.line, problem.column))
    return document


def _look_for_end(document: Document) -> None:
    # By lines, whatever they end with: an editor may turn every one of them into \r\n.
    lines = iter(document.text.splitlines() if "# end_mark:" in document.text else ())
    announced = next(filter(None, map(_END_MARK.fullmatch, lines)), None)
    if announced is None:
        return
    end = f"# {announced[1]}"
    if any(line.strip() == end for line in lines):
        return
    message = Message("config.text.no_end", end=end)
    document.error(place_at(document.text, len(document.text.rstrip())), (), message)


class _StoppedError(Exception):
    """The rest of the file is not worth reading."""


class _Builder:
    """Takes the parser's events one by one and puts the tree into ``document``."""

    def __init__(self, document: Document) -> None:
        self.document = document
        # Control characters can only come in by an escape now, and hardly any file has one.
        self.escapes = "\\" in document.text
        # The outermost list holds the document itself, as its only item.
        self.outermost = Sequential(None)
        self.box: Mapping | Sequential = self.outermost
        self.key: str | None = None
        self.key_mark: Any = None
        self.above: list[tuple[Mapping | Sequential, str | None, Any]] = []

    def read(self) -> None:
        """Build; what the parser refuses becomes a finding and ends the reading."""
        loader = _LOADER(self.document.text)
        handlers: dict[type, Callable[[Any], None]] = {
            ScalarEvent: self._scalar,
            MappingStartEvent: self._start,
            SequenceStartEvent: self._start,
            MappingEndEvent: self._end,
            SequenceEndEvent: self._end,
            AliasEvent: self._alias,
            DocumentStartEvent: self._begin,
            DocumentEndEvent: lambda _: None,
            StreamStartEvent: lambda _: None,
        }
        get = loader.get_event
        try:
            while type(event := get()) is not StreamEndEvent:
                handlers[type(event)](event)
        except _StoppedError:
            self.document.complete = False
        except yaml.YAMLError as error:
            place, message = explain(self.document.text, error)
            # The parser looks ahead, so where it is in the structure is not where the slip is.
            self.document.error(place, (), message)
            self.document.complete = False
        finally:
            loader.dispose()
        if self.outermost:
            self.document.root = self.outermost[0]
            self.document.start = self.outermost.marks[0]

    def _scalar(self, event: Any) -> None:
        value = event.value
        if event.tag is not None or event.anchor is not None:
            self._refuse_extras(event)
        if self.escapes and event.style == '"' and (found := CONTROL.search(value)):
            self._error(event, control_message(found[0]))
            value = CONTROL.sub(" ", value)
        if self.key is None and type(self.box) is Mapping:
            if value in _NOTHING and event.implicit[0]:
                self._error(event, Message("config.yaml.no_key"))
            self.key = value
            self.key_mark = event.start_mark
            return
        self._put(None if value in _NOTHING and event.implicit[0] else value, event.start_mark)

    def _put(self, value: Value, mark: Any) -> None:
        box = self.box
        if type(box) is Sequential:
            box.append(value)
            box.marks.append(mark)
            return
        key = self.key
        self.key = None
        if TYPE_CHECKING:
            assert isinstance(box, Mapping)
            assert key is not None
        if key in box:
            self._refuse_second(box, key)
            return
        box[key] = value
        box.marks[key] = (self.key_mark, mark)

    def _start(self, event: Any) -> None:
        if event.tag is not None or event.anchor is not None:
            self._refuse_extras(event)
        if self.key is None and type(self.box) is Mapping:
            self._stop(event, Message("config.yaml.key_no_word"))
        if len(self.above) == DEEPEST:
            self._stop(event, Message("config.yaml.too_deep", most=DEEPEST))
        self.above.append((self.box, self.key, self.key_mark))
        mark = event.start_mark
        self.box = Mapping(mark) if type(event) is MappingStartEvent else Sequential(mark)
        self.key = None

    def _end(self, _: Any) -> None:
        value = self.box
        self.box, self.key, self.key_mark = self.above.pop()
        self._put(value, value.start)

    def _alias(self, event: Any) -> None:
        self._error(event, Message("config.yaml.alias", name=event.anchor))
        if self.key is None and type(self.box) is Mapping:
            raise _StoppedError
        self._put(None, event.start_mark)

    def _begin(self, event: Any) -> None:
        if self.outermost:
            self._stop(event, Message("config.yaml.second_document"))

    def _refuse_extras(self, event: Any) -> None:
        if event.anchor is not None:
            self._error(event, Message("config.yaml.anchor", name=event.anchor))
        elif event.tag not in _HARMLESS_TAGS:
            name = event.tag.replace("tag:yaml.org,2002:", "!!")
            self._error(event, Message("config.yaml.tag", name=short(name)))

    def _refuse_second(self, box: Mapping, key: str) -> None:
        first = box.marks[key][0].line + 1
        mark = self.key_mark
        self.document.error(
            (mark.line + 1, mark.column + 1),
            (*self._location(), key),
            Message("config.yaml.key_twice", key=short(key), line=first),
        )

    def _location(self) -> list[str | int]:
        """Where in the structure the reading is."""
        boxes = [*((box, key) for box, key, _ in self.above[1:]), (self.box, self.key)]
        if not self.above:
            return []
        steps = [len(box) if isinstance(box, Sequential) else key for box, key in boxes]
        return [step for step in steps if step is not None]

    def _error(self, event: Any, message: Message) -> None:
        mark = event.start_mark
        self.document.error((mark.line + 1, mark.column + 1), self._location(), message)

    def _stop(self, event: Any, message: Message) -> NoReturn:
        mark = event.start_mark
        self.document.error((mark.line + 1, mark.column + 1), (), message)
        raise _StoppedError
