"""A question about a table on the pages: asked, told, counted, answered by the unit, overruled by the supervisor."""

import re
from datetime import date
from io import BytesIO

import openpyxl
import pytest
from starlette.testclient import TestClient

from tests.integration.test_web_answer import TABLE, Office, filled
from tests.integration.web import SECRET, csrf_of, shown
from tests.tools import quick_folder
from tracker.access.accounts import add_account
from tracker.core.roles import Role
from tracker.usecases.forms.overview import summary
from tracker.web.application import make_application


@pytest.fixture
def office():
    with quick_folder() as folder:
        found = Office(folder)
        yield found
        found.app.close()


@pytest.fixture
def board(office):
    with office.app.database.writing() as session:
        add_account(session, "li", Role.SUPERVISOR, SECRET, office.clock.now())
    browser = TestClient(make_application(office.site), base_url="https://127.0.0.1:8080")
    browser.post("/sign-in", data={"name": "li", "password": SECRET})
    return browser


def numbers(page):
    return re.findall(r'name="id" value="(\d+)"', page.text)


def sentences(office):
    book = openpyxl.load_workbook(BytesIO(summary(office.app, date(2022, 5, 1))[0]))
    return " ".join(
        str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row if cell.value
    )


def test_a_unit_answers_and_the_supervisor_overrules_and_then_all_is_checked(office, board):
    link = office.link()
    # Two figures above what is believed.
    told = office.upload(
        link, ("五月.xlsx", filled(office.blank(link), special_trained=200_000, fine=2000))
    ).text
    assert "1行，合计：“特种作业人员培训人次”200000人次" in told
    assert "有2处请再核实" in told
    assert "报表疑问待核实 2 处" in board.get("/").text
    for path in ("/month/2022-05", f"/item/table-2?ref={TABLE}"):
        assert "疑问待核实 2 处" in board.get(path).text
    assert "有2处疑问尚待核实" in sentences(office)
    page = office.browser.get(link)
    first, second = numbers(page)
    assert "超过100000人次" in page.text
    answered = office.browser.post(f"{link}/question", data={"id": first, "note": "含全市统一培训"})
    assert "说明已登记" in answered.text
    assert numbers(answered) == [second]
    listed = board.get("/questions")
    assert numbers(listed) == [second]
    for note, sentence in (
        ("", "须写明理由"),
        ("已电话核实", f"第{second}号疑问：已认定。"),
        ("再次", "已由li核实"),
    ):
        data = {"csrf": csrf_of(board, "/questions"), "id": second, "how": "overruled", "note": note}
        board.post("/act/question", data=data, follow_redirects=False)
        assert sentence in shown(board, "/questions")
    assert "没有疑问" in board.get("/questions").text
    assert "报表疑问待核实" not in board.get("/").text
    text = board.get(f"/assignment/wanzhou/{TABLE}").text
    assert "含全市统一培训" in text
    assert "已电话核实" in text
    found = sentences(office)
    assert "尚待核实" not in found
    assert "已核对" in found
    facts = board.get("/api/forms/questions?unit=万州").json()
    assert [(each["state"], each["answered_by"], each["via"]) for each in facts] == [
        ("answered", "万州区联络员", "link"),
        ("overruled", "li", "web"),
    ]


def test_nobody_answers_what_is_asked_of_another_or_without_a_reason(office):
    link = office.link()
    office.upload(link, ("五月.xlsx", filled(office.blank(link), fine=2000)))
    (number,) = numbers(office.browser.get(link))
    other = office.link(unit="fuling")
    assert office.browser.post(f"{other}/question", data={"id": number, "note": "x"}).status_code == 404
    assert "请写明理由" in office.browser.post(f"{link}/question", data={"id": number, "note": " "}).text
    assert (
        office.browser.post(f"{link}/question", data={"id": number, "note": "字" * 2001}).status_code == 400
    )
    assert office.browser.post("/act/question", data={"id": number, "how": "overruled"}).status_code == 403
    assert numbers(office.browser.get(link)) == [number]


def test_the_form_after_filing_is_what_was_filed(office):
    link = office.link()
    office.upload(link, ("五月.xlsx", filled(office.blank(link), special_trained=77)))
    book = openpyxl.load_workbook(BytesIO(office.blank(link)))
    values = [cell.value for row in book.worksheets[0].iter_rows() for cell in row]
    assert {"万州一校", 77, "张三"} <= set(values)
