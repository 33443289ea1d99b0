"""The rows and sections of a digest, most pressing first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import NamedTuple

from tracker.access.links import Links
from tracker.core.model import Campaign, Item, Light, Mail, Reason, Unit
from tracker.i18n.catalogue import Words
from tracker.mail.compose.cards import Card, Cards
from tracker.mail.compose.digest_details import DigestDetails, Remarks
from tracker.mail.compose.subject import Group
from tracker.mail.compose.view import Enclosed, Link, Row, Section
from tracker.mail.compose.wording import Calendar

#: So many units are named in a row that goes upward; the rest is a number.
NAMED_UNITS = 60

#: So many periods of a row have a page each; the older ones come when these are done.
PAGES = 60

#: Rows that are kept for the next recipient.
KEPT_ROWS = 4096

#: The fields of a row that are the same for every reader.
_UNLINKED = Row._fields.index("link")

#: ``lapsed`` is what was due before the document was issued; the others are reasons of items.
SECTIONS = ("escalation", "overdue", "returned", "lapsed", "due_today", "lead", "pace", "opened", "review")
_RANK = {name: rank for rank, name in enumerate(SECTIONS)}
#: Sections in which the periods of one definition make one row.
_MERGED = frozenset({"overdue", "lapsed"})

#: In which light the items of a section shine; what was sent back is red once it is late.
LIGHT_OF = {
    **dict.fromkeys(("escalation", "overdue", "lapsed"), Light.RED),
    **dict.fromkeys(("returned", "due_today", "lead", "pace"), Light.AMBER),
    "opened": Light.NONE,
    "review": Light.BLUE,
}


class _About(NamedTuple):
    """What one row depends on beside its item."""

    day: date
    done: int
    wanted: int
    units: str | None
    remarks: tuple[str, ...]
    is_supervisors: bool
    is_linked: bool
    is_copy: bool = False


class DigestComposer:
    """Makes rows of items, in one language.

    ``supervisor`` is who gets what has no address of its own, ``supervising`` its unit where the files know it.
    """

    def __init__(
        self,
        campaign: Campaign,
        cards: Cards,
        words: Words,
        calendar: Calendar,
        *,
        supervisor: str,
        supervising: Unit | None,
        links: Links | None = None,
    ) -> None:
        self.campaign = campaign
        self.words = words
        self.calendar = calendar
        self.supervisor = supervisor
        self._supervising = supervising.id if supervising else None
        self._cards = cards
        self._links = links
        self._remarks = Remarks(words, calendar)
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
                group = (name, item.ref)
            else:
                group = (name, item.ref, item.unit)
            found.setdefault(group, []).append(item)
        # What has no date can wait for what has one.
        return sorted(
            ((key[0], items) for key, items in _as_few(found).items()),
            key=lambda group: (_RANK[group[0]], group[1][0].due is None),
        )

    def sections(
        self, mail: Mail, groups: list[Group], day: date, enclosed: Enclosed | None
    ) -> tuple[Section, ...]:
        """The rows of ``groups`` in their sections; ``enclosed`` are the forms that go with the mail, None: not known."""
        beside = DigestDetails.of(mail)
        units = {item.unit for item in mail.items}
        # Where all is for the recipient's own unit, the rows need not say so.
        is_own = len(units) == 1 and (mail.unit is None or mail.unit in units)
        rows: dict[str, list[Row]] = {}
        lights: dict[str, Light] = {}
        for name, items in groups:
            lights[name] = _light(name, items, lights.get(name, LIGHT_OF[name]))
            is_mine = not is_copy(mail, items[0].unit)
            is_linked = self._links is not None and name != "escalation" and is_mine
            also = beside.also(items) if beside.said else {}
            kept = enclosed if is_mine else None
            copied = not is_mine and not mail.details.get("cc")
            row = self._row(
                name, items, day, beside, kept, is_own=is_own, is_linked=is_linked, is_copy=copied
            )
            # The rows of other readers are the same, the links are not.
            rows.setdefault(name, []).append(self._linked(row, items, also, mail, day) if is_linked else row)
        return tuple(self._section(name, tuple(found), lights[name]) for name, found in rows.items())

    def _linked(
        self, row: Row, items: list[Item], also: Iterable[tuple[str, str]], mail: Mail, day: date
    ) -> Row:
        """``row`` with the pages on which the reader of ``mail`` answers it and the periods named beside it."""
        links, item = self._links, items[0]
        answers = self._cards[item.ref.partition("@")[0]].answers
        if links is None or not answers:
            return row
        besides: tuple[Link, ...] = ()
        if also:
            besides = tuple(
                self._page(links, ref, unit, None, mail, day) for ref, unit in sorted(also)[-PAGES:]
            )
        if len(items) == 1:
            link = links.answer(item.ref, item.unit, mail.to, links.lasting(day, item.due, item.ref))
            found = answers[item.due is not None]
            # As ``_replace``, in a third of the time.
            return Row._make((*row[:_UNLINKED], link, found.ways, found.addressed(link), (), besides))
        named = sorted(items, key=lambda item: item.ref)[-PAGES:]
        pages = tuple(self._page(links, each.ref, each.unit, each.due, mail, day) for each in named)
        return row._replace(pages=pages, also=besides)

    def _page(self, links: Links, ref: str, unit: str, due: date | None, mail: Mail, day: date) -> Link:
        address = links.answer(ref, unit, mail.to, links.lasting(day, due, ref))
        return Link(self.calendar.period(ref.partition("@")[2]), address)

    def _section(self, name: str, rows: tuple[Row, ...], light: Light) -> Section:
        words = self.words
        count, items = words(f"sections.{name}.count", n=len(rows)), sum(row.items for row in rows)
        if items > len(rows):
            spread = "sections.with_units" if name == "escalation" else "sections.with_periods"
            count = words(spread, count=count, n=items)
        heading, hint = words(f"sections.{name}.heading"), words(f"sections.{name}.hint")
        return Section(name, heading, hint, count, rows, light.value)

    def _row(
        self,
        name: str,
        items: list[Item],
        day: date,
        beside: DigestDetails,
        enclosed: Enclosed | None,
        *,
        is_own: bool,
        is_linked: bool,
        is_copy: bool,
    ) -> Row:
        item = items[0]
        card = self._cards[item.ref.partition("@")[0]]
        is_upward = name == "escalation"
        names = {} if is_own and not is_upward else self._unit_names(items, short=is_upward)
        done, wanted = _quota(card, item, beside.progress) if card.target and len(names) <= 1 else (0, 0)
        units = self._named(names) if names else None
        has_more = beside.said or beside.last
        remarks = (
            self._remarks.of(items, card, beside, day, names if len(names) > 1 else {}) if has_more else ()
        )
        if enclosed is not None and card.has_form and not is_upward and item.due is not None:
            asked = {(each.ref, each.unit): None for each in items} | beside.also(items)
            where = self._otherwise(is_linked=is_linked)
            remarks = (*remarks, self._remarks.of_forms(asked, enclosed, self._cards.names.occurrence, where))
        if is_copy and not is_upward:
            # Among what is asked of the reader; where all of it is a copy, the mail says so at its beginning.
            remarks = (self.words("people.cc_row"), *remarks)
        about = _About(day, done, wanted, units, remarks, item.unit == self._supervising, is_linked, is_copy)
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

    def _new_row(self, name: str, items: list[Item], card: Card, about: _About) -> Row:
        when = self._date(items)
        return Row(
            label=card.label,
            title=card.title,
            short=card.short,
            status=self._status(name, items),
            deadline=card.deadline,
            date=when,
            when=self.words("row.when", deadline=card.deadline, date=when) if when else card.deadline,
            todo=self._todo(name, card, items, about),
            channel=self._channel(name, card, items, about),
            requirement=card.requirement,
            period=self._period(card, items),
            progress=self._progress(card, about) if about.wanted else None,
            units=about.units,
            note=card.note if name != "escalation" else None,
            remarks=about.remarks,
            items=len(items),
        )

    def _channel(self, name: str, card: Card, items: list[Item], about: _About) -> str | None:
        """How it is sent in, and which of the ways counts."""
        address = self._submit_to(name, card, items, about)
        if address is None and (name == "escalation" or about.is_copy or not about.is_supervisors):
            return None
        how = "form" if card.has_form else card.kind
        if not about.is_linked:
            return None if address is None else self.words(f"send.only{_where(address)}", address=address)
        if address is None:
            return self.words(f"send.{how}_online")
        return self.words(f"send.{how}{_where(address)}", address=address)

    def _submit_to(self, name: str, card: Card, items: list[Item], about: _About) -> str | None:
        """Where to send it; nowhere what is only to be begun, and nobody sends anything to themselves."""
        if name == "escalation" or about.is_copy:
            return None
        if card.submit_to is not None:
            return card.submit_to
        is_asked = items[0].due is not None or name == "review"
        return self.supervisor if is_asked and not about.is_supervisors else None

    def _period(self, card: Card, items: list[Item]) -> str | None:
        periods = sorted({item.ref.partition("@")[2] for item in items})
        if periods == [""]:
            return None
        if len(periods) == 1:
            return self.calendar.about(periods[0], month_before=card.is_about_month_before)
        several = self.calendar.periods(periods)
        return self.words("periods.about_each", periods=several) if card.is_about_month_before else several

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

    def _progress(self, card: Card, about: _About) -> str:
        return self.words(
            "row.progress", of=card.of, count=about.wanted, done=about.done, measure=card.measure
        )

    def _named(self, names: Mapping[str, str]) -> str:
        """The units of a row; of very many the first, and how many there are."""
        named = self.words("sections.comma").join(tuple(names.values())[:NAMED_UNITS])
        return named if len(names) <= NAMED_UNITS else self.words("sections.units", units=named, n=len(names))

    def _otherwise(self, *, is_linked: bool) -> str:
        """Where a form that is not enclosed is to be had."""
        return self.words(
            "row.form_online" if is_linked else "row.form_elsewhere", supervisor=self.supervisor
        )

    def _unit_names(self, items: Iterable[Item], *, short: bool) -> dict[str, str]:
        """The units of ``items``; of many, as people call them for short."""
        name_of = self.campaign.short_unit_name if short else self.campaign.unit_name
        return {item.unit: name_of(item.unit) for item in items}

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

    def _todo(self, name: str, card: Card, items: list[Item], about: _About) -> str:
        words, due, missing = self.words, items[0].due, about.wanted - about.done
        if name == "overdue" and len(items) > 1:
            return words(f"todo.overdue_many_{card.kind}", n=len(items))
        if name in _MERGED or name in ("escalation", "returned", "due_today"):
            return words(f"todo.{name}_{card.kind}")
        if name == "review":
            return words("todo.review")
        if name == "pace" and missing > 0:
            return words("todo.pace", missing=missing, of=card.of, measure=card.measure)
        if due is None:
            return words("todo.opened_undated")
        asked = "opened" if name == "opened" else "lead"
        return words(f"todo.{asked}_{card.kind}", date=self.calendar.short(due, about.day))


def is_copy(mail: Mail, unit: str) -> bool:
    """Whether what concerns ``unit`` in ``mail`` is for its reader's information only."""
    details = mail.details
    if not details:
        return False
    copied = details.get("cc_of")
    return bool(details.get("cc")) or (isinstance(copied, list) and unit in copied)


