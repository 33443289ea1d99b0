"""Deadlines as a calendar (RFC 5545): all-day events that Outlook, Apple's and Google's calendars read alike.

An event lasts from its date to the day after, which RFC 5545 does not count in; it takes nobody's time, and rings
at nine in the morning on the day of the last reminder and a week before.  What is answered rings no more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from icalendar import Alarm, Calendar, Event

from tracker.core.model import Language

CONTENT_TYPE = "text/calendar"
#: When an alarm rings on its day.
RINGS = timedelta(hours=9)
#: So many days before it rings the first time.
AHEAD = 7
#: How often a program is asked to look at a feed again.
REFRESH = "PT6H"
#: C0 controls but for the line's end: no calendar may hold them.
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f]")
#: Characters of a text in an event.
LONGEST = 60
_PRODUCT = "-//deadline-tracker//calendar//ZH"
_WORDS: dict[Language, tuple[str, str, str]] = {
    "zh": ("截止", "完成时限：", "工作要求："),
    "en": ("due", "Deadline: ", "Requirement: "),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One deadline.  ``due`` is the date in force, ``notice`` the last workday on or before it.

    ``scope`` tells calendars apart that hold the same reference more than once: a unit's id, or nothing.
    """

    ref: str
    title: str
    due: date
    notice: date
    deadline: str
    requirement: str | None = None
    is_done: bool = False
    scope: str = ""
    who: str | None = None


def calendar(entries: Iterable[Entry], *, name: str, domain: str, stamp: date, language: Language) -> bytes:
    """The calendar called ``name`` as ``.ics``.

    Identifiers end in ``@domain``.  ``stamp`` is the day as of which it holds: the same entries on the same day are
    the same bytes.
    """
    frame = Calendar()
    frame.add("prodid", _PRODUCT)
    frame.add("version", "2.0")
    frame.add("method", "PUBLISH")
    frame.add("x-wr-calname", _clean(name))
    frame.add("name", _clean(name))
    frame.add("x-published-ttl", REFRESH)
    head, end = frame.to_ical().rsplit(b"END:VCALENDAR", 1)
    events = b"".join(_event(entry, domain, stamp, language) for entry in entries)
    return b"".join((head, events, b"END:VCALENDAR", end))


@lru_cache(maxsize=4096)
def _event(entry: Entry, domain: str, stamp: date, language: Language) -> bytes:
    """One event; people of many units are told of the same dates in the same words."""
    due, deadline, requirement = _WORDS[language]
    event = Event()
    scope = f"/{entry.scope}" if entry.scope else ""
    event.add("uid", f"{entry.ref}{scope}@{domain}")
    event.add("dtstamp", datetime.combine(stamp, time(), UTC))
    event.add("dtstart", entry.due)
    event.add("dtend", entry.due + timedelta(days=1))
    title = _short(entry.title)
    who = f"【{_clean(entry.who)}】" if entry.who else ""
    event.add("summary", f"{'✓ ' if entry.is_done else ''}{who}{title}（{due} {entry.ref}）")
    lines = [f"{deadline}{_clean(entry.deadline)}"]
    if entry.requirement:
        lines.append(f"{requirement}{_short(entry.requirement)}")
    event.add("description", "\n".join(lines))
    event.add("transp", "TRANSPARENT")
    event.add("status", "CONFIRMED")
    event.add("class", "PRIVATE")
    if not entry.is_done:
        for day in sorted({entry.notice, entry.due - timedelta(days=AHEAD)}):
            alarm = Alarm()
            alarm.add("action", "DISPLAY")
            alarm.add("description", f"{entry.ref} {due}")
            alarm.add("trigger", day - entry.due + RINGS)
            event.add_component(alarm)
    return bytes(event.to_ical())


def _short(text: str) -> str:
    """On one line, and no longer than a telephone shows: the mail has the whole."""
    text = " ".join(_clean(text).split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _clean(text: str) -> str:
    return _CONTROL.sub(" ", text)
