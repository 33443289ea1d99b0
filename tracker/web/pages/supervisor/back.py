"""Back to the page from which somebody acted, with a sentence on what came of it."""

from __future__ import annotations

from datetime import date

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tracker.web.base import flash
from tracker.web.base.identity import local_path
from tracker.web.base.site import site_of


def back(request: Request, form: FormData, sentence: str, otherwise: str = "/") -> Response:
    """To ``back`` of the form, else to ``otherwise``; ``sentence`` stands on that page."""
    return onward(request, local_path(form.get("back"), otherwise), sentence)


def onward(request: Request, path: str, sentence: str) -> Response:
    """To a page of ours, on which ``sentence`` stands."""
    site, response = site_of(request), RedirectResponse(path, 303)
    flash.say_next(response, site.secret, sentence, site.now())
    return response


def texts(form: FormData, name: str) -> list[str]:
    """Every word of the fields called ``name``."""
    return [word for value in form.getlist(name) if isinstance(value, str) for word in value.split()]


def text(form: FormData, name: str) -> str | None:
    """What stands in the field, without white space around it; None for nothing."""
    value = form.get(name)
    return (value.strip() or None) if isinstance(value, str) else None


def date_in(form: FormData, name: str) -> date | None:
    """The date in the field; None for none, and for what is none."""
    try:
        return date.fromisoformat(text(form, name) or "")
    except ValueError:
        return None
