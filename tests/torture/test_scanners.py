"""What mail gateways do to the links of a mail before a person sees it; then the person."""

import contextlib
import re
import shutil
from urllib.parse import urljoin

import httpx2 as httpx
import pytest

from tests.acceptance.browsing import real_chromium
from tests.tools import ROOT, Place, found_in, letters, quick_folder, wait_until
from tests.torture import ready
from tests.torture.bureau import MOMENT
from tracker.clock import SystemClock

pytestmark = [pytest.mark.fault("scanners"), pytest.mark.torture]

ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/[^\s\"'<>（）]*")
IN_PAGE = re.compile(r'(?:href|src)="([^"]+)"')


@contextlib.contextmanager
def service():
    """The shipped campaign in June 2022, its pages, and the mails that went out; the place and what it said."""
    with quick_folder() as folder:
        shutil.copytree(ROOT / "config", folder / "config")
        place = Place.__new__(Place)
        place.folder, place.config = folder, folder / "config"
        running = ready.start(
            folder,
            "run",
            "--send-now",
            facts={"clock": (MOMENT - SystemClock().now()).total_seconds(), "is_at_terminal": 1},
            TRACKER_WEB="127.0.0.1:0",
            TRACKER_MAIL="mailbox:var/mailbox",
        )
        try:
            wait_until(lambda: " sent" in running.said(), 60, running.said)
            yield place, running
        finally:
            running.end()


def everything(place):
    """Every row of every table, but for when the service last looked."""
    tables = sorted(name for (name,) in place.query("SELECT name FROM sqlite_master WHERE type = 'table'"))
    rows = {name: place.query(f"SELECT * FROM {name}") for name in tables}
    rows["meta"] = [row for row in rows["meta"] if row[0] != "pulse"]
    return rows


def links_of(place):
    """Those of one unit's digest, in its text and in its page."""
    [letter] = [each for each in letters(place.mailbox) if "wanzhou" in str(each["To"])]
    parts = [letter.get_body((kind,)) for kind in ("plain", "html")]
    return sorted({found for part in parts if part for found in ADDRESS.findall(part.get_content())})


def fetch(client, links):
    """HEAD, ten GETs and OPTIONS of each, and of what their pages point to; (addresses, requests)."""
    seen, requests = set(), 0
    waiting = [(link, 0) for link in links]
    while waiting:
        link, depth = waiting.pop()
        if link in seen:
            continue
        seen.add(link)
        for method in ("HEAD", *["GET"] * (10 if depth == 0 else 2), "OPTIONS"):
            answer = client.request(method, link)
            requests += 1
            assert answer.status_code < 500, (method, link)
            if method == "GET" and depth < 2 and "html" in answer.headers["content-type"]:
                found = (urljoin(link, each.replace("&amp;", "&")) for each in IN_PAGE.findall(answer.text))
                waiting += [(each, depth + 1) for each in found if "/answer/" in each or "/view/" in each]
    return len(seen), requests


def test_scanners_change_nothing_and_a_click_does(figures):
    """Every link of a digest: HEAD, ten GETs, OPTIONS, what its pages point to, Chromium with its scripts on."""
    with service() as (place, running), real_chromium() as browser:
        links = links_of(place)
        entry = found_in(r"http://\S+/enter/\S+", running.said())
        assert len(links) > 20
        before = everything(place)
        with httpx.Client(follow_redirects=False, timeout=30) as client:
            addresses, requests = fetch(client, [*links, entry])
        context = browser.new_context()
        page = context.new_page()
        for link in links:
            page.goto(link)
            page.wait_for_timeout(100)
            page.mouse.move(200, 300)
        page.wait_for_timeout(1500)
        after = everything(place)
        changes = sum(len(set(before[name]) ^ set(after[name])) for name in before)
        assert changes == 0, {name: set(before[name]) ^ set(after[name]) for name in before}
        assert before.keys() == after.keys()

        done = next(link for link in links if link.endswith("/done"))
        page.goto(done)
        page.locator("main form .send button").click()
        page.wait_for_load_state()
        events = place.query("SELECT unit, event, via FROM event")
        assert len(events) == 1, page.content()
        assert events[0][0] == "wanzhou"
        page.goto(entry)
        page.locator("main form button").first.click()
        page.wait_for_load_state()
        assert len(place.query("SELECT * FROM session")) == 1, "the one-time address still lets its owner in"
        context.close()
        assert "Traceback" not in running.said()
    figures["links in the mail"] = len(links)
    figures["addresses"] = addresses
    figures["requests"] = requests
    figures["pages in Chromium"] = len(links)
    figures["changes"] = changes
    figures["events after a person's click"] = len(events)
