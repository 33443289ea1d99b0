"""A unit's pages behind the links of its mails, over the shipped campaign and a real database."""

import re
import shutil
import zipfile
from datetime import date
from io import BytesIO
from pathlib import Path

import openpyxl
import pytest
from openpyxl.cell import MergedCell
from openpyxl.utils.cell import coordinate_to_tuple
from sqlalchemy import func, select
from starlette.testclient import TestClient

from tests.tools import found_in, in_zh, quick_folder
from tests.web import begin
from tests.world import at
from tracker.access.accounts import add_account
from tracker.access.links import Purpose, lasting
from tracker.clock import VirtualClock
from tracker.config.loader import load
from tracker.core.model import Event, EventKind
from tracker.errors import LedgerError
from tracker.ledger.record import read_history
from tracker.ledger.requests import Decision, open_requests, requests_of
from tracker.ledger.status import ledger_rows
from tracker.outbox.queries import stored_mails
from tracker.service.app import App
from tracker.store.tables import DOCUMENT, EVENT, FILING, MAIL, REQUEST, SESSION
from tracker.usecases import ledger
from tracker.usecases.forms.intake import Intake
from tracker.web.application import make_application
from tracker.web.base.identity import Identity, Role
from tracker.web.base.site import Site

CONFIG = Path(__file__).parents[2] / "config"
TABLE = "table-2@2022-05"
CAMPAIGN = load(CONFIG).campaign
assert CAMPAIGN is not None
FORM = CAMPAIGN.forms["training-institutions"]
MAY = at("2022-05-03 10:00")


class Office:
    """The service on 3 May 2022, and a browser that has only what the mails hold."""

    def __init__(self, folder):
        shutil.copytree(CONFIG, folder / "config")
        self.clock = VirtualClock(MAY)
        self.app = App(
            folder / "config",
            database=f"sqlite:///{folder / 'var' / 'tracker.db'}",
            environ={"TRACKER_MAIL": f"mailbox:{folder / 'mailbox'}"},
            clock=self.clock,
        )
        self.woken = 0
        self.site = site = Site(self.app, wake=self._wake)
        begin(self.app, MAY)
        self.browser = TestClient(make_application(site), base_url="http://127.0.0.1:8080")

    def _wake(self):
        self.woken += 1

    def link(self, ref=TABLE, unit="wanzhou", *, due=date(2022, 5, 5), purpose=Purpose.ANSWER):
        """The link to ``ref`` in the mail of the first contact of ``unit``, without the host."""
        contact = self.app.snapshot.campaign.units[unit].contacts[0]
        until = lasting(MAY.date(), due)
        address = self.app.links.answer(ref, unit, contact.email, until)
        return address.removeprefix(self.app.links.base)

    def row(self, ref=TABLE, unit="wanzhou"):
        with self.app.database.reading() as session:
            now = self.clock.now()
            return ledger_rows(session, self.app.snapshot, now, latest=now, unit=unit, ref=ref)[0]

    def events(self, ref=TABLE, unit="wanzhou"):
        with self.app.database.reading() as session:
            return [
                (each.event.value, each.count, each.who, each.via, each.note)
                for each in read_history(session, "main", ref=ref, unit=unit)
            ]

    def counts(self):
        """How many rows the tables have in which something could be written down."""
        with self.app.database.reading() as session:
            return {
                table.name: session.execute(select(func.count()).select_from(table)).scalar_one()
                for table in (EVENT, FILING, DOCUMENT, MAIL, REQUEST)
            }

    def mails(self):
        with self.app.database.reading() as session:
            found = [each.mail for each in stored_mails(session, "main")]
        # Of the service itself the operator hears beside all this.
        return [mail for mail in found if mail.kind != "alert"]

    def record(self, kind, ref=TABLE, unit="wanzhou", **more):
        self.app.engine.record(Event(self.clock.now(), ref, unit, EventKind(kind), **more))

    def seen(self, address):
        page = self.browser.get(address)
        assert page.status_code == 200, page.text
        return found_in(r'name="seen" value="(\d+)"', page.text, 1)

    def press(self, address, **fields):
        """Open the form and press its button; the page that follows."""
        return self.browser.post(address, data={"seen": self.seen(address), **fields})

    def blank(self, link):
        return self.browser.get(f"{link}/blank.xlsx").content

    def upload(self, link, *files):
        return self.browser.post(f"{link}/file", files=[("file", each) for each in files])


