"""What people have written is text on every page: never markup, never a template, never a script."""

import re
from datetime import timedelta

import pytest
from jinja2 import StrictUndefined, UndefinedError

from tests.integration.web import SETTINGS, House
from tests.tools import CAMPAIGN, UNITS, Place, quick_folder
from tests.world import at
from tracker.clock import VirtualClock
from tracker.core.model import Event, EventKind
from tracker.core.roles import Role
from tracker.report.html import _template
from tracker.service.app import App

EVIL = "<script>x()</script>\"'><img src=x onerror=x()>{{ 7 * 7 }}{% raw %}"
NAMED = "'" + EVIL.replace("'", "''") + "'"
PAGES = [
    "/",
    "/timeline",
    "/month/2022-05",
    "/item/table-2",
    "/item/2",
    "/unit/wanzhou",
    "/assignment/wanzhou/table-2@2022-05",
    "/mails",
    "/health",
    "/requests",
    "/api/",
    "/nothing",
    f"/unit/{'%3Cscript%3Ex()'}",
    "/?unit=%3Cscript%3Ex()&state=%22%3E%3Cscript%3E",
]


@pytest.fixture(scope="module")
def browser():
    tasks = CAMPAIGN
    for word in (
        "安全培训专项治理",
        "试发〔2022〕1号",
        "汇总表（培训机构）",
        "每个区至少曝光2家企业。",
        "每个区至少2家。",
    ):
        assert word in tasks
        tasks = tasks.replace(word, NAMED, 1)
    units = UNITS.replace("name: 万州区应急管理局", f"name: {NAMED}").replace(
        "name: 万州联络员", f"name: {NAMED}"
    )
    with quick_folder() as folder:
        place = Place(folder, tasks=tasks, units=units, settings=SETTINGS)
        clock = VirtualClock(at("2022-05-05 09:30"))
        app = App(place.config, database="sqlite://", environ={}, clock=clock)
        house = House(app, clock)
        app.engine.run_pass(at_once=True)
        for kind in (EventKind.SUBMIT, EventKind.RETURN):
            event = Event(
                app.clock.now(), "table-2@2022-05", "wanzhou", kind, who=EVIL, reason=EVIL, note=EVIL
            )
            app.engine.record(event)
            house.clock.set(house.clock.now() + timedelta(seconds=1))
        found = house.sign_in("<script>x()", Role.OPERATOR)
        found.environment = house.site.environment
        yield found
        app.close()


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("path", PAGES)
def test_no_page_takes_a_text_for_anything_else(browser, path, language):
    more = "&" if "?" in path else "?"
    page = browser.get(f"{path}{more}language={language}").text
    assert "<script>x()" not in page
    assert not re.search(r"<img[^>]*onerror", page)
    if path in PAGES[:7]:
        assert "&lt;script&gt;x()" in page
        assert "{{ 7 * 7 }}" in page


def test_a_page_that_lacks_a_fact_breaks_and_does_not_show_a_gap(browser):
    environment = browser.environment
    assert environment.undefined is StrictUndefined
    assert environment.autoescape is True
    with pytest.raises(UndefinedError):
        environment.from_string("{{ nothing }}").render()


def test_the_report_as_a_page_is_made_the_same_way():
    environment = _template().environment
    assert (environment.undefined, environment.autoescape) == (StrictUndefined, True)
