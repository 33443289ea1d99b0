"""What people write for a reference is understood, or asked about with what would be right."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import cast

import pytest

from tracker.config.loader import load_or_raise
from tracker.core.model import Campaign
from tracker.core.naming import Names
from tracker.core.occurrences import occurrences
from tracker.core.ref_reading import example, resolve
from tracker.errors import UsageError

CAMPAIGN = cast("Campaign", load_or_raise(Path("config")).campaign)
IN_APRIL, IN_MAY, IN_JUNE = date(2022, 4, 12), date(2022, 5, 3), date(2022, 6, 8)


@pytest.mark.parametrize(
    ("text", "day", "meant"),
    [
        ("table-2@2022-06", IN_JUNE, "table-2@2022-06"),
        ("附件2@2022-06", IN_JUNE, "table-2@2022-06"),
        ("附件2@六月", IN_JUNE, "table-2@2022-06"),
        ("附件2@6月", IN_JUNE, "table-2@2022-06"),
        ("附件2 十二月", IN_JUNE, "table-2@2022-12"),
        ("附件2（2022年6月应报，5月份情况）", IN_APRIL, "table-2@2022-06"),
        ("附件2（5月份情况）", IN_JUNE, "table-2@2022-06"),
        ("table-2@六月", IN_JUNE, "table-2@2022-06"),
        ("table-2@2023年1月", IN_JUNE, "table-2@2023-01"),
        ("附件 2 ＠2022年6月", IN_JUNE, "table-2@2022-06"),
        ("10/patrol@第二季度", IN_JUNE, "10/patrol@2022-Q2"),
        ("上月度工作报告@七月", IN_JUNE, "work-report@2022-07"),
        ("任务5", IN_JUNE, "5"),
        ("任务5·第一批典型案例名单", IN_JUNE, "5/first-list"),
        ("第一批典型案例名单", IN_JUNE, "5/first-list"),
        ("附件2（自查自改）", IN_JUNE, "table-2-self-check"),
        # The report of that name in whose period the day lies: the self-check first, then the months.
        ("附件2", IN_APRIL, "table-2-self-check"),
        ("附件2", IN_MAY, "table-2@2022-05"),
        # Also after it was due: what is overdue is what people mean.
        ("附件2", IN_JUNE, "table-2@2022-06"),
        ("附件2", date(2022, 6, 30), "table-2@2022-06"),
        ("附件2", date(2022, 7, 1), "table-2@2022-07"),
        ("附件3", date(2022, 9, 8), "table-3@2022-09"),
        (CAMPAIGN.definitions["work-report"].title, IN_JUNE, "work-report@2022-06"),
        (CAMPAIGN.definitions["10/patrol"].title, IN_JUNE, "10/patrol@2022-Q2"),
        # What nobody knows stays as it is, and is refused with what comes near.
        ("附件9", IN_JUNE, "附件9"),
        ("table-2", IN_JUNE, "table-2"),
        ("table-2@something", IN_JUNE, "table-2@something"),
    ],
)
def test_one_occurrence_is_meant(text, day, meant):
    assert resolve(CAMPAIGN, text, day, one=True) == meant


def test_in_a_listing_a_name_without_a_period_means_all_its_periods():
    assert resolve(CAMPAIGN, "附件2", IN_APRIL) == "table-2-self-check"
    assert resolve(CAMPAIGN, "附件2", IN_JUNE) == "table-2"
    assert resolve(CAMPAIGN, "附件4", IN_JUNE) == "table-4"


@pytest.mark.parametrize("text", ["附件2", "附件2@第三季度"])
def test_what_could_be_several_is_asked(text):
    with pytest.raises(UsageError) as caught:
        resolve(CAMPAIGN, text, date(2022, 4, 7), one=True)
    assert caught.value.facts["examples"] == ("table-2-self-check", "table-2@2022-05")


@pytest.mark.parametrize("name", ["附件2", CAMPAIGN.definitions["table-2"].title])
def test_where_that_of_the_day_waits_for_nothing_and_another_does_it_is_asked(name):
    def meant(*waiting):
        return resolve(CAMPAIGN, name, IN_JUNE, one=True, fits=set(waiting).__contains__)

    assert meant("table-2@2022-05", "table-2@2022-06", "table-2@2022-07") == "table-2@2022-06"
    # A correction, where nothing else is open; what is not yet open is not.
    assert meant() == meant("table-2@2022-08") == "table-2@2022-06"
    with pytest.raises(UsageError) as caught:
        meant("table-2@2022-05", "table-2@2022-07", "table-2@2022-08")
    assert caught.value.facts["examples"] == ("table-2@2022-05", "table-2@2022-07", "table-2@2022-06")


def test_every_name_that_we_print_is_understood():
    for language in ("zh", "en"):
        names = Names(CAMPAIGN, language)
        for definition in CAMPAIGN:
            for each in occurrences(
                definition.rule, definition.key, CAMPAIGN.issued, date.min, date(2023, 3, 1)
            ):
                if language == "zh":
                    assert resolve(CAMPAIGN, names.occurrence(each.ref), IN_JUNE, one=True) == each.ref
                assert resolve(CAMPAIGN, each.ref, IN_JUNE, one=True) == each.ref


def test_the_example_is_of_the_day():
    table, experience = CAMPAIGN.definitions["table-2"], CAMPAIGN.definitions["26/experience"]
    assert example(CAMPAIGN, table, IN_JUNE) == "table-2@2022-06"
    assert example(CAMPAIGN, experience, date(2023, 2, 1)) == "26/experience@2022-10"
