"""Done, nothing to report, more time, a word: each page shows what will be written down, and only its button does it."""

from __future__ import annotations

from datetime import date, timedelta

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tracker.core.model import Event, EventKind
from tracker.core.ways_to_answer import Way
from tracker.errors import LedgerError
from tracker.ledger.record import LINK
from tracker.ledger.record_once import answer_once
from tracker.ledger.requests import NewRequest, RequestKind, ask
from tracker.web.base.form_posting import LONGEST_TEXT, text_of, written
from tracker.web.base.site import site_of, words
from tracker.web.pages.unit.link_context import LinkContext, StoppedError, acting, case_of, linked, stopped_by
from tracker.web.pages.unit.overview import facts_of

#: More than so many of anything at once is a slip of the finger.
MOST = 9_999

_FIELDS = ("count", "note", "until", "text")


class _WrongInputError(Exception):
    """Something in the form is to be put right; ``key`` is its phrase under ``answer.input``, with its ``facts``."""

    def __init__(self, key: str, **facts: object) -> None:
        super().__init__(key)
        self.key = key
        self.facts = facts


@linked
def show(request: Request) -> Response:
    """``GET /answer/TOKEN/WAY``: the form."""
    case, way = _asked(request)
    case.demand(way)
    return _page(request, case, way)


@linked
def act(request: Request, form: FormData) -> Response:
    """``POST /answer/TOKEN/WAY``: does it, and leads back to the overview."""
    case, way = _asked(request)
    try:
        did = (
            _request(request, case, way, form)
            if way in (Way.EXTEND, Way.SAY)
            else _answer(request, case, way, form)
        )
    except _WrongInputError as error:
        return _page(request, case, way, form, error)
    except LedgerError as error:
        raise stopped_by(case, error) from None
    site_of(request).wake()
    return RedirectResponse(f"{case.address}?did={did}", 303)


def _asked(request: Request) -> tuple[LinkContext, Way]:
    case = case_of(request)
    try:
        way = Way(request.path_params["way"])
    except ValueError:
        raise StoppedError("not_this_way", 404) from None
    return case, way


def _page(
    request: Request,
    case: LinkContext,
    way: Way,
    form: FormData | None = None,
    wrong: _WrongInputError | None = None,
) -> Response:
    due = case.row.dates.effective_due
    earliest = max(each for each in (due, site_of(request).today()) if each is not None) + timedelta(days=1)
    facts = {
        **facts_of(request, case),
        "way": way.value,
        "wrong": None if wrong is None else words(request)(f"answer.input.{wrong.key}", **wrong.facts),
        "given": {name: "" if form is None else written(form, name) for name in _FIELDS},
        "earliest": earliest.isoformat(),
        "most": MOST,
    }
    return site_of(request).page(request, "answer/act.html", facts, status=200 if wrong is None else 400)


def _answer(request: Request, case: LinkContext, way: Way, form: FormData) -> str:
    """Done or nothing to report; what the next page says was done."""
    site = site_of(request)
    count = _count(form) if way is Way.DONE and case.row.target is not None else None
    seen = text_of(form, "seen")
    if not seen.isdecimal() or int(seen) != case.seen:
        return "again"
    case.demand(way)
    now = site.now()
    event = Event(
        now,
        case.claim.ref,
        case.claim.unit,
        EventKind.NIL if way is Way.NIL else EventKind.SUBMIT,
        count=count,
        who=case.reader.name,
        via=LINK,
        note=_said(form, "note") or None,
    )
    with acting(request, case) as (session, snapshot):
        return way.value if answer_once(session, snapshot, event, now, seen=case.seen) else "again"


def _count(form: FormData) -> int:
    text = text_of(form, "count")
    if not text.isdecimal() or not 1 <= int(text) <= MOST:
        raise _WrongInputError("count")
    return int(text)


def _request(request: Request, case: LinkContext, way: Way, form: FormData) -> str:
    """More time or a word; what the next page says was done."""
    site, text, wanted = site_of(request), _said(form, "text"), None
    case.demand(way)
    if way is Way.EXTEND:
        wanted = _date(form)
        due = case.row.dates.effective_due
        if wanted is None or due is None or wanted <= max(due, site.today()):
            raise _WrongInputError("until")
    if not text:
        raise _WrongInputError("reason" if way is Way.EXTEND else "text")
    with acting(request, case) as (session, snapshot):
        reader, claim = case.reader, case.claim
        new_request = NewRequest(
            claim.ref, claim.unit, RequestKind(way.value), text, reader.name, reader.email, wanted
        )
        ask(session, snapshot, new_request, site.now())
    return way.value


def _said(form: FormData, name: str) -> str:
    text = written(form, name)
    if len(text) > LONGEST_TEXT:
        raise _WrongInputError("too_long", n=len(text), most=LONGEST_TEXT)
    return text


def _date(form: FormData) -> date | None:
    try:
        return date.fromisoformat(text_of(form, "until"))
    except ValueError:
        return None
