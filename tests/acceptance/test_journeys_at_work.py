"""In a real Chromium: every way of answering, the supervisor's and the operator's work, pages without a script."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.acceptance.browsing import HEAD, SIZES, TABLE, Watched, fill
from tests.acceptance.test_users import Running
from tests.tools import Place
from tracker.core.model import EventKind
from tracker.core.roles import Role
from tracker.usecases import mailing

BY_SIZE = pytest.mark.parametrize("size", SIZES)


def light_of(page, served, ref, unit):
    """The colour of a unit's light on the item's page."""
    page.goto(f"{served.at}/item/{ref.partition('@')[0]}?ref={ref}")
    names = page.locator(f'main a.light[href="/assignment/{unit}/{ref}"]').get_attribute("class")
    return names.split()[-1]


def send(page):
    page.locator("main form .send button").click()


@BY_SIZE
def test_a_clerk_answers_in_every_other_way(chromium, served, size):
    watched, unit = Watched(chromium, served, size), "wanzhou"
    page, main = watched.page, watched.page.locator("main")

    page.goto(f"{served.link('5', unit)}/done")
    assert served.state("5", unit) == "open"
    page.fill("#count", "1")
    send(page)
    expect(main).to_contain_text("1/2")
    assert served.state("5", unit) == "open"

    nil = served.link("table-3@2022-05", unit)
    page.goto(nil)
    page.locator('a.way[href$="/nil"]').click()
    send(page)
    expect(main).to_contain_text("已按零报告登记")
    assert served.state("table-3@2022-05", unit) == "nil"
    assert light_of(page, served, "table-3@2022-05", unit) == "green"
    page.goto(nil)
    expect(main).to_contain_text("零报告（万州区联络员）")

    assert light_of(page, served, "table-2-self-check", unit) == "red"
    page.goto(f"{served.link('table-2-self-check', unit)}/done")
    send(page)
    assert served.state("table-2-self-check", unit) == "done_late"
    assert light_of(page, served, "table-2-self-check", unit) == "amber"

    page.goto(f"{served.link(TABLE, unit)}/say")
    page.fill("#text", "联系人换成李四")
    send(page)
    expect(main).to_contain_text("留言已提交")
    page.goto(f"{served.at}/requests")
    expect(main).to_contain_text("联系人换成李四")
    watched.done()


@BY_SIZE
def test_without_a_script_the_pages_work(chromium, served, size, tmp_path):
    watched = Watched(chromium, served, size, java_script_enabled=False)
    page, main = watched.page, watched.page.locator("main")
    page.goto(f"{served.link(TABLE, 'wanzhou')}/file")
    with page.expect_download() as got:
        page.locator('a[href$="blank.xlsx"]').click()
    got.value.save_as(tmp_path / "form.xlsx")
    fill(tmp_path / "form.xlsx", {HEAD: "甲培训中心", "特种作业人员培训人次": 12})
    page.set_input_files("#file", tmp_path / "form.xlsx")
    send(page)
    expect(main).to_contain_text("已收")
    page.goto(f"{served.at}/")
    page.select_option('select[name="unit"]', "wanzhou")
    page.select_option('select[name="state"]', "done")
    page.locator("form.filters button").click()
    assert "unit=wanzhou" in page.url
    expect(page.locator(f'.matrix td a[href^="/assignment/wanzhou/{TABLE}"]')).to_have_count(1)
    page.locator('nav a[href="/month"]').click()
    page.locator('a[href="/month/2022-05"]').click()
    expect(page.locator("#table-2")).to_contain_text("已报 1/41")
    watched.done()


@BY_SIZE
def test_the_supervisor_returns_and_accepts_under_their_name(chromium, small, size):
    small.account("zhang", Role.SUPERVISOR)
    small.answer(TABLE, "wanzhou")
    assert small.state(TABLE, "wanzhou") == "submitted"
    boss = Watched(chromium, small, size)
    page, history = boss.page, boss.page.locator("ol.history li")
    boss.sign_in("zhang", f"/assignment/wanzhou/{TABLE}")
    page.locator('form[action="/act/return"] button').click()
    assert small.state(TABLE, "wanzhou") == "submitted", "the browser asks for the reason first"
    assert boss.flaws() == []
    page.fill("#return-reason", "人数与附件不符")
    page.locator('form[action="/act/return"] button').click()
    expect(page.locator(".flash")).to_contain_text("已退回")
    expect(history.first).to_contain_text(re.compile("退回.*zhang.*人数与附件不符"))
    assert small.state(TABLE, "wanzhou") == "returned"
    small.answer(TABLE, "wanzhou")
    page.reload()
    page.locator('form[action="/act/accept"] button').click()
    expect(history.first).to_contain_text(re.compile("销号.*zhang"))
    assert small.state(TABLE, "wanzhou") == "done"
    boss.done()


@BY_SIZE
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
def test_what_was_before_is_settled_after_a_look_and_taken_back(chromium, taken_over, size, scripts):
    taken_over.account("zhang", Role.SUPERVISOR)
    boss = Watched(chromium, taken_over, size, java_script_enabled=scripts)
    page, main = boss.page, boss.page.locator("main")
    boss.sign_in("zhang", "/")
    page.locator('a[href="/before"]').click()
    page.check('input[value="table-2"]')
    page.locator("details summary").first.click()
    page.check('input[value="2/experience@2022-05"]')
    page.locator('button[value="accept"]').click()
    expect(main).to_contain_text("核对：登记为已销号，6项次")
    assert not scripts or boss.flaws() == []
    page.locator(".settled summary").first.click()
    expect(main.locator(".settled a").first).to_be_visible()
    assert taken_over.state(TABLE, "wanzhou") == "before"
    # A district answers meanwhile, and another one later.
    taken_over.answer(TABLE, "fuling")
    page.fill("#note", "已与区县核对")
    page.locator('form[action="/act/settle"] button').click()
    expect(page.locator(".flash")).to_contain_text("已登记5项次")
    expect(main).to_contain_text("未登记：核对期间已另行办理的1项次")
    assert taken_over.state(TABLE, "wanzhou") == "done"
    assert not scripts or boss.flaws() == []
    taken_over.answer("table-2@2022-06", "wanzhou", EventKind.RETURN)
    page.reload()
    page.locator('form[action="/act/unsettle"] button').click()
    expect(page.locator(".flash")).to_contain_text("已撤销4项次")
    expect(main).to_contain_text("登记后另行办理的1项次")
    expect(page.locator('form[action="/act/unsettle"]')).to_have_count(0)
    assert taken_over.state(TABLE, "wanzhou") == "before"
    assert taken_over.state("table-2@2022-06", "wanzhou") == "returned"
    page.locator('main a[href="/before"]').click()
    expect(main).to_contain_text("登记为已销号，5项次")
    boss.done()


@BY_SIZE
def test_addresses_are_copied_and_where_that_is_forbidden_shown(chromium, small, size):
    expected = "wanzhou@unit.example; fuling@unit.example"
    for permitted in (True, False):
        watched = Watched(chromium, small, size)
        page = watched.page
        if permitted:
            watched.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=small.at)
        else:
            page.add_init_script("navigator.clipboard.writeText = () => Promise.reject(new Error('no'))")
        page.goto(f"{small.at}/month/2022-05")
        table = page.locator("#table-2")
        table.locator("button[data-copy]").click()
        if permitted:
            expect(table.locator("button[data-copy]")).to_have_text("已复制")
            assert page.evaluate("navigator.clipboard.readText()") == expected
        field = table.locator("textarea")
        expect(field).to_be_visible(visible=not permitted)
        assert field.input_value() == expected
        watched.done()


@BY_SIZE
def test_the_operator_sees_a_failed_mail_and_sends_it_again(chromium, small, size):
    small.account("guan", Role.OPERATOR)
    with small.app.database.writing() as session:
        session.connection().exec_driver_sql(
            "UPDATE mail SET state = 'failed', outcome = '550 5.1.1 user unknown'"
        )
    before = len(mailing.mails(small.app, state="failed"))
    assert before > 0
    watched = Watched(chromium, small, size)
    page = watched.page
    watched.sign_in("guan", "/health")
    expect(page.locator("main")).to_contain_text("550 5.1.1 user unknown")
    page.locator('main a[href="/mails?state=failed"]').click()
    page.locator("table.mails a").first.click()
    expect(page.locator("main .light.red")).to_be_visible()
    page.locator('form[action="/act/retry"] button').click()
    expect(page.locator(".flash")).to_have_text("已将1封邮件重新列入待发。")
    page.reload()
    expect(page.locator("main .light.green")).to_have_text("已发")
    assert len(mailing.mails(small.app, state="failed")) == before - 1
    watched.done()


def test_the_first_entry_that_is_printed_opens_the_service(chromium, tmp_path):
    place = Place(tmp_path)
    with Running(place, at_terminal=True, TRACKER_WEB="127.0.0.1:0") as running:
        running.at = running.address
        watched = Watched(chromium, running)
        page = watched.page
        page.goto(running.entry())
        page.locator("main form button").click()
        page.locator('nav a[href="/health"]').click()
        expect(page.locator("header form[action='/sign-out']")).to_be_visible()
        expect(page.locator("main")).to_contain_text("已生效")
        watched.done()


def test_news_does_not_disturb_a_form_that_is_being_filled_in(chromium, small):
    small.account("zhang", Role.SUPERVISOR)
    small.account("li", Role.VIEWER)
    looking, acting = Watched(chromium, small), Watched(chromium, small)
    looking.sign_in("li", f"/assignment/wanzhou/{TABLE}")
    acting.sign_in("zhang", f"/assignment/wanzhou/{TABLE}")
    acting.page.fill("#extend-reason", "系统故障")
    small.answer(TABLE, "wanzhou")
    # By the time that a reader sees it, the other page would have looked as well.
    expect(looking.page.locator("main .state")).to_contain_text("已报送", timeout=8000)
    acting.page.wait_for_timeout(1200)
    assert acting.page.input_value("#extend-reason") == "系统故障"
    looking.done()
    acting.done()


def test_the_matrix_of_forty_one_districts_prints_on_one_page(chromium, served):
    watched = Watched(chromium, served)
    watched.page.goto(f"{served.at}/")
    printed = watched.page.pdf(format="A4", landscape=True, prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1
    watched.done()
