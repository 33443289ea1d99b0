"""The mail server as the service finds it: whether it lets us in, since when it takes nothing, what came of mails.

A row of ``meta`` for each campaign, and one of doors for all of them and for every process.  A server that refuses us (a
wrong password, a greeting of 554) is left alone for 5, 15, then 60 minutes, for providers lock accounts that knock more
often; every knock at such a one is written down as refused before it is made.  Another server, user or password is
another door.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta, tzinfo
from functools import cached_property
from typing import Any, NamedTuple

from sqlalchemy import bindparam, case, func, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.errors import TrackerError, UsageError
from tracker.i18n.message import Message
from tracker.i18n.recognised import recognised
from tracker.mail.transport.replies import RefusalScope, without_names
from tracker.outbox.outage import alert_of_outage
from tracker.outbox.queue import IS_TIME, enqueue, moments
from tracker.outbox.rate_limit import HOLDS
from tracker.outbox.refusals import PassResults
from tracker.store.database import Database, locked_meta, read_meta, write_meta
from tracker.store.facts import read_fact
from tracker.store.tables import MAIL, UNDERWAY, MailState

NAME, DOORS_NAME = "post", "doors"

#: After so many passes in which the server took nothing, and that was about us or it, mails cannot be sent.
RED = 2

#: So many doors, and places, are remembered.
DOORS = PLACES = 8

#: A place that was not seen for so long is there no more.
RECENT = timedelta(days=8)

#: Why something could not be written down: the database, or the ledger that is not where it was.
_NOT_KEPT = (SQLAlchemyError, TrackerError)

log = logging.getLogger("tracker")


@dataclass
class ServerState:
    """What is known.  ``counts`` by outcome and cause; ``failing`` passes without success since ``since``, at ``url``."""

    counts: dict[str, int] = field(default_factory=dict)
    url: str = ""
    failing: int = 0
    since: str | None = None
    said: str = ""
    ok_at: str | None = None
    is_ok: bool | None = None
    #: By place, what each machine sends through and signs with, as it was last seen.
    places: dict[str, dict[str, str]] = field(default_factory=dict)

    def is_failing(self, snapshot: CampaignSnapshot) -> bool:
        """Whether the server of ``snapshot`` took nothing when it was last asked."""
        return self.failing > 0 and self.url == snapshot.settings.transport

    def is_in_doubt(self, snapshot: CampaignSnapshot) -> bool:
        """The same, and whether one pass more that cannot try anything makes it certain."""
        return self.is_failing(snapshot) and self.failing < RED

    def trouble(self, snapshot: CampaignSnapshot) -> str | None:
        """Why mails cannot be sent as ``snapshot`` says, and since when; None where they can, as far as is known."""
        if not self.is_failing(snapshot) or self.failing < RED or self.since is None:
            return None
        since = said_at(datetime.fromisoformat(self.since), snapshot.zone)
        zone = snapshot.campaign.timezone
        return str(
            Message("outcomes.takes_nothing", moment=f"{since} ({zone})", why=without_names(self.said))
        )


@dataclass
class _LoginBackoff:
    """One server, user and password: shut ``until``, after so many refusals in a row; or known to let us in."""

    until: datetime | None = None
    refusals: int = 0
    said: str = ""
    is_known: bool = False

    def is_shut(self, now: datetime) -> bool:
        """Whether it is not to be asked now; a time further ahead than any hold was written by a clock set back since."""
        return self.until is not None and now < self.until <= now + 2 * HOLDS[-1]

    def refuse(self, now: datetime, said: str) -> None:
        """Leave it alone, for longer each time."""
        self.until = now + HOLDS[min(self.refusals, len(HOLDS) - 1)]
        self.refusals += 1
        self.said = said


def read_state(session: Session, campaign: str) -> ServerState:
    """As it stands in the database."""
    return _state(read_meta(session, f"{NAME} {campaign}"))


def said_at(moment: datetime, zone: tzinfo) -> str:
    """A time for eyes, by the clock of ``zone``."""
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


def door_of(url: str, password: str | None, secret: str) -> str:
    """The name of a door: from it nobody learns the password."""
    return hmac.new(secret.encode(), f"{url}\0{password or ''}".encode(), hashlib.sha256).hexdigest()[:32]


def forget_refused_logins(session: Session, campaign: str, now: datetime) -> None:
    """By a person's word: everything that waits for a server may go at once."""
    backoffs = _doors(locked_meta(session, DOORS_NAME))
    for backoff in backoffs.values():
        backoff.until, backoff.refusals = None, 0
    if backoffs:
        _keep(session, backoffs)
    wake(session, campaign, now)


def wake(session: Session, campaign: str, now: datetime) -> None:
    """What waits because of us or the server waits no longer."""
    waits = (MAIL.c.state == MailState.DEFERRED.value, MAIL.c.cause == RefusalScope.US.value)
    ours = (UNDERWAY, MAIL.c.campaign == campaign, *waits, MAIL.c.not_before > now)
    session.execute(update(MAIL).where(*ours).values(not_before=now))


