"""Figures as people write them into a cell: full-width, with separators, in Chinese, with a unit behind."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from math import prod

#: A figure as a workbook holds it.
Number = int | float

#: Full-width to half-width, and no more than that: NFKC would make 32 of a 3 with a footnote ².
_HALF = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: " ", 0x00A0: " "}
INVISIBLE = dict.fromkeys((0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF))
_SEEN = _HALF | INVISIBLE

_PLAIN = re.compile(r"\+?(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.[0-9]+)?")
_NEGATIVE = re.compile(r"[-−–—]\s*[0-9](?<!0)|[-−–—]\s*0[0-9.,]*[1-9]")
#: Nothing below nothing.
_MINUS_ZERO = re.compile(r"[-−–—]\s*(?=0(?:\.0+)?$)")
_DIGITS = {char: value for value, chars in enumerate(("零〇", "一壹", "二贰两", "三叁", "四肆", "五伍", "六陆",
                                                      "七柒", "八捌", "九玖")) for char in chars}  # fmt: skip
_TENS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_MYRIAD = "万萬"
#: Before a number and behind it: 共5项, 5(项), 5。
_BEFORE = re.compile(r"(?:总共|共计|合计|总计|累计|共有|共)\s*")
_BEHIND = re.compile(r"\s*\(([^()]{1,6})\)$")
#: Digits in groups with spaces between: 1 090.
_SPACED = re.compile(r"[0-9]{1,3}(?: [0-9]{3})+(?![0-9])")
_DAY_NUMERAL = re.compile(r"[零〇一二三四五六七八九十]+")

#: Words that say that there is nothing, and what they are read as.
NOTHING: dict[str, int | None] = {
    "无": 0, "没有": 0, "零": 0, "〇": 0, "没": 0, "暂无": 0, "未发现": 0, "没有发现": 0, "未发现问题": 0,
    "无问题": 0, "未发生": 0,
    "-": None, "--": None, "—": None, "——": None, "–": None, "/": None, "\\": None, "空": None,
}  # fmt: skip

#: Units of money in yuan; 万 alone is one where the column counts money.
MONEY = {"亿元": 10**8, "万元": 10**4, "万": 10**4, "元": 1, "块": 1, "千元": 10**3, "百万元": 10**6}
_SIZES = {"十": 10, "百": 10**2, "千": 10**3, "万": 10**4, "亿": 10**8}
#: A measure as people write it: 元, 百元, RMB, 千人次, 万人次/年; of a size alone (万) what is counted is left out.
_BASES = "元|圆|块|人次|人|名|位|项|个|条|处|家|户|次"
MEASURE = (
    f"(?:(?:人民币|(?i:rmb|cny))?[十百千万亿]*(?:{_BASES})(?:[/每]?[年月季])?|[￥¥]|人民币|(?i:rmb|cny))"
)
_MEASURE = re.compile(
    f"(?:人民币|rmb|cny)?(?P<size>[十百千万亿]*)(?P<base>{_BASES})?(?:[/每]?(?P<per>[年月季])度?)?",
    re.IGNORECASE,
)
#: What is said of a measure beside the table: 单位：元, 金额单位：人次、万元, 以元为单位.
_TOLD = re.compile(
    rf"(?<![表报送])单\s*位\s*[:为是]?\s*(?P<list>{MEASURE}(?:\s*[,;、/和及]\s*{MEASURE})*)(?=$|[\s),;.。])"
    rf"|[以按]\s*(?P<by>{MEASURE})\s*(?:为单位|计(?![划算]))"
)
#: A longer text tells of none.
_LONGEST_TOLD = 200
_YUAN = frozenset({"人民币", "rmb", "cny", "¥", "￥"})
#: What may be said instead of a unit.
_FITS: dict[str, frozenset[str]] = {
    "项": frozenset({"项", "个", "条", "处", "次"}),
    "家": frozenset({"家", "个", "户"}),
    "人": frozenset({"人", "名", "个", "位", "人次"}),
    "人次": frozenset({"人次", "人", "人次/年", "名", "次"}),
    "人次/年": frozenset({"人次/年", "人次", "人", "人/年", "名", "次"}),
}
#: A text that is longer than this is no figure.
_LONGEST = 40
_WORDS = frozenset().union(*_FITS.values())
_SUFFIXES = sorted(_WORDS | MONEY.keys(), key=lambda word: (-len(word), word))


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that was read from a text; ``unit`` is what stood behind it.

    ``is_doubtful``: it is said as people talk (一百二), or rounded (1.2万).
    """

    number: Decimal
    unit: str | None = None
    is_doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Measure:
    """How many of what make one (10,000, 元), and in which time; ``base`` is “” where it is not said."""

    size: int
    base: str
    per: str

    @property
    def is_money(self) -> bool:
        """Whether it counts money."""
        return self.base == "元"


