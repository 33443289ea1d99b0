"""No reference, id or word of a program reaches a reader: whatever people read of the shipped campaign is looked through.

References stand where they are typed: in a column of their own, or in brackets behind a command's answer.  JSON, CSV
and addresses have them.
"""

from __future__ import annotations

import io
import re
from datetime import datetime
from html.parser import HTMLParser

import icalendar
import openpyxl
import pytest
from pypdf import PdfReader
from starlette.testclient import TestClient

from tests.integration.web import SECRET, csrf_of, shown
from tests.tools import ROOT
from tests.web import ZONE, answer, office
from tracker.access.accounts import add_account
from tracker.core.model import EventKind
from tracker.core.roles import Role
from tracker.outbox.queries import stored_mails
from tracker.report.ask import month_report
from tracker.report.compose import compose
from tracker.report.facts import CalendarMonth
from tracker.report.html import to_html
from tracker.report.markdown import to_markdown
from tracker.report.pdf import to_pdf
from tracker.report.workbook import to_workbook
from tracker.usecases.calendars import feed_calendar
from tracker.web.application import make_application
from tracker.web.base.site import Site

#: A Monday, on which the week's roll-up goes.
AT = datetime(2022, 6, 13, 10, tzinfo=ZONE)
REF = "table-2@2022-06"

#: Ids that only programs write: of tasks and reports, with or without a period.  A plain number is a task's own.
SLUG = re.compile(
    r"(?<![\w/-])(?:table-\d[\w-]*|work-report|\d+/[a-z][a-z-]*|[a-z][a-z-]*@20\d\d)|@20\d\d|\d+wd\b"
    r"|\((?:web|link|form|file|cli|demo)\)"
    r"|\b(?:due_soon|due_today|done_late)\b"
)
#: Words of states and events, which a Chinese sentence has no use for.
ENGLISH = re.compile(
    r"\b(?:overdue|upcoming|submitted|returned|waived|paused|ongoing|digest|rollup|receipt|due|done|queued)\b"
)


