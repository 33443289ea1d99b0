"""Which files are in force, where several processes look at copies of their own (docs/design/ledger.md).

The ledger keeps the editions of the files that were in force, oldest first, and which one was last seen at each
place (a folder of a machine).  An edit is a change at a place, so no clock and no time of a file takes part.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from sqlmodel import Session

from tracker.core.model import MAIN
from tracker.engine.inforce import InForce
from tracker.store.campaigns import Known, known_campaigns, read_fact, remember_campaign, write_fact

#: What the ledger was last brought up to date with.
RECONCILED = "reconciled"
EDITIONS = "editions"
#: The files themselves.
FILES = "files"

#: So long a place that the ledger knows may be behind the others before the operator is told; one that was never
#: seen, such as a container or a release made anew from older files, is told of at once.
CATCHES_UP = timedelta(hours=1)

#: So many editions are remembered, and as many places.
REMEMBERED = 1000


class Verdict(StrEnum):
    """What the files of a process are to the ledger."""

    IN_FORCE = "in force"
    EDITED = "edited"
    OLDER = "older"


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What the ledger was last brought up to date with; ``calendar`` is "" where an old version did it."""

    files: str
    calendar: str
    horizon: date


def reconciled(session: Session, campaign: str) -> Reconciled | None:
    """What a campaign's ledger was last brought up to date with; None before the first time."""
    text = read_fact(session, campaign, RECONCILED)
    if text is None:
        return None
    # Earlier versions wrote no calendar.
    if not text.startswith("["):
        files, _, horizon = text.rpartition(" ")
        return Reconciled(files, "", date.fromisoformat(horizon))
    files, calendar, horizon = json.loads(text)
    return Reconciled(files, calendar, date.fromisoformat(horizon))


def is_in_force(session: Session, force: InForce) -> bool:
    """Whether the ledger follows these files."""
    found = reconciled(session, force.campaign.id)
    return found is not None and found.files == force.fingerprint


def follows(session: Session, force: InForce, place: str | None, until: date) -> bool:
    """Whether the ledger follows these files up to ``until``, by a calendar as new as ours, and knows their ``place``."""
    found, workdays = reconciled(session, force.campaign.id), force.workdays
    return (
        found is not None
        and found.files == force.fingerprint
        and found.horizon >= until
        and (found.calendar == workdays.published or workdays.is_published_earlier(found.calendar))
        and (force.is_kept or place is None or _is_seen(session, force, place))
    )


def judge(session: Session, force: InForce, place: str, *, was_in_force: bool) -> Verdict:
    """What the files of ``force``, found at ``place``, are to the ledger.

    ``was_in_force``: this process has had them in force already, and has not read others since.
    """
    found = reconciled(session, force.campaign.id)
    if found is None:
        return Verdict.EDITED
    if found.files == force.fingerprint:
        return Verdict.IN_FORCE
    known = _remembered(session, force.campaign.id)
    number = _number(known.order, _mark(force.fingerprint))
    if number < 0:
        return Verdict.EDITED
    # Files that were in force before come back by an edit only where a later edition was seen: who is behind the
    # others, or catches up with them, edits nothing; and of a place that was never seen nobody can tell.
    seen = known.places.get(place)
    is_edited = not was_in_force and seen is not None and number < _number(known.order, seen)
    return Verdict.EDITED if is_edited else Verdict.OLDER


def put_in_force(session: Session, force: InForce, place: str, until: date, now: datetime) -> None:
    """The ledger has been brought up to date at ``now`` with ``force``, which stands at ``place``, up to ``until``."""
    known, before = _remembered(session, force.campaign.id), reconciled(session, force.campaign.id)
    # The edition that an earlier version put in force was not remembered yet.
    order = known.order or ([] if before is None else [_mark(before.files)])
    mark = _mark(force.fingerprint)
    known.order = [*(each for each in order if each != mark), mark]
    if not force.is_kept:
        known.places[place] = mark
        known.behind.pop(place, None)
    _remember(session, force.campaign.id, known)
    facts = (force.fingerprint, force.workdays.published, until.isoformat())
    _remember_campaign(session, force, now, is_new=before is None)
    write_fact(session, force.campaign.id, RECONCILED, json.dumps(facts))
    write_fact(session, force.campaign.id, FILES, json.dumps(dict(force.texts), ensure_ascii=False))