@pytest.fixture
def office():
    with quick_folder() as folder:
        found = Office(folder)
        yield found
        found.app.close()


ROW = {
    "name": "万州一校",
    "special_trained": 12,
    "conditions": 1,
    "level": "区县级",
    "ordered": "√",
    "fine": 1.5,
}


def write_beside(sheet, label, value):
    """Into the next cell to the right that can be written."""
    for column in range(label.column + 1, label.column + 12):
        cell = sheet.cell(label.row, column)
        if not isinstance(cell, MergedCell):
            cell.value = value
            return


def filled(data, *, unit=None, person="张三", **changed):
    """A blank with one institution typed in, as a person would do it in Excel; ``changed`` by column id."""
    book = openpyxl.load_workbook(BytesIO(data))
    sheet = book.worksheets[0]
    columns = [each.id for each in FORM.columns]
    first = next(row for row in range(1, 30) if str(sheet.cell(row, 1).value) == "1")
    for name, value in {**ROW, **changed}.items():
        sheet.cell(first, columns.index(name) + 1).value = value
    for row in sheet.iter_rows(max_row=first - 1):
        for cell in row:
            for label, value in (("填表单位", unit), ("填表人", person)):
                if str(cell.value or "").startswith(label) and value is not None:
                    write_beside(sheet, cell, value)
    written = BytesIO()
    book.save(written)
    return written.getvalue()


def test_a_look_changes_nothing_however_often_and_by_whatever_looks(office):
    link = office.link()
    before = office.counts()
    for path in ("", "/done", "/nil", "/file", "/extend", "/say", "/blank.xlsx"):
        for _ in range(10):
            assert office.browser.get(f"{link}{path}").status_code == 200
        assert office.browser.head(f"{link}{path}").status_code == 200
    assert office.counts() == before
    assert office.events() == []


def test_the_overview_says_what_is_asked_in_the_words_of_the_document(office):
    page = office.browser.get(office.link()).text
    definition = office.app.snapshot.campaign.definitions["table-2"]
    assert "万州区应急管理局" in page
    assert "附件2" in page
    assert definition.title.rstrip("。") in page
    assert "2022年5月5日" in page
    assert "还剩2天" in page
    for way in ("file", "done", "nil", "extend", "say"):
        assert f"/{way}" in page


def test_the_button_reports_once_in_the_name_of_the_contact(office):
    link = office.link()
    page = office.press(f"{link}/done", note="已发公文")
    assert page.status_code == 200
    assert page.history[0].status_code == 303
    assert "已登记" in page.text
    contact = office.app.snapshot.campaign.units["wanzhou"].contacts[0]
    assert office.events() == [("submit", None, contact.name, "link", "已发公文")]
    assert office.row().light == "green"
    assert office.woken == 1


def test_the_same_form_sent_twice_is_recorded_once(office):
    link = office.link()
    fields = {"seen": office.seen(f"{link}/done")}
    office.browser.post(f"{link}/done", data=fields)
    again = office.browser.post(f"{link}/done", data=fields)
    assert "没有重复登记" in again.text
    assert len(office.events()) == 1


