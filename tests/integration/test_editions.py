"""Two machines with copies of the files on one database: the later edit is in force, whoever plans first."""

import json
from dataclasses import replace
from datetime import date, timedelta

import chinese_calendar.constants
import pytest
from sqlalchemy import select

from tests.tools import CAMPAIGN, SETTINGS, UNITS
from tests.world import at, definition, running, world
from tracker.clock import VirtualClock
from tracker.core.model import Event, EventKind
from tracker.core.workdays import Workdays, _published_workdays
from tracker.errors import OlderFilesError
from tracker.ledger.editions import RECONCILED, last_mail_before
from tracker.service.app import App
from tracker.service.engine import Engine
from tracker.service.simulation import CollectingSender
from tracker.store.campaigns import read_fact, write_fact
from tracker.store.tables import ASSIGNMENT, MAIL
from tracker.usecases import ledger

NEW_TASK = """\
  - id: 3
    text: 新增的一项任务。
    owners: 各区
    deadline: 2022年5月10日前
"""
EDITED = CAMPAIGN.replace("task_count: 2", "task_count: 3").replace("reports:\n", f"{NEW_TASK}reports:\n")
THIRD = EDITED.replace("2022年5月10日前", "2022年5月12日前")


class Machine:
    """One machine: a folder of its own, and services that come and go over the common database."""

    def __init__(self, folder, database, clock, tasks=CAMPAIGN):
        self.config, self.database, self.clock = folder / "config", database, clock
        self.config.mkdir(parents=True)
        self.write(tasks)
        (self.config / "units.yaml").write_text(UNITS, encoding="utf-8")
        (self.config / "settings.yaml").write_text(SETTINGS, encoding="utf-8")
        self.start()

    def write(self, tasks):
        (self.config / "tasks.yaml").write_text(tasks, encoding="utf-8")

    def start(self):
        self.app = App(self.config, database=self.database, environ={}, clock=self.clock)
        self.app.wrap_sender = lambda _: self.sender
        self.sender = CollectingSender(lambda mail: mail.key)

    def restart(self):
        self.app.close()
        self.start()

    def edit(self, tasks):
        """As the service sees it."""
        self.write(tasks)
        assert self.app.reload()

    def pass_(self):
        self.app.engine.run_pass()
        return {(item.ref, item.due) for claimed, _ in self.sender.take() for item in claimed.mail.items}

    @property
    def knows(self):
        return set(self.app.snapshot.campaign.definitions)


@pytest.fixture
def clock():
    return VirtualClock(at("2022-05-06 10:00"))


@pytest.fixture
def machines(tmp_path, clock):
    database = f"sqlite:///{tmp_path / 'common.db'}"
    made = [Machine(tmp_path / name, database, clock) for name in ("a", "b")]
    yield made
    for each in made:
        each.app.close()


@pytest.mark.parametrize("b_runs", [True, False], ids=["b ran before", "b starts"])
@pytest.mark.parametrize("restarted", [True, False], ids=["restarted", "running"])
def test_a_task_that_another_machine_has_taken_in_is_told_whoever_plans(machines, clock, b_runs, restarted):
    a, b = machines
    a.pass_()
    if b_runs:
        b.pass_()
    clock.set(at("2022-05-09 08:59"))
    a.edit(EDITED)
    a.pass_()
    if restarted:
        b.restart()
    clock.set(at("2022-05-09 09:00"))
    assert ("3", date(2022, 5, 10)) in b.pass_()
    assert "3" in b.knows
    assert a.pass_() == set()
    assert "3" in a.knows


def test_an_edit_that_comes_between_the_look_at_the_files_and_the_planning_is_planned_by(machines, clock):
    a, b = machines
    a.pass_()
    b.pass_()
    a.edit(EDITED)
    clock.set(at("2022-05-09 09:00"))
    engine, act = b.app.engine, b.app.engine.acting

    def be_overtaken_and_act(now):
        a.app.engine.bring_up_to_date(now)
        return act(now)

    engine.acting = be_overtaken_and_act
    assert ("3", date(2022, 5, 10)) in b.pass_()


