"""The words of ``explain``: by which rule something was to be said, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from tracker.core.model import Event, Reason
from tracker.core.policy import Interval, Policy
from tracker.core.reminders import Milestone
from tracker.core.status import Dates
from tracker.i18n.message import Message
from tracker.i18n.recognised import recognised
from tracker.outbox.queries import StoredMail

SUPERIOR_IS_NONE = Message("explain.superior_is_none")
NO_ADDRESS = Message("explain.no_address")
MERGED = Message("explain.merged")
WILL_BE_SAID = Message("explain.will_be_said")
BEFORE = Message("explain.before")
NOT_IN_USE = Message("explain.not_in_use")
REPEATED = Message("explain.repeated")
FIRST_TOLD = Message("explain.first_told")
FIRST_IN_FORCE = Message("explain.first_in_force")
DID_NOT_RUN = Message("explain.missed")
BY_RULES_THEN = Message("explain.by_rules_then")
CAUGHT_UP = Message("explain.caught_up")


def joined(rule: Message, fate: Message) -> Message:
    """The rule, and what became of it."""
    return Message("explain.joined", rule=rule, fate=fate)


def moved(milestone: Milestone, *, is_quiet: bool) -> Message:
    """A day off moved it, or a workday on which its policy ``is_quiet``."""
    days = {"day": milestone.nominal, "on": milestone.on}
    return Message("explain.moved_quiet", **days) if is_quiet else Message("explain.moved_off", **days)


def rule(dates: Dates, policy: Policy, milestone: Milestone) -> Message:
    """By which rule something was to be said."""
    due, reason = dates.effective_due, milestone.reason
    if reason is Reason.OPENED:
        return Message("explain.rule.opened")
    if reason is Reason.REVIEW:
        return Message("explain.rule.review", every=policy.review)
    if reason is Reason.PACE:
        return Message("explain.rule.pace", every=policy.pace)
    if reason is Reason.ESCALATION:
        return Message("explain.rule.escalation", due=due, every=_every(policy.escalate))
    if due is None or reason is Reason.OVERDUE:
        return overdue(due, policy)
    days = (due - milestone.nominal).days
    if days == 0:
        return Message("explain.rule.last", due=due)
    return Message("explain.rule.lead", due=due, n=days)


def _every(every: Interval | None) -> Message | str:
    """2个工作日 · 7 days; nothing for None."""
    return "" if every is None else Message(f"explain.every.{every.unit}", n=every.count)


def overdue(due: date | None, policy: Policy) -> Message:
    """Its date has passed."""
    key = "explain.rule.overdue_once" if policy.overdue is None else "explain.rule.overdue"
    return Message(key, due="" if due is None else due, every=_every(policy.overdue))


def quiet(event: Event | None, day: date) -> Message:
    """Nothing was to be said, because of ``event`` on ``day``."""
    if event is None:
        return Message("explain.nothing")
    return Message(f"explain.event.{event.event}", day=day)


def in_pace(done: int, wanted: int) -> Message:
    """The quota does not lag."""
    return Message("explain.in_pace", done=done, wanted=wanted)


def sent(to: Sequence[str], others: int) -> Message:
    """It stood in a digest."""
    return Message("explain.sent", to=tuple(to), n=others)


def failed(why: str) -> Message:
    """Delivery failed."""
    return Message("explain.failed", why=recognised(why) or why)


def not_sent(why: str) -> Message:
    """A mail was decided, and did not go."""
    return Message("explain.not_sent", why=recognised(why) or why)


def waits(mail: StoredMail) -> Message:
    """It is still in the outbox."""
    state = Message(f"terms.word.{mail.state}")
    if mail.outcome is None:
        return Message("explain.waits", outbox=state)
    return Message("explain.waits_because", outbox=state, why=recognised(mail.outcome) or mail.outcome)


def said_as(reason: Reason) -> Message:
    """Another item about the same assignment stood in that day's digest."""
    return Message("explain.said_as", reason=told_as(reason))


def missed(later: date | None) -> Message:
    """The service did not run."""
    return DID_NOT_RUN if later is None else Message("explain.missed_until", day=later)


def told_as(reason: Reason) -> Message:
    """It is told because it stands so."""
    return Message(f"explain.reason.{reason}")
