"""What the operator hears of mails that have failed, and what a person's word puts back into the queue."""

import json
from datetime import date, timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.exc import OperationalError

from tests.integration.test_outbox import (
    BOTH,
    FULING,
    OPERATOR,
    TABLE,
    TASK,
    WANZHOU,
    Killed,
    Post,
    alerting,
    deliver,
    go_on,
    rows,
    states,
)
from tests.world import at, definition, running, unit, world
from tracker.errors import DatabaseError
from tracker.mail.transport.replies import RefusalScope
from tracker.outbox.failed_mails import COLLECT, NAMED
from tracker.outbox.queries import retry, stored_mails
from tracker.outbox.queue import LEASE
from tracker.outbox.results import Result, record_results
from tracker.service import engine as module
from tracker.service.engine import FEW
from tracker.store.tables import MAIL, MailState

MANY = tuple(f"u{number}" for number in range(NAMED + 10))


def failing(units=BOTH, **more):
    snapshot = world(definition("5", "2022年6月底前", units), units=units, settings=OPERATOR)
    names = {name: ["failed"] * 100 for name in units}
    return running(snapshot, "2022-04-08 08:00", sender=Post(**names), **more)


def alerts(engine):
    found = rows(engine, "kind", "state", "details")
    return [(state, json.loads(details)) for kind, state, details in found if kind == "alert"]


def test_the_operator_hears_of_all_mails_that_failed_in_one():
    with failing() as engine:
        engine.pass_at("2022-04-08 09:00")
        ((state, alert),) = alerts(engine)
        assert state == "queued"
        assert alert["failed"] == 2
        assert [line.split()[1] for line in alert["problems"]] == [FULING, WANZHOU]
        go_on(engine, COLLECT[0])
        deliver(engine)
        assert [state for state, _ in alerts(engine)] == ["sent"]
        assert alert["title"] == "有邮件发送失败，不会再自动重发"


def test_a_server_that_refuses_everybody_is_one_alert_that_names_some_and_counts_the_rest():
    with failing(MANY) as engine:
        engine.pass_at("2022-04-08 09:00")
        ((_, alert),) = alerts(engine)
        assert alert["failed"] == len(MANY)
        assert len(alert["problems"]) == NAMED + 1
        assert alert["problems"][-1].startswith("另有10封")


def test_refusals_all_day_are_a_handful_of_alerts_and_each_mail_stands_in_one():
    with failing(MANY) as engine:
        engine.pass_at("2022-04-08 09:00")
        for turn in range(80):
            with engine.database.writing() as session:
                retry(session, "main", 1 + turn % 3, engine.clock.now())
            deliver(engine)
            go_on(engine, timedelta(minutes=7))
        go_on(engine, timedelta(days=1))
        deliver(engine)
        told = alerts(engine)
        assert 2 <= len(told) <= 5
        assert {state for state, _ in told} == {"sent"}
        assert sum(alert["failed"] for _, alert in told) == len(MANY) + 80


def test_an_alert_that_fails_is_no_news_for_another_alert():
    with alerting(Post("failed")) as engine:
        deliver(engine)
        assert states(engine) == {"failed": 1}


def test_what_gives_up_after_many_attempts_is_told_too_and_a_fenced_off_result_is_not():
    with failing() as engine:
        engine.pass_at("2022-04-08 08:30")
        engine.engine.bring_up_to_date(engine.clock.now())
        engine.sender.by_name = {name: ["killed before"] for name in BOTH}
        engine.clock.set(at("2022-04-08 09:00"))
        with pytest.raises(Killed):
            engine.engine.run_pass()
        sleeper = engine.engine._claim(())
        assert sleeper == []
        go_on(engine, LEASE)
        late = [each for _ in BOTH for each in engine.engine._claim(["Asia/Shanghai"])]
        go_on(engine, LEASE)
        assert sum(len(engine.engine._claim(["Asia/Shanghai"])) for _ in BOTH) == 2
        engine.engine._record([Result(each, MailState.FAILED, "late") for each in late])
        assert alerts(engine) == []


# By a person's word.


def test_all_failed_means_those_of_a_week_unless_a_day_is_named():
    with failing() as engine:
        engine.pass_at("2022-04-08 09:00")
        go_on(engine, timedelta(days=9))
        with engine.database.writing() as session:
            assert retry(session, "main", None, engine.clock.now()) == 0
            assert retry(session, "main", None, engine.clock.now(), since=date(2022, 4, 9)) == 0
            assert retry(session, "main", None, engine.clock.now(), since=date(2022, 4, 8)) == 2


