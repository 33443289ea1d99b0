"""One task or report, one unit, one assignment, and the files that were sent for it."""

from __future__ import annotations

from datetime import date
from itertools import groupby
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from tracker.core.deadline.wording import to_words
from tracker.core.model import Light, State
from tracker.core.occurrences import parse_ref
from tracker.core.status import URGENCY, has_undoable
from tracker.dashboard.items import files_of, item, to_accept
from tracker.errors import UnknownNameError
from tracker.filing.filings import read_document
from tracker.i18n.terms import term
from tracker.ledger.record import find_assignment, read_events
from tracker.ledger.status import LedgerRow
from tracker.outbox.queries import mails_about
from tracker.questions.questions import count_open, questions_of
from tracker.usecases import ledger
from tracker.usecases.forms.questions import question_facts
from tracker.web.base.error_pages import said
from tracker.web.base.identity import Role, require
from tracker.web.base.site import language_of, site_of
from tracker.web.pages.board.query_params import chosen, paged

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

#: Units on one page of an item.
SHOWN = 400


def item_page(request: Request) -> Response:
    """What the document says of it, and how each unit stands."""
    require(request, Role.VIEWER)
    site = site_of(request)
    snapshot = site.snapshot
    try:
        definition = snapshot.definition(
            snapshot.ref(request.path_params["key"], site.today()).partition("@")[0]
        )
    except UnknownNameError as error:
        raise HTTPException(404, said(request, error)) from None
    with site.app.database.reading() as session:
        found = item(site.board, session, snapshot, definition.key, chosen(request, "ref"), site.now())
        questions = count_open(session, snapshot)
    units = paged(request, found.units, SHOWN)
    chosen_ref = None if found.chosen is None else found.chosen.ref
    facts = {
        "item": found,
        "questions": {unit: number for (ref, unit), number in questions.items() if ref == chosen_ref},
        "units": units,
        "read_as": to_words(definition.rule, language_of(request)),
        "rows": [{"unit": unit, "ref": cell.ref, "waits": cell.waits} for unit, cell in units.shown],
    }
    return site.page(request, "board/item.html", facts)


def submitted_page(request: Request) -> Response:
    """Everything that waits for acceptance."""
    require(request, Role.VIEWER)
    site = site_of(request)
    with site.app.database.reading() as session:
        found = paged(request, to_accept(site.board, session, site.snapshot, site.now()), SHOWN)
    groups = [(key, list(some)) for key, some in groupby(found.shown, lambda one: one[1].definition.key)]
    return site.page(request, "board/submitted.html", {"found": found, "groups": groups})


def unit_page(request: Request) -> Response:
    """Everything that is asked of one unit, what needs it most first.

    What was due before the ledger began has a list of its own, and is here only where one thing is asked for.
    """
    require(request, Role.VIEWER)
    site = site_of(request)
    try:
        unit = site.snapshot.campaign.units[site.snapshot.unit_id(request.path_params["unit"])]
    except UnknownNameError as error:
        raise HTTPException(404, said(request, error)) from None
    _, rows = ledger.status(site.app, unit=unit.id)
    wanted = chosen(request, "item")
    if wanted is None:
        today = site.snapshot.day(site.now())
        shown = [row for row in rows if not _is_left(row, today)]
    else:
        shown = [row for row in rows if row.definition.key == wanted]
    before = 0 if wanted is not None else len(rows) - len(shown)
    shown.sort(key=_urgency)
    counts = {light: sum(row.light is light for row in rows) for light in URGENCY}
    facts = {"unit": unit, "rows": shown, "counts": counts, "item": wanted, "before": before}
    return site.page(request, "board/unit.html", facts)


def _is_left(row: LedgerRow, today: date) -> bool:
    """Whether it stands on the page of what was due before the ledger began."""
    due = row.dates.effective_due
    return row.state is State.BEFORE and due is not None and due < today


def _urgency(row: LedgerRow) -> tuple[int, bool, str]:
    due = row.dates.effective_due
    is_settled = row.answer.quiet or row.light is Light.BLUE
    return URGENCY.index(row.light) if not is_settled else len(URGENCY), due is None, str(due)


def assignment_page(request: Request) -> Response:
    """One assignment: how it stands, what happened, what was mailed about it and why."""
    require(request, Role.VIEWER)
    site = site_of(request)
    snapshot = site.snapshot
    try:
        unit = snapshot.unit_id(request.path_params["unit"])
        ref = snapshot.ref(request.path_params["ref"], site.today(), one=True)
        parse_ref(ref)
        _, rows = ledger.status(site.app, unit=unit, ref=ref)
        explanation = ledger.explanation(site.app, ref, unit)
    except UnknownNameError as error:
        raise HTTPException(404, said(request, error)) from None
    row = next((each for each in rows if each.ref == ref), None)
    if row is None:
        raise HTTPException(404)
    with site.app.database.reading() as session:
        people = snapshot.addresses_ever([unit])
        superior = snapshot.superior(unit)
        units = [each for each in (unit, superior) if each is not None]
        mails = mails_about(session, snapshot.campaign.id, ref, unit, people, units)
        files = files_of(session, snapshot, ref, unit)
        events = read_events(session, find_assignment(session, snapshot, ref, unit).id)
        asked_about = questions_of(session, snapshot, refs=(ref,), units=(unit,))
    facts = {
        "row": row,
        "unit": snapshot.campaign.units[unit],
        "chase_from": snapshot.chase_from.isoformat(),
        "may_undo": has_undoable(events),
        "history": ledger.history(site.app, ref=ref, unit=unit),
        "explanation": explanation,
        "mails": list(reversed(mails))[:50],
        "subject": site.app.renderer.subject,
        "files": files,
        "term": term,
        "questions": [question_facts(site.app, each, language_of(request)) for each in asked_about],
        "form": snapshot.form(row.definition),
    }
    return site.page(request, "board/assignment.html", facts)


def file_page(request: Request) -> Response:
    """A file as somebody sent it."""
    require(request, Role.VIEWER)
    site = site_of(request)
    with site.app.database.reading() as session:
        paper = read_document(session, request.path_params["number"])
    if paper is None:
        raise HTTPException(404)
    disposition = f"attachment; filename*=UTF-8''{quote(paper.name, safe='')}"
    media = XLSX if paper.name.lower().endswith(".xlsx") else "application/octet-stream"
    return Response(paper.data, media_type=media, headers={"Content-Disposition": disposition})
