"""What the supervisor is told: who is missing after a deadline, and how the week stands."""

from dataclasses import replace
from datetime import date

import pytest

from tests.unit.test_mail_digest import WORDS, campaign, digest
from tests.world import at
from tracker.core.model import Contact, Item, MailKind, Reason, StandIn
from tracker.mail.compose.compose import Composer
from tracker.mail.compose.render import Renderer
from tracker.mail.compose.week import SHOWN_ROWS

TABLE = "table-2@2022-06"
DUE = date(2022, 6, 5)
MISSING = Item(TABLE, "wanzhou", Reason.OVERDUE, DUE, -1)
LATER = Item(TABLE, "nowhere", Reason.LEAD, date(2022, 6, 20), 14)
DEADLINE = {
    "ref": TABLE,
    "due": "2022-06-05",
    "of": 41,
    "nil": 1,
    "waived": 2,
    "paused": 0,
    "late": ["fuling"],
    "returned": ["wanzhou"],
    "extended": {"nowhere": "2022-06-20"},
}
ROLLUP = replace(
    digest(LATER, MISSING, unit="kaoshi", to="liwenbo@kaoshi.example", name="李文博"),
    kind=MailKind.ROLLUP,
    at=at("2022-06-06"),
    details={"deadlines": [DEADLINE]},
)


def lights(red=0, amber=0, green=0, blue=0, grey=0):
    return {"red": red, "amber": amber, "green": green, "blue": blue, "grey": grey}


FINE = {"lights": lights(green=9), "before": lights(green=9)}
BAD = {"lights": lights(3, 1, 36, 1), "before": lights(1, 5, 35)}
WEEK = {
    "day": "2022-06-06",
    "before": "2022-05-30",
    "lights": lights(3, 1, 36, 1),
    "lights_before": lights(1, 5, 35),
    "sections": [{"name": "二、加强执法检查", **BAD}, {"name": "", **FINE}],
    "tasks": [{"key": "5/first-list", **BAD}, {"key": "99/gone", **BAD}, {"key": "10", **FINE}],
    "units": [{"unit": "fuling", **FINE}, {"unit": "wanzhou", **BAD}],
}
BOTH = replace(ROLLUP, details={"deadlines": [DEADLINE], "week": WEEK})
WEEKLY = replace(ROLLUP, items=(), details={"deadlines": [], "week": WEEK})


def view(mail=ROLLUP, language="zh", given=None, **changed):
    return Composer(given or campaign(), WORDS[language]).view(replace(mail, **changed))


def tally(*items, language="zh", given=None, **facts):
    details = {"deadlines": [{**DEADLINE, **facts}]}
    return view(items=items, details=details, language=language, given=given).tallies[0]


def week(language="zh", **changed):
    return view(WEEKLY, details={"week": {**WEEK, **changed}}, language=language).week


# --- deadlines ---


def test_how_many_are_in_follows_from_who_is_missing():
    found = tally(MISSING, LATER)
    assert (found.of, found.done, found.summary) == (41, 39, "应报单位41个，已报39个，未报2个")
    # Whoever answered between planning and sending is not among the items any more.
    assert tally(LATER).summary == "应报单位41个，已报40个，未报1个"
    assert tally(MISSING, LATER, language="en").summary == "39 of 41 in, 2 missing"


def test_a_deadline_says_what_it_is_for_which_month_and_by_when():
    found = tally(MISSING)
    assert (found.label, found.title) == ("报表", "汇总表（培训机构）")
    assert found.period == "2022年6月应报（5月份情况）"
    assert found.due == "截止日期：2022年6月5日，周日"


def test_the_missing_are_named_with_their_people_and_those_with_more_time_come_last():
    late, later = tally(LATER, MISSING).missing
    assert (late.name, late.contacts) == ("wanzhou应急管理局", ("wanzhou联络员 wanzhou@unit.example",))
    assert late.remark == "已退回，待重新报送"
    assert (later.name, later.contacts) == ("nowhere", ("未登记联系人",))
    assert later.remark == "已延期至6月20日"


