"""The supervisor's answers from the board: what they do, under whose name, and what is said where they cannot."""

import re
from collections import Counter
from datetime import timedelta

import pytest

from tests.integration.web import SETTINGS, csrf_of, house, shown
from tests.world import at
from tracker.core.model import Event, EventKind
from tracker.core.roles import Role
from tracker.outbox.queries import stored_mails
from tracker.outbox.rows import items_from_json
from tracker.planning.reminders_now import HOLD
from tracker.store.tables import MailState
from tracker.usecases import ledger

REF = "table-2@2022-05"
NAME = "汇总表（培训机构）（2022年5月应报，4月份情况）"
VERBS = ["accept", "return", "extend", "waive", "pause", "resume", "undo", "remind", "retry"]


@pytest.fixture
def home():
    # 5 May 2022 is a workday by the calendar, and the table is due.
    with house(start="2022-05-05 09:30") as found:
        yield found


@pytest.fixture
def browser(home):
    return home.sign_in("王科长")


def submit(home, unit="wanzhou", ref=REF):
    ledger.record(home.app, Event(home.clock.now(), ref, unit, EventKind.SUBMIT, who="unit"))


def act(browser, verb, **fields):
    """Press the button; where it led, and the sentence on that page."""
    data = {"csrf": csrf_of(browser), "ref": REF, "unit": "wanzhou", "back": "/nothing", **fields}
    answer = browser.post(f"/act/{verb}", data=data)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"], shown(browser)


def state(home, unit="wanzhou", ref=REF):
    _, rows = ledger.status(home.app, unit=unit, ref=ref)
    return rows[0].state.value


def events(home):
    return [(fact["event"], fact["unit"], fact["who"], fact["via"]) for fact in ledger.history(home.app)]


# --- answers ---


def test_accepting_is_an_event_under_the_name_of_whoever_pressed(home, browser):
    submit(home)
    assert act(browser, "accept") == ("/nothing", f"已销号：万州区应急管理局 {NAME}。")
    assert state(home) == "done"
    assert events(home)[-1] == ("accept", "wanzhou", "王科长", "web")


def test_what_waits_for_acceptance_is_counted_listed_and_accepted_together(home, browser, monkeypatch):
    assert "/submitted" not in browser.get("/").text
    units = list(home.app.snapshot.definition("table-2").units)
    for unit in units:
        submit(home, unit)
    assert f'href="/submitted">已报送待审核 <b>{len(units)}</b>' in browser.get("/").text
    page = browser.get("/submitted").text
    assert page.count('type="checkbox"') == len(units)
    writing, began = home.app.database.writing, Counter[str]()

    def counted(**how):
        began["writing"] += 1
        return writing(**how)

    monkeypatch.setattr(home.app.database, "writing", counted)
    _, told = act(browser, "accept", ref=[], unit=[], cell=[f"{unit} {REF}" for unit in units])
    assert "已办理" in told or "已销号" in told
    assert began["writing"] <= 2, "one transaction for all, and perhaps one for who is signed in"
    assert {state(home, unit) for unit in units} == {"done"}
    assert "没有待审核的事项" in browser.get("/submitted").text


def test_a_nil_return_that_waits_is_counted_found_and_named_with_all_that_waits(home):
    # Of a month that is over, too.
    home.clock.set(at("2022-07-20 09:30"))
    browser = home.sign_in("王科长")
    submit(home)
    ledger.record(home.app, Event(home.clock.now(), REF, "fuling", EventKind.NIL, who="unit"))
    page = browser.get("/").text
    assert 'href="/submitted">已报送待审核 <b>2</b>' in page
    assert re.search(r'state=submitted"[^>]*>已报送待审核 <b>2</b>', page)
    assert re.search(r'state=nil"[^>]*>零报告 <b>1</b>', page)
    found = browser.get("/ledger.csv", params={"state": "submitted"}).text.splitlines()[1:]
    assert sorted(line.split(",")[3] for line in found) == ["已报送待审核", "零报告待审核"]
    assert "零报告待审核" in browser.get("/submitted").text
    for path in (f"/assignment/fuling/{REF}", "/unit/fuling", f"/item/table-2?ref={REF}"):
        assert "零报告待审核" in browser.get(path).text, path
    assert f'name="cell" value="fuling {REF}"' in browser.get("/unit/fuling").text
    act(browser, "accept", unit="fuling")
    assert "待审核" not in browser.get(f"/assignment/fuling/{REF}").text
    assert 'href="/submitted">已报送待审核 <b>1</b>' in browser.get("/").text


