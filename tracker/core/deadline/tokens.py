"""Cuts a deadline text into tokens that know their place in the text as it was written.

Full-width digits, compatibility characters and capitals mean the same as plain ones.  Folding them (NFKC)
changes lengths, so every character is folded on its own and remembers where it came from.

White space separates English words and means nothing else; inside a Chinese word it is skipped, because
texts taken from table cells are broken anywhere.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

Kind = Literal["number", "word", "month", "weekday", "ordinal", "third", "half", "unknown"]


@dataclass(frozen=True, slots=True)
class Token:
    """One word, number or mark.

    ``text`` is the word that stands for all its synonyms.  ``value`` is the number, or the number of the
    month (1–12), weekday (1–7), ordinal (``LAST`` for the last), third of a month (1–3) or half of a year.
    ``digits`` tells a year from a day.  ``start`` and ``end`` count characters of the original from 0.
    """

    kind: Kind
    text: str
    start: int
    end: int
    value: int = 0
    digits: int = 0


#: The value of the ordinal "last" and of 末月.
LAST = 0

#: What stands for what.  Marks are words too; the longest match wins.
_SYNONYMS = {
    "年": "年 年度",
    "月": "月 月份",
    "日": "日 号",
    "天": "天",
    "底": "底 末",
    "前": "前 之前 以前",
    "内": "内 之内 以内 期间",
    "截止": "截止 截至 止 为止",
    "每": "每 每个 逐 按",
    "季度": "季度 季",
    "半年": "半年 半年度",
    "周": "周 星期 礼拜",
    "第": "第",
    "个": "个",
    "起": "起 开始",
    "从": "从 自",
    "于": "于 在",
    "即日": "即日 印发之日",
    "今年": "今年 本年",
    "本年度": "本年度",
    "明年": "明年",
    "次年": "次年 翌年",
    "至": "至 到 直至",
    "并": "并 且 并且 然后 此后 之后",
    "持续推进": "持续推进 长期坚持 持续开展 持续坚持 持续实施 长期推进 常态化推进 常态化开展 持续 长期",
    "完成": "完成 报送 上报",
    ",": ", 、 ;",
    ".": ".",
    "。": "。",
    "/": "/",
    "by": "by before",
    "until": "until till",
    "to": "to through",
    "in": "in within during",
    "on": "on",
    "or": "or",
    "no": "no",
    "later": "later",
    "than": "than",
    "the": "the",
    "of": "of",
    "end": "end",
    "day": "day",
    "and": "and",
    "then": "then",
    "ongoing": "ongoing continuing continuously",
    "going": "going",
    "thereafter": "thereafter afterwards afterward",
    "from": "from since starting beginning",
    "onwards": "onwards onward",
    "between": "between",
    "now": "now",
    "every": "every each",
    "week": "week",
    "month": "month",
    "quarter": "quarter",
    "year": "year",
    "half": "half",
    "weekly": "weekly",
    "monthly": "monthly",
    "quarterly": "quarterly",
    "yearly": "yearly annually",
    "this": "this",
    "next": "next",
    "q": "q",
    "h": "h",
    "st": "st nd rd th",
}

_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ORDINALS = (
    *("last", "first", "second", "third", "fourth", "fifth", "sixth"),
    *("seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth"),
)
#: Beside the first three letters of months and weekdays.
_OTHER_SHORT: dict[str, tuple[Kind, str, int]] = {
    "sept": ("month", "september", 9),
    "tues": ("weekday", "tuesday", 2),
    "weds": ("weekday", "wednesday", 3),
    "thur": ("weekday", "thursday", 4),
    "thurs": ("weekday", "thursday", 4),
}

_WORDS: dict[str, tuple[Kind, str, int]] = {
    **{each: ("word", word, 0) for word, synonyms in _SYNONYMS.items() for each in synonyms.split()},
    **{name[:3]: ("month", name, number) for number, name in enumerate(_MONTHS, 1)},
    **{name: ("month", name, number) for number, name in enumerate(_MONTHS, 1)},
    **{name[:3]: ("weekday", name, number) for number, name in enumerate(_WEEKDAYS, 1)},
    **{name: ("weekday", name, number) for number, name in enumerate(_WEEKDAYS, 1)},
    **{name: ("ordinal", name, number) for number, name in enumerate(_ORDINALS)},
    **_OTHER_SHORT,
    **{name: ("third", name, number) for number, name in enumerate(("上旬", "中旬", "下旬"), 1)},
    **{name: ("third", name, number) for number, name in enumerate(("early", "mid", "late"), 1)},
    **{name: ("half", name, number) for number, name in enumerate(("上半年", "下半年"), 1)},
    **{f"{name}度": ("half", name, number) for number, name in enumerate(("上半年", "下半年"), 1)},
    "首月": ("ordinal", "首月", 1),
    "末月": ("ordinal", "末月", LAST),
}

_POSITIONAL = {"〇": 0, "零": 0, "○": 0} | {char: value for value, char in enumerate("一二三四五六七八九", 1)}
_TENS = {"十": 1, "廿": 2, "卅": 3}


def _spaced(word: str) -> str:
    return r"\s*".join(map(re.escape, word))


_CHINESE = "|".join(_spaced(word) for word in sorted(_WORDS, key=len, reverse=True) if not word.isascii())
_TOKEN = re.compile(
    rf"""\s*(?:
        (?P<digits>[0-9]+)
      | (?P<numeral>[〇零○一二三四五六七八九十廿卅]+)
      | (?P<latin>[a-z]+)
      | (?P<chinese>{_CHINESE})
      | (?P<dash>[-‐‒–—―−~〜]+)
      | (?P<mark>[,;./])
      | (?P<unknown>\S)
    )""",
    re.VERBOSE,
)


def tokenize(text: str) -> list[Token]:
    """The tokens of ``text`` in order; what belongs to no word is a token of kind ``unknown``."""
    folded, origin = _fold(text)
    tokens = []
    position = 0
    while match := _TOKEN.match(folded, position):
        position = match.end()
        group = match.lastgroup or ""
        start, end = match.span(group)
        tokens.append(_token(group, match[group], origin[start], origin[end - 1] + 1))
    return tokens


def _fold(text: str) -> tuple[str, list[int]]:
    """The text folded character by character, and for each folded character its place in the original."""
    folded: list[str] = []
    origin: list[int] = []
    for place, char in enumerate(text):
        plain = unicodedata.normalize("NFKC", char).lower()
        folded.append(plain)
        origin.extend([place] * len(plain))
    return "".join(folded), origin


def _token(group: str, found: str, start: int, end: int) -> Token:
    if group == "digits":
        # A longer number is nobody's year or day; its value is not looked at, only its length.
        return Token("number", found, start, end, int(found[:9]), len(found))
    if group == "numeral":
        value = _chinese_number(found)
        if value is None:
            return Token("unknown", found, start, end)
        return Token("number", found, start, end, value, 4 if value >= 1000 else 2)
    if group == "dash":
        return Token("word", "-", start, end)
    kind, word, value = _WORDS.get("".join(found.split()), ("unknown", found, 0))
    return Token(kind, word, start, end, value)


def _chinese_number(numeral: str) -> int | None:
    """二〇二二 (a year, digit by digit), 六, 十二, 二十, 三十一, 廿五; None for anything else.

    一二月 is not December but "January and February": two digits side by side are no number.
    """
    if len(numeral) == 4 and all(char in _POSITIONAL for char in numeral):
        value = 0
        for char in numeral:
            value = value * 10 + _POSITIONAL[char]
        return value if value >= 1000 else None
    match = re.fullmatch("(?:([一二三四五六七八九]?)([十廿卅]))?([一二三四五六七八九]?)", numeral)
    if match is None or (match[1] and match[2] != "十"):
        return None
    tens = (_POSITIONAL.get(match[1], 1) * _TENS[match[2]]) if match[2] else 0
    return tens * 10 + _POSITIONAL.get(match[3], 0)
