"""Whole processes: simulations, the first start, the help."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bench.child import ROOT, Ran, command, tracker
from bench.plan import Bench, turns
from bench.report import Row

BARE_IMPORTS = (
    "import aiosmtplib, apscheduler.schedulers.background, chinese_calendar, css_inline, jinja2, parsy, "
    "pydantic, rich, sqlalchemy, sqlmodel, typer, yaml"
)
BARE_TYPER = """
import typer
app = typer.Typer(rich_markup_mode=None, add_completion=False)
@app.command()
def run(once: bool = False) -> None:
    "Run."
@app.command()
def check(config: str = "config") -> None:
    "Check."
app()
"""
GOALS = {"21 months": ("≤ 5,000 ms", "≤ 1,500 ms")}


def simulation(bench: Bench) -> Iterator[Row]:
    """`tracker simulate` of the shipped campaign as a process, from its start to its end, its JSON thrown away."""
    config = str(ROOT / "config")
    works = {
        name: partial(
            command, tracker("--config", config, "simulate", "--from", since, "--to", until), bench.folder
        )
        for name, since, until in bench.sizes.simulations
    }
    for name, ran in turns(bench.sizes.few_rounds, works).items():
        goal, then = GOALS.get(name, ("", ""))
        yield Row(f"simulate {name}", ran.seconds * 1000, "ms", goal=goal, then=then, peak=ran.peak)


def first_mail(bench: Bench) -> Iterator[Row]:
    """`tracker run --once --send-now` in an empty folder with the shipped files (years overdue), from the
    start of the process until the first file stands in `var/mailbox/new`, against a process that only imports
    the packages we cannot do without.  Then the same until its end: 44 digests written, fsync on."""
    bare = [sys.executable, "-c", BARE_IMPORTS]
    ran = turns(
        max(bench.sizes.rounds, 3),
        {"ours": partial(_first_mail, bench), "bare": partial(command, bare, bench.folder)},
    )
    ours, imports = ran["ours"], ran["bare"]
    yield Row(
        "start to the first mail", ours.figures["watched"] * 1000, "ms", "the bare imports", imports.seconds * 1000,
        "≤ 3 ×", "≤ 2 ×",
    )  # fmt: skip
    yield Row("start to the end of the first pass", ours.seconds * 1000, "ms")
    yield Row(
        "memory of the first pass, shipped campaign", ours.peak, "MB", "the bare imports", imports.peak, "≤ 120 MB",
        "≤ 90 MB", ours.peak,
    )  # fmt: skip


def _first_mail(bench: Bench) -> Ran:
    with tempfile.TemporaryDirectory(dir=bench.folder) as folder:
        new = Path(folder, "var", "mailbox", "new")
        # The ledger and the mailbox lie beside the folder of files.
        shutil.copytree(ROOT / "config", Path(folder, "config"))
        once = tracker("run", "--once", "--send-now")
        return command(once, Path(folder), watch=lambda: new.is_dir() and any(new.iterdir()))


def help_(bench: Bench) -> Iterator[Row]:
    """`tracker --help` as a process, against a typer program of two commands and nothing else."""
    bare = bench.folder / "bare.py"
    bare.write_text(BARE_TYPER, encoding="utf-8")
    works = {
        "ours": partial(command, tracker("--help"), bench.folder),
        "bare": partial(command, [sys.executable, str(bare), "--help"], bench.folder),
    }
    ran = turns(max(bench.sizes.rounds * 3, 3), works)
    ours = ran["ours"]
    yield Row(
        "tracker --help", ours.seconds * 1000, "ms", "a bare typer program", ran["bare"].seconds * 1000, "≤ 2 ×",
        peak=ours.peak,
    )  # fmt: skip
