"""How listings and pages call states, events and kinds; JSON and CSV have the names of the contract in every language."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tracker.i18n.catalogue import words

if TYPE_CHECKING:
    from tracker.i18n.catalogue import Language


def term(key: str, language: Language, **facts: object) -> str:
    """What stands under ``key`` in the catalogue of terms: ``question.open``, ``light.red.name``."""
    return words("terms", language)(key, **facts)


def word(name: str | None, language: Language) -> str:
    """The word of the contract in ``language``; one that it does not have stands as it is."""
    if name is None:
        return ""
    terms, key = words("terms", language), f"word.{name}"
    return terms(key) if key in terms else name.replace("_", " ")


def way(via: str | None, language: Language) -> str:
    """Through what an event came in: 网页, 邮件链接; what a file of events calls by a word of its own stays so."""
    if via is None:
        return ""
    terms, key = words("terms", language), f"way.{via}"
    return terms(key) if key in terms else via


def counted_as(name: str, n: int, language: Language) -> str:
    """任务31项 · 31 tasks."""
    return term(f"number.{name}", language, n=n)


def enclosed(names: Iterable[str], language: Language) -> str:
    """附件：a.xlsx、b.xlsx."""
    return term("enclosed", language, names=words("facts", language)("sign").join(names))


def minute(moment: str | None) -> str:
    """A time as JSON has it, for eyes: local, to the minute."""
    return "" if moment is None else moment[:16].replace("T", " ")
