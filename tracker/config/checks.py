"""What must hold between the items of ``tasks.yaml``, and between them and the other two files.

Like the roster, this looks at what was typed: a task with a bad date has its owners checked all the same,
so that one run shows every error.
"""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from datetime import date

from tracker.config.document import Document, Location, Mapping, Sequential
from tracker.config.forms import check_use
from tracker.config.messages import Guesses, did_you_mean, short
from tracker.config.owners import Owners, resolve
from tracker.config.unit_index import UnitIndex, items, text_of
from tracker.core.deadline.expressions import Reading, parse
from tracker.core.form import Form
from tracker.core.policy import DEFAULT, MONTHLY
from tracker.errors import DeadlineSyntaxError
from tracker.i18n.message import Message

#: Stands in for a date of issue that cannot be read: the deadlines' syntax can be checked all the same.
_SOME_DAY = date(2000, 1, 1)
EXPECTED_OWNER = Message("config.tasks.expected_owner")


class Texts:
    """Owners and deadlines as they are read; a text that 10,000 tasks share is read once."""

    def __init__(self, unit_index: UnitIndex | None, issued: date | None, year: int | None = None) -> None:
        self.unit_index = unit_index
        self.issued = issued
        self.year = year
        self._owners: dict[str, Owners] = {}
        self._readings: dict[str, Reading | DeadlineSyntaxError] = {}

    def owners(self, text: str) -> Owners:
        """Who is meant."""
        found = self._owners.get(text)
        if found is None:
            assert self.unit_index is not None
            found = self._owners[text] = resolve(text, self.unit_index.names)
        return found

    def deadline(self, text: str) -> Reading | DeadlineSyntaxError:
        """What is meant, or why that cannot be told."""
        found = self._readings.get(text)
        if found is None:
            try:
                found = parse(text, self.issued or _SOME_DAY, self.year)
            except DeadlineSyntaxError as error:
                found = error
            self._readings[text] = found
        return found


def policy_names(settings: Document) -> frozenset[str] | None:
    """The policies that an item may name; None where the settings cannot be read."""
    if not settings.complete:
        return None
    named = settings.value(("policies",))
    return frozenset({DEFAULT, MONTHLY, *(named if isinstance(named, Mapping) else ())})


def check_tasks(
    document: Document,
    texts: Texts,
    policies: frozenset[str] | None,
    forms: AnyMapping[str, Form | None],
    guesses: Guesses,
) -> None:
    """Put every finding into the document."""
    if document.complete:
        _Checks(document, texts, policies, forms, guesses).run()


