"""A person by all that they are called, however people write it: found, and a pseudonym put in its place."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from tracker.i18n.catalogue import words

#: What nobody sees, between signs.
_UNSEEN = "\u200b-\u200f\u2060\ufeff\u00ad"

#: Between the signs of a name in Chinese, and of a number.
_SPACES, _GAPS = rf"[\s{_UNSEEN}]*", rf"[\s().\-‐‑–—·/{_UNSEEN}]*"
_HAN = r"[\u3400-\u9fff\U00020000-\U0003ffff]"

#: The dot within names of other tongues; each machine has its own.
_DOTS = "·•・‧∙⋅."

#: China's, before a number at home.
_COUNTRY = "86"

#: Digits of a number without its area.
_LOCAL = (7, 8)


class _Folded(dict[int, int]):
    """Signs by what they are meant for (full-width ones are plain ones), sign by sign, so that places stay the same."""

    def __missing__(self, code: int) -> int:
        plain = unicodedata.normalize("NFKC", chr(code))
        self[code] = folded = ord(plain) if len(plain) == 1 else code
        return folded


_FOLDED = _Folded()


class PersonTerms:
    """One person by all that they are called: names, addresses, phone numbers.

    ``others`` are people whose whole names have one of theirs within: they are left as they are.
    """

    def __init__(self, texts: Iterable[str], others: Iterable[str] = ()) -> None:
        folded = {" ".join(text.translate(_FOLDED).split()) for text in texts}
        self.texts = sorted(folded, key=len, reverse=True)
        self._new: dict[str, str] = {}
        kept = sorted({other.translate(_FOLDED) for other in others} - folded, key=len, reverse=True)
        looks = [f"(?:{_pattern(other)})" for other in kept]
        looks += [f"(?P<t{number}>{_pattern(text)})" for number, text in enumerate(self.texts)]
        self._looks = re.compile("|".join(looks), re.IGNORECASE)

    def stands_in(self, text: str) -> bool:
        """Whether anything of them does."""
        return any(match.lastgroup for match in self._looks.finditer(text.translate(_FOLDED)))

    def call(self, number: int, language: str) -> str:
        """Give them the pseudonym with this number; what it is."""
        pseudonym, addresses = words("service", language)("pseudonym", number=number), 0
        for place, text in enumerate(self.texts):
            self._new[f"t{place}"] = pseudonym
            if "@" in text:
                addresses += 1
                ending = f"-{addresses}" if addresses > 1 else ""
                self._new[f"t{place}"] = f"person-{number}{ending}@pseudonym.example"
        return pseudonym

    def replaced(self, text: str) -> str:
        """``text`` with the pseudonym; of JSON each string in it, and 0 for a number."""
        if text[:1] in ("{", "["):
            try:
                found = json.loads(text)
            except (ValueError, RecursionError):
                pass
            else:
                new = self._within(found)
                if new == found:
                    return text
                separators = (",", ":") if '", "' not in text and '": ' not in text else None
                return json.dumps(new, ensure_ascii=text.isascii(), separators=separators)
        pieces, last = [], 0
        for match in self._looks.finditer(text.translate(_FOLDED)):
            if match.lastgroup is not None:
                pieces += [text[last : match.start()], self._new[match.lastgroup]]
                last = match.end()
        return "".join([*pieces, text[last:]]) if pieces else text

    def _within(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.replaced(value)
        if isinstance(value, list):
            return [self._within(each) for each in value]
        if isinstance(value, dict):
            return {self._within(name): self._within(each) for name, each in value.items()}
        if isinstance(value, int | float) and not isinstance(value, bool) and self.stands_in(f"{value:.0f}"):
            return 0
        return value


def _pattern(text: str) -> str:
    """How people write ``text``: numbers with gaps, Chinese names spaced out, others as whole words."""
    if "@" in text:
        return rf"(?<![\w.+-]){re.escape(text)}(?!\.?[\w-])"
    digits = re.sub(r"[\s()+.-]", "", text)
    if digits.isdecimal():
        return _number(digits, is_abroad=text.startswith(("+", "00")))
    if re.fullmatch(rf"{_HAN}(?:\s?[{_HAN[1:-1]}{_DOTS}])*", text):
        signs = re.sub(r"\s", "", text)
        return _SPACES.join(f"[{_DOTS}]" if sign in _DOTS else re.escape(sign) for sign in signs)
    words = _SPACES.join(map(re.escape, text.split()))
    return rf"(?<!\w){words}(?!\w)"


def _number(digits: str, *, is_abroad: bool) -> str:
    """With and without country and area, in all ways of grouping.

    Each way begins with a sign of its own, so that a long gap is not looked through from each of its places.
    """
    if is_abroad:
        digits = digits.removeprefix("00")
        if not digits.startswith(_COUNTRY):
            return rf"(?<!\d)(?:(?:\+|00){_GAPS})?{_GAPS.join(digits)}(?!\d)"
        digits = digits.removeprefix(_COUNTRY)
    country = rf"(?:\(?(?:\+|00){_GAPS})?{_GAPS.join(_COUNTRY)}{_GAPS}"
    if digits.startswith("0"):
        # Whoever calls from abroad leaves it out.
        return rf"(?<!\d)(?:{country}0?|0){_GAPS}{_GAPS.join(digits[1:])}(?!\d)"
    area = rf"(?:\(?0\d{{2,3}}{_GAPS})?" if len(digits) in _LOCAL else ""
    return rf"(?<!\d)(?:{country})?{area}{_GAPS.join(digits)}(?!\d)"
