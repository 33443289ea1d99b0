"""What the label of a row says: that it is a total, and how surely."""

from __future__ import annotations

import re

from tracker.core.form import squeezed

_TOTAL = "合计|总计|小计|共计|累计|总和|总数|汇总|合計|總計|小計|(?<![a-z])(?:grandtotal|sub-?total|total|sum)(?![a-z])"
#: Words that are a total where nothing else stands there.
_ALONE = frozenset("总计合共")
_WORD = re.compile(rf"{_TOTAL}|共(?=[0-9一二两三四五六七八九十])")
_EDGE = re.compile(rf"(?:{_TOTAL}).*|.*(?:{_TOTAL})")
#: Where, how many and of what: what a label of a total may say besides.
_BESIDE = re.compile(
    r"[\u4e00-\u9fff]{1,6}?(?:自治县|[区县市州乡镇局])|以上|上述|年度|月度|季度|全部|所有|街道|情况|项目|机构|单位|企业|学校|培训|考试|安全"
    r"|人次|万元|[本各该全辖区县市级乡镇年月季期页表数量行栏家个人次所户名条处元考点]|[0-9]+|[一二两三四五六七八九十百千]|[:：、,.。/至到-]"
)
#: Without any of these it is no label of a total.
_LETTERS = frozenset("合总總小共累汇计計uUｕＵtTｔＴ")
_IN_BRACKETS = re.compile(r"\([^()]*\)")
#: A label that is longer than this is a sentence.
_LONGEST = 30


def says_total(text: str) -> bool:
    """Whether a label begins or ends with the word of a total: no name does."""
    plain = _plain(text)
    return plain is not None and (
        plain in _ALONE or _EDGE.fullmatch(plain) is not None or is_all_total(plain)
    )


def is_all_total(text: str) -> bool:
    """Whether a label is made of the words of a total alone, with places, numbers and measures."""
    plain = _plain(text)
    if plain is None or plain in _ALONE:
        return plain is not None
    rest, words = _WORD.subn("", plain)
    return words > 0 and not _BESIDE.sub("", rest)


def is_only_place(text: str) -> bool:
    """Whether a label names a place, or what is counted there, and nothing else: 全区, 全县."""
    return len(text) <= _LONGEST and not text.isdecimal() and not _BESIDE.sub("", "".join(text.split()))


def contains_total(text: str) -> bool:
    """Whether the word of a total stands anywhere in a label."""
    plain = _plain(text)
    return plain is not None and _WORD.search(plain) is not None


def _plain(text: str) -> str | None:
    if len(text) > 4 * _LONGEST or not _LETTERS.intersection(text):
        return None
    plain = squeezed(text).casefold()
    plain = _IN_BRACKETS.sub("", plain) or plain.strip("()")
    return plain if len(plain) <= _LONGEST else None
