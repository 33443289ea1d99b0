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
    tally: dict[str, object] = {"ref": f"{refs[0]}@2022-05", "title": "样例", "due": "2022-05-05"}
    missing = [{"unit": unit, "name": unit, "contacts": [{"name": "样例", "email": "sample@unit.example"}]}]
    late = [{"unit": unit, "name": unit, "late_days": 2}]
    entries: list[object] = [
        {**tally, "of": 2, "in": 1, "missing": missing, "late": late},
        {**tally, "of": 1, "in": 1, "missing": [], "late": []},
    ]
    yield Mail(
        "sample/rollup",
        at,
        "sample@unit.example",
        "样例",
        unit,
        MailKind.ROLLUP,
        language,
        (),
        {"entries": entries},
    )
