"""The API: the commands' own listings over HTTP, to be read only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, time, tzinfo
from typing import Annotated, Any, cast

from fastapi import Depends, FastAPI, Query, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.responses import Response

from tracker import __version__
from tracker.core.model import State
from tracker.errors import TrackerError, UsageError
from tracker.i18n.catalogue import ENGLISH, FIRST, side_by_side, words
from tracker.i18n.recognised import said_in
from tracker.questions.questions import QuestionState
from tracker.store.tables import MailState
from tracker.usecases import campaign_files, ledger, mailing
from tracker.usecases.forms.overview import missing_facts
from tracker.usecases.forms.questions import question_facts, questions
from tracker.usecases.json_facts import (
    Fact,
    calendar_facts,
    deadline_facts,
    definition_facts,
    status_facts,
    unit_facts,
)
from tracker.web.api import models
from tracker.web.base.error_pages import (
    API,
    PROBLEM,
    not_allowed,
    program_language,
    refused_program,
    wrong,
)
from tracker.web.base.identity import NotAllowedError, Role, require
from tracker.web.base.site import Site, language_of, site_of

#: A range of dates has no more years than this, and a list of mails no more mails.
MOST_YEARS, MOST_MAILS = 10, 1000
#: Years in which the ledger can be looked at.
EARLIEST, LATEST = date(1970, 1, 1), date(2199, 12, 31)

#: What every listing may be asked with.
EVERYWHERE = ("language",)


def _both(key: str) -> str:
    """English · 中文, as nobody knows who reads a description."""
    return side_by_side("api", key, (ENGLISH, FIRST))


Unit = Annotated[str | None, Query(description=_both("asks.unit"), max_length=200)]
Ref = Annotated[str | None, Query(description=_both("asks.ref"), max_length=200)]
_REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"model": models.Refusal, "description": _both("refusals.senseless")},
    401: {"model": models.Refusal, "description": _both("refusals.sign_in")},
    404: {"model": models.Refusal, "description": _both("refusals.nothing")},
    503: {
        "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Refusal"}}},
        "description": _both("refusals.no_database"),
    },
}


def allowed(request: Request) -> Site:
    """The site, for whoever may look.

    Of a parameter that is given twice one value would be dropped in silence, and one that there is not altogether.
    """
    require(request, Role.VIEWER)
    counted = Counter(name for name, _ in request.query_params.multi_items())
    known = [each.alias for each in request.scope["route"].dependant.query_params]
    if unknown := [name for name in counted if name not in (*known, *EVERYWHERE)]:
        raise UsageError("no_parameter", names=tuple(unknown), known=(*known, *EVERYWHERE))
    if repeated := [name for name, times in counted.items() if times > 1]:
        raise UsageError("given_twice", names=tuple(repeated))
    return site_of(request)


Allowed = Annotated[Site, Depends(allowed)]


def make_api(site: Site) -> FastAPI:
    """The application under ``/api``."""
    api = FastAPI(
        title=_both("title"),
        version=__version__,
        description=words("api", ENGLISH)("about"),
        docs_url=None,
        redoc_url=None,
        root_path_in_servers=False,
        responses=_REFUSALS,
        exception_handlers={
            TrackerError: _wrong,
            NotAllowedError: _stranger,
            RequestValidationError: _unfit,
            StarletteHTTPException: _http,
        },
    )
    api.state.site = site
    describe = api.openapi

    def described() -> dict[str, Any]:
        return {**describe(), "servers": [{"url": f"{site.root}{API}"}]}

    api.openapi = described  # type: ignore[method-assign]
    api.add_api_route("/", listings, response_class=HTMLResponse, include_in_schema=False)
    for path, endpoint, model in _ENDPOINTS:
        api.add_api_route(
            path,
            endpoint,
            description=f"{_both(f'says.{endpoint.__name__}')}.",
            response_model=model,
            methods=["GET"],
            response_model_exclude_unset=True,
        )
    return api


def listings(request: Request, site: Allowed) -> HTMLResponse:
    """The page for whoever wants to know what there is."""
    say, paths = words("api", language_of(request)), request.app.openapi()["paths"]
    found = [
        {
            "path": path,
            "says": say("sentence", said=say(f"says.{endpoint.__name__}")),
            "asks": [(each["name"], each["required"]) for each in paths[path]["get"].get("parameters", ())],
        }
        for path, endpoint, _ in _ENDPOINTS
    ]
    return site.page(request, "api.html", {"listings": found})


def tasks(
    site: Allowed, *, reports: Annotated[bool, Query(description=_both("asks.reports"))] = False
) -> list[Fact]:
    """The definitions as understood."""
    campaign = site.snapshot.campaign
    return [definition_facts(each) for each in (campaign.reports if reports else campaign.tasks)]


def units(site: Allowed) -> list[Fact]:
    """Who answers."""
    campaign = site.snapshot.campaign
    return [unit_facts(unit, campaign) for unit in campaign.units.values()]


def calendar(
    site: Allowed,
    since: Annotated[date, Query(alias="from", description=_both("asks.first"))],
    until: Annotated[date, Query(alias="to", description=_both("asks.last"))],
    unit: Unit = None,
) -> list[Fact]:
    """Every assignment due in the range."""
    _in_range(since, until)
    rows = ledger.due_between(site.app, since, until, unit)
    return list(calendar_facts(site.snapshot, rows))


def status(
    site: Allowed,
    at: Annotated[str | None, Query(description=_both("asks.at"), max_length=40)] = None,
    unit: Unit = None,
    ref: Ref = None,
    state: Annotated[State | None, Query(description=_both("asks.state"))] = None,
) -> Fact:
    """The ledger."""
    moment = None if at is None else _moment(at, site.snapshot.zone)
    if moment is not None:
        _not_too_far(moment, site)
    now, rows = ledger.status(site.app, moment, unit=unit, ref=ref)
    return status_facts(site.snapshot, now, [row for row in rows if row.is_among(state)])


def history(site: Allowed, ref: Ref = None, unit: Unit = None) -> list[Fact]:
    """Every event, oldest first."""
    return ledger.history(site.app, ref=ref, unit=unit)


def explain(
    site: Allowed,
    ref: Annotated[str, Query(max_length=200, description=_both("asks.ref"))],
    unit: Annotated[str, Query(max_length=200, description=_both("asks.unit"))],
) -> Fact:
    """Why a mail went, or did not, or when it will."""
    return ledger.explanation(site.app, ref, unit)


def deadline(
    site: Allowed,
    text: Annotated[str, Query(max_length=200, description=_both("asks.text"))],
    issued: Annotated[date | None, Query(description=_both("asks.issued"))] = None,
    year: Annotated[
        int | None, Query(ge=EARLIEST.year, le=LATEST.year, description=_both("asks.year"))
    ] = None,
    since: Annotated[date | None, Query(alias="from", description=_both("asks.first"))] = None,
    until: Annotated[date | None, Query(alias="to", description=_both("asks.last"))] = None,
) -> Fact:
    """How a deadline is read, and its next dates."""
    if until is not None:
        _in_range(since or until, until)
    meant = campaign_files.plan_year(site.app, issued) if year is None else year
    reading, dates = campaign_files.read_deadline(
        text, issued or campaign_files.date_of_issue(site.app), since, until, meant
    )
    return deadline_facts(reading, dates)


def mails(
    site: Allowed,
    state: Annotated[MailState | None, Query(description=_both("asks.state"))] = None,
    unit: Unit = None,
    limit: Annotated[int, Query(ge=1, le=MOST_MAILS, description=_both("asks.limit"))] = 100,
) -> list[Fact]:
    """The outbox, oldest first."""
    return mailing.mails(site.app, state=None if state is None else state.value, unit=unit, limit=limit)


def forms_missing(
    site: Allowed,
    month: Annotated[
        str, Query(pattern=r"^(19|20|21)\d\d-(0[1-9]|1[0-2])$", description=_both("asks.month"))
    ],
    unit: Unit = None,
    form: Annotated[str | None, Query(max_length=200, description=_both("asks.form"))] = None,
) -> list[Fact]:
    """Who still owes a table of the month."""
    first = date(int(month[:4]), int(month[5:]), 1)
    return missing_facts(
        site.app,
        first,
        units=() if unit is None else (unit,),
        forms=() if form is None else (form,),
    )


def forms_questions(
    request: Request,
    site: Allowed,
    ref: Ref = None,
    unit: Unit = None,
    state: Annotated[QuestionState | None, Query(description=_both("asks.question"))] = None,
) -> list[Fact]:
    """What is asked about filed tables."""
    units = None if unit is None else [site.snapshot.unit_id(unit)]
    found = questions(site.app, refs=() if ref is None else (ref,), units=units, state=state)
    return [question_facts(site.app, each, program_language(request)) for each in found]


_ENDPOINTS: tuple[tuple[str, Callable[..., Any], Any], ...] = (
    ("/tasks", tasks, list[models.Definition]),
    ("/units", units, list[models.Unit]),
    ("/calendar", calendar, list[models.Due]),
    ("/status", status, models.Ledger),
    ("/history", history, list[models.Event]),
    ("/explain", explain, models.Explanation),
    ("/deadline", deadline, models.Deadline),
    ("/mails", mails, list[models.Mail]),
    ("/forms/missing", forms_missing, list[models.Missing]),
    ("/forms/questions", forms_questions, list[models.Question]),
)


def _moment(text: str, zone: tzinfo) -> datetime:
    """A time; of a day without one its end, as on the command line."""
    try:
        if len(text) == len("2022-05-05"):
            moment = datetime.combine(date.fromisoformat(text), time(23, 59, 59), zone)
        else:
            moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError("expected_time", option="at", text=text) from None
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
    _in_range(moment.date(), moment.date())
    return moment


def _not_too_far(moment: datetime, site: Site) -> None:
    """What is asked for the end of the next century has a hundred thousand lines for each unit."""
    last = site.today().year + MOST_YEARS
    if moment.astimezone(site.snapshot.zone).year > last:
        raise UsageError("too_far_ahead", last=last)


def _in_range(since: date, until: date) -> None:
    if since < EARLIEST or until > LATEST:
        raise UsageError("dates_out_of_range", first=str(EARLIEST), last=str(LATEST))
    if until < since or (until - since).days > MOST_YEARS * 366:
        raise UsageError("too_many_years", most=MOST_YEARS)


async def _wrong(request: Request, error: Exception) -> Response:
    return wrong(request, error)


async def _stranger(request: Request, error: Exception) -> Response:
    return not_allowed(request, error)


async def _unfit(request: Request, error: Exception) -> JSONResponse:
    """FastAPI's own answer to a parameter that is not what it should be, in the reader's language."""
    found = jsonable_encoder(cast("RequestValidationError", error).errors())
    if program_language(request) == "zh":
        found = [{**each, "msg": said_in(each["msg"], "zh")} for each in found]
    return JSONResponse({"detail": found}, 422)


async def _http(request: Request, error: Exception) -> JSONResponse:
    return refused_program(request, error)