def test_a_link_answers_for_its_campaign_and_a_person_for_none_while_the_files_name_another_document(office):
    app, tasks = office.app, office.app.config / "tasks.yaml"
    tasks.write_text(
        tasks.read_text(encoding="utf-8").replace("document: 渝考发〔2022〕", "document: 渝考发〔2023〕"),
        encoding="utf-8",
    )
    assert app.reload()
    app.engine.run_pass()
    assert app.snapshot.is_undecided
    form = office.blank(office.link("table-2@2022-06"))
    with Intake(app, who="张三") as intake:
        (taken,) = intake.take("a.xlsx", form)
    assert not taken.is_taken
    assert "确认前不予登记" in in_zh(taken.findings[-1].message)
    (refused,) = ledger.record_each(
        app, [Event(office.clock.now(), TABLE, "fuling", EventKind.WAIVE, via="web")]
    )
    assert isinstance(refused, LedgerError)
    assert refused.code == "undecided"
    office.press(f"{office.link()}/nil")
    assert [kind for kind, *_ in office.events()] == ["nil"]
    assert office.events(unit="fuling") == office.events(ref="table-2@2022-06") == []


def test_a_link_that_has_been_used_shows_what_came_of_it_and_lets_it_be_corrected(office):
    link = office.link()
    office.press(f"{link}/done")
    page = office.browser.get(link).text
    assert "已于5月3日 10:00报送" in page
    assert "需要更正" in page
    office.press(f"{link}/nil")
    assert [each[0] for each in office.events()] == ["submit", "nil"]
    assert office.row().state == "nil"


def test_a_quota_counts_up(office):
    link = office.link("5", due=date(2022, 12, 31))
    page = office.browser.get(f"{link}/done").text
    assert "0/2" in page
    office.press(f"{link}/done", count="1")
    assert office.row("5").answer.progress == 1
    assert "1/2" in office.browser.get(link).text
    office.press(f"{link}/done", count="1")
    assert office.row("5").answer.answered == "submitted"
    assert [each[1] for each in office.events("5")] == [1, 1]


@pytest.mark.parametrize("count", ["", "0", "-1", "1.5", "10000", "一"])
def test_a_count_that_is_none_is_asked_for_again(office, count):
    link = office.link("5", due=date(2022, 12, 31))
    page = office.press(f"{link}/done", count=count)
    assert page.status_code == 400
    assert "1至9999" in page.text
    assert office.events("5") == []


def test_a_task_that_is_asked_once_has_no_nil_return(office):
    link = office.link("5/first-list", due=date(2022, 6, 30))
    assert "/nil" not in office.browser.get(link).text
    assert office.browser.get(f"{link}/nil").status_code == 404
    assert office.browser.post(f"{link}/nil", data={"seen": "0"}).status_code == 404
    assert office.browser.get(f"{link}/file").status_code == 404
    assert office.events("5/first-list") == []


def test_what_is_waived_cannot_be_answered_and_the_page_says_so(office):
    link = office.link()
    seen = office.seen(f"{link}/done")
    office.record("waive", who="市考试中心")
    assert "已免报" in office.browser.get(link).text or "免报" in office.browser.get(link).text
    for way in ("done", "nil", "file"):
        assert office.browser.get(f"{link}/{way}").status_code == 409
    page = office.browser.post(f"{link}/done", data={"seen": seen})
    assert office.row().state == "waived"
    assert page.status_code in {200, 409}


def test_forged_links_lead_nowhere(office):
    link = office.link()
    for wrong in (
        f"{link}x",
        link[:-1],
        f"/answer/{'A' * 80}",
        "/answer/x",
        f"/answer/{'甲' * 9}",
        f"/answer/{'a' * 2000}",
    ):
        page = office.browser.get(wrong)
        assert page.status_code == 404, wrong
        assert "链接不完整" in page.text
    assert office.browser.post(f"{link}x/done", data={"seen": "0"}).status_code == 404
    assert office.events() == []


def test_a_link_to_a_mail_does_not_answer_and_one_to_answer_shows_no_mail(office):
    view = office.app.links.view("digest/2022-05-03/x@unit.example", date(2022, 7, 4))
    token = view.rpartition("/")[2]
    assert office.browser.get(f"/answer/{token}").status_code == 403
    assert office.browser.post(f"/answer/{token}/done", data={"seen": "0"}).status_code == 403
    assert office.browser.get(office.link().replace("/answer/", "/view/")).status_code == 403
    assert office.counts()["event"] == 0


