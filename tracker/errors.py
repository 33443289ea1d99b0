"""Every exception of the product.

A ``TrackerError`` is meant for a person: one sentence that names the place and what was expected, by its code in the
catalogues (``i18n/*/errors.yaml``).  Anything else that escapes is a bug.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from tracker.i18n.catalogue import Language
from tracker.i18n.message import Message, OneOf, both, say


class TrackerError(Exception):
    """The root; a command leaves with ``exit_code``.

    ``code`` names the sentence, with {places} for ``facts``.  ``campaign`` is whose names the sentence has, once that is
    known; ``typed`` is what is shown again beside it.
    """

    exit_code = 1
    campaign: Any = None
    typed: str | None = None

    def __init__(self, code: str, /, **facts: object) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts

    @property
    def message(self) -> Message:
        """The sentence, in no language yet."""
        return Message(f"errors.{self.code}", **self.facts)

    def __str__(self) -> str:
        return str(self.message)


class UsageError(TrackerError):
    """The command was called wrongly (exit code 2)."""

    exit_code = 2


def not_among(option: str, text: str, known: Iterable[str]) -> UsageError:
    """What is said of a choice that there is not."""
    return UsageError("not_among", option=option, text=text, known=tuple(known))


def year_out_of_range(option: str, text: object, first: int, last: int) -> UsageError:
    """What is said of a year that nobody can mean."""
    return UsageError("expected_year", option=option, text=text, first=first, last=last)


def cannot_write(path: object, error: OSError) -> TrackerError:
    """What is said of a file for which there is no room or no leave."""
    return TrackerError("cannot_write", path=path, error=error)


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding in the configuration files, with its place.

    ``line`` and ``column`` count from 1; both are 0 where a file as a whole is meant.  ``path`` is the
    place in the structure, such as ``tasks[4].deadline``, or ``""``.
    """

    file: str
    line: int
    column: int
    path: str
    message: Message
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        return self._at(both(self.message))

    def said(self, language: Language) -> str:
        """The same in one language."""
        return self._at(say(self.message, language, on_command_line=True))

    def _at(self, sentence: str) -> str:
        return f"{self.file}:{self.line}:{self.column}: {sentence}"

    @property
    def place(self) -> str:
        """Where it stands, for those who know which folder is meant: ``tasks.yaml:12:5``."""
        name = self.file.replace("\\", "/").rpartition("/")[2]
        return f"{name}:{self.line}:{self.column}" if self.line else name


class ConfigError(TrackerError):
    """The files do not hold together; ``problems`` has every error, not only the first."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("config")
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))


class DeadlineSyntaxError(TrackerError):
    """A deadline text that cannot be read.

    ``column`` counts characters of the text as given, from 1; ``expected`` is what could stand there.
    """

    def __init__(
        self, code: str, /, *, column: int, found: Message, expected: Message | OneOf, **facts: object
    ) -> None:
        super().__init__(code, column=column, found=found, expected=expected, **facts)
        self.column = column
        self.found = found
        self.expected = expected


class UnknownNameError(TrackerError):
    """A unit, task, report or reference that the definitions do not know."""


class LedgerError(TrackerError):
    """An event that the ledger cannot take in the state in which the assignment is."""


class FileRefusedError(TrackerError):
    """A file that is not read: what it is, and what to send instead, as one of the findings (``forms.read.refusals``)."""

    def __init__(self, message: Message) -> None:
        super().__init__(message.key, **message.facts)

    @property
    def message(self) -> Message:
        """The sentence, in no language yet."""
        return Message(self.code, **self.facts)


class MailError(TrackerError):
    """A mail that cannot be composed or a transport that cannot be used as configured."""


class DatabaseError(TrackerError):
    """The database cannot be opened, or is of another version of the service."""


class AddressTakenError(TrackerError):
    """The address of the pages cannot be had now: somebody else serves there, or this machine does not have it yet."""


class HeldBackError(TrackerError):
    """An edit of the files that a person has to confirm.

    ``word`` is what they say (``run --accept-WORD``), ``title`` what it is about, and ``state`` the same for machines
    that watch.  The operator is told ``from_`` some time on, at once where that is None.
    """

    word = ""
    title = Message("service.held.edit")
    state = Message("service.held.state")
    from_: datetime | None = None


class RemovalsHeldBackError(HeldBackError):
    """An edit takes away so much that a person has to confirm it.

    ``gone`` are keys of definitions with a history, ``removed`` of ``assignments`` would vanish.
    """

    word = "removals"
    title = Message("service.held.removals")

    def __init__(
        self, gone: tuple[str, ...], removed: int, assignments: int, through: date | None = None
    ) -> None:
        beside = Message("errors.with_history", keys=gone) if gone else ""
        over = _over("accept_removals", through)
        super().__init__("removals_held", removed=removed, of=assignments, beside=beside, over=over)
        self.gone = gone


class LostLedgerError(DatabaseError):
    """The ledger is not the one that was here: it is lost, not mounted, or at another place."""


class OvertakenError(TrackerError):
    """The ledger follows a later edit than the files that somebody would act by; nothing is done by those."""


class AnotherDocumentError(HeldBackError):
    """The files name another document or date of issue under the id of a campaign that the ledger has.

    ``before`` and ``now`` are the two, each as the document and its date.
    """

    word = "correction"
    title = Message("service.held.correction")

    def __init__(self, campaign: str, before: str, now: str, through: date | None = None) -> None:
        over = _over("accept_correction", through)
        super().__init__("another_document", id=campaign, before=before, now=now, over=over)


class OlderFilesError(HeldBackError):
    """Files that were in force before a later edit, at a ``place`` where that edit was never seen."""

    word = "older"
    title = Message("service.held.older")
    state = Message("service.held.older_state")

    def __init__(self, place: str, from_: datetime | None = None) -> None:
        super().__init__("older_files", place=place)
        self.from_ = from_


def _over(word: str, through: date | None) -> Message | str:
    """What is added where the files have ``word`` and its day is over."""
    return "" if through is None else Message("errors.word_is_over", word=word, through=through)
