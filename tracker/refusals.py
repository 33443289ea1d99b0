"""What is said on a page where the core would not do something: by the code of the error, in the reader's language.

The error's own text is for the command line and may speak of its options; nothing here does.  No sentence ends
with a full stop, as some stand within others.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from tracker.core.model import Language
from tracker.errors import TrackerError
from tracker.terms import say_day, word

#: By code, Chinese and English.  ``unit`` stands for its name.
SENTENCES: dict[str, tuple[str, str]] = {
    # what an event does not fit
    "is_waived": (
        "{unit}的{ref}已免报，如需报送，请先撤销免报",
        "{ref} of {unit} is waived; the waiver has to be undone first",
    ),
    "nothing_to_accept": (
        "{unit}的{ref}尚未报送，不能销号",
        "nothing has been submitted yet for {ref} of {unit}, so there is nothing to accept",
    ),
    "nothing_to_return": (
        "{unit}的{ref}尚未报送，不能退回",
        "nothing has been submitted yet for {ref} of {unit}, so there is nothing to send back",
    ),
    "extension_without_date": (
        "{unit}的{ref}要延期，须写明新的日期",
        "to extend {ref} of {unit}, the new date is needed",
    ),
    "already_answered": (
        "{unit}的{ref}已报送或已免报，无须延期",
        "{ref} of {unit} is answered already, and there is nothing to extend",
    ),
    "already_accepted": ("{unit}的{ref}已经销号", "{ref} of {unit} is accepted already"),
    "already_waived": ("{unit}的{ref}已经免报", "{ref} of {unit} is waived already"),
    "already_paused": ("{unit}的{ref}已经暂停", "{ref} of {unit} is paused already"),
    "not_paused": ("{unit}的{ref}没有暂停，无须恢复", "{ref} of {unit} is not paused"),
    "nothing_to_undo": ("{unit}的{ref}没有可以撤销的记录", "there is nothing to undo for {ref} of {unit}"),
    "count_below_zero": (
        "{unit}的{ref}：数量不能小于零",
        "a count cannot be below zero ({ref} of {unit})",
    ),
    "count_too_large": ("{unit}的{ref}：数量过大，请核对", "a count cannot be so large ({ref} of {unit})"),
    "unseen_in_name": ("经办人姓名含有不可见字符", "a name cannot hold characters that nobody can see"),
    "no_deadline": (
        "{unit}的{ref}没有时限，不需要延期",
        "{ref} of {unit} has no deadline that could be extended",
    ),
    "extension_too_early": (
        "{unit}的{ref}时限为{due}，延期须晚于这一天",
        "{ref} of {unit} is due on {due}: an extension needs a later date than that",
    ),
    "more_time_too_early": (
        "延期后的日期须晚于今天，也须晚于现时限{due}",
        "more time has to end after today and after {due}",
    ),
    "extension_too_far": (
        "{unit}的{ref}：{until}过远，最迟可延至{latest}",
        "{ref} of {unit}: {until} is too far off; it can be extended to {latest} at the latest",
    ),
    "deadline_passed": (
        "{unit}的{ref}已于{due}到期；逾期后延期，须由督办单位说明理由后办理",
        "{ref} of {unit} was due on {due}, and an extension after that is granted by the supervisor, with a reason",
    ),
    "reason_needed": (
        "{unit}的{ref}逾期后延期，须说明理由",
        "{ref} of {unit}: an extension after the deadline needs a reason",
    ),
    "in_the_future": ("日期{day}还没有到", "{day} lies in the future"),
    "unprintable": (
        "内容中有看不见的字符，请删去后再提交",
        "characters that nobody can see have no place in the record",
    ),
    # names that nobody knows
    "no_unit": ("没有名为“{name}”的单位{near}", "there is no unit “{name}”{near}"),
    "no_definition": (
        "没有编号为“{name}”的任务、报送事项或报表{near}",
        "there is no task, deliverable or report “{name}”{near}",
    ),
    "no_reference": (
        "“{text}”不是编号，应为任务或报表编号，例如 5、5/first-list、table-2@2022-05",
        "“{text}” is no reference: expected the id of a task or report, such as 5, 5/first-list or table-2@2022-05",
    ),
    "no_period": (
        "“{text}”中的“{period}”不是期次，应为 2022-05、2022-Q2、2022-H1、2022 或 2022-W18 的形式",
        "“{period}” in “{text}” is no period; expected 2022-05, 2022-Q2, 2022-H1, 2022 or 2022-W18",
    ),
    "not_asked": (
        "{key}不由{unit}承办，落实单位为{owners}",
        "{key} is not asked of {unit}; it is asked of {owners}",
    ),
    "taken_out": (
        "{unit}的{ref}已于{day}从文件中删去，办理记录仍予保留",
        "{ref} of {unit} was taken out of the files on {day}; its history is kept",
    ),
    "needs_period": (
        "{key}按期报送，请写明期次，例如 {example}",
        "{key} comes back every period: name one, such as {example}",
    ),
    "which_report": (
        "“{name}”可能是{examples}，请写明是哪一项",
        "“{name}” could be {examples}: name one of them",
    ),
    "no_such_period": ("没有 {ref}，有的是 {example}", "there is no {ref}; there is {example}"),
    "no_section": ("没有名为“{text}”的工作部分", "there is no section “{text}”"),
    "no_month": (
        "“{text}”不是月份，应为 2022-05 的形式",
        "“{text}” is no month; expected one such as 2022-05",
    ),
    "no_date": (
        "“{text}”不是日期，应为 2022-05-20 的形式",
        "“{text}” is no date; expected one such as 2022-05-20",
    ),
    "not_among": ("没有“{text}”这一选项，可选的有：{known}", "“{text}”: expected one of {known}"),
    "no_table_due": ("{month} 没有应报的表", "no table is due in {month}"),
    # mails and requests
    "no_mail": ("没有编号为 {number} 的邮件", "there is no mail {number}"),
    "mail_on_its_way": (
        "邮件 {number} {state}，只有失败或待发的邮件才能重发",
        "mail {number} is {state}: only one that failed or waits can be sent again",
    ),
    "no_request": ("没有编号为 {number} 的来件", "there is no request {number}"),
    "request_answered": ("来件 {number} 已由{who}答复", "request {number} was answered by {who}"),
    "request_just_answered": (
        "来件 {number} 刚刚已有人答复",
        "request {number} has just been answered by somebody else",
    ),
    "request_needs_verdict": (
        "来件 {number} 是延期申请，须答复同意与否",
        "request {number} asks for more time: grant or decline it",
    ),
    "nothing_meant": ("没有指明是哪一件", "which request is meant was not said"),
    "database_away": (
        "数据库暂时不可用，请稍后再试",
        "the database cannot be used now; try again a little later",
    ),
}

_NEAR = ("（是否为{names}？）", " (did you mean {names}?)")
_OR = ("或", " or ")


def refusal(error: TrackerError, language: Language, unit_name: Callable[[str], str]) -> str:
    """The sentence; the error's own where it has no code."""
    if error.code is None:
        return str(error)
    facts = {name: _said(name, value, language, unit_name) for name, value in error.facts.items()}
    return SENTENCES[error.code][language == "en"].format(**facts)


def _said(name: str, value: object, language: Language, unit_name: Callable[[str], str]) -> str:
    if name == "unit":
        return unit_name(str(value))
    if name == "state":
        return word(str(value), language)
    if isinstance(value, tuple):
        return _near(value, language)
    return say_day(language, value) if isinstance(value, date) else str(value)


def _near(names: tuple[str, ...], language: Language) -> str:
    """What an unknown name may be a slip of."""
    if not names:
        return ""
    is_english = language == "en"
    listed = _OR[is_english].join(f"“{name}”" for name in names)
    return _NEAR[is_english].format(names=listed)
