"""Figures as people write them into a cell: full-width, with separators, in Chinese, with a unit behind."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

#: Full-width to half-width, and no more than that: NFKC would make 32 of a 3 with a footnote ².
_HALF = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: " ", 0x00A0: " "}
_INVISIBLE = dict.fromkeys((0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF))

_PLAIN = re.compile(r"\+?(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.[0-9]+)?")
_NEGATIVE = re.compile(r"[-−–—]\s*[0-9]")
_DIGITS = {char: value for value, chars in enumerate(("零〇", "一壹", "二贰两", "三叁", "四肆", "五伍", "六陆",
                                                      "七柒", "八捌", "九玖")) for char in chars}  # fmt: skip
_TENS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_DAY_NUMERAL = re.compile(r"[零〇一二三四五六七八九十]+")

#: Words that say that there is nothing, and what they are read as.
NOTHING: dict[str, int | None] = {
    "无": 0, "没有": 0, "零": 0, "〇": 0,
    "-": None, "--": None, "—": None, "——": None, "–": None, "/": None, "\\": None, "空": None,
}  # fmt: skip

#: Units of money in yuan; 万 alone is one where the column counts money.
MONEY = {"亿元": 10**8, "万元": 10**4, "万": 10**4, "元": 1, "块": 1, "千元": 10**3, "百万元": 10**6}
#: What may be said instead of a unit.
_FITS: dict[str, frozenset[str]] = {
    "项": frozenset({"项", "个", "条", "处", "次"}),
    "家": frozenset({"家", "个", "户"}),
    "人": frozenset({"人", "名", "个", "位", "人次"}),
    "人次": frozenset({"人次", "人", "人次/年", "名", "次"}),
    "人次/年": frozenset({"人次/年", "人次", "人", "人/年", "名", "次"}),
}
_WORDS = frozenset().union(*_FITS.values())
_SUFFIXES = sorted(_WORDS | MONEY.keys(), key=lambda word: (-len(word), word))


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that was read from a text; ``unit`` is what stood behind it."""

    number: Decimal
    unit: str | None = None


def half_width(text: str) -> str:
    """A text with full-width letters, digits and punctuation made half-width, and nothing invisible in it."""
    return text.translate(_HALF).translate(_INVISIBLE)


def tidy(text: str) -> str:
    """Half-width, without what surrounds it: spaces, apostrophes that keep a number as text."""
    return half_width(text).strip().strip("'‘’`").strip()


def is_negative(text: str) -> bool:
    """Whether a text is a number below zero."""
    return _NEGATIVE.match(tidy(text)) is not None


def read_figure(text: str) -> Figure | None:
    """The number in a text and the unit behind it; None where the text is anything else."""
    plain = tidy(text)
    unit = next((word for word in _SUFFIXES if plain.endswith(word)), None)
    for body, behind in ((plain, None), (plain[: -len(unit)].rstrip() if unit else "", unit)):
        if _PLAIN.fullmatch(body):
            return Figure(Decimal(body.replace(",", "").lstrip("+")), behind)
        number = chinese_number(body)
        if number is not None:
            return Figure(Decimal(number), behind)
    return None


def fits(unit: str, wanted: str | None) -> bool:
    """Whether a unit written behind a count is that of its column."""
    return wanted is not None and (unit == wanted or unit in _FITS.get(wanted, ()))


def chinese_number(text: str) -> int | None:
    """三, 十二, 一百二十, 一百零二; None for anything that could be read in two ways (一百二, 三五)."""
    if len(text) == 1 and text in _DIGITS:
        return _DIGITS[text]
    total, digit, last, after_zero = 0, None, 10_000, False
    for char in text:
        if char in _TENS:
            size = _TENS[char]
            if size >= last or (digit is None and (size != 10 or total)):
                return None
            total += (1 if digit is None else digit) * size
            digit, last, after_zero = None, size, False
        elif _DIGITS.get(char) == 0 and digit is None and total:
            after_zero = True
        elif char in _DIGITS and _DIGITS[char] and digit is None:
            digit = _DIGITS[char]
        else:
            return None
    if digit is not None and last != 10 and not after_zero:
        return None
    return total + (digit or 0) if total else None


def chinese_digits(text: str) -> str:
    """A text with the Chinese numerals of a date in digits: 二〇二二年五月三日 becomes 2022年5月3日."""

    def digits(match: re.Match[str]) -> str:
        numeral = match.group()
        number = chinese_number(numeral)
        if number is not None:
            return str(number)
        return "".join(str(_DIGITS[char]) for char in numeral) if "十" not in numeral else numeral

    return _DAY_NUMERAL.sub(digits, text)
