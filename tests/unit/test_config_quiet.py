"""Quiet days, pace, roll-up, stand-ins, memos and confirmed removals: what is read, and each finding."""

from datetime import date

import pytest

from tests.unit.test_config_bad_input import FILES, S, U, load_edited, told, write
from tracker.config.loader import load
from tracker.core.model import StandIn
from tracker.core.policy import Interval, Quiet

A = "{name: 张, email: a@x.example}"
DEFAULT = "default: {lead: [30, 7], overdue: 7d}"


def policies_of(tmp_path, text):
    write(tmp_path, FILES | {"settings.yaml": f"policies:\n{text}"})
    loaded = load(tmp_path)
    assert told(loaded, tmp_path) == []
    return loaded.settings.policies.named


def with_quiet(tmp_path, quiet):
    return load_edited(tmp_path, (S, DEFAULT, f"default: {{quiet: {quiet}}}"))


def with_stand_ins(tmp_path, *lines):
    said = "".join(f"\n          - {{{line}}}" for line in lines)
    return load_edited(
        tmp_path, (U, f"- {A}", f"- name: 张\n        email: a@x.example\n        stand_ins:{said}")
    )


# --- policies ---


def test_pace_rollup_and_quiet_are_taken_from_default_where_a_policy_is_silent(tmp_path):
    named = policies_of(
        tmp_path,
        "  default: {pace: week, rollup: true, quiet: [2022-06-07]}\n"
        "  loud: {pace: never, rollup: no, quiet: []}\n"
        "  plain: {lead: [1]}\n",
    )
    day = Quiet(spans=((date(2022, 6, 7), date(2022, 6, 8)),))
    assert [
        (named[n].pace, named[n].rollup, named[n].quiet) for n in ("default", "loud", "plain", "monthly")
    ] == [
        ("week", True, day),
        (None, False, Quiet()),
        ("week", True, day),
        ("week", True, day),
    ]
    # What makes it monthly stays.
    monthly = named["monthly"]
    assert (monthly.lead, monthly.overdue, monthly.announce) == ((5, 1), Interval(2, "wd"), False)


def test_quiet_takes_days_runs_of_days_and_weekdays_in_either_language(tmp_path):
    loaded = with_quiet(
        tmp_path, "[2022-06-07, {from: 2022-06-08, to: 2022-06-09}, Friday, 周四, 星期天, wed]"
    )
    quiet = loaded.settings.policies.named["default"].quiet
    assert quiet == Quiet(
        frozenset({3, 4, 5, 7}),
        ((date(2022, 6, 7), date(2022, 6, 8)), (date(2022, 6, 8), date(2022, 6, 10))),
    )
    assert [date(2022, 6, day) in quiet for day in (6, 7, 8, 9, 13)] == [False, True, True, True, False]


@pytest.mark.parametrize(
    ("quiet", "expected"),
    [
        (
            "[2022-06-31, someday, {from: 2022-06-09, to: 2022-06-07}]",
            [
                "settings.yaml:6:21: there is no such day as 2022-06-31",
                (
                    "settings.yaml:6:33: “someday”: expected a day such as 2022-06-07, "
                    "a weekday such as friday, or {from: …, to: …}"
                ),
                "settings.yaml:6:42: 2022-06-09 to 2022-06-07 runs backwards",
            ],
        ),
        (
            "[{from: 2022-01-01, to: 2023-01-02}]",
            [
                "settings.yaml:6:21: 2022-01-01 to 2023-01-02 is longer than a year; that much silence must be a slip"
            ],
        ),
        ("[{from: 2022-01-01, to: 2023-01-01}]", []),
        (
            "[monday, 周二, 星期三, 礼拜四, Fri]",
            ["settings.yaml:6:20: every day from Monday to Friday is quiet, so nothing would ever be sent"],
        ),
        (
            "[{form: 2022-06-07, to: 2022-06-08}]",
            ["settings.yaml:6:22: this span has no key “form”; did you mean “from”?"],
        ),
        ("[{to: 2022-06-08}]", ["settings.yaml:6:21: this span has no “from”, which is required"]),
        ("friday", ["settings.yaml:6:20: “quiet” must be a list, not the text “friday”"]),
    ],
)
def test_quiet_days_that_are_none(quiet, expected, tmp_path):
    assert told(with_quiet(tmp_path, quiet), tmp_path) == expected


