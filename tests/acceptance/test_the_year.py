"""The shipped campaign of 2022 and 2023, every day and every contact, against the clerk of ``oracle``.

And the critical days of one district, Wanzhou, written down by hand from the document.
"""

from __future__ import annotations

import json
import random
import shutil
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

from tests.acceptance.house import assert_same, lines_of
from tests.acceptance.oracle import Clerk, History, MisfitError, all_asked, read_events
from tests.tools import made_json, made_once
from tracker.config.loader import load_or_raise
from tracker.service.app import App
from tracker.usecases.mailing import simulated_mails

CONFIG = Path(__file__).parents[2] / "config"
ZONE = ZoneInfo("Asia/Shanghai")
DAY = timedelta(days=1)
FIRST, LAST = date(2022, 4, 8), date(2023, 12, 31)

CITY = ("shi-yingji", "shi-kaoshi")
FEW = (*CITY, "wanzhou", "fuling", "wansheng")
WANZHOU = "wanzhou@yingji.example"


@pytest.fixture(scope="session")
def few(tmp_path_factory):
    """The shipped files with three districts left of 41."""
    return made_once(tmp_path_factory, "few", lambda folder: cut_down(folder / "config", FEW)) / "config"


def cut_down(folder, wanted):
    shutil.copytree(CONFIG, folder)
    path = folder / "units.yaml"
    units = yaml.safe_load(path.read_text(encoding="utf-8"))
    units["units"] = [unit for unit in units["units"] if unit["id"] in wanted]
    for group in units["groups"]:
        group["members"] = [unit for unit in group["members"] if unit in wanted]
    path.write_text(yaml.safe_dump(units, allow_unicode=True), encoding="utf-8")
    # A window of the year is that of a ledger which was there from the first day on.
    tasks = folder / "tasks.yaml"
    text = tasks.read_text(encoding="utf-8")
    assert "  # chase_from: 2022-04-08\n" in text
    tasks.write_text(text.replace("  # chase_from:", "  chase_from:"), encoding="utf-8")
    return folder


def simulated(config, first, last, events=None):
    """What ``tracker simulate`` prints, as values."""
    app = App(config, database="sqlite://", environ={})
    try:
        return [fact for _, fact in simulated_mails(app, first, last, events_file=events)]
    finally:
        app.close()


def clerk_of(config):
    return Clerk.of(load_or_raise(config))


# --- a year of events ---


def a_year_of_events(config, seed):
    """Districts that are on time, late, have nothing to report, are corrected, extended, waived, paused, never."""
    chance = random.Random(seed)
    campaign = clerk_of(config).campaign
    rows = []
    for definition in campaign:
        target = definition.target
        for ref, due, opens in all_asked(definition, campaign.issued, LAST - 60 * DAY):
            for unit in definition.units:
                quota = target.count if target and unit in target.units else None
                rows += one_story(chance, {"ref": ref, "unit": unit}, opens, due, quota)
    rows.sort(key=lambda row: row["at"])
    return [{**row, "at": row["at"].isoformat()} for row in fitting(rows)]


def one_story(chance, cell, opens, due, quota):
    """What happens to one cell: some events, by date."""

    def at(day, *more):
        hour = chance.choice([8, 9, 10, 14, 16, 22])
        moment = datetime.combine(day + timedelta(days=sum(more)), time(hour, chance.randrange(60)), ZONE)
        return {**cell, "at": moment}

    pivot = due or opens + timedelta(days=chance.randrange(30, 400))
    early = max(opens, pivot - timedelta(days=chance.randrange(12)))
    late = max(opens, pivot + timedelta(days=chance.randrange(1, 40)))
    some = chance.randrange(1, 9)
    until = pivot + timedelta(days=chance.randrange(3, 40))
    corrected = timedelta(days=some + chance.randrange(20))

    def after(day, event, days=0, **more):
        return {**at(day, days), "event": event, **more}

    stories = [
        *[counted(chance, at(early), quota)] * 4,
        *[counted(chance, at(late), quota)] * 4,
        [after(early, "nil")],
        # Sent back and corrected later; sent back, and never heard of again.
        [after(early, "submit"), after(early, "return", some), after(early + corrected, "submit", some)],
        [after(late, "submit"), after(late, "return", some, reason="合计不符")],
        [after(early, "waive")],
        [after(early, "pause"), after(late, "resume", some)],
        [after(early, "submit"), after(early, "accept", some)],
        # It was another one's.
        [after(early, "submit"), after(early, "undo", some)],
        *[[]] * 3,
    ]
    if due is not None and early <= due:
        granted = after(early, "extend", until=until.isoformat())
        stories += [[granted], [granted, after(until, "submit", some - 4)]]
    return chance.choice(stories)


