"""Writes the style sheet into the elements of a template, once, while Jinja's tags sleep.

Mail programs read ``style=""`` and little else.  The HTML parser behind the inliner moves a bare
``{% for %}`` out of a table, so every tag is masked: as a comment between elements, as a word elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import css_inline

from tracker.errors import MailError

_TOKEN = re.compile(
    r"(?P<tag>\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\})|(?P<open_comment><!--)|(?P<close_comment>-->)"
    r"|(?P<open></?[a-zA-Z!])|(?P<close>>)|(?P<quote>[\"'])",
    re.DOTALL,
)
_MASK = re.compile(r"<!--jinja-(\d+)-x-->|jinja-(\d+)-x")
_TBODY = re.compile(r"</?tbody[^>]*>", re.IGNORECASE)
_LINE_START = re.compile(r"\n[ \t]+")


def inline(template: str, style: str) -> str:
    """``template`` with ``style`` inlined and its own Jinja tags as they were.

    Raises MailError where a tag stands at a place from which the HTML parser takes it away.
    """
    masked, tags = _mask(_LINE_START.sub("\n", template))
    try:
        inliner = css_inline.CSSInliner(
            extra_css=style, keep_at_rules=True, minify_css=True, load_remote_stylesheets=False
        )
        inlined = inliner.inline(masked)
    except (css_inline.InlineError, ValueError) as error:
        raise MailError("no_inlining", error=error) from error
    seen: list[int] = []

    def unmask(match: re.Match[str]) -> str:
        number = int(match[1] or match[2])
        seen.append(number)
        return tags[number]

    result = _MASK.sub(unmask, inlined)
    wrong = _moved(tags, seen)
    if wrong is not None:
        raise MailError("no_room_in_html", text=wrong)
    return _without_tbody(template, result)


def _moved(tags: list[str], seen: list[int]) -> str | None:
    """A tag that is lost, doubled, or no longer between the same statements; None if all is well.

    Attributes may change places, so that the order of mere expressions does not matter.
    """
    before, after = _places(tags, range(len(tags))), _places(tags, seen)
    if len(seen) == len(tags) and before == after:
        return None
    return (
        next(tags[number] for number in range(len(tags)) if before[number] != after.get(number))
        if tags
        else ""
    )


def _places(tags: list[str], order: Iterable[int]) -> dict[int, int]:
    statements = 0
    places = {}
    for number in order:
        statements += tags[number].startswith("{%")
        places[number] = statements
    return places


def _without_tbody(template: str, inlined: str) -> str:
    """Take away the ``<tbody>`` that the parser puts in, since it begins inside a loop and ends outside."""
    written = len(_TBODY.findall(template))
    if written == len(_TBODY.findall(inlined)):
        return inlined
    if written:
        raise MailError("tbody_everywhere")
    return _TBODY.sub("", inlined)


def _mask(template: str) -> tuple[str, list[str]]:
    tags: list[str] = []
    place = "text"  # or "comment", "element", or the quotation mark that an attribute's value ends with

    def mask(match: re.Match[str]) -> str:
        nonlocal place
        kind, text = match.lastgroup, match[0]
        if kind == "tag":
            if text.startswith("{#"):
                return ""
            if text.startswith("{%") and place == "element":
                raise MailError("between_attributes", text=text)
            tags.append(text)
            word = f"jinja-{len(tags) - 1}-x"
            return f"<!--{word}-->" if text.startswith("{%") and place == "text" else word
        place = _next_place(place, kind, text)
        return text

    return _TOKEN.sub(mask, template), tags


def _next_place(place: str, kind: str | None, text: str) -> str:
    if place == "text":
        return {"open_comment": "comment", "open": "element"}.get(kind or "", place)
    if place == "comment":
        return "text" if kind == "close_comment" else place
    if place == "element":
        return "text" if kind in ("close", "close_comment") else text if kind == "quote" else place
    return "element" if text == place else place
