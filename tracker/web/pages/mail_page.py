"""A mail as a page of ours: its ``style`` attributes become classes, so that the strict policy holds for it too.

Mail programs read ``style=""`` and little else; a browser that is told ``style-src 'self'`` reads everything but.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from html.parser import HTMLParser

from tracker.i18n.catalogue import Language
from tracker.i18n.terms import enclosed

#: Stands for what no element has: ``:is()`` lends the weight of a style attribute to a class.
_WEIGHT = "#no#no#no"
_PREFIX = "mail-style-"

Attributes = list[tuple[str, str | None]]


def without_styles(html: str) -> tuple[str, str]:
    """``html`` without a style of its own, and the style sheet that makes it look as before.

    The sheet is the page's ``<style>`` blocks, then a class for each ``style`` attribute.  Comments, which only
    some mail programs read, are left out.  Link the sheet with ``linked``.
    """
    rewriter = _WithoutStyles()
    page = rewriter.rewrite(html)
    return page, rewriter.sheet()


def without_links(html: str) -> str:
    """``html`` with links that lead nowhere: whoever looks at another's mail must not act through it."""
    return _WithoutLinks().rewrite(html)


def with_files(html: str, names: Sequence[str], language: Language) -> str:
    """``html`` with the names of what was enclosed, at its end."""
    if not names:
        return html
    line = f"<p>{escape(enclosed(names, language))}</p>"
    before, end, rest = html.rpartition("</body>")
    return f"{before}{line}{end}{rest}" if end else f"{html}{line}"


def linked(html: str, address: str) -> str:
    """``html`` with the style sheet at ``address``."""
    link = f'<link rel="stylesheet" href="{escape(address)}">'
    head, end, rest = html.partition("</head>")
    return f"{head}{link}{end}{rest}" if end else f"{link}{html}"


class _Rewriter(HTMLParser):
    """Gives a page out as it came, but for what ``opened`` changes."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self._parts: list[str] = []

    def rewrite(self, html: str) -> str:
        """The whole page."""
        self.feed(html)
        self.close()
        return "".join(self._parts)

    def opened(self, tag: str, attrs: Attributes) -> Attributes | None:
        """Other attributes for an element; None leaves them as they are."""
        raise NotImplementedError

    def handle_starttag(self, tag: str, attrs: Attributes) -> None:
        changed = self.opened(tag, attrs)
        text = self.get_starttag_text() or ""
        self._parts.append(text if changed is None else _start(tag, changed))

    def handle_startendtag(self, tag: str, attrs: Attributes) -> None:
        # In HTML the slash says nothing: the element is opened like any other.
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        self._parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self._parts.append(data)

    def handle_entityref(self, name: str) -> None:
        self._parts.append(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self._parts.append(f"&#{name};")

    def handle_decl(self, decl: str) -> None:
        self._parts.append(f"<!{decl}>")


class _WithoutStyles(_Rewriter):
    def __init__(self) -> None:
        super().__init__()
        self._blocks: list[str] = []
        self._classes: dict[str, str] = {}
        self._in_style = False

    def sheet(self) -> str:
        """What was taken away, as a style sheet."""
        rules = [f":is(.{name},{_WEIGHT}){{{style}}}" for style, name in self._classes.items()]
        return "\n".join([*(block.strip() for block in self._blocks), *rules, ""])

    def opened(self, tag: str, attrs: Attributes) -> Attributes | None:  # noqa: ARG002
        """A class in the place of a style."""
        styles = [value or "" for name, value in attrs if name == "style"]
        if not styles:
            return None
        # Of attributes of the same name the first counts.
        name = self._classes.setdefault(_rule(styles[0]), f"{_PREFIX}{len(self._classes) + 1}")
        given = next((value or "" for key, value in attrs if key == "class"), "")
        others = [(key, value) for key, value in attrs if key not in ("style", "class")]
        return [*others, ("class", f"{given} {name}".strip())]

    def handle_starttag(self, tag: str, attrs: Attributes) -> None:
        if tag == "style":
            self._in_style = True
        else:
            super().handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag == "style":
            self._in_style = False
        else:
            super().handle_endtag(tag)

    def handle_data(self, data: str) -> None:
        (self._blocks if self._in_style else self._parts).append(data)


class _WithoutLinks(_Rewriter):
    def opened(self, tag: str, attrs: Attributes) -> Attributes | None:
        """The same without an address to go to."""
        kept = [(name, value) for name, value in attrs if name not in ("href", "action", "formaction")]
        return None if len(kept) == len(attrs) or tag == "link" else kept


def _start(tag: str, attrs: Sequence[tuple[str, str | None]]) -> str:
    written = (name if value is None else f'{name}="{escape(value)}"' for name, value in attrs)
    return f"<{' '.join([tag, *written])}>"


def _rule(style: str) -> str:
    """Declarations only: in an attribute a bracket ends nothing, in a sheet it would."""
    return style.replace("{", "").replace("}", "").strip()
