"""The outbox with a post that does what it is told: claims, leases, fences, retries; nothing lost, nothing repeated."""

import asyncio
import threading
from collections import Counter, deque
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from tests.tools import quick_folder, wait_until
from tests.trust.replicas import Post as Server
from tests.world import at, definition, running, unit, world
from tracker.core.model import Contact, MailKind, Target
from tracker.core.policy import Settings
from tracker.errors import DatabaseError, UsageError
from tracker.ledger.agenda import set_planned_day
from tracker.mail.compose.render import Rendered
from tracker.mail.transport.opening import open_transport
from tracker.mail.transport.transport import Delivery, DeliveryOutcome
from tracker.outbox.queries import retry, stored_mails
from tracker.outbox.queue import LAST_MINUTE, LEASE, UNCERTAIN_ATTEMPTS, enqueue
from tracker.outbox.results import BACK_OFF, Result, record_results
from tracker.planning.claim import claim
from tracker.planning.plan import plan
from tracker.service import engine as engine_
from tracker.service.engine import CLAIM, RECORD
from tracker.service.sender import MailSender
from tracker.service.stopping import StoppableSender
from tracker.store.tables import MAIL, MailState

OPERATOR = Settings(operator=Contact("管理员", "operator@unit.example"))
BOTH = ("wanzhou", "fuling")
TABLE = definition("table-2", "2022年5月起，每月5日前", BOTH)
TASK = definition("5", "2022年6月底前", BOTH)
WANZHOU, FULING = "wanzhou@unit.example", "fuling@unit.example"

SENT, DEFERRED, FAILED, UNCERTAIN = MailState.SENT, MailState.DEFERRED, MailState.FAILED, MailState.UNCERTAIN

#: What the post may do with a mail: (does it take it?, what does it say?); None says nothing, for we are dead.
DEEDS = {
    "sent": (True, SENT),
    "deferred": (False, DEFERRED),
    "failed": (False, FAILED),
    "answer lost": (True, UNCERTAIN),
    "mail lost": (False, UNCERTAIN),
    "killed before": (False, None),
    "killed after": (True, None),
}


#: After these nobody knows whether it was taken.
UNSAID = ("answer lost", "mail lost", "killed before", "killed after")


class Killed(BaseException):
    """The process is gone: nothing after this runs, whatever it catches."""


class Post:
    """Does with each mail what ``deeds`` says next for its address (at last: sent), and remembers what it took."""

    def __init__(self, *deeds, **by_name):
        self.deeds = list(deeds)
        self.by_name = {name: list(told) for name, told in by_name.items()}
        self.taken = []
        #: How often a mail was taken and nobody was left to write that down.
        self.unrecorded: Counter[str] = Counter()

    def next_deed(self, claimed):
        name = claimed.mail.to.partition("@")[0]
        queue = self.by_name.get(name, self.deeds)
        if len(queue) > 1 or (queue and name in self.by_name):
            return queue.pop(0)
        return queue[0] if queue else "sent"

    async def send(self, mails, snapshot):
        taken_now = []
        for claimed in mails:
            deed = self.next_deed(claimed)
            takes, says = DEEDS[deed]
            if takes:
                taken_now.append(claimed.mail.to)
                self.taken.append(claimed)
            if says is None:
                self.unrecorded.update(taken_now)
                raise Killed
            yield Result(claimed, says, f"the post: {deed}", f"subject of {claimed.id}")

    async def close(self):
        pass

    def take(self):
        taken, self.taken = self.taken, []
        return [(claimed, "") for claimed in taken]


def alerting(post=None, count=1, **more):
    """An engine with so many alerts in the outbox: mails that go at any hour and are never superseded."""
    engine = running(world(settings=OPERATOR), "2022-05-05 22:00", sender=post or Post(), **more)

    class Opened:
        def __enter__(self):
            self.engine = engine.__enter__()
            for number in range(count):
                assert self.engine.engine.alert(f"test/{number}", "title", ["problem"])
            return self.engine

        def __exit__(self, *error):
            return engine.__exit__(*error)

    return Opened()


