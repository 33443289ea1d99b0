"""In a real Chromium: a clerk answers, the supervisor looks, the operator comes in; no page has a flaw."""

from __future__ import annotations

import shutil

import openpyxl
import pytest
from playwright.sync_api import expect

from tests.acceptance.browsing import HEAD, SIZES, TABLE, Served, Watched, fill
from tests.web import office
from tests.world import at
from tracker.core.model import EventKind
from tracker.core.roles import Role
from tracker.usecases import mailing


@pytest.fixture(scope="module")
def read_only(tmp_path_factory):
    with office(tmp_path_factory.mktemp("pages"), at=at("2022-05-06 09:00")) as app:
        made = Served(app)
        for unit in ("wanzhou", "fuling", "yuzhong"):
            made.answer(TABLE, unit)
        yield made
        made.server.stop()


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
        if "（培训机构）" in said and "2022年5月应报" in said:
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
    finding = page.locator(".findings li.red", has_text="若干")
    cell = finding.locator(".cell").inner_text()
    assert watched.flaws() == []
    assert served.state(TABLE, "wanzhou") in ("due_soon", "open")
    with page.expect_download() as got:
        page.locator('a[download], a[href*=".xlsx"]').first.click()
    got.value.save_as(tmp_path / "copy.xlsx")
    assert openpyxl.load_workbook(tmp_path / "copy.xlsx").worksheets[0][cell].value == "若干"
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
    link = served.link(ref, unit)
    clerk = Watched(chromium, served, size, java_script_enabled=False)
    clerk.page.goto(f"{link}/extend")
    clerk.page.fill('input[type="date"], input[name="until"]', "2022-07-08")
    clerk.page.fill("textarea", "人员隔离，申请延期")
    clerk.page.locator("main form button").first.click()
    assert served.state(ref, unit) == "open"
    clerk.context.close()

    boss = Watched(chromium, served, size)
    page = boss.page
    boss.sign_in("zhang", "/requests")
    expect(page.locator("main")).to_contain_text("人员隔离")
    assert boss.flaws() == []
    page.locator('form[action="/act/grant"] button').first.click()
    page.goto(f"{served.at}/assignment/{unit}/{ref}")
    expect(page.locator("main")).to_contain_text("zhang")
    expect(page.locator("main")).to_contain_text("2022年7月8日")
    page.locator('form[action="/sign-out"] button').click()
    expect(page.locator('header a[href="/sign-in"]')).to_be_visible()
    page.go_back()
    expect(page.locator("body")).not_to_contain_text("人员隔离")
    assert "/sign-in" in page.url
    boss.done()


@pytest.mark.parametrize("size", SIZES)
def test_the_supervisor_finds_out_who_is_missing_in_two_clicks_and_reminds_them_once(chromium, served, size):
    served.account("zhang", Role.SUPERVISOR)
    boss = Watched(chromium, served, size)
    page = boss.page
    boss.sign_in("zhang")
    page.locator('nav a[href="/month"]').click()
    page.locator('a[href="/month/2022-10"]').click()
    expect(page.locator("#table-2")).to_contain_text("未报 41 个单位")
    page.goto(f"{served.at}/month/2022-05")
    before = len(mailing.mails(served.app))
    for _ in range(2):
        page.locator('#table-2 form[action="/remind"] button').click()
        # All of them have had a digest today: who is to hear again is ticked by hand.
        for box in page.locator('form[action="/act/remind"] input[name="units"]').all():
            box.check()
        page.locator('form[action="/act/remind"] button').click()
        expect(page.locator(".flash")).to_be_visible()
    mails = mailing.mails(served.app)[before:]
    assert len(mails) == 41
    assert {item["ref"] for mail in mails for item in mail["items"]} == {TABLE}
    boss.done()


def test_a_page_that_is_left_open_shows_the_light_that_turned(chromium, served):
    watched = Watched(chromium, served)
    page = watched.page
    page.goto(f"{served.at}/month/2022-05")
    expect(page.locator("#table-3")).to_contain_text("0/41")
    served.answer("table-3@2022-05", "wanzhou", EventKind.NIL)
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
        ("phone", DARK, PAGES[::4]),
        *(
            pytest.param(size, look, PAGES, marks=pytest.mark.torture)
            for size in SIZES
            for look in (LIGHT, DARK)
        ),
    ],
)
def test_no_page_has_a_flaw_that_axe_knows(chromium, read_only, size, look, pages):
    watched = Watched(chromium, read_only, size)
    found = []
    link = read_only.link(TABLE, "jiangbei")
    answers = [
        link.removeprefix(read_only.at) + way for way in ("", "/file", "/done", "/nil", "/extend", "/say")
    ]
    for path in (*pages, *answers[: len(pages) // 2]):
        watched.page.goto(f"{read_only.at}{path}{'&' if '?' in path else '?'}{look}")
        wide = watched.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        if wide > 1:
            found.append(f"{path}: {wide} pixels too wide")
        found += [f"{path}: {flaw}" for flaw in watched.flaws()]
    assert found == []
    watched.done()
