"""Works out the report on a month, once, from the rows of the ledger; states and lights are theirs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.model import Campaign, Light, State, Unit
from tracker.core.vocabulary import STATE_WORDS
from tracker.ledger.status import LedgerRow
from tracker.report.model import (
    AssignmentLine,
    ContactPerson,
    DefinitionFacts,
    DueCounts,
    GroupFacts,
    MonthReport,
    OccurrenceReport,
    Phase,
    Source,
    UnitFacts,
)

_CLOSED = frozenset((State.DONE, State.DONE_LATE, State.NIL, State.WAIVED))


@dataclass(frozen=True)
class CalendarMonth:
    """A calendar month, by its first day."""

    first: date

    @cached_property
    def until(self) -> date:
        """The first day after it."""
        return (self.first + timedelta(days=31)).replace(day=1)

    @property
    def last(self) -> date:
        """Its last day."""
        return self.until - timedelta(days=1)

    @cached_property
    def following(self) -> CalendarMonth:
        """The month after."""
        return CalendarMonth(self.until)

    def __contains__(self, day: date | None) -> bool:
        return day is not None and self.first <= day < self.until

    def phase(self, day: date) -> Phase:
        """Whether the month is over at the end of ``day``."""
        if day < self.first:
            return "to_come"
        return "over" if day >= self.last else "running"


@dataclass(frozen=True, slots=True)
class _Case:
    """A row with what the report asks of it: its date by the rule, and the day on which it came in."""

    row: LedgerRow
    rule_due: date | None
    done_on: date | None

    @property
    def extended(self) -> bool:
        return self.row.answer.extended_due is not None

    def due_in(self, month: CalendarMonth) -> bool:
        """By the rule, or since a person put it there."""
        return self.rule_due in month or (self.extended and self.row.dates.effective_due in month)


def month_facts(
    snapshot: CampaignSnapshot,
    month: CalendarMonth,
    at: datetime,
    rows: Iterable[LedgerRow],
) -> MonthReport:
    """The report on ``month`` as ``rows`` stood at ``at``.

    ``rows`` are in the order of the document and may hold more than the month needs.
    """
    day = snapshot.day(at)
    cases = [_case(snapshot, row) for row in rows]
    due = [case for case in cases if case.due_in(month)]
    in_hand = [case for case in cases if case.due_in(month) or _in_hand(case, month, day)]
    arrears = [case for case in in_hand if _is_arrear(case, month)]
    caught_up = [
        case
        for case in in_hand
        if not case.due_in(month) and case.row.late_days > 0 and case.done_on in month
    ]
    following = _things([case for case in cases if case.rule_due in month.following])
    occurrences = _occurrences(due)
    campaign = snapshot.campaign
    return MonthReport(
        campaign=campaign,
        source=_source(campaign),
        first=month.first,
        last=month.last,
        at=at,
        day=day,
        phase=month.phase(day),
        due=tally(due),
        in_hand=len(in_hand),
        lights=_lights(in_hand),
        states=_states(in_hand),
        occurrences=occurrences,
        arrears=tuple(map(_line, arrears)),
        caught_up=tuple(map(_line, caught_up)),
        things=_things(in_hand),
        units={unit.id: unit_facts(unit) for unit in campaign.units.values()},
        **_groups(campaign, in_hand, month),
        following=tuple(following.values()),
    )


def _source(campaign: Campaign) -> Source:
    above = campaign.units.get(campaign.supervisor or "")
    supervisor = campaign.supervisor if above is None else above.name
    return Source(campaign.title, campaign.document, campaign.issued, supervisor)


def _case(snapshot: CampaignSnapshot, row: LedgerRow) -> _Case:
    submitted = row.answer.submitted_at
    return _Case(row, _rule_due(snapshot, row), None if submitted is None else snapshot.day(submitted))


def _rule_due(snapshot: CampaignSnapshot, row: LedgerRow) -> date | None:
    """The date that the rule gives, where an extension hides it."""
    if row.answer.extended_due is None or row.dates.due is None:
        return row.dates.effective_due
    return snapshot.date_by_rule(row.definition, row.dates.due)


def _in_hand(case: _Case, month: CalendarMonth, day: date) -> bool:
    """Whether it was open, or late, or closed, in the month, though it is not due in it."""
    state = case.row.state
    if state is State.UPCOMING:
        return False
    if state not in _CLOSED:
        return True
    if state is State.WAIVED:
        # When it was waived is not known; what would be due by now is no longer anybody's business.
        return case.rule_due is None or case.rule_due >= month.until
    begin = min(month.first, day)
    return case.done_on is not None and case.done_on >= begin


def _is_arrear(case: _Case, month: CalendarMonth) -> bool:
    """Overdue, or sent back and late, from before the month."""
    if case.due_in(month) or case.row.light is not Light.RED:
        return False
    due = case.row.dates.effective_due
    return due is not None and due < month.first


def tally(cases: Sequence[_Case]) -> DueCounts:
    """Count assignments that fell due."""
    states = Counter(case.row.state for case in cases)
    waived, paused = states[State.WAIVED], states[State.PAUSED]
    done = [case for case in cases if _is_in(case)]
    late = sum(case.row.late_days > 0 for case in done)
    # What was due before the ledger began is neither in nor missing.
    asked = len(cases) - waived - paused - states[State.BEFORE]
    return DueCounts(
        asked=asked,
        done=len(done),
        on_time=len(done) - late,
        late=late,
        nil=sum(map(_is_nil, cases)),
        waiting=sum(case.row.waits for case in cases),
        missing=asked - len(done),
        overdue=sum(case.row.light is Light.RED for case in cases),
        returned=states[State.RETURNED],
        extended=sum(case.extended for case in cases),
        waived=waived,
        paused=paused,
    )


def _is_in(case: _Case) -> bool:
    row = case.row
    if row.state in (State.WAIVED, State.PAUSED):
        return False
    return row.answer.answered in ("submitted", "nil")


def _is_nil(case: _Case) -> bool:
    return _is_in(case) and case.row.answer.answered == "nil"


def _is_missing(case: _Case) -> bool:
    return case.row.state not in (State.WAIVED, State.PAUSED, State.BEFORE) and not _is_in(case)


def _line(case: _Case) -> AssignmentLine:
    row = case.row
    return AssignmentLine(
        ref=row.ref,
        unit=row.unit,
        state=row.state,
        word=row.word,
        light=row.light,
        due=row.dates.due,
        effective_due=row.dates.effective_due,
        extended=case.extended,
        done_on=case.done_on,
        late_days=row.late_days,
        progress=row.answer.progress if row.target is not None or row.answer.progress else None,
        target=row.target,
    )


def _occurrences(cases: Iterable[_Case]) -> tuple[OccurrenceReport, ...]:
    by_ref: dict[str, list[_Case]] = defaultdict(list)
    for case in cases:
        by_ref[case.row.ref].append(case)
    found = [_occurrence(each) for each in by_ref.values()]
    # By date, and on one day in the order of the document, as sorting keeps it.
    found.sort(key=lambda each: each.thing.effective_due or date.max)
    return tuple(found)


def _occurrence(cases: Sequence[_Case]) -> OccurrenceReport:
    def those(condition: Callable[[_Case], bool]) -> tuple[AssignmentLine, ...]:
        return tuple(_line(case) for case in cases if condition(case))

    def state(wanted: State) -> tuple[AssignmentLine, ...]:
        return those(lambda case: case.row.state is wanted)

    return OccurrenceReport(
        thing=_thing(cases[0], len(cases)),
        tally=tally(cases),
        lights=_lights(cases),
        missing=those(_is_missing),
        late=those(lambda case: _is_in(case) and case.row.late_days > 0),
        nil=those(_is_nil),
        returned=state(State.RETURNED),
        extended=those(lambda case: case.extended),
        waived=state(State.WAIVED),
        paused=state(State.PAUSED),
    )


def _things(cases: Iterable[_Case]) -> dict[str, DefinitionFacts]:
    found: dict[str, DefinitionFacts] = {}
    counts: Counter[str] = Counter()
    for case in cases:
        ref = case.row.ref
        counts[ref] += 1
        if ref not in found:
            found[ref] = _thing(case, 0)
    return {ref: replace(thing, units=counts[ref]) for ref, thing in found.items()}


def _thing(case: _Case, units: int) -> DefinitionFacts:
    row = case.row
    return DefinitionFacts(
        ref=row.ref,
        key=row.definition.key,
        period=row.ref.partition("@")[2] or None,
        kind=row.definition.kind,
        title=row.definition.title,
        section=row.definition.section,
        due=row.dates.due,
        effective_due=case.rule_due,
        units=units,
    )


def _lights(cases: Iterable[_Case]) -> dict[Light, int]:
    counts = Counter(case.row.light for case in cases)
    return {light: counts[light] for light in Light}


def _states(cases: Iterable[_Case]) -> dict[str, int]:
    counts = Counter(case.row.word for case in cases)
    return {word: counts[word] for word in STATE_WORDS if counts[word]}


def _groups(
    campaign: Campaign, cases: Sequence[_Case], month: CalendarMonth
) -> dict[str, tuple[GroupFacts, ...]]:
    """Everything in hand, by unit, by section and by definition; each in the order of the files."""
    by_unit: dict[str | None, list[_Case]] = defaultdict(list)
    by_section: dict[str | None, list[_Case]] = defaultdict(list)
    by_definition: dict[str | None, list[_Case]] = defaultdict(list)
    for case in cases:
        by_unit[case.row.unit].append(case)
        by_section[case.row.definition.block].append(case)
        by_definition[case.row.definition.key].append(case)
    names = {unit.id: unit.name for unit in campaign.units.values()}
    titles = {definition.key: definition.title for definition in campaign}
    sections = dict.fromkeys(definition.block for definition in campaign)
    return {
        "by_unit": tuple(_group(key, names[key], by_unit[key], month) for key in names if key in by_unit),
        "by_section": tuple(
            _group(key, key or "", by_section[key], month) for key in sections if key in by_section
        ),
        "by_definition": tuple(
            _group(key, titles[key], by_definition[key], month) for key in titles if key in by_definition
        ),
    }


def _group(key: str | None, title: str, cases: Sequence[_Case], month: CalendarMonth) -> GroupFacts:
    return GroupFacts(
        key=key,
        title=title,
        lights=_lights(cases),
        due=tally([case for case in cases if case.due_in(month)]),
        arrears=sum(_is_arrear(case, month) for case in cases),
    )


def unit_facts(unit: Unit) -> UnitFacts:
    """A unit with its people; whoever gets copies only is called last."""
    return UnitFacts(
        id=unit.id,
        name=unit.name,
        short=unit.short_name,
        people=tuple(ContactPerson(contact.name, contact.email) for contact in unit.to_call),
    )