def counted(chance, event, quota):
    """One submission, or one for each piece of a quota; now and then not all of them."""
    if quota is None:
        return [{**event, "event": "submit"}]
    pieces = quota - chance.choice([0, 0, 1])
    step = timedelta(days=chance.randrange(5))
    return [{**event, "event": "submit", "count": 1, "at": event["at"] + step * n} for n in range(pieces)]


def fitting(rows):
    """Without those that do not fit what went before (a random story may trip over itself)."""
    cells: dict[tuple[str, str], History] = {}
    for row in rows:
        history = cells.setdefault((row["ref"], row["unit"]), History(None))
        try:
            history.take(row)
        except MisfitError:
            continue
        yield row


def write_events(path, rows):
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def eventful(few, tmp_path_factory):
    """(events as the oracle reads them, file) for the cut-down campaign."""
    rows = made_json(tmp_path_factory, "events", lambda: a_year_of_events(few, 2022))
    path = write_events(tmp_path_factory.mktemp("events") / "events.jsonl", rows)
    return read_events(rows, ZONE), path


@pytest.fixture(scope="module")
def unanswered(few, tmp_path_factory):
    """Every mail of the two years, when nobody answers."""
    return made_json(tmp_path_factory, "unanswered", lambda: simulated(few, FIRST, LAST))


@pytest.fixture(scope="module")
def answered(few, eventful, tmp_path_factory):
    """Every mail of the two years, over the year of events."""
    return made_json(tmp_path_factory, "answered", lambda: simulated(few, FIRST, LAST, eventful[1]))


# --- the whole of it, item by item ---


def test_every_item_of_every_day_is_right_when_nobody_answers(few, unanswered):
    assert_same(clerk_of(few).mails(FIRST, LAST), lines_of(unanswered))


@pytest.mark.torture
def test_every_item_of_every_day_and_contact_is_right_when_nobody_answers():
    assert_same(clerk_of(CONFIG).mails(FIRST, LAST), lines_of(simulated(CONFIG, FIRST, LAST)))


def test_mails_go_to_one_contact_once_a_day_at_nine_on_workdays(few, answered):
    clerk = clerk_of(few)
    seen = set()
    for mail in answered:
        at, [address] = datetime.fromisoformat(mail["at"]), mail["to"]
        assert at == datetime.combine(at.date(), time(9), ZONE)
        assert clerk.wall.is_workday(at.date()), at
        own = {item["unit"] for item in mail["items"] if item["reason"] != "escalation"}
        assert mail["kind"] == "rollup" or own <= clerk.addresses[address], mail
        assert (at.date(), address, mail["kind"]) not in seen
        seen.add((at.date(), address, mail["kind"]))
        assert mail["subject"]
        assert mail["items"] or mail["kind"] != "digest", "a digest with nothing in it"
    assert len({mail["message_id"] for mail in answered}) == len(answered)


