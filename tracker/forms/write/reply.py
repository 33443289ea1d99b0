"""Writes a file back to its sender: the same cells at the same addresses, with what was found at each of them.

It is drawn anew from what was read, so that nothing of the sender's file goes back but its contents: the same for
an .xls or a CSV.  A formula is written as its value.  The table comes first and is open for corrections, so that
the file can be mended and sent again; a second sheet lists the findings, and each leads to its cell.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, time

from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from tracker.core.form import ColumnKind, Form, Said, comparable
from tracker.forms.book import Cell, Merge, Place, Sheet
from tracker.forms.check.recognised import Recognised
from tracker.forms.finding import Finding, Weight
from tracker.forms.write.blank import write_mark
from tracker.forms.write.findings_sheet import COMMENTS, FILLS, TableSheet, add_list, comments_by_place
from tracker.forms.write.in_memory import InMemoryWorkbook
from tracker.forms.write.layout import HEAD_SIZE, ROW_HEIGHT, TITLE_SIZE, height_of, seen, write_text
from tracker.i18n.catalogue import Language

_AUTHOR = Said("核对", "check")
_TITLE = Said("核对结果", "Check")
#: Cells of merged blocks that are drawn; what is beyond was never part of a form.
_MERGED = 20_000
#: Rows that get lines around their empty cells, too.
_RULED = 500
#: The head of a table that stays in view: more would leave no room for its rows.
_FROZEN = 12
#: A row above the table with so many texts is no title.
_HIGHEST = 300.0
_WIDTH = 9.0
_RULES = "填写说明"
#: The first and last day that a workbook can hold as a day.
_FIRST_YEAR, _LAST_YEAR = 1900, 9999


def reply(
    found: Recognised,
    findings: Sequence[Finding],
    *,
    created: datetime,
    language: Language = "zh",
    told: str = "",
) -> bytes:
    """The sheet on which ``found`` was recognised, with its ``findings``, as ``.xlsx``.

    Findings that have no cell of this sheet are told at A1 and in the list, ``told`` (what was read) above that.
    """
    sheet, form = found.sheet, found.form
    pages = InMemoryWorkbook(f"{form.title} {_TITLE.in_(language)}", created)
    with pages:
        table = _Table(pages, sheet, findings, found.columns, form, found.first_row, language)
        table.draw()
        written = TableSheet(table.sheet.get_name(), sheet.name, found.columns, form)
        add_list(pages, written, findings, language, told)
        if found.mark is not None:
            write_mark(pages.workbook, found.mark.rows())
    return pages.data()


class _Table:
    """The sender's sheet, drawn anew."""

    def __init__(
        self,
        pages: InMemoryWorkbook,
        source: Sheet,
        findings: Sequence[Finding],
        columns: Mapping[str, int],
        form: Form,
        first_row: int,
        language: Language,
    ) -> None:
        self._pages, self._source, self._form = pages, source, form
        self._first_row, self._language = first_row, language
        self._by_column = {at: form.by_id[each] for each, at in columns.items()}
        self._last_column = max([*self._by_column, *(column for _, column in source.cells)], default=0)
        self._widths = {
            at: max(column.width, 20.0 if column.kind is ColumnKind.NAME else 6.0)
            for at, column in self._by_column.items()
        }
        self._head = self._head_row()
        self._last_row = self._last_data_row()
        self._merges = self._merged_blocks()
        #: Of a merged block only the first cell can be seen and can have a comment.
        self._first = {
            place: (merge.first_row, merge.first_column) for merge in self._merges for place in merge.places()
        }
        self._findings = [self._seen(finding) for finding in findings]
        self._fills = _fills(source.name, self._findings)
        self.sheet: Worksheet = pages.sheet(
            source.name, [self._widths.get(at, _WIDTH) for at in range(self._last_column + 1)]
        )

    def draw(self) -> None:
        """Cells, merged blocks, comments; then how it prints."""
        for merge in self._merges:
            at = merge.first_row, merge.first_column
            look = self._look(at)
            self.sheet.merge_range(*at, merge.last_row, merge.last_column, "", look)
        for row in range(self._first_row, min(self._last_row, self._first_row + _RULED) + 1):
            for column in self._by_column:
                if (row, column) not in self._source.cells and (row, column) not in self._first:
                    self.sheet.write_blank(row, column, None, self._look((row, column)))
        for place, cell in sorted(self._source.cells.items()):
            self._write(place, cell)
        for place in self._fills.keys() - self._source.cells.keys():
            self.sheet.write_blank(*place, None, self._look(place))
        self._set_heights()
        self._comment()
        self.sheet.fit_to_pages(1, 0)
        if 0 < self._first_row <= _FROZEN:
            self.sheet.freeze_panes(self._first_row, 0)
            self.sheet.repeat_rows(max(self._head, 0), self._first_row - 1)

    def _head_row(self) -> int:
        """The first row of the head: the highest that has two of its labels or groups side by side."""
        labels = {comparable(column.label) for column in self._by_column.values()}
        labels |= {comparable(column.group) for column in self._by_column.values() if column.group}
        found: dict[int, int] = {}
        for (row, column), cell in self._source.cells.items():
            if row < self._first_row and column in self._by_column and isinstance(cell.value, str):
                text = comparable(cell.value[:200])
                found[row] = found.get(row, 0) + any(text.startswith(label) for label in labels)
        return min((row for row, count in found.items() if count > 1), default=self._first_row - 1)

    def _last_data_row(self) -> int:
        """The last row that looks like one of the table: above the filling rules, with more than a number."""
        serials = {at for at, each in self._by_column.items() if each.kind is ColumnKind.SERIAL}
        last, rules = self._first_row - 1, math.inf
        for (row, column), cell in self._source.cells.items():
            if row < self._first_row:
                continue
            if isinstance(cell.value, str) and comparable(cell.value[:40]).startswith(_RULES):
                rules = min(rules, row)
            elif column in self._by_column and (column not in serials or not isinstance(cell.value, str)):
                last = max(last, row)
        return int(min(last, rules - 1))

    def _seen(self, finding: Finding) -> Finding:
        if finding.place is None or finding.sheet not in {self._source.name, None}:
            return finding
        also = tuple(map(self._seen, finding.also))
        return replace(finding, place=self._first.get(finding.place, finding.place), also=also)

    def _merged_blocks(self) -> list[Merge]:
        """The merged blocks that can be drawn: within the table's width, and none over another."""
        kept, taken = [], set[Place]()
        bottom = max([self._last_row, *(row for row, _ in self._source.cells)], default=0)
        for merge in self._source.merges:
            last_row, last_column = min(merge.last_row, bottom), min(merge.last_column, self._last_column)
            cut = Merge(merge.first_row, merge.first_column, last_row, last_column)
            area = (last_row - merge.first_row + 1) * (last_column - merge.first_column + 1)
            if last_row < merge.first_row or last_column < merge.first_column or area < 2:
                continue
            if len(taken) + area > _MERGED:
                continue
            places = set(cut.places())
            if not places & taken:
                taken |= places
                kept.append(cut)
        return kept + self._notes(taken)

    def _notes(self, taken: set[Place]) -> list[Merge]:
        """Long texts below the table, each over the free cells at its right: a file of one's own seldom merges them."""
        notes = []
        for (row, column), cell in self._source.cells.items():
            if row <= self._last_row or (row, column) in taken or not isinstance(cell.value, str):
                continue
            if height_of(cell.value, self._widths.get(column, _WIDTH)) < 2 * ROW_HEIGHT:
                continue
            end = column
            while end < self._last_column and not {(row, end + 1)} & (taken | self._source.cells.keys()):
                end += 1
            if end > column:
                notes.append(Merge(row, column, row, end))
        return notes

    def _look(self, place: Place, **more: object) -> Format:
        row, column = place
        look: dict[str, object] = {"text_wrap": True, "locked": False}
        if self._head <= row < self._first_row and column in self._by_column:
            look |= {"border": 1, "bold": True, "align": "center", "font_size": HEAD_SIZE}
        elif self._first_row <= row <= self._last_row and column in self._by_column:
            of = self._by_column[column]
            is_text = of.kind in {ColumnKind.NAME, ColumnKind.TEXT}
            look |= {"border": 1, "align": "left" if is_text else "center"}
        elif row < self._head and self._is_title(place):
            look |= {"bold": True, "align": "center", "font_size": TITLE_SIZE}
        elif row < self._head:
            look["text_wrap"] = False
        if place in self._fills:
            look["bg_color"] = FILLS[self._fills[place]]
        return self._pages.formats.of(**(look | more))

    def _is_title(self, place: Place) -> bool:
        cell = self._source.cells.get(place)
        return (
            cell is not None
            and isinstance(cell.value, str)
            and len(cell.value) < 200
            and comparable(self._form.title) in comparable(cell.value)
        )

    def _write(self, place: Place, cell: Cell) -> None:
        """One value, as what it was; a formula as the value that was stored with it."""
        value = cell.value
        if isinstance(value, bool):
            self.sheet.write_boolean(*place, value, self._look(place))
        elif isinstance(value, (int, float)) and math.isfinite(value):
            self.sheet.write_number(*place, value, self._look(place))
        elif isinstance(value, datetime) and _FIRST_YEAR <= value.year <= _LAST_YEAR:
            midnight = (value.hour, value.minute, value.second) == (0, 0, 0)
            code = "yyyy-mm-dd" if midnight else "yyyy-mm-dd hh:mm"
            self.sheet.write_datetime(*place, value, self._look(place, num_format=code))
        elif isinstance(value, time):
            self.sheet.write_datetime(*place, value, self._look(place, num_format="hh:mm:ss"))
        else:
            text = "" if value is None else str(value)
            of = self._by_column.get(place[1]) if place[0] >= self._first_row else None
            # As text, unless a number is to be typed over it: “1-2” and “=1+1” stay what they were.
            code = "General" if of is not None and of.is_figure else "@"
            write_text(self.sheet, *place, text, self._look(place, num_format=code))

    def _set_heights(self) -> None:
        """As high as the texts need: a spreadsheet does not fit merged cells by itself."""
        spans = {(each.first_row, each.first_column): each for each in self._merges}
        heights: dict[int, float] = {}
        for place, cell in self._source.cells.items():
            row, column = place
            if not isinstance(cell.value, str) or (row < self._head and place not in spans):
                continue
            merge = spans.get(place, Merge(row, column, row, column))
            width = sum(
                self._widths.get(at, _WIDTH) for at in range(merge.first_column, merge.last_column + 1)
            )
            size = TITLE_SIZE if row < self._head and self._is_title(place) else 10
            height = (height_of(seen(cell.value[:2000]), width, size) + 3) / (
                merge.last_row - merge.first_row + 1
            )
            for each in range(row, merge.last_row + 1):
                heights[each] = max(heights.get(each, ROW_HEIGHT), height)
        for row, height in heights.items():
            self.sheet.set_row(row, min(height, _HIGHEST))

    def _comment(self) -> None:
        author = _AUTHOR.in_(self._language)
        self.sheet.set_comments_author(author)
        told = comments_by_place(self._source.name, self._findings, self._language)
        for place, text in list(told.items())[:COMMENTS]:
            # As wide as two dozen Chinese characters, and as high as the text then is.
            options = {
                "author": author,
                "width": 260,
                "height": int(height_of(text, 34, 9) * 4 / 3) + 16,
                "font_name": "宋体",
                "font_size": 9,
                "visible": False,
            }
            self.sheet.write_comment(*place, text, options)


def _fills(sheet: str, findings: Sequence[Finding]) -> dict[Place, Weight]:
    """The weight by which a cell is coloured: the heaviest of what was found there."""
    order = list(FILLS)
    fills: dict[Place, Weight] = {}
    for finding in (one for each in findings for one in each.by_cell()):
        if finding.place is not None and finding.sheet in {sheet, None}:
            before = fills.get(finding.place, finding.weight)
            fills[finding.place] = min(before, finding.weight, key=order.index)
    return fills
