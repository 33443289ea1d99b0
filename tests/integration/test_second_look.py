"""Mail that waits while people, zones and dates move: it goes to whoever gets it now, and is never lost or silent."""

import json
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import insert, select, update

from tests.world import at, definition, running, unit, world
from tracker.core.model import Contact, StandIn, Unit
from tracker.core.policy import Policies, Quiet, Rate, Settings, built_in
from tracker.i18n.recognised import said_in
from tracker.ledger.requests import Decision, NewRequest, RequestKind, answer_request, ask, send_link
from tracker.outbox.queue import LEASE, enqueue
from tracker.outbox.results import Result
from tracker.planning.claim import claim
from tracker.planning.reminders_now import remind_now
from tracker.planning.restated import DECIDED
from tracker.store.tables import ASSIGNMENT, EVENT, MAIL, MailState

BOTH = ("wanzhou", "fuling")
TABLE = definition("table-2", "2022年5月起，每月5日前", BOTH)
TASK = definition("5", "2022年6月底前", BOTH)
ADMIN = Contact("管理员", "operator@unit.example")
OPERATOR = Settings(operator=ADMIN)
CITY = unit("city")
OLD, NEW = Contact("张", "old@unit.example"), Contact("李", "new@unit.example", "en")
MAY = "table-2@2022-05"


class Server:
    """Says "later" while ``is_away``; remembers what it took."""

    def __init__(self):
        self.is_away = True
        self.taken = []

    async def send(self, mails, snapshot):
        for claimed in mails:
            if not self.is_away:
                self.taken.append(claimed.mail)
            yield Result(claimed, MailState.DEFERRED if self.is_away else MailState.SENT, "451 later")

    async def close(self):
        pass

    def take(self):
        """What it took but roll-ups, by recipient."""
        taken, self.taken = self.taken, []
        return {mail.to: mail for mail in taken if mail.kind != "rollup"}


def wanzhou(*contacts, **more):
    return Unit("wanzhou", "万州区应急管理局", contacts=contacts, **more)


def files(*contacts, definitions=(TABLE, TASK), settings=OPERATOR, **more):
    units = (CITY, wanzhou(*contacts, **more), unit("fuling"))
    return world(*definitions, units=units, supervisor="city", settings=settings)


class Waiting:
    """A service whose server is away until ``then``, when other files are in force."""

    def __init__(self, engine):
        self.engine = engine
        self.server = engine.sender

    def morning(self, day="2022-05-05"):
        self.engine.clock.set(at(f"{day} 09:00"))
        self.engine.engine.run_pass()

    def pass_at(self, when):
        self.engine.clock.set(at(when))
        self.engine.engine.run_pass()
        return self.server.take()

    def states(self, to):
        with self.engine.database.reading() as session:
            query = select(MAIL.c.state).where(MAIL.c.recipient == to, MAIL.c.kind == "digest")
            return list(session.execute(query.order_by(MAIL.c.id)).scalars())


@pytest.fixture
def waiting():
    with running(files(OLD), "2022-05-05 08:00", sender=Server()) as engine:
        yield Waiting(engine)


def then(waiting, snapshot, when="2022-05-05 14:00"):
    waiting.server.is_away = False
    waiting.engine.engine.adopt(snapshot)
    return waiting.pass_at(when)


def refs(mail):
    return [(item.ref, item.unit, item.reason.value) for item in mail.items]


def stand_in(last):
    return replace(OLD, stand_ins=(StandIn("李", "new@unit.example", date(2022, 5, 1), last),))


@pytest.mark.parametrize(
    "contacts",
    [
        pytest.param((replace(OLD, email="new@unit.example"),), id="address changed"),
        pytest.param((NEW,), id="person replaced"),
        pytest.param((NEW, Contact("王", "wang@unit.example")), id="two in one's place"),
        pytest.param((stand_in(date(2022, 5, 9)),), id="a stand-in's days begin"),
    ],
)
def test_a_waiting_digest_goes_to_who_is_there_now(waiting, contacts):
    waiting.morning()
    told = then(waiting, files(*contacts))
    new = told["new@unit.example"]
    assert (MAY, "wanzhou", "due_today") in refs(new)
    assert new.name == ("张" if contacts[0].name == "张" and not contacts[0].stand_ins else "李")
    assert set(told) >= {"fuling@unit.example", *(each.email for each in contacts if not each.stand_ins)}
    assert OLD.email not in told
    assert waiting.states(OLD.email) == ["superseded"]
    # And nothing more comes for anybody.
    assert waiting.pass_at("2022-05-05 15:00") == {}


