"""Who gets mail on a day: stand-ins of stand-ins, and people who are asked for one unit and copied for another."""

from dataclasses import replace
from datetime import date

import pytest

from tests.tools import CAMPAIGN, SETTINGS, Place
from tests.tools import UNITS as UNITS_OF_TOOLS
from tests.world import definition, running, unit, world
from tracker.core.model import Contact, StandIn, Unit

BOTH = ("wanzhou", "fuling")
TASK = definition("5", "2022年6月底前", BOTH)


def away(name, instead, first, last, *, role="to", of="unit.example"):
    """A contact called ``name`` for whom ``instead`` stands in from ``first`` to ``last``, both included."""
    until = date.fromordinal(date.fromisoformat(last).toordinal() + 1)
    stand_in = StandIn(instead, f"{instead}@{of}", date.fromisoformat(first), until)
    return Contact(name, f"{name}@{of}", role=role, stand_ins=(stand_in,))


def people(snapshot, day):
    found = snapshot.people(date.fromisoformat(day))
    return {name: [address.partition("@")[0] for address in found.of_unit[name]] for name in found.of_unit}


def units(wanzhou, fuling):
    return (
        Unit("wanzhou", "万州区应急管理局", contacts=tuple(wanzhou)),
        Unit("fuling", "涪陵区应急管理局", contacts=tuple(fuling)),
    )


def test_who_stands_in_may_be_away_as_well():
    first = away("a", "b", "2022-06-07", "2022-06-09")
    second = away("b", "c", "2022-06-08", "2022-06-10")
    snapshot = world(TASK, units=units([first], [second]))
    assert people(snapshot, "2022-06-06") == {"wanzhou": ["a"], "fuling": ["b"]}
    assert people(snapshot, "2022-06-07") == {"wanzhou": ["b"], "fuling": ["b"]}
    assert people(snapshot, "2022-06-08") == {"wanzhou": ["c"], "fuling": ["c"]}
    assert people(snapshot, "2022-06-10") == {"wanzhou": ["a"], "fuling": ["c"]}
    # The mail says for whom it is, and whoever got it may answer.
    assert snapshot.people(date(2022, 6, 8)).persons["c@unit.example"].stands_in == {
        "wanzhou": "a",
        "fuling": "b",
    }
    assert "c@unit.example" in snapshot.addresses_ever(["wanzhou"])
    assert "a@unit.example" not in snapshot.addresses_ever(["fuling"])


@pytest.mark.parametrize("length", [1, 2, 3, 5])
def test_a_circle_in_which_nobody_is_there_leaves_each_mail_where_it_was(length):
    names = [chr(ord("a") + number) for number in range(length)]
    contacts = [
        away(name, names[(number + 1) % length], "2022-06-07", "2022-06-08")
        for number, name in enumerate(names)
    ]
    snapshot = world(TASK, units=units(contacts, [Contact("z", "z@unit.example")]))
    assert people(snapshot, "2022-06-07")["wanzhou"] == names
    assert not any(each.stands_in for each in snapshot.people(date(2022, 6, 7)).persons.values())


def test_a_circle_further_on_sends_the_mail_back_to_its_beginning():
    contacts = [away("a", "b", "2022-06-07", "2022-06-07")]
    others = [away("b", "c", "2022-06-01", "2022-06-30"), away("c", "b", "2022-06-07", "2022-06-30")]
    snapshot = world(TASK, units=units(contacts, others))
    assert people(snapshot, "2022-06-07")["wanzhou"] == ["a"]
    assert people(snapshot, "2022-06-06")["fuling"] == ["c"]


UNITS = """\
units:
  - {id: center, name: 市考试中心, contacts: []}
  - id: wanzhou
    name: 万州区应急管理局
    aliases: [万州]
    contacts:
      - name: 甲
        email: a@unit.example
        stand_ins: [{name: 乙, email: b@unit.example, from: 2022-06-01, to: 2022-06-30}]
  - id: fuling
    name: 涪陵区应急管理局
    aliases: [涪陵]
    contacts:
      - name: 乙
        email: B@unit.example
        stand_ins: [{name: 甲, email: a@unit.example, from: 2022-06-20, to: 2022-06-21}]
groups:
  - {id: districts, name: 各区, members: [wanzhou, fuling]}
"""


