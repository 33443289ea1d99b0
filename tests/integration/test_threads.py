"""What threads share answers several at once as it answers one: fresh each time, and with a switch at every turn.

``docs/design/threads.md`` lists these objects; each of them has a test here.
"""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest

from tests.web import AT, answer, office
from tests.world import definition, unit, world
from tracker.access.links import Links, Purpose
from tracker.clock import VirtualClock
from tracker.core.model import Mail, MailKind
from tracker.core.policy import Quiet
from tracker.core.workdays import Workdays
from tracker.dashboard.status_overview import Board, StatusFilter
from tracker.forms.read.sandboxed_reader import Reader
from tracker.mail.compose.render import Renderer
from tracker.mail.compose.samples import samples
from tracker.service.app import App
from tracker.service.enclosures import Enclosures
from tracker.service.engine import Engine
from tracker.service.simulation import CollectingSender
from tracker.shipped import shipped
from tracker.store.database import open_database
from tracker.web.base.access_policy import OneTimeKeys
from tracker.web.base.throttle import OF_ADDRESS, Throttle

THREADS = 4
UNITS = tuple(f"unit{n}" for n in range(30))


@pytest.fixture(autouse=True)
def restless():
    """Threads change places every ten microseconds."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def at_once(*works):
    """What each gives, all begun at the same moment."""
    line = threading.Barrier(len(works))

    def begin(work):
        line.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return [future.result() for future in [pool.submit(begin, work) for work in works]]


def answers_as_one(make, questions, trials):
    """A fresh thing, asked everything by four threads, each from another question on, says what one alone is told."""
    alone = make()
    expected = [question(alone) for question in questions]

    def ask(thing, number):
        first = number * len(questions) // THREADS
        order = [*range(first, len(questions)), *range(first)]
        given = {index: questions[index](thing) for index in order}
        return [given[index] for index in range(len(questions))]

    for _ in range(trials):
        thing = make()
        for given in at_once(*(partial(ask, thing, number) for number in range(THREADS))):
            assert given == expected


@pytest.mark.parametrize("quiet", [False, True])
def test_the_calendar(quiet):
    calendar = Workdays()
    if quiet:
        calendar = calendar.without(Quiet(weekdays=frozenset({5})))
    days = [date(2026, 1, 7) + timedelta(days=23 * n) for n in (0, 40, -60, 7, 90, -15, 60, 20)]
    questions = [
        *(lambda c, day=day: c.on_or_after(day) for day in days),
        *(lambda c, day=day: c.on_or_before(day) for day in days),
        *(lambda c, day=day: c.is_workday(day) for day in days),
        *(lambda c, day=day: c.after(day, 300) for day in days),
        *(lambda c, day=day: c.between(day, date(2027, 3, 1)) for day in days),
    ]

    answers_as_one(lambda: Workdays(quiet=calendar._quiet), questions, 40)


def a_world():
    reports = [definition(f"table-{n}", "2022年5月起，每月5日前", UNITS) for n in range(4)]
    tasks = [definition(str(n), f"2022年{n + 4}月底前", UNITS) for n in range(1, 6)]
    return world(*tasks, *reports, units=[unit(name) for name in UNITS])


def test_what_is_in_force():
    keys = list(a_world().campaign.definitions)
    questions: list[Any] = [
        *(lambda f, key=key: f.rules(f.definition(key)).policy for key in keys),
        *(
            lambda f, n=n: f.rules(f.definition(keys[n])).workdays.after(date(2022, 4 + n, 3), 9)
            for n in range(8)
        ),
        *(lambda f, n=n: f.people(date(2022, 4, 8) + timedelta(days=n)).of_unit for n in range(3)),
        *(
            lambda f, name=name: (f.unit_id(name), f.unit_position(name), f.zone_of(name))
            for name in UNITS[::5]
        ),
        *(lambda f, key=key: f.definition_fingerprint(f.definition(key)) for key in keys),
        lambda f: (f.timezones, f.longest_lead, f.superiors, str(f.zone)),
    ]
    answers_as_one(a_world, questions, 20)


def test_there_is_one_of_what_there_is_one_of(tmp_path):
    """Two engines would each believe that the ledger is theirs; two databases in memory are two ledgers."""
    for number in range(8):
        url = "sqlite://" if number % 2 else f"sqlite:///{tmp_path}/{number}.db"
        app = App(shipped("config"), database=url, environ={}, clock=VirtualClock(AT))
        engines = at_once(*[partial(getattr, app, "engine")] * THREADS)
        made = {id(each) for each in (*engines, app.engine)}
        assert len(made) == 1
        assert engines[0].database is app.database
        assert engines[0].snapshot is app.snapshot
        app.close()


def test_an_edit_that_comes_in_between_is_brought_into_the_ledger(monkeypatch):
    """While one thread brings the ledger up to date with the files of before, another puts new ones in force."""
    before = a_world()
    after = world(*before.campaign, definition("9", "2022年8月底前", UNITS), units=[unit(n) for n in UNITS])
    for _ in range(4):
        database = open_database("sqlite://")
        engine = Engine(
            database, before, CollectingSender(lambda mail: mail.key), read_clock=lambda: AT, who="t"
        )
        real, is_in, may_go_on = engine.database.writing, threading.Event(), threading.Event()

        def slow(real=real, is_in=is_in, may_go_on=may_go_on, **more):
            is_in.set()
            may_go_on.wait(10)
            return real(**more)

        monkeypatch.setattr(engine.database, "writing", slow)
        thread = threading.Thread(target=engine.bring_up_to_date, args=(AT,))
        thread.start()
        is_in.wait(10)
        engine.adopt(after)
        may_go_on.set()
        thread.join()
        monkeypatch.undo()
        engine.bring_up_to_date(AT)
        assert engine.is_reconciled_with(after)
        database.close()


def test_links():
    until = date(2022, 8, 1)
    refs = [f"{n}/list@2022-05" for n in range(12)]
    key = "k" * 40
    tokens = [
        Links("https://x.example", [key]).token(Purpose.ANSWER, ref, "wanzhou", "", until) for ref in refs
    ]
    questions = [
        *(lambda links, ref=ref: links.answer(ref, "wanzhou", "a@unit.example", until) for ref in refs),
        *(lambda links, token=token: links.read(token, Purpose.ANSWER, AT) for token in tokens),
    ]
    answers_as_one(lambda: Links("https://x.example", lambda: [key]), questions, 60)


def test_mails_as_they_read():
    snapshot = a_world()
    links = Links("https://x.example", ["k" * 40])
    mails: list[Mail] = [mail for language in ("zh", "en") for mail in samples(snapshot.campaign, language)]
    questions = [
        *(lambda renderer, mail=mail: renderer.render(mail) for mail in mails[::2]),
        *(lambda renderer, mail=mail: renderer.subject(mail) for mail in mails),
    ]
    answers_as_one(lambda: Renderer(snapshot.campaign, links=links), questions, 2)


def test_the_lights_of_the_board_and_what_is_enclosed(tmp_path):
    with office(tmp_path) as app:
        snapshot, now = app.snapshot, app.clock.now()
        months = [date(2022, month, 1) for month in (5, 6, 7)]
        questions = [
            lambda board: board.matrix(snapshot, StatusFilter(), now, page=1, size=20),
            *(
                lambda board, m=m: board.matrix(snapshot, StatusFilter(month=m), now, page=1, size=9)
                for m in months
            ),
            lambda board: board.matrix(snapshot, StatusFilter(units=("wanzhou",)), now, page=1, size=20),
        ]
        answers_as_one(lambda: Board(app.database), questions, 2)
        mails = [m for m in samples(snapshot.campaign, "zh") if m.kind is MailKind.DIGEST]
        calendars = [lambda made, mail=mail: made.dates_of(mail, snapshot) for mail in mails]
        answers_as_one(lambda: Enclosures(app.database), calendars, 8)


def test_whoever_guesses_passwords_gets_no_more_attempts_by_asking_at_once():
    for _ in range(20):
        throttle = Throttle()

        def guess(throttle, number):
            return sum(throttle.wait(f"name{number}{n}", "10.0.0.1", 0.0) == 0 for n in range(OF_ADDRESS))

        assert sum(at_once(*(partial(guess, throttle, n) for n in range(THREADS)))) == OF_ADDRESS


def test_a_key_of_the_first_entry_opens_once():
    for _ in range(100):
        keys = OneTimeKeys(timedelta(days=1))
        secret = keys.make("clerk", AT)
        assert sorted(at_once(*[partial(keys.use, secret, AT)] * THREADS), key=str) == [None] * 3 + ["clerk"]


def test_files_that_come_at_once_are_each_read_as_themselves():
    names = [f"{n}.csv" for n in range(THREADS)]
    with Reader() as reader:
        for given in [at_once(*(partial(reader.read, n, n.encode()) for n in names)) for _ in range(3)]:
            assert [book.sheets[0].cells[0, 0].value for book in given] == names


def test_an_event_and_a_look_at_the_board_at_once(tmp_path):
    """Whoever looks while others answer sees one state of the ledger, and at the end the last one."""
    with office(tmp_path) as app:
        board, snapshot, now = Board(app.database), app.snapshot, app.clock.now()
        units = list(snapshot.campaign.definitions["table-2"].units)[:8]

        def look():
            return [
                board.matrix(snapshot, StatusFilter(), now, page=1, size=5).all_lights.total()
                for _ in range(6)
            ]

        def submit():
            for each in units:
                answer(app, "table-2@2022-06", each)
            return []

        totals = {total for seen in at_once(submit, look, look, look) for total in seen}
        assert len(totals) == 1, "an answer changes a light and makes no assignment"
        counted = Board(app.database).matrix(snapshot, StatusFilter(), now, page=1, size=5)
        assert board.matrix(snapshot, StatusFilter(), now, page=1, size=5) == counted
