"""Campaigns of any size, made up."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, time
from pathlib import Path

from tracker.config.loader import load

from tracker.core.model import Contact, Definition, Group, Kind, Rule, Unit
from tracker.core.workdays import Workdays
from tracker.engine.inforce import InForce
from tracker.shipped import shipped

#: A Thursday in working China; everything of these campaigns falls due on it.
TODAY = date(2022, 5, 12)
MORNING = datetime(2022, 5, 12, 1, 0, tzinfo=UTC)
#: Not a name that stays on the machine by rule; the sink listens on loopback only.
DOMAIN = "bench.internal"


def shipped_force() -> InForce:
    """The shipped campaign."""
    loaded = load(shipped("config"))
    assert loaded.campaign is not None
    return InForce(loaded.campaign, loaded.settings, Workdays(loaded.holidays), loaded.fingerprint)


def made_up(units: int, items: int, *, due: date = TODAY) -> InForce:
    """``units`` units with one contact each, who all owe the same ``items`` tasks, due on ``due``."""
    base = shipped_force()
    people = {
        f"u{n}": Unit(
            f"u{n}", f"第{n}区县应急管理局", contacts=(Contact(f"第{n}区县联络员", f"u{n}@{DOMAIN}"),)
        )
        for n in range(units)
    }
    real = base.campaign.tasks
    tasks = tuple(
        Definition(
            key=str(n + 1),
            kind=Kind.TASK,
            title=real[n % len(real)].title,
            text=real[n % len(real)].text,
            section=real[n % len(real)].section,
            owners="各区县应急管理局",
            units=tuple(people),
            deadline="2022年5月12日前",
            rule=Rule(due=due),
            requirement=real[n % len(real)].requirement,
            submit_to="tables@bench.internal",
        )
        for n in range(items)
    )
    campaign = dataclasses.replace(
        base.campaign,
        tasks=tasks,
        reports=(),
        units=people,
        groups={"all": Group("all", "各区县应急管理局", members=tuple(people))},
        supervisor=None,
    )
    settings = dataclasses.replace(base.settings, send_at=time(9))
    return InForce(campaign, settings, base.workdays, f"bench {units} {items} {due}")


def tasks_file(folder: Path, count: int) -> Path:
    """A config folder with ``count`` tasks, the shipped ones over and over, and the shipped units."""
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
    loaded = load(source)
    assert loaded.campaign is not None
    real = loaded.campaign.tasks
    for n in range(count):
        task = real[n % len(real)]
        text = (task.text or "").replace("\n", " ").replace("'", "’")
        lines += [
            f"  - id: {n + 1}",
            f"    section: {task.section}",
            f"    text: '{text}'",
            f"    owners: {task.owners}",
            f"    deadline: {2022 + n % 3}年{n % 12 + 1}月{n % 28 + 1}日前",
            f"    requirement: '{(task.requirement or '').replace(chr(10), ' ')}'",
        ]
    (folder / "tasks.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder
