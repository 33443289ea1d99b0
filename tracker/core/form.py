"""A form that units fill in, and what a filled one says; the totals over what they filed.

Everything that is particular to a form comes from its file (``config/forms/``); the rules by which a column of
a certain kind is read are in ``tracker/forms``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import cached_property

from tracker.i18n.message import Message


class Said(Message):
    """A sentence that brings both of its wordings with it."""

    __slots__ = ()

    def __init__(self, zh: str, en: str) -> None:
        super().__init__("findings.as_worded", zh=zh, en=en)

    @property
    def zh(self) -> str:
        """In Chinese."""
        return str(self.facts["zh"])

    @property
    def en(self) -> str:
        """In English."""
        return str(self.facts["en"])

    def in_(self, language: str) -> str:
        """The wording in ``language``."""
        return self.zh if language == "zh" else self.en


class ColumnKind(StrEnum):
    """What the cells of a column hold."""

    #: The number of the row (序号): read, and not relied upon.
    SERIAL = "serial"
    #: Who or what the row is about; a row that is filled must have it.
    NAME = "name"
    #: A whole number, not below zero.
    COUNT = "count"
    #: A number that may have a fraction, not below zero: money.
    AMOUNT = "amount"
    #: A √, or nothing.
    TICK = "tick"
    #: One of a few words.
    CHOICE = "choice"
    #: Anything.
    TEXT = "text"


#: Kinds whose values are added up.
FIGURES = frozenset({ColumnKind.COUNT, ColumnKind.AMOUNT})


#: The sign of a tick.
TICK = "√"
#: A figure as it is kept.
_FIGURE = re.compile(r"[0-9]{1,10}(?:\.[0-9]{1,6})?")


@dataclass(frozen=True, slots=True)
class Choice:
    """A word that may stand in a cell, and what people write instead of it."""

    word: str
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """One column.  ``label`` is verbatim without its ``unit`` (人次/年, 项, 家, 人, 万元).

    ``group`` is the label above it and its neighbours; None where it stands alone.  ``at_most`` names a column
    of the same row that this one is not expected to exceed.  ``doubt_above`` is the highest figure that is
    believed without asking.  ``accumulates`` is whether its figures grow from month to month; None: as the form
    says.  ``width`` is in characters of a spreadsheet.
    """

    id: str
    label: str
    kind: ColumnKind
    group: str | None = None
    unit: str | None = None
    choices: tuple[Choice, ...] = ()
    at_most: str | None = None
    doubt_above: Decimal | None = None
    accumulates: bool | None = None
    width: float = 8.0

    @property
    def is_figure(self) -> bool:
        """Whether its values are numbers that are added up."""
        return self.kind in FIGURES

    @property
    def full_label(self) -> str:
        """As the head of the column has it: 罚款（万元）."""
        return f"{self.label}（{self.unit}）" if self.unit else self.label

    def value_of(self, filed: str) -> Value | None:
        """What was filed, as a text, by the column's present kind; None: not a value of this kind.

        A form is edited after tables were filed on it, so any text may stand in any column.
        """
        match self.kind:
            case ColumnKind.COUNT | ColumnKind.AMOUNT:
                number = Decimal(filed) if _FIGURE.fullmatch(filed) else None
                if number is None or self.kind is ColumnKind.AMOUNT:
                    return number
                return int(number) if number == number.to_integral_value() else None
            case ColumnKind.TICK:
                return True if filed == TICK else None
            case ColumnKind.CHOICE:
                return filed if any(filed == each.word for each in self.choices) else None
            case ColumnKind.NAME | ColumnKind.TEXT:
                return filed
            case ColumnKind.SERIAL:
                return None


class FieldKind(StrEnum):
    """What a field above the table holds, and where its content comes from."""

    #: The name of the unit; the blank has it filled in.
    UNIT = "unit"
    #: For which period, in words; the blank has it filled in.
    PERIOD = "period"
    #: A √ where there is nothing to report (零报告).
    NIL = "nil"
    #: The day on which it was filled in.
    DATE = "date"
    PHONE = "phone"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class HeaderField:
    """A field above the table: 填表单位, 填表人, 联系电话, 填表时间."""

    id: str
    label: str
    kind: FieldKind


@dataclass(frozen=True, slots=True)
class Round:
    """A round in which part of the form is not asked for (document, annex 2, rule 1: the self-check)."""

    id: str
    name: str
    omits: frozenset[str]


@dataclass(frozen=True)
class Form:
    """A form as its file describes it.

    ``identified_by`` is the column that tells which row is the same as one of last month's; None: nobody can
    tell.  ``accumulates``: each month is filled in on top of the month before, so that no figure falls.
    ``instructions`` are the filling rules, verbatim, one a paragraph.
    """

    id: str
    title: str
    header: tuple[HeaderField, ...]
    columns: tuple[Column, ...]
    instructions: tuple[str, ...] = ()
    annex: str | None = None
    identified_by: str | None = None
    accumulates: bool = True
    rounds: Mapping[str, Round] = field(default_factory=dict)

    def __hash__(self) -> int:
        return hash(self.id)

    @property
    def name(self) -> str:
        """What it is called in a word: 表二."""
        return self.annex or self.title

    @cached_property
    def by_id(self) -> Mapping[str, Column]:
        """The columns by their id."""
        return {column.id: column for column in self.columns}

    def accumulating(self, column: Column) -> bool:
        """Whether ``column`` is filled in on top of the month before."""
        return self.accumulates if column.accumulates is None else column.accumulates

    def omitted(self, round_: str | None) -> frozenset[str]:
        """The ids of the columns that ``round_`` does not ask for."""
        return frozenset() if round_ is None else self.rounds[round_].omits

    def asked(self, round_: str | None) -> tuple[Column, ...]:
        """The columns that are to be filled in in ``round_``; of every form all, where there is no round."""
        omitted = self.omitted(round_)
        return tuple(column for column in self.columns if column.id not in omitted)


#: A count is an int, an amount a Decimal, a tick True; everything else is text.  Empty cells are left out.
Value = int | Decimal | bool | str


@dataclass(frozen=True, slots=True)
class FiledRow:
    """One row that was filled in, by column id.  ``notes`` is what stood beside a choice, verbatim.

    ``of_other_kind`` is what was filed, as a text, where it is no value of the column's present kind: it is shown,
    and neither added up nor filled in again.
    """

    values: Mapping[str, Value]
    notes: Mapping[str, str] = field(default_factory=dict)
    of_other_kind: Mapping[str, str] = field(default_factory=dict)

    def figure(self, column: str) -> int | Decimal:
        """The number in a column; 0 where the cell is empty."""
        value = self.values.get(column, 0)
        assert not isinstance(value, str)
        return value


@dataclass(frozen=True, slots=True)
class Filed:
    """What one filled form says.  ``header`` is by field id, as text; ``is_nil``: there is nothing to report."""

    rows: tuple[FiledRow, ...] = ()
    header: Mapping[str, str] = field(default_factory=dict)
    is_nil: bool = False


def totals(form: Form, rows: Iterable[FiledRow]) -> dict[str, int | Decimal]:
    """The sum of every column of figures, and of ticks how many; by column id."""
    added: dict[str, int | Decimal] = {
        column.id: 0 for column in form.columns if column.is_figure or column.kind is ColumnKind.TICK
    }
    for row in rows:
        for column in added.keys() & row.values:
            added[column] += row.figure(column)
    return added


_SAME = str.maketrans("（）〔〕【】“”：，、", '()()()"":,,')


def squeezed(text: str) -> str:
    """A text without white space and with one width of everything."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def comparable(name: str) -> str:
    """A name in the shape in which it is compared: no white space, one width of everything, no case."""
    return squeezed(name).translate(_SAME).casefold()
