"""Whose table a file is: the unit and the assignment, by its hidden mark, else by what stands in its header.

A file that contradicts itself, or what a person says who takes it in, is asked about or refused: a neighbour's copy with
another name on it, or last month's file sent again, must never take the place of good figures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import PurePosixPath

from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.form import FieldKind
from tracker.filing.contradictions import contradictions, titles, unit_called
from tracker.filing.filings import tables_due
from tracker.filing.match_period import MatchedTable, Periods
from tracker.filing.provenance import ImportOptions, Provenance
from tracker.forms.check.recognised import Recognised
from tracker.forms.finding import Finding, Weight
from tracker.i18n.message import Message


def whose(
    session: Session,
    snapshot: CampaignSnapshot,
    found: Recognised,
    wanted: ImportOptions,
    came: Provenance,
    now: datetime,
) -> MatchedTable | Finding:
    """Which table of which unit ``found`` is; an error where that cannot be told."""
    by_name = _named(snapshot, found, came)
    unit = _said_unit(snapshot, found, wanted) if wanted.unit is not None else _unit(snapshot, found, by_name)
    if isinstance(unit, Finding):
        return unit
    # A link may be that of another form.
    forms = [] if wanted.only is not None else [found.form.id]
    theirs = tables_due(session, snapshot, now, date.min, date.max, units=[unit], forms=forms)
    tables = [table for table in theirs if table.form is found.form]
    if not tables:
        return _about_unit(
            found,
            Message("findings.whose.not_asked", unit=snapshot.campaign.unit_name(unit)),
        )
    link = None if wanted.only is None else next((each for each in theirs if each.ref == wanted.only), None)
    answer = Periods(session, snapshot, found, tables, came).choose(wanted, link)
    if isinstance(answer, Finding):
        return answer
    told = contradictions(snapshot, found, answer.table, came)
    return replace(answer, findings=(*_about_name(snapshot, found, unit, by_name), *answer.findings, *told))


def said_unit(
    snapshot: CampaignSnapshot, found: Recognised, wanted: ImportOptions, came: Provenance
) -> str | None:
    """The unit of which ``found`` is, as far as that can be told without the ledger."""
    by_name = _named(snapshot, found, came)
    unit = _said_unit(snapshot, found, wanted) if wanted.unit is not None else _unit(snapshot, found, by_name)
    return None if isinstance(unit, Finding) else unit


def _named(snapshot: CampaignSnapshot, found: Recognised, came: Provenance) -> tuple[str, str] | None:
    """The unit that the path of the file names, if this form is asked of it, and the name that says so.

    Its title, and what it lies in (a folder, an archive, a mail), count only where the header says nothing.
    """
    owing = [each.units for each in snapshot.campaign if snapshot.form(each) is found.form]
    path = PurePosixPath(came.path)
    names = [path.stem or path.name]
    if not found.unit_text:
        above = [each.text for each in titles(snapshot, found)]
        names = [*above, *names, *(each.name for each in path.parents)]
    for name in names:
        unit = unit_called(snapshot, name)
        if any(unit in units for units in owing):
            return str(unit), name
    return None


def _about_name(
    snapshot: CampaignSnapshot, found: Recognised, unit: str, by_name: tuple[str, str] | None
) -> Iterator[Finding]:
    """What is asked where only the name of the file says whose it is, or where it says something else."""
    if by_name is None or found.mark is not None:
        return
    named, said_by = by_name
    name, theirs = snapshot.campaign.unit_name(unit), snapshot.campaign.unit_name(named)
    if named != unit:
        said = Message("findings.whose.name_says", text=said_by, theirs=theirs, name=name)
    elif not found.unit_text:
        said = Message("findings.whose.by_name", text=said_by, name=name)
    else:
        return
    yield replace(_about_unit(found, said), weight=Weight.QUESTION)


def _unit(snapshot: CampaignSnapshot, found: Recognised, by_name: tuple[str, str] | None) -> str | Finding:
    """The unit that the file says."""
    written, marked, *others = _units_in(snapshot, found)
    second = next((each for each in others if each not in (None, written)), None)
    if written is not None and second is not None:
        return _about_unit(
            found,
            Message(
                "findings.whose.two_units",
                first=snapshot.campaign.unit_name(written),
                second=snapshot.campaign.unit_name(second),
            ),
        )
    if marked is not None:
        if written is None or written == marked:
            return marked
        return _about_unit(
            found,
            Message(
                "findings.whose.mark_and_unit",
                marked=snapshot.campaign.unit_name(marked),
                text=found.unit_text,
            ),
        )
    if written is not None:
        return written
    if not found.unit_text and by_name is not None:
        return by_name[0]
    if not found.unit_text:
        return _about_unit(found, Message("findings.whose.no_unit"))
    return _about_unit(found, Message("findings.whose.unknown_unit", text=found.unit_text))


def _said_unit(snapshot: CampaignSnapshot, found: Recognised, wanted: ImportOptions) -> str | Finding:
    """The unit that a person says, unless the file says that it is another's; what says nothing is its own."""
    own = str(wanted.unit)
    other = next((each for each in _units_in(snapshot, found) if each not in (None, own)), None)
    if other is None or wanted.force:
        return own
    theirs, name = snapshot.campaign.unit_name(other), snapshot.campaign.unit_name(own)
    if wanted.only is not None:
        said = Message("findings.whose.unit_not_as_linked", theirs=theirs, name=name)
    else:
        said = Message("findings.whose.unit_not_as_told", theirs=theirs, name=name)
    return _about_unit(found, said)


def _units_in(snapshot: CampaignSnapshot, found: Recognised) -> list[str | None]:
    """The units that the header and the mark name, and then those that the header names besides."""
    marked = found.mark.unit if found.mark is not None else None
    others = [unit_called(snapshot, each.text) for each in found.again.get(FieldKind.UNIT, ())]
    own = unit_called(snapshot, found.unit_text or "")
    return [own, marked if marked in snapshot.campaign.units else None, *others]


def _about_unit(found: Recognised, said: Message) -> Finding:
    return Finding(
        Weight.ERROR,
        said,
        found.sheet.name,
        found.unit_place,
        found.unit_text or "",
        Message("findings.whose.such_unit"),
    )
