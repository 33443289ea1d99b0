"""Which assignments still ask for something, and what is to be said of them now: the second look at items."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, String, and_, column, select, values
from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.model import Item, MailKind, Reason
from tracker.core.occurrences import parse_ref
from tracker.core.status import Dates
from tracker.i18n.message import Message
from tracker.store.batches import batches
from tracker.store.tables import ASSIGNMENT, EVENT

#: Key, period and unit of an assignment.
Cell = tuple[str, str, str]

#: A mail that has waited longer than this is looked at again item by item before it goes.
FRESH = timedelta(minutes=1)

_WANTED = (column("key", String), column("period", String), column("unit", String))


def cell_of(ref: str, unit: str) -> Cell:
    """Where ``ref`` of ``unit`` stands in the ledger."""
    key, period = parse_ref(ref)
    return key, period or "", unit


def still_asked(session: Session, campaign: str, wanted: Sequence[Cell]) -> dict[Cell, Row[Any]]:
    """The assignments of ``wanted`` in one campaign that are asked for and not answered."""
    return _assignments(
        session, campaign, wanted, ASSIGNMENT.c.quiet.is_(False), ASSIGNMENT.c.removed_on.is_(None)
    )


def _assignments(
    session: Session, campaign: str, wanted: Sequence[Cell], *conditions: ColumnElement[bool]
) -> dict[Cell, Row[Any]]:
    found: dict[Cell, Row[Any]] = {}
    for some in batches(wanted):
        # Joined: SQLite looks up a list of several columns in no index, but walks through the whole ledger.
        wanted_cells = values(*_WANTED).data(list(some)).cte("wanted")
        is_it = and_(*(ASSIGNMENT.c[each.name] == each for each in wanted_cells.c))
        query = (
            select(ASSIGNMENT).join(wanted_cells, is_it).where(ASSIGNMENT.c.campaign == campaign, *conditions)
        )
        for row in session.execute(query):
            found[row.key, row.period, row.unit] = row
    return found


#: It is about nothing but what is not spoken of that day, and is told with the next one that may go.
QUIET = Message("outcomes.quiet")


def why_not_asked(session: Session, snapshot: CampaignSnapshot, items: Sequence[Item]) -> str:
    """What became of ``items`` since they were decided, of which none is told: for the mail's outcome."""
    cells = dict.fromkeys(cell_of(item.ref, item.unit) for item in items)
    rows = _assignments(session, snapshot.campaign.id, list(cells), ASSIGNMENT.c.removed_on.is_(None))
    ways = Counter(_way(snapshot, rows.get(cell)) for cell in cells)
    if set(ways) == {"answered"}:
        return str(Message("outcomes.answered"))
    told = tuple(Message(f"outcomes.way.{way}", n=ways[way]) for way in WAYS if way in ways)
    return str(Message("outcomes.not_asked", ways=told))


#: In the order in which they are told.
WAYS = ("answered", "waived", "paused", "extended", "before", "unlisted")


def _way(snapshot: CampaignSnapshot, row: Row[Any] | None) -> str:
    if row is None:
        return "unlisted"
    if row.paused:
        return "paused"
    if not row.quiet:
        is_chased = snapshot.is_chased(dates_of(snapshot, row), row.answered)
        return "extended" if is_chased else "before"
    return "waived" if row.answered == "waived" else "answered"


def as_they_stand(
    session: Session,
    snapshot: CampaignSnapshot,
    mails: Sequence[Row[Any]],
    contents: Sequence[tuple[Item, ...]],
    now: datetime,
    edited: int = 0,
) -> Sequence[tuple[Item, ...]]:
    """The items of each of ``mails`` that are still asked for, as they are to be said at ``now`` (§6.5).

    ``contents`` are the items as they were decided.  Of a mail that has just been written, and not by files from before
    the last edit (``edited`` is the last number of those), only what later events were about is looked up.
    """
    looked_up = in_question(session, snapshot.campaign.id, mails, contents, now, edited)
    if not looked_up:
        return contents
    cells = {place: cell_of(*place) for place in looked_up}
    rows = still_asked(session, snapshot.campaign.id, list(cells.values()))
    asked = {place: rows.get(cell) for place, cell in cells.items()}
    return [
        items if mail.kind == MailKind.ROLLUP.value else tuple(_restated(snapshot, items, asked, mail.day))
        for mail, items in zip(mails, contents, strict=True)
    ]


def in_question(
    session: Session,
    campaign: str,
    mails: Sequence[Row[Any]],
    contents: Sequence[tuple[Item, ...]],
    now: datetime,
    edited: int = 0,
) -> dict[tuple[str, str], None]:
    """References and units of items that may stand otherwise by now; mostly there are none.

    Of mails up to the number ``edited``, which are from before an edit, all may.
    """
    looked_up: dict[tuple[str, str], None] = {}
    fresh: list[int] = []
    for place, mail in enumerate(mails):
        # A roll-up is worked out anew as a whole (``tallies``).
        if not contents[place] or mail.kind == MailKind.ROLLUP.value:
            continue
        if mail.at < now - FRESH or mail.id <= edited:
            looked_up.update(((item.ref, item.unit), None) for item in contents[place])
        else:
            fresh.append(place)
    if fresh:
        touched = _touched_since(session, campaign, min(mails[place].seen_event for place in fresh))
        if touched:
            places = ((item.ref, item.unit) for place in fresh for item in contents[place])
            looked_up.update((place, None) for place in places if place in touched)
    return looked_up


def _touched_since(session: Session, campaign: str, event: int) -> set[tuple[str, str]]:
    later = (EVENT.c.campaign == campaign, EVENT.c.id > event)
    rows = session.execute(select(EVENT.c.ref, EVENT.c.unit).where(*later).distinct())
    return {(row.ref, row.unit) for row in rows}


def _restated(
    snapshot: CampaignSnapshot,
    items: Iterable[Item],
    asked: Mapping[tuple[str, str], Row[Any] | None],
    day: date,
) -> Iterator[Item]:
    for item in items:
        if (item.ref, item.unit) not in asked:
            yield item
            continue
        row = asked[item.ref, item.unit]
        reason = None if row is None else reason_now(snapshot, item.reason, row, day)
        if row is None or reason is None:
            continue
        due = row.effective_due
        if (reason, due) == (item.reason, item.due):
            yield item
        else:
            yield Item(item.ref, item.unit, reason, due, None if due is None else (due - day).days)


def dates_of(snapshot: CampaignSnapshot, row: Row[Any]) -> Dates:
    """The dates of the assignment of a row."""
    return Dates(row.opens, row.due, row.effective_due, row.grace_until, snapshot.campaign.issued)


def reason_now(snapshot: CampaignSnapshot, reason: Reason, row: Row[Any], day: date) -> Reason | None:
    """What a reason that was about an assignment has become by ``day``; None where it holds no more.

    So says the ledger then: what is not late any more is not called so, and what nobody is chased for is not said.
    """
    if not snapshot.is_chased(dates_of(snapshot, row), row.answered):
        return None
    due, grace_until = row.effective_due, row.grace_until
    if due is None or grace_until is None or reason in (Reason.RETURNED, Reason.PACE, Reason.REVIEW):
        return reason
    if day > grace_until:
        return Reason.ESCALATION if reason is Reason.ESCALATION else Reason.OVERDUE
    if reason is Reason.ESCALATION:
        # It has been given more time: whoever asked for it is told, and nobody else.
        return None
    if day == due:
        return Reason.DUE_TODAY
    return Reason.LEAD if reason in (Reason.DUE_TODAY, Reason.OVERDUE) else reason
