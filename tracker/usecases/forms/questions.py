"""The questions about filed tables, as commands and pages list and settle them."""

from __future__ import annotations

from collections.abc import Sequence

from tracker.forms.finding import said
from tracker.i18n.catalogue import Language
from tracker.i18n.message import say
from tracker.ledger.record import refuse_undecided
from tracker.questions.questions import Question, QuestionState, questions_of, settle
from tracker.service.app import App
from tracker.usecases.json_facts import Fact


def questions(
    app: App,
    *,
    refs: Sequence[str] = (),
    units: Sequence[str] | None = None,
    state: QuestionState | None = None,
) -> list[Question]:
    """Those of ``refs`` (references, keys, or what people call them) and ``units`` (ids); without a state what is not gone.

    Raises UnknownNameError for a reference that is none.
    """
    snapshot, now = app.snapshot, app.clock.now()
    app.engine.bring_up_to_date(now)
    meant = [snapshot.ref(each, snapshot.day(now)) for each in refs]
    with app.database.reading() as session:
        return questions_of(session, snapshot, refs=meant, units=units, state=state)


def settle_question(
    app: App,
    number: int,
    answer: QuestionState,
    note: str,
    *,
    who: str,
    via: str = "cli",
    only: tuple[str, str] | None = None,
) -> Question:
    """Answer or overrule one of them, with a reason.  Raises what ``engine.questions.settle`` does."""
    refuse_undecided(app.snapshot, via)
    with app.database.writing() as session:
        now = app.clock.now()
        return settle(session, app.snapshot, number, answer, note, who=who, via=via, now=now, only=only)


def question_facts(app: App, question: Question, language: Language) -> Fact:
    """One of them as JSON has it."""
    message, found, expected = question.said(app.snapshot.campaign.forms)
    zone = app.snapshot.zone
    answered = question.answered_at
    return {
        "id": question.id,
        "ref": question.ref,
        "unit": question.unit,
        "form": question.form,
        "file": question.file,
        "sheet": question.sheet,
        "cell": question.cell,
        "code": question.code,
        "found": found,
        "expected": said(expected, language),
        "message": say(message, language),
        "state": question.state.value,
        "asked_at": question.asked_at.astimezone(zone).isoformat(timespec="seconds"),
        "answered_at": None if answered is None else answered.astimezone(zone).isoformat(timespec="seconds"),
        "answered_by": question.answered_by,
        "via": question.via,
        "note": question.note,
    }
