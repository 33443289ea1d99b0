"""What a link opens: what is asked, until when, how it stands, and the ways to answer as large buttons."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tracker.web.base.site import site_of
from tracker.web.pages.unit.link_context import LinkContext, case_of, linked, supervisor_of
from tracker.web.pages.unit.link_wording import LinkWording
from tracker.web.pages.unit.questions import open_of

#: What has just been done, as the address of the page that follows says it.
DONE = frozenset({"done", "nil", "extend", "say", "again", "question", "no_reason"})


@linked
def show(request: Request) -> Response:
    """``GET /answer/TOKEN``."""
    case = case_of(request)
    did = request.query_params.get("did")
    return site_of(request).page(
        request,
        "answer/overview.html",
        {
            **facts_of(request, case),
            "did": did if did in DONE else None,
            "questions": open_of(request, case),
        },
    )


def facts_of(request: Request, case: LinkContext) -> dict[str, Any]:
    """What every page of a case shows."""
    site = site_of(request)
    return {"case": case, "tell": LinkWording(request, case), "row": case.row, "ask": supervisor_of(site)}