def receipts(engine, addresses):
    """Puts a receipt for each of ``addresses``, which are of a unit of their own, into the outbox."""
    snapshot, now = engine.engine.snapshot, engine.clock.now()
    units, written = dict(snapshot.campaign.units), []
    for address in addresses:
        name = address.casefold()
        units[name] = unit(name, address)
        written.append(
            {
                "key": f"receipt/{name}",
                "kind": MailKind.RECEIPT.value,
                "recipient": address,
                "name": units[name].contacts[0].name,
                "unit": name,
                "language": "zh",
                "day": snapshot.day(now),
                "content": "[]",
                "details": "{}",
            }
        )
    engine.engine.snapshot = replace(snapshot, campaign=replace(snapshot.campaign, units=units))
    with engine.database.writing() as session:
        enqueue(session, engine.engine.snapshot, written, now, 0)


def rows(engine, *columns):
    with engine.database.reading() as session:
        found = session.execute(select(*(MAIL.c[name] for name in columns)).order_by(MAIL.c.id)).all()
    return [row[0] if len(columns) == 1 else tuple(row) for row in found]


def states(engine):
    return Counter(rows(engine, "state"))


def take(engine, who="somebody", most=100, timezones=("Asia/Shanghai",)):
    with engine.database.writing() as session:
        return claim(session, engine.engine.snapshot, engine.clock.now(), who, most=most, timezones=timezones)


def tell(engine, results):
    with engine.database.writing() as session:
        return record_results(session, results, engine.clock.now())


def go_on(engine, by):
    engine.clock.set(engine.clock.now() + by)


def deliver(engine):
    """One delivery; dying in it is no excuse for the test."""
    try:
        return engine.engine.deliver(engine.clock.now())
    except Killed:
        return Counter()


# Into the outbox.


def test_planning_a_day_twice_writes_every_mail_once():
    with running(world(TABLE), "2022-05-05 10:00") as engine:
        engine.engine.bring_up_to_date(engine.clock.now())
        with engine.database.writing() as session:
            assert plan(session, engine.engine.snapshot, engine.clock.now()) == 2
            assert plan(session, engine.engine.snapshot, engine.clock.now()) == 0, "the day is marked"
        before = rows(engine, "key", "message_id")
        with engine.database.writing() as session:
            # Even if the mark were lost, as after the restore of half a backup.
            set_planned_day(session, "main", "Asia/Shanghai", date(2022, 5, 4))
            plan(session, engine.engine.snapshot, engine.clock.now())
        assert rows(engine, "key", "message_id") == before


def test_a_planning_that_breaks_off_leaves_nothing_and_is_done_again():
    with running(world(TABLE), "2022-05-05 10:00", sender=Post()) as engine:
        engine.engine.bring_up_to_date(engine.clock.now())

        def break_off():
            with engine.database.writing() as session:
                assert plan(session, engine.engine.snapshot, engine.clock.now()) == 2
                raise Killed

        with pytest.raises(Killed):
            break_off()
        assert rows(engine, "id") == []
        engine.engine.run_pass()
        assert states(engine) == {"sent": 2}


def test_a_key_that_is_there_already_is_passed_over():
    with alerting() as engine:
        assert engine.engine.alert("test/0", "another title", ["another problem"]) is False
        assert rows(engine, "key") == ["alert/test/0"]
        row: dict[str, object] = {
            "key": "alert/test/1",
            "kind": "alert",
            "recipient": "a@unit.example",
            "name": "a",
            "unit": None,
            "language": "zh",
            "day": date(2022, 5, 5),
            "content": "[]",
            "details": "{}",
        }
        with engine.database.writing() as session:
            again = {**row, "key": "alert/test/0"}
            assert enqueue(session, engine.engine.snapshot, [row, again], engine.clock.now(), 0) == 1


def test_the_message_id_says_what_the_mail_is_in_any_database():
    ids = []
    for _ in range(2):
        with running(world(TABLE, TASK), "2022-05-05 10:00") as engine:
            engine.engine.run_pass()
            ids.append(rows(engine, "key", "message_id"))
    assert ids[0] == ids[1]
    assert len({id_ for _, id_ in ids[0]}) == 2


# Claims.


