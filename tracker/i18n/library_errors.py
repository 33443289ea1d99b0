"""Sentences that come to us in English, in Chinese: those of libraries, and what the outbox says became of a mail.

What became of a mail is written down when it happens, for whoever reads it later, in English; what a mail server said
stands in it as it was said.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracker.i18n.catalogue import Language

#: {0} and so on stand for the groups; a group called ``why`` is such a sentence itself.
_SENTENCES = (
    # how a command was called
    (r"No such command '(.+)'\.", "没有命令“{0}”"),
    (r"No such command '(.+)'\. Did you mean '(.+)'\?", "没有命令“{0}”，是否为“{1}”？"),
    (r"No such command '(.+)'\. Did you mean one of: (.+)\?", "没有命令“{0}”，是否为{1}？"),
    (r"Missing command\.", "没有写明命令"),
    (r"No such option: (\S+)", "没有选项 {0}"),
    (r"No such option: (\S+) \(Possible options: (.+)\)", "没有选项 {0}，是否为 {1}？"),
    (r"Missing argument '(.+)'\.", "缺少参数 {0}"),
    (r"Missing (?:option|parameter) '(.+)'\.", "缺少选项 {0}"),
    (r"Option '(.+)' requires an argument\.", "选项 {0} 后须写明内容"),
    (r"Option '(.+)' requires (\d+) arguments\.", "选项 {0} 后须写明{1}项内容"),
    (r"Option '(.+)' does not take a value\.", "选项 {0} 后不能写内容"),
    (r"Got unexpected extra argument(?:s|\(s\))? \((.+)\)", "多出了参数：{0}"),
    (r"Invalid value for '(.+?)': (?P<why>.+)", "{0} 有误：{why}"),
    (r"Invalid value: (?P<why>.+)", "内容有误：{why}"),
    (r"given (\d+) times; it takes one value", "只能写一次，却写了{0}次"),
    # what a value is not
    (r"Input should be a valid integer\b.*", "应为整数"),
    (r"Input should be a valid number\b.*", "应为数字"),
    (r"Input should be a valid boolean\b.*", "应为 true 或 false"),
    (r"Input should be a valid date(?:time)?\b.*", "应为日期，例如 2022-05-05"),
    (r"Input should be greater than or equal to (.+)", "不能小于{0}"),
    (r"Input should be less than or equal to (.+)", "不能大于{0}"),
    (r"Input should be (.+) or (.+)", "应为 {0} 或 {1}"),
    (r"Field required", "必须写明"),
    (r"String should have at most (\d+) characters?", "不能超过{0}个字符"),
    (r"String should match pattern (.+)", "格式不对，应符合 {0}"),
    # what became of a mail
    (r"written to the mailbox (.+)", "已写入邮箱 {0}"),
    (r"cannot write to the mailbox (.+?): (.+)", "无法写入邮箱 {0}：{1}"),
    (r"cannot be written: (?P<why>.+)", "无法编写：{why}"),
    (r"cannot be written now: (?P<why>.+)", "暂时无法编写：{why}"),
    (r"queued again by hand", "已人工重新排队"),
    (r"not sent: the service went over to campaign (.+)", "未发出：本服务已转办专项工作{0}"),
    (r"told in the digest of (\d+)-0?(\d+)-0?(\d+) instead", "已并入{0}年{1}月{2}日的提醒邮件"),
    (r"told in the roll-up of (\d+)-0?(\d+)-0?(\d+) instead", "已并入{0}年{1}月{2}日的情况汇总"),
    (r"what it was to report on is asked for no more", "所汇总的事项已不再要求报送"),
    (
        r"what it asks for was answered or replaced before it went out",
        "所提申请在发出前已答复或已由新的申请取代",
    ),
    (r"everything in it was answered before it went out", "其中事项在发出前均已办理"),
    (
        r"nothing in it was asked any more when it was to go out: (?P<ways>.+)",
        "发出前其中事项均不再催办：{ways}",
    ),
    (r"(?P<way>[a-z ]+ \d+), (?P<ways>[a-z ]+ \d+.*)", "{way}、{ways}"),
    (r"answered (\d+)", "已办理{0}项"),
    (r"waived (\d+)", "已免报{0}项"),
    (r"paused (\d+)", "已暂停{0}项"),
    (r"given more time (\d+)", "已延期{0}项"),
    (r"due before the ledger began (\d+)", "台账建立前到期{0}项"),
    (r"no longer listed (\d+)", "已不在清单中{0}项"),
    (r"waits: a quiet day by the policy of everything in it", "暂缓：所涉事项今日均不提醒"),
    (r"kept: nobody is there who could get it", "暂留：目前没有可以收件的人"),
    (r"let go: it was written while the clock was wrong", "已撤下：编写时系统时钟有误"),
    (
        r"let go when a backup was restored: it may have gone out before",
        "恢复备份时撤下：此前可能已经发出",
    ),
    (r"(?P<why>.+); given up after (\d+) attempts without an answer", "{why}；{1}次未得到答复，不再重试"),
    (r"(?P<why>.+); given up after (\d+) attempts", "{why}；已尝试{1}次，不再重试"),
    (
        r"held back after another mail for the same domain: (?P<why>.+)",
        "同一邮箱服务商的另一封被推迟后暂缓：{why}",
    ),
    (r"“(.+)” cannot stand in a command to the server", "“{0}”不能写入发给邮件服务器的命令"),
    (r"(?P<why>.+); given up after (\d+) days", "{why}；已持续{1}天，不再重试"),
    (
        r"set aside: (\d+) times nobody lived to say what became of it, or no answer came",
        "已搁置：{0}次发送中断或没有得到答复",
    ),
    (
        r"set aside: what is kept of it cannot be read \((.+)\)",
        "已搁置：存储的内容已损坏，无法读取（{0}）；其余邮件照常发送",
    ),
    (r"not tried after (\d+) refusals: (.+)", "连续{0}次被拒后未再尝试：{1}"),
    (r"(?P<why>.+); not asked again before (\d\S+ \S+)", "{why}；{1}前不再联系"),
    (
        r"since (.+?) the mail server has taken nothing: (?P<why>.+)",
        "自{0}起邮件服务器一直没有收信：{why}",
    ),
    # how a mail server is reached
    (r"(\S+:\d+) refuses the login of (.+?): (.+)", "{0} 拒绝 {1} 登录：{2}"),
    (r"(\S+:\d+) turns us away: (.+)", "{0} 拒绝连接：{1}"),
    (r"the certificate of (\S+:\d+) is not to be trusted: (.+)", "{0} 的证书不可信：{1}"),
    (
        r"(\S+:\d+) does not offer STARTTLS, and mail is not sent in plain text",
        "{0} 不支持 STARTTLS，邮件不以明文发送",
    ),
    (r"(\S+:\d+) does not answer", "{0} 没有应答"),
    (r"cannot connect to (\S+:\d+): (.+)", "无法连接 {0}：{1}"),
    (r"(\S+:\d+) said (.+)", "{0} 答复：{1}"),
    (r"(\S+:\d+) broke off: (?P<why>.+)", "{0} 中断了连接：{why}"),
    (
        r"(\S+:\d+) had the whole mail and did not say whether it took it: (?P<why>.+)",
        "{0} 已收到全文，但没有答复是否收下：{why}",
    ),
    (
        r"the connection was closed, or something was said that nobody had asked",
        "连接已关闭，或收到了没有问过的答复",
    ),
)


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Compiled when first asked for: most commands never are."""
    return tuple((re.compile(english, re.DOTALL), chinese) for english, chinese in _SENTENCES)


def said_in(sentence: str | None, language: Language) -> str:
    """In the reader's language; nothing for None."""
    return in_chinese(sentence or "") if language == "zh" else sentence or ""


def in_chinese(sentence: str) -> str:
    """The same in Chinese; one that is not known stays as it is."""
    for english, chinese in _patterns():
        if found := english.fullmatch(sentence):
            named = {name: in_chinese(text) for name, text in found.groupdict().items()}
            return chinese.format(*found.groups(), **named)
    return sentence