def test_an_extension_that_is_over_is_no_excuse():
    found = tally(MISSING, extended={"wanzhou": "2022-06-05"}, returned=[])
    assert found.missing[0].remark == "延期至6月5日，到期仍未报送"
    assert "尚未到期" not in found.notes


def test_whom_to_call_first_and_who_stands_in():
    away = StandIn("赵六", "zhao@unit.example", date(2022, 6, 6), date(2022, 6, 7))
    people = (
        Contact("抄送人", "cc@unit.example", role="cc"),
        Contact("张敏", "zhang@unit.example", stand_ins=(away,)),
    )
    base = campaign()
    unit = replace(base.units["wanzhou"], contacts=people)
    given = replace(base, units={**base.units, "wanzhou": unit})
    assert tally(MISSING, given=given).missing[0].contacts == (
        "赵六 zhao@unit.example（代张敏）",
        "抄送人 cc@unit.example（抄送）",
    )
    # The next day they are back.
    back = view(at=at("2022-06-07"), items=(MISSING,), given=given).tallies[0]
    assert back.missing[0].contacts[0] == "张敏 zhang@unit.example"


def test_what_the_numbers_do_not_tell():
    assert (
        tally(MISSING, LATER).notes
        == "已报单位中零报告1个；未报单位中已准予延期、尚未到期1个；免报单位2个，不计入应报"
    )
    assert tally(MISSING, nil=0, waived=0).notes is None
    assert (
        tally(MISSING, paused=1, nil=0, waived=0, language="en").notes == "1 unit is paused and not counted"
    )


def test_who_came_in_late_is_named():
    assert tally(MISSING, late=["fuling", "gone"]).late == "fuling应急管理局、gone（共2个单位）"
    assert tally(MISSING, late=[]).late is None
    assert tally(late=[f"u{number}" for number in range(400)]).late.endswith("u149等共400个单位")


def test_when_all_is_in_nobody_is_missing():
    found = tally()
    assert (found.summary, found.missing, found.rest) == ("应报单位41个，已全部报送", (), None)
    assert tally(of=0).summary == "本期无应报单位"


def test_three_thousand_missing_units_are_named_up_to_a_bound():
    many = tuple(Item(TABLE, f"u{n}", Reason.OVERDUE, DUE, -1) for n in range(3000))
    found = tally(*many, of=3000)
    assert found.summary == "应报单位3000个，已报0个，未报3000个"
    assert len(found.missing) == 150
    assert found.rest == "未报单位共3000个，以上为前150个。"
    rendered = Renderer(campaign()).render(
        replace(ROLLUP, items=many, details={"deadlines": [{**DEADLINE, "of": 3000}]})
    )
    assert len(rendered.html) < 100_000


def test_more_missing_than_were_asked_is_not_less_than_nobody_in():
    assert tally(MISSING, LATER, of=1).summary == "应报单位2个，已报0个，未报2个"


def test_what_is_gone_from_the_files_is_named_by_its_id():
    gone = Item("99/gone@2022-06", "vanished", Reason.OVERDUE, DUE, -1)
    found = view(items=(gone,), details={"deadlines": [{"ref": "99/gone@2022-06", "of": 1}]}).tallies[0]
    assert (found.title, found.due, found.missing[0].name) == ("99/gone", None, "vanished")


@pytest.mark.parametrize(
    "details",
    [
        {},
        {"deadlines": None, "week": None},
        {"deadlines": [3, {}]},
        {"deadlines": [{"ref": TABLE, "due": "soon", "of": "x", "late": 1, "returned": 2, "extended": [3]}]},
        {"week": {}},
        {"week": {"lights": 3, "tasks": [{}, 1], "units": {}, "sections": [{"lights": {"red": "x"}}]}},
    ],
)
def test_what_is_told_in_another_form_never_keeps_a_mail_back(details):
    shown = Renderer(campaign())
    for language in ("zh", "en"):
        assert shown.render(replace(ROLLUP, details=details, language=language)).subject
    assert shown.problems == ()


# --- the subject ---


