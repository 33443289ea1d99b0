"""What the board keeps in memory is what the ledger says, whatever happened to it and in whichever order."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import postgres
from tests.world import definition, running, world
from tracker.core.model import Event, EventKind, Light
from tracker.dashboard import status_overview as board_lights
from tracker.dashboard.items import item
from tracker.dashboard.months import month, reports_of
from tracker.dashboard.status_overview import Board, StatusFilter, StatusOverview
from tracker.errors import LedgerError, UnknownNameError
from tracker.ledger.after_restore import go_on_from
from tracker.ledger.packed import PackedLedger
from tracker.ledger.record import record
from tracker.store.tables import EVENT

UNITS = ("wanzhou", "fuling", "chengkou")
DEFINITIONS = (
    definition("1", "持续推进", UNITS),
    definition("2", "2022年6月10日前", UNITS, quota=2),
    definition("3", "2022年6月底前，并持续推进", UNITS[:2]),
    definition("table-2", "2022年5月起-8月，每月5日前", UNITS),
)
REFS = ("1", "2", "3", "table-2@2022-05", "table-2@2022-06", "table-2@2022-07")
MONTHS = (date(2022, 5, 1), date(2022, 6, 1))


def files(*, without=None):
    """What is in force; ``without`` leaves one unit out of the monthly table."""
    told = list(DEFINITIONS)
    if without is not None:
        told[-1] = definition(
            "table-2", "2022年5月起-8月，每月5日前", tuple(u for u in UNITS if u != without)
        )
    return world(*told, units=UNITS, fingerprint=f"without {without}")


class House:
    """A ledger with a board that has been looking at it all the time."""

    def __init__(self, engine):
        self.running, self.engine, self.database = engine, engine.engine, engine.database
        self.board = Board(self.database)
        self.engine.accept_removals = True
        self.engine.bring_up_to_date(engine.clock.now())

    @property
    def now(self):
        return self.running.clock.now()

    def do(self, step):
        kind, *more = step
        if kind == "day":
            self.running.clock.set(self.now + timedelta(days=more[0]))
        elif kind == "edit":
            self.engine.adopt(files(without=more[0]))
            self.engine.accept_removals = True
        elif kind == "restore":
            with self.database.writing() as session:
                go_on_from(session, self.engine.snapshot, self.now)
        else:
            ref, unit, until = more
            given = {"until": until} if kind == "extend" else {}
            try:
                self.running.record(kind, ref, unit, forced=kind == "extend", reason="x", **given)
            except (LedgerError, UnknownNameError):
                return
        self.engine.bring_up_to_date(self.now)

    def seen(self, board):
        """All that ``board`` tells today."""
        snapshot, now = self.engine.snapshot, self.now
        with self.database.reading() as session:
            found = board.lights(session, snapshot, now)
            told = [
                {unit: sorted(found.marks.of(unit)) for unit in UNITS},
                dict(found.groups),
                [month(board, session, snapshot, first, now) for first in MONTHS],
                [reports_of(board, session, snapshot, first, now) for first in MONTHS],
                [item(board, session, snapshot, each.key, None, now) for each in DEFINITIONS],
            ]
        choices = (
            StatusFilter(),
            StatusFilter(units=UNITS[:1]),
            StatusFilter(light=Light.RED),
            StatusFilter(month=MONTHS[1]),
        )
        return told + [board.matrix(snapshot, choice, now, page=1, size=2) for choice in choices]

    def assert_as_made_from_nothing(self):
        assert self.seen(self.board) == self.seen(Board(self.database))


@contextmanager
def house(url=None):
    with running(files(), "2022-06-01 10:00", url=url) as engine:
        yield House(engine)


STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from([kind.value for kind in EventKind]),
            st.sampled_from(REFS),
            st.sampled_from(UNITS),
            st.dates(date(2022, 6, 1), date(2022, 9, 30)),
        ),
        st.tuples(st.just("day"), st.integers(0, 9)),
        st.tuples(st.just("edit"), st.sampled_from([None, "fuling"])),
        st.tuples(st.just("restore")),
    ),
    max_size=12,
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS, st.integers(1, 4))
def test_a_board_that_counts_what_changed_is_one_that_counts_everything(steps, every):
    with house() as home:
        home.assert_as_made_from_nothing()
        for number, step in enumerate(steps):
            home.do(step)
            if number % every == 0:
                home.assert_as_made_from_nothing()
        home.assert_as_made_from_nothing()


@pytest.mark.parametrize("looks", [False, True])
def test_edits_that_are_taken_back_between_two_looks_show(looks):
    def put_in_force(zone, without):
        found = files(without=without)
        campaign = replace(found.campaign, timezone=zone)
        home.engine.adopt(replace(found, campaign=campaign, fingerprint=f"{found.fingerprint} {zone}"))
        home.engine.accept_removals = True
        home.engine.bring_up_to_date(home.now)

    with running(files(), "2022-06-06 10:00") as engine:
        home = House(engine)
        here, there = home.engine.snapshot.campaign.timezone, "America/New_York"
        put_in_force(here, None)
        before = home.seen(home.board)
        # There it is still the day on which the table is due: one who leaves then owes it no more, nor who joins after.
        for zone, without in ((there, None), (there, "fuling"), (here, "fuling"), (here, None)):
            put_in_force(zone, without)
            if looks:
                home.seen(home.board)
        assert home.seen(home.board) != before
        home.assert_as_made_from_nothing()


def test_after_an_event_only_its_unit_is_read_again(monkeypatch):
    with house() as home:
        home.seen(home.board)
        read = []
        again = PackedLedger.again

        def watched(self, session, units):
            read.append(list(units))
            return again(self, session, read[-1])

        def refused(*_):
            raise AssertionError("the whole ledger was read")

        monkeypatch.setattr(PackedLedger, "again", watched)
        monkeypatch.setattr(StatusOverview, "read", refused)
        home.do(("submit", "2", "fuling", None))
        home.do(("extend", "3", "wanzhou", date(2022, 9, 1)))
        home.seen(home.board)
        assert [sorted(each) for each in read] == [["fuling", "wanzhou"]]


def test_after_very_many_events_everything_is_read_anew(monkeypatch):
    monkeypatch.setattr(board_lights, "MANY", 3)
    with house() as home:
        home.seen(home.board)
        for _ in range(5):
            home.do(("submit", "table-2@2022-06", "wanzhou", None))
        home.assert_as_made_from_nothing()


def test_whoever_looks_with_an_older_view_gets_the_newer_count_and_does_not_undo_it():
    with house() as home:
        home.seen(home.board)
        with home.database.reading() as session:
            kept = home.board._kept
            state, newer = kept[0]._replace(event=kept[0].event + 7), kept[1]
            home.board._kept = (state, newer)
            assert home.board.lights(session, home.engine.snapshot, home.now) is newer
            assert home.board._kept == (state, newer)


# PostgreSQL, where transactions overlap.


@pytest.fixture
def url():
    made = postgres.fresh()
    yield made
    postgres.drop(made)


def test_on_postgres_the_counts_are_the_same(url):
    with house(url) as home:
        home.seen(home.board)
        for step in (
            ("submit", "2", "fuling", None),
            ("extend", "3", "wanzhou", date(2022, 9, 1)),
            ("waive", "table-2@2022-06", "chengkou", None),
            ("edit", "fuling"),
            ("undo", "3", "wanzhou", None),
            ("edit", None),
        ):
            home.do(step)
            home.assert_as_made_from_nothing()


def test_on_postgres_an_event_can_be_seen_only_with_all_that_have_lower_numbers(url):
    """Two transactions that were opened without a turn, of which the second would be done first."""
    with house(url) as home:
        snapshot, now = home.engine.snapshot, home.now
        is_written, may_end = threading.Event(), threading.Event()

        def slow():
            with home.database.writing(alone=False) as session:
                record(session, snapshot, Event(now, "2", "wanzhou", EventKind.SUBMIT, who="slow"), now)
                is_written.set()
                may_end.wait(20)

        def quick():
            with home.database.writing(alone=False) as session:
                record(session, snapshot, Event(now, "2", "fuling", EventKind.SUBMIT, who="quick"), now)

        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(slow)
            assert is_written.wait(20)
            second = pool.submit(quick)
            with pytest.raises(TimeoutError):
                second.result(0.5)
            # Somebody looks while the one is unfinished and the other waits.
            home.assert_as_made_from_nothing()
            may_end.set()
            first.result(20)
            second.result(20)
        assert postgres.run(url, "SELECT who FROM event ORDER BY id") == [("slow",), ("quick",)]
        home.assert_as_made_from_nothing()


def test_on_postgres_no_look_between_many_writers_misses_an_event(url):
    with house(url) as home:
        done = threading.Event()

        def write(unit):
            for _ in range(15):
                home.engine.record(Event(home.now, "2", unit, EventKind.SUBMIT, count=1, who=unit))

        def look():
            while not done.is_set():
                with home.database.reading() as session:
                    home.board.lights(session, home.engine.snapshot, home.now)

        with ThreadPoolExecutor(5) as pool:
            looking = [pool.submit(look) for _ in range(2)]
            writing = [pool.submit(write, unit) for unit in UNITS]
            for each in writing:
                each.result(60)
            done.set()
            for each in looking:
                each.result(20)
        with home.database.reading() as session:
            assert len(session.execute(EVENT.select()).all()) == 45
        home.assert_as_made_from_nothing()
