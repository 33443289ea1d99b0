"""Keeps the beat of what is overdue for each unit, and from when one assignment alone is late (docs/design/ledger.md).

``beat`` is a sum, like the answer of an assignment: each event and each day of digests brings it a step further, and it
can be made anew from both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, and_, bindparam, delete, insert, select, update
from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.beat import Late, is_slower, last_beat, late, leader, leader_on, next_beat, rhythms_on
from tracker.core.model import Definition, Reason, Rhythm
from tracker.core.moments import A_DAY
from tracker.core.reminders import escalation_day, newly_overdue
from tracker.core.status import Dates, Progress
from tracker.core.workdays import Workdays
from tracker.ledger.agenda import ToldRow, is_told_late, missed_days, planned_day
from tracker.ledger.single_reminder import SingleReminder
from tracker.store.batches import batches
from tracker.store.beats import BEAT
from tracker.store.tables import ASSIGNMENT, AssignmentRow

#: What one assignment alone is told because it is late.
_OF_LATENESS = (Reason.OVERDUE, Reason.ESCALATION)

_OPEN_AND_OVER = select(ASSIGNMENT).where(
    ASSIGNMENT.c.campaign == bindparam("campaign"),
    ASSIGNMENT.c.quiet.is_(False),
    ASSIGNMENT.c.removed_on.is_(None),
    ASSIGNMENT.c.effective_due < bindparam("day"),
)
_OF_UNIT = _OPEN_AND_OVER.where(ASSIGNMENT.c.unit == bindparam("unit"))
_OURS = BEAT.c.campaign == bindparam("campaign")
_THIS = and_(BEAT.c.campaign == bindparam("campaign"), BEAT.c.unit == bindparam("unit"))
_BEAT = select(BEAT).where(_THIS)
_GO_ON = (
    update(BEAT)
    .where(BEAT.c.campaign == bindparam("of_campaign"), BEAT.c.unit == bindparam("of"))
    .values(anchor=bindparam("new_anchor"), next_on=bindparam("new_next_on"))
)


def own_dates(snapshot: CampaignSnapshot, row: Row[Any] | AssignmentRow) -> Dates:
    """The dates of one assignment, with the day from which it is late alone."""
    told = row.late_since if escalates_alone(row) else None
    return Dates(
        row.opens, row.due, row.effective_due, row.grace_until, snapshot.campaign.issued, row.late_since, told
    )


def escalates_alone(row: Any) -> bool:
    """Whether silence about one assignment (``late_since``, ``nudge``) goes upward by itself, or has gone so."""
    return row.late_since is not None and row.nudge is not None and SingleReminder.of(row.nudge).alone


def told_through(snapshot: CampaignSnapshot, unit: str, now: datetime) -> date:
    """The last day whose time of digests has passed by the clock of the unit's people."""
    local = now.astimezone(ZoneInfo(snapshot.zone_of(unit)))
    return local.date() if local.time() > snapshot.settings.send_at else local.date() - A_DAY


# --- what an event does ---


def lateness(
    snapshot: CampaignSnapshot,
    definition: Definition,
    row: Row[Any] | AssignmentRow,
    dates: Dates,
    answer: Progress,
    *,
    now: datetime,
    chased_from: date = date.min,
    heard: ToldRow | None = None,
) -> dict[str, object]:
    """The columns that say from when a row is late, once it has these dates and this answer, from ``now`` on.

    What an event or an edit makes open and late is told as overdue with the next digests, and counts from their day.
    What was open when its time was up has none: its agenda row says it.  Before that, nothing was chased that was due
    before ``chased_from``.  ``heard``: what the unit has heard of its agenda row, where it is an edit, which may have moved
    the day on which that says it to before the last digests.

    Silence goes upward by itself after an edit, of which the unit hears first; after an event, which it knows of, only
    where the others have gone upward by then.
    """
    day = told_through(snapshot, row.unit, now) + A_DAY
    pending = None if row.nudge is None else SingleReminder.of(row.nudge)
    is_untold = pending is not None and _is_unheard(pending)
    if not _is_asked(snapshot, dates, answer) or not _is_over(dates, day):
        if is_untold and heard is not None and not answer.quiet:
            # Another edit may make it late again, of which its agenda row has told everybody but this unit.
            return {"late_since": None, "nudge_on": None}
        is_left = pending is not None and pending.reason in _OF_LATENESS
        return {"late_since": None, **({"nudge": None, "nudge_on": None} if is_left else {})}
    before = own_dates(snapshot, row)
    was_left = before.lie_before(chased_from) and row.answered != Reason.RETURNED.value
    was_asked = not (row.quiet or row.removed_on or was_left) and snapshot.is_chased(before, row.answered)
    workdays = snapshot.rules(definition).workdays
    if was_asked and _is_over(before, day) and not _is_missed(row, dates, workdays, heard):
        return {}
    is_new = is_untold or (pending is not None and pending.reason is Reason.LEAD)
    is_known = heard is not None and is_told_late(heard.late, dates) and not is_new
    if is_known and not (row.quiet or row.removed_on):
        # An edit is taken back, and what was told before it stands.
        return {}
    together = escalation_day(dates, snapshot.rules(definition))
    alone = heard is not None or together is None or day > together
    if pending is not None and pending.reason is Reason.RETURNED:
        return {"late_since": day, "nudge": str(pending._replace(alone=alone))}
    return {"late_since": day, **_told_as_late(snapshot, definition, dates, now, alone=alone)}