def test_a_stand_in_whose_days_are_over_gets_nothing_more():
    with running(files(stand_in(date(2022, 5, 6))), "2022-05-05 08:00", sender=Server()) as engine:
        waiting = Waiting(engine)
        waiting.morning()
        # The days end by themselves, and the mail is a day old as well.
        waiting.server.is_away = False
        told = waiting.pass_at("2022-05-06 09:00")
        assert set(told) == {OLD.email, "fuling@unit.example"}
        assert (MAY, "wanzhou", "overdue") in refs(told[OLD.email])


def test_what_is_gone_from_one_of_two_is_not_told_twice_to_the_other(waiting):
    waiting.engine.engine.adopt(files(OLD, NEW))
    waiting.morning()
    told = then(waiting, files(NEW))
    assert set(told) == {NEW.email, "fuling@unit.example"}
    assert refs(told[NEW.email]).count((MAY, "wanzhou", "due_today")) == 1
    assert waiting.pass_at("2022-05-06 09:00").keys() == {NEW.email, "fuling@unit.example"}


def test_name_language_copy_and_stand_in_are_as_they_are_when_it_leaves(waiting):
    waiting.engine.engine.adopt(files(OLD, NEW))
    waiting.morning()
    told = then(waiting, files(replace(OLD, name="张敏", language="en", role="cc"), NEW))
    mail = told[OLD.email]
    assert (mail.name, mail.language, mail.details["cc"]) == ("张敏", "en", True)
    assert "cc" not in told[NEW.email].details


def test_who_had_a_digest_today_hears_with_the_next(waiting):
    """N answers for fuling, and has had that digest when wanzhou becomes theirs as well."""
    engine = waiting.engine
    units = (CITY, wanzhou(OLD), unit("fuling", NEW.email))
    engine.engine.adopt(world(TABLE, TASK, units=units, supervisor="city", settings=OPERATOR))

    class Partly(Server):
        async def send(self, mails, snapshot):
            for claimed in mails:
                is_taken = not self.is_away or claimed.mail.to == NEW.email
                if is_taken:
                    self.taken.append(claimed.mail)
                yield Result(claimed, MailState.SENT if is_taken else MailState.DEFERRED, "451")

    waiting.server = engine.engine.sender = engine.sender = Partly()
    waiting.morning()
    assert set(waiting.server.take()) == {NEW.email}
    units = (CITY, wanzhou(NEW), unit("fuling", NEW.email))
    told = then(waiting, world(TABLE, TASK, units=units, supervisor="city", settings=OPERATOR))
    assert told == {}
    told = waiting.pass_at("2022-05-06 09:00")
    assert {(MAY, "wanzhou", "overdue"), (MAY, "fuling", "overdue")} <= set(refs(told[NEW.email]))
    assert OLD.email not in told


def test_who_has_a_digest_that_still_waits_gets_it_all_in_one(waiting):
    engine = waiting.engine
    units = (CITY, wanzhou(OLD), unit("fuling", NEW.email))
    engine.engine.adopt(world(TABLE, TASK, units=units, supervisor="city", settings=OPERATOR))
    waiting.morning()
    units = (CITY, wanzhou(NEW), unit("fuling", NEW.email))
    told = then(waiting, world(TABLE, TASK, units=units, supervisor="city", settings=OPERATOR))
    assert set(told) == {NEW.email}
    assert {(MAY, "wanzhou", "due_today"), (MAY, "fuling", "due_today")} <= set(refs(told[NEW.email]))
    assert waiting.states(NEW.email) == ["sent"]


def test_what_a_dead_process_had_in_hand_is_looked_at_like_any_other(waiting):
    waiting.engine.clock.set(at("2022-05-05 08:59"))
    waiting.morning()
    with waiting.engine.database.writing() as session:
        waiting.engine.clock.set(at("2022-05-05 10:00"))
        snapshot = waiting.engine.engine.snapshot
        taken = claim(
            session, snapshot, at("2022-05-05 10:00"), "dead", most=100, timezones=snapshot.timezones
        )
    assert OLD.email in {each.mail.to for each in taken}
    assert timedelta(hours=1) > LEASE
    told = then(waiting, files(NEW), "2022-05-05 11:00")
    assert NEW.email in told
    assert OLD.email not in told


