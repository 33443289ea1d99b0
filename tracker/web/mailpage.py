"""A mail as a page: the styles that its elements carry become classes of a style sheet."""

from __future__ import annotations

import re

_STYLE = re.compile(r'(?P<before><[a-zA-Z][^<>]*?)\sstyle="(?P<style>[^"]*)"(?P<after>[^<>]*>)')
_CLASS = re.compile(r'\sclass="([^"]*)"')
_SHEET = re.compile(r"<style[^>]*>(.*?)</style>", re.DOTALL)


def without_styles(html: str) -> tuple[str, str]:
    """``html`` without styles, and the style sheet that gives them back."""
    names: dict[str, str] = {}

    def named(match: re.Match[str]) -> str:
        name = names.setdefault(match["style"], f"s{len(names)}")
        tag = f"{match['before']}{match['after']}"
        if _CLASS.search(tag):
            return _CLASS.sub(lambda found: f' class="{found[1]} {name}"', tag, count=1)
        end = -2 if tag.endswith("/>") else -1
        return f'{tag[:end]} class="{name}"{tag[end:]}'

    sheets = _SHEET.findall(html)
    plain = _STYLE.sub(named, _SHEET.sub("", html))
    rules = [f".{name} {{ {style} }}" for style, name in names.items()]
    return plain, "\n".join([*rules, *sheets])
