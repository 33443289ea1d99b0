"""A unit's pages behind the links in its mails; nobody signs in here, and only a POST does anything."""

from __future__ import annotations

from starlette.routing import BaseRoute, Route

from tracker.web.base.form_posting import file_posting, posting
from tracker.web.pages.unit import acts, files, mail, overview, questions, renew
from tracker.web.pages.unit.link_context import reader_unit


def routes() -> list[BaseRoute]:
    """Everything under ``/answer`` and ``/view``."""
    return [
        Route("/answer/{token}", overview.show, methods=["GET"]),
        Route("/answer/{token}/file", files.show, methods=["GET"]),
        Route("/answer/{token}/file", file_posting(files.take, files.may_take), methods=["POST"]),
        Route("/answer/{token}/blank.xlsx", files.blank, methods=["GET"]),
        Route("/answer/{token}/copy/{paper}", files.copy, methods=["GET"]),
        Route("/answer/{token}/question", posting(questions.answer, reader_unit), methods=["POST"]),
        Route("/answer/{token}/renew", posting(renew.renew, renew.may_ask), methods=["POST"]),
        Route("/answer/{token}/{way:str}", acts.show, methods=["GET"]),
        Route("/answer/{token}/{way:str}", posting(acts.act, reader_unit), methods=["POST"]),
        Route("/view/{token}", mail.show, methods=["GET"]),
        Route("/view/{token}/style.css", mail.style, methods=["GET"]),
    ]
