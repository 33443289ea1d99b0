"""The database goes away, is locked, full or no database any more, at any moment of any request.

Whoever asked reads one sentence in their language, a program gets JSON, nobody sees a traceback, and the next
request is answered as if nothing had been.
"""

import errno
import logging
import sqlite3
import threading
from contextlib import contextmanager
from datetime import date, timedelta

import pytest
from sqlalchemy import event
from sqlalchemy.exc import DatabaseError, OperationalError
from starlette.testclient import TestClient

from tests.integration.test_web_answer import Office
from tests.integration.web import SECRET, csrf_of, house
from tests.tools import quick_folder
from tests.web import browser, office
from tracker.core.roles import Role
from tracker.daemon.scheduler import Service
from tracker.usecases import ledger
from tracker.web.application import make_application
from tracker.web.base.error_pages import AGAIN
from tracker.web.base.site import Site

TROUBLES = {
    "locked": OperationalError("SELECT", {}, sqlite3.OperationalError("database is locked")),
    "full": OperationalError("INSERT", {}, sqlite3.OperationalError("database or disk is full")),
    "malformed": DatabaseError("SELECT", {}, sqlite3.DatabaseError("database disk image is malformed")),
}
SENTENCE = {
    "zh": "数据库暂时不可用，请稍后再试",
    "en": "the database cannot be used now; try again a little later",
}
PAGES = [
    "/",
    "/timeline",
    "/month/2022-05",
    "/month/2022-05/addresses.txt",
    "/item/table-2",
    "/unit/wanzhou",
    "/assignment/wanzhou/table-2@2022-05",
    "/files/1",
    "/mails",
    "/mails/1",
    "/requests",
    "/sign-in",
    "/feed/nothing.ics",
    "/nothing",
]
API = [
    "/api/",
    "/api/tasks",
    "/api/status",
    "/api/history",
    "/api/mails",
    "/api/nothing",
    "/api/calendar?from=2022-05-01&to=2022-05-31",
    "/api/explain?ref=table-2@2022-05&unit=wanzhou",
    "/api/forms/missing?month=2022-05",
]
MOST = 80


@contextmanager
def away(app, trouble, after):
    """From the statement with this number on, the database says nothing but ``trouble``."""
    said = [0]

    def die(*_):
        said[0] += 1
        if said[0] > after:
            raise trouble

    engines = {app.database.engine, app.database.beside}
    for engine in engines:
        event.listen(engine, "before_cursor_execute", die)
    try:
        yield said
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", die)


def is_refused(response, language, *, program):
    """Whether it is the refusal, which then is a whole one."""
    assert response.status_code != 500, response.text
    assert "Traceback" not in response.text
    assert "sqlite" not in response.text.casefold()
    if response.status_code != 503:
        return False
    assert response.headers["retry-after"] == str(AGAIN)
    if program:
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["detail"] == SENTENCE[language]
    else:
        assert response.headers["content-type"].startswith("text/html")
        assert SENTENCE[language] in response.text
    return True


@pytest.mark.parametrize("trouble", TROUBLES)
def test_the_figures_are_no_page(tmp_path, trouble):
    with office(tmp_path) as app:
        client = browser(app)
        for after in range(MOST):
            with away(app, TROUBLES[trouble], after) as said:
                got = client.get("/metrics")
            assert got.headers["content-type"].startswith("text/plain")
            if said[0] <= after:
                break
            assert (got.status_code, got.text) == (503, "the database does not answer\n")
        assert got.status_code == 200


def at_each_moment(app, ask, language, *, program=False, trouble=TROUBLES["locked"]):
    """Ask while the database goes away after 0, 1, 2, … statements, until it is not needed any more."""
    for after in range(MOST):
        with away(app, trouble, after) as said:
            refused = is_refused(ask(), language, program=program)
        if said[0] <= after:
            assert not refused
            return after
        assert refused, f"after {after} statements"
    raise AssertionError("it never came to an end")


@pytest.fixture
def home(caplog):
    with house() as made:
        yield made
    assert not [each for each in caplog.records if each.levelno >= logging.ERROR], caplog.text


# What is caught has nothing to do with the language of who asks: each of both stands beside one trouble or two.
@pytest.mark.parametrize(("language", "trouble"), [("zh", "locked"), ("zh", "full"), ("en", "malformed")])
def test_a_page_says_so_in_the_readers_language(home, language, trouble):
    browser = home.sign_in("高", Role.OPERATOR)
    for path in PAGES:
        more = "&" if "?" in path else "?"

        def ask(path=f"{path}{more}language={language}"):
            return browser.get(path)

        before = ask().status_code
        at_each_moment(home.app, ask, language, trouble=TROUBLES[trouble])
        assert ask().status_code == before, f"{path} heals by itself"


def test_a_program_gets_a_problem(home):
    browser = home.sign_in("高", Role.OPERATOR)
    for path in API:
        program = path != "/api/"
        more = "&" if "?" in path else "?"

        def ask(path=f"{path}{more}language=en"):
            return browser.get(path)

        before = ask().status_code
        # What the door could not find out is told a program, whatever it came for.
        with away(home.app, TROUBLES["locked"], 0):
            assert is_refused(ask(), "en", program=True)
        if program:
            at_each_moment(home.app, ask, "en", program=True)
        assert ask().status_code == before


