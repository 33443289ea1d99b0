"""A unit's pages behind the links in its mails; nobody signs in here, and only a POST does anything."""

from __future__ import annotations

from starlette.routing import BaseRoute, Route

from tracker.web.answer import acts, files, mail, overview, questions, renew
from tracker.web.posting import posting


def routes() -> list[BaseRoute]:
    """Everything under ``/answer`` and ``/view``."""
    return [
        Route("/answer/{token}", overview.show, methods=["GET"]),
        Route("/answer/{token}/file", files.show, methods=["GET"]),
        Route("/answer/{token}/file", posting(files.take, has_files=True), methods=["POST"]),
        Route("/answer/{token}/blank.xlsx", files.blank, methods=["GET"]),
        Route("/answer/{token}/copy/{paper}", files.copy, methods=["GET"]),
        Route("/answer/{token}/question", posting(questions.answer), methods=["POST"]),
        Route("/answer/{token}/renew", posting(renew.renew), methods=["POST"]),
        Route("/answer/{token}/{way:str}", acts.show, methods=["GET"]),
        Route("/answer/{token}/{way:str}", posting(acts.act), methods=["POST"]),
        Route("/view/{token}", mail.show, methods=["GET"]),
        Route("/view/{token}/style.css", mail.style, methods=["GET"]),
    ]
