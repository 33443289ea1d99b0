"""In a real Chromium: a clerk answers, the supervisor looks and acts, the operator comes in; no page has a flaw."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import axe_playwright_python
import openpyxl
import pytest
from playwright.sync_api import expect, sync_playwright

from tests.tools import ROOT, missing
from tests.web import office
from tests.world import at
from tracker import desk
from tracker.core.model import Event, EventKind
from tracker.core.roles import Role
from tracker.engine.accounts import add_account
from tracker.engine.mails import stored_mails
from tracker.web.server import WebServer
from tracker.web.site import Site

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
SIZES = {"desktop": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
PASSWORD = "nine yellow tables"
TABLE = "table-2@2022-05"
HEAD = "安全培训机构名称"


@pytest.fixture(scope="module")
def chromium():
    program = next(
        (found for name in ("chromium", "chromium-browser") if (found := shutil.which(name))), None
    )
    if program is None:
        missing("chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


class Served:
    """The shipped campaign on 4 May 2022, served on a free port."""

    def __init__(self, app):
        self.app = app
        self.site = Site(app, self._wake, live=0.5)
        self.server = WebServer(self.site, "127.0.0.1:0")
        app.serve_at(self.server.address)
        # Playwright has this thread's event loop.
        with ThreadPoolExecutor(1) as beside:
            beside.submit(app.engine.run_pass, at_once=True).result()
        self.server.start()
        self.at = self.server.address

    def _wake(self):
        self.app.engine.run_pass(at_once=True)

    def account(self, name, role):
        with self.app.database.writing() as session:
            add_account(session, name, role, PASSWORD, self.app.clock.now())

    def mail_to(self, unit):
        with self.app.database.reading() as session:
            return [each for each in stored_mails(session, unit=unit) if each.mail.kind == "digest"][-1].mail

    def state(self, ref, unit):
        _, (row,) = desk.status(self.app, unit=unit, ref=ref)
        return row.state.value


@pytest.fixture
def served(tmp_path):
    with office(tmp_path, config=ROOT / "config", at=at("2022-05-04 09:00")) as app:
        made = Served(app)
        yield made
        made.server.stop()


@pytest.fixture(scope="module")
def read_only(tmp_path_factory):
    with office(tmp_path_factory.mktemp("pages"), at=at("2022-05-06 09:00")) as app:
        made = Served(app)
        for unit in ("wanzhou", "fuling", "yuzhong"):
            event = Event(app.clock.now(), TABLE, unit, EventKind.SUBMIT, who="t", via="cli")
            app.engine.record(event)
        yield made
        made.server.stop()


class Watched:
    """A page that remembers what went wrong in it."""

    def __init__(self, browser, served, size="desktop", **more):
        self.context = browser.new_context(viewport=SIZES[size], accept_downloads=True, **more)
        self.page = self.context.new_page()
        self.wrong: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", lambda asked: self._asked(asked.url, served.at))

    def _heard(self, said):
        if said.type in ("error", "warning") and "status of 40" not in said.text:
            self.wrong.append(said.text)

    def _asked(self, url, home):
        if not url.startswith((home, "data:", "about:", "blob:")):
            self.wrong.append(f"asked {url}")

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


@pytest.mark.parametrize("size", SIZES)
def test_a_clerk_files_mays_table_from_the_first_mail(chromium, served, size, tmp_path):
    mail = served.mail_to("wanzhou")
    letter = tmp_path / "mail.html"
    letter.write_text(served.app.renderer.render(mail).html, encoding="utf-8")
    watched = Watched(chromium, served, size)
    page = watched.page
    page.goto(letter.as_uri())
    watched.wrong.clear()
    links = page.locator(f'a[href^="{served.at}/answer/"][href$="/file"]')
    addresses = [link.get_attribute("href") for link in links.all()]
    assert len(addresses) >= 3
    # April's table is overdue and stands first; she looks for May's.
    for address in addresses:
        page.goto(address)
        said = page.locator("main").inner_text()
        if "（培训机构）" in said and "2022年5月期" in said:
            break
    assert "（培训机构）" in page.locator("main").inner_text()
    assert "万州区应急管理局" in page.locator("main").inner_text()
    with page.expect_download() as got:
        page.locator('a[href$="blank.xlsx"]').first.click()
    blank = tmp_path / "blank.xlsx"
    got.value.save_as(blank)
    shutil.copy(blank, tmp_path / "bad.xlsx")
    fill(tmp_path / "bad.xlsx", {HEAD: "甲培训中心", "特种作业人员培训人次": "若干"})
    page.set_input_files('input[type="file"]', tmp_path / "bad.xlsx")
    page.locator('form[enctype] button:not([type="button"])').first.click()
    said = page.locator("main").inner_text()
    assert "若干" in said
    assert served.state(TABLE, "wanzhou") in ("due_soon", "open")
    with page.expect_download() as got:
        page.locator('a[download], a[href*=".xlsx"]').first.click()
    got.value.save_as(tmp_path / "copy.xlsx")
    assert openpyxl.load_workbook(tmp_path / "copy.xlsx").worksheets
    fill(blank, {HEAD: "甲培训中心", "特种作业人员培训人次": 12})
    page.goto(address)
    page.set_input_files('input[type="file"]', blank)
    page.locator('form[enctype] button:not([type="button"])').first.click()
    expect(page.locator("main")).to_contain_text("已收")
    assert served.state(TABLE, "wanzhou") == "done"
    page.goto(address.removesuffix("/file"))
    expect(page.locator("main")).to_contain_text("已")
    watched.done()


@pytest.mark.parametrize("size", SIZES)
def test_a_clerk_asks_for_more_time_and_the_supervisor_grants_it(chromium, served, size):
    served.account("zhang", Role.SUPERVISOR)
    unit, ref = "fuling", "5/first-list"
    contact = served.app.force.campaign.units[unit].contacts[0]
    link = served.app.links.answer(ref, unit, contact.email, date(2022, 8, 29))
    clerk = Watched(chromium, served, size, java_script_enabled=False)
    clerk.page.goto(f"{link}/extend")
    clerk.page.fill('input[type="date"], input[name="until"]', "2022-07-08")
    clerk.page.fill("textarea", "人员隔离，申请延期")
    clerk.page.locator("main form button").first.click()
    assert served.state(ref, unit) == "open"
    clerk.context.close()

    boss = Watched(chromium, served, size)
    page = boss.page
    page.goto(f"{served.at}/requests")
    page.fill('input[name="name"]', "zhang")
    page.fill('input[name="password"]', PASSWORD)
    page.locator("main form button").first.click()
    expect(page.locator("main")).to_contain_text("人员隔离")
    page.locator('form[action="/act/grant"] button').first.click()
    page.goto(f"{served.at}/assignment/{unit}/{ref}")
    expect(page.locator("main")).to_contain_text("zhang")
    expect(page.locator("main")).to_contain_text("2022年7月8日")
    page.locator('form[action="/sign-out"] button').click()
    page.goto(f"{served.at}/")
    assert "/sign-in" in page.url
    boss.done()


@pytest.mark.parametrize("size", SIZES)
def test_the_supervisor_finds_out_who_is_missing_in_two_clicks_and_reminds_them_once(chromium, served, size):
    served.account("zhang", Role.SUPERVISOR)
    boss = Watched(chromium, served, size)
    page = boss.page
    page.goto(f"{served.at}/sign-in")
    page.fill('input[name="name"]', "zhang")
    page.fill('input[name="password"]', PASSWORD)
    page.locator("main form button").first.click()
    page.goto(f"{served.at}/")
    page.locator('nav a[href="/month"]').click()
    page.locator('a[href="/month/2022-10"]').click()
    expect(page.locator("#table-2")).to_contain_text("未报 41 个单位")
    page.goto(f"{served.at}/month/2022-05")
    before = len(desk.mails(served.app))
    for _ in range(2):
        page.locator('#table-2 form[action="/act/remind"] button').click()
        expect(page.locator(".flash")).to_be_visible()
    mails = desk.mails(served.app)[before:]
    assert len(mails) == 41
    assert {item["ref"] for mail in mails for item in mail["items"]} == {TABLE}
    boss.done()


def test_a_page_that_is_left_open_shows_the_light_that_turned(chromium, served):
    watched = Watched(chromium, served)
    page = watched.page
    page.goto(f"{served.at}/month/2022-05")
    expect(page.locator("#table-3")).to_contain_text("0/41")
    event = Event(served.app.clock.now(), "table-3@2022-05", "wanzhou", EventKind.NIL, who="t", via="cli")
    served.app.engine.record(event)
    expect(page.locator("#table-3")).to_contain_text("1/41", timeout=8000)
    watched.done()


def test_the_first_entry_is_one_button(chromium, served):
    watched = Watched(chromium, served)
    page = watched.page
    page.goto(served.server.first_entry("root"))
    page.locator("main form button").first.click()
    page.goto(f"{served.at}/health")
    expect(page.locator("header")).to_contain_text("root")
    watched.done()


PAGES = (
    "/",
    "/?state=red",
    "/timeline",
    "/month/2022-05",
    "/item/5",
    "/item/table-2",
    "/unit/wanzhou",
    f"/assignment/wanzhou/{TABLE}",
    "/mails",
    "/mails/1",
    "/health",
    "/requests",
    "/sign-in",
    "/nothing",
)


LIGHT, DARK = "language=zh&theme=light", "language=en&theme=dark"


@pytest.mark.parametrize(
    ("size", "look", "pages"),
    [
        ("phone", DARK, PAGES[::3]),
        *(
            pytest.param(size, look, PAGES, marks=pytest.mark.torture)
            for size in SIZES
            for look in (LIGHT, DARK)
        ),
    ],
)
def test_no_page_has_a_flaw_that_axe_knows(chromium, read_only, size, look, pages):
    watched = Watched(chromium, read_only, size, bypass_csp=True)
    found = []
    contact = read_only.app.force.campaign.units["jiangbei"].contacts[0]
    link = read_only.app.links.answer(TABLE, "jiangbei", contact.email, date(2022, 8, 29))
    answers = [
        link.removeprefix(read_only.at) + way for way in ("", "/file", "/done", "/nil", "/extend", "/say")
    ]
    for path in (*pages, *answers[: len(pages) // 2]):
        watched.page.goto(f"{read_only.at}{path}{'&' if '?' in path else '?'}{look}")
        wide = watched.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        if wide > 1:
            found.append(f"{path}: {wide} pixels too wide")
        watched.page.evaluate(AXE)
        flaws = watched.page.evaluate("axe.run()")["violations"]
        found += [f"{path}: {flaw['id']}: {flaw['nodes'][0]['html'][:150]}" for flaw in flaws]
    assert found == []
    watched.done()
