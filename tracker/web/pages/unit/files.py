"""A unit files its table: the blank to fill in, the upload, and at once what was found in it, cell by cell."""

from __future__ import annotations

import atexit
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tracker.access.links import Purpose, WrongPurposeError
from tracker.core.naming import Names
from tracker.core.ways_to_answer import Way
from tracker.filing.filings import OriginalFile, Prefill, RequestedTable, keep_document, read_document, starts
from tracker.filing.provenance import ImportOptions
from tracker.forms.limits import MAX_FILE, MEGABYTE
from tracker.forms.read.sandboxed_reader import Reader
from tracker.ledger.record import LINK, find_assignment
from tracker.service.enclosures import XLSX, blank_form, filled_with
from tracker.usecases.forms.intake import Intake
from tracker.usecases.forms.taken import TakenForm
from tracker.web.base.site import language_of, site_of, words
from tracker.web.pages.unit.link_context import LinkContext, StoppedError, case_of, linked
from tracker.web.pages.unit.overview import facts_of

#: One process that opens files, for all who upload: a hundred at once wait for each other, and not the machine for them.
_READER = Reader()
atexit.register(_READER.close)

#: On the clock, for all files of one upload: others wait for it.
SECONDS_PER_UPLOAD = 60.0

#: So many findings of a file are shown; the copy has them all.
MOST_SHOWN = 100

LONGEST_NAME = 120


@linked
def show(request: Request) -> Response:
    """``GET /answer/TOKEN/file``: the form, and under ``result`` what became of the files that were sent with it."""
    case = case_of(request)
    _demand_form(case)
    result = request.query_params.get("result")
    told = [] if result is None else _results(request, case, result)
    if not told:
        case.demand(Way.FILE)
    return _page(request, case, told)


@linked
def may_take(request: Request) -> str:
    """The unit whose files are waited for: only where one can be taken in."""
    case = case_of(request)
    _demand_form(case)
    case.demand(Way.FILE)
    return case.claim.unit


@linked
def take(request: Request, form: FormData) -> Response:
    """``POST /answer/TOKEN/file``: take the files in, and lead to what became of them."""
    case, site = case_of(request), site_of(request)
    _demand_form(case)
    case.demand(Way.FILE)
    uploads = [each for each in form.getlist("file") if isinstance(each, UploadFile) and each.filename]
    if not uploads:
        return _page(request, case, [], wrong=words(request)("answer.input.file"))
    wanted = ImportOptions(unit=case.claim.unit, only=case.claim.ref)
    with Intake(
        site.app,
        wanted=wanted,
        who=case.reader.name,
        via=LINK,
        reader=_READER,
        seconds=SECONDS_PER_UPLOAD,
    ) as intake:
        taken = intake.take_together((_name(each), each.file.read()) for each in uploads)
        # What is wrong is seen here at once; a mail says to the others at the unit what was taken.
        intake.send_receipts([each for each in taken if each.is_taken])
    result = _keep(request, case, taken)
    site.wake()
    return RedirectResponse(f"{case.address}/file?result={result}", 303)


@linked
def blank(request: Request) -> Response:
    """``GET /answer/TOKEN/blank.xlsx``: this period's form with what was filed for it, or the figures of the last."""
    case = case_of(request)
    table, start = _blank(request, case)
    return _download(blank_form(case.snapshot, table, start, language_of(request)))


def _blank(request: Request, case: LinkContext) -> tuple[RequestedTable, Prefill | None]:
    """The table of the link, and what its form is filled in with."""
    form = _demand_form(case)
    with site_of(request).app.database.reading() as session:
        found = find_assignment(session, case.snapshot, case.claim.ref, case.claim.unit)
        table = RequestedTable(found.id, case.row, form)
        return table, starts(session, case.snapshot, [table]).get(table.id)


