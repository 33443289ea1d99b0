"""A mail as a page: its styles move from the elements into a style sheet, so that the pages' policy holds for it.

Mail programs want styles in the elements; our own layouts are written so.  In rendered text a quotation mark is
escaped, so that what looks like a style attribute is one.
"""

from __future__ import annotations

import re
from html import escape, unescape

_STYLE_ELEMENT = re.compile(r"<style\b[^>]*>(.*?)</style>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[a-zA-Z][^<>]*>")
_STYLE = re.compile(r"\sstyle=\"([^\"]*)\"", re.IGNORECASE)
_CLASS = re.compile(r"\sclass=\"([^\"]*)\"", re.IGNORECASE)
_SCRIPT = re.compile(r"<script\b.*?(?:</script>|\Z)", re.IGNORECASE | re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


def without_styles(html: str, sheet: str) -> tuple[str, str]:
    """The page, which takes its looks from the address ``sheet``, and the style sheet that belongs there.

    Comments (for one mail program only) and scripts, which no layout of ours has, are left out.
    """
    html = _SCRIPT.sub("", _COMMENT.sub("", html))
    parts = [found[1] for found in _STYLE_ELEMENT.finditer(html)]
    html = _STYLE_ELEMENT.sub("", html)
    names: dict[str, str] = {}

    def renamed(match: re.Match[str]) -> str:
        tag = match[0]
        style = _STYLE.search(tag)
        if style is None:
            return tag
        name = names.setdefault(unescape(style[1]), f"m{len(names)}")
        tag = _STYLE.sub("", tag)
        if _CLASS.search(tag):
            return _CLASS.sub(lambda found: f' class="{found[1]} {name}"', tag, count=1)
        end = 2 if tag.endswith("/>") else 1
        return f'{tag[:-end]} class="{name}"{tag[-end:]}'

    html = _TAG.sub(renamed, html)
    link = f'<link rel="stylesheet" href="{escape(sheet)}"></head>'
    html = re.sub(r"</head>", lambda _: link, html, count=1, flags=re.IGNORECASE)
    parts += [f".{name}{{{style}}}" for style, name in names.items()]
    return html, "\n".join(parts)
