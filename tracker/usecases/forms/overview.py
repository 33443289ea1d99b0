"""A month's tables over all units: who is missing, and the city's summary."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.form import FieldKind, Filed, Form
from tracker.core.model import Contact, State
from tracker.errors import UnknownNameError
from tracker.filing.filings import RequestedTable, in_force_filings, previous_filings, refused_tables
from tracker.forms.write.summary import FormSummary, UnitFiled, write_summary
from tracker.forms.write.summed import TableQuestion
from tracker.i18n.catalogue import Language
from tracker.questions.filed_rows import Earlier, filed_before
from tracker.questions.questions import Question, QuestionState, questions_of
from tracker.service.app import App
from tracker.service.enclosures import period_text
from tracker.usecases.forms.blanks import tables_of
from tracker.usecases.json_facts import Fact

#: States in which nothing is asked of the unit any more.
_EXCUSED = frozenset({State.WAIVED, State.PAUSED})


def is_missing(table: RequestedTable) -> bool:
    """Whether the unit still owes it."""
    return not table.is_answered and table.row.state not in _EXCUSED


def missing_facts(
    app: App, month: date, *, units: Sequence[str] = (), forms: Sequence[str] = ()
) -> list[Fact]:
    """``forms missing``: who owes a table of the month, and whom to call.

    ``person`` and ``phone`` are what the unit wrote on its last table of that form.
    """
    tables = due_in(app, month, units=units, forms=forms)
    snapshot = app.snapshot
    owing = [table for table in tables if is_missing(table)]
    with app.database.reading() as session:
        previous = previous_filings(session, snapshot, owing)
    return [
        {
            "ref": table.ref,
            "unit": table.unit,
            "name": snapshot.campaign.unit_name(table.unit),
            "title": table.row.definition.title,
            "state": table.row.state.value,
            "due": table.due.isoformat(),
            "contacts": [
                {"name": contact.name, "email": contact.email} for contact in _contacts(snapshot, table.unit)
            ],
            "person": _written(table.form, previous.get(table.id), FieldKind.TEXT),
            "phone": _written(table.form, previous.get(table.id), FieldKind.PHONE),
        }
        for table in owing
    ]


def due_in(
    app: App, month: date, *, units: Sequence[str] = (), forms: Sequence[str] = ()
) -> list[RequestedTable]:
    """The tables of a month.  Raises UnknownNameError where none is due in it."""
    tables = tables_of(app, month, units=units, forms=forms)
    if not tables:
        raise UnknownNameError("no_table_due", month=f"{month:%Y-%m}")
    return tables


def summary(
    app: App, month: date, *, forms: Sequence[str] = (), language: Language | None = None
) -> tuple[bytes, int, int]:
    """The city's workbook for a month; how many tables were asked for, and how many are in."""
    tables, snapshot = due_in(app, month, forms=forms), app.snapshot
    with app.database.reading() as session:
        filings = in_force_filings(session, snapshot.campaign.forms, tables)
        before = filed_before(session, snapshot, tables)
        questions = questions_of(session, snapshot, refs=sorted({table.ref for table in tables}))
        refused = refused_tables(session, tables)
    parts: dict[str, list[RequestedTable]] = {}
    for table in tables:
        parts.setdefault(table.row.definition.key, []).append(table)
    summaries = []
    for asked in parts.values():
        first = asked[0]
        units = []
        # In the order in which the document names them, as everybody reads the list.
        for table in sorted(asked, key=lambda each: first.row.definition.units.index(each.unit)):
            filing = filings.get(table.id) if table.is_answered else None
            state = _state(table, is_refused=table.id in refused)
            units.append(
                _unit_filed(snapshot, table, state, filing.filed if filing else None, before.get(table.id))
            )
        summaries.append(
            FormSummary(
                form=first.form,
                round_=first.round,
                ref_title=first.row.definition.title,
                period_text=period_text(first),
                units=tuple(units),
                questions=tuple(_doubted(snapshot, each) for each in questions if each.ref == first.ref),
            )
        )
    data = write_summary(
        summaries,
        title=snapshot.campaign.title,
        month_text=f"{month.year}年{month.month}月",
        created=app.clock.now(),
        language=language or snapshot.campaign.language,
    )
    return data, len(tables), sum(table.is_answered for table in tables)


def _unit_filed(
    snapshot: CampaignSnapshot, table: RequestedTable, state: str, filed: Filed | None, before: Earlier | None
) -> UnitFiled:
    answer, late = table.row.answer, table.row.late_days
    submitted = answer.submitted_at if table.is_answered else None
    people = "；".join(f"{each.name} {each.email}" for each in _contacts(snapshot, table.unit))
    earlier = None if before is None else before.filed
    person = _written(table.form, earlier, FieldKind.TEXT)
    phone = _written(table.form, earlier, FieldKind.PHONE)
    if phone:
        people = f"{person or ''} {phone}；{people}".strip()
    note = ""
    if table.row.dates.effective_due is not None and answer.extended_due is not None:
        note = f"延期至{answer.extended_due}"
    return UnitFiled(
        unit=snapshot.campaign.unit_name(table.unit),
        state=state,
        filed=filed,
        previous=before.filed if before is not None and before.is_last else None,
        contacts=people,
        submitted_on=None if submitted is None else snapshot.day(submitted),
        late_days=late if table.is_answered else 0,
        note=note,
        short=snapshot.campaign.short_unit_name(table.unit),
        older=before.due.replace(day=1) if before is not None and not before.is_last else None,
        waits=table.row.waits,
    )


def _doubted(snapshot: CampaignSnapshot, question: Question) -> TableQuestion:
    message, _, _ = question.said(snapshot.campaign.forms)
    where = "!".join(each for each in (question.sheet, question.cell) if each)
    answer = None if question.state is QuestionState.OPEN else question.state.value
    name = snapshot.campaign.unit_name(question.unit)
    return TableQuestion(name, where, message, answer, question.answered_by or "", question.note or "")


def _state(table: RequestedTable, *, is_refused: bool) -> str:
    """Of those that a summary knows; sent back is what a person returned as well as a file with errors."""
    if table.row.answer.answered == "nil":
        return "nil"
    if table.is_answered:
        return "late" if table.row.late_days else "filed"
    if table.row.state in _EXCUSED:
        return "waived"
    return "refused" if is_refused or table.row.answer.answered == "returned" else "missing"


def _contacts(snapshot: CampaignSnapshot, unit: str) -> list[Contact]:
    known = snapshot.campaign.units.get(unit)
    return [] if known is None else list(known.to_call)


def _written(form: Form, filed: Filed | None, kind: FieldKind) -> str | None:
    """What the unit wrote into the first field of a kind."""
    if filed is None:
        return None
    names = (filed.header.get(field.id) for field in form.header if field.kind is kind)
    return next((name for name in names if name), None)