def _light(name: str, items: list[Item], light: Light) -> Light:
    """``light``, or red where one of ``items`` was sent back and is late."""
    if name != "returned":
        return light
    return Light.RED if any(item.days_left is not None and item.days_left < 0 for item in items) else light


def _where(address: str) -> str:
    """Which phrase names the address: what is no address of a mailbox is the name of an office."""
    return "" if "@" in address else "_office"


def _as_few(groups: dict[tuple[str, ...], list[Item]]) -> dict[tuple[str, ...], list[Item]]:
    """Periods of one definition that the same units leave undone make one row of what goes upward."""
    found: dict[tuple[str, ...], list[Item]] = {}
    for key, items in groups.items():
        if key[0] == "escalation":
            units = sorted({item.unit for item in items})
            key = (key[0], key[1].partition("@")[0], *units)  # noqa: PLW2901
        found.setdefault(key, []).extend(items)
    return found


def _quota(card: Card, item: Item, progress: Mapping[str, object]) -> tuple[int, int]:
    """How many are done, and how many are wanted of this unit; (0, 0) where there is no quota."""
    if card.target is None or item.unit not in card.target.units:
        return 0, 0
    done = progress.get(f"{item.ref} {item.unit}", progress.get(item.ref, 0))
    return (done if isinstance(done, int) else 0), card.target.count