def test_check_warns_where_stand_ins_lead_nowhere(tmp_path):
    place = Place(tmp_path, tasks=CAMPAIGN, units=UNITS, settings=SETTINGS)
    warnings = [
        each
        for each in place.json("check")["warnings"]
        if each["file"].endswith("units.yaml") and "2022-06" in each["message"]
    ]
    assert [(each["line"], each["column"]) for each in warnings] == [(9, 21), (16, 21)]
    assert all("2022-06-20" in each["message"] and "替班" in each["message"] for each in warnings)
    place.config.joinpath("units.yaml").write_text(
        UNITS.replace("2022-06-20, to: 2022-06-21", "2022-07-20, to: 2022-07-21")
    )
    assert not [each for each in place.json("check")["warnings"] if "替班" in each["message"]]


def test_copies_are_by_item_and_not_by_person():
    north = unit("wanzhou", "li@unit.example")
    south = Unit(
        "fuling",
        "涪陵区应急管理局",
        contacts=(Contact("涪陵联络员", "fuling@unit.example"), Contact("李", "LI@unit.example", role="cc")),
    )
    with running(world(TASK, units=(north, south))) as engine:
        engine.clock.set(engine.clock.now().replace(month=6, day=29, hour=9))
        engine.engine.run_pass()
        mails = {each.mail.to: each.mail for each, _ in engine.sender.take()}
        mine = mails["li@unit.example"]
        assert [item.unit for item in mine.items] == ["wanzhou", "fuling"]
        assert mine.details["cc_of"] == ["fuling"]
        assert "cc" not in mine.details
        assert "cc_of" not in mails["fuling@unit.example"].details
        # Once what is asked of the reader is done, the rest is a copy as a whole.
        engine.record("submit", "5", "wanzhou", when="2022-06-29 10:00")
        told = engine.pass_at("2022-06-30")
        assert set(told) == {"li@unit.example", "fuling@unit.example"}


def test_somebody_stands_in_for_one_unit_and_answers_for_another():
    north = Unit("wanzhou", "万州", contacts=(away("a", "li", "2022-06-01", "2022-06-30"),))
    south = unit("fuling", "li@unit.example")
    snapshot = world(TASK, units=(north, south))
    with running(snapshot) as engine:
        engine.clock.set(engine.clock.now().replace(month=6, day=29, hour=9))
        engine.engine.run_pass()
        [(mine, _)] = engine.sender.take()
        assert mine.mail.details["stands_in_of"] == {"wanzhou": "a"}
        assert "stands_in_for" not in mine.mail.details
    whole = replace(snapshot.campaign, units={"wanzhou": north})
    assert whole.on_duty(north.contacts[0], date(2022, 6, 5)).email == "li@unit.example"


@pytest.mark.parametrize("inbox", ["", "  inbox: {address: reply@kaoshi.example}\n"])
def test_mails_of_one_campaign_to_one_person_stand_together_and_can_be_answered(tmp_path, inbox):
    settings = SETTINGS.replace("  mailbox: var/kept\n", f"  mailbox: var/kept\n{inbox}")
    place = Place(tmp_path, tasks=CAMPAIGN, units=UNITS_OF_TOOLS, settings=settings)
    place.ok("run", "--once", "--send-now", "--no-web")
    mails = [each for each in place.letters("var/mailbox") if each["To"] is not None]
    threads: dict[str, set[str]] = {}
    for each in mails:
        threads.setdefault(each["To"].addresses[0].addr_spec, set()).add(each["References"])
        assert each["References"] != each["Message-ID"]
        assert each["Reply-To"] == ("reply@kaoshi.example" if inbox else "tracker@kaoshi.example")
    assert set(threads) >= {"wanzhou@unit.example", "fuling@unit.example"}
    assert all(len(found) == 1 for found in threads.values())
    assert len(set.union(*threads.values())) == len(threads)
