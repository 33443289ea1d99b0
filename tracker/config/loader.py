"""The folder of files into what is in force, with every error and its place.

One run finds everything: a file that is no YAML stops itself only, and what can be said about the other
files is said.
"""

from __future__ import annotations

import errno
import gc
import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path

from pydantic_core import PydanticCustomError

from tracker.config.build import build_campaign, build_settings
from tracker.config.checks import Texts, check_tasks, policy_names
from tracker.config.contacts import check_contacts, warn_of_circles
from tracker.config.document import Document, Sequential
from tracker.config.document import Mapping as Mapped
from tracker.config.field_types import day
from tracker.config.forms import read_form
from tracker.config.holidays import read_year
from tracker.config.messages import Guesses
from tracker.config.places import misplaced
from tracker.config.schema import SettingsFile, TasksFile, UnitsFile
from tracker.config.schema_errors import fit
from tracker.config.unit_index import read_unit_index
from tracker.config.yamlnodes import read_document
from tracker.config.yamltext import LARGEST
from tracker.core.form import Form
from tracker.core.model import MAIN, Campaign
from tracker.core.policy import Settings
from tracker.core.workdays import HolidayYear
from tracker.errors import ConfigError, Problem
from tracker.i18n.message import Message
from tracker.shipped import shipped

TASKS, UNITS, SETTINGS = "tasks.yaml", "units.yaml", "settings.yaml"
FORMS = "forms"
#: No mistake of the file that cannot be read: no descriptor or memory is left, or the disk is away for a moment.
PASSING = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO, errno.ESTALE})
_FORM_FILE = re.compile(r"([a-z0-9][a-z0-9-]{0,63})\.ya?ml")
_YEAR_FILE = re.compile(r"([0-9]{4})\.ya?ml")