def of_joined(
    snapshot: CampaignSnapshot,
    definition: Definition,
    unit: str,
    dates: Dates,
    *,
    now: datetime,
    is_new: bool,
) -> dict[str, object]:
    """The same columns of a unit that is asked from ``now`` on for what others were asked before, with what it is told.

    What is over by then is late as by any other edit.  ``is_new``: the agenda row of these dates has yet to say
    what is to come.
    """
    nothing: dict[str, object] = {"late_since": None, "nudge": None, "nudge_on": None}
    if not snapshot.is_chased(dates):
        return nothing
    day, today = told_through(snapshot, unit, now) + A_DAY, snapshot.day(now)
    if _is_over(dates, day):
        is_told_once = snapshot.rules(definition).leave_alone(dates)
        since = None if is_told_once else day
        return {"late_since": since, **_told_as_late(snapshot, definition, dates, now, alone=True)}
    # In its grace it is to come still, and nothing else is said of it before it is late.
    is_past = dates.effective_due is not None and dates.effective_due < today
    is_told = is_past or (dates.opens < today and not is_new and snapshot.policy(definition).announce)
    reason = Reason.LEAD if is_past else Reason.OPENED
    return {"late_since": None, "nudge": reason.value, "nudge_on": today} if is_told else nothing


def _told_as_late(
    snapshot: CampaignSnapshot, definition: Definition, dates: Dates, now: datetime, *, alone: bool
) -> dict[str, object]:
    # Where today's have yet to be written, after a pause of the service, it is in them.
    on = newly_overdue(replace(dates, again=snapshot.day(now)), snapshot.rules(definition).workdays)
    return {"nudge": str(SingleReminder(Reason.OVERDUE, alone=alone)), "nudge_on": on}


def is_untold(row: Row[Any]) -> bool:
    """Whether nobody has been told yet that it is late since an edit or an event."""
    return row.late_since is not None and row.nudge is not None and _is_unheard(SingleReminder.of(row.nudge))


def _is_unheard(nudge: SingleReminder) -> bool:
    return nudge.reason is Reason.OVERDUE and not nudge.told


def _is_missed(
    row: Row[Any] | AssignmentRow, dates: Dates, workdays: Workdays, heard: ToldRow | None
) -> bool:
    """Whether what was late already by the dates in the row was never told so, and its agenda row does not say it any more."""
    if heard is None or row.late_since is not None or row.grace_until is None:
        return False
    before, on = workdays.on_or_after(row.grace_until + A_DAY), newly_overdue(dates, workdays)
    if heard.was_late is not None and before <= heard.through:
        # It has been late since by other dates, of which it was told.
        return False
    return heard.last <= row.grace_until and on is not None and on <= heard.through


def _is_asked(snapshot: CampaignSnapshot, dates: Dates, answer: Progress) -> bool:
    return not answer.quiet and snapshot.is_chased(dates, answer.answered)


def after_telling(
    snapshot: CampaignSnapshot, definition: Definition, row: Row[Any], day: date
) -> dict[str, object]:
    """What is still to be said of one assignment alone, once it has been told on ``day`` what its nudge says."""
    nudge, upward = SingleReminder.of(row.nudge), escalation_alone(snapshot, definition, row, day)
    if nudge.reason is Reason.LEAD:
        # It joined within its grace: what its agenda row said before that, this unit has not heard.
        return {"nudge": nudge.reason.value, "nudge_on": None}
    if upward is None:
        return {"nudge": None, "nudge_on": None}
    is_told = nudge.reason is Reason.ESCALATION or upward <= day
    return {"nudge": Reason.ESCALATION.value, "nudge_on": None if is_told else upward}


def escalation_alone(
    snapshot: CampaignSnapshot, definition: Definition, row: Row[Any], day: date
) -> date | None:
    """The day on which silence about one assignment goes upward, where what its nudge says is told on ``day``.

    None where it goes with its agenda row.
    """
    dates = own_dates(snapshot, row)
    if dates.told is None:
        return None
    if SingleReminder.of(row.nudge).reason is not Reason.ESCALATION:
        dates = replace(dates, told=max(dates.told, day))
    return escalation_day(dates, snapshot.rules(definition))


