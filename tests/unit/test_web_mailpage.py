"""A mail as a page: no style in it, and the same look."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from tracker.i18n.catalogue import LANGUAGES
from tracker.mail.compose.render import Renderer
from tracker.mail.compose.samples import samples
from tracker.service.app import App
from tracker.shipped import shipped
from tracker.web.pages.mail_page import linked, without_links, without_styles


class Texts(HTMLParser):
    """Elements in their order, and what a reader reads."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text, self.attributes = [], [], []
        self._is_style = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self._is_style = tag == "style"
        if tag != "style":
            self.tags.append(tag)
            self.attributes += [(tag, name, value) for name, value in attrs if name not in ("style", "class")]

    def handle_endtag(self, tag):
        self._is_style = False

    def handle_data(self, data):
        if not self._is_style:
            self.text.append(data)


def test_a_style_becomes_a_class_with_its_weight():
    html, css = without_styles('<p class="a" style="color: red">x</p><b style="color: red">y</b>')
    assert html == '<p class="a mail-style-1">x</p><b class="mail-style-1">y</b>'
    assert css == ":is(.mail-style-1,#no#no#no){color: red}\n"


def test_blocks_come_first_and_leave_the_page():
    html, css = without_styles(
        '<style media="screen">@media (max-width: 9px) { p { margin: 0 !important } }</style><p style="margin:1px">x</p>'
    )
    assert "<style" not in html
    assert css.splitlines() == [
        "@media (max-width: 9px) { p { margin: 0 !important } }",
        ":is(.mail-style-1,#no#no#no){margin:1px}",
    ]


def test_the_rest_stays_as_it_was():
    html = '<!DOCTYPE html>\n<p title="a &amp; b">1 &lt; 2 &#8212; &emsp;<br/>中文</p>'
    assert without_styles(html) == (html, "")


def test_comments_go():
    html, _ = without_styles('<!--[if mso]><table style="a:b"><![endif]--><p>x</p>')
    assert html == "<p>x</p>"


def test_a_value_cannot_break_out_of_its_rule():
    html, css = without_styles('<p style="color: red} body {display: none">x</p>')
    assert css.count("{") == css.count("}") == 1
    assert "style=" not in html


def test_an_attribute_is_written_back_safely():
    html, _ = without_styles('<p style="a:b" title="&quot;&gt;&lt;script&gt;">x</p>')
    assert "<script" not in html
    assert 'title="&quot;&gt;&lt;script&gt;"' in html


def test_links_lead_nowhere():
    assert without_links('<a class="b" href="/answer/secret">x</a><link href="s.css">') == (
        '<a class="b">x</a><link href="s.css">'
    )


def test_the_sheet_is_linked_in_the_head():
    assert linked("<head><title>x</title></head><p>", "style.css") == (
        '<head><title>x</title><link rel="stylesheet" href="style.css"></head><p>'
    )
    assert linked("<p>", "style.css") == '<link rel="stylesheet" href="style.css"><p>'


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_shipped_mail_keeps_its_words_and_loses_its_styles(language):
    app = App(shipped("config"), database="sqlite://", environ={})
    renderer = Renderer(app.snapshot.campaign)
    for mail in samples(app.snapshot.campaign, language):
        before = renderer.render(mail).html
        page, css = without_styles(before)
        was, now = Texts(before), Texts(page)
        assert now.tags == was.tags
        assert "".join(now.text) == "".join(was.text)
        assert now.attributes == was.attributes
        assert not re.search(r"style\s*=|<style", page)
        for name in set(re.findall(r"mail-style-\d+", page)):
            assert f".{name}," in css
    app.close()