class Text(HTMLParser):
    """What a page or a mail shows, with what it says in attributes that are read aloud or shown."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self._hidden = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in ("script", "style")
        self.said += [
            value or "" for name, value in attrs if name in ("title", "alt", "aria-label", "placeholder")
        ]

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.said.append(data)


def seen(html: str) -> str:
    return "\n".join(Text(html).said)


def cells(data: bytes) -> str:
    book = openpyxl.load_workbook(io.BytesIO(data))
    sheets = [sheet for sheet in book if sheet.sheet_state == "visible"]
    texts = [str(cell.value) for sheet in sheets for row in sheet.iter_rows() for cell in row if cell.value]
    return "\n".join([*(sheet.title for sheet in sheets), *texts])


def events_of(data: bytes) -> str:
    """What a program shows of a calendar."""
    found = icalendar.Calendar.from_ical(data)
    return "\n".join(
        str(part[name])
        for part in found.walk()
        for name in ("summary", "description", "x-wr-calname", "categories")
        if name in part and name != "categories"
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("names")
    with office(folder, at=AT) as app:
        answer(app, REF, "wanzhou")
        answer(app, REF, "wanzhou", EventKind.RETURN, reason="数据不符")
        answer(app, REF, "fuling")
        answer(app, "table-3@2022-06", "fuling", EventKind.WAIVE)
        answer(app, "5/first-list", "fuling", EventKind.NIL)
        app.engine.run_pass()
        with app.database.writing() as session:
            add_account(session, "王科长", Role.OPERATOR, SECRET, AT)
        yield app


@pytest.fixture(scope="module")
def client(home):
    found = TestClient(
        make_application(Site(home)), base_url="https://127.0.0.1:8080", follow_redirects=False
    )
    assert found.post("/sign-in", data={"name": "王科长", "password": SECRET}).status_code == 303
    return found


def clean(where: str, text: str, language: str) -> None:
    """Fails with what a reader should not have met."""
    assert len(text) > 20, where
    found = SLUG.findall(text)
    if language == "zh":
        found += ENGLISH.findall(text)
    # What units are called is on file; their ids, which are pinyin, are in addresses alone.
    found += re.findall(r"\b(?:wanzhou|fuling|shi-[a-z]+)\b(?!@)", text)
    assert not found, (where, sorted(set(found)))


LANGUAGES = ("zh", "en")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "path",
    [
        *("/", "/before", "/month/2022-06", "/timeline", "/mails", "/requests", "/submitted", "/health"),
        *("/unit/wanzhou", "/unit/fuling", "/item/table-2", "/item/5/first-list", "/item/26/experience"),
        *(f"/assignment/wanzhou/{REF}", f"/assignment/fuling/{REF}", "/assignment/fuling/5/first-list"),
        f"/remind?refs={REF}",
    ],
)
def test_a_page_calls_things_by_their_names(client, path, language):
    joint = "&" if "?" in path else "?"
    page = client.get(f"{path}{joint}language={language}")
    assert page.status_code == 200, path
    clean(path, seen(page.text), language)


def test_mails_and_what_is_enclosed(home):
    with home.database.reading() as session:
        mails = [each.mail for each in stored_mails(session, "main")]
    assert {each.kind.value for each in mails} >= {"digest", "rollup"}
    for mail in mails:
        sent = home.renderer.render(mail)
        for part in (sent.subject, sent.text, seen(sent.html)):
            bare = re.sub(r"https?://\S+", "", part)
            if len(bare) > 20:
                clean(mail.key, bare, mail.language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_report_in_four_formats(home, language):
    report = month_report(home, CalendarMonth(AT.date().replace(day=1)))
    page = compose(report, language)
    pdf = PdfReader(io.BytesIO(to_pdf(page)))
    for name, text in {
        "html": seen(to_html(page)),
        "markdown": to_markdown(page),
        "pdf": "\n".join(each.extract_text().replace("\0", "") for each in pdf.pages),
        "workbook": cells(to_workbook(report, language)),
    }.items():
        clean(name, text, language)
    assert "附件2（2022年6月应报，5月份情况）" in to_markdown(compose(report, "zh"))


def test_calendars(home):
    for unit in ("wanzhou", None):
        data = feed_calendar(home, unit)
        clean("feed", events_of(data), "zh")
        assert b"UID:table-2@2022-06/wanzhou." in data
    assert "附件2（2022年6月应报，5月份情况）" in events_of(feed_calendar(home, "wanzhou"))


def test_the_sentence_after_a_button(client):
    client.get("/?language=zh")
    for verb, more in (
        ("waive", {}),
        ("undo", {}),
        ("accept", {}),
        ("extend", {"until": "2022-01-01", "reason": "x"}),
    ):
        data = {"csrf": csrf_of(client), "ref": REF, "unit": "yuzhong", "back": "/nothing", **more}
        client.post(f"/act/{verb}", data=data)
        said = shown(client)
        assert "附件2（2022年6月应报，5月份情况）" in said, (verb, said)
        clean(verb, said, "zh")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    from tests.tools import Place

    return Place(tmp_path_factory.mktemp("place"))


ONE = "table-2@2022-05"


@pytest.mark.parametrize(("locale", "language"), [("zh_CN.UTF-8", "zh"), ("en_GB.UTF-8", "en")])
def test_commands_answer_with_names_and_give_the_reference_to_type(place, locale, language):
    def run(*arguments):
        done = place.tracker(*arguments, LANG=locale)
        return done.out, done.err

    name = {"zh": "（2022年5月应报，4月份情况）", "en": "(due in May 2022, about April 2022)"}[language]
    told, _ = run("submit", ONE, "--unit", "万州", "--on", "2022-05-12")
    assert name in told
    assert told.rstrip().endswith(f"[{ONE}]")
    clean("submit", told.replace(f"[{ONE}]", ""), language)
    _, refused = run("accept", "table-2@2022-06", "--unit", "涪陵")
    if language == "zh":
        clean("accept", refused, language)
        assert "（2022年6月应报，5月份情况）尚未报送，不能销号" in refused
    for command in (
        ("status", "--at", "2022-05-20"),
        ("history",),
        ("calendar", "--from", "2022-05-01", "--to", "2022-06-30"),
        ("explain", ONE, "--unit", "涪陵"),
    ):
        out, err = run(*command)
        assert name in out + err, command
        # A reference has a column of its own.
        clean(command[0], re.sub(r"(?m)(?<=\s)\S+@20\S+|2/first-list|\[.*\]", "", out + err), language)
    out, _ = run("undo", ONE, "--unit", "万州")
    clean("undo", out.replace(f"[{ONE}]", ""), language)


def test_programs_get_references_and_ids(place):
    [row] = [
        row
        for row in place.json("status", "--at", "2022-05-20", LANG="zh_CN.UTF-8")["rows"]
        if (row["ref"], row["unit"]) == (ONE, "fuling")
    ]
    assert row["title"] == "汇总表（培训机构）"
    assert row["state"] == "overdue"
    first = place.ok("status", "--at", "2022-05-20", "--format", "csv", LANG="zh_CN.UTF-8").csv[0]
    assert first["unit"] == "wanzhou"


def test_the_shipped_campaign_is_what_was_looked_at(home):
    assert home.config.resolve() == (ROOT / "config").resolve()
