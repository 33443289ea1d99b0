"""A unit answers what is asked about its table: it is right as it is, and why."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tracker.errors import LedgerError, UnknownNameError
from tracker.ledger.record import LINK
from tracker.questions.questions import QuestionState
from tracker.usecases.forms.questions import question_facts, questions, settle_question
from tracker.web.base.form_posting import LONGEST_TEXT, text_of, too_long, written
from tracker.web.base.site import language_of, site_of
from tracker.web.pages.unit.link_context import LinkContext, StoppedError, case_of, linked


def open_of(request: Request, case: LinkContext) -> list[dict[str, Any]]:
    """What is open about the table of a case."""
    if not case.has_form:
        return []
    app, claim = site_of(request).app, case.claim
    found = questions(app, refs=(claim.ref,), units=(claim.unit,), state=QuestionState.OPEN)
    return [question_facts(app, each, language_of(request)) for each in found]


@linked
def answer(request: Request, form: FormData) -> Response:
    """``POST /answer/TOKEN/question``: ``id`` is answered with the reason in ``note``."""
    case, number, note = case_of(request), text_of(form, "id"), written(form, "note")
    if len(note) > LONGEST_TEXT:
        raise too_long(note)
    if not (number.isascii() and number.isdecimal()) or not note:
        return RedirectResponse(f"{case.address}?did=no_reason", 303)
    claim = case.claim
    try:
        settle_question(
            site_of(request).app,
            int(number),
            QuestionState.ANSWERED,
            note,
            who=case.reader.name,
            via=LINK,
            only=(claim.ref, claim.unit),
        )
    except UnknownNameError:
        raise StoppedError("gone", 404) from None
    except LedgerError:
        # The table has changed meanwhile, or a colleague was faster: the page shows how it stands.
        return RedirectResponse(f"{case.address}?did=again", 303)
    return RedirectResponse(f"{case.address}?did=question", 303)
