"""The questions about filed tables: listed, counted, answered or overruled with a reason (docs/design/edges.md).

How they come and go is in ``questions/ask.py``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, func, select, update
from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.form import Form
from tracker.errors import LedgerError, UnknownNameError, UsageError
from tracker.forms.check import period_checks
from tracker.i18n.message import Message, unpacked
from tracker.store.batches import batches
from tracker.store.numbers import numbered
from tracker.store.questions import QUESTION
from tracker.store.tables import ASSIGNMENT, FILING

#: What was found in the file itself; its facts are its messages.
READ = "read"
#: So many questions of a filing, asked before each was kept by itself.
KEPT = "kept"


class QuestionState(StrEnum):
    """Where a question is in its life; ``gone``: its table was replaced, or it does not hold any more."""

    OPEN = "open"
    ANSWERED = "answered"
    OVERRULED = "overruled"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Question:
    """One question about a table that was filed; ``facts`` are plain JSON values."""

    id: int
    ref: str
    unit: str
    form: str
    file: str
    sheet: str | None
    cell: str | None
    code: str
    facts: Mapping[str, Any]
    asked_at: datetime
    state: QuestionState
    answered_at: datetime | None
    answered_by: str | None
    via: str | None
    note: str | None

    def said(self, forms: Mapping[str, Form]) -> tuple[Message, str, Message | None]:
        """The sentence, what stands in the cell, and what was expected there."""
        facts = self.facts
        form = forms.get(self.form)
        if self.code in period_checks.CODES and form is not None:
            message, found, expected = period_checks.said(form, self.code, facts)
            column = form.by_id.get(facts.get("column", ""))
            if column is None:
                return message, found, expected
            # Whoever reads a list has no table beside it.
            of = Message("findings.of_cell", row=facts["row"], label=column.label, message=message)
            return of, found, expected
        if self.code == READ:
            if "zh" in facts:  # asked before the message itself was kept
                return Message("findings.as_worded", zh=facts["zh"], en=facts["en"]), facts["found"], None
            expected = None if facts["expected"] is None else unpacked(facts["expected"])
            return unpacked(facts["message"]), facts["found"], expected
        return Message("findings.asked_then", n=facts.get("count", 1)), "", None


def questions_of(
    session: Session,
    snapshot: CampaignSnapshot,
    *,
    refs: Sequence[str] = (),
    units: Sequence[str] | None = None,
    state: QuestionState | None = None,
) -> list[Question]:
    """The questions in the order of the ledger's dates; without a ``state`` all that are not gone.

    ``refs`` are references or keys of definitions.
    """
    query = _questions(snapshot)
    if units is not None:
        query = query.where(ASSIGNMENT.c.unit.in_(units))
    stands = (QUESTION.c.gone_at.is_(None), FILING.c.in_force.is_(True))
    if state is not QuestionState.GONE:
        query = query.where(*stands)
    if state is QuestionState.OPEN:
        query = query.where(QUESTION.c.answer.is_(None))
    found = [
        each
        for each in _read(session, query)
        if (state is None or each.state is state)
        and (not refs or each.ref in refs or each.ref.partition("@")[0] in refs)
    ]
    found.sort(
        key=lambda one: (
            snapshot.position(one.ref.partition("@")[0]),
            one.ref,
            snapshot.unit_position(one.unit),
        )
    )
    return found


def count_open(session: Session, snapshot: CampaignSnapshot) -> dict[tuple[str, str], int]:
    """By reference and unit how many questions are open; without those that have none."""
    # The few that are open come first: a query that joins all three may begin with every assignment.
    open_ = (
        select(QUESTION.c.filing_id, func.count())
        .where(QUESTION.c.gone_at.is_(None), QUESTION.c.answer.is_(None))
        .group_by(QUESTION.c.filing_id)
    )
    numbers: dict[int, int] = {int(filing): number for filing, number in session.execute(open_)}
    whose = (
        select(FILING.c.id, ASSIGNMENT.c.key, ASSIGNMENT.c.period, ASSIGNMENT.c.unit)
        .join(ASSIGNMENT, ASSIGNMENT.c.id == FILING.c.assignment_id)
        .where(
            ASSIGNMENT.c.campaign == snapshot.campaign.id,
            ASSIGNMENT.c.removed_on.is_(None),
            FILING.c.in_force.is_(True),
        )
    )
    return {
        (f"{key}@{period}" if period else key, unit): numbers[filing]
        for some in batches(tuple(numbers))
        for filing, key, period, unit in session.execute(whose.where(FILING.c.id.in_(some)))
    }


def settle(
    session: Session,
    snapshot: CampaignSnapshot,
    number: int,
    answer: QuestionState,
    note: str,
    *,
    who: str,
    via: str,
    now: datetime,
    only: tuple[str, str] | None = None,
) -> Question:
    """Answer a question, or overrule it; ``only`` is the reference and unit of which it must be.

    What was answered may be overruled, and overruled it stays.  Raises UnknownNameError where there is no such
    question, UsageError without a reason, LedgerError where it is gone or was settled.
    """
    found = next(_read(session, _questions(snapshot).where(numbered(QUESTION.c.id, number))), None)
    if found is None or only not in (None, (found.ref, found.unit)):
        raise UnknownNameError("no_question", number=number)
    if not note.strip():
        raise UsageError("no_reason")
    if found.state is QuestionState.GONE:
        raise LedgerError("question_gone", number=number)
    if found.state is QuestionState.OVERRULED or found.state is answer:
        raise LedgerError("question_settled", number=number, who=found.answered_by)
    values = {
        "answer": answer.value,
        "answered_at": now,
        "answered_by": who,
        "via": via,
        "note": note.strip(),
    }
    session.execute(update(QUESTION).where(QUESTION.c.id == found.id).values(**values))
    return next(_read(session, _questions(snapshot).where(QUESTION.c.id == found.id)))


def questions_by_id(session: Session, snapshot: CampaignSnapshot, numbers: Iterable[int]) -> list[Question]:
    """Those with these numbers."""
    return list(_read(session, _questions(snapshot).where(QUESTION.c.id.in_(list(numbers)))))


_JOINED = QUESTION.join(FILING, FILING.c.id == QUESTION.c.filing_id).join(
    ASSIGNMENT, ASSIGNMENT.c.id == FILING.c.assignment_id
)


def _questions(snapshot: CampaignSnapshot) -> Select[Any]:
    columns = (FILING.c.form, FILING.c.file, FILING.c.in_force, ASSIGNMENT.c.unit, ASSIGNMENT.c.key)
    query = select(QUESTION, *columns, ASSIGNMENT.c.period).select_from(_JOINED)
    ours = (ASSIGNMENT.c.campaign == snapshot.campaign.id, ASSIGNMENT.c.removed_on.is_(None))
    return query.where(*ours).order_by(QUESTION.c.id)


def _read(session: Session, query: Select[Any]) -> Iterator[Question]:
    for row in session.execute(query):
        is_gone = row.gone_at is not None or not row.in_force
        yield Question(
            row.id,
            f"{row.key}@{row.period}" if row.period else row.key,
            row.unit,
            row.form,
            row.file,
            row.sheet,
            row.cell,
            row.code,
            json.loads(row.facts),
            row.asked_at,
            QuestionState.GONE if is_gone else QuestionState(row.answer or QuestionState.OPEN),
            row.answered_at,
            row.answered_by,
            row.via,
            row.note,
        )