def test_what_one_process_has_claimed_no_other_gets_until_the_lease_ends():
    with alerting(count=3) as engine:
        mine = take(engine, "one")
        assert [claimed.id for claimed in mine] == [1, 2, 3]
        assert take(engine, "other") == []
        go_on(engine, LEASE - timedelta(seconds=1))
        assert take(engine, "other") == []
        go_on(engine, timedelta(seconds=1))
        theirs = [one for _ in range(3) for one in take(engine, "other")]
        assert [claimed.id for claimed in theirs] == [1, 2, 3], "what is taken over is taken one by one"
        assert {(claimed.fence, claimed.lost) for claimed in theirs} == {(2, 1)}
        assert [claimed.message_id for claimed in theirs] == [claimed.message_id for claimed in mine]
        assert set(rows(engine, "claimed_by")) == {"other"}


def test_a_process_that_slept_past_its_lease_cannot_record_a_result():
    with alerting() as engine:
        (sleeper,) = take(engine, "sleeper")
        go_on(engine, LEASE)
        (other,) = take(engine, "other")
        assert tell(engine, [Result(sleeper, DEFERRED, "late")]) == 0
        assert rows(engine, "state") == ["claimed"]
        assert tell(engine, [Result(other, SENT, "taken")]) == 1
        assert tell(engine, [Result(sleeper, FAILED, "later still")]) == 0
        assert rows(engine, "state", "outcome") == [("sent", "taken")]


def test_claims_come_oldest_first_a_lot_at_a_time():
    with alerting(count=3) as engine:
        go_on(engine, timedelta(minutes=1))
        engine.engine.alert("test/last", "title", ["problem"])
        with engine.database.writing() as session:
            later = engine.clock.now() + timedelta(minutes=1)
            session.execute(update(MAIL).where(MAIL.c.id == 1).values(not_before=later))
        assert [claimed.id for claimed in take(engine, most=2)] == [2, 3]
        assert [claimed.id for claimed in take(engine, most=2)] == [4], "the first one's time has not come"
        go_on(engine, timedelta(minutes=1))
        assert [claimed.id for claimed in take(engine)] == [1]


