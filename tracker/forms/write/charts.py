"""The native charts of the summary: dressed alike, in a font that has Chinese, over ranges of a sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from xlsxwriter import Workbook

FONT = "Microsoft YaHei"
BEFORE, NOW = "#A6B5C8", "#2F6FBD"
#: In time, late, nil, missing, not asked.
ANSWERS = ("#2F8F4E", "#E8A317", "#9AA2AB", "#C8322B", "#DEE3E8")
_GRID = {"visible": True, "line": {"color": "#E0E4E8"}}


@dataclass(frozen=True, slots=True)
class ChartSource:
    """Where the numbers of a chart stand: the names in the first column, a series in each of the others.

    ``head`` is the row of the series' names, ``first`` and ``last`` are the rows of the numbers.
    """

    sheet: str
    head: int
    first: int
    last: int
    columns: tuple[int, ...]


def bars(
    workbook: Workbook, title: str, block: ChartSource, colours: Sequence[str], *, stacked: bool = False
) -> Any:
    """Bars across, the first row on top."""
    kind = {"type": "bar", "subtype": "stacked"} if stacked else {"type": "bar"}
    chart: Any = workbook.add_chart(kind)
    for column, colour in zip(block.columns, colours, strict=True):
        ink = "#FFFFFF" if stacked and colour != ANSWERS[-1] else "#333333"
        chart.add_series(
            {
                "name": [block.sheet, block.head, column],
                "categories": [block.sheet, block.first, 0, block.last, 0],
                "values": [block.sheet, block.first, column, block.last, column],
                "fill": {"color": colour},
                "gap": 45,
                "data_labels": {
                    "value": True,
                    "font": {"name": FONT, "size": 8, "color": ink},
                    # A nought says nothing and covers its neighbour.
                    "num_format": "#,##0;-#,##0;;",
                },
            }
        )
    font = {"name": FONT, "size": 8}
    # Otherwise Excel draws the first row at the bottom.
    chart.set_y_axis({"reverse": True, "num_font": font, "interval_unit": 1})
    # The axis of numbers follows the reversed one to the top; it says no more than the labels do.
    chart.set_x_axis({"major_gridlines": _GRID, "min": 0, "num_font": font, "visible": False})
    chart.set_legend({"position": "bottom", "font": {"name": FONT, "size": 9}})
    chart.set_title({"name": title, "name_font": {"name": FONT, "size": 11}, "overlay": False})
    return chart