def test_who_and_how_cannot_be_given_by_the_form(home, browser):
    submit(home)
    act(browser, "accept", who="李", via="cli", at="2022-04-30")
    assert events(home)[-1] == ("accept", "wanzhou", "王科长", "web")


def test_what_was_submitted_is_sent_back_with_a_reason(home, browser):
    submit(home)
    assert act(browser, "return")[1] == "没有办理：退回须写明理由。"
    assert act(browser, "return", reason="  ")[1] == "没有办理：退回须写明理由。"
    assert state(home) == "submitted"
    assert act(browser, "return", reason="人数与附件不符")[1].startswith("已退回")
    assert state(home) == "returned"
    assert ledger.history(home.app)[-1]["reason"] == "人数与附件不符"


@pytest.mark.parametrize("day", ["2022-05-05", "2022-05-16"])
def test_a_later_date_is_granted_before_and_after_the_deadline_with_a_reason(home, browser, day):
    home.clock.set(at(f"{day} 10:00"))
    browser.post("/sign-in", data={"name": "王科长", "password": "nine yellow tables"})
    assert act(browser, "extend", until="2022-05-25")[1] == "没有办理：延期须写明理由。"
    assert act(browser, "extend", reason="系统故障")[1] == "没有办理：延期须写明新的日期。"
    assert act(browser, "extend", reason="系统故障", until="soon")[1] == "没有办理：延期须写明新的日期。"
    assert events(home) == []
    assert act(browser, "extend", reason="系统故障", until="2022-05-25")[1].startswith("已延期")
    _, rows = ledger.status(home.app, unit="wanzhou", ref=REF)
    assert str(rows[0].dates.effective_due) == "2022-05-25"


def test_an_earlier_date_is_refused_in_a_sentence(home, browser):
    said = act(browser, "extend", reason="x", until="2022-05-01")[1]
    assert said.startswith("没有办理：")
    assert "延期须晚于这一天" in said
    assert events(home) == []


