"""Two machines over one database behind one address, where each request may come to the other one."""

import re

import pytest
from starlette.testclient import TestClient

from tests.integration import test_web_answer
from tests.integration.test_web_answer import filled
from tests.tools import found_in
from tracker.access.accounts import add_account
from tracker.core.roles import Role
from tracker.service.app import App
from tracker.web.application import make_application
from tracker.web.base.site import Site

#: The same fixture.
office = test_web_answer.office

SECRET = "nine yellow tables"


@pytest.fixture
def both(office):
    """The office with another machine beside it; every request goes to the other one than the request before."""
    other = App(
        office.app.config, database=office.app.database_url, environ=office.app.environ, clock=office.clock
    )
    machines = [make_application(office.site), make_application(Site(other))]

    async def balanced(scope, receive, send):
        machines.reverse()
        await machines[0](scope, receive, send)

    office.browser = TestClient(balanced, base_url="https://127.0.0.1:8080")
    yield office
    other.close()


def test_somebody_who_is_signed_in_acts_and_signs_out_on_either(both):
    with both.app.database.writing() as session:
        add_account(session, "li", Role.SUPERVISOR, SECRET, both.clock.now())
    browser, page = both.browser, "/assignment/wanzhou/table-2@2022-05"
    for _ in range(2):
        signed_in = browser.post("/sign-in", data={"name": "li", "password": SECRET, "next": page})
        assert '<span class="who">li</span>' in signed_in.text
        csrf = found_in(r'name="csrf" value="([^"]+)"', browser.get(page).text, 1)
        data = {"csrf": csrf, "ref": "table-2@2022-05", "unit": "wanzhou", "back": page}
        waived = browser.post("/act/waive", data=data)
        assert re.search(r'<p class="flash"[^>]*>[^<]*免报', waived.text), "the sentence, and the state"
        assert both.row().state.value == "waived"
        undone = browser.post("/act/undo", data=data)
        assert 'class="flash"' in undone.text
        assert both.row().state.value != "waived"
        browser.post("/sign-out", data={"csrf": csrf})
        for _ in range(2):
            assert browser.get(page).url.path == "/sign-in"


def test_who_has_signed_in_on_one_is_known_on_the_other_and_guesses_slow_only_others(both):
    with both.app.database.writing() as session:
        add_account(session, "li", Role.SUPERVISOR, SECRET, both.clock.now())
    both.browser.post("/sign-in", data={"name": "li", "password": SECRET})
    thief = TestClient(both.browser.app, base_url="https://127.0.0.1:8080", follow_redirects=False)
    guesses = [
        thief.post("/sign-in", data={"name": "li", "password": "guess"}).status_code for _ in range(10)
    ]
    assert guesses[-2:] == [429, 429], "each machine has had enough"
    for _ in range(2):
        again = both.browser.post("/sign-in", data={"name": "li", "password": SECRET})
        assert '<span class="who">li</span>' in again.text


def test_a_unit_answers_and_files_its_table_on_either(both):
    link = both.link()
    told = both.upload(link, ("表.xlsx", filled(both.blank(link), special_trained="若干"))).text
    assert "若干" in told
    copy = found_in(r'href="([^"]+/copy/[^"]+)"', told, 1)
    for _ in range(2):
        assert both.browser.get(copy).content.startswith(b"PK")
    both.upload(link, ("表.xlsx", filled(both.blank(link))))
    assert both.row().state.value == "done"
    done = both.link("26/experience@2022-05")
    pressed = both.press(f"{done}/done", note="已报")
    assert "已" in pressed.text
    assert len(both.events("26/experience@2022-05")) == 1