def test_a_change_that_is_taken_back_ends_where_it_began(waiting):
    waiting.morning()
    waiting.engine.engine.adopt(files(NEW))
    waiting.pass_at("2022-05-05 09:30")
    told = then(waiting, files(OLD))
    assert set(told) == {OLD.email, "fuling@unit.example"}
    assert (MAY, "wanzhou", "due_today") in refs(told[OLD.email])
    assert waiting.states(NEW.email) == ["superseded"]


def test_where_nobody_is_left_the_operator_hears_and_nothing_is_lost(waiting):
    waiting.morning()
    told = then(waiting, files())
    assert OLD.email not in told
    assert "万州" in json.dumps(told[ADMIN.email].details, ensure_ascii=False)
    # Nobody is there the next day either; once is enough.
    told = waiting.pass_at("2022-05-06 09:00")
    assert ADMIN.email not in told
    # A week later somebody is: what was kept is told as it stands by then.
    told = then(waiting, files(NEW), "2022-05-12 09:00")
    assert (MAY, "wanzhou", "overdue") in refs(told[NEW.email])
    assert waiting.states(OLD.email) == ["superseded"]


def test_without_an_operator_the_supervisor_hears_of_it(waiting):
    waiting.morning()
    told = then(waiting, files(settings=Settings()))
    assert "万州" in json.dumps(told["city@unit.example"].details, ensure_ascii=False)


def test_planning_for_a_unit_that_has_nobody_any_more_is_told_too():
    with running(files(OLD), "2022-05-04 08:00") as engine:
        assert OLD.email in engine.pass_at("2022-05-05 09:00", at_once=True)
        engine.engine.adopt(files())
        told = engine.pass_at("2022-05-06 09:00")
        assert ADMIN.email in told
        assert ADMIN.email not in engine.pass_at("2022-05-09 09:00")


def test_of_a_unit_that_never_had_anybody_check_warns_and_nothing_is_sent():
    with running(files(), "2022-05-05 08:00") as engine:
        assert ADMIN.email not in engine.pass_at("2022-05-05 09:00")


def moved_city(*contacts):
    units = (Unit("city", "市考试中心", contacts=contacts), wanzhou(OLD), unit("fuling"))
    return world(TABLE, TASK, units=units, supervisor="city", settings=OPERATOR)


def test_a_waiting_roll_up_goes_to_the_supervisors_people_of_now(waiting):
    waiting.morning()
    waiting.morning("2022-05-06")
    waiting.server.is_away = False
    waiting.engine.engine.adopt(moved_city(NEW))
    waiting.engine.clock.set(at("2022-05-06 10:00"))
    waiting.engine.engine.run_pass()
    found = [mail for mail in waiting.server.taken if mail.kind == "rollup"]
    assert {(mail.to, mail.language) for mail in found} == {(NEW.email, "en")}
    assert MAY in {item.ref for mail in found for item in mail.items}


WISH = NewRequest(MAY, "wanzhou", RequestKind.EXTEND, "请求延期", "张", OLD.email, date(2022, 5, 20))


def test_what_a_unit_asks_for_goes_to_who_decides_now(waiting):
    waiting.morning()
    snapshot = waiting.engine.engine.snapshot
    with waiting.engine.database.writing() as session:
        ask(session, snapshot, WISH, at("2022-05-05 10:00"))
    waiting.pass_at("2022-05-05 10:00")
    told = then(waiting, moved_city(NEW))
    assert told[NEW.email].details["request"]["phase"] == "asked"
    assert "city@unit.example" not in told