def see(session: Session, force: InForce, place: str) -> None:
    """These files, which are in force, stand at ``place`` now, unless they are those that the ledger keeps."""
    known, mark = _remembered(session, force.campaign.id), _mark(force.fingerprint)
    if not force.is_kept and (known.places.get(place) != mark or place in known.behind):
        known.places[place] = mark
        known.behind.pop(place, None)
        _remember(session, force.campaign.id, known)


def see_older(session: Session, force: InForce, place: str, now: datetime) -> datetime:
    """These files, older than those in force, stand at ``place`` now; from when on the operator is to be told."""
    known, mark = _remembered(session, force.campaign.id), _mark(force.fingerprint)
    from_ = known.behind.get(place)
    if from_ is None or known.places.get(place) != mark:
        from_ = from_ or (now + CATCHES_UP if place in known.places else now).isoformat()
        known.places[place], known.behind[place] = mark, from_
        _remember(session, force.campaign.id, known)
    return datetime.fromisoformat(from_)


def leave_others(session: Session, force: InForce, place: str, *, is_new: bool) -> list[str]:
    """The other campaigns whose files stood at ``place``; they stand there no more.

    Where a campaign ``is_new``, its folder may be that of another one on a machine or in a container made anew.
    """
    if force.is_kept:
        return []
    left = []
    for campaign in known_campaigns(session):
        known = _remembered(session, campaign)
        gone = [
            each
            for each in known.places
            if each == place or (is_new and _folder_of(each) == _folder_of(place))
        ]
        if campaign != force.campaign.id and gone:
            known.places = {each: mark for each, mark in known.places.items() if each not in gone}
            _remember(session, campaign, known)
            left.append(campaign)
    return left


def _folder_of(place: str) -> str:
    return place.partition(":")[2] or place


def kept_files(session: Session, campaign: str | None) -> tuple[dict[str, str], str]:
    """The files that a campaign's ledger was last brought up to date with, by name, and their fingerprint.

    None before the first.  Where nobody can tell any more which campaign is meant (None), it is the only one there.
    """
    if campaign is None:
        known = list(known_campaigns(session)) or [MAIN]
        if len(known) > 1:
            return {}, ""
        [campaign] = known
    text, found = read_fact(session, campaign, FILES), reconciled(session, campaign)
    return ({}, "") if text is None or found is None else (json.loads(text), found.files)


def _remember_campaign(session: Session, force: InForce, now: datetime, *, is_new: bool) -> None:
    """What the ledger knows of the campaign; one that a version before this put in force began when it was issued."""
    campaign = force.campaign
    began = force.beginning.day or (force.day(now) if is_new else campaign.issued)
    remember_campaign(session, Known(campaign.id, campaign.title, campaign.document, campaign.issued, began))


@dataclass(slots=True)
class _Editions:
    """What is remembered: editions oldest first, the one last seen at each place, and from when on to tell of a place."""

    order: list[str] = field(default_factory=list)
    places: dict[str, str] = field(default_factory=dict)
    behind: dict[str, str] = field(default_factory=dict)


def _is_seen(session: Session, force: InForce, place: str) -> bool:
    known = _remembered(session, force.campaign.id)
    return known.places.get(place) == _mark(force.fingerprint) and place not in known.behind


def _remembered(session: Session, campaign: str) -> _Editions:
    text = read_fact(session, campaign, EDITIONS)
    return _Editions() if text is None else _Editions(**json.loads(text))


def _remember(session: Session, campaign: str, known: _Editions) -> None:
    places, behind = (dict(list(each.items())[-REMEMBERED:]) for each in (known.places, known.behind))
    latest = _Editions(known.order[-REMEMBERED:], places, behind)
    write_fact(session, campaign, EDITIONS, json.dumps(asdict(latest)))


def _number(order: list[str], mark: str) -> int:
    """How late an edition was in force; -1 for one that never was, or too long ago."""
    return order.index(mark) if mark in order else -1


def _mark(fingerprint: str) -> str:
    """Enough to tell one edition from another."""
    return hashlib.sha256(fingerprint.encode()).hexdigest()[:16]
