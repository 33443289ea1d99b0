"""One month: of everything that is due in it, how many are in, who is missing, late, or has nothing to report."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.form import FieldKind
from tracker.core.model import Contact, Definition, Kind, Light, State
from tracker.dashboard.response_counts import ResponseCounts, ResponsePart
from tracker.dashboard.status_overview import Board, JudgedGroup, StatusOverview
from tracker.filing.filings import previous_filings, tables_due

#: Of so many missing units the people who filled the table in last are looked up.
CALLED = 100


@dataclass(frozen=True, slots=True)
class AskedUnit:
    """One unit that was asked for something: how it stands, and whom to call."""

    unit: str
    ref: str
    state: State
    light: Light
    late_days: int
    contacts: tuple[Contact, ...] = ()
    person: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class MonthDefinition:
    """What one definition asks for in a month, and who is what."""

    definition: Definition
    ref: str
    due: date
    effective_due: date | None
    tally: ResponseCounts
    missing: tuple[AskedUnit, ...]
    late: tuple[AskedUnit, ...]
    nil: tuple[AskedUnit, ...]
    waiting: tuple[AskedUnit, ...]
    excused: tuple[AskedUnit, ...]
    before: tuple[AskedUnit, ...]


@dataclass(frozen=True, slots=True)
class MonthOverview:
    """Everything that is due in a month by its rule; ``first`` is the month's first day."""

    first: date
    due: tuple[MonthDefinition, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """The units that owe anything, each once."""
        return tuple(dict.fromkeys(asked.unit for each in self.due for asked in each.missing))


def month(
    board: Board, session: Session, snapshot: CampaignSnapshot, first: date, now: datetime
) -> MonthOverview:
    """The month that begins with ``first``, as it stands now."""
    lights = board.lights(session, snapshot, now)
    return lights.keep(("month", first), lambda: _month(session, lights, first, now))


def reports_of(
    board: Board, session: Session, snapshot: CampaignSnapshot, first: date, now: datetime
) -> dict[str, ResponseCounts]:
    """By key, the reports that are due in the month and how many of them are in, without a look at who is who."""
    lights = board.lights(session, snapshot, now)
    return lights.keep(("reports", first), lambda: _reports(lights, first))


def _reports(lights: StatusOverview, first: date) -> dict[str, ResponseCounts]:
    found: defaultdict[str, ResponseCounts] = defaultdict(ResponseCounts)
    for cell, number in lights.groups.items():
        judged = lights.judged(cell)
        if judged is None or judged.due is None or judged.definition.kind is not Kind.REPORT:
            continue
        if judged.due.replace(day=1) == first:
            found[judged.definition.key].add(judged.part, judged.light, number)
    return {key: found[key] for key in sorted(found, key=lights.snapshot.position)}


def months_of(board: Board, session: Session, snapshot: CampaignSnapshot, now: datetime) -> list[date]:
    """The months in which anything is due, as far as the ledger goes."""
    lights = board.lights(session, snapshot, now)
    found = {row.due.replace(day=1) for row in lights.agendas() if row.due is not None}
    return sorted(found)


def _month(session: Session, lights: StatusOverview, first: date, now: datetime) -> MonthOverview:
    agendas = [row.id for row in lights.agendas() if row.due is not None and row.due.replace(day=1) == first]
    by_key: defaultdict[str, list[tuple[str, JudgedGroup]]] = defaultdict(list)
    for unit, judged in lights.having(agendas):
        by_key[judged.definition.key].append((unit, judged))
    snapshot = lights.snapshot
    # The tables first: they are what a month is looked up for.
    keys = sorted(
        by_key, key=lambda key: (snapshot.definition(key).kind is not Kind.REPORT, snapshot.position(key))
    )
    due = [_due(session, snapshot, by_key[key], now) for key in keys]
    return MonthOverview(first, tuple(due))


def _due(
    session: Session, snapshot: CampaignSnapshot, asked: Sequence[tuple[str, JudgedGroup]], now: datetime
) -> MonthDefinition:
    asked = sorted(asked, key=lambda each: snapshot.unit_position(each[0]))
    first = asked[0][1]
    assert first.due is not None
    tally = ResponseCounts()
    parts: dict[ResponsePart, list[tuple[str, JudgedGroup]]] = {part: [] for part in ResponsePart}
    for unit, judged in asked:
        tally.add(judged.part, judged.light)
        parts[judged.part].append((unit, judged))
    missing, answered = parts[ResponsePart.MISSING], parts[ResponsePart.IN]
    people = _people(session, snapshot, first, [unit for unit, _ in missing], now)
    return MonthDefinition(
        first.definition,
        first.ref,
        first.due,
        first.effective_due,
        tally,
        missing=tuple(_asked(snapshot, unit, judged, people.get(unit)) for unit, judged in missing),
        late=tuple(_asked(snapshot, unit, judged) for unit, judged in answered if judged.late_days),
        nil=tuple(_asked(snapshot, unit, judged) for unit, judged in answered if judged.is_nil),
        waiting=tuple(_asked(snapshot, unit, judged) for unit, judged in answered if judged.waits),
        excused=tuple(_asked(snapshot, unit, judged) for unit, judged in parts[ResponsePart.EXCUSED]),
        before=tuple(_asked(snapshot, unit, judged) for unit, judged in parts[ResponsePart.BEFORE]),
    )


def _asked(
    snapshot: CampaignSnapshot,
    unit: str,
    judged: JudgedGroup,
    written: tuple[str | None, str | None] | None = None,
) -> AskedUnit:
    known = snapshot.campaign.units.get(unit)
    person, phone = written or (None, None)
    contacts = () if known is None else tuple(known.to_call)
    return AskedUnit(unit, judged.ref, judged.state, judged.light, judged.late_days, contacts, person, phone)


def _people(
    session: Session, snapshot: CampaignSnapshot, first: JudgedGroup, units: Sequence[str], now: datetime
) -> dict[str, tuple[str | None, str | None]]:
    """By unit who filled the table in last, and the telephone number that stands there."""
    form = snapshot.form(first.definition)
    if form is None or first.due is None or not units:
        return {}
    until = date(first.due.year + first.due.month // 12, first.due.month % 12 + 1, 1)
    since = first.due.replace(day=1)
    tables = tables_due(session, snapshot, now, since, until, units=list(units[:CALLED]), forms=[form.id])
    previous = previous_filings(session, snapshot, tables)
    found = {}
    for table in tables:
        filed = previous.get(table.id)
        if filed is not None:
            said = {field.kind: filed.header.get(field.id) for field in reversed(form.header)}
            found[table.unit] = (said.get(FieldKind.TEXT), said.get(FieldKind.PHONE))
    return found
