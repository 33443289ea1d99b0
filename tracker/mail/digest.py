"""The rows and sections of a digest, most pressing first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from tracker.core.model import Campaign, Definition, Item, Kind, Mail, Reason, Target
from tracker.mail.view import Row, Section
from tracker.mail.wording import Calendar, clip, tidy
from tracker.mail.words import Words

TITLE_WIDTH = 90
SHORT_WIDTH = 32
REQUIREMENT_WIDTH = 220
#: So many parts are named in a subject; the rest is a number.
NAMED_SECTIONS = 3

#: Rows that are kept for the next recipient.
KEPT_ROWS = 4096

#: ``lapsed`` is what was due before the document was issued; the others are reasons of items.
SECTIONS = ("escalation", "overdue", "returned", "lapsed", "due_today", "lead", "pace", "opened", "review")
_RANK = {name: rank for rank, name in enumerate(SECTIONS)}
#: Sections in which the periods of one definition make one row.
_MERGED = frozenset({"overdue", "lapsed"})

#: The items of a row, with the name of the section that it stands in.
Group = tuple[str, list[Item]]


@dataclass(frozen=True, slots=True)
class _Card:
    """What is the same in every row about one definition."""

    label: str
    title: str
    short: str
    requirement: str | None
    deadline: str
    submit_to: str | None
    note: str | None
    kind: str
    target: Target | None


class _About(NamedTuple):
    """What one row depends on beside its item."""

    day: date
    done: int
    wanted: int
    units: str | None
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Beside:
    """What a digest is told beside its items (docs/design/ledger.md)."""

    progress: Mapping[str, object]
    said: Mapping[str, object]
    last: frozenset[str]

    @classmethod
    def of(cls, mail: Mail) -> _Beside:
        progress, said, last = (mail.details.get(name) for name in ("progress", "said", "last"))
        return cls(
            progress if isinstance(progress, dict) else {},
            said if isinstance(said, dict) else {},
            frozenset(last) if isinstance(last, list) else frozenset(),
        )


class DigestComposer:
    """Makes rows of items, in one language.  ``supervisor`` is who gets what has no address of its own."""

    def __init__(self, campaign: Campaign, words: Words, calendar: Calendar, supervisor: str) -> None:
        self.campaign = campaign
        self.words = words
        self.calendar = calendar
        self.supervisor = supervisor
        self._cards: dict[str, _Card] = {}
        self._rows: dict[tuple[object, ...], Row] = {}

    def groups(self, mail: Mail) -> list[Group]:
        """The items of each row, most pressing section first; within one, as the plan ordered them."""
        found: dict[tuple[str, ...], list[Item]] = {}
        issued = self.campaign.issued
        for item in mail.items:
            name = item.reason.value
            # What was over before the document was issued is nobody's fault.
            if item.reason is Reason.OVERDUE and item.due is not None and item.due < issued:
                name = "lapsed"
            if name in _MERGED:
                group: tuple[str, ...] = (name, item.ref.partition("@")[0], item.unit)
            elif name == "escalation":
                group = (name, item.ref.partition("@")[0])
            else:
                group = (name, item.ref, item.unit)
            found.setdefault(group, []).append(item)
        # What has no date can wait for what has one.
        return sorted(
            ((key[0], items) for key, items in found.items()),
            key=lambda group: (_RANK[group[0]], group[1][0].due is None),
        )

    def subject(self, groups: list[Group], day: date) -> str:
        """One row is named; of several the most pressing are counted."""
        words = self.words
        if len(groups) == 1:
            name, items = groups[0]
            title = self._card(items[0].ref.partition("@")[0]).short
            return words(
                "digest.subject_one",
                document=self.campaign.document,
                title=title,
                status=self._status(name, items),
                day=self.calendar.short(day, day),
            )
        counted: dict[str, int] = {}
        for name, _ in groups:
            counted[name] = counted.get(name, 0) + 1
        parts = [words(f"sections.{name}.count", n=count) for name, count in counted.items()]
        summary = words("sections.comma").join(parts[:NAMED_SECTIONS])
        if len(parts) > NAMED_SECTIONS:
            summary = words("sections.more", parts=summary, n=len(groups))
        return words(
            "digest.subject",
            document=self.campaign.document,
            summary=summary,
            day=self.calendar.short(day, day),
        )

    def sections(self, mail: Mail, groups: list[Group], day: date) -> tuple[Section, ...]:
        """The rows of ``groups`` in their sections."""
        beside = _Beside.of(mail)
        units = {item.unit for item in mail.items}
        # Where all is for the recipient's own unit, the rows need not say so.
        is_own = len(units) == 1 and (mail.unit is None or mail.unit in units)
        rows: dict[str, list[Row]] = {}
        for name, items in groups:
            rows.setdefault(name, []).append(self._row(name, items, day, beside, is_own=is_own))
        return tuple(self._section(name, tuple(found)) for name, found in rows.items())

    def unit_name(self, unit: str) -> str:
        """How the files call it; the id where they do not know it any more."""
        known = self.campaign.units.get(unit)
        return known.name if known else unit

    def _section(self, name: str, rows: tuple[Row, ...]) -> Section:
        words = self.words
        count, items = words(f"sections.{name}.count", n=len(rows)), sum(row.items for row in rows)
        if items > len(rows):
            spread = "sections.with_units" if name == "escalation" else "sections.with_periods"
            count = words(spread, count=count, n=items)
        return Section(name, words(f"sections.{name}.heading"), words(f"sections.{name}.hint"), count, rows)

    def _row(self, name: str, items: list[Item], day: date, beside: _Beside, *, is_own: bool) -> Row:
        item = items[0]
        card = self._card(item.ref.partition("@")[0])
        done, wanted = _quota(card, item, beside.progress) if card.target else (0, 0)
        units = self._units(items, short=name == "escalation") if name == "escalation" or not is_own else None
        about = _About(day, done, wanted, units, self._remarks(items, beside))
        if len(items) > 1:
            return self._new_row(name, items, card, about)
        # On one day the same row goes to every unit that is asked the same.
        same = (name, item.ref, item.due, item.days_left, about)
        row = self._rows.get(same)
        if row is None:
            if len(self._rows) >= KEPT_ROWS:
                self._rows.clear()
            row = self._new_row(name, items, card, about)
            self._rows[same] = row
        return row

    def _new_row(self, name: str, items: list[Item], card: _Card, about: _About) -> Row:
        when = self._date(items)
        is_asked = name != "escalation" and (items[0].due is not None or name == "review")
        return Row(
            ref=items[0].ref if len(items) == 1 else items[0].ref.partition("@")[0],
            label=card.label,
            title=card.title,
            short=card.short,
            status=self._status(name, items),
            deadline=card.deadline,
            date=when,
            when=self.words("row.when", deadline=card.deadline, date=when) if when else card.deadline,
            todo=self._todo(name, card, items, about.day, missing=about.wanted - about.done),
            submit_to=card.submit_to if is_asked else None,
            requirement=card.requirement,
            period=self._period(items),
            progress=self._progress(card, about.done, about.wanted) if about.wanted else None,
            units=about.units,
            note=card.note if name != "escalation" else None,
            remarks=about.remarks,
            items=len(items),
        )

    def _remarks(self, items: list[Item], beside: _Beside) -> tuple[str, ...]:
        """What else is to be known of these items; of most there is nothing."""
        if not beside.said and not beside.last:
            return ()
        found: dict[str, None] = {}
        for item in items:
            said = beside.said.get(f"{item.ref} {item.unit}")
            if isinstance(said, Mapping):
                found.update((remark, None) for remark in self._said(item, said))
            if item.ref in beside.last:
                found[self.words("row.last")] = None
        return tuple(found)

    def _said(self, item: Item, said: Mapping[str, object]) -> Iterator[str]:
        words = self.words
        nominal, why, also = said.get("extended_from"), said.get("returned"), said.get("also")
        if isinstance(nominal, str) and item.due is not None:
            before = self.calendar.day(date.fromisoformat(nominal))
            yield words("row.extended", date=self.calendar.day(item.due), before=before)
        if isinstance(why, str):
            yield words("row.returned_because", reason=clip(why, REQUIREMENT_WIDTH))
        if isinstance(also, list) and also:
            yield words("row.also", periods=self.calendar.periods([str(each) for each in also]))

    def _period(self, items: list[Item]) -> str | None:
        if len(items) == 1:
            period = items[0].ref.partition("@")[2]
            return self.calendar.period(period) if period else None
        periods = sorted({item.ref.partition("@")[2] for item in items})
        return self.calendar.periods(periods) if periods != [""] else None

    def _date(self, items: list[Item]) -> str | None:
        if len(items) == 1:
            due = items[0].due
            return None if due is None else self.calendar.weekday(due)
        dues = [item.due for item in items if item.due is not None]
        if not dues:
            return None
        first, last = min(dues), max(dues)
        if first == last:
            return self.calendar.weekday(first)
        return self.words("dates.from_to", first=self.calendar.day(first), last=self.calendar.day(last))

    def _progress(self, card: _Card, done: int, wanted: int) -> str:
        return self.words("row.progress", of=card.target.of if card.target else "", count=wanted, done=done)

    def _units(self, items: Iterable[Item], *, short: bool = False) -> str:
        """The units of ``items``; of many, as people call them for short."""
        name_of = self.short_name if short else self.unit_name
        return self.words("sections.comma").join(dict.fromkeys(name_of(item.unit) for item in items))

    def short_name(self, unit: str) -> str:
        """The shortest name that the files know: 万州 for 万州区应急管理局."""
        known = self.campaign.units.get(unit)
        return min((known.name, *known.aliases), key=len) if known else unit

    def _status(self, name: str, items: list[Item]) -> str:
        if name == "lapsed":
            return self.words("row.lapsed")
        left = items[0].days_left
        if left is None:
            return self.words("row.ongoing" if name in ("review", "opened") else "row.no_date")
        if name == "lead" and left < 0:
            return self.words("row.grace")
        status = self._days(items, left)
        return self.words("row.returned", status=status) if name == "returned" else status

    def _days(self, items: list[Item], left: int) -> str:
        words = self.words
        if left < 0:
            if len(items) == 1:
                return words("row.late", n=-left)
            late = {-item.days_left for item in items if item.days_left is not None}
            return words("row.late" if len(late) == 1 else "row.late_most", n=max(late))
        if left == 0:
            return words("row.today")
        return words("row.tomorrow") if left == 1 else words("row.left", n=left)

    def _todo(self, name: str, card: _Card, items: list[Item], day: date, *, missing: int) -> str:
        words, due = self.words, items[0].due
        if name in _MERGED:
            if len(items) > 1:
                return words("todo.overdue_many", n=len(items))
            return words(f"todo.{name}_{card.kind}")
        if name in ("escalation", "returned", "review"):
            return words(f"todo.{name}")
        if name == "pace" and missing > 0 and card.target is not None:
            return words("todo.pace", missing=missing, of=card.target.of)
        if due is None:
            return words("todo.opened_undated")
        if name == "due_today":
            return words(f"todo.due_today_{card.kind}")
        asked = "opened" if name == "opened" else "lead"
        return words(f"todo.{asked}_{card.kind}", date=self.calendar.short(due, day))

    def _card(self, key: str) -> _Card:
        card = self._cards.get(key)
        if card is None:
            definition = self.campaign.definitions.get(key)
            # A definition can be gone from the files after the mail was decided.
            card = _no_card(key) if definition is None else self._new_card(definition)
            self._cards[key] = card
        return card

    def _new_card(self, definition: Definition) -> _Card:
        words, task = self.words, definition.task_id
        label = words("names.report") if task is None else words("names.task", id=task)
        # The text of a task often still begins with its number.
        title = tidy(definition.title).removeprefix(f"{task}.").lstrip()
        short = clip(title, SHORT_WIDTH).rstrip("。；，、.;,")
        return _Card(
            label=label,
            title=clip(title, TITLE_WIDTH),
            short=f"{label} {short}" if task else short,
            requirement=clip(definition.requirement, REQUIREMENT_WIDTH) if definition.requirement else None,
            deadline=tidy(definition.deadline),
            submit_to=definition.submit_to or self.supervisor,
            note=clip(definition.note, REQUIREMENT_WIDTH) if definition.note else None,
            kind="task" if definition.kind is Kind.TASK else "paper",
            target=definition.target,
        )


def _no_card(key: str) -> _Card:
    return _Card(key, key, key, None, key, None, None, "paper", None)


def _quota(card: _Card, item: Item, progress: Mapping[str, object]) -> tuple[int, int]:
    """How many are done, and how many are wanted of this unit; (0, 0) where there is no quota."""
    if card.target is None or item.unit not in card.target.units:
        return 0, 0
    done = progress.get(f"{item.ref} {item.unit}", progress.get(item.ref, 0))
    return (done if isinstance(done, int) else 0), card.target.count
