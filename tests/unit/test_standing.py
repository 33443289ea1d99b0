"""What events add up to, and the state and light on a day."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.core.admission import admit
from tracker.core.model import Event, EventKind, Light, State
from tracker.core.status import FILE, Dates, Progress, answer_like, fold, mark_of, standing
from tracker.errors import LedgerError

ZONE = ZoneInfo("Asia/Shanghai")
OPENS, DUE = date(2022, 4, 8), date(2022, 5, 5)


def event(kind, day=DUE, *, hour=10, count=None, until=None):
    at = datetime(day.year, day.month, day.day, hour, tzinfo=ZONE)
    return Event(at, "table-2@2022-05", "wanzhou", EventKind(kind), count=count, until=until)


def stand(*events, on, due=DUE, grace=0, target=None, ongoing=False, acceptance=False):
    answer = fold(events, target=target)
    dates = Dates.of(OPENS, due, answer.extended_due or due, grace)
    return standing(dates, answer, on, first_lead=5, ongoing=ongoing, acceptance=acceptance, zone=ZONE)


@pytest.mark.parametrize(
    ("on", "state", "light", "days_left"),
    [
        (date(2022, 4, 7), State.UPCOMING, Light.NONE, 28),
        (date(2022, 4, 8), State.OPEN, Light.NONE, 27),
        (date(2022, 4, 29), State.OPEN, Light.NONE, 6),
        (date(2022, 4, 30), State.DUE_SOON, Light.AMBER, 5),
        (date(2022, 5, 4), State.DUE_SOON, Light.AMBER, 1),
        (date(2022, 5, 5), State.DUE_TODAY, Light.AMBER, 0),
        (date(2022, 5, 6), State.OVERDUE, Light.RED, -1),
        (date(2023, 5, 5), State.OVERDUE, Light.RED, -365),
    ],
)
def test_unanswered_it_goes_from_upcoming_to_overdue(on, state, light, days_left):
    found = stand(on=on)
    assert (found.state, found.light, found.days_left) == (state, light, days_left)


def test_the_time_is_up_at_the_end_of_the_day_and_not_before():
    last_minute = Event(datetime(2022, 5, 5, 23, 59, tzinfo=ZONE), "r", "u", EventKind.SUBMIT)
    just_after = Event(datetime(2022, 5, 6, 0, 0, tzinfo=ZONE), "r", "u", EventKind.SUBMIT)
    assert stand(last_minute, on=date(2022, 6, 1)).state is State.DONE
    assert stand(just_after, on=date(2022, 6, 1)).state is State.DONE_LATE


def test_a_late_one_is_amber_for_ever():
    late = stand(event("submit", date(2022, 5, 9)), event("accept", date(2022, 5, 10)), on=date(2030, 1, 1))
    assert (late.state, late.light, late.late_days) == (State.DONE_LATE, Light.AMBER, 4)
    ongoing = stand(event("submit", date(2022, 5, 9)), on=date(2030, 1, 1), ongoing=True)
    assert (ongoing.state, ongoing.light) == (State.ONGOING, Light.AMBER)
    nil = stand(event("nil", date(2022, 5, 9)), on=date(2030, 1, 1))
    assert (nil.state, nil.light) == (State.NIL, Light.AMBER)


@pytest.mark.parametrize(("day", "light"), [(DUE, Light.GREEN), (date(2022, 5, 9), Light.AMBER)])
def test_a_nil_return_waits_for_acceptance_in_the_light_of_a_submission(day, light):
    nil, after = event("nil", day), date(2022, 6, 1)
    found = stand(nil, on=after, acceptance=True)
    assert (found.state, found.light) == (State.NIL, light)
    assert stand(event("submit", day), on=after, acceptance=True).light is light
    assert fold([nil]).waits(acceptance=True)
    assert not fold([nil]).waits(acceptance=False)
    for then in ("accept", "return", "waive", "pause", "undo"):
        assert not fold([nil, event(then, date(2022, 5, 20))]).waits(acceptance=True)


def test_work_that_goes_on_is_done_until_its_date_and_ongoing_after_it():
    done = event("submit", date(2022, 5, 1))
    assert stand(done, on=DUE, ongoing=True).state is State.DONE
    after = stand(done, on=date(2022, 5, 6), ongoing=True)
    assert (after.state, after.light) == (State.ONGOING, Light.BLUE)
    assert stand(on=date(2022, 5, 6), ongoing=True).state is State.OVERDUE


def test_without_a_date_it_is_never_overdue():
    dates = Dates.of(OPENS, None, None, 0)
    day = date(2030, 1, 1)
    found = standing(dates, Progress(), day, first_lead=30, ongoing=True, acceptance=False, zone=ZONE)
    assert (found.state, found.light, found.days_left) == (State.ONGOING, Light.BLUE, None)


def test_grace_days_are_not_late():
    assert stand(on=date(2022, 5, 7), grace=2).state is State.DUE_SOON
    assert stand(on=date(2022, 5, 8), grace=2).state is State.OVERDUE
    assert stand(event("submit", date(2022, 5, 7)), on=date(2022, 6, 1), grace=2).state is State.DONE


def test_acceptance_where_it_is_asked_for_closes_and_submission_alone_does_not():
    submitted = event("submit")
    assert stand(submitted, on=DUE, acceptance=True).state is State.SUBMITTED
    assert stand(submitted, event("accept"), on=DUE, acceptance=True).state is State.DONE
    assert stand(submitted, on=DUE).state is State.DONE


def test_what_is_sent_back_is_open_again_and_red_once_its_time_is_up():
    sent_back = (event("submit"), event("return"))
    assert stand(*sent_back, on=DUE).state is State.RETURNED
    assert stand(*sent_back, on=DUE).light is Light.AMBER
    assert stand(*sent_back, on=date(2022, 5, 6)).light is Light.RED
    assert not fold(sent_back).quiet
    assert stand(*sent_back, event("submit"), on=date(2022, 5, 9)).state is State.DONE


def test_a_correction_of_what_was_in_time_does_not_make_it_late():
    found = stand(event("submit"), event("submit", date(2022, 5, 20)), on=date(2022, 6, 1))
    assert found.state is State.DONE


def test_an_extension_moves_the_date_in_force_and_undo_moves_it_back():
    extended = event("extend", date(2022, 5, 2), until=date(2022, 5, 11))
    assert stand(extended, on=date(2022, 5, 6)).state is State.DUE_SOON
    assert stand(extended, event("undo"), on=date(2022, 5, 6)).state is State.OVERDUE


def test_a_quota_is_counted_up_and_done_when_it_is_full():
    one = event("submit", count=1)
    assert fold([one], target=2).progress == 1
    assert stand(one, on=DUE, target=2).state is State.DUE_TODAY
    assert stand(one, one, on=DUE, target=2).state is State.DONE
    assert fold([one, event("submit")], target=2).progress == 2, "without a count it is the whole of it"


@pytest.mark.parametrize(("kind", "state"), [("waive", State.WAIVED), ("pause", State.PAUSED)])
def test_waived_and_paused_are_grey_and_quiet(kind, state):
    found = stand(event(kind), on=date(2022, 6, 1))
    assert (found.state, found.light, found.late_days) == (state, Light.GREY, 0)
    assert fold([event(kind)]).quiet


def test_resuming_brings_back_what_was():
    assert stand(event("pause"), event("resume"), on=DUE).state is State.DUE_TODAY


def test_undo_takes_back_one_event_after_the_other():
    history = [event("submit", count=1), event("submit", count=1), event("undo"), event("undo")]
    assert fold(history, target=2) == Progress()
    assert fold(history[:3], target=2).progress == 1


@pytest.mark.parametrize(
    ("history", "why"),
    [
        (["accept"], "nothing has been submitted"),
        (["return"], "nothing has been submitted"),
        (["resume"], "not paused"),
        (["pause", "pause"], "already paused"),
        (["undo"], "nothing to undo"),
        (["submit", "undo", "undo"], "nothing to undo"),
        (["waive", "submit"], "waived"),
        (["extend"], "needs the new date"),
        (["waive", "waive"], "already waived"),
        (["submit", "accept", "accept"], "already accepted"),
    ],
)
def test_events_that_do_not_fit_are_refused_with_the_reason(history, why):
    *known, last = [event(kind) for kind in history]
    with pytest.raises(LedgerError, match=why):
        admit(last, known, DUE, date(2022, 5, 1), today=date(2022, 5, 1), target=None)
    # What stands in the history all the same adds up to something.
    fold([*known, last])


@pytest.mark.parametrize(
    ("history", "target", "answered", "progress", "accepted"),
    [
        ([("submit", 2), ("accept", None)], 5, None, 2, False),
        ([("submit", 2), ("accept", None), ("submit", 3)], 5, "submitted", 5, False),
        ([("submit", 2), ("accept", None)], 2, "submitted", 2, True),
        ([("submit", 2), ("extend", None)], 2, "submitted", 2, False),
        ([("submit", 2), ("return", None)], 5, "returned", 0, False),
        ([("submit", None)], 5, "submitted", 5, False),
        ([("nil", None), ("submit", 3)], 10, None, 3, False),
        ([("submit", None), ("accept", None), ("submit", None)], None, "submitted", 0, False),
        ([("submit", None), ("accept", None), ("nil", None)], None, "nil", 0, False),
        ([("undo", None), ("return", None), ("resume", None)], 3, "returned", 0, False),
    ],
)
def test_any_history_adds_up_by_the_rules_now_in_force(history, target, answered, progress, accepted):
    found = fold([event(kind, count=count) for kind, count in history], target=target)
    assert (found.answered, found.progress, found.accepted_at is not None) == (answered, progress, accepted)


def test_an_undo_through_the_files_takes_back_their_word_and_nothing_else():
    def said(kind):
        return replace(event(kind), via=FILE)

    assert fold([said("waive"), event("pause"), said("undo")]) == Progress(paused=True)
    assert fold([event("submit"), said("undo")]).answered == "submitted"
    assert fold([said("submit"), event("return"), event("submit"), said("accept"), said("undo")]).accepted_at
    assert fold([said("submit")], target=5).accepted_at, "the word of the files needs nobody's acceptance"


def test_what_was_taken_back_later_stood_until_then():
    first, second = event("submit", date(2022, 5, 1)), event("nil", date(2022, 5, 3))
    history = [first, second, event("undo", date(2022, 5, 9))]
    assert fold(history).answered == "submitted"
    assert fold(history, by=event("nil", date(2022, 5, 8)).at).answered == "nil"
    backdated = [first, second, event("undo", date(2022, 5, 2))]
    assert fold(backdated, by=event("nil", date(2022, 5, 2), hour=11).at).answered == "submitted"


@given(
    st.sampled_from([None, "submitted", "nil", "returned", "waived"]),
    st.booleans(),
    st.booleans(),
    st.integers(-30, 60),
    st.integers(0, 5),
    st.integers(-60, 90),
    st.booleans(),
    st.booleans(),
)
def test_any_answer_with_the_same_mark_has_the_same_light(
    answered, paused, accepted, lateness, grace, ahead, ongoing, acceptance
):
    """The ledger counts lights by mark: what a mark leaves out must not matter."""
    due = date(2022, 6, 15)
    found = Dates.of(date(2022, 4, 8), due, due, grace)
    day = due + timedelta(days=ahead)
    submitted = datetime.combine(due + timedelta(days=lateness), time(15), ZONE)
    answer = Progress(
        answered=answered,
        paused=paused,
        submitted_at=submitted if answered in ("submitted", "nil") else None,
        accepted_at=submitted if accepted and answered in ("submitted", "nil") else None,
    )

    def light(of):
        return standing(found, of, day, first_lead=7, ongoing=ongoing, acceptance=acceptance, zone=ZONE)

    mark = mark_of(answer, is_late=answer.quiet and light(answer).late_days > 0)
    like = answer_like(mark, found, ZONE)
    assert (light(like).state, light(like).light) == (light(answer).state, light(answer).light)
    assert like.quiet == answer.quiet