@pytest.mark.parametrize("is_retried", [False, True])
def test_a_digest_of_an_earlier_day_does_not_go_as_it_was_but_stands_in_the_next_one(is_retried):
    with running(world(TABLE, TASK), "2022-05-04 08:00", sender=Post("failed")) as engine:
        engine.pass_at("2022-05-05 09:00")
        assert states(engine) == {"failed": 2}
        engine.sender.deeds = ["sent"]
        for each in BOTH:
            engine.record("submit", "table-2@2022-05", each, when="2022-05-05 12:00")
        engine.clock.set(at("2022-05-06 08:00"))
        if is_retried:
            with engine.database.writing() as session:
                assert retry(session, "main", None, engine.clock.now()) == 2
        assert engine.pass_at("2022-05-06 08:30") == {}
        told = engine.pass_at("2022-05-06 09:00")
        assert sorted(told) == [FULING, WANZHOU]
        assert told[WANZHOU] == [("5", "opened", 55)]
        assert states(engine) == {"superseded": 2, "sent": 2}


class Unknown(Post):
    """Nobody is there, or only those who are to get a mail of ``kinds``: the others get theirs."""

    def __init__(self, *kinds):
        super().__init__()
        self.kinds = kinds

    async def send(self, mails, snapshot):
        for claimed in mails:
            if self.kinds and claimed.mail.kind not in self.kinds:
                yield Result(claimed, MailState.SENT, "250 taken")
            else:
                yield Result(claimed, MailState.FAILED, "550 5.1.1", verdict=RefusalScope.RECIPIENT)


def test_who_is_known_not_to_be_there_is_not_written_to_again_and_whoever_takes_their_place_is():
    snapshot = world(TASK, units=(unit("wanzhou", "wrong@unit.example"), unit("fuling")))
    with running(snapshot, "2022-04-08 08:00", sender=Unknown()) as engine:
        assert engine.pass_at("2022-04-08 09:00") == {}
        assert engine.pass_at("2022-04-11 09:00") == {}
        assert states(engine) == {"failed": 2}
        engine.engine.sender = engine.sender = Post()
        engine.engine.adopt(world(TASK, units=BOTH))
        assert set(engine.pass_at("2022-04-12 09:00")) == {WANZHOU}


def test_who_is_said_not_to_be_there_is_told_what_they_missed_with_the_next_digest():
    soon = definition("6", "2022年5月20日前", BOTH)
    with running(world(TASK, soon, units=BOTH), "2022-04-08 08:00", sender=Unknown()) as engine:
        assert engine.pass_at("2022-04-08 09:00") == {}
        engine.engine.sender = engine.sender = Post()
        assert engine.pass_at("2022-04-11 09:00") == {}, "nothing is written for it alone"
        told = engine.pass_at("2022-04-20 09:00")
        assert told == {name: [("6", "lead", 30), ("5", "opened", 71)] for name in (WANZHOU, FULING)}
        assert states(engine) == {"superseded": 2, "sent": 2}
        assert engine.pass_at("2022-04-21 09:00") == {}


def test_a_roll_up_to_who_is_said_not_to_be_there_goes_with_the_next():
    with running(world(TABLE, units=(*BOTH, "city"), supervisor="city"), "2022-05-04 08:00") as engine:
        engine.pass_at("2022-05-05")
        engine.engine.sender = engine.sender = Unknown("rollup")
        engine.pass_at("2022-05-06 09:00")
        engine.engine.sender = engine.sender = Post()
        assert "rollup" not in sent_on(engine, "2022-05-07"), "nothing is written for it alone"
        assert "rollup" in sent_on(engine, "2022-05-09")
        *_, told = (
            details
            for kind, state, details in rows(engine, "kind", "state", "details")
            if (kind, state) == ("rollup", "sent")
        )
        assert json.loads(told)["deadlines"], "of the roll-up that nobody got"


def sent_on(engine, day):
    """The kinds of the mails that went out then."""
    before = set(rows(engine, "id", "kind", "state"))
    engine.pass_at(day)
    return {kind for id_, kind, state in set(rows(engine, "id", "kind", "state")) - before if state == "sent"}