@pytest.mark.parametrize("how", ["declined", "replaced", "met"])
def test_what_a_unit_asked_for_is_not_told_once_it_is_decided_or_asked_anew(waiting, how):
    waiting.morning()
    waiting.server.take()
    snapshot = waiting.engine.engine.snapshot
    with waiting.engine.database.writing() as session:
        first = ask(session, snapshot, WISH, at("2022-05-05 10:00"))
    waiting.pass_at("2022-05-05 10:01")
    with waiting.engine.database.writing() as session:
        if how == "declined":
            answer_request(session, snapshot, first.id, Decision.DECLINED, "王", now=at("2022-05-05 10:02"))
        elif how == "replaced":
            later = replace(WISH, wanted_until=date(2022, 5, 25))
            second = ask(session, snapshot, later, at("2022-05-05 10:02"))
    if how == "met":
        until = {"until": date(2022, 5, 31), "reason": "x"}
        waiting.engine.record("extend", MAY, when="2022-05-05 10:02", **until)
    waiting.server.is_away = False
    waiting.engine.clock.set(at("2022-05-05 16:00"))
    waiting.engine.engine.run_pass()
    asked = [
        mail.details["request"]["number"]
        for mail in waiting.server.taken
        if mail.details.get("request", {}).get("phase") == "asked"
    ]
    assert asked == ([second.id] if how == "replaced" else [])
    with waiting.engine.database.reading() as session:
        (row,) = session.execute(select(MAIL).where(MAIL.c.key.contains(f"/request/{first.id}/asked/"))).all()
    assert (row.state, row.outcome) == ("dropped", str(DECIDED))
    assert said_in(row.outcome, "zh") == "所提申请在发出前已答复或已由新的申请取代"


def test_of_what_was_gathered_only_what_still_waits_is_told(waiting):
    waiting.morning()
    snapshot = waiting.engine.engine.snapshot
    one = replace(snapshot, settings=replace(snapshot.settings, prompted=Rate(1, timedelta(hours=1))))
    with waiting.engine.database.writing() as session:
        made = [
            ask(
                session,
                one,
                replace(WISH, kind=RequestKind.SAY, text=text, wanted_until=None),
                at("2022-05-05 10:00"),
            )
            for text in ("一", "二", "三", "四")
        ]
        for each in made[2:]:
            answer_request(session, one, each.id, Decision.READ, "王", now=at("2022-05-05 10:02"))
    waiting.server.is_away = False
    waiting.engine.clock.set(at("2022-05-05 12:00"))
    waiting.engine.engine.run_pass()
    (gathered,) = (mail.details for mail in waiting.server.taken if "gathered" in mail.details)
    assert ([each["text"] for each in gathered["requests"]], gathered["gathered"]) == (["二"], 1)


def test_the_answer_goes_to_the_units_people_of_now(waiting):
    waiting.morning()
    snapshot = waiting.engine.engine.snapshot
    with waiting.engine.database.writing() as session:
        found = ask(session, snapshot, WISH, at("2022-05-05 10:00"))
        answer_request(session, snapshot, found.id, Decision.DECLINED, "zhang", now=at("2022-05-05 10:01"))
    waiting.pass_at("2022-05-05 10:02")
    waiting.server.is_away = False
    waiting.engine.engine.adopt(files(NEW))
    waiting.engine.clock.set(at("2022-05-05 20:00"))
    waiting.engine.engine.run_pass()
    assert {mail.to for mail in waiting.server.taken if "declined" in str(mail.details)} == {NEW.email}


def test_a_reminder_at_a_persons_word_goes_to_who_is_there(waiting):
    waiting.server.is_away = False
    waiting.morning()
    waiting.server.take()
    waiting.server.is_away = True
    snapshot = waiting.engine.engine.snapshot
    with waiting.engine.database.writing() as session:
        at_ten = at("2022-05-05 10:00")
        remind_now(session, snapshot, [MAY], ["wanzhou"], at_ten, asked_by="zhang", again=True)
    waiting.pass_at("2022-05-05 10:06")
    told = then(waiting, files(NEW))
    assert refs(told[NEW.email]) == [(MAY, "wanzhou", "due_today")]
    assert told[NEW.email].details["asked_by"] == "zhang"
    assert OLD.email not in told


def test_an_alert_goes_to_the_operator_of_now(waiting):
    waiting.engine.engine.alert("test/1", "title", ["problem"])
    waiting.pass_at("2022-05-05 08:30")
    told = then(waiting, files(OLD, settings=Settings(operator=NEW)), "2022-05-05 08:50")
    assert (told[NEW.email].kind, told[NEW.email].language) == ("alert", "en")
    assert set(told) == {NEW.email}


def test_an_item_whose_date_has_moved_is_said_as_it_stands(waiting):
    waiting.morning()
    waiting.engine.record("extend", MAY, "wanzhou", when="2022-05-05 10:00", until=date(2022, 5, 20))
    told = then(waiting, files(OLD))
    item = next(item for item in told[OLD.email].items if item.ref == MAY)
    assert (item.reason, item.due, item.days_left) == ("lead", date(2022, 5, 20), 15)


