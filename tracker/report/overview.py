"""The first sheet of the workbook: what it is, the figures, and the charts over the other sheets."""

from __future__ import annotations

from typing import Any

from xlsxwriter.worksheet import Worksheet

from tracker.core.model import Light
from tracker.mail.compose.wording import tidy
from tracker.report.book import FILLS, ReportBook, Value, WrittenSheet
from tracker.report.sheets import DEADLINE_LIGHTS, UNIT_LIGHTS

#: Bars that a chart can hold and still be read; the worst stand first.
BARS = 45
#: Height of a row and of a bar, in pixels.
ROW, BAR = 20, 21
WIDTH = 620


def add_overview(book: ReportBook, sheet: Worksheet, deadlines: WrittenSheet, units: WrittenSheet) -> None:
    """Fill the first sheet."""
    wording, report = book.wording, book.report
    say, source = wording.say, report.source
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 1, 12)
    sheet.set_column(2, 2, 46)
    sheet.hide_gridlines(2)
    big = book.format(bold=True, font_size=16)
    sheet.write_string(0, 0, say("cover.title", month=wording.month), big)
    sheet.set_row(0, 26)
    lines = [
        say("cover.source", title=tidy(source.title), document=source.document),
        say(f"cover.{report.phase}", day=wording.day(report.day)),
    ]
    if source.supervisor:
        lines.append(say("cover.by", supervisor=source.supervisor))
    for row, line in enumerate(lines, 1):
        sheet.write_string(row, 0, line, book.format())
    row = _figures(book, sheet, len(lines) + 2)
    row, first = _lights(book, sheet, row + 1)
    row = _insert(sheet, row + 1, _lights_chart(book, sheet.get_name(), first), 300)
    # No chart is to be cut by the edge of a page.
    sheet.set_portrait()
    sheet.set_print_scale(78)
    breaks = []
    if deadlines.rows:
        breaks.append(row)
        bars = min(deadlines.rows, BARS)
        row = _insert(sheet, row, _deadlines_chart(book, deadlines, bars), 110 + bars * BAR)
    if units.rows:
        breaks.append(row)
        bars = min(units.rows, BARS)
        _insert(sheet, row, _units_chart(book, units, bars), 110 + bars * BAR)
    sheet.set_h_pagebreaks(breaks)


def _figures(book: ReportBook, sheet: Worksheet, row: int) -> int:
    """The totals, one below the other; the row after them."""
    wording, due = book.wording, book.report.due
    say = wording.say
    figures: list[tuple[str, Value]] = [
        *((say(f"columns.{key}"), getattr(due, key)) for key in ("asked", "done")),
        (say("columns.rate"), wording.rate(due)),
        *(
            (say(f"columns.{key}"), getattr(due, key))
            for key in ("on_time", "late", "nil", "waiting", "missing", "overdue")
        ),
        *((say(f"columns.{key}"), getattr(due, key)) for key in ("returned", "extended", "waived", "paused")),
        (say("figures.arrears"), len(book.report.arrears)),
        (say("arrears.caught_up"), len(book.report.caught_up)),
    ]
    _heading(book, sheet, row, say("sheets.item"), say("sheets.number"))
    for name, value in figures:
        row += 1
        sheet.write_string(row, 0, name, book.format())
        if isinstance(value, int):
            sheet.write_number(row, 1, value, book.format(align="right"))
        else:
            sheet.write_string(row, 1, str(value), book.format(align="right"))
    return row + 1


def _lights(book: ReportBook, sheet: Worksheet, row: int) -> tuple[int, int]:
    """The lights of everything in hand; the row after them, and the first of theirs."""
    wording, report = book.wording, book.report
    _heading(book, sheet, row, wording.say("overall.chart", n=report.in_hand), wording.say("sheets.number"))
    for light in Light:
        row += 1
        book.write(sheet, row, 0, light)
        book.write(sheet, row, 1, report.lights[light])
        sheet.write_string(row, 2, wording.meaning(light, report.states), book.format(indent=1))
    return row + 1, row - len(Light) + 1


def _heading(book: ReportBook, sheet: Worksheet, row: int, *titles: str) -> None:
    bold = book.format(bold=True, bottom=1, bg_color="#EEF1F4")
    for column, title in enumerate(titles):
        sheet.write_string(row, column, title, bold)


def _insert(sheet: Worksheet, row: int, chart: Any, height: int) -> int:
    """Put ``chart`` at ``row``; the row below it."""
    chart.set_size({"width": WIDTH, "height": height})
    sheet.insert_chart(row, 0, chart, {"object_position": 2})
    return row + height // ROW + 2


def _lights_chart(book: ReportBook, name: str, first: int) -> Any:
    chart: Any = book.workbook.add_chart({"type": "column"})
    last = first + len(Light) - 1
    chart.add_series(
        {
            "name": book.wording.say("sheets.number"),
            "categories": [name, first, 0, last, 0],
            "values": [name, first, 1, last, 1],
            "points": [{"fill": {"color": FILLS[light]}} for light in Light],
            "data_labels": {"value": True},
            "gap": 60,
        }
    )
    _dress(chart, book.wording.say("overall.chart", n=book.report.in_hand))
    chart.set_legend({"none": True})
    chart.set_y_axis({"major_gridlines": {"visible": True, "line": {"color": "#E0E4E8"}}, "min": 0})
    return chart


def _deadlines_chart(book: ReportBook, deadlines: WrittenSheet, bars: int) -> Any:
    chart = _stacked(book, deadlines, bars, DEADLINE_LIGHTS)
    _dress(chart, book.wording.say("deadlines.chart"))
    return chart


def _units_chart(book: ReportBook, units: WrittenSheet, bars: int) -> Any:
    chart = _stacked(book, units, bars, UNIT_LIGHTS)
    _dress(chart, book.wording.heading_text("units"))
    return chart


def _stacked(book: ReportBook, written: WrittenSheet, bars: int, first: int) -> Any:
    """Bars across, out of the lights in the columns from ``first`` on, with the names in the first column."""
    chart: Any = book.workbook.add_chart({"type": "bar", "subtype": "stacked"})
    for column, light in enumerate(Light, first):
        chart.add_series(
            {
                "name": [written.name, 0, column],
                "categories": [written.name, 1, 0, bars, 0],
                "values": [written.name, 1, column, bars, column],
                "fill": {"color": FILLS[light]},
                "gap": 40,
            }
        )
    # Otherwise Excel draws the first row at the bottom.
    chart.set_y_axis({"reverse": True, "num_font": {"size": 8}, "interval_unit": 1})
    chart.set_x_axis({"major_gridlines": {"visible": True, "line": {"color": "#E0E4E8"}}, "min": 0})
    chart.set_legend({"position": "bottom"})
    return chart


def _dress(chart: Any, title: str) -> None:
    chart.set_title({"name": title, "name_font": {"size": 12}, "overlay": False})
