"""One small campaign for each rule of docs/contract.md §2, §3 and §6, through the real command line.

2022: Labour Day is off from 30 April to 4 May (24 April and 7 May are worked), the Dragon Boat holiday from
3 to 5 June, National Day from 1 to 7 October (8 and 9 October are worked), New Year from 31 December to
2 January 2023.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.acceptance.house import House, assert_same, lines_of, report, task, unit
from tests.acceptance.oracle import Clerk, History, MisfitError, read_events
from tracker.campaign.snapshot import CampaignSnapshot
from tracker.config.events import read_events as service_reads_events
from tracker.core.model import StandIn
from tracker.core.policy import Quiet
from tracker.core.workdays import Workdays
from tracker.service.simulation import simulate

ZONE = ZoneInfo("Asia/Shanghai")
DAY = timedelta(days=1)

#: Addresses that are no samples, so that mail to them is tried; nothing listens there.
REAL = "wanzhou@danwei.cq"
NO_SERVER = "smtp+plain://127.0.0.1:9"


@pytest.fixture
def house(tmp_path):
    return lambda *asked, **more: House(tmp_path / "house", *asked, **more)


def days(told, *reasons):
    """The days on which something is said, of those reasons if given."""
    return [day for day, _, reason, _ in told if not reasons or reason in reasons]


# --- §6.1: one digest a recipient a day at most, at send_at, on a workday; everything due is in it ---


def test_everything_due_for_a_person_is_in_one_mail_at_nine(house):
    mails = house(task(1, "2022年5月5日前"), task(2, "2022年5月5日前"), report("t", "每月5日前")).simulate(
        "2022-05-05", "2022-05-05"
    )
    assert [(mail["at"], mail["to"]) for mail in mails] == [
        ("2022-05-05T09:00:00+08:00", ["wanzhou@unit.example"])
    ]
    assert {item["ref"] for item in mails[0]["items"]} == {"1", "2", "t@2022-05"}


def test_mail_goes_out_at_the_hour_of_the_settings(house):
    mails = house(task(1, "2022年5月5日前"), settings={"mail": {"send_at": "14:30"}}).simulate(
        "2022-05-05", "2022-05-05"
    )
    assert [mail["at"] for mail in mails] == ["2022-05-05T14:30:00+08:00"]


def test_a_make_up_sunday_is_a_workday(house):
    told = house(task(1, "2022年4月24日前")).told("2022-04-22", "2022-04-25")
    assert told == [
        ("2022-04-22", "1", "lead", 2),  # one day before is a Saturday
        ("2022-04-24", "1", "due_today", 0),
        ("2022-04-25", "1", "overdue", -1),
    ]


def test_nothing_goes_out_at_weekends_and_on_holidays(house):
    told = house(task(1, "2022年4月30日前"), settings={"policies": {"default": {"overdue": "1d"}}}).told(
        "2022-04-29", "2022-05-09"
    )
    assert days(told) == ["2022-04-29", "2022-05-05", "2022-05-06", "2022-05-07", "2022-05-09"]


def test_the_service_sends_once_a_day_however_often_it_is_woken(house):
    here = house(task(1, "2022年5月5日前"))
    assert here.run_once("2022-04-08T08:59:00+08:00") == []
    assert len(here.run_once("2022-04-08T09:00:00+08:00")) == 1
    assert here.run_once("2022-04-08T09:00:30+08:00") == []
    assert here.run_once("2022-04-08T17:00:00+08:00") == []
    assert here.run_once("2022-04-09T09:00:00+08:00") == [], "a Saturday"


def test_each_contact_of_a_unit_gets_the_digest(house):
    mails = house(task(1, "2022年5月5日前"), units=[unit("wanzhou", "a@u.example", "b@u.example")]).simulate(
        "2022-05-05", "2022-05-05"
    )
    assert sorted(mail["to"][0] for mail in mails) == ["a@u.example", "b@u.example"]


def test_one_person_for_two_units_gets_one_mail_with_both(house):
    both = [unit("wanzhou", "zhang@u.example"), unit("fuling", "ZHANG@u.example")]
    [mail] = house(task(1, "2022年5月5日前"), units=both).simulate("2022-05-05", "2022-05-05")
    assert {(item["ref"], item["unit"]) for item in mail["items"]} == {("1", "wanzhou"), ("1", "fuling")}


def test_a_unit_gets_its_mail_by_its_own_clock(house):
    people = [unit("wanzhou"), unit("berlin", timezone="Europe/Berlin")]
    mails = house(task(1, "2022年5月5日前"), units=people).simulate("2022-05-05", "2022-05-05")
    assert {mail["unit"]: mail["at"] for mail in mails} == {
        "wanzhou": "2022-05-05T09:00:00+08:00",
        "berlin": "2022-05-05T15:00:00+08:00",
    }


def test_a_unit_east_of_the_campaign_gets_its_mail_at_nine_of_its_own_clock(house):
    """Not only planned at 09:00 in Tokyo, which is 08:00 in Shanghai, but sent."""
    people = [unit("wanzhou"), unit("tokyo", timezone="Asia/Tokyo")]
    here = house(task(1, "2022年5月5日前"), units=people)
    assert [mail["unit"] for mail in here.run_once("2022-05-05T08:00:00+08:00")] == ["tokyo"]
    assert [mail["unit"] for mail in here.run_once("2022-05-05T09:00:00+08:00")] == ["wanzhou"]


def test_a_person_for_two_units_in_two_time_zones_hears_of_both(house):
    both = [unit("wanzhou", "zhang@u.example"), unit("berlin", "zhang@u.example", timezone="Europe/Berlin")]
    mails = house(task(1, "2022年5月5日前"), units=both).simulate("2022-05-05", "2022-05-06")
    told = {(item["unit"], item["reason"]) for mail in mails for item in mail["items"]}
    assert {("wanzhou", "due_today"), ("berlin", "due_today")} <= told


def test_what_waited_for_the_mail_server_does_not_go_out_on_a_day_off(house):
    """At five on Saturday in Wanzhou it is still Friday in Berlin; that is no business of Wanzhou's mail."""
    people = [unit("wanzhou", REAL), unit("berlin", timezone="Europe/Berlin")]
    here = house(task(1, "2022年5月13日前"), units=people)
    assert here.run_once("2022-05-13T09:00:00+08:00", transport=NO_SERVER) == []
    here.run_once("2022-05-13T15:00:00+08:00", transport=NO_SERVER)
    assert here.run_once("2022-05-14T05:00:00+08:00") == []


