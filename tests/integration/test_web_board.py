"""The supervisor's pages: what they show is what the ledger says, and every page keeps to the policy."""

from __future__ import annotations

import csv
import html
import io
import re
from collections import Counter
from datetime import date, datetime

import pytest

from tests.web import ZONE, answer, browser, flaws, office
from tracker.core.model import EventKind, Light, State
from tracker.core.status import URGENCY, worst
from tracker.dashboard.status_overview import StatusFilter
from tracker.mail.compose.details import files_sent, forms_sent
from tracker.outbox.queries import stored_mails
from tracker.usecases import campaign_files, ledger, mailing


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    with office(tmp_path_factory.mktemp("board")) as made:
        made.engine.run_pass()
        answer(made, "table-2@2022-05", "wanzhou")
        answer(made, "table-2@2022-06", "wanzhou")
        answer(made, "table-2@2022-06", "fuling", EventKind.NIL)
        answer(made, "table-3@2022-06", "fuling", EventKind.WAIVE)
        answer(made, "5", "chengkou", count=1)
        yield made


@pytest.fixture(scope="module")
def client(app):
    return browser(app)


PAGES = (
    "/",
    "/?state=red",
    "/?state=overdue&month=2022-05&section=七、组织实施安全生产培训“走过场”专项行动",
    "/?unit=wanzhou",
    "/?unit=nobody",
    "/timeline",
    "/timeline?year=2023",
    "/month/2022-05",
    "/month/2022-06",
    "/month/2031-01",
    "/item/5",
    "/item/table-2?ref=table-2@2022-05",
    "/item/26/experience",
    "/unit/wanzhou",
    "/unit/万州?item=table-2",
    "/assignment/wanzhou/table-2@2022-05",
    "/assignment/chengkou/5",
    "/mails",
    "/mails?state=sent&kind=digest&unit=wanzhou",
    "/mails/1",
    "/health",
    "/nothing",
    "/month/2022-13",
    "/?state=purple",
)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("path", PAGES)
def test_every_page_answers_in_both_languages_and_keeps_to_the_policy(client, path, language):
    got = client.get(path + ("&" if "?" in path else "?") + f"language={language}")
    assert got.status_code in (200, 400, 404), got.text
    assert flaws(got.text) == []
    assert f'lang="{"zh-CN" if language == "zh" else "en"}"' in got.text
    assert "script-src 'self'" in got.headers["content-security-policy"]
    assert client.head(path).status_code == got.status_code


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/item/99", 404),
        ("/unit/nowhere", 404),
        ("/assignment/wanzhou/nothing", 404),
        ("/assignment/wanzhou/table-2@2099-01", 404),
        ("/mails/99999", 404),
        ("/files/1", 404),
        (f"/mails/{'9' * 18}", 404),
        (f"/mails/{'9' * 30}/style.css", 404),
        (f"/files/{'9' * 30}", 404),
        (f"/files/{'9' * 5000}", 404),
        ("/month/may", 400),
        ("/?section=nothing", 400),
        ("/mails?state=lost", 400),
    ],
)
def test_what_is_not_there_is_said_in_a_sentence(client, path, code):
    got = client.get(path)
    assert got.status_code == code
    assert "Traceback" not in got.text
    assert "<h1>" in got.text


def test_the_counts_are_those_of_the_ledger(app):
    _, rows = ledger.status(app)
    matrix = app_matrix(app, StatusFilter())
    shown = Counter(row.state for row in rows if _concerns_today(row))
    assert matrix.states == shown
    assert matrix.all_lights == Counter(row.light for row in rows if _concerns_today(row))


def _concerns_today(row):
    due, today = row.dates.due, row.dates.due and row.dates.due.replace(day=1).isoformat() == "2022-06-01"
    if row.definition.rule.every is None or today:
        return True
    is_running = due is not None and due.isoformat() >= "2022-06-08"
    return row.dates.opens.isoformat() <= "2022-06-08" and (is_running or not row.answer.quiet)


def app_matrix(app, choice, page=1, size=60):
    from tracker.dashboard.status_overview import Board

    return Board(app.database).matrix(app.snapshot, choice, app.clock.now(), page=page, size=size)


def test_a_cell_shows_the_worst_of_what_it_holds(app):
    matrix = app_matrix(app, StatusFilter())
    _, rows = ledger.status(app)
    for line in matrix.lines:
        for unit, cell in zip(matrix.units, line.cells, strict=True):
            held = [
                row
                for row in rows
                if row.unit == unit and row.definition.key == line.definition.key and _concerns_today(row)
            ]
            assert (cell is None) == (not held)
            if cell is not None:
                assert cell.light is worst(row.light for row in held)
                assert cell.number == len(held)
                assert cell.ref in {row.ref for row in held if row.light is cell.light}


def test_a_month_shows_what_is_due_in_it_and_nothing_else(app):
    matrix = app_matrix(app, StatusFilter(month=campaign_files.date_of_issue(app).replace(month=5, day=1)))
    _, rows = ledger.status(app)
    due = [row for row in rows if row.dates.due and row.dates.due.isoformat()[:7] == "2022-05"]
    assert sum(matrix.states.values()) == len(due)
    assert {line.definition.key for line in matrix.lines} == {row.definition.key for row in due}


@pytest.mark.parametrize("light", list(Light))
def test_a_filter_by_light_shows_that_light_only_and_counts_what_it_shows(app, light):
    matrix = app_matrix(app, StatusFilter(light=light))
    cells = [cell for line in matrix.lines for cell in line.cells if cell is not None]
    assert {cell.light for cell in cells} <= {light}
    assert sum(cell.number for cell in cells) == matrix.all_lights[light]
    assert all(any(line.cells[column] for line in matrix.lines) for column in range(len(matrix.units)))