class Step:
    """One event, between the ledger before and after it: ``done`` takes the beat of the unit further."""

    def __init__(
        self,
        session: Session,
        snapshot: CampaignSnapshot,
        definition: Definition,
        row: Row[Any],
        now: datetime,
    ) -> None:
        self._session = session
        self._snapshot = snapshot
        self._definition = definition
        self._rules = snapshot.rules(definition)
        self._row = row
        self._now = now
        self.told = told_through(snapshot, row.unit, now)
        self._dates = own_dates(snapshot, row)
        self._was_asked = not row.quiet and snapshot.is_chased(self._dates, row.answered)

    def lateness(self, dates: Dates, answer: Progress) -> dict[str, object]:
        """The columns that say from when the row is late, once it has these dates and this answer."""
        return lateness(self._snapshot, self._definition, self._row, dates, answer, now=self._now)

    def _if_late(self, dates: Dates) -> Late | None:
        found = late(dates, self._rules)
        return found if found is not None and found.since <= self.told else None

    def done(self, dates: Dates, answer: Progress) -> None:
        """The row has these dates, and this answer."""
        before = self._if_late(self._dates) if self._was_asked else None
        after = self._if_late(dates) if _is_asked(self._snapshot, dates, answer) else None
        if before != after:
            lates = lates_of(self._session, self._snapshot, self._row.unit, self.told)
            lates.pop(self._row.id, None)
            others = list(lates.values())
            self._go_on([*others, *_given(before)], [*others, *_given(after)])

    def _go_on(self, lates: Sequence[Late], after: Sequence[Late]) -> None:
        where = {"campaign": self._snapshot.campaign.id, "unit": self._row.unit}
        this = and_(BEAT.c.campaign == where["campaign"], BEAT.c.unit == where["unit"])
        known = self._session.execute(_BEAT, where).first()
        kept, remains = leader_on(lates, self.told), leader(after, self.told)
        if remains is None:
            if known is not None:
                self._session.execute(delete(BEAT).where(this))
            return
        begun = after if leader(lates, self.told) is None else lates
        anchor = _anchor(begun, self.told) if known is None else known.anchor
        if kept is not None and is_slower(remains, kept):
            # The mail that is counted from is the last one: no further one comes early, and none late.
            anchor = last_beat(anchor, kept, self.told)
        beat = {"anchor": anchor, "next_on": next_beat(anchor, remains, self.told)}
        if known is None:
            self._session.execute(insert(BEAT).values(**where, **beat))
        elif (known.anchor, known.next_on) != (anchor, beat["next_on"]):
            self._session.execute(update(BEAT).where(this).values(**beat))


def _is_over(dates: Dates, day: date) -> bool:
    return dates.grace_until is not None and dates.grace_until < day


def _given(each: Late | None) -> tuple[Late, ...]:
    return () if each is None else (each,)


def lates_of(session: Session, snapshot: CampaignSnapshot, unit: str, day: date) -> dict[int, Late]:
    """What is open of ``unit`` and late on ``day``, by the number of the assignment."""
    return _lates(
        snapshot,
        session.execute(_OF_UNIT, {"campaign": snapshot.campaign.id, "unit": unit, "day": day}).all(),
        day,
    )


def _lates(snapshot: CampaignSnapshot, rows: Iterable[Row[Any]], day: date) -> dict[int, Late]:
    found = {}
    for row in rows:
        definition = snapshot.campaign.definitions.get(row.key)
        if definition is None or not snapshot.is_chased(dates := own_dates(snapshot, row), row.answered):
            continue
        each = late(dates, snapshot.rules(definition))
        if each is not None and each.since <= day:
            found[row.id] = each
    return found


def _anchor(lates: Iterable[Late], day: date) -> date:
    return min(each.since for each in lates if each.is_repeated(day))


# --- what an edit, or a beginning, does ---


def begin_beats(session: Session, snapshot: CampaignSnapshot, told: date) -> None:
    """Give each unit its beat that has something late and none, as if everything up to ``told`` had been told.

    All others are looked at with the next digests: an edit may have changed what is late, and how often it is said.
    """
    campaign = snapshot.campaign.id
    ours = BEAT.c.campaign == campaign
    session.execute(update(BEAT).where(ours, BEAT.c.next_on > told + A_DAY).values(next_on=told + A_DAY))
    without = _OPEN_AND_OVER.where(ASSIGNMENT.c.unit.not_in(select(BEAT.c.unit).where(ours)))
    by_unit: defaultdict[str, list[Row[Any]]] = defaultdict(list)
    for row in session.execute(without, {"campaign": campaign, "day": told}):
        by_unit[row.unit].append(row)
    begun = []
    for unit, rows in by_unit.items():
        lates = _lates(snapshot, rows, told).values()
        first = leader(lates, told)
        if first is not None:
            anchor = _anchor(lates, told)
            begun.append(
                {
                    "campaign": campaign,
                    "unit": unit,
                    "anchor": anchor,
                    "next_on": next_beat(anchor, first, told),
                }
            )
    for lot in batches(begun):
        session.execute(insert(BEAT), lot)