@pytest.mark.parametrize("before", ["America/New_York", "Pacific/Kiritimati", "Europe/Berlin"])
@pytest.mark.parametrize("when", ["2022-05-05 14:00", "2022-05-06 10:00", "2022-05-09 09:30"])
def test_no_edit_of_zones_strands_a_mail(before, when):
    """The campaign's zone is corrected while digests wait."""
    right = files(OLD)
    wrong = replace(right, campaign=replace(right.campaign, timezone=before), fingerprint="wrong")
    with running(wrong, "2022-05-05 00:30", sender=Server()) as engine:
        waiting = Waiting(engine)
        for hour in range(1, 14):
            waiting.pass_at(f"2022-05-05 {hour:02}:00")
        waiting.server.is_away = False
        waiting.engine.engine.adopt(right)
        told = waiting.pass_at(when)
        if OLD.email not in told:
            told = waiting.pass_at("2022-05-09 09:30")
        assert any(ref == MAY and of == "wanzhou" for ref, of, _ in refs(told[OLD.email]))
        waiting.pass_at("2022-05-10 10:00")
        with engine.database.reading() as session:
            left = session.execute(
                select(MAIL.c.key).where(MAIL.c.state.in_(("queued", "deferred", "claimed")))
            )
            assert left.all() == []


def test_one_persons_zone_moves_while_their_digest_waits(waiting):
    waiting.morning()
    # It is 02:00 in New York: nobody there is mailed before nine.
    told = then(waiting, files(OLD, timezone="America/New_York"))
    assert OLD.email not in told
    told = waiting.pass_at("2022-05-05 21:30")
    assert (MAY, "wanzhou", "due_today") in refs(told[OLD.email])


def ledger_of(session, number):
    """So many answered cells with an event each, written at once."""
    day = date(2022, 5, 5)
    row = {"period": "", "opens": day, "due": day, "effective_due": day, "grace_until": day, "agenda_id": 1}
    cells = [
        {**row, "key": f"x{n}", "unit": "fuling", "quiet": True, "answered": "submitted"}
        for n in range(number)
    ]
    session.execute(insert(ASSIGNMENT), cells)
    moment = at("2022-05-04")
    event = {"assignment_id": 1, "unit": "fuling", "at": moment, "recorded_at": moment, "event": "submit"}
    session.execute(insert(EVENT), [{**event, "ref": f"x{n}"} for n in range(number)])


def test_an_alert_goes_out_of_a_ledger_with_many_answers(store):
    """What waits and has no items has nothing to look up, however many answers there are."""
    number = 100_000 if store == "sqlite" else 20_000
    with running(files(OLD), "2022-05-05 07:00", sender=Server()) as engine:
        engine.engine.bring_up_to_date(engine.clock.now())
        with engine.database.writing() as session:
            ledger_of(session, number)
        waiting = Waiting(engine)
        engine.engine.alert("test/1", "title", ["problem"])
        waiting.server.is_away = False
        told = waiting.pass_at("2022-05-05 09:00")
        assert set(told) == {"operator@unit.example", OLD.email, "fuling@unit.example"}


def test_a_mountain_of_stale_digests_is_told_again(store):
    number = 70_000 if store == "sqlite" else 20_000
    snapshot = files(OLD)
    with running(snapshot, "2022-05-04 07:00", sender=Server()) as engine:
        engine.engine.bring_up_to_date(engine.clock.now())
        content = json.dumps([[MAY, "wanzhou", "lead", "2022-05-05", 1]])
        row = {
            "kind": "digest",
            "recipient": OLD.email,
            "name": "张",
            "unit": "wanzhou",
            "language": "zh",
            "day": date(2022, 5, 4),
            "content": content,
            "details": "{}",
        }
        with engine.database.writing() as session:
            rows = [{**row, "key": f"digest/2022-05-04/{n}"} for n in range(number)]
            enqueue(session, snapshot, rows, at("2022-05-04"), 0)
        waiting = Waiting(engine)
        waiting.server.is_away = False
        told = waiting.pass_at("2022-05-05 09:00")
        assert refs(told[OLD.email]).count((MAY, "wanzhou", "due_today")) == 1
        assert set(waiting.states(OLD.email)) == {"superseded", "sent"}