def test_an_expired_link_says_what_to_do(office):
    link = office.link()
    office.clock.set(at("2022-07-06"))
    page = office.browser.get(link)
    assert page.status_code == 410
    assert "最近一封提醒邮件" in page.text
    assert office.browser.post(f"{link}/done", data={"seen": "0"}).status_code == 410
    assert office.events() == []


def test_an_expired_link_gets_a_new_one_to_the_address_on_file_and_once_a_day(office):
    link = office.link()
    office.clock.set(at("2022-10-06"))
    assert f'action="{link}/renew"' in office.browser.get(link).text
    for _ in range(3):
        page = office.browser.post(f"{link}/renew")
        assert page.status_code == 200
        assert "新的链接已发往登记的邮箱" in page.text
        assert "@wanzhou" not in page.text
    contact = office.app.snapshot.campaign.units["wanzhou"].contacts[0]
    [told] = receipts(office)
    assert told.to == contact.email
    shown = office.app.renderer.render(told)
    fresh = found_in(r"https?://[^\s\"]+(/answer/[^\s\"/]+)", shown.text, 1)
    assert office.browser.get(fresh).status_code == 200
    assert office.events() == []
    # A link that is good needs no other, one of somebody who has left gets none, and a forged one tells nothing.
    assert office.browser.post(f"{fresh}/renew", follow_redirects=False).status_code == 303
    former = office.app.links.answer(TABLE, "wanzhou", "former@unit.example", date(2022, 7, 4))
    assert office.browser.post(f"{former.removeprefix(office.app.links.base)}/renew").status_code == 403
    assert office.browser.post("/answer/forged/renew").status_code == 404
    assert len(receipts(office)) == 1


def receipts(office):
    return [mail for mail in office.mails() if mail.kind == "receipt"]


def test_who_is_no_contact_any_more_acts_for_the_unit_no_more(office):
    address = office.app.links.answer(TABLE, "wanzhou", "former@unit.example", date(2022, 7, 4))
    page = office.browser.get(address.removeprefix(office.app.links.base))
    assert page.status_code == 403
    assert "登记的联系人" in page.text


def test_a_link_lets_nobody_in_anywhere_else(office):
    with office.app.database.writing() as session:
        add_account(session, "li", Role.SUPERVISOR, "nine yellow tables", office.clock.now())
    link = office.link()
    office.press(f"{link}/done")
    assert "__Host-tracker" not in office.browser.cookies
    with office.app.database.reading() as session:
        assert session.execute(select(SESSION)).first() is None
    for path in ("/", "/unit/wanzhou", "/requests", "/mails"):
        assert office.browser.get(path, follow_redirects=False).headers["location"].startswith("/sign-in")
    for path in ("/act/accept", "/act/undo"):
        assert office.browser.post(path, data={"ref": TABLE, "unit": "wanzhou"}).status_code == 403
    assert [each[0] for each in office.events()] == ["submit"]


def test_pages_tell_nobody_where_the_reader_came_from_and_load_nothing_from_elsewhere(office):
    page = office.browser.get(office.link())
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    assert not re.findall(r'(?:href|src|action)="(?:https?:)?//', page.text)
    assert "style=" not in page.text
    assert "<script" not in page.text