def test_every_item_is_right_in_a_year_of_events(few, eventful, answered):
    events, _ = eventful
    kinds = {event["event"] for event in events}
    assert kinds == {"submit", "nil", "accept", "return", "extend", "waive", "pause", "resume", "undo"}
    assert_same(clerk_of(few).mails(FIRST, LAST, events), lines_of(answered))


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(3))
def test_every_item_is_right_in_a_year_of_events_of_all_43_units(tmp_path, seed):
    rows = a_year_of_events(CONFIG, seed)
    path = write_events(tmp_path / "events.jsonl", rows)
    expected = clerk_of(CONFIG).mails(FIRST, LAST, read_events(rows, ZONE))
    assert_same(expected, lines_of(simulated(CONFIG, FIRST, LAST, path)))


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2022, 4, 9), date(2022, 5, 20)),
        (date(2022, 5, 30), date(2022, 6, 7)),
        (date(2022, 10, 3), date(2022, 10, 12)),
        (date(2022, 12, 28), date(2023, 1, 31)),
        (date(2023, 6, 15), date(2023, 6, 15)),
    ],
)
def test_a_window_of_a_simulation_is_the_same_as_in_the_longer_one(few, eventful, answered, first, last):
    assert simulated(few, first, last, eventful[1]) == [
        mail for mail in answered if first.isoformat() <= mail["at"][:10] <= last.isoformat()
    ]


# --- Wanzhou by hand ---

#: What a district is asked once, by the numbers of the document; 16 was over before the document was issued.
OF_DISTRICTS = (
    *("1", "3", "4", "5", "5/first-list", "5/second-list", "6", "7", "8", "9", "10", "12", "14"),
    *("15", "17", "19", "20", "21", "22", "23", "24", "28"),
)
#: Each month by the 5th: tables 2 to 4 and the work report; the experience ends in October.
MONTHLY = ("table-2", "table-3", "table-4", "work-report")
WITH_EXPERIENCE = ("26/experience", *MONTHLY)
SELF_CHECKS = ("table-2-self-check", "table-3-self-check")
#: By the end of 2022.
BY_YEAR_END = ("1", "3", "4", "5", "6", "7", "12", "15", "17", "21")
#: Without a date.
ONGOING = ("9", "10", "14", "19", "28")


def items(reason, days_left, refs, period=None):
    return {(f"{ref}@{period}" if period else ref, reason, days_left) for ref in refs}


def wanzhou(mails):
    """{day: {(ref, reason, days left)}} of the mails to Wanzhou."""
    return {
        mail["at"][:10]: {(item["ref"], item["reason"], item["days_left"]) for item in mail["items"]}
        for mail in mails
        if mail["to"] == [WANZHOU]
    }


@pytest.fixture(scope="module")
def silent(unanswered):
    """Wanzhou never answers."""
    return wanzhou(unanswered)


@pytest.fixture(scope="module")
def diligent(few, tmp_path_factory):
    """Wanzhou files everything on the first of the month in which it is due, until September, then nothing."""
    rows = []
    for definition in clerk_of(few).campaign:
        if "wanzhou" in definition.units:
            for ref, due, _ in all_asked(definition, FIRST, date(2022, 9, 30)):
                if due is not None and due < date(2022, 9, 30):
                    day = max(due.replace(day=1), FIRST)
                    rows.append({"at": day.isoformat(), "ref": ref, "unit": "wanzhou", "event": "submit"})
    rows.sort(key=lambda row: row["at"])
    path = write_events(tmp_path_factory.mktemp("diligent") / "events.jsonl", rows)
    mails = made_json(tmp_path_factory, "diligent", lambda: simulated(few, FIRST, date(2023, 1, 6), path))
    return wanzhou(mails)


def test_wanzhou_on_8_april_hears_what_is_asked_what_is_late_and_what_is_due_in_a_week(silent):
    assert silent["2022-04-08"] == (
        items("overdue", -8, ["16", "23/self-check-notice"])
        | items("overdue", -3, ["26/experience"], "2022-04")
        | items("lead", 7, SELF_CHECKS)
        | {(ref, "opened", days_to(ref)) for ref in OF_DISTRICTS}
    )


def days_to(ref):
    """From 8 April to the date that the document gives."""
    due = {
        "20": date(2022, 5, 20),
        "22": date(2022, 5, 31),
        "5/first-list": date(2022, 6, 30),
        "24": date(2022, 7, 31),
        "5/second-list": date(2022, 8, 31),
        "23": date(2022, 10, 31),
        "8": date(2023, 12, 31),
        **dict.fromkeys(BY_YEAR_END, date(2022, 12, 31)),
    }.get(ref)
    return due and (due - FIRST).days