# --- §6.2: lead reminders ---


def test_the_default_leads_are_30_7_3_and_1_days_and_the_day_itself(house):
    told = house(task(1, "2022年6月24日前")).told("2022-04-08", "2022-06-24")
    assert told == [
        ("2022-04-08", "1", "opened", 77),
        ("2022-05-25", "1", "lead", 30),
        ("2022-06-17", "1", "lead", 7),
        ("2022-06-21", "1", "lead", 3),
        ("2022-06-23", "1", "lead", 1),
        ("2022-06-24", "1", "due_today", 0),
    ]


def test_the_monthly_leads_are_5_and_1_days_and_the_day_itself(house):
    told = house(report("t", "每月15日前")).told("2022-06-01", "2022-06-15")
    assert [each for each in told if each[2] != "overdue"] == [
        ("2022-06-10", "t@2022-06", "lead", 5),
        ("2022-06-14", "t@2022-06", "lead", 1),
        ("2022-06-15", "t@2022-06", "due_today", 0),
    ]


def test_a_policy_of_ones_own(house):
    policies = {"early": {"lead": [20, 10], "overdue": "3wd", "announce": False}}
    told = house(task(1, "2022年6月24日前", policy="early"), settings={"policies": policies}).told(
        "2022-04-08", "2022-06-30"
    )
    assert told == [
        ("2022-06-02", "1", "lead", 22),  # 20 days before is Saturday 4 June, in the Dragon Boat holiday
        ("2022-06-14", "1", "lead", 10),
        ("2022-06-24", "1", "due_today", 0),
        ("2022-06-27", "1", "overdue", -3),
        ("2022-06-30", "1", "overdue", -6),
    ]


def test_a_lead_on_a_day_off_moves_to_the_workday_before(house):
    # 7 days before 21 June is Tuesday 14 June; 3 days before is Saturday 18 June; 30 days before is a Sunday.
    told = house(task(1, "2022年6月21日前")).told("2022-05-01", "2022-06-21")
    assert told == [
        ("2022-05-20", "1", "lead", 32),
        ("2022-06-14", "1", "lead", 7),
        ("2022-06-17", "1", "lead", 4),
        ("2022-06-20", "1", "lead", 1),
        ("2022-06-21", "1", "due_today", 0),
    ]


def test_leads_that_meet_on_one_day_are_one_item_and_the_last_comes_before_the_holiday(house):
    # 3, 2, 1 and 0 days before Sunday 5 June are all told on Thursday 2 June.
    policies = {"default": {"lead": [3, 2, 1]}}
    told = house(task(1, "2022年6月5日前"), settings={"policies": policies}).told("2022-05-20", "2022-06-06")
    assert told == [("2022-06-02", "1", "lead", 3), ("2022-06-06", "1", "overdue", -1)]


def test_the_last_reminder_of_5_october_comes_on_30_september(house):
    here = house(report("t", "2022年10月起，每月5日前"))
    assert here.told("2022-09-01", "2022-10-08") == [
        ("2022-09-30", "t@2022-10", "lead", 5),
        ("2022-10-08", "t@2022-10", "overdue", -3),
    ]
    [row] = json.loads(here.ok("calendar", "--from", "2022-10-01", "--to", "2022-10-31", "--format", "json"))
    assert (row["due"], row["effective_due"], row["notice"]) == ("2022-10-05", "2022-10-05", "2022-09-30")


def test_nobody_is_reminded_before_the_date_of_issue_or_before_the_last_period_is_over(house):
    # 30 days before 20 April is before the document; 7 days before a Friday is the Friday before.
    told = house(task(1, "2022年4月20日前"), report("w", "2022年4月18日起，每周五前")).told(
        "2022-03-01", "2022-04-22"
    )
    assert told == [
        ("2022-04-08", "1", "opened", 12),
        ("2022-04-13", "1", "lead", 7),
        ("2022-04-15", "1", "lead", 5),  # 3 days before is Sunday 17 April
        ("2022-04-19", "1", "lead", 1),
        ("2022-04-19", "w@2022-W16", "lead", 3),
        ("2022-04-20", "1", "due_today", 0),
        ("2022-04-21", "1", "overdue", -1),
        ("2022-04-21", "w@2022-W16", "lead", 1),
        ("2022-04-22", "w@2022-W16", "due_today", 0),
    ]


def test_a_weekly_report_due_in_national_day_week_is_reminded_before_the_holiday(house):
    """Friday 7 October is off: the last reminder comes on the last workday before it, 30 September."""
    told = house(report("w", "2022年9月26日起，每周五前")).told("2022-09-26", "2022-10-08")
    assert ("2022-09-30", "w@2022-W40", "lead", 7) in told


def test_a_weekly_report_whose_date_moves_to_before_the_holiday_is_reminded_on_that_date(house):
    """Friday 7 October moves to Friday 30 September: that is the due day itself."""
    told = house(report("w", "2022年9月26日起，每周五前", on_holiday="before")).told(
        "2022-09-26", "2022-10-08"
    )
    assert ("2022-09-30", "w@2022-W40", "due_today", 0) in told


def test_a_long_lead_of_something_yearly_comes_in_time(house):
    """150 days before 31 March 2023 is 1 November 2022."""
    policies = {"long": {"lead": [150]}}
    told = house(task(1, "每年3月底前", policy="long"), settings={"policies": policies}).told(
        "2022-04-08", "2023-03-31"
    )
    assert told == [("2022-11-01", "1@2023", "lead", 150), ("2023-03-31", "1@2023", "due_today", 0)]


# --- §6.3: overdue ---


def test_overdue_starts_on_the_first_workday_after_and_comes_back_weekly(house):
    told = house(task(1, "2022年4月22日前")).told("2022-04-22", "2022-05-31")
    assert told == [
        ("2022-04-22", "1", "due_today", 0),
        ("2022-04-24", "1", "overdue", -2),  # a Sunday that is worked
        ("2022-05-05", "1", "overdue", -13),  # Sunday 1 May is off
        ("2022-05-09", "1", "overdue", -17),  # Sunday 8 May is off
        ("2022-05-16", "1", "overdue", -24),
        ("2022-05-23", "1", "overdue", -31),
        ("2022-05-30", "1", "overdue", -38),
    ]