def test_more_time_is_asked_for_granted_and_then_in_force(office, monkeypatch):
    link = office.link()
    page = office.press(f"{link}/extend", until="2022-05-20", text="机构数据尚未汇总")
    assert "申请已提交" in page.text
    assert "等待答复" in page.text
    assert office.events() == []
    office.press(f"{link}/extend", until="2022-05-20", text="机构数据尚未汇总")
    with office.app.database.reading() as session:
        (request,) = open_requests(session, "main")
    asked = [mail for mail in office.mails() if mail.details.get("request")]
    supervisor = office.app.snapshot.campaign.units[office.app.snapshot.campaign.supervisor]
    assert {mail.to for mail in asked} == {each.email for each in supervisor.contacts if each.role == "to"}
    rendered = office.app.renderer.render(asked[0])
    assert "万州区应急管理局" in rendered.subject
    assert "机构数据尚未汇总" in rendered.text
    assert "/requests" in rendered.text

    wang = Identity("王芳", Role.SUPERVISOR, "password")
    monkeypatch.setattr("tracker.web.pages.board.requests.require", lambda *_: wang)
    monkeypatch.setattr("tracker.web.base.form_posting.require", lambda *_: wang)
    monkeypatch.setattr("tracker.web.pages.board.requests.check_csrf", lambda *_: None)
    assert "机构数据尚未汇总" in office.browser.get("/requests").text
    office.browser.post("/act/grant", data={"id": request.id, "until": "2022-05-18", "reply": "请抓紧"})
    assert office.row().dates.effective_due == date(2022, 5, 18)
    assert office.events() == [("extend", None, "王芳", "web", None)]
    page = office.browser.get(link).text
    assert "2022年5月18日" in page
    assert "同意延期至2022年5月18日" in page
    told = [mail for mail in office.mails() if (mail.details.get("request") or {}).get("phase") == "granted"]
    assert {mail.unit for mail in told} == {"wanzhou"}
    text = office.app.renderer.render(told[0]).text
    assert "2022年5月18日" in text
    assert "请抓紧" in text
    again = office.browser.post("/act/decline", data={"id": request.id})
    assert again.status_code == 400
    with office.app.database.reading() as session:
        assert [each.answer for each in requests_of(session, "main", TABLE, "wanzhou")] == [Decision.GRANTED]


def test_more_time_can_be_granted_after_the_date_with_a_reason_on_record(office, monkeypatch):
    link = office.link()
    office.clock.set(at("2022-05-09"))
    office.press(f"{link}/extend", until="2022-05-20", text="系统故障")
    monkeypatch.setattr(
        "tracker.web.pages.board.requests.require", lambda *_: Identity("王芳", Role.SUPERVISOR, "password")
    )
    monkeypatch.setattr(
        "tracker.web.base.form_posting.require", lambda *_: Identity("王芳", Role.SUPERVISOR, "password")
    )
    monkeypatch.setattr("tracker.web.pages.board.requests.check_csrf", lambda *_: None)
    page = office.browser.post("/act/grant", data={"id": 1})
    assert page.status_code == 200
    assert office.row().dates.effective_due == date(2022, 5, 20)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"until": "2022-05-05", "text": "x"}, "须晚于"),
        ({"until": "明天", "text": "x"}, "须晚于"),
        ({"until": "2022-05-20", "text": " "}, "申请理由"),
    ],
)
def test_a_request_that_lacks_something_is_asked_for_it(office, fields, says):
    page = office.press(f"{office.link()}/extend", **fields)
    assert page.status_code == 400
    assert says in page.text
    assert office.counts()["request"] == 0


@pytest.mark.parametrize(
    ("ref", "way", "field", "length"),
    [(TABLE, "say", "text", 2_001), (TABLE, "extend", "text", 5_000), ("5", "done", "note", 100_000)],
)
def test_what_is_too_long_is_said_and_none_of_it_is_lost_or_cut(office, ref, way, field, length):
    text = "长" * (length - 1) + "尾"
    more = {"until": "2022-05-20"} if way == "extend" else {"count": "1"} if way == "done" else {}
    seen = {"seen": "0"} if way == "done" else {}
    page = office.browser.post(f"{office.link(ref, 'chengkou')}/{way}", data={field: text, **more, **seen})
    assert page.status_code == 400
    assert f"共{length}字，最多2000字" in page.text
    assert f"{text}</textarea>" in page.text
    assert (office.counts()["request"], office.events(ref, "chengkou")) == (0, [])
    page = office.browser.post(
        f"{office.link(ref, 'chengkou')}/{way}", data={field: text[:2000], **more, **seen}
    )
    assert page.status_code == 200
    assert office.counts()["request"] or office.events(ref, "chengkou")


