"""A workbook in memory, and its plain sheets: a title, a head that stays in view, A4 on its side."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from io import BytesIO
from types import TracebackType
from typing import Any, Self

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from tracker.core.form import Said
from tracker.forms.write.layout import (
    GREY,
    HEAD_SIZE,
    ROW_HEIGHT,
    TITLE_SIZE,
    Formats,
    height_of,
    seen,
    sheet_name,
    write_text,
)

#: What is left of an A4 sheet on its side within the margins, in points.
PAGE_WIDTH, PAGE_HEIGHT = 789, 537
_A4 = 9
_LONGEST_NAME = 31


class InMemoryWorkbook:
    """A workbook that is written to memory; the same input gives the same bytes."""

    def __init__(self, title: str, created: datetime) -> None:
        self._data = BytesIO()
        options = {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_numbers": False,
            "strings_to_urls": False,
        }
        self.workbook = Workbook(self._data, options)
        self.workbook.set_properties({"title": seen(title)[:255], "created": created.replace(tzinfo=None)})
        self.formats = Formats(self.workbook)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.workbook.close()

    def data(self) -> bytes:
        """The file, once the pages are closed."""
        return self._data.getvalue()

    def name(self, wanted: str) -> str:
        """``wanted`` as the name of a sheet that there is none of yet: Excel takes no two that differ in case."""
        name = first = sheet_name(wanted)
        taken = {each.get_name().casefold() for each in self.workbook.worksheets()}
        number = 1
        while name.casefold() in taken:
            number += 1
            name = f"{first[: _LONGEST_NAME - 5]} ({number})"
        return name

    def sheet(self, wanted: str, widths: Sequence[float]) -> Worksheet:
        """A sheet with columns of these widths, to be printed on A4 on its side."""
        sheet = self.workbook.add_worksheet(self.name(wanted))
        for number, width in enumerate(widths):
            sheet.set_column(number, number, width)
        sheet.set_landscape()
        sheet.set_paper(_A4)
        sheet.set_margins(left=0.36, right=0.36, top=0.35, bottom=0.45)
        sheet.set_footer("&C第 &P 页，共 &N 页", {"margin": 0.2})
        return sheet

    def title(self, sheet: Worksheet, row: int, text: str, last_column: int, width: float) -> None:
        """A title over the whole width."""
        look = self.formats.of(bold=True, font_size=TITLE_SIZE, align="center", text_wrap=True)
        sheet.merge_range(row, 0, row, last_column, "", look)
        write_text(sheet, row, 0, text, look)
        sheet.set_row(row, max(30, height_of(seen(text), width, TITLE_SIZE)))

    def head(self, sheet: Worksheet, row: int, texts: Sequence[str], column: int = 0) -> None:
        """The head of a table."""
        look = self.formats.of(
            bold=True, border=1, align="center", text_wrap=True, bg_color=GREY, font_size=HEAD_SIZE
        )
        for number, text in enumerate(texts, start=column):
            write_text(sheet, row, number, text, look)

    def line(
        self, sheet: Worksheet, row: int, texts: Sequence[str], widths: Sequence[float], look: Any
    ) -> None:
        """A row of texts that is as high as the longest of them needs."""
        for number, text in enumerate(texts):
            write_text(sheet, row, number, text, look)
        heights = (
            height_of(seen(text), width) + 2 for text, width in zip(texts, widths, strict=True) if text
        )
        sheet.set_row(row, min(400.0, max([ROW_HEIGHT, *heights])))


def one_page_wide(sheet: Worksheet, head_row: int, last_row: int, last_column: int) -> None:
    """Print one page wide, with the head on every page."""
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(head_row)
    sheet.print_area(0, 0, max(last_row, head_row), last_column)
    sheet.freeze_panes(head_row + 1, 0)


def cell_look(formats: Formats, **properties: object) -> Format:
    """A cell of a plain table of texts."""
    look: dict[str, object] = {"border": 1, "text_wrap": True, "num_format": "@"}
    return formats.of(**(look | properties))


#: What stands in the tables of several sheets: a head, the line of totals, and what nobody knows.
UNIT, TOTAL, UNKNOWN = Said("填表单位/区县", "Unit"), Said("合计", "Total"), "—"
#: The fills of totals, of units from which nothing came, and of what waits for an answer.
TOTAL_FILL, ABSENT_FILL, OPEN_FILL = "#DDEBF7", "#FCE4E4", "#FFE699"
