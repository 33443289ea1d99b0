"""What a digest says: which rows, in which order, in which words."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from tests.world import at, definition, unit, world
from tracker.core.model import Contact, Item, Kind, Mail, MailKind, Reason, Rule, Target, Unit
from tracker.i18n.catalogue import words
from tracker.mail.compose.compose import Composer

WORDS = {language: words("mails", language) for language in ("zh", "en")}
TODAY = date(2022, 6, 2)
CASES = replace(
    definition("5", "2022年底前", ["wanzhou", "fuling"], requirement="每个区县至少宣传曝光2家。"),
    title="5.将企业安全生产培训纳入执法检查重点内容。",
    target=Target(2, "典型案例", ("wanzhou",)),
)
FIRST_LIST = replace(
    definition("5/first-list", "2022年6月底前", ["wanzhou"], submit_to="list@kaoshi.example"),
    title="第一批名单",
)
PATROL = replace(definition("10", "持续推进", ["wanzhou"]), title="开展巡查巡考")
TABLE = replace(definition("table-2", "2022年5月起，每月5日前", ["wanzhou"]), title="汇总表（培训机构）")
CENTRE = Unit("kaoshi", "市考试中心", contacts=(Contact("李文博", "liwenbo@kaoshi.example"),))


def campaign(**changed):
    units = [unit("wanzhou"), unit("fuling"), CENTRE]
    base = world(CASES, FIRST_LIST, PATROL, TABLE, units=units).campaign
    return replace(base, **{"supervisor": "市考试中心", **changed})


def item(ref, reason, due=None, who="wanzhou", today=TODAY):
    return Item(ref, who, Reason(reason), due, (due - today).days if due else None)


def digest(*items, today=TODAY, language="zh", **changed):
    base = Mail(
        "digest/1",
        at(str(today)),
        "zhang@wanzhou.example",
        "张敏",
        "wanzhou",
        MailKind.DIGEST,
        language,
        items,
    )
    return replace(base, **changed)


def view(*items, language="zh", given=None, **changed):
    return Composer(given or campaign(), WORDS[language]).view(digest(*items, language=language, **changed))


def months(first, last):
    """Due dates on the 5th, from ``first`` to ``last``, with their periods."""
    day = first
    while day <= last:
        yield f"{day:%Y-%m}", day
        day = (day.replace(day=1) + timedelta(days=32)).replace(day=5)


def test_the_most_pressing_comes_first():
    found = view(
        item("10", "review"),
        item("5", "opened", date(2022, 12, 31)),
        item("5", "pace", date(2022, 12, 31)),
        item("5/first-list", "lead", date(2022, 6, 30)),
        item("table-2@2022-06", "due_today", TODAY),
        item("table-2@2022-05", "returned", date(2022, 5, 5)),
        item("5", "overdue", date(2022, 4, 1)),
        item("table-2@2022-05", "overdue", date(2022, 5, 5)),
        item("5", "escalation", date(2022, 5, 5)),
    )
    assert [section.name for section in found.sections] == [
        "escalation",
        "overdue",
        "returned",
        "lapsed",
        "due_today",
        "lead",
        "pace",
        "opened",
        "review",
    ]


def test_within_a_section_the_order_of_the_plan_stays_and_what_has_no_date_comes_last():
    found = view(
        item("10", "opened"),
        item("5/first-list", "opened", date(2022, 6, 30)),
        item("5", "opened", date(2022, 12, 31)),
    )
    assert [row.short for row in found.sections[0].rows] == [
        "任务5 第一批名单",
        "任务5 将企业安全生产培训纳入执法检查重点内容",
        "任务10 开展巡查巡考",
    ]


def test_a_row_says_what_by_when_how_long_and_to_whom():
    [section] = view(item("5/first-list", "lead", date(2022, 6, 30))).sections
    [row] = section.rows
    assert (row.label, row.title) == ("任务5", "第一批名单")
    assert row.when == "2022年6月底前（2022年6月30日，周四）"
    assert row.status == "还剩28天"
    assert row.todo == "请于6月30日前报送。"
    assert row.channel == "发送至list@kaoshi.example"
    assert section.count == "即将到期1项"


def test_a_task_is_completed_and_a_paper_is_sent():
    [section] = view(
        item("5", "lead", date(2022, 12, 31)), item("table-2@2022-06", "lead", date(2022, 6, 5))
    ).sections
    assert [row.todo for row in section.rows] == [
        "请于12月31日前完成，并报送完成情况。",
        "请于6月5日前报送。",
    ]


def test_what_has_no_address_of_its_own_goes_to_the_supervisor():
    [section] = view(item("10", "review")).sections
    assert section.rows[0].channel == "报送至市考试中心"


@pytest.mark.parametrize(
    ("days", "chinese", "english"),
    [
        (-2, "已逾期2天", "2 days late"),
        (-1, "已逾期1天", "1 day late"),
        (0, "今日到期", "due today"),
        (1, "明日到期", "due tomorrow"),
        (2, "还剩2天", "2 days left"),
        (None, "持续推进", "ongoing"),
    ],
)
def test_days_are_said_as_a_person_would(days, chinese, english):
    due = None if days is None else TODAY + timedelta(days=days)
    for language, said in (("zh", chinese), ("en", english)):
        [section] = view(item("5", "opened", due), language=language).sections
        assert section.rows[0].status == said


def test_overdue_periods_of_one_report_are_one_row():
    today = date(2026, 11, 23)
    due = list(months(date(2022, 5, 5), date(2026, 11, 5)))
    found = view(
        *(item(f"table-2@{period}", "overdue", day, today=today) for period, day in due),
        item("5", "overdue", date(2022, 12, 31), today=today),
        today=today,
    )
    [section] = found.sections
    report, task = section.rows
    assert report.period == "2022年5月—2026年11月共55期（均报上月情况）"
    assert report.status == "最长逾期1663天"
    assert report.when == "2022年5月起，每月5日前（2022年5月5日至2026年11月5日）"
    assert report.todo == "请补报上列55期。"
    assert task.period is None
    assert section.count == "逾期2项（56期）"
    assert found.subject == "【逾期催报】汇总表（培训机构）逾期1663天，本件共2项"


def test_periods_that_are_not_late_yet_stay_rows_of_their_own():
    [section] = view(
        item("table-2@2022-06", "lead", date(2022, 6, 5)), item("table-2@2022-07", "lead", date(2022, 7, 5))
    ).sections
    assert [row.period for row in section.rows] == [
        "2022年6月应报（5月份情况）",
        "2022年7月应报（6月份情况）",
    ]


def test_what_was_over_before_the_document_was_issued_is_worded_gently():
    found = view(item("5", "overdue", date(2022, 4, 7)), item("5/first-list", "overdue", date(2022, 4, 7)))
    [section] = found.sections
    assert section.name == "lapsed"
    assert [row.status for row in section.rows] == ["印发前到期"] * 2
    assert "逾期" not in found.subject
    assert all("逾期" not in f"{row.todo}{section.hint}{section.heading}" for row in section.rows)
    # On the day of issue itself nothing was over yet.
    assert view(item("5", "overdue", date(2022, 4, 8))).sections[0].name == "overdue"


def test_a_quota_says_how_much_is_done_and_how_much_is_missing():
    pace = item("5", "pace", date(2022, 12, 31))
    [section] = view(pace, details={"progress": {"5 wanzhou": 1}}).sections
    assert section.rows[0].progress == "典型案例已完成1/2"
    assert section.rows[0].todo == "典型案例还差1，请加快进度。"
    assert view(pace, details={"progress": {"5": 1}}).sections[0].rows[0].progress == section.rows[0].progress
    assert view(pace).sections[0].rows[0].progress == "典型案例已完成0/2"


def test_a_unit_without_the_quota_is_not_told_of_it():
    [section] = view(item("5", "lead", date(2022, 12, 31), "fuling"), unit="fuling").sections
    assert section.rows[0].progress is None


def test_whoever_answers_for_several_units_sees_whose_each_row_is():
    found = view(
        item("5", "lead", date(2022, 12, 31)), item("5", "lead", date(2022, 12, 31), "fuling"), unit="wanzhou"
    )
    [section] = found.sections
    assert [row.units for row in section.rows] == ["wanzhou应急管理局", "fuling应急管理局"]
    assert found.greeting == "wanzhou应急管理局等2个单位张敏："


def test_in_a_mail_for_one_unit_the_rows_do_not_repeat_its_name():
    assert view(item("5", "lead", date(2022, 12, 31))).sections[0].rows[0].units is None


def test_escalations_of_one_item_name_all_the_units_in_one_row():
    found = view(
        item("table-2@2022-05", "escalation", date(2022, 5, 5)),
        item("table-2@2022-05", "escalation", date(2022, 5, 5), "fuling"),
        unit="kaoshi",
        to="liwenbo@kaoshi.example",
        name="李文博",
    )
    [section] = found.sections
    [row] = section.rows
    assert row.units == "wanzhou应急管理局、fuling应急管理局"
    assert row.status == "已逾期28天"
    assert row.period == "2022年5月应报（4月份情况）"
    assert section.count == "提请督办1项（2项次）"
    assert found.greeting == "市考试中心李文博："


def test_a_returned_item_says_so_and_how_it_stands():
    [section] = view(item("5", "returned", date(2022, 12, 31))).sections
    assert section.rows[0].status == "已退回，还剩212天"


def test_what_is_gone_from_the_files_is_still_named():
    [section] = view(item("99/gone@2022-05", "overdue", date(2022, 5, 5))).sections
    assert section.rows[0].title == "99/gone"
    assert section.rows[0].period == "2022年5月"


def test_the_subject_says_the_kind_and_names_the_most_pressing_item_with_its_date():
    composer = Composer(campaign(), WORDS["zh"])
    one = digest(item("5", "overdue", date(2022, 5, 31)))
    assert composer.subject(one) == "【逾期催报】任务5 将企业安全生产培训纳入执……逾期2天"
    several = digest(
        item("5", "overdue", date(2022, 5, 31)),
        item("5/first-list", "lead", date(2022, 6, 30)),
        item("table-2@2022-06", "due_today", TODAY),
    )
    assert (
        composer.subject(several)
        == "【逾期催报】任务5 将企业安全生产培训纳入执……逾期2天，本件共3项，今日到期1项"
    )


def test_what_goes_upward_is_not_called_the_units_own_and_what_is_its_own_is():
    upward, own = item("5", "escalation", date(2022, 5, 5), "fuling"), item("10", "review")
    assert "提请督办" in view(upward).intro
    assert "贵单位" not in view(upward).intro
    both = view(upward, own).intro
    assert both.index("提请督办") < both.index("贵单位的待办事项一并列出")
    assert "提请督办" not in view(own).intro


def test_the_subject_alone_is_the_subject_of_the_whole():
    composer = Composer(campaign(), WORDS["en"])
    for reason in Reason:
        mail = digest(item("5", reason, date(2022, 5, 31)), item("10", reason), language="en")
        assert composer.subject(mail) == composer.view(mail).subject


def test_the_date_is_that_of_the_recipient():
    # 09:00 in Shanghai on 2 June is still 1 June in New York.
    there = replace(unit("wanzhou"), timezone="America/New_York")
    base = campaign()
    given = replace(base, units={**base.units, "wanzhou": there})
    assert view(item("5", "lead", date(2022, 12, 31)), given=given).day == "2022年6月1日"


def test_who_answers_questions_is_the_supervisor_unless_somebody_is_named():
    mail = digest(item("10", "review"))
    assert "市考试中心李文博（liwenbo@kaoshi.example）" in str(
        Composer(campaign(), WORDS["zh"]).view(mail).ask
    )
    other = Contact("王芳", "wangfang@kaoshi.example")
    assert "王芳" in str(Composer(campaign(), WORDS["zh"], other).view(mail).ask)
    assert Composer(campaign(supervisor=None), WORDS["zh"]).view(mail).ask is None


def test_nobody_is_told_to_ask_themselves():
    assert view(item("10", "review"), to="liwenbo@kaoshi.example").ask is None


def test_a_contact_whose_name_says_the_unit_is_not_greeted_with_it_twice():
    named = replace(unit("wanzhou"), name="万州区应急管理局")
    base = campaign()
    given = replace(base, units={**base.units, "wanzhou": named})
    assert view(item("10", "review"), name="万州区联络员", given=given).greeting == "万州区联络员："
    assert view(item("10", "review"), name="张敏", given=given).greeting == "万州区应急管理局张敏："


def test_a_long_task_is_cut_and_its_number_is_not_said_twice():
    long = replace(PATROL, key="1", title="1.“12393”。" + "即一条主线：按照全局三大行动要求，" * 40)
    base = campaign()
    given = replace(base, tasks=(long,))
    [section] = view(item("1", "opened"), given=given).sections
    assert section.rows[0].title.startswith("“12393”。即一条主线")
    assert len(section.rows[0].title) < 100
    assert "\n" not in section.rows[0].title


def test_the_same_row_is_not_mistaken_for_another_of_its_kind():
    composer = Composer(campaign(), WORDS["zh"])

    def row(**changed):
        mail = digest(item("5", "pace", date(2022, 12, 31)), **changed)
        return composer.view(mail).sections[0].rows[0]

    assert row(details={"progress": {"5 wanzhou": 1}}).progress != row().progress
    tomorrow = at("2022-06-03")
    assert row(at=tomorrow).status == row().status  # what was decided stays, whenever it is composed


def test_a_definition_of_every_kind_has_a_label():
    assert CASES.kind is Kind.TASK
    assert FIRST_LIST.kind is Kind.DELIVERABLE
    assert TABLE.kind is Kind.REPORT
    rows = (
        view(
            item("5", "opened", date(2022, 12, 31)),
            item("5/first-list", "opened", date(2022, 6, 30)),
            item("table-2@2022-06", "opened", date(2022, 6, 5)),
        )
        .sections[0]
        .rows
    )
    assert [row.label for row in rows] == ["任务5", "任务5", "报表"]
    assert PATROL.rule == Rule(ongoing=True)


SAID = "table-2@2022-05 wanzhou"
MAY = item("table-2@2022-05", "overdue", date(2022, 5, 20))
FROM_APRIL = replace(TABLE, rule=replace(TABLE.rule, since=date(2022, 3, 1)))


def remarks(*items, said=None, last=(), given=None, **changed):
    found = view(*items, details={"said": said or {}, "last": list(last)}, given=given, **changed)
    return found.sections[0].rows[0].remarks


def test_an_extension_says_until_when_and_from_when():
    assert remarks(MAY, said={SAID: {"extended_from": "2022-05-05"}}) == (
        "已延期至5月20日（原时限5月5日）。",
    )
    english = remarks(MAY, said={SAID: {"extended_from": "2021-12-05"}}, language="en")
    assert english == ("Extended to 20 May (the original date was 5 December 2021).",)


def test_the_reason_of_a_return_is_quoted_and_is_never_a_wall_of_text():
    back = item("table-2@2022-05", "returned", date(2022, 5, 5))
    assert remarks(back, said={SAID: {"returned": "人数与\n附件不符"}}) == ("退回原因：“人数与附件不符”",)
    assert len(remarks(back, said={SAID: {"returned": "不符。" * 500}})[0]) < 300


def test_the_other_late_periods_are_named_in_the_same_row():
    assert remarks(MAY, said={SAID: {"also": ["2022-04", "2022-03", "2022-05"]}}) == (
        "此外，2022年3月、4月共2期逾期未报，请一并补报。",
    )
    assert remarks(MAY, said={SAID: {"also": ["2022-05"]}}) == ()


def test_what_was_over_when_the_document_was_issued_is_not_called_late_among_the_others():
    base = campaign()
    given = replace(base, reports=(FROM_APRIL,))
    assert remarks(MAY, said={SAID: {"also": ["2022-04", "2022-06"]}}, given=given) == (
        "此外，2022年6月逾期未报，请一并补报。",
        "另有2022年4月在文件印发时已到期，请一并报送有关情况。",
    )


def test_the_last_reminder_before_a_day_off_says_so():
    lead = item("table-2@2022-06", "lead", date(2022, 6, 5))
    assert "到期前不再提醒" in remarks(lead, last=["table-2@2022-06"])[0]
    assert remarks(lead, last=["table-2@2022-07"]) == ()


def test_in_a_row_of_several_a_remark_says_whom_and_which_period_it_is_about():
    late = [item(f"table-2@2022-0{month}", "overdue", date(2022, month, 20)) for month in (4, 5)]
    assert remarks(*late, said={SAID: {"extended_from": "2022-05-05"}}) == (
        "2022年5月：已延期至5月20日（原时限5月5日）。",
    )
    both = [item("5", "escalation", date(2022, 5, 5), who) for who in ("wanzhou", "fuling")]
    assert remarks(*both, said={"5 fuling": {"extended_from": "2022-05-01"}}) == (
        "fuling应急管理局：已延期至5月5日（原时限5月1日）。",
    )


@pytest.mark.parametrize("said", [None, [], "x", {SAID: None}, {SAID: {"also": 3, "returned": 1}}])
def test_what_is_told_in_another_form_is_not_told(said):
    assert view(MAY, details={"said": said, "last": said}).sections[0].rows[0].remarks == ()


def test_a_row_with_a_remark_is_not_taken_for_one_without():
    composer = Composer(campaign(), WORDS["zh"])
    told = digest(MAY, details={"said": {SAID: {"returned": "缺公章"}}})
    for mail, known in ((digest(MAY), ()), (told, ("退回原因：“缺公章”",)), (digest(MAY), ())):
        assert composer.view(mail).sections[0].rows[0].remarks == known


def test_who_gets_a_copy_is_told_that_nothing_is_asked_of_them():
    mail = digest(MAY, details={"cc": True})
    composer = Composer(campaign(), WORDS["zh"])
    copy = composer.view(mail)
    assert copy.subject.startswith("【抄送】【逾期催报】")
    assert composer.subject(mail) == copy.subject
    assert copy.notices == ("抄送件，供了解掌握；所列事项由主送联系人办理。",)
    assert "抄送如下" in copy.intro
    assert "抄送联系人" in copy.why
    assert view(MAY).notices == ()


def test_who_stands_in_is_told_for_whom():
    found = view(MAY, details={"stands_in_for": "王敏"})
    assert found.notices == ("王敏离岗期间由您代为办理，请予接洽。",)
    assert "王敏" in found.why
    # Standing in for somebody who gets copies is no reason to do anything.
    assert "代为办理" not in "".join(view(MAY, details={"stands_in_for": "王敏", "cc": True}).notices)


def test_a_deliverable_that_is_done_and_not_sent_is_not_asked_for_as_a_paper():
    base = campaign()
    patrol = replace(FIRST_LIST, key="10/patrol", title="全覆盖巡查", submit_to=None)
    given = replace(base, tasks=(*base.tasks, patrol))
    late = view(item("10/patrol", "overdue", date(2022, 5, 20)), given=given).sections[0].rows[0]
    assert late.todo == "请抓紧完成，并尽快报送完成情况。"
    paper = view(item("5/first-list", "overdue", date(2022, 5, 20)), given=given).sections[0].rows[0]
    assert paper.todo == "请立即补报。"


@pytest.mark.parametrize(
    ("deadline", "period"),
    [
        ("每月5日前", "2022年6月应报（5月份情况）"),
        ("每月15日前", "2022年6月应报（5月份情况）"),
        ("每月16日前", "2022年6月"),
        ("每月底前", "2022年6月"),
    ],
)
def test_early_in_a_month_a_report_is_about_the_month_before(deadline, period):
    base = campaign()
    table = definition("table-2", deadline, ["wanzhou"])
    found = view(item("table-2@2022-06", "lead", date(2022, 6, 30)), given=replace(base, reports=(table,)))
    assert found.sections[0].rows[0].period == period


def test_new_standing_work_is_not_to_be_sent_anywhere():
    assert view(item("10", "opened")).sections[0].rows[0].channel is None
    assert view(item("10", "review")).sections[0].rows[0].channel == "报送至市考试中心"


def test_nobody_is_told_to_send_something_to_themselves():
    own = item("5", "lead", date(2022, 12, 31), "kaoshi")
    theirs = item("5", "lead", date(2022, 12, 31), "fuling")
    composer = Composer(campaign(), WORDS["zh"])
    for mail, to in ((digest(theirs, unit="fuling"), "报送至市考试中心"), (digest(own, unit="kaoshi"), None)):
        assert composer.view(mail).sections[0].rows[0].channel == to


def test_a_quota_may_say_what_it_is_counted_in():
    base = campaign()
    counted = replace(CASES, target=Target(2, "典型案例（个）", ("wanzhou",)))
    given = replace(base, tasks=(counted,))
    row = view(item("5", "pace", date(2022, 12, 31)), given=given).sections[0].rows[0]
    assert (row.progress, row.todo) == ("典型案例已完成0/2个", "典型案例还差2个，请加快进度。")


def test_a_deadline_in_another_language_is_said_in_that_of_the_mail_too():
    due = date(2022, 12, 31)
    english = view(item("5", "lead", due), language="en").sections[0].rows[0]
    assert english.when == "2022年底前 – by end of 2022 (Sat 31 December 2022)"
    assert view(item("5", "lead", due)).sections[0].rows[0].when == "2022年底前（2022年12月31日，周六）"
    base = campaign()
    given = replace(base, tasks=(definition("5", "by end of 2022", ["wanzhou"]),))
    assert view(item("5", "lead", due), given=given).sections[0].rows[0].deadline == (
        "by end of 2022，即2022年底前"
    )
    assert view(item("5", "lead", due), given=given, language="en").sections[0].rows[0].deadline == (
        "by end of 2022"
    )


def test_periods_that_the_same_units_leave_undone_go_upward_as_one_row():
    def upward(ref, unit):
        return Item(ref, unit, Reason.ESCALATION, date(2022, 5, 5), -28)

    months = ("table-2@2022-04", "table-2@2022-05")
    same = [upward(ref, unit) for ref in months for unit in ("wanzhou", "fuling")]
    [section] = view(*same).sections
    assert [row.items for row in section.rows] == [4]
    [section] = view(*same[:3]).sections
    assert [row.items for row in section.rows] == [2, 1]


def test_what_is_over_within_its_days_of_grace_has_no_date_that_is_past_in_the_subject():
    composer = Composer(campaign(), WORDS["zh"])
    assert composer.subject(digest(item("5", "lead", TODAY - timedelta(days=2)))) == (
        "【工作提醒】任务5 将企业安全生产培训纳入执……尚在宽限期内"
    )
