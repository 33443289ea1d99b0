"""Every exception of the product.

A ``TrackerError`` is meant for a person: one sentence that names the place and what was expected, by its code in the
catalogues (``i18n/*/errors.yaml``).  Anything else that escapes is a bug.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, Self

from tracker.i18n.message import Message


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


class InBothError(TrackerError):
    """An error that brings both of its sentences with it."""

    def __init__(self, chinese: str, english: str) -> None:
        super().__init__("in_both")
        self.chinese = chinese
        self.english = english

    def __str__(self) -> str:
        return f"{self.english}（{self.chinese}）"


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


class InBoth(str):
    """``english（中文）``, of which each reader can be shown their own."""

    __slots__ = ("__dict__",)
    english: str
    chinese: str

    def __new__(cls, english: str, chinese: str) -> Self:
        """Both of them as one text."""
        both = super().__new__(cls, f"{english}（{chinese}）")
        both.english, both.chinese = english, chinese
        return both

    def with_facts(self, **facts: str) -> InBoth:
        """Both with ``facts`` in their places."""
        return InBoth(self.english.format(**facts), self.chinese.format(**facts))


def in_language(text: object, language: str) -> str:
    """The reader's part of a text, of an error or of a finding; of what has no parts all."""
    if isinstance(text, InBoth | InBothError):
        return text.chinese if language == "zh" else text.english
    if isinstance(text, Problem):
        return f"{text.file}:{text.line}:{text.column}: {in_language(text.message, language)}"
    return str(text)


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
    message: str
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"

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


class DeadlineSyntaxError(InBothError):
    """A deadline text that cannot be read.

    ``column`` counts characters of the text as given, from 1.  ``expected`` says what could stand there,
    in both languages.
    """

    def __init__(self, text: str, column: int, found: str, expected_zh: str, expected_en: str) -> None:
        super().__init__(
            f"无法读取时限“{text}”：第{column}列应为{expected_zh}",
            f"cannot read the deadline “{text}” at column {column}: found {found}, expected {expected_en}",
        )
        self.text = text
        self.column = column
        self.found = found
        self.expected_zh = expected_zh
        self.expected_en = expected_en


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


class HeldBackError(InBothError):
    """An edit of the files that a person has to confirm.

    ``word`` is what they say (``run --accept-WORD``), ``title`` what it is about, Chinese and English, and ``state``
    the same for machines that watch.  The operator is told ``from_`` some time on, at once where that is None.
    """

    word = ""
    title = ("修改须经确认，暂未生效", "an edit waits for a word")
    state = "an edit of the files waits for a word"
    from_: datetime | None = None


class RemovalsHeldBackError(HeldBackError):
    """An edit takes away so much that a person has to confirm it.

    ``gone`` are keys of definitions with a history, ``removed`` of ``assignments`` would vanish.
    """

    word = "removals"
    title = (
        "修改会删去已有台账，等待确认",
        "an edit would take away part of the ledger, and waits for a word",
    )

    def __init__(
        self, gone: tuple[str, ...], removed: int, assignments: int, through: date | None = None
    ) -> None:
        over_zh, over_en = _over("accept_removals", through)
        what_en = f"{removed} of {assignments} assignments"
        what_zh = f"{assignments}个台账项中的{removed}个"
        if gone:
            what_en += f", among them {', '.join(gone)} with a history"
            what_zh += f"，其中{'、'.join(gone)}已有办理记录"
        super().__init__(
            f"本次修改将删去{what_zh}，为防误删暂未生效；确认无误请运行 tracker run --accept-removals，"
            f"或在tasks.yaml的campaign下写明 accept_removals: 日期{over_zh}",
            f"the edited files would take away {what_en}; nothing of this edit is in force until it is confirmed by "
            f"tracker run --accept-removals, or by accept_removals: DATE under campaign in tasks.yaml{over_en}",
        )
        self.gone = gone
        self.removed = removed
        self.assignments = assignments


class LostLedgerError(DatabaseError):
    """The ledger is not the one that was here: it is lost, not mounted, or at another place."""


class OvertakenError(InBothError):
    """The ledger follows a later edit than the files that somebody would act by; nothing is done by those."""

    def __init__(self) -> None:
        super().__init__(
            "别处对配置文件作了更晚的修改并已生效，本机读不到，此项未办理；请更新本机文件，或到修改之处办理",
            "a later edit of the files than these is in force, made elsewhere, and cannot be read here; "
            "renew these files, or do it where that edit was made",
        )


class AnotherDocumentError(HeldBackError):
    """The files name another document or date of issue under the id of a campaign that the ledger has.

    ``before`` and ``now`` are the two, each as the document and its date.
    """

    word = "correction"
    title = (
        "文号或印发日期有变，等待确认",
        "the files name another document or date of issue, and wait for a word",
    )

    def __init__(self, campaign: str, before: str, now: str, through: date | None = None) -> None:
        over_zh, over_en = _over("accept_correction", through)
        super().__init__(
            f"台账中的专项工作{campaign}为{before}，修改后的文件为{now}，暂未生效，请予确认。如属更正，办理记录全部保留，"
            f"请运行 tracker run --accept-correction，或在tasks.yaml的campaign下写明 accept_correction: 日期{over_zh}；"
            f"如是另一专项工作，重新向各单位布置，请在campaign下另写编号，如 id: {campaign}-2",
            f"the ledger has campaign {campaign} as {before}, the edited files say {now}; nothing of this edit is in "
            f"force until a person says which it is. A correction, all answers stay: tracker run --accept-correction, "
            f"or accept_correction: DATE under campaign in tasks.yaml{over_en}. Another campaign, everybody is asked anew: "
            f"id: {campaign}-2 (or another new word) under campaign in tasks.yaml",
        )
        self.campaign = campaign


class OlderFilesError(HeldBackError):
    """Files that were in force before a later edit, at a ``place`` where that edit was never seen."""

    word = "older"
    title = ("配置文件早于已生效的版本，等待确认", "files are older than those in force, and wait for a word")
    state = "the files here are older than those in force, and wait for a word"

    def __init__(self, place: str, from_: datetime | None = None) -> None:
        super().__init__(
            f"{place}中的配置文件早于已生效的版本，暂未生效，仍按最近生效的内容办理。如要退回这一版，请运行 "
            f"tracker run --accept-older，或改动其中任一文件（加一行注释即可）；如只是尚未更新，请更新这些文件",
            f"the files in {place} were in force before a later edit, made elsewhere, which is in force still. To go back "
            f"to them: tracker run --accept-older, or a change in any of them (a comment will do); if they are only "
            f"behind, renew them",
        )
        self.from_ = from_


def _over(word: str, through: date | None) -> tuple[str, str]:
    """What is added, in Chinese and English, where the files have ``word`` and its day is over."""
    if through is None:
        return "", ""
    return f"（现写的 {word}: {through} 已过期）", f" ({word}: {through} is over)"
