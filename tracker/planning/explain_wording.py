"""The words of ``explain``: by which rule something was to be said, and what became of it, in both languages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from tracker.core.model import Event, EventKind, Reason
from tracker.core.naming import day_zh
from tracker.core.policy import Interval, Policy
from tracker.core.reminders import Milestone
from tracker.core.status import Dates
from tracker.i18n.library_errors import in_chinese
from tracker.i18n.terms import word
from tracker.outbox.queries import StoredMail

#: The same sentence in English and in Chinese.
Both = tuple[str, str]

_EVENTS: dict[EventKind, Both] = {
    EventKind.SUBMIT: ("submitted", "报送"),
    EventKind.NIL: ("a nil return", "零报告"),
    EventKind.ACCEPT: ("accepted", "销号"),
    EventKind.WAIVE: ("waived", "免报"),
    EventKind.PAUSE: ("paused", "暂停"),
}

_REASONS: dict[Reason, Both] = {
    Reason.OPENED: ("newly asked", "新列入"),
    Reason.LEAD: ("to come", "即将到期"),
    Reason.DUE_TODAY: ("due that day", "当日到期"),
    Reason.OVERDUE: ("overdue", "逾期"),
    Reason.ESCALATION: ("escalated", "升级督办"),
    Reason.REVIEW: ("reviewed", "定期回顾"),
    Reason.PACE: ("behind its quota", "进度滞后"),
    Reason.RETURNED: ("sent back", "退回"),
}

SUPERIOR_IS_NONE: Both = ("there is no unit above to tell", "没有上级督办单位")
NO_ADDRESS: Both = ("nobody there has an address", "该单位没有登记联系人邮箱")
MERGED: Both = ("said together with a later one of the same day", "与当日另一次提醒合并")
WILL_BE_SAID: Both = ("will be in that day's digest", "将列入当日汇总邮件")
BEFORE: Both = ("due before this ledger began, and not chased", "台账建立前到期，不予催报")
NOT_IN_USE: Both = ("the service was not in use yet", "当时服务尚未启用")
DID_NOT_RUN: Both = ("the service did not run that day", "当日服务未运行")
REPEATED: Both = ("repeated with all else that is overdue", "与该单位其他逾期事项一并催报")
FIRST_TOLD: Both = (
    "told with the first digests of this ledger, as it stood",
    "台账建立后首次提醒，按当时情况列入",
)
FIRST_IN_FORCE: Both = (
    "told with the first digests after it was added or its rules were changed, as it stood",
    "列入清单或调整规则后首次提醒，按当时情况列入",
)
BY_RULES_THEN: Both = ("told by the dates and rules of that day", "按当时的时限和规则提醒")
CAUGHT_UP: Both = ("told after the service had not run, as it stood", "服务恢复后按当时情况补发")


def both(said: Both) -> str:
    """On one line: English, with the Chinese behind it."""
    return f"{said[0]}（{said[1]}）"


def joined(rule: Both, fate: Both) -> Both:
    """The rule, and what became of it."""
    return f"{rule[0]}: {fate[0]}", f"{rule[1]}：{fate[1]}"


def moved(milestone: Milestone, *, is_quiet: bool) -> Both:
    """A day off moved it, or a workday on which its policy ``is_quiet``."""
    nominal, on = milestone.nominal, milestone.on
    if is_quiet:
        return (
            f"{nominal} is a quiet day by its policy; said on {on}",
            f"{nominal}按提醒办法不发邮件，调整到{on}",
        )
    return f"{nominal} is a day off; said on {on}", f"{nominal}不是工作日，调整到{on}"


def rule(dates: Dates, policy: Policy, milestone: Milestone) -> Both:
    """By which rule something was to be said."""
    due, reason = dates.effective_due, milestone.reason
    if reason is Reason.OPENED:
        return "announced when it was handed out", "任务下达时通知"
    if reason is Reason.REVIEW:
        return f"reviewed every {policy.review}", "持续推进事项定期回顾"
    if reason is Reason.PACE:
        return f"the quota is looked at every {policy.pace}", "定期核对完成进度"
    if reason is Reason.ESCALATION:
        return (
            f"overdue since {due}, goes upward after {_english(policy.escalate)}",
            f"{_chinese_day(due)}到期未报，逾期{_chinese(policy.escalate)}升级督办",
        )
    if due is None or reason is Reason.OVERDUE:
        return overdue(due, policy)
    days = (due - milestone.nominal).days
    if days == 0:
        return f"the last reminder, due {due}", f"截止日期{_chinese_day(due)}的最后一次提醒"
    return f"{days} days before {due}", f"截止日期{_chinese_day(due)}前{days}天"


def _chinese_day(day: date | None) -> str:
    return "" if day is None else day_zh(day)


def _chinese(every: Interval | None) -> str:
    """2个工作日 · 7天."""
    if every is None:
        return ""
    return f"{every.count}{'个工作日' if every.unit == 'wd' else '天'}"


def _english(every: Interval | None) -> str:
    if every is None:
        return "never"
    unit = "workday" if every.unit == "wd" else "day"
    return f"{every.count} {unit}{'s' if every.count > 1 else ''}"


def overdue(due: date | None, policy: Policy) -> Both:
    """Its date has passed."""
    every = policy.overdue
    return (
        f"overdue since {due}, repeated every {_english(every)}",
        f"{_chinese_day(due)}到期未报，" + (f"每{_chinese(every)}催报一次" if every else "催报一次"),
    )


def quiet(event: Event | None, day: date) -> Both:
    """Nothing was to be said, because of ``event`` on ``day``."""
    if event is None:
        return "nothing is to be said", "无需提醒"
    english, chinese = _EVENTS.get(event.event, ("answered", "办理"))
    return f"{english} on {day}", f"{day}已{chinese}"


def in_pace(done: int, wanted: int) -> Both:
    """The quota does not lag."""
    return f"{done} done, {wanted} would do by then", f"已完成{done}，按进度应完成{wanted}，未滞后"


def sent(to: Sequence[str], others: int) -> Both:
    """It stood in a digest."""
    who = ", ".join(to)
    return (
        f"in the digest to {who}, with {others} others",
        f"已列入发给{'、'.join(to)}的汇总邮件（同列另{others}项）",
    )


def failed(why: str) -> Both:
    """Delivery failed."""
    return f"delivery failed: {why}", f"投递失败：{in_chinese(why)}"


def not_sent(why: str) -> Both:
    """A mail was decided, and did not go."""
    return why, f"未单独发出（{in_chinese(why)}）"


def waits(mail: StoredMail) -> Both:
    """It is still in the outbox."""
    state, zh = mail.state.value, word(mail.state.value, "zh")
    if mail.outcome is None:
        return f"waits in the outbox ({state})", f"在发件箱中等待（{zh}）"
    return (
        f"waits in the outbox ({state}: {mail.outcome})",
        f"在发件箱中等待（{zh}：{in_chinese(mail.outcome)}）",
    )


def said_as(reason: Reason) -> Both:
    """Another item about the same assignment stood in that day's digest."""
    english, chinese = _REASONS[reason]
    return f"said as “{english}” in the same digest", f"已在当日汇总邮件中按“{chinese}”列出"


def missed(later: date | None) -> Both:
    """The service did not run."""
    english, chinese = DID_NOT_RUN
    return (
        (english, chinese)
        if later is None
        else (f"{english}; told on {later}", f"{chinese}，已于{later}补发")
    )


def told_as(reason: Reason) -> Both:
    """It is told because it stands so."""
    return _REASONS[reason]
