"""The same sign and word for each light and state on the board, in mails, in the report's PDF, workbook and Markdown."""

from __future__ import annotations

import io
import re
from collections import Counter, defaultdict
from datetime import date, datetime

import openpyxl
import pytest
from pypdf import PdfReader

from tests.tools import CAMPAIGN, Place
from tests.web import ZONE, answer, browser, office
from tracker.core.model import EventKind, Kind, Light, MailKind, State
from tracker.core.vocabulary import LIGHTS
from tracker.i18n.terms import word as term
from tracker.outbox.queries import stored_mails
from tracker.report.ask import month_report
from tracker.report.blocks import Chart
from tracker.report.compose import compose
from tracker.report.facts import CalendarMonth
from tracker.report.markdown import to_markdown
from tracker.report.pdf import to_pdf
from tracker.report.wording import Wording
from tracker.report.workbook import to_workbook
from tracker.usecases import ledger
from tracker.web.base.light_styles import LETTERS

#: A Monday, on which the week's roll-up goes.
AT = datetime(2022, 6, 13, 10, tzinfo=ZONE)


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Everything that people read of one ledger on one day, in Chinese, by where they read it."""
    with office(tmp_path_factory.mktemp("words"), at=AT) as app:
        answer(app, "table-2@2022-07", "wanzhou")
        answer(app, "table-2@2022-06", "fuling")
        answer(app, "table-3@2022-06", "fuling", EventKind.WAIVE)
        app.engine.run_pass()
        with app.database.reading() as session:
            weekly = [
                each.mail for each in stored_mails(session, "main") if each.mail.kind is MailKind.ROLLUP
            ][-1]
        mail = app.renderer.render(weekly)
        client = browser(app)
        report = month_report(app, CalendarMonth(date(2022, 6, 1)))
        page = compose(report, "zh")
        yield {
            "rows": ledger.status(app)[1],
            "page": page,
            "client": client,
            "board": client.get("/?language=zh").text,
            "sheet": client.get("/static/signs.css").text,
            "mail": re.sub(r"<[^>]+>", "", mail.html),
            "mail as text": mail.text,
            "markdown": to_markdown(page),
            "pdf": "\n".join(
                each.extract_text().replace("\0", "") for each in PdfReader(io.BytesIO(to_pdf(page))).pages
            ),
            "workbook": _cells(to_workbook(report, "zh")),
        }


def _cells(data):
    book = openpyxl.load_workbook(io.BytesIO(data))
    return [str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row if cell.value]


@pytest.mark.parametrize("light", list(Light))
def test_a_light_has_one_sign_one_name_and_one_meaning_wherever_it_is_read(told, light):
    sign, name, meaning = LIGHTS[light].sign, LIGHTS[light].name("zh"), LIGHTS[light].meaning("zh")
    # On the board: the style sheet has the sign, of a light by itself and of a cell; the legend has the words.
    assert (
        f'.light.{light}::before, .matrix .{LETTERS[light]} a::before {{ content: "{sign}"; }}'
        in told["sheet"]
    )
    assert f'<span class="light {light}">{name}：{meaning}</span>' in told["board"]
    # In mails, as HTML and as text.
    assert f"{sign} {name}：{meaning}" in told["mail"]
    assert f"{sign} {name}：{meaning}" in told["mail as text"]
    # In the report: the legend of a chart, and the heads of columns.
    assert re.search(rf"- {sign} {name} \d+ · {meaning}", told["markdown"])
    assert re.search(rf"{sign}\s*{name}\s*\d+\s*·\s*{meaning}", told["pdf"])
    assert f"{sign} {name}" in told["workbook"]
    assert meaning in told["workbook"]


def test_a_sign_stands_for_one_light_only():
    signs = [shown.sign for shown in LIGHTS.values()]
    assert len(set(signs)) == len(signs) == len(Light)


def test_a_bar_of_the_report_is_made_of_the_lights_of_the_board(told):
    [chart] = [
        each
        for each in told["page"].blocks
        if isinstance(each, Chart) and any(bar.label for bar in each.bars)
    ]
    by_ref: defaultdict[str, Counter[Light]] = defaultdict(Counter)
    for row in told["rows"]:
        by_ref[row.ref][row.light] += 1
    bars = [{part.light: part.count for part in bar.parts if part.count} for bar in chart.bars]
    due = [row.ref for row in told["rows"] if row.dates.effective_due == date(2022, 6, 5)]
    assert by_ref["table-2@2022-06"].keys() >= {Light.RED, Light.AMBER}
    assert "table-2@2022-06" in due
    assert all(dict(by_ref[ref]) in bars for ref in due)
    assert [key.label for key in chart.keys] == [
        LIGHTS[light].legend("zh") for light in Light if any(light in bar for bar in bars)
    ]


def test_what_is_not_due_yet_never_looks_like_what_is_done(told):
    """Row 24, of which nothing is in, beside a table of which most is."""
    open_cells = [row for row in told["rows"] if row.state is State.OPEN]
    done_cells = [row for row in told["rows"] if row.state is State.DONE]
    assert {row.light for row in open_cells} == {Light.NONE}
    assert {row.light for row in done_cells} == {Light.GREEN}
    assert f'<td class="{LETTERS[Light.NONE]}"' in told["board"]


def test_a_state_has_one_word_wherever_it_is_read(told):
    states = {row.state for row in told["rows"]}
    assert {State.OVERDUE, State.DONE, State.DONE_LATE, State.WAIVED, State.OPEN, State.ONGOING} <= states
    for state in states:
        name = term(state, "zh")
        [row, *_] = [row for row in told["rows"] if row.state is state]
        page = told["client"].get(f"/assignment/{row.unit}/{row.ref}?language=zh").text
        assert f'<span class="light {row.light}">{name}</span>' in page, state
    counted = [line for line in told["markdown"].splitlines() if "按办理状态" in line]
    [listed] = re.findall(r"按办理状态：(.*?)。", counted[0])
    assert {re.sub(r"\d+$", "", each) for each in listed.split("、")} <= {
        term(state, "zh") for state in State
    }
    assert {cell for cell in told["workbook"] if cell in {term(state, "zh") for state in State}} >= {
        term(State.OVERDUE, "zh")
    }


def test_kinds_of_mails_are_called_as_in_the_contract(told):
    """What the supervisor gets is a summary; what an office issues to all is a 通报."""
    mails = told["client"].get("/mails?language=zh").text
    assert "情况汇总" in mails
    assert "通报" not in mails


def test_tasks_without_a_section_are_counted_beside_the_reports_under_one_name(tmp_path):
    """In the roll-up, in the report and as a workbook, and on the board."""
    tasks = re.sub(r"    section: .*\n", "", CAMPAIGN).replace(
        "  task_count", "  supervisor: 万州\n  task_count"
    )
    place = Place(tmp_path / "house", tasks=tasks)
    with office(tmp_path, config=place.config, at=AT) as app:
        app.engine.run_pass()
        with app.database.reading() as session:
            mails = [each.mail for each in stored_mails(session, app.snapshot.campaign.id)]
        [weekly] = [mail for mail in mails if mail.kind is MailKind.ROLLUP and "week" in mail.details]
        report = month_report(app, CalendarMonth(date(2022, 6, 1)))
        mail, board = app.renderer.render(weekly).text, browser(app).get("/?language=zh").text
    named = {definition.key: definition.kind is Kind.REPORT for definition in app.snapshot.campaign}
    red = {False: 0, True: 0}
    for group in report.by_definition:
        red[named[str(group.key)]] += group.lights[Light.RED]
    assert all(red.values())
    said = Wording("zh", report)
    assert {said.group(each): each.lights[Light.RED] for each in report.by_section} == {
        "其他事项": red[False],
        "报表": red[True],
    }
    for name, number in (("其他事项", red[False]), ("报表", red[True])):
        assert re.search(rf"{name}｜▲{number}\b", mail)
        assert f"<span>{name}</span>" in board
        assert name in _cells(to_workbook(report, "zh"))
