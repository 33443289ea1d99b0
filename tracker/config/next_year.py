"""Rolls ``tasks.yaml`` on to another year, as lists of this kind come back every year.

What is changed is changed in the text, at the places that the YAML parser names: comments, order, quotes and
ends of lines are somebody's work and stay as they are.  A deadline is only rewritten where the deadline
reader finds in the new text the old rule moved by the years; otherwise it is left, and listed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import yaml
from yaml.events import ScalarEvent

from tracker.config.document import Document, Location, Mapping, Sequential, Value
from tracker.config.field_types import day
from tracker.config.unit_index import items, text_of
from tracker.config.yamlnodes import read_document
from tracker.core.deadline.expressions import NoSuchDayError, parse
from tracker.core.deadline.tokens import tokenize
from tracker.core.model import MAIN, Rule
from tracker.core.years import LAST_YEAR
from tracker.errors import DeadlineSyntaxError, year_out_of_range

_BOM = b"\xef\xbb\xbf"
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_REST_OF_LINE = re.compile(r"[ \t]*(?:[ \t]#[^\r\n]*)?(?:\r\n|\r|\n|\Z)")
_PLAIN, _WIDE, _CHINESE = "0123456789", "０１２３４５６７８９", "〇一二三四五六七八九"
_DATED = frozenset({"deadline", "due", "issued"})


@dataclass(slots=True)
class NextYear:
    """What was changed, and what a person should look at; each line names its place."""

    moved: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    document: str | None = None
    mentions: list[str] = field(default_factory=list)


def roll_tasks(data: bytes, year: int) -> tuple[bytes, NextYear]:
    """The bytes of a ``tasks.yaml`` without errors, rolled on to be issued in ``year``.

    Raises UsageError where ``year`` is not after the year in which it was issued.
    """
    document = read_document("tasks.yaml", data)
    issued = day(document.value(("campaign", "issued")))
    if not issued.year < year <= LAST_YEAR:
        raise year_out_of_range("--year", year, issued.year + 1, LAST_YEAR)
    roller = _Roller(document, issued, year - issued.year)
    new = (_BOM if data.startswith(_BOM) else b"") + roller.roll().encode()
    # Lines have gone, so where something stands is looked up in what is now there.
    rolled = read_document("tasks.yaml", new)
    for location, name in roller.left:
        line, _ = rolled.place(location)
        text = " ".join(str(rolled.value(location)).split())
        roller.told.left.append(f"tasks.yaml:{line}: {name}: {location[-1]} {text}")
    return new, roller.told


def mentions(file: str, data: bytes, year: int) -> list[str]:
    """Every text that names ``year``, except the dates that are rolled on, each with its line."""
    document = read_document(file, data)
    named = re.compile(rf"(?<!\d){year}(?!\d)|{_in_digits(year, _CHINESE)}")
    return [
        f"{file}:{document.place(location)[0]}: {_around(text, found)}"
        for location, text in _texts(document.root)
        if location[-1] not in _DATED and (found := named.search(text))
    ]


def moved_day(when: date, years: int) -> date:
    """The same day ``years`` later; 29 February becomes the 28th where there is none."""
    try:
        return when.replace(year=when.year + years)
    except ValueError:
        return when.replace(year=when.year + years, day=28)


class _Roller:
    """Gathers the edits of one text, then makes them."""

    def __init__(self, document: Document, issued: date, years: int) -> None:
        self.document = document
        self.text = document.text
        self.issued = issued
        self.years = years
        year = document.value(("campaign", "year"))
        self.year = int(year) if isinstance(year, str) else None
        self.told = NextYear()
        self.left: list[tuple[Location, str]] = []
        self.edits: list[tuple[int, int, str]] = []
        self.ends = _ends(self.text)

    def roll(self) -> str:
        campaign: Location = ("campaign",)
        self._move_day((*campaign, "issued"), "campaign")
        self._move_year((*campaign, "year"))
        self._renumber((*campaign, "document"))
        self._name(campaign)
        self._drop(campaign, "accept_removals", "campaign")
        self._drop(campaign, "accept_correction", "campaign")
        self._drop(campaign, "chase_from", "campaign")
        for location, name in _definitions(self.document):
            self._move_deadline((*location, "deadline"), name)
            self._move_day((*location, "due"), name)
            self._drop(location, "status", name)
        text = self.text
        for start, end, new in sorted(self.edits, reverse=True):
            text = text[:start] + new + text[end:]
        return text

    # --- dates ---

    def _move_day(self, location: Location, name: str) -> None:
        old = self.document.value(location)
        if not isinstance(old, str):
            return
        moved = moved_day(day(old), self.years)
        _, month, number = old.strip().split("-")
        # Only a 29 February changes more than its year.
        new = f"{moved.year}-{month}-{number if int(number) == moved.day else moved.day}"
        if self._replace(location, old.strip(), new):
            self.told.moved.append(f"{name}: {location[-1]} {old.strip()} → {new}")
        else:
            self.left.append((location, name))

    def _move_deadline(self, location: Location, name: str) -> None:
        old = self.document.value(location)
        if not isinstance(old, str):
            return
        new = move_text(old.strip(), self.issued, self.years, self.year)
        if new == old.strip():
            return
        if new is not None and self._replace(location, old.strip(), new):
            self.told.moved.append(f"{name}: {old.strip()} → {new}")
        else:
            self.left.append((location, name))

    def _move_year(self, location: Location) -> None:
        old = self.document.value(location)
        if isinstance(old, str) and self._replace(location, old.strip(), new := str(int(old) + self.years)):
            self.told.moved.append(f"campaign: year {old.strip()} → {new}")

    def _renumber(self, location: Location) -> None:
        old = self.document.value(location)
        if not isinstance(old, str):
            return
        year, new_year = str(self.issued.year), str(self.issued.year + self.years)
        new = re.sub(rf"([〔\[（(【]){year}([〕\]）)】])", rf"\g<1>{new_year}\2", old)
        if new != old and self._replace(location, old, new):
            self.told.document = f"{old} → {new}"

    def _name(self, location: Location) -> None:
        """Next year's list is another campaign: in the same ledger, too, everybody is asked anew."""
        head = self.document.value(location)
        assert isinstance(head, Mapping)
        old = str(head.get("id") or MAIN)
        year, new_year = str(self.issued.year), str(self.issued.year + self.years)
        new = re.sub(rf"(?<!\d){year}(?!\d)", new_year, old)
        new = f"{old}-{new_year}" if new == old else new
        self.told.moved.append(f"campaign: id {old} → {new}")
        if "id" in head:
            self._replace((*location, "id"), old, new)
            return
        first = head.marks["title"][0].index
        line = max(self.text.rfind("\n", 0, first), self.text.rfind("\r", 0, first)) + 1
        indent = self.text[line:first]
        end = "\r\n" if "\r\n" in self.text else "\r" if "\r" in self.text else "\n"
        between = ", " if indent.strip() else end + indent
        self.edits.append((first, first, f"id: {new}{between}"))

    # --- the text ---

    def _replace(self, location: Location, old: str, new: str) -> bool:
        """Replace a value where it stands; False where it does not stand there as it is read."""
        start, end = self._value_span(location)
        raw = self.text[start:end]
        # What is written with escapes may look like the value and mean something else.
        if raw.startswith('"') and "\\" in raw:
            return False
        # A value that runs over several lines has other white space there than it is read with.
        found = list(re.finditer(r"\s+".join(map(re.escape, old.split())), raw))
        if len(found) != 1:
            return False
        spaces = iter(re.findall(r"\s+", found[0][0]))
        written = re.sub(r"\s+", lambda _: next(spaces), new)
        self.edits.append((start, end, raw[: found[0].start()] + written + raw[found[0].end() :]))
        return True

    def _drop(self, location: Location, key: str, name: str) -> None:
        """Take a key and its value out: the lines, or the piece of a line, that they are alone on."""
        mapping = self.document.value(location)
        if not isinstance(mapping, Mapping) or key not in mapping:
            return
        start = mapping.marks[key][0].index
        _, end = self._value_span((*location, key))
        line = max(self.text.rfind("\n", 0, start), self.text.rfind("\r", 0, start)) + 1
        rest = _REST_OF_LINE.match(self.text, end)
        keys = list(mapping)
        place = keys.index(key)
        if rest is not None and not self.text[line:start].strip(" "):
            self.edits.append((line, rest.end(), ""))
        elif place + 1 < len(keys):
            self.edits.append((start, mapping.marks[keys[place + 1]][0].index, ""))
        else:
            self.edits.append((self._end_of((*location, keys[place - 1])), end, ""))
        self.told.dropped.append(f"{name}: {key}: {mapping[key] or ''}".rstrip())

    def _value_span(self, location: Location) -> tuple[int, int]:
        mapping = self.document.value(location[:-1])
        assert isinstance(mapping, Mapping)
        key, value = mapping.marks[str(location[-1])]
        start, end = value.index, self.ends.get(value.index, value.index)
        while end > start and self.text[end - 1].isspace():
            end -= 1
        if end > start:
            return start, end
        colon = self.text.index(":", self.ends[key.index]) + 1
        return colon, colon

    def _end_of(self, location: Location) -> int:
        """Where a value ends, which may be a list or a mapping; they end where their brackets do."""
        value = self.document.value(location)
        if not isinstance(value, Mapping | Sequential):
            return self._value_span(location)[1]
        return self.ends[value.start.index]


