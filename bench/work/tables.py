"""A month's tables: 123 workbooks, read and checked by us with the summary written, and loaded by openpyxl."""

from __future__ import annotations

import random
import resource
import time
from datetime import UTC, date, datetime
from pathlib import Path

from openpyxl import load_workbook

from bench.child import Figures
from tracker.clock import VirtualClock
from tracker.core.form import ColumnKind
from tracker.service.app import App
from tracker.shipped import shipped

MONTH = date(2022, 5, 1)


def write(folder: str, rows: int) -> Figures:
    """Every unit's three forms of a month, each filled in with so many rows, as a clerk's program saves them."""
    from tracker.usecases.forms.blanks import blank_forms, tables_of

    dice = random.Random(2022)
    place = Path(folder)
    place.mkdir(parents=True)
    app = _app(place / "blank.db")
    tables = tables_of(app, MONTH)
    start = time.perf_counter()
    papers = list(blank_forms(app, tables))
    took = time.perf_counter() - start
    for table, paper in zip(tables, papers, strict=True):
        path = place / paper.name
        path.write_bytes(paper.data)
        book = load_workbook(path)
        sheet = book.worksheets[0]
        (first,) = [cell.row + 1 for row in sheet.iter_rows() for cell in row if _is_last_head(cell.value)][
            :1
        ]
        for number in range(rows):
            for column, asked in enumerate(table.form.columns, start=1):
                value: object = dice.randrange(200)
                if asked.kind is ColumnKind.NAME:
                    value = f"{table.unit}安全培训机构{number + 1}"
                elif asked.kind is ColumnKind.TICK:
                    value = "√" if dice.random() < 0.3 else None
                elif asked.kind is ColumnKind.CHOICE:
                    value = dice.choice(asked.choices).word
                elif asked.kind is ColumnKind.SERIAL:
                    value = number + 1
                elif asked.at_most is not None:
                    value = 0
                sheet.cell(first + number, column).value = value
        book.save(path)
    app.close()
    return {"files": len(papers), "blank_ms": took * 1000 / len(papers)}


def ours(folder: str) -> Figures:
    """All of it read in a process apart, checked, filed in a new ledger, and the city's summary written."""
    from tracker.usecases.forms.intake import Intake
    from tracker.usecases.forms.overview import summary

    place = Path(folder)
    files = [(path.name, path.read_bytes()) for path in sorted(place.glob("*.xlsx"))]
    database = place / "ours.db"
    for left in place.glob("ours.db*"):
        left.unlink()
    app = _app(database)
    app.engine.bring_up_to_date(app.clock.now())
    start, spent = time.perf_counter(), _computed()
    with Intake(app, only_checks=True) as intake:
        checked = [taken for name, data in files for taken in intake.take(name, data)]
    checking, computing = time.perf_counter() - start, _computed() - spent
    blamed = [each for each in checked if each.findings]
    assert not blamed, blamed[0]
    with Intake(app) as intake:
        taken = [taken for name, data in files for taken in intake.take(name, data)]
    filing = time.perf_counter() - start - checking
    assert all(each.is_taken for each in taken)
    start = time.perf_counter()
    data, asked, done = summary(app, MONTH)
    writing = time.perf_counter() - start
    assert asked == done == len(files)
    assert data
    app.close()
    return {
        "check": checking,
        "cpu": computing,
        "file": filing,
        "summary": writing,
        "both": checking + writing,
    }


def openpyxl(folder: str) -> Figures:
    """The same files through ``openpyxl.load_workbook`` as it comes, nothing looked at."""
    paths = sorted(Path(folder).glob("*.xlsx"))
    start, spent = time.perf_counter(), _computed()
    for path in paths:
        load_workbook(path)
    return {"seconds": time.perf_counter() - start, "cpu": _computed() - spent}


def _computed() -> float:
    """Seconds of processor time so far, of this process and of those that it started and that have ended."""
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in spent)


def _is_last_head(value: object) -> bool:
    """Whether the cell stands in the lower row of the heads, which is the last before the rows to fill."""
    return isinstance(value, str) and "其他违法违规行为" in "".join(value.split())


def _app(database: Path) -> App:
    clock = VirtualClock(datetime(2022, 5, 3, 2, tzinfo=UTC))
    return App(shipped("config"), database=f"sqlite:///{database}", environ={}, clock=clock)
