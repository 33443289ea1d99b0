"""The same report as HTML, workbook, PDF and Markdown: read back, with names that would like to be markup."""

import io
import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser

import openpyxl
import pytest
from pypdf import PdfReader

from tests.world import at, definition, running, unit, world
from tracker.core.model import Unit
from tracker.core.vocabulary import SIGNS
from tracker.ledger.status import ledger_rows
from tracker.report import paper
from tracker.report.blocks import Column, Table
from tracker.report.compose import compose
from tracker.report.facts import CalendarMonth, month_facts
from tracker.report.html import to_html
from tracker.report.linebreak import break_lines
from tracker.report.markdown import escape, to_markdown
from tracker.report.pdf import to_pdf
from tracker.report.workbook import to_workbook

HOSTILE = (
    "=1+1",
    "@SUM(A1)",
    "+cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    "{{ 7 * 7 }}",
    "a|b [c](d) *e* `f`",
    "https://evil.example",
    "龘𠮷区",
)
TABLE = "table-2@2022-05"
MAY = CalendarMonth(date(2022, 5, 1))


def facts_of(engine, snapshot, month=MAY, when="2022-05-31 23:59"):
    with engine.database.reading() as session:
        rows = ledger_rows(session, snapshot, at(when), latest=at("2022-12-01"))
    return month_facts(snapshot, month, at(when), rows)


@pytest.fixture(scope="module")
def hostile():
    units = [Unit(f"u{number}", name) for number, name in enumerate(HOSTILE)]
    units += [unit("wanzhou"), unit("fuling")]
    ids = [each.id for each in units]
    snapshot = world(
        definition("table-2", "每月5日前", ids),
        definition("1", "持续推进", ids, section="一、<b>"),
        units=units,
    )
    with running(snapshot, "2022-04-08 08:00") as engine:
        engine.pass_at("2022-04-08 09:00")
        engine.record("submit", TABLE, "wanzhou", when="2022-05-04")
        engine.record("submit", TABLE, "fuling", when="2022-05-12")
        yield facts_of(engine, snapshot)


@pytest.fixture(scope="module")
def empty():
    snapshot = world(definition("1", "2022年12月20日前", ("wanzhou",)), units=("wanzhou",))
    with running(snapshot, "2022-04-08 08:00") as engine:
        yield facts_of(engine, snapshot, CalendarMonth(date(2021, 1, 1)), "2021-01-31 23:59")