def move_text(text: str, issued: date, years: int, year: int | None = None) -> str | None:
    """A deadline with its years moved; None where that does not mean the old rule moved by the years.

    ``year`` is the one that the old plan was for.
    """
    later = moved_day(issued, years)
    expected = parse(text, issued, year).rule
    new = _with_years_moved(text, years)
    if new is None:
        return None
    try:
        new, rule = _parse_leap(new, later, None if year is None else year + years)
    except DeadlineSyntaxError:
        return None
    return new if _is_moved(expected, rule, years) else None


def _parse_leap(text: str, issued: date, year: int | None) -> tuple[str, Rule]:
    """Read ``text``; a 29 February that the year does not have becomes the 28th in the text."""
    try:
        return text, parse(text, issued, year).rule
    except NoSuchDayError as error:
        place = error.column - 1
        for old, new in (("29", "28"), ("２９", "２８"), ("二十九", "二十八")):
            if text.startswith(old, place):
                changed = text[:place] + new + text[place + len(old) :]
                return changed, parse(changed, issued, year).rule
        raise


def _with_years_moved(text: str, years: int) -> str | None:
    for token in reversed(tokenize(text)):
        if token.kind == "number" and token.digits == 4:
            written = text[token.start : token.end]
            digits = next((each for each in (_PLAIN, _WIDE) if set(written) <= set(each)), None)
            if digits is None and set(written) <= set(f"零○{_CHINESE}"):
                digits = _CHINESE.replace("〇", next((zero for zero in "零○" if zero in written), "〇"))
            if digits is None:
                return None
            text = text[: token.start] + _in_digits(token.value + years, digits) + text[token.end :]
    return text


