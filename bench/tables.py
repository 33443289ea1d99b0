"""The spreadsheets of a month."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from bench.child import work
from bench.plan import Bench, turns
from bench.report import Row


def a_month(bench: Bench) -> Iterator[Row]:
    """The month's 123 workbooks (41 units, three forms, 20 rows each, saved by openpyxl over our own blanks):
    read in a process with limits, recognised and checked, and the city's summary written; against
    `openpyxl.load_workbook` of the same files, with nothing looked at.  Filing them (a transaction each, fsync on)
    and writing the blanks are told apart."""
    folder = str(bench.folder / "tables")
    written = work("tables:write", folder=folder, rows=bench.sizes.table_rows)
    ran = turns(
        bench.sizes.rounds,
        {name: partial(work, f"tables:{name}", folder=folder) for name in ("ours", "openpyxl")},
    )
    ours, plain = ran["ours"], ran["openpyxl"]
    count = int(written.figures["files"])
    yield Row(
        f"{count} workbooks read, checked, summary written",
        ours.figures["both"] * 1000,
        "ms",
        "openpyxl.load_workbook alone",
        plain.figures["seconds"] * 1000,
        "≤ 1 ×",
        peak=ours.peak,
    )
    for name, of, against in (
        ("reading and checking alone", "check", "seconds"),
        ("the same, processor time of both processes", "cpu", "cpu"),
    ):
        figure, other = ours.figures[of] * 1000, plain.figures[against] * 1000
        yield Row(name, figure, "ms", "openpyxl.load_workbook alone", other, "≤ 0.6 ×")
    yield Row("the summary alone", ours.figures["summary"] * 1000, "ms")
    yield Row("reading, checking and filing", ours.figures["file"] * 1000, "ms")
    yield Row("a blank form", written.figures["blank_ms"], "ms")
