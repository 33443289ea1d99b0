"""The signs of lights as a style sheet, out of the one table that has them."""

from __future__ import annotations

from collections.abc import Iterator

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tracker.core.model import Light
from tracker.core.vocabulary import LIGHTS

#: A cell of the matrix has one letter for its light: there are thousands of them.
LETTERS = {light: "y" if light is Light.GREY else light.value[0] for light in Light}


def routes() -> list[BaseRoute]:
    """Beside the files of ``templates/web/static``."""
    return [Route("/static/signs.css", _sheet)]


def _sheet(request: Request) -> Response:
    del request
    return Response("".join(_rules()), media_type="text/css", headers={"Cache-Control": "max-age=300"})


def _rules() -> Iterator[str]:
    for light, shown in LIGHTS.items():
        places = f".light.{light.value}::before, .matrix .{LETTERS[light]} a::before"
        yield f'{places} {{ content: "{shown.sign}"; }}\n'
