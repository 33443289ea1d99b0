"""Why a mail went, or did not, or when it will: one assignment's reminders from its opening on.

Nothing is decided here.  The milestones come from ``core/reminders.py``, for the dates that were in force
from event to event; what was sent or failed comes from the outbox; what was quiet comes from the events.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlmodel import Session

from tracker.core.model import Definition, Event, EventKind, Item, MailKind, Reason
from tracker.core.reminders import Milestone, before_due_by_rule, milestones
from tracker.core.standing import NOTHING, Answer, Dates, fold
from tracker.engine.inforce import InForce
from tracker.engine.ledger import find_assignment, read_events, with_extension
from tracker.engine.mails import StoredMail, mails_about
from tracker.store.tables import MailState

#: So many reminders still to come are shown; overdue ones would go on for ever.
SHOWN_AHEAD = 4

EVER = datetime.max.replace(tzinfo=UTC)
NEVER = datetime.min.replace(tzinfo=UTC)


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
    """One reminder: its local day, why it is one, what became of it, and because of what (both languages)."""

    on: date
    reason: Reason
    outcome: Fate
    because: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """How an assignment stands and every reminder of it, by day."""

    ref: str
    unit: str
    state: str
    due: date | None
    effective_due: date | None
    entries: tuple[Entry, ...]


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
    row = find_assignment(session, force, ref, unit)
    definition = force.definition(row.key)
    events = read_events(session, row.id)
    spans = _spans(
        force,
        definition,
        Dates.of(row.opens, row.due, row.effective_due, 0, force.campaign.issued),
        events,
        unit,
    )
    addresses = [force.recipients[address][0].email for address in force.addresses.get(unit, ())]
    mails = [mail for mail in mails_about(session, ref, unit, addresses) if mail.mail.kind is MailKind.DIGEST]
    told = _Told(force, definition, ref, unit, mails, now, has_address=bool(addresses))
    entries = sorted(told.entries(spans), key=lambda entry: entry.on)
    last = spans[-1]
    stands = force.standing(definition, last.dates, last.answer, force.day(now))
    return Explanation(
        ref, unit, stands.state.value, last.dates.due, last.dates.effective_due, tuple(entries)
    )


def _spans(
    force: InForce, definition: Definition, dates: Dates, events: Sequence[Event], unit: str
) -> list[_Span]:
    target = force.target(definition, unit)
    spans: list[_Span] = []
    since, answer, begun_by = NEVER, NOTHING, None
    for count, event in enumerate(events, start=1):
        spans.append(_Span(since, event.at, _dates(force, definition, dates, answer), answer, begun_by))
        since, answer, begun_by = event.at, fold(events[:count], target=target), event
    spans.append(_Span(since, EVER, _dates(force, definition, dates, answer), answer, begun_by))
    return spans


def _dates(force: InForce, definition: Definition, dates: Dates, answer: Answer) -> Dates:
    return with_extension(force, definition, dates, answer)


class _Told:
    """Puts milestones and mails of one assignment side by side."""

    def __init__(
        self,
        force: InForce,
        definition: Definition,
        ref: str,
        unit: str,
        mails: Sequence[StoredMail],
        now: datetime,
        *,
        has_address: bool,
    ) -> None:
        self.force = force
        self.definition = definition
        self.policy = force.policy(definition)
        self.ref = ref
        self.unit = unit
        self.now = now
        self.has_address = has_address
        self.zone = ZoneInfo(force.timezone(unit))
        self.today = now.astimezone(self.zone).date()
        self.mails: dict[date, list[StoredMail]] = defaultdict(list)
        for mail in mails:
            self.mails[mail.day].append(mail)

    def entries(self, spans: Sequence[_Span]) -> Iterator[Entry]:
        """One for each milestone, and one for each mail that no milestone explains."""
        explained: set[date] = set()
        for span in spans:
            for milestone, is_merged in self._milestones(span):
                if milestone.moved and milestone.nominal != milestone.on:
                    yield self._moved(milestone)
                yield self._entry(span, milestone, is_merged=is_merged)
                explained.add(milestone.on)
        for day, mails in self.mails.items():
            if day not in explained:
                yield self._without_milestone(day, mails)

    def _milestones(self, span: _Span) -> Iterator[tuple[Milestone, bool]]:
        """Those whose sending time lies in ``span``, each with whether another one of that day took its place."""
        first = (
            date.min if span.since is NEVER else span.since.astimezone(self.zone).date() - timedelta(days=1)
        )
        by_rule = before_due_by_rule(span.dates, self.policy, self.force.workdays)
        last_of_day = {milestone.on: milestone for milestone in by_rule}
        for milestone in by_rule:
            if span.since <= self._moment(milestone.on) < span.until:
                yield milestone, last_of_day[milestone.on] is not milestone
        ahead = 0
        for milestone in milestones(span.dates, self.policy, self.force.workdays, first):
            moment = self._moment(milestone.on)
            if moment >= span.until:
                return
            if moment > self.now:
                ahead += 1
            if ahead > SHOWN_AHEAD:
                return
            if milestone.on not in last_of_day and moment >= span.since:
                yield milestone, False

    def _moment(self, day: date) -> datetime:
        return datetime.combine(day, self.force.settings.send_at, self.zone)

    def _moved(self, milestone: Milestone) -> Entry:
        en = f"{milestone.nominal} is a day off; said on {milestone.on}"
        zh = f"{milestone.nominal}不是工作日，调整到{milestone.on}"
        return Entry(milestone.nominal, milestone.reason, Fate.MOVED, _both(en, zh))

    def _entry(self, span: _Span, milestone: Milestone, *, is_merged: bool) -> Entry:
        rule_en, rule_zh = self._rule(span.dates, milestone)
        outcome, en, zh = self._fate(span, milestone, is_merged=is_merged)
        return Entry(milestone.on, milestone.reason, outcome, _both(f"{rule_en}: {en}", f"{rule_zh}：{zh}"))

    def _fate(self, span: _Span, milestone: Milestone, *, is_merged: bool) -> tuple[Fate, str, str]:
        if span.answer.quiet:
            return (Fate.SKIPPED, *_quiet(span))
        if not self.has_address:
            return Fate.SKIPPED, "nobody at the unit has an address", "该单位没有联系人邮箱"
        mails = self.mails.get(milestone.on, [])
        if is_merged:
            return Fate.MERGED, "said together with a later one of the same day", "与当日另一次提醒合并"
        if mails:
            return self._sent(mails)
        if self._moment(milestone.on) > self.now or milestone.on == self.today:
            return Fate.PLANNED, "will be in that day's digest", "将列入当日汇总邮件"
        return Fate.SKIPPED, *self._missed(milestone.on)

    def _sent(self, mails: Sequence[StoredMail]) -> tuple[Fate, str, str]:
        to = ", ".join(mail.mail.to for mail in mails if mail.state is MailState.SENT)
        if to:
            others = max(len(mail.mail.items) for mail in mails) - 1
            return (
                Fate.SENT,
                f"in the digest to {to}, with {others} others",
                f"已列入汇总邮件（另{others}项）发至{to}",
            )
        states = {mail.state: mail.outcome or "" for mail in mails}
        if MailState.FAILED in states:
            why = states[MailState.FAILED]
            return Fate.FAILED, f"delivery failed: {why}", f"投递失败：{why}"
        if MailState.SUPERSEDED in states or MailState.DROPPED in states:
            why = next(iter(states.values()))
            return Fate.SKIPPED, why, f"未单独发出：{why}"
        why = next(iter(states))
        return Fate.PLANNED, f"waits in the outbox ({why.value})", f"在发件箱中等待（{why.value}）"

    def _missed(self, day: date) -> tuple[str, str]:
        later = min((on for on in self.mails if on > day), default=None)
        if later is not None:
            return f"the service did not run that day; told on {later}", f"当日服务未运行，已于{later}补发"
        return "the service did not run that day", "当日服务未运行"

    def _without_milestone(self, day: date, mails: Sequence[StoredMail]) -> Entry:
        item = next(i for i in mails[0].mail.items if (i.ref, i.unit) == (self.ref, self.unit))
        outcome, en, zh = self._sent(mails)
        why_en, why_zh = _other_reason(item)
        return Entry(day, item.reason, outcome, _both(f"{why_en}: {en}", f"{why_zh}：{zh}"))

    def _rule(self, dates: Dates, milestone: Milestone) -> tuple[str, str]:
        due = dates.effective_due
        if milestone.reason is Reason.OPENED:
            return "announced when it was handed out", "任务下达时通知"
        if milestone.reason is Reason.REVIEW:
            return f"reviewed every {self.policy.review}", "持续推进事项定期回顾"
        if due is None or milestone.reason is Reason.OVERDUE:
            return (
                f"overdue since {due}, repeated every {self.policy.overdue}",
                f"{due}到期未报，按{self.policy.overdue}催报",
            )
        days = (due - milestone.nominal).days
        if days == 0:
            return f"the last reminder, due {due}", f"到期日{due}的最后一次提醒"
        return f"{days} days before {due}", f"到期日{due}前{days}天"


def _quiet(span: _Span) -> tuple[str, str]:
    event = span.event
    if event is None:
        return "nothing is to be said", "无需提醒"
    what = {
        EventKind.SUBMIT: ("submitted", "已报送"),
        EventKind.NIL: ("a nil return", "零报告"),
        EventKind.ACCEPT: ("accepted", "已销号"),
        EventKind.WAIVE: ("waived", "免报"),
        EventKind.PAUSE: ("paused", "暂停"),
    }.get(event.event, ("answered", "已办理"))
    day = event.at.date()
    return f"{what[0]} on {day}", f"{day}{what[1]}"


def _other_reason(item: Item) -> tuple[str, str]:
    if item.reason is Reason.RETURNED:
        return "sent back", "被退回"
    if item.reason is Reason.OPENED:
        return "newly asked", "新列入"
    return "told after the service had not run, as it stood", "服务恢复后按当时情况补发"


def _both(en: str, zh: str) -> str:
    return f"{en}（{zh}）"
