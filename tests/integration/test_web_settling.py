"""What was due before the ledger began, settled from its page; nobody is reminded of it."""

from __future__ import annotations

import re
import threading

import pytest

from tests.integration.web import csrf_of, house, shown
from tests.tools import CAMPAIGN
from tests.web import flaws
from tracker.core.model import Event, EventKind
from tracker.core.roles import Role
from tracker.ledger.beginning import Scope
from tracker.ledger.record import read_history
from tracker.usecases import ledger, takeover

#: Of the small campaign these were due before the ledger began, on 12 July, and three other things: fifteen assignments in all.
TABLES = ("table-2@2022-05", "table-2@2022-06", "table-2@2022-07")


@pytest.fixture
def home(tmp_path):
    tasks = CAMPAIGN.replace("  chase_from: 2022-04-08\n", "")
    # In a file, as two ask at once.
    database = f"sqlite:///{tmp_path / 'tracker.db'}"
    with house(start="2022-07-12 09:30", tasks=tasks, database=database) as found:
        found.app.engine.bring_up_to_date(found.clock.now())
        yield found


def look(browser, refs=(), how="submit", **more):
    """The form of the preview, as a browser would send it."""
    page = browser.get("/before/preview", params={"refs": list(refs), "how": how, **more})
    assert page.status_code == 200, page.text
    assert not flaws(page.text)
    return hidden(page.text, "/act/settle")