def test_an_answer_to_words_that_is_too_long_is_shown_again(office, monkeypatch):
    office.press(f"{office.link()}/say", text="请核实")
    monkeypatch.setattr(
        "tracker.web.pages.board.requests.require", lambda *_: Identity("王芳", Role.SUPERVISOR, "password")
    )
    monkeypatch.setattr(
        "tracker.web.base.form_posting.require", lambda *_: Identity("王芳", Role.SUPERVISOR, "password")
    )
    monkeypatch.setattr("tracker.web.pages.board.requests.check_csrf", lambda *_: None)
    text = "长" * 2_500 + "尾"
    page = office.browser.post("/act/reply", data={"id": 1, "reply": text})
    assert (page.status_code, f">{text}</textarea>" in page.text) == (400, True)
    assert "共2501字，最多2000字" in page.text
    with office.app.database.reading() as session:
        assert open_requests(session, "main")


def test_words_reach_the_supervisor_and_the_answer_comes_back(office, monkeypatch):
    link = office.link()
    office.press(f"{link}/say", text="我区没有培训机构，\n请核实名单<script>")
    page = office.browser.get(link).text
    assert "&lt;script&gt;" in page
    monkeypatch.setattr(
        "tracker.web.pages.board.requests.require", lambda *_: Identity("王芳", Role.SUPERVISOR, "password")
    )
    monkeypatch.setattr(
        "tracker.web.base.form_posting.require", lambda *_: Identity("王芳", Role.SUPERVISOR, "password")
    )
    monkeypatch.setattr("tracker.web.pages.board.requests.check_csrf", lambda *_: None)
    office.browser.post("/act/reply", data={"id": 1, "reply": "已核实"})
    assert "已核实" in office.browser.get(link).text
    assert [mail.details["request"]["phase"] for mail in office.mails()][-1] == "read"
    assert office.events() == []


def test_a_viewer_may_read_requests_and_not_answer_them(office):
    office.press(f"{office.link()}/say", text="请核实")
    page = office.browser.get("/requests").text
    assert "请核实" in page
    assert "/act/" not in page


def test_each_reader_gets_the_page_in_their_own_language_unless_they_choose(office):
    link = office.link()
    assert "完成时限" in office.browser.get(link).text
    english = office.browser.get(f"{link}?language=en").text
    assert "Deadline" in english
    assert "Upload the table" in english


def test_a_mail_is_read_in_the_browser_as_it_was_sent(office):
    office.app.engine.run_pass(at_once=True)
    mail = next(each for each in office.mails() if each.unit == "wanzhou")
    rendered = office.app.renderer.render(mail)
    address = found_in(r"http\S+/view/\S+", rendered.text, 0).removeprefix(office.app.links.base)
    page = office.browser.get(address)
    assert page.status_code == 200
    assert "style=" not in page.text
    assert "万州" in page.text
    sheet = office.browser.get(f"{address}/style.css")
    assert sheet.headers["content-type"].startswith("text/css")
    assert "font-size" in sheet.text
    links = re.findall(r"http\S+/answer/[^\s\"<]+", rendered.text)
    assert links
    for each in links:
        assert office.browser.get(each.removeprefix(office.app.links.base)).status_code == 200


def test_a_mail_that_is_not_in_the_outbox_is_said_to_be_missing(office):
    address = office.app.links.view("digest/2022-01-01/x", date(2022, 7, 4))
    assert office.browser.get(address.removeprefix(office.app.links.base)).status_code == 404


