"""Why a mail went, or did not, or when it will: one assignment's reminders from its opening on.

Nothing is decided here.  What was told comes from the outbox, what will be from the service's own planning
(``tracker/service/foresight.py``).  The milestones of ``core/reminders.py``, for the dates that were in force from event to
event, say by which rule that is; one on whose day nothing was told is named only where it is known why.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import partial
from itertools import pairwise, takewhile
from operator import gt
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, select
from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.beat import beats, late, leader_on
from tracker.core.model import Definition, Event, MailKind, Reason
from tracker.core.moments import A_DAY
from tracker.core.occurrences import parse_ref
from tracker.core.quota_pace import share
from tracker.core.reminders import Milestone, before_due_by_rule, escalation_day, milestones
from tracker.core.status import NOTHING, Dates, Progress, fold
from tracker.i18n.catalogue import ENGLISH, FIRST, Language
from tracker.i18n.message import Message, say
from tracker.ledger.agenda import counted_from_telling, first_day, missed_days, planned_day, told_from_text
from tracker.ledger.overdue_beat import lates_of, own_dates, told_through
from tracker.ledger.record import find_assignment, read_recorded
from tracker.ledger.rules_since import rules_since
from tracker.outbox.queries import StoredMail, mails_about
from tracker.planning import explain_wording
from tracker.store.beats import BEAT
from tracker.store.tables import AGENDA, MailState

#: So many reminders that do not come any more are shown; some would go on for ever.
SHOWN_AHEAD = 4


EVER = datetime.max.replace(tzinfo=UTC)
NEVER = datetime.min.replace(tzinfo=UTC)

_BEFORE_DUE = (Reason.OPENED, Reason.LEAD, Reason.DUE_TODAY)
_LATE = (Reason.OVERDUE, Reason.RETURNED)


class ReminderOutcome(StrEnum):
    """What became of a reminder."""

    SENT = "sent"
    PLANNED = "planned"
    MOVED = "moved"
    MERGED = "merged"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a digest of a local ``day`` tells of one assignment."""

    day: date
    reason: Reason


@dataclass(frozen=True, slots=True)
class ReminderEntry:
    """One reminder: its local day, why it is one, what became of it, and because of what."""

    on: date
    reason: Reason
    outcome: ReminderOutcome
    said: Message

    @property
    def because(self) -> str:
        """Because of what, in both languages on one line."""
        return f"{self.in_(ENGLISH)}（{self.in_(FIRST)}）"

    def in_(self, language: Language) -> str:
        """Because of what, in one language; English has days as programs write them."""
        return say(self.said, language, on_command_line=language == ENGLISH)


@dataclass(frozen=True, slots=True)
class Explanation:
    """How an assignment stands and every reminder of it, by day."""

    ref: str
    unit: str
    state: str
    due: date | None
    effective_due: date | None
    entries: tuple[ReminderEntry, ...]
    #: Whether it is in and has still to be accepted.
    waits: bool


@dataclass(frozen=True, slots=True)
class _Span:
    """A stretch of time [since, until) during which dates and answer were the same; ``event`` began it."""

    since: datetime
    until: datetime
    dates: Dates
    answer: Progress
    event: Event | None


def explain(
    session: Session,
    snapshot: CampaignSnapshot,
    ref: str,
    unit: str,
    now: datetime,
    coming: Iterable[Foreseen] = (),
) -> Explanation:
    """Every reminder of one assignment that went, did not go, or will (``coming``).  Raises UnknownNameError."""
    row = find_assignment(session, snapshot, ref, unit, snapshot.day(now))
    definition = snapshot.definition(row.key)
    told = session.execute(select(AGENDA.c.told).where(AGENDA.c.id == row.agenda_id)).scalar_one()
    spans = _spans(snapshot, definition, row, read_recorded(session, row.id), told)
    lines: dict[tuple[date, Reason, ReminderOutcome], ReminderEntry] = {}
    for entry in _Told(session, snapshot, ref, unit, spans, now, coming).entries():
        # Several reasons for which nothing is told of one date are one line.
        lines.setdefault((entry.on, entry.reason, entry.outcome), entry)
    entries = sorted(lines.values(), key=lambda each: (each.on, each.reason is Reason.ESCALATION))
    last = spans[-1]
    stands = snapshot.standing(definition, last.dates, last.answer, snapshot.day(now))
    return Explanation(
        ref,
        unit,
        stands.state.value,
        last.dates.due,
        last.dates.effective_due,
        tuple(entries),
        last.answer.waits(acceptance=definition.acceptance),
    )


