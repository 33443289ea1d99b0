"""What the supervisor says to a question about a filed table."""

from __future__ import annotations

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from tracker.errors import LedgerError, UnknownNameError, UsageError
from tracker.i18n.terms import term
from tracker.questions.questions import QuestionState
from tracker.usecases.forms.questions import settle_question
from tracker.web.base.error_pages import said
from tracker.web.base.form_posting import LONGEST_TEXT, too_long, written
from tracker.web.base.identity import Role, check_csrf, require
from tracker.web.base.site import language_of, site_of, words
from tracker.web.pages.supervisor.answers import VIA
from tracker.web.pages.supervisor.back import back, text


def settle(request: Request, form: FormData) -> Response:
    """``POST /act/question``: ``id`` is answered or overruled, as ``how`` says, with the reason in ``note``."""
    person = require(request, Role.SUPERVISOR)
    check_csrf(request, form)
    site, say = site_of(request), words(request)
    number, how = text(form, "id") or "", text(form, "how")
    if not (number.isascii() and number.isdigit()) or how not in (
        QuestionState.ANSWERED,
        QuestionState.OVERRULED,
    ):
        return back(request, form, say("acting.nothing_chosen"), "/questions")
    note = written(form, "note")
    if len(note) > LONGEST_TEXT:
        raise too_long(note)
    try:
        found = settle_question(site.app, int(number), QuestionState(how), note, who=person.name, via=VIA)
    except (LedgerError, UnknownNameError, UsageError) as error:
        return back(request, form, say("acting.refused", why=said(request, error)), "/questions")
    word = term(f"question.{found.state}", language_of(request))
    return back(request, form, say("board.questions.done", n=found.id, how=word), "/questions")
