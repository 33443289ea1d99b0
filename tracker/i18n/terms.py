"""How listings and pages call states, events and kinds; JSON and CSV have the names of the contract in either language."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from tracker.core.model import Language

CHINESE = {
    # events
    "submit": "报送",
    "accept": "销号",
    "return": "退回",
    "extend": "延期",
    "waive": "免报",
    "pause": "暂停",
    "resume": "恢复",
    "undo": "撤销",
    # reasons of items, and what became of them
    "opened": "新下达",
    "lead": "到期前提醒",
    "escalation": "升级督办",
    "review": "定期回顾",
    "pace": "进度滞后",
    "planned": "待发",
    "moved": "已调整",
    "merged": "已合并",
    "skipped": "未发",
    # mails
    "digest": "提醒邮件",
    "rollup": "情况汇总",
    "alert": "告警",
    "receipt": "回执",
    "queued": "待发",
    "claimed": "发送中",
    "deferred": "待重试",
    "uncertain": "待确认",
    "sent": "已发",
    "failed": "失败",
    "dropped": "已撤下",
    "superseded": "已并入后一封",
}


def word(name: str | None, language: Language) -> str:
    """The word of the contract in ``language``."""
    if name is None:
        return ""
    # Loaded with the first table: every command names these terms, and few say one.
    from tracker.core.vocabulary import WORDS

    if name in WORDS:
        return WORDS[name](language)
    return CHINESE.get(name, name) if language == "zh" else name.replace("_", " ")


def way(via: str | None, language: Language) -> str:
    """Through what an event came in: 网页, 邮件链接; what a file of events calls by a word of its own stays so."""
    from tracker.core.vocabulary import WAYS

    if via is None:
        return ""
    return WAYS[via](language) if via in WAYS else via


def counted_as(name: str, n: int, language: Language) -> str:
    """任务31项 · 31 tasks."""
    from tracker.core.vocabulary import NUMBERS

    said = NUMBERS[name](language).format(n=n)
    return said.removesuffix("s") if n == 1 and language == "en" else said


def say_day(language: Language, day: date | None) -> str:
    """2022年5月5日, or 5 May 2022; nothing for None."""
    if day is None:
        return ""
    if language == "zh":
        return f"{day.year}年{day.month}月{day.day}日"
    return f"{day.day} {day:%b} {day.year}"


def minute(moment: str | None) -> str:
    """A time as JSON has it, for eyes: local, to the minute."""
    return "" if moment is None else moment[:16].replace("T", " ")
