"""What a template may show: plain values, all of them worked out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Row(NamedTuple):
    """One line of a digest: an item, or the items of one definition that differ only in period or unit.

    ``deadline`` is as the document words it, ``date`` the date in force, ``when`` both.  ``short`` is the
    title in a few words; ``items`` is how many items it is.
    """

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
    """A unit that has not answered, and whom to call."""

    name: str
    contacts: str


@dataclass(frozen=True, slots=True)
class Tally:
    """One occurrence over all its units: ``done`` of ``of`` are in."""

    title: str
    period: str | None
    due: str | None
    of: int
    done: int
    summary: str
    missing: tuple[Missing, ...]
    late: str | None


@dataclass(frozen=True, slots=True)
class MailView:
    """A whole mail.

    ``sections`` are filled for a digest, ``problems`` for an alert, ``tallies`` for a roll-up.
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