def test_a_machine_that_is_behind_takes_nothing_back_by_passes_starts_commands_or_late_copies(
    machines, clock
):
    a, b = machines
    a.pass_()
    b.pass_()
    a.edit(EDITED)
    a.pass_()
    a.edit(THIRD)
    a.pass_()
    late = lambda: b.edit(EDITED)  # noqa: E731
    for step in (b.pass_, b.restart, b.pass_, late, b.pass_, b.restart, b.pass_):
        step()
        a.pass_()
        assert a.app.snapshot.campaign.definitions["3"].rule.due == date(2022, 5, 12)
    assert b.app.snapshot.campaign.definitions["3"].rule.due == date(2022, 5, 12)
    # Once its copy is renewed, it goes by that, and an edit there is one.
    b.edit(THIRD)
    b.pass_()
    b.edit(EDITED.replace("2022年5月10日前", "2022年5月20日前"))
    b.pass_()
    a.pass_()
    assert a.app.snapshot.campaign.definitions["3"].rule.due == date(2022, 5, 20)


@pytest.mark.parametrize("restarted", [True, False])
def test_who_puts_an_edit_back_where_it_was_made_is_obeyed(machines, restarted):
    a, _ = machines
    a.pass_()
    a.edit(EDITED)
    a.pass_()
    for tasks in (EDITED.replace("2022年5月10日前", "2022年5月20日前"), EDITED):
        if restarted:
            a.write(tasks)
            a.restart()
        else:
            a.edit(tasks)
        a.pass_()
    assert a.app.snapshot.campaign.definitions["3"].rule.due == date(2022, 5, 10)


# --- going back to an earlier edition where nobody has seen a later one ---


@pytest.fixture
def new(machines, tmp_path, clock):
    """A container or a release that is made anew, from the files before the last edit."""
    a, _ = machines
    a.pass_()
    a.edit(EDITED)
    a.pass_()
    made = Machine(tmp_path / "new", a.database, clock)
    yield made
    made.app.close()


def alerts(machine):
    with machine.app.database.reading() as session:
        rows = session.execute(select(MAIL.c.details).where(MAIL.c.kind == "alert"))
        return [details for (details,) in rows if "--accept-older" in details]


@pytest.mark.parametrize("restarted", [True, False], ids=["restarted", "running"])
def test_older_files_at_a_new_place_are_held_back_and_told_of(machines, new, restarted):
    a, _ = machines
    for _ in range(2):
        new.pass_()
        assert "3" in new.knows
        assert [str(new.config) in told for told in alerts(a)] == [True], "once"
        assert "accept-older" in str(new.app.heartbeat.held)
        assert "older" in str(new.app.heartbeat.held_state)
        if restarted:
            new.restart()
    assert "3" in a.knows
    # Saved with a change, they are an edit.
    changed = CAMPAIGN + "# as it was\n"
    if restarted:
        new.write(changed)
        new.restart()
    else:
        new.edit(changed)
    new.pass_()
    assert "3" not in new.knows
    assert new.app.heartbeat.held is None


def test_a_word_puts_older_files_in_force_also_under_a_service_that_holds_them_back(machines, new):
    a, b = machines
    new.pass_()
    other = App(new.config, database=new.database, environ={}, clock=new.clock)
    other.engine.accept_older = True
    other.engine.bring_up_to_date(new.clock.now())
    other.close()
    assert new.app.take_over_held()
    for each in (new, a, b):
        each.pass_()
        assert "3" not in each.knows, "the others follow"


def test_a_word_for_older_files_is_of_those_that_are_there_now(machines):
    a, b = machines
    a.pass_()
    b.app.engine.accept_older = True
    b.pass_()
    a.edit(EDITED)
    a.pass_()
    b.pass_()
    assert "3" in b.knows


def test_a_known_machine_that_is_behind_has_an_hour(machines, clock):
    a, b = machines
    for each in (a, b):
        each.pass_()
    a.edit(EDITED)
    a.pass_()
    b.pass_()
    clock.set(clock.now() + timedelta(minutes=59))
    b.restart()
    b.pass_()
    b.app.tell_of_files()
    assert alerts(a) == []
    clock.set(clock.now() + timedelta(minutes=1))
    for _ in range(2):
        b.app.tell_of_files()
        assert [str(b.config) in told for told in alerts(a)] == [True]
    # Once it has caught up, the next hour is another one.
    b.edit(EDITED)
    b.pass_()
    assert b.app.heartbeat.held is None
    a.edit(THIRD)
    a.pass_()
    b.pass_()
    b.app.tell_of_files()
    assert len(alerts(a)) == 1


