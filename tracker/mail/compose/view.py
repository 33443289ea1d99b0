"""What a template may show: plain values, all of them worked out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from markupsafe import Markup

from tracker.core.model import Light

#: The forms that go with a mail, by reference and unit: the reference of what was filed before and is filled in, or
#: nothing for an empty form.
Enclosed = Mapping[tuple[str, str], str]


class AnswerLink(NamedTuple):
    """A way to answer an item by a link: its word in addresses, and in the reader's language."""

    name: str
    label: str


class Link(NamedTuple):
    """An address with its name."""

    label: str
    href: str


class Row(NamedTuple):
    """One line of a digest: an item, or the items of one definition that differ only in period or unit.

    ``deadline`` is as the document words it, ``date`` the date in force, ``when`` both.  ``short`` is the
    title in a few words; ``items`` is how many items it is.  ``remarks`` is what else is to be known: an extension,
    why it was sent back, what is enclosed.  ``channel`` says how it is sent in, and which of two ways counts.
    ``link`` is the page on which the reader answers it, each of ``answers`` a page behind that (``LINK/NAME``), and
    ``ways`` are these as HTML, which was made once for everybody; a row of several items has a page for each in
    ``pages`` instead.  ``also`` are the pages of other periods that a remark names.  Where the reader has nothing to
    answer there are none.
    """

    label: str
    title: str
    short: str
    status: str
    deadline: str
    date: str | None
    when: str
    todo: str
    channel: str | None
    requirement: str | None
    period: str | None
    progress: str | None
    units: str | None
    note: str | None
    remarks: tuple[str, ...]
    items: int
    link: str | None = None
    answers: tuple[AnswerLink, ...] = ()
    ways: Markup | str = ""
    pages: tuple[Link, ...] = ()
    also: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """Rows of the same urgency.

    ``name`` is one of ``digest.SECTIONS``, ``light`` the one that they shine in; ``count`` says how many in words.
    """

    name: str
    heading: str
    hint: str
    count: str
    rows: tuple[Row, ...]
    light: str = Light.NONE.value


@dataclass(frozen=True, slots=True)
class MissingUnit:
    """A unit that has not answered, whom to call, and what is to be known of it (an extension, a return)."""

    name: str
    contacts: tuple[str, ...]
    remark: str | None = None


@dataclass(frozen=True, slots=True)
class OccurrenceTally:
    """One occurrence over all its units: ``done`` of ``of`` are in.

    ``notes`` says what the numbers do not, ``rest`` how many of the missing are not named.
    """

    label: str
    title: str
    short: str
    period: str | None
    due: str | None
    of: int
    done: int
    summary: str
    notes: str | None
    missing: tuple[MissingUnit, ...]
    rest: str | None
    late: str | None


class Trend(NamedTuple):
    """A change since last week, in words; ``tone`` is ``worse``, ``better`` or empty."""

    text: str
    tone: str


class LightTotal(NamedTuple):
    """One light over the whole campaign: its colour, its name, how many, and the change since last week."""

    light: str
    name: str
    number: int
    trend: Trend | None


class LightShare(NamedTuple):
    """A part of a bar: its light, its share in per cent, and whether a sign has room in it."""

    light: str
    share: int
    has_room: bool


class LightRow(NamedTuple):
    """The lights of one section, task or unit; ``numbers`` are (light, how many) of those that occur."""

    name: str
    numbers: tuple[tuple[str, int], ...]
    bars: tuple[LightShare, ...]
    trend: Trend | None


@dataclass(frozen=True, slots=True)
class LightTable:
    """Lights by section, task or unit, as ``name`` says.

    ``hidden`` is how many are not shown though they have something to show, ``rest`` a word on the others.
    """

    name: str
    heading: str
    rows: tuple[LightRow, ...]
    hidden: int
    rest: str | None
    more: str | None = None


@dataclass(frozen=True, slots=True)
class Week:
    """How everything stands, and what has changed since last week; ``red`` is how many are overdue."""

    red: int
    lamps: tuple[LightTotal, ...]
    bars: tuple[LightShare, ...]
    change: str
    tables: tuple[LightTable, ...]


class NotedFinding(NamedTuple):
    """A finding in a table: an error or a question, at which cell, what stands there, the sentence, what to put."""

    kind: str
    cell: str
    found: str
    message: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """A table that came in: its file's name, what it is, what became of it, and what was read from it."""

    name: str
    title: str
    outcome: str
    is_refused: bool
    noted: tuple[NotedFinding, ...]
    rest: str | None
    read_back: str | None = None


class ReceiptFact(NamedTuple):
    """A line of a receipt: what it is, and what it says."""

    name: str
    text: str


class MailView(NamedTuple):
    """A whole mail.

    ``sections`` are filled for a digest, ``problems`` for an alert, ``tallies`` and ``week`` for a roll-up,
    ``files`` for a receipt.
    ``notices`` tell whom else the mail is really for, where it is not simply addressed to the recipient.
    ``facts`` are what a receipt for words is about.  ``page`` is the mail in the browser, ``links`` are other
    pages; both are empty where no pages are served.  ``sign`` is who signs it, and on which ``day``.  ``more`` says how
    much of the mail is left out of it, for it would be too large (``bounds``).
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
    sign: str = ""
    day: str = ""
    summary: str = ""
    ask: str | None = None
    notices: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()
    problems: tuple[str, ...] = ()
    tallies: tuple[OccurrenceTally, ...] = ()
    week: Week | None = None
    files: tuple[ReceivedFile, ...] = ()
    facts: tuple[ReceiptFact, ...] = ()
    page: str | None = None
    links: tuple[Link, ...] = ()
    more: str | None = None
