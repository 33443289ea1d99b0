"""What is done once a clock that ran days ahead has been set right (docs/design/engine.md).

While it was wrong, days were planned that are yet to come.  What was written for them and has not gone out is taken
back; what has gone out is said for its day, if it still stands so when that day comes.  The agenda goes on from the
last day that has really come, and the operator is told.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, case, func, not_, or_, select, true, update
from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.model import MailKind, Reason, owned
from tracker.i18n.catalogue import words
from tracker.i18n.message import Message
from tracker.ledger.agenda import (
    BEGAN,
    first_day,
    go_on_after,
    missed_days,
    planned_day,
    set_missed_days,
    set_planned_day,
)
from tracker.ledger.beginning import known_beginning, tell_of_before
from tracker.ledger.overdue_beat import begin_beats, forget_beats
from tracker.ledger.reconcile import note_chased
from tracker.ledger.single_reminder import SingleReminder
from tracker.ledger.still_open import cell_of
from tracker.mail.transport.replies import FINAL
from tracker.outbox.alerts import alert_details, alert_row
from tracker.outbox.queue import IS_FREE, OF_A_DAY, enqueue, moments
from tracker.outbox.rows import items_from_json, why_unreadable
from tracker.store.campaigns import correct_beginning, write_fact
from tracker.store.tables import ASSIGNMENT, MAIL, UNDERWAY, MailState

#: The clocks of two machines may differ by so much around midnight.
SKEW = timedelta(hours=1)

OUTCOME = Message("outcomes.clock_wrong")
PUT_BACK = Message("outcomes.clock_right")

#: What may have reached its reader.
_OUT = (MailState.SENT.value, MailState.CLAIMED.value, MailState.UNCERTAIN.value)


def is_misled(planned: date | None, timezone: str, now: datetime) -> bool:
    """Whether the day that was ``planned`` last in ``timezone`` can only have been planned by a wrong clock."""
    return planned is not None and datetime.combine(planned, time.min, ZoneInfo(timezone)) - now > SKEW


def come_back(session: Session, snapshot: CampaignSnapshot, now: datetime) -> None:
    """Take back what was planned for days that have not come, if anything was."""
    planned = {zone: planned_day(session, snapshot.campaign.id, zone) for zone in snapshot.timezones}
    began = known_beginning(session, snapshot)
    has_begun = not is_misled(began, snapshot.campaign.timezone, now)
    if has_begun and not any(is_misled(day, zone, now) for zone, day in planned.items()):
        return
    days = {zone: now.astimezone(ZoneInfo(zone)).date() for zone in snapshot.timezones}
    ahead = [day for zone, day in planned.items() if day is not None and day > days[zone]]
    again = _put_back(session, snapshot.campaign.id, days, ahead, now)
    let_go, out = _take_back(session, snapshot.campaign.id, days, now, again)
    told = {zone: _last_told(session, snapshot.campaign.id, zone, day) for zone, day in days.items()}
    if not has_begun:
        # What is due from now on is chased, and not only from that clock's day on.
        snapshot.beginning.day = snapshot.day(now)
        correct_beginning(session, snapshot.campaign.id, snapshot.beginning.day)
        note_chased(session, snapshot)
    first = first_day(session, snapshot.campaign.id)
    if first is None or first > max(days.values()):
        # Nothing was ever said but by the wrong clock: it begins now.
        write_fact(session, snapshot.campaign.id, BEGAN, min(told.values()).isoformat())
        go_on_after(session, snapshot, date.min, true())
    else:
        said = min(told.values())
        go_on_after(
            session, snapshot, said, true(), told={zone: day for zone, day in told.items() if day > said}
        )
    forget_beats(session, snapshot, max(days.values()))
    for zone, day in told.items():
        set_planned_day(session, snapshot.campaign.id, zone, day)
        # What that clock passed over is yet to come.
        missed = [each for each in missed_days(session, snapshot.campaign.id, zone) if each[1] <= days[zone]]
        set_missed_days(session, snapshot.campaign.id, zone, missed)
    begin_beats(session, snapshot, min(told.values()))
    if not has_begun and snapshot.campaign.chase_from is None:
        tell_of_before(session, snapshot, now)
    latest = max(day for day in (began, *planned.values()) if day is not None)
    facts = {"planned": latest, "today": snapshot.day(now), "let_go": let_go, "out": out}
    _tell_operator(session, snapshot, facts, now)


def _of_days_to_come(campaign: str, days: dict[str, date]) -> ColumnElement[bool]:
    to_come = (and_(MAIL.c.timezone == zone, MAIL.c.day > day) for zone, day in days.items())
    return and_(
        MAIL.c.campaign == campaign,
        MAIL.c.kind.in_(OF_A_DAY),
        or_(*to_come, MAIL.c.day > max(days.values())),
    )


def _put_back(
    session: Session, campaign: str, days: dict[str, date], ahead: Sequence[date], now: datetime
) -> set[tuple[str, str]]:
    """Let mails wait on that were to be told in those of days to come, and were not; what (ref, unit) stands in them.

    What waited is tried now, not when that clock meant; ``ahead`` are the days that were planned last.
    """
    of_days = _of_days_to_come(campaign, days)
    waits = (MAIL.c.campaign == campaign, UNDERWAY, MAIL.c.attempts > 0, MAIL.c.not_before > now)
    session.execute(
        update(MAIL).where(*waits, MAIL.c.state != MailState.CLAIMED.value).values(not_before=now)
    )
    written = session.execute(
        select(MAIL.c.kind, MAIL.c.day, MAIL.c.state, MAIL.c.recipient).where(of_days)
    ).all()
    #: The last day to come for which a mail of that kind went out to somebody: all that was theirs stood in it.
    heard: defaultdict[tuple[str, str], date] = defaultdict(lambda: date.min)
    for mail in written:
        if mail.state in _OUT:
            whose = (mail.kind, mail.recipient.casefold())
            heard[whose] = max(heard[whose], mail.day)
    instead = {
        str(Message(key, day=day)): day
        for day in {*ahead, *(mail.day for mail in written)}
        for key in ("outcomes.told_in_digest", "outcomes.told_in_rollup")
    }
    put_off = session.execute(
        select(MAIL).where(
            MAIL.c.campaign == campaign,
            MAIL.c.kind.in_(OF_A_DAY),
            MAIL.c.state == MailState.SUPERSEDED.value,
            MAIL.c.outcome.in_(list(instead)),
            not_(of_days),
        )
    ).all()
    again: set[tuple[str, str]] = set()
    for mail in put_off:
        if heard[mail.kind, mail.recipient.casefold()] >= instead[mail.outcome] or why_unreadable(mail):
            continue
        # What failed is told with the next day that is planned, as it would have been.
        state = MailState.FAILED if mail.cause in FINAL else MailState.DEFERRED
        values = {"state": state.value, "outcome": str(PUT_BACK), "not_before": now}
        session.execute(update(MAIL).where(MAIL.c.id == mail.id).values(**values))
        again.update((item.ref, item.unit) for item in items_from_json(mail.content))
    return again


def _take_back(
    session: Session, campaign: str, days: dict[str, date], now: datetime, again: Collection[tuple[str, str]]
) -> tuple[int, int]:
    """How many mails of days to come were taken back, and how many have gone out; ``again`` is told by others."""
    last = max(days.values())
    of_days = _of_days_to_come(campaign, days)
    unsent = session.execute(
        select(MAIL).where(
            of_days,
            UNDERWAY,
            # What somebody has in hand may be on its way already.
            or_(MAIL.c.state != MailState.CLAIMED.value, IS_FREE),
        ),
        moments(now),
    ).all()
    for mail in unsent:
        session.execute(
            update(MAIL)
            .where(MAIL.c.id == mail.id)
            .values(
                state=MailState.DROPPED.value, lease_until=None, fence=MAIL.c.fence + 1, outcome=str(OUTCOME)
            )
        )
        for item in items_from_json(mail.content) if why_unreadable(mail) is None else ():
            if item.reason is Reason.RETURNED and (item.ref, item.unit) not in again:
                _say_again(session, campaign, item.ref, item.unit, last)
    to_be_said = (ASSIGNMENT.c.campaign == campaign, ASSIGNMENT.c.nudge_on > last)
    session.execute(update(ASSIGNMENT).where(*to_be_said).values(nudge_on=last))
    out = session.execute(select(MAIL.c.id).where(of_days, MAIL.c.state.in_(_OUT))).all()
    return len(unsent), len(out)


def _say_again(session: Session, campaign: str, ref: str, unit: str, day: date) -> None:
    """What was sent back has no other day on which it is said."""
    key, period, _ = cell_of(ref, unit)
    went_alone = ASSIGNMENT.c.nudge.is_not(None)
    nudges = {is_alone: str(SingleReminder(Reason.RETURNED, alone=is_alone)) for is_alone in (True, False)}
    session.execute(
        update(ASSIGNMENT)
        .where(
            ASSIGNMENT.c.campaign == campaign,
            ASSIGNMENT.c.key == key,
            ASSIGNMENT.c.period == period,
            ASSIGNMENT.c.unit == unit,
            ASSIGNMENT.c.answered == Reason.RETURNED.value,
            ASSIGNMENT.c.nudge_on.is_(None),
        )
        .values(nudge=case((went_alone, nudges[True]), else_=nudges[False]), nudge_on=day)
    )


def _last_told(session: Session, campaign: str, zone: str, today: date) -> date:
    """The last day up to today of which mails were written: what came after it is caught up with; without one yesterday."""
    written = select(func.max(MAIL.c.day)).where(
        MAIL.c.campaign == campaign,
        MAIL.c.kind.in_(OF_A_DAY),
        MAIL.c.timezone == zone,
        MAIL.c.day <= today,
    )
    last: date | None = session.execute(written).scalar_one()
    return last or today - timedelta(days=1)


def _tell_operator(
    session: Session, snapshot: CampaignSnapshot, facts: dict[str, object], now: datetime
) -> None:
    operator = snapshot.settings.operator
    language = snapshot.campaign.language if operator is None else snapshot.language(operator)
    say = words("alerts", language)
    details = alert_details(say("clock.title"), say("clock.lines", **facts).splitlines())
    row = alert_row(snapshot, f"clock/{now.isoformat()}", details, now)
    if row is not None:
        enqueue(session, snapshot, [row], now, 0)


@dataclass(slots=True)
class WrittenBefore:
    """What was written to one person for a day before it was planned: how many mails, and what of it went out.

    ``items`` as the outbox keeps them; ``details`` are of whole mails.
    """

    mails: int = 0
    items: set[str] = field(default_factory=set)
    whole: set[tuple[str, str]] = field(default_factory=set)


def written_before(session: Session, campaign: str, kind: MailKind, day: date) -> dict[str, WrittenBefore]:
    """What a wrong clock wrote for ``day``, by address in lower case; mostly nothing."""
    begins = owned(campaign, f"{kind.value}/{day}/")
    rows = session.execute(
        select(MAIL.c.recipient, MAIL.c.state, MAIL.c.content, MAIL.c.details).where(
            MAIL.c.key >= begins, MAIL.c.key < f"{begins}\U0010ffff"
        )
    )
    found: defaultdict[str, WrittenBefore] = defaultdict(WrittenBefore)
    for row in rows:
        before = found[row.recipient.casefold()]
        before.mails += 1
        if row.state in _OUT and why_unreadable(row) is None:
            before.items.update(json.dumps(item) for item in json.loads(row.content))
            before.whole.add((row.content, row.details))
    return dict(found)
