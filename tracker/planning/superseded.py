"""Digests of earlier days that could not be sent, or failed: what stood in them is told today, as it stands today (§6.6).

It is told to whoever gets it today.  What is for people of another time zone waits for their day to be planned, and
what is for nobody waits until somebody is there; so no edit of people or zones loses it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, or_, select, update
from sqlmodel import Session

from tracker.campaign.recipients import Recipients
from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.model import Item, MailKind
from tracker.i18n.message import Message
from tracker.ledger.still_open import Cell, cell_of, reason_now, still_asked
from tracker.mail.transport.replies import RefusalScope
from tracker.outbox.failed_mails import set_aside_unread
from tracker.outbox.queue import IS_FREE, IS_OF_NO_ZONE, moments
from tracker.outbox.rows import items_from_json, items_to_json, why_unreadable
from tracker.planning.collect import DigestItem, line_of
from tracker.store.batches import batches
from tracker.store.tables import MAIL, UNDERWAY, MailState

_STALE = (
    select(MAIL)
    .where(
        UNDERWAY,
        MAIL.c.campaign == bindparam("campaign"),
        MAIL.c.kind == MailKind.DIGEST.value,
        # What a process that died had in hand may have gone out; its items are told once more, the mail is not.
        or_(MAIL.c.state != MailState.CLAIMED.value, IS_FREE),
        or_(MAIL.c.timezone == bindparam("timezone"), IS_OF_NO_ZONE),
        MAIL.c.day < bindparam("day"),
    )
    # By their numbers the database would walk through all mails ever.
    .order_by(MAIL.c.not_before, MAIL.c.id)
    # Others may claim beside us: one that is being claimed is waited for, looked at again, and left to them.
    .with_for_update()
)
#: What failed as short a while ago is told again, too: longer than any holiday.  To who is said not to be there it is
#: told with whatever else they are told, and nothing is written for it alone.
FAILED_WITHIN = timedelta(days=31)
_FAILED = select(MAIL).where(
    MAIL.c.at >= bindparam("since"),
    MAIL.c.state == MailState.FAILED.value,
    MAIL.c.campaign == bindparam("campaign"),
    MAIL.c.kind == MailKind.DIGEST.value,
    or_(MAIL.c.timezone == bindparam("timezone"), IS_OF_NO_ZONE),
    MAIL.c.day < bindparam("day"),
)
_LEAVE = (
    update(MAIL)
    .where(MAIL.c.id == bindparam("row"))
    .values(
        state=MailState.DEFERRED.value,
        content=bindparam("rest"),
        timezone=bindparam("zone"),
        fence=MAIL.c.fence + 1,
        lease_until=None,
    )
)


class ToldAgain:
    """``by_address`` are the lines for people of one time zone, ``unheard`` the units at which nobody is left.

    ``beside`` are lines for those of whom a server has said that they are not there, from the mails ``of_beside``.
    """

    def __init__(self) -> None:
        self.by_address: defaultdict[str, list[DigestItem]] = defaultdict(list)
        self.beside: defaultdict[str, list[DigestItem]] = defaultdict(list)
        self.of_beside: defaultdict[str, list[int]] = defaultdict(list)
        self.unheard: set[str] = set()


def supersede(
    session: Session, snapshot: CampaignSnapshot, people: Recipients, timezone: str, day: date, now: datetime
) -> ToldAgain:
    """Take such digests of ``timezone`` out of the queue, and give back what stood in them.

    ``people`` are all who get mail on ``day``, of whatever zone.
    """
    given = {
        "campaign": snapshot.campaign.id,
        "day": day,
        "timezone": timezone,
        "zones": snapshot.timezones,
        **moments(now),
    }
    unsent = [
        *set_aside_unread(
            session, snapshot, sorted(session.execute(_STALE, given), key=lambda mail: mail.id), now
        ),
        *(
            mail
            for mail in session.execute(_FAILED, {**given, "since": now - FAILED_WITHIN})
            if why_unreadable(mail) is None
        ),
    ]
    told = ToldAgain()
    if not unsent:
        return told
    contents = [items_from_json(mail.content) for mail in unsent]
    cells = dict.fromkeys(cell_of(item.ref, item.unit) for items in contents for item in items)
    rows = still_asked(session, snapshot.campaign.id, list(cells))
    done: list[int] = []
    left: list[dict[str, object]] = []
    for mail, items in zip(unsent, contents, strict=True):
        address = mail.recipient.casefold()
        is_said_gone = mail.state == MailState.FAILED.value and mail.cause == RefusalScope.RECIPIENT
        if is_said_gone and address in people.persons:
            _Again(snapshot, people, timezone, day, told, address, told.beside).tell(items, rows)
            told.of_beside[address].append(mail.id)
            continue
        again = _Again(snapshot, people, timezone, day, told, address, told.by_address)
        again.tell(items, rows)
        if again.left:
            left.append({"row": mail.id, "rest": items_to_json(again.left), "zone": again.zone})
        else:
            done.append(mail.id)
    told_in_digest(session, done, day)
    if left:
        session.connection().execute(_LEAVE, left)
    return told


def told_in_digest(session: Session, mails: Sequence[int], day: date) -> None:
    """What stood in these digests is told in that of ``day``."""
    leave_to_later(session, mails, str(Message("outcomes.told_in_digest", day=day)))


def leave_to_later(session: Session, mails: Sequence[int], outcome: str) -> None:
    """Mails that do not go, as a later one tells what stands in them; a claim that somebody has on them ends."""
    gone = {
        "state": MailState.SUPERSEDED.value,
        "outcome": outcome,
        "fence": MAIL.c.fence + 1,
        "lease_until": None,
    }
    for some in batches(mails):
        session.execute(update(MAIL).where(MAIL.c.id.in_(some)).values(gone))


class _Again:
    """One such digest: ``left`` is what nobody in this time zone can be told, ``zone`` is where it waits."""

    def __init__(
        self,
        snapshot: CampaignSnapshot,
        people: Recipients,
        timezone: str,
        day: date,
        told: ToldAgain,
        address: str,
        lines: defaultdict[str, list[DigestItem]],
    ) -> None:
        self._snapshot = snapshot
        self._people = people
        self._timezone = timezone
        self._day = day
        self._told = told
        self._address = address
        self._lines = lines
        self.left: list[Item] = []
        self.zone = snapshot.campaign.timezone

    def tell(self, items: Iterable[Item], rows: dict[Cell, Row[Any]]) -> None:
        """Give each item that still holds to its readers."""
        for item in items:
            row = rows.get(cell_of(item.ref, item.unit))
            if row is None or row.key not in self._snapshot.campaign.definitions:
                continue
            reason = reason_now(self._snapshot, item.reason, row, self._day)
            unit = None if reason is None else self._snapshot.responsible(item.unit, reason)
            if reason is None or unit is None:
                continue
            readers = self._people.of_unit.get(unit, ())
            if self._address in readers:
                readers = (self._address,)
            elif self._lines is self._told.beside:
                continue
            zones = {address: self._people.persons[address].timezone for address in readers}
            for address in readers:
                if zones[address] == self._timezone:
                    self._lines[address].append(line_of(self._snapshot, row, reason, self._day))
            elsewhere = [zone for zone in zones.values() if zone != self._timezone]
            if elsewhere or not readers:
                self.left.append(item)
                self.zone = elsewhere[0] if elsewhere else self.zone
            if not readers:
                self._told.unheard.add(unit)