def test_wanzhou_on_15_april_files_the_self_checks(silent):
    # What is late keeps one beat: every second workday from the 8th on, as the experience of April has it.
    late = ["16", "23/self-check-notice"]
    assert silent["2022-04-14"] == (
        items("lead", 1, SELF_CHECKS)
        | items("overdue", -14, late)
        | items("overdue", -9, ["26/experience"], "2022-04")
    )
    assert silent["2022-04-15"] == items("due_today", 0, SELF_CHECKS)
    assert "2022-04-16" not in silent
    assert "2022-04-17" not in silent
    # The first workday after is a Monday.
    assert items("overdue", -3, SELF_CHECKS) <= silent["2022-04-18"]


def test_wanzhou_before_labour_day_hears_of_the_fifth_and_on_the_fifth_it_is_due(silent):
    # Off from 30 April to 4 May: five days before (30 April) and one day before (4 May) both move to the 29th.
    assert silent["2022-04-29"] == (
        items("lead", 6, WITH_EXPERIENCE, "2022-05")
        | items("lead", 32, ["22"])  # by 31 May; 30 days before is 1 May
        | items("overdue", -29, ["16", "23/self-check-notice"])
        | items("overdue", -24, ["26/experience"], "2022-04")
        | items("overdue", -14, SELF_CHECKS)
    )
    for day in ("04-30", "05-01", "05-02", "05-03", "05-04"):
        assert f"2022-{day}" not in silent
    # The second workday after the 29th is the 6th of May.
    assert silent["2022-05-05"] == items("due_today", 0, WITH_EXPERIENCE, "2022-05")
    assert items("overdue", -1, WITH_EXPERIENCE, "2022-05") <= silent["2022-05-06"]
    assert items("overdue", -21, SELF_CHECKS) <= silent["2022-05-06"]


def test_wanzhou_hears_of_5_june_before_the_dragon_boat_holiday_and_after_it_that_it_is_late(silent):
    # Off from Friday 3 to Sunday 5 June.
    assert items("lead", 5, WITH_EXPERIENCE, "2022-06") <= silent["2022-05-31"]
    assert silent["2022-06-02"] == (
        items("lead", 3, WITH_EXPERIENCE, "2022-06")
        | items("overdue", -28, WITH_EXPERIENCE, "2022-05")
        | items("overdue", -58, ["26/experience"], "2022-04")
        | items("overdue", -63, ["16", "23/self-check-notice"])
        | items("overdue", -48, SELF_CHECKS)
        | items("overdue", -13, ["20"])
        | items("overdue", -2, ["22"])
    )
    for day in ("03", "04", "05"):
        assert f"2022-06-{day}" not in silent
    # What is newly late is told by itself; on the second workday after the 2nd all that is late.
    assert silent["2022-06-06"] == items("overdue", -1, WITH_EXPERIENCE, "2022-06")
    assert silent["2022-06-07"] == (
        items("overdue", -2, WITH_EXPERIENCE, "2022-06")
        | items("overdue", -33, WITH_EXPERIENCE, "2022-05")
        | items("overdue", -63, ["26/experience"], "2022-04")
        | items("overdue", -68, ["16", "23/self-check-notice"])
        | items("overdue", -53, SELF_CHECKS)
        | items("overdue", -18, ["20"])
        | items("overdue", -7, ["22"])
    )


