"""What the supervisor answers, by the press of a button."""

from __future__ import annotations

from starlette.routing import BaseRoute, Route

from tracker.core.model import EventKind
from tracker.web.acting.answers import answer
from tracker.web.acting.posts import preview, remind, retry
from tracker.web.acting.questions import settle as settle_question
from tracker.web.acting.settling import settle, unsettle
from tracker.web.identity import posting

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
        *(Route(f"/act/{kind.value}", posting(answer(kind)), methods=["POST"]) for kind in ANSWERS),
        Route("/remind", preview, methods=["GET"]),
        Route("/act/question", posting(settle_question), methods=["POST"]),
        Route("/act/settle", posting(settle), methods=["POST"]),
        Route("/act/unsettle", posting(unsettle), methods=["POST"]),
        Route("/act/remind", posting(remind), methods=["POST"]),
        Route("/act/retry", posting(retry), methods=["POST"]),
    ]
