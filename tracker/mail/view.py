"""What a template may show: plain values, all of them worked out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Row(NamedTuple):
    """One line of a digest: an item, or the items of one definition that differ only in period or unit.

    ``deadline`` is as the document words it, ``date`` the date in force, ``when`` both.  ``short`` is the
    title in a few words; ``items`` is how many items it is.  ``ref`` is what to quote in a call or a command;
    ``remarks`` is what else is to be known: an extension, why it was sent back.
    """

    ref: str
    label: str
    title: str
    short: str
    status: str
    deadline: str
    date: str | None
    when: str
    todo: str
    submit_to: str | None
    requirement: str | None
    period: str | None
    progress: str | None
    units: str | None
    note: str | None
    remarks: tuple[str, ...]
    items: int


@dataclass(frozen=True, slots=True)
class Section:
    """Rows of the same urgency.  ``name`` is one of ``digest.SECTIONS``; ``count`` says how many in words."""

    name: str
    heading: str
    hint: str
    count: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """A unit that has not answered, whom to call, and what is to be known of it (an extension, a return)."""

    name: str
    contacts: str
    remark: str | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """One occurrence over all its units: ``done`` of ``of`` are in; ``rest`` says how many more are missing."""

    ref: str
    title: str
    period: str | None
    due: str | None
    of: int
    done: int
    summary: str
    missing: tuple[Missing, ...]
    rest: str | None
    late: str | None
    remarks: tuple[str, ...]


class Lamp(NamedTuple):
    """One light over the whole campaign: its colour, its name, how many, and the change since last week."""

    light: str
    name: str
    number: int
    trend: str | None


class LightRow(NamedTuple):
    """The lights of one section, task or unit.

    ``numbers`` are (light, how many) of every light, ``bars`` (light, share in per cent) of those that occur.
    """

    name: str
    red: int
    amber: int
    numbers: tuple[tuple[str, int], ...]
    bars: tuple[tuple[str, int], ...]
    trend: str | None


@dataclass(frozen=True, slots=True)
class LightTable:
    """Lights by section, task or unit; ``rest`` says how many rows are left out."""

    heading: str
    rows: tuple[LightRow, ...]
    rest: str | None


@dataclass(frozen=True, slots=True)
class Week:
    """How everything stands, and what has changed since last week."""

    lamps: tuple[Lamp, ...]
    change: str
    tables: tuple[LightTable, ...]


@dataclass(frozen=True, slots=True)
class MailView:
    """A whole mail.

    ``sections`` are filled for a digest, ``problems`` for an alert, ``tallies`` and ``week`` for a roll-up.
    """

    language: str
    subject: str
    preheader: str
    campaign: str
    document: str
    heading: str
    greeting: str
    intro: str
    why: str
    source: str
    summary: str = ""
    ask: str | None = None
    sections: tuple[Section, ...] = ()
    problems: tuple[str, ...] = ()
    tallies: tuple[Tally, ...] = ()
    week: Week | None = None