@dataclass(frozen=True)
class Loaded:
    """What was read.  ``campaign`` is None, and ``settings`` may be as shipped, where there are errors.

    ``fingerprint`` is made of the bytes of all ``files``; it changes whenever one of them does.  ``texts`` are
    their contents by name, so that what is in force can be kept and read again.  ``campaign_id`` is known where
    there are errors, too, unless nobody can tell.
    """

    campaign: Campaign | None
    settings: Settings
    problems: tuple[Problem, ...]
    fingerprint: str
    holidays: dict[int, HolidayYear] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    campaign_id: str | None = None

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that keep it from being put in force."""
        return tuple(problem for problem in self.problems if problem.severity == "error")


def load(directory: Path, texts: Mapping[str, str] | None = None) -> Loaded:
    """Read the files in ``directory``, or such as were kept (``texts``) as if they stood there.

    Never raises for what stands in them; see ``problems``.  Raises OSError where the machine cannot read any file now.
    """
    with _without_collector():
        return _Folder(directory, texts).load()


def load_or_raise(directory: Path) -> Loaded:
    """The same.  Raises ConfigError with every error."""
    loaded = load(directory)
    if loaded.errors:
        raise ConfigError(loaded.errors)
    return loaded


class _NoOrdinaryFileError(Exception):
    """A pipe or a device stands where a file should."""


@contextmanager
def _without_collector() -> Iterator[None]:
    """Two thirds of the time of a large file would go into looking for cycles among values that have none."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Folder:
    def __init__(self, directory: Path, kept: Mapping[str, str] | None) -> None:
        self.directory = directory
        self.kept = kept
        self.texts: dict[str, str] = {}
        self.guesses = Guesses()
        self.digest = hashlib.sha256()
        self.files: list[Path] = []
        self.documents: list[Document] = []

    def load(self) -> Loaded:
        if self.kept is None and not self.directory.is_dir():
            problem = Problem(str(self.directory), 0, 0, "", Message("config.missing_folder"))
            return Loaded(None, Settings(), (problem,), self.digest.hexdigest())
        tasks, units = self._read(TASKS), self._read(UNITS)
        settings, settings_file = self._read_settings()
        holidays = self._read_holidays(settings.holidays)
        campaign = self._put_together(tasks, units, settings_file, self._read_forms())
        problems = tuple(self._problems())
        if any(problem.severity == "error" for problem in problems):
            campaign = None
        return Loaded(
            campaign,
            settings,
            problems,
            self.digest.hexdigest(),
            holidays,
            tuple(self.files),
            self.texts,
            _campaign_id(tasks),
        )

    def _put_together(
        self, tasks: Document, units: Document, settings: Document, forms: dict[str, Form | None]
    ) -> Campaign | None:
        units_shape = fit(units, UnitsFile, self.guesses)
        # Where there is no list of units at all, every owner would be unknown: that has been said already.
        listed = units.complete and isinstance(units.value(("units",)), Sequential)
        unit_index = read_unit_index(units, self.guesses) if listed else None
        check_contacts(units)
        tasks_shape = fit(tasks, TasksFile, self.guesses)
        head = None if tasks_shape is None else tasks_shape.campaign
        texts = Texts(
            unit_index, _issued(tasks) if head is None else head.issued, None if head is None else head.year
        )
        check_tasks(tasks, texts, policy_names(settings), forms, self.guesses)
        if (
            tasks_shape is None
            or units_shape is None
            or unit_index is None
            or _has_error(tasks)
            or _has_error(units)
        ):
            return None
        campaign = build_campaign(tasks_shape, units_shape, unit_index, texts, forms)
        warn_of_circles(units, campaign)
        return campaign

    def _read_settings(self) -> tuple[Settings, Document]:
        path = self.directory / SETTINGS
        if not self._is_there(SETTINGS):
            document = Document(str(path))
            document.warn((0, 0), (), Message("config.no_settings"))
            self.documents.append(document)
            return Settings(), document
        document = self._read(SETTINGS)
        shape = fit(document, SettingsFile, self.guesses)
        settings = Settings() if shape is None else build_settings(shape)
        if self.kept is None:
            for location, message in misplaced(settings, self.directory):
                document.error(document.place(location), location, message)
        return settings, document

    def _read_holidays(self, place: str) -> dict[int, HolidayYear]:
        years = {}
        for name in self._names(place):
            named = _YEAR_FILE.fullmatch(name)
            if named is None:
                self._pass_over(f"{place}/{name}", "2027.yaml")
            else:
                year = read_year(self._read(f"{place}/{name}"), int(named[1]), self.guesses)
                if year is not None:
                    years[year.year] = year
        return years

    def _read_forms(self) -> dict[str, Form | None]:
        """The forms by id, None for one with errors; where there are none, those that come with the product."""
        names = []
        for name in self._names(FORMS):
            if _FORM_FILE.fullmatch(name):
                names.append(name)
            else:
                self._pass_over(f"{FORMS}/{name}", "exam-institutions.yaml")
        if not names:
            return dict(_shipped_forms())
        forms: dict[str, Form | None] = {}
        for name in names:
            form = name.partition(".")[0]
            forms[form] = read_form(self._read(f"{FORMS}/{name}"), form, self.guesses)
        return forms

    def _pass_over(self, name: str, example: str) -> None:
        """Say that a file is not read because of what it is called."""
        document = Document(str(self.directory / name))
        document.warn((0, 0), (), Message("config.passed_over", example=example))
        self.documents.append(document)

    def _names(self, place: str) -> list[str]:
        """The files in a folder beside ours; what a file manager or an editor keeps there for itself is none."""
        if self.kept is None:
            found = (self.directory / place).glob("[!.]*")
            return sorted(path.name for path in found if path.suffix.lower() in {".yaml", ".yml"})
        return sorted(name.removeprefix(f"{place}/") for name in self.kept if name.startswith(f"{place}/"))

    def _is_there(self, name: str) -> bool:
        return (self.directory / name).exists() if self.kept is None else name in self.kept

    def _bytes(self, name: str) -> bytes:
        if self.kept is not None:
            if name not in self.kept:
                raise FileNotFoundError(name)
            return self.kept[name].encode()
        # Without waiting: what is no ordinary file, such as a pipe, may have nobody at its other end.
        with open(self.directory / name, "rb", opener=_without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise _NoOrdinaryFileError
            # One byte more than is allowed tells a file that is too large; the rest need not be read.
            return file.read(LARGEST + 1)

    def _read(self, name: str) -> Document:
        path = self.directory / name
        document = Document(str(path), complete=False)
        try:
            data = self._bytes(name)
        except FileNotFoundError:
            document.error((0, 0), (), Message("config.missing_file"))
        except _NoOrdinaryFileError:
            why = Message("config.no_ordinary_file")
            document.error((0, 0), (), Message("config.unreadable", error=why))
        except OSError as error:
            if error.errno in PASSING:
                raise
            document.error((0, 0), (), Message("config.unreadable", error=error))
        else:
            document = read_document(str(path), data)
            self.files.append(path)
            self.digest.update(f"{name} {len(data)}\n".encode())
            self.digest.update(data)
            # What is no UTF-8 is an error of the file, which is then not put in force and not kept.
            self.texts[name] = data.decode(errors="replace")
        self.documents.append(document)
        return document

    def _problems(self) -> Iterator[Problem]:
        seen = set()
        for document in self.documents:
            for problem in sorted(document.problems, key=lambda each: (each.line, each.column)):
                what = (problem.file, problem.line, problem.column, problem.message)
                if what not in seen:
                    seen.add(what)
                    yield problem


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


@cache
def _shipped_forms() -> dict[str, Form]:
    forms = {}
    for path in sorted((shipped("config") / FORMS).glob("*.yaml")):
        form = read_form(read_document(str(path), path.read_bytes()), path.stem, Guesses())
        if form is not None:
            forms[form.id] = form
    return forms


def _issued(tasks: Document) -> date | None:
    """The date of issue where something else is wrong with the file; None if it is that very date."""
    try:
        return day(tasks.value(("campaign", "issued")))
    except PydanticCustomError:
        return None


def _campaign_id(tasks: Document) -> str | None:
    """Whose the file is, with whatever else is wrong with it; None where there is no campaign to be read."""
    head = tasks.value(("campaign",))
    if not isinstance(head, Mapped):
        return None
    written = head.get("id", MAIN)
    return written if isinstance(written, str) else None


def _has_error(document: Document) -> bool:
    return any(problem.severity == "error" for problem in document.problems)