def test_the_subject_names_one_deadline_counts_several_and_mentions_the_week():
    def subject(language="zh", **changed):
        composer = Composer(campaign(), WORDS[language])
        mail = replace(ROLLUP, **changed)
        assert composer.subject(mail) == composer.view(mail).subject
        return composer.subject(mail)

    two = {"deadlines": [DEADLINE, {"ref": "5", "of": 2}]}
    assert subject() == "【情况汇总】汇总表（培训机构）应报41个单位，已报39个（6月6日）"
    assert subject(details=two) == "【情况汇总】应报2项，未报2项次（6月6日）"
    assert subject(details=two, items=()) == "【情况汇总】应报2项，均已报齐（6月6日）"
    assert subject(items=(), details=WEEKLY.details) == "【情况汇总】进展周报：逾期3项次（6月6日）"
    assert subject(details=BOTH.details) == (
        "【情况汇总】汇总表（培训机构）应报41个单位，已报39个；进展周报：逾期3项次（6月6日）"
    )
    assert subject("en", details=BOTH.details) == (
        "[Status] 汇总表（培训机构）, 39 of 41 in; weekly status, 3 overdue (6 June)"
    )


def test_a_copy_of_a_roll_up_says_that_it_is_one():
    found = view(details={**ROLLUP.details, "cc": True})
    assert found.subject.startswith("【抄送】")
    assert found.notices


def test_the_opening_says_what_follows():
    assert "报送情况汇总如下" in view().intro
    assert "现将截至2022年6月6日的工作进展情况汇总如下" in view(WEEKLY).intro
    assert "报送情况和工作进展情况汇总如下" in view(BOTH).intro
    assert view().greeting == "市考试中心李文博："


# --- the week ---


def test_each_light_has_its_number_and_its_change_and_more_red_is_worse():
    red, amber, green, blue, _, grey = week().lamps
    assert (red.name, red.number) == ("红灯：逾期未办结、未报送", 3)
    assert (red.trend.text, red.trend.tone) == ("↑ 较上周增加2项次（变差）", "worse")
    assert (amber.trend.text, amber.trend.tone) == ("↓ 较上周减少4项次", "")
    assert green.trend.text == "↑ 较上周增加1项次"
    assert (blue.number, grey.trend.text) == (1, "与上周持平")
    better = week(lights=lights(), lights_before=lights(2))
    assert better.lamps[0].trend == ("↓ 较上周减少2项次（好转）", "better")
    assert better.change == "逾期0项次，较上周减少2项次。"
    assert week("en").change == "3 overdue, 2 more than last week."


def test_a_row_says_whether_more_is_overdue_than_last_week():
    bad, fine = week().tables[0].rows
    assert (bad.trend.text, bad.trend.tone) == ("↑ 逾期较上周增加2项次", "worse")
    assert fine.trend is None
    same = {"name": "三", "lights": lights(1), "before": lights(1)}
    less = {"name": "四", "lights": lights(green=1), "before": lights(1)}
    rows = week(sections=[same, less]).tables[0].rows
    assert [row.trend.text for row in rows] == ["逾期与上周持平", "↓ 逾期较上周减少1项次"]


def test_sections_keep_their_order_and_reports_have_no_section():
    assert [row.name for row in week().tables[0].rows] == ["二、加强执法检查", "报表"]


def test_tasks_and_units_have_the_worst_first_and_the_fine_ones_as_a_number():
    _, tasks, units = week().tables
    assert [row.name for row in tasks.rows] == ["任务5 第一批名单", "99/gone"]
    assert tasks.rest == "其余1项无红灯、黄灯。"
    assert [row.name for row in units.rows] == ["wanzhou应急管理局"]
    assert units.rest == "其余1个单位无红灯、黄灯。"
    some = [
        {"unit": "a", "lights": lights(0, 9)},
        {"unit": "b", "lights": lights(1, 0)},
        {"unit": "c", "lights": lights(1, 2)},
    ]
    assert [row.name for row in week(units=some).tables[2].rows] == ["c", "b", "a"]


