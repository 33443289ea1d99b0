"""Whoever asks for what does not fit reads why in their own language, and nothing of the command line."""

from __future__ import annotations

import re

import pytest

from tests.integration.web import csrf_of, house, shown
from tracker.core.model import Event, EventKind
from tracker.core.roles import Role

REF = "table-2@2022-05"

#: English, as a sentence has it; references and addresses are none.
ENGLISH = re.compile(r"[A-Za-z]{2,} [a-z]{2,} [a-z]{2,}")


@pytest.fixture
def home():
    with house() as made:
        made.app.engine.bring_up_to_date(made.clock.now())
        yield made


def record(home, kind, ref=REF, unit="wanzhou", **more):
    home.app.engine.record(Event(home.clock.now(), ref, unit, EventKind(kind), who="t", via="cli", **more))


REFUSED = [
    ([], "accept", {}, "尚未报送，不能销号", "nothing to accept"),
    ([], "return", {"reason": "数字不对"}, "尚未报送，不能退回", "nothing to send back"),
    ([], "resume", {}, "没有暂停", "is not paused"),
    (["pause"], "pause", {}, "已经暂停", "is already paused"),
    ([], "undo", {}, "没有可以撤销的记录", "nothing to undo"),
    (
        ["submit"],
        "extend",
        {"until": "2022-06-30", "reason": "洪水"},
        "已报送或已免报",
        "is answered already",
    ),
    ([], "extend", {"until": "2022-05-01", "reason": "洪水"}, "延期须晚于这一天", "needs a later date"),
    ([], "waive", {"reason": "\u200b\u0007x"}, "看不见的字符", "nobody can see"),
    ([], "waive", {"unit": "万洲区"}, "没有名为“万洲区”的单位", "there is no unit “万洲区”"),
    ([], "waive", {"ref": "tabel-2"}, "没有编号为“tabel-2”的任务", "there is no task, deliverable or report"),
    ([], "waive", {"ref": "table-2"}, "请写明期次", "comes back every period"),
    ([], "waive", {"ref": "table-2@2031-05"}, "没有 table-2@2031-05", "there is no table-2@2031-05"),
    ([], "waive", {"ref": "table-2@soon"}, "不是期次", "is no period"),
    ([], "waive", {"ref": "@@"}, "不是编号", "is no reference"),
    ([], "waive", {"ref": "2/first-list", "unit": "fuling"}, "不由涪陵区应急管理局承办", "is not asked of"),
    ([], "extend", {"ref": "1", "until": "2022-06-30", "reason": "洪水"}, "没有时限", "has no deadline"),
]


@pytest.mark.parametrize(("before", "verb", "fields", "zh", "en"), REFUSED, ids=lambda each: str(each)[:30])
def test_the_next_page_says_why_not(home, before, verb, fields, zh, en):
    for kind in before:
        record(home, kind)
    browser = home.sign_in("gao")
    for language, said in (("zh", zh), ("en", en)):
        browser.cookies.set("language", language)
        form = {"csrf": csrf_of(browser, "/"), "ref": REF, "unit": "wanzhou", **fields}
        browser.post(f"/act/{verb}", data=form)
        sentence = shown(browser, "/")
        assert said in sentence
        assert "--" not in sentence
        if language == "zh":
            assert not ENGLISH.search(sentence)


PAGES = [
    ("/unit/万洲区", 404, "没有名为“万洲区”的单位"),
    ("/item/99", 404, "没有这一页"),
    ("/?unit=万洲区", 400, "没有名为“万洲区”的单位（是否为“万州区”"),
    ("/?section=无", 400, "没有名为“无”的工作部分"),
    ("/?state=purple", 400, "没有“purple”这一选项"),
    ("/month/may", 400, "“may”不是月份"),
    ("/mails?state=lost", 400, "没有“lost”这一选项"),
    ("/mails?unit=nobody", 400, "没有名为“nobody”的单位"),
]


@pytest.mark.parametrize(("path", "status", "said"), PAGES)
def test_a_page_that_is_not_there_says_so_in_chinese(home, path, status, said):
    browser = home.sign_in("gao")
    got = browser.get(path)
    assert got.status_code == status
    main = got.text[got.text.index("<main") :]
    if status == 400:
        assert said in main
    assert not ENGLISH.search(re.sub(r"<[^>]*>", " ", main))


def test_the_posts_of_the_operator_say_it_too(home):
    browser = home.sign_in("ops", Role.OPERATOR)
    browser.post("/act/retry", data={"csrf": csrf_of(browser, "/"), "mail": "4711"})
    assert "没有编号为 4711 的邮件" in shown(browser, "/")
    browser.post("/act/remind", data={"csrf": csrf_of(browser, "/"), "refs": "99"})
    assert "没有编号为“99”的任务、报送事项或报表" in shown(browser, "/")


def test_an_answer_to_a_request_that_is_none(home):
    browser = home.sign_in("gao")
    for verb, fields, said in (
        ("grant", {"id": "7"}, "没有编号为 7 的来件"),
        ("grant", {"id": "7", "until": "soon"}, "“soon”不是日期"),
        ("decline", {}, "没有指明是哪一件"),
    ):
        got = browser.post(f"/act/{verb}", data={"csrf": csrf_of(browser, "/"), **fields})
        assert got.status_code == 400
        assert said in got.text
        assert not ENGLISH.search(re.sub(r"<[^>]*>", " ", got.text[got.text.index("<main") :]))


def test_the_health_page_sums_the_files_up_in_the_readers_language(home):
    browser = home.sign_in("gao")
    assert "：任务2项、报送事项2项、报表1种、单位3个、单位组1个" in browser.get("/health?language=zh").text
    assert ": 2 tasks, 2 deliverables, 1 report, 3 units, 1 group<" in browser.get("/health?language=en").text
