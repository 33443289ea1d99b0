"""A unit that an edit of the files adds to what is asked already: asked of it as of anybody, if it is asked once."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from tests.integration.web import csrf_of, house, shown
from tests.world import ISSUED, at, definition, running, unit, world
from tracker.core.model import Reason, Target
from tracker.core.policy import Policies, Policy, Settings, built_in
from tracker.planning.explain import explain
from tracker.planning.explain_wording import DID_NOT_RUN
from tracker.store.tables import ASSIGNMENT

CITY = unit("city")
UNANNOUNCED = Settings(policies=Policies({**built_in(), "default": Policy("default", announce=False)}))
PAST, AHEAD, TABLE = "2022年5月9日前", "2022年6月9日前", "2022年5月起，每月5日前"


def files(*units, deadline=PAST, key="5", settings=None, chase_from=ISSUED, beside=(), **more):
    """One thing asked of ``units``, of three that there are."""
    asked = definition(key, deadline, units, **more)
    made = world(
        asked,
        *beside,
        units=(CITY, "wanzhou", "fuling"),
        supervisor="city",
        settings=settings,
        fingerprint=repr((asked, beside, settings, chase_from)),
    )
    return replace(made, campaign=replace(made.campaign, chase_from=chase_from))


def edit(engine, when, snapshot, **words):
    engine.clock.set(at(when))
    engine.engine.adopt(snapshot)
    for name, value in words.items():
        setattr(engine.engine, name, value)
    return engine.engine.bring_up_to_date(engine.clock.now())


def told(engine, first, last):
    """{day of May: [(to whom, what, why)]}."""
    found: dict[int, list[tuple[str, str, str]]] = {}
    for day, to, items in engine.mornings(f"2022-05-{first}", f"2022-05-{last}"):
        for ref, reason, _ in items:
            found.setdefault(day.day, []).append((to.partition("@")[0], ref, reason))
    return {day: sorted(each) for day, each in found.items()}


def rows(engine):
    with engine.database.reading() as session:
        found = session.execute(select(ASSIGNMENT).order_by(ASSIGNMENT.c.id)).all()
    return {(row.key, row.period, row.unit): row for row in found}


def states(engine):
    with engine.database.reading() as session:
        return {
            key[2]: explain(session, engine.engine.snapshot, key[0], key[2], engine.clock.now()).state
            for key, row in rows(engine).items()
            if row.removed_on is None
        }


THINGS: dict[str, dict[str, Any]] = {
    "a task": {},
    "a deliverable": {"key": "5/list"},
    "a quota": {"target": Target(2, "典型案例", ("wanzhou", "fuling"))},
    "without announcement": {"settings": UNANNOUNCED},
    "with its grace over": {"grace_days": 3},
}


@pytest.mark.parametrize("thing", THINGS)
def test_what_is_asked_once_is_asked_of_a_unit_that_joins_after_its_date(thing):
    more = THINGS[thing]
    ref = more.get("key", "5")
    with running(files("fuling", **more), "2022-05-05 08:00") as engine:
        told(engine, "06", 17)
        edit(engine, "2022-05-18 08:30", files("wanzhou", "fuling", **more))
        found = told(engine, 18, 24)
        assert states(engine) == {"wanzhou": "overdue", "fuling": "overdue"}
    assert found[18] == [("wanzhou", ref, "overdue")]
    # Nobody hears upward of a unit that has only just been told; who was there before is not told again.
    assert ("city", ref, "escalation") in found[20]
    assert ("fuling", ref, "overdue") not in found[18]
    # From then on it keeps the beat of the others, who are late since the 10th, or with their grace since the 13th.
    assert ("wanzhou", ref, "overdue") in found[24 if "grace_days" not in more else 20]
    assert not {19, 23} & set(found)


def test_a_new_task_whose_date_is_past_is_told_in_the_same_way():
    late = definition("6", PAST, ("wanzhou", "fuling"))
    with running(files("wanzhou", deadline=AHEAD), "2022-05-05 08:00") as engine:
        told(engine, "06", 17)
        edit(engine, "2022-05-18 08:30", files("wanzhou", deadline=AHEAD, beside=(late,)))
        found = told(engine, 18, 20)
    assert found[18] == [("fuling", "6", "overdue"), ("wanzhou", "6", "overdue")]
    assert found[20] == [("city", "6", "escalation")] * 2


#: Late since Tuesday the 10th, upward on the 12th: silence of whoever is asked then counts from there.
@pytest.mark.parametrize(("day", "goes_up"), [(10, 12), (11, 13), (12, 16), (13, 17)])
@pytest.mark.parametrize("of", ["a unit", "a task"])
def test_nobody_is_reported_upward_with_the_first_word_to_them(day, goes_up, of):
    edits = {
        "a unit": (files("fuling"), files("fuling", "wanzhou")),
        "a task": (
            files("fuling", deadline=AHEAD, key="9"),
            files("fuling", deadline=AHEAD, key="9", beside=(definition("5", PAST, ("wanzhou",)),)),
        ),
    }
    first, then = edits[of]
    found: list[tuple[int, str]] = []
    with running(first, "2022-05-05 08:00") as engine:
        told(engine, "06", f"{day - 1:02}")
        edit(engine, f"2022-05-{day} 08:30", then)
        for on in range(day, 21):
            engine.clock.set(at(f"2022-05-{on}"))
            engine.engine.run_pass()
            items = [item for claimed, _ in engine.sender.take() for item in claimed.mail.items]
            found += [(on, item.reason.value) for item in items if item.unit == "wanzhou"]
    assert found[0] == (day, "overdue")
    assert [on for on, reason in found if reason == "escalation"] == [goes_up]


def went_upward(engine, first, last):
    """{unit: the days of May on which silence about it went upward}."""
    found: dict[str, list[int]] = {}
    for day in range(first, last + 1):
        engine.clock.set(at(f"2022-05-{day}"))
        engine.engine.run_pass()
        for item in (item for claimed, _ in engine.sender.take() for item in claimed.mail.items):
            if item.reason is Reason.ESCALATION:
                found.setdefault(item.unit, []).append(day)
    return found


@pytest.mark.parametrize(
    ("first", "goes_up"), [(11, {"fuling": [12], "wanzhou": [13]}), (16, {"fuling": [16], "wanzhou": [18]})]
)
def test_whoever_joins_has_days_of_its_own_to_answer_whatever_happens_in_them(first, goes_up):
    """Also where the service stands still, or part of it comes in meanwhile."""
    with running(files("fuling", quota=2), "2022-05-05 08:00") as engine:
        told(engine, "06", 10)
        edit(engine, "2022-05-11 08:30", files("wanzhou", "fuling", quota=2))
        found = went_upward(engine, first, first)
        engine.record("submit", "5", "wanzhou", when=f"2022-05-{first} 15:00", count=1)
        for unit_id, days in went_upward(engine, first + 1, 31).items():
            found.setdefault(unit_id, []).extend(days)
    assert found == goes_up


def test_grace_that_comes_and_goes_within_the_hour_takes_no_word_from_who_has_just_joined():
    with running(files("fuling"), "2022-05-05 08:00") as engine:
        told(engine, "06", 18)
        edit(engine, "2022-05-18 10:00", files("wanzhou", "fuling"))
        edit(engine, "2022-05-18 10:05", files("wanzhou", "fuling", grace_days=30))
        edit(engine, "2022-05-18 10:10", files("wanzhou", "fuling"))
        assert told(engine, 19, 20) == {19: [("wanzhou", "5", "overdue")]}
        assert went_upward(engine, 21, 31) == {"wanzhou": [23]}


def test_within_its_grace_it_is_still_to_come():
    with running(files("fuling", grace_days=30), "2022-05-05 08:00") as engine:
        told(engine, "06", 17)
        edit(engine, "2022-05-18 08:30", files("wanzhou", "fuling", grace_days=30))
        assert told(engine, 18, 20) == {18: [("wanzhou", "5", "lead")]}


def test_who_joins_within_a_grace_is_told_once_that_goes():
    with running(files("fuling"), "2022-05-05 08:00") as engine:
        told(engine, "06", 17)
        edit(engine, "2022-05-17 10:00", files("fuling", grace_days=30))
        edit(engine, "2022-05-18 08:30", files("wanzhou", "fuling", grace_days=30))
        assert told(engine, 18, 20) == {18: [("wanzhou", "5", "lead")]}
        edit(engine, "2022-05-20 10:00", files("wanzhou", "fuling"))
        assert told(engine, 21, 23)[23] == [("wanzhou", "5", "overdue")]
        assert went_upward(engine, 24, 31) == {"wanzhou": [25]}


def test_what_was_due_before_the_ledger_began_is_before_for_a_unit_that_joins():
    began = date(2022, 5, 16)
    with running(files("fuling", chase_from=began), "2022-05-16 08:00") as engine:
        told(engine, 16, 17)
        edit(engine, "2022-05-18 08:30", files("wanzhou", "fuling", chase_from=began))
        assert told(engine, 18, 31) == {}
        assert states(engine) == {"wanzhou": "before", "fuling": "before"}


def test_what_was_over_at_the_issue_is_told_once_where_the_ledger_began_later():
    more = {"deadline": "2022年3月31日前", "chase_from": date(2022, 5, 16)}
    with running(files("fuling", **more), "2022-05-16 08:00") as engine:
        told(engine, 16, 17)
        edit(engine, "2022-05-18 08:30", files("wanzhou", "fuling", **more))
        assert told(engine, 18, 31) == {18: [("wanzhou", "5", "overdue")]}


def test_a_slip_that_is_put_right_before_anybody_was_told_leaves_nothing():
    with running(files("fuling"), "2022-05-05 08:00") as engine:
        told(engine, "06", 18)
        before = rows(engine)
        edit(engine, "2022-05-18 10:00", files("wanzhou", "fuling"))
        edit(engine, "2022-05-18 10:05", files("fuling"), accept_removals=True)
        assert rows(engine) == before
        assert told(engine, 19, 20) == {}


def test_a_second_edit_of_the_day_neither_forgets_nor_repeats_what_is_told():
    with running(files("fuling"), "2022-05-05 08:00") as engine:
        told(engine, "06", 18)
        edit(engine, "2022-05-18 10:00", files("wanzhou", "fuling"))
        edit(engine, "2022-05-18 10:05", files("wanzhou", "fuling", grace_days=1))
        assert told(engine, 19, 20) == {19: [("wanzhou", "5", "overdue")]}


def test_a_unit_that_leaves_once_it_was_told_keeps_what_it_owes():
    with running(files("fuling"), "2022-05-05 08:00") as engine:
        told(engine, "06", 17)
        edit(engine, "2022-05-18 08:30", files("wanzhou", "fuling"))
        told(engine, 18, 18)
        edit(engine, "2022-05-18 10:00", files("fuling"))
        assert states(engine) == {"wanzhou": "overdue", "fuling": "overdue"}
        edit(engine, "2022-05-18 10:05", files("wanzhou", "fuling"))
        assert told(engine, 19, 20) == {20: [("city", "5", "escalation")]}


@pytest.mark.parametrize("has_history", [True, False])
def test_an_owner_that_was_away_while_the_date_passed_is_asked_once_it_is_back(has_history):
    with running(files("wanzhou", "fuling"), "2022-05-05 08:00") as engine:
        if has_history:
            engine.record("pause", "5", when="2022-05-05 10:00")
            engine.record("resume", "5", when="2022-05-05 10:05")
        edit(engine, "2022-05-06 08:30", files("fuling"), accept_removals=True)
        told(engine, "06", 17)
        edit(engine, "2022-05-18 08:30", files("wanzhou", "fuling"))
        assert told(engine, 18, 19) == {18: [("wanzhou", "5", "overdue")]}


def test_a_word_in_the_files_holds_for_who_joins_and_they_are_told_when_it_goes():
    with running(files("fuling", status="paused"), "2022-05-05 08:00") as engine:
        told(engine, "06", 17)
        edit(engine, "2022-05-18 08:30", files("wanzhou", "fuling", status="paused"))
        assert states(engine) == {"wanzhou": "paused", "fuling": "paused"}
        assert told(engine, 18, 18) == {}
        edit(engine, "2022-05-19 08:30", files("wanzhou", "fuling"))
        assert told(engine, 19, 19) == {19: [("fuling", "5", "overdue"), ("wanzhou", "5", "overdue")]}


def test_an_edit_that_was_held_back_counts_from_the_day_on_which_it_comes_into_force():
    gone = definition("6", AHEAD, ("fuling",))
    with running(files("fuling", beside=(gone,)), "2022-05-05 08:00") as engine:
        engine.record("submit", "6", "fuling")
        told(engine, "06", 17)
        engine.engine.on_held = lambda snapshot, held: engine.engine.adopt(files("fuling", beside=(gone,)))
        edit(engine, "2022-05-18 08:30", files("wanzhou", "fuling"))
        assert told(engine, 18, 18) == {}
        edit(engine, "2022-05-19 08:30", files("wanzhou", "fuling"), accept_removals=True)
        assert told(engine, 19, 20) == {19: [("wanzhou", "5", "overdue")]}


def test_explain_has_nothing_of_before_a_unit_was_asked_and_blames_no_stop_of_the_service():
    with running(files("fuling"), "2022-04-08 08:00") as engine:
        engine.pass_at("2022-04-08")
        told(engine, "06", 17)
        edit(engine, "2022-05-18 08:30", files("wanzhou", "fuling"))
        told(engine, 18, 18)
        with engine.database.reading() as session:
            found = explain(session, engine.engine.snapshot, "5", "wanzhou", engine.clock.now())
    assert [
        (entry.on.day, entry.reason, entry.outcome) for entry in found.entries if entry.outcome != "moved"
    ] == [(18, "overdue", "sent")]
    assert str(DID_NOT_RUN) not in str([each.because for each in found.entries])


def test_past_periods_stay_out_and_the_edit_says_which():
    with running(files("fuling", key="table-2", deadline=TABLE), "2022-05-02 08:00") as engine:
        told(engine, "03", 17)
        changes = edit(engine, "2022-06-08 08:30", files("wanzhou", "fuling", key="table-2", deadline=TABLE))
        assert [(each.ref, each.units, each.before) for each in changes.left_out] == [
            ("table-2@2022-05", ("wanzhou",), date(2022, 5, 5)),
            ("table-2@2022-06", ("wanzhou",), date(2022, 6, 5)),
        ]
        asked = {period for _, period, name in rows(engine) if name == "wanzhou"}
        assert min(asked) == "2022-07"
        # Said once: a later edit is not about them any more.
        again = edit(
            engine,
            "2022-06-08 08:40",
            files("wanzhou", "fuling", key="table-2", deadline=TABLE, grace_days=1),
        )
        assert again.left_out == []


def test_a_period_whose_date_a_holiday_rule_has_moved_ahead_is_not_past():
    more = {"key": "table-2", "deadline": "2022年5月起，每月15日前", "on_holiday": "after"}
    with running(files("fuling", **more), "2022-05-05 08:00") as engine:
        # The 15th is a Sunday.
        edit(engine, "2022-05-16 08:30", files("wanzhou", "fuling", **more))
        assert ("table-2", "2022-05", "wanzhou") in rows(engine)


# --- what is said where somebody names a past period ---

NOT_ASKED = (
    ("zh", "市考试中心此后才列为落实单位"),
    ("en", "before 市考试中心 was one of those who are asked"),
)


@pytest.fixture
def home():
    with house(start="2022-05-12 09:30") as made:
        made.app.engine.bring_up_to_date(made.clock.now())
        units = made.app.config / "units.yaml"
        text = units.read_text(encoding="utf-8")
        units.write_text(text.replace("[wanzhou, fuling]", "[wanzhou, fuling, center]"), encoding="utf-8")
        assert made.app.reload()
        made.app.engine.bring_up_to_date(made.clock.now())
        yield made


@pytest.mark.parametrize(("language", "said"), NOT_ASKED)
def test_pages_and_programs_say_that_it_is_not_asked_for_a_past_period_and_why(home, language, said):
    browser = home.sign_in("gao")
    browser.cookies.set("language", language)
    form = {"csrf": csrf_of(browser, "/"), "ref": "table-2@2022-05", "unit": "center", "reason": "x"}
    browser.post("/act/waive", data=form)
    assert said in shown(browser, "/")
    answer = browser.get(f"/api/explain?ref=table-2@2022-05&unit=center&language={language}")
    assert answer.status_code == 404
    assert said in answer.json()["detail"]