def test_monthly_ones_come_back_every_second_workday(house):
    told = house(report("t", "2022年5月起至5月，每月5日前")).told("2022-05-06", "2022-05-16")
    assert days(told, "overdue") == ["2022-05-06", "2022-05-09", "2022-05-11", "2022-05-13", "2022-05-17"][:4]


def test_what_was_over_before_the_document_was_issued_is_overdue_from_its_first_workday(house):
    told = house(task(1, "2022年3月底前"), issued="2022-04-09").told("2022-04-01", "2022-04-18")
    assert told == [("2022-04-11", "1", "overdue", -11), ("2022-04-18", "1", "overdue", -18)]


# --- what is asked once is announced; what has no date is reviewed ---


def test_what_is_asked_once_is_announced_once_and_what_comes_back_never_is(house):
    told = house(
        task(1, "2022年底前"), task(2, "持续推进"), report("t", "每月5日前"), report("q", "每季度")
    ).told("2022-04-08", "2022-04-28")
    assert told == [("2022-04-08", "2", "opened", None), ("2022-04-08", "1", "opened", 267)]


def test_a_document_issued_on_a_saturday_is_announced_on_monday(house):
    told = house(task(1, "2022年底前"), issued="2022-04-09").told("2022-04-01", "2022-04-29")
    assert told == [("2022-04-11", "1", "opened", 264)]


def test_what_has_no_date_is_reviewed_on_the_first_workday_of_each_quarter_and_never_late(house):
    told = house(task(1, "持续推进")).told("2022-04-08", "2023-04-30")
    assert told == [
        ("2022-04-08", "1", "opened", None),
        ("2022-07-01", "1", "review", None),
        ("2022-10-08", "1", "review", None),
        ("2023-01-03", "1", "review", None),
        ("2023-04-03", "1", "review", None),
    ]


# --- §6.5: nothing for what is answered ---


@pytest.mark.parametrize("event", ["submit", "nil", "waive", "pause"])
def test_nothing_goes_out_for_what_is_answered(house, event):
    here = house(task(1, "2022年5月10日前"), units=[unit("wanzhou"), unit("fuling")])
    events = here.events(("2022-05-09T08:00:00+08:00", "1", "wanzhou", event))
    assert days(here.told("2022-05-09", "2022-05-20", events, to="wanzhou@unit.example")) == []
    assert len(here.told("2022-05-09", "2022-05-20", events, to="fuling@unit.example")) == 4


def test_what_is_accepted_is_quiet_and_what_is_sent_back_is_said_the_next_workday(house):
    here = house(task(1, "2022年5月10日前"))
    events = here.events(
        ("2022-05-09", "1", "wanzhou", "submit"),
        ("2022-05-10", "1", "wanzhou", "accept"),
        ("2022-05-13T16:00:00+08:00", "1", "wanzhou", "return", {"reason": "合计不符"}),
        ("2022-05-19", "1", "wanzhou", "submit"),
    )
    assert here.told("2022-05-09", "2022-05-31", events) == [
        ("2022-05-16", "1", "returned", -6),
        ("2022-05-18", "1", "overdue", -8),  # a week after Wednesday 11 May
    ]


def test_a_return_is_still_said_when_something_was_submitted_by_mistake_and_taken_back(house):
    here = house(task(1, "2022年5月10日前"))
    events = here.events(
        ("2022-05-09T08:00:00+08:00", "1", "wanzhou", "submit"),
        ("2022-05-13T16:00:00+08:00", "1", "wanzhou", "return"),
        ("2022-05-13T16:10:00+08:00", "1", "wanzhou", "submit"),
        ("2022-05-13T16:11:00+08:00", "1", "wanzhou", "undo"),
    )
    assert here.told("2022-05-09", "2022-05-17", events) == [("2022-05-16", "1", "returned", -6)]


def test_what_is_resumed_late_is_told_at_once_and_goes_on_where_the_calendar_is(house):
    here = house(task(1, "2022年5月10日前"))
    events = here.events(
        ("2022-05-03", "1", "wanzhou", "pause"), ("2022-05-19T16:00:00+08:00", "1", "wanzhou", "resume")
    )
    assert here.told("2022-05-01", "2022-05-31", events) == [
        ("2022-05-20", "1", "overdue", -10),
        ("2022-05-25", "1", "overdue", -15),  # the beat goes on by its date, nothing is replayed
    ]


def test_an_extension_moves_the_reminders(house):
    here = house(task(1, "2022年5月10日前"))
    events = here.events(("2022-05-09T10:00:00+08:00", "1", "wanzhou", "extend", {"until": "2022-05-20"}))
    assert here.told("2022-05-09", "2022-05-23", events) == [
        ("2022-05-09", "1", "lead", 1),
        ("2022-05-13", "1", "lead", 7),
        ("2022-05-17", "1", "lead", 3),
        ("2022-05-19", "1", "lead", 1),
        ("2022-05-20", "1", "due_today", 0),
        ("2022-05-23", "1", "overdue", -3),
    ]


def test_a_quota_is_asked_for_until_the_whole_of_it_is_in(house):
    here = house(task(1, "2022年5月10日前", target={"count": 3, "of": "案例"}))
    events = here.events(
        ("2022-05-09", "1", "wanzhou", "submit", {"count": 2}),
        ("2022-05-12", "1", "wanzhou", "submit", {"count": 1}),
    )
    assert here.told("2022-05-09", "2022-05-31", events) == [
        ("2022-05-09", "1", "lead", 1),
        ("2022-05-10", "1", "due_today", 0),
        ("2022-05-11", "1", "overdue", -1),
    ]


