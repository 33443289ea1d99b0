"""What is in and has still to be accepted is said to be, a nil return with it, wherever it is told what has come in."""

from datetime import date

import pytest

from tests.integration.test_web_answer import TABLE, Office, filled, receipts
from tests.tools import Place, quick_folder
from tests.web import browser
from tests.world import definition, running, unit, world
from tracker.core.model import MailKind
from tracker.forms.write.summed import UnitFiled, standing
from tracker.mail.compose.render import Renderer
from tracker.report.ask import month_report
from tracker.report.compose import compose
from tracker.report.facts import CalendarMonth

UNITS = ("wanzhou", "fuling", "yubei", "beibei")


@pytest.mark.parametrize(
    ("acceptance", "notes"),
    [
        (True, "已报单位中零报告2个；已报单位中待审核2个（其中零报告1个）"),
        (False, "已报单位中零报告2个"),
    ],
)
def test_a_roll_up_counts_what_waits(acceptance, notes):
    table = definition("table-2", "2022年5月起，每月5日前", UNITS, acceptance=acceptance)
    snapshot = world(table, units=(unit("city"), *UNITS), supervisor="city")
    with running(snapshot, "2022-04-29 08:00") as engine:
        engine.pass_at("2022-04-29")
        engine.record("submit", "table-2@2022-05", "wanzhou", when="2022-05-05 10:00")
        for name in ("fuling", "yubei"):
            engine.record("nil", "table-2@2022-05", name)
        if acceptance:
            engine.record("accept", "table-2@2022-05", "yubei")
        engine.clock.set(engine.clock.now().replace(day=6, hour=9))
        engine.engine.run_pass()
        mails = [claimed.mail for claimed, _ in engine.sender.take()]
    (mail,) = (each for each in mails if each.kind is MailKind.ROLLUP)
    assert notes + "\n" in Renderer(snapshot.campaign).render(mail).text


@pytest.fixture
def office():
    """The shipped campaign, where table 2 has to be accepted and table 3 need not."""
    with quick_folder() as folder:
        found = Office(folder)
        tasks = folder / "config" / "tasks.yaml"
        text = tasks.read_text(encoding="utf-8")
        tasks.write_text(
            text.replace("id: table-2\n", "id: table-2\n    acceptance: true\n"), encoding="utf-8"
        )
        assert found.app.reload()
        found.app.engine.bring_up_to_date(found.clock.now())
        yield found
        found.app.close()


def test_whoever_hands_in_a_table_reads_that_it_waits(office):
    link = office.link()
    page = office.upload(link, ("附件2.xlsx", filled(office.blank(link)))).text
    assert "✓ 已收，报送完成。 等待督办单位审核。" in page
    (mail,) = receipts(office)
    assert [each["waits"] for each in mail.details["files"]] == [True]
    assert "已收，没有问题。等待督办单位审核。" in Renderer(office.app.snapshot.campaign).render(mail).text


@pytest.mark.parametrize(("ref", "waits"), [(TABLE, True), ("table-3@2022-05", False)])
def test_months_reports_and_summaries_count_it(office, ref, waits):
    office.record("nil", ref)
    page = browser(office.app).get("/month/2022-05").text
    assert ("待审核 1 个单位" in page) is waits
    assert "零报告 1 个单位" in page
    report = month_report(office.app, CalendarMonth(date(2022, 5, 1)))
    assert (report.due.nil, report.due.waiting) == (1, int(waits))
    assert any("已报中待审核1项次" in str(part) for part in compose(report, "zh").blocks) is waits


def test_the_terminal_says_it(tmp_path):
    place = Place(tmp_path)
    words = {"LC_ALL": "zh_CN.UTF-8"}
    place.ok("submit", "table-2@2022-05", "--unit", "万州", "--nil")
    explain = ("explain", "table-2@2022-05", "--unit", "万州")
    assert "：零报告待审核，" in place.ok(*explain, **words).err
    assert place.json(*explain)["waits"] is True
    place.ok("accept", "table-2@2022-05", "--unit", "万州")
    assert "：零报告，" in place.ok(*explain, **words).err
    assert place.json(*explain)["waits"] is False


def test_a_summary_of_tables_says_it():
    units = [UnitFiled("甲", "nil", None, None, waits=True), UnitFiled("乙", "filed", None, None)]
    assert standing(units).said().zh == "2个单位：已报2（其中零报告1、待审核1），未报0"
    assert [each.state_word.zh for each in units] == ["零报告待审核", "已报"]
