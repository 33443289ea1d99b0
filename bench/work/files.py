"""The folder of files: read and checked by us, and read alone by PyYAML."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median

import yaml

from bench.child import Figures
from bench.world import EVENING, shipped_snapshot, tasks_file
from tracker.clock import VirtualClock
from tracker.config.loader import SETTINGS, TASKS, UNITS, load
from tracker.service.app import App
from tracker.shipped import shipped


def write(folder: str, count: int, *, one_owner: bool) -> Figures:
    """A folder with so many tasks; with ``one_owner`` each is one unit's."""
    owners = [unit.name for unit in shipped_snapshot().campaign.units.values()] if one_owner else ()
    tasks_file(Path(folder), count, owners)
    return {}


def ours(folder: str, times: int) -> Figures:
    """Read, check and build the campaign."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        loaded = load(_place(folder))
        taken.append(time.perf_counter() - start)
        assert loaded.campaign is not None, loaded.errors[:3]
    return {"ms": median(taken) * 1000}


def pyyaml(folder: str, times: int) -> Figures:
    """The same files through the C loader into dicts and lists, collector on, nothing checked."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        for name in (TASKS, UNITS, SETTINGS):
            yaml.load((_place(folder) / name).read_bytes(), Loader=yaml.CSafeLoader)
        taken.append(time.perf_counter() - start)
    return {"ms": median(taken) * 1000}


def _place(folder: str) -> Path:
    return Path(folder) if folder else shipped("config")


def reload(folder: str, database: str) -> Figures:
    """Milliseconds until an edit of one of the tasks is in force, in the ledger too."""
    config = Path(folder)
    app = App(config, database=f"sqlite:///{database}", environ={}, clock=VirtualClock(EVENING))
    app.engine.bring_up_to_date(EVENING)
    tasks = config / TASKS
    text = tasks.read_text(encoding="utf-8")
    tasks.write_text(text.replace("2022年1月1日前", "2022年1月2日前", 1), encoding="utf-8")
    assert app.files_changed()
    start = time.perf_counter()
    app.reload()
    app.engine.bring_up_to_date(EVENING)
    seconds = time.perf_counter() - start
    tasks.write_text(text, encoding="utf-8")
    app.close()
    return {"ms": seconds * 1000}
