"""No mail is larger than what mail programs show, at whatever size of campaign; what is left out is counted."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest

from tests.unit.test_mail_render import ALERT
from tests.unit.test_mail_rollup import BOTH, DEADLINE, WEEK, lights
from tests.world import at, definition, unit, world
from tracker.access.links import Links
from tracker.core.model import Item, Mail, MailKind, Reason
from tracker.mail.compose.render import Renderer
from tracker.mail.compose.size_bounds import LARGEST

MANY = 3000
UNITS = [unit(f"u{number}") for number in range(MANY)]
TASKS = [definition(str(number), "2022年6月底前", ["u0"]) for number in range(1, 401)]
TABLE = definition("table-2", "2022年5月起，每月5日前", [each.id for each in UNITS])
CAMPAIGN = world(*TASKS, TABLE, units=UNITS).campaign
LINKS = Links("https://tracker.example", ("secret",))
NOW = at("2022-07-08")


def mail(kind, items=(), language="zh", **details):
    return Mail("x/y", NOW, "a@unit.example", "甲", "u0", kind, language, tuple(items), details)


def digest(language, count=400):
    items = [Item(str(number), "u0", Reason.OVERDUE, date(2022, 6, 30), -8) for number in range(1, count + 1)]
    return mail(MailKind.DIGEST, items, language)


def escalation(language):
    items = [Item("table-2@2022-07", each.id, Reason.ESCALATION, date(2022, 7, 5), -3) for each in UNITS]
    return mail(MailKind.DIGEST, items, language)


def periods(language):
    first = date(2022, 1, 7)
    days = [first + timedelta(weeks=number) for number in range(800)]
    items = [
        Item("table-2@{}-W{:02}".format(*day.isocalendar()[:2]), "u0", Reason.OVERDUE, day, -9)
        for day in days
    ]
    return mail(MailKind.DIGEST, items, language)


def rollup(language):
    refs = [f"table-2@2022-{month:02}" for month in range(1, 13)]
    items = [Item(ref, each.id, Reason.OVERDUE, date(2022, 7, 5), -3) for ref in refs for each in UNITS]
    deadlines = [{**DEADLINE, "ref": ref, "of": MANY} for ref in refs]
    week = {
        **WEEK,
        "tasks": [{"key": each.key, "lights": lights(3, 1)} for each in TASKS],
        "units": [{"unit": each.id, "lights": lights(3, 1)} for each in UNITS],
        "sections": [{"name": f"第{number}部分", "lights": lights(3, 1)} for number in range(500)],
    }
    return mail(MailKind.ROLLUP, items, language, deadlines=deadlines, week=week)


def alert(language):
    return mail(MailKind.ALERT, (), language, title="x", problems=["一行很长的说明。" * 30] * 900)


def receipt(language):
    found = {"cell": "C7", "found": "若干" * 60, "message": "不是数字。" * 40, "expected": "整数" * 50}
    files = [{"file": f"{n}.xlsx", "ref": "table-2@2022-05", "errors": [found] * 80} for n in range(90)]
    return mail(MailKind.RECEIPT, (), language, files=files)


@pytest.mark.parametrize("make", [digest, escalation, periods, rollup, alert, receipt])
@pytest.mark.parametrize("links", [LINKS, None])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_mail_is_larger_than_what_is_shown(make, links, language):
    shown = Renderer(CAMPAIGN, links=links).render(make(language))
    assert len(shown.html.encode()) <= LARGEST
    # What is whole is closed, and nothing is cut within an item.
    assert shown.html.rstrip().endswith("</html>")
    assert shown.html.count("<table") == shown.html.count("</table>")


def test_what_is_left_out_is_counted_and_stands_on_the_page():
    renderer = Renderer(CAMPAIGN, links=LINKS)
    shown = renderer.render(digest("zh"))
    left = sum(map(int, re.findall(r"另有(\d+)项未列出，详见“查看全部内容”", shown.html)))
    kept = len(set(re.findall(r"任务(\d+)｜", shown.text)))
    assert (kept + left, kept > 50) == (400, True)
    assert "https://tracker.example/view/" in shown.html
    page = renderer.render(digest("zh"), as_page=True)
    assert "未列出" not in page.html
    assert all(f"任务{number}｜" in page.html for number in range(1, 401))


def test_where_no_pages_are_served_the_plain_text_has_all():
    shown = Renderer(CAMPAIGN).render(digest("zh"))
    assert "详见本邮件的纯文本格式" in shown.html
    assert len(set(re.findall(r"任务(\d+)｜", shown.text))) == 400


def test_a_mail_that_is_small_enough_is_whole():
    for each in (digest("zh", 20), BOTH, ALERT):
        assert "全部内容" not in Renderer(CAMPAIGN, links=LINKS).render(each).html


def test_a_roll_up_keeps_every_deadline_and_says_how_many_are_missing():
    shown = Renderer(CAMPAIGN, links=LINKS).render(rollup("zh"))
    assert shown.text.count("未报单位共3000个") == 12
    assert "以上名单未全部列出，详见“查看全部内容”。" in shown.html