def test_in_a_table_two_reports_that_differ_at_the_end_can_be_told_apart():
    base = campaign()
    title = "安全生产培训“走过场”专项整治进展情况汇总表（培训机构）（自查自改）"
    given = replace(base, reports=(replace(base.reports[0], title=title),))
    table = view(WEEKLY, given=given, details={"week": {**WEEK, "tasks": [{"key": "table-2", **BAD}]}})
    assert table.week.tables[1].rows[0].name == title


def test_of_three_thousand_units_the_worst_are_shown_and_the_others_counted():
    many = [{"unit": f"u{n}", "lights": lights(n % 2, 0, 1)} for n in range(3000)]
    units = week(units=many).tables[2]
    assert len(units.rows) == SHOWN_ROWS
    assert units.more == "另有1440个单位亮红灯、黄灯，未逐一列出。"
    assert units.rest == "其余1500个单位无红灯、黄灯。"
    fine = week(units=[{"unit": "a", "lights": lights(green=1)}] * 2).tables[2]
    assert (fine.rows, fine.rest) == ((), "2个单位均无红灯、黄灯。")


@pytest.mark.parametrize(
    "numbers", [lights(1, 1, 3000, 1, 1), lights(1, 1, 1), lights(green=7), lights(3, 3, 3, 3, 3)]
)
def test_a_bar_is_whole_and_no_light_vanishes_from_it(numbers):
    bars = week(lights=numbers).bars
    assert sum(bar.share for bar in bars) == 100
    assert [bar.light for bar in bars] == [name for name, number in numbers.items() if number]
    assert all(bar.share >= 1 for bar in bars)


def test_where_there_is_nothing_there_is_no_bar():
    assert week(lights=lights()).bars == ()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_in_the_first_week_there_is_nothing_to_compare_with(language):
    for gone in ({"before": None, "lights_before": None}, {"before": None}):
        found = week(language, **gone)
        assert all(lamp.trend is None for lamp in found.lamps)
        assert all(row.trend is None for table in found.tables for row in table.rows)
        assert found.change == WORDS[language]("week.first")


# --- on paper ---


def test_each_colour_has_a_sign_and_the_bars_are_tables():
    html = Renderer(campaign()).render(BOTH).html
    for sign, name in (
        ("▲", "红灯"),
        ("◎", "黄灯"),
        ("✓", "绿灯"),
        ("∞", "蓝灯"),
        ("○", "无标记"),
        ("－", "灰灯"),
    ):
        assert f"{sign} {name}" in html
    assert "▲3" in html
    assert 'width="89%"' in html
    assert "<svg" not in html
    assert html.count("#b3261e") > 2


def test_the_text_says_what_the_html_says():
    text = Renderer(campaign()).render(BOTH).text
    for said in (
        "■ 报表｜汇总表（培训机构）",
        "   2022年6月应报（5月份情况）｜截止日期：2022年6月5日，周日",
        "   应报单位41个，已报39个，未报2个",
        "   - wanzhou应急管理局｜wanzhou联络员 wanzhou@unit.example｜已退回，待重新报送",
        "   - nowhere｜未登记联系人｜已延期至6月20日",
        "   逾期报送：fuling应急管理局（共1个单位）",
        "■ 进展周报：逾期3项次，较上周增加2项次。",
        "   ▲ 红灯：逾期未办结、未报送｜3｜↑ 较上周增加2项次（变差）",
        "   - wanzhou应急管理局｜▲3 ◎1 ✓36 ∞1｜↑ 逾期较上周增加2项次",
        "   其余1个单位无红灯、黄灯。",
    ):
        assert f"\n{said}\n" in text, said


def test_what_people_have_written_is_never_markup():
    nasty = "<script>alert(1)</script>"
    base = campaign()
    unit = replace(base.units["wanzhou"], name=nasty, contacts=(Contact(nasty, nasty),))
    given = replace(base, units={**base.units, "wanzhou": unit})
    facts = {**WEEK, "sections": [{"name": nasty, **BAD}]}
    html = Renderer(given).render(replace(BOTH, details={"deadlines": [DEADLINE], "week": facts})).html
    assert "<script" not in html