class MailServer:
    """The door and the doings of one process that sends as ``snapshot`` says, with files at ``place``.

    ``key`` gives the key by which doors are named; without ``snapshot`` nothing is known of a door.
    """

    def __init__(
        self,
        database: Database,
        read_clock: Callable[[], datetime],
        snapshot: CampaignSnapshot | None = None,
        place: str = "",
        key: Callable[[], str] = str,
    ) -> None:
        self._database = database
        self._read_clock = read_clock
        self._snapshot = snapshot
        self._place = place
        self._key = key
        self._has_looked = snapshot is None
        #: The door as it was before we knocked, where that was written down as a refusal.
        self._before: _LoginBackoff | None = None

    @cached_property
    def _name(self) -> str:
        settings = self._of.settings
        return door_of(settings.transport, settings.mail_password, self._key())

    @property
    def _of(self) -> CampaignSnapshot:
        assert self._snapshot is not None
        return self._snapshot

    def look(self) -> bool:
        """Notice another server, user or password than this place had before: nothing that waited has to wait on.

        Also that another machine has another key: what either signs the other one refuses.  False where it was done
        before, or cannot be.
        """
        if self._has_looked:
            return False
        try:
            now, mark = self._read_clock(), door_of("", None, self._key())[:8]
        except UsageError:
            # No key can be kept: whoever needs one says so.
            return False
        campaign = self._of.campaign.id
        with self._database.writing(alone=False) as session:
            state = _state(locked_meta(session, f"{NAME} {campaign}", make="{}"))
            backoffs = _doors(locked_meta(session, DOORS_NAME, make="{}"))
            before = state.places.pop(self._place, {}).get("door")
            # A place that nobody knows may be this one under another name: there a door that is known is no other one.
            if before != self._name and (before is not None or self._name not in backoffs):
                known = backoffs.pop(self._name, _LoginBackoff())
                _keep(session, backoffs | {self._name: _LoginBackoff(is_known=known.is_known)})
                wake(session, campaign, now)
            state.places[self._place] = {"door": self._name, "key": mark, "at": now.isoformat()}
            state.places = dict(list(state.places.items())[-PLACES:])
            _save(session, self._of, state)
        self._has_looked = True
        others = [
            place for place, of in state.places.items() if of.get("key") != mark and _is_recent(of, now)
        ]
        if others:
            log.warning("%s", Message("service.other_keys", places=", ".join(others)))
        return True

    def shut_until(self) -> datetime | None:
        """Until when the mail server is left alone; None where it may be asked."""
        if self._snapshot is None or self._snapshot.settings.transport.startswith("mailbox:"):
            return None
        now = self._read_clock()
        with self._database.reading() as session:
            backoff = _doors(read_meta(session, DOORS_NAME)).get(self._name)
        return backoff.until if backoff is not None and backoff.is_shut(now) else None

    # --- as a door of the mail room ---

    async def knock(self, *, needs_login: bool) -> str | None:
        """See ``tracker.mail.transport.transport.Door``: nobody is asked where it could not be written down."""
        try:
            return await self._beside(lambda: self._knock(needs_login=needs_login))
        except _NOT_KEPT as error:
            return str(error)

    async def is_open(self) -> None:
        """See ``tracker.mail.transport.transport.Door``."""
        with suppress(*_NOT_KEPT):
            await self._beside(self._is_open)

    async def is_shut(self, why: str, *, is_refusal: bool) -> None:
        """See ``tracker.mail.transport.transport.Door``."""
        with suppress(*_NOT_KEPT):
            await self._beside(lambda: self._is_shut(why, is_refusal=is_refusal))

    async def _beside(self, work: Callable[[], str | None]) -> str | None:
        return work() if self._database.in_memory else await asyncio.to_thread(work)

    def _knock(self, *, needs_login: bool) -> str | None:
        self._before = None
        if self._is_well():
            return None
        now = self._read_clock()
        with self._database.writing(alone=False) as session:
            backoffs = _doors(locked_meta(session, DOORS_NAME, make="{}"))
            backoff = backoffs.pop(self._name, None) or _LoginBackoff()
            if backoff.until is not None and backoff.is_shut(now):
                return str(
                    Message(
                        "outcomes.not_before", why=backoff.said, moment=said_at(backoff.until, self._of.zone)
                    )
                )
            if backoff.refusals or (needs_login and not backoff.is_known):
                self._before = replace(backoff, until=None)
                backoff.refuse(now, backoff.said or "another process is trying to log in, or died of it")
            _keep(session, backoffs | {self._name: backoff})
        return None

    def _is_well(self) -> bool:
        with self._database.reading() as session:
            backoff = _doors(read_meta(session, DOORS_NAME)).get(self._name)
        return backoff is not None and backoff.is_known and not backoff.refusals

    def _is_open(self) -> None:
        self._before = None
        if not self._is_well():
            with self._database.writing(alone=False) as session:
                backoffs = _doors(locked_meta(session, DOORS_NAME, make="{}"))
                _keep(session, backoffs | {self._name: _LoginBackoff(is_known=True)})
                wake(session, self._of.campaign.id, self._read_clock())

    def _is_shut(self, why: str, *, is_refusal: bool) -> None:
        before, self._before = self._before, None
        if before is None and not is_refusal:
            return
        with self._database.writing(alone=False) as session:
            backoffs = _doors(locked_meta(session, DOORS_NAME, make="{}"))
            backoff = before or backoffs.get(self._name) or _LoginBackoff()
            if is_refusal:
                backoff.refuse(self._read_clock(), why)
            _keep(session, backoffs | {self._name: backoff})

    # --- what came of a pass ---

    def passed(self, snapshot: CampaignSnapshot, sifting: PassResults) -> None:
        """Write down what came of a pass that had mails to send."""
        now, url = self._read_clock(), snapshot.settings.transport
        with self._database.writing(alone=False) as session:
            state = _state(locked_meta(session, f"{NAME} {snapshot.campaign.id}", make="{}"))
            state.counts = dict(Counter(state.counts) + Counter(sifting.counts))
            if self._place in state.places:
                state.places[self._place]["at"] = now.isoformat()
            if sifting.has_sent:
                if state.failing and state.url == url:
                    wake(session, snapshot.campaign.id, now)
                state.failing, state.since, state.said = 0, None, ""
                state.ok_at, state.is_ok, state.url = now.isoformat(), True, url
            elif sifting.trouble is not None:
                state.is_ok = False
                self._fails(session, snapshot, state, sifting.trouble)
            _save(session, snapshot, state)

    def still_fails(self, snapshot: CampaignSnapshot) -> None:
        """A pass in which nothing was tried, for everything waits for the server."""
        with self._database.writing(alone=False) as session:
            state = _state(locked_meta(session, f"{NAME} {snapshot.campaign.id}", make="{}"))
            if state.is_in_doubt(snapshot):
                self._fails(session, snapshot, state, state.said)
                _save(session, snapshot, state)

    def _fails(self, session: Session, snapshot: CampaignSnapshot, state: ServerState, said: str) -> None:
        now, url = self._read_clock(), snapshot.settings.transport
        if not state.failing or state.url != url:
            state.failing, state.since = 0, now.astimezone(snapshot.zone).isoformat(timespec="seconds")
        state.failing, state.url, state.said = state.failing + 1, url, said
        if state.failing >= RED and state.since is not None:
            # When it is asked again is no news to whoever reads it later.
            known = recognised(said)
            reason = (
                str(known.facts["why"]) if known is not None and known.key == "outcomes.not_before" else said
            )
            alert = alert_of_outage(session, snapshot, state.since, reason, now)
            enqueue(session, snapshot, [] if alert is None or state.failing > RED else [alert], now, 0)


