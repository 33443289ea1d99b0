"""The shape of a deadline text: what the grammar finds, before anybody asks what it means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tracker.core.deadline.tokens import Token
from tracker.core.model import Every
from tracker.i18n.message import Message, OneOf

Span = Literal["year", "half", "quarter", "month"]


@dataclass(frozen=True, slots=True)
class Point:
    """A stretch of the calendar, or a day in it: ``2022年``, ``2022年第二季度``, ``6月底``, ``20 May 2022``.

    ``number`` is the half, quarter or month; ``year`` is a number or a word such as 明年, and None where the
    text has none.  At most one of ``day``, ``third`` and ``end`` narrows the stretch down to a day.
    """

    span: Span
    number: Token | None = None
    year: Token | None = None
    day: Token | None = None
    third: Token | None = None
    end: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether no day is named, so that "before" it means before its first day."""
        return self.day is None and self.third is None and not self.end


@dataclass(frozen=True, slots=True)
class Date:
    """A point to be done by.  ``before`` tells 前 and "by" from 内 and "in"."""

    point: Point
    before: bool


@dataclass(frozen=True, slots=True)
class Range:
    """From one point to another; ``from_issue`` is 即日起."""

    since: Point | None = None
    until: Date | None = None
    from_issue: bool = False


@dataclass(frozen=True, slots=True)
class Recurrence:
    """How often, and which day of the period; nothing named is the period's last day.

    ``day`` is a day of the month or a weekday, ``month`` a month counted within the period, and ``point`` a
    part of any year.
    """

    every: Every
    day: Token | None = None
    third: Token | None = None
    month: Token | None = None
    point: Point | None = None
    before: bool = False


@dataclass(frozen=True, slots=True)
class Ongoing:
    """持续推进."""


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause and the tokens that it is made of: ``tokens[start:end]``."""

    node: Date | Range | Recurrence | Ongoing
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Unexpected:
    """Where the text leaves the grammar: the number of the token, and what could have stood there."""

    index: int
    expected: Message | OneOf
