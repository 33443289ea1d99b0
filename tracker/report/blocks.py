"""What a page of the report is made of, in words, before any format: headings, texts, figures, charts, tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tracker.core.model import Light
from tracker.core.vocabulary import LIGHTS
from tracker.i18n.catalogue import Language


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a bar."""

    light: Light
    count: int

    @property
    def sign(self) -> str:
        """Beside its colour."""
        return LIGHTS[self.light].sign


@dataclass(frozen=True, slots=True)
class Slice:
    """A part that is there, with where it begins and how long it is, in hundredths of the bar."""

    part: Part
    start: float
    width: float


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of a chart: a bar of parts that is ``total`` long, with words before and after it."""

    label: str
    parts: tuple[Part, ...]
    text: str = ""

    @property
    def total(self) -> int:
        """The length of the whole bar."""
        return sum(part.count for part in self.parts)

    def slices(self) -> list[Slice]:
        """Its parts one after the other, without the empty ones."""
        found, before, total = [], 0, self.total
        for part in self.parts:
            if part.count:
                found.append(Slice(part, before * 100 / total, part.count * 100 / total))
            before += part.count
        return found


@dataclass(frozen=True, slots=True)
class Key:
    """What a colour of a chart means."""

    light: Light
    label: str

    @property
    def sign(self) -> str:
        """Beside its colour."""
        return LIGHTS[self.light].sign


@dataclass(frozen=True, slots=True)
class Heading:
    """The head of a section."""

    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph; ``lead`` is what stands out in front of it."""

    text: str
    lead: str = ""
    small: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """A number to look at first; ``light`` where it is one to worry about, or none at all to."""

    value: int
    label: str
    note: str = ""
    light: Light | None = None

    @property
    def sign(self) -> str:
        """Beside its colour; nothing where it has none."""
        return "" if self.light is None else LIGHTS[self.light].sign


@dataclass(frozen=True, slots=True)
class Figures:
    """A row of them."""

    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars one below the other, each as wide as the page, with what their colours mean."""

    title: str
    bars: tuple[Bar, ...]
    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """``weight`` is its share of the width; numbers stand on the ``right``; ``light`` is what they count."""

    title: str
    weight: int = 10
    right: bool = False
    bar: bool = False
    light: Light | None = None

    @property
    def sign(self) -> str:
        """In front of the title; nothing where it counts no light."""
        return "" if self.light is None else LIGHTS[self.light].sign


Cell = str | Bar


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a heading that is repeated on each page; ``note`` says what was left out."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    title: str = ""
    note: str = ""


Block = Heading | Text | Figures | Chart | Table


@dataclass(frozen=True, slots=True)
class Page:
    """The whole report; ``lines`` stand below its title, ``numbering`` on each page of paper."""

    language: Language
    at: datetime
    title: str
    source: str
    lines: tuple[str, ...]
    blocks: tuple[Block, ...]
    numbering: str
