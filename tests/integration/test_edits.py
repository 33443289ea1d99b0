"""What an edit of the files does to a running service: all that follows from them is made anew, and nothing is missed."""

import contextlib
import os
import threading
from datetime import timedelta
from functools import cached_property

import pytest

from tests.tools import CAMPAIGN, SETTINGS, Place
from tests.world import at
from tracker.clock import VirtualClock
from tracker.daemon import scheduler
from tracker.errors import ConfigError
from tracker.service.app import App
from tracker.service.derived import DerivedParts
from tracker.service.file_alerts import REST
from tracker.store.tables import MAIL

BROKEN = CAMPAIGN.replace("持续推进", "随便", 1)


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Place(tmp_path)


@pytest.fixture
def app(place):
    made = App(place.config, environ={}, clock=VirtualClock(at("2022-05-31 12:00")))
    made.is_lenient = True
    made.engine.bring_up_to_date(made.clock.now())
    yield made
    made.close()


def settings(place, text):
    (place.config / "settings.yaml").write_text(text, encoding="utf-8")


def test_mail_goes_where_the_edited_settings_say(place, app):
    app.engine.run_pass(at_once=True)
    assert place.letters()
    settings(place, SETTINGS.replace("mail:\n", "mail:\n  transport: mailbox:elsewhere\n", 1))
    assert app.files_changed()
    assert app.reload()
    app.clock.set(at("2022-06-01 09:00"))
    sent = app.engine.run_pass().delivered.total()
    assert sent
    assert len(place.letters("elsewhere")) == sent


def test_everything_that_follows_from_the_files_is_made_anew_with_the_files(place, app):
    names = [name for name, of in vars(DerivedParts).items() if isinstance(of, cached_property)]
    assert names
    before = {name: getattr(app.made, name) for name in names}
    place.tasks.write_text(CAMPAIGN.replace("严把数据质量关", "严把质量关"), encoding="utf-8")
    assert app.reload()
    assert not [name for name in names if getattr(app.made, name) is before[name]]
    kept = {name: getattr(app.made, name) for name in names}
    assert all(getattr(app.made, name) is kept[name] for name in names), "and only then"


@pytest.mark.parametrize("holidays", ["holidays", "../days"])
def test_an_edit_between_reading_and_watching_is_seen(place, monkeypatch, holidays):
    """Files are read when a service starts; what is saved before it watches them is an edit like another."""
    settings(place, SETTINGS + f"holidays: {holidays}\n")
    app = App(place.config, environ={})
    assert app.snapshot
    folder = place.config / holidays
    folder.mkdir(exist_ok=True)
    (folder / "2031.yaml").write_text("year: 2031\noff: [2031-05-05]\nwork: []\n", encoding="utf-8")
    monkeypatch.setattr(scheduler, "WATCH", 0.02)
    stop, seen = threading.Event(), threading.Event()
    reload = app.reload

    def told():
        found = reload()
        if not app.snapshot.workdays.is_workday(at("2031-05-05").date()):
            seen.set()
        return found

    monkeypatch.setattr(app, "reload", told)
    thread = threading.Thread(target=scheduler.Service(app, stop).run)
    thread.start()
    try:
        assert seen.wait(20)
    finally:
        stop.set()
        thread.join()
        app.close()


def test_a_form_in_a_yml_file_is_watched(place, app):
    forms = place.config / "forms"
    forms.mkdir()
    app.files_changed()
    (forms / "a.yml").write_text("title: a\n", encoding="utf-8")
    assert app.files_changed()


def alerts(app):
    with app.database.reading() as session:
        rows = session.execute(MAIL.select().where(MAIL.c.kind == "alert").order_by(MAIL.c.id)).all()
    return [row.details for row in rows]


