"""Deadlines as a calendar (RFC 5545): all-day events that Outlook, Apple's and Google's calendars read alike.

An event lasts from its date to the day after, which RFC 5545 does not count in; it takes nobody's time, and rings
at nine in the morning on the day of the last reminder and a week before.  What is answered rings no more.

Written by hand, as a morning has thousands of them: a library takes longer over one event than the mail around it
takes.  The tests hold it against two of them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from tracker.i18n.catalogue import Language

CONTENT_TYPE = "text/calendar"
#: Dates for information, nothing to answer; and dates that are none any more (RFC 5546).
PUBLISH, CANCEL = "PUBLISH", "CANCEL"
#: When an alarm rings on its day, in hours.
RINGS = 9
#: So many days before it rings the first time.
AHEAD = 7
#: How often a program is asked to look at a feed again.
REFRESH = "PT6H"
#: Octets of a line, without its end (RFC 5545, 3.1).
_LINE = 75
#: Characters of a text where it is to be short.
LONGEST = 60
#: From here the changes of dates are counted, in seconds.
_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
#: The number of what has never changed: earlier versions counted days, and are outranked until 2047.
UNCHANGED = 10_000
#: What no calendar may hold, and what some reader takes for the end of a line or cannot encode.
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_ESCAPES = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"})
_PRODUCT = "-//deadline-tracker//calendar//ZH"
_WORDS: dict[Language, tuple[str, str, str, str, str]] = {
    "zh": ("（截止）", "完成时限：", "工作要求：", "状态：", "已取消"),
    "en": (" (due)", "Deadline: ", "Requirement: ", "State: ", "cancelled"),
}


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """One deadline.  ``due`` is the date in force, ``notice`` the last workday on or before it.

    ``title`` begins with what people call it and its period; ``ref`` is never shown.
    ``scope`` tells calendars apart that hold the same reference more than once: a unit's id, or nothing.
    ``sign`` stands before the title, ``state`` is in words; ``rings`` is False where nothing is asked any more.
    ``sequence`` grows with each change of the date (``sequence_at``); ``is_cancelled`` says that there is none now.
    """

    ref: str
    title: str
    due: date
    notice: date
    deadline: str = ""
    requirement: str | None = None
    rings: bool = True
    scope: str = ""
    who: str | None = None
    sign: str = ""
    state: str | None = None
    sequence: int = UNCHANGED
    is_cancelled: bool = False


def sequence_at(moment: datetime) -> int:
    """The number of a change at ``moment`` of a date that had none before."""
    return max(UNCHANGED + 1, (moment - _EPOCH) // timedelta(seconds=1))


def calendar(
    entries: Iterable[CalendarEntry],
    *,
    name: str,
    campaign: str,
    domain: str,
    stamp: datetime,
    language: Language,
    is_short: bool = False,
    method: str = PUBLISH,
) -> bytes:
    """The calendar called ``name`` as ``.ics``; with ``method`` CANCEL it takes its events back.

    Identifiers end in ``@domain`` and are those of the ``campaign`` (its document), as the next year's has the same
    references.  ``stamp`` is the moment as of which it holds: the same entries at the same one are the same bytes.
    ``is_short`` is for what stands beside the whole text anyway.
    """
    mark = hashlib.sha256(campaign.encode()).hexdigest()[:8]
    title = _escape(name)
    lines = [
        b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n",
        _line("PRODID", _PRODUCT),
        _line("METHOD", method),
        _line("NAME", title),
        _line("X-WR-CALNAME", title),
        _line("REFRESH-INTERVAL;VALUE=DURATION", REFRESH),
        _line("X-PUBLISHED-TTL", REFRESH),
    ]
    category = b"" if is_short else _line("CATEGORIES", _escape(campaign))
    for entry in entries:
        scope = f"/{entry.scope}" if entry.scope else ""
        lines += (
            b"BEGIN:VEVENT\r\n",
            _line("UID", _escape(f"{entry.ref}{scope}.{mark}@{domain}")),
            _revision(entry.sequence, stamp),
            *_event(entry, language, is_short=is_short),
            category,
            b"CLASS:PRIVATE\r\nTRANSP:TRANSPARENT\r\n",
            b"STATUS:CANCELLED\r\n" if entry.is_cancelled else b"STATUS:CONFIRMED\r\n",
            *_alarms(entry, language),
            b"END:VEVENT\r\n",
        )
    lines.append(b"END:VCALENDAR\r\n")
    return b"".join(lines)


def _revision(sequence: int, stamp: datetime) -> bytes:
    """The later word about an event counts: a program keeps what has the higher number, of two alike the later one."""
    if sequence > UNCHANGED:
        stamp = max(stamp, _EPOCH + timedelta(seconds=sequence))
    return f"DTSTAMP:{stamp.astimezone(UTC):%Y%m%dT%H%M%SZ}\r\nSEQUENCE:{sequence}\r\n".encode()


def _event(entry: CalendarEntry, language: Language, *, is_short: bool) -> Iterator[bytes]:
    word, deadline, requirement, state, cancelled = _WORDS[language]
    after = entry.due + timedelta(days=1)
    yield f"DTSTART;VALUE=DATE:{entry.due:%Y%m%d}\r\nDTEND;VALUE=DATE:{after:%Y%m%d}\r\n".encode()
    sign = f"{entry.sign} " if entry.sign else ""
    who = f"【{entry.who}】" if entry.who else ""
    yield _line("SUMMARY", _escape(f"{sign}{who}{_short(entry.title)}{word}"))
    told = [f"{deadline}{entry.deadline}"] if entry.deadline else []
    if entry.requirement:
        told.append(f"{requirement}{_short(entry.requirement) if is_short else entry.requirement}")
    if said := entry.state or (cancelled if entry.is_cancelled else None):
        told.append(f"{state}{said}")
    yield _line("DESCRIPTION", _escape("\n".join(told)))


def _alarms(entry: CalendarEntry, language: Language) -> Iterator[bytes]:
    if not entry.rings or entry.is_cancelled:
        return
    said = _line("DESCRIPTION", _escape(f"{_short(entry.title)}{_WORDS[language][0]}"))
    for days in sorted({(entry.due - entry.notice).days, AHEAD}, reverse=True):
        trigger = f"TRIGGER:{_from_start(RINGS - 24 * days)}\r\n".encode()
        yield b"BEGIN:VALARM\r\nACTION:DISPLAY\r\n" + said + trigger + b"END:VALARM\r\n"


def _from_start(hours: int) -> str:
    """So many hours after the first moment of the day, or before it, as a duration."""
    days, rest = divmod(abs(hours), 24)
    sign, day = "-" if hours < 0 else "", f"{days}D" if days else ""
    return f"{sign}P{day}T{rest}H" if rest or not days else f"{sign}P{day}"


def _line(name: str, value: str) -> bytes:
    """A content line, folded by octets between characters."""
    data = f"{name}:{value}".encode()
    if len(data) <= _LINE:
        return data + b"\r\n"
    parts = []
    start, room = 0, _LINE
    while len(data) - start > room:
        end = start + room
        while data[end] & 0xC0 == 0x80:
            end -= 1
        parts.append(data[start:end])
        # The space that begins every further line counts.
        start, room = end, _LINE - 1
    parts.append(data[start:])
    return b"\r\n ".join(parts) + b"\r\n"


def _escape(text: str) -> str:
    """As a text stands in a calendar (RFC 5545, 3.3.11)."""
    return _CONTROL.sub(" ", text.replace("\r\n", "\n")).translate(_ESCAPES)


def _short(text: str) -> str:
    """On one line, and no longer than a telephone shows: the mail has the whole."""
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
