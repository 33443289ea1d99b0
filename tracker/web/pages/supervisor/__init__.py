"""What the supervisor answers, by the press of a button."""

from __future__ import annotations

from starlette.routing import BaseRoute, Route

from tracker.core.model import EventKind
from tracker.web.base.form_posting import role_posting
from tracker.web.base.identity import Role
from tracker.web.pages.supervisor.answers import answer
from tracker.web.pages.supervisor.posts import preview, remind, retry
from tracker.web.pages.supervisor.questions import settle as settle_question
from tracker.web.pages.supervisor.settling import settle, unsettle

#: The answers that a button gives; submitting is the unit's, by its link.
ANSWERS = (
    EventKind.ACCEPT,
    EventKind.RETURN,
    EventKind.EXTEND,
    EventKind.WAIVE,
    EventKind.PAUSE,
    EventKind.RESUME,
    EventKind.UNDO,
)


def routes() -> list[BaseRoute]:
    """``POST /act/VERB``, and what is looked at before; nothing is done by looking at an address."""
    return [
        *(
            Route(f"/act/{kind.value}", role_posting(answer(kind), Role.SUPERVISOR), methods=["POST"])
            for kind in ANSWERS
        ),
        Route("/remind", preview, methods=["GET"]),
        Route("/act/question", role_posting(settle_question, Role.SUPERVISOR), methods=["POST"]),
        Route("/act/settle", role_posting(settle, Role.SUPERVISOR), methods=["POST"]),
        Route("/act/unsettle", role_posting(unsettle, Role.SUPERVISOR), methods=["POST"]),
        Route("/act/remind", role_posting(remind, Role.SUPERVISOR), methods=["POST"]),
        Route("/act/retry", role_posting(retry, Role.OPERATOR), methods=["POST"]),
    ]
