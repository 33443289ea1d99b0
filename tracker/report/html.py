"""Lays the report out as one HTML file: nothing from elsewhere, no script, charts drawn as SVG in the template."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from tracker.report.blocks import Page

#: A part of a bar that is narrower than this many hundredths has no room for its number.
ROOM = 9


def to_html(page: Page) -> str:
    """The page as HTML."""
    return _template().render(page=page, room=ROOM)


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "layout"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # A block is laid out by what it is.
    environment.filters["kind"] = lambda block: type(block).__name__
    return environment.get_template("report.html")