def save(app, place, text, *, after):
    """An editor saves ``after`` some time; the service takes it over, or tries to."""
    app.clock.set(app.clock.now() + after)
    place.tasks.write_text(text, encoding="utf-8")
    os.utime(place.tasks, (app.clock.now().timestamp(),) * 2)
    with contextlib.suppress(ConfigError):
        app.reload()
    app.tell_of_files()


def wait(app, span):
    app.clock.set(app.clock.now() + span)
    app.tell_of_files()


def test_a_file_that_is_being_edited_is_told_of_when_it_rests_and_when_it_is_mended(place, app):
    for number in range(17):
        save(app, place, BROKEN.replace("随便", "随便" * (number + 1)), after=timedelta(seconds=7))
    assert alerts(app) == [], "it is still being typed"
    wait(app, REST - timedelta(seconds=1))
    assert alerts(app) == []
    wait(app, timedelta(seconds=1))
    (told,) = alerts(app)
    assert "tasks.yaml:" in told
    wait(app, 10 * REST)
    assert len(alerts(app)) == 1, "once"
    save(app, place, CAMPAIGN, after=REST)
    assert len(alerts(app)) == 2
    assert "已更正" in alerts(app)[1]
    app.engine.deliver(app.clock.now())
    letters = [letter for letter in place.letters() if "已更正" in str(letter["Subject"])]
    texts = [letter.get_body(("plain",)).get_content() for letter in letters]
    assert ["无需再作处理" in text for text in texts] == [True]
    save(app, place, BROKEN, after=REST)
    wait(app, REST)
    assert len(alerts(app)) == 3, "after it was mended, the same mistake is a new one"
    save(app, place, CAMPAIGN, after=REST)
    assert len(alerts(app)) == 4


@pytest.mark.parametrize("both", [False, True], ids=["one is broken", "both are"])
def test_files_that_are_well_on_one_machine_mend_nothing_on_another(place, app, tmp_path, both):
    other = Place(tmp_path / "other")
    machines = [
        (place, app),
        (other, App(other.config, database=app.database_url, environ={}, clock=app.clock)),
    ]
    machines[1][1].is_lenient = True
    broken = machines if both else machines[:1]
    for at_, found in broken:
        save(found, at_, BROKEN, after=REST)
    for _ in range(5):
        for _, found in machines:
            wait(found, REST)
    assert len(alerts(app)) == len(broken), "each once: they name their files"
    for number, (at_, found) in enumerate(broken, 1):
        save(found, at_, CAMPAIGN, after=REST)
        for _, each in machines:
            wait(each, REST)
        assert len(alerts(app)) == len(broken) + number
    machines[1][1].close()


def test_what_was_mended_before_it_was_told_is_not_told_at_all(place, app):
    save(app, place, BROKEN, after=REST)
    save(app, place, CAMPAIGN, after=REST / 2)
    wait(app, 10 * REST)
    assert alerts(app) == []


def test_a_service_that_starts_with_files_long_broken_tells_of_them_at_once(place, app):
    save(app, place, BROKEN, after=REST)
    app.clock.set(app.clock.now() + REST)
    other = App(place.config, environ={}, clock=app.clock)
    other.is_lenient = True
    scheduler.run_once(other)
    assert len(alerts(app)) == 1
    other.close()
    # And one that starts when they are mended says so.
    place.tasks.write_text(CAMPAIGN, encoding="utf-8")
    third = App(place.config, environ={}, clock=app.clock)
    scheduler.run_once(third)
    assert len(alerts(app)) == 2
    third.close()


def test_what_is_in_force_after_the_next_start_only_is_said(place, app, caplog):
    settings(place, SETTINGS + "database: sqlite:///var/other.db\nweb: 127.0.0.1:9999\n")
    assert app.reload()
    assert app.heartbeat.awaits_restart == ("database", "web")
    assert "in force after the next start only: database, web" in caplog.text
    assert app.database_url == "sqlite:///var/tracker.db"
    settings(place, SETTINGS)
    assert app.reload()
    assert app.heartbeat.awaits_restart == ()