def test_files_that_are_held_back_a_second_time_are_told_of_a_second_time(machines, clock):
    """Each machine puts its own back in turn; between the two nothing about the files, place or ledger is new."""
    a, b = machines
    for each in (a, b):
        each.pass_()
    a.edit(EDITED)
    told = []
    for number in range(6):
        one, other = (a, b) if number % 2 else (b, a)
        other.app.engine.accept_older = number > 0
        other.pass_()
        one.restart()
        one.pass_()
        assert one.app.heartbeat.held is not None
        clock.set(clock.now() + timedelta(hours=1))
        for _ in range(2):
            one.restart()
            one.pass_()
        told.append(len(alerts(a)))
        one.restart()
    assert told == [1, 2, 3, 4, 5, 6]


def removals(machine):
    with machine.app.database.reading() as session:
        rows = session.execute(select(MAIL.c.details).where(MAIL.c.kind == "alert"))
        return sum("--accept-removals" in details for (details,) in rows)


def test_an_edit_that_is_taken_back_and_made_again_is_held_back_and_told_of_again(machines, clock):
    a, _ = machines
    a.pass_()
    [task] = [line for line in CAMPAIGN.splitlines() if line.startswith("  - id: 2")]
    less = CAMPAIGN.replace("task_count: 2", "task_count: 1")
    less = less[: less.index(task)] + less[less.index("reports:") :]
    for number in (1, 2):
        behind = App(a.config, database=a.database, environ={}, clock=clock)
        behind.engine.bring_up_to_date(clock.now())
        a.edit(less)
        a.pass_()
        # Another process that has not read the edit yet, and the same edit after a restart, are no other hold.
        behind.engine.run_pass()
        behind.close()
        a.restart()
        a.pass_()
        assert a.app.heartbeat.held is not None
        assert removals(a) == number
        clock.set(clock.now() + timedelta(minutes=1))
        a.edit(CAMPAIGN)
        a.pass_()
        assert a.app.heartbeat.held is None


def test_plan_and_check_say_that_older_files_are_held_back(machines, new):
    held = ledger.planned_changes(new.app, 7)["held"]
    assert [each["word"] for each in held] == ["older"]
    (told,) = [problem for problem in new.app.check() if "accept-older" in str(problem.message)]
    assert told.severity == "warning"
    a, _ = machines
    assert ledger.planned_changes(a.app, 7)["held"] == []


def test_an_engine_whose_files_are_behind_and_that_cannot_read_others_leaves_the_planning_to_them():
    old = world(definition("5", "2022年6月底前", ("wanzhou",)))
    new = world(*old.campaign, definition("6", "2022年5月20日前", ("wanzhou",)))
    with running(old) as first:
        first.pass_at("2022-05-09")
        sender = CollectingSender(lambda mail: mail.key)
        second = Engine(first.database, new, sender, read_clock=first.clock.now, who="second")
        second.run_pass()
        sender.take()
        with pytest.raises(OlderFilesError):
            first.pass_at("2022-05-13")
        assert first.told() == {}
        second.run_pass()
        told = [item.ref for claimed, _ in sender.take() for item in claimed.mail.items]
        assert told == ["6"]


# --- what the calendar rests on ---


@pytest.fixture
def publish(monkeypatch):
    """The days off of May 2022 are not known yet; publishes them."""
    known = chinese_calendar.constants.holidays
    hidden = {day: name for day, name in known.items() if (day.year, day.month) == (2022, 5)}
    for day in hidden:
        del known[day]
    _published_workdays.cache_clear()

    def publish():
        known.update(hidden)
        _published_workdays.cache_clear()

    yield publish
    publish()