def hidden(page, action):
    """What the hidden fields of a form say; None where there is no such form."""
    form = re.search(rf'<form method="post" action="{action}".*?</form>', page, re.DOTALL)
    return form and dict(re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', form[0]))


def confirm(browser, form):
    """The address of the page that is shown then, without its ``Location`` where nothing was recorded."""
    answer = browser.post("/act/settle", data=form)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def press(browser, refs=(), how="submit", **more):
    """Look, confirm, and the sentence that stands on the next page."""
    confirm(browser, look(browser, refs, how, **more))
    return shown(browser)


def undo(browser, page):
    """The button on a settlement's page."""
    answer = browser.post("/act/unsettle", data=hidden(browser.get(page).text, "/act/unsettle"))
    assert answer.headers["location"] == page
    return shown(browser)


def at_once(browsers, address, forms):
    """What each is answered who presses in the same moment."""
    ready, found = threading.Barrier(len(browsers)), []

    def press_now(browser, form):
        ready.wait(30)
        found.append(browser.post(address, data=form))

    threads = [threading.Thread(target=press_now, args=each) for each in zip(browsers, forms, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return found


def states(home, unit="wanzhou"):
    _, rows = ledger.status(home.app, unit=unit)
    return {row.ref: row.state.value for row in rows}


def events(home):
    return [
        (each["ref"], each["unit"], each["event"], each["who"], each["via"])
        for each in ledger.history(home.app)
    ]


def test_a_supervisor_settles_what_is_ticked_under_their_name(home):
    browser = home.sign_in("王科长")
    page = browser.get("/before").text
    assert 'action="/before/preview"' in page
    assert 'value="table-2@2022-06"' in page
    assert press(browser, ["table-2@2022-05", "table-2@2022-06"]).startswith("已登记4项次")
    found = states(home)
    assert [found[ref] for ref in TABLES] == ["submitted", "submitted", "before"]
    assert sorted(events(home)) == [
        (ref, unit, "submit", "王科长", "web") for ref in TABLES[:2] for unit in ("fuling", "wanzhou")
    ]
    # A key means all that is left of it.
    assert press(browser, ["table-2"], "accept").startswith("已登记2项次")
    assert states(home)["table-2@2022-07"] == "done"
    assert 'value="table-2@2022-06"' not in browser.get("/before").text


def test_the_legend_says_what_the_sign_of_it_stands_for_while_there_is_any(home):
    browser = home.sign_in("王科长")
    assert "无标记：未到时限、台账建立前到期<" in browser.get("/").text
    press(browser, re.findall(r'name="refs" value="([^"]*)"', browser.get("/before").text), "waive")
    assert "无标记：未到时限<" in browser.get("/").text


def test_the_history_says_when_it_was_really_recorded_and_that_it_is_from_before(home):
    browser = home.sign_in("王科长")
    press(browser, ["table-2@2022-05"])
    fact = ledger.history(home.app, unit="wanzhou")[0]
    assert (fact["at"][:10], fact["recorded_at"][:16]) == ("2022-05-05", "2022-07-12T09:30")
    page = browser.get("/assignment/wanzhou/table-2@2022-05").text
    assert re.search(
        r"<time>2022-07-12 09:30</time> <b>报送</b> <span[^>]*>（台账建立前事项，按2022-05-05 12:00计）", page
    )


def test_of_one_unit_only_where_that_was_chosen(home):
    browser = home.sign_in("王科长")
    assert press(browser, ["table-2"], "nil", unit="wanzhou").startswith("已登记3项次")
    assert {states(home)[ref] for ref in TABLES} == {"nil"}
    assert {states(home, "fuling")[ref] for ref in TABLES} == {"before"}


def test_a_viewer_and_a_stranger_may_not(home):
    viewer = home.sign_in("李", Role.VIEWER)
    assert 'name="how"' not in viewer.get("/before").text
    assert viewer.get("/before/preview", params={"how": "submit"}).status_code == 403
    supervisor = home.sign_in("王科长")
    form = look(supervisor, ["table-2"])
    page = confirm(supervisor, look(supervisor, [TABLES[0]]))
    known = events(home)
    for browser in (viewer, home.browser()):
        for address, data in (("/act/settle", form), ("/act/unsettle", {"number": page.rpartition("/")[2]})):
            answer = browser.post(address, data={**data, "csrf": csrf_of(browser)})
            assert answer.status_code == 403
    # A viewer sees what was recorded, and no button.
    assert "/act/unsettle" not in viewer.get(page).text
    # Nor may anybody without the secret of the form.
    for address, data in (("/act/settle", form), ("/act/unsettle", {"number": page.rpartition("/")[2]})):
        assert supervisor.post(address, data={**data, "csrf": "x"}).status_code == 403
    assert events(home) == known


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"how": "drop"}, 400),
        ({}, 400),
        ({"how": "submit", "refs": "table-9"}, 400),
        ({"how": "submit", "refs": "table-2@x"}, 400),
        ({"how": "submit", "unit": "nobody"}, 400),
        ({"how": "submit", "month": "May"}, 400),
    ],
)
def test_what_means_nothing_is_told_at_the_preview(home, asked, status):
    assert home.sign_in("王科长").get("/before/preview", params=asked).status_code == status


def test_nothing_is_recorded_that_nobody_looked_at(home):
    browser = home.sign_in("王科长")
    form = look(browser, ["table-2"])
    for change in ({"seen": ""}, {"seen": "x"}, {"files": "other"}, {"how": "drop"}, {"unit": "nobody"}):
        assert confirm(browser, {**form, **change})
        assert shown(browser)
        assert events(home) == [], change
    # What comes without a look is shown first.
    page = confirm(browser, {name: form[name] for name in ("csrf", "how", "refs")})
    assert page == "/before/preview?refs=table-2&how=submit"
    assert shown(browser) == "请先核对清单，确认后再登记。"
    assert "确认登记6项次" in browser.get(page).text


def test_the_preview_says_what_is_recorded_and_what_follows_and_records_nothing(home):
    browser = home.sign_in("王科长")
    left = re.findall(r'name="refs" value="([^"]*)"', browser.get("/before").text)
    page = browser.get("/before/preview", params={"how": "submit"}).text
    # With nothing ticked it is all of it, and what needs an acceptance is counted.
    assert "核对：登记为已报送，15项次" in page
    assert "其中6项次须审核销号" in page
    assert "确认登记15项次" in page
    for ref in left:
        assert ref.partition("@")[0] in page
    assert re.findall(r"待审核</span> (\d)项次", page) == ["6"]
    # By month, by unit and by task.
    for asked, number in (
        ({"month": "2022-06"}, 6),
        ({"unit": "wanzhou", "refs": "table-2"}, 3),
        ({"refs": "table-2@2022-05 table-2@2022-07"}, 4),
        ({"unit": "wanzhou", "month": "2022-07", "refs": "table-2"}, 1),
    ):
        page = browser.get("/before/preview", params={"how": "waive", **asked}).text
        assert f"核对：登记为免报，{number}项次" in page, asked
    assert events(home) == []


