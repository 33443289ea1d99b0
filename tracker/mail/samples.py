"""A mail of every kind, made of what the campaign has, to try layouts on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

from tracker.core.model import Campaign, Item, Language, Mail, MailKind, Reason


def samples(campaign: Campaign, language: Language) -> Iterator[Mail]:
    """A digest with something in every section, an alert, and a roll-up with and without missing units."""
    day = campaign.issued + timedelta(days=30)
    at = datetime.combine(day, time(1), UTC)
    unit = next(iter(campaign.units), "unit")
    refs = list(campaign.definitions) or ["1"]
    items = []
    for number, reason in enumerate(Reason):
        ref = refs[number % len(refs)]
        items.append(Item(ref, unit, reason, None, None))
        items.extend(
            Item(f"{ref}@2022-0{left % 9 + 1}", unit, reason, day + timedelta(days=left), left)
            for left in (-3, 0, 1, 7)
        )
    items.append(Item(refs[0], unit, Reason.OVERDUE, campaign.issued - timedelta(days=1), -31))
    yield Mail(
        "sample/digest", at, "sample@unit.example", "样例", unit, MailKind.DIGEST, language, tuple(items)
    )
    problems: dict[str, object] = {"title": "样例", "problems": ["config/tasks.yaml:1:1: sample"]}
    yield Mail(
        "sample/alert", at, "sample@unit.example", "样例", None, MailKind.ALERT, language, (), problems
    )
    tally: dict[str, object] = {"ref": f"{refs[0]}@2022-05", "due": "2022-05-05", "late": [unit], "nil": 1}
    lights = {"red": 2, "amber": 1, "green": 30, "blue": 4, "grey": 1}
    before = {"red": 1, "amber": 3, "green": 31, "blue": 3, "grey": 0}
    cell = {"lights": lights, "before": before}
    yield Mail(
        "sample/rollup",
        at,
        "sample@unit.example",
        "样例",
        unit,
        MailKind.ROLLUP,
        language,
        (Item(f"{refs[0]}@2022-05", unit, Reason.OVERDUE, day, -3),),
        {
            "deadlines": [{**tally, "of": 2}, {"ref": f"{refs[0]}@2022-06", "due": "2022-06-05", "of": 1}],
            "week": {
                "day": day.isoformat(),
                "before": (day - timedelta(days=7)).isoformat(),
                "lights": lights,
                "lights_before": before,
                "sections": [{"name": "", **cell}],
                "tasks": [{"key": key, **cell} for key in refs],
                "units": [{"unit": each, **cell} for each in campaign.units],
            },
        },
    )