def test_it_is_looked_at_again_just_before_sending(house):
    """The server was away at nine; what was submitted at ten is no longer in the mail of half past ten."""
    here = house(task(1, "2022年5月10日前"), task(2, "2022年5月10日前"), units=[unit("wanzhou", REAL)])
    assert here.run_once("2022-05-10T09:00:00+08:00", transport=NO_SERVER) == []
    here.ok("submit", "1", "--unit", "wanzhou", at="2022-05-10T10:00:00+08:00")
    [mail] = here.run_once("2022-05-10T10:30:00+08:00")
    assert [item["ref"] for item in mail["items"]] == ["2"]
    [letter] = here.letters()
    text = letter.get_body(("plain",)).get_content()
    assert "第2项任务" in text
    assert "第1项任务" not in text


def test_what_has_been_taken_out_of_the_files_is_no_longer_in_the_mail(house):
    units = [unit("wanzhou", REAL)]
    # Half of so few is more than a tenth: a word in the file says that it is meant.
    asked = (task(1, "2022年5月10日前"), task(2, "2022年5月10日前"))
    here = house(*asked, units=units, accept_removals="2022-05-10")
    assert here.run_once("2022-05-10T09:00:00+08:00", transport=NO_SERVER) == []
    here.write(task(2, "2022年5月10日前"))
    [mail] = here.run_once("2022-05-10T10:30:00+08:00")
    assert [item["ref"] for item in mail["items"]] == ["2"]


# --- §6.6: downtime ---


def test_after_downtime_there_is_one_mail_with_how_things_stand(house):
    here = house(
        task(1, "2022年5月10日前"),
        task(2, "2022年5月25日前"),
        task(3, "2022年12月31日前"),
        task(4, "持续推进"),
        report("t", "每月5日前"),
    )
    assert len(here.run_once("2022-04-08T09:00:00+08:00")) == 1
    here.ok("submit", "t@2022-05", "--unit", "wanzhou", at="2022-05-05T10:00:00+08:00")
    # Down for two months; it comes up on a Saturday.
    assert here.run_once("2022-07-09T09:00:00+08:00") == []
    [mail] = here.run_once("2022-07-11T11:11:00+08:00")
    assert {(item["ref"], item["reason"], item["days_left"]) for item in mail["items"]} == {
        ("1", "overdue", -62),
        ("2", "overdue", -47),
        ("t@2022-06", "overdue", -36),
        ("t@2022-07", "overdue", -6),
        ("4", "review", None),
    }
    assert len(here.letters()) == 2
    assert here.run_once("2022-07-11T12:00:00+08:00") == []


def test_three_days_without_a_mail_server_are_one_mail(house):
    here = house(task(1, "2022年5月11日前"), units=[unit("wanzhou", REAL)])
    for day in ("10", "11", "12"):
        assert here.run_once(f"2022-05-{day}T09:00:00+08:00", transport=NO_SERVER) == []
    [mail] = here.run_once("2022-05-13T09:00:00+08:00")
    assert [(item["ref"], item["reason"], item["days_left"]) for item in mail["items"]] == [
        ("1", "overdue", -2)
    ]
    assert len(here.letters()) == 1


def test_a_mail_that_could_not_be_sent_is_told_as_things_stand(house):
    """Announced on Friday to a dead server; by Tuesday it is a reminder, 30 days before."""
    here = house(task(1, "2022年5月12日前"), units=[unit("wanzhou", REAL)])
    for day in ("08", "11"):
        assert here.run_once(f"2022-04-{day}T09:00:00+08:00", transport=NO_SERVER) == []
    [mail] = here.run_once("2022-04-12T09:00:00+08:00")
    assert [(item["reason"], item["days_left"]) for item in mail["items"]] == [("lead", 30)]


# --- §6.8: a year without a calendar ---


def test_a_year_without_a_calendar_is_a_warning_and_plain_weeks(house):
    here = house(task(1, "2031年10月8日前"))
    answer = json.loads(here.ok("check", "--format", "json"))
    assert answer["ok"]
    assert any("2031" in warning["message"] for warning in answer["warnings"])
    # Friday 3 October 2031 would be in National Day week; nobody has said so yet, and 4 and 5 are a weekend.
    assert here.told("2031-09-29", "2031-10-09") == [
        ("2031-10-01", "1", "lead", 7),
        ("2031-10-03", "1", "lead", 5),
        ("2031-10-07", "1", "lead", 1),
        ("2031-10-08", "1", "due_today", 0),
        ("2031-10-09", "1", "overdue", -1),
    ]


def test_a_calendar_of_ones_own_is_used_and_ends_the_warning(house):
    holidays = {2031: {"off": [{"from": "2031-10-01", "to": "2031-10-07"}], "work": ["2031-10-11"]}}
    here = house(task(1, "2031年10月7日前"), holidays=holidays)
    answer = json.loads(here.ok("check", "--format", "json"))
    assert not any("2031" in warning["message"] for warning in answer["warnings"])
    assert here.told("2031-09-29", "2031-10-09") == [
        ("2031-09-30", "1", "lead", 7),
        ("2031-10-08", "1", "overdue", -1),
    ]


def test_the_public_calendar_of_this_year_is_no_warning(house):
    answer = json.loads(house(task(1, "2022年12月31日前")).ok("check", "--format", "json"))
    assert not any("holidays of 2022" in warning["message"] for warning in answer["warnings"])


# --- §6.9: Message-ID ---


def test_the_message_id_is_made_from_what_the_mail_is(house, tmp_path):
    units = [unit("wanzhou", "a@u.example", "b@u.example"), unit("fuling")]
    here = house(task(1, "2022年5月5日前"), report("t", "每月5日前"), units=units)
    first, second = (here.simulate("2022-04-08", "2022-06-30") for _ in range(2))
    assert [mail["message_id"] for mail in first] == [mail["message_id"] for mail in second]
    assert len({mail["message_id"] for mail in first}) == len(first)
    # The service itself gives the same mail the same name as the simulation of it.
    sent = here.run_once("2022-04-08T09:00:00+08:00")
    assert {mail["message_id"] for mail in sent} == {
        mail["message_id"] for mail in first if mail["at"].startswith("2022-04-08")
    }
    assert {letter["Message-ID"] for letter in here.letters()} == {mail["message_id"] for mail in sent}
    other = House(tmp_path / "other", task(1, "2022年5月5日前"), units=units, document="试发〔2022〕2号")
    assert not {mail["message_id"] for mail in other.simulate("2022-04-08", "2022-04-08")} & {
        mail["message_id"] for mail in first
    }


