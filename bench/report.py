"""Rows of figures: on the screen as they come, and in docs/benchmarks.md with the machine they come from."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench.child import ROOT
from bench.sink import BACKLOG, executable
from tracker.clock import SystemClock

PACKAGES = (
    "aiosmtplib",
    "apscheduler",
    "chinesecalendar",
    "css-inline",
    "jinja2",
    "parsy",
    "pydantic",
    "pyyaml",
    "rich",
    "sqlalchemy",
    "sqlmodel",
    "typer",
    "starlette",
    "uvicorn",
    "python-dateutil",
)
WIDTHS = (56, 15, 41, 15, 8, 17, 18, 7)
HEADINGS = ("measured", "figure", "against", "its figure", "ratio", "goal", "then", "peak MB")

INTRODUCTION = (
    (
        "Written by `make bench`; do not edit. Repeat with `make bench` (all), `.venv/bin/python -m bench --quick` "
        "(small sizes, under a minute) or `.venv/bin/python -m bench --only NAME`. Needed for all of it: Debian's "
        "`postfix` (its `smtp-sink` and `smtp-source`) and `prometheus-alertmanager`."
    ),
    (
        "Each figure is a median over rounds in which what is measured and what it is held against took turns "
        "(A B A B); the ratio is the first over the second. The goals stand beside the figures and nothing is "
        "judged. Peak memory is that of the whole process that was measured, Python and packages included."
    ),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One figure in ``unit``, with what it is held against; ``ratio`` is the first over the second.

    ``published`` says that what it is held against was measured elsewhere.  ``peak`` is the peak memory, in
    MB, of the process that was measured.
    """

    name: str
    figure: float
    unit: str
    against: str = ""
    other: float | None = None
    goal: str = ""
    then: str = ""
    peak: float | None = None
    published: bool = False

    @property
    def ratio(self) -> float | None:
        """None where there is nothing to hold it against."""
        return self.figure / self.other if self.other else None

    def cells(self) -> tuple[str, ...]:
        """As printed."""
        against = f"{self.against} (published, not this run)" if self.published else self.against
        return (
            self.name,
            f"{number(self.figure)} {self.unit}",
            against,
            "" if self.other is None else f"{number(self.other)} {self.unit}",
            "" if self.ratio is None else f"{number(self.ratio)} ×",
            self.goal,
            self.then,
            "" if self.peak is None else f"{self.peak:.0f}",
        )


@dataclass(frozen=True, slots=True)
class Section:
    """The rows of one measurement, and the sentence on what exactly was measured."""

    name: str
    text: str
    rows: Sequence[Row]


def number(value: float) -> str:
    """Three significant digits, and all of those of a large number."""
    if value >= 1000:
        return f"{value:,.0f}"
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}" if value < 10 else f"{value:.1f}"


def line(cells: Iterable[str]) -> str:
    """One line on the screen."""
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, WIDTHS, strict=True)).rstrip()


def machine(folder: Path) -> list[tuple[str, str]]:
    """What the figures depend on.  ``folder`` is where the databases were."""
    built = sysconfig.get_config_var("CONFIG_ARGS") or ""
    pgo = "with PGO" if "--enable-optimizations" in built else "without PGO (--enable-optimizations)"
    return [
        ("Date", SystemClock().now().date().isoformat()),
        ("Machine", f"{platform.system()} {platform.release()} {platform.machine()}, {_distribution()}"),
        ("CPU", f"{_cpu()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end"),
        ("Memory", f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GB"),
        ("Databases on", _file_system(folder)),
        ("Python", f"{platform.python_version()}, built {pgo}, {platform.python_compiler()}"),
        ("Packages", ", ".join(f"{name} {_version(name)}" for name in PACKAGES)),
        (
            "Servers",
            f"Postfix {_postfix()}, Alertmanager {_alertmanager()}, connections that may wait {_queue()}",
        ),
    ]


def markdown(facts: Sequence[tuple[str, str]], sections: Sequence[Section], seconds: float) -> str:
    """The whole of docs/benchmarks.md."""
    parts = [
        "# Benchmarks",
        *INTRODUCTION,
        "\n".join(["| | |", "| --- | --- |", *(f"| {name} | {said} |" for name, said in facts)]),
        f"The run took {seconds / 60:.1f} minutes.",
    ]
    for section in sections:
        parts += [f"## {section.name}", section.text, _table(section.rows)]
    return "\n\n".join(parts) + "\n"


def _table(rows: Sequence[Row]) -> str:
    lines = [HEADINGS, tuple("---" for _ in HEADINGS), *(row.cells() for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for found in info.read_text(encoding="utf-8").splitlines():
            if found.startswith("model name"):
                return found.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        return sys.platform


def _file_system(folder: Path) -> str:
    found = _said("df", "--output=fstype", str(folder)).split()
    return f"{found[-1] if found else 'unknown'}, fsync on"


def _postfix() -> str:
    return _said("postconf", "-h", "mail_version") or "not installed"


def _alertmanager() -> str:
    words = _said("prometheus-alertmanager", "--version").split()
    return words[2] if len(words) > 2 else "not installed"


def _queue() -> int:
    """The kernel cuts what smtp-sink asks for."""
    limit = Path("/proc/sys/net/core/somaxconn")
    return min(BACKLOG, int(limit.read_text(encoding="utf-8"))) if limit.exists() else BACKLOG


def _said(name: str, *arguments: str) -> str:
    path = executable(name)
    if path is None:
        return ""
    done = subprocess.run([path, *arguments], capture_output=True, text=True, timeout=10, check=False)
    return (done.stdout or done.stderr).strip()


def write(path: Path, text: str) -> None:
    """All of it, or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    temporary.write_text(text, encoding="utf-8")
    shutil.move(temporary, path)


#: Where the figures of the last whole run are kept.
KEPT = ROOT / "docs" / "benchmarks.md"