def _spans(
    snapshot: CampaignSnapshot,
    definition: Definition,
    row: Row[Any],
    events: Sequence[tuple[datetime, Event]],
    told: str,
) -> list[_Span]:
    """From event to event as the service came to know of them, which may be later than they count from.

    ``told`` is what the agenda row keeps of what it has told.
    """
    target = snapshot.target(definition, row.unit)
    starts: list[tuple[datetime, Progress, Event | None]] = [(NEVER, NOTHING, None)]
    for count, (recorded_at, event) in enumerate(events, start=1):
        answer = fold([each for _, each in events[:count]], target=target)
        starts.append((recorded_at, answer, event))
    ends = [start for start, _, _ in starts[1:]] + [EVER]
    spans: list[_Span] = []
    for (since, answer, cause), until in zip(starts, ends, strict=True):
        stands = snapshot.dates(definition, row.opens, row.due, answer.extended_due)
        if cause is not None:
            following = told_through(snapshot, row.unit, since) + timedelta(days=1)
            was, again = _is_late(spans[-1].answer, spans[-1].dates, following), spans[-1].dates.again
            again = (again if was else following) if _is_late(answer, stands, following) else None
            together = escalation_day(stands, snapshot.rules(definition))
            is_alone = again is not None and (together is None or again > together)
            stands = replace(stands, again=again, told=again if is_alone else None)
        spans.append(_Span(since, until, stands, answer, cause))
    # An edit of the files, which is no event, may have made it late, too.
    own = own_dates(snapshot, row)
    if own.again is None:
        own = counted_from_telling(own, told_from_text(told))
    spans[-1] = replace(spans[-1], dates=replace(spans[-1].dates, again=own.again, told=own.told))
    return spans


def _is_late(answer: Progress, dates: Dates, day: date) -> bool:
    return not answer.quiet and dates.grace_until is not None and dates.grace_until < day


