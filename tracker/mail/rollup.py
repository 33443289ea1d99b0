"""What a roll-up says about an occurrence: how many are in, who is missing and how to reach them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from tracker.core.model import Mail
from tracker.mail.view import Missing, Tally
from tracker.mail.wording import Calendar, tidy
from tracker.mail.words import Words


def tallies(mail: Mail, words: Words, calendar: Calendar) -> tuple[Tally, ...]:
    """The details of a roll-up: one occurrence, or several under ``entries``."""
    entries = mail.details.get("entries")
    found = entries if isinstance(entries, list | tuple) else [mail.details]
    return tuple(_tally(entry, words, calendar) for entry in found if isinstance(entry, Mapping))


def _tally(entry: Mapping[str, object], words: Words, calendar: Calendar) -> Tally:
    missing = tuple(_missing(each, words) for each in _mappings(entry.get("missing")))
    of = _count(entry.get("of"), len(missing))
    done = _count(entry.get("in"), of - len(missing))
    period = str(entry.get("ref") or "").partition("@")[2]
    due = entry.get("due")
    late = words("sections.comma").join(_late(each, words) for each in _mappings(entry.get("late")))
    if missing or done < of:
        summary = words("rollup.summary", of=of, in_=done, missing=of - done)
    else:
        summary = words("rollup.all_in", of=of)
    return Tally(
        title=tidy(str(entry.get("title") or entry.get("ref") or "")),
        period=calendar.period(period) if period else None,
        due=words("rollup.due", date=calendar.weekday(date.fromisoformat(str(due)))) if due else None,
        of=of,
        done=done,
        summary=summary,
        missing=missing,
        late=late or None,
    )


def _count(value: object, otherwise: int) -> int:
    return value if isinstance(value, int) else otherwise


def _mappings(value: object) -> Iterable[Mapping[str, object]]:
    """Each as a mapping; a bare string is a name."""
    if isinstance(value, list | tuple):
        for each in value:
            yield each if isinstance(each, Mapping) else {"name": str(each)}


def _name(entry: Mapping[str, object]) -> str:
    return str(entry.get("name") or entry.get("unit") or "")


def _missing(entry: Mapping[str, object], words: Words) -> Missing:
    people = [_person(each) for each in _mappings(entry.get("contacts"))]
    return Missing(_name(entry), words("sections.comma").join(people) or words("labels.no_contacts"))


def _person(entry: Mapping[str, object]) -> str:
    name, email = str(entry.get("name") or ""), str(entry.get("email") or "")
    return f"{name} {email}".strip()


def _late(entry: Mapping[str, object], words: Words) -> str:
    days = entry.get("late_days")
    return words("rollup.late_by", name=_name(entry), n=days) if isinstance(days, int) else _name(entry)