def test_pages_of_units_together_are_all_units(app):
    whole = app_matrix(app, StatusFilter(state=State.OVERDUE))
    size = 7
    parts = [app_matrix(app, StatusFilter(state=State.OVERDUE), page, size) for page in range(1, 20)]
    seen = [unit for part in parts[: parts[0].pages] for unit in part.units]
    assert tuple(seen) == whole.units
    assert parts[-1].page == parts[0].pages


def test_an_answer_turns_the_light_at_once(app, client):
    def cell():
        html = client.get("/?month=2022-06&unit=jiangbei").text
        (sign,) = re.findall(r'<td class="(\w)"><a href="/assignment/jiangbei/table-4@2022-06">', html)
        return sign

    assert cell() == "r"
    answer(app, "table-4@2022-06", "jiangbei")
    assert cell() == "a"
    answer(app, "table-4@2022-06", "jiangbei", EventKind.UNDO)
    assert cell() == "r"


def test_a_month_says_how_many_are_in_and_who_is_missing_in_two_clicks_from_the_board(client):
    first = client.get("/").text
    assert 'href="/month"' in first
    month = client.get("/month", follow_redirects=True).text
    assert 'href="/month/2022-05"' in month
    page = client.get("/month/2022-05?language=en").text
    table = page[page.index('id="table-2"') :]
    table = table[: table.index("</section>")]
    assert "1 of 41 in" in table
    assert "40 units are missing" in table
    assert "fuling@yingji.example" in table
    assert "wanzhou@yingji.example" not in table


def test_a_waived_unit_is_not_expected_and_a_nil_return_is_an_answer(client):
    page = client.get("/month/2022-06?language=en").text
    three = page[page.index('id="table-3"') :]
    assert "0 of 40 in" in three[: three.index("</section>")]
    two = page[page.index('id="table-2"') :]
    assert "2 of 41 in" in two[: two.index("</section>")]
    assert "1 nil return" in two[: two.index("</section>")]


def test_a_mail_is_shown_with_its_looks_in_a_sheet_of_its_own(client):
    page = client.get("/mails/1/page")
    assert flaws(page.text) == []
    assert '<link rel="stylesheet" href="/mails/1/style.css">' in page.text
    sheet = client.get("/mails/1/style.css")
    assert sheet.headers["content-type"].startswith("text/css")
    names = {name for given in re.findall(r'class="([^"]*)"', page.text) for name in given.split()}
    made = {name for name in names if name.startswith("mail-style-")}
    assert len(made) > 10
    assert all(f".{name}," in sheet.text for name in made)


def test_the_outbox_is_listed_the_newest_first(client, app):
    html = client.get("/mails").text
    numbers = [int(each) for each in re.findall(r'href="/mails/(\d+)"', html)]
    assert numbers == sorted(numbers, reverse=True)
    assert len(numbers) == min(100, len(mailing.mails(app)))


def test_urgency_names_every_light_once():
    assert sorted(URGENCY) == sorted(Light)


def test_unknown_filters_and_odd_pages_are_harmless(client):
    for query in ("?page=0", "?page=-1", "?page=99999999999", "?page=x", "?language=fr", "?theme=neon"):
        assert client.get(f"/{query}").status_code == 200


def test_what_the_matrix_shows_comes_as_a_file_for_a_spreadsheet(client):
    """By the mark at its beginning Excel knows UTF-8; what a command prints has none."""
    link = re.search(r'href="(/ledger\.csv[^"]*)"', client.get("/?unit=wanzhou&state=red&language=zh").text)
    assert link is not None
    got = client.get(html.unescape(link[1]))
    assert got.content.startswith("\ufeff单位,事项,内容,".encode())
    assert got.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(got.content.decode("utf-8-sig"))))
    assert rows
    assert {(row["单位"], row["灯色"]) for row in rows} == {("万州区应急管理局", "红灯")}
    every = list(
        csv.DictReader(io.StringIO(client.get("/ledger.csv?language=en").content.decode("utf-8-sig")))
    )
    assert len(every) > len(rows)
    assert set(every[0]) == {"Unit", "What", "Title", "State", "Light", "Due", "Due now", "Days late"}


def test_no_name_becomes_a_formula_in_that_file(client, monkeypatch):
    monkeypatch.setattr("tracker.core.model.Campaign.unit_name", lambda *_: "=1+1")
    assert "\n'=1+1," in client.get("/ledger.csv").text.replace("\r", "")


def test_what_was_enclosed_with_a_mail_is_shown_in_its_place(tmp_path):
    with office(tmp_path, at=datetime(2022, 5, 31, 10, tzinfo=ZONE)) as app:
        app.engine.run_pass()
        with app.database.reading() as session:
            found = next(
                each
                for each in reversed(stored_mails(session, "main"))
                if each.mail.unit == "wanzhou" and forms_sent(each.mail)
            )
        files = files_sent(found.mail)
        assert files[-1] == "日程.ics"
        assert files[0].endswith(".xlsx")
        address = app.links.view(found.mail.key, date(2022, 6, 30)).removeprefix(app.links.base)
        shown = [
            mailing.show_mail(app, found.id, "zh"),
            browser(app).get(f"/mails/{found.id}/page").text,
            browser(app).get(address).text,
        ]
        for page in shown:
            assert f"附件：{'、'.join(files)}" in page
            assert "空表已附后" in page
