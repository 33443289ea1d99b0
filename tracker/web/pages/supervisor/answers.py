"""Accept, return, extend, waive, pause, resume and undo: an event under the name of whoever pressed the button."""

from __future__ import annotations

from collections.abc import Callable

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from tracker.core.model import Event, EventKind
from tracker.core.naming import Names
from tracker.ledger.status import LedgerRow
from tracker.usecases import ledger
from tracker.web.base.error_pages import said
from tracker.web.base.identity import Role, check_csrf, require
from tracker.web.base.site import language_of, site_of, words
from tracker.web.pages.supervisor.back import back, date_in, text, texts

VIA = "web"

#: What may not be done without saying why.
WITH_REASON = frozenset({EventKind.RETURN, EventKind.EXTEND})

#: More than this is no form of ours.
MOST = 2000


def answer(kind: EventKind) -> Callable[[Request, FormData], Response]:
    """The handler of one verb.

    The form has ``ref`` and ``unit``, or ``cell`` ("UNIT REF") as often as boxes are ticked; ``reason``, ``until``,
    and ``back``, where to go on.
    """

    def handler(request: Request, form: FormData) -> Response:
        person = require(request, Role.SUPERVISOR)
        check_csrf(request, form)
        cells = _cells(form)
        say = words(request)
        reason, until = text(form, "reason"), date_in(form, "until")
        if not cells:
            return back(request, form, say("acting.nothing_chosen"))
        otherwise = f"/assignment/{cells[0][0]}/{cells[0][1]}"
        if kind in WITH_REASON and reason is None:
            return back(request, form, say(f"acting.reason_needed.{kind.value}"), otherwise)
        if kind is EventKind.EXTEND and until is None:
            return back(request, form, say("acting.date_needed"), otherwise)
        site = site_of(request)
        events = [
            Event(
                at=site.now(),
                ref=ref,
                unit=unit,
                event=kind,
                until=until if kind is EventKind.EXTEND else None,
                who=person.name,
                via=VIA,
                reason=reason,
            )
            for unit, ref in cells[:MOST]
        ]
        # Whoever grants a later date here has given a reason, which is what an extension after the deadline needs.
        found = ledger.record_each(site.app, events, forced=kind is EventKind.EXTEND)
        campaign = site.snapshot.campaign
        names = Names(campaign, language_of(request))
        done = [
            f"{campaign.unit_name(each.unit)} {names.occurrence(each.ref)}"
            for each in found
            if isinstance(each, LedgerRow)
        ]
        refused = [said(request, each) for each in found if not isinstance(each, LedgerRow)]
        return back(request, form, _told(request, kind, done, refused), otherwise)

    return handler


def _cells(form: FormData) -> list[tuple[str, str]]:
    """(unit, reference) of each assignment that is meant, once."""
    found = [(unit, ref) for unit in texts(form, "unit") for ref in texts(form, "ref")]
    ticked = texts(form, "cell")
    found.extend(zip(ticked[::2], ticked[1::2], strict=False))
    return list(dict.fromkeys(found))


def _told(request: Request, kind: EventKind, done: list[str], refused: list[str]) -> str:
    say = words(request)
    sentences = []
    if len(done) == 1:
        sentences.append(say(f"acting.done.{kind.value}", what=done[0]))
    elif done:
        sentences.append(say("acting.done_many", n=len(done), verb=say(f"acting.verb.{kind.value}")))
    if refused:
        more = len(refused) - 1
        sentences.append(say("acting.refused", why=refused[0]))
        if more:
            sentences.append(say("acting.refused_more", n=more))
    return say("acting.between").join(sentences)