class _Told:
    """Puts milestones and what was or will be told of one assignment side by side."""

    def __init__(
        self,
        session: Session,
        snapshot: CampaignSnapshot,
        ref: str,
        unit: str,
        spans: Sequence[_Span],
        now: datetime,
        coming: Iterable[Foreseen],
    ) -> None:
        self.snapshot = snapshot
        self.definition = definition = snapshot.definition(parse_ref(ref)[0])
        self.rules = snapshot.rules(definition)
        self.unit = unit
        self.spans = spans
        self.now = now
        self.superior = snapshot.superior(unit)
        self.zone = ZoneInfo(snapshot.zone_of(unit))
        self.today = now.astimezone(self.zone).date()
        self.began = first_day(session, snapshot.campaign.id) or self.today
        #: From when on the rules have been as they are; None is from the beginning.
        self.since = rules_since(session, snapshot, definition.key)
        self.missed = self._missed(session)
        self.swallowed = self._swallowed(session)
        #: Days on which something was told that had been missed while the service did not run.
        self.caught_up: set[date] = set()
        units = [each for each in (unit, self.superior) if each is not None]
        self.mails: dict[tuple[date, Reason], list[StoredMail]] = defaultdict(list)
        for mail in mails_about(
            session, snapshot.campaign.id, ref, unit, snapshot.addresses_ever(units), units
        ):
            if mail.mail.kind is MailKind.DIGEST:
                item = next(i for i in mail.mail.items if (i.ref, i.unit) == (ref, unit))
                self.mails[mail.day, item.reason].append(mail)
        self.coming = {(said.day, said.reason) for said in coming}
        self.reasons: dict[date, list[Reason]] = defaultdict(list)
        for day, reason in sorted({*self.mails, *self.coming}):
            self.reasons[day].append(reason)

    def _missed(self, session: Session) -> list[tuple[date, date]]:
        """The stretches of days without digests, the one that lasts until today with them."""
        campaign, zone = self.snapshot.campaign.id, self.snapshot.zone_of(self.unit)
        missed, planned = missed_days(session, campaign, zone), planned_day(session, campaign, zone)
        if planned is not None and planned < self.today:
            missed.append((planned + A_DAY, self.today))
        return missed

    def _swallowed(self, session: Session) -> list[date]:
        """The days of the unit's beat, as it stands, that lie in those stretches."""
        where = (BEAT.c.campaign == self.snapshot.campaign.id, BEAT.c.unit == self.unit)
        beat = session.execute(select(BEAT).where(*where)).first()
        if beat is None:
            return []
        found: list[date] = []
        for since, until in self.missed:
            by = leader_on(lates_of(session, self.snapshot, self.unit, until).values(), until - A_DAY)
            if by is not None:
                coming = beats(beat.anchor, by, max(since - A_DAY, beat.anchor))
                found += takewhile(partial(gt, until), coming)
        return found

    def entries(self) -> Iterator[ReminderEntry]:
        """One for each milestone, one for each repeat that was missed, and one for whatever else is told."""
        explained: set[tuple[date, Reason]] = set()
        for span in self.spans:
            for milestone, is_merged in self._milestones(span):
                told = (milestone.on, milestone.reason)
                fate = self._fate(told) if not is_merged else None
                if fate is not None:
                    explained.add(told)
                fate = fate or self._why_not(span, milestone, is_merged=is_merged)
                if fate is None:
                    continue
                if milestone.moved and milestone.reason is not Reason.PACE:
                    said = explain_wording.moved(
                        milestone, is_quiet=self.snapshot.workdays.is_workday(milestone.nominal)
                    )
                    yield ReminderEntry(milestone.nominal, milestone.reason, ReminderOutcome.MOVED, said)
                outcome, why = fate
                rule = explain_wording.rule(span.dates, self.rules.policy, milestone)
                yield ReminderEntry(*told, outcome, explain_wording.joined(rule, why))
        yield from self._missed_repeats()
        for day, reasons in self.reasons.items():
            for reason in reasons:
                if (day, reason) not in explained:
                    yield self._without_milestone(day, reason)
        yield from self._left()

    def _missed_repeats(self) -> Iterator[ReminderEntry]:
        for day in self.swallowed:
            span = next(each for each in self.spans if each.since <= self._moment(day) < each.until)
            own = late(span.dates, self.rules)
            is_asked = not span.answer.quiet and self.snapshot.is_chased(span.dates, span.answer.answered)
            is_repeated = own is not None and own.may_be_said(day)
            is_begun = span.dates.told is None or span.dates.told < day
            milestone = Milestone(day, Reason.OVERDUE, day)
            if (
                is_repeated
                and is_asked
                and is_begun
                and (why := self._why_not(span, milestone, is_merged=False))
            ):
                yield ReminderEntry(
                    day, Reason.OVERDUE, why[0], explain_wording.joined(explain_wording.REPEATED, why[1])
                )

    def _left(self) -> Iterator[ReminderEntry]:
        """Of what was due before the ledger began one line says it for all that would have been repeated."""
        span, own = self.spans[-1], late(self.spans[-1].dates, self.rules)
        if own is None or span.answer.quiet or self._nobody(Reason.OVERDUE) is not None:
            return
        if not self.snapshot.is_chased(span.dates, span.answer.answered):
            since = self.began if self.since is None else self.since.astimezone(self.zone).date()
            rule = explain_wording.overdue(span.dates.effective_due, self.rules.policy)
            on = max(self.began, since, own.since)
            yield ReminderEntry(
                on,
                Reason.OVERDUE,
                ReminderOutcome.SKIPPED,
                explain_wording.joined(rule, explain_wording.BEFORE),
            )

    def _milestones(self, span: _Span) -> Iterator[tuple[Milestone, bool]]:
        """Those whose sending time lies in ``span``, each with whether another one of that day took its place."""
        by_rule = before_due_by_rule(span.dates, self.rules)
        last_of_day = {milestone.on: milestone for milestone in by_rule}
        for milestone in by_rule:
            if span.since <= self._moment(milestone.on) < span.until:
                yield milestone, last_of_day[milestone.on] is not milestone
        first = date.min if span.since is NEVER else span.since.astimezone(self.zone).date() - A_DAY
        ahead = 0
        last = max((day for day, _ in self.coming), default=self.today)
        for milestone in milestones(span.dates, self.rules, first):
            moment = self._moment(milestone.on)
            ahead += moment > self.now and milestone.reason not in _BEFORE_DUE
            if moment >= span.until or (ahead > SHOWN_AHEAD and milestone.on > last):
                return
            if milestone.reason in _BEFORE_DUE or self._is_of_before(milestone) or moment < span.since:
                continue
            if not self._is_nobodys_pace(milestone):
                yield milestone, milestone.reason is Reason.PACE and milestone.on in last_of_day

    def _is_of_before(self, milestone: Milestone) -> bool:
        """What would have been repeated before the service was in use is not worth a line each."""
        return milestone.reason in (Reason.OVERDUE, Reason.REVIEW, Reason.PACE) and milestone.on < self.began

    def _is_nobodys_pace(self, milestone: Milestone) -> bool:
        has_quota = self.snapshot.target(self.definition, self.unit) is not None
        return milestone.reason is Reason.PACE and not has_quota

    def _moment(self, day: date) -> datetime:
        return self.snapshot.sends_at(day, self.snapshot.zone_of(self.unit))

    def _fate(self, told: tuple[date, Reason]) -> tuple[ReminderOutcome, Message] | None:
        """What became, or will become, of something told on a day; None where it is not."""
        if told in self.mails:
            return _what_became_of(self.mails[told])
        return (ReminderOutcome.PLANNED, explain_wording.WILL_BE_SAID) if told in self.coming else None

    def _why_not(
        self, span: _Span, milestone: Milestone, *, is_merged: bool
    ) -> tuple[ReminderOutcome, Message] | None:
        """Why nothing is told at a milestone; None where it was none, by the rules of its day."""
        if self.since is not None and self._moment(milestone.on) <= self.since:
            return None
        if span.answer.quiet:
            return ReminderOutcome.SKIPPED, self._quiet(span)
        if not self.snapshot.is_chased(span.dates, span.answer.answered):
            return (
                (ReminderOutcome.SKIPPED, explain_wording.BEFORE)
                if milestone.reason is Reason.ESCALATION
                else None
            )
        return self._instead(milestone, is_merged=is_merged) or self._unsaid(span, milestone)

    def _instead(self, milestone: Milestone, *, is_merged: bool) -> tuple[ReminderOutcome, Message] | None:
        """What is told in its place, or that there is nobody to tell."""
        told = self.reasons.get(milestone.on)
        if (nobody := self._nobody(milestone.reason)) is not None:
            return ReminderOutcome.SKIPPED, nobody
        if told and (is_merged or milestone.reason is not Reason.ESCALATION):
            return ReminderOutcome.MERGED, explain_wording.MERGED if is_merged else explain_wording.said_as(
                told[0]
            )
        return None

    def _unsaid(self, span: _Span, milestone: Milestone) -> tuple[ReminderOutcome, Message] | None:
        """Why nothing at all is told on its day."""
        day, quota = milestone.on, self.definition.target
        if milestone.reason is Reason.PACE and quota is not None:
            wanted = share(quota.count, span.dates, day)
            if span.answer.progress >= wanted:
                return ReminderOutcome.SKIPPED, explain_wording.in_pace(span.answer.progress, wanted)
        for before, after in pairwise(self.spans):
            # Answered between the time of sending and the moment when the mail really went.
            is_then = before.until > self._moment(day) and after.since.astimezone(self.zone).date() == day
            if is_then and after.answer.quiet:
                return ReminderOutcome.SKIPPED, self._quiet(after)
        if day < self.began:
            return ReminderOutcome.SKIPPED, explain_wording.NOT_IN_USE
        until = next((until for since, until in self.missed if since <= day < until), None)
        if until is None:
            return None
        self.caught_up.add(until)
        return ReminderOutcome.SKIPPED, explain_wording.missed(
            until if any(on == until for on, _ in self.mails) else None
        )

    def _nobody(self, reason: Reason) -> Message | None:
        """Why nobody can be told, if so."""
        if reason is Reason.ESCALATION and self.superior is None:
            return explain_wording.SUPERIOR_IS_NONE
        unit = self.superior if reason is Reason.ESCALATION and self.superior is not None else self.unit
        return None if self.snapshot.addresses_ever([unit]) else explain_wording.NO_ADDRESS

    def _quiet(self, span: _Span) -> Message:
        event = span.event
        return explain_wording.quiet(event, self.today if event is None else self.snapshot.day(event.at))

    def _without_milestone(self, day: date, reason: Reason) -> ReminderEntry:
        fate = self._fate((day, reason))
        assert fate is not None
        outcome, why = fate
        return ReminderEntry(day, reason, outcome, explain_wording.joined(self._why(day, reason), why))

    def _why(self, day: date, reason: Reason) -> Message:
        """Why something is told for which no date of the rule is the reason."""
        is_late = reason is Reason.OVERDUE
        if is_late and any(on < day and each in _LATE for on, some in self.reasons.items() for each in some):
            return explain_wording.REPEATED
        if reason in (Reason.RETURNED, Reason.OPENED):
            return explain_wording.told_as(reason)
        if day <= self.began:
            return explain_wording.FIRST_TOLD
        if day in self.caught_up:
            return explain_wording.CAUGHT_UP
        if self.since is not None:
            following = told_through(self.snapshot, self.unit, self.since) + A_DAY
            if day == self.snapshot.workdays.on_or_after(following):
                return explain_wording.FIRST_IN_FORCE
        return (
            explain_wording.told_as(reason) if (day, reason) in self.coming else explain_wording.BY_RULES_THEN
        )


def _what_became_of(mails: Sequence[StoredMail]) -> tuple[ReminderOutcome, Message]:
    to = [mail.mail.to for mail in mails if mail.state is MailState.SENT]
    if to:
        return ReminderOutcome.SENT, explain_wording.sent(to, max(len(mail.mail.items) for mail in mails) - 1)
    by_state = {mail.state: mail for mail in mails}
    if MailState.FAILED in by_state:
        return ReminderOutcome.FAILED, explain_wording.failed(by_state[MailState.FAILED].outcome or "")
    for state in (MailState.SUPERSEDED, MailState.DROPPED):
        if state in by_state:
            return ReminderOutcome.SKIPPED, explain_wording.not_sent(by_state[state].outcome or "")
    return ReminderOutcome.PLANNED, explain_wording.waits(mails[0])