class Seen(HTMLParser):
    """What a reader sees, and what a browser would fetch or run."""

    VOID = ("meta", "rect", "br")

    def __init__(self, text):
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.links: list[str | None] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for key, value in attrs if key in ("href", "src", "srcset", "action")]
        assert not [key for key, _ in attrs if key.startswith("on")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.texts.append(data)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_html_is_one_file_without_scripts_or_assets_and_says_names_as_they_are(hostile, language):
    html = to_html(compose(hostile, language))
    seen = Seen(html)
    assert seen.links == []
    assert not {"script", "link", "img", "iframe", "b>"} & set(seen.tags)
    assert "svg" in seen.tags
    assert not re.search(r"url\(|@import|https?://(?!evil)", html)
    text = "".join(seen.texts)
    for name in HOSTILE if language == "zh" else ():
        assert " ".join(name.split()) in text


def test_each_colour_of_a_chart_has_a_sign_beside_it(hostile):
    html = to_html(compose(hostile, "zh"))
    for colour, sign in SIGNS.items():
        assert f'<i class="{colour}">{sign}</i>' in html


def sheets(data):
    book = openpyxl.load_workbook(io.BytesIO(data))
    return book, {
        sheet.title: [[cell.value for cell in row] for row in sheet.iter_rows()] for sheet in book.worksheets
    }


def test_the_workbook_has_every_name_as_text_and_no_formula(hostile):
    book, _ = sheets(to_workbook(hostile, "zh"))
    texts = set()
    for sheet in book.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f", cell.coordinate
                assert cell.hyperlink is None
                texts.add(cell.value)
    assert texts >= set(HOSTILE)


def test_the_workbook_has_the_figures_and_whom_to_call(hostile):
    _, found = sheets(to_workbook(hostile, "en"))
    overall = {row[0]: row[1] for row in found["Overall"] if row[0]}
    assert (overall["Asked"], overall["In"], overall["Late"], overall["Missing"]) == (10, 2, 1, 8)
    heads, *rows = found["Missing"]
    assert [dict(zip(heads, row, strict=True))["Unit"] for row in rows] == list(HOSTILE)
    assert all(dict(zip(heads, row, strict=True))["Contact"] == "no contact on record" for row in rows)
    heads, late = found["Late"]
    late = dict(zip(heads, late, strict=True))
    assert (late["Unit"], late["Days late"], late["Due"].date()) == ("fuling应急管理局", 7, date(2022, 5, 5))


def test_the_workbook_is_ready_to_be_read_filtered_and_printed(hostile):
    book, _ = sheets(to_workbook(hostile, "zh"))
    front, *others = book.worksheets
    assert len(front._charts) == 3
    for sheet in others:
        assert sheet.freeze_panes == "B2"
        assert sheet.auto_filter.ref is not None
        assert (sheet.page_setup.paperSize, sheet.page_setup.orientation) == (9, "landscape")
        assert sheet.print_title_rows == "$1:$1"


def pdf_pages(data):
    # pypdf takes the two bytes of a code for two characters, of which the first is nothing.
    return [page.extract_text().replace("\0", "") for page in PdfReader(io.BytesIO(data)).pages]


def pdf_text(data):
    return "\n".join(pdf_pages(data))


def test_the_pdf_shows_chinese_with_a_font_of_its_own(hostile, monkeypatch):
    monkeypatch.setattr(paper, "SYSTEM_FONTS", ())
    data = to_pdf(compose(hostile, "zh"))
    reader = PdfReader(io.BytesIO(data))
    text = re.sub(r"\s", "", pdf_text(data))
    assert "2022年5月任务落实情况月报" in text
    assert "应报10家，已报2家，未报8家" in text
    assert f"第1页，共{len(reader.pages)}页" in text
    # No font of the system, and so a sign for what ours lacks.
    assert "〓〓区" in text
    assert str(reader.metadata and reader.metadata.title).startswith("2022年5月任务落实情况月报")
    assert len(data) < 400_000


def test_what_the_font_lacks_is_taken_from_one_of_the_system_that_can_be_read(hostile, monkeypatch, tmp_path):
    broken = tmp_path / "broken.ttf"
    broken.write_bytes(b"no font at all")
    # The font of the product stands for one of the system, and is said to lack a character itself.
    monkeypatch.setattr(paper, "SYSTEM_FONTS", ((str(broken), 0), (str(paper.FONT), 0)))
    monkeypatch.setattr(paper.PdfDocument, "_characters", lacking_the_character_for_department)
    text = pdf_text(to_pdf(compose(hostile, "zh")))
    assert "任务落实情况月报" in text.replace("\n", "")


def lacking_the_character_for_department(self, family):
    return set(self.fonts[family].cmap) - ({ord("务")} if family == "ours" else set())


def test_a_number_is_never_broken_however_short_its_heading_is(empty):
    table = Table((Column("x", 10), Column("In", 6, right=True)), (("y", "16.6%"),))
    assert "16.6%" in pdf_text(to_pdf(replace(compose(empty, "en"), blocks=(table,))))


def test_a_table_that_is_longer_than_a_page_has_its_heading_on_each():
    units = [unit(f"unit{number:03}") for number in range(150)]
    snapshot = world(definition("table-2", "每月5日前", [each.id for each in units]), units=units)
    with running(snapshot, "2022-04-08 08:00") as engine:
        engine.pass_at("2022-04-08 09:00")
        data = to_pdf(compose(facts_of(engine, snapshot), "en"))
    pages = pdf_pages(data)
    calls = [text for text in pages if "unit050@unit.example" in text or "unit099@unit.example" in text]
    assert len(pages) > 4
    assert all("Contacts" in text for text in calls)
    assert "50 more rows are left out here" in "".join(pages)
    assert "150 in all" in re.sub(r"\s+", " ", "".join(pages))


def test_markdown_shows_names_as_they_are(hostile):
    text = to_markdown(compose(hostile, "zh"))
    tables = [line for line in text.splitlines() if line.startswith("|")]
    unescaped = [len(re.findall(r"(?<!\\)\|", line)) for line in tables]
    assert r"a\|b \[c\](d) \*e\* \`f\`" in text
    assert "<script>" not in re.sub(r"\\<", "", text)
    # The rows of one table all have as many cells as its heading.
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1
    assert unescaped


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a*b", r"a\*b"),
        ("a\nb", "a b"),
        ("&lt;", "&amp;lt;"),
        ("<i>", r"\<i\>"),
        ("5/first-list", "5/first-list"),
    ],
)
def test_markup_is_escaped(text, shown):
    assert escape(text) == shown


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_month_without_anything_is_said_to_be_so(empty, language):
    page = compose(empty, language)
    for said in (to_markdown(page), to_html(page), pdf_text(to_pdf(page))):
        assert {"zh": "本月没有到期事项。", "en": "Nothing fell due in this month."}[language] in said
    book, _ = sheets(to_workbook(empty, language))
    assert len(book.worksheets[0]._charts) == 1


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("万州、涪陵、渝中", ["万州、", "涪陵、", "渝中"]),
        ("（万州）", ["（万", "州）"]),
        ("ab cd ef", ["ab", "cd", "ef"]),
        ("abcdefgh", ["abc", "def", "gh"]),
        ("5/first", ["5/", "fir", "st"]),
        ("", [""]),
    ],
)
def test_lines_break_where_a_reader_expects_it(text, lines):
    assert break_lines(text, 3, len) == lines