class _Checks:
    def __init__(
        self,
        document: Document,
        texts: Texts,
        policies: frozenset[str] | None,
        forms: AnyMapping[str, Form | None],
        guesses: Guesses,
    ) -> None:
        self.document = document
        self.texts = texts
        self.policies = policies
        self.forms = forms
        self.guesses = guesses

    def run(self) -> None:
        tasks = list(items(self.document, "tasks"))
        reports = list(items(self.document, "reports"))
        self._check_count()
        self._check_supervisor()
        self._check_ids([*tasks, *reports])
        for location, item in tasks:
            self._check_item(location, item, text_of(item, "owners"))
            if "deliverables" in item:
                deliverables = list(items(self.document, *location, "deliverables"))
                self._check_ids(deliverables)
                for place, each in deliverables:
                    self._check_item(place, each, text_of(each, "owners") or text_of(item, "owners"))
        for location, item in reports:
            self._check_item(location, item, text_of(item, "owners"))

    def _error(self, location: Location, message: Message) -> None:
        self.document.error(self.document.place(location), location, message)

    def _check_count(self) -> None:
        location = ("campaign", "task_count")
        count = self.document.value(location)
        tasks = self.document.value(("tasks",))
        if isinstance(count, str):
            there = len(tasks) if isinstance(tasks, Sequential) else 0
            if (
                isinstance(tasks, Sequential | None)
                and count.isascii()
                and count.isdigit()
                and int(count[:9]) != there
            ):
                self._error(location, Message("config.tasks.count", count=count, there=there))
        elif isinstance(self.document.value(("campaign",)), Mapping):
            self.document.warn(
                self.document.place(("campaign",)),
                location,
                Message("config.tasks.no_count"),
            )

    def _check_supervisor(self) -> None:
        location = ("campaign", "supervisor")
        name = self.document.value(location)
        unit_index = self.texts.unit_index
        if not isinstance(name, str) or not name.strip() or unit_index is None or unit_index.unit(name):
            return
        near = did_you_mean(self.guesses.near(name, unit_index.unit_words()))
        self._error(location, Message("config.tasks.no_supervisor", name=short(name), near=near))

    def _check_ids(self, found: list[tuple[tuple[str | int, ...], Mapping]]) -> None:
        first: dict[str, Location] = {}
        for location, item in found:
            name = text_of(item, "id")
            if name is None:
                continue
            if name not in first:
                first[name] = (*location, "id")
                continue
            line, _ = self.document.place(first[name])
            self._error((*location, "id"), Message("config.id_taken", id=short(name), line=line))

    def _check_item(self, location: Location, item: Mapping, owners: str | None) -> None:
        self._check_deadline(location, item)
        if self.texts.unit_index is not None:
            self._check_owners((*location, "owners"), text_of(item, "owners"))
            if "target" in item:
                self._check_target((*location, "target"), item["target"], owners)
        if "policy" in item:
            self._check_policy((*location, "policy"), text_of(item, "policy"))
        form = text_of(item, "form")
        # A form with errors has had its say in its own file.
        if form is not None and (form not in self.forms or self.forms[form] is not None):
            check_use(self.document, location, (form, text_of(item, "round")), self.forms.get(form))

    def _check_deadline(self, location: Location, item: Mapping) -> None:
        text = text_of(item, "deadline")
        if text is None:
            return
        place = (*location, "deadline")
        reading = self.texts.deadline(text)
        if isinstance(reading, DeadlineSyntaxError):
            self._refuse_deadline(place, text, reading)
            return
        settled = item.get("due") is not None
        if settled and reading.rule.every is not None:
            self._error((*location, "due"), Message("config.tasks.due_of_recurring", text=short(text)))
        # A person who has given the date has answered what the text left open.
        if reading.warnings and not settled and self.texts.issued is not None:
            for warning in reading.warnings:
                self.document.warn(self.document.place(place), place, warning)

    def _refuse_deadline(self, place: Location, text: str, error: DeadlineSyntaxError) -> None:
        self.document.error(
            self._within(place, error.column - 1),
            place,
            Message("config.tasks.no_deadline", text=short(text), found=error.found, expected=error.expected),
        )

    def _check_owners(self, place: Location, text: str | None) -> Owners | None:
        if text is None:
            return None
        owners = self.texts.owners(text)
        if not all(part.units for part in owners.parts):
            for part in owners.parts:
                if part.units is None:
                    self._refuse_name(place, part.start, text[part.start : part.end])
                elif not part.units:
                    self._refuse_nobody(place, part.start, text[part.start : part.end])
        elif not owners.parts:
            self._error(place, Message("config.tasks.names_nobody", text=short(text)))
        return owners

    def _refuse_name(self, place: Location, start: int, name: str) -> None:
        assert self.texts.unit_index is not None
        near = did_you_mean(self.guesses.near(name, self.texts.unit_index.names.written))
        message = Message("config.tasks.no_owner", name=short(name), near=near or EXPECTED_OWNER)
        self.document.error(self._within(place, start), place, message)

    def _refuse_nobody(self, place: Location, start: int, name: str) -> None:
        message = Message("config.tasks.empty_group", name=short(name))
        self.document.error(self._within(place, start), place, message)

    def _within(self, place: Location, start: int) -> tuple[int, int]:
        """Where the character at ``start`` of a text stands that was read without the white space around it."""
        typed = self.document.value(place)
        before = len(typed) - len(typed.lstrip()) if isinstance(typed, str) else 0
        return self.document.place_within(place, before + start + 1)

    def _check_target(self, place: Location, target: object, owners: str | None) -> None:
        if not isinstance(target, Mapping):
            return
        named = self._check_owners((*place, "owners"), text_of(target, "owners"))
        if named is None or owners is None:
            return
        asked = frozenset(self.texts.owners(owners).units)
        beside = [unit for unit in named.units if unit not in asked]
        if beside:
            location = (*place, "owners")
            shown = ", ".join(beside[:3]) + (" …" if len(beside) > 3 else "")
            message = Message("config.tasks.beside_owners", units=shown)
            self.document.warn(self.document.place(location), location, message)

    def _check_policy(self, place: Location, name: str | None) -> None:
        if name is None or self.policies is None or name in self.policies:
            return
        known = tuple(sorted(self.policies))
        near = did_you_mean(self.guesses.near(name, known, 1))
        self._error(place, Message("config.tasks.no_policy", name=short(name), known=known, near=near))
