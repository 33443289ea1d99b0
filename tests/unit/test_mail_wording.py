"""Periods, dates and long texts, and the phrase files that they are worded with."""

import shutil
from datetime import date

import pytest

from tracker.i18n.catalogue import CatalogueError, read_words
from tracker.i18n.catalogue import words as shipped_words
from tracker.i18n.message import Message
from tracker.mail.compose.wording import Calendar, clip, tidy
from tracker.shipped import shipped

SHIPPED = shipped("templates") / "emails"
ZH, EN = (shipped_words("mails", language) for language in ("zh", "en"))


@pytest.mark.parametrize(
    ("period", "chinese", "english"),
    [
        ("2022-05", "2022年5月", "May 2022"),
        ("2022-Q2", "2022年第二季度", "Q2 2022"),
        ("2022-H1", "2022年上半年", "first half of 2022"),
        ("2022-H2", "2022年下半年", "second half of 2022"),
        ("2022-W18", "2022年第18周", "week 18 of 2022"),
        ("2022", "2022年", "2022"),
        ("something", "something", "something"),
    ],
)
def test_a_period_is_said_as_a_person_would(period, chinese, english):
    assert Calendar(ZH).period(period) == chinese
    assert Calendar(EN).period(period) == english


@pytest.mark.parametrize(
    ("periods", "chinese", "english"),
    [
        (["2022-05"], "2022年5月", "May 2022"),
        (["2022-05", "2022-07"], "2022年5月、7月共2期", "May 2022, July 2022 (2 in all)"),
        (["2022-12", "2023-01"], "2022年12月、2023年1月共2期", "December 2022, January 2023 (2 in all)"),
        (
            ["2022-11", "2022-12", "2023-01", "2023-02"],
            "2022年11月—2023年2月共4期",
            "November 2022 – February 2023 (4 in all)",
        ),
        (
            ["2022-05", "2022-06", "2022-08", "2022-09"],
            "2022年5月—2022年9月间共4期",
            "4 between May 2022 and September 2022",
        ),
        (
            ["2022-W51", "2022-W52", "2023-W01", "2023-W02"],
            "2022年第51周—2023年第2周共4期",
            "week 51 of 2022 – week 2 of 2023 (4 in all)",
        ),
        (
            ["2021-Q4", "2022-Q1", "2022-Q2", "2022-Q3"],
            "2021年第四季度—2022年第三季度共4期",
            "Q4 2021 – Q3 2022 (4 in all)",
        ),
        (
            ["2022", "2022-H1", "2022-Q1", "2022-W01"],
            "2022年—2022年第1周间共4期",
            "4 between 2022 and week 1 of 2022",
        ),
    ],
)
def test_several_periods_are_one_phrase(periods, chinese, english):
    assert Calendar(ZH).periods(periods) == chinese
    assert Calendar(EN).periods(periods) == english


@pytest.mark.parametrize(
    ("period", "chinese", "english"),
    [
        ("2022-05", "2022年5月应报（4月份情况）", "due in May 2022 (about April 2022)"),
        ("2023-01", "2023年1月应报（2022年12月份情况）", "due in January 2023 (about December 2022)"),
        ("2022-Q2", "2022年第二季度", "Q2 2022"),
        ("something", "something", "something"),
    ],
)
def test_a_monthly_report_may_be_about_the_month_before(period, chinese, english):
    assert Calendar(ZH).about(period, month_before=True) == chinese
    assert Calendar(EN).about(period, month_before=True) == english
    assert Calendar(ZH).about(period, month_before=False) == Calendar(ZH).period(period)


def test_a_date_has_its_weekday_and_its_year_only_where_that_is_news():
    day = date(2022, 5, 5)
    assert Calendar(ZH).weekday(day) == "2022年5月5日，周四"
    assert Calendar(EN).weekday(day) == "Thu 5 May 2022"
    assert Calendar(ZH).short(day, date(2022, 1, 1)) == "5月5日"
    assert Calendar(ZH).short(day, date(2021, 12, 31)) == "2022年5月5日"


def test_a_line_break_inside_chinese_leaves_nothing_and_elsewhere_a_space():
    assert tidy("立查立改、边查边\n\n改。") == "立查立改、边查边改。"
    assert tidy(" one\n two\u2028three ") == "one two three"
    assert tidy("全市建成 2 个以上") == "全市建成 2 个以上"