def test_a_table_without_a_fault_is_taken_and_the_light_turns_green(office):
    link = office.link()
    page = office.upload(link, ("五月.xlsx", filled(office.blank(link))))
    assert page.history[0].status_code == 303
    assert "已收，报送完成" in page.text
    assert office.row().light == "green"
    contact = office.app.snapshot.campaign.units["wanzhou"].contacts[0]
    assert office.events() == [("submit", None, contact.name, "link", "五月.xlsx")]
    assert "已于5月3日 10:00报送" in office.browser.get(link).text
    assert [mail.kind for mail in office.mails()] == ["receipt"]
    assert office.woken == 1


def test_the_page_of_an_upload_can_be_opened_again_and_takes_nothing_twice(office):
    link = office.link()
    data = filled(office.blank(link))
    page = office.upload(link, ("五月.xlsx", data))
    before = office.counts()
    assert office.browser.get(str(page.url)).text == page.text
    assert office.counts() == before
    again = office.upload(link, ("五月.xlsx", data))
    assert "此前已收" in again.text
    assert len(office.events()) == 1


def test_what_is_wrong_is_shown_at_its_cell_with_a_copy_to_correct(office):
    link = office.link()
    page = office.upload(link, ("五月.xlsx", filled(office.blank(link), special_trained="若干")))
    assert "没有收" in page.text
    assert "若干" in page.text
    assert office.events() == []
    assert office.row().light == "amber"
    assert office.mails() == []
    cell = found_in(r'class="cell"[^>]*>([A-Z]+\d+)<', page.text, 1)
    address = found_in(r'href="([^"]+/copy/[^"]+)"', page.text, 1)
    copy = office.browser.get(address)
    assert copy.headers["content-disposition"].startswith("attachment")
    book = openpyxl.load_workbook(BytesIO(copy.content))
    row, column = coordinate_to_tuple(cell)
    wrong = book.worksheets[0].cell(row, column)
    assert wrong.comment is not None
    wrong.value = 12
    mended = BytesIO()
    book.save(mended)
    assert "已收，报送完成" in office.upload(link, ("五月（核对）.xlsx", mended.getvalue())).text
    assert office.row().light == "green"


def test_a_copy_is_not_to_be_had_through_the_link_of_another_unit(office):
    link = office.link()
    page = office.upload(link, ("五月.xlsx", filled(office.blank(link), special_trained="若干")))
    paper = found_in(r'href="[^"]+/copy/([^"]+)"', page.text, 1)
    result = page.url.params["result"]
    for other in (office.link(unit="fuling"), office.link("table-2@2022-06", due=date(2022, 6, 5))):
        assert office.browser.get(f"{other}/copy/{paper}").status_code == 403
        assert office.browser.get(f"{other}/file?result={result}").status_code == 403
    assert office.browser.get(f"{link}/copy/{paper}x").status_code == 404
    assert office.browser.get(f"{link}/copy/1").status_code == 404


def test_the_table_of_another_unit_is_refused(office):
    theirs = office.blank(office.link(unit="fuling"))
    page = office.upload(office.link(), ("涪陵.xlsx", filled(theirs)))
    assert "没有收" in page.text
    assert "涪陵" in page.text
    assert office.events() == office.events(unit="fuling") == []
    assert office.counts()["filing"] == 0


def test_a_form_whose_header_names_another_unit_is_refused(office):
    link = office.link()
    page = office.upload(link, ("五月.xlsx", filled(office.blank(link), unit="涪陵区应急管理局")))
    assert "没有收" in page.text
    assert office.events() == office.events(unit="fuling") == []


def test_the_table_of_another_month_is_refused(office):
    link = office.link()
    june = office.blank(office.link("table-2@2022-06", due=date(2022, 6, 5)))
    page = office.upload(link, ("六月.xlsx", filled(june)))
    assert page.text.count("没有收") == 1
    assert "2022年6月" in page.text
    for ref in (TABLE, "table-2@2022-06"):
        assert office.events(ref) == []


def nil(data):
    """A blank with a √ beside 零报告, and nothing else."""
    book = openpyxl.load_workbook(BytesIO(data))
    sheet = book.worksheets[0]
    for row in sheet.iter_rows(max_row=8):
        for cell in row:
            if str(cell.value or "").startswith("零报告"):
                write_beside(sheet, cell, "√")
    written = BytesIO()
    book.save(written)
    return written.getvalue()


