"""The pages under a path, behind a server that takes the path away or leaves it: every address leads on."""

import re
from dataclasses import replace
from typing import cast

import pytest
from starlette.responses import RedirectResponse
from starlette.testclient import TestClient

from tests.integration import test_web_answer, test_web_reading
from tests.integration.test_web_reading import addresses, reads, routes
from tests.integration.web import SECRET, csrf_of, house
from tests.tools import ROOT, found_in
from tracker.config.field_types import PAGES
from tracker.web.base.site import Site
from tracker.web.middleware.sub_path import SubPath

#: The same fixtures.
office, busy = test_web_answer.office, test_web_reading.busy

UNDER = "/tracker"
LEADS = re.compile(r'\s(?:href|src|action|formaction)="([^"]*)"')


@pytest.fixture
def under(busy):
    """Every address with something at it, for somebody who may see everything, under a path."""
    snapshot = busy.app.snapshot
    settings = replace(snapshot.settings, link_base=f"https://office.example{UNDER}")
    busy.app.adopt(replace(snapshot, settings=settings))
    key = busy.site.access.keys.make("li", busy.clock.now())
    entered = busy.browser.post(f"/enter/{key}", follow_redirects=False)
    session = found_in(r"__Host-tracker=([^;]+)", entered.headers["set-cookie"], 1)
    busy.browser.headers.update({"cookie": f"__Host-tracker={session}", "host": "office.example"})
    return busy


def astray(answer):
    """Where it leads that is not under the path."""
    html = "html" in answer.headers.get("content-type", "")
    led = LEADS.findall(answer.text) if html else []
    led += [answer.headers["location"]] if "location" in answer.headers else []
    fine = ("#", "?", "mailto:", "tel:", f"{UNDER}/", f"https://office.example{UNDER}/")
    return [each for each in led if not each.startswith(fine) and each]


def test_every_address_leads_on_under_the_path(under):
    """Whether the server in front takes the path away or leaves it."""
    found = {}
    for path in reads(under.browser.app):
        for number, address in enumerate(addresses(path, under.values)):
            asked = (UNDER if number % 2 else "") + address
            answer = under.browser.get(asked, follow_redirects=False)
            found[asked] = (answer.status_code, astray(answer))
    assert {address: led for address, (_, led) in found.items() if led} == {}
    assert sum(status == 200 for status, _ in found.values()) >= 35
    page = under.browser.get(UNDER).text
    for address in re.findall(r'(?:href|src)="([^"]+\.(?:css|js|svg))"', page):
        assert under.browser.get(address).status_code == 200, address
    assert under.browser.get("/api/openapi.json").json()["servers"] == [{"url": f"{UNDER}/api"}]


@pytest.mark.parametrize(
    ("base", "root"), [("https://tracker.example", ""), ("https://tracker.example/a/b", "/a/b")]
)
def test_redirects_name_no_scheme_and_no_host(base, root):
    """Behind TLS that somebody else has, this service is asked by http."""
    with house() as home:
        snapshot = home.app.snapshot
        home.app.adopt(replace(snapshot, settings=replace(snapshot.settings, link_base=base)))
        home.account("li")
        browser = home.browser("http://tracker.example")
        assert browser.get("/mails?a=b").headers["location"] == f"{root}/sign-in?next=%2Fmails%3Fa%3Db"
        signed_in = browser.post(
            "/sign-in", data={"name": "li", "password": SECRET, "next": "/mails?kind=digest"}
        )
        assert signed_in.headers["location"] == f"{root}/mails?kind=digest"
        browser.headers["cookie"] = f"__Host-tracker={signed_in.cookies['__Host-tracker']}"
        for path in ("/mails/", "/api/status/", f"{root}/unit/wanzhou/"):
            to = browser.get(path).headers["location"]
            assert to == root + path.removeprefix(root).rstrip("/"), path
        assert re.fullmatch(f"{root}/month/2022-0[0-9]", browser.get("/month").headers["location"])


def test_what_is_done_leads_back_to_its_page():
    with house() as home:
        snapshot = home.app.snapshot
        settings = replace(snapshot.settings, link_base=f"https://tracker.example{UNDER}")
        home.app.adopt(replace(snapshot, settings=settings))
        browser = home.sign_in("li")
        data = {
            "ref": "table-2@2022-05",
            "unit": "wanzhou",
            "csrf": csrf_of(browser),
            "back": "/unit/wanzhou?a=b",
        }
        assert browser.post("/act/waive", data=data).headers["location"] == f"{UNDER}/unit/wanzhou?a=b"
        there = browser.get("/?language=en").headers.get_list("set-cookie")
        assert any("Path=/tracker;" in each for each in there), "other services at this name keep theirs"


@pytest.mark.parametrize(
    "to", ["https://office.example/login/auth", "https://login.example/", "//evil.example/x"]
)
def test_where_another_server_is_meant_it_is_left_alone(to):
    """A provider may have the same name as ours."""

    class Here:
        root = UNDER

    application = SubPath(RedirectResponse(to), cast("Site", Here))
    browser = TestClient(application, base_url="http://office.example", follow_redirects=False)
    assert browser.get("/sign-in/oidc").headers["location"] == to


def test_no_template_leads_past_the_path():
    """A path in a page begins with ``{{ root }}``."""
    for file in sorted((ROOT / "templates" / "web").rglob("*.html")):
        led = re.findall(r'(?:href|src|action|formaction)="(/[^"]*)"', file.read_text(encoding="utf-8"))
        assert led == [], file


def test_the_path_cannot_be_taken_for_one_of_ours():
    """``check`` refuses a path that begins as a page of ours does."""
    with house() as home:
        firsts = {path.split("/")[1] for path, _ in routes(home._serving.routes)}
    assert firsts - {""} == set(PAGES.pattern.split("|"))