def test_a_long_text_is_cut_after_a_sentence_or_at_a_pause():
    assert clip("短句。", 20) == "短句。"
    assert (
        clip("第一句话就说完了意思。第二句话说的是别的事情，而且很长很长。", 20) == "第一句话就说完了意思。……"
    )
    assert clip("没有句号的一长串文字，说到这里才有停顿，后面还有", 15) == "没有句号的一长串文字……"
    assert clip("没有任何停顿的文字" * 5, 10) == "没有任何停顿的文字没……"
    assert clip("Some words in English that go on and on and on", 20) == "Some words in …"


@pytest.mark.parametrize("width", range(1, 60))
def test_a_cut_text_is_never_much_longer_than_asked(width):
    text = "主动加强问题线索收集和处理，对于执法检查过程中发现使用假证行为，要深挖背后的制售假证链条线索。联合公安部门。"
    assert len(clip(text, width)) <= width + 2


def test_one_and_several_differ_where_the_language_does():
    assert EN("row.late", n=1) == "1 day late"
    assert EN("row.late", n=2) == "2 days late"
    assert ZH("row.late", n=1) == "已逾期1天"


def own(tmp_path, text):
    (tmp_path / "zh.yaml").write_text(text, encoding="utf-8")
    words, slips = ZH.with_own(tmp_path / "zh.yaml")
    return words, [(slip, str(Message(f"errors.phrases.{slip.what}", **slip.facts))) for slip in slips]


def test_an_operator_may_change_one_sentence_and_keep_the_others(tmp_path):
    words, problems = own(tmp_path, 'todo:\n  overdue_paper: "请于今日内补报。"\n')
    assert words("todo.overdue_paper") == "请于今日内补报。"
    assert words("todo.returned_paper") == ZH("todo.returned_paper")
    assert problems == []


def test_an_operator_may_leave_out_what_is_filled_in(tmp_path):
    words, problems = own(tmp_path, 'rollup:\n  subject: "汇总（{day}）"\n')
    assert words("rollup.subject", what="应报5项", day="5月5日") == "汇总（5月5日）"
    assert problems == []


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ('row:\n  late: "逾期{days}天"\n', 2, 9, "{days} cannot be filled in here; known are {n}"),
        ('row:\n  late: "逾期{n.__class__}天"\n', 2, 9, "{n.__class__} cannot be filled in here"),
        ('row:\n  late: "逾期{n!r}天"\n', 2, 9, "{n!r} cannot be filled in here"),
        ('row:\n  late: "逾期{n:>9}天"\n', 2, 9, "{n:>9} cannot be filled in here"),
        ('row:\n  late: "逾期{}天"\n', 2, 9, "{} cannot be filled in here"),
        ('row:\n  late: "逾期{n天"\n', 2, 9, "the curly brackets do not match"),
        ('row:\n  lates: "逾期"\n', 2, 10, "there is no such phrase"),
        ('row:\n  late: ["a", "b", "c"]\n', 2, 9, "row.late must be one text, or two"),
        ('row:\n  late: "a"\n  late: "b"\n', 3, 9, "row.late stands here twice"),
        ("- a\n", 1, 1, "a phrase file is made of"),
        ("row: &a\n  late: *a\n", 0, 0, "aliases have no place"),
        ("a: " + "[" * 100_000, 1, 1003, "nesting depth"),
        ('row:\n  late: "逾期\n', 3, 1, "unexpected end of stream"),
    ],
)
def test_a_slip_in_a_phrase_file_is_reported_with_its_place_and_changes_nothing(
    tmp_path, text, line, column, message
):
    words, [(slip, said)] = own(tmp_path, text)
    assert message in said
    assert "the shipped wording is used instead" in said
    assert (slip.line, slip.column) == (line, column)
    assert words("row.late", n=3) == "已逾期3天"


def test_an_empty_phrase_file_changes_nothing(tmp_path):
    words, problems = own(tmp_path, "# nothing yet\n")
    assert words("row.late", n=3) == "已逾期3天"
    assert problems == []


def test_a_phrase_file_in_another_encoding_changes_nothing(tmp_path):
    (tmp_path / "zh.yaml").write_bytes("row:\n  late: 逾期{n}天\n".encode("gb18030"))
    words, [slip] = ZH.with_own(tmp_path / "zh.yaml")
    assert words("row.late", n=3) == "已逾期3天"
    assert slip.what == "unreadable"


def test_a_shipped_file_that_is_broken_is_said_so_at_once(tmp_path):
    with pytest.raises(CatalogueError, match="came with the product"):
        read_words("zh", tmp_path / "zh.yaml")
    shutil.copy(SHIPPED / "zh.yaml", tmp_path / "zh.yaml")
    read_words("zh", tmp_path / "zh.yaml")