def test_other_tables_of_the_unit_and_month_are_taken_through_one_link(office):
    """Three files and an archive: each is told of by itself on the page, and those that were taken in the receipt."""
    link = office.link()
    third = nil(office.blank(office.link("table-3@2022-05")))
    later = nil(office.blank(office.link("table-4@2022-06", due=date(2022, 6, 5))))
    theirs = nil(office.blank(office.link("table-4@2022-05", unit="fuling")))
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("报送/附件3.xlsx", third)
        archive.writestr("报送/~$附件3.xlsx", b"x")
    page = office.upload(
        link,
        ("附件2.xlsx", filled(office.blank(link), special_trained="若干")),
        ("附件.zip", packed.getvalue()),
        ("附件4.xlsx", later),
        ("涪陵.xlsx", theirs),
    ).text
    cards = re.split(r'<h2 class="filename">', page)[1:]
    told = [
        (card.split("<")[0], "没有收" in card, "按零报告登记" in card) for card in cards if ".xlsx<" in card
    ]
    assert told == [
        ("附件2.xlsx", True, False),
        ("附件.zip/报送/附件3.xlsx", False, True),
        ("附件.zip/报送/~$附件3.xlsx", False, False),
        ("附件4.xlsx", True, False),
        ("涪陵.xlsx", True, False),
    ]
    assert "附件3（2022年5月应报，4月份情况）" in cards[1]
    assert "这是2022年6月应报的表，本链接收的是2022年5月应报的表" in cards[3]
    assert [each[0] for each in office.events("table-3@2022-05")] == ["nil"]
    for ref, unit in ((TABLE, "wanzhou"), ("table-4@2022-06", "wanzhou"), ("table-4@2022-05", "fuling")):
        assert office.events(ref, unit) == []
    (receipt,) = receipts(office)
    assert [each["ref"] for each in receipt.details["files"]] == ["table-3@2022-05"]


@pytest.mark.parametrize("data", [b"", b"no table", b"PK\x03\x04" + b"x" * 500])
def test_what_is_no_table_is_refused_with_a_sentence(office, data):
    page = office.upload(office.link(), ("../../etc/passwd\u202e.xlsx", data))
    assert page.status_code == 200
    assert "没有收" in page.text
    assert "etc" not in page.text
    assert office.events() == []


def test_no_file_at_all_is_asked_for(office):
    page = office.browser.post(f"{office.link()}/file", data={})
    assert page.status_code == 400
    assert "请先选择" in page.text


def test_a_body_without_measure_is_cut_off(office):
    page = office.upload(office.link(), ("large.xlsx", b"x" * (13 * 1024 * 1024)))
    assert page.status_code == 413
    assert "合计不得超过12兆" in page.text
    assert office.events() == []


def test_the_second_month_begins_with_the_figures_of_the_first(office):
    link = office.link()
    office.upload(link, ("五月.xlsx", filled(office.blank(link))))
    june = office.blank(office.link("table-2@2022-06", due=date(2022, 6, 5)))
    values = {cell for row in openpyxl.load_workbook(BytesIO(june)).worksheets[0].values for cell in row}
    assert "万州一校" in values


def test_the_page_says_what_the_form_to_download_holds(office):
    """Nothing was filed before May: rows of a period before are promised to nobody."""
    link = office.link()
    assert "单位和期次已经填好" in office.browser.get(f"{link}/file").text
    office.upload(link, ("a.xlsx", filled(office.blank(link))))
    assert "本期已报内容" in office.browser.get(f"{link}/file").text
    office.clock.set(at("2022-05-20 10:00"))
    office.app.engine.bring_up_to_date(at("2022-05-20 10:00"))
    june = office.link("table-2@2022-06", due=date(2022, 6, 5))
    assert "上期内容已经填好" in office.browser.get(f"{june}/file").text
