"""What a link is about, looked up anew at every click: the reader, the unit, the assignment and how it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Concatenate, ParamSpec, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from tracker.access.links import (
    ExpiredLinkError,
    ForgedLinkError,
    LinkClaim,
    Purpose,
    WrongPurposeError,
    mark,
)
from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.admission import refuse_unfit
from tracker.core.model import Contact, Event, EventKind, StandIn
from tracker.core.ways_to_answer import Way, ways
from tracker.errors import LedgerError, UnknownNameError
from tracker.ledger.record import find_assignment, read_events
from tracker.ledger.record_once import events_of
from tracker.ledger.requests import Request as UnitRequest
from tracker.ledger.requests import requests_of
from tracker.ledger.status import LedgerRow, answer_of, ledger_row
from tracker.service.transactions import LedgerTransaction
from tracker.web.base.error_pages import said
from tracker.web.base.site import Site, site_of, words

P = ParamSpec("P")
R = TypeVar("R")

#: What the ledger is asked whether it would take, for each way of answering.
_PROBES = {
    Way.FILE: EventKind.SUBMIT,
    Way.DONE: EventKind.SUBMIT,
    Way.NIL: EventKind.NIL,
    Way.EXTEND: EventKind.EXTEND,
}

_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)


class StoppedError(Exception):
    """A page that says in a sentence why it goes no further; ``key`` is its phrase under ``answer.stop``."""

    def __init__(self, key: str, status: int, detail: LedgerError | None = None) -> None:
        super().__init__(key)
        self.key = key
        self.status = status
        self.detail = detail


@dataclass(frozen=True, slots=True)
class LinkContext:
    """One click: who clicked, on what, and how it stands.  ``seen`` is how many events it has."""

    token: str
    claim: LinkClaim
    snapshot: CampaignSnapshot
    reader: Contact | StandIn
    row: LedgerRow
    seen: int
    events: tuple[Event, ...]
    requests: tuple[UnitRequest, ...]

    @property
    def address(self) -> str:
        """Where its pages begin."""
        return f"/answer/{self.token}"

    @property
    def has_form(self) -> bool:
        """Whether it is answered on a form that is known."""
        return self.snapshot.form(self.row.definition) is not None

    @property
    def ways(self) -> tuple[Way, ...]:
        """The ways of answering that the ledger would take now."""
        row = self.row
        has_date = row.dates.effective_due is not None
        allowed = ways(row.definition, has_form=self.has_form, has_date=has_date)
        return tuple(way for way in allowed if self.refusal(way) is None)

    def refusal(self, way: Way) -> LedgerError | None:
        """Why the ledger would not take it; None where it would."""
        kind = _PROBES.get(way)
        if kind is None:
            return None
        # Any date serves: whether more time makes sense at all does not depend on how much.
        probe = Event(_ANY_TIME, self.row.ref, self.row.unit, kind, until=date.max)
        try:
            refuse_unfit(probe, self.row.answer)
        except LedgerError as error:
            return error
        return None

    def demand(self, way: Way) -> None:
        """Raises StoppedError where this cannot be answered in this way."""
        row = self.row
        has_date = row.dates.effective_due is not None
        if way not in ways(row.definition, has_form=self.has_form, has_date=has_date):
            raise StoppedError("not_this_way", 404)
        refusal = self.refusal(way)
        if refusal is not None:
            raise stopped_by(self, refusal)


def stopped_by(case: LinkContext, refusal: LedgerError) -> StoppedError:
    """The page for what the ledger would not take: by how it stands, else with what the ledger says."""
    answered = case.row.answer.answered
    return StoppedError(answered if answered in ("waived", "submitted", "nil") else "no", 409, refusal)


def case_of(request: Request, purpose: Purpose = Purpose.ANSWER) -> LinkContext:
    """The case of a request's token.  Raises LinkError or StoppedError."""
    site = site_of(request)
    now, token = site.now(), request.path_params["token"]
    claim = site.app.links.read(token, purpose, now)
    site.app.engine.bring_up_to_date(now)
    snapshot = site.snapshot
    reader = reader_of(snapshot, claim)
    request.state.language = reader.language or snapshot.campaign.language
    with site.app.database.reading() as session:
        try:
            found = find_assignment(session, snapshot, claim.ref, claim.unit)
        except UnknownNameError:
            raise StoppedError("gone", 404) from None
        definition = snapshot.campaign.definitions[found.key]
        return LinkContext(
            token=token,
            claim=claim,
            snapshot=snapshot,
            reader=reader,
            row=ledger_row(snapshot, definition, found, answer_of(found), snapshot.day(now)),
            seen=events_of(session, found.id),
            events=tuple(read_events(session, found.id)),
            requests=tuple(requests_of(session, snapshot.campaign.id, claim.ref, claim.unit)),
        )


@contextmanager
def acting(request: Request, case: LinkContext) -> Iterator[LedgerTransaction]:
    """The ledger, to write down what the case's reader says, who has to be on file by what it follows.

    Raises StoppedError, too, where the assignment is asked no more.
    """
    site = site_of(request)
    try:
        with site.app.engine.acting(site.now()) as turn:
            reader_of(turn.snapshot, case.claim)
            yield turn
    except UnknownNameError:
        raise StoppedError("gone", 404) from None


def reader_of(snapshot: CampaignSnapshot, claim: LinkClaim) -> Contact | StandIn:
    """Whoever got the mail; who is on file for the unit no more acts for it no more."""
    for each in snapshot.campaign.people_of(claim.unit):
        if mark(each.email) == claim.to:
            return each
    raise StoppedError("no_contact", 403)


def linked(
    page: Callable[Concatenate[Request, P], R],
) -> Callable[Concatenate[Request, P], R | Response]:
    """``page``, where a link that does not lead anywhere gets a page that says why."""

    def handler(request: Request, /, *more: P.args, **named: P.kwargs) -> R | Response:
        try:
            return page(request, *more, **named)
        except StoppedError as stop:
            return _stop(request, stop.key, stop.status, stop.detail)
        except ExpiredLinkError as expired:
            renew = f"/answer/{request.path_params['token']}/renew"
            is_answer = expired.claim.purpose is Purpose.ANSWER
            return _stop(request, "expired", 410, renew=renew if is_answer else None)
        except WrongPurposeError:
            return _stop(request, "wrong_purpose", 403)
        except ForgedLinkError:
            return _stop(request, "forged", 404)

    return handler


@linked
def reader_unit(request: Request) -> str:
    """The unit that a link's reader speaks for: whose form is read."""
    return case_of(request).claim.unit


def _stop(
    request: Request, key: str, status: int, detail: LedgerError | None = None, *, renew: str | None = None
) -> Response:
    site, say = site_of(request), words(request)
    facts = {
        "heading": say(f"answer.stop.{key}.heading"),
        "sentence": say(f"answer.stop.{key}.sentence"),
        "detail": said(request, detail) if key == "no" and detail is not None else "",
        "back": f"/answer/{request.path_params['token']}" if status == 409 else None,
        "renew": renew,
        "ask": supervisor_of(site),
    }
    return site.page(request, "answer/stop.html", facts, status=status)


def supervisor_of(site: Site) -> Contact | None:
    """Who answers questions: the first contact of the supervisor."""
    unit = site.snapshot.campaign.units.get(site.snapshot.campaign.supervisor or "")
    return unit.contacts[0] if unit is not None and unit.contacts else None