# --- an item is said as the ledger says it by then ---


@pytest.mark.parametrize(("before", "after"), [(None, 9), (9, None)], ids=["given", "taken back"])
def test_what_has_grace_by_now_is_late_or_not_by_that(waiting, before, after):
    """Edited, and claimed, within the minute of its planning."""

    def graced(days):
        table = TABLE if days is None else replace(TABLE, grace_days=days)
        found = files(OLD, definitions=(table, TASK))
        return replace(found, fingerprint=f"grace {days}")

    waiting.engine.engine.adopt(graced(before))
    waiting.morning("2022-05-05")
    waiting.morning("2022-05-06")
    with waiting.engine.database.writing() as session:
        session.execute(update(MAIL).values(not_before=at("2022-05-06")))
    told = then(waiting, graced(after), "2022-05-06 09:00")
    said = "overdue" if after is None else "lead"
    assert refs(told[OLD.email])[0] == (MAY, "wanzhou", said)


def chased_from(day):
    found = files(OLD)
    campaign = replace(found.campaign, chase_from=day)
    return replace(found, campaign=campaign, fingerprint=f"{found.fingerprint} {day}")


@pytest.mark.parametrize("when", ["2022-05-06 09:02", "2022-05-06 14:00", "2022-05-09 09:00"])
def test_what_nobody_is_chased_for_any_more_is_in_no_mail_that_waits(waiting, when):
    waiting.morning("2022-05-06")
    told = then(waiting, chased_from(date(2022, 5, 6)), when)
    assert told
    for mail in told.values():
        assert MAY not in {ref for ref, _, _ in refs(mail)}


# --- who has become a contact while it waits ---


@pytest.mark.parametrize("role", ["cc", "to"])
def test_a_new_main_contact_is_told_the_same_day_beside_who_was_there(waiting, role):
    waiting.morning()
    told = then(waiting, files(replace(OLD, role=role), NEW))
    assert set(told) == {OLD.email, NEW.email, "fuling@unit.example"}
    assert refs(told[NEW.email]) == refs(told[OLD.email])
    assert "cc" not in told[NEW.email].details
    assert told[OLD.email].details.get("cc", False) is (role == "cc")
    assert waiting.pass_at("2022-05-05 15:00") == {}
    assert waiting.pass_at("2022-05-06 09:00").keys() == {OLD.email, NEW.email, "fuling@unit.example"}


def test_who_was_there_and_asks_for_less_gets_no_more_for_an_edit(waiting):
    weekly = Contact("王", "weekly@unit.example", rhythm="weekly")
    waiting.engine.engine.adopt(files(OLD, weekly))
    waiting.server.is_away = False
    for day in ("06", "09", "10", "11"):
        waiting.morning(f"2022-05-{day}")
    waiting.server.take()
    waiting.server.is_away = True
    waiting.morning("2022-05-12")
    before = waiting.states(weekly.email)
    told = then(waiting, files(replace(OLD, name="张敏"), weekly), "2022-05-12 10:00")
    assert told.keys() <= {OLD.email, "fuling@unit.example"}
    assert waiting.states(weekly.email) == before


def test_a_new_copy_waits_for_the_next_digest(waiting):
    waiting.morning()
    assert NEW.email not in then(waiting, files(OLD, replace(NEW, role="cc")))


def test_a_waiting_roll_up_goes_to_a_second_one_at_the_supervisor_too(waiting):
    waiting.morning()
    waiting.morning("2022-05-06")
    waiting.server.is_away = False
    first = Contact("city联络员", "city@unit.example")
    waiting.engine.engine.adopt(moved_city(first, NEW))
    waiting.engine.clock.set(at("2022-05-06 10:00"))
    waiting.engine.engine.run_pass()
    found = [mail.to for mail in waiting.server.taken if mail.kind == "rollup"]
    assert found.count(first.email) == found.count(NEW.email) == len(found) / 2 > 0


def test_a_new_link_goes_to_nobody_else(waiting):
    waiting.morning()
    with waiting.engine.database.writing() as session:
        send_link(session, waiting.engine.engine.snapshot, MAY, "wanzhou", OLD.email, at("2022-05-05 10:00"))
    waiting.server.is_away = False
    waiting.engine.engine.adopt(files(OLD, NEW))
    waiting.engine.clock.set(at("2022-05-05 14:00"))
    waiting.engine.engine.run_pass()
    links = [mail.to for mail in waiting.server.taken if "link" in str(mail.details)]
    assert links == [OLD.email]


