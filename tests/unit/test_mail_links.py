"""The links in mails: whose item it is can answer it, everybody can read the mail, and nobody else gets more."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from tests.tools import found_in
from tests.unit.test_mail_digest import TODAY, WORDS, campaign, digest, item
from tracker.access.links import LASTING, Links, Purpose, mark
from tracker.core.model import MailKind
from tracker.core.ways_to_answer import Way, ways
from tracker.mail.compose.compose import Composer
from tracker.mail.compose.render import Renderer
from tracker.shipped import shipped

EMAILS = shipped("templates") / "emails"

LINKS = Links("https://tracker.example", ("a key for tests only",))
NOW = datetime(2022, 6, 2, 1, tzinfo=UTC)
TABLE = item("table-2@2022-06", "due_today", TODAY)
CASES = item("5", "lead", date(2022, 12, 31))
PATROL = item("10", "review")
REQUEST = {
    "kind": "extend",
    "ref": "table-2@2022-06",
    "unit": "wanzhou",
    "who": "张敏",
    "text": "数据尚未汇总\n请予支持",
    "due": "2022-06-05",
    "wanted": "2022-06-20",
}


def view(*items, language="zh", links=LINKS, **changed):
    return Composer(campaign(), WORDS[language], links=links).view(
        digest(*items, language=language, **changed)
    )


def rendered(mail, **more):
    return Renderer(campaign(), links=LINKS, **more).render(mail)


def only_row(found):
    (section,) = found.sections
    (row,) = section.rows
    return row


def claim(address, purpose=Purpose.ANSWER):
    return LINKS.read(found_in(r"/(?:answer|view)/([^/]+)", address, 1), purpose, NOW)


def receipt(phase, **more):
    facts = {"phase": phase, **REQUEST, **more}
    return digest(kind=MailKind.RECEIPT, details={"request": facts})


def test_each_item_has_one_link_for_its_reader_that_outlasts_its_date():
    row = only_row(view(CASES))
    found = claim(row.link)
    assert (found.ref, found.unit, found.to) == ("5", "wanzhou", mark("zhang@wanzhou.example"))
    assert found.until == date(2022, 12, 31) + LASTING


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (TABLE, ["done", "nil", "extend", "say"]),
        (CASES, ["done", "extend", "say"]),
        (PATROL, ["done", "say"]),
    ],
)
def test_an_item_can_be_answered_in_the_ways_that_make_sense(asked, expected):
    assert [each.name for each in only_row(view(asked)).answers] == expected


def test_what_has_a_form_can_be_filed_and_that_comes_first():
    definition = campaign().definitions["table-2"]
    assert ways(definition, has_form=True, has_date=True) == tuple(Way)


def test_the_html_has_a_link_for_each_way_and_the_text_one_for_the_item():
    found = rendered(digest(TABLE, CASES))
    links = re.findall(r'href="(https://tracker.example/answer/[^"]+)">([^<]+)', found.html)
    assert [name for _, name in links] == [
        *("登记已报送", "零报告", "申请延期", "留言"),
        *("登记完成", "申请延期", "留言"),
    ]
    assert [address.rpartition("/")[2] for address, _ in links] == [
        *("done", "nil", "extend", "say"),
        *("done", "extend", "say"),
    ]
    assert len(re.findall(r"https://tracker.example/answer/\S+", found.text)) == 2


def test_several_periods_in_one_row_have_a_page_each():
    july = date(2022, 7, 8)
    dues = {month: date(2022, month, 5) for month in (5, 6)}
    late = [item(f"table-2@{due:%Y-%m}", "overdue", due, today=july) for due in dues.values()]
    row = only_row(view(*late, today=july))
    assert row.link is None
    assert [page.label for page in row.pages] == ["2022年5月", "2022年6月"]
    assert [claim(page.href).ref for page in row.pages] == ["table-2@2022-05", "table-2@2022-06"]
    text = rendered(digest(*late, today=july)).text
    assert all(page.href in text for page in row.pages)


def test_the_rows_of_two_readers_are_alike_and_their_links_are_not():
    composer = Composer(campaign(), WORDS["zh"], links=LINKS)
    one = only_row(composer.view(digest(TABLE)))
    other = only_row(composer.view(digest(TABLE, to="li@wanzhou.example")))
    assert one.link != other.link
    assert one[: one._fields.index("link")] == other[: other._fields.index("link")]


@pytest.mark.parametrize(
    "found",
    [
        view(item("table-2@2022-05", "escalation", date(2022, 5, 5)), unit="kaoshi"),
        view(TABLE, details={"cc": True}),
    ],
    ids=["about others", "for information"],
)
def test_who_has_nothing_to_answer_gets_no_link_to_answer(found):
    row = only_row(found)
    assert (row.link, row.answers, row.pages, row.ways) == (None, (), (), "")
    assert claim(found.page, Purpose.VIEW).ref == "digest/1"


def test_whoever_hears_of_others_is_led_to_the_board():
    upward = view(item("table-2@2022-05", "escalation", date(2022, 5, 5)), unit="kaoshi")
    assert [page.href for page in upward.links] == ["https://tracker.example/"]
    assert view(TABLE).links == ()
    rollup = Composer(campaign(), WORDS["zh"], links=LINKS).view(
        digest(kind=MailKind.ROLLUP, details={"deadlines": []})
    )
    assert [page.href for page in rollup.links] == ["https://tracker.example/"]


@pytest.mark.parametrize(("language", "words"), [("zh", "在浏览器中查看"), ("en", "View in browser")])
def test_every_mail_can_be_read_in_the_browser(language, words):
    for kind in MailKind:
        found = rendered(digest(TABLE, language=language, kind=kind))
        assert words in found.html
        assert words in found.text
        address = found_in(r"https://tracker.example/view/\S+", found.text, 0)
        assert claim(address, Purpose.VIEW).ref == "digest/1"


def test_the_same_mail_is_the_same_to_the_letter_when_it_is_sent_again():
    mail = digest(TABLE, CASES, PATROL)
    assert rendered(mail) == rendered(mail)


def test_where_no_pages_are_served_there_are_no_links():
    found = Renderer(campaign()).render(digest(TABLE))
    assert "href" not in found.html
    assert "http" not in found.text


def test_layouts_from_before_there_were_links_go_on(tmp_path):
    for name in ("digest.html", "digest.txt"):
        lines = (EMAILS / name).read_text(encoding="utf-8").splitlines(keepends=True)
        old = "".join(lines)
        for block in re.findall(
            r"\{% if (?:mail.page|row.link|row.also|mail.links) %\}.*?\{% endif %\}\n", old, re.DOTALL
        ):
            old = old.replace(block, "")
        old = re.sub(
            r"\{% for (?:each in row.pages|each in row.also|link in mail.links) %\}.*?\{% endfor %\}\n",
            "",
            old,
            flags=re.DOTALL,
        )
        assert "link" not in old
        (tmp_path / name).write_text(old, encoding="utf-8")
    shown = Renderer(campaign(), tmp_path, links=LINKS)
    assert "汇总表" in shown.render(digest(TABLE)).html
    assert shown.check() == ()


def test_a_request_tells_whoever_decides_all_that_they_need_and_where_to_answer():
    found = rendered(receipt("asked"))
    assert found.subject == "【申请延期】wanzhou应急管理局：汇总表（培训机构）（2022年6月应报，5月份情况）"
    for text in (found.html, found.text):
        assert "2022年6月20日" in text
        assert "数据尚未汇总" in text
        assert "https://tracker.example/requests" in text
        assert "/answer/" not in text


@pytest.mark.parametrize(
    ("phase", "more", "subject", "says"),
    [
        (
            "granted",
            {"until": "2022-06-18"},
            "【同意延期】汇总表（培训机构）（2022年6月应报，5月份情况），延期至2022年6月18日",
            "2022年6月18日",
        ),
        (
            "declined",
            {"reply": "请按期报送"},
            "【未同意延期】汇总表（培训机构）（2022年6月应报，5月份情况）",
            "请按期报送",
        ),
        (
            "read",
            {"kind": "say", "reply": "已阅"},
            "【留言答复】汇总表（培训机构）（2022年6月应报，5月份情况）",
            "已阅",
        ),
    ],
)
def test_the_answer_goes_to_the_unit_with_a_link_to_the_item(phase, more, subject, says):
    found = rendered(receipt(phase, **{"by": "王芳", **more}))
    assert found.subject == subject
    assert says in found.text
    assert "王芳" in found.text
    assert claim(found_in(r"https://\S+/answer/\S+", found.text, 0)).ref == "table-2@2022-06"


def test_what_a_unit_wrote_is_text_in_the_mail_and_nothing_else():
    found = rendered(receipt("asked", text="<b>急</b>\x0b"))
    assert "<b>急" not in found.html


@pytest.mark.parametrize(
    "details", [{"request": {}}, {"request": {"phase": "x", "wanted": "soon", "kind": 3}}]
)
def test_facts_that_are_not_whole_still_make_a_mail(details):
    assert rendered(replace(digest(kind=MailKind.RECEIPT), details=details)).subject


def test_an_item_that_is_a_copy_has_no_link_among_those_that_are_asked():
    theirs = TABLE._replace(unit="fuling")
    found = view(TABLE, theirs, details={"cc_of": ["fuling"], "stands_in_of": {"wanzhou": "王敏"}})
    mine, copy = found.sections[0].rows
    assert (claim(mine.link).unit, copy.link, copy.answers) == ("wanzhou", None, ())
    assert copy.remarks[0].startswith("抄送：")
    assert not mine.remarks
    assert copy.channel is None
    assert not found.subject.startswith("【抄送】")
    assert "涪陵" not in found.greeting
    assert found.notices == ("其中wanzhou应急管理局的事项，王敏离岗期间由您代为办理，请予接洽。",)
