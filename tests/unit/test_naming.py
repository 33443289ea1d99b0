"""What tasks, reports and periods are called where people read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from tracker.config.loader import load_or_raise
from tracker.core.model import Campaign
from tracker.core.naming import Names

CAMPAIGN = cast("Campaign", load_or_raise(Path("config")).campaign)


@pytest.mark.parametrize(
    ("ref", "chinese", "english"),
    [
        (
            "table-2@2022-06",
            "附件2（2022年6月应报，5月份情况）",
            "附件2 (due in June 2022, about May 2022)",
        ),
        (
            "table-4@2023-01",
            "附件4（2023年1月应报，2022年12月份情况）",
            "附件4 (due in January 2023, about December 2022)",
        ),
        ("table-2-self-check", "附件2（自查自改）", "附件2 (自查自改)"),
        (
            "work-report@2022-06",
            "上月度工作报告（2022年6月应报，5月份情况）",
            "上月度工作报告 (due in June 2022, about May 2022)",
        ),
        ("5", "任务5", "Task 5"),
        ("5/first-list", "任务5·第一批典型案例名单", "Task 5: 第一批典型案例名单"),
        (
            "26/experience@2022-06",
            "任务26·上月经验做法（2022年6月应报，5月份情况）",
            "Task 26: 上月经验做法 (due in June 2022, about May 2022)",
        ),
        (
            "10/patrol@2022-Q2",
            "任务10·辖区内考试机构和考试点全覆盖巡查巡考（2022年第二季度）",
            "Task 10: 辖区内考试机构和考试点全覆盖巡查巡考 (Q2 2022)",
        ),
        ("gone@2022-05", "gone（2022年5月）", "gone (May 2022)"),
    ],
)
def test_an_occurrence_is_named_as_an_office_names_it(ref, chinese, english):
    assert Names(CAMPAIGN, "zh").occurrence(ref) == chinese
    assert Names(CAMPAIGN, "en").occurrence(ref) == english


def test_the_long_name_says_what_it_is_and_repeats_nothing():
    names = Names(CAMPAIGN, "zh")
    assert names.titled("table-2@2022-06") == (
        "附件2 安全生产培训“走过场”专项整治进展情况汇总表（培训机构）（2022年6月应报，5月份情况）"
    )
    assert names.titled("work-report@2022-06") == "上月度工作报告（2022年6月应报，5月份情况）"
    assert names.titled("5/first-list") == "任务5·第一批典型案例名单"
    assert names.period("table-2@2022-06") == "2022年6月应报（5月份情况）"
    assert names.period("5") is None


def test_a_report_may_say_what_it_is_called():
    report = replace(CAMPAIGN.reports[0], short="表二")
    campaign = replace(CAMPAIGN, reports=(report, *CAMPAIGN.reports[1:]))
    assert Names(campaign, "zh").occurrence(report.key) == "表二"
