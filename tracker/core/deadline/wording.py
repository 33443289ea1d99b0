"""What a rule is called: the canonical Chinese and English, which read back to the same rule.

The canonical text always names the year, so that it means the same whatever the date of issue.  The forms
are those of docs/contract.md §3 and of the offices that write such documents.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date

from tracker.core.model import Every, Rule
from tracker.i18n.catalogue import FIRST, Language
from tracker.i18n.message import Message, say_day

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
WEEKDAYS_ZH = "一二三四五六日"
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_ORDINALS = (
    *("first", "second", "third", "fourth", "fifth", "sixth"),
    *("seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth"),
)


def is_of_chinese(language: Language) -> bool:
    """Whether the language of deadlines is the Chinese one for its readers, whatever the script."""
    return language.partition("-")[0] == FIRST


def to_words(rule: Rule, language: Language) -> str:
    """The canonical text for readers of ``language``; ValueError if the rule says nothing."""
    return to_chinese(rule) if is_of_chinese(language) else to_english(rule)


def to_chinese(rule: Rule) -> str:
    """``2022年4月至10月，每月5日前``, ``2022年6月底前，并持续推进``; ValueError if the rule says nothing."""
    parts = []
    if rule.due is not None:
        parts.append(_due_zh(rule.due))
    elif rule.every is not None:
        parts += [*_range_zh(rule), _recurrence_zh(rule.every, rule.month, rule.day)]
    if rule.ongoing:
        parts.append("并持续推进" if parts else "持续推进")
    if not parts:
        raise ValueError(f"{rule!r} has no date, does not come back and is not ongoing")
    return "，".join(parts)


def to_english(rule: Rule) -> str:
    """``by end of June 2022, ongoing``, ``monthly by the 5th from April to October 2022``; as above."""
    parts = []
    if rule.due is not None:
        parts.append(_due_en(rule.due))
    elif rule.every is not None:
        parts.append(_recurrence_en(rule.every, rule.month, rule.day) + _range_en(rule))
    if rule.ongoing:
        parts.append("ongoing")
    if not parts:
        raise ValueError(f"{rule!r} has no date, does not come back and is not ongoing")
    return ", ".join(parts)


def in_both(rule: Rule) -> Message:
    """The canonical text of ``rule``, in the reader's language; ValueError as above."""
    return Message("deadline.written", zh=to_chinese(rule), en=to_english(rule))


def month_in_both(year: int | None, month: int) -> Message:
    """2022年4月 · April 2022; 4月 · April of any year."""
    name = MONTHS[month - 1]
    if year is None:
        return Message("deadline.written", zh=f"{month}月", en=name)
    return Message("deadline.written", zh=f"{year}年{month}月", en=f"{name} {year}")


def is_month_end(day: date) -> bool:
    """Whether ``day`` is its month's last."""
    return day.day == monthrange(day.year, day.month)[1]


def _due_zh(due: date) -> str:
    if not is_month_end(due):
        return f"{say_day('zh', due)}前"
    return f"{due.year}年底前" if due.month == 12 else f"{due.year}年{due.month}月底前"


def _due_en(due: date) -> str:
    if not is_month_end(due):
        return f"by {say_day('en', due)}"
    return f"by end of {due.year}" if due.month == 12 else f"by end of {MONTHS[due.month - 1]} {due.year}"


def _range_zh(rule: Rule) -> list[str]:
    since, until = rule.since, rule.until
    first = last = ""
    if since is not None:
        first = f"{since.year}年{since.month}月" if since.day == 1 else say_day("zh", since)
    if until is not None:
        last = f"{until.month}月" if is_month_end(until) else f"{until.month}月{until.day}日"
        if since is None or since.year != until.year:
            last = f"{until.year}年{last}"
    if first and last:
        return [f"{first}至{last}"]
    return [f"{first}起"] if first else [f"至{last}止"] if last else []


def _range_en(rule: Rule) -> str:
    since, until = rule.since, rule.until
    first = last = ""
    if since is not None:
        first = MONTHS[since.month - 1] if since.day == 1 else f"{since.day} {MONTHS[since.month - 1]}"
        if until is None or until.year != since.year:
            first = f"{first} {since.year}"
    if until is not None:
        last = f"{MONTHS[until.month - 1]} {until.year}" if is_month_end(until) else say_day("en", until)
    if first and last:
        return f" from {first} to {last}"
    return f" from {first}" if first else f" until {last}" if last else ""


def _recurrence_zh(every: Every, month: int | None, day: int | None) -> str:
    if every is Every.WEEK:
        # 每周末前 would be read as "before the weekend".
        return "每周内" if day is None else f"每周{WEEKDAYS_ZH[day - 1]}前"
    which_day = "底前" if day is None else f"{day}日前"
    if every is Every.MONTH:
        return f"每月{which_day}"
    if every is Every.YEAR and month is not None:
        return f"每年{month}月{which_day}"
    unit = {Every.QUARTER: "每季度", Every.HALF_YEAR: "每半年", Every.YEAR: "每年"}[every]
    if month is None and day is None:
        return f"{unit}底前" if every is Every.YEAR else f"{unit}末前"
    which_month = "末月" if month is None else "首月" if month == 1 else f"第{month}个月"
    return f"{unit}{which_month}{which_day}"


def _recurrence_en(every: Every, month: int | None, day: int | None) -> str:
    if every is Every.WEEK and day is not None:
        return f"weekly by {WEEKDAYS[day - 1]}"
    if every is Every.MONTH and day is not None:
        return f"monthly by the {_nth(day)}"
    if every is Every.YEAR and month is not None:
        name = MONTHS[month - 1]
        return f"yearly by end of {name}" if day is None else f"yearly by {day} {name}"
    if month is None and day is None:
        return f"by the end of every {every.value}"
    adverb = {Every.QUARTER: "quarterly", Every.HALF_YEAR: "half-yearly", Every.YEAR: "yearly"}[every]
    which_day = "the end" if day is None else f"the {_nth(day)}"
    which_month = "last" if month is None else _ORDINALS[month - 1]
    return f"{adverb} by {which_day} of the {which_month} month"


def _nth(number: int) -> str:
    """``5th``, ``22nd``."""
    suffix = "th" if number in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"