def test_a_settlement_says_what_it_recorded_and_is_undone_as_a_whole(home):
    browser = home.sign_in("王科长")
    before = states(home), states(home, "fuling")
    page = confirm(browser, {**look(browser, how="accept"), "note": "已当面核对"})
    said = browser.get(page).text
    assert not flaws(said)
    assert "登记为已销号，15项次" in said
    assert "已当面核对" in said
    assert "仍有效15项次" in said
    assert home.woken
    assert page in browser.get("/before").text
    assert len(events(home)) == 30
    assert {each["note"] for each in ledger.history(home.app)} == {"已当面核对"}
    assert undo(browser, page).startswith("已撤销15项次")
    assert (states(home), states(home, "fuling")) == before
    assert "<dd>已撤销15项次</dd>" in browser.get(page).text
    # The history stays, with what was taken back by whom.
    assert [each[2:] for each in events(home)].count(("undo", "王科长", "web")) == 30
    assert len(events(home)) == 60
    # A second press, as of a page that is still open, does nothing.
    form = {"csrf": csrf_of(browser), "number": page.rpartition("/")[2]}
    browser.post("/act/unsettle", data=form)
    assert shown(browser) == "没有可撤销的事项，未作变动。"
    assert len(events(home)) == 60
    # It can be settled anew, which is another settlement.
    again = confirm(browser, look(browser, how="waive"))
    assert again != page
    assert "仍有效15项次" in browser.get(again).text
    assert "已撤销15项次" in browser.get(page).text


def test_what_was_done_about_an_item_since_is_left_by_the_undo_and_named(home):
    browser, now = home.sign_in("王科长"), home.clock.now()
    page = confirm(browser, look(browser, ["table-2"], "accept"))

    def record(kind, ref, unit="wanzhou", **more):
        ledger.record(home.app, Event(now, ref, unit, EventKind(kind), who="李科长", via="web", **more))

    record("return", TABLES[0], reason="不符")
    record("undo", TABLES[1])
    record("return", TABLES[2], reason="不符")
    record("undo", TABLES[2])
    before = states(home)
    assert undo(browser, page).startswith("已撤销5项次")
    found = states(home)
    assert found[TABLES[0]] == before[TABLES[0]] == "returned"
    # Of what was taken back in part the rest is; what was done and taken back since is in nobody's way.
    assert [found[ref] for ref in TABLES[1:]] == ["before", "before"]
    assert {states(home, "fuling")[ref] for ref in TABLES} == {"before"}
    said = browser.get(page).text
    assert "登记后另行办理的1项次" in said
    assert re.search(
        r"万州区应急管理局 汇总表（培训机构）（2022年5月应报，4月份情况）</a> <b>退回</b>.*李科长", said
    )


def test_two_settlements_of_one_moment_by_one_person_are_two(home):
    browser = home.sign_in("王科长")
    first = confirm(browser, look(browser, [TABLES[0]]))
    second = confirm(browser, look(browser, [TABLES[1]]))
    assert len({each["recorded_at"] for each in ledger.history(home.app)}) == 1
    assert undo(browser, second).startswith("已撤销2项次")
    assert [states(home)[ref] for ref in TABLES] == ["submitted", "before", "before"]
    assert "仍有效2项次" in browser.get(first).text


