"""The list of what is asked about filed tables, with the answers."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from tracker.errors import not_among
from tracker.i18n.terms import term
from tracker.questions.questions import QuestionState
from tracker.usecases.forms.questions import question_facts, questions
from tracker.web.base.identity import Role, require
from tracker.web.base.site import language_of, site_of
from tracker.web.pages.board.query_params import chosen, paged, read_units

#: Questions on one page.
SHOWN = 100


def page(request: Request) -> Response:
    """``GET /questions``: the open ones, or those of another ``state``; of one ``ref`` and ``unit``, if these are said."""
    require(request, Role.VIEWER)
    site, language = site_of(request), language_of(request)
    ref, unit, state = chosen(request, "ref"), chosen(request, "unit"), chosen(request, "state")
    if state is not None and state not in set(QuestionState):
        raise not_among("state", state, QuestionState)
    found = questions(
        site.app,
        refs=() if ref is None else (ref,),
        units=read_units(site.snapshot, unit),
        state=QuestionState(state or QuestionState.OPEN),
    )
    shown = paged(request, found, SHOWN)
    facts = {
        "found": shown,
        "questions": [question_facts(site.app, each, language) for each in shown.shown],
        "ref": ref,
        "unit": unit,
        "state": state or QuestionState.OPEN.value,
        "states": {each.value: term(f"question.{each}", language) for each in QuestionState},
        "open": QuestionState.OPEN.value,
    }
    return site.page(request, "board/questions.html", facts)
