"""Calendars by a secret address, by command and with the mails."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from email import message_from_bytes, policy

import icalendar
import pytest
from sqlalchemy import select

from tests.tools import Place, letters
from tests.web import AT, answer, browser, office, turn
from tracker.core.model import EventKind, Item, Mail, MailKind, Reason
from tracker.mail.transport.message import message_id
from tracker.outbox.queries import stored_mails
from tracker.outbox.queue import Claimed
from tracker.service.enclosures import Enclosures
from tracker.store.tables import ASSIGNMENT
from tracker.usecases import calendars, ledger


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    with office(tmp_path_factory.mktemp("feeds")) as made:
        made.engine.run_pass(at_once=True)
        answer(made, "table-2@2022-06", "wanzhou")
        yield made


def events(data):
    return {
        str(each["uid"]).rpartition(".")[0].rpartition(".")[0]: each
        for each in icalendar.Calendar.from_ical(data).walk("VEVENT")
    }


def path_of(address):
    return "/feed/" + address.rpartition("/feed/")[2]


def test_an_address_shows_one_units_dates_and_nobody_elses(app):
    client = browser(app)
    address = calendars.add_feed(app, "万州", "t")
    got = client.get(path_of(address))
    assert got.status_code == 200
    assert got.headers["content-type"] == "text/calendar; charset=utf-8"
    found = events(got.content)
    assert all(uid.endswith("/wanzhou") for uid in found)
    assert str(found["table-2@2022-06/wanzhou"]["summary"]).startswith("✓")
    assert found["table-3@2022-06/wanzhou"].decoded("dtstart").isoformat() == "2022-06-05"
    again = client.get(path_of(address), headers={"If-None-Match": got.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    tag = got.headers["etag"]
    for known in (f"W/{tag}", f'"other", W/{tag}', "*"):
        assert client.get(path_of(address), headers={"If-None-Match": known}).status_code == 304, known
    for other in ('"other"', tag.strip('"'), f"w/{tag}", ""):
        assert client.get(path_of(address), headers={"If-None-Match": other}).status_code == 200, other
    assert client.head(path_of(address)).status_code == 200


def test_all_units_stand_in_the_supervisors(app):
    found = events(browser(app).get(path_of(calendars.add_feed(app, None, "t"))).content)
    assert {uid.rpartition("/")[2] for uid in found} == set(app.snapshot.campaign.units)


def test_an_address_that_was_taken_back_looks_like_one_that_never_was(app):
    client = browser(app)
    address = calendars.add_feed(app, "wanzhou", "t")
    number = calendars.feeds(app)[-1]["id"]
    calendars.revoke_feed(app, number)
    gone, never = client.get(path_of(address)), client.get("/feed/never.ics")
    assert (gone.status_code, gone.text) == (never.status_code, never.text) == (404, never.text)
    assert address.rpartition("/")[2][:-4] not in repr(calendars.feeds(app))


def test_a_reminder_encloses_the_dates_that_are_still_to_come(app):
    with app.database.reading() as session:
        mails = [each.mail for each in stored_mails(session, "main") if each.mail.kind is MailKind.DIGEST]
    enclosures = Enclosures(app.database)
    checked = 0
    for mail in mails[:20]:
        enclosed = next(iter(enclosures.dates_of(mail, app.snapshot)), None)
        day = app.snapshot.day(mail.at)
        wanted = {i.ref for i in mail.items if i.due is not None and i.due >= day and i.unit == mail.unit}
        assert (enclosed is None) == (not wanted)
        if enclosed is not None:
            assert set(events(enclosed.data)) == wanted
            checked += 1
    assert checked


def test_whoever_answers_for_two_units_keeps_the_dates_of_both_and_of_nobody_else(app):
    items = (
        Item("table-2@2022-07", "wanzhou", Reason.LEAD, date(2022, 7, 5), 27),
        Item("table-2@2022-07", "fuling", Reason.LEAD, date(2022, 7, 5), 27),
        Item("table-3@2022-07", "chengkou", Reason.ESCALATION, date(2022, 7, 5), 27),
        Item("1", "wanzhou", Reason.REVIEW, None, None),
    )
    mail = Mail("digest/t", AT, "a@unit.example", "甲", "wanzhou", MailKind.DIGEST, "zh", items)
    (enclosed,) = Enclosures(app.database).dates_of(mail, app.snapshot)
    found = events(enclosed.data)
    assert set(found) == {"table-2@2022-07", "table-2@2022-07/fuling"}
    assert "涪陵" in str(found["table-2@2022-07/fuling"]["summary"])


def test_units_that_are_asked_the_same_get_the_same_calendar_made_once(app):
    enclosures = Enclosures(app.database)
    files = []
    for unit in ("wanzhou", "fuling"):
        items = (
            Item("table-2@2022-07", unit, Reason.LEAD, date(2022, 7, 5), 27),
            Item("table-3@2022-07", "chengkou", Reason.LEAD, date(2022, 7, 5), 27),
        )
        mail = Mail(f"digest/{unit}", AT, f"{unit}@unit.example", "甲", unit, MailKind.DIGEST, "zh", items)
        files += enclosures.dates_of(mail, app.snapshot)
    one, other = files
    assert one is other


def test_a_mail_says_that_its_calendar_is_for_information(app):
    item = Item("table-2@2022-07", "wanzhou", Reason.LEAD, date(2022, 7, 5), 27)
    mail = Mail("digest/t", AT, "a@unit.example", "甲", "wanzhou", MailKind.DIGEST, "zh", (item,))
    composed = app.sender().compose(
        Claimed(1, 1, 1, message_id(mail.key, "kaoshi.example"), mail), app.snapshot
    )
    (part,) = [
        each
        for each in message_from_bytes(composed.data, policy=policy.default).walk()
        if each.get_content_type() == "text/calendar"
    ]
    assert (part["content-type"].params["method"], part.get_content_charset()) == ("PUBLISH", "utf-8")
    assert (part.get_filename(), part.get_content_disposition()) == ("日程.ics", "attachment")
    assert set(events(part.get_payload(decode=True))) == {"table-2@2022-07"}


def test_what_is_excused_is_not_ticked_and_what_is_late_stands_out(app):
    answer(app, "table-3@2022-06", "nanan", EventKind.WAIVE, reason="t")
    found = events(calendars.feed_calendar(app, "nanan"))
    waived, late = found["table-3@2022-06/nanan"], found["table-2@2022-06/nanan"]
    assert str(waived["summary"]).startswith("－")
    assert "状态：免报" in str(waived["description"])
    assert waived.walk("VALARM") == []
    assert str(late["summary"]).startswith("▲")
    assert late.walk("VALARM")


def test_the_commands(tmp_path):
    place = Place(tmp_path)
    told = place.ok(
        "calendar", "--from", "2022-05-01", "--to", "2022-05-31", "--unit", "wanzhou", "--format", "ics"
    )
    rows = place.json("calendar", "--from", "2022-05-01", "--to", "2022-05-31", "--unit", "wanzhou")
    assert {(uid, each.decoded("dtstart").isoformat()) for uid, each in _by_ref(told.out).items()} == {
        (row["ref"], row["effective_due"]) for row in rows
    }
    address = place.ok("feed", "add", "wanzhou").out.strip()
    assert "/feed/" in address
    (listed,) = place.json("feed", "list")
    assert (listed["unit"], listed["revoked_at"]) == ("wanzhou", None)
    place.ok("feed", "revoke", listed["id"])
    assert place.json("feed", "list")[0]["revoked_at"]
    assert place.tracker("feed", "revoke", listed["id"]).code == 1


def _by_ref(text):
    found = icalendar.Calendar.from_ical(text).walk("VEVENT")
    return {str(each["uid"]).partition("/wanzhou")[0]: each for each in found}


def test_a_calendar_of_all_units_is_made_only_for_whoever_says_so(tmp_path):
    place = Place(tmp_path / "house")
    for arguments in (
        (),
        ("wanzhou", "--all"),
        ("wanzhou", "--unit", "fuling"),
        ("--unit", "wanzhou", "--all"),
    ):
        done = place.tracker("feed", "add", *arguments)
        assert done.code == 2
        assert "--unit ID for one unit, --all for all of them" in done.err
        assert "请指明单位" in place.tracker("feed", "add", *arguments, LANG="zh_CN.UTF-8").err
    assert place.json("feed", "list") == []
    for said in ("万州", "--unit=万州", "--all"):
        place.ok("feed", "add", said)
    assert [each["unit"] for each in place.json("feed", "list")] == ["wanzhou", "wanzhou", None]
    assert place.tracker("feed", "add", "--unit", "nobody").code == 1


def feed_of(app, unit="wanzhou"):
    return events(calendars.feed_calendar(app, unit))


def test_a_feed_shows_what_has_ended_for_thirty_days_and_grows_with_each_change(tmp_path):
    with office(tmp_path) as made:
        first = feed_of(made)["table-2@2022-07/wanzhou"]
        numbers = [first["sequence"]]
        for until in (date(2022, 7, 20), date(2022, 7, 28)):
            answer(made, "table-2@2022-07", "wanzhou", EventKind.EXTEND, until=until)
            now = feed_of(made)["table-2@2022-07/wanzhou"]
            assert (now["uid"], now.decoded("dtstart")) == (first["uid"], until)
            assert now.decoded("dtstamp") > first.decoded("dtstamp")
            numbers.append(now["sequence"])
        answer(made, "table-2@2022-07", "wanzhou", EventKind.WAIVE, reason="t")
        data = calendars.feed_calendar(made, "wanzhou")
        assert data == calendars.feed_calendar(made, "wanzhou")
        waived = events(data)["table-2@2022-07/wanzhou"]
        assert str(waived["status"]) == "CANCELLED"
        assert [*numbers, waived["sequence"]] == sorted({*numbers, waived["sequence"]})
        assert str(feed_of(made, "fuling")["table-2@2022-07/fuling"]["status"]) == "CONFIRMED"
        assert str(feed_of(made, None)["table-2@2022-07/wanzhou"]["status"]) == "CANCELLED"
        turn(made, AT + timedelta(days=30))
        assert str(feed_of(made)["table-2@2022-07/wanzhou"]["status"]) == "CANCELLED"
        turn(made, AT + timedelta(days=31))
        assert "table-2@2022-07/wanzhou" not in feed_of(made)
        rows = ledger.due_between(made, date(2022, 7, 1), date(2022, 7, 31), "wanzhou")
        listed = events(calendars.calendar_file(made, rows, "t", several=False))
        assert str(listed["table-2@2022-07/wanzhou"]["status"]) == "CANCELLED"


def test_a_feed_says_that_what_left_the_files_is_cancelled(tmp_path):
    which = "table-3@2022-07/wanzhou"
    with office(tmp_path) as made:
        before = feed_of(made)
        campaign = made.snapshot.campaign
        left = replace(campaign, reports=tuple(each for each in campaign.reports if each.key != "table-3"))
        made.engine.accept_removals = True
        made.engine.adopt(replace(made.snapshot, campaign=left, fingerprint="without table-3"))
        made.engine.bring_up_to_date(AT)
        with made.database.reading() as session:
            assert session.execute(select(ASSIGNMENT).where(ASSIGNMENT.c.key == "table-3")).first() is None
        after = feed_of(made, None)
        assert str(after[which]["status"]) == "CANCELLED"
        assert after[which]["uid"] == before[which]["uid"]
        assert after[which]["sequence"] > before[which]["sequence"]
        assert after[which].decoded("dtstart") == before[which].decoded("dtstart")
        others = [each for uid, each in after.items() if not uid.startswith("table-3@")]
        assert {str(each["status"]) for each in others} == {"CONFIRMED"}


def test_a_mail_takes_back_what_has_ended_in_a_file_of_its_own(tmp_path):
    with office(tmp_path) as made:
        made.engine.run_pass(at_once=True)
        answer(made, "table-2@2022-07", "wanzhou", EventKind.WAIVE, reason="t")
        answer(made, "5", "wanzhou", EventKind.WAIVE, reason="t")
        for day in range(1, 15):
            turn(made, AT + timedelta(days=day))
            made.engine.run_pass()
        taken_back = [
            part
            for letter in letters(tmp_path / "mailbox")
            if "wanzhou" in letter["to"]
            for part in letter.iter_attachments()
            if part.get_content_type() == "text/calendar"
            and part["content-type"].params["method"] == "CANCEL"
        ]
        (part,) = taken_back
        assert part.get_filename() == "取消日程.ics"
        found = events(part.get_payload(decode=True))
        assert set(found) == {"5"}
        assert str(found["5"]["status"]) == "CANCELLED"
