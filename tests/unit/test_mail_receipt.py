"""What a unit reads of the tables that it sent."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tracker.access.links import Links
from tracker.config.loader import load
from tracker.core.model import Mail, MailKind
from tracker.mail.compose.render import Renderer

CAMPAIGN = load(Path(__file__).parents[2] / "config").campaign
AT = datetime(2022, 5, 3, 15, 20, tzinfo=ZoneInfo("Asia/Shanghai"))
ERROR = {
    "sheet": "附件2",
    "cell": "D7",
    "found": "若干",
    "expected": "非负整数，如12",
    "message": "“若干”不是数字",
}
QUESTION = {
    "sheet": "附件2",
    "cell": "E8",
    "found": "3",
    "expected": "不少于5",
    "message": "上月为5，本月为3",
}
TAKEN = {"file": "万州.xlsx", "ref": "table-2@2022-05", "taken": True, "errors": [], "questions": []}


def receipt(*files, language="zh"):
    mail = Mail(
        "receipt/x", AT, "w@unit.example", "万州区联络员", "wanzhou", MailKind.RECEIPT, language, (), {}
    )
    assert CAMPAIGN is not None
    return Renderer(CAMPAIGN).render(replace(mail, details={"files": list(files)}))


def test_a_table_without_findings_is_acknowledged_in_one_line():
    rendered = receipt(TAKEN)
    assert rendered.subject.startswith("【收表回执】已收：")
    assert "附件2（2022年5月应报，4月份情况）" in rendered.subject
    assert "2022年5月期" in rendered.text or "2022年5月" in rendered.text
    assert "已收，没有问题。" in rendered.text
    assert "更正" not in rendered.text


def test_errors_say_where_what_and_how_to_put_it_right():
    rendered = receipt({**TAKEN, "taken": False, "errors": [ERROR], "questions": [QUESTION]})
    assert rendered.subject.startswith("【请更正】未收")
    for text in (rendered.text, rendered.html):
        assert "D7" in text
        assert "若干" in text
        assert "“若干”不是数字" in text
        assert "上月为5，本月为3" in text
    assert "未收，请更正后重报。" in rendered.text


def test_of_several_tables_those_to_be_corrected_come_first():
    rendered = receipt(TAKEN, {**TAKEN, "file": "坏.xlsx", "errors": [ERROR]})
    assert rendered.subject == "【请更正】2份报表中1份未收、1份已收"
    assert rendered.text.index("坏.xlsx") < rendered.text.index("万州.xlsx")


def test_a_nil_return_is_called_one():
    assert "按零报告登记" in receipt({**TAKEN, "nil": True}).text


def test_what_a_file_says_is_never_markup():
    nasty = {**ERROR, "found": "<script>alert(1)</script>", "message": "{{ 7 * 7 }}"}
    rendered = receipt({**TAKEN, "errors": [nasty]})
    assert "<script>" not in rendered.html
    assert "{{ 7 * 7 }}" in rendered.text


def test_many_findings_are_cut_and_the_rest_is_counted():
    rendered = receipt({**TAKEN, "errors": [{**ERROR, "cell": f"D{number}"} for number in range(60)]})
    assert "D39" in rendered.text
    assert "D40" not in rendered.text
    assert "另有20处" in rendered.text


@pytest.mark.parametrize("files", [[], [None], ["x"], [{"errors": "no"}], [{"ref": 5, "questions": [3]}]])
def test_details_in_another_form_make_a_mail_all_the_same(files):
    assert receipt(*files).subject


def test_the_english_mail_speaks_english():
    rendered = receipt({**TAKEN, "errors": [ERROR]}, language="en")
    assert rendered.subject.startswith("[Please correct] Not taken")
    assert "Error D7" in rendered.text


ANEW = {**TAKEN, "unit": "wanzhou", "questions": [QUESTION], "because": "table-2@2022-04"}
BACK = {"rows": 4, "sums": {}, "replaced": None, "text": "4行，合计：“人数”1000人。"}


def test_what_was_read_is_said_back():
    for rendered in (
        receipt({**TAKEN, "read_back": BACK}),
        receipt({**TAKEN, "read_back": BACK}, language="en"),
    ):
        assert BACK["text"] in rendered.text
        assert BACK["text"] in rendered.html


@pytest.mark.parametrize(("language", "subject"), [("zh", "【请核实】附件2"), ("en", "[Please check] 附件2")])
def test_what_is_asked_anew_says_because_of_what(language, subject):
    rendered = receipt(ANEW, language=language)
    assert rendered.subject.startswith(subject)
    assert QUESTION["message"] in rendered.text
    assert "2022年4月" in rendered.text or "April 2022" in rendered.text


def test_what_is_to_be_explained_has_a_link_and_a_copy_has_none():
    assert CAMPAIGN is not None
    links = Links("https://tracker.example", ["x" * 32])
    mail = Mail(
        "receipt/x", AT, "w@unit.example", "w", "wanzhou", MailKind.RECEIPT, "zh", (), {"files": [ANEW]}
    )
    plain = {**TAKEN, "unit": "wanzhou"}
    told: list[dict[str, object]] = [{"files": [ANEW]}, {"files": [plain]}, {"files": [ANEW], "cc": True}]
    renderer = Renderer(CAMPAIGN, links=links)
    found = ["/answer/" in renderer.render(replace(mail, details=details)).text for details in told]
    assert found == [True, False, False]
