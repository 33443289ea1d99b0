"""Looking changes nothing: every address of the site is asked for, and the ledger and every file stay as they were."""

import re
import sqlite3
from contextlib import closing

import pytest
from starlette.routing import BaseRoute, Mount

from tests.integration import test_web_answer
from tests.integration.test_web_answer import filled
from tests.tools import found_in
from tracker.access.accounts import add_account
from tracker.access.links import Purpose
from tracker.core.roles import Role
from tracker.shipped import shipped
from tracker.usecases import calendars

#: The same fixture.
office = test_web_answer.office

SECRET = "nine yellow tables"


def routes(found: list[BaseRoute], above=""):
    """Every address of the site, with its methods; what is mounted is looked into."""
    for route in found:
        below = getattr(route, "routes", None)
        path = above + getattr(route, "path", "")
        if isinstance(route, Mount) and below:
            yield from routes(list(below), path)
        else:
            yield path, frozenset(getattr(route, "methods", None) or ["GET", "HEAD"])


def reads(application):
    return sorted({path for path, methods in routes(application.routes) if "GET" in methods})


@pytest.fixture
def busy(office):
    """An office where everything has happened once, so that no address is empty; and what stands in the addresses."""
    link = office.link()
    copied = office.upload(link, ("表.xlsx", filled(office.blank(link), special_trained="若干"))).text
    office.upload(link, ("表.xlsx", filled(office.blank(link))))
    other = office.link("26/experience@2022-05")
    office.press(f"{other}/extend", until="2022-05-20", note="需要时间")
    office.press(f"{other}/say", note="收到")
    office.app.engine.run_pass(at_once=True)
    with office.app.database.writing() as session:
        add_account(session, "li", Role.OPERATOR, SECRET, office.clock.now())
    links, mail = office.app.links, office.mails()[0]
    until = links.read(link.rpartition("/")[2], Purpose.ANSWER, office.clock.now()).until
    feed = calendars.add_feed(office.app, "wanzhou", "t")
    office.values = {
        "token": [link.rpartition("/")[2], links.view(mail.key, until).rpartition("/")[2], "forged"],
        "way": ["done", "nil", "extend", "say", "file", "nothing"],
        "paper": [found_in(r"/copy/([^\"]+)\"", copied, 1)],
        "month": ["2022-05"],
        "key": ["5", "26/experience", office.site.access.keys.make("li", office.clock.now())],
        "unit": ["wanzhou"],
        "ref": ["table-2@2022-05"],
        "number": ["1", "2"],
        "secret": [re.sub(r"\.ics$", "", feed.rpartition("/")[2])],
    }
    office.app.files_changed()
    return office


def addresses(path, values):
    """``path`` with each of the values that may stand in it."""
    name = re.search(r"\{(\w+)(?::\w+)?\}", path)
    if name is None:
        return [path]
    # A new address is asked for here, too: say what may stand in it.
    return [each for value in values[name[1]] for each in addresses(path.replace(name[0], value, 1), values)]


def everything(office):
    """The whole database as statements, and every other file as bytes."""
    folder = office.app.config.parent
    with closing(sqlite3.connect(folder / "var" / "tracker.db")) as connection:
        rows = "\n".join(connection.iterdump())
    files = {
        str(path): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith("tracker.db")
    }
    return rows, files


ASKED = {
    "from": "2022-05-01",
    "to": "2022-06-30",
    "text": "每月5日前",
    "ref": "table-2@2022-05",
    "unit": "wanzhou",
    "month": "2022-05",
}


def ask(browser, office):
    """Every address by GET, twice, and by HEAD; how many pages there were."""
    good = 0
    described = browser.get("/api/openapi.json").json().get("paths", {})
    for path in reads(browser.app):
        for address in addresses(path, office.values):
            takes = [
                each["name"]
                for each in described.get(path.removeprefix("/api"), {}).get("get", {}).get("parameters", ())
            ]
            query = "&".join(f"{name}={value}" for name, value in ASKED.items() if name in takes)
            more = (
                f"?{query}"
                if path.startswith("/api/")
                else "?language=en&theme=dark&did=done&next=/act/accept"
            )
            answers = [
                browser.request(method, address + more, follow_redirects=False)
                for method in ("GET", "HEAD", "GET")
            ]
            assert all(each.status_code != 500 for each in answers), address
            good += answers[0].status_code == 200
    return good


def test_no_address_changes_anything_by_being_looked_at(busy):
    before, woken = everything(busy), busy.woken
    # Nobody is signed in: what is for everybody, and what has a secret in its address.
    assert ask(busy.browser, busy) >= 15
    assert everything(busy) == before
    assert busy.woken == woken


def test_nor_for_somebody_who_may_do_everything(busy):
    key = busy.site.access.keys.make("li", busy.clock.now())
    entered = busy.browser.post(f"/enter/{key}", follow_redirects=False)
    session = found_in(r"__Host-tracker=([^;]+)", entered.headers["set-cookie"], 1)
    before, woken = everything(busy), busy.woken
    # The cookie is for TLS alone, which this browser has not.
    busy.browser.headers["cookie"] = f"__Host-tracker={session}"
    assert busy.browser.get("/requests").status_code == 200
    assert ask(busy.browser, busy) >= 40
    assert everything(busy) == before
    assert busy.woken == woken


def test_what_acts_is_asked_for_by_post_alone(busy):
    before = everything(busy)
    acting = [path for path, methods in routes(busy.browser.app.routes) if methods == {"POST"}]
    assert len(acting) >= 14
    both = {path for path in acting if path in reads(busy.browser.app)}
    for path in set(acting) - both:
        for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"):
            for address in addresses(path, busy.values):
                assert busy.browser.request(method, address, follow_redirects=False).status_code in {
                    303,
                    403,
                    404,
                    405,
                }
    assert everything(busy) == before


def test_no_page_sends_a_form_by_itself(busy):
    """Scanners run scripts: none of ours submits a form, or fetches in another way than by GET."""
    scripts = sorted((shipped("templates") / "web" / "static").glob("*.js"))
    assert scripts
    for script in scripts:
        text = script.read_text(encoding="utf-8")
        for word in (".submit(", "requestSubmit", "sendBeacon", "XMLHttpRequest", "method:", ".click("):
            assert word not in text, (script.name, word)
