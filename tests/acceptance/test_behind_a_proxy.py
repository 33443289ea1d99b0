"""In a real Chromium: behind a server with TLS that has the pages under a path, everything is as it is elsewhere."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
from playwright.sync_api import expect

from tests.acceptance.browsing import HEAD, PASSWORD, TABLE, Served, Watched, fill, real_chromium
from tests.acceptance.conftest import MORNING
from tests.acceptance.fronting import NAME, front
from tests.tools import ROOT
from tests.web import office
from tracker.core.policy import Web
from tracker.core.roles import Role

#: How many style sheets have come with something in them.
STYLED = "[...document.styleSheets].filter((each) => each.cssRules.length > 0).length"


@pytest.fixture(scope="module")
def chromium():
    with real_chromium(
        f"--host-resolver-rules=MAP {NAME} 127.0.0.1", "--ignore-certificate-errors"
    ) as browser:
        yield browser


@pytest.fixture
def fronted(morning, tmp_path):
    folder = shutil.copytree(morning, tmp_path / "office")
    with front() as proxy, office(folder, config=ROOT / "config", at=MORNING) as app:
        web = Web(forwarded_from=("127.0.0.1",))
        app.adopt(
            replace(app.snapshot, settings=replace(app.snapshot.settings, link_base=proxy.base, web=web))
        )
        made = Served(app)
        proxy.upstream = int(made.at.rpartition(":")[2])
        made.at = proxy.base
        yield made
        made.server.stop()


class Careful(Watched):
    """It also hears of whatever was not there."""

    def __init__(self, browser, served):
        super().__init__(browser, served, ignore_https_errors=True)
        self.page.on("response", self._answered)

    def _answered(self, answer):
        if answer.status >= 400:
            self.wrong.append(f"{answer.status} {answer.url}")


def test_the_supervisor_signs_in_acts_and_reads_a_mail(chromium, fronted, caplog):
    fronted.account("zhang", Role.SUPERVISOR)
    boss = Careful(chromium, fronted)
    page, base = boss.page, fronted.at
    page.goto(base)
    assert page.url.startswith(f"{base}/sign-in")
    page.fill('input[name="name"]', "zhang")
    page.fill('input[name="password"]', "wrong wrong")
    page.locator("main form button").first.click()
    expect(page.locator(".wrong")).to_be_visible()
    assert "sign-in failed from 203.0.113.9" in caplog.text
    boss.wrong = [each for each in boss.wrong if not each.startswith("403")]
    page.fill('input[name="password"]', PASSWORD)
    page.locator("main form button").first.click()
    expect(page.locator("header .who")).to_have_text("zhang")
    assert page.url.rstrip("/") == base
    assert page.evaluate(STYLED) >= 3
    page.locator('nav a[href$="/month"]').click()
    expect(page.locator("#table-2")).to_be_visible()
    page.goto(f"{base}/assignment/wanzhou/{TABLE}")
    page.locator('form[action$="/act/waive"] button').click()
    expect(page.locator(".flash")).to_be_visible()
    assert page.url == f"{base}/assignment/wanzhou/{TABLE}"
    assert fronted.state(TABLE, "wanzhou") == "waived"
    page.goto(f"{base}/mails/")
    assert page.url == f"{base}/mails", "over TLS as before"
    page.locator('td a[href^="/tracker/mails/"]').first.click()
    expect(page.frame_locator("iframe.letter").locator("table").first).to_be_visible()
    assert page.frames[-1].evaluate(STYLED) == 1
    page.locator('header a[href*="language=en"]').click()
    page.goto(f"{base}/health")
    expect(page.locator("header")).to_contain_text("Sign out")
    page.locator('form[action$="/sign-out"] button').click()
    assert page.url == f"{base}/sign-in"
    boss.done()


def test_a_clerk_files_a_table_by_the_link_of_the_mail(chromium, fronted, tmp_path):
    link = fronted.link(TABLE, "wanzhou")
    assert link.startswith(f"{fronted.at}/answer/")
    clerk = Careful(chromium, fronted)
    page = clerk.page
    page.goto(link)
    page.locator('a.way[href$="/file"]').click()
    with page.expect_download() as got:
        page.locator('a[href$="blank.xlsx"]').first.click()
    got.value.save_as(tmp_path / "blank.xlsx")
    shutil.copy(tmp_path / "blank.xlsx", tmp_path / "bad.xlsx")
    fill(tmp_path / "bad.xlsx", {HEAD: "甲培训中心", "特种作业人员培训人次": "若干"})
    page.set_input_files('input[type="file"]', tmp_path / "bad.xlsx")
    page.locator('form[enctype] button:not([type="button"])').first.click()
    with page.expect_download() as got:
        page.locator("main a[download]").first.click()
    got.value.save_as(tmp_path / "copy.xlsx")
    fill(tmp_path / "blank.xlsx", {HEAD: "甲培训中心", "特种作业人员培训人次": 12})
    page.set_input_files('input[type="file"]', tmp_path / "blank.xlsx")
    page.locator('form[enctype] button:not([type="button"])').first.click()
    expect(page.locator("main")).to_contain_text("已收")
    assert fronted.state(TABLE, "wanzhou") == "done"
    page.goto(f"{fronted.link('5/first-list', 'fuling')}/extend")
    page.fill('input[type="date"]', "2022-07-08")
    page.fill("textarea", "人员隔离")
    page.locator("main form button").first.click()
    expect(page.locator("main")).to_contain_text("2022年7月8日")
    clerk.done()
