"""Campaigns of any size, made up; for what runs in a child."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.clock import VirtualClock
from tracker.config.loader import load
from tracker.core.model import Contact, Definition, Every, Group, Kind, Rule, Unit
from tracker.core.workdays import Workdays
from tracker.service.engine import Engine
from tracker.service.transactions import Sender
from tracker.shipped import shipped
from tracker.store.database import Database, open_database

#: A Thursday in working China; what is due at once is due on it.
TODAY = date(2022, 5, 12)
#: 09:00 of that day in Shanghai, when digests go out, and the evening before.
MORNING = datetime(2022, 5, 12, 1, 0, tzinfo=UTC)
EVENING = MORNING - timedelta(hours=14)
#: No name that stays on the machine by rule; the sink listens on loopback only.
DOMAIN = "bench.internal"

DUE_AT_ONCE = Rule(due=TODAY)
#: Eight periods in the ledger of 2022, from the 28th of May on.
MONTHLY = Rule(every=Every.MONTH, day=28, since=date(2022, 5, 1))
PERIODS = 8


def shipped_snapshot() -> CampaignSnapshot:
    """The shipped campaign."""
    loaded = load(shipped("config"))
    assert loaded.campaign is not None
    return CampaignSnapshot(loaded.campaign, loaded.settings, Workdays(loaded.holidays), loaded.fingerprint)


def made_up(units: int, items: int, rule: Rule = DUE_AT_ONCE) -> CampaignSnapshot:
    """``units`` units with one contact each, who all owe the same ``items`` of the shipped tasks by ``rule``."""
    base = shipped_snapshot()
    people = {
        f"u{n}": Unit(
            f"u{n}", f"第{n}区县应急管理局", contacts=(Contact(f"第{n}区县联络员", f"u{n}@{DOMAIN}"),)
        )
        for n in range(units)
    }
    real = base.campaign.tasks
    members = tuple(people)
    tasks = tuple(_task(str(n + 1), real[n % len(real)], members, rule) for n in range(items))
    campaign = dataclasses.replace(
        base.campaign,
        tasks=tasks,
        reports=(),
        units=people,
        groups={"all": Group("all", "各区县应急管理局", members=members)},
        supervisor=None,
    )
    settings = dataclasses.replace(base.settings, send_at=time(9))
    return CampaignSnapshot(campaign, settings, base.workdays, f"bench {units} {items} {rule}")


def _task(key: str, like: Definition, members: tuple[str, ...], rule: Rule) -> Definition:
    return Definition(
        key=key,
        kind=Kind.TASK,
        title=like.title,
        text=like.text,
        section=like.section,
        owners="各区县应急管理局",
        units=members,
        deadline="2022年5月12日前" if rule.every is None else "2022年5月起，每月28日前",
        rule=rule,
        requirement=like.requirement,
        submit_to="tables@bench.internal",
    )


class Service:
    """An engine over a database file, with a clock that is set."""

    def __init__(self, file: Path, snapshot: CampaignSnapshot, sender: Sender) -> None:
        self.snapshot = snapshot
        self.clock = VirtualClock(EVENING)
        self.database: Database = open_database(f"sqlite:///{file}")
        self.engine = Engine(self.database, snapshot, sender, read_clock=self.clock.now, who="bench")

    def close(self) -> None:
        """Let go of the file; its write-ahead log goes into it."""
        self.database.close()


def tasks_file(folder: Path, count: int, owners: Sequence[str] = ()) -> Path:
    """A config folder with ``count`` tasks, the shipped ones over and over, and the shipped units.

    With ``owners``, each task has one of them in turn instead of its own.
    """
    source = shipped("config")
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("units.yaml", "settings.yaml"):
        (folder / name).write_bytes((source / name).read_bytes())
    lines = [
        "campaign:",
        "  title: 测量",
        "  document: 测〔2022〕1号",
        "  issued: 2022-04-08",
        "  timezone: Asia/Shanghai",
        "  language: zh",
        "  supervisor: 市考试中心",
        f"  task_count: {count}",
        "tasks:",
    ]
    real = shipped_snapshot().campaign.tasks
    for n in range(count):
        task = real[n % len(real)]
        lines += [
            f"  - id: {n + 1}",
            f"    section: {task.section}",
            f"    text: '{_one_line(task.text)}'",
            f"    owners: {owners[n % len(owners)] if owners else task.owners}",
            f"    deadline: {2022 + n % 3}年{n % 12 + 1}月{n % 28 + 1}日前",
            f"    requirement: '{_one_line(task.requirement)}'",
        ]
    (folder / "tasks.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def _one_line(text: str | None) -> str:
    return (text or "").replace("\n", " ").replace("'", "’")
