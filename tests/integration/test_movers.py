"""Units whose people an edit moves to another time zone, before or after the digests of the day there."""

from datetime import date, timedelta
from functools import cache

import pytest

from tests.world import at, definition, running, unit, world
from tracker.core.model import MailKind

NEW_YORK, AUCKLAND = "America/New_York", "Pacific/Auckland"
#: Nine in Auckland, Shanghai and New York, and hours between them.
HOURS = ("05:00", "08:00", "09:00", "10:00", "20:00", "21:00", "22:00")
FIRST, DAYS = date(2022, 4, 28), 24


def files(mark, *, wanzhou=None, city=None, key="5", due="2022-05-06", at_unit="unit.example"):
    """Asked of 万州, and of 涪陵, 綦江 (Shanghai, New York), who stay where they are."""
    task = definition(key, due, ("wanzhou", "fuling", "qijiang"))
    units = (
        unit("wanzhou", f"wanzhou@{at_unit}", timezone=wanzhou),
        "fuling",
        unit("qijiang", timezone=NEW_YORK),
        unit("city", f"city@{at_unit}", timezone=city),
    )
    return world(task, units=units, supervisor="city", fingerprint=mark)


def on_days(*days):
    """The day of the edit, and where the people of the unit that moves are then: the same, or on one day others."""
    same = [(day, "unit.example") for day in days]
    return pytest.mark.parametrize(("day", "at_unit"), [*same, ("05-06", "new.example")])


def mails(first, then, edited, events=()):
    """Every mail of some weeks: (day, to whom, kind, items, references of deadlines)."""
    found = []
    with running(first, "2022-04-28 01:00") as engine:
        for number in range(DAYS):
            for hour in HOURS:
                now = f"{FIRST + timedelta(days=number)} {hour}"
                engine.clock.set(at(now))
                if now == edited:
                    engine.engine.adopt(then)
                if now in events:
                    engine.record("submit", events[now], "fuling")
                engine.engine.run_pass()
                for claimed, _ in engine.sender.take():
                    mail = claimed.mail
                    deadlines = [each["ref"] for each in mail.details.get("deadlines", ())]
                    found.append((now[5:10], mail.to, mail.kind, mail.items, deadlines))
    return found


def said(found):
    """(unit, reason) and day of what was said, by name; each once a day to one address."""
    lines = [
        (to, item.unit, item.reason.value, day)
        for day, to, kind, items, _ in found
        if kind is MailKind.DIGEST
        for item in items
    ]
    assert len(set(lines)) == len(lines)
    return sorted({(to.partition("@")[0], *line) for to, *line in lines})


@cache
def said_unmoved(of):
    """The same where 万州 stays in the time zone ``of``."""
    first = files("before", wanzhou=of)
    return said(mails(first, first, None))


@on_days("05-05", "05-06", "05-07", "05-10")
@pytest.mark.parametrize("hour", ["08:00", "10:00", "20:00", "22:00"])
@pytest.mark.parametrize(("of", "to"), [(NEW_YORK, None), (None, NEW_YORK), (AUCKLAND, None)])
def test_whoever_moves_is_told_everything_once_and_so_is_everybody_else(of, to, day, hour, at_unit):
    """The last reminder, the day itself, the first of being late, and that on which silence goes upward."""
    first = files("before", wanzhou=of)
    found = said(mails(first, files("after", wanzhou=to, at_unit=at_unit), f"2022-{day} {hour}"))
    assert found == said_unmoved(of)


def named_by_two(mark, namer):
    """What is asked where the unit ``namer`` is the first to name the second of 万州's people: 綦江 is in New York."""
    task = definition("5", "2022-05-06", ("wanzhou", "fuling", "qijiang"))
    both = {
        "wanzhou": unit("wanzhou", "wanzhou@unit.example", "li@unit.example"),
        "qijiang": unit("qijiang", "qijiang@unit.example", "li@unit.example", timezone=NEW_YORK),
    }
    units = (
        both[namer],
        *(each for name, each in both.items() if name != namer),
        "fuling",
        unit("city"),
    )
    return world(task, units=units, supervisor="city", fingerprint=mark)


def said_to_li(then, edited):
    first = named_by_two("before", "qijiang")
    return [line for line in said(mails(first, then, edited)) if line[0] == "li"]


@pytest.fixture(scope="module")
def said_to_li_unmoved():
    return said_to_li(None, None)


@pytest.mark.parametrize("hour", ["08:00", "10:00", "20:00", "22:00"])
@pytest.mark.parametrize("day", ["05-05", "05-06"])
def test_whoever_moves_as_another_unit_names_them_first_is_told_everything_once(
    day, hour, said_to_li_unmoved
):
    """In New York as long as 綦江 names them: their units are where they were."""
    found = said_to_li(named_by_two("after", "wanzhou"), f"2022-{day} {hour}")
    assert found == said_to_li_unmoved


@on_days("05-05", "05-06", "05-09")
@pytest.mark.parametrize("hour", ["08:00", "10:00", "20:00", "22:00"])
@pytest.mark.parametrize(("of", "to"), [(NEW_YORK, None), (None, NEW_YORK), (AUCKLAND, None)])
def test_a_supervisor_who_moves_has_each_roll_up_once(of, to, day, hour, at_unit):
    table = {"key": "table-2", "due": "2022年5月起，每月5日前"}
    # What is filed meanwhile makes another roll-up of it.
    events = {"2022-05-06 08:00": "table-2@2022-05"}
    found = mails(
        files("before", city=of, **table),
        files("after", city=to, at_unit=at_unit, **table),
        f"2022-{day} {hour}",
        events,
    )
    rollups = [(day, refs) for day, _, kind, _, refs in found if kind is MailKind.ROLLUP]
    assert [refs for _, refs in rollups if refs] == [["table-2@2022-05"]]
    assert [day for day, refs in rollups if not refs] == ["05-05", "05-09", "05-16"]