def test_what_was_answered_since_the_page_was_opened_is_left_as_it_is_and_named(home):
    browser = home.sign_in("王科长")
    form, now = look(browser, ["table-2"], "accept"), home.clock.now()
    ledger.record(home.app, Event(now, TABLES[0], "wanzhou", EventKind.SUBMIT, who="万州王五", via="link"))
    ledger.record(home.app, Event(now, TABLES[1], "fuling", EventKind.WAIVE, who="other"))
    page = confirm(browser, form)
    assert shown(browser).startswith("已登记4项次")
    assert states(home)[TABLES[0]] == "submitted"
    assert states(home, "fuling")[TABLES[1]] == "waived"
    of_two = [each[3] for each in events(home) if each[:2] in {(TABLES[0], "wanzhou"), (TABLES[1], "fuling")}]
    assert of_two == ["万州王五", "other"]
    said = browser.get(page).text
    assert "未登记：核对期间已另行办理的2项次" in said
    assert re.search(
        r"万州区应急管理局 汇总表（培训机构）（2022年5月应报，4月份情况）</a> <b>报送</b>.*万州王五", said
    )
    # Pressed once more, as after a page that was slow: it leads to the same settlement.
    known = events(home)
    assert confirm(browser, form) == page
    assert shown(browser).startswith("这些事项此前已登记")
    # Whoever else looked at the same is told who was faster.
    other = home.sign_in("李科长")
    answer = other.post("/act/settle", data={**form, "csrf": csrf_of(other)})
    assert answer.status_code == 200
    assert "没有登记任何事项" in answer.text
    assert "核对期间已另行办理的6项次" in answer.text
    assert events(home) == known


def test_what_nobody_saw_in_the_preview_is_not_settled(home):
    browser, now = home.sign_in("王科长"), home.clock.now()
    ledger.record(home.app, Event(now, TABLES[0], "wanzhou", EventKind.WAIVE, who="t"))
    form = look(browser, ["table-2"])
    # It is open again meanwhile: it was not on the list.
    ledger.record(home.app, Event(now, TABLES[0], "wanzhou", EventKind.UNDO, who="t"))
    confirm(browser, form)
    assert shown(browser).startswith("已登记5项次")
    assert states(home)[TABLES[0]] == "before"


def test_a_settlement_that_is_none_is_not_found(home):
    browser = home.sign_in("王科长")
    ledger.record(home.app, Event(home.clock.now(), TABLES[0], "wanzhou", EventKind.SUBMIT, who="t"))
    for number in ("1", "9" * 18):
        assert browser.get(f"/before/{number}").status_code == 404
        browser.post("/act/unsettle", data={"csrf": csrf_of(browser), "number": number})
        assert shown(browser).startswith("没有办理：没有编号为")
    for number in ("", "x", "9" * 30):
        browser.post("/act/unsettle", data={"csrf": csrf_of(browser), "number": number})
        assert shown(browser) == "没有选中任何事项，没有办理。"
    assert states(home)[TABLES[0]] == "submitted"


def test_an_edit_of_the_files_since_the_look_wants_another_look(home):
    browser = home.sign_in("王科长")
    form = look(browser, ["table-2"])
    tasks = home.app.config / "tasks.yaml"
    tasks.write_text(tasks.read_text(encoding="utf-8").replace("每月5日前", "每月6日前", 1), encoding="utf-8")
    home.app.reload()
    home.app.engine.bring_up_to_date(home.clock.now())
    assert confirm(browser, form) == "/before/preview?refs=table-2&how=submit"
    assert shown(browser) == "没有办理：核对期间配置文件有改动，未作登记，请重新核对。"
    assert events(home) == []


def test_two_supervisors_at_once_settle_each_of_it_once(home):
    browsers = [home.sign_in("王科长"), home.sign_in("李科长")]
    forms = [look(each, ["table-2"], "accept") for each in browsers]
    found = at_once(browsers, "/act/settle", forms)
    assert sorted(each.status_code for each in found) == [200, 303]
    assert "没有登记任何事项" in min(found, key=lambda each: each.status_code).text
    of = [each[:3] for each in events(home)]
    assert sorted(of) == sorted(
        (ref, unit, kind) for ref in TABLES for unit in ("fuling", "wanzhou") for kind in ("accept", "submit")
    )
    assert {states(home, unit)[ref] for unit in ("wanzhou", "fuling") for ref in TABLES} == {"done"}


