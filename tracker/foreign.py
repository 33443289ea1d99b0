"""What libraries say of a value, or of how a command was called, in Chinese: known by the English sentence."""

from __future__ import annotations

import re

#: {0} and so on stand for the groups; a group called ``why`` is such a sentence itself.
_SENTENCES = tuple(
    (re.compile(english), chinese)
    for english, chinese in (
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
    )
)


def in_chinese(sentence: str) -> str:
    """The same in Chinese; one that is not known stays as it is."""
    for english, chinese in _SENTENCES:
        if found := english.fullmatch(sentence):
            named = {name: in_chinese(text) for name, text in found.groupdict().items()}
            return chinese.format(*found.groups(), **named)
    return sentence