def forget_beats(session: Session, snapshot: CampaignSnapshot, after: date = date.min) -> None:
    """Take away the beats that count from a later day than ``after``: those of a clock that ran ahead, or all."""
    session.execute(delete(BEAT).where(BEAT.c.campaign == snapshot.campaign.id, BEAT.c.anchor > after))


# --- what a day does ---


class Beats:
    """The beats that are up on a day in one time zone; ``up`` are their units."""

    def __init__(self, session: Session, snapshot: CampaignSnapshot, timezone: str, day: date) -> None:
        self._session = session
        self._campaign = campaign = snapshot.campaign.id
        self._timezone = timezone
        self._day = day
        self._told = planned_day(session, campaign, timezone) or date.min
        others = (
            planned_day(session, campaign, zone) or date.min
            for zone in snapshot.timezones
            if zone != timezone
        )
        #: Everybody has been told this day and what was before it.
        self._told_all = min([day, *others])
        rows = session.execute(select(BEAT).where(_OURS, BEAT.c.next_on <= day), {"campaign": campaign}).all()
        self.up = {row.unit: row for row in rows}
        self._known: dict[str, Row[Any]] | None = None
        self._begun: dict[str, dict[str, object]] = {}
        self._moved: dict[str, dict[str, object]] = {}
        self._ended: list[str] = []

    def heard_by(self, unit: str, lates: Collection[Late]) -> frozenset[Rhythm]:
        """Who is told of ``lates``, which are all that is late of a unit that is up; it goes on from here."""
        row, first = self.up[unit], leader(lates, self._day)
        if first is None:
            self._ended.append(unit)
            return frozenset()
        kept = leader_on(lates, self._day)
        if kept is not None and not kept.rules.workdays.is_workday(self._day):
            # A person has asked for digests on a day off, or it is a quiet day: what is missed by then waits for the next.
            self._move(unit, row.anchor, row.next_on)
            return frozenset()
        # Where it is still morning, this day has the beat of those that were late before it.
        following = (
            next_beat(row.anchor, each, self._told_all) for each in (first, kept) if each is not None
        )
        self._move(unit, row.anchor, min(following))
        if kept is None:
            return frozenset()
        return rhythms_on(row.anchor, kept, self._heard_through(row, kept.rules.workdays), self._day)

    def _heard_through(self, row: Row[Any], workdays: Workdays) -> date:
        """The last day of digests on which its beat was heard: it waits over those that were written on a day off."""
        told = self._told
        while row.next_on <= told and not workdays.is_workday(told):
            told = self._missed.get(told, told) - A_DAY
        return told

    @cached_property
    def _missed(self) -> dict[date, date]:
        """The first day that was missed, by the day on which digests were written again."""
        missed = missed_days(self._session, self._campaign, self._timezone)
        return {until: since for since, until in missed}

    def join(self, unit: str, lates: Sequence[Late]) -> None:
        """These of a unit are newly late today."""
        first = leader(lates, self._day)
        if first is None or unit in self.up:
            return
        if self._known is None:
            rows = self._session.execute(select(BEAT).where(_OURS), {"campaign": self._campaign})
            self._known = {row.unit: row for row in rows}
        row = self._known.get(unit)
        anchor = _anchor(lates, self._day) if row is None else row.anchor
        following = next_beat(anchor, first, self._told_all)
        if row is None:
            self._begun[unit] = {
                "campaign": self._campaign,
                "unit": unit,
                "anchor": anchor,
                "next_on": following,
            }
        elif following < row.next_on:
            self._move(unit, anchor, following)

    def _move(self, unit: str, anchor: date, next_on: date) -> None:
        self._moved[unit] = {
            "of_campaign": self._campaign,
            "of": unit,
            "new_anchor": anchor,
            "new_next_on": next_on,
        }

    def save(self) -> None:
        """Each to its next day."""
        for unit in self.up.keys() - self._moved.keys():
            if unit not in self._ended:
                self._ended.append(unit)
        for lot in batches(self._ended):
            self._session.execute(delete(BEAT).where(BEAT.c.campaign == self._campaign, BEAT.c.unit.in_(lot)))
        for values in batches(list(self._begun.values())):
            self._session.execute(insert(BEAT), values)
        if self._moved:
            self._session.connection().execute(_GO_ON, list(self._moved.values()))