def _is_moved(old: Rule, new: Rule, years: int) -> bool:
    same = (old.ongoing, old.every, old.day, old.month) == (new.ongoing, new.every, new.day, new.month)
    ends = zip((old.due, old.since, old.until), (new.due, new.since, new.until), strict=True)
    return same and all(_is_day_moved(before, after, years) for before, after in ends)


def _is_day_moved(old: date | None, new: date | None, years: int) -> bool:
    if old is None or new is None:
        return old is new
    # 2月底 stays the end of February, in a leap year too.
    last_of_both = _ends_february(old) and _ends_february(new) and new.year - old.year == years
    return new == moved_day(old, years) or last_of_both


def _ends_february(when: date) -> bool:
    return when.month == 2 and (when + timedelta(days=1)).month == 3


def _in_digits(year: int, digits: str) -> str:
    return "".join(digits[int(each)] for each in str(year))


def _ends(text: str) -> dict[int, int]:
    """By where a scalar or a bracketed list or mapping begins: where it ends."""
    ends: dict[int, int] = {}
    open_: list[int] = []
    events: Any = yaml.parse(text, Loader=_LOADER)
    for event in events:
        start, end = event.start_mark.index, event.end_mark.index
        if isinstance(event, ScalarEvent):
            ends[start] = max(end, ends.get(start, 0))
        elif isinstance(event, yaml.CollectionStartEvent):
            open_.append(start)
        elif isinstance(event, yaml.CollectionEndEvent):
            ends.setdefault(open_.pop(), end)
    return ends


def _definitions(document: Document) -> Iterator[tuple[Location, str]]:
    """Location and key of every task, deliverable and report."""
    for location, task in items(document, "tasks"):
        name = text_of(task, "id") or ""
        yield location, name
        for place, each in items(document, *location, "deliverables"):
            yield place, f"{name}/{text_of(each, 'id')}"
    for location, report in items(document, "reports"):
        yield location, text_of(report, "id") or ""


def _texts(value: Value, *location: str | int) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, str):
        yield location, value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _texts(each, *location, key)
    elif isinstance(value, Sequential):
        for number, each in enumerate(value):
            yield from _texts(each, *location, number)


def _around(text: str, found: re.Match[str]) -> str:
    """A few words on either side, on one line."""
    start, end = max(0, found.start() - 8), found.end() + 16
    piece = " ".join(text[start:end].split())
    return f"{'…' if start else ''}{piece}{'…' if end < len(text) else ''}"