def test_the_letter_says_when_and_to_whom(house):
    here = house(task(1, "2022年5月5日前"))
    here.run_once("2022-04-08T09:00:00+08:00")
    [letter] = here.letters()
    assert parsedate_to_datetime(letter["Date"]) == datetime(2022, 4, 8, 9, tzinfo=ZONE)
    assert "wanzhou@unit.example" in letter["To"]


# --- §2: what may stand on an item ---


@pytest.mark.parametrize(
    ("rule", "effective", "told"),
    [
        ("keep", "2022-06-05", [("2022-06-02", "lead", 3), ("2022-06-06", "overdue", -1)]),
        ("before", "2022-06-02", [("2022-06-02", "due_today", 0), ("2022-06-06", "overdue", -4)]),
        ("after", "2022-06-06", [("2022-06-06", "due_today", 0), ("2022-06-07", "overdue", -1)]),
    ],
)
def test_on_holiday(house, rule, effective, told):
    here = house(task(1, "2022年6月5日前", on_holiday=rule))
    found = here.told("2022-06-02", "2022-06-07")
    wanted = {day for day, *_ in told}
    assert [(day, reason, left) for day, _, reason, left in found if day in wanted] == told
    [row] = json.loads(here.ok("calendar", "--from", "2022-06-01", "--to", "2022-06-30", "--format", "json"))
    assert (row["due"], row["effective_due"]) == ("2022-06-05", effective)


def test_days_of_grace_put_off_the_first_overdue_reminder_only(house):
    told = house(task(1, "2022年5月10日前", grace="2d")).told("2022-05-09", "2022-05-20")
    assert told == [
        ("2022-05-09", "1", "lead", 1),
        ("2022-05-10", "1", "due_today", 0),
        ("2022-05-13", "1", "overdue", -3),
        ("2022-05-20", "1", "overdue", -10),
    ]


def test_within_the_days_of_grace_nothing_is_called_late(house):
    """Down over the date; when it comes up, ``status`` says due_soon, and the mail must not say 逾期."""
    here = house(task(1, "2022年5月10日前", grace="5d"))
    here.run_once("2022-05-06T09:00:00+08:00")
    [mail] = here.run_once("2022-05-12T09:00:00+08:00")
    assert [item["reason"] for item in mail["items"]] == ["lead"]
    assert states(here, "2022-05-12T10:00:00+08:00") == {"wanzhou": "due_soon"}
    letter = next(each for each in here.letters() if each["Message-ID"] == mail["message_id"])
    assert "逾期" not in letter["Subject"] + letter.get_body(("plain",)).get_content()


def test_a_person_reads_an_ambiguous_deadline(house):
    here = house(task(1, "2022年前，并持续推进", due="2022-12-31"))
    assert here.told("2022-04-08", "2022-12-01") == [
        ("2022-04-08", "1", "opened", 267),
        ("2022-12-01", "1", "lead", 30),
    ]


@pytest.mark.parametrize(
    ("status", "state", "event"),
    [("done", "done", "submit"), ("paused", "paused", "pause"), ("waived", "waived", "waive")],
)
def test_a_status_in_the_file_is_everybodys_and_taking_it_away_undoes_it(house, status, state, event):
    units = [unit("wanzhou"), unit("fuling")]
    plain = task(1, "2022年5月10日前")
    here = house(plain, units=units)
    assert len(here.run_once("2022-04-08T09:00:00+08:00")) == 2
    here.write({**plain, "status": status})
    assert here.run_once("2022-05-10T09:00:00+08:00") == []
    assert states(here, "2022-05-10T09:30:00+08:00") == {"wanzhou": state, "fuling": state}
    history = json.loads(here.ok("history", "--format", "json"))
    assert {(each["event"], each["unit"], each["via"]) for each in history} == {
        (event, "wanzhou", "file"),
        (event, "fuling", "file"),
    }
    here.write(plain)
    mails = here.run_once("2022-05-11T09:00:00+08:00")
    assert [(item["reason"], item["days_left"]) for mail in mails for item in mail["items"]] == [
        ("overdue", -1)
    ] * 2
    assert states(here, "2022-05-11T09:30:00+08:00") == {"wanzhou": "overdue", "fuling": "overdue"}


def states(here, at):
    answer = json.loads(here.ok("status", "--format", "json", at=at))
    return {row["unit"]: row["state"] for row in answer["rows"]}


@pytest.mark.parametrize("status", ["done", "paused", "waived"])
def test_a_status_in_the_file_counts_in_simulations_too(house, status):
    told = house(task(1, "2022年5月10日前", status=status), task(2, "2022年5月10日前")).told(
        "2022-04-08", "2022-05-20"
    )
    assert {ref for _, ref, *_ in told} == {"2"}


@pytest.mark.parametrize("status", ["done", "paused", "waived"])
def test_a_status_in_the_file_that_the_service_has_seen_can_be_simulated(house, status):
    here = house(task(1, "2022年5月10日前", status=status), task(2, "2022年5月10日前"))
    here.run_once("2022-04-08T09:00:00+08:00")
    assert {ref for _, ref, *_ in here.told("2022-04-08", "2022-05-20")} == {"2"}


def test_a_persons_pause_survives_an_edit_that_has_nothing_to_do_with_it(house):
    """Paused in the file, taken away again, paused by a person; then somebody gives a day of grace."""
    plain = task(1, "2022年5月10日前")
    here = house({**plain, "status": "paused"})
    here.run_once("2022-04-08T09:00:00+08:00")
    here.write(plain)
    here.run_once("2022-04-11T09:00:00+08:00")
    here.ok("pause", "1", "--unit", "wanzhou", at="2022-04-11T10:00:00+08:00")
    here.write({**plain, "grace": "1d"})
    here.run_once("2022-04-12T09:00:00+08:00")
    assert states(here, "2022-04-12T10:00:00+08:00") == {"wanzhou": "paused"}


# --- §4: whatever the ledger took, `simulate` can replay ---


def test_a_ledger_with_a_forced_extension_can_be_simulated(house):
    here = house(task(1, "2022年5月10日前"))
    here.run_once("2022-04-08T09:00:00+08:00")
    forced = ("--until", "2022-05-30", "--force", "--reason", "系统故障")
    here.ok("extend", "1", "--unit", "wanzhou", *forced, at="2022-05-11T10:00:00+08:00")
    assert ("2022-05-30", "1", "due_today", 0) in here.told("2022-05-10", "2022-05-30")