def test_many_that_claim_at_once_get_every_mail_once():
    with quick_folder() as folder, alerting(count=300, url=f"sqlite:///{folder}/tracker.db") as engine:
        got: list[int] = []
        barrier = threading.Barrier(6)

        def work(name):
            barrier.wait()
            while found := take(engine, name, most=7):
                got.extend(claimed.id for claimed in found)

        threads = [threading.Thread(target=work, args=(f"worker {number}",)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(got) == list(range(1, 301))


# What became of them.


def test_a_mail_is_sent_once_with_its_subject_and_time_on_record():
    with alerting() as engine:
        assert deliver(engine) == {SENT: 1}
        assert deliver(engine) == {}
        assert rows(engine, "state", "attempts", "outcome", "subject", "lease_until") == [
            ("sent", 1, "the post: sent", "subject of 1", None)
        ]
        assert rows(engine, "sent_at") == [engine.clock.now()]
        assert len(engine.sender.taken) == 1


def test_what_is_deferred_is_tried_again_after_longer_and_longer_waits_and_fails_at_last():
    with alerting(Post("deferred")) as engine:
        for number, wait in enumerate(BACK_OFF, start=1):
            assert deliver(engine) == {DEFERRED: 1}
            ((state, attempts, not_before),) = rows(engine, "state", "attempts", "not_before")
            assert (state, attempts) == ("deferred", number)
            waited = not_before - engine.clock.now()
            assert 0.8 * wait <= waited <= 1.2 * wait
            engine.clock.set(not_before - timedelta(seconds=1))
            assert deliver(engine) == {}, "not before its time"
            engine.clock.set(not_before)
        deliver(engine)
        ((state, outcome),) = rows(engine, "state", "outcome")
        assert state == "failed"
        assert "given up after 9 attempts" in outcome
        go_on(engine, timedelta(days=30))
        assert deliver(engine) == {}


def test_mails_deferred_together_do_not_all_come_back_together():
    with alerting(Post("deferred"), count=40) as engine:
        deliver(engine)
        assert len(set(rows(engine, "not_before"))) > 20


def test_a_refusal_for_good_is_final_until_a_person_says_otherwise():
    with alerting(Post(operator=["failed"])) as engine:
        assert deliver(engine) == {FAILED: 1}
        go_on(engine, timedelta(days=2))
        assert deliver(engine) == {}
        with engine.database.writing() as session:
            assert retry(session, "main", None, engine.clock.now()) == 1
            with pytest.raises(UsageError, match="queued"):
                retry(session, "main", 1, engine.clock.now())
        assert deliver(engine) == {SENT: 1}
        with engine.database.writing() as session:
            assert retry(session, "main", None, engine.clock.now()) == 0
            with pytest.raises(UsageError, match="is sent"):
                retry(session, "main", 1, engine.clock.now())


def test_a_person_may_send_at_once_what_waits_for_another_attempt():
    with alerting(Post(operator=["deferred"])) as engine:
        deliver(engine)
        assert deliver(engine) == {}
        with engine.database.writing() as session:
            assert retry(session, "main", 1, engine.clock.now()) == 1
        assert deliver(engine) == {SENT: 1}


def test_an_answer_that_never_came_is_asked_for_again_so_often_and_no_more():
    with alerting(Post("answer lost")) as engine:
        for _ in range(UNCERTAIN_ATTEMPTS + 3):
            deliver(engine)
            go_on(engine, timedelta(days=2))
        copies = engine.sender.taken
        assert len(copies) == UNCERTAIN_ATTEMPTS
        assert len({copy.message_id for copy in copies}) == 1
        ((state, outcome),) = rows(engine, "state", "outcome")
        assert state == "failed"
        assert "without an answer" in outcome


def test_an_answer_lost_after_refusals_for_a_while_is_asked_for_again_too():
    waits = ["deferred"] * UNCERTAIN_ATTEMPTS
    with alerting(Post(operator=[*waits, "mail lost", "sent"])) as engine:
        for _ in range(len(waits) + 2):
            deliver(engine)
            go_on(engine, timedelta(days=2))
        assert rows(engine, "state") == ["sent"], "nobody had taken it yet"


def test_an_answer_that_comes_at_the_second_asking_settles_it():
    with alerting(Post(operator=["answer lost", "sent"])) as engine:
        deliver(engine)
        assert rows(engine, "state") == ["uncertain"]
        go_on(engine, timedelta(hours=1))
        deliver(engine)
        assert rows(engine, "state", "attempts") == [("sent", 2)]


# Death in the middle.


def test_killed_before_anything_was_sent_it_goes_once_the_lease_has_ended():
    with alerting(Post(operator=["killed before"])) as engine:
        deliver(engine)
        assert rows(engine, "state") == ["claimed"]
        assert deliver(engine) == {}
        go_on(engine, LEASE)
        assert deliver(engine) == {SENT: 1}
        assert len(engine.sender.taken) == 1


def test_killed_between_the_250_and_the_record_it_goes_once_more_as_the_same_mail():
    with alerting(Post(operator=["killed after"])) as engine:
        deliver(engine)
        go_on(engine, LEASE)
        deliver(engine)
        go_on(engine, timedelta(days=2))
        deliver(engine)
        first, second = engine.sender.taken
        assert first.message_id == second.message_id
        assert rows(engine, "state") == ["sent"]


def test_results_are_written_down_in_lots_so_that_death_costs_one_lot_at_most():
    count = 3 * RECORD
    after = RECORD + RECORD // 2
    with alerting(Post(operator=["sent"] * after + ["killed before"]), count=count) as engine:
        deliver(engine)
        assert states(engine) == {"sent": RECORD, "claimed": count - RECORD}
        go_on(engine, LEASE)
        deliver(engine)
        assert states(engine) == {"sent": count}
        copies = Counter(claimed.message_id for claimed in engine.sender.taken)
        assert len(copies) == count
        assert sum(copies.values()) - count == after - RECORD


def test_a_slow_servers_results_do_not_wait_for_a_lot(monkeypatch):
    monkeypatch.setattr(engine_, "RECORD_WITHIN", 0.0)
    with alerting(Post(operator=["sent"] * 20 + ["killed before"]), count=30) as engine:
        deliver(engine)
        assert states(engine) == {"sent": 20, "claimed": 10}


def test_what_was_sent_is_written_down_once_the_database_is_back(monkeypatch):
    monkeypatch.setattr(engine_, "AGAIN", (0.01,))
    with quick_folder() as folder, alerting(count=3, url=f"sqlite:///{folder}/tracker.db") as engine:
        away = iter([True, True, False, False])
        writing = engine.database.writing

        def now_and_then(*, alone=True):
            # The claim comes first, and is let through.
            if not alone and engine.sender.taken and next(away, False):
                raise DatabaseError("database_away", address="", cause="")
            return writing(alone=alone)

        monkeypatch.setattr(engine.database, "writing", now_and_then)
        engine.engine.run_pass()
        assert [claimed.mail.key for claimed in engine.sender.taken] == [f"alert/test/{n}" for n in range(3)]
        assert states(engine) == {"sent": 3}
        assert rows(engine, "attempts") == [1, 1, 1]


class Ahead(Post):
    """A server that has taken some more, at any moment, than its answers have been read for."""

    async def send(self, mails, snapshot):
        answers: deque[Result] = deque()
        for claimed in mails:
            if claimed.may_begin(at("2022-05-05")):
                claimed.hand.begins()
                self.taken.append(claimed)
                answers.append(Result(claimed, SENT, "250", "subject"))
            if len(answers) > 5:
                yield answers.popleft()
        for answer in answers:
            yield answer


def test_a_disk_that_is_full_for_longer_than_a_lease_costs_no_copy_and_is_told_at_once(monkeypatch):
    monkeypatch.setattr(engine_, "AGAIN", (0.01,))
    monkeypatch.setattr(engine_, "LEASE", timedelta())
    monkeypatch.setattr(engine_, "RECORD_WITHIN", 0.0)
    with quick_folder() as folder, alerting(Ahead(), 30, url=f"sqlite:///{folder}/tracker.db") as engine:
        writing, is_full = engine.database.writing, True

        def until_there_is_room(*, alone=True):
            if is_full and not alone and engine.sender.taken:
                raise DatabaseError("database_away", address="", cause="database or disk is full")
            return writing(alone=alone)

        monkeypatch.setattr(engine.database, "writing", until_there_is_room)
        assert engine.engine.untaken == 0
        with pytest.raises(DatabaseError):
            engine.engine.run_pass()
        assert len(engine.sender.taken) == 6, "no other is begun"
        assert engine.engine.untaken == 10
        is_full = False
        for minutes in (20, 40):
            engine.clock.set(at("2022-05-05 22:00") + timedelta(minutes=minutes))
            engine.engine.run_pass()
        assert engine.engine.untaken == 0
        assert Counter(each.mail.key for each in engine.sender.taken) == {
            f"alert/test/{n}": 1 for n in range(30)
        }
        assert states(engine) == {"sent": 30}
        assert set(rows(engine, "lost")) == {0}


def posting_to(server, folder):
    """A sender as the service has it, with four conversations."""
    transport = open_transport(f"smtp+plain://127.0.0.1:{server.port}", mailbox_dir=folder, connections=4)
    words: Any = Words()
    sender = MailSender(words, transport, read_clock=lambda: at("2022-05-05 22:00"))
    return StoppableSender(sender, threading.Event())


AWAY = OperationalError("UPDATE mail", {}, Exception("connection is bad"))


@pytest.mark.parametrize(
    "trouble", [DatabaseError("database_away", address="", cause=""), AWAY], ids=["in a sentence", "raw"]
)
def test_what_several_conversations_brought_while_the_database_was_lost_costs_no_copy(monkeypatch, trouble):
    monkeypatch.setattr(engine_, "LEASE", timedelta())
    monkeypatch.setattr(engine_, "RECORD_WITHIN", 0.0)
    monkeypatch.setattr(engine_, "FEW", 60)
    with quick_folder() as folder, Server() as server:
        post = posting_to(server, folder)
        with alerting(post, 0, url=f"sqlite:///{folder}/tracker.db") as engine:
            receipts(engine, [f"unit-{number}@unit.internal" for number in range(60)])
            is_away = True

            def between_the_250_and_the_commit():
                if is_away and server.accepted:
                    # Meanwhile the server says 250 to what the others have on their way.
                    wait_until(lambda: len(server.accepted) >= 12, 30)
                    raise trouble

            engine.database.before_writing = between_the_250_and_the_commit
            with pytest.raises(type(trouble)):
                engine.engine.run_pass()
            went = len(server.accepted)
            assert 12 <= went < 50, "no other is begun"
            assert engine.engine.untaken >= went
            is_away = False
            for minutes in (20, 40):
                engine.clock.set(at("2022-05-05 22:00") + timedelta(minutes=minutes))
                engine.engine.run_pass()
            assert engine.engine.untaken == 0
            assert states(engine) == {"sent": 60}
            assert set(rows(engine, "lost")) == {0}
            assert len(server.ids) == len(set(server.ids)) == 60


def test_a_delivery_that_is_given_up_sends_nothing_behind_anybodys_back(monkeypatch):
    with quick_folder() as folder, Server() as server:
        post = posting_to(server, folder)
        with alerting(post, 0, url=f"sqlite:///{folder}/tracker.db") as engine:
            receipts(engine, [f"unit-{number}@unit.internal" for number in range(60)])
            let_go, still_at_work = engine.engine._let_go, []

            async def looked_at(open_):
                still_at_work.append([str(task) for task in asyncio.all_tasks() if "smtp.py" in str(task)])
                await let_go(open_)

            def breaks(_written, _gone):
                raise ZeroDivisionError

            monkeypatch.setattr(engine.engine, "_let_go", looked_at)
            engine.engine.on_progress = breaks
            with pytest.raises(ZeroDivisionError):
                engine.engine.deliver(engine.clock.now())
            assert still_at_work == [[]]


def test_a_mail_whose_lease_is_about_to_end_is_left_to_the_next():
    with alerting(count=2) as engine:
        with engine.database.writing() as session:
            taken = claim(session, engine.engine.snapshot, engine.clock.now(), "a", most=2, timezones=[])
        now = engine.clock.now()
        late = now + LEASE - LAST_MINUTE
        assert [each.may_go(now) for each in taken] == [True, True]
        assert [each.may_go(late) for each in taken] == [False, False]
        times = iter([now, now, late])
        transport = Collecting()
        words: Any = Words()
        sender = MailSender(words, transport, read_clock=lambda: next(times))

        async def post():
            return [result async for result in sender.send(taken, engine.engine.snapshot)]

        told = asyncio.run(post())
        assert [result.claimed.id for result in told] == [taken[0].id]
        assert transport.taken == [taken[0].id]


class Words:
    def render(self, mail, enclosed=()):
        return Rendered("subject", "text", "<p>text</p>")


class Collecting:
    """Takes what may go."""

    def __init__(self):
        self.taken = []

    async def deliver(self, envelopes):
        for each in envelopes:
            if each.may_go():
                self.taken.append(each.id)
                yield Delivery(each.id, DeliveryOutcome.SENT, "250")

    async def check(self):
        return None

    async def close(self):
        pass


def test_a_mountain_of_mail_is_claimed_a_lot_at_a_time():
    with alerting(count=2 * CLAIM + 5) as engine:
        assert deliver(engine) == {SENT: 2 * CLAIM + 5}
        assert len(engine.sender.taken) == 2 * CLAIM + 5


@settings(max_examples=20)
@given(st.lists(st.lists(st.sampled_from(sorted(DEEDS)), max_size=5), min_size=1, max_size=4))
def test_whatever_the_post_does_nothing_is_lost_and_copies_are_the_same_mail(scripts):
    """Scored as Jepsen's total-queue does it."""
    deeds = {f"m{number}": list(script) for number, script in enumerate(scripts)}
    post = Post(**deeds)
    with running(world(), "2022-05-05 22:00", sender=post) as engine:
        receipts(engine, [f"m{number}@unit.example" for number in range(len(scripts))])
        while not set(states(engine)) <= {"sent", "failed"}:
            deliver(engine)
            go_on(engine, timedelta(days=2))
        taken = Counter(claimed.mail.to.partition("@")[0] for claimed in post.taken)
        ids = {claimed.mail.to: claimed.message_id for claimed in post.taken}
        for state, message_id, to in rows(engine, "state", "message_id", "recipient"):
            name = to.partition("@")[0]
            script = scripts[int(name[1:])]
            done = script[: len(script) - len(post.by_name[name])]
            if state == "sent":
                assert taken[name] >= 1, "lost"
            else:
                assert state == "failed"
                assert "failed" in done or sum(map(done.count, UNSAID)) >= UNCERTAIN_ATTEMPTS - 1
            assert taken[name] <= 1 + done.count("answer lost") + post.unrecorded[to], "repeated"
            assert ids.get(to, message_id) == message_id
        assert set(ids.values()) <= set(rows(engine, "message_id")), "unexpected"


# Digests that could not go on their day.


def test_three_days_without_a_mail_server_are_one_mail_with_how_things_stand():
    post = Post("deferred")
    with running(world(TABLE, TASK), "2022-05-04 08:00", sender=post) as engine:
        for day in ("2022-05-05", "2022-05-06", "2022-05-07"):
            for time in ("09:00", "09:30", "12:00", "20:00"):
                assert engine.pass_at(f"{day} {time}") == {}
        post.deeds = ["sent"]
        told = engine.pass_at("2022-05-09 09:00")
        assert sorted(told) == [FULING, WANZHOU]
        for items in told.values():
            refs = [ref for ref, _, _ in items]
            assert sorted(set(refs)) == sorted(refs), "each item once"
            assert ("table-2@2022-05", "overdue", -4) in items
        assert states(engine) == {"superseded": 6, "sent": 2} or states(engine) == {
            "superseded": 4,
            "sent": 2,
        }
        with engine.database.reading() as session:
            old = stored_mails(session, "main", state="superseded")
        assert all("told in the digest of 2022-05" in str(mail.outcome) for mail in old)
        assert engine.pass_at("2022-05-09 20:00") == {}


def test_what_was_due_on_the_day_without_a_server_is_told_as_late():
    post = Post("deferred")
    with running(world(definition("9", "2022年5月5日前", BOTH)), "2022-05-04 08:00", sender=post) as engine:
        engine.pass_at("2022-05-05 09:00")
        post.deeds = ["sent"]
        assert engine.pass_at("2022-05-06 09:00") == {
            WANZHOU: [("9", "overdue", -1)],
            FULING: [("9", "overdue", -1)],
        }


def test_what_a_pass_that_died_yesterday_had_in_hand_is_told_in_todays_one_mail():
    post = Post("killed before")
    with running(world(TABLE, TASK), "2022-05-04 08:00", sender=post) as engine:
        engine.clock.set(at("2022-05-05 09:00"))
        with pytest.raises(Killed):
            engine.engine.run_pass()
        post.deeds = ["sent"]
        engine.clock.set(at("2022-05-06 09:00"))
        engine.engine.run_pass()
        told = [(claimed.mail.to, [item.reason for item in claimed.mail.items]) for claimed in post.taken]
        assert sorted(told) == [(FULING, ["overdue", "opened"]), (WANZHOU, ["overdue", "opened"])]


def test_what_was_answered_while_the_server_was_away_is_not_told_any_more():
    post = Post("deferred")
    with running(world(TABLE, TASK), "2022-05-30 08:00", sender=post) as engine:
        engine.pass_at("2022-05-31 09:00")
        for period in ("05", "06"):
            engine.record("submit", f"table-2@2022-{period}", "wanzhou")
        for ref in ("table-2@2022-05", "table-2@2022-06", "5"):
            engine.record("submit", ref, "fuling")
        post.deeds = ["sent"]
        told = engine.pass_at("2022-06-01 09:00")
        assert [ref for ref, _, _ in told[WANZHOU]] == ["5"]
        assert FULING not in told


def test_a_mail_whose_items_are_all_answered_is_dropped_and_one_with_some_is_shortened():
    post = Post("deferred")
    with running(world(TABLE, TASK), "2022-05-30 08:00", sender=post) as engine:
        engine.pass_at("2022-05-31 09:00")
        engine.record("submit", "table-2@2022-05", "wanzhou")
        engine.record("waive", "table-2@2022-05", "fuling")
        engine.record("submit", "table-2@2022-06", "fuling")
        engine.record("pause", "5", "fuling")
        post.deeds = ["sent"]
        told = engine.pass_at("2022-05-31 10:00")
        assert list(told) == [WANZHOU]
        assert [ref for ref, _, _ in told[WANZHOU]] == ["table-2@2022-06", "5"]
        found = dict(rows(engine, "recipient", "state"))
        assert found == {WANZHOU: "sent", FULING: "dropped"}
        outcome = dict(rows(engine, "recipient", "outcome"))[FULING]
        assert outcome.endswith("asked any more when it was to go out: answered 1, waived 1, paused 1")


def test_what_is_opened_again_before_sending_is_told_after_all():
    post = Post("deferred")
    with running(world(TASK), "2022-05-30 08:00", sender=post) as engine:
        engine.pass_at("2022-05-31 09:00")
        engine.record("submit", "5", "wanzhou")
        engine.record("undo", "5", "wanzhou")
        post.deeds = ["sent"]
        assert set(engine.pass_at("2022-05-31 10:00")) == {WANZHOU, FULING}


def test_digests_wait_for_a_workday_and_alerts_do_not():
    post = Post("deferred")
    with running(world(TABLE, settings=OPERATOR), "2022-05-06 08:00", sender=post) as engine:
        # Deferred on a Saturday that is worked; the next day is a Sunday.
        engine.pass_at("2022-05-07 09:00")
        engine.engine.alert("test", "title", ["problem"])
        post.deeds = ["sent"]
        assert set(engine.pass_at("2022-05-08 12:00")) == {"operator@unit.example"}
        assert set(engine.pass_at("2022-05-09 08:59")) == set()
        assert set(engine.pass_at("2022-05-09 09:00")) == {WANZHOU, FULING}


def test_the_outbox_shows_the_newest_mails_and_those_of_a_state_or_unit():
    with running(world(TABLE, TASK), "2022-05-05 08:00", sender=Post()) as engine:
        engine.pass_at("2022-05-05 09:00")
        engine.pass_at("2022-05-06 09:00")
        with engine.database.reading() as session:
            every = stored_mails(session, "main")
            assert [mail.id for mail in every] == sorted(mail.id for mail in every)
            assert stored_mails(session, "main", limit=1) == every[-1:]
            assert [mail.mail.unit for mail in stored_mails(session, "main", unit="fuling")] == ["fuling"] * 2
            assert stored_mails(session, "main", state="failed") == []
            with pytest.raises(UsageError, match="expected one of queued"):
                stored_mails(session, "main", state="lost")


def test_a_mail_reads_the_same_before_and_after_it_was_stored():
    with running(
        world(TABLE, replace(TASK, target=Target(3, "案例", BOTH))), "2022-05-31 08:00", sender=Post()
    ) as engine:
        engine.record("submit", "5", "wanzhou", count=1)
        engine.clock.set(at("2022-05-31"))
        engine.engine.run_pass()
        with engine.database.reading() as session:
            stored = {mail.mail.to: mail.mail for mail in stored_mails(session, "main")}
        sent = {claimed.mail.to: claimed.mail for claimed in engine.sender.taken}
        assert stored == sent
        assert all(mail.at == at("2022-05-31") and mail.at.tzinfo is not None for mail in sent.values())


def test_what_is_older_than_its_life_ends_when_it_is_claimed_and_is_told_of():
    with running(world(settings=OPERATOR), "2022-05-05 08:00", sender=Post()) as engine:
        receipts(engine, ["a@unit.example", "b@unit.example"])
        with engine.database.writing() as session:
            began = {"state": DEFERRED.value, "cause": "us", "outcome": "550 5.7.1 relaying denied"}
            session.execute(update(MAIL).values(**began, ours_since=engine.clock.now()))
            last = update(MAIL).where(MAIL.c.recipient == "b@unit.example")
            session.execute(last.values(ours_since=engine.clock.now() + timedelta(days=1)))
        engine.pass_at("2022-05-10 09:00")
        found = {to: (state, outcome) for to, state, outcome in rows(engine, "recipient", "state", "outcome")}
        assert found["a@unit.example"] == ("failed", "550 5.7.1 relaying denied; given up after 5 days")
        assert found["b@unit.example"][0] == SENT.value
        assert found["operator@unit.example"][0] == "queued"
