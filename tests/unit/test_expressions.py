"""Deadline texts: what they mean, what is doubtful about them, and where they go wrong."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tracker.core.deadline.expressions import NoSuchDayError, parse
from tracker.core.deadline.wording import to_chinese, to_english
from tracker.core.model import Every, Rule
from tracker.core.occurrences import first_after
from tracker.core.years import FIRST_YEAR, LAST_YEAR
from tracker.errors import DeadlineSyntaxError
from tracker.i18n.message import Message, OneOf, say_fact

ISSUED = date(2022, 4, 8)


def in_zh(said: Message | OneOf) -> str:
    return str(say_fact(said, "zh"))


def in_en(said: Message | OneOf) -> str:
    return str(say_fact(said, "en"))


WEEK, MONTH, QUARTER, HALF_YEAR, YEAR = Every


def due(text: str, *, ongoing: bool = False) -> Rule:
    return Rule(due=date.fromisoformat(text), ongoing=ongoing)


def monthly(
    day: int | None, since: str | None = None, until: str | None = None, *, ongoing: bool = False
) -> Rule:
    return Rule(
        every=MONTH,
        day=day,
        since=date.fromisoformat(since) if since else None,
        until=date.fromisoformat(until) if until else None,
        ongoing=ongoing,
    )


APRIL_TO_OCTOBER = monthly(5, "2022-04-01", "2022-10-31")

# The column 完成时限 of 渝考发〔2022〕5号: every text in it, how many of the 31 tasks have it, what it means.
DOCUMENT = [
    ("2022年前，并持续推进", 1, due("2021-12-31", ongoing=True)),
    ("2022年底前", 7, due("2022-12-31")),
    ("2022年底前，并持续推进", 7, due("2022-12-31", ongoing=True)),
    ("2022年底前，持续推进", 1, due("2022-12-31", ongoing=True)),
    ("2023年底前，并持续推进", 1, due("2023-12-31", ongoing=True)),
    ("2022年3月底前，并持续推进", 1, due("2022-03-31", ongoing=True)),
    ("2022年5月底前，并持续推进", 1, due("2022-05-31", ongoing=True)),
    ("2022年6月底前，并持续推进", 1, due("2022-06-30", ongoing=True)),
    ("2022年7月底前", 1, due("2022-07-31")),
    ("2022年7月底前，并持续推进", 1, due("2022-07-31", ongoing=True)),
    ("2022年10月底前", 1, due("2022-10-31")),
    ("2022年5月20日前", 1, due("2022-05-20")),
    ("2022年10月15日前", 1, due("2022-10-15")),
    ("持续推进", 6, Rule(ongoing=True)),
]

# docs/contract.md §3, row by row.
CONTRACT = [
    ("2022年6月底前，并持续推进", due("2022-06-30", ongoing=True)),
    ("by end of June 2022, ongoing", due("2022-06-30", ongoing=True)),
    ("2022年底前", due("2022-12-31")),
    ("by end of 2022", due("2022-12-31")),
    ("2022年5月20日前", due("2022-05-20")),
    ("before 20 May 2022", due("2022-05-20")),
    ("by May 20, 2022", due("2022-05-20")),
    ("2022-05-20", due("2022-05-20")),
    ("持续推进", Rule(ongoing=True)),
    ("ongoing", Rule(ongoing=True)),
    ("每月5日前", monthly(5)),
    ("monthly by the 5th", monthly(5)),
    ("2022年4月起-10月，每月5日前", APRIL_TO_OCTOBER),
    ("monthly by the 5th from April to October 2022", APRIL_TO_OCTOBER),
    ("每季度", Rule(every=QUARTER)),
    ("quarterly", Rule(every=QUARTER)),
    ("每半年", Rule(every=HALF_YEAR)),
    ("every half-year", Rule(every=HALF_YEAR)),
    ("每年", Rule(every=YEAR)),
    ("yearly", Rule(every=YEAR)),
    ("每周五前", Rule(every=WEEK, day=5)),
    ("weekly by Friday", Rule(every=WEEK, day=5)),
    ("每月底前", monthly(None)),
    ("by the end of every month", monthly(None)),
    ("每年3月底前", Rule(every=YEAR, month=3)),
    ("yearly by end of March", Rule(every=YEAR, month=3)),
    ("2022年前", due("2021-12-31")),
    ("before 2022", due("2021-12-31")),
]

# The other ways of saying it.
SYNONYMS = {
    due("2022-05-20"): """
        2022/5/20 | 2022.5.20 | 2022-5-20前 | 2022年5月20日 | 20 May 2022 | May 20, 2022 | may 20 2022
        2022年5月20日之前 | 2022年5月20日以前 | 2022年5月20日截止 | 2022年5月20日止 | 2022年5月20日内
        截止2022年5月20日 | 截至2022年5月20日 | 于2022年5月20日前完成 | 2022年5月20号前 | 2022年5月20日前。
        二〇二二年五月二十日前 | 二零二二年五月二十日前 | ２０２２年５月２０日前 | 2022 年 5 月 20 日 前
        2022年㋄20日前 | 2022年5月中旬 | 2022年5月中旬前 | by mid-May 2022 | by mid May 2022 | until 20 May 2022
        by 20 May 2022 | before 20th May 2022 | by the 20th of May 2022 | by May 20th, 2022 | BY 20 MAY 2022
        on or before 20 May 2022 | no later than 20 May 2022 | by 2022-05-20 | by 20 May, 2022.""",
    due("2022-12-31"): """
        2022年年底前 | 2022年末 | 2022年年末前 | 2022年内 | 2022年 | 2022年度内 | 2022年12月底前 | 2022年下半年
        2022年第四季度 | 2022年四季度末前 | 到2022年底 | 至2022年底止 | 即日起至2022年底前 | 2022年12月下旬
        by the end of 2022 | end of 2022 | in 2022 | within 2022 | 2022 | by end of December 2022
        by 31 December 2022 | by end of Q4 2022 | 2022-Q4 | 2022-H2 | by end of H2 2022 | until end of 2022
        by the end of the fourth quarter of 2022 | the second half of 2022 | Dec. 31, 2022 | by end-Dec 2022""",
    due("2022-06-30"): """
        2022年6月末前 | 2022年6月月底前 | 2022年6月内 | 2022年6月 | 2022年6月份 | 2022年上半年 | 2022年上半年末前
        2022年第二季度末前 | 2022年二季度 | 2022-06 | June 2022 | by the end of June 2022 | in June, 2022
        二〇二二年六月底前 | first half of 2022 | by end of the second quarter of 2022 | Q2 2022 | late June 2022""",
    due("2022-06-30", ongoing=True): """
        2022年6月底前,并持续推进 | 2022年6月底前、并持续推进 | 2022年6月底前；持续推进 | 2022年6月底前并持续推进
        2022年6月底前 持续推进 | 2022年6月底前，长期坚持 | 2022年6月底前，并持续推进，长期坚持 | 2022年6月底前完成，并持续推进
        2022年6月底前，并持\n续推进 | 持续推进，2022年6月底前 | by the end of June 2022 and ongoing
        by end of June 2022, then ongoing | by end of June 2022, and then ongoing thereafter
        by end of June 2022; on-going""",
    Rule(ongoing=True): """
        长期坚持 | 并持续推进 | 即日起持续推进 | 即日起，持续推进 | Ongoing | ongoing thereafter | from now on, ongoing""",
    monthly(None): """
        每月 | 按月 | 逐月 | 每个月 | 每月末前 | 每月月底前 | 每月内 | 每月下旬 | monthly | every month | each month
        monthly by the end of the month | monthly by the last day | by end of every month""",
    monthly(5): """
        每月5日 | 每个月5日前 | 按月5号前 | 每月五日之前 | 每月5日前报送 | every month by the 5th | each month by 5th
        monthly, by the 5th | monthly on the 5th | by the 5th of every month | monthly before the 5th of the month""",
    monthly(31): "每月31日前 | 每月三十一日前 | monthly by the 31st",
    monthly(10): "每月10日前 | 每月上旬 | monthly by the 10th",
    monthly(5, ongoing=True): """
        每月5日前，并持续推进 | monthly by the 5th, ongoing""",
    APRIL_TO_OCTOBER: """
        2022年4月至10月每月5日前 | 2022年4月至10月，每月5日前 | 2022年4月到10月，每月5日前 | 2022年4-10月，每月5日前
        2022年4月–10月，每月5日前 | 2022年4月—10月，每月5日前 | 2022年4月——10月，每月5日前
        2022年4月~10月，每月5日前 | 2022年4月～10月，每月5日前 | 2022年4月－10月，每月5日前
        从2022年4月起至2022年10月，每月5日前 | 自2022年4月起至10月，每月5日前 | 2022年4月起，至10月底，每月5日前
        每月5日前，2022年4月至10月 | 2022年4月至10月期间，每月5日前 | 2022.4-2022.10，每月5日前
        2022-04-01至2022-10-31，每月5日前 | 二〇二二年四月至十月，每月五日前
        from April to October 2022, monthly by the 5th | monthly by the 5th from April 2022 to October 2022
        monthly by the 5th between April and October 2022 | monthly by the 5th, Apr - Oct 2022
        monthly by the 5th from Apr 2022 through October | from 1 April until 31 October 2022, monthly by the 5th""",
    monthly(5, "2022-05-01"): """
        2022年5月起，每月5日前 | 从2022年5月起，每月5日前 | 自2022年5月起每月5日前 | 2022年5月1日起，每月5日前
        monthly by the 5th from May 2022 | monthly by the 5th starting May 2022 | from May 2022 on, monthly by the 5th""",
    monthly(5, None, "2022-10-31"): """
        至2022年10月止，每月5日前 | 每月5日前，至2022年10月底 | monthly by the 5th until October 2022""",
    monthly(5, "2022-10-01", "2023-03-31"): """
        2022年10月至2023年3月，每月5日前 | 2022年10月至3月，每月5日前 | 2022年10月至次年3月，每月5日前
        monthly by the 5th from October 2022 to March 2023 | monthly by the 5th from October to March 2023""",
    monthly(5, "2022-04-08"): """
        即日起，每月5日前 | 自即日起，每月5日前 | 2022年4月8日起，每月5日前 | from now on, monthly by the 5th""",
    monthly(5, "2022-04-08", "2022-10-31"): "即日起至2022年10月，每月5日前",
    Rule(every=QUARTER): """
        每季 | 每个季度 | 按季度 | 每季度末 | 每季末前 | 每季度内 | every quarter | quarterly by the end of the quarter
        by the end of each quarter""",
    Rule(every=QUARTER, month=1, day=10): """
        每季度首月10日前 | 每季度第一个月10日前 | 每季第1个月上旬 | quarterly by the 10th of the first month
        by the 10th of the first month of every quarter | quarterly by the 10th of the 1st month""",
    Rule(every=QUARTER, day=25): """
        每季度末月25日前 | quarterly by the 25th of the last month | every quarter by the 25th of the last month""",
    Rule(every=QUARTER, month=1): """
        每季度首月底前 | quarterly by the end of the first month | quarterly by the last day of the first month""",
    Rule(
        every=HALF_YEAR
    ): "每半年度 | 按半年 | 每半年末 | half-yearly | half yearly | by the end of every half-year",
    Rule(every=HALF_YEAR, month=5, day=15): """
        每半年第5个月15日前 | 每半年第五个月15日前 | half-yearly by the 15th of the fifth month""",
    Rule(every=YEAR): """
        每年度 | 按年 | 逐年 | 每年底前 | 每年年底前 | annually | every year | yearly by the end of the year
        by end of every year""",
    Rule(
        every=YEAR, month=3
    ): "每年3月 | 每年第一季度末前 | 每年一季度 | yearly in March | by end of March every year",
    Rule(every=YEAR, month=3, day=15): """
        每年3月15日前 | yearly by 15 March | annually by March 15th | by 15 March every year""",
    Rule(every=YEAR, month=2, day=29): "每年2月29日前 | yearly by 29 February",
    Rule(every=YEAR, month=12): "每年12月底前 | yearly by end of December | 每年下半年",
    Rule(every=YEAR, day=15): "每年末月15日前 | yearly by the 15th of the last month",
    Rule(every=WEEK): "每周 | 每星期 | 每周内 | 每周末 | weekly | every week | by the end of every week",
    Rule(
        every=WEEK, day=1
    ): "每周一 | 每星期一前 | 每周周一前 | weekly on Mon | every Monday | by every Monday",
    Rule(every=WEEK, day=4): "每周四前 | weekly by Thurs | weekly by Thu",
    Rule(every=WEEK, day=7): "每周日前 | 每周天 | 每星期天前 | 每礼拜日 | weekly by Sunday | weekly by sun",
}

# Texts that name no year, in a document of 8 April 2022.
WITHOUT_YEAR = [
    ("5月20日前", due("2022-05-20")),
    ("6月底前，并持续推进", due("2022-06-30", ongoing=True)),
    ("年底前", due("2022-12-31")),
    ("上半年", due("2022-06-30")),
    ("三季度末前", due("2022-09-30")),
    ("今年底前", due("2022-12-31")),
    ("明年3月底前", due("2023-03-31")),
    ("by 20 May", due("2022-05-20")),
    ("by the end of the year", due("2022-12-31")),
    ("by end of next year", due("2023-12-31")),
    ("4月起-10月，每月5日前", APRIL_TO_OCTOBER),
    ("4-10月，每月5日前", APRIL_TO_OCTOBER),
    ("monthly by the 5th from April to October", APRIL_TO_OCTOBER),
    ("10月至3月，每月5日前", monthly(5, "2022-10-01", "2023-03-31")),
    ("即日起至10月，每月5日前", monthly(5, "2022-04-08", "2022-10-31")),
    ("即日起至3月，每月5日前", monthly(5, "2022-04-08", "2023-03-31")),
    ("即日起至3月底", due("2023-03-31")),
    ("10月至次年3月，每月5日前", monthly(5, "2022-10-01", "2023-03-31")),
    ("5月至次年6月，每月5日前", monthly(5, "2022-05-01", "2023-06-30")),
    ("5月至明年6月，每月5日前", monthly(5, "2022-05-01", "2023-06-30")),
]

# What cannot be read: the text, the column, what stands there, a word of what is expected instead.
REFUSED = [
    ("", 1, "the end of the text", "by end of June 2022"),
    ("   ", 1, "the end of the text", "by end of June 2022"),
    ("尽快", 1, "“尽”", "by end of June 2022"),
    ("as soon as possible", 1, "“as”", "by end of June 2022"),
    ("2022年13月底前", 6, "“13”", "a month from 1 to 12"),
    ("2022年0月底前", 6, "“0”", "a month from 1 to 12"),
    ("２０２２年１３月底前", 6, "“１３”", "a month from 1 to 12"),
    ("  2022 年 13 月底前", 10, "“13”", "a month from 1 to 12"),
    ("2022年十三月底前", 6, "“十三”", "a month from 1 to 12"),
    ("㋄32日前", 2, "“32”", "a day from 1 to 31"),
    ("2022年5月0日前", 8, "“0”", "a day from 1 to 31"),
    ("by 32 May 2022", 4, "“32”", "a day from 1 to 31"),
    ("2022-05-32", 9, "“32”", "a day from 1 to 31"),
    ("每月32日前", 3, "“32”", "a day from 1 to 31"),
    ("每周8前", 3, "“8”", "a day of the week from 1 to 7"),
    ("2022年五季度末前", 6, "“五”", "a quarter from 1 to 4"),
    ("by end of Q5 2022", 12, "“5”", "a quarter from 1 to 4"),
    ("每季度第4个月10日前", 5, "“4”", "a month from 1 to 3"),
    ("每季度第0个月10日前", 5, "“0”", "a month from 1 to 3"),
    ("half-yearly by the 5th of the seventh month", 31, "“seventh”", "a month from 1 to 6"),
    ("22年6月底前", 1, "“22”", "a year in four digits from 1900 to 2200"),
    ("1850年底前", 1, "“1850”", "a year in four digits from 1900 to 2200"),
    ("by end of 2201", 11, "“2201”", "a year in four digits from 1900 to 2200"),
    ("1900年前", 1, "“1900”", "a year in four digits from 1900 to 2200"),
    ("5/20/2022", 1, "“5/20/2022”", "write 2022-05-20"),
    ("by 20.5.2022", 4, "“20.5.2022”", "write 2022-05-20"),
    ("20-5-22", 1, "“20-5-22”", "write 2022-05-20"),
    ("2022年5月20前", 10, "“前”", "日"),
    ("2022年5月20日下班前", 11, "“下”", "“前”"),
    ("2022年底前，尽快", 9, "“尽”", "“ongoing”"),
    ("2022年5月起，尽快", 10, "“尽”", "how often"),
    ("by fox", 4, "“fox”", "a date"),
    ("from fox", 6, "“fox”", "a date"),
    ("last", 5, "the end of the text", "“half” or “quarter”"),
    ("每天", 2, "“天”", "week, month, quarter, half-year, year"),
    ("每月前", 3, "“前”", "a day of the month"),
    ("每月5日和20日前", 5, "“和”", "“前”"),
    ("每季度5日前", 4, "“5”", "of the first month"),
    ("quarterly by the 5th", 18, "“5”", "of the first month"),
    ("2022年4月-10月", 12, "the end of the text", "monthly by the 5th"),
    ("2022年4月起，持续推进", 14, "the end of the text", "monthly by the 5th"),
    ("2022年底前，2023年底前", 9, "“2023”", "“ongoing” or the end of the text"),
    ("每月5日前，2022年底前", 7, "“2022”", "until end of 2022"),
    ("2022年底前，每月5日前", 9, "“每”", "“ongoing” or the end of the text"),
    ("每月5日前，每季度", 7, "“每”", "“ongoing” or the end of the text"),
    ("2022年4月8日至4月5日，每周五前", 1, "“2022年4月8日至4月5日”", "no earlier than 2022-04-08"),
    ("2200年10月至3月，每月5日前", 10, "“3”", "a year in four digits from 1900 to 2200"),
    ("from October to March 1900, monthly", 6, "“October”", "a year in four digits from 1900 to 2200"),
    ("2022年10月至2022年4月，每月5日前", 1, "“2022年10月至2022年4月”", "no earlier than 2022-10-01"),
    ("即日起至2022年3月底", 1, "“即日起至2022年3月底”", "no earlier than 2022-04-08"),
    ("by the twentieth of May", 8, "“twentieth”", "a day of the month"),
    ("一二月底前", 1, "“一二”", "by end of June 2022"),
    ("2022年5月20日前🙂", 12, "“🙂”", "ongoing"),
]


@pytest.mark.parametrize(("text", "_count", "rule"), DOCUMENT)
def test_every_deadline_of_the_document_is_read(text: str, _count: int, rule: Rule):
    assert parse(text, ISSUED).rule == rule


def test_the_table_above_covers_all_31_tasks():
    assert sum(count for _, count, _ in DOCUMENT) == 31


@pytest.mark.parametrize(("text", "rule"), CONTRACT)
def test_every_row_of_the_contract_is_read_as_it_says(text: str, rule: Rule):
    assert parse(text, ISSUED).rule == rule


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (text.strip(" "), rule)
        for rule, texts in SYNONYMS.items()
        for text in texts.replace("\n        ", " | ").split(" | ")
        if text.strip()
    ],
)
def test_other_ways_of_saying_it_mean_the_same(text: str, rule: Rule):
    reading = parse(text, ISSUED)
    assert reading.rule == rule
    assert reading.text == text


@pytest.mark.parametrize(
    ("text", "rule"), [(text, rule) for text, _, rule in DOCUMENT] + CONTRACT + WITHOUT_YEAR
)
def test_canonical_texts_read_back_to_the_same_whenever_the_document_was_issued(text: str, rule: Rule):
    reading = parse(text, ISSUED)
    for canonical in (to_chinese(reading.rule), to_english(reading.rule)):
        assert parse(canonical, date(2031, 12, 24)).rule == rule, canonical


@pytest.mark.parametrize(
    ("text", "zh", "en"),
    [
        ("by end of June 2022, ongoing", "2022年6月底前，并持续推进", "by end of June 2022, ongoing"),
        ("2022年12月31日前", "2022年底前", "by end of 2022"),
        ("2022.5.20", "2022年5月20日前", "by 20 May 2022"),
        ("长期坚持", "持续推进", "ongoing"),
        ("每月5日", "每月5日前", "monthly by the 5th"),
        ("每月22日", "每月22日前", "monthly by the 22nd"),
        ("monthly", "每月底前", "by the end of every month"),
        (
            "2022年4月起-10月，每月5日前",
            "2022年4月至10月，每月5日前",
            "monthly by the 5th from April to October 2022",
        ),
        (
            "2022年10月至3月，每周五前",
            "2022年10月至2023年3月，每周五前",
            "weekly by Friday from October 2022 to March 2023",
        ),
        ("2022年5月起，每月5日前", "2022年5月起，每月5日前", "monthly by the 5th from May 2022"),
        ("即日起，每月5日前", "2022年4月8日起，每月5日前", "monthly by the 5th from 8 April 2022"),
        ("每月5日前，至2022年10月", "至2022年10月止，每月5日前", "monthly by the 5th until October 2022"),
        ("quarterly", "每季度末前", "by the end of every quarter"),
        ("每半年", "每半年末前", "by the end of every half-year"),
        ("yearly", "每年底前", "by the end of every year"),
        ("weekly", "每周内", "by the end of every week"),
        ("每年3月底", "每年3月底前", "yearly by end of March"),
        ("每年3月15日", "每年3月15日前", "yearly by 15 March"),
        ("每季度第一个月10日前", "每季度首月10日前", "quarterly by the 10th of the first month"),
        ("每季度第二个月10日前", "每季度第2个月10日前", "quarterly by the 10th of the second month"),
        ("每半年末月底前，并持续推进", "每半年末前，并持续推进", "by the end of every half-year, ongoing"),
    ],
)
def test_the_canonical_texts_are_what_an_office_would_write(text: str, zh: str, en: str):
    rule = parse(text, ISSUED).rule
    assert (to_chinese(rule), to_english(rule)) == (zh, en)


def test_a_rule_that_says_nothing_has_no_name():
    for name in (to_chinese, to_english):
        with pytest.raises(ValueError, match="not ongoing"):
            name(Rule())


# --- warnings ---


@pytest.mark.parametrize(
    "text",
    [text for text, _, _ in DOCUMENT if text not in ("2022年前，并持续推进", "2022年3月底前，并持续推进")]
    + [
        "每月5日前",
        "weekly by Friday",
        "2022年5月起，每月5日前",
        "即日起，每月5日前",
        "2022年4月8日前",
        "2022",
    ],
)
def test_what_is_plain_carries_no_warning(text: str):
    assert parse(text, ISSUED).warnings == ()


@pytest.mark.parametrize("text", ["2022年前", "before 2022", "by 2022", "2022年前，并持续推进"])
def test_before_a_year_warns_once_that_it_is_past_and_that_the_years_end_may_be_meant(text: str):
    (warning,) = parse(text, ISSUED).warnings
    assert "2021-12-31，早于印发日期2022-04-08" in in_zh(warning)
    assert "2022年底前" in in_zh(warning)
    assert "2021-12-31, which lies before the date of issue (2022-04-08)" in in_en(warning)
    assert "by end of 2022" in in_en(warning)


@pytest.mark.parametrize(
    ("text", "read", "zh", "en"),
    [
        ("2022年9月前", due("2022-08-31"), "2022年9月底前", "by end of September 2022"),
        ("before September 2022", due("2022-08-31"), "2022年9月底前", "by end of September 2022"),
        ("by September 2022", due("2022-08-31"), "2022年9月底前", "by end of September 2022"),
        ("2022年四季度前", due("2022-09-30"), "2022年底前", "by end of 2022"),
        ("by Q4 2022", due("2022-09-30"), "2022年底前", "by end of 2022"),
        ("2022年下半年前", due("2022-06-30"), "2022年底前", "by end of 2022"),
        ("2023年前", due("2022-12-31"), "2023年底前", "by end of 2023"),
        ("每年3月前", Rule(every=YEAR, month=2), "每年3月底前", "yearly by end of March"),
        ("yearly by January", Rule(every=YEAR, month=12), "每年1月底前", "yearly by end of January"),
    ],
)
def test_before_a_stretch_is_before_it_begins_and_says_how_to_name_its_end(
    text: str, read: Rule, zh: str, en: str
):
    reading = parse(text, ISSUED)
    assert reading.rule == read
    (warning,) = reading.warnings
    assert f"请写“{zh}”" in in_zh(warning)
    assert f"write “{en}”" in in_en(warning)


@pytest.mark.parametrize(("text", "rule"), WITHOUT_YEAR)
def test_a_year_that_is_not_written_comes_from_the_date_of_issue_with_a_warning(text: str, rule: Rule):
    reading = parse(text, ISSUED)
    assert reading.rule == rule
    warning = reading.warnings[0]
    assert to_chinese(rule) in in_zh(warning)
    assert "names no year" in in_en(warning)
    assert "2022-04-08" in in_en(warning)
    assert to_english(rule) in in_en(warning)
    assert parse(text, date(2030, 4, 8)).rule != rule


def test_one_year_in_a_range_is_enough():
    texts = ["2022年10月至3月，每周五前", "from October to March 2023, weekly by Friday"]
    assert [parse(text, date(2022, 10, 1)).warnings for text in texts] == [(), ()]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2022年3月底前，并持续推进", "2022年3月31日"),
        ("2022年4月7日前", "2022年4月7日"),
        ("2022年4月起-10月，每月5日前", "2022年4月5日"),
    ],
)
def test_a_date_before_the_date_of_issue_is_warned_of(text: str, day: str):
    (warning,) = parse(text, ISSUED).warnings
    assert in_zh(warning) == f"{day}早于印发日期2022-04-08"
    assert "lies before the date of issue (2022-04-08)" in in_en(warning)


@pytest.mark.parametrize("text", ["2022年5月6日至5月20日，每月5日前", "每月5日前，至2022年5月4日"])
def test_a_range_into_which_no_date_falls_is_warned_of(text: str):
    (warning,) = parse(text, ISSUED).warnings
    assert in_en(warning) == "no date of it ever comes between beginning and end"


@pytest.mark.parametrize(
    ("text", "day"), [("early June 2022", "10th"), ("mid-June 2022", "20th"), ("late June 2022", "last day")]
)
def test_a_third_of_a_month_in_english_says_how_it_is_read(text: str, day: str):
    (warning,) = parse(text, ISSUED).warnings
    assert f"through its {day}" in in_en(warning)


# --- errors ---


@pytest.mark.parametrize(("text", "column", "found", "expected"), REFUSED)
def test_what_cannot_be_read_says_where_and_what_was_expected(
    text: str, column: int, found: str, expected: str
):
    with pytest.raises(DeadlineSyntaxError) as caught:
        parse(text, ISSUED)
    error = caught.value
    assert (error.facts["text"], error.column, in_en(error.found)) == (text, column, found)
    assert expected in in_en(error.expected)
    assert in_zh(error.expected)
    assert f"at column {column}" in in_en(error.message)
    assert f"第{column}列" in in_zh(error.message)


@pytest.mark.parametrize(
    ("text", "column", "en", "zh"),
    [
        ("2022年2月30日前", 8, "there is no 30 February 2022", "2022年2月没有30日"),
        ("2023年二月二十九日前", 8, "there is no 29 February 2023", "2023年2月没有29日"),
        ("by April 31, 2022", 10, "there is no 31 April 2022", "2022年4月没有31日"),
        ("2022-06-31", 9, "there is no 31 June 2022", "2022年6月没有31日"),
        ("每年2月30日前", 5, "there is no 30 February:", "2月没有30日"),
        ("2022年2月1日至2月29日，每周五前", 13, "there is no 29 February 2022", "2022年2月没有29日"),
    ],
)
def test_a_day_that_the_month_does_not_have_is_called_that(text: str, column: int, en: str, zh: str):
    with pytest.raises(NoSuchDayError) as caught:
        parse(text, ISSUED)
    assert caught.value.column == column
    assert en in in_en(caught.value.message)
    assert zh in in_zh(caught.value.message)
    assert "cannot read" not in str(caught.value)


def test_a_29th_of_february_that_exists_is_read():
    assert parse("2024年2月29日前", ISSUED).rule == due("2024-02-29")


def test_a_text_longer_than_any_deadline_is_refused_without_being_looked_at():
    assert parse("2022年底前" + " " * 193, ISSUED).rule == due("2022-12-31")
    with pytest.raises(DeadlineSyntaxError, match="at most 200") as caught:
        parse("2022年底前" + " " * 194, ISSUED)
    assert caught.value.column == 201


# --- properties ---

ISSUE_DATES = st.dates(date(FIRST_YEAR, 1, 1), date(LAST_YEAR, 12, 31))


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    """Any rule that a text can mean."""
    ongoing = draw(st.booleans())
    every = draw(st.none() | st.sampled_from(Every))
    if every is None:
        day_due = draw(st.none() | ISSUE_DATES)
        return Rule(due=day_due, ongoing=ongoing or day_due is None)
    month = None
    if every in (QUARTER, HALF_YEAR, YEAR):
        month = draw(st.none() | st.integers(1, {QUARTER: 3, HALF_YEAR: 6, YEAR: 12}[every]))
    days = 7 if every is WEEK else 31
    if every is YEAR:
        # Every year has the same months, and 30 February is in none of them.
        days = 29 if month == 2 else 30 if month in (4, 6, 9, 11) else 31
    day = draw(st.none() | st.integers(1, days))
    since, until = sorted([draw(ISSUE_DATES), draw(ISSUE_DATES)])
    if draw(st.booleans()):
        since = since.replace(day=1)
    return Rule(
        ongoing=ongoing,
        every=every,
        day=day,
        month=month,
        since=draw(st.sampled_from([None, since])),
        until=draw(st.sampled_from([None, until, _month_end(until)])),
    )


def _month_end(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


@given(rules(), ISSUE_DATES)
@example(Rule(every=MONTH, since=date(2022, 10, 1), until=date(2023, 9, 30)), ISSUED)
@example(Rule(every=WEEK, day=7, until=date(2200, 12, 31)), ISSUED)
def test_every_rule_reads_back_from_its_chinese_and_its_english(rule: Rule, issued: date):
    assert parse(to_chinese(rule), issued).rule == rule
    assert parse(to_english(rule), issued).rule == rule


@given(rules(), st.data())
def test_spaces_full_width_characters_and_capitals_change_nothing(rule: Rule, data: st.DataObject):
    chinese = to_chinese(rule)
    # A number is not broken by a space, for then it would be two.
    breaks = [
        f"{char}{data.draw(st.sampled_from(['', ' ', '　', chr(10)]))}"
        if not (char + following).isdecimal()
        else char
        for char, following in pairwise(chinese + "。")
    ]
    assert parse("".join(breaks), ISSUED).rule == rule
    wide = to_english(rule).upper().translate({code: code + 0xFEE0 for code in range(0x21, 0x7F)})
    assert parse(wide, ISSUED).rule == rule


FRAGMENTS = [
    fragment
    for line in (
        "2022 2022年 2023 13 5 5日 30日 6月 2月 底 末 前 内 截止 ， 、 并 持续推进 完成 。 / . - — 起 至 从 即日",
        "每 每月 每周 每季度 每年 首月 末月 第 个 月 年 周 五 十 二〇二二 次年 今年 上半年 中旬 季度 半年",
        "by before end of the June Feb 20th monthly every week Friday from to until Q2 H1 ongoing and",
        "then , last day first month year half yearly mid ㋄ ㏳ ㍿ ５ × 五五 İ ﷺ",
    )
    for fragment in [*line.split(), " "]
]


def refusal(text: str, issued: date) -> DeadlineSyntaxError | None:
    try:
        parse(text, issued)
    except DeadlineSyntaxError as error:
        return error
    return None


@given(st.text() | st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join), ISSUE_DATES)
def test_any_text_is_read_or_refused_at_a_column_of_its_own(text: str, issued: date):
    if error := refusal(text, issued):
        assert 1 <= error.column <= len(text) + 1
        assert in_zh(error.expected)
        assert in_en(error.expected)
        return
    # What was read is a rule that has a name, and the name means the same.
    rule = parse(text, issued).rule
    assert parse(to_english(rule), issued).rule == rule
    assert parse(to_chinese(rule), issued).rule == rule


@given(ISSUE_DATES, st.sampled_from([text for text, _ in WITHOUT_YEAR]))
def test_a_text_without_a_year_stays_within_the_calendar_whatever_the_date_of_issue(issued: date, text: str):
    if error := refusal(text, issued):
        assert issued.year == LAST_YEAR
        assert "from 1900 to 2200" in in_en(error.expected)
        return
    rule = parse(text, issued).rule
    assert (rule.due or rule.since or issued).year - issued.year in (0, 1)


# --- a text that names no year ---

LATE = date(2024, 12, 20)


@pytest.mark.parametrize(
    ("text", "planned", "supplied"),
    [
        ("年底前", date(2025, 12, 31), date(2024, 12, 31)),
        ("3月底前", date(2025, 3, 31), date(2025, 3, 31)),
        ("四季度", date(2025, 12, 31), date(2024, 12, 31)),
        ("一季度末", date(2025, 3, 31), date(2025, 3, 31)),
        ("by 31 March", date(2025, 3, 31), date(2025, 3, 31)),
        ("Q1", date(2025, 3, 31), date(2025, 3, 31)),
        ("上半年", date(2025, 6, 30), date(2025, 6, 30)),
        ("6月20日前", date(2025, 6, 20), date(2025, 6, 20)),
        ("12月25日前", date(2025, 12, 25), date(2024, 12, 25)),
        ("by 20 December", date(2025, 12, 20), LATE),
    ],
)
def test_a_text_without_a_year_is_never_over_when_it_is_issued(text, planned, supplied):
    certain = parse(text, LATE, 2025)
    assert (certain.rule.due, certain.warnings) == (planned, ())
    proposed = parse(text, LATE)
    assert proposed.rule.due == supplied
    assert proposed.warnings
    assert "year" in in_en(proposed.warnings[0])


@pytest.mark.parametrize("text", ["年底前", "四季度", "by end of December", "12月底前"])
def test_an_end_soon_after_a_late_issue_is_proposed_with_both_years(text):
    (warning,) = parse(text, LATE).warnings
    assert "2024" in in_zh(warning)
    assert "2025年底前" in in_zh(warning)
    (early,) = parse(text, date(2024, 6, 20)).warnings
    assert "2025" not in in_zh(early)


def test_a_year_by_a_word_counts_from_the_issue_and_not_from_the_plan():
    assert parse("今年底前", LATE, 2025).rule.due == date(2024, 12, 31)
    assert parse("明年3月底前", LATE, 2025).rule.due == date(2025, 3, 31)
    assert parse("2024年底前", LATE, 2025).rule.due == date(2024, 12, 31)
    # Of a plan's own year people say 本年度.
    assert parse("本年度内", LATE, 2025).rule.due == date(2025, 12, 31)
    assert parse("本年度6月底前", LATE, 2025).rule.due == date(2025, 6, 30)
    assert parse("本年度内", LATE).rule.due == date(2024, 12, 31)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("每季度", date(2025, 3, 31)),
        ("每半年", date(2025, 6, 30)),
        ("每年", date(2025, 12, 31)),
        ("每月底前", date(2025, 1, 31)),
        ("每周五前", date(2025, 1, 3)),
        ("quarterly", date(2025, 3, 31)),
        # Who says from when is taken at their word.
        ("自印发之日起，每季度", date(2024, 12, 31)),
        ("2024年12月起，每季度", date(2024, 12, 31)),
    ],
)
def test_what_comes_back_in_a_plan_begins_with_its_year(text, first):
    assert first_after(parse(text, LATE, 2025).rule, LATE, LATE) == first
    assert first_after(parse(text, LATE, 2024).rule, LATE, LATE) in (date(2024, 12, 31), date(2024, 12, 27))


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("4月-10月，每月5日前", date(2025, 4, 1), date(2025, 10, 31)),
        ("4月起，每月5日前", date(2025, 4, 1), None),
        ("11月至次年2月，每月5日前", date(2024, 11, 1), date(2025, 2, 28)),
    ],
)
def test_a_stretch_without_a_year_that_is_over_is_the_next_one(text, since, until):
    rule = parse(text, LATE).rule
    assert (rule.since, rule.until) == (since, until)


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(1, 12), st.integers(1, 28))
def test_without_a_year_the_day_is_the_first_such_day_from_the_issue_on(issued, month, day):
    due = parse(f"{month}月{day}日前", issued).rule.due
    assert due is not None
    assert due >= issued
    assert (due - issued).days <= 366
    assert (due.month, due.day) == (month, day)