# --- quiet days of a policy that come, or are written into the files, while mail waits ---


def quiet(*names, days=(date(2022, 5, 6), date(2022, 5, 9)), **more):
    found = built_in()
    found |= {name: replace(found[name], quiet=Quiet(spans=(days,))) for name in names}
    more = {"definitions": (TABLE,), "settings": replace(OPERATOR, policies=Policies(found)), **more}
    return replace(files(OLD, **more), fingerprint=f"quiet {names} {days}")


@pytest.fixture
def table_waits():
    """The monthly table is all that anybody is told of."""
    with running(files(OLD, definitions=(TABLE,)), "2022-05-05 08:00", sender=Server()) as engine:
        yield Waiting(engine)


@pytest.mark.parametrize(
    ("snapshot", "is_told"),
    [
        pytest.param(quiet("monthly"), [False, False, True], id="quiet until the 9th"),
        pytest.param(quiet("default"), [True, False, True], id="of another policy"),
        pytest.param(
            quiet("monthly", days=(date(2022, 5, 5), date(2022, 5, 6))), [True, False, True], id="over"
        ),
    ],
)
def test_a_digest_that_waits_does_not_go_on_a_quiet_day_of_its_policy(table_waits, snapshot, is_told):
    table_waits.morning()
    table_waits.server.is_away = False
    table_waits.engine.engine.adopt(snapshot)
    days = ("2022-05-06 09:00", "2022-05-07 09:00", "2022-05-09 09:00")
    told = [table_waits.pass_at(day) for day in days]
    assert [
        (MAY, "wanzhou", "overdue") in refs(mails[OLD.email]) if mails else False for mails in told
    ] == is_told
    for mails in told:
        assert not mails or [item.ref for item in mails[OLD.email].items].count(MAY) == 1


def test_a_quiet_day_that_is_written_into_the_files_or_taken_out_counts_at_once(table_waits):
    table_waits.morning()
    today = (date(2022, 5, 5), date(2022, 5, 6))
    assert then(table_waits, quiet("monthly", days=today)) == {}
    with table_waits.engine.database.reading() as session:
        outcomes = set(session.execute(select(MAIL.c.outcome).where(MAIL.c.kind == "digest")).scalars())
    assert outcomes == {"waits: a quiet day by the policy of everything in it"}
    assert table_waits.pass_at("2022-05-05 14:30") == {}
    assert OLD.email in then(table_waits, files(OLD, definitions=(TABLE,)), "2022-05-05 15:00")


def test_a_mail_of_which_something_may_be_said_goes_whole(table_waits):
    both = (TABLE, definition("6", "2022年5月8日前", BOTH))
    table_waits.engine.engine.adopt(files(OLD, definitions=both))
    table_waits.morning()
    today = (date(2022, 5, 5), date(2022, 5, 6))
    told = then(table_waits, quiet("monthly", days=today, definitions=both))
    assert {item.ref for item in told[OLD.email].items} == {MAY, "6"}


def test_a_roll_up_waits_for_a_day_that_is_not_quiet_and_alerts_wait_for_none():
    with running(files(OLD, definitions=(TABLE,)), "2022-05-05 08:00", sender=Server()) as engine:
        waiting = Waiting(engine)
        waiting.server.is_away = False
        waiting.morning()
        waiting.server.is_away, waiting.server.taken = True, []
        waiting.morning("2022-05-06")
        engine.engine.alert("x", "something is wrong", ["why"])
        waiting.server.is_away = False
        engine.engine.adopt(quiet("monthly"))
        taken = []
        for day in ("2022-05-06 14:00", "2022-05-07 09:00", "2022-05-10 09:00"):
            engine.clock.set(at(day))
            engine.engine.run_pass()
            taken.append({(mail.kind.value, mail.to) for mail in waiting.server.taken})
            refs_told = [
                one["ref"] for mail in waiting.server.taken for one in mail.details.get("deadlines", ())
            ]
            waiting.server.taken = []
        assert taken[:2] == [{("alert", ADMIN.email)}, set()]
        assert ("rollup", "city@unit.example") in taken[2]
        assert refs_told == [MAY]