def _is_recent(place: Mapping[str, str], now: datetime) -> bool:
    return now - datetime.fromisoformat(place["at"]) < RECENT


class Backlog(NamedTuple):
    """What waits after a pass: how many, how many of them not tried though it was their time, and when one goes next."""

    waiting: int
    untried: int
    next_try: datetime | None


_LEFT = select(
    func.count(),
    func.coalesce(func.sum(case((IS_TIME, 1), else_=0)), 0),
    func.min(case((~IS_TIME, MAIL.c.not_before))),
).where(UNDERWAY, MAIL.c.campaign == bindparam("campaign"))


def queue_at(session: Session, campaign: str, now: datetime) -> Backlog:
    """What of ``campaign`` waits at ``now``."""
    return Backlog(*session.execute(_LEFT, {"campaign": campaign, **moments(now)}).one())


def _state(text: str | None) -> ServerState:
    return read_fact(text, NAME, lambda facts: ServerState(**facts), ServerState())


def _save(session: Session, snapshot: CampaignSnapshot, state: ServerState) -> None:
    write_meta(session, f"{NAME} {snapshot.campaign.id}", json.dumps(asdict(state), ensure_ascii=False))


def _doors(text: str | None) -> dict[str, _LoginBackoff]:
    return read_fact(text, DOORS_NAME, lambda found: {name: _door(**of) for name, of in found.items()}, {})


def _door(*, until: str | None, **facts: Any) -> _LoginBackoff:
    return _LoginBackoff(None if until is None else datetime.fromisoformat(until), **facts)


def _keep(session: Session, backoffs: Mapping[str, _LoginBackoff]) -> None:
    """The latest of them."""
    latest = list(backoffs.items())[-DOORS:]
    text = json.dumps({name: asdict(backoff) for name, backoff in latest}, default=datetime.isoformat)
    write_meta(session, DOORS_NAME, text)