@lru_cache(maxsize=1024)
def read_measure(text: str) -> Measure | None:
    """The measure that a text is, alone or behind 人民币; None where it is anything else."""
    if text.casefold() in _YUAN:
        return Measure(1, "元", "")
    match = _MEASURE.fullmatch(text)
    if match is None or not (match["size"] or match["base"]):
        return None
    base = "元" if match["base"] in {"圆", "块"} else match["base"] or ""
    return Measure(prod(_SIZES[each] for each in match["size"]), base, match["per"] or "")


def measures_told(text: str) -> list[str]:
    """The measures of which a note beside a table says that figures are in them: 元 and 家 of 单位：家、元."""
    if len(text) > _LONGEST_TOLD or ("位" not in text and "计" not in text):
        return []
    found = _TOLD.finditer(half_width(text))
    return [each for match in found for each in re.findall(MEASURE, match["list"] or match["by"])]


def half_width(text: str) -> str:
    """A text with full-width letters, digits and punctuation made half-width, and nothing invisible in it."""
    return text.translate(_SEEN)


def tidy(text: str) -> str:
    """Half-width, without what surrounds it: spaces, apostrophes that keep a number as text."""
    return half_width(text).strip().strip("'‘’`").strip()


def is_negative(text: str) -> bool:
    """Whether a text is a number below zero."""
    return _NEGATIVE.match(tidy(text)) is not None


def read_figure(text: str) -> Figure | None:
    """The number in a text and the unit behind it; None where the text is anything else."""
    plain = _BEFORE.sub("", tidy(text).rstrip("。.、,;"), count=1) if len(text) < _LONGEST else ""
    plain = _MINUS_ZERO.sub("", plain)
    if _SPACED.match(plain):
        plain = plain.replace(" ", "")
    within = _BEHIND.search(plain)
    if within is not None and within[1] in _SUFFIXES:
        plain = plain[: within.start()] + within[1]
    unit = next((word for word in _SUFFIXES if plain.endswith(word)), None)
    ways = ((plain, None), (plain[: -len(unit)].rstrip() if unit else "", unit))
    for body, behind in ways:
        if _PLAIN.fullmatch(body):
            return Figure(Decimal(body.replace(",", "").lstrip("+")), behind)
        number = chinese_number(body)
        if number is not None:
            return Figure(Decimal(number), behind)
    talked = (_as_people_talk(body, behind) for body, behind in ways)
    return next((figure for figure in talked if figure is not None), None)


def _as_people_talk(body: str, unit: str | None) -> Figure | None:
    """一百二 for 120, 1.2万 for 12000: likely, and asked about."""
    if body[-1:] in _MYRIAD and _PLAIN.fullmatch(body[:-1]):
        return Figure(Decimal(body[:-1].replace(",", "").lstrip("+")) * 10**4, unit, is_doubtful=True)
    size = _TENS.get(body[-2:-1], 10**4 if body[-2:-1] in _MYRIAD and body[-2:-1] else 0)
    if size >= 100 and _DIGITS.get(body[-1:]):
        before = chinese_number(body[:-1])
        if before is not None:
            return Figure(Decimal(before + _DIGITS[body[-1]] * size // 10), unit, is_doubtful=True)
    return None


def fits(unit: str, wanted: str | None) -> bool:
    """Whether a unit written behind a count is that of its column."""
    return wanted is not None and (unit == wanted or unit in _FITS.get(wanted, ()))


def chinese_number(text: str) -> int | None:
    """三, 十二, 一百二十, 一百零二, 一万二千; None for anything that could be read in two ways (一百二, 三五)."""
    thousands, is_myriad, rest = text.replace("萬", "万").partition("万")
    if is_myriad:
        high, low = chinese_number(thousands), chinese_number(rest.lstrip("零〇")) if rest else 0
        # 一万二 is 12000 as people talk; 一万零二 and 一万二千 are plain.
        if (
            high is None
            or low is None
            or not 0 < high < 10**4
            or (low and low < 1000 and rest[0] not in "零〇")
        ):
            return None
        return high * 10**4 + low
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


def plain(value: object) -> Number:
    """A figure as a workbook holds it: a whole number where it is one."""
    if isinstance(value, int):
        return int(value)
    number = float(str(value))
    return int(number) if number.is_integer() else number