@linked
def copy(request: Request) -> Response:
    """``GET /answer/TOKEN/copy/PAPER``: a file of ours that belongs to this very assignment."""
    case = case_of(request)
    paper = _paper(request, case, request.path_params["paper"])
    if paper is None:
        raise StoppedError("gone", 404)
    return _download(paper)


def _demand_form(case: LinkContext) -> Any:
    form = case.snapshot.form(case.row.definition)
    if form is None or case.row.dates.due is None:
        raise StoppedError("not_this_way", 404)
    return form


def _name(upload: UploadFile) -> str:
    """The file's own name: no folder, nothing that cannot be seen, and not too long."""
    name = (upload.filename or "").replace("\\", "/").rpartition("/")[2]
    name = "".join(each for each in name if each.isprintable())
    stem, dot, ending = name.rpartition(".")
    return f"{stem[:LONGEST_NAME]}{dot}{ending[:8]}" if dot else name[:LONGEST_NAME]


def _page(
    request: Request, case: LinkContext, told: Sequence[dict[str, Any]], *, wrong: str | None = None
) -> Response:
    filled = filled_with(*_blank(request, case))
    facts = {
        **facts_of(request, case),
        "holds": "nothing" if not filled else "own" if filled == case.claim.ref else "before",
        "files": told,
        "wrong": wrong,
        "can_file": Way.FILE in case.ways,
        "may_be_nil": Way.NIL in case.ways and case.row.answer.answered not in ("submitted", "nil"),
        "largest": MAX_FILE // MEGABYTE,
    }
    return site_of(request).page(request, "answer/file.html", facts, status=200 if wrong is None else 400)


def _keep(request: Request, case: LinkContext, taken: Sequence[TakenForm]) -> str:
    """Put away what was found, for the page that follows; its address."""
    with site_of(request).app.database.writing() as session:
        told = [
            {
                "zh": each.facts("zh"),
                "en": each.facts("en"),
                "copy": None if each.answer is None else keep_document(session, each.answer),
            }
            for each in taken
        ]
        data = json.dumps(told, ensure_ascii=False).encode()
        return _sealed(request, case, keep_document(session, OriginalFile("result.json", data)))


def _sealed(request: Request, case: LinkContext, number: int) -> str:
    """The address of a kept file, which leads to it from this case only."""
    claim = case.claim
    return site_of(request).app.links.token(Purpose.PAPER, claim.ref, claim.unit, str(number), claim.until)


def _paper(request: Request, case: LinkContext, address: str) -> OriginalFile | None:
    """The file behind an address.  Raises LinkError for one of another case."""
    site = site_of(request)
    claim = site.app.links.read(address, Purpose.PAPER, site.now())
    if (claim.ref, claim.unit) != (case.claim.ref, case.claim.unit):
        raise WrongPurposeError
    with site.app.database.reading() as session:
        return read_document(session, int(claim.to))


def _results(request: Request, case: LinkContext, address: str) -> list[dict[str, Any]]:
    """What became of each file, in the reader's language."""
    paper, language = _paper(request, case, address), language_of(request)
    if paper is None or paper.name != "result.json":
        raise StoppedError("gone", 404)
    names = Names(case.snapshot.campaign, language)
    found = []
    for each in json.loads(paper.data):
        facts, number = each[language], each["copy"]
        noted = [("error", finding) for finding in facts["errors"]]
        noted += [("question", finding) for finding in facts["questions"]]
        found.append(
            {
                **facts,
                "title": names.occurrence(facts["ref"]) if facts["ref"] else None,
                "noted": noted[:MOST_SHOWN],
                "rest": max(0, len(noted) - MOST_SHOWN),
                "checked": None
                if number is None
                else f"{case.address}/copy/{_sealed(request, case, number)}",
            }
        )
    return found


def _download(paper: OriginalFile) -> Response:
    name = quote(paper.name, safe="")
    disposition = f"attachment; filename=\"table.xlsx\"; filename*=UTF-8''{name}"
    return Response(paper.data, media_type=XLSX, headers={"Content-Disposition": disposition})
