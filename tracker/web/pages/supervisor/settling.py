"""What was due before the ledger began, settled in bulk after a look at what that records, and taken back."""

from __future__ import annotations

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from tracker.errors import LedgerError, UnknownNameError, UsageError
from tracker.ledger.settlement import Seen, SettledState
from tracker.usecases import takeover
from tracker.web.base.error_pages import said
from tracker.web.base.form_posting import LONGEST_TEXT, too_long, written
from tracker.web.base.identity import Role, check_csrf, require
from tracker.web.base.site import site_of, words
from tracker.web.pages.board.before import PAGE, PREVIEW, BeforeQuery, nothing_recorded
from tracker.web.pages.supervisor.answers import VIA
from tracker.web.pages.supervisor.back import back, date_in, onward, text

#: Digits of the largest number of an event.
DIGITS = 18


def settle(request: Request, form: FormData) -> Response:
    """``POST /act/settle``: what the preview of ``refs``, ``unit`` and ``month`` showed is settled as ``how`` says.

    ``seen``, ``files`` and ``day`` say what was in the ledger and in force when it was looked at, and on which day; a
    form without them is shown the preview first.
    """
    person = require(request, Role.SUPERVISOR)
    check_csrf(request, form)
    site, say = site_of(request), words(request)
    asked, how, event = BeforeQuery.of(form), text(form, "how"), text(form, "seen") or ""
    day = date_in(form, "day")
    if how not in set(SettledState):
        return back(request, form, say("acting.nothing_chosen"), PAGE)
    note = written(form, "note")
    if len(note) > LONGEST_TEXT:
        raise too_long(note)
    look = asked.address(PREVIEW, how=str(how))
    if not _is_number(event) or day is None:
        return onward(request, look, say("board.before.look_first"))
    try:
        outcome = takeover.settle(
            site.app,
            SettledState(how),
            asked.scope(site.snapshot),
            who=person.name,
            via=VIA,
            note=note or None,
            seen=Seen(int(event), text(form, "files") or "", day),
        )
    except LedgerError as error:
        # Whatever has changed meanwhile, the preview shows it.
        return onward(request, look, say("acting.refused", why=said(request, error)))
    except (UnknownNameError, UsageError) as error:
        return back(request, form, say("acting.refused", why=said(request, error)), PAGE)
    if outcome.number is None and outcome.already is None:
        return nothing_recorded(request, SettledState(how), asked, outcome)
    if outcome.number is None:
        return onward(request, f"{PAGE}/{outcome.already}", say("board.before.already"))
    site.wake()
    done = say("board.before.done", n=outcome.count, how=say(f"board.before.how.{how}"))
    return onward(request, f"{PAGE}/{outcome.number}", done)


def unsettle(request: Request, form: FormData) -> Response:
    """``POST /act/unsettle``: all of the settlement ``number`` is taken back that nothing was done about since."""
    person = require(request, Role.SUPERVISOR)
    check_csrf(request, form)
    site, say, number = site_of(request), words(request), text(form, "number") or ""
    if not _is_number(number):
        return back(request, form, say("acting.nothing_chosen"), PAGE)
    page = f"{PAGE}/{number}"
    try:
        count = takeover.undo(site.app, int(number), who=person.name, via=VIA)
    except UnknownNameError as error:
        return back(request, form, say("acting.refused", why=said(request, error)), PAGE)
    except LedgerError as error:
        return onward(request, page, say("acting.refused", why=said(request, error)))
    if not count:
        return onward(request, page, say("board.before.nothing_to_undo"))
    site.wake()
    return onward(request, page, say("board.before.undone", n=count))


def _is_number(typed: str) -> bool:
    return typed.isascii() and typed.isdigit() and len(typed) <= DIGITS
