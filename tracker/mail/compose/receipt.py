"""What a unit is told of the tables that it sent: what was taken, what is to be put right, what is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tracker.core.model import Mail
from tracker.i18n.catalogue import Words
from tracker.mail.compose.cards import Cards
from tracker.mail.compose.digest import is_copy
from tracker.mail.compose.view import NotedFinding, ReceivedFile
from tracker.mail.compose.wording import Calendar, clip

#: So many findings of one file are listed; the copy that is enclosed has them all.
MOST_NOTED = 40

#: So many tables of one mail have a link.
MOST_LINKED = 12


class ReceiptComposer:
    """Words receipts in one language."""

    def __init__(self, cards: Cards, words: Words, calendar: Calendar) -> None:
        self._cards = cards
        self._words = words
        self._calendar = calendar

    def subject(self, mail: Mail) -> str:
        """How many were taken; of one file which one it is."""
        found = _files(mail)
        bad = sum(bool(each.get("errors")) for each in found)
        if self.is_all_anew(mail):
            return self._words("receipt.subject_anew", name=self._title(found[0]))
        found = [each for each in found if not is_asked_anew(each)]
        if len(found) == 1:
            name = self._title(found[0])
            return self._words("receipt.subject_bad" if bad else "receipt.subject_one", name=name)
        phrase = "receipt.subject_some" if bad else "receipt.subject"
        if bad == len(found):
            phrase = "receipt.subject_none"
        return self._words(phrase, n=len(found), good=len(found) - bad, bad=bad)

    def is_all_anew(self, mail: Mail) -> bool:
        """Whether it tells of no file, but of questions about tables that were taken before."""
        found = _files(mail)
        return bool(found) and all(map(is_asked_anew, found))

    def to_answer(self, mail: Mail) -> list[Mapping[str, Any]]:
        """Of the tables those that are to be corrected or explained, each once; none for whoever gets a copy."""
        found = {
            str(each["ref"]): each
            for each in _files(mail)
            if each.get("ref") and (each.get("errors") or each.get("questions"))
        }
        return [each for each in found.values() if not is_copy(mail, str(each.get("unit")))][:MOST_LINKED]

    def files(self, mail: Mail) -> tuple[ReceivedFile, ...]:
        """Each file with its findings; those with errors first."""
        found = sorted(_files(mail), key=lambda each: not each.get("errors"))
        has_copy = bool(mail.details.get("enclosed"))
        return tuple(self._file(each, has_copy=has_copy) for each in found)

    def _file(self, facts: Mapping[str, Any], *, has_copy: bool) -> ReceivedFile:
        words = self._words
        errors, questions = list(_noted(facts, "errors")), list(_noted(facts, "questions"))
        back = facts.get("read_back")
        read_back = str(back.get("text") or "") if isinstance(back, Mapping) else ""
        outcome = None
        if errors:
            name = "refused"
        elif is_asked_anew(facts):
            outcome = words("receipt.anew", name=self._cards.names.occurrence(str(facts["because"])))
            name = "anew"
        elif facts.get("nil"):
            name = "nil"
        else:
            name = "asked" if questions else "taken"
        noted = [(words("receipt.error"), each) for each in errors]
        noted += [(words("receipt.question"), each) for each in questions]
        rest = len(noted) - MOST_NOTED
        return ReceivedFile(
            name=clip(str(facts.get("file") or ""), 120),
            title=self._title(facts),
            outcome=outcome or self._waiting(facts, words(f"receipt.{name}")),
            read_back=clip(read_back, 1000) or None,
            is_refused=bool(errors),
            noted=tuple(self._finding(kind, *parts) for kind, parts in noted[:MOST_NOTED]),
            rest=words("receipt.rest" if has_copy else "receipt.rest_alone", n=rest) if rest > 0 else None,
        )

    def _waiting(self, facts: Mapping[str, Any], said: str) -> str:
        """What was ``said`` of a table, and that it has still to be accepted, where it has."""
        return self._words("receipt.waits", said=said) if facts.get("waits") else said

    def _finding(self, kind: str, cell: str, found: str, message: str, expected: str) -> NotedFinding:
        hint = self._words("receipt.expected", expected=clip(expected, 300)) if expected else None
        return NotedFinding(kind, clip(cell, 20), clip(found, 300), clip(message, 300), hint)

    def _title(self, facts: Mapping[str, Any]) -> str:
        """The table and its period."""
        ref = str(facts.get("ref") or "")
        return self._cards.names.occurrence(ref) if ref else clip(str(facts.get("file") or ""), 60)


def is_asked_anew(facts: Mapping[str, Any]) -> bool:
    """Whether it is a table taken before that is asked about because another one has changed."""
    return bool(facts.get("because"))


def _files(mail: Mail) -> list[Mapping[str, Any]]:
    found = mail.details.get("files")
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def _noted(facts: Mapping[str, Any], kind: str) -> Iterator[tuple[str, str, str, str]]:
    """Where it stands, what stands there, the sentence about it, and what was expected."""
    found = facts.get(kind)
    for each in found if isinstance(found, list) else ():
        if isinstance(each, Mapping):
            cell, found_, message, expected = (
                str(each.get(name) or "") for name in ("cell", "found", "message", "expected")
            )
            yield cell, found_, message, expected