def test_wanzhou_hears_of_5_october_before_national_day_and_after_it_that_it_is_late(diligent):
    # Off from 1 to 7 October; 8 and 9 October, a weekend, are worked.
    assert diligent["2022-09-30"] == (
        items("lead", 5, WITH_EXPERIENCE, "2022-10")
        | items("lead", 31, ["23"])  # by 31 October; 30 days before is 1 October
        | items("due_today", 0, ["10/patrol"], "2022-Q3")
    )
    for day in range(1, 8):
        assert f"2022-10-{day:02}" not in diligent
    assert diligent["2022-10-08"] == (
        items("overdue", -3, WITH_EXPERIENCE, "2022-10")
        | items("overdue", -8, ["10/patrol"], "2022-Q3")
        | items("review", None, ONGOING)
        | items("pace", 84, ["5"])  # of two cases not one, with two thirds of the year gone
        | items("pace", 84, ["28/inspections"], "2022")
    )
    assert "2022-10-09" not in diligent, "worked, but there is nothing to say: every second workday"
    assert diligent["2022-10-10"] == (
        items("overdue", -5, WITH_EXPERIENCE, "2022-10") | items("overdue", -10, ["10/patrol"], "2022-Q3")
    )


def test_wanzhou_at_the_end_of_the_year(diligent):
    """31 December 2022 is a Saturday and a holiday, as is the Monday after."""
    year_end = items("lead", 30, BY_YEAR_END) | items("lead", 30, ["28/inspections"], "2022")
    year_end |= items("lead", 30, ["10/patrol"], "2022-Q4")
    assert year_end <= diligent["2022-12-01"]
    asked = {ref for ref, *_ in year_end}
    for day, left in (("23", 8), ("28", 3), ("30", 1)):
        assert {(ref, "lead", left) for ref in asked} <= diligent[f"2022-12-{day}"], day
    # And by 5 January: five days before is 31 December.
    assert items("lead", 6, MONTHLY, "2023-01") <= diligent["2022-12-30"]
    for day in ("2022-12-24", "2022-12-25", "2022-12-31", "2023-01-01", "2023-01-02"):
        assert day not in diligent
    assert {(ref, "overdue", -3) for ref in asked} | items("review", None, ONGOING) <= diligent["2023-01-03"]
    assert not any(ref.startswith("26/experience@2022-11") for day in diligent.values() for ref, *_ in day)
    assert items("lead", 1, MONTHLY, "2023-01") <= diligent["2023-01-04"]
    assert items("due_today", 0, MONTHLY, "2023-01") <= diligent["2023-01-05"]


def test_wanzhou_hears_nothing_before_the_date_of_issue_and_nothing_of_what_others_are_asked(few):
    mails = simulated(few, date(2022, 3, 1), date(2022, 12, 31))
    assert min(mail["at"] for mail in mails).startswith("2022-04-08")
    told = {ref.partition("@")[0] for day in wanzhou(mails).values() for ref, *_ in day}
    # 2, 11, 13, 18, 25 to 27, 29 to 31 are the city's.
    assert told == {
        *OF_DISTRICTS,
        *SELF_CHECKS,
        *WITH_EXPERIENCE,
        "16",
        "23/self-check-notice",
        "10/patrol",
        "28/inspections",
    }
    city = {
        item["ref"].partition("@")[0]
        for mail in mails
        if mail["unit"] == "shi-kaoshi" and mail["kind"] == "digest"
        for item in mail["items"]
        if item["unit"] == "shi-kaoshi"
    }
    # The examination centre: 13 and 18 by name, 7 to 9 as the city's examination body.
    assert city == {"7", "8", "9", "13", "18"}


def test_a_window_that_begins_after_a_return_still_tells_of_it(few, tmp_path):
    """Sent back on Friday afternoon: the mail of Monday says so, whether one simulates from May or from Monday."""
    ref = "table-2@2022-05"
    rows = [
        {"at": "2022-05-05T10:00:00+08:00", "ref": ref, "unit": "wanzhou", "event": "submit"},
        {"at": "2022-05-13T16:00:00+08:00", "ref": ref, "unit": "wanzhou", "event": "return"},
    ]
    path = write_events(tmp_path / "events.jsonl", rows)
    monday = date(2022, 5, 16)
    longer = wanzhou(simulated(few, date(2022, 5, 2), monday, path))["2022-05-16"]
    assert (ref, "returned", -11) in longer
    assert wanzhou(simulated(few, monday, monday, path))["2022-05-16"] == longer