def test_after_a_newer_calendar_ledger_rule_and_mail_agree_and_nobody_was_given_more_time(publish):
    item = definition("5", "2022年5月4日前", ("wanzhou",), on_holiday="after")
    with running(world(item, fingerprint="same")) as engine:
        engine.pass_at("2022-04-08")
        assert due_in_ledger(engine) == [date(2022, 5, 4)]
        publish()
        engine.engine.adopt(world(item, fingerprint="same"))
        engine.pass_at("2022-04-29")
        assert due_in_ledger(engine) == [date(2022, 5, 5)]
        engine.clock.set(at("2022-05-05"))
        engine.engine.run_pass()
        [mail] = [claimed.mail for claimed, _ in engine.sender.take()]
    assert [(each.reason.value, each.due) for each in mail.items] == [("due_today", date(2022, 5, 5))]
    assert "said" not in mail.details


def test_a_machine_with_an_earlier_calendar_does_not_take_the_dates_back(publish, monkeypatch):
    item = definition("5", "2022年5月4日前", ("wanzhou",), on_holiday="after")
    behind = world(item, fingerprint="same")
    behind.date_by_rule(item_of(behind), date(2022, 5, 4))
    publish()
    with running(world(item, fingerprint="same")) as engine:
        engine.pass_at("2022-04-08")
        monkeypatch.setattr(chinese_calendar, "__version__", "1.0.0")
        engine.engine.adopt(behind)
        engine.pass_at("2022-04-11")
        assert due_in_ledger(engine) == [date(2022, 5, 5)]


def item_of(snapshot):
    return snapshot.campaign.definitions["5"]


def due_in_ledger(engine):
    with engine.database.reading() as session:
        return list(session.execute(select(ASSIGNMENT.c.effective_due)).scalars())


class Library(Workdays):
    """A holiday library of one machine."""

    off: tuple[date, ...] = ()

    def _office_days_in(self, year):
        return [each for each in super()._office_days_in(year) if date.fromordinal(each) not in self.off]


class Earlier(Library):
    published = "1.10.0 aa"


class Later(Library):
    published = "1.11.0 bb"
    off = (date(2022, 5, 23),)


@pytest.mark.parametrize("edits", [False, True], ids=["the same files", "an edit there"])
def test_a_machine_with_an_earlier_calendar_counts_by_the_later_one(edits):
    item = definition("5", "2022年5月21日前", ("wanzhou", "fuling"), on_holiday="after")
    files = world(item, fingerprint="same")
    with running(replace(files, workdays=Later()), "2022-05-10 08:00") as engine:
        sender = CollectingSender(lambda mail: mail.key)
        earlier = Engine(
            engine.database,
            replace(files, workdays=Earlier(), fingerprint="edited" if edits else "same"),
            sender,
            read_clock=engine.clock.now,
            who="earlier",
        )
        engine.engine.bring_up_to_date(engine.clock.now())
        engine.engine.on_held = lambda snapshot, _: engine.engine.adopt(
            replace(snapshot, fingerprint="edited")
        )
        for kind, day in (("pause", "2022-05-11"), ("resume", "2022-05-12")):
            engine.clock.set(at(day))
            earlier.record(Event(engine.clock.now(), "5", "wanzhou", EventKind(kind)))
            engine.engine.bring_up_to_date(engine.clock.now())
            assert set(due_in_ledger(engine)) == {date(2022, 5, 24)}
        # It plans and sends by that calendar as well.
        engine.clock.set(at("2022-05-24"))
        earlier.run_pass()
        said = {(each.reason.value, each.due) for claimed, _ in sender.take() for each in claimed.mail.items}
        assert said == {("due_today", date(2022, 5, 24))}


def test_a_ledger_of_a_version_that_kept_no_days_is_brought_up_to_date_once_more():
    item = definition("5", "2022年6月底前", ("wanzhou",))
    with running(world(item)) as engine:
        engine.pass_at("2022-04-08")
        with engine.database.writing() as session:
            files, calendar, horizon, *_ = json.loads(read_fact(session, "main", RECONCILED) or "")
            write_fact(session, "main", RECONCILED, json.dumps([files, calendar, horizon]))
            assert last_mail_before(session, engine.engine.snapshot) == 0
        engine.pass_at("2022-04-11")
        with engine.database.reading() as session:
            assert len(json.loads(read_fact(session, "main", RECONCILED) or "")) == 5
