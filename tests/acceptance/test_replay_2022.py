"""The year 2022 as it happened: ``tests/fixtures/events-2022.yaml`` over the shipped files.

One district is on time, one late, one is sent back and corrects, one is granted an extension, one has nothing to
report, one is paused and waived, one is never heard of.  First a story, day by day, for a clerk to read against the
document; then every mail and every light of the year against the oracle; then every explanation against the mails.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

from tests.acceptance.house import assert_same, lines_of
from tests.acceptance.lights import light_of
from tests.acceptance.oracle import Clerk, History, read_events
from tests.tools import made_json
from tests.world import Running
from tracker.clock import VirtualClock
from tracker.config.events import read_events as read_as_the_service
from tracker.config.loader import load_or_raise
from tracker.core.model import MailKind
from tracker.planning.explain import ReminderOutcome, explain
from tracker.service.app import App
from tracker.usecases.json_facts import status_facts
from tracker.usecases.ledger import status
from tracker.usecases.mailing import simulated_mails

CONFIG = Path(__file__).parents[2] / "config"
EVENTS = Path(__file__).parents[1] / "fixtures" / "events-2022.yaml"
ZONE = ZoneInfo("Asia/Shanghai")
DAY = timedelta(days=1)
FIRST, LAST = date(2022, 4, 8), date(2022, 12, 31)


@pytest.fixture(scope="module")
def clerk():
    return Clerk.of(load_or_raise(CONFIG))


@pytest.fixture(scope="module")
def happened(clerk):
    """The events as the oracle reads them: names made ids, numbers made numbers."""
    ids = {
        name: unit.id
        for unit in clerk.campaign.units.values()
        for name in (unit.id, unit.name, *unit.aliases)
    }
    rows = yaml.load(EVENTS.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    for row in rows:
        row["unit"] = ids[row["unit"]]
        row["count"] = int(row["count"]) if "count" in row else None
    return read_events(rows, ZONE)


@pytest.fixture(scope="module")
def mails(tmp_path_factory):
    """What ``tracker simulate --events`` prints, as values."""
    return made_json(tmp_path_factory, "replayed", _simulated)


def _simulated():
    app = App(CONFIG, database="sqlite://", environ={})
    try:
        return [fact for _, fact in simulated_mails(app, FIRST, LAST, events_file=EVENTS)]
    finally:
        app.close()


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    """``ledger(moment)``: what ``tracker status --at`` says, of a database file that took each event at its time."""
    path = tmp_path_factory.mktemp("ledger") / "tracker.db"
    clock = VirtualClock(datetime.combine(FIRST, time(0), ZONE))
    app = App(CONFIG, database=f"sqlite:///{path}", environ={}, clock=clock)
    app.engine.bring_up_to_date(clock.now())
    for event in read_as_the_service(EVENTS, ZONE, app.snapshot.unit_id):
        clock.set(event.at)
        app.engine.record(event)
    clock.set(datetime.combine(LAST, time(23), ZONE))
    yield lambda moment: status_facts(app.snapshot, *status(app, moment))["rows"]
    app.close()


def test_the_file_has_every_kind_of_event(happened):
    kinds = {"submit", "nil", "accept", "return", "extend", "waive", "pause", "resume", "undo"}
    assert {event["event"] for event in happened} == kinds
    assert [event["at"] for event in happened] == sorted(event["at"] for event in happened)


# --- the story ---

#: On that day, the mail to whom says of whose assignment what, with how many days left; and its light at six in
#: the evening.  "-" says that it is not in that mail.
STORY = """
04-08 万州区 万州区 16 overdue -8 red                        # 三月底的事，文件四月才下发：当天就是逾期
04-08 万州区 万州区 5 opened 267 none                        # 新任务，告知一次
04-08 城口县 城口县 table-2-self-check lead 7 amber          # 提前七天
04-11 万州区 万州区 16 - 0 amber                             # 补登：迟了，永远不会变绿
04-12 万州区 万州区 table-2-self-check lead 3 green          # 九点提醒，九点半就报了
04-14 万州区 万州区 table-2-self-check - 0 green             # 报了的不再提醒
04-14 城口县 城口县 table-2-self-check lead 1 amber
04-15 渝北区 渝北区 table-2-self-check returned 0 green      # 昨天下午退回；今天改正，还在期限内
04-15 巴南区 巴南区 table-2-self-check due_today 0 green     # 零报告也是报告
04-15 北碚区 北碚区 table-2-self-check - 0 amber             # 延期到29日，今天不催
04-18 城口县 城口县 table-2-self-check overdue -3 red        # 过后第一个工作日
04-18 涪陵区 涪陵区 table-2-self-check overdue -3 red
04-18 市考试中心 城口县 table-2-self-check - 0 red           # 还没有到升级督办的时候
04-20 市考试中心 城口县 table-2-self-check escalation -5 red  # 逾期第三个工作日
04-20 市考试中心 涪陵区 table-2-self-check escalation -5 amber  # 十点才报来
04-20 市考试中心 北碚区 table-2-self-check - 0 amber         # 延了期，没有逾期
04-25 城口县 城口县 table-2-self-check overdue -10 red       # 每七天一次
04-28 北碚区 北碚区 table-2-self-check lead 1 green          # 延期以内报来，是按时
04-29 城口县 城口县 table-2@2022-05 lead 6 none              # 五天、一天之前都放假，提前到节前
05-05 市应急管理局 市应急管理局 25/spot-checks pace 87 none   # 过了四分之一，十个还一个没有
05-05 北碚区 北碚区 table-2@2022-05 due_today 0 none         # 九点半才准延期
05-05 城口县 城口县 table-2@2022-05 due_today 0 amber
05-06 城口县 城口县 table-2@2022-05 overdue -1 red
05-06 市考试中心/情况汇总 城口县 table-2@2022-05 overdue -1 red  # 情况汇总：谁没有报
05-06 市考试中心/情况汇总 北碚区 table-2@2022-05 lead 14 none    # 延期的也列上
05-06 市考试中心/情况汇总 万州区 table-2@2022-05 - 0 green
05-06 市考试中心/情况汇总 巴南区 table-2@2022-05 - 0 green
05-06 万盛经开区 万盛经开区 26/experience@2022-05 - 0 grey   # 免报
05-07 城口县 城口县 table-2@2022-05 - 0 red                  # 调休上班，但每两个工作日一次
05-09 城口县 城口县 table-2@2022-05 overdue -4 red
05-09 市考试中心 城口县 table-2@2022-05 escalation -4 red    # 6日、7日（周六上班）、9日
05-10 渝北区 渝北区 table-2@2022-05 returned -5 red          # 退回了，期限已过
05-12 渝北区 渝北区 table-2@2022-05 - 0 amber                # 改正了，但是迟了
05-13 渝北区 渝北区 table-2@2022-05 - 0 amber                # 销号也不变绿
05-13 北碚区 北碚区 table-2@2022-05 lead 7 none              # 15日是星期天
05-19 北碚区 北碚区 table-2@2022-05 lead 1 green
05-20 涪陵区 涪陵区 20 due_today 0 amber
05-23 涪陵区 涪陵区 20 overdue -3 red
05-25 市考试中心 涪陵区 20 escalation -5 red
05-30 万州区 万州区 22 lead 1 green
06-01 万州区 万州区 22 - 0 blue                              # 办结以后持续推进
06-01 市应急管理局 市应急管理局 25/spot-checks pace 60 none   # 应有四个，只有三个
06-02 渝北区 渝北区 table-2@2022-06 lead 3 amber             # 端午节前最后一次
06-06 渝北区 渝北区 table-2@2022-06 - 0 green                # 5日晚上十一点半报的，按时
06-08 市考试中心 城口县 table-2@2022-06 escalation -3 red
06-21 城口县 城口县 5/first-list - 0 green                   # 登错了
06-22 城口县 城口县 5/first-list - 0 amber                   # 撤销了
06-23 城口县 城口县 5/first-list lead 7 amber
07-01 市应急管理局 市应急管理局 25/spot-checks lead 30 amber  # 提前三十天，比进度更要紧
07-18 北碚区 北碚区 5/first-list overdue -3 red              # 延到15日，还是没报
07-20 市考试中心 北碚区 5/first-list escalation -5 amber
07-22 万盛经开区 万盛经开区 24 - 0 grey                      # 暂停
07-29 万盛经开区 万盛经开区 24 lead 2 amber                  # 恢复了；31日是星期天
08-01 万盛经开区 万盛经开区 24 overdue -1 red
08-03 渝北区 渝北区 24 returned -3 red
08-03 市考试中心 渝北区 24 escalation -3 red                 # 退回没有改正，照样升级督办
09-01 城口县 城口县 5 pace 121 none                          # 一个案例也没有
09-01 万州区 万州区 5 - 0 none                               # 有了一个，不落后
10-08 城口县 城口县 5 pace 84 none                           # 国庆以后第一个工作日
10-10 市考试中心 城口县 26/experience@2022-10 escalation -5 red
10-31 万州区 万州区 23 due_today 0 amber
11-01 万州区 万州区 23 - 0 green                             # 最后一分钟报的
11-01 涪陵区 涪陵区 23 - 0 amber                             # 零点报的，迟了一天
12-30 渝北区 渝北区 5 - 0 green                              # 两个一次报齐
""".strip().splitlines()


@pytest.mark.parametrize("row", [line.partition("#")[0].strip() for line in STORY])
def test_the_story(row, clerk, mails, ledger, lights_of):
    day, to, whose, ref, says, left, light = row.split()
    named = {name: unit for unit in clerk.campaign.units.values() for name in (unit.name, *unit.aliases)}
    reader, kind = to.removesuffix("/情况汇总"), "rollup" if to.endswith("/情况汇总") else "digest"
    unit = named[whose].id
    said = [
        (item["reason"], item["days_left"])
        for mail in mails
        if mail["at"][:10] == f"2022-{day}" and mail["kind"] == kind
        if mail["to"] == [named[reader].contacts[0].email]
        for item in mail["items"]
        if (item["ref"], item["unit"]) == (ref, unit)
    ]
    assert said == ([] if says == "-" else [(says, int(left))])
    assert lights_of(f"2022-{day}")[ref, unit] == light


@pytest.fixture(scope="module")
def lights_of(ledger):
    """``lights_of(day)``: every light at six in the evening."""
    known: dict[str, dict[tuple[str, str], str]] = {}

    def look(day):
        if day not in known:
            rows = ledger(datetime.combine(date.fromisoformat(day), time(18), ZONE))
            known[day] = {(row["ref"], row["unit"]): row["light"] for row in rows}
        return known[day]

    return look


# --- the whole year ---


def test_every_mail_of_the_year_is_right(clerk, happened, mails):
    expected = clerk.mails(FIRST, LAST, happened)
    assert_same(expected, lines_of(mails))
    reasons = {line.reason for lines in expected.values() for line in lines}
    assert reasons == {
        "opened",
        "lead",
        "due_today",
        "overdue",
        "escalation",
        "review",
        "pace",
        "returned",
    }


SIXTHS_AND_LAST_DAYS = [day for n in range(268) if (day := FIRST + n * DAY).day == 6 or (day + DAY).day == 1]


@pytest.mark.parametrize("day", SIXTHS_AND_LAST_DAYS, ids=str)
def test_every_light_is_right(clerk, happened, ledger, day):
    moment = datetime.combine(day, time(18), ZONE)
    told = {(row["ref"], row["unit"]): row for row in ledger(moment)}
    for unit, cells in clerk._asked_of_units(LAST).items():
        events = [event for event in happened if event["unit"] == unit and event["at"] <= moment]
        for one in cells:
            if one.opens > day:
                continue
            history = History(clerk._quota(one))
            for event in events:
                if event["ref"] == one.ref:
                    history.take(event)
            row = told.pop((one.ref, unit))
            due = clerk.date_in_force(one, history.now)
            expected = (*light_of(clerk, one, history.now, day), due and due.isoformat())
            assert (row["state"], row["light"], row["effective_due"]) == expected, (one.ref, unit)
            assert (row["progress"] or 0) == history.now.progress
    assert {row["state"] for row in told.values()} <= {"upcoming"}


def test_what_is_late_never_turns_green(clerk, ledger):
    late = set()
    for day in SIXTHS_AND_LAST_DAYS:
        for row in ledger(datetime.combine(day, time(18), ZONE)):
            cell = row["ref"], row["unit"]
            # What has to be accepted is late before it is done.
            if row["state"] == "done_late" or (row["state"] == "submitted" and row["late_days"]):
                late.add(cell)
            assert not (cell in late and row["light"] == "green"), (day, cell)
    assert {ref for ref, unit in late if unit == "fuling"} >= {"table-2-self-check", "20", "23"}


# --- explanations ---


@pytest.fixture(scope="module")
def year():
    """The engine after the year, and {(ref, unit): [(day, reason), …]} of every item in a digest, no two twice."""
    app = App(CONFIG, database="sqlite://", environ={})
    snapshot = app.snapshot
    app.close()
    running = Running(snapshot, "2022-04-08 00:00")
    waiting = read_as_the_service(EVENTS, ZONE, snapshot.unit_id)
    running.engine.bring_up_to_date(running.clock.now())
    said = defaultdict(set)
    day = FIRST
    while day <= LAST:
        moment = datetime.combine(day, time(9), ZONE)
        while waiting and waiting[0].at <= moment:
            event = waiting.pop(0)
            running.clock.set(event.at)
            running.engine.record(event)
        running.clock.set(moment)
        running.engine.run_pass()
        for claimed, _ in running.sender.take():
            if claimed.mail.kind is MailKind.DIGEST:
                for item in claimed.mail.items:
                    said[item.ref, item.unit].add((day, item.reason.value))
        day += DAY
    yield running, dict(said)
    running.database.close()


def explained_wrongly(year, cells):
    """What is explained otherwise than it went."""
    running, said = year
    for ref, unit in cells:
        with running.database.reading() as session:
            entries = explain(session, running.engine.snapshot, ref, unit, running.clock.now()).entries
        sent = [(entry.on, entry.reason.value) for entry in entries if entry.outcome is ReminderOutcome.SENT]
        went = said.get((ref, unit), set())
        if len(sent) != len(set(sent)):
            yield f"{ref} {unit}: a reminder is told twice"
        if set(sent) != went:
            yield f"{ref} {unit}: differ {sorted(set(sent) ^ went)}"
        for entry in entries:
            if entry.outcome is ReminderOutcome.PLANNED and entry.on <= LAST:
                yield f"{ref} {unit}: planned for the past: {entry}"
            if entry.outcome is ReminderOutcome.SKIPPED and (entry.on, entry.reason.value) in went:
                yield f"{ref} {unit}: skipped, but it went: {entry}"


def moved_from_workdays(clerk, year, cells):
    running, _ = year
    for ref, unit in cells:
        with running.database.reading() as session:
            entries = explain(session, running.engine.snapshot, ref, unit, running.clock.now()).entries
        for entry in entries:
            if entry.outcome is ReminderOutcome.MOVED and clerk.wall.is_workday(entry.on):
                yield f"{ref} {unit}: {entry.on} {entry.because}"


def all_cells(clerk):
    return [
        (one.ref, unit) for unit, cells in clerk._asked_of_units(LAST - 365 * DAY).items() for one in cells
    ]


def test_explain_agrees_with_the_mails_wherever_something_happened_and_for_some_others(clerk, happened, year):
    cells = all_cells(clerk)
    some = {*cells[::34], *((event["ref"], event["unit"]) for event in happened)}
    assert list(explained_wrongly(year, sorted(some))) == []


def cells_of(clerk, unit, *, opens_before_due):
    """Those of one unit that were asked before their date had passed, or else those that were not."""
    cells = clerk._asked_of_units(LAST - 365 * DAY)[unit]
    return [(one.ref, unit) for one in cells if (one.due is None or one.due >= FIRST) == opens_before_due]


def test_what_is_explained_as_moved_would_have_been_on_a_day_off(clerk, year):
    cells = cells_of(clerk, "chengkou", opens_before_due=True)
    assert len(cells) > 40
    assert list(moved_from_workdays(clerk, year, cells)) == []


def test_what_was_late_when_the_document_was_issued_is_not_explained_with_a_day_off(clerk, year):
    cells = cells_of(clerk, "chengkou", opens_before_due=False)
    assert {ref for ref, _ in cells} == {"16", "23/self-check-notice", "26/experience@2022-04"}
    assert list(moved_from_workdays(clerk, year, cells)) == []


@pytest.mark.torture
def test_explain_agrees_with_the_mails_for_every_assignment(clerk, year):
    cells = set(all_cells(clerk))
    assert cells >= set(year[1])
    assert list(explained_wrongly(year, sorted(cells))) == []
