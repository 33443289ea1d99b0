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

from sqlalchemy import func, select, update
from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.model import MAIN
from tracker.core.workdays import Workdays
from tracker.errors import OvertakenError
from tracker.ledger.rules_since import note_rules
from tracker.ledger.still_open import QUIET
from tracker.store.campaigns import KnownCampaign, known_campaigns, read_fact, remember_campaign, write_fact
from tracker.store.tables import MAIL, UNDERWAY

#: What the ledger was last brought up to date with.
RECONCILED = "reconciled"
EDITIONS = "editions"
#: The files themselves, and what is published of the calendar.
FILES = "files"
CALENDAR = "calendar"

#: So long a place that the ledger knows may be behind the others before the operator is told; one that was never
#: seen, such as a container or a release made anew from older files, is told of at once.
CATCHES_UP = timedelta(hours=1)

#: So many editions are remembered, and as many places.
REMEMBERED = 1000


class EditionCheck(StrEnum):
    """What the files of a process are to the ledger."""

    IN_FORCE = "in force"
    EDITED = "edited"
    OLDER = "older"


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What the ledger was last brought up to date with, and ``mails``, the last number in the outbox by then.

    ``edition`` counts how often that was: an edit that is taken back may leave another ledger than there was before it.
    Where an old version did it, ``calendar`` is "", ``mails`` None and ``edition`` 0.
    """

    files: str
    calendar: str
    horizon: date
    mails: int | None
    edition: int = 0

    def is_with(self, snapshot: CampaignSnapshot) -> bool:
        """Whether that is ``snapshot``, calendar and all."""
        workdays = snapshot.workdays
        # Of an old version nobody knows the days: with an earlier calendar its dates are left alone.
        is_left_alone = self.mails is None and workdays.is_published_earlier(self.calendar)
        return self.files == snapshot.fingerprint and (self.calendar == workdays.published or is_left_alone)


def reconciled(session: Session, campaign: str, *, hold: bool = False) -> Reconciled | None:
    """What a campaign's ledger was last brought up to date with; None before the first time.

    ``hold``: nobody brings it up to date with anything else until this transaction ends.
    """
    text = read_fact(session, campaign, RECONCILED, hold=hold)
    if text is None:
        return None
    # Earlier versions wrote no calendar.
    if not text.startswith("["):
        files, _, horizon = text.rpartition(" ")
        return Reconciled(files, "", date.fromisoformat(horizon), None)
    files, calendar, horizon, *more = json.loads(text)
    mails, edition = (*more, None, None)[:2]
    return Reconciled(files, calendar, date.fromisoformat(horizon), mails, edition or 0)


def is_overtaken(session: Session, snapshot: CampaignSnapshot) -> bool:
    """Whether the ledger follows something else than ``snapshot``."""
    found = reconciled(session, snapshot.campaign.id)
    return found is not None and not found.is_with(snapshot)


def refuse_overtaken(session: Session, snapshot: CampaignSnapshot) -> None:
    """Raise OvertakenError where the ledger follows something else: nothing is folded or said by ``snapshot`` then."""
    if is_overtaken(session, snapshot):
        raise OvertakenError("overtaken")


def last_mail_before(session: Session, snapshot: CampaignSnapshot) -> int:
    """The number of the last mail that was written before ``snapshot`` came into force; it stays so in this transaction.

    0 where nothing ever was in force.  Raises OvertakenError where something else is.
    """
    found = reconciled(session, snapshot.campaign.id, hold=True)
    if found is not None and not found.is_with(snapshot):
        raise OvertakenError("overtaken")
    return 0 if found is None or found.mails is None else found.mails


def has_files_in_force(session: Session, snapshot: CampaignSnapshot) -> bool:
    """Whether the ledger follows these files, by whatever calendar."""
    found = reconciled(session, snapshot.campaign.id)
    return found is not None and found.files == snapshot.fingerprint


def follows(session: Session, snapshot: CampaignSnapshot, place: str | None, until: date) -> bool:
    """Whether the ledger follows ``snapshot`` up to ``until``, and knows the ``place`` of its files."""
    found = reconciled(session, snapshot.campaign.id)
    return (
        found is not None
        and found.is_with(snapshot)
        and (found.mails is not None or snapshot.workdays.is_published_earlier(found.calendar))
        and found.horizon >= until
        and (snapshot.is_kept or place is None or _is_seen(session, snapshot, place))
    )


def later_calendar(session: Session, snapshot: CampaignSnapshot) -> Workdays | None:
    """The calendar of ``snapshot`` with what the ledger follows as published, where that is later than what we have."""
    found = reconciled(session, snapshot.campaign.id)
    if found is None or not snapshot.workdays.is_published_earlier(found.calendar):
        return None
    text = read_fact(session, snapshot.campaign.id, CALENDAR)
    return None if text is None else snapshot.workdays.by(json.loads(text))


def judge(session: Session, snapshot: CampaignSnapshot, place: str, *, was_in_force: bool) -> EditionCheck:
    """What the files of ``snapshot``, found at ``place``, are to the ledger.

    ``was_in_force``: this process has had them in force already, and has not read others since.
    """
    found = reconciled(session, snapshot.campaign.id)
    if found is None:
        return EditionCheck.EDITED
    if found.files == snapshot.fingerprint:
        return EditionCheck.IN_FORCE
    known = _remembered(session, snapshot.campaign.id)
    number = _number(known.order, _mark(snapshot.fingerprint))
    if number < 0:
        return EditionCheck.EDITED
    # Files that were in force before come back by an edit only where a later edition was seen: who is behind the
    # others, or catches up with them, edits nothing; and of a place that was never seen nobody can tell.
    seen = known.places.get(place)
    is_edited = not was_in_force and seen is not None and number < _number(known.order, seen)
    return EditionCheck.EDITED if is_edited else EditionCheck.OLDER


def put_in_force(
    session: Session, snapshot: CampaignSnapshot, place: str, until: date, now: datetime
) -> None:
    """The ledger has been brought up to date at ``now`` with ``snapshot``, which stands at ``place``, up to ``until``."""
    known, before = _remembered(session, snapshot.campaign.id), reconciled(session, snapshot.campaign.id)
    # The edition that an earlier version put in force was not remembered yet.
    order = known.order or ([] if before is None else [_mark(before.files)])
    mark = _mark(snapshot.fingerprint)
    known.order = [*(each for each in order if each != mark), mark]
    if not snapshot.is_kept:
        known.places[place] = mark
        known.behind.pop(place, None)
    _remember(session, snapshot.campaign.id, known)
    _remember_campaign(session, snapshot, now, is_new=before is None)
    note_rules(session, snapshot, now)
    # Whoever is claiming by what was in force before is waited for: what they write is of before.
    reconciled(session, snapshot.campaign.id, hold=True)
    mails = session.execute(select(func.coalesce(func.max(MAIL.c.id), 0))).scalar_one()
    # By these files today may be no quiet day.
    waits = (
        UNDERWAY,
        MAIL.c.campaign == snapshot.campaign.id,
        MAIL.c.outcome == str(QUIET),
        MAIL.c.not_before > now,
    )
    session.execute(update(MAIL).where(*waits).values(not_before=now))
    edition = 1 if before is None else before.edition + 1
    facts = (snapshot.fingerprint, snapshot.workdays.published, until.isoformat(), mails, edition)
    write_fact(session, snapshot.campaign.id, RECONCILED, json.dumps(facts))
    published = json.dumps(snapshot.workdays.published_facts(snapshot.campaign.issued.year))
    write_fact(session, snapshot.campaign.id, CALENDAR, published)
    write_fact(session, snapshot.campaign.id, FILES, json.dumps(dict(snapshot.texts), ensure_ascii=False))


def see(session: Session, snapshot: CampaignSnapshot, place: str) -> None:
    """These files, which are in force, stand at ``place`` now, unless they are those that the ledger keeps."""
    known, mark = _remembered(session, snapshot.campaign.id), _mark(snapshot.fingerprint)
    if not snapshot.is_kept and (known.places.get(place) != mark or place in known.behind):
        known.places[place] = mark
        known.behind.pop(place, None)
        _remember(session, snapshot.campaign.id, known)


def see_older(session: Session, snapshot: CampaignSnapshot, place: str, now: datetime) -> datetime:
    """These files, older than those in force, stand at ``place`` now; from when on the operator is to be told."""
    known, mark = _remembered(session, snapshot.campaign.id), _mark(snapshot.fingerprint)
    from_ = known.behind.get(place)
    if from_ is None or known.places.get(place) != mark:
        from_ = from_ or (now + CATCHES_UP if place in known.places else now).isoformat()
        known.places[place], known.behind[place] = mark, from_
        _remember(session, snapshot.campaign.id, known)
    return datetime.fromisoformat(from_)


def see_held(session: Session, snapshot: CampaignSnapshot, place: str, now: datetime) -> datetime:
    """An edit at ``place`` is held back; since when, which ends once what stands there is in force (``see``)."""
    known = _remembered(session, snapshot.campaign.id)
    since = known.behind.get(place)
    if since is None:
        since = known.behind[place] = now.isoformat()
        _remember(session, snapshot.campaign.id, known)
    return datetime.fromisoformat(since)


def leave_others(session: Session, snapshot: CampaignSnapshot, place: str, *, is_new: bool) -> list[str]:
    """The other campaigns whose files stood at ``place``; they stand there no more.

    Where a campaign ``is_new``, its folder may be that of another one on a machine or in a container made anew.
    """
    if snapshot.is_kept:
        return []
    left = []
    for campaign in known_campaigns(session):
        known = _remembered(session, campaign)
        gone = [
            each
            for each in known.places
            if each == place or (is_new and _folder_of(each) == _folder_of(place))
        ]
        if campaign != snapshot.campaign.id and gone:
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


def _remember_campaign(session: Session, snapshot: CampaignSnapshot, now: datetime, *, is_new: bool) -> None:
    """What the ledger knows of the campaign; one that a version before this put in force began when it was issued."""
    campaign = snapshot.campaign
    began = snapshot.beginning.day or (snapshot.day(now) if is_new else campaign.issued)
    remember_campaign(
        session, KnownCampaign(campaign.id, campaign.title, campaign.document, campaign.issued, began)
    )


@dataclass(slots=True)
class _Editions:
    """What is remembered: editions oldest first, the one last seen at each place, and from when on to tell of a place.

    ``behind`` are the places at which files are held back now; nothing is told of one twice while it is among them.
    """

    order: list[str] = field(default_factory=list)
    places: dict[str, str] = field(default_factory=dict)
    behind: dict[str, str] = field(default_factory=dict)


def _is_seen(session: Session, snapshot: CampaignSnapshot, place: str) -> bool:
    known = _remembered(session, snapshot.campaign.id)
    return known.places.get(place) == _mark(snapshot.fingerprint) and place not in known.behind


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
