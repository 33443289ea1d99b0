"""What a reminder says of the forms that go with it is what goes with it, item by item."""

from __future__ import annotations

import re
from datetime import date
from email import message_from_bytes, policy
from io import BytesIO
from pathlib import Path

import openpyxl
import pytest

from tests.world import at
from tracker.access.links import Purpose
from tracker.clock import VirtualClock
from tracker.core.form import Filed, FiledRow
from tracker.core.model import Item, Mail, MailKind, Reason
from tracker.filing.filings import OriginalFile, SentFile, tables_at, take
from tracker.mail.transport.message import message_id
from tracker.outbox.queue import Claimed
from tracker.service.app import App
from tracker.service.enclosures import MOST

NOW = at("2022-07-04")


@pytest.fixture
def app(tmp_path):
    app = App(Path("config"), database=f"sqlite:///{tmp_path / 't.db'}", clock=VirtualClock(NOW))
    app.engine.bring_up_to_date(NOW, said_through=date(2022, 7, 3))
    yield app
    app.close()


def late(ref, unit="wanzhou"):
    return Item(ref, unit, Reason.OVERDUE, date.fromisoformat(f"{ref[-7:]}-05"), -10)


def composed(app, *items, language="zh", **details):
    mail = Mail("digest/t", NOW, "a@unit.example", "甲", "wanzhou", MailKind.DIGEST, language, items, details)
    claimed = Claimed(1, 1, 1, message_id(mail.key, "kaoshi.example"), mail)
    made = message_from_bytes(app.sender().compose(claimed, app.snapshot).data, policy=policy.default)
    body = made.get_body(("plain",))
    assert body is not None
    text = body.get_content()
    forms = {
        part.get_filename(): part.get_content()
        for part in made.walk()
        if (part.get_filename() or "").endswith(".xlsx")
    }
    return text, forms


def file(app, ref, *names):
    """``wanzhou`` has filed a table with these institutions; none is a nil return."""
    rows = tuple(FiledRow({"name": name}) for name in names)
    with app.database.writing() as session:
        [table] = tables_at(session, app.snapshot, NOW, [(ref, "wanzhou")])
        sent = SentFile(OriginalFile(f"{ref}.xlsx", ref.encode()), NOW)
        assert take(session, app.snapshot, table, Filed(rows, {}, is_nil=not rows), sent, NOW)


def written_in(data):
    sheet = openpyxl.load_workbook(BytesIO(data)).worksheets[0]
    return {cell.value for row in sheet.iter_rows() for cell in row}


def test_where_nothing_was_filed_before_the_form_is_said_to_be_empty(app):
    text, forms = composed(app, late("table-2@2022-06"))
    assert len(forms) == 1
    assert "本期空表已附后，请在附件中填写" in text
    assert "预填" not in text


def test_what_is_filled_in_is_named_with_the_month_it_was_filed_for(app):
    file(app, "table-2@2022-05", "某某培训学校")
    # June was skipped: what stands in July's form is May's, and the mail says so.
    text, forms = composed(app, late("table-2@2022-07"))
    [form] = forms.values()
    assert "某某培训学校" in written_in(form)
    assert "本期表格已附后并预填附件2（2022年5月应报，4月份情况）所报数据，请在附件中续填" in text


def test_a_nil_return_fills_nothing_in(app):
    file(app, "table-2@2022-05")
    text, _ = composed(app, late("table-2@2022-06"))
    assert "本期空表已附后" in text


def test_of_very_many_forms_it_is_said_which_are_enclosed(app):
    items = [late(f"table-2@{year}-{month:02}") for year in (2022, 2023) for month in range(5, 13)]
    app.clock.set(at("2023-12-20"))
    app.engine.bring_up_to_date(at("2023-12-20"))
    text, forms = composed(app, *items)
    assert len(forms) == MOST
    assert "2022年5月—2023年8月间共12期空表已附后，请在附件中填写" in text
    assert "2023年9月—2023年12月共4期表格未随附，请在线办理时下载" in text


def test_where_no_pages_are_served_a_form_that_is_not_enclosed_is_to_be_asked_for(app):
    app = App(app.config, database=app.database_url, environ={"TRACKER_WEB": "off"}, clock=app.clock)
    file(app, "table-2@2022-06", "某某培训学校")
    text, forms = composed(app, late("table-2@2022-06"))
    assert not forms
    assert "本期表格未随附，请向市考试中心索取" in text
    assert "在线" not in text
    assert "报送方式：发送至" in text


def test_a_copy_encloses_nothing_and_says_nothing_of_forms(app):
    text, forms = composed(app, late("table-2@2022-06"), cc=True)
    assert not forms
    assert "附后" not in text
    assert "随附" not in text


def test_every_period_that_is_named_can_be_answered_and_has_its_form(app):
    beside = {"said": {"table-2@2022-07 wanzhou": {"also": ["2022-05", "2022-06"]}}}
    text, forms = composed(app, late("table-2@2022-07"), **beside)
    assert "此外，2022年5月、6月共2期逾期未报，请一并补报。" in text
    assert {name.split()[-1].removesuffix(".xlsx") for name in forms} == {
        "2022年5月",
        "2022年6月",
        "2022年7月",
    }
    links = re.findall(r"/answer/(\S+)", text)
    claims = [app.links.read(token, Purpose.ANSWER, NOW) for token in links]
    assert {claim.ref for claim in claims} == {f"table-2@2022-{month:02}" for month in (5, 6, 7)}
    assert re.search(r"一并办理：2022年5月 http\S+/answer/", text)


def test_the_whole_is_said_in_english_too(app):
    file(app, "table-2@2022-05", "某某培训学校")
    text, _ = composed(app, late("table-2@2022-06"), late("table-3@2022-06"), language="en")
    assert "filled in with what was filed for 附件2 (due in May 2022, about April 2022)" in text
    assert "This period's form: enclosed, empty" in text
