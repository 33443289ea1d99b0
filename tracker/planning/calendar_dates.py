"""The dates that a digest gives to its reader's calendar: those of its items, and those that have changed since.

What a reader was told stands in the digests that went to them; what has changed, in ``revision``.  The last look at a
digest writes into ``details.dates`` what the mail has to say beside the dates of its items as they have always been.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Row, bindparam, select
from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.model import Mail, MailKind, Reason
from tracker.ledger.calendar_revisions import ref_of, revisions
from tracker.ledger.still_open import cell_of, still_asked
from tracker.mail.compose.calendar import UNCHANGED
from tracker.outbox.rows import items_from_json, mail_of, why_unreadable
from tracker.store.batches import batches
from tracker.store.tables import MAIL, MailState

DATES = "dates"

#: A reader may have these.
_TOLD = (MailState.SENT.value, MailState.UNCERTAIN.value)

#: Reference and unit.
Which = tuple[str, str]


class CalendarDate(NamedTuple):
    """A date as a mail tells it; ``scope`` is the unit where that is not the mail's own.

    ``ended`` is the title of what is asked no more, and None of what is.
    """

    unit: str
    ref: str
    due: date
    scope: str = ""
    sequence: int = UNCHANGED
    ended: str | None = None

    @property
    def which(self) -> Which:
        """Which date it is."""
        return self.ref, self.unit

    @property
    def told(self) -> tuple[object, ...]:
        """All that a calendar says of it: the same to every unit that keeps it as its own."""
        return self if self.scope else self[1:]

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> CalendarDate:
        """As it stands in the details of a mail."""
        return cls(**{**facts, "due": date.fromisoformat(facts["due"])})

    def facts(self) -> dict[str, object]:
        """The other way round."""
        told = {"scope": self.scope, "ended": self.ended}
        return {
            "ref": self.ref,
            "unit": self.unit,
            "due": self.due.isoformat(),
            "sequence": self.sequence,
            **{name: value for name, value in told.items() if value},
        }


def dates_in(mail: Mail, snapshot: CampaignSnapshot) -> tuple[CalendarDate, ...]:
    """What ``mail`` says to calendars, ended dates included; what the files do not have any more only where it ended."""
    known = snapshot.campaign.definitions
    return tuple(
        [
            each
            for each in _told_by(mail, snapshot)
            if each.ended is not None or each.ref.partition("@")[0] in known
        ]
    )


def _told_by(mail: Mail, snapshot: CampaignSnapshot) -> Iterable[CalendarDate]:
    """Each once; what was found out in the last look counts more than the items."""
    items, told = _of_items(mail, snapshot), mail.details.get(DATES)
    if not isinstance(told, list):
        return items
    beside = [CalendarDate.of(each) for each in told]
    return {each.which: each for each in (*items, *beside)}.values()


def _of_items(mail: Mail, snapshot: CampaignSnapshot) -> list[CalendarDate]:
    """The dates still to come that a reminder tells its reader to keep.

    Whoever hears of what others leave undone keeps none of those dates.
    """
    day, own = snapshot.day(mail.at), mail.unit
    return [
        CalendarDate(item.unit, item.ref, item.due, "" if item.unit == own else item.unit)
        for item in mail.items
        if item.due is not None and item.due >= day and item.reason is not Reason.ESCALATION
    ]


def changed_dates(
    session: Session, snapshot: CampaignSnapshot, mails: Sequence[Mail], today: date
) -> list[list[dict[str, object]]]:
    """For each of ``mails``, which are digests about to leave, what is to stand in its ``details.dates``."""
    if not snapshot.settings.encloses_calendar:
        return [[] for _ in mails]
    readers = {mail.to.casefold() for mail in mails}
    units = dict.fromkeys(unit for reader in readers for unit in snapshot.ever_asked.get(reader, ()))
    changed: dict[Which, Row[Any]] = {
        (ref_of(row), row.unit): row for row in revisions(session, snapshot.campaign.id, list(units))
    }
    if not changed:
        return [[] for _ in mails]
    ahead = {which for which, row in changed.items() if row.due >= today}
    told = _told(session, snapshot, {mail.to for mail in mails}, ahead)
    moved = {
        which
        for kept in told.values()
        for which in kept
        if which in ahead and changed[which].ended_on is None
    }
    cells = {which: cell_of(*which) for which in moved}
    rows = still_asked(session, snapshot.campaign.id, list(cells.values()))
    asked = {which: rows[cell].effective_due for which, cell in cells.items() if cell in rows}
    found = []
    for mail in mails:
        had = told.get(mail.to.casefold(), {})
        # Under the name by which their reader has them already, whatever unit comes first by now.
        news = [
            _as_of(each._replace(scope=had.get(each.which, each).scope), changed[each.which], each.due)
            for each in _of_items(mail, snapshot)
            if each.which in changed
        ]
        said = {each.which for each in news}
        for which, each in had.items():
            if which in said or which not in ahead or each.due < today:
                continue
            row = changed[which]
            due = row.due if row.ended_on is not None else asked.get(which)
            if each.sequence < row.sequence and due is not None and not (each.ended and row.ended_on):
                news.append(_as_of(each, row, due))
        found.append([each.facts() for each in news])
    return found


def _as_of(kept: CalendarDate, row: Row[Any], due: date) -> CalendarDate:
    """``kept`` as it stands now, under the name that it was told by."""
    ended = None if row.ended_on is None else row.title
    return kept._replace(due=due, sequence=row.sequence, ended=ended)


#: All that says to a reader which dates were told: the newest digest first, as the index of readers has them.
_NAMES = ("key", "at", "recipient", "name", "unit", "kind", "language", "content", "details")
_TOLD_TO = (
    select(*(MAIL.c[name] for name in _NAMES))
    .where(
        MAIL.c.recipient.in_(bindparam("readers", expanding=True)),
        MAIL.c.campaign == bindparam("campaign"),
        MAIL.c.kind == MailKind.DIGEST.value,
        MAIL.c.state.in_(_TOLD),
    )
    .order_by(MAIL.c.recipient.desc(), MAIL.c.id.desc())
)


def _told(
    session: Session, snapshot: CampaignSnapshot, readers: Iterable[str], wanted: Iterable[Which]
) -> Mapping[str, dict[Which, CalendarDate]]:
    """By reader, the last that digests told them of ``wanted`` and that they may have; ``readers`` as written.

    Of most digests nothing is looked at but their text: one that names what is wanted is the last of it.
    """
    found: defaultdict[str, dict[Which, CalendarDate]] = defaultdict(dict)
    open_: dict[str, dict[Which, str]] = {}
    spelled: list[str] = []
    for reader in readers:
        address = reader.casefold()
        units = snapshot.ever_asked.get(address, ())
        if mine := {which: json.dumps(which[0]) for which in wanted if which[1] in units}:
            open_[address] = mine
            spelled += dict.fromkeys((reader, address))
    for some in batches(spelled):
        for row in session.execute(_TOLD_TO, {"readers": some, "campaign": snapshot.campaign.id}):
            missing = open_[row.recipient.casefold()]
            if not any(ref in row.content or ref in row.details for ref in missing.values()):
                continue
            if why_unreadable(row) is not None:
                continue
            for each in _told_by(mail_of(row, items_from_json(row.content)), snapshot):
                if missing.pop(each.which, None) is not None:
                    found[row.recipient.casefold()][each.which] = each
    return found
