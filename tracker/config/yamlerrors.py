"""What the YAML parser stumbled over, said so that a clerk finds it.

The parser often notices a slip only on the line after: a full-width “：” makes the key a text, and the
surprise is the next key.  So the usual slips of a Chinese keyboard are looked for first, from the line of
the error upwards to the last line that is certainly well-formed.
"""

from __future__ import annotations

import re
from typing import Any

from tracker.config.messages import short
from tracker.config.yamltext import Place, place_at
from tracker.i18n.message import Message

#: A text can run over so many lines before the parser notices.
FARTHEST = 30

_KEY = r"[\"'“‘]?[A-Za-z_][\w-]*[\"'”’]?"
_WELL_FORMED = re.compile(rf" *(?:- +)*{_KEY} *:(?: |$)")

_SLIPS = (
    (
        re.compile(r" *(?P<slip>\t)"),
        Message("config.slip.tab_indent"),
    ),
    (
        re.compile(r"[ \t]*(?P<slip>[\u3000\xa0])"),
        Message("config.slip.wide_indent"),
    ),
    (
        re.compile(rf"\s*(?:-\s+)*{_KEY}\s*(?P<slip>：)"),
        Message("config.slip.colon"),
    ),
    (
        re.compile(r"\s*(?P<slip>[－—–‐−])\s*\w"),
        Message("config.slip.dash"),
    ),
    (
        re.compile(rf" *(?P<slip>-){_KEY}:(?: |$)"),
        Message("config.slip.item_space"),
    ),
    (
        re.compile(rf" *(?:- +)*{_KEY}(?P<slip>:)[^ \t/]"),
        Message("config.slip.colon_space"),
    ),
)
_FULL_WIDTH_COMMA = re.compile(rf"[，、；](?=\s*{_KEY}\s*$)")


def explain(text: str, error: Any) -> tuple[Place, Message]:
    """Where the slip is, and one sentence on what was expected."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return (0, 0), Message("config.yaml.unreadable", error=str(error))
    context = getattr(error, "context_mark", None)
    lines = text[: _end_of_line(text, mark.index)].splitlines() or [""]
    slip = _slip(lines, mark.line, context.line if context else 0) or _comma(text, context, mark)
    if slip is not None:
        return slip
    return _plainly(text, error, mark, context)


def _slip(lines: list[str], last: int, first: int) -> tuple[Place, Message] | None:
    """A slip on the error's line, or above it as far as nothing is certainly right."""
    last = min(last, len(lines) - 1)
    for number in range(last, max(last - FARTHEST, -1), -1):
        line = lines[number]
        for pattern, message in _SLIPS:
            if found := pattern.match(line):
                return (number + 1, found.start("slip") + 1), message
        if number < last and (_WELL_FORMED.match(line) or number < first):
            return None
    return None


def _comma(text: str, context: Any, mark: Any) -> tuple[Place, Message] | None:
    if context is None or text[context.index : context.index + 1] not in ("{", "["):
        return None
    found = _FULL_WIDTH_COMMA.search(text[: mark.index], context.index)
    if found is None:
        return None
    return place_at(text, found.start()), Message("config.slip.comma", sign=short(found[0]))


def _end_of_line(text: str, index: int) -> int:
    end = text.find("\n", index)
    return len(text) if end < 0 else end


def _plainly(text: str, error: Any, mark: Any, context: Any) -> tuple[Place, Message]:  # noqa: C901 - a table of cases
    place = (mark.line + 1, mark.column + 1)
    opened = place if context is None else (context.line + 1, context.column + 1)
    problem = error.problem or ""
    character = text[mark.index : mark.index + 1]
    match problem:
        case "mapping values are not allowed in this context":
            return place, Message("config.yaml.colon")
        case "could not find expected ':'":
            word = text[context.index :].split("\n", 1)[0]
            return opened, Message("config.yaml.no_key_but", word=short(word))
        case "did not find expected key":
            return place, Message("config.yaml.key_in_line", line=opened[0], column=opened[1])
        case "did not find expected '-' indicator":
            return place, Message("config.yaml.item_in_line", line=opened[0], column=opened[1])
        case "did not find expected ',' or ']'" | "did not find expected ',' or '}'":
            return place, Message("config.yaml.bracket", bracket=problem[-2], line=opened[0])
        case "found unexpected end of stream":
            return opened, Message("config.yaml.open_quotes")
        case "found character that cannot start any token":
            return place, Message("config.yaml.needs_quotes", sign=short(character))
        case "did not find expected alphabetic or numeric character":
            sign = text[context.index : context.index + 1]
            return opened, Message("config.yaml.needs_quotes", sign=short(sign))
        case "found unknown escape character":
            return place, Message("config.yaml.backslash")
        case "did not find expected <document start>":
            return place, Message("config.yaml.after_end")
        case _:
            return place, Message("config.yaml.other", problem=problem)