def test_two_supervisors_at_once_take_each_of_it_back_once(home):
    browsers = [home.sign_in("王科长"), home.sign_in("李科长")]
    page = confirm(browsers[0], look(browsers[0], ["table-2"], "accept"))
    forms = [hidden(each.get(page).text, "/act/unsettle") for each in browsers]
    found = at_once(browsers, "/act/unsettle", forms)
    assert [each.headers["location"] for each in found] == [page, page]
    assert [each[2] for each in events(home)].count("undo") == 12
    assert {states(home, unit)[ref] for unit in ("wanzhou", "fuling") for ref in TABLES} == {"before"}


def test_nobody_is_reminded_of_what_was_due_before_the_ledger_began(home):
    browser = home.sign_in("王科长")
    page = browser.get("/assignment/wanzhou/table-2@2022-06").text
    assert 'action="/remind"' not in page
    assert 'action="/act/waive"' in page
    assert 'name="units"' not in browser.get("/remind", params={"refs": "table-2@2022-06"}).text
    data = {"csrf": csrf_of(browser), "refs": "table-2@2022-06", "back": "/nothing"}
    browser.post("/act/remind", data=data)
    assert shown(browser).startswith("没有需要提醒的")
    # What was sent back is chased again, and may be reminded of.
    now = home.clock.now()
    ledger.record(home.app, Event(now, "table-2@2022-06", "wanzhou", EventKind.SUBMIT, who="unit"))
    ledger.record(
        home.app, Event(now, "table-2@2022-06", "wanzhou", EventKind.RETURN, who="t", reason="不符")
    )
    assert 'action="/remind"' in browser.get("/assignment/wanzhou/table-2@2022-06").text
    browser.post("/act/remind", data=data)
    assert shown(browser).startswith("已写好1封提醒邮件（万州区应急管理局）")


def test_where_the_day_lies_ahead_every_page_and_the_command_name_what_is_over_and_nothing_to_come(tmp_path):
    """On 12 July everything is set aside up to September, also the table of August."""
    tasks = CAMPAIGN.replace("chase_from: 2022-04-08", "chase_from: 2022-09-01")
    with house(
        start="2022-07-12 09:30", tasks=tasks, database=f"sqlite:///{tmp_path / 'tracker.db'}"
    ) as home:
        home.app.engine.bring_up_to_date(home.clock.now())
        listed = takeover.before(home.app, Scope(["table-2"]))
        assert [each["ref"] for each in listed] == list(TABLES)
        number = sum(each["units"] for each in takeover.before(home.app, Scope()))
        of_one = sum(each["units"] for each in takeover.before(home.app, Scope(units=["wanzhou"])))
        browser = home.sign_in("王科长")
        page = browser.get("/before").text
        assert "table-2@2022-07" in page
        assert "table-2@2022-08" not in page
        assert f"尚未登记的{number}项次" in page
        assert f"台账建立前事项{number}项次" in browser.get("/").text
        unit = browser.get("/unit/wanzhou").text
        assert f"台账建立前事项{of_one}项次" in unit
        assert "table-2@2022-08" in unit
        form = look(browser, ["table-2"], "nil")
        assert "table-2@2022-08" not in browser.get("/before/preview", params={"how": "nil"}).text
        # A form that does not say when it was looked at is shown the list first; one that says tomorrow gets today's.
        assert confirm(browser, {key: each for key, each in form.items() if key != "day"}).startswith(
            "/before/preview"
        )
        assert not events(home)
        confirm(browser, {**form, "day": "2022-12-31"})
        assert {ref for ref, *_ in events(home)} == set(TABLES)
        with home.app.database.reading() as session:
            assert max(each.at for each in read_history(session, "main")) <= home.clock.now()
