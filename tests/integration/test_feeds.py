"""Calendars by a secret address, by command and with the mails."""

from __future__ import annotations

import icalendar
import pytest

from tests.tools import Place
from tests.web import answer, browser, office
from tracker import subscriptions
from tracker.core.model import MailKind
from tracker.engine.enclosures import dates_of
from tracker.engine.mails import stored_mails


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    with office(tmp_path_factory.mktemp("feeds")) as made:
        made.engine.run_pass(at_once=True)
        answer(made, "table-2@2022-06", "wanzhou")
        yield made


def events(data):
    return {
        str(each["uid"]).partition("@kaoshi")[0]: each
        for each in icalendar.Calendar.from_ical(data).walk("VEVENT")
    }


def path_of(address):
    return "/feed/" + address.rpartition("/feed/")[2]


def test_an_address_shows_one_units_dates_and_nobody_elses(app):
    client = browser(app)
    address = subscriptions.add_feed(app, "万州", "t")
    got = client.get(path_of(address))
    assert got.status_code == 200
    assert got.headers["content-type"] == "text/calendar; charset=utf-8"
    found = events(got.content)
    assert all(uid.endswith("/wanzhou") for uid in found)
    assert str(found["table-2@2022-06/wanzhou"]["summary"]).startswith("✓")
    assert found["table-3@2022-06/wanzhou"].decoded("dtstart").isoformat() == "2022-06-05"
    again = client.get(path_of(address), headers={"If-None-Match": got.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.head(path_of(address)).status_code == 200


def test_all_units_stand_in_the_supervisors(app):
    found = events(browser(app).get(path_of(subscriptions.add_feed(app, None, "t"))).content)
    assert {uid.rpartition("/")[2] for uid in found} == set(app.force.campaign.units)


def test_an_address_that_was_taken_back_looks_like_one_that_never_was(app):
    client = browser(app)
    address = subscriptions.add_feed(app, "wanzhou", "t")
    number = subscriptions.feeds(app)[-1]["id"]
    subscriptions.revoke_feed(app, number)
    gone, never = client.get(path_of(address)), client.get("/feed/never.ics")
    assert (gone.status_code, gone.text) == (never.status_code, never.text) == (404, never.text)
    assert address.rpartition("/")[2][:-4] not in repr(subscriptions.feeds(app))


def test_a_reminder_encloses_the_dates_that_are_still_to_come(app):
    with app.database.reading() as session:
        mails = [each.mail for each in stored_mails(session) if each.mail.kind is MailKind.DIGEST]
    checked = 0
    for mail in mails[:20]:
        paper = dates_of(mail, app.force)
        day = app.force.day(mail.at)
        wanted = {i.ref for i in mail.items if i.due is not None and i.due >= day and i.unit == mail.unit}
        assert (paper is None) == (not wanted)
        if paper is not None:
            assert set(events(paper.data)) == wanted
            checked += 1
    assert checked


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
