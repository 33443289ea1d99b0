"""What acts goes by what is in force in the transaction in which it acts, whoever was overtaken just before."""

import threading
from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

import pytest
from sqlalchemy import event, select

from tests.integration.test_editions import EDITED, clock, machines  # noqa: F401 - fixtures
from tests.tools import CAMPAIGN
from tests.world import at, definition, running, world
from tracker.core.model import Contact, Event, EventKind, Unit
from tracker.daemon.scheduler import Service
from tracker.errors import OlderFilesError, OvertakenError
from tracker.ledger.beginning import Scope
from tracker.ledger.record import record
from tracker.ledger.record_once import answer_once
from tracker.ledger.settlement import SettledState, settle
from tracker.outbox.results import Result
from tracker.planning.claim import claim
from tracker.planning.reminders_now import remind_now
from tracker.service.engine import FEW, Engine
from tracker.service.simulation import CollectingSender
from tracker.store.tables import ASSIGNMENT, MAIL, MailState
from tracker.usecases import mailing, takeover

MANY = [f"u{number:02}" for number in range(FEW + 4)]


def offices(when, quota=None, *, keys=("5",)):
    """One task for many units, whose people are of ``when``."""
    people = [Unit(name, name, contacts=(Contact(name, f"{when}@{name}.example"),)) for name in MANY]
    more = {} if quota is None else {"quota": quota}
    return world(*(definition(key, "2022年6月底前", MANY, **more) for key in keys), units=people)


class Careful:
    """Sends one after the other what may still go, and calls ``then`` once, after so many."""

    def __init__(self, read_clock, after, then):
        self.read_clock, self.after, self.then = read_clock, after, then
        self.taken = []

    async def send(self, mails, snapshot):
        for claimed in mails:
            if claimed.may_begin(self.read_clock()):
                claimed.hand.begins()
                self.taken.append(claimed.mail)
                if len(self.taken) == self.after:
                    self.then()
                yield Result(claimed, MailState.SENT, "250")

    async def close(self):
        pass


def served(mails):
    return [mail.to.partition("@")[0] for mail in mails]


@pytest.fixture
def service():
    with running(offices("old"), "2022-04-11 08:00") as engine:
        engine.engine.bring_up_to_date(engine.clock.now())
        engine.clock.set(at("2022-04-11"))
        yield engine


def other_machine(service, snapshot):
    """Another one, whose edit comes into force now."""
    sender = CollectingSender(lambda mail: mail.key)
    other = Engine(service.database, snapshot, sender, read_clock=service.clock.now, who="other")
    other.bring_up_to_date(service.clock.now())
    return other


def test_what_is_in_hand_and_not_begun_goes_by_an_edit_of_this_moment(service):
    engine = service.engine
    edit = lambda: engine.adopt(offices("new"))  # noqa: E731
    engine.sender = sender = Careful(service.clock.now, 3, edit)
    report = engine.run_pass()
    assert served(sender.taken) == ["old"] * 3 + ["new"] * (len(MANY) - 3)
    assert report.delivered == {MailState.SENT: len(MANY)}
    with service.database.reading() as session:
        assert set(session.execute(select(MAIL.c.attempts).where(MAIL.c.state == "sent")).scalars()) == {1}


def test_a_pass_that_is_overtaken_elsewhere_goes_on_by_that_edit_and_claims_nothing_by_its_own(service):
    engine = service.engine
    engine.on_held = lambda *_: engine.adopt(offices("new"))
    edit = lambda: other_machine(service, offices("new"))  # noqa: E731
    engine.sender = sender = Careful(service.clock.now, 3, edit)
    engine.run_pass()
    assert served(sender.taken) == ["old"] * FEW + ["new"] * (len(MANY) - FEW)


def test_an_overtaken_process_that_cannot_read_the_edit_sends_nothing(service):
    engine = service.engine
    engine.sender = sender = Careful(service.clock.now, FEW, lambda: other_machine(service, offices("new")))
    with pytest.raises(OlderFilesError):
        engine.run_pass()
    assert served(sender.taken) == ["old"] * FEW
    with service.database.writing(alone=False) as session, pytest.raises(OvertakenError):
        claim(session, engine.snapshot, service.clock.now(), "x", most=9, timezones=engine.snapshot.timezones)


def test_an_edit_within_the_minute_of_planning_counts(service):
    both = offices("old", keys=("5", "6"))
    service.engine.adopt(both)
    service.engine.deliver = lambda *_, **__: {}
    service.engine.run_pass()
    del service.engine.deliver
    service.engine.accept_removals = True
    service.engine.adopt(offices("old"))
    service.clock.set(service.clock.now() + timedelta(seconds=20))
    service.engine.run_pass()
    assert {ref for items in service.told().values() for ref, *_ in items} == {"5"}


# --- what is written into the ledger ---


