"""A workbook whose sheets all look and print alike: bold heading that stays, filters, widths, A4 across."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from tracker.core.model import Light
from tracker.core.vocabulary import LIGHTS
from tracker.report.model import MonthReport
from tracker.report.wording import Wording

#: As many characters as a cell can hold.
LONGEST = 32_767
A4 = 9

FILLS = {
    Light.GREEN: "#2F8F4E",
    Light.AMBER: "#E8A317",
    Light.RED: "#C8322B",
    Light.BLUE: "#2F6FBD",
    Light.GREY: "#9AA2AB",
    Light.NONE: "#DEE3E8",
}
INKS = {
    Light.GREEN: "#256F3D",
    Light.AMBER: "#8A5A00",
    Light.RED: "#B3261E",
    Light.BLUE: "#245A9C",
    Light.NONE: "#8A929B",
    Light.GREY: "#5B636D",
}

Value = str | int | date | Light | None


@dataclass(frozen=True, slots=True)
class Head:
    """A column: its title, how wide, and whether long texts are broken into lines."""

    title: str
    width: float = 10
    wrap: bool = False


@dataclass(frozen=True, slots=True)
class WrittenSheet:
    """A sheet that was written, for charts: its name and how many rows it has below the heading."""

    name: str
    rows: int


class ReportBook:
    """The workbook with what every sheet needs."""

    def __init__(self, workbook: Workbook, wording: Wording, report: MonthReport) -> None:
        self.workbook = workbook
        self.wording = wording
        self.report = report
        self.format = cache(self._format)

    def head(self, key: str, width: float = 10, *, wrap: bool = False) -> Head:
        """The column called ``columns.KEY``."""
        return Head(self.wording.say(f"columns.{key}"), width, wrap)

    def light_heads(self, lights: Iterable[Light]) -> list[Head]:
        """A column for each light."""
        return [Head(f"{LIGHTS[light].sign} {self.wording.light(light)}", 9) for light in lights]

    def front(self) -> Worksheet:
        """The first sheet, still empty."""
        return self._sheet("overview")

    def add(self, key: str, heads: Sequence[Head], rows: Iterable[Sequence[Value]]) -> WrittenSheet:
        """A sheet ``sheets.KEY`` with a heading and rows."""
        sheet = self._sheet(key)
        bold = self.format(bold=True, bottom=1, bg_color="#EEF1F4", text_wrap=True, valign="vcenter")
        for column, head in enumerate(heads):
            sheet.set_column(column, column, head.width)
            sheet.write_string(0, column, head.title, bold)
        sheet.set_row(0, 24)
        count = 0
        for count, row in enumerate(rows, 1):
            for column, value in enumerate(row):
                self.write(sheet, count, column, value, wrap=heads[column].wrap)
        sheet.freeze_panes(1, 1)
        sheet.repeat_rows(0)
        sheet.autofilter(0, 0, count, len(heads) - 1)
        return WrittenSheet(self.wording.say(f"sheets.{key}"), count)

    def write(self, sheet: Worksheet, row: int, column: int, value: Value, *, wrap: bool = False) -> None:
        """One value, as what it is: a date is a date, and text is never anything else."""
        if value is None or value == "":
            return
        if isinstance(value, Light):
            text = f"{LIGHTS[value].sign} {self.wording.light(value)}"
            sheet.write_string(row, column, text, self.format(font_color=INKS[value], valign="top"))
        elif isinstance(value, str):
            sheet.write_string(row, column, value[:LONGEST], self.format(text_wrap=wrap, valign="top"))
        elif isinstance(value, int):
            sheet.write_number(row, column, value, self.format(valign="top"))
        else:
            dated = self.format(num_format="yyyy-mm-dd", align="left", valign="top")
            sheet.write_datetime(row, column, value, dated)

    def _format(self, **properties: object) -> Format:
        return self.workbook.add_format({"font_name": "Microsoft YaHei", "font_size": 10, **properties})

    def _sheet(self, key: str) -> Worksheet:
        sheet = self.workbook.add_worksheet(self.wording.say(f"sheets.{key}"))
        say = self.wording.say
        title = f"{say('cover.title', month=self.wording.month)}  {sheet.get_name()}"
        # An ampersand begins a command there.
        told = say(f"cover.{self.report.phase}", day=self.wording.day(self.report.day)).replace("&", "&&")
        sheet.set_landscape()
        sheet.set_paper(A4)
        sheet.set_margins(left=0.5, right=0.5, top=0.8, bottom=0.7)
        sheet.fit_to_pages(1, 0)
        sheet.set_header(f"&L{title}&R{told}")
        sheet.set_footer("&C&P / &N")
        return sheet
