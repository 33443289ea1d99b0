"""Who is in ``units.yaml``: ids, names and aliases, groups and whom each unit reports to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tracker.config.document import Document, Location, Mapping, Sequential
from tracker.config.messages import Guesses, did_you_mean, short
from tracker.config.owners import UnitNames, fold
from tracker.i18n.message import Message


@dataclass(slots=True)
class UnitIndex:
    """Units and groups by every word that may stand for them.

    It is made from what was typed and not from what fits the schema, so that one unit without an address
    does not make every owner unknown.
    """

    #: By folded id, name or alias: the id of the unit.
    units: dict[str, str] = field(default_factory=dict)
    #: By folded id, name or alias: the units of the group, in the order of the file.
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    names: UnitNames = field(default_factory=UnitNames)

    def unit(self, name: str) -> str | None:
        """The id of the unit that is called ``name``."""
        return self.units.get(fold(name.strip()))

    def unit_words(self) -> list[str]:
        """Every word for a unit, as it was first written."""
        return [word for word in self.names.written if fold(word) in self.units]


def items(document: Document, *location: str | int) -> Iterator[tuple[tuple[str | int, ...], Mapping]]:
    """Location and mapping of every item of a list that is one."""
    found = document.value(location)
    if isinstance(found, Sequential):
        for number, item in enumerate(found):
            if isinstance(item, Mapping):
                yield (*location, number), item


def text_of(item: Mapping, key: str) -> str | None:
    """The text behind ``key``, without the white space around it; None where there is none."""
    value = item.get(key)
    return (value.strip() or None) if isinstance(value, str) else None


def called(item: Mapping) -> str:
    """What a unit or group is called in a finding."""
    return short(text_of(item, "name") or text_of(item, "id") or "")


def texts_of(item: Mapping, key: str) -> Iterator[tuple[int, str]]:
    """Number and text of every item of the list behind ``key``."""
    value = item.get(key)
    if isinstance(value, Sequential):
        for number, each in enumerate(value):
            if isinstance(each, str) and each.strip():
                yield number, each.strip()


def read_unit_index(document: Document, guesses: Guesses) -> UnitIndex:
    """The roster, with findings on it in the document: what stands twice, what is unknown, what goes in circles."""
    unit_index = UnitIndex()
    _Reader(document, unit_index, guesses).read()
    return unit_index


class _Reader:
    """Reads units, then groups, then what points from one to another."""

    def __init__(self, document: Document, unit_index: UnitIndex, guesses: Guesses) -> None:
        self.document = document
        self.unit_index = unit_index
        self.guesses = guesses
        self.known: list[str] = []
        # By folded word: where it stands first, and whose it is.
        self.first: dict[str, tuple[Location, Location]] = {}
        self.written: dict[str, str] = {}

    def read(self) -> None:
        units = list(items(self.document, "units"))
        groups = list(items(self.document, "groups"))
        for location, item in (*units, *groups):
            self._take_id(location, item)
        for location, item in (*units, *groups):
            self._take_names(location, item)
        # What is called first keeps the word; a second one has been found fault with.
        for location, item in units:
            for word in self._words(location, item):
                self.unit_index.units[word] = text_of(item, "id") or ""
        self.known = [self.written[word] for word in self.unit_index.units]
        for location, item in groups:
            members = tuple(dict.fromkeys(self._members(location, item)))
            for word in self._words(location, item):
                self.unit_index.groups[word] = members
        meanings = {word: (unit,) for word, unit in self.unit_index.units.items()} | self.unit_index.groups
        self.unit_index.names = UnitNames((self.written[word], ids) for word, ids in meanings.items())
        self._look_upwards(units)
        self._look_for_silence(units, groups)

    def _take_id(self, location: Location, item: Mapping) -> None:
        word = text_of(item, "id")
        if word is None:
            return
        if fold(word) in self.first:
            line, _ = self.document.place(self.first[fold(word)][0])
            place = self.document.place((*location, "id"))
            message = Message("config.id_taken", id=short(word), line=line)
            self.document.error(place, (*location, "id"), message)
            return
        self.first[fold(word)] = ((*location, "id"), location)
        self.written[fold(word)] = word

    def _take_names(self, location: Location, item: Mapping) -> None:
        for place, word in _named(location, item):
            before = self.first.setdefault(fold(word), (place, location))
            self.written.setdefault(fold(word), word)
            if before[1] == location:
                continue
            line, _ = self.document.place(before[0])
            message = Message("config.units.name_taken", name=short(word), line=line)
            self.document.error(self.document.place(place), place, message)

    def _words(self, location: Location, item: Mapping) -> Iterator[str]:
        words = [text_of(item, "id"), *(word for _, word in _named(location, item))]
        for word in words:
            if word is not None and self.first[fold(word)][1] == location:
                yield fold(word)

    def _members(self, location: Location, item: Mapping) -> Iterator[str]:
        for number, name in texts_of(item, "members"):
            unit = self.unit_index.unit(name)
            # An unknown member stays in as it is: that the group is then empty is not what is wrong with it.
            yield unit or name
            if unit is not None:
                continue
            place = (*location, "members", number)
            is_group = fold(name) in self.first
            message = (
                Message("config.units.group_as_member", name=short(name))
                if is_group
                else self._unknown_unit(name)
            )
            self.document.error(self.document.place(place), place, message)

    def _unknown_unit(self, name: str) -> Message:
        near = did_you_mean(self.guesses.near(name, self.known))
        return Message("config.units.unknown", name=short(name), near=near)

    def _look_upwards(self, units: list[tuple[tuple[str | int, ...], Mapping]]) -> None:
        above: dict[str, str] = {}
        place_of: dict[str, Location] = {}
        for location, item in units:
            unit, name = text_of(item, "id"), text_of(item, "reports_to")
            if unit is None or name is None:
                continue
            place = (*location, "reports_to")
            upper = self.unit_index.unit(name)
            if upper is None:
                self.document.error(self.document.place(place), place, self._unknown_unit(name))
            else:
                above.setdefault(unit, upper)
                place_of.setdefault(unit, place)
        for circle in _circles(above):
            where = place_of[circle[0]]
            message = Message("config.units.circle", units=" → ".join([*circle, circle[0]]))
            self.document.error(self.document.place(where), where, message)

    def _look_for_silence(
        self,
        units: list[tuple[tuple[str | int, ...], Mapping]],
        groups: list[tuple[tuple[str | int, ...], Mapping]],
    ) -> None:
        for location, item in units:
            if not item.get("contacts"):
                message = Message("config.units.no_contact", name=called(item))
                self.document.warn(self.document.place(location), location, message)
        for location, item in groups:
            if not item.get("members"):
                message = Message("config.units.no_members", name=called(item))
                self.document.warn(self.document.place(location), location, message)


def _named(location: Location, item: Mapping) -> Iterator[tuple[Location, str]]:
    name = text_of(item, "name")
    if name is not None:
        yield (*location, "name"), name
    for number, alias in texts_of(item, "aliases"):
        yield (*location, "aliases", number), alias


def _circles(above: dict[str, str]) -> Iterator[list[str]]:
    """Every circle once, from the unit that stands first."""
    done: set[str] = set()
    order = {unit: number for number, unit in enumerate(above)}
    for start in above:
        trail: dict[str, None] = {}
        unit: str | None = start
        while unit is not None and unit not in done and unit not in trail:
            trail[unit] = None
            unit = above.get(unit)
        if unit is not None and unit in trail:
            path = list(trail)
            circle = path[path.index(unit) :]
            turn = circle.index(min(circle, key=order.__getitem__))
            yield circle[turn:] + circle[:turn]
        done.update(trail)