def test_what_somebody_does_is_done_or_refused_and_never_half(home):
    browser = home.sign_in("高", Role.OPERATOR)
    csrf = csrf_of(browser)
    form = {"csrf": csrf, "ref": "table-2@2022-05", "unit": "wanzhou", "back": "/"}
    at_each_moment(home.app, lambda: browser.post("/act/waive", data=form), "zh")
    assert [each["event"] for each in ledger.history(home.app)] == ["waive"]


def test_whoever_signs_in_is_told(home):
    home.account("高", Role.OPERATOR)
    form = {"name": "高", "password": "nine yellow tables"}
    at_each_moment(home.app, lambda: home.browser().post("/sign-in", data=form), "zh")


def test_a_units_own_pages_say_so(home):
    app = home.app
    app.engine.bring_up_to_date(home.clock.now())
    contact = app.snapshot.campaign.units["wanzhou"].contacts[0]
    link = app.links.answer("table-2@2022-05", "wanzhou", contact.email, date(2022, 8, 1))
    path = link.removeprefix(app.links.base)
    browser = home.browser()
    for each in (path, f"{path}/done", f"{path}/extend"):
        assert browser.get(each).status_code == 200
        at_each_moment(app, lambda each=each: browser.get(each), "zh")


def test_a_file_that_is_no_database_any_more_is_told_and_mended(tmp_path, caplog):
    with office(tmp_path) as app:
        client = TestClient(
            make_application(Site(app)), "http://127.0.0.1:8080", raise_server_exceptions=False
        )
        assert client.get("/").status_code == 200
        app.database.close()
        for each in tmp_path.glob("tracker.db-*"):
            each.unlink()
        good = (tmp_path / "tracker.db").read_bytes()
        (tmp_path / "tracker.db").write_bytes("尊敬的各位同事：".encode() * 400)
        assert is_refused(client.get("/"), "zh", program=False)
        assert is_refused(client.get("/api/status"), "zh", program=True)
        assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").status_code == 503
        app.database.close()
        (tmp_path / "tracker.db").write_bytes(good)
        assert client.get("/").status_code == 200
    assert not [each for each in caplog.records if each.levelno >= logging.ERROR], caplog.text


# --- whoever looks after the service ---


FULL = OperationalError("INSERT", {}, sqlite3.OperationalError("database or disk is full"))


@contextmanager
def full(app):
    """Reading goes on, and nothing can be written."""

    def refuse(_connection, _cursor, statement, *_):
        if statement.split(maxsplit=1)[0] in {"INSERT", "UPDATE", "DELETE"}:
            raise FULL

    event.listen(app.database.engine, "before_cursor_execute", refuse)
    try:
        yield
    finally:
        event.remove(app.database.engine, "before_cursor_execute", refuse)


def reasons(browser_):
    return browser_.get("/readyz").json()["reasons"]


def test_a_full_disk_is_named_at_once_where_the_operator_looks(caplog):
    """By whatever is refused first, a visitor's answer or the pass's own note, and it heals by itself."""
    with house() as home:
        supervisor = home.sign_in("wang")
        service = Service(home.app, threading.Event())
        service.pass_()
        assert reasons(supervisor) == []
        caplog.clear()
        with full(home.app):
            assert (
                home.browser().post("/sign-in", data={"name": "wang", "password": SECRET}).status_code == 503
            )
            [reason] = reasons(supervisor)
            assert "database or disk is full" in reason
            assert [each.levelname for each in caplog.records] == ["WARNING"]
            assert "database or disk is full" in caplog.text
            for _ in range(20):
                home.browser().post("/sign-in", data={"name": "wang", "password": SECRET})
            assert len(caplog.records) == 1, "once a minute"
        assert home.browser().post("/sign-in", data={"name": "wang", "password": SECRET}).status_code == 303
        assert reasons(supervisor) == []


def test_a_quiet_pass_names_a_full_disk_too(caplog):
    with house() as home:
        service = Service(home.app, threading.Event())
        service.pass_()
        home.clock.set(home.clock.now() + timedelta(minutes=2))
        caplog.clear()
        with full(home.app):
            service.pass_()
            assert any("database or disk is full" in each for each in reasons(home.browser()))
            assert "database or disk is full" in caplog.text
        home.clock.set(home.clock.now() + timedelta(minutes=2))
        service.pass_()
        assert reasons(home.browser()) == []


def test_what_a_unit_wrote_is_shown_again_with_the_way_back_to_its_own_page():
    with quick_folder() as folder:
        found = Office(folder)
        link, text = found.link(), "我区两家机构尚未核实，\n请等到周五"
        with full(found.app):
            page = found.browser.post(f"{link}/say", data={"text": text})
        assert page.status_code == 503
        assert f">{text}</textarea>" in page.text
        assert f'<a href="{link}">返回该事项</a>' in page.text
        assert "返回看板" not in page.text
        found.app.close()


def test_a_disk_that_takes_no_uploads_is_said_in_the_log(monkeypatch, caplog):
    def refuse(**_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with quick_folder() as folder:
        found = Office(folder)
        monkeypatch.setattr("tracker.web.base.bodies.tempfile.TemporaryFile", refuse)
        page = found.upload(found.link(), ("a.xlsx", b"x"))
        assert page.status_code == 503
        assert "No space left on device" in caplog.text
        found.app.close()
