"""Counts lights over the whole ledger: in all, by definition and by unit, as they are and as they were.

Assignments that share an agenda row and a mark have the same standing, which is judged once by the core: a million
rows make a few thousand of these.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, bindparam, select
from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.model import Definition, Light, State
from tracker.core.status import MARKS, REMOVED, Dates, Progress, answer_like
from tracker.ledger.agenda import agenda_dates
from tracker.ledger.packed import PackedLedger
from tracker.ledger.status import answers_at, ledger_row
from tracker.store.tables import AGENDA, ASSIGNMENT, EVENT

Lights = Counter[Light]

_AGENDAS = select(AGENDA).where(AGENDA.c.campaign == bindparam("campaign"))


@dataclass(slots=True)
class LightCounts:
    """Lights of everything that had opened by a day and was then open, or due in that day's year."""

    total: Lights = field(default_factory=Counter)
    by_key: defaultdict[str, Lights] = field(default_factory=lambda: defaultdict(Counter))
    by_unit: defaultdict[str, Lights] = field(default_factory=lambda: defaultdict(Counter))

    def add(self, key: str, light: Light, number: int) -> None:
        """So many assignments of one definition; by unit they are counted by themselves."""
        self.total[light] += number
        self.by_key[key][light] += number


@dataclass(frozen=True, slots=True)
class Moment:
    """A day whose lights are wanted, and the instant by which answers must have come; None means by now."""

    day: date
    as_of: datetime | None = None


def summaries(session: Session, snapshot: CampaignSnapshot, *moments: Moment) -> list[LightCounts]:
    """The lights at each of ``moments``, found in one look at the ledger."""
    found = [LightCounts() for _ in moments]
    agendas = {row.id: row for row in session.execute(_AGENDAS, {"campaign": snapshot.campaign.id})}
    marks, judged = PackedLedger.read(session, snapshot.campaign.id), _Judged(snapshot, agendas, moments)
    for cell, number in marks.groups.items():
        for summary, light in zip(found, judged[cell], strict=True):
            if light is not None:
                summary.add(agendas[cell // MARKS].key, light, number)
    for unit, cells in marks.by_unit():
        for lights, number in Counter(map(judged.__getitem__, cells)).items():
            for summary, light in zip(found, lights, strict=True):
                if light is not None:
                    summary.by_unit[unit][light] += number
    for summary, moment in zip(found, moments, strict=True):
        if moment.as_of is not None:
            _turn_back(session, snapshot, moment, agendas, summary)
    return found


class _Judged(dict[int, tuple[Light | None, ...]]):
    """The lights at each moment of an agenda row with a mark, as one number; each is judged once."""

    def __init__(
        self, snapshot: CampaignSnapshot, agendas: Mapping[int, Row[Any]], moments: Sequence[Moment]
    ) -> None:
        self._snapshot, self._agendas, self._moments = snapshot, agendas, moments

    def __missing__(self, cell: int) -> tuple[Light | None, ...]:
        agenda, mark = divmod(cell, MARKS)
        found = self[cell] = _lights(self._snapshot, self._agendas[agenda], mark, self._moments)
        return found


def light_in_hand(snapshot: CampaignSnapshot, agenda: Row[Any], mark: int, day: date) -> Light | None:
    """The light on ``day`` of what shares an agenda row and a mark; None where it is not counted (``LightCounts``)."""
    [light] = _lights(snapshot, agenda, mark, [Moment(day)])
    return light


def _lights(
    snapshot: CampaignSnapshot, agenda: Row[Any], mark: int, moments: Iterable[Moment]
) -> tuple[Light | None, ...]:
    """The light of one group at each moment; None where it is not counted."""
    definition = snapshot.campaign.definitions.get(agenda.key)
    if definition is None or mark & REMOVED:
        return tuple(None for _ in moments)
    dates = agenda_dates(snapshot, definition, agenda)
    answer = answer_like(mark, dates, snapshot.zone)
    return tuple(_light(snapshot, definition, dates, answer, moment.day) for moment in moments)


def _light(
    snapshot: CampaignSnapshot, definition: Definition, dates: Dates, answer: Progress, day: date
) -> Light | None:
    if day < dates.opens:
        return None
    due = dates.effective_due
    if answer.quiet and due is not None and due.year < day.year:
        return None
    stands = snapshot.standing(definition, dates, answer, day)
    return None if stands.state is State.BEFORE else stands.light


def _turn_back(
    session: Session,
    snapshot: CampaignSnapshot,
    moment: Moment,
    agendas: Mapping[int, Row[Any]],
    summary: LightCounts,
) -> None:
    """Count what has been answered, or otherwise changed, since then as it stood then."""
    assert moment.as_of is not None
    changed = select(EVENT.c.assignment_id).where(
        EVENT.c.campaign == snapshot.campaign.id, EVENT.c.at > moment.as_of
    )
    answers = answers_at(session, snapshot, moment.as_of, among=changed)
    for row in session.execute(select(ASSIGNMENT).where(ASSIGNMENT.c.id.in_(changed))):
        definition = snapshot.campaign.definitions.get(row.key)
        if definition is None or row.mark & REMOVED:
            continue
        [counted] = _lights(snapshot, agendas[row.agenda_id], row.mark, [moment])
        if counted is not None:
            summary.add(row.key, counted, -1)
            summary.by_unit[row.unit][counted] -= 1
        then = ledger_row(snapshot, definition, row, answers.get(row.id, Progress()), moment.day)
        light = _light(snapshot, definition, then.dates, then.answer, moment.day)
        if light is not None:
            summary.add(row.key, light, 1)
            summary.by_unit[row.unit][light] += 1


def merged(lights: Iterable[Lights]) -> Lights:
    """All of them together."""
    total: Lights = Counter()
    for each in lights:
        total.update(each)
    return total
