"""Dates in people's calendars: told anew when they move, taken back when they end, with the digest that leaves anyway."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from unittest.mock import patch

import icalendar
import pytest
import vobject
from sqlalchemy import select, update

from tests.world import at, definition, running, unit, world
from tracker.core.model import Contact, StandIn, Unit
from tracker.core.policy import Settings
from tracker.outbox.queue import enqueue
from tracker.outbox.rows import items_from_json
from tracker.planning.reminders_now import remind_now
from tracker.service.enclosures import Enclosures
from tracker.store.tables import MAIL, REVISION

TABLE = definition("table-2", "2022年5月起，每月5日前", ("wanzhou", "fuling"))
TASK = definition("5", "2022年6月底前", ("wanzhou", "fuling"))
OTHER = definition("6", "2022年7月15日前", ("wanzhou", "fuling"))
ALL = (TABLE, TASK, OTHER)
WANZHOU = "wanzhou@unit.example"
#: More than the days since 2020 that calendars of earlier versions may hold, for decades.
DAYS = 365 * 25


class Reader:
    """One calendar program: keeps what it is told, by the rules of RFC 5546, and complains where it could not."""

    def __init__(self):
        self.held = {}
        self.cancelled = []

    def reads(self, files):
        for file in files:
            read = icalendar.Calendar.from_ical(file.data)
            method = str(read["method"])
            assert dict(file.parameters)["method"] == method
            assert len(vobject.readOne(file.data.decode()).vevent_list) == len(read.walk("VEVENT"))
            for event in read.walk("VEVENT"):
                self._reads(event, method)

    def _reads(self, event, method):
        uid = str(event["uid"])
        order = event["sequence"], event.decoded("dtstamp")
        had = self.held.get(uid)
        if had is not None:
            assert order > had[0], f"{uid} is told anew and nobody would believe it"
        if method == "CANCEL":
            assert str(event["status"]) == "CANCELLED"
            assert event.walk("VALARM") == []
            self.cancelled.append(uid.partition(".")[0])
            assert had is not None, f"{uid} is taken back, and was never told"
            assert order[0] > had[0][0]
            del self.held[uid]
        else:
            assert str(event["status"]) == "CONFIRMED"
            self.held[uid] = order, event.decoded("dtstart")

    def dates(self):
        return {uid.partition(".")[0]: due for uid, (_, due) in self.held.items()}


class Office:
    """A service whose readers put every enclosed date into their calendars."""

    def __init__(self, engine):
        self.engine = engine
        self.record = engine.record
        self.readers = {}
        self.mails = []

    def at(self, when):
        self.engine.clock.set(at(when))
        self.engine.engine.run_pass()
        taken = [claimed.mail for claimed, _ in self.engine.sender.take()]
        snapshot = self.engine.engine.snapshot
        for mail in taken:
            files = Enclosures(self.engine.database).dates_of(mail, snapshot)
            self.readers.setdefault(mail.to, Reader()).reads(files)
        self.mails += taken
        return {mail.to: mail for mail in taken}

    def until(self, last, first):
        day = date.fromisoformat(first)
        while day <= date.fromisoformat(last):
            self.at(f"{day} 09:00")
            day = date.fromordinal(day.toordinal() + 1)

    def remind(self, ref, when):
        with self.engine.database.writing() as session:
            snapshot = self.engine.engine.snapshot
            remind_now(session, snapshot, [ref], ["wanzhou"], at(when), asked_by="t", again=True)

    def adopt(self, *definitions, **more):
        self.engine.engine.accept_removals = True
        self.engine.engine.adopt(files(*definitions, **more))

    def dates(self, who=WANZHOU):
        return {ref: str(due) for ref, due in self.readers[who].dates().items()}


def files(*definitions, **more):
    return world(*definitions, **more)


@pytest.fixture
def office():
    with running(files(*ALL), "2022-06-01 08:00") as engine:
        made = Office(engine)
        made.at("2022-06-01 09:00")
        assert made.dates()["5"] == "2022-06-30"
        yield made


def test_two_extensions_of_one_day_are_two_words_of_which_the_later_counts(office):
    office.record("extend", "5", until=date(2022, 7, 1), when="2022-06-01 10:00")
    office.remind("5", "2022-06-01 10:00")
    office.at("2022-06-01 10:06")
    assert office.dates()["5"] == "2022-07-01"
    first = dict(office.readers[WANZHOU].held)
    office.record("extend", "5", until=date(2022, 7, 20), when="2022-06-01 11:00")
    with office.engine.database.reading() as session:
        (row,) = session.execute(select(REVISION).where(REVISION.c.campaign == "main")).all()
    assert row.sequence == (at("2022-06-01 11:00") - datetime(2020, 1, 1, tzinfo=UTC)).total_seconds()
    office.remind("6", "2022-06-01 11:00")
    office.at("2022-06-01 11:06")
    second = office.readers[WANZHOU].held
    assert office.dates()["5"] == "2022-07-20"
    assert [second[uid][0][0] > first[uid][0][0] > DAYS for uid in first if uid.startswith("5.")] == [True]


def test_two_changes_of_one_second_are_two(office):
    numbers = []
    for until in (date(2022, 7, 1), date(2022, 7, 2), date(2022, 7, 3)):
        office.record("extend", "5", until=until, when="2022-06-01 10:00")
        with office.engine.database.reading() as session:
            numbers += session.execute(select(REVISION.c.sequence)).scalars()
    assert numbers == sorted(set(numbers))


def test_what_is_waived_is_taken_back_once_with_the_digest_that_leaves_anyway(office):
    before = len(office.mails)
    office.record("waive", "5", reason="t", when="2022-06-01 10:00")
    office.at("2022-06-01 10:30")
    assert len(office.mails) == before, "a mail of its own"
    office.until("2022-07-15", "2022-06-02")
    assert office.readers[WANZHOU].cancelled == ["5"]
    assert "5" not in office.dates()
    fuling = office.readers["fuling@unit.example"]
    assert fuling.cancelled == []
    assert "5" in fuling.dates()


def test_answered_is_not_ended(office):
    office.record("submit", "5", when="2022-06-01 10:00")
    office.until("2022-07-15", "2022-06-02")
    assert office.readers[WANZHOU].cancelled == []
    assert office.dates()["5"] == "2022-06-30"


def test_a_pause_takes_the_date_back_and_the_end_of_it_gives_it_again(office):
    office.record("pause", "5", when="2022-06-01 10:00")
    office.until("2022-06-06", "2022-06-02")
    assert office.readers[WANZHOU].cancelled == ["5"]
    office.record("resume", "5", when="2022-06-06 10:00")
    office.until("2022-06-20", "2022-06-07")
    assert office.dates()["5"] == "2022-06-30"
    assert office.readers[WANZHOU].cancelled == ["5"]


def test_a_waiver_that_is_taken_back_before_anybody_heard_leaves_the_date(office):
    office.record("waive", "5", reason="t", when="2022-06-01 10:00")
    office.record("undo", "5", when="2022-06-01 11:00")
    office.until("2022-06-10", "2022-06-02")
    assert office.readers[WANZHOU].cancelled == []
    assert office.dates()["5"] == "2022-06-30"


@pytest.mark.parametrize(
    "left", [(TABLE, OTHER), (TABLE, definition("5", "2022年6月底前", ["fuling"]), OTHER)]
)
def test_what_leaves_the_files_is_taken_back_and_what_comes_again_is_told_again(office, left):
    office.engine.clock.set(at("2022-06-01 10:00"))
    office.adopt(*left)
    office.until("2022-06-10", "2022-06-02")
    assert office.readers[WANZHOU].cancelled == ["5"]
    office.engine.clock.set(at("2022-06-10 10:00"))
    office.adopt(*ALL)
    office.until("2022-06-30", "2022-06-11")
    assert office.dates()["5"] == "2022-06-30"
    assert office.readers[WANZHOU].cancelled == ["5"]


@pytest.mark.parametrize("deadline", ["2022年6月20日前", "2022年8月底前"])
def test_a_date_that_the_files_move_is_told_anew_and_not_taken_back(office, deadline):
    office.engine.clock.set(at("2022-06-01 10:00"))
    office.adopt(TABLE, definition("5", deadline, ("wanzhou", "fuling")), OTHER)
    office.until("2022-06-03", "2022-06-02")
    wanted = "2022-06-20" if "20" in deadline[5:] else "2022-08-31"
    for who in (WANZHOU, "fuling@unit.example"):
        assert office.dates(who)["5"] == wanted
        assert office.readers[who].cancelled == []


def test_an_extension_that_is_taken_back_moves_the_date_back_where_it_is_past(office):
    office.record("extend", "5", until=date(2022, 7, 29), when="2022-06-28 10:00")
    office.until("2022-06-30", "2022-06-29")
    office.remind("5", "2022-06-30 10:00")
    office.at("2022-06-30 10:06")
    assert office.dates()["5"] == "2022-07-29"
    office.record("undo", "5", when="2022-07-04 10:00")
    office.until("2022-07-06", "2022-07-05")
    assert office.dates()["5"] == "2022-06-30"


def test_a_date_that_is_past_when_it_ends_is_left_where_it_lies(office):
    office.until("2022-06-30", "2022-06-02")
    office.record("waive", "5", reason="t", when="2022-07-01 10:00")
    office.until("2022-07-20", "2022-07-02")
    assert office.readers[WANZHOU].cancelled == []


def test_who_was_never_told_is_told_of_no_end(office):
    joined = Contact("新", "new@unit.example")
    units = (Unit("wanzhou", "万州", contacts=(joined, Contact("万", WANZHOU))), unit("fuling"))
    office.record("waive", "5", reason="t", when="2022-06-01 10:00")
    office.adopt(*ALL, units=units)
    office.until("2022-06-20", "2022-06-02")
    assert office.readers[WANZHOU].cancelled == ["5"]
    assert office.readers[joined.email].cancelled == []


def test_a_stand_in_who_is_asked_for_another_unit_is_told_of_the_end_under_the_same_name():
    instead = StandIn("涪", "fuling@unit.example", date(2022, 6, 1), date(2022, 6, 2))
    away = Contact("万", WANZHOU, stand_ins=(instead,))
    units = (unit("fuling"), Unit("wanzhou", "万州", contacts=(away,)))
    with running(files(*ALL, units=units), "2022-06-01 08:00") as engine:
        office = Office(engine)
        office.at("2022-06-01 09:00")
        assert {"5", "5/wanzhou"} <= set(office.dates("fuling@unit.example"))
        office.record("waive", "5", reason="t", when="2022-06-01 10:00")
        office.until("2022-06-20", "2022-06-02")
        assert office.readers["fuling@unit.example"].cancelled == ["5/wanzhou"]


def test_a_digest_that_did_not_go_has_told_nothing(office):
    """The look is taken anew at each claim, and the mail that goes in its place says it."""
    office.record("waive", "5", reason="t", when="2022-06-01 10:00")
    office.remind("6", "2022-06-01 10:00")
    kept = office.engine.engine.snapshot
    office.adopt(*ALL, settings=replace(kept.settings, encloses_calendar=False))
    office.at("2022-06-01 10:06")
    assert office.mails[-1].details.get("dates") is None
    office.adopt(*ALL, settings=kept.settings)
    office.remind("6", "2022-06-01 14:00")
    office.until("2022-06-20", "2022-06-02")
    assert office.readers[WANZHOU].cancelled == ["5"]


def test_where_no_calendar_is_enclosed_nothing_is_taken_back():
    settings = Settings(encloses_calendar=False)
    with running(files(*ALL, settings=settings), "2022-06-01 08:00") as engine:
        office = Office(engine)
        office.at("2022-06-01 09:00")
        office.record("waive", "5", reason="t", when="2022-06-01 10:00")
        office.until("2022-06-20", "2022-06-02")
        assert all("dates" not in mail.details for mail in office.mails)


@pytest.mark.parametrize("day", ["2022-07-02", "2022-07-08"], ids=["by its own item", "with another item"])
def test_who_answers_for_one_unit_less_hears_of_a_date_of_the_other(day):
    """The mails that told of it went under the unit that is gone."""
    joint = "joint@unit.example"
    units = (unit("wanzhou", joint), unit("fuling", joint))
    with running(files(*ALL, units=units), "2022-06-01 08:00") as engine:
        office = Office(engine)
        office.at("2022-06-01 09:00")
        assert office.dates(joint)["5/fuling"] == "2022-06-30"
        engine.clock.set(at("2022-06-01 10:00"))
        moved = definition("5", day, ("wanzhou", "fuling"))
        left = (Unit("wanzhou", "万州"), unit("fuling", joint))
        office.adopt(TABLE, moved, OTHER, units=left)
        office.until("2022-06-02", "2022-06-02")
        assert office.dates(joint)["5/fuling"] == day


def test_one_moved_date_has_one_digest_of_each_reader_taken_apart(office):
    """However many have gone: whoever claims waits for it, and so do all who write."""
    number, told = 400, json.dumps([["5", "wanzhou", "lead", "2022-06-30", 20]])
    row = {"kind": "digest", "name": "", "language": "zh", "details": "{}", "content": told}
    row |= {"recipient": WANZHOU, "unit": "wanzhou"}
    engine = office.engine.engine
    with office.engine.database.writing() as session:
        rows = [{**row, "key": f"digest/x/{n}", "day": date(2022, 5, 1)} for n in range(number)]
        enqueue(session, engine.snapshot, rows, at("2022-05-01"), 0)
        session.execute(update(MAIL).where(MAIL.c.key.contains("digest/x/")).values(state="sent"))
    office.engine.clock.set(at("2022-06-01 10:00"))
    office.adopt(TABLE, definition("5", "2022年7月8日前", ("wanzhou", "fuling")), OTHER)
    with patch("tracker.planning.calendar_dates.items_from_json", wraps=items_from_json) as apart:
        office.until("2022-06-03", "2022-06-02")
    assert office.dates()["5"] == "2022-07-08"
    assert 0 < apart.call_count <= 4
