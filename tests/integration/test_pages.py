"""The pages beside the mails: what happens where their address cannot be had, and should they end."""

import os
import re
import socket
import subprocess
import urllib.request

import pytest

from tests.integration.web import SETTINGS, house
from tests.tools import Place, clean_environ, command, wait_until
from tracker.daemon import scheduler
from tracker.daemon.web_server import ServedPages
from tracker.errors import AddressTakenError


@pytest.fixture
def home():
    with house(SETTINGS.replace("https://tracker.example", "http://127.0.0.1:8080")) as found:
        yield found


@pytest.fixture
def other():
    """Somebody else's service, and its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener, f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def pages(home, other):
    made = ServedPages(home.app, lambda: None, other[1])
    yield made
    made.close()


@pytest.fixture
def link(home):
    """Asks where the links of a digest lead as it would be written now; None where there are none."""
    home.app.engine.run_pass(at_once=True)
    [digest] = [mail for mail, _ in home.sender.take() if mail.mail.to == "wanzhou@unit.example"]

    def look():
        found = re.search(r"(http\S+)/answer/", home.app.renderer.render(digest.mail).text)
        return found and found[1]

    return look


def alerts(home):
    with home.app.database.reading() as session:
        rows = session.connection().exec_driver_sql("SELECT details FROM mail WHERE kind = 'alert'")
        return [row[0] for row in rows]


def test_where_the_address_is_taken_mails_carry_no_link_until_it_is_had(home, link, other, pages):
    assert link() == "http://127.0.0.1:8080"
    pages.open()
    assert link() is None
    pages.look()
    assert link() is None
    home.app.reload()
    assert link() is None, "an edit of the files changes nothing about that"
    other[0].close()
    pages.look()
    assert link() == f"http://{other[1]}"
    with urllib.request.urlopen(f"http://{other[1]}/healthz", timeout=10) as answer:
        assert answer.status == 200


def test_the_operator_hears_of_it_once(home, other, pages):
    home.app.engine.bring_up_to_date(home.clock.now())
    pages.open()
    assert alerts(home) == [], "who gave the address back within seconds was only being started anew"
    for _ in range(3):
        pages.look()
    ServedPages(home.app, lambda: None, other[1]).look()
    [told] = alerts(home)
    assert other[1] in told
    assert "网页打不开" in told
    assert "暂不附办理链接" in told
    assert re.search("已被占用", told), told


def test_an_operator_who_could_not_be_told_is_told_later(home, pages, monkeypatch):
    home.app.engine.bring_up_to_date(home.clock.now())
    pages.open()
    tell = home.app.engine.alert
    monkeypatch.setattr(home.app.engine, "alert", refuse)
    pages.look()
    monkeypatch.setattr(home.app.engine, "alert", tell)
    pages.look()
    assert len(alerts(home)) == 1


def refuse(*_):
    raise AddressTakenError("cannot_serve", address="here", error="the database is away")


def test_an_address_that_this_machine_does_not_have_yet_is_tried_for_as_well(home, link):
    """Behind a network that comes up after the service, or an address that moves between machines."""
    pages = ServedPages(home.app, lambda: None, "192.0.2.1:8080")
    pages.open()
    pages.look()
    assert link() is None


def test_pages_that_end_are_begun_anew(home):
    pages = ServedPages(home.app, lambda: None, "127.0.0.1:0")
    pages.open()
    try:
        first = pages.server
        assert first is not None
        first._server.should_exit = True
        wait_until(lambda: not first.is_serving, 10)
        pages.look()
        second = pages.server
        assert second is not None
        with urllib.request.urlopen(f"{second.address}/healthz", timeout=10) as answer:
            assert answer.status == 200
    finally:
        pages.close()
    pages.look()
    assert pages.server is second, "what was closed stays closed"
    assert not second.is_serving


@pytest.mark.parametrize(
    ("base", "leads"), [("http://127.0.0.1:8080", False), ("https://office.example/a", True)]
)
def test_without_pages_mails_carry_links_only_where_another_machine_may_have_them(monkeypatch, base, leads):
    class Still:
        def __init__(self, *_):
            pass

        def run(self, **_):
            return True

    monkeypatch.setattr("tracker.daemon.scheduler.signal.signal", lambda *_: None)
    monkeypatch.setattr(scheduler, "Service", Still)
    monkeypatch.setattr(scheduler, "refuse_root", lambda *_, **__: None)
    with house(SETTINGS.replace("https://tracker.example", base)) as home:
        home.app.engine.run_pass(at_once=True)
        [digest] = [mail for mail, _ in home.sender.take() if mail.mail.to == "wanzhou@unit.example"]
        scheduler.run_service(home.app, with_pages=False)
        assert (f"{base}/answer/" in home.app.renderer.render(digest.mail).text) is leads


def test_at_a_terminal_the_service_ends_with_1_and_names_the_address(tmp_path, other):
    place = Place(tmp_path)
    ours, theirs = os.openpty()
    with subprocess.Popen(
        command("run"),
        cwd=place.folder,
        env=clean_environ({"TRACKER_WEB": other[1], "LANG": "en_US.UTF-8"}),
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    ) as running:
        os.close(theirs)
        assert running.wait(60) == 1
    said = os.read(ours, 100_000).decode()
    os.close(ours)
    assert f"the pages cannot be served at {other[1]}" in said


@pytest.mark.parametrize(
    ("link_base", "kept"),
    [
        ("https://localhost:9142/tracker", True),
        ("http://127.0.0.1:9142/tracker", True),
        ("https://127.0.0.1:9142", True),
        ("http://localhost:8080", False),
    ],
)
def test_a_server_in_front_on_this_machine_is_what_links_lead_to(link_base, kept):
    with house(SETTINGS.replace("https://tracker.example", link_base)) as home:
        home.app.serve_at("http://127.0.0.1:41234")
        assert home.app.snapshot.settings.link_base == (link_base if kept else "http://127.0.0.1:41234")
