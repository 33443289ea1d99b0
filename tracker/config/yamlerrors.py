"""What the YAML parser stumbled over, said so that a clerk finds it.

The parser often notices a slip only on the line after: a full-width “：” makes the key a text, and the
surprise is the next key.  So the usual slips of a Chinese keyboard are looked for first, from the line of
the error upwards to the last line that is certainly well-formed.
"""

from __future__ import annotations

import re
from typing import Any

from tracker.config.messages import quote, say
from tracker.config.yamltext import Place, place_at

#: A text can run over so many lines before the parser notices.
FARTHEST = 30

_KEY = r"[\"'“‘]?[A-Za-z_][\w-]*[\"'”’]?"
_WELL_FORMED = re.compile(rf" *(?:- +)*{_KEY} *:(?: |$)")

_SLIPS = (
    (
        re.compile(r" *(?P<slip>\t)"),
        say("a tab is used to indent; use spaces", "缩进用了制表符，应为空格"),
    ),
    (
        re.compile(r"[ \t]*(?P<slip>[\u3000\xa0])"),
        say("a full-width space is used to indent; use half-width spaces", "缩进用了全角空格，应为半角空格"),
    ),
    (
        re.compile(rf"\s*(?:-\s+)*{_KEY}\s*(?P<slip>：)"),
        say(
            "a full-width colon “：”; expected a half-width “:” and a space",
            "用了全角冒号“：”，应为半角“:”加一个空格",
        ),
    ),
    (
        re.compile(r"\s*(?P<slip>[－—–‐−])\s*\w"),
        say(
            "a full-width dash; a list item begins with a half-width “-” and a space",
            "列表项应以半角“-”加空格开头",
        ),
    ),
    (
        re.compile(rf" *(?P<slip>-){_KEY}:(?: |$)"),
        say("a list item begins with “-” and a space", "列表项的“-”后面应有一个空格"),
    ),
    (
        re.compile(rf" *(?:- +)*{_KEY}(?P<slip>:)[^ \t/]"),
        say("expected a half-width space after the colon", "冒号后面应有一个半角空格"),
    ),
)
_FULL_WIDTH_COMMA = re.compile(rf"[，、；](?=\s*{_KEY}\s*$)")


def explain(text: str, error: Any) -> tuple[Place, str]:
    """Where the slip is, and one sentence on what was expected."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return (0, 0), say(f"this cannot be read as YAML: {error}", "无法按YAML读取")
    context = getattr(error, "context_mark", None)
    lines = text[: _end_of_line(text, mark.index)].splitlines() or [""]
    slip = _slip(lines, mark.line, context.line if context else 0) or _comma(text, context, mark)
    if slip is not None:
        return slip
    return _plainly(text, error, mark, context)


def _slip(lines: list[str], last: int, first: int) -> tuple[Place, str] | None:
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


def _comma(text: str, context: Any, mark: Any) -> tuple[Place, str] | None:
    if context is None or text[context.index : context.index + 1] not in ("{", "["):
        return None
    found = _FULL_WIDTH_COMMA.search(text[: mark.index], context.index)
    if found is None:
        return None
    return place_at(text, found.start()), say(
        f"a full-width {quote(found[0])}; expected a half-width “,”",
        f"用了全角{quote(found[0])}，应为半角逗号“,”",
    )


def _end_of_line(text: str, index: int) -> int:
    end = text.find("\n", index)
    return len(text) if end < 0 else end


def _plainly(text: str, error: Any, mark: Any, context: Any) -> tuple[Place, str]:  # noqa: C901 - a table of cases
    place = (mark.line + 1, mark.column + 1)
    opened = place if context is None else (context.line + 1, context.column + 1)
    problem = error.problem or ""
    character = text[mark.index : mark.index + 1]
    match problem:
        case "mapping values are not allowed in this context":
            return place, say(
                "a colon where none can stand: indent keys alike, and put a text with “: ” into quotes",
                "此处不应有冒号：同级的键缩进要一致，文字里有“: ”要加引号",
            )
        case "could not find expected ':'":
            word = quote(text[context.index :].split("\n", 1)[0])
            return opened, say(
                f"expected a key, a half-width colon and a space instead of {word}",
                "应为“键: 值”，冒号用半角",
            )
        case "did not find expected key":
            return place, say(
                f"expected a key in column {opened[1]} as in line {opened[0]}, or the end of a quoted text before",
                f"此处应为与第{opened[0]}行对齐的键；也可能是前面的引号没有配对",
            )
        case "did not find expected '-' indicator":
            return place, say(
                f"expected a list item “- …” in column {opened[1]} as in line {opened[0]}",
                f"此处应为与第{opened[0]}行对齐的列表项“- …”",
            )
        case "did not find expected ',' or ']'" | "did not find expected ',' or '}'":
            bracket = problem[-2]
            return place, say(
                f"expected a half-width “,” or the “{bracket}” to what begins in line {opened[0]}",
                f"此处应为半角逗号，或与第{opened[0]}行配对的“{bracket}”",
            )
        case "found unexpected end of stream":
            return opened, say("the quotes that begin here are never closed", "此处的引号没有配对的另一半")
        case "found character that cannot start any token":
            return place, say(
                f"a text that begins with {quote(character)} must be in quotes",
                f"以{quote(character)}开头的文字要加引号",
            )
        case "did not find expected alphabetic or numeric character":
            sign = quote(text[context.index : context.index + 1])
            return opened, say(
                f"a text that begins with {sign} must be in quotes", f"以{sign}开头的文字要加引号"
            )
        case "found unknown escape character":
            return place, say(
                "inside \"…\" a backslash needs another; use '…' instead",
                "双引号里的反斜杠要写两个，或改用单引号",
            )
        case "did not find expected <document start>":
            return place, say("nothing may follow the line “...”", "“...”一行之后不应再有内容")
        case _:
            return place, say(f"this is not YAML: {problem}", "不是有效的YAML")