@contextmanager
def overtaken_before_writing(database, overtake):
    """Lets ``overtake`` happen once between a look at the ledger and the transaction that writes."""
    open_, todo = database.writing, [overtake]

    def writing(**how):
        if todo:
            todo.pop()()
        return open_(**how)

    database.writing = writing
    try:
        yield
    finally:
        del database.writing


def submit(ref="5", of="u00", **more):
    return Event(at("2022-04-11 10:00"), ref, of, EventKind.SUBMIT, who="t", via="link", **more)


@pytest.mark.parametrize("way", ["record", "record_each"])
def test_an_event_is_folded_by_what_is_in_force_when_it_is_written(service, way):
    engine = service.engine
    two, five = offices("old", 2), offices("old", 5)
    engine.adopt(two)
    engine.run_pass()
    engine.on_held = lambda *_: engine.adopt(five)
    with overtaken_before_writing(service.database, lambda: other_machine(service, five)):
        if way == "record":
            engine.record(submit(count=2))
        else:
            engine.record_each([submit(count=2)])
    with service.database.reading() as session:
        row = session.execute(select(ASSIGNMENT).where(ASSIGNMENT.c.unit == "u00")).one()
    assert (row.progress, row.quiet) == (2, False)


def test_nothing_is_written_by_files_that_are_overtaken(service):
    old, now = offices("old", 2), service.clock.now()
    service.engine.adopt(old)
    service.engine.run_pass()
    other_machine(service, offices("old", 5))
    with service.database.writing() as session:
        assert not answer_once(session, old, submit(count=2), now, seen=0)
        with pytest.raises(OvertakenError):
            record(session, old, submit(count=2), now)
        with pytest.raises(OvertakenError):
            remind_now(session, old, ["5"], None, now, asked_by="t")
        with pytest.raises(OvertakenError):
            settle(session, old, SettledState.WAIVE, now, scope=Scope(), who="t", via="cli")
    with pytest.raises(OlderFilesError):
        service.engine.record(submit(count=2))


def test_commands_and_pages_follow_an_edit_that_comes_before_they_write(machines):  # noqa: F811
    a, b = machines
    a.pass_()
    b.pass_()
    for edit, act in (
        (EDITED, lambda: mailing.remind_now(b.app, ["2"], None, who="t")),
        (CAMPAIGN, lambda: takeover.settle(b.app, SettledState.WAIVE, Scope(), who="t")),
    ):
        a.write(edit)
        a.app.engine.accept_removals = True
        a.app.reload()
        with overtaken_before_writing(b.app.database, a.pass_):
            act()
        assert b.knows == a.knows


# --- a running service ---


def test_an_edit_does_not_wait_until_a_pass_has_sent(machines):  # noqa: F811
    a, _ = machines
    goes_on, is_sending = threading.Event(), threading.Event()

    def wait():
        is_sending.set()
        assert goes_on.wait(10)

    service = Service(a.app, threading.Event())
    a.app.engine.sender = Careful(a.clock.now, 1, wait)
    a.clock.set(at("2022-05-09 09:00"))
    pass_ = threading.Thread(target=service.pass_)
    pass_.start()
    assert is_sending.wait(10)
    try:
        a.write(EDITED)
        service._reload()
        assert "3" in a.knows
        with a.app.database.reading() as session:
            assert "3" in session.execute(select(ASSIGNMENT.c.key)).scalars().all()
        # Nor does the next edit wait for what came of this one.
        a.write(CAMPAIGN)
        a.app.engine.accept_removals = True
        service._reload()
        assert "3" not in a.knows
    finally:
        goes_on.set()
        pass_.join()


@contextmanager
def transactions(database):
    """Lists the transactions that are opened, as ``reading`` and ``writing``."""
    opened = []

    def noted(kind):
        open_ = getattr(database, kind)

        def note(**how):
            opened.append(kind)
            return open_(**how)

        return note

    with patch.multiple(database, reading=noted("reading"), writing=noted("writing")):
        yield opened


def test_who_is_not_overtaken_opens_one_transaction(service):
    service.engine.run_pass()
    with transactions(service.database) as opened:
        service.engine.record(submit())
    assert opened == ["writing"]


def test_a_pass_with_nothing_to_do_is_one_look_of_few_statements(service):
    service.engine.run_pass()
    statements = []
    event.listen(service.database.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    with transactions(service.database) as opened:
        report = service.engine.run_pass()
    assert opened == ["reading"]
    assert len(statements) <= 5, statements
    assert report.next_at == at("2022-04-12")


def test_a_tick_of_a_service_with_nothing_to_do_looks_at_files_ledger_and_outbox_and_writes_nothing(
    machines,  # noqa: F811
):
    a, _ = machines
    service = Service(a.app, threading.Event())
    service._tick()
    with transactions(a.app.database) as opened:
        service._tick()
    assert opened == ["reading"] * 3