def test_waive_pause_resume_and_undo(home, browser):
    for verb, stands in (
        ("pause", "paused"),
        ("resume", "due_today"),
        ("waive", "waived"),
        ("undo", "due_today"),
    ):
        act(browser, verb)
        assert state(home) == stands


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"ref": REF, "unit": "wanzhou"}, "尚未报送，不能销号"),
        ({"ref": "table-9@2022-05", "unit": "wanzhou"}, "table-9"),
        ({"ref": "table-2@1999-05", "unit": "wanzhou"}, "1999-05"),
        ({"ref": REF, "unit": "nowhere"}, "nowhere"),
        ({"ref": "%", "unit": "&lt;b&gt;"}, "没有办理"),
        ({"ref": "", "unit": ""}, "没有选中"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(home, browser, fields, words):
    assert words in act(browser, "accept", **fields)[1]
    assert events(home) == []


def test_signs_that_nobody_can_see_are_refused_in_a_sentence(home, browser):
    submit(home)
    assert "没有办理" in act(browser, "return", reason="a\u202eb")[1]
    assert state(home) == "submitted"


def test_several_are_accepted_at_once_and_those_that_cannot_be_are_told_of(home, browser):
    submit(home)
    submit(home, "fuling")
    cells = [f"wanzhou {REF}", f"fuling {REF}", f"wanzhou {REF}", "wanzhou 26"]
    said = act(browser, "accept", cell=cells, ref="", unit="")[1]
    assert said.startswith("已办理2项（销号）。没有办理：")
    assert (state(home), state(home, "fuling")) == ("done", "done")


def test_back_leads_to_a_page_of_ours(home, browser):
    assert act(browser, "waive", back="https://evil.example/")[0] == f"/assignment/wanzhou/{REF}"


# --- who may ---


@pytest.mark.parametrize("verb", VERBS)
def test_looking_at_the_address_does_nothing(home, browser, verb):
    assert browser.get(f"/act/{verb}?ref={REF}&unit=wanzhou").status_code == 405
    assert events(home) == []


@pytest.mark.parametrize("verb", VERBS)
def test_a_viewer_may_not(home, verb):
    viewer = home.sign_in("李", Role.VIEWER)
    data = {
        "csrf": csrf_of(viewer),
        "ref": REF,
        "unit": "wanzhou",
        "refs": REF,
        "mail": "failed",
        "reason": "x",
    }
    answer = viewer.post(f"/act/{verb}", data=data)
    assert answer.status_code == 403
    assert "的角色是查看" in answer.text
    assert events(home) == []
    assert mails(home) == []


@pytest.mark.parametrize("verb", VERBS)
def test_a_stranger_may_not(home, browser, verb):
    assert home.browser().post(f"/act/{verb}", data={"ref": REF, "unit": "wanzhou"}).status_code == 403
    assert events(home) == []


@pytest.mark.parametrize("verb", VERBS)
def test_no_answer_without_the_secret_of_the_form(home, verb):
    operator = home.sign_in("管", Role.OPERATOR)
    answer = operator.post(
        f"/act/{verb}", data={"ref": REF, "unit": "wanzhou", "refs": REF, "mail": "failed"}
    )
    assert answer.status_code == 403
    assert (events(home), mails(home)) == ([], [])


# --- a reminder now ---


def mails(home):
    with home.app.database.reading() as session:
        return stored_mails(session, "main")


def taken(home):
    """Run the post as soon as it waits for nothing more; {address: [(reference, unit, reason)]}."""
    home.clock.set(home.clock.now() + HOLD)
    home.app.engine.deliver(home.clock.now())
    return {
        claimed.mail.to: [(item.ref, item.unit, item.reason.value) for item in claimed.mail.items]
        for claimed, _ in home.sender.take()
    }


def test_a_reminder_now_reaches_those_who_have_not_answered(home, browser):
    submit(home, "fuling")
    _, said = act(browser, "remind", refs=REF)
    assert said == "已写好1封提醒邮件（万州区应急管理局），将于2022-05-05 09:35发出。"
    assert home.woken == 1
    assert taken(home) == {"wanzhou@unit.example": [(REF, "wanzhou", "due_today")]}
    (mail,) = mails(home)
    assert mail.mail.details["asked_by"] == "王科长"
    assert mail.mail.key.startswith(f"digest/now/{REF}/")
    assert mail.mail.key.endswith("/2022-05-05/wanzhou@unit.example")


def test_pressing_twice_on_one_day_sends_once_and_the_next_day_again(home, browser):
    act(browser, "remind", refs=REF)
    assert len(taken(home)) == 2
    said = act(browser, "remind", refs=REF)[1]
    assert said == "今日已收到提醒邮件，未重复发送：万州区应急管理局、涪陵区应急管理局。"
    assert (taken(home), home.woken) == ({}, 1)
    home.clock.set(at("2022-05-06 09:30"))
    browser.post("/sign-in", data={"name": "王科长", "password": "nine yellow tables"})
    act(browser, "remind", refs=REF)
    assert {items[0][2] for items in taken(home).values()} == {"overdue"}


def test_pressing_for_one_and_then_for_all_tells_nobody_twice(home, browser):
    act(browser, "remind", refs=REF, units="wanzhou")
    assert set(taken(home)) == {"wanzhou@unit.example"}
    said = act(browser, "remind", refs=f"{REF} 2/experience@2022-05")[1]
    assert taken(home) == {
        "fuling@unit.example": [
            ("2/experience@2022-05", "fuling", "due_today"),
            (REF, "fuling", "due_today"),
        ],
    }
    assert said.endswith("今日已收到提醒邮件，未重复发送：万州区应急管理局。")
    # Ticked by hand it is meant once more.
    act(browser, "remind", refs="2/experience@2022-05", units="wanzhou", ticked="1")
    assert taken(home) == {"wanzhou@unit.example": [("2/experience@2022-05", "wanzhou", "due_today")]}


def test_three_presses_within_five_minutes_are_one_mail(home, browser):
    act(browser, "remind", refs=REF)
    home.clock.set(home.clock.now() + timedelta(minutes=2))
    act(browser, "remind", refs="2/experience@2022-05")
    act(browser, "remind", refs=f"{REF} 2/experience@2022-05", units="wanzhou")
    assert len(mails(home)) == 2
    both = {(REF, "due_today"), ("2/experience@2022-05", "due_today")}
    found = taken(home)
    assert set(found) == {"wanzhou@unit.example", "fuling@unit.example"}
    assert all({(ref, reason) for ref, _, reason in items} == both for items in found.values())
    (shown,) = {home.app.renderer.render(mail.mail).text for mail in mails(home)[:1]}
    assert "每个工作日" not in shown
    assert "督办单位临时发出" in shown


def test_before_it_goes_the_page_shows_whom_it_reaches(home, browser):
    act(browser, "remind", refs=REF, units="wanzhou")
    taken(home)
    page = browser.get("/remind", params={"refs": f"{REF} 2/experience@2022-05", "back": "/month/2022-05"})
    assert page.status_code == 200
    assert re.findall(r'name="units" value="(\w+)"( checked)?', page.text) == [
        ("wanzhou", ""),
        ("fuling", " checked"),
    ]
    assert "今日已收到提醒邮件" in page.text
    assert "fuling@unit.example" in page.text
    assert "2022年5月应报" in page.text
    assert len(mails(home)) == 1
    # Nothing ticked is nobody, and not everybody.
    assert act(browser, "remind", refs=REF, ticked="1")[1].startswith("没有选中")
    assert taken(home) == {}


def test_who_had_the_digest_of_the_day_is_left_out_unless_ticked(home, browser):
    home.app.engine.run_pass()
    heard = {mail.mail.unit for mail in mails(home)}
    home.sender.take()
    assert "wanzhou" in heard
    assert act(browser, "remind", refs=REF, units="wanzhou")[1].startswith("今日已收到提醒邮件")
    assert act(browser, "remind", refs=REF, units="wanzhou", ticked="1")[1].startswith("已写好1封")


def test_only_a_supervisor_sees_whom_it_reaches(home):
    assert home.sign_in("看", Role.VIEWER).get("/remind", params={"refs": REF}).status_code == 403


def test_what_is_answered_before_the_mail_goes_is_not_in_it(home, browser):
    act(browser, "remind", refs=REF)
    submit(home)
    assert set(taken(home)) == {"fuling@unit.example"}
    states = {mail.mail.unit: mail.state for mail in mails(home)}
    assert states == {"wanzhou": MailState.DROPPED, "fuling": MailState.SENT}


@pytest.mark.parametrize("verb", ["waive", "pause"])
def test_nobody_is_reminded_of_what_is_waived_or_paused(home, browser, verb):
    act(browser, verb)
    act(browser, verb, unit="fuling")
    assert act(browser, "remind", refs=REF)[1].startswith("没有需要提醒的")
    assert (taken(home), home.woken) == ({}, 0)


def test_nobody_is_reminded_of_what_has_not_begun(home, browser):
    assert act(browser, "remind", refs="table-2@2022-07")[1].startswith("没有需要提醒的")


@pytest.mark.parametrize(
    ("now", "goes"), [("2022-05-05 07:00", "2022-05-05 09:00"), ("2022-05-14 10:00", "2022-05-16 09:00")]
)
def test_out_of_hours_the_page_says_when_the_mail_goes(home, browser, now, goes):
    home.clock.set(at(now))
    browser.post("/sign-in", data={"name": "王科长", "password": "nine yellow tables"})
    said = act(browser, "remind", refs=REF, units="wanzhou")[1]
    assert said == f"已写好1封提醒邮件（万州区应急管理局），将于{goes}发出。"
    assert taken(home) == {}


QUIET = """\
policies:
  monthly:
    quiet: [{from: 2022-05-05, to: 2022-05-06}]
"""


def test_on_a_quiet_day_the_page_says_when_the_mail_really_goes():
    with house(settings=SETTINGS + QUIET, start="2022-05-05 09:30") as home:
        browser = home.sign_in("王科长")
        home.app.engine.run_pass()
        home.sender.take()
        # The 7th is a Saturday on which offices work.
        page = browser.get("/remind", params={"refs": REF, "units": "wanzhou"}).text
        assert "所涉事项今日均不提醒，2022-05-07 09:00发出" in page
        assert act(browser, "remind", refs=REF, units="wanzhou", ticked="1")[1] == (
            "已写好1封提醒邮件（万州区应急管理局），将于2022-05-07 09:00发出。"
            "其中1封所涉事项今日均不提醒，顺延至2022-05-07 09:00发出。"
        )
        gone: dict[str, list[str]] = {}
        for moment in ("2022-05-05 09:35", "2022-05-06 09:00", "2022-05-06 15:00", "2022-05-07 09:00"):
            home.clock.set(at(moment))
            home.app.engine.run_pass()
            for claimed, _ in home.sender.take():
                if REF in {item.ref for item in claimed.mail.items} and claimed.mail.unit == "wanzhou":
                    gone.setdefault(moment, []).append(claimed.mail.to)
        assert gone == {"2022-05-07 09:00": ["wanzhou@unit.example"]}


def test_what_joins_a_mail_that_waits_for_a_quiet_day_takes_it_along():
    with house(settings=SETTINGS + QUIET, start="2022-05-05 09:30") as home:
        browser = home.sign_in("王科长")
        act(browser, "remind", refs=REF, units="wanzhou")
        said = act(browser, "remind", refs="2/first-list", units="wanzhou")[1]
        assert said == "已写好1封提醒邮件（万州区应急管理局），将于2022-05-05 09:35发出。"
        assert {ref for ref, _, _ in taken(home)["wanzhou@unit.example"]} == {REF, "2/first-list"}


def test_a_unit_without_anybody_to_tell_is_named(home, browser):
    snapshot = home.app.snapshot
    for contact in ("wanzhou", "fuling"):
        assert snapshot.campaign.units[contact].contacts
    home.app.config.joinpath("units.yaml").write_text(
        home.app.config.joinpath("units.yaml")
        .read_text()
        .replace("contacts: [{name: 万州联络员, email: wanzhou@unit.example}]", "contacts: []")
    )
    home.app.reload()
    home.app.engine.sender = home.sender
    assert act(browser, "remind", refs=REF, units="wanzhou")[1] == "没有联系人，未能提醒：万州区应急管理局。"


@pytest.mark.parametrize("fields", [{"refs": "table-9"}, {"refs": REF, "units": "nowhere"}])
def test_a_reminder_about_what_there_is_none_of_is_refused(home, browser, fields):
    assert act(browser, "remind", **fields)[1].startswith("没有办理：")
    assert mails(home) == []


# --- mails once more ---


def test_an_operator_sends_failed_mails_again_and_a_supervisor_may_not(home, browser):
    act(browser, "remind", refs=REF)
    with home.app.database.writing() as session:
        session.connection().exec_driver_sql("UPDATE mail SET state = 'failed'")
    number = mails(home)[0].id
    answer = browser.post("/act/retry", data={"csrf": csrf_of(browser), "mail": str(number)})
    assert answer.status_code == 403
    operator = home.sign_in("管", Role.OPERATOR)
    assert act(operator, "retry", mail=str(number))[1] == "已将1封邮件重新列入待发。"
    assert [mail.state for mail in mails(home)] == [MailState.QUEUED, MailState.FAILED]
    assert act(operator, "retry", mail="failed")[1] == "已将1封邮件重新列入待发。"
    assert home.woken == 3


@pytest.mark.parametrize("number", ["", "x", "-1", "1 OR 1", "²", "9" * 30, "77"])
def test_a_mail_that_there_is_none_of_is_not_sent_again(home, number):
    operator = home.sign_in("管", Role.OPERATOR)
    assert "没有" in act(operator, "retry", mail=number)[1]


def test_items_of_a_reminder_are_kept_like_those_of_any_digest(home, browser):
    act(browser, "remind", refs=REF, units="wanzhou")
    with home.app.database.reading() as session:
        content = session.connection().exec_driver_sql("SELECT content FROM mail").scalar()
    (item,) = items_from_json(str(content))
    assert (item.ref, item.unit, item.days_left) == (REF, "wanzhou", 0)
