"""What a number format makes of a number, where that is not the number itself: 15000 shown as 1.5万元, 0.15 as 15%.

Formats that only round, group or colour are none of it, nor are words behind a number that are no money.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache

from tracker.forms.check.figures import MONEY, read_figure

#: A literal text or character, a condition or a currency, padding, a number as it is, a digit, anything else.
_TOKEN = re.compile(
    r'"(?P<text>[^"]*)"|[\\!](?P<char>.)|\[(?P<bracket>[^\]]*)\]|[_*].|(?P<general>general|G/通用格式)|(?P<digit>[0#?])|(?P<other>.)',
    re.IGNORECASE | re.DOTALL,
)
_CONDITION = re.compile(r"(<=|>=|<>|<|>|=)\s*(-?[0-9]+(?:\.[0-9]+)?)")
_COMPARE = {
    "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge, "=": operator.eq, "<>": operator.ne,
}  # fmt: skip
_LONGEST = 250
#: Without any of these a format shows the number itself.
_MAY = frozenset(',%％‰元万亿块."!\\')
#: Rounding makes no number so many times higher or lower.
_ROUNDED = 5
_PER = {"%": 2, "％": 2, "‰": 3}


@dataclass(frozen=True)
class _Section:
    """One of the formats between semicolons: by which power of ten it moves a number, and what stands behind.

    ``decimals`` None: as many as there are.
    """

    power: int
    decimals: int | None
    unit: str
    condition: tuple[str, Decimal] | None

    @property
    def is_plain(self) -> bool:
        return not self.power and self.unit not in MONEY and self.unit not in _PER

    def holds(self, value: Decimal) -> bool:
        return self.condition is not None and bool(_COMPARE[self.condition[0]](value, self.condition[1]))

    def text(self, value: Decimal) -> str:
        moved = value.scaleb(self.power)
        if self.decimals is not None:
            moved = moved.quantize(Decimal(1).scaleb(-self.decimals), ROUND_HALF_UP)
        return f"{moved.normalize():f}{self.unit}"


@dataclass(frozen=True)
class NumberFormat:
    """A number format that shows other numbers than it is given, or says in what money they are."""

    sections: Sequence[_Section]

    def of(self, value: float) -> str | None:
        """What is seen of ``value``; None where that is the number itself."""
        number = Decimal(repr(value))
        section = self._section(number)
        try:
            return None if section.is_plain else section.text(number)
        except InvalidOperation:  # of more digits than anybody writes
            return None

    def _section(self, value: Decimal) -> _Section:
        sections = self.sections
        if any(each.condition for each in sections):
            return next((each for each in sections if each.holds(value)), sections[-1])
        at = (1 if value < 0 else 2 if value == 0 else 0) if len(sections) > 1 else 0
        return sections[at if at < len(sections) else 0]


@lru_cache(maxsize=1024)
def look_of(code: str) -> NumberFormat | None:
    """How a number format changes what is seen; None where it does not."""
    if len(code) > _LONGEST or not _MAY.intersection(code):
        return None
    look = NumberFormat(tuple(map(_section, _sections(code)[:3])))
    return None if all(each.is_plain for each in look.sections) else look


def shows_nothing(code: str) -> bool:
    """Whether a number format shows nothing at all: ``;;;``."""
    return ";" in code and not code.strip("; ")


def differing(value: float, text: str) -> str | None:
    """What is seen of a number in a file that has it as a text, too; None where that is the number, but for rounding."""
    if text == str(value):
        return None
    figure = read_figure(text)
    if text.endswith(tuple(_PER)) or (figure is not None and figure.unit in MONEY):
        return text
    if figure is None or not figure.number or not value:
        return None
    return None if 1 / _ROUNDED < abs(float(figure.number) / value) < _ROUNDED else text


def _sections(code: str) -> list[list[re.Match[str]]]:
    found: list[list[re.Match[str]]] = [[]]
    for token in _TOKEN.finditer(code):
        if token["other"] == ";":
            found.append([])
        else:
            found[-1].append(token)
    return found


def _section(tokens: Sequence[re.Match[str]]) -> _Section:
    power, decimals, condition = 0, 0, None
    #: Digits since a point that the format itself puts between the digits of a whole number; None before it.
    behind: int | None = None
    is_fraction = is_general = False
    commas, unit = 0, ""
    for token in tokens:
        literal = token["text"] if token["text"] is not None else token["char"]
        if token["digit"]:
            decimals += is_fraction
            behind = None if behind is None else behind + 1
            commas, unit = 0, ""
        elif token["general"]:
            is_general, unit = True, ""
        elif literal == "." and not is_fraction:
            behind = 0
        elif token["other"] == ".":
            power -= 3 * commas
            is_fraction, commas = True, 0
        elif token["other"] == ",":
            commas += 1
        elif token["bracket"] is not None:
            found = _CONDITION.fullmatch(token["bracket"].strip())
            condition = condition or ((found[1], Decimal(found[2])) if found else None)
        else:
            text = literal if literal is not None else token["other"] or ""
            power += _PER.get(token["other"] or "", 0) if token["other"] != "‰" else 0
            unit += text
    power -= 3 * commas + (behind or 0)
    return _Section(power, None if is_general else decimals + (behind or 0), unit.strip(" )）"), condition)
