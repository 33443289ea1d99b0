"""What was due before the ledger began, settled from its page; nobody is reminded of it."""

from __future__ import annotations

import re
import threading

import pytest

from tests.integration.web import csrf_of, house, shown
from tests.tools import CAMPAIGN
from tracker import desk
from tracker.core.model import Event, EventKind
from tracker.core.roles import Role

#: Of the small campaign these were due before the ledger began, on 12 July: nine assignments in all.
TABLES = ("table-2@2022-05", "table-2@2022-06", "table-2@2022-07")


@pytest.fixture
def home(tmp_path):
    tasks = CAMPAIGN.replace("  chase_from: 2022-04-08\n", "")
    # In a file, as two ask at once.
    database = f"sqlite:///{tmp_path / 'tracker.db'}"
    with house(start="2022-07-12 09:30", tasks=tasks, database=database) as found:
        found.app.engine.bring_up_to_date(found.clock.now())
        yield found


def press(browser, refs, how="submit", **more):
    """The sentence after the button was pressed."""
    data = {
        "csrf": csrf_of(browser, "/sign-in/nothing"),
        "refs": list(refs),
        "how": how,
        "back": "/nothing",
        **more,
    }
    answer = browser.post("/act/settle", data=data)
    assert answer.status_code == 303, answer.text
    return shown(browser)


def states(home, unit="wanzhou"):
    _, rows = desk.status(home.app, unit=unit)
    return {row.ref: row.state.value for row in rows}


def events(home):
    return [
        (each["ref"], each["unit"], each["event"], each["who"], each["via"])
        for each in desk.history(home.app)
    ]


def test_a_supervisor_settles_what_is_ticked_under_their_name(home):
    browser = home.sign_in("王科长")
    page = browser.get("/before").text
    assert 'action="/act/settle"' in page
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
    fact = desk.history(home.app, unit="wanzhou")[0]
    assert (fact["at"][:10], fact["recorded_at"][:16]) == ("2022-05-05", "2022-07-12T09:30")
    page = browser.get("/assignment/wanzhou/table-2@2022-05").text
    assert re.search(
        r"<time>2022-07-12 09:30</time> <b>报送</b> <span[^>]*>（台账建立前事项，按2022-05-05 12:00计）", page
    )


def test_of_one_unit_only_where_that_was_chosen(home):
    browser = home.sign_in("王科长")
    assert press(browser, ["table-2"], "nil", units="wanzhou").startswith("已登记3项次")
    assert {states(home)[ref] for ref in TABLES} == {"nil"}
    assert {states(home, "fuling")[ref] for ref in TABLES} == {"before"}


def test_a_viewer_and_a_stranger_may_not(home):
    viewer = home.sign_in("李", Role.VIEWER)
    assert 'action="/act/settle"' in viewer.get("/before").text
    assert 'name="how"' not in viewer.get("/before").text
    for browser in (viewer, home.browser()):
        data = {"csrf": csrf_of(browser), "refs": "table-2", "how": "submit"}
        assert browser.post("/act/settle", data=data).status_code == 403
    # Nor anybody without the secret of the form.
    assert (
        home.sign_in("王科长").post("/act/settle", data={"refs": "table-2", "how": "submit"}).status_code
        == 403
    )
    assert events(home) == []


@pytest.mark.parametrize(
    ("refs", "how"),
    [([], "submit"), (["table-2"], "drop"), (["table-9"], "submit"), (["table-2@x"], "submit")],
)
def test_what_means_nothing_changes_nothing_and_says_so(home, refs, how):
    assert press(home.sign_in("王科长"), refs, how)
    assert events(home) == []


def test_what_was_answered_since_the_page_was_opened_is_left_as_it_is(home):
    browser = home.sign_in("王科长")
    browser.get("/before")
    now = home.clock.now()
    desk.record(home.app, Event(now, "table-2@2022-05", "wanzhou", EventKind.SUBMIT, who="unit"))
    desk.record(home.app, Event(now, "table-2@2022-06", "fuling", EventKind.WAIVE, who="other"))
    assert press(browser, TABLES, "accept").startswith("已登记4项次")
    assert states(home)["table-2@2022-05"] == "submitted"
    assert states(home, "fuling")["table-2@2022-06"] == "waived"
    of_two = [each[3] for each in events(home) if each[:2] in {(TABLES[0], "wanzhou"), (TABLES[1], "fuling")}]
    assert of_two == ["unit", "other"]
    # Pressed once more, as after a page that was slow: there is nothing left.
    assert press(browser, TABLES, "accept").startswith("已登记0项次")


def test_two_supervisors_at_once_settle_each_of_it_once(home):
    browsers = [home.sign_in("王科长"), home.sign_in("李科长")]
    secrets = [csrf_of(each) for each in browsers]
    ready, codes = threading.Barrier(2), []

    def press_now(browser, csrf):
        ready.wait(30)
        data = {"csrf": csrf, "refs": "table-2", "how": "accept"}
        codes.append(browser.post("/act/settle", data=data).status_code)

    threads = [threading.Thread(target=press_now, args=each) for each in zip(browsers, secrets, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert codes == [303, 303]
    of = [each[:3] for each in events(home)]
    assert sorted(of) == sorted(
        (ref, unit, kind) for ref in TABLES for unit in ("fuling", "wanzhou") for kind in ("accept", "submit")
    )
    assert {states(home, unit)[ref] for unit in ("wanzhou", "fuling") for ref in TABLES} == {"done"}


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
    desk.record(home.app, Event(now, "table-2@2022-06", "wanzhou", EventKind.SUBMIT, who="unit"))
    desk.record(home.app, Event(now, "table-2@2022-06", "wanzhou", EventKind.RETURN, who="t", reason="不符"))
    assert 'action="/remind"' in browser.get("/assignment/wanzhou/table-2@2022-06").text
    browser.post("/act/remind", data=data)
    assert shown(browser).startswith("已写好1封提醒邮件（万州区应急管理局）")