def test_pace_and_rollup_that_are_none(tmp_path):
    loaded = load_edited(tmp_path, (S, DEFAULT, "default: {pace: daily, rollup: maybe}"))
    assert told(loaded, tmp_path) == [
        "settings.yaml:6:19: “pace” is “daily”; expected week, month or never",
        "settings.yaml:6:34: “maybe”: expected true or false",
    ]


# --- contacts ---


def test_a_stand_in_is_there_on_both_days_that_the_file_names(tmp_path):
    loaded = with_stand_ins(
        tmp_path,
        "name: 王, email: w@x.example, language: en, from: 2022-06-07, to: 2022-06-09",
        "name: 赵, email: z@x.example, from: 2022-06-10, to: 2022-06-10",
    )
    assert told(loaded, tmp_path) == []
    assert loaded.campaign.units["a"].contacts[0].stand_ins == (
        StandIn("王", "w@x.example", date(2022, 6, 7), date(2022, 6, 10), "en"),
        StandIn("赵", "z@x.example", date(2022, 6, 10), date(2022, 6, 11)),
    )


def test_stand_ins_that_are_none_are_told_of_all_at_once(tmp_path):
    loaded = with_stand_ins(
        tmp_path,
        "name: 王, email: w.x.example, from: 2022-06-07, to: 2022-06-09",
        "name: 赵, email: z@x.example, from: 2022-06-09, to: 2022-06-12",
        "name: 钱, email: q@x.example, from: 2022-07-09, to: 2022-07-08",
        "email: s@x.example, from: 2022-08-09, to: never",
    )
    assert told(loaded, tmp_path) == [
        "units.yaml:9:30: “w.x.example” is no e-mail address: it has no @; expected one such as zhang@unit.example",
        "units.yaml:10:13: 2022-06-09 is already taken by the stand-in in line 9; one person stands in at a time",
        "units.yaml:11:13: 2022-07-09 to 2022-07-08 runs backwards",
        "units.yaml:12:13: this stand-in has no “name”, which is required",
        "units.yaml:12:56: “never” is no date; expected one such as 2022-04-08",
    ]


def test_a_unit_where_nobody_is_asked_is_doubtful(tmp_path):
    loaded = load_edited(tmp_path, (U, A, "{name: 张, email: a@x.example, role: cc}"))
    assert told(loaded, tmp_path, "warning")[0] == (
        "units.yaml:6:7: all contacts of the unit “甲局” are cc, so nobody there is asked; leave role out for one"
    )
    assert loaded.campaign is not None


# --- remarks and removals ---


def test_a_memo_may_stand_anywhere_and_changes_nothing(tmp_path):
    memo = "memo: 给改文件的人看"
    plain = load_edited(tmp_path).campaign
    loaded = load_edited(
        tmp_path,
        ("  task_count: 2", f"  task_count: 2\n  {memo}"),
        ("    text: 做", f"    text: 做\n    {memo}"),
        ("        title: 名单", f"        title: 名单\n        {memo}"),
        ("    title: 表", f"    title: 表\n    {memo}"),
        (U, "    name: 甲局", f"    name: 甲局\n    {memo}"),
        (U, A, f"{{name: 张, email: a@x.example, {memo}}}"),
        (U, "    name: 各局", f"    name: 各局\n    {memo}"),
    )
    assert told(loaded, tmp_path) == []
    assert loaded.campaign == plain


def test_removals_are_accepted_by_a_date_or_not_at_all(tmp_path):
    assert load_edited(tmp_path).campaign.accept_removals is None
    accepted = ("  task_count: 2", "  task_count: 2\n  accept_removals: 2022-06-10")
    assert load_edited(tmp_path, accepted).campaign.accept_removals == date(2022, 6, 10)
    refused = load_edited(tmp_path, (accepted[0], accepted[1].replace("2022-06-10", "yes")))
    assert told(refused, tmp_path) == ["tasks.yaml:7:20: “yes” is no date; expected one such as 2022-04-08"]
