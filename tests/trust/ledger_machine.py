"""The ledger under any history: events by every door, edits of the files in between, in every order.

An event is let in where a plain reading of those before it lets it in.  After each step every assignment that is
asked for stands as such a reading by the rules now in force says, hangs on the agenda where its dates are, and has
that table in force which its events say; what is to be said after the last digests is looked at by then, and who is
late has a beat; and nothing that looks at the ledger raises because of what has happened.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from sqlalchemy import select

from tests.world import Running, at, definition, world
from tracker.config.loader import load
from tracker.core.beat import leader
from tracker.core.form import Filed, FiledRow
from tracker.core.model import Event, EventKind, State, Target
from tracker.core.occurrences import occurrences
from tracker.core.policy import Interval, Policies, Quiet, Settings, built_in
from tracker.core.reminders import next_on
from tracker.core.workdays import HolidayYear
from tracker.dashboard.status_overview import Board, StatusFilter
from tracker.errors import LedgerError, UnknownNameError
from tracker.filing.filings import OriginalFile, SentFile, in_force_filings, tables_due, take
from tracker.ledger.agenda import agenda_dates, counted_from_telling, planned_day, told_from_text
from tracker.ledger.beginning import Scope
from tracker.ledger.light_counts import Moment, summaries
from tracker.ledger.overdue_beat import lates_of
from tracker.ledger.record import event_of, find_assignment
from tracker.ledger.record_once import answer_once, events_of
from tracker.ledger.requests import Decision, NewRequest, RequestKind, answer_request, ask, open_requests
from tracker.ledger.settlement import SettledState, preview, settle, settlements, undo
from tracker.ledger.status import ledger_rows
from tracker.planning.explain import explain
from tracker.planning.return_reasons import reasons_for_returns
from tracker.store.beats import BEAT
from tracker.store.tables import AGENDA, ASSIGNMENT, EVENT, FILING

UNITS = ("wanzhou", "fuling", "yuzhong")
FORM = "training-institutions"
_LOADED = load(Path(__file__).parents[2] / "config").campaign
assert _LOADED is not None
FORMS = _LOADED.forms

#: What each definition may come to ask, and when.
DEADLINES = {
    "5": ("2022年5月20日前", "2022年6月底前", "2022年5月2日前", "2022年6月底前，并持续推进", "持续推进"),
    "26/experience": ("每月5日前", "每月10日前", "2022年5月起-8月，每月底前", "每季度"),
    "table-2": ("2022年5月起，每月5日前", "每月5日前", "2022年6月起，每月12日前"),
}
KEYS = st.sampled_from(sorted(DEADLINES))
REFS = st.sampled_from(
    (
        *("5", "26/experience@2022-05", "26/experience@2022-06", "26/experience@2022-Q2"),
        *("table-2@2022-05", "table-2@2022-06"),
    )
)
ISSUED = date(2022, 4, 8)
COUNTS = st.sampled_from((None, None, 1, 2, 3))
DAYS = st.integers(-3, 40)
ZONES = ("Asia/Shanghai", "America/New_York", "Pacific/Auckland")
#: By these an extension is refused for its dates, whatever came before it.
OF_DATES = {"no_deadline", "extension_too_early", "deadline_passed", "more_time_too_early"}


@dataclass(frozen=True)
class Asks:
    """What the files say of one definition; ``target`` is whose quota it is of how many."""

    deadline: str
    units: tuple[str, ...] = UNITS
    target: tuple[int, tuple[str, ...]] | None = None
    grace: int = 0
    on_holiday: str = "keep"
    status: str | None = None
    acceptance: bool = False
    has_form: bool = False
    is_there: bool = True


EDITS = {
    "deadline": None,
    "units": st.sets(st.sampled_from(UNITS), min_size=1).map(lambda some: tuple(sorted(some))),
    "target": st.none() | st.tuples(st.integers(1, 6), st.sampled_from((UNITS, UNITS[:1]))),
    "grace": st.sampled_from((0, 0, 3)),
    "on_holiday": st.sampled_from(("keep", "before", "after")),
    "status": st.sampled_from((None, None, "done", "paused", "waived")),
    "acceptance": st.booleans(),
    "has_form": st.booleans(),
    "is_there": st.sampled_from((True, True, False)),
}


#: By what is reminded of everything.
POLICIES = {
    "lead": st.sampled_from(((30, 7, 3, 1), (5,), (8, 4, 2), ())),
    "overdue": st.sampled_from((Interval(7, "d"), Interval(2, "wd"), None)),
    "escalate": st.sampled_from((Interval(3, "wd"), Interval(1, "wd"), None)),
    "quiet": st.sampled_from((Quiet(), Quiet(), Quiet(frozenset({5})), Quiet(frozenset({3, 4})))),
}


def in_force(asks, zone, chase_from=ISSUED, policy=(), off=frozenset(), work=frozenset()):
    policies = {name: replace(each, **dict(policy)) for name, each in built_in().items()}
    found = world(
        *(
            definition(
                key,
                each.deadline,
                each.units,
                target=each.target and Target(each.target[0], "典型案例", each.target[1]),
                grace_days=each.grace,
                on_holiday=each.on_holiday,
                status=each.status,
                acceptance=each.acceptance,
                form=FORM if each.has_form else None,
            )
            for key, each in asks.items()
            if each.is_there
        ),
        units=UNITS,
        supervisor="yuzhong",
        settings=Settings(policies=Policies(policies)),
        holidays={2022: HolidayYear(2022, off, work)} if off or work else None,
    )
    campaign = replace(found.campaign, forms=FORMS, timezone=zone, chase_from=chase_from)
    mark = f"{found.fingerprint}{zone}{chase_from}{policy}{sorted(off)}{sorted(work)}"
    return replace(found, campaign=campaign, fingerprint=mark)


class LedgerMachine(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.asks = {key: Asks(deadlines[0]) for key, deadlines in DEADLINES.items()}
        self.asks["table-2"] = replace(self.asks["table-2"], has_form=True)
        self.zone = "Asia/Shanghai"
        self.chase_from = ISSUED
        self.policy = {}
        self.days = {}
        self.world = Running(in_force(self.asks, self.zone), "2022-04-20 09:30")
        self.engine = self.world.engine
        self.engine.accept_removals = True
        self.board = Board(self.world.database)
        self.files = 0
        self.up_to_date()

    @property
    def now(self):
        return self.world.clock.now()

    @property
    def snapshot(self):
        return self.engine.snapshot

    @property
    def today(self):
        return self.snapshot.day(self.now)

    def up_to_date(self):
        self.engine.accept_removals = True
        self.engine.bring_up_to_date(self.now)

    def writing(self):
        self.up_to_date()
        return self.world.database.writing()

    # --- events, by every door ---

    @rule(
        kind=st.sampled_from(
            ("submit", "submit", "nil", "accept", "return", "waive", "pause", "resume", "undo")
        ),
        ref=REFS,
        unit=st.sampled_from(UNITS),
        count=COUNTS,
        before=st.sampled_from((0, 0, 2, 9)),
    )
    def something_is_recorded(self, kind, ref, unit, count, before):
        event = Event(
            self.now - timedelta(days=before),
            ref,
            unit,
            EventKind(kind),
            count=count if kind == "submit" else None,
            reason="x",
            via="cli",
        )
        self.take(event)

    @rule(ref=REFS, unit=st.sampled_from(UNITS), days=DAYS, forced=st.booleans())
    def it_is_extended(self, ref, unit, days, forced):
        until = self.today + timedelta(days=days)
        self.take(Event(self.now, ref, unit, EventKind.EXTEND, until=until, reason="x"), forced=forced)

    def take(self, event, *, forced=False):
        is_fit, refused = fits(event, *self.known(event)), None
        try:
            self.engine.record(event, forced=forced)
        except (LedgerError, UnknownNameError) as error:
            FIGURES["refused"] += 1
            FIGURES[f"refused: {error.code}"] += 1
            refused = error.code if isinstance(error, LedgerError) else None
        else:
            FIGURES["events"] += 1
            assert is_fit, event
        assert not is_fit or refused is None or refused in OF_DATES, (refused, event)

    def known(self, event):
        """The events before it, and the quota by the files in force."""
        one = self.snapshot.campaign.definitions.get(event.ref.partition("@")[0])
        quota = one.target.count if one and one.target and event.unit in one.target.units else None
        query = select(EVENT).where(EVENT.c.ref == event.ref, EVENT.c.unit == event.unit)
        with self.world.database.reading() as session:
            return [event_of(row) for row in session.execute(query.order_by(EVENT.c.id))], quota

    @rule(ref=REFS, unit=st.sampled_from(UNITS), kind=st.sampled_from(("submit", "nil")), count=COUNTS)
    def a_link_is_followed(self, ref, unit, kind, count):
        with self.writing() as session:
            try:
                seen = events_of(session, find_assignment(session, self.snapshot, ref, unit).id)
                event = Event(self.now, ref, unit, EventKind(kind), count=count, via="link")
                answer_once(session, self.snapshot, event, self.now, seen=seen)
            except (LedgerError, UnknownNameError):
                FIGURES["refused"] += 1

    @rule(ref=REFS, unit=st.sampled_from(UNITS), days=DAYS, granted=st.integers(-30, 30))
    def more_time_is_asked_for_and_granted(self, ref, unit, days, granted):
        with self.writing() as session:
            try:
                new_request = NewRequest(
                    ref,
                    unit,
                    RequestKind.EXTEND,
                    "忙",
                    "张三",
                    "a@b.example",
                    self.today + timedelta(days=days),
                )
                ask(session, self.snapshot, new_request, self.now)
            except (LedgerError, UnknownNameError):
                return
            number = open_requests(session, self.snapshot.campaign.id)[-1].id
        until = self.today + timedelta(days=granted)
        try:
            with self.writing() as session:
                answer_request(
                    session, self.snapshot, number, Decision.GRANTED, "李四", until=until, now=self.now
                )
        except (LedgerError, UnknownNameError):
            FIGURES["refused"] += 1
            with self.writing() as session:
                answer_request(session, self.snapshot, number, Decision.DECLINED, "李四", now=self.now)

    @rule(unit=st.sampled_from(UNITS), number=st.integers(0, 2), is_nil=st.booleans())
    def a_table_is_filed(self, unit, number, is_nil):
        rows = () if is_nil else (FiledRow({"name": "一校", "special_trained": number}, {}),)
        with self.writing() as session:
            tables = tables_due(session, self.snapshot, self.now, date.min, date.max, units=[unit])
            if not tables:
                return
            self.files += 1
            sent = SentFile(OriginalFile(f"{self.files}.xlsx", str(self.files).encode()), self.now, "张三")
            try:
                filed = Filed(rows, {"n": str(number)}, is_nil)
                FIGURES["filed"] += take(session, self.snapshot, tables[0], filed, sent, self.now).is_new
            except LedgerError:
                FIGURES["refused"] += 1

    @rule(
        how=st.sampled_from(SettledState),
        units=st.none() | st.sets(st.sampled_from(UNITS), min_size=1),
        looked=st.booleans(),
        days=st.sampled_from((0, 10, 30)),
    )
    def what_was_before_is_settled(self, how, units, looked, days):
        if days:
            self.a_morning_comes(days)
            self.the_day_from_which_is_chased_is_edited(self.today)
        with self.writing() as session:
            scope = Scope(units=units)
            shown = preview(session, self.snapshot, how, self.now, scope)
            seen = shown.seen if looked else None
            outcome = settle(
                session, self.snapshot, how, self.now, scope=scope, who="x", via="web", seen=seen
            )
            assert outcome.count == len(shown.rows)
            FIGURES["settled"] += outcome.count

    @rule(number=st.integers(0, 2))
    def a_settlement_is_taken_back(self, number):
        with self.writing() as session:
            made = settlements(session, self.snapshot)
            if not made:
                return
            one = made[number % len(made)].number
            FIGURES["taken back"] += undo(session, self.snapshot, one, self.now, who="x", via="web")
            assert undo(session, self.snapshot, one, self.now, who="x", via="web") == 0

    # --- edits of the files ---

    @rule(day=st.sampled_from((ISSUED, date(2022, 5, 8), date(2022, 6, 8))))
    def the_day_from_which_is_chased_is_edited(self, day):
        self.chase_from = day
        self.edited()

    @rule(key=KEYS, what=st.sampled_from(sorted(EDITS)), data=st.data(), at_once=st.booleans())
    def the_files_are_edited(self, key, what, data, at_once):
        values = st.sampled_from(DEADLINES[key]) if what == "deadline" else EDITS[what]
        self.asks[key] = replace(self.asks[key], **{what: data.draw(values)})
        self.edited(at_once=at_once)

    @rule(zone=st.sampled_from(ZONES))
    def the_zone_is_edited(self, zone):
        self.zone = zone
        self.edited()

    @rule(what=st.sampled_from(sorted(POLICIES)), data=st.data())
    def the_policies_are_edited(self, what, data):
        self.policy[what] = data.draw(POLICIES[what])
        self.edited()

    @rule(days=st.sampled_from((0, 0, 1, 2, -1)), is_work=st.booleans())
    def a_day_is_put_into_the_calendar(self, days, is_work):
        self.days[self.today + timedelta(days=days)] = is_work
        self.edited()

    def edited(self, *, at_once=True):
        FIGURES["edits"] += 1
        work = frozenset(day for day, is_work in self.days.items() if is_work)
        policy = tuple(sorted(self.policy.items()))
        off = frozenset(self.days) - work
        self.engine.adopt(in_force(self.asks, self.zone, self.chase_from, policy, off, work))
        if at_once:
            self.up_to_date()

    @rule(days=st.sampled_from((0, 1, 1, 3, 10, 30)))
    def a_morning_comes(self, days):
        later = self.now + timedelta(days=days)
        self.world.clock.set(max(later, at(f"{later:%Y-%m-%d} 09:30")))
        self.engine.accept_removals = True
        self.engine.run_pass()
        self.world.told()

    @rule(days=st.sampled_from((1, 1, 2, 3)))
    def a_day_begins(self, days):
        """Its digests are yet to be written."""
        self.world.clock.set(at(f"{self.now + timedelta(days=days):%Y-%m-%d} 08:00"))

    # --- what must hold ---

    @invariant()
    def every_row_stands_as_its_events_say(self):
        self.up_to_date()
        with self.world.database.reading() as session:
            events: dict[int, list[tuple[int, Event]]] = {}
            filings: dict[int, list[Any]] = {}
            for row in session.execute(select(EVENT).order_by(EVENT.c.id)):
                events.setdefault(row.assignment_id, []).append((row.id, event_of(row)))
            for row in session.execute(select(FILING)):
                filings.setdefault(row.assignment_id, []).append(row)
            agendas = {row.id: row for row in session.execute(select(AGENDA))}
            # Whom the files put into another zone is told by its clock from then on.
            planned = planned_day(session, self.snapshot.campaign.id, self.snapshot.campaign.timezone)
            for row in session.execute(select(ASSIGNMENT)):
                if row.removed_on is None:
                    self.check(row, events.get(row.id, []), agendas[row.agenda_id], planned)
                self.check_filings(row, events.get(row.id, []), filings.get(row.id, []))

    @invariant()
    def who_is_late_has_a_beat(self):
        self.up_to_date()
        with self.world.database.reading() as session:
            planned = planned_day(session, self.snapshot.campaign.id, self.snapshot.campaign.timezone)
            having = set(session.execute(select(BEAT.c.unit)).scalars())
            for unit in UNITS:
                if planned is None:
                    break
                lates = lates_of(session, self.snapshot, unit, planned)
                assert leader(lates.values(), planned) is None or unit in having, (unit, lates)

    @invariant()
    def everything_that_is_asked_has_its_row(self):
        """Of every unit what is asked once, whenever that was due, and of what comes back all that is to come."""
        self.up_to_date()
        columns = (ASSIGNMENT.c.key, ASSIGNMENT.c.period, ASSIGNMENT.c.unit)
        with self.world.database.reading() as session:
            rows = session.execute(select(*columns).where(ASSIGNMENT.c.removed_on.is_(None))).all()
        asked, until = {tuple(row) for row in rows}, self.today + timedelta(days=90)
        for one in self.snapshot.campaign:
            since, end = (date.min, date.max) if one.rule.every is None else (self.today, until)
            for each in occurrences(one.rule, one.key, self.snapshot.campaign.issued, since, end):
                assert {(one.key, each.period or "", unit) for unit in one.units} <= asked, each

    def check(self, row, events, agenda, planned):
        one = self.snapshot.campaign.definitions[row.key]
        quota = one.target.count if one.target and row.unit in one.target.units else None
        answer = plainly(standing([event for _, event in events]), quota)
        cached = {name: getattr(row, name) for name in answer}
        assert cached == answer, (row, events)
        dates = self.dates_of(one, row)
        effective = dates[1] and max(self.snapshot.date_by_rule(one, dates[1]), row.extended_due or date.min)
        assert (row.opens, row.due, row.effective_due) == (*dates, effective), row
        grace = effective and effective + timedelta(days=one.grace_days)
        assert row.grace_until == grace
        assert (agenda.key, agenda.period, agenda.effective_due) == (row.key, row.period, effective), row
        assert (agenda.opens, agenda.due) == dates, (row, agenda)
        quiet = row.paused or row.answered in ("submitted", "nil", "waived")
        assert row.quiet == quiet
        late = False
        if not row.paused and row.answered in ("submitted", "nil") and grace:
            late = self.snapshot.day(row.submitted_at) > grace
        number = (None, "submitted", "nil", "returned", "waived").index(row.answered)
        assert row.mark == number + 8 * row.paused + 16 * bool(row.accepted_at) + 32 * late, row
        # Of what was due before the ledger began nothing is said, until it is sent back.
        is_left = effective is not None and ISSUED <= effective < self.chase_from
        is_chased = row.answered == "returned" or not is_left
        if not quiet and is_chased and planned is not None:
            shared = counted_from_telling(
                agenda_dates(self.snapshot, one, agenda), told_from_text(agenda.told)
            )
            following = next_on(shared, self.snapshot.rules(one), planned)
            is_seen = agenda.next_on is not None and following is not None and agenda.next_on <= following
            assert following is None or is_seen, (row, agenda, following)

    def dates_of(self, one, row):
        for each in occurrences(one.rule, one.key, self.snapshot.campaign.issued, date.min, date(2024, 1, 1)):
            if (each.period or "") == row.period and row.unit in one.units:
                return each.opens, each.due
        return row.opens, row.due

    def check_filings(self, row, events, filings):
        found, before = None, None
        files = {filing.event_id: filing.id for filing in filings}
        for number in standing_numbers(events):
            event = dict(events)[number]
            if event.event is EventKind.RETURN:
                found = None
            elif event.event in (EventKind.SUBMIT, EventKind.NIL):
                if number in files:
                    found = files[number]
                elif before is not event.event:
                    found = None
                before = event.event
        assert [filing.id for filing in filings if filing.in_force] == [found] * (found is not None), (
            row,
            events,
        )

    @rule()
    def whoever_looks_sees_something(self):
        self.up_to_date()
        with self.world.database.reading() as session:
            rows = ledger_rows(session, self.snapshot, self.now, latest=self.now)
            for before in (1, 12):
                then = self.now - timedelta(days=before)
                ledger_rows(session, self.snapshot, then, latest=self.now)
            summaries(
                session, self.snapshot, Moment(self.today), Moment(self.today, self.now - timedelta(days=7))
            )
            reasons_for_returns(session, self.snapshot.campaign.id)
            for row in rows[:2]:
                explain(session, self.snapshot, row.ref, row.unit, self.now)
            tables = tables_due(session, self.snapshot, self.now, date.min, date.max)
            in_force_filings(session, FORMS, tables)
        states = Counter(row.state for row in rows)
        # A nil return that waits for an acceptance is counted with what waits, too.
        states[State.SUBMITTED] += sum(
            row.state is State.NIL and row.definition.acceptance and row.answer.accepted_at is None
            for row in rows
        )
        matrix = self.board.matrix(self.snapshot, StatusFilter(), self.now, page=1, size=10)
        assert all(states[state] >= number for state, number in matrix.states.items())
        FIGURES["looks"] += 1

    def teardown(self):
        FIGURES["histories"] += 1
        try:
            self.whoever_looks_sees_something()
        finally:
            self.world.database.close()


def standing_numbers(events):
    """The events that are not taken back, as plainly as possible: (number, event) in, numbers out."""
    left = []
    for number, event in events:
        if event.event is not EventKind.UNDO:
            left.append((number, event))
            continue
        for each in reversed(left):
            by_file = each[1].via == "file" and each[1].event in (
                EventKind.SUBMIT,
                EventKind.PAUSE,
                EventKind.WAIVE,
            )
            of_file = each[1].via == "file" and each[1].event is EventKind.ACCEPT
            if by_file if event.via == "file" else not of_file:
                left.remove(each)
                break
    return [number for number, _ in left]


def standing(events):
    return [events[number] for number in standing_numbers(list(enumerate(events)))]


def fits(event, events, quota):
    """Whether a clerk would write it into the book below those before it; the dates of an extension are not looked at."""
    now = plainly(standing(events), quota)
    is_waived, is_in = now["answered"] == "waived", now["answered"] in ("submitted", "nil")
    match event.event:
        case EventKind.SUBMIT:
            return not is_waived and (event.count is None or quota is not None)
        case EventKind.ACCEPT:
            return is_in and now["accepted_at"] is None
        case EventKind.RETURN:
            return is_in
        case EventKind.EXTEND:
            return not is_waived and not is_in
        case EventKind.PAUSE | EventKind.RESUME:
            return not is_waived and now["paused"] is (event.event is EventKind.RESUME)
        case EventKind.UNDO:
            return any(each.via != "file" or each.event is not EventKind.ACCEPT for each in standing(events))
    return not is_waived


def plainly(events, quota):  # noqa: C901 - a case a line
    """What events add up to, said once more: one step a line, as a clerk would keep it in a book."""
    said, done, when, closed, until, stopped, through = None, 0, None, None, None, False, None
    for event in events:
        match event.event:
            case EventKind.SUBMIT:
                done += event.count or 0
                if event.count is None and quota:
                    done = max(done, quota)
                closed, through = None, event.via
                if quota and done < quota:
                    said, when = ("returned" if said == "returned" else None), None
                else:
                    when = min(when, event.at) if said in ("submitted", "nil") else event.at
                    said = "submitted"
                    closed = event.at if event.via == "file" else None
            case EventKind.NIL:
                when = min(when, event.at) if said in ("submitted", "nil") else event.at
                said, closed, through = "nil", None, event.via
            case EventKind.ACCEPT if said in ("submitted", "nil"):
                closed = event.at
            case EventKind.RETURN:
                said, done, when, closed = "returned", 0, None, None
            case EventKind.EXTEND:
                until = event.until
            case EventKind.WAIVE:
                said = "waived"
            case EventKind.PAUSE | EventKind.RESUME:
                stopped = event.event is EventKind.PAUSE
    return {
        "answered": said,
        "progress": done,
        "submitted_at": when,
        "accepted_at": closed,
        "extended_due": until,
        "paused": stopped,
        "via": through,
    }


#: What all histories of this process add up to.
FIGURES: Counter[str] = Counter()
