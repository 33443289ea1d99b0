"""The pages of a large campaign."""

from __future__ import annotations

from collections.abc import Iterator

from bench.child import work
from bench.plan import Bench
from bench.report import Row


def the_board(bench: Bench) -> Iterator[Row]:
    """The board of 3,000 units with more than 100,000 assignments in the year, in August, nine of ten answers in,
    served by one process and asked for by another one over two connections that are kept: medians, the
    95th percentile beside them, pages as they weigh before compression.  Then the same with an event written by
    another process five times a second, after each of which its unit is read again."""
    units, items = bench.sizes.board
    file = str(bench.folder / "pages.db")
    filled = work("pages:fill", file=file, units=units, items=items)
    ran = work("pages:measure", file=file, units=units, items=items, requests=bench.sizes.requests)
    figures = ran.figures
    count = f"{int(filled.figures['assignments']):,} assignments"
    names = {
        "board": f"the board, {count}",
        "filtered": "the board, what is overdue",
        "month": "a month",
        "item": "one item with all its units",
        "unit": "one unit",
    }
    for key, name in names.items():
        goal = "≤ 100 ms" if key == "board" else ""
        yield Row(
            name, figures[key], "ms", "95th percentile", figures[f"{key}_p95"], "", goal, figures["peak"]
        )
    yield Row(
        "the board while others write", figures["written"], "ms", "95th percentile", figures["written_p95"]
    )
    yield Row("the first answer of all", figures["first"], "ms")
    heaviest = max(names, key=lambda key: figures[f"{key}_kb"])
    yield Row(f"the heaviest page ({heaviest})", figures[f"{heaviest}_kb"], "kB", "", None, "", "≤ 200 kB")
