"""Keeps a mail below the size at which mail programs cut it off: what comes last is left out, and said to be.

It is cut between two items, never within one.  All of it stands behind the link to the mail as a page; where no pages
are served, in the plain text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tracker.i18n.catalogue import Words
from tracker.mail.compose.view import LightTable, Link, MailView, OccurrenceTally, Section

#: The largest HTML of a mail, in bytes.  Gmail shows 102 kB, and hides the rest, with the footer and its links.
LARGEST = 100_000

#: The next attempt aims a little lower than the last one's size asks for.
_AIM = 0.95


def is_small(html: str) -> bool:
    """Whether mail programs show all of it."""
    # A Chinese character has three bytes: mostly there is no need to count them.
    return len(html) * 3 <= LARGEST or len(html.encode()) <= LARGEST


def lines_of(view: MailView) -> int:
    """How many items could be left out."""
    return (
        sum(len(section.rows) for section in view.sections)
        + len(view.problems)
        + len(view.files)
        + sum(len(each) for each in _lists(view))
        + len(view.tallies)
    )


def fewer(lines: int, html: str) -> int:
    """How many of ``lines`` items may stay in a mail whose HTML came out too large."""
    return min(lines - 1, int(lines * LARGEST * _AIM / len(html.encode())))


def shortened(view: MailView, lines: int, words: Words) -> MailView:
    """``view`` with about ``lines`` items, the most pressing ones, and a word on how many are left out."""
    sections = _first_rows(view.sections, lines)
    problems, files = view.problems[:lines], view.files[:lines]
    tallies = view.tallies[:lines]
    named = _level([len(each) for each in _lists(view)], lines - len(tallies))
    week = view.week
    if week is not None:
        week = replace(week, tables=tuple(_first_lights(table, named, words) for table in week.tables))
    left = (
        sum(len(each.rows) for each in view.sections)
        - sum(len(each.rows) for each in sections)
        + len(view.problems)
        - len(problems)
        + len(view.files)
        - len(files)
        + len(view.tallies)
        - len(tallies)
    )
    return view._replace(
        sections=sections,
        problems=problems,
        files=files,
        tallies=tuple(_first_missing(tally, named, words) for tally in tallies),
        week=week,
        more=_more(view, left, words),
        links=view.links if view.page is None else (Link(words("pages.whole"), view.page), *view.links),
    )


def _more(view: MailView, left: int, words: Words) -> str:
    if left:
        return words("more.items_page" if view.page else "more.items_text", n=left)
    return words("more.names_page" if view.page else "more.names_text")


def _lists(view: MailView) -> list[Sequence[object]]:
    """The lists of names in a roll-up."""
    tables = view.week.tables if view.week is not None else ()
    return [*(tally.missing for tally in view.tallies), *(table.rows for table in tables)]


def _level(lengths: Sequence[int], room: int) -> int:
    """How many of each list may stay so that all together they are no more than ``room``."""
    most = max(lengths, default=0)
    while most and sum(min(length, most) for length in lengths) > room:
        most -= 1
    return most


def _first_rows(sections: Sequence[Section], lines: int) -> tuple[Section, ...]:
    found = []
    for section in sections:
        if lines <= 0:
            break
        found.append(replace(section, rows=section.rows[:lines]))
        lines -= len(section.rows)
    return tuple(found)


def _first_missing(tally: OccurrenceTally, most: int, words: Words) -> OccurrenceTally:
    if len(tally.missing) <= most:
        return tally
    rest = words("rollup.rest", shown=most, n=tally.of - tally.done)
    return replace(tally, missing=tally.missing[:most], rest=rest)


def _first_lights(table: LightTable, most: int, words: Words) -> LightTable:
    if len(table.rows) <= most:
        return table
    hidden = table.hidden + len(table.rows) - most
    more = words(f"week.hidden_{table.name}", n=hidden)
    return replace(table, rows=table.rows[:most], hidden=hidden, more=more)
