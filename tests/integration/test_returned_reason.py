"""Why something was sent back is quoted as long as it stands returned, and no longer."""

from __future__ import annotations

from datetime import date, timedelta

from tests.world import at, definition, running, world
from tracker.core.model import Reason
from tracker.planning.reminders_now import remind_now

BOTH = ("wanzhou", "fuling")
TABLE = definition("table-2", "2022年5月起，每月5日前", BOTH)
REF = "table-2@2022-05"


def quoted(engine, first, last):
    """(day, reason of the item, quoted reason for the return) of every mail to wanzhou about the table."""
    found = []
    day = date.fromisoformat(first)
    while day <= date.fromisoformat(last):
        engine.clock.set(at(day.isoformat()))
        engine.engine.run_pass()
        for claimed, _ in engine.sender.take():
            said = claimed.mail.details.get("said", {})
            for item in claimed.mail.items:
                if (item.ref, item.unit) == (REF, "wanzhou"):
                    why = said.get(f"{REF} wanzhou", {}).get("returned")
                    found.append((day.isoformat(), item.reason, why))
        day += timedelta(days=1)
    return found


def test_later_reminders_quote_it_too_until_it_is_answered_anew():
    with running(world(TABLE), "2022-05-04 08:00") as engine:
        engine.record("submit", REF)
        engine.record("return", REF, reason="缺公章", when="2022-05-05 15:00")
        told = quoted(engine, "2022-05-06", "2022-05-13")
        assert told[0] == ("2022-05-06", Reason.RETURNED, "缺公章")
        assert len(told) >= 3
        assert {reason for _, reason, _ in told[1:]} == {Reason.OVERDUE}
        assert {why for _, _, why in told} == {"缺公章"}
        # Sent back once more for another reason: the last one counts.
        engine.record("submit", REF, when="2022-05-13 15:00")
        engine.record("return", REF, reason="人数不符", when="2022-05-13 16:00")
        assert {why for _, _, why in quoted(engine, "2022-05-16", "2022-05-20")} == {"人数不符"}
        engine.record("submit", REF, when="2022-05-20 15:00")
        assert quoted(engine, "2022-05-23", "2022-05-27") == []


def test_what_was_taken_back_is_not_quoted():
    with running(world(TABLE), "2022-05-04 08:00") as engine:
        engine.record("submit", REF)
        engine.record("return", REF, reason="点错了", when="2022-05-05 15:00")
        engine.record("undo", REF)
        engine.record("undo", REF)
        told = quoted(engine, "2022-05-06", "2022-05-13")
        assert told
        assert {why for _, _, why in told} == {None}


def test_where_a_later_return_was_taken_back_the_earlier_one_counts():
    with running(world(TABLE), "2022-05-04 08:00") as engine:
        engine.record("submit", REF)
        engine.record("return", REF, reason="缺公章", when="2022-05-05 15:00")
        engine.record("submit", REF)
        engine.record("return", REF, reason="点错了")
        engine.record("undo", REF)
        engine.record("undo", REF)
        assert {why for _, _, why in quoted(engine, "2022-05-06", "2022-05-13")} == {"缺公章"}


def test_a_reminder_by_hand_quotes_it():
    with running(world(TABLE), "2022-05-04 08:00") as engine:
        engine.record("submit", REF)
        engine.record("return", REF, reason="缺公章", when="2022-05-05 15:00")
        quoted(engine, "2022-05-06", "2022-05-06")
        now = at("2022-05-07 10:00")
        engine.clock.set(now)
        with engine.database.writing() as session:
            assert remind_now(session, engine.engine.snapshot, [REF], None, now, asked_by="高").mails == 2
        assert quoted(engine, "2022-05-09", "2022-05-09")[0][2] == "缺公章"
