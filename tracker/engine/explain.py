"""Why a mail went, or did not, or when it will: one assignment's reminders from its opening on.

Nothing is decided here.  The milestones come from ``core/reminders.py``, for the dates that were in force
from event to event; what was sent or failed comes from the outbox; what was quiet comes from the events.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from itertools import islice, pairwise
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row
from sqlmodel import Session

from tracker.core.beat import beats, late
from tracker.core.model import Definition, Event, Item, MailKind, Reason
from tracker.core.pace import share
from tracker.core.reminders import Milestone, before_due_by_rule, milestones
from tracker.core.standing import NOTHING, Answer, Dates, fold
from tracker.engine import because
from tracker.engine.agenda import first_day
from tracker.engine.because import Both
from tracker.engine.inforce import InForce
from tracker.engine.late import beat_of, told_through
from tracker.engine.ledger import find_assignment, read_recorded
from tracker.engine.mails import StoredMail, mails_about
from tracker.store.tables import MailState

#: So many reminders still to come are shown; overdue ones would go on for ever.
SHOWN_AHEAD = 4

EVER = datetime.max.replace(tzinfo=UTC)
NEVER = datetime.min.replace(tzinfo=UTC)

_BEFORE_DUE = (Reason.OPENED, Reason.LEAD, Reason.DUE_TODAY)


class Fate(StrEnum):
    """What became of a reminder."""

    SENT = "sent"
    PLANNED = "planned"
    MOVED = "moved"
    MERGED = "merged"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Entry:
    """One reminder: its local day, why it is one, what became of it, and because of what (English, Chinese)."""

    on: date
    reason: Reason
    outcome: Fate
    said: Both

    @property
    def because(self) -> str:
        """Because of what, in both languages on one line."""
        return because.both(self.said)


@dataclass(frozen=True, slots=True)
class Explanation:
    """How an assignment stands and every reminder of it, by day."""

    ref: str
    unit: str
    state: str
    due: date | None
    effective_due: date | None
    entries: tuple[Entry, ...]
    #: Whether it is in and has still to be accepted.
    waits: bool


@dataclass(frozen=True, slots=True)
class _Span:
    """A stretch of time [since, until) during which dates and answer were the same; ``event`` began it."""

    since: datetime
    until: datetime
    dates: Dates
    answer: Answer
    event: Event | None


def explain(session: Session, force: InForce, ref: str, unit: str, now: datetime) -> Explanation:
    """Every reminder of one assignment that went, did not go, or will.  Raises UnknownNameError."""
    row = find_assignment(session, force, ref, unit, force.day(now))
    definition = force.definition(row.key)
    spans = _spans(force, definition, row, read_recorded(session, row.id))
    told = _Told(session, force, definition, ref, unit, spans, now)
    entries = sorted(told.entries(), key=lambda entry: (entry.on, entry.reason is Reason.ESCALATION))
    last = spans[-1]
    stands = force.standing(definition, last.dates, last.answer, force.day(now))
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
    force: InForce,
    definition: Definition,
    row: Row[Any],
    events: Sequence[tuple[datetime, Event]],
) -> list[_Span]:
    """From event to event as the service came to know of them, which may be later than they count from."""
    target = force.target(definition, row.unit)
    starts: list[tuple[datetime, Answer, Event | None]] = [(NEVER, NOTHING, None)]
    for count, (recorded_at, event) in enumerate(events, start=1):
        answer = fold([each for _, each in events[:count]], target=target)
        starts.append((recorded_at, answer, event))
    ends = [start for start, _, _ in starts[1:]] + [EVER]
    spans: list[_Span] = []
    for (since, answer, cause), until in zip(starts, ends, strict=True):
        stands = force.dates(definition, row.opens, row.due, answer.extended_due)
        if cause is not None:
            following = told_through(force, row.unit, since) + timedelta(days=1)
            was, again = _is_late(spans[-1].answer, spans[-1].dates, following), spans[-1].dates.again
            again = (again if was else following) if _is_late(answer, stands, following) else None
            stands = replace(stands, again=again)
        spans.append(_Span(since, until, stands, answer, cause))
    # An edit of the files, which is no event, may have made it late, too.
    spans[-1] = replace(spans[-1], dates=replace(spans[-1].dates, again=row.late_since))
    return spans


def _is_late(answer: Answer, dates: Dates, day: date) -> bool:
    return not answer.quiet and dates.grace_until is not None and dates.grace_until < day


class _Told:
    """Puts milestones and mails of one assignment side by side."""

    def __init__(
        self,
        session: Session,
        force: InForce,
        definition: Definition,
        ref: str,
        unit: str,
        spans: Sequence[_Span],
        now: datetime,
    ) -> None:
        self.session = session
        self.force = force
        self.definition = definition
        self.rules = force.rules(definition)
        self.ref = ref
        self.unit = unit
        self.spans = spans
        self.now = now
        self.superior = force.superior(unit)
        #: How many reminders that would repeat are shown of those to come.
        self.ahead = 0
        #: Days on which something was told that had been missed while the service did not run.
        self.caught_up: set[date] = set()
        self.zone = ZoneInfo(force.zone_of(unit))
        self.today = now.astimezone(self.zone).date()
        self.began = first_day(session, force.campaign.id) or self.today
        units = [each for each in (unit, self.superior) if each is not None]
        self.mails: dict[date, list[tuple[StoredMail, Item]]] = defaultdict(list)
        for mail in mails_about(session, force.campaign.id, ref, unit, force.addresses_ever(units), units):
            if mail.mail.kind is MailKind.DIGEST:
                item = next(i for i in mail.mail.items if (i.ref, i.unit) == (ref, unit))
                self.mails[mail.day].append((mail, item))

    def entries(self) -> Iterator[Entry]:
        """One for each milestone, and one for each mail that no milestone explains."""
        explained: set[tuple[date, Reason]] = set()
        for span in self.spans:
            for milestone, is_merged in self._milestones(span):
                if milestone.moved and milestone.reason is not Reason.PACE:
                    said = because.moved(milestone)
                    yield Entry(milestone.nominal, milestone.reason, Fate.MOVED, said)
                entry = self._entry(span, milestone, is_merged=is_merged)
                if entry.outcome not in (Fate.MERGED, Fate.SKIPPED):
                    explained.add((entry.on, entry.reason))
                yield entry
        for day, mails in self.mails.items():
            for reason in dict.fromkeys(item.reason for _, item in mails):
                if (day, reason) not in explained:
                    as_late = (Reason.RETURNED, reason) if reason is Reason.OVERDUE else (reason,)
                    is_repeated = any(on < day for on, said in explained if said in as_late) or any(
                        on < day and item.reason in as_late
                        for on, told in self.mails.items()
                        for _, item in told
                    )
                    yield self._without_milestone(day, reason, is_repeated=is_repeated)
        yield from self._beats_ahead()

    def _beats_ahead(self) -> Iterator[Entry]:
        """The days on which it will be told with all that is late of the unit, if nobody answers."""
        span, own = self.spans[-1], late(self.spans[-1].dates, self.rules)
        if own is None or span.answer.quiet or self._nobody(Reason.OVERDUE) is not None:
            return
        if not self.force.is_chased(span.dates, span.answer.answered):
            # One line says it for all that would have been repeated.
            rule = because.beat(span.dates.effective_due, self.rules.policy.overdue)
            said = because.joined(rule, because.BEFORE)
            yield Entry(max(self.began, own.since), Reason.OVERDUE, Fate.SKIPPED, said)
            return
        yesterday = self.today - timedelta(days=1)
        begins = max(yesterday, own.since)
        anchor, first = beat_of(self.session, self.force, self.unit, begins, own)
        told = {day for day, mails in self.mails.items() if any(i.reason is Reason.OVERDUE for _, i in mails)}
        days = beats(anchor, first, begins) if first is not None else ()
        for on in islice((day for day in days if day not in told), max(0, SHOWN_AHEAD - self.ahead)):
            if own.may_be_said(on) and first is not None:
                rule = because.beat(span.dates.effective_due, first.every)
                yield Entry(on, Reason.OVERDUE, Fate.PLANNED, because.joined(rule, because.WILL_BE_SAID))

    def _milestones(self, span: _Span) -> Iterator[tuple[Milestone, bool]]:
        """Those whose sending time lies in ``span``, each with whether another one of that day took its place."""
        by_rule = before_due_by_rule(span.dates, self.rules)
        last_of_day = {milestone.on: milestone for milestone in by_rule}
        for milestone in by_rule:
            if span.since <= self._moment(milestone.on) < span.until:
                yield milestone, last_of_day[milestone.on] is not milestone
        first = (
            date.min if span.since is NEVER else span.since.astimezone(self.zone).date() - timedelta(days=1)
        )
        ahead = 0
        for milestone in milestones(span.dates, self.rules, first):
            moment = self._moment(milestone.on)
            if moment >= span.until:
                return
            if milestone.reason in _BEFORE_DUE or self._is_of_before(milestone):
                continue
            if moment > self.now:
                ahead += 1
                self.ahead += 1
            if ahead > SHOWN_AHEAD:
                return
            is_left = not self.force.is_chased(span.dates, span.answer.answered)
            if is_left and milestone.on >= self.began:
                # One line says it for all that would have been repeated.
                yield milestone, False
                return
            if moment >= span.since and not self._is_nobodys_pace(milestone):
                yield milestone, milestone.reason is Reason.PACE and milestone.on in last_of_day

    def _is_of_before(self, milestone: Milestone) -> bool:
        """What would have been repeated before the service was in use is not worth a line each."""
        return milestone.reason in (Reason.OVERDUE, Reason.REVIEW, Reason.PACE) and milestone.on < self.began

    def _is_nobodys_pace(self, milestone: Milestone) -> bool:
        has_quota = self.force.target(self.definition, self.unit) is not None
        return milestone.reason is Reason.PACE and not has_quota

    def _moment(self, day: date) -> datetime:
        return datetime.combine(day, self.force.settings.send_at, self.zone)

    def _entry(self, span: _Span, milestone: Milestone, *, is_merged: bool) -> Entry:
        rule = because.rule(span.dates, self.rules.policy, milestone)
        outcome, fate = self._fate(span, milestone, is_merged=is_merged)
        return Entry(milestone.on, milestone.reason, outcome, because.joined(rule, fate))

    def _fate(self, span: _Span, milestone: Milestone, *, is_merged: bool) -> tuple[Fate, Both]:
        day, reason = milestone.on, milestone.reason
        mails = [mail for mail, item in self.mails.get(day, ()) if item.reason is reason]
        if mails and not is_merged:
            return _what_became_of(mails)
        if span.answer.quiet:
            return Fate.SKIPPED, self._quiet(span)
        if day >= self.began and not self.force.is_chased(span.dates, span.answer.answered):
            return Fate.SKIPPED, because.BEFORE
        nobody = self._nobody(reason)
        if nobody is not None:
            return Fate.SKIPPED, nobody
        if is_merged:
            return Fate.MERGED, because.MERGED
        own = [item.reason for _, item in self.mails.get(day, ())]
        if own and reason is not Reason.ESCALATION:
            return Fate.MERGED, because.said_as(own[0])
        if reason is Reason.PACE:
            wanted = share(self.definition.target.count, span.dates, day) if self.definition.target else 0
            if span.answer.progress >= wanted:
                return Fate.SKIPPED, because.in_pace(span.answer.progress, wanted)
        if self._moment(day) > self.now:
            return Fate.PLANNED, because.WILL_BE_SAID
        return self._unsaid(day)

    def _unsaid(self, day: date) -> tuple[Fate, Both]:
        """Why there is no mail of ``day``, whose time has come."""
        for before, span in pairwise(self.spans):
            # Answered between the time of sending and the moment when the mail really went.
            is_then = before.until > self._moment(day) and span.since.astimezone(self.zone).date() == day
            if is_then and span.answer.quiet:
                return Fate.SKIPPED, self._quiet(span)
        last = self.spans[-1]
        is_later = last.dates.again is not None and day < last.dates.again
        if is_later and self._moment(day) >= last.since:
            # Only an edit of the files, which is no event, has made it late, or asked this unit for it.
            return Fate.SKIPPED, because.NOT_YET
        if day == self.today:
            return Fate.PLANNED, because.WILL_BE_SAID
        if day < self.began:
            return Fate.SKIPPED, because.NOT_IN_USE
        later = min((on for on in self.mails if on > day), default=None)
        if later is not None:
            self.caught_up.add(later)
        return Fate.SKIPPED, because.missed(later)

    def _nobody(self, reason: Reason) -> Both | None:
        """Why nobody can be told, if so."""
        if reason is Reason.ESCALATION and self.superior is None:
            return because.SUPERIOR_IS_NONE
        unit = self.superior if reason is Reason.ESCALATION and self.superior is not None else self.unit
        return None if self.force.addresses_ever([unit]) else because.NO_ADDRESS

    def _quiet(self, span: _Span) -> Both:
        event = span.event
        return because.quiet(event, self.today if event is None else self.force.day(event.at))

    def _without_milestone(self, day: date, reason: Reason, *, is_repeated: bool) -> Entry:
        found = [(mail, item) for mail, item in self.mails[day] if item.reason is reason]
        outcome, fate = _what_became_of([mail for mail, _ in found])
        is_first = day <= self.began
        said = because.without_rule(
            found[0][1],
            is_repeated=is_repeated,
            is_first=is_first,
            is_caught_up=day in self.caught_up,
        )
        return Entry(
            day,
            reason,
            outcome,
            because.joined(said, fate),
        )


def _what_became_of(mails: Sequence[StoredMail]) -> tuple[Fate, Both]:
    to = [mail.mail.to for mail in mails if mail.state is MailState.SENT]
    if to:
        return Fate.SENT, because.sent(to, max(len(mail.mail.items) for mail in mails) - 1)
    by_state = {mail.state: mail for mail in mails}
    if MailState.FAILED in by_state:
        return Fate.FAILED, because.failed(by_state[MailState.FAILED].outcome or "")
    for state in (MailState.SUPERSEDED, MailState.DROPPED):
        if state in by_state:
            return Fate.SKIPPED, because.not_sent(by_state[state].outcome or "")
    return Fate.PLANNED, because.waits(mails[0])