def test_a_digest_whose_holder_slept_through_the_planning_is_told_the_day_after():
    with running(world(TASK), "2022-04-08 08:00", sender=Post("deferred")) as engine:
        engine.pass_at("2022-04-08 09:00")
        go_on(engine, timedelta(hours=2))
        assert len(engine.engine._claim(["Asia/Shanghai"])) == 2
        with engine.database.writing() as session:
            session.execute(update(MAIL).values(lease_until=at("2022-04-11 09:05")))
        engine.sender.deeds = ["sent"]
        assert engine.pass_at("2022-04-11 09:00") == {}, "somebody has it in hand"
        assert engine.pass_at("2022-04-11 10:00") == {}, "its day has passed"
        assert engine.pass_at("2022-04-12 09:00") == {
            name: [("5", "opened", 79)] for name in (WANZHOU, FULING)
        }


def test_a_mail_that_gave_up_for_lack_of_answers_may_lack_as_many_again_after_a_persons_word():
    with alerting(Post(operator=["answer lost"] * 3 + ["answer lost", "sent"])) as engine:
        for _ in range(3):
            deliver(engine)
            go_on(engine, timedelta(days=2))
        assert states(engine) == {"failed": 1}
        with engine.database.writing() as session:
            retry(session, "main", 1, engine.clock.now())
        deliver(engine)
        assert states(engine) == {"uncertain": 1}


# A database that is away.


def test_what_could_not_be_written_down_is_written_down_later_and_nothing_is_sent_twice(monkeypatch):
    with alerting(count=60) as engine:
        broken = True

        def record(session, results, now):
            if broken and results:
                raise OperationalError("UPDATE mail", {}, Exception("disk I/O error"))
            return record_results(session, results, now)

        monkeypatch.setattr(module, "record_results", record)
        for _ in range(3):
            with pytest.raises(DatabaseError):
                deliver(engine)
        assert states(engine) == {"claimed": FEW, "queued": 60 - FEW}
        broken = False
        deliver(engine)
        assert states(engine)["sent"] >= 50
        go_on(engine, LEASE)
        deliver(engine)
        assert states(engine) == {"sent": 60}
        assert len({claimed.id for claimed in engine.sender.taken}) == len(engine.sender.taken)


def test_what_is_written_down_late_does_not_count_against_who_took_over(monkeypatch):
    with alerting() as engine:
        (mine,) = engine.engine._claim(())
        engine.engine._untold.append(Result(mine, MailState.FAILED, "late"))
        go_on(engine, LEASE)
        (theirs,) = engine.engine._claim(())
        engine.engine._record([])
        assert states(engine) == {"claimed": 1}
        engine.engine._record([Result(theirs, MailState.SENT, "taken")])
        engine.engine._record([Result(theirs, MailState.FAILED, "told twice")])
        assert states(engine) == {"sent": 1}


def test_each_unit_hears_by_itself_again_once_its_address_is_mended():
    snapshot = world(TASK, units=(unit("wanzhou", "wrong@unit.example"), unit("fuling")))
    with running(snapshot, "2022-04-08 08:00", sender=Post(wrong=["failed"])) as engine:
        assert set(engine.pass_at("2022-04-08 09:00")) == {FULING}
        engine.engine.adopt(world(TASK, units=BOTH))
        with engine.database.writing() as session:
            retry(session, "main", None, engine.clock.now())
        assert set(engine.pass_at("2022-04-11 09:00")) == {WANZHOU}


@pytest.mark.parametrize("until", ["2022-04-08 09:05", "2022-04-11"], ids=["claimed", "told anew"])
@pytest.mark.parametrize(
    "spoilt",
    [
        {"content": "{broken"},
        {"content": '[["5","wanzhou"]]'},
        {"content": '[["5@x","wanzhou","lead",null,0]]'},
        {"content": '{"a": 1}'},
        {"details": "[1,2]"},
        {"details": "{"},
    ],
    ids=str,
)
def test_a_mail_that_cannot_be_read_stops_no_other(spoilt, until):
    snapshot = world(TASK, settings=OPERATOR)
    with running(snapshot, "2022-04-08 08:00", sender=Post()) as engine:
        engine.sender.deeds = ["deferred", "deferred", "sent"]
        engine.pass_at("2022-04-08")
        with engine.database.writing() as session:
            session.execute(update(MAIL).where(MAIL.c.recipient == WANZHOU).values(**spoilt))
        assert FULING in engine.pass_at(until)
        engine.pass_at("2022-04-11 10:00")
        with engine.database.reading() as session:
            listed = stored_mails(session, snapshot.campaign.id)
        (mail,) = (mail for mail in listed if mail.mail.to == WANZHOU)
        assert (mail.outcome or "").startswith("set aside: what is kept of it cannot be read")
        ((_, alert),) = alerts(engine)
        assert "无法读取" in alert["problems"][0]