def test_a_ledger_with_an_event_that_counts_from_an_earlier_day_can_be_simulated(house):
    here = house(task(1, "2022年5月10日前"))
    here.ok("submit", "1", "--unit", "wanzhou", at="2022-05-10T10:00:00+08:00")
    here.ok("accept", "1", "--unit", "wanzhou", "--on", "2022-05-09", at="2022-05-10T11:00:00+08:00")
    assert here.told("2022-05-11", "2022-05-30") == []


def test_a_ledger_with_events_of_a_task_that_is_gone_can_be_simulated(house):
    here = house(task(1, "2022年5月10日前"), task(2, "2022年5月10日前"))
    here.run_once("2022-04-08T09:00:00+08:00")
    here.ok("submit", "1", "--unit", "wanzhou", at="2022-04-11T10:00:00+08:00")
    here.write(task(2, "2022年5月10日前"))
    here.run_once("2022-04-12T09:00:00+08:00")
    assert {ref for _, ref, *_ in here.told("2022-05-09", "2022-05-11")} == {"2"}


# --- §3: the deadline language, row by row ---

#: (Chinese, English, the dates from 2022-04-01 to 2023-06-30 of a document of 8 April 2022, the first period)
FIFTHS = [date(2022 + month // 12, month % 12 + 1, 5).isoformat() for month in range(4, 18)]
LAST_DAYS = (30, 31, 30, 31, 31, 30, 31, 30, 31, 31, 28, 31, 30, 31, 30)
MONTH_ENDS = [
    date(2022 + month // 12, month % 12 + 1, day).isoformat() for month, day in enumerate(LAST_DAYS, start=3)
]
FRIDAYS = [(date(2022, 4, 8) + 7 * week * DAY).isoformat() for week in range(65)]
ROWS = [
    ("2022年6月底前，并持续推进", "by end of June 2022, ongoing", ["2022-06-30"], None),
    ("2022年底前", "by end of 2022", ["2022-12-31"], None),
    ("2022年5月20日前", "before 20 May 2022", ["2022-05-20"], None),
    ("2022年5月20日前", "by May 20, 2022", ["2022-05-20"], None),
    ("2022-05-20", "2022-05-20", ["2022-05-20"], None),
    ("5月20日前", "by May 20", ["2022-05-20"], None),
    ("持续推进", "ongoing", [], None),
    ("每月5日前", "monthly by the 5th", FIFTHS, "2022-05"),
    (
        "2022年4月起-10月，每月5日前",
        "monthly by the 5th from April to October 2022",
        [f"2022-{month:02}-05" for month in range(4, 11)],
        "2022-04",
    ),
    (
        "每季度",
        "quarterly",
        ["2022-06-30", "2022-09-30", "2022-12-31", "2023-03-31", "2023-06-30"],
        "2022-Q2",
    ),
    ("每半年", "every half-year", ["2022-06-30", "2022-12-31", "2023-06-30"], "2022-H1"),
    ("每年", "yearly", ["2022-12-31"], "2022"),
    ("每年3月底前", "yearly by end of March", ["2023-03-31"], "2023"),
    (
        "每周五前",
        "weekly by Friday",
        FRIDAYS,
        "2022-W14",
    ),
    ("每月底前", "by the end of every month", MONTH_ENDS, "2022-04"),
    ("每月31日前", "monthly by the 31st", MONTH_ENDS, "2022-04"),
]


@pytest.mark.parametrize("row", ROWS, ids=[row[1].replace(" ", "-") for row in ROWS])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_row_of_the_deadline_language_reaches_the_calendar_and_the_mails(house, row, language):
    text, dates, period = row[language == "en"], row[2], row[3]
    here = house(report("x", text))
    whole = ("--from", "2022-04-01", "--to", "2023-06-30", "--format", "json")
    rows = json.loads(here.ok("calendar", *whole))
    assert [each["due"] for each in rows] == dates
    assert [each["period"] for each in rows][:1] == ([period] if dates else [])
    answer = json.loads(here.ok("deadline", text, "--issued", "2022-04-08", *whole))
    assert [each["due"] for each in answer["occurrences"]] == dates
    last = "2022-08-01"
    told = here.simulate("2022-04-08", last)
    items = [item for mail in told for item in mail["items"]]
    mailed = {item["due"] for item in items if item["reason"] in ("due_today", "overdue")}
    assert mailed == {day for day in dates if day < last}
    if not dates:
        assert {item["reason"] for item in items} == {"opened", "review"}


def test_before_a_year_is_before_it_begins_and_warned_of(house):
    here = house(task(1, "2022年前"), task(2, "before 2022"))
    code, out, err = here.tracker("check", "--format", "json")
    assert code == 0
    answer = json.loads(out)
    assert [warning["path"] for warning in answer["warnings"]].count("tasks[0].deadline") == 1, answer
    assert err.count("2021") >= 2
    assert here.told("2022-04-08", "2022-04-08") == [
        ("2022-04-08", "1", "overdue", -98),
        ("2022-04-08", "2", "overdue", -98),
    ]


def test_what_cannot_be_read_is_an_error_with_its_column(house):
    code, out, err = house(task(1, "2022年5月35日前")).tracker("check")
    assert code == 1
    assert out == ""
    line, column = err.partition("tasks.yaml:")[2].split(":")[:2]
    assert int(line) > 0
    assert int(column) > len("  deadline: ")


# --- an English campaign ---


def test_a_campaign_in_english(house):
    here = house(
        task(1, "by 10 May 2022, ongoing"),
        report("t", "monthly by the 5th"),
        units=[unit("wanzhou"), unit("fuling", "li@u.example", language="zh")],
        language="en",
        title="Training campaign",
        document="No. 5",
    )
    mails = here.simulate("2022-05-05", "2022-05-05")
    assert {mail["to"][0]: mail["language"] for mail in mails} == {
        "wanzhou@unit.example": "en",
        "li@u.example": "zh",
    }
    here.run_once("2022-05-10T09:00:00+08:00")
    letters = {letter["To"].addresses[0].addr_spec: letter for letter in here.letters()}
    english = letters["wanzhou@unit.example"]
    body = english.get_body(("plain",)).get_content()
    for chinese in ("逾期", "到期", "截至", "提醒", "报送"):
        assert chinese not in english["Subject"] + body
    assert "10 May 2022" in body or "May 10, 2022" in body
    assert "到期" in letters["li@u.example"]["Subject"]


# --- anything at all, against the clerk ---

ISSUED = st.dates(date(2021, 1, 1), date(2023, 3, 1))
WEEKDAYS = "一二三四五六日"
ENGLISH_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@st.composite
def deadlines(draw, issued):
    day = issued + draw(st.integers(-20, 90)) * DAY
    number = draw(st.integers(1, 31))
    weekday = draw(st.integers(0, 6))
    month = draw(st.integers(1, 12))
    span = draw(st.integers(0, 3))
    until = (issued.replace(day=1) + 31 * span * DAY).replace(day=1)
    return draw(
        st.sampled_from(
            [
                f"{day.year}年{day.month}月{day.day}日前",
                f"{day.year}年{day.month}月{day.day}日前，并持续推进",
                f"by {day:%B} {day.day}, {day.year}",
                day.isoformat(),
                f"{day.year}年{day.month}月底前",
                "持续推进",
                f"每月{number}日前",
                "每月底前",
                "by the end of every month",
                "每季度",
                "quarterly",
                "每半年",
                "每年",
                f"每年{month}月底前",
                f"每周{WEEKDAYS[weekday]}前",
                f"weekly by {ENGLISH_DAYS[weekday]}",
                f"{issued.year}年{issued.month}月起，每月{number}日前",
                f"{issued.year}年{issued.month}月起至{until.year}年{until.month}月，每月{number}日前",
            ]
        )
    )


@st.composite
def policies(draw):
    """``announce: true`` of one's own is left out: it would greet every period, which this clerk never does."""
    policy = {
        "lead": draw(st.lists(st.one_of(st.integers(0, 45), st.integers(0, 200)), max_size=4)),
        "overdue": draw(st.one_of(st.just("never"), intervals())),
        "escalate": draw(st.one_of(st.just("never"), intervals())),
        "review": draw(st.sampled_from(["month", "quarter", "half-year", "year", "never"])),
    }
    if draw(st.booleans()):
        policy["max_repeats"] = draw(st.integers(1, 4))
    if draw(st.booleans()):
        policy["announce"] = False
    return policy


def intervals():
    return st.builds(lambda count, unit_: f"{count}{unit_}", st.integers(1, 12), st.sampled_from(["d", "wd"]))


@st.composite
def asked(draw, issued):
    found = []
    for number in range(1, draw(st.integers(1, 4)) + 1):
        one = task(number, draw(deadlines(issued)))
        one["on_holiday"] = draw(st.sampled_from(["keep", "before", "after"]))
        one["grace"] = f"{draw(st.sampled_from([0, 0, 1, 2, 5, 10]))}d"
        if draw(st.booleans()):
            one["policy"] = draw(st.sampled_from(["default", "monthly", "mine"]))
        if draw(st.booleans()):
            one["target"] = {"count": draw(st.integers(1, 3)), "of": "案例"}
        found.append(one)
    return found


@st.composite
def own_holidays(draw, issued):
    """Now and then a year of the operator's own: runs of days off, and some weekends worked."""
    if draw(st.integers(0, 2)):
        return {}
    start = date(issued.year, 1, 1)
    off: set[date] = set()
    for _ in range(draw(st.integers(0, 5))):
        first = start + draw(st.integers(0, 350)) * DAY
        off |= {first + n * DAY for n in range(draw(st.integers(1, 12)))}
    work = {start + draw(st.integers(0, 364)) * DAY for _ in range(draw(st.integers(0, 5)))} - off
    year = {"off": off, "work": work}
    return {
        issued.year: {
            key: [day.isoformat() for day in sorted(days_) if day.year == issued.year]
            for key, days_ in year.items()
        }
    }


@st.composite
def happenings(draw):
    """(cell, day, hour, event, count, how much later) by numbers; what does not fit is left out later."""
    kinds = [
        "submit",
        "submit",
        "nil",
        "accept",
        "return",
        "return",
        "extend",
        "waive",
        "pause",
        "resume",
        "undo",
    ]
    return (
        draw(st.integers(0, 40)),
        draw(st.integers(0, 95)),
        draw(st.sampled_from([0, 8, 9, 10, 17, 23])),
        draw(st.sampled_from(kinds)),
        draw(st.sampled_from([None, 1, 1, 2])),
        draw(st.integers(1, 40)),
    )


@st.composite
def people(draw):
    """Up to three units and perhaps a supervisor: shared people, copies, chains, two clocks or three."""
    clocks = st.sampled_from([None, None, "Europe/Berlin", "Asia/Tokyo"])
    names = ("wanzhou", "fuling", "abroad")[: draw(st.integers(1, 3))]
    found = []
    for name in names:
        own = [f"{name}@u.example", *draw(st.lists(st.sampled_from(["shared@u.example", "b@u.example"])))]
        found.append(unit(name, *dict.fromkeys(own)))
    above = draw(st.sampled_from([None, "city", "wanzhou"]))
    if above == "city" or draw(st.booleans()):
        found.insert(
            draw(st.sampled_from([0, len(found)])), unit("city", "city@u.example", "shared@u.example")
        )
    ids = [each["id"] for each in found]
    for place, each in enumerate(found):
        # Upward is later in the list: a circle would be refused.
        zone, reports_to = draw(clocks), draw(st.sampled_from([None, *ids[place + 1 :]]))
        each.update({"timezone": zone} if zone else {})
        each.update({"reports_to": reports_to} if reports_to else {})
        each["contacts"][-1]["role"] = draw(st.sampled_from(["to", "cc"]))
    return found, above


@st.composite
def later_settings(draw):
    """Quiet days, pace and roll-ups of each policy; and who stands in for the first unit's first contact."""
    weekday = draw(st.sampled_from([None, None, 1, 3, 5]))
    since, length = draw(st.integers(0, 90)), draw(st.sampled_from([0, 0, 1, 3, 9]))
    return {
        "pace": draw(st.sampled_from(["month", "month", "week", None])),
        "rollup": draw(st.sampled_from([None, None, True, False])),
        "quiet": (weekday, since, length),
        "away": draw(st.one_of(st.none(), st.tuples(st.integers(0, 80), st.integers(1, 20)))),
        "stand_in": draw(st.sampled_from(["standin@u.example", "shared@u.example"])),
    }


@st.composite
def worlds(draw):
    issued = draw(ISSUED)
    units, supervisor = draw(people())
    return {
        "issued": issued,
        "asked": draw(asked(issued)),
        "units": units,
        "supervisor": supervisor,
        "settings": {"policies": {"mine": draw(policies())}},
        "later": draw(later_settings()),
        "holidays": draw(own_holidays(issued)),
        "events": draw(st.lists(happenings(), max_size=14)),
        "window": draw(st.one_of(st.none(), st.none(), st.integers(1, 80))),
    }


def with_later(loaded, later, issued):
    """The loaded files with what is put onto the values: quiet days, pace, roll-ups, a stand-in."""
    weekday, since, length = later["quiet"]
    spans = ((issued + since * DAY, issued + (since + length) * DAY),) if length else ()
    quiet = Quiet(frozenset({weekday} - {None}), spans)
    mine = replace(
        loaded.settings.policies.named["mine"], pace=later["pace"], rollup=later["rollup"], quiet=quiet
    )
    policies_ = replace(loaded.settings.policies, named={**loaded.settings.policies.named, "mine": mine})
    units = dict(loaded.campaign.units)
    if later["away"] is not None:
        first = next(iter(units.values()))
        day, days_ = later["away"]
        away = StandIn("代班", later["stand_in"], issued + day * DAY, issued + (day + days_) * DAY)
        contacts = (replace(first.contacts[0], stand_ins=(away,)), *first.contacts[1:])
        units[first.id] = replace(first, contacts=contacts)
    return replace(
        loaded,
        campaign=replace(loaded.campaign, units=units),
        settings=replace(loaded.settings, policies=policies_),
    )


def fitting(clerk, happened, last):
    """The events that can happen, as rows of the file, in the order of time."""
    cells = [
        one
        for unit_cells in clerk._asked_of_units(last).values()
        for one in unit_cells
        if one.due is None or one.due < clerk.campaign.issued + 90 * DAY
    ]
    histories: dict[tuple[str, str], History] = {}
    rows = []
    for number, day, hour, kind, count, later in (
        sorted(happened, key=lambda each: each[1:3]) if cells else ()
    ):
        one = cells[number % len(cells)]
        on = clerk.campaign.issued + day * DAY
        history = histories.setdefault((one.ref, one.unit), History(clerk._quota(one)))
        row = {
            "at": datetime.combine(on, time(hour), ZONE).isoformat(),
            "ref": one.ref,
            "unit": one.unit,
            "event": kind,
        }
        if kind == "submit" and history.quota is not None and count is not None:
            row["count"] = count
        if kind == "extend":
            due = clerk.date_in_force(one, history.now)
            if due is None or on > due:
                continue  # an extension is for deadlines that have not passed
            row["until"] = (due + later * DAY).isoformat()
        try:
            history.take(read_events([row], ZONE)[0])
        except MisfitError:
            continue
        rows.append(row)
    return rows


def check(world):
    last = world["issued"] + 100 * DAY
    with tempfile.TemporaryDirectory() as folder:
        here = House(
            Path(folder),
            *world["asked"],
            units=world["units"],
            settings=world["settings"],
            holidays=world["holidays"],
            issued=world["issued"].isoformat(),
            **({"supervisor": world["supervisor"]} if world["supervisor"] else {}),
        )
        loaded = with_later(here.loaded(), world["later"], world["issued"])
        clerk = Clerk.of(loaded)
        rows = fitting(clerk, world["events"], last)
        events = here.events(*((r["at"], r["ref"], r["unit"], r["event"], r) for r in rows))
        expected = clerk.mails(world["issued"], last, read_events(rows, ZONE))
        snapshot = CampaignSnapshot(loaded.campaign, loaded.settings, Workdays(loaded.holidays), "one")
        assert_same(expected, lines_of(mails_of(snapshot, events, world["issued"], last)))
        if world["window"] is None:
            return
        first = world["issued"] + world["window"] * DAY
        window = lines_of(mails_of(snapshot, events, first, last))
        assert_same({key: lines for key, lines in expected.items() if key[0] >= first}, window)


def mails_of(snapshot, path, first, last):
    """The mails of ``tracker simulate``, as its JSON has them, for values that no file can hold yet."""
    events = service_reads_events(path, ZONE, lambda name: name)
    for claimed, _ in simulate(snapshot, events, first, last + DAY, lambda mail: mail.key):
        at = claimed.mail.at.astimezone(ZONE)
        items = [
            {
                "ref": item.ref,
                "unit": item.unit,
                "reason": item.reason.value,
                "due": item.due and item.due.isoformat(),
                "days_left": item.days_left,
            }
            for item in claimed.mail.items
        ]
        yield {
            "at": at.isoformat(),
            "to": [claimed.mail.to],
            "kind": claimed.mail.kind.value,
            "items": items,
        }


#: A failing world is made smaller, but not explained: each look at it is two simulations.
QUICK = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)


@settings(QUICK, max_examples=5)
@given(worlds())
def test_any_small_campaign_is_told_as_the_clerk_would(world):
    check(world)


def test_what_comes_back_once_a_year_can_be_answered_and_lag_as_soon_as_it_opens(tmp_path):
    yearly = task(1, "每年1月底前", target={"count": 3, "of": "案例"})
    here = House(tmp_path, yearly, issued="2021-05-01")
    mails = here.simulate("2021-07-30", "2021-08-03")
    assert [
        (mail["at"][:10], item["ref"], item["reason"], item["due"])
        for mail in mails
        for item in mail["items"]
    ] == [("2021-08-02", "1@2022", "pace", "2022-01-31")]
    here.ok("submit", "1@2022", "--unit", "wanzhou", "--count", "3", at="2021-08-03 01:00:00")


@pytest.mark.torture
@settings(QUICK, max_examples=400)
@given(worlds())
def test_very_many_small_campaigns_are_told_as_the_clerk_would(world):
    check(world)
