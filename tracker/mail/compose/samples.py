"""A mail of every kind, made of what the campaign has, to try layouts on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from tracker.core.model import Campaign, Item, Mail, MailKind, Reason
from tracker.i18n.catalogue import Language


def samples(campaign: Campaign, language: Language) -> Iterator[Mail]:
    """A digest with something in every section, an alert, a receipt, and roll-ups: deadlines alone, the week alone, both."""
    day = campaign.issued + timedelta(days=30)
    unit = next(iter(campaign.units), "unit")
    refs = list(campaign.definitions) or ["1"]
    items = _digest_items(refs, unit, campaign.issued, day)
    details: dict[str, object] = {
        "progress": {f"{each.ref} {unit}": 1 for each in items},
        "said": {
            f"{each.ref} {unit}": {"extended_from": "2022-05-05", "returned": "样例", "also": ["2022-01"]}
            for each in items[:9]
        },
        "last": [items[-2].ref],
    }
    for_information = {**details, "cc": True, "stands_in_for": "样例"}
    problems = {"title": "样例", "problems": ["config/tasks.yaml:1:1: sample"]}
    late = (Item(f"{refs[0]}@2022-05", unit, Reason.OVERDUE, day, -3),)
    deadlines = _deadlines(refs[0], unit)
    week = _week(campaign, day)
    at = datetime.combine(day, time(1), UTC)
    for name, kind, said, facts in (
        ("digest", MailKind.DIGEST, items, details),
        ("cc", MailKind.DIGEST, items, for_information),
        ("alert", MailKind.ALERT, (), problems),
        ("receipt", MailKind.RECEIPT, (), {"files": _files(refs[0])}),
        ("asked", MailKind.RECEIPT, (), {"request": _request(refs[0], unit, "asked")}),
        ("granted", MailKind.RECEIPT, (), {"request": _request(refs[0], unit, "granted")}),
        ("rollup", MailKind.ROLLUP, late, {"deadlines": deadlines}),
        ("week", MailKind.ROLLUP, (), {"deadlines": [], "week": week}),
        ("both", MailKind.ROLLUP, late, {"deadlines": deadlines[:1], "week": {**week, "before": None}}),
    ):
        key = f"sample/{name}"
        yield Mail(key, at, "sample@unit.example", "样例", unit, kind, language, said, dict(facts))


def _digest_items(refs: list[str], unit: str, issued: date, day: date) -> tuple[Item, ...]:
    items = []
    for number, reason in enumerate(Reason):
        ref = refs[number % len(refs)]
        items.append(Item(ref, unit, reason, None, None))
        items.extend(
            Item(f"{ref}@2022-0{left % 9 + 1}", unit, reason, day + timedelta(days=left), left)
            for left in (-3, 0, 1, 7)
        )
    items.append(Item(refs[0], unit, Reason.OVERDUE, issued - timedelta(days=1), -31))
    return tuple(items)


def _files(key: str) -> list[dict[str, object]]:
    found = {"sheet": "样例", "cell": "C7", "found": "若干", "expected": "12", "message": "样例"}
    return [
        {
            "file": "样例.xlsx",
            "ref": f"{key}@2022-05",
            "taken": False,
            "errors": [found],
            "questions": [found],
        },
        {
            "file": "样例.xlsx",
            "ref": key,
            "taken": True,
            "nil": True,
            "waits": True,
            "errors": [],
            "questions": [],
        },
    ]


def _request(key: str, unit: str, phase: str) -> dict[str, object]:
    facts = {"phase": phase, "kind": "extend", "ref": f"{key}@2022-05", "unit": unit, "who": "样例"}
    said = {"text": "样例", "due": "2022-05-05", "wanted": "2022-05-20"}
    answer = {"until": "2022-05-20", "by": "样例", "reply": "样例"} if phase == "granted" else {}
    return {**facts, **said, **answer}


def _deadlines(key: str, unit: str) -> list[dict[str, object]]:
    counts: dict[str, object] = {"of": 4, "nil": 1, "waiting": 2, "waived": 1, "paused": 1}
    units: dict[str, object] = {"late": [unit], "returned": [unit], "extended": {unit: "2022-05-20"}}
    return [
        {"ref": f"{key}@2022-05", "due": "2022-05-05", **counts, **units},
        {"ref": f"{key}@2022-06", "due": "2022-06-05", "of": 1, "waiting": 1, "waiting_nil": 1},
    ]


def _week(campaign: Campaign, day: date) -> dict[str, object]:
    lights = {"red": 2, "amber": 1, "green": 30, "blue": 4, "grey": 1}
    before = {"red": 1, "amber": 3, "green": 31, "blue": 3, "grey": 0}
    cell = {"lights": lights, "before": before}
    return {
        "day": day.isoformat(),
        "before": (day - timedelta(days=7)).isoformat(),
        "lights": lights,
        "lights_before": before,
        "sections": [{"name": "", **cell}],
        "tasks": [{"key": key, **cell} for key in campaign.definitions],
        "units": [{"unit": each, **cell} for each in campaign.units],
    }
