"""What the journeys share: a campaign that is served, a page that remembers what went wrong in it, a form filled in."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import axe_playwright_python
import openpyxl
from playwright.sync_api import Browser, sync_playwright

from tests.tools import missing
from tracker.access.accounts import add_account
from tracker.core.model import Event, EventKind
from tracker.outbox.queries import stored_mails
from tracker.usecases import ledger
from tracker.web.base.site import Site
from tracker.web.server import WebServer

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
SIZES: dict[str, Any] = {
    "desktop": {"viewport": {"width": 1440, "height": 900}},
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
}
PASSWORD = "nine yellow tables"
TABLE = "table-2@2022-05"
HEAD = "安全培训机构名称"

#: What axe found in order is told of one element only: on a page with thousands that is most of the work.
FLAWS = "axe.run({resultTypes: ['violations']}).then((found) => found.violations)"

#: The console hears of what the policy forbade, wherever in the page it was.
TELL_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
"""


@contextmanager
def real_chromium(*options: str) -> Iterator[Browser]:
    """The one that is installed, with ``options``; Playwright keeps an event loop in this thread meanwhile."""
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next((found for name in names if (found := shutil.which(name))), None)
    if program is None:
        missing("chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", *options])
        yield browser
        browser.close()


def run_pass(app):
    """In a thread of its own: Playwright has this thread's event loop."""
    with ThreadPoolExecutor(1) as beside:
        beside.submit(app.engine.run_pass, at_once=True).result()


class Served:
    """A campaign, served on a free port; its mails of the day have gone out."""

    def __init__(self, app):
        self.app = app
        self.site = Site(app, self._wake, live=0.5)
        self.server = WebServer(self.site, "127.0.0.1:0")
        app.serve_at(self.server.address)
        run_pass(app)
        self.server.start()
        self.at = self.server.address

    def _wake(self):
        self.app.engine.run_pass(at_once=True)

    def answer(self, ref, unit, kind=EventKind.SUBMIT):
        """What a unit did elsewhere."""
        self.app.engine.record(Event(self.app.clock.now(), ref, unit, kind, who="t", via="cli"))

    def link(self, ref, unit):
        """The link in the mail of the unit's first contact."""
        contact = self.app.snapshot.campaign.units[unit].contacts[0]
        return self.app.links.answer(ref, unit, contact.email, date(2022, 8, 29))

    def account(self, name, role):
        with self.app.database.writing() as session:
            add_account(session, name, role, PASSWORD, self.app.clock.now())

    def mail_to(self, unit):
        with self.app.database.reading() as session:
            return [each for each in stored_mails(session, "main", unit=unit) if each.mail.kind == "digest"][
                -1
            ].mail

    def state(self, ref, unit):
        _, (row,) = ledger.status(self.app, unit=unit, ref=ref)
        return row.state.value


class Watched:
    """A page that remembers what went wrong in it."""

    def __init__(self, browser, served, size="desktop", **more):
        self.context = browser.new_context(accept_downloads=True, **SIZES[size], **more)
        self.context.add_init_script(TELL_VIOLATIONS)
        self.wrong: list[str] = []
        self._home = served.at
        self.page = self.open()

    def open(self):
        """One more page of the same person."""
        page = self.context.new_page()
        page.set_default_timeout(8000)
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("request", lambda asked: self._asked(asked.url, self._home))
        return page

    def sign_in(self, name, following="/"):
        """By the form, and on to ``following``."""
        self.page.goto(f"{self._home}/sign-in")
        self.page.fill('input[name="name"]', name)
        self.page.fill('input[name="password"]', PASSWORD)
        self.page.locator("main form button").first.click()
        self.page.goto(f"{self._home}{following}")

    def _heard(self, said):
        if said.type in ("error", "warning") and "status of 40" not in said.text:
            self.wrong.append(said.text)

    def _asked(self, url, home):
        if not url.startswith((home, "data:", "about:", "blob:")):
            self.wrong.append(f"asked {url}")

    def flaws(self):
        """What axe finds on the page, as it stands."""
        self.page.evaluate(AXE)
        found = self.page.evaluate(FLAWS)
        return [f"{flaw['id']}: {flaw['nodes'][0]['html'][:150]}" for flaw in found]

    def done(self):
        wide = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 1, f"{self.page.url} is {wide} pixels too wide"
        assert self.wrong == []
        self.context.close()


def fill(path, typed):
    """Type a first row and who filled it in into a form, as a clerk would."""
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    heads = {
        str(cell.value).split("\n")[0]: cell
        for row in sheet.iter_rows(max_row=12)
        for cell in row
        if cell.value
    }
    first = heads[HEAD].row
    while sheet.cell(first, 1).value != 1:
        first += 1
    for head, value in typed.items():
        column = next(cell.column for name, cell in heads.items() if name.startswith(head))
        sheet.cell(first, column).value = value
    for label, value in (("填表人", "张三"), ("联系电话", "023-58123456"), ("填表时间", "2022-05-04")):
        cell = next(cell for name, cell in heads.items() if name.startswith(label))
        below = next(
            c for c in range(cell.column + 1, cell.column + 6) if not _is_merged_away(sheet, cell.row, c)
        )
        sheet.cell(cell.row, below).value = value
    book.save(path)


def _is_merged_away(sheet, row, column):
    return type(sheet.cell(row, column)).__name__ == "MergedCell"
